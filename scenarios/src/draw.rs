//! Random draws that are the same wherever and whenever a user runs.
//!
//! A [`Draw`] is a generator of one short stream. Its seed is mixed from what names the stream (run seed, slot, life,
//! iteration), so an early end or a late answer in one place shifts nothing in another. It does not know what is drawn:
//! weights are in `alias`, templates and waits in their own modules.
//!
//! The numbers are part of what a seed means. The known-answer tests below pin them; they never change.

/// The step of `SplitMix64`: 2^64 / golden ratio, odd.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a stream is for, so that equal coordinates in two of them give unrelated draws. Numbers are never reused.
#[derive(Clone, Copy)]
enum Stream {
    Iteration = 1,
    Wait = 2,
    Think = 3,
    OnStart = 4,
    OnStop = 5,
    Branch = 6,
    Arrivals = 7,
    Arrival = 8,
    ArrivalThink = 9,
    BranchAgain = 20,
    BranchThink = 21,
    ArrivalBranch = 22,
    ArrivalBranchThink = 23,
    Round = 24,
    ArrivalRound = 25,
    Row = 30,
    ArrivalRow = 31,
    Shuffle = 32,
}

/// A generator of 64-bit numbers: `SplitMix64`.
///
/// Each number costs one addition and one mix of three shifts and two multiplications, about a nanosecond. The state
/// is 64 bits, so a stream repeats only after 2^64 numbers; an iteration draws a few dozen.
///
/// Seeding absorbs one coordinate after the other, each through a full mix:
/// `h = m(run_seed ^ stream)`, `h = m(h ^ slot)`, `h = m(h ^ life)`, `h = m(h ^ iteration)`, where `m(x)` is the mix of
/// `x + GOLDEN`. It is a bijection in which each input bit flips about half of the output bits, so slot 7 and slot 8
/// share nothing. XOR-ing the coordinates into one word would not do: (slot 1, iteration 2) and (slot 2, iteration 1)
/// would draw the same.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators" (2014), with Stafford's mix 13.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draw {
    state: u64,
}

impl Draw {
    /// A stream from a bare seed. Any value is as good as any other, 0 too.
    pub fn from_seed(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The stream of one iteration: which task, which values.
    pub fn iteration(run_seed: u64, slot: u64, life: u32, iteration: u64) -> Self {
        Self::seeded(run_seed, Stream::Iteration, &[slot, u64::from(life), iteration])
    }

    /// The stream of the wait after one iteration.
    pub fn wait(run_seed: u64, slot: u64, life: u32, iteration: u64) -> Self {
        Self::seeded(run_seed, Stream::Wait, &[slot, u64::from(life), iteration])
    }

    /// The stream of the think times within one iteration.
    pub fn think(run_seed: u64, slot: u64, life: u32, iteration: u64) -> Self {
        Self::seeded(run_seed, Stream::Think, &[slot, u64::from(life), iteration])
    }

    /// The stream of `on_stop` when `stopping`, else of `on_start`.
    pub fn lifecycle(run_seed: u64, slot: u64, life: u32, stopping: bool) -> Self {
        let stream = if stopping { Stream::OnStop } else { Stream::OnStart };
        Self::seeded(run_seed, stream, &[slot, u64::from(life)])
    }

    /// The stream of one branch of a `parallel` step of an iteration.
    pub fn branch(run_seed: u64, slot: u64, life: u32, iteration: u64, step: u32, branch: u32) -> Self {
        let place = (u64::from(step) << 32) | u64::from(branch);
        Self::seeded(run_seed, Stream::Branch, &[slot, u64::from(life), iteration, place])
    }

    /// The stream of one branch of a `parallel` step that its iteration has gone through before. `of` is (slot, life,
    /// iteration), `place` (step, branch, times before).
    pub fn branch_again(run_seed: u64, of: (u64, u32, u64), place: (u32, u32, u64)) -> Self {
        Self::of_branch(run_seed, Stream::BranchAgain, of, place)
    }

    /// The stream of the think times within one branch; coordinates as in [`branch_again`](Self::branch_again).
    pub fn branch_think(run_seed: u64, of: (u64, u32, u64), place: (u32, u32, u64)) -> Self {
        Self::of_branch(run_seed, Stream::BranchThink, of, place)
    }

    fn of_branch(run_seed: u64, stream: Stream, of: (u64, u32, u64), place: (u32, u32, u64)) -> Self {
        let ((slot, life, iteration), (step, branch, nth)) = (of, place);
        let place = (u64::from(step) << 32) | u64::from(branch);
        Self::seeded(run_seed, stream, &[slot, u64::from(life), iteration, place, nth])
    }

    /// The stream of one branch of a `parallel` step of an arrival; `place` is (step, branch, times before).
    pub fn arrival_branch(run_seed: u64, number: u64, place: (u32, u32, u64)) -> Self {
        Self::of_arrival_branch(run_seed, Stream::ArrivalBranch, number, place)
    }

    /// The stream of the think times within such a branch.
    pub fn arrival_branch_think(run_seed: u64, number: u64, place: (u32, u32, u64)) -> Self {
        Self::of_arrival_branch(run_seed, Stream::ArrivalBranchThink, number, place)
    }

    fn of_arrival_branch(run_seed: u64, stream: Stream, number: u64, place: (u32, u32, u64)) -> Self {
        let (step, branch, nth) = place;
        let place = (u64::from(step) << 32) | u64::from(branch);
        Self::seeded(run_seed, stream, &[number, place, nth])
    }

    /// The stream of the order in which a user goes through its tasks in one round.
    pub fn round(run_seed: u64, slot: u64, life: u32, round: u64) -> Self {
        Self::seeded(run_seed, Stream::Round, &[slot, u64::from(life), round])
    }

    /// The stream of the order in which the arrivals of a class go through its tasks in one round.
    pub fn arrival_round(run_seed: u64, class: u16, round: u64) -> Self {
        Self::seeded(run_seed, Stream::ArrivalRound, &[u64::from(class), round])
    }

    /// The stream of the gaps between the arrivals of a run.
    pub fn arrivals(run_seed: u64) -> Self {
        Self::seeded(run_seed, Stream::Arrivals, &[])
    }

    /// The stream of one arrival of the open model: which task, which values, wherever it runs.
    pub fn arrival(run_seed: u64, number: u64) -> Self {
        Self::seeded(run_seed, Stream::Arrival, &[number])
    }

    /// The stream of the think times within one arrival.
    pub fn arrival_think(run_seed: u64, number: u64) -> Self {
        Self::seeded(run_seed, Stream::ArrivalThink, &[number])
    }

    /// The stream of the row that one iteration has of a feeder with `order: random`.
    pub fn row(run_seed: u64, slot: u64, life: u32, iteration: u64, feeder: u32) -> Self {
        Self::seeded(run_seed, Stream::Row, &[slot, u64::from(life), iteration, u64::from(feeder)])
    }

    /// Likewise of an arrival.
    pub fn arrival_row(run_seed: u64, number: u64, feeder: u32) -> Self {
        Self::seeded(run_seed, Stream::ArrivalRow, &[number, u64::from(feeder)])
    }

    /// The stream of the order that the rows of a feeder have in one round with `order: shuffled`.
    pub fn shuffle(run_seed: u64, feeder: u32, round: u64) -> Self {
        Self::seeded(run_seed, Stream::Shuffle, &[u64::from(feeder), round])
    }

    fn seeded(run_seed: u64, stream: Stream, coordinates: &[u64]) -> Self {
        let absorb = |hash: u64, word: u64| mix((hash ^ word).wrapping_add(GOLDEN));
        let start = absorb(run_seed, stream as u64);
        Self { state: coordinates.iter().fold(start, |hash, &word| absorb(hash, word)) }
    }

    /// The next number, uniform over all of `u64`.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        mix(self.state)
    }

    /// The next number in `[0, 1)`, uniform in steps of 2^-53. Takes one [`next_u64`](Self::next_u64).
    pub fn next_f64(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.next_u64() >> 11) as f64 * STEP
    }

    /// The next whole number from `lo` to `hi`, both included; `int(5, 1)` means `int(1, 5)`.
    ///
    /// Takes exactly one [`next_u64`](Self::next_u64), whatever the range: `lo + ⌊x · span / 2^64⌋`. No value is more
    /// than `span / 2^64` likelier than another: for a span of a million one part in 10^13.
    pub fn int(&mut self, lo: i64, hi: i64) -> i64 {
        let (lo, hi) = if lo <= hi { (lo, hi) } else { (hi, lo) };
        let span = u128::from(hi.abs_diff(lo)) + 1;
        let (offset, _) = scale(self.next_u64(), span);
        lo.wrapping_add_unsigned(offset)
    }
}

/// Splits `x / 2^64 · span` into its whole part and its fraction in units of 2^-64; `span` is at most 2^64.
#[expect(clippy::cast_possible_truncation, reason = "the halves of a 128-bit number are taken apart")]
pub(crate) fn scale(x: u64, span: u128) -> (u64, u64) {
    let wide = u128::from(x) * span;
    ((wide >> 64) as u64, wide as u64)
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn first(mut draw: Draw) -> u64 {
        draw.next_u64()
    }

    #[test]
    fn the_generator_is_the_published_one() {
        let mut draw = Draw::from_seed(1_234_567);
        let known = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
        ];
        assert_eq!(known.map(|_| draw.next_u64()), known);
        assert_eq!(first(Draw::from_seed(0)), 0xe220_a839_7b1d_cdaf);
    }

    /// These never change: a seed in a report must give the same course with every later version.
    #[test]
    fn streams_are_pinned() {
        assert_eq!(first(Draw::iteration(42, 0, 0, 0)), 5_793_752_358_520_498_610);
        assert_eq!(first(Draw::iteration(42, 7, 1, 1000)), 1_795_334_878_722_369_783);
        assert_eq!(first(Draw::wait(42, 7, 1, 1000)), 2_470_582_774_922_641_570);
        assert_eq!(first(Draw::think(42, 7, 1, 1000)), 3_300_990_266_101_258_370);
        assert_eq!(first(Draw::lifecycle(42, 7, 1, false)), 348_244_894_977_839_535);
        assert_eq!(first(Draw::lifecycle(42, 7, 1, true)), 5_844_182_352_405_528_128);
        assert_eq!(first(Draw::branch(42, 7, 1, 1000, 3, 2)), 3_455_051_060_962_929_609);
        let mut draw = Draw::iteration(42, 0, 0, 1);
        assert_eq!([0; 6].map(|_| draw.int(1, 6)), [1, 6, 3, 3, 3, 1]);
        assert_eq!(draw.next_f64().to_bits(), (608_952_663_753_453.0_f64 / 2.0_f64.powi(53)).to_bits());
    }

    /// Σ (observed − expected)² / expected over 100 equal buckets of 10 000 draws: 99 on average, above 149 once in a
    /// thousand times for a perfect generator.
    fn chi_square(draws: impl Iterator<Item = u64>) -> f64 {
        let mut buckets = [0_u32; 100];
        draws.take(10_000).for_each(|x| buckets[usize::try_from(scale(x, 100).0).unwrap()] += 1);
        buckets.iter().map(|&seen| (f64::from(seen) - 100.0).powi(2) / 100.0).sum()
    }

    #[test]
    fn neighbours_draw_unrelated_numbers() {
        type Make = fn(u64) -> Draw;
        let streams: [(&str, Make); 8] = [
            ("slot", |i| Draw::iteration(1, i, 0, 0)),
            ("life", |i| Draw::iteration(1, 0, u32::try_from(i).unwrap(), 0)),
            ("iteration", |i| Draw::iteration(1, 0, 0, i)),
            ("seed", |i| Draw::iteration(i, 0, 0, 0)),
            ("wait", |i| Draw::wait(1, i, 0, 0)),
            ("think", |i| Draw::think(1, 0, 0, i)),
            ("on_start", |i| Draw::lifecycle(1, i, 0, false)),
            ("branch", |i| Draw::branch(1, 0, 0, 0, 0, u32::try_from(i).unwrap())),
        ];
        for (name, stream) in streams {
            let numbers: Vec<u64> = (0..10_001).map(|i| first(stream(i))).collect();
            let high = chi_square(numbers.iter().copied());
            let low = chi_square(numbers.iter().map(|x| x.reverse_bits()));
            let steps = chi_square(numbers.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])));
            assert!(high.max(low).max(steps) < 149.0, "{name}: {high} {low} {steps}");
            // Of 64 bits 32 change, give or take 0.04 in the mean of 10 000.
            let changed: u32 = numbers.windows(2).map(|pair| (pair[0] ^ pair[1]).count_ones()).sum();
            assert!((f64::from(changed) / 10_000.0 - 32.0).abs() < 0.16, "{name}: {changed}");
        }
    }

    #[test]
    fn coordinates_are_not_interchangeable() {
        let firsts = [
            Draw::iteration(1, 2, 3, 4),
            Draw::iteration(1, 3, 2, 4),
            Draw::iteration(1, 4, 3, 2),
            Draw::iteration(2, 1, 3, 4),
            Draw::wait(1, 2, 3, 4),
            Draw::think(1, 2, 3, 4),
            Draw::lifecycle(1, 2, 3, true),
            Draw::lifecycle(1, 2, 3, false),
            Draw::branch(1, 2, 3, 4, 0, 0),
            Draw::branch(1, 2, 3, 4, 0, 1),
            Draw::branch(1, 2, 3, 4, 1, 0),
            Draw::branch_again(1, (2, 3, 4), (0, 0, 1)),
            Draw::branch_again(1, (2, 3, 4), (0, 1, 1)),
            Draw::branch_again(1, (2, 3, 4), (0, 0, 2)),
            Draw::branch_think(1, (2, 3, 4), (0, 0, 1)),
            Draw::arrival_branch(1, 2, (3, 4, 0)),
            Draw::arrival_branch(1, 2, (3, 4, 1)),
            Draw::arrival_branch_think(1, 2, (3, 4, 0)),
            Draw::round(1, 2, 3, 4),
            Draw::arrival_round(1, 2, 3),
        ]
        .map(first);
        let distinct: std::collections::BTreeSet<u64> = firsts.into_iter().collect();
        assert_eq!(distinct.len(), firsts.len());
    }

    #[test]
    fn a_die_is_fair_and_whole_ranges_are_reached() {
        let mut draw = Draw::from_seed(9);
        let mut seen = [0_u32; 6];
        (0..60_000).for_each(|_| seen[usize::try_from(draw.int(1, 6)).unwrap() - 1] += 1);
        assert!(seen.iter().all(|count| count.abs_diff(10_000) < 400), "{seen:?}");
        let (mut a, mut b) = (Draw::from_seed(5), Draw::from_seed(5));
        let unsigned = a.next_u64();
        assert_eq!(b.int(i64::MIN, i64::MAX), i64::MIN.wrapping_add_unsigned(unsigned));
        assert_eq!((scale(u64::MAX, 6).0, scale(0, 6).0), (5, 0));
    }

    proptest! {
        #[test]
        fn int_stays_in_range_and_takes_one_number(seed: u64, a: i64, b: i64) {
            let mut draw = Draw::from_seed(seed);
            let mut other = draw.clone();
            let mut turned = draw.clone();
            let x = draw.int(a, b);
            prop_assert!(a.min(b) <= x && x <= a.max(b));
            prop_assert_eq!(turned.int(b, a), x);
            other.next_u64();
            prop_assert_eq!(draw, other);
        }

        #[test]
        fn floats_stay_below_one(seed: u64) {
            let x = Draw::from_seed(seed).next_f64();
            prop_assert!((0.0..1.0).contains(&x));
        }
    }
}
