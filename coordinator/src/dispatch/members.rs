//! What joins, losses, leaves and returns mean for the slots.

use std::collections::HashMap;
use std::time::Duration;

use stampede_scenarios::deal::deal;

use super::deal::{Choice, Tally};
use super::level::level;
use super::seats::{Chair, PROBATION, Seat, Standing, eligible, present};
use super::slots::{Dispatch, Moment, NONE, State, number};

impl Dispatch {
    /// Deals slots, (class, rank) in slot order, to workers with these capacities, at the start: revision 1.
    ///
    /// To equal ones so that at every prefix totals and every class differ by at most one. To unequal ones by the class, then
    /// the total, so that each class is even by capacity at every prefix; both cannot be had (`docs/design/dealing.md`).
    pub fn fresh(capacities: &[u32], users: impl Iterator<Item = (u16, u32)>) -> Self {
        let mut dispatch = Self::empty(capacities, users);
        if capacities.is_empty() {
            return dispatch;
        }
        let owners = if dispatch.chairs.iter().all(|chair| chair.capacity == dispatch.chairs[0].capacity) {
            let users: Vec<_> = dispatch.slots.iter().map(|slot| (slot.class, slot.rank)).collect();
            deal(capacities.len(), &users)
        } else {
            let mut tally = dispatch.tally();
            let mut choice = Choice::new(eligible(&dispatch.chairs).collect(), &tally);
            let pick = |class| choice.pick(class, &mut tally).unwrap_or(0);
            dispatch.slots.iter().map(|slot| slot.class).map(pick).collect()
        };
        for (slot, owner) in dispatch.slots.iter_mut().zip(owners) {
            (slot.state, slot.owner, slot.since) = (State::Granted, owner, 1);
            dispatch.chairs[owner as usize].granted += 1;
        }
        (0..number(capacities.len())).for_each(|seat| dispatch.touch(seat));
        dispatch
    }

    /// More slots at the end: users by hand. As the load profile goes with a share, every share is new.
    pub fn grow(&mut self, users: impl Iterator<Item = (u16, u32)>, m: &Moment) {
        self.append(users);
        self.renew();
        self.redeal(m, false);
    }

    /// Something that goes with every share is new: the load profile.
    pub fn renew(&mut self) {
        self.revision += 1;
        for seat in 0..self.chairs.len() {
            if self.chairs[seat].is_there() {
                self.touch(number(seat));
            }
        }
    }

    /// A worker joins and takes its part: first of what nobody runs, then from the others.
    pub fn join(&mut self, capacity: u32, m: &Moment) -> Seat {
        let seat = self.chairs.len();
        self.chairs.push(Chair::new(capacity));
        self.revision += 1;
        self.touch(number(seat));
        self.redeal(m, true);
        seat
    }

    /// A worker is lost, and its session is dead: it is told nothing more. Its slots go to others.
    pub fn lose(&mut self, seat: Seat, m: &Moment) {
        if self.chairs.get(seat).is_none_or(|chair| !chair.is_there()) {
            return;
        }
        self.revision += 1;
        self.orphan_all_of(number(seat), m);
        self.chairs[seat].standing = Standing::Lost;
        self.redeal(m, false);
    }

    /// A worker that was lost is heard again. For 30 s it gets only slots that nobody runs, and until it follows its new share
    /// that is a cut: its users from before run elsewhere, all but those it gets back.
    pub fn back(&mut self, seat: Seat, m: &Moment) {
        if self.chairs.get(seat).is_none_or(|chair| chair.standing != Standing::Lost) {
            return;
        }
        self.revision += 1;
        let chair = &mut self.chairs[seat];
        chair.standing = Standing::Returned { until: m.at.saturating_add(PROBATION) };
        chair.cut = Some(self.revision);
        self.touch(number(seat));
        self.redeal(m, false);
    }

    /// A worker wants to leave: everything is taken back from it, and nothing given any more.
    pub fn leave(&mut self, seat: Seat, m: &Moment) {
        if self.chairs.get(seat).is_none_or(|chair| !chair.is_eligible()) {
            return;
        }
        self.revision += 1;
        self.chairs[seat].standing = Standing::Leaving;
        self.touch(number(seat));
        self.redeal(m, false);
    }

    /// A worker has left and holds nothing any more.
    pub fn gone(&mut self, seat: Seat, m: &Moment) {
        self.leave(seat, m);
        let Some(chair) = self.chairs.get_mut(seat) else { return };
        if chair.standing == Standing::Lost {
            // What it had is elsewhere; it will not come back.
            chair.standing = Standing::Gone;
            return;
        }
        chair.standing = Standing::Gone;
        let owner = number(seat);
        let mut held = std::mem::take(&mut chair.releasing);
        held.retain(|index| {
            let slot = &self.slots[*index as usize];
            slot.state == State::Releasing && slot.owner == owner
        });
        self.release_all(held, m);
    }

    /// When [`tick`](Self::tick) has something to do next, run time.
    pub fn next_tick(&self) -> Option<Duration> {
        self.chairs.iter().filter_map(Chair::returned_until).min()
    }

    /// Who came back 30 s ago gets its part like one that joins.
    pub fn tick(&mut self, m: &Moment) {
        if self.next_tick().is_none_or(|next| next > m.at) {
            return;
        }
        self.chairs.iter_mut().for_each(|chair| chair.end_probation(m.at));
        self.revision += 1;
        self.redeal(m, true);
    }

    /// Deals anew what nobody runs: slots that are nobody's, or are on their way to nobody, and those not wanted now. When a
    /// worker joins, `with_surplus`, the others' surplus goes to it as well.
    fn redeal(&mut self, m: &Moment, with_surplus: bool) {
        self.forget_past_starts(m.at);
        let ahead = m.ahead.max(m.running);
        let mut tally = self.tally();
        let mut free = Vec::new();
        for (index, slot) in (0..).zip(&self.slots) {
            let target = slot.target();
            let stays = index < m.running && self.chairs.get(target as usize).is_some_and(Chair::is_eligible);
            if stays {
                tally.add(target, slot.class);
            } else {
                free.push((index, NONE));
            }
        }
        let soon = free.partition_point(|(index, _)| *index < ahead);
        let (soon, late) = free.split_at_mut(soon);
        self.choose(soon, &mut tally);
        let moves = if with_surplus { self.surplus(soon, &mut tally, ahead) } else { Vec::new() };
        self.choose(late, &mut tally);

        let mut paced: Vec<u32> = free
            .iter()
            .chain(&moves)
            .filter_map(|(index, to)| self.give(*index, *to, m).then_some(*index))
            .collect();
        paced.sort_unstable();
        self.pace(&paced, m);
    }

    fn choose(&self, free: &mut [(u32, u32)], tally: &mut Tally) {
        let mut choice = Choice::new(eligible(&self.chairs).collect(), tally);
        for (index, to) in free {
            let class = self.slots[*index as usize].class;
            *to = choice.pick(class, tally).unwrap_or(NONE);
        }
    }

    /// What has to move so that classes and totals of the slots below `ahead` are even: of a worker's slots of a class the
    /// highest. Slots just chosen an owner for, `free`, are only given another; the others are returned with their new one.
    fn surplus(&self, free: &mut [(u32, u32)], tally: &mut Tally, ahead: u32) -> Vec<(u32, u32)> {
        let before = tally.by_class.clone();
        level(tally, &present(&self.chairs).collect::<Vec<_>>());
        let mut givers: HashMap<(u32, u16), u32> = HashMap::new();
        let mut takers: Vec<Vec<u32>> = vec![Vec::new(); before.len()];
        for (class, (before, after)) in (0..).zip(before.iter().zip(&tally.by_class)) {
            for (seat, (before, after)) in (0..).zip(before.iter().zip(after)) {
                if before > after {
                    givers.insert((seat, class), before - after);
                }
                takers[usize::from(class)].extend((*before..*after).map(|_| seat));
            }
        }
        let mut moves = Vec::new();
        let mut free = free.iter_mut().rev().peekable();
        for index in (0..ahead.min(self.number_of_slots())).rev() {
            if givers.is_empty() {
                break;
            }
            let slot = &self.slots[index as usize];
            let chosen = free.next_if(|(free, _)| *free == index);
            let target = chosen.as_ref().map_or(slot.target(), |(_, to)| *to);
            let Some(left) = givers.get_mut(&(target, slot.class)) else { continue };
            let Some(taker) = takers[usize::from(slot.class)].pop() else { continue };
            *left -= 1;
            if *left == 0 {
                givers.remove(&(target, slot.class));
            }
            match chosen {
                Some((_, to)) => *to = taker,
                None => moves.push((index, taker)),
            }
        }
        moves
    }

    fn tally(&self) -> Tally {
        Tally::new(self.chairs.iter().map(|chair| chair.capacity).collect(), self.classes())
    }
}
