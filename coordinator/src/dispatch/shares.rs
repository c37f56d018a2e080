//! What each worker is granted, as it goes on the wire.

use std::time::Duration;

use stampede_proto::assign::Grant;
use stampede_scenarios::ranks::RankSet;
use stampede_scenarios::rate::Rate;

use super::seats::Seat;
use super::slots::{Dispatch, NONE, Slot, State};

/// A worker's slots, all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// Its number; it grows with each change of the share.
    pub revision: u64,
    /// Its slots, by class.
    pub grants: Vec<Grant>,
    /// It was lost meanwhile: users not named with the life they have run elsewhere.
    pub cut: bool,
}

/// A grant in the making: users of one class and life that start by one rule.
struct Draft {
    life: u32,
    wave: u32,
    /// The place in the wave that follows the newest slot's.
    next: u32,
    from: Duration,
    rate: Option<Rate>,
    ranks: Vec<u32>,
}

impl Dispatch {
    /// The share of one worker; run time `now`. It looks at every slot: for several workers ask [`shares`](Self::shares).
    ///
    /// A seat that there is not has an empty one.
    pub fn share(&self, seat: Seat, now: Duration) -> Share {
        let empty = Share { revision: 0, grants: Vec::new(), cut: false };
        self.shares(&[seat], now).pop().map_or(empty, |(_, share)| share)
    }

    /// The shares of these workers, in one pass over the slots. Starts at or before the run time `now` are not told.
    pub fn shares(&self, seats: &[Seat], now: Duration) -> Vec<(Seat, Share)> {
        self.shares_of_first(self.number_of_slots(), seats, now)
    }

    /// The same, of the first so many slots only: users that were asked for and called off before they were due have slots,
    /// but no profile speaks of them.
    pub fn shares_of_first(&self, slots: u32, seats: &[Seat], now: Duration) -> Vec<(Seat, Share)> {
        let classes = self.classes();
        let mut asked = vec![None; self.chairs.len()];
        let mut wanted: Vec<Seat> = Vec::with_capacity(seats.len());
        for seat in seats {
            if let Some(place @ None) = asked.get_mut(*seat) {
                *place = Some(wanted.len());
                wanted.push(*seat);
            }
        }
        let past = self.takeovers.are_past(now);
        let mut drafts: Vec<Vec<Draft>> = Vec::new();
        drafts.resize_with(wanted.len() * classes, Vec::new);
        for slot in self.slots.iter().take(slots as usize).filter(|slot| slot.state == State::Granted) {
            if let Some(place) = asked[slot.owner as usize] {
                let start = if past { Duration::ZERO } else { self.takeovers.start(slot) };
                let drafts = &mut drafts[place * classes + usize::from(slot.class)];
                add(drafts, slot, (start > now).then(|| (start, self.takeovers.rate(slot))));
            }
        }
        let mut drafts = drafts.into_iter();
        let share = |seat: Seat| {
            let of_class = |(class, drafts): (u16, Vec<Draft>)| {
                drafts.into_iter().map(move |draft| draft.grant(class)).collect::<Vec<_>>()
            };
            let grants = (0..).zip(drafts.by_ref().take(classes)).flat_map(of_class).collect();
            let chair = &self.chairs[seat];
            (seat, Share { revision: chair.revision, grants, cut: chair.cut.is_some() })
        };
        wanted.into_iter().map(share).collect()
    }
}

impl Draft {
    fn grant(self, class: u16) -> Grant {
        let rate = self.rate.filter(|_| self.ranks.len() > 1);
        Grant { class, ranks: RankSet::from_sorted(self.ranks), life: self.life, from: self.from, rate }
    }
}

/// Puts a slot into the draft it belongs to. One that is still to start, then and at that rate, continues a draft only at the
/// next place of its wave, so that its start stays where it was when a slot before it is gone.
fn add(drafts: &mut Vec<Draft>, slot: &Slot, start: Option<(Duration, Option<Rate>)>) {
    let wave = if start.is_some() { slot.wave } else { NONE };
    let goes_on = |draft: &&mut Draft| {
        draft.life == slot.life && draft.wave == wave && (wave == NONE || draft.next == slot.place)
    };
    let next = slot.place.wrapping_add(1);
    if let Some(draft) = drafts.iter_mut().rev().find(goes_on) {
        draft.ranks.push(slot.rank);
        draft.next = next;
    } else {
        let (from, rate) = start.unwrap_or((Duration::ZERO, None));
        drafts.push(Draft { life: slot.life, wave, next, from, rate, ranks: vec![slot.rank] });
    }
}
