//! The whole course of a test, computed without running it: what `coordinator plan` shows.
//!
//! Profile, class sequence and number of workers come in; out comes every start and stop of every user in order of time,
//! and from these the users by worker and class at each second. How they are printed is the coordinator's business.

use std::time::Duration;

use crate::deal::Dealing;
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
    let dealing = Dealing::fresh(workers, table.iter().map(|slot| (slot.class, slot.rank)));
    let slots: Vec<(u16, u32)> =
        dealing.users().iter().zip(dealing.owners()).map(|(user, &owner)| (user.0, owner)).collect();

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
