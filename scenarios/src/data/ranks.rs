//! Which user of a feeder a slot is: how many slots before it are of classes that use the feeder.
//!
//! The sequence of classes repeats itself, so a bit for each slot of its fixed part and one round says it all, with a running
//! count at every 512th of them: a bit a slot, and an answer in a few nanoseconds. In the open model the same is asked of
//! arrivals.

use crate::sequence::ClassSequence;

/// Longer rounds are not kept as bits: 2 MiB. They come of weights that nobody writes, and are walked at each question.
const LONGEST: u64 = 1 << 24;
/// Slots between two running counts.
const BLOCK: usize = 512;

/// The users of some classes, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRanks(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    /// Every slot is one of them.
    All,
    Bits(Bits),
    Walk {
        sequence: ClassSequence,
        of: Vec<bool>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Bits {
    words: Vec<u64>,
    /// How many there are before each block.
    before: Vec<u64>,
    /// Slots that come once, before those that repeat.
    fixed: u64,
    /// Slots of a round; 0: nothing repeats.
    round: u64,
}

impl UserRanks {
    /// Counts the users of the classes for which `of` is true.
    pub fn new(sequence: &ClassSequence, of: &[bool]) -> Self {
        let (fixed, round) = sequence.period();
        let is_of = |class: u16| of.get(usize::from(class)).copied().unwrap_or(false);
        if (0..).take(sequence.classes()).all(is_of) {
            return Self(Kind::All);
        }
        let length = fixed.saturating_add(round);
        if length > LONGEST {
            return Self(Kind::Walk { sequence: sequence.clone(), of: of.to_vec() });
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let mut words = vec![0_u64; length / 64 + 1];
        for (index, slot) in sequence.iter().take(length).enumerate() {
            words[index / 64] |= u64::from(is_of(slot.class)) << (index % 64);
        }
        let mut sum = 0;
        let before = words.chunks(BLOCK / 64).map(|block| {
            let here = sum;
            sum += block.iter().map(|word| u64::from(word.count_ones())).sum::<u64>();
            here
        });
        let before = before.collect();
        Self(Kind::Bits(Bits { words, before, fixed, round }))
    }

    /// How many of the first `n` slots are theirs: for a slot of theirs its rank among them.
    pub fn before(&self, n: u64) -> u64 {
        match &self.0 {
            Kind::All => n,
            Kind::Bits(bits) => bits.before(n),
            Kind::Walk { sequence, of } => {
                let counts = sequence.counts_of_prefix(n);
                counts.iter().zip(of).filter(|(_, of)| **of).map(|(count, _)| count).sum()
            }
        }
    }
}

impl Bits {
    fn before(&self, n: u64) -> u64 {
        let length = self.fixed + self.round;
        if n <= length || self.round == 0 {
            return self.count(n.min(length));
        }
        let (rounds, rest) = ((n - self.fixed) / self.round, (n - self.fixed) % self.round);
        let of_fixed = self.count(self.fixed);
        let of_round = self.count(length) - of_fixed;
        rounds * of_round + self.count(self.fixed + rest)
    }

    /// Within what is kept.
    fn count(&self, n: u64) -> u64 {
        let n = usize::try_from(n).unwrap_or(usize::MAX);
        let (word, block) = (n / 64, n / BLOCK);
        let whole = &self.words[block * (BLOCK / 64)..word];
        let part = self.words[word] & ((1 << (n % 64)) - 1);
        let within: u64 = whole.iter().chain([&part]).map(|word| u64::from(word.count_ones())).sum();
        self.before[block] + within
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::sequence::ClassShare;

    fn check(shares: &[ClassShare], of: &[bool], n: u64) {
        let sequence = ClassSequence::new(shares);
        let ranks = UserRanks::new(&sequence, of);
        let mut rank = 0;
        for slot in sequence.iter().take(usize::try_from(n).expect("small")) {
            assert_eq!(ranks.before(slot.slot), rank, "before slot {}", slot.slot);
            rank += u64::from(of[usize::from(slot.class)]);
        }
    }

    #[test]
    fn ranks_have_no_gaps_far_out_either() {
        let shares = [ClassShare::Count(5), ClassShare::Weight(3), ClassShare::Weight(700)];
        check(&shares, &[true, true, false], 5000);
        check(&shares, &[false, false, true], 5000);
        let sequence = ClassSequence::new(&shares);
        let (ranks, of) = (UserRanks::new(&sequence, &[true, false, true]), [true, false, true]);
        let counts = sequence.counts_of_prefix(10_000_019);
        let sum: u64 = counts.iter().zip(of).filter(|(_, of)| *of).map(|(count, _)| count).sum();
        assert_eq!(ranks.before(10_000_019), sum);
    }

    #[test]
    fn rounds_that_are_too_long_are_walked() {
        let shares = [ClassShare::Weight(LONGEST), ClassShare::Weight(1)];
        check(&shares, &[true, false], 300);
    }

    proptest! {
        #[test]
        fn ranks_follow_the_sequence(
            shares in proptest::collection::vec((0_u64..9, any::<bool>(), any::<bool>()), 1..6),
        ) {
            let (of, shares): (Vec<bool>, Vec<ClassShare>) = shares
                .into_iter()
                .map(|(n, counted, of)| {
                    let count = u32::try_from(n).expect("small");
                    (of, if counted { ClassShare::Count(count) } else { ClassShare::Weight(n) })
                })
                .unzip();
            check(&shares, &of, 200);
        }
    }
}
