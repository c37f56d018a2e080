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
}

/// A generator of 64-bit numbers: `SplitMix64`.
///
/// Each number costs one addition and one mix of three shifts and two multiplications, about a nanosecond. The state
/// is 64 bits, so a stream repeats only after 2^64 numbers; an iteration draws a few dozen.
///
/// Seeding absorbs one coordinate after the other, each through a full mix:
/// `h = mix(run_seed ^ stream)`, `h = mix(h ^ slot)`, `h = mix(h ^ life)`, `h = mix(h ^ iteration)`. The mix is a
/// bijection in which each input bit flips about half of the output bits, so slot 7 and slot 8 share nothing. XOR-ing
/// the coordinates into one word would not do: (slot 1, iteration 2) and (slot 2, iteration 1) would draw the same.
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
