//! What has to hold after every step of a history, and once it has come to rest.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::deal::{Tally, exceeds};
use super::super::seats::eligible;
use super::super::slots::{NONE, State};
use super::super::{Dispatch, Moment};
use super::{History, Step, Worker, expand};

impl History {
    pub(super) fn check_settled(&mut self) {
        assert!(self.dispatch.changed().is_empty(), "still changing");
        let eligible = eligible(&self.dispatch.chairs).collect::<Vec<_>>();
        let m = self.moment();
        if eligible.is_empty() {
            return;
        }
        assert_eq!(self.dispatch.on_their_way(&m), 0);
        for seat in 0..self.workers.len() {
            assert_eq!(self.dispatch.counts(seat).releasing, 0);
        }
        for user in self.table.iter().take(m.running as usize) {
            let runs = |worker: &&Worker| !worker.fenced && worker.alive.contains_key(user);
            assert_eq!(self.workers.iter().filter(runs).count(), 1, "{user:?}");
        }
        if self.never_lowered {
            self.check_even(&eligible);
        }
    }

    fn check_even(&self, eligible: &[u32]) {
        let mut tally = Tally::new(
            self.dispatch.chairs.iter().map(|chair| chair.capacity).collect(),
            self.dispatch.classes(),
        );
        self.dispatch.slots.iter().for_each(|slot| tally.add(slot.owner, slot.class));
        let of = |counts: &[u32], seat: u32| (counts[seat as usize], tally.capacities[seat as usize]);
        for a in eligible {
            for b in eligible {
                for counts in &tally.by_class {
                    assert!(!exceeds(of(counts, *a), of(counts, *b)), "class {counts:?}");
                }
                let (a, b) = (tally.totals[*a as usize], tally.totals[*b as usize]);
                assert!(
                    !self.equal || a <= b + u32::try_from(tally.by_class.len()).unwrap(),
                    "{:?}",
                    tally.totals
                );
            }
        }
    }

    pub(super) fn check(&mut self, before: &Dispatch, step: &Step) {
        let m = self.moment();
        let eligible = eligible(&self.dispatch.chairs).collect::<Vec<_>>();
        let mut taken = 0;
        for (index, (old, new)) in (0..).zip(before.slots.iter().zip(&self.dispatch.slots)) {
            assert!(new.life >= old.life, "lives only grow");
            if new.state == State::Orphan || new.target() == NONE {
                assert!(
                    eligible.is_empty() || index >= self.dispatch.number_of_slots(),
                    "slot {index} waits for nobody"
                );
            } else {
                assert!(eligible.contains(&new.target()), "slot {index} waits for one who is gone");
            }
            let ran = index < m.running
                && old.state == State::Granted
                && self.dispatch.chairs[old.owner as usize].is_eligible();
            if ran && new.state == State::Releasing {
                taken += 1;
                let may = matches!(step, Step::Join(_) | Step::Wait(_) | Step::Settle);
                assert!(may, "{step:?} stops the healthy user of slot {index}");
            }
        }
        if let Step::Join(_) = step
            && self.equal
            && self.never_lowered
        {
            let seat = self.workers.len() - 1;
            let gets = self.dispatch.slots.iter().filter(|slot| slot.target() as usize == seat).count();
            assert!(
                taken <= gets + self.dispatch.classes() * eligible.len(),
                "a join moves {taken} for {gets}"
            );
        }
        self.check_starts(&m, step);
    }

    /// Starts that were told and are still to come stay; all that are to come keep to the spawn rate.
    fn check_starts(&mut self, m: &Moment, step: &Step) {
        let seats: Vec<usize> = (0..self.workers.len()).collect();
        let told: Vec<_> =
            self.dispatch.shares(&seats, self.now).iter().map(|(_, share)| expand(share)).collect();
        if !matches!(step, Step::Settle) {
            for (before, after) in self.told.iter().zip(&told) {
                for (user, (life, start)) in before.iter().filter(|(_, (_, start))| *start > self.now) {
                    if let Some((now_life, now_start)) = after.get(user)
                        && now_life == life
                    {
                        assert!(
                            start.abs_diff(*now_start) <= Duration::from_nanos(2),
                            "{step:?} {user:?}: {start:?} {now_start:?}"
                        );
                    }
                }
            }
        }
        let mut starts: Vec<Duration> = told
            .iter()
            .flat_map(BTreeMap::values)
            .map(|(_, start)| *start)
            .filter(|start| *start > m.at)
            .collect();
        starts.sort();
        let grants =
            self.dispatch.shares(&seats, self.now).iter().map(|(_, share)| share.grants.len()).sum::<usize>();
        for (i, first) in starts.iter().enumerate() {
            for (j, last) in starts.iter().enumerate().skip(i) {
                let fit = usize::try_from(self.rate.count_by(last.saturating_sub(*first))).unwrap();
                assert!(j - i < fit + 2 * grants + 1, "{} starts where {fit} fit", j - i + 1);
            }
        }
        self.told = told;
    }
}
