//! The slots of a run, one by one: granted, taken back, released, granted anew.
//!
//! Who gets a slot is decided in `members`; here is what that means for the slot, its life and its owner's share.

use std::time::Duration;

use stampede_proto::assign::Held;
use stampede_scenarios::rate::Rate;

use super::seats::{Chair, Seat};
use super::takeover::Takeovers;

/// No worker, no wave.
pub(super) const NONE: u32 = u32::MAX;

/// What the time of the run says to a decision.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Run time from which on orders can take effect.
    pub at: Duration,
    /// Slots below it are wanted at that time: `users_at(at)`.
    pub running: u32,
    /// The most slots that are wanted at any time from then on. A join evens out the slots below it.
    pub ahead: u32,
    /// The most slots that were ever wanted until then.
    pub ever: u32,
    /// How fast slots that are taken over start: the spawn rate.
    pub rate: Rate,
}

/// How a slot stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// Nobody has it. `owner` is who was lost with it, if nobody else has had it since: there its user may still be, held
    /// still, and can go on.
    Orphan,
    /// Its owner's share names it.
    Granted,
    /// Taken back from its owner, who may still run it, for `next`.
    Releasing,
}

#[derive(Debug, Clone)]
pub(super) struct Slot {
    pub(super) class: u16,
    pub(super) rank: u32,
    pub(super) state: State,
    /// Of an orphan: whether it may have been started in its newest life.
    pub(super) begun: bool,
    pub(super) owner: u32,
    pub(super) next: u32,
    pub(super) life: u32,
    /// The takeover it starts in, and its place there.
    pub(super) wave: u32,
    pub(super) place: u32,
    /// The revision in which it was last granted or taken back.
    pub(super) since: u64,
}

impl Slot {
    pub(super) fn new((class, rank): (u16, u32)) -> Self {
        let (state, begun) = (State::Orphan, false);
        Self { class, rank, state, begun, owner: NONE, next: NONE, life: 0, wave: NONE, place: 0, since: 0 }
    }

    /// Who has it, or gets it when it is released.
    pub(super) fn target(&self) -> u32 {
        match self.state {
            State::Orphan => NONE,
            State::Granted => self.owner,
            State::Releasing => self.next,
        }
    }

    fn is_held_in(&self, held: &[Held]) -> bool {
        let of_class = held.binary_search_by_key(&self.class, |held| held.class);
        of_class.is_ok_and(|at| held[at].ranks.contains(self.rank))
    }
}

/// Users of a worker.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Slots that its share names.
    pub granted: u32,
    /// Slots taken back that it is not known to have released.
    pub releasing: u32,
}

/// Who has which slot, over a whole run.
#[derive(Debug, Clone)]
pub struct Dispatch {
    pub(super) slots: Vec<Slot>,
    pub(super) chairs: Vec<Chair>,
    /// Of the newest decision; shares get it when they change.
    pub(super) revision: u64,
    pub(super) takeovers: Takeovers,
    /// One more than the highest class.
    pub(super) classes: usize,
    changed: Vec<Seat>,
}

impl Dispatch {
    /// Slots, (class, rank) in slot order, and nobody who has them.
    pub(super) fn empty(capacities: &[u32], users: impl Iterator<Item = (u16, u32)>) -> Self {
        let mut dispatch = Self {
            slots: Vec::new(),
            chairs: capacities.iter().map(|capacity| Chair::new(*capacity)).collect(),
            revision: 1,
            takeovers: Takeovers::default(),
            classes: 0,
            changed: Vec::new(),
        };
        dispatch.append(users);
        dispatch
    }

    pub(super) fn append(&mut self, users: impl Iterator<Item = (u16, u32)>) {
        self.slots.extend(users.map(Slot::new));
        self.classes = self.slots.iter().map(|slot| usize::from(slot.class) + 1).max().unwrap_or(0);
    }

    /// The share of `seat` is another from this revision on.
    pub(super) fn touch(&mut self, seat: u32) {
        let at = seat as usize;
        let chair = &mut self.chairs[at];
        chair.revision = self.revision;
        if !std::mem::replace(&mut chair.changed, true) {
            self.changed.push(at);
        }
    }

    /// Whether the slot may have been started in its newest life.
    fn may_have_begun(&self, index: u32, m: &Moment) -> bool {
        index < m.ever && self.takeovers.start(&self.slots[index as usize]) <= m.at
    }

    /// Gives a slot to `to`, at once where nobody else has it. True: it is to be started there, and its start is to be paced.
    pub(super) fn give(&mut self, index: u32, to: u32, m: &Moment) -> bool {
        let slot = &mut self.slots[index as usize];
        match slot.state {
            State::Granted if slot.owner != to => self.take_back(index, to),
            State::Granted => {}
            State::Releasing if slot.owner == to => {
                (slot.state, slot.next, slot.since) = (State::Granted, NONE, self.revision);
                self.chairs[to as usize].granted += 1;
                self.touch(to);
            }
            State::Releasing => slot.next = to,
            State::Orphan if to == NONE => {}
            State::Orphan => return self.grant(index, to, m),
        }
        false
    }

    fn grant(&mut self, index: u32, to: u32, m: &Moment) -> bool {
        let slot = &mut self.slots[index as usize];
        let goes_on = slot.owner == to;
        if !goes_on {
            slot.life = slot.life.saturating_add(u32::from(slot.begun));
            slot.wave = NONE;
        }
        (slot.state, slot.owner, slot.next, slot.since) = (State::Granted, to, NONE, self.revision);
        self.chairs[to as usize].granted += 1;
        self.touch(to);
        !goes_on && index < m.running
    }

    fn take_back(&mut self, index: u32, next: u32) {
        let slot = &mut self.slots[index as usize];
        let owner = slot.owner;
        (slot.state, slot.next, slot.since) = (State::Releasing, next, self.revision);
        let chair = &mut self.chairs[owner as usize];
        chair.granted -= 1;
        chair.releasing.push(index);
        self.touch(owner);
    }

    /// Its owner has it no more. True as with [`give`](Self::give).
    pub(super) fn release(&mut self, index: u32, m: &Moment) -> bool {
        let begun = self.may_have_begun(index, m);
        let slot = &mut self.slots[index as usize];
        let next = slot.next;
        (slot.state, slot.begun, slot.owner, slot.next) = (State::Orphan, begun, NONE, NONE);
        self.chairs.get(next as usize).is_some_and(Chair::is_eligible) && self.grant(index, next, m)
    }

    /// Takes everything from a worker that is lost.
    pub(super) fn orphan_all_of(&mut self, seat: u32, m: &Moment) {
        let followed = self.chairs[seat as usize].followed;
        for index in 0..self.number_of_slots() {
            let slot = &self.slots[index as usize];
            if slot.owner != seat || slot.state == State::Orphan {
                continue;
            }
            // Where it has surely followed the grant its user can go on; else it may not have been told, or had it end.
            let stays = slot.state == State::Granted && slot.since <= followed;
            let begun = self.may_have_begun(index, m);
            let slot = &mut self.slots[index as usize];
            (slot.state, slot.begun, slot.next) = (State::Orphan, begun, NONE);
            slot.owner = if stays { seat } else { NONE };
        }
        let chair = &mut self.chairs[seat as usize];
        chair.granted = 0;
        chair.releasing = Vec::new();
    }

    /// A worker's heartbeat: all its threads follow that revision, and these users, by class, are alive that its newest
    /// assignment does not name. Slots taken back by then that are not among them go to their next owner.
    ///
    /// Costs nothing to speak of while none of its slots are being released. A revision it was never sent is not believed.
    pub fn follows(&mut self, seat: Seat, revision: u64, held: &[Held], m: &Moment) {
        if !self.is_followed(seat, revision) {
            return;
        }
        let owner = number(seat);
        let (mut released, mut kept) = (Vec::new(), Vec::new());
        for index in std::mem::take(&mut self.chairs[seat].releasing) {
            let slot = &self.slots[index as usize];
            if slot.state != State::Releasing || slot.owner != owner {
                continue;
            }
            let free = slot.since <= revision && !slot.is_held_in(held);
            if free { released.push(index) } else { kept.push(index) }
        }
        self.chairs[seat].releasing = kept;
        self.release_all(released, m);
    }

    /// The first half of [`follows`](Self::follows), for which no moment is needed: notes the revision. Whether there is more to
    /// it, as slots of this worker are being released.
    pub fn is_followed(&mut self, seat: Seat, revision: u64) -> bool {
        let Some(chair) = self.chairs.get_mut(seat) else { return false };
        if !chair.is_there() || revision > chair.revision {
            return false;
        }
        chair.followed = chair.followed.max(revision);
        chair.cut = chair.cut.filter(|cut| *cut > revision);
        !chair.releasing.is_empty()
    }

    pub(super) fn release_all(&mut self, mut slots: Vec<u32>, m: &Moment) {
        if slots.is_empty() {
            return;
        }
        self.revision += 1;
        slots.sort_unstable();
        slots.dedup();
        slots.retain(|index| self.release(*index, m));
        self.pace(&slots, m);
    }

    /// The workers whose share is another than when this was last asked, in order of their change.
    pub fn changed(&mut self) -> Vec<Seat> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.retain(|seat| {
            let chair = &mut self.chairs[*seat];
            chair.changed = false;
            chair.is_there()
        });
        changed
    }

    /// The number of slots.
    pub fn number_of_slots(&self) -> u32 {
        number(self.slots.len())
    }

    /// Users of a worker; none for a seat that there is not.
    pub fn counts(&self, seat: Seat) -> Counts {
        let Some(chair) = self.chairs.get(seat) else { return Counts::default() };
        let releases = |index: &&u32| {
            let slot = &self.slots[**index as usize];
            slot.state == State::Releasing && slot.owner == number(seat)
        };
        let releasing = number(chair.releasing.iter().filter(releases).count());
        Counts { granted: chair.granted, releasing }
    }

    /// How many of the slots wanted at `m` are on their way: nobody's, not released yet, or with their start still to come.
    pub fn on_their_way(&self, m: &Moment) -> u32 {
        let settled = |slot: &&Slot| slot.state == State::Granted && self.takeovers.start(slot) <= m.at;
        number(self.slots.iter().take(m.running as usize).filter(|slot| !settled(slot)).count())
    }

    /// How many slots there are for each class, up to the highest that has one.
    pub(super) fn classes(&self) -> usize {
        self.classes
    }
}

/// Seats and slots are fewer than 2^32.
pub(super) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(NONE)
}
