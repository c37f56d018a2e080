//! When slots that are taken over start: one after the other at the spawn rate, one takeover after the other.

use std::collections::HashMap;
use std::time::Duration;

use stampede_scenarios::rate::Rate;

use super::slots::{Dispatch, Moment, NONE, Slot, number};

/// The starts that are still to come.
#[derive(Debug, Clone, Default)]
pub(super) struct Takeovers {
    waves: Vec<Wave>,
    /// The first start of the next takeover may be then.
    end: Duration,
}

/// Slots of one class and life that one worker takes over at once; each knows its place among them.
///
/// The wire has an even distance between the starts of a grant; so the first and the last slot start exactly when it is
/// their turn among all slots of the takeover, those between them evenly. Where that would be too far from their turn, a
/// wave ends and another begins.
#[derive(Debug, Clone)]
struct Wave {
    from: Duration,
    /// `None` for a single slot.
    rate: Option<Rate>,
}

/// How many of its own slots a wave may be ahead of its turns, or behind.
const TOLERANCE: u64 = 1;

/// A wave while its takeover is made. Places are those among all slots of the takeover, counted from the wave's first.
struct Making {
    wave: u32,
    /// The place of its first slot in the takeover.
    first: u64,
    /// Number and place of its newest slot.
    newest: (u32, u64),
    /// Slots a place, as fractions: even starts from the first slot on, as fast as these, are close enough to all turns so far.
    least: (u64, u64),
    most: (u64, u64),
}

impl Making {
    fn new(wave: u32, first: u64) -> Self {
        Self { wave, first, newest: (0, 0), least: (0, 1), most: (1, 1) }
    }

    /// Takes one slot more, unless with an even distance up to it another slot would start too far from its turn.
    fn takes(&mut self, place: u64) -> bool {
        let (slot, places) = (self.newest.0 + 1, place - self.first);
        let slots = u64::from(slot);
        if is_less((slots, places), self.least) || is_less(self.most, (slots, places)) {
            return false;
        }
        let (least, most) = ((slots.saturating_sub(TOLERANCE), places), (slots + TOLERANCE, places));
        self.least = if is_less(self.least, least) { least } else { self.least };
        self.most = if is_less(most, self.most) { most } else { self.most };
        self.newest = (slot, places);
        true
    }
}

fn is_less(a: (u64, u64), b: (u64, u64)) -> bool {
    u128::from(a.0) * u128::from(b.1) < u128::from(b.0) * u128::from(a.1)
}

impl Takeovers {
    /// Whether every start is at or before `at`.
    pub(super) fn are_past(&self, at: Duration) -> bool {
        self.end <= at
    }

    /// Forgets all waves; no slot may name one any more.
    pub(super) fn clear(&mut self) {
        self.waves.clear();
    }

    /// When a slot of the wave starts, run time.
    pub(super) fn start(&self, slot: &Slot) -> Duration {
        let Some(wave) = self.waves.get(slot.wave as usize) else { return Duration::ZERO };
        wave.rate.map_or(wave.from, |rate| wave.from.saturating_add(rate.time_of(u64::from(slot.place))))
    }

    /// The rate of the slot's wave.
    pub(super) fn rate(&self, slot: &Slot) -> Option<Rate> {
        self.waves.get(slot.wave as usize)?.rate
    }
}

impl Dispatch {
    /// Gives the slots, just granted and in slot order, their starts.
    pub(super) fn pace(&mut self, granted: &[u32], m: &Moment) {
        if granted.is_empty() {
            return;
        }
        let base = m.at.max(self.takeovers.end);
        let waves = &mut self.takeovers.waves;
        let mut making: HashMap<(u32, u16, u32), Making> = HashMap::new();
        let mut made = Vec::new();
        for (place, index) in (0..).zip(granted) {
            let slot = &mut self.slots[*index as usize];
            let key = (slot.owner, slot.class, slot.life);
            let newest = |wave: &mut Making| wave.takes(place).then_some((wave.wave, wave.newest.0));
            (slot.wave, slot.place) = making.get_mut(&key).and_then(newest).unwrap_or_else(|| {
                let wave = number(waves.len());
                waves.push(Wave { from: base.saturating_add(m.rate.time_of(place)), rate: None });
                made.extend(making.insert(key, Making::new(wave, place)));
                (wave, 0)
            });
        }
        made.extend(making.into_values());
        for Making { wave, newest: (slots, places), .. } in made.into_iter().filter(|made| made.newest.0 > 0)
        {
            waves[wave as usize].rate = scaled(m.rate, u64::from(slots), places);
        }
        self.takeovers.end = base.saturating_add(m.rate.time_of(granted.len() as u64));
    }

    /// Once all starts are past the slots are like any others.
    pub(super) fn forget_past_starts(&mut self, at: Duration) {
        if self.takeovers.are_past(at) && !self.takeovers.waves.is_empty() {
            self.slots.iter_mut().for_each(|slot| slot.wave = NONE);
            self.takeovers.clear();
        }
    }
}

/// `rate · num / den`, to within 2^-31 where it does not fit.
fn scaled(rate: Rate, num: u64, den: u64) -> Option<Rate> {
    let mut num = u128::from(rate.num()) * u128::from(num);
    let mut den = u128::from(rate.den()) * u128::from(den);
    let common = gcd(num, den);
    (num, den) = (num / common, den / common);
    let too_long = 64_u32.saturating_sub(num.max(den).leading_zeros());
    (num, den) = (num >> too_long, den >> too_long);
    let fit = |part: u128| u64::try_from(part.max(1)).unwrap_or(u64::MAX);
    Rate::new(fit(num), fit(den))
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}
