//! When slots that are taken over start: one after the other at the spawn rate, one takeover after the other.

use std::collections::HashMap;
use std::time::Duration;

use stampede_scenarios::rate::Rate;

use super::slots::{Dispatch, Moment, NONE, Slot};

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
/// their turn among all slots of the takeover, those between them evenly.
#[derive(Debug, Clone)]
struct Wave {
    from: Duration,
    /// `None` for a single slot.
    rate: Option<Rate>,
}

/// A wave while its takeover is made: places in the takeover of its first and its last slot, and how many slots there are.
struct Making {
    wave: u32,
    first: u64,
    last: u64,
    slots: u32,
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
        for (place, index) in (0..).zip(granted) {
            let slot = &mut self.slots[*index as usize];
            let wave = making.entry((slot.owner, slot.class, slot.life)).or_insert_with(|| {
                let from = base.saturating_add(m.rate.time_of(place));
                waves.push(Wave { from, rate: None });
                let wave = u32::try_from(waves.len() - 1).unwrap_or(NONE);
                Making { wave, first: place, last: place, slots: 0 }
            });
            (slot.wave, slot.place) = (wave.wave, wave.slots);
            wave.last = place;
            wave.slots += 1;
        }
        for wave in making.into_values().filter(|wave| wave.slots > 1) {
            let rate = scaled(m.rate, u64::from(wave.slots - 1), wave.last - wave.first);
            waves[wave.wave as usize].rate = rate;
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
