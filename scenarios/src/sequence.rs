//! Which user class each slot belongs to.
//!
//! Weights and fixed counts come in as integers; out comes one endless sequence of (slot, class, rank), the same on the
//! coordinator and on every worker. It does not know when a slot runs (`profile`) or where (`deal`).

use crate::rate::gcd;

/// What a class gets of the users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClassShare {
    /// So many users, before any weighted class gets one.
    Count(u32),
    /// A share of the rest, in proportion to the other weights. 0 gets nothing.
    Weight(u64),
}

/// One slot's class and its place in that class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SlotClass {
    /// The slot, from 0 without gaps.
    pub slot: u64,
    /// Index of the class, in the order of the shares.
    pub class: u16,
    /// Which user of its class this is, from 0 without gaps.
    pub rank: u32,
}

/// The sequence of classes: fixed counts first, then the weighted classes for ever.
///
/// Both parts are made by P-fair scheduling. A class with share p (its weight over the sum of weights) may have its user
/// j only at the positions ⌊j/p⌋ … ⌈(j+1)/p⌉ − 1; each position goes to the class, among those that may have it, whose
/// last possible position comes first, of equal ones to the lower index. Then at every prefix of n slots each class has
/// more than n·p − 1 and fewer than n·p + 1 users, and where n·p is whole for all, exactly that.
///
/// Weights 3 and 1 (p = 3/4 and 1/4). A's windows are 0-1, 1-2, 2-3, then again from 4; B's are 0-3, 4-7. Position 0:
/// both may, A's window ends first: A. Position 1: A's second window ends at 2, B's at 3: A. Position 2: A's third and
/// B's both end at 3, so the lower index: A. Position 3: B. So A A A B for ever.
///
/// Giving each slot to the class furthest behind its share looks the same and is not: with many classes it drifts to
/// more than one user off.
///
/// Source: Baruah, Cohen, Plaxton, Varvel, "Proportionate progress" (1996); earliest deadline first is optimal for unit
/// jobs on one processor, and the windows leave no position empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClassSequence {
    counted: Vec<Claim>,
    weighted: Vec<Claim>,
    classes: usize,
}

/// A class and its reduced weight, above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Claim {
    class: u16,
    weight: u64,
}

impl ClassSequence {
    /// The sequence of these shares, class i being `shares[i]`. Scaling all weights changes nothing.
    ///
    /// Classes are numbered in 16 bits: shares beyond the 65 536th get nothing.
    pub fn new(shares: &[ClassShare]) -> Self {
        let (mut counted, mut weighted) = (Vec::new(), Vec::new());
        for (class, share) in (0..=u16::MAX).zip(shares) {
            match *share {
                ClassShare::Count(0) | ClassShare::Weight(0) => {}
                ClassShare::Count(count) => counted.push(Claim { class, weight: u64::from(count) }),
                ClassShare::Weight(weight) => weighted.push(Claim { class, weight }),
            }
        }
        let common = weighted.iter().fold(0, |common, claim| gcd(common, claim.weight));
        for claim in &mut weighted {
            claim.weight /= common;
        }
        Self { counted, weighted, classes: shares.len() }
    }

    /// The number of classes, those that get nothing included.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many slots there are: `None` without end, the sum of the fixed counts where no class has a weight.
    pub fn len(&self) -> Option<u64> {
        self.weighted.is_empty().then(|| self.fixed())
    }

    /// Whether no class gets any user.
    pub fn is_empty(&self) -> bool {
        self.len() == Some(0)
    }

    /// How many slots come once, and how many are in each round that follows them for ever; 0 if none does.
    pub(crate) fn period(&self) -> (u64, u64) {
        (self.fixed(), self.weighted.iter().fold(0, |sum, claim| sum.saturating_add(claim.weight)))
    }

    /// The number of slots of fixed-count classes.
    fn fixed(&self) -> u64 {
        self.counted.iter().map(|claim| claim.weight).sum()
    }

    /// All slots in order. One slot costs a comparison per class, and nothing is kept.
    pub fn iter(&self) -> impl Iterator<Item = SlotClass> + use<> {
        // Over the whole of a period every class gets exactly its weight: the counts, here.
        let fixed = usize::try_from(self.fixed()).unwrap_or(usize::MAX);
        let users = PFair::new(&self.counted).take(fixed).chain(PFair::new(&self.weighted));
        (0_u64..).zip(users).map(|(slot, (class, rank))| SlotClass { slot, class, rank })
    }

    /// The first `n` slots; fewer where there are fewer.
    pub fn table(&self, n: u32) -> Vec<SlotClass> {
        self.iter().take(usize::try_from(n).unwrap_or(usize::MAX)).collect()
    }

    /// How many of the first `n` slots each class has.
    ///
    /// After as many slots as the weights sum up to the sequence begins anew, so only what is beyond whole rounds is walked.
    pub fn counts_of_prefix(&self, n: u64) -> Vec<u64> {
        let mut counts = vec![0; self.classes];
        let walk = |claims: &[Claim], n: u64, counts: &mut Vec<u64>| {
            let round: u64 = claims.iter().map(|claim| claim.weight).sum();
            let (rounds, rest) = (n.checked_div(round).unwrap_or(0), n.checked_rem(round).unwrap_or(0));
            for claim in claims {
                counts[usize::from(claim.class)] += claim.weight * rounds;
            }
            for (class, _) in PFair::new(claims).take(usize::try_from(rest).unwrap_or(usize::MAX)) {
                counts[usize::from(class)] += 1;
            }
        };
        walk(&self.counted, n.min(self.fixed()), &mut counts);
        walk(&self.weighted, n.saturating_sub(self.fixed()), &mut counts);
        counts
    }

    /// The way back for the first `n` slots: from class and rank to the slot.
    pub fn index(&self, n: u32) -> SlotIndex {
        SlotIndex::new(self.classes, &self.table(n))
    }
}

/// One part of the sequence: (class, rank), without end unless there is no class.
struct PFair {
    runners: Vec<Runner>,
    position: u128,
}

/// A class on its way: the window of its next user, kept as quotient and remainder so that nothing is ever divided.
struct Runner {
    class: u16,
    weight: u128,
    /// 1/p = sum of weights / weight, as a whole number and so many `weight`-ths.
    period: (u128, u128),
    rank: u32,
    /// rank / p: the first position of the window is its whole part.
    release: (u128, u128),
    /// (rank + 1) / p: the window ends before this, rounded up.
    end: (u128, u128),
}

impl PFair {
    fn new(claims: &[Claim]) -> Self {
        let sum: u128 = claims.iter().map(|claim| u128::from(claim.weight)).sum();
        let runner = |claim: &Claim| {
            let weight = u128::from(claim.weight);
            let period = (sum / weight, sum % weight);
            Runner { class: claim.class, weight, period, rank: 0, release: (0, 0), end: period }
        };
        Self { runners: claims.iter().map(runner).collect(), position: 0 }
    }
}

impl Iterator for PFair {
    type Item = (u16, u32);

    fn next(&mut self) -> Option<Self::Item> {
        // `min_by_key` keeps the first of equal ones: the lower class.
        let due = self.runners.iter_mut().filter(|runner| runner.release.0 <= self.position);
        let next = due.min_by_key(|runner| runner.deadline())?;
        self.position += 1;
        Some(next.advance())
    }
}

impl Runner {
    fn deadline(&self) -> u128 {
        self.end.0 + u128::from(self.end.1 > 0)
    }

    fn advance(&mut self) -> (u16, u32) {
        let user = (self.class, self.rank);
        self.rank = self.rank.wrapping_add(1);
        self.release = self.end;
        let (whole, part) = (self.end.0 + self.period.0, self.end.1 + self.period.1);
        self.end = if part < self.weight { (whole, part) } else { (whole + 1, part - self.weight) };
        user
    }
}

/// Where the users of each class are among the first n slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotIndex {
    /// Per class, the slots of its users in order of rank.
    slots: Vec<Vec<u64>>,
}

impl SlotIndex {
    /// Indexes a [`ClassSequence::table`] of so many classes. Entries of other classes are left out.
    pub fn new(classes: usize, table: &[SlotClass]) -> Self {
        let mut slots = vec![Vec::new(); classes];
        for entry in table {
            if let Some(of_class) = slots.get_mut(usize::from(entry.class)) {
                of_class.push(entry.slot);
            }
        }
        Self { slots }
    }

    /// The slot of the user with this rank in this class; `None` beyond the table.
    pub fn slot_of(&self, class: u16, rank: u32) -> Option<u64> {
        self.slots.get(usize::from(class))?.get(usize::try_from(rank).ok()?).copied()
    }

    /// How many users each class has among the first `n` slots, as far as the table goes.
    pub fn counts(&self, n: u32) -> Vec<u32> {
        let below = |slots: &Vec<u64>| slots.partition_point(|slot| *slot < u64::from(n));
        self.slots.iter().map(|slots| u32::try_from(below(slots)).unwrap_or(u32::MAX)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn weights(weights: &[u64]) -> ClassSequence {
        ClassSequence::new(&weights.iter().map(|&weight| ClassShare::Weight(weight)).collect::<Vec<_>>())
    }

    fn classes(sequence: &ClassSequence, n: u32) -> Vec<u16> {
        sequence.table(n).iter().map(|slot| slot.class).collect()
    }

    /// Slots count up, and so do ranks within each class; returns the users of each class at each prefix.
    fn check(sequence: &ClassSequence, n: u32) -> Vec<Vec<u32>> {
        let mut counts = vec![0_u32; sequence.classes()];
        let mut prefixes = vec![counts.clone()];
        for (slot, entry) in (0_u64..).zip(sequence.table(n)) {
            let count = &mut counts[usize::from(entry.class)];
            assert_eq!((entry.slot, entry.rank), (slot, *count));
            *count += 1;
            prefixes.push(counts.clone());
        }
        prefixes
    }

    /// |users − n · weight / sum| < 1, in integers.
    fn less_than_one_off(count: u32, n: usize, weight: u64, sum: u64) -> bool {
        (u128::from(count) * u128::from(sum)).abs_diff(n as u128 * u128::from(weight)) < u128::from(sum)
    }

    #[test]
    fn small_examples() {
        assert_eq!(classes(&weights(&[3, 1]), 8), [0, 0, 0, 1, 0, 0, 0, 1]);
        assert_eq!(classes(&weights(&[1, 1, 1]), 6), [0, 1, 2, 0, 1, 2]);
        assert_eq!(classes(&weights(&[1, 0, 2]), 6), [2, 0, 2, 2, 0, 2]);
        assert_eq!(check(&weights(&[20, 25]), 45)[45], [20, 25]);
    }

    #[test]
    fn counts_of_a_prefix_are_those_of_its_slots() {
        let shares =
            [ClassShare::Weight(4), ClassShare::Count(3), ClassShare::Weight(6), ClassShare::Weight(0)];
        for sequence in [ClassSequence::new(&shares), weights(&[3, 1]), weights(&[0])] {
            let mut counts = vec![0; sequence.classes()];
            let mut slots = sequence.iter();
            for n in 0..40 {
                assert_eq!(sequence.counts_of_prefix(n), counts, "{n}");
                if let Some(slot) = slots.next() {
                    counts[usize::from(slot.class)] += 1;
                }
            }
        }
    }

    #[test]
    fn fixed_counts_come_first_and_interleaved() {
        let shares =
            [ClassShare::Weight(2), ClassShare::Count(4), ClassShare::Weight(1), ClassShare::Count(2)];
        let sequence = ClassSequence::new(&shares);
        assert_eq!(classes(&sequence, 12), [1, 1, 3, 1, 1, 3, 0, 0, 2, 0, 0, 2]);
        assert_eq!((sequence.len(), sequence.classes()), (None, 4));
        check(&sequence, 100);
    }

    #[test]
    fn without_weights_the_sequence_ends() {
        let sequence =
            ClassSequence::new(&[ClassShare::Count(2), ClassShare::Count(0), ClassShare::Weight(0)]);
        assert_eq!((sequence.len(), sequence.is_empty(), sequence.table(10).len()), (Some(2), false, 2));
        let nobody = ClassSequence::new(&[]);
        assert_eq!((nobody.len(), nobody.is_empty(), nobody.table(10).len()), (Some(0), true, 0));
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let sequence = weights(&[u64::MAX, 1, u64::MAX - 1, u64::MAX]);
        let last = &check(&sequence, 3000)[3000];
        assert!([1000, 999, 1001].contains(&last[0]) && last[1] <= 1, "{last:?}");
        let most = ClassSequence::new(&[ClassShare::Count(u32::MAX), ClassShare::Count(u32::MAX)]);
        assert_eq!(most.len(), Some(2 * u64::from(u32::MAX)));
        assert_eq!(most.table(4).len(), 4);
    }

    #[test]
    fn the_index_leads_back() {
        let sequence =
            ClassSequence::new(&[ClassShare::Weight(3), ClassShare::Count(5), ClassShare::Weight(0)]);
        let index = sequence.index(30);
        for entry in sequence.table(30) {
            assert_eq!(index.slot_of(entry.class, entry.rank), Some(entry.slot));
        }
        assert_eq!((index.slot_of(0, 25), index.slot_of(2, 0), index.slot_of(9, 0)), (None, None, None));
        assert_eq!(
            (index.counts(5), index.counts(12), index.counts(99)),
            (vec![0, 5, 0], vec![7, 5, 0], vec![25, 5, 0])
        );
    }

    proptest! {
        #[test]
        fn every_prefix_is_less_than_one_user_off(
            of in prop::collection::vec(prop_oneof![0_u64..10, 1_u64..1000, 1_u64..1 << 40], 1..14),
        ) {
            let sum: u64 = of.iter().sum();
            prop_assume!(sum > 0);
            for (n, counts) in check(&weights(&of), 700).iter().enumerate() {
                for (&count, &weight) in counts.iter().zip(&of) {
                    prop_assert!(less_than_one_off(count, n, weight, sum), "{n}: {counts:?}");
                }
            }
        }

        #[test]
        fn a_whole_period_is_exact_and_repeats(of in prop::collection::vec(0_u64..40, 1..8)) {
            let sum = u32::try_from(of.iter().sum::<u64>()).unwrap();
            prop_assume!(sum > 0);
            let sequence = weights(&of);
            let exact: Vec<u32> = of.iter().map(|&weight| u32::try_from(weight).unwrap()).collect();
            prop_assert_eq!(&check(&sequence, sum)[sum as usize], &exact);
            let twice = classes(&sequence, 2 * sum);
            prop_assert_eq!(&twice[..sum as usize], &twice[sum as usize..]);
        }

        #[test]
        fn scaling_all_weights_changes_nothing(of in prop::collection::vec(0_u64..1000, 1..9), factor in 2_u64..1 << 50) {
            prop_assume!(of.iter().any(|&weight| weight > 0));
            let scaled: Vec<u64> = of.iter().map(|weight| weight * factor).collect();
            prop_assert_eq!(weights(&of).table(300), weights(&scaled).table(300));
        }

        #[test]
        fn counts_are_exact_and_do_not_touch_the_weighted(
            counts in prop::collection::vec(0_u32..30, 1..5),
            of in prop::collection::vec(1_u64..30, 1..5),
        ) {
            let fixed = counts.iter().sum::<u32>();
            let shares = counts.iter().map(|&count| ClassShare::Count(count));
            let shares: Vec<_> = shares.chain(of.iter().map(|&weight| ClassShare::Weight(weight))).collect();
            let sequence = ClassSequence::new(&shares);
            let prefixes = check(&sequence, fixed + 100);
            prop_assert_eq!(&prefixes[fixed as usize][..counts.len()], &counts[..]);
            for (n, seen) in prefixes[..=fixed as usize].iter().enumerate() {
                for (&seen, &count) in seen.iter().zip(&counts) {
                    prop_assert!(less_than_one_off(seen, n, u64::from(count), u64::from(fixed)) || fixed == 0);
                }
            }
            let rest: Vec<u16> = classes(&sequence, fixed + 100).split_off(fixed as usize);
            let shift = u16::try_from(counts.len()).unwrap();
            let alone: Vec<u16> = classes(&weights(&of), 100).iter().map(|class| class + shift).collect();
            prop_assert_eq!(rest, alone);
        }
    }
}
