//! Which of a thread's users are to run now: the profile and the thread's slots in, starts and stops out. Pure.
//!
//! Slot k is wanted while `users_at(t) > k`. Slots are kept in ascending order, so the wanted ones are a prefix, and only its
//! end has to be looked at. Example: slots 0, 3, 6 of a ramp at 10/s start at 0, 0.3 and 0.6 s.

use std::sync::Arc;
use std::time::Duration;

use stampede_scenarios::profile::Profile;

/// A user this thread may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotGrant {
    /// The user's number in the whole test.
    pub slot: u32,
    /// Its class.
    pub class: u16,
    /// How often the slot was started before.
    pub life: u32,
    /// It starts at this run time at the earliest.
    pub not_before: Duration,
}

/// What is to be done with a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotChange {
    /// Its user begins.
    Start(SlotGrant),
    /// Its user finishes.
    Stop(u32),
}

/// A thread's slots.
#[derive(Debug, Default)]
pub struct SlotTable {
    profile: Option<Arc<Profile>>,
    entries: Vec<Entry>,
    /// Entries before this one are wanted (though some may have to wait for their `not_before`).
    wanted: usize,
    /// Wanted entries whose `not_before` has not come.
    delayed: Vec<usize>,
}

#[derive(Debug)]
struct Entry {
    grant: SlotGrant,
    started: bool,
}

impl SlotTable {
    /// Replaces profile and slots. Users of slots that are no longer there are stopped; the others go on.
    pub fn assign(&mut self, profile: Arc<Profile>, mut grants: Vec<SlotGrant>) -> Vec<SlotChange> {
        grants.sort_unstable_by_key(|grant| grant.slot);
        let old = std::mem::take(&mut self.entries);
        let mut started = old.iter().filter(|entry| entry.started).map(|entry| entry.grant.slot).peekable();
        let mut changes = Vec::new();
        for grant in grants {
            while let Some(gone) = started.next_if(|slot| *slot < grant.slot) {
                changes.push(SlotChange::Stop(gone));
            }
            let runs = started.next_if_eq(&grant.slot).is_some();
            self.entries.push(Entry { grant, started: runs });
        }
        changes.extend(started.map(SlotChange::Stop));
        self.profile = Some(profile);
        // What runs was wanted; `step` brings the border to where the new profile has it.
        self.wanted = self.entries.iter().rposition(|entry| entry.started).map_or(0, |last| last + 1);
        self.delayed = (0..self.wanted).filter(|index| !self.entries[*index].started).collect();
        changes
    }

    /// What is to be done at run time `now`. Starts come in ascending, stops in descending order.
    pub fn step(&mut self, now: Duration) -> Vec<SlotChange> {
        let Some(profile) = &self.profile else { return Vec::new() };
        let users = profile.users_at(now);
        let wanted = self.entries.partition_point(|entry| entry.grant.slot < users);
        let mut changes = Vec::new();
        for index in (wanted..self.wanted).rev() {
            let entry = &mut self.entries[index];
            if std::mem::take(&mut entry.started) {
                changes.push(SlotChange::Stop(entry.grant.slot));
            }
        }
        self.delayed.retain(|index| *index < wanted);
        self.delayed.extend(self.wanted..wanted);
        self.wanted = wanted;
        let entries = &mut self.entries;
        self.delayed.retain(|index| {
            let entry = &mut entries[*index];
            let waits = entry.grant.not_before > now;
            if !waits {
                entry.started = true;
                changes.push(SlotChange::Start(entry.grant));
            }
            waits
        });
        changes
    }

    /// The next run time after `now` at which [`Self::step`] has something to do.
    pub fn next(&self, now: Duration) -> Option<Duration> {
        let profile = self.profile.as_ref()?;
        let start = self.entries.get(self.wanted).and_then(|entry| profile.next_start(entry.grant.slot, now));
        let last = self.wanted.checked_sub(1).and_then(|index| self.entries.get(index));
        let stop = last.and_then(|entry| profile.next_stop(entry.grant.slot, now));
        let delayed = self.delayed.iter().map(|index| self.entries[*index].grant.not_before).min();
        [start, stop, delayed].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use stampede_scenarios::rate::Rate;

    fn grants(slots: &[u32]) -> Vec<SlotGrant> {
        let grant = |slot: &u32| SlotGrant { slot: *slot, class: 0, life: 0, not_before: Duration::ZERO };
        slots.iter().map(grant).collect()
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn rate(per_second: u64) -> Rate {
        Rate::new(per_second, 1).expect("positive")
    }

    /// Runs the table by its own alarm clock and notes what happened when.
    fn course(table: &mut SlotTable, mut now: Duration, until: Duration) -> Vec<(u128, char, u32)> {
        let mut seen = Vec::new();
        loop {
            for change in table.step(now) {
                seen.push(match change {
                    SlotChange::Start(grant) => (now.as_millis(), '+', grant.slot),
                    SlotChange::Stop(slot) => (now.as_millis(), '-', slot),
                });
            }
            match table.next(now) {
                Some(next) if next <= until => now = next.max(now),
                _ => return seen,
            }
        }
    }

    #[test]
    fn slots_start_at_their_time_in_the_ramp() {
        let mut table = SlotTable::default();
        let profile = Profile::ramp(200, rate(10));
        assert!(table.assign(Arc::new(profile), grants(&[6, 0, 3])).is_empty());
        assert_eq!(course(&mut table, ms(0), ms(10_000)), [(0, '+', 0), (300, '+', 3), (600, '+', 6)]);
    }

    #[test]
    fn fewer_users_stop_the_last_first_and_more_bring_them_back() {
        let mut table = SlotTable::default();
        let profile = Profile::ramp(4, rate(1000));
        table.assign(Arc::new(profile.clone()), grants(&[0, 1, 2, 3]));
        table.step(ms(100));
        let profile = profile.changed(ms(200), 1, rate(10)).changed(ms(1000), 2, rate(10));
        assert!(table.assign(Arc::new(profile), grants(&[0, 1, 2, 3])).is_empty());
        let seen = course(&mut table, ms(200), ms(5000));
        assert_eq!(seen, [(200, '-', 3), (300, '-', 2), (400, '-', 1), (1000, '+', 1)]);
    }

    #[test]
    fn a_slot_taken_away_stops_and_one_given_starts_no_earlier_than_told() {
        let mut table = SlotTable::default();
        let profile = Arc::new(Profile::ramp(4, rate(1000)));
        table.assign(Arc::clone(&profile), grants(&[0, 1]));
        assert_eq!(table.step(ms(100)).len(), 2);
        let mut next = grants(&[0, 2, 3]);
        next[1].not_before = ms(700);
        next[2].not_before = ms(600);
        assert_eq!(table.assign(profile, next), [SlotChange::Stop(1)]);
        assert_eq!(course(&mut table, ms(100), ms(5000)), [(600, '+', 3), (700, '+', 2)]);
    }
}
