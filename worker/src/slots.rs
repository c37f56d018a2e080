//! Which of a thread's users are to run now: the profile and the thread's slots in, starts and stops out. Pure.
//!
//! Slot k is wanted while `users_at(t) > k`. Slots are kept in ascending order, so the wanted ones are a prefix, and only its
//! end has to be looked at. Example: slots 0, 3, 6 of a ramp at 10/s start at 0, 0.3 and 0.6 s.
//!
//! A slot never has two users: one that was told to end is known here until it has ended, and its slot starts anew only then.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use stampede_scenarios::profile::Profile;

/// Bits of a life that count starts under one grant; above them stands the life that was granted.
const LOCAL_BITS: u32 = 16;

/// A user this thread may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SlotGrant {
    /// The user's number in the whole test.
    pub slot: u32,
    /// Its class.
    pub class: u16,
    /// As granted: how often the slot changed hands before. In [`SlotChange::Start`]: as the user and the target see it.
    pub life: u32,
    /// It starts at this run time at the earliest.
    pub not_before: Duration,
}

/// What is to be done with a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotChange {
    /// A new user begins.
    Start(SlotGrant),
    /// Its user, which was to finish, goes on after all.
    GoOn(u32),
    /// Its user finishes its iteration and ends.
    Stop(u32),
    /// Its user runs elsewhere, or another one takes its place: it begins no request more and ends at once.
    Cut(u32),
}

/// Counts the lives of slots on one thread.
///
/// A slot's life is what tells its users apart, so no number of it may ever come again, on whatever worker. The coordinator
/// grants a slot with a greater life whenever it changes hands; a thread that starts a slot again under the same grant counts
/// that in the lower bits. Example: 0, 1, 2 for a slot that a profile brings back twice, 65536 after its worker was lost.
#[derive(Debug, Default)]
pub struct Lives {
    /// By slot: the life granted last, and the starts under it.
    known: HashMap<u32, (u32, u32)>,
}

impl Lives {
    /// The life of a user that starts in `slot`, for which `granted` was granted.
    pub fn next(&mut self, slot: u32, granted: u32) -> u32 {
        let (life, starts) = self.known.entry(slot).or_insert((granted, 0));
        if *life != granted {
            (*life, *starts) = (granted, 0);
        }
        let nth = *starts;
        *starts += 1;
        (granted << LOCAL_BITS).wrapping_add(nth)
    }

    /// The user that was started last in `slot` has had so many lives more than it was started with.
    pub fn skip(&mut self, slot: u32, lives: u32) {
        if let Some((_, starts)) = self.known.get_mut(&slot) {
            *starts = starts.wrapping_add(lives);
        }
    }
}

/// A thread's slots.
#[derive(Debug, Default)]
pub struct SlotTable {
    profile: Option<Arc<Profile>>,
    entries: Vec<Entry>,
    /// Entries before this one are wanted (though some may have to wait for their `not_before`).
    wanted: usize,
    /// Wanted entries that wait for their `not_before`, or for the end of the slot's last user.
    delayed: Vec<usize>,
    /// Users that were told to end and have not, by slot.
    ending: BTreeMap<u32, Ending>,
    lives: Lives,
    /// Entries whose users have ended by themselves.
    stopped: u32,
}

#[derive(Debug)]
struct Entry {
    grant: SlotGrant,
    user: Stage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It has none, or only one that is ending.
    None,
    Runs,
    /// It has ended by itself, and its slot stays empty for as long as it is wanted.
    Stopped,
    /// It was to finish and then to go on: if it was already past the point of going on, its slot starts anew.
    Revived,
}

#[derive(Debug, Clone, Copy)]
struct Ending {
    /// The life its slot was granted with.
    life: u32,
    is_cut: bool,
}

impl Ending {
    /// Whether it can go on as the user that is granted.
    fn can_be(self, grant: &SlotGrant) -> bool {
        self.life == grant.life && !self.is_cut
    }
}

impl SlotTable {
    /// Replaces profile and slots. Users of slots that are no longer there finish, or with `cut` end at once; so does one whose
    /// slot is there with another life. The others go on.
    pub fn assign(
        &mut self,
        profile: Arc<Profile>,
        mut grants: Vec<SlotGrant>,
        cut: bool,
    ) -> Vec<SlotChange> {
        grants.sort_unstable_by_key(|grant| grant.slot);
        let old = std::mem::take(&mut self.entries);
        let mut running = old.into_iter().filter(|entry| entry.user != Stage::None).peekable();
        let end = |table: &mut Self, gone: Entry, is_cut, changes: &mut Vec<SlotChange>| {
            if gone.user != Stage::Stopped {
                table.end(gone.grant, is_cut, changes);
            }
        };
        let mut changes = Vec::new();
        for grant in grants {
            while let Some(gone) = running.next_if(|entry| entry.grant.slot < grant.slot) {
                end(self, gone, cut, &mut changes);
            }
            let user = match running.next_if(|entry| entry.grant.slot == grant.slot) {
                Some(old) if old.grant.life == grant.life => old.user,
                Some(old) => {
                    end(self, old, true, &mut changes);
                    Stage::None
                }
                None => Stage::None,
            };
            self.entries.push(Entry { grant, user });
        }
        running.for_each(|gone| end(self, gone, cut, &mut changes));
        self.cut_strangers(cut, &mut changes);
        self.profile = Some(profile);
        // What runs was wanted; `step` brings the border to where the new profile has it.
        self.wanted =
            self.entries.iter().rposition(|entry| entry.user != Stage::None).map_or(0, |last| last + 1);
        self.delayed = (0..self.wanted).filter(|index| self.entries[*index].user == Stage::None).collect();
        let stopped = self.entries.iter().filter(|entry| entry.user == Stage::Stopped).count();
        self.stopped = u32::try_from(stopped).unwrap_or(u32::MAX);
        changes
    }

    fn end(&mut self, grant: SlotGrant, is_cut: bool, changes: &mut Vec<SlotChange>) {
        self.ending.insert(grant.slot, Ending { life: grant.life, is_cut });
        changes.push(if is_cut { SlotChange::Cut(grant.slot) } else { SlotChange::Stop(grant.slot) });
    }

    /// Of the users that are ending already, those must not even finish whose slot has another life; with `all` nor those
    /// that have no slot.
    fn cut_strangers(&mut self, all: bool, changes: &mut Vec<SlotChange>) {
        for (slot, ending) in self.ending.iter_mut().filter(|(_, ending)| !ending.is_cut) {
            let named = self.entries.binary_search_by_key(slot, |entry| entry.grant.slot).ok();
            let is_stranger = named.map_or(all, |index| self.entries[index].grant.life != ending.life);
            if is_stranger {
                ending.is_cut = true;
                changes.push(SlotChange::Cut(*slot));
            }
        }
    }

    /// What is to be done at run time `now`. Starts come in ascending, stops in descending order.
    pub fn step(&mut self, now: Duration) -> Vec<SlotChange> {
        let Some(profile) = &self.profile else { return Vec::new() };
        let users = profile.users_at(now);
        let wanted = self.entries.partition_point(|entry| entry.grant.slot < users);
        let mut changes = Vec::new();
        for index in (wanted..self.wanted).rev() {
            let entry = &mut self.entries[index];
            let grant = entry.grant;
            match std::mem::replace(&mut entry.user, Stage::None) {
                Stage::None => {}
                Stage::Stopped => self.stopped -= 1,
                Stage::Runs | Stage::Revived => self.end(grant, false, &mut changes),
            }
        }
        self.delayed.retain(|index| *index < wanted);
        self.delayed.extend(self.wanted..wanted);
        self.wanted = wanted;
        let Self { entries, ending, lives, delayed, .. } = self;
        delayed.retain(|index| {
            let Entry { grant, user } = &mut entries[*index];
            if grant.not_before > now {
                return true;
            }
            match ending.get(&grant.slot) {
                None => {
                    *user = Stage::Runs;
                    let life = lives.next(grant.slot, grant.life);
                    changes.push(SlotChange::Start(SlotGrant { life, ..*grant }));
                }
                Some(old) if old.can_be(grant) => {
                    *user = Stage::Revived;
                    ending.remove(&grant.slot);
                    changes.push(SlotChange::GoOn(grant.slot));
                }
                // It starts when that one has ended.
                Some(_) => return true,
            }
            false
        });
        changes
    }

    /// The next run time after `now` at which [`Self::step`] has something to do.
    pub fn next(&self, now: Duration) -> Option<Duration> {
        let profile = self.profile.as_ref()?;
        let start = self.entries.get(self.wanted).and_then(|entry| profile.next_start(entry.grant.slot, now));
        let last = self.wanted.checked_sub(1).and_then(|index| self.entries.get(index));
        let stop = last.and_then(|entry| profile.next_stop(entry.grant.slot, now));
        let delayed = self.delayed.iter().map(|index| &self.entries[*index].grant);
        let delayed =
            delayed.filter(|grant| self.ending.get(&grant.slot).is_none_or(|old| old.can_be(grant)));
        [start, stop, delayed.map(|grant| grant.not_before).min()].into_iter().flatten().min()
    }

    /// The user of `slot`, which has not ended yet or was not noticed, has had so many lives more than it was started with.
    pub fn restarted(&mut self, slot: u32, lives: u32) {
        self.lives.skip(slot, lives);
    }

    /// Slots that stay empty because their users have ended by themselves.
    pub fn stopped_count(&self) -> u32 {
        self.stopped
    }

    /// The user of `slot` has ended by itself, and its slot stays empty as long as it is wanted. Returns as [`Self::ended`] does.
    pub fn left(&mut self, slot: u32) -> bool {
        if let Ok(index) = self.entries.binary_search_by_key(&slot, |entry| entry.grant.slot) {
            let user = &mut self.entries[index].user;
            if matches!(user, Stage::Runs | Stage::Revived) {
                *user = Stage::Stopped;
                self.stopped += 1;
            }
        }
        self.ended(slot)
    }

    /// The user of `slot` has ended. Returns whether the slot is released by that: it was to end, and the newest assignment does
    /// not name it.
    pub fn ended(&mut self, slot: u32) -> bool {
        let was_ending = self.ending.remove(&slot).is_some();
        let Ok(index) = self.entries.binary_search_by_key(&slot, |entry| entry.grant.slot) else {
            return was_ending;
        };
        let entry = &mut self.entries[index];
        if entry.user == Stage::Revived {
            entry.user = Stage::None;
            self.delayed.push(index);
        }
        false
    }

    /// Slots that the newest assignment does not name and whose users are still alive, in ascending order.
    pub fn departing(&self) -> Vec<u32> {
        let is_named = |slot: &u32| self.entries.binary_search_by_key(slot, |entry| entry.grant.slot).is_ok();
        self.ending.keys().copied().filter(|slot| !is_named(slot)).collect()
    }
}

#[cfg(test)]
mod tests;
