//! The whole course of a test, computed without running it: what `coordinator plan` shows.
//!
//! Profile, class sequence and number of workers come in; out comes every start and stop of every user in order of time,
//! and from these the users by worker and class at each second. How they are printed is the coordinator's business.

use std::time::Duration;

use crate::deal::deal;
use crate::profile::Profile;
use crate::sequence::ClassSequence;

/// One user starts or stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Change {
    /// Run time.
    pub t: Duration,
    /// The user's slot.
    pub slot: u32,
    /// The class of that slot.
    pub class: u16,
    /// The worker that runs it.
    pub worker: u32,
    /// Whether it starts; else it stops.
    pub start: bool,
}

/// All starts and stops in order of time; starts of one instant with the lowest slot first, stops with the highest.
///
/// At `until`, the run time, nothing more starts and everyone alive stops. Slots beyond the end of the sequence (fixed
/// counts only, and more users wanted) do not exist. One change costs a look at the profile's changes.
pub fn changes(
    profile: &Profile,
    sequence: &ClassSequence,
    workers: usize,
    until: Option<Duration>,
) -> Vec<Change> {
    let table = sequence.table(profile.peak());
    let users: Vec<(u16, u32)> = table.iter().map(|slot| (slot.class, slot.rank)).collect();
    let slots: Vec<(u16, u32)> =
        users.iter().zip(deal(workers, &users)).map(|(user, owner)| (user.0, owner)).collect();

    let mut course = Course { slots: &slots, alive: 0, changes: Vec::new() };
    let mut now = Duration::ZERO;
    while let Some(next) = course.next(profile, now).filter(|next| until.is_none_or(|until| *next < until)) {
        course.move_to(profile.users_at(next), next);
        now = next;
    }
    if let Some(until) = until {
        course.move_to(0, until);
    }
    course.changes
}

/// The users as they are, on the way through the profile.
struct Course<'a> {
    /// Class and worker of each slot there is.
    slots: &'a [(u16, u32)],
    alive: u32,
    changes: Vec<Change>,
}

impl Course<'_> {
    /// When the next user starts or stops, given who is alive at `now`.
    fn next(&self, profile: &Profile, now: Duration) -> Option<Duration> {
        let start = (self.alive < self.end()).then(|| profile.next_start(self.alive, now)).flatten();
        let stop = self.alive.checked_sub(1).and_then(|top| profile.next_stop(top, now));
        start.into_iter().chain(stop).min()
    }

    fn move_to(&mut self, users: u32, t: Duration) {
        let users = users.min(self.end());
        let slots = self.slots;
        let change = |slot: u32, start: bool| {
            let (class, worker) = slots[slot as usize];
            Change { t, slot, class, worker, start }
        };
        if users > self.alive {
            self.changes.extend((self.alive..users).map(|slot| change(slot, true)));
        } else {
            self.changes.extend((users..self.alive).rev().map(|slot| change(slot, false)));
        }
        self.alive = users;
    }

    fn end(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap_or(u32::MAX)
    }
}

/// The users at one second of run time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondRow {
    /// Run time in whole seconds; what changes at that very instant has happened.
    pub second: u64,
    /// Users alive: for each worker, for each class.
    pub users: Vec<Vec<u32>>,
}

impl SecondRow {
    /// Users alive on all workers.
    pub fn total(&self) -> u32 {
        self.users.iter().flatten().sum()
    }
}

/// The table of a course: a row for second 0 and every further one up to the first at which all `changes` have happened.
///
/// `changes` are in order of time, as [`changes`] gives them, so the rows can be made as they are asked for. Changes that
/// name a worker or a class beyond these numbers are left out.
pub fn by_second(changes: &[Change], workers: usize, classes: usize) -> impl Iterator<Item = SecondRow> {
    let last = changes
        .last()
        .map_or(0, |change| change.t.as_secs().saturating_add(u64::from(change.t.subsec_nanos() > 0)));
    let mut rest = changes;
    let mut users = vec![vec![0_u32; classes]; workers];
    (0..=last).map(move |second| {
        let due = rest.partition_point(|change| change.t <= Duration::from_secs(second));
        let (now, later) = rest.split_at(due);
        rest = later;
        for change in now {
            let of_worker = users.get_mut(change.worker as usize);
            if let Some(count) = of_worker.and_then(|classes| classes.get_mut(usize::from(change.class))) {
                *count = if change.start { *count + 1 } else { count.saturating_sub(1) };
            }
        }
        SecondRow { second, users: users.clone() }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::profile::Ramp;
    use crate::rate::Rate;
    use crate::sequence::ClassShare;

    fn rate(num: u64, den: u64) -> Rate {
        Rate::new(num, den).unwrap()
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn thirds() -> ClassSequence {
        ClassSequence::new(&[ClassShare::Weight(1), ClassShare::Weight(1), ClassShare::Weight(1)])
    }

    #[test]
    fn nine_users_on_three_workers() {
        let course = changes(&Profile::ramp(9, rate(2, 1)), &thirds(), 3, Some(secs(6)));
        let (starts, stops) = course.split_at(9);
        for (slot, change) in (0_u32..).zip(starts) {
            assert_eq!((change.slot, change.start, change.t), (slot, true, secs(1) * slot / 2));
        }
        assert!(stops.iter().all(|change| !change.start && change.t == secs(6)));
        assert!(stops.iter().map(|change| change.slot).eq((0..9).rev()));

        let rows: Vec<_> = by_second(&course, 3, 3).collect();
        assert_eq!(rows.iter().map(SecondRow::total).collect::<Vec<_>>(), [1, 3, 5, 7, 9, 9, 0]);
        assert_eq!(rows[4].users, vec![vec![1; 3]; 3]);
        assert_eq!((rows[6].second, by_second(&[], 2, 1).count()), (6, 1));
    }

    #[test]
    fn what_would_start_at_the_end_does_not() {
        let course = changes(&Profile::ramp(9, rate(2, 1)), &thirds(), 1, Some(secs(1)));
        let shown: Vec<_> = course.iter().map(|change| (change.slot, change.start)).collect();
        assert_eq!(shown, [(0, true), (1, true), (1, false), (0, false)]);
        assert!(changes(&Profile::ramp(9, rate(2, 1)), &thirds(), 1, Some(secs(0))).is_empty());
    }

    #[test]
    fn slots_that_do_not_exist_do_not_start() {
        let two = ClassSequence::new(&[ClassShare::Count(2)]);
        let profile = Profile::ramp(u32::MAX, rate(1, 1)).changed(secs(9), 1, rate(u64::MAX, 1));
        let shown: Vec<_> = changes(&profile, &two, 2, None)
            .iter()
            .map(|change| (change.t, change.slot, change.start))
            .collect();
        assert_eq!(shown, [(secs(0), 0, true), (secs(1), 1, true), (secs(9), 1, false)]);
    }

    proptest! {
        #[test]
        fn the_course_is_the_profile(
            ramps in prop::collection::vec((0_u64..30, 0_u32..40, 1_u64..20), 0..5),
            workers in 1_usize..6,
            until in prop::option::of(0_u64..40),
        ) {
            let ramp = |(at, to, num)| Ramp { at: secs(at), to, rate: rate(num, 2) };
            let mut ramps: Vec<_> = ramps.into_iter().map(ramp).collect();
            ramps.sort_by_key(|ramp| ramp.at);
            let profile = Profile::from_changes(ramps);
            let course = changes(&profile, &thirds(), workers, until.map(secs));
            prop_assert!(course.is_sorted_by_key(|change| change.t));
            let mut alive = 0;
            for (index, change) in course.iter().enumerate() {
                // The newest slot stops, the next one starts.
                prop_assert_eq!(change.slot, if change.start { alive } else { alive - 1 });
                alive = if change.start { alive + 1 } else { alive - 1 };
                let over = until.is_some_and(|until| change.t >= secs(until));
                prop_assert!(!(over && change.start));
                if !over && course.get(index + 1).is_none_or(|next| next.t > change.t) {
                    prop_assert_eq!(alive, profile.users_at(change.t));
                }
            }
            let end = if until.is_some() { 0 } else { profile.users_at(Duration::MAX) };
            prop_assert_eq!(alive, end);
            for row in by_second(&course, workers, 3) {
                let over = until.is_some_and(|until| row.second >= until);
                let users = if over { 0 } else { profile.users_at(secs(row.second)) };
                prop_assert_eq!(row.total(), users);
            }
        }
    }
}
