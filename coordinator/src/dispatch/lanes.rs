//! Who runs which lanes of the open model, and how many users each may start for arrivals, over a whole run.
//!
//! As with slots, a lane is taken back, released and granted anew; but arrivals do not wait. So a hand-over names an arrival
//! ahead: the old owner runs what comes before it, the new one what follows, if the old one has confirmed by then. What
//! comes due with nobody to run it is missed, never run late.

use std::collections::BTreeMap;
use std::time::Duration;

use stampede_proto::assign::{LaneShare, OpenShare};
use stampede_scenarios::arrivals::LANES;
use stampede_scenarios::ranks::RankSet;

use super::deal::{Choice, Tally};
use super::level::level;
use super::seats::{Chair, PROBATION, Seat, Standing, eligible, present};
use super::slots::{NONE, State, number};

/// How far ahead a hand-over is: two heartbeats.
const AHEAD: Duration = Duration::from_secs(1);

/// What the time of the run says to a decision about lanes.
#[derive(Clone, Copy)]
pub struct Arriving<'a> {
    /// Run time from which on orders can take effect.
    pub at: Duration,
    /// How many arrivals are due before a run time, so the number of the first that is due then or later. Asked only where
    /// something changes hands.
    pub due_before: &'a dyn Fn(Duration) -> u64,
}

impl Arriving<'_> {
    /// The first arrival that can still be reached by an order.
    fn reach(&self) -> u64 {
        (self.due_before)(self.at)
    }

    /// The first arrival that a hand-over may name.
    fn ahead(&self) -> u64 {
        (self.due_before)(self.at.saturating_add(AHEAD))
    }
}

/// One lane.
#[derive(Debug, Clone)]
struct Lane {
    state: State,
    owner: u32,
    /// Who gets it from its releasing owner.
    next: u32,
    /// The first arrival that is its owner's.
    from: u64,
    /// Of a releasing owner: the first arrival that is not.
    until: u64,
    since: u64,
}

/// The last arrivals of an owner that has handed its lane over.
#[derive(Debug, Clone)]
struct Tail {
    lane: u32,
    seat: u32,
    from: u64,
    until: u64,
}

/// Who has which lane, over a whole run.
///
/// Its revisions are its own. They grow with each change of a share.
#[derive(Debug, Clone)]
pub struct Lanes {
    /// All there are, by number.
    all: Vec<Lane>,
    /// Of owners that are there, and not long past.
    tails: Vec<Tail>,
    chairs: Vec<Chair>,
    /// Users started beforehand, and the most there may be.
    users: u32,
    max_users: u32,
    revision: u64,
    changed: Vec<Seat>,
    /// See [`has_gaps`](Self::has_gaps).
    gaps: bool,
}

impl Lanes {
    /// Deals all lanes to workers with these capacities, from the first arrival on: revision 1. `users` are started
    /// beforehand, and `max_users` at most may there be on all workers.
    pub fn fresh(capacities: &[u32], users: u32, max_users: u32) -> Self {
        let lane = Lane { state: State::Orphan, owner: NONE, next: NONE, from: 0, until: 0, since: 0 };
        let mut lanes = Self {
            all: vec![lane; usize::from(LANES)],
            tails: Vec::new(),
            chairs: capacities.iter().map(|capacity| Chair::new(*capacity)).collect(),
            users,
            max_users,
            revision: 0,
            changed: Vec::new(),
            gaps: false,
        };
        lanes.redeal(&Arriving { at: Duration::ZERO, due_before: &|_| 0 }, false);
        lanes
    }

    /// A worker joins and takes its part.
    pub fn join(&mut self, capacity: u32, m: &Arriving<'_>) -> Seat {
        self.chairs.push(Chair::new(capacity));
        self.redeal(m, true);
        self.chairs.len() - 1
    }

    /// A worker is lost: others run what arrives in its lanes from now on.
    pub fn lose(&mut self, seat: Seat, m: &Arriving<'_>) {
        if self.chairs.get(seat).is_some_and(Chair::is_there) {
            self.chairs[seat].standing = Standing::Lost;
            self.orphan_all_of(number(seat), m);
            self.redeal(m, false);
        }
    }

    /// A worker that was lost is heard again. For 30 s it gets only lanes that nobody has.
    pub fn back(&mut self, seat: Seat, m: &Arriving<'_>) {
        if let Some(chair) = self.chairs.get_mut(seat).filter(|chair| chair.standing == Standing::Lost) {
            chair.standing = Standing::Returned { until: m.at.saturating_add(PROBATION) };
            self.redeal(m, false);
        }
    }

    /// A worker wants to leave: it runs what arrives until others have its lanes.
    pub fn leave(&mut self, seat: Seat, m: &Arriving<'_>) {
        if let Some(chair) = self.chairs.get_mut(seat).filter(|chair| chair.is_eligible()) {
            chair.standing = Standing::Leaving;
            self.redeal(m, false);
        }
    }

    /// A worker has left and runs nothing any more.
    pub fn gone(&mut self, seat: Seat, m: &Arriving<'_>) {
        let Some(chair) = self.chairs.get_mut(seat) else { return };
        if chair.standing != Standing::Gone {
            chair.standing = Standing::Gone;
            self.orphan_all_of(number(seat), m);
            self.redeal(m, false);
        }
    }

    /// All threads of a worker follow that revision: the lanes taken back by then go to their next owners. Costs nothing to
    /// speak of while none are. A revision it was never sent is not believed.
    pub fn follows(&mut self, seat: Seat, revision: u64, m: &Arriving<'_>) {
        let Some(chair) = self.chairs.get_mut(seat) else { return };
        if !chair.is_there() || revision > chair.revision || chair.releasing.is_empty() {
            return;
        }
        let owner = number(seat);
        let (mut released, mut kept) = (Vec::new(), Vec::new());
        for index in std::mem::take(&mut chair.releasing) {
            let lane = &self.all[index as usize];
            if lane.state == State::Releasing && lane.owner == owner {
                if lane.since <= revision { released.push(index) } else { kept.push(index) }
            }
        }
        chair.releasing = kept;
        if released.is_empty() {
            return;
        }
        self.revision += 1;
        let reach = m.reach();
        // One that was given back and taken again stands there twice.
        released.sort_unstable();
        released.dedup();
        for index in released {
            self.release(index, reach);
        }
    }

    /// What goes with everybody's share has changed.
    pub fn renew(&mut self) {
        self.revision += 1;
        self.touch_all();
    }

    /// Whether a lane went from one worker that stayed to another so late that arrivals may have come due in between.
    pub fn has_gaps(&self) -> bool {
        self.gaps
    }

    /// When [`tick`](Self::tick) has something to do next, run time.
    pub fn next_tick(&self) -> Option<Duration> {
        self.chairs.iter().filter_map(Chair::returned_until).min()
    }

    /// Who came back 30 s ago gets its part like one that joins.
    pub fn tick(&mut self, m: &Arriving<'_>) {
        if self.next_tick().is_none_or(|next| next > m.at) {
            return;
        }
        self.chairs.iter_mut().for_each(|chair| chair.end_probation(m.at));
        self.redeal(m, true);
    }

    /// The workers whose share is another than when this was last asked, in order of their change.
    pub fn changed(&mut self) -> Vec<Seat> {
        let mut changed = std::mem::take(&mut self.changed);
        changed.retain(|seat| {
            self.chairs[*seat].changed = false;
            self.chairs[*seat].is_there()
        });
        changed
    }

    /// A worker's part, and its revision. A seat that there is not has nothing.
    pub fn share(&self, seat: Seat) -> (u64, OpenShare) {
        let mut lanes: BTreeMap<(u64, Option<u64>), Vec<u32>> = BTreeMap::new();
        for tail in self.tails.iter().filter(|tail| tail.seat as usize == seat) {
            lanes.entry((tail.from, Some(tail.until))).or_default().push(tail.lane);
        }
        for (index, lane) in (0..).zip(&self.all).filter(|(_, lane)| lane.owner as usize == seat) {
            let until = (lane.state == State::Releasing).then_some(lane.until);
            if lane.state != State::Orphan && until.is_none_or(|until| lane.from < until) {
                lanes.entry((lane.from, until)).or_default().push(index);
            }
        }
        let share = |((from, until), lanes)| LaneShare { lanes: RankSet::from_sorted(lanes), from, until };
        let lanes = lanes.into_iter().map(share).collect();
        let (first_user, max_users) = self.users_of(seat);
        let revision = self.chairs.get(seat).map_or(0, |chair| chair.revision);
        (revision, OpenShare { lanes, first_user, max_users })
    }

    /// The number of the first user that a worker may start for arrivals, and how many.
    ///
    /// Each seat has numbers of its own, as many as one worker alone would need; the run's number is shared by capacity among
    /// those who are there.
    fn users_of(&self, seat: Seat) -> (u32, u32) {
        let spared = self.max_users.saturating_sub(self.users);
        let first = u64::from(self.users) + seat as u64 * u64::from(spared);
        // With ten million users a seat the numbers end at seat 429: those after it share the last ones.
        let first = u32::try_from(first).unwrap_or(u32::MAX).min(u32::MAX - spared);
        // One that leaves needs its users for the last arrivals.
        let there = || self.chairs.iter().enumerate().filter(|(_, chair)| chair.is_there());
        let sum = |chairs: &mut dyn Iterator<Item = (Seat, &Chair)>| -> u64 {
            chairs.map(|(_, chair)| u64::from(chair.capacity)).sum()
        };
        let before = sum(&mut there().take_while(|(other, _)| *other < seat));
        let there = sum(&mut there());
        let Some(chair) = self.chairs.get(seat).filter(|chair| chair.is_there()) else {
            return (first, 0);
        };
        let through = |capacity: u64| u128::from(spared) * u128::from(capacity) / u128::from(there.max(1));
        let part = through(before + u64::from(chair.capacity)) - through(before);
        (first, u32::try_from(part).unwrap_or(spared))
    }

    /// Deals anew what nobody has, and when a worker joins, `with_surplus`, what the others have too much of. The share of
    /// everybody is new, as the users are shared anew.
    fn redeal(&mut self, m: &Arriving<'_>, with_surplus: bool) {
        self.revision += 1;
        let (reach, ahead) = (m.reach(), m.ahead());
        self.tails.retain(|tail| tail.until > reach);
        let mut tally = Tally::new(self.chairs.iter().map(|chair| chair.capacity).collect(), 1);
        let may_keep = |seat: u32| self.chairs.get(seat as usize).is_some_and(Chair::is_eligible);
        let mut owners: Vec<u32> = self.all.iter().map(Lane::target).collect();
        for owner in &mut owners {
            if may_keep(*owner) { tally.add(*owner, 0) } else { *owner = NONE }
        }
        let mut choice = Choice::new(eligible(&self.chairs).collect(), &tally);
        for owner in owners.iter_mut().filter(|owner| **owner == NONE) {
            *owner = choice.pick(0, &mut tally).unwrap_or(NONE);
        }
        if with_surplus {
            self.move_surplus(&mut tally, &mut owners);
        }
        for (index, owner) in (0..).zip(owners) {
            self.give(index, owner, reach, ahead);
        }
        self.touch_all();
    }

    fn move_surplus(&self, tally: &mut Tally, owners: &mut [u32]) {
        let mut surplus = tally.totals.clone();
        level(tally, &present(&self.chairs).collect::<Vec<_>>());
        let mut takers = Vec::new();
        for (seat, (before, after)) in (0..).zip(surplus.iter_mut().zip(&tally.totals)) {
            takers.extend((*before..*after).map(|_| seat));
            *before = before.saturating_sub(*after);
        }
        for owner in owners.iter_mut().rev().filter(|owner| **owner != NONE) {
            let left = &mut surplus[*owner as usize];
            if *left > 0
                && let Some(taker) = takers.pop()
            {
                *left -= 1;
                *owner = taker;
            }
        }
    }

    fn give(&mut self, index: u32, to: u32, reach: u64, ahead: u64) {
        let lane = &mut self.all[index as usize];
        match lane.state {
            State::Granted if lane.owner != to => {
                (lane.state, lane.next, lane.since) = (State::Releasing, to, self.revision);
                lane.until = ahead.max(lane.from);
                self.chairs[lane.owner as usize].releasing.push(index);
            }
            State::Granted => {}
            State::Releasing if lane.owner == to => {
                self.gaps |= lane.until < reach;
                (lane.state, lane.next) = (State::Granted, NONE);
            }
            State::Releasing => lane.next = to,
            State::Orphan if to == NONE => {}
            State::Orphan => {
                let tails = self.tails.iter().filter(|tail| tail.lane == index).map(|tail| tail.until);
                let from = tails.fold(reach, u64::max);
                (lane.state, lane.owner, lane.from) = (State::Granted, to, from);
            }
        }
    }

    /// Its owner will run no more of it than its tail.
    fn release(&mut self, index: u32, reach: u64) {
        let lane = &mut self.all[index as usize];
        let (seat, next) = (lane.owner, lane.next);
        let tail = Tail { lane: index, seat, from: lane.from, until: lane.until };
        (lane.state, lane.owner, lane.next) = (State::Orphan, NONE, NONE);
        self.gaps |= lane.until < reach;
        lane.from = lane.until.max(reach);
        if tail.until > reach && tail.from < tail.until {
            self.tails.push(tail);
        }
        if self.chairs.get(next as usize).is_some_and(Chair::is_eligible) {
            (lane.state, lane.owner) = (State::Granted, next);
            self.touch(next);
        }
    }

    /// Takes everything from a worker that runs nothing any more. What it would have run of lanes handed over is its
    /// successors' as well.
    fn orphan_all_of(&mut self, seat: u32, m: &Arriving<'_>) {
        let reach = m.reach();
        for lane in self.all.iter_mut().filter(|lane| lane.owner == seat) {
            (lane.state, lane.owner, lane.next) = (State::Orphan, NONE, NONE);
        }
        for tail in self.tails.extract_if(.., |tail| tail.seat == seat).filter(|tail| tail.until > reach) {
            let lane = &mut self.all[tail.lane as usize];
            if lane.from == tail.until {
                lane.from = tail.from.max(reach);
            }
        }
        self.chairs[seat as usize].releasing = Vec::new();
    }

    fn touch_all(&mut self) {
        (0..self.chairs.len()).for_each(|seat| self.touch(number(seat)));
    }

    fn touch(&mut self, seat: u32) {
        let at = seat as usize;
        let chair = &mut self.chairs[at];
        if chair.is_there() {
            chair.revision = self.revision;
            if !std::mem::replace(&mut chair.changed, true) {
                self.changed.push(at);
            }
        }
    }
}

impl Lane {
    /// Who has it, or gets it when it is released.
    fn target(&self) -> u32 {
        match self.state {
            State::Orphan => NONE,
            State::Granted => self.owner,
            State::Releasing => self.next,
        }
    }
}
