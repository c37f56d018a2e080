//! How a worker's users lie on its threads, and which of them it still holds although they were taken away. Pure.
//!
//! A user that stays, or comes back before it has ended, keeps its thread. What every thread follows, and what is still held,
//! goes into the heartbeats: only then does the coordinator give a slot to somebody else.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use stampede_proto::assign::Held;
use stampede_scenarios::deal::deal;
use stampede_scenarios::ranks::RankSet;

use crate::slots::SlotGrant;

/// A user of an assignment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Assigned {
    pub(super) rank: u32,
    pub(super) grant: SlotGrant,
}

/// Where a user lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    thread: usize,
    class: u16,
    rank: u32,
    /// Newest assignment that named it.
    named: u64,
}

/// A worker's users.
#[derive(Debug)]
pub(super) struct Share {
    places: HashMap<u32, Place>,
    /// Newest assignment.
    newest: u64,
    /// What each thread follows.
    followed: Vec<u64>,
    /// Slots taken away whose users are alive, by thread.
    held: Vec<BTreeSet<u32>>,
}

impl Share {
    pub(super) fn new(threads: usize) -> Self {
        Self {
            places: HashMap::new(),
            newest: 0,
            followed: vec![0; threads],
            held: vec![BTreeSet::new(); threads],
        }
    }

    /// The newest assignment.
    pub(super) fn newest(&self) -> u64 {
        self.newest
    }

    /// Whether there was no assignment yet.
    pub(super) fn is_new(&self) -> bool {
        self.newest == 0
    }

    /// Lays the users of assignment `revision`, by slot, on the threads.
    pub(super) fn lay(&mut self, revision: u64, users: &BTreeMap<u32, Assigned>) -> Vec<Vec<SlotGrant>> {
        let threads = self.followed.len();
        if self.places.is_empty() {
            let classes: Vec<_> = users.values().map(|user| (user.grant.class, user.rank)).collect();
            for ((slot, user), thread) in users.iter().zip(deal(threads, &classes)) {
                self.place(*slot, user, thread as usize, revision);
            }
        } else {
            self.add(revision, users);
        }
        self.newest = revision;
        let mut shares = vec![Vec::new(); threads];
        for (slot, user) in users {
            shares[self.places[slot].thread].push(user.grant);
        }
        shares
    }

    /// Those that are new go to the thread with the fewest of their class, then the fewest in all.
    fn add(&mut self, revision: u64, users: &BTreeMap<u32, Assigned>) {
        let mut totals = vec![0_u32; self.followed.len()];
        let mut by_class: HashMap<u16, Vec<u32>> = HashMap::new();
        for (slot, user) in users {
            if let Some(place) = self.places.get_mut(slot) {
                place.named = revision;
                totals[place.thread] += 1;
                by_class.entry(user.grant.class).or_insert_with(|| vec![0; self.followed.len()])
                    [place.thread] += 1;
            }
        }
        for (slot, user) in users {
            if self.places.contains_key(slot) {
                continue;
            }
            let of_class = by_class.entry(user.grant.class).or_insert_with(|| vec![0; totals.len()]);
            let fewest =
                (0..totals.len()).min_by_key(|thread| (of_class[*thread], totals[*thread])).unwrap_or(0);
            of_class[fewest] += 1;
            totals[fewest] += 1;
            self.place(*slot, user, fewest, revision);
        }
    }

    fn place(&mut self, slot: u32, user: &Assigned, thread: usize, named: u64) {
        self.places.insert(slot, Place { thread, class: user.grant.class, rank: user.rank, named });
    }

    /// `thread` follows assignment `revision`; of the slots taken away from it, `departing` have users alive.
    pub(super) fn followed(&mut self, thread: usize, revision: u64, departing: Vec<u32>) {
        self.followed[thread] = self.followed[thread].max(revision);
        self.held[thread] = departing.into_iter().collect();
        if self.revision() == self.newest {
            let (newest, held) = (self.newest, &self.held);
            self.places.retain(|slot, place| place.named == newest || held[place.thread].contains(slot));
        }
    }

    /// The users of `slots`, which had been taken away from `thread`, have ended.
    pub(super) fn released(&mut self, thread: usize, slots: &[u32]) {
        for slot in slots {
            self.held[thread].remove(slot);
            if self.places.get(slot).is_some_and(|place| place.named < self.newest) {
                self.places.remove(slot);
            }
        }
    }

    /// `thread` has ended: it holds nobody, and whatever comes is followed.
    pub(super) fn ended(&mut self, thread: usize) {
        self.followed[thread] = u64::MAX;
        self.held[thread].clear();
    }

    /// The newest assignment that all threads follow.
    pub(super) fn revision(&self) -> u64 {
        self.followed.iter().copied().min().unwrap_or(0).min(self.newest)
    }

    /// How many users are held.
    pub(super) fn held_count(&self) -> usize {
        self.held.iter().map(BTreeSet::len).sum()
    }

    /// Users alive that the assignment does not name, by class and rank.
    pub(super) fn held(&self) -> Vec<Held> {
        let mut by_class: BTreeMap<u16, Vec<u32>> = BTreeMap::new();
        for place in self.held.iter().flatten().filter_map(|slot| self.places.get(slot)) {
            by_class.entry(place.class).or_default().push(place.rank);
        }
        let set = |(class, mut ranks): (u16, Vec<u32>)| {
            ranks.sort_unstable();
            Held { class, ranks: RankSet::from_sorted(ranks) }
        };
        by_class.into_iter().map(set).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn users(slots: &[u32]) -> BTreeMap<u32, Assigned> {
        let user = |slot: &u32| {
            let grant = SlotGrant { slot: *slot, class: 0, life: 0, not_before: Duration::ZERO };
            (*slot, Assigned { rank: *slot, grant })
        };
        slots.iter().map(user).collect()
    }

    fn slots(shares: &[Vec<SlotGrant>]) -> Vec<Vec<u32>> {
        shares.iter().map(|share| share.iter().map(|grant| grant.slot).collect()).collect()
    }

    #[test]
    fn a_user_keeps_its_thread_and_new_ones_go_where_there_are_fewest() {
        let mut share = Share::new(2);
        assert_eq!(slots(&share.lay(1, &users(&[0, 1, 2, 3]))), [[0, 2], [1, 3]]);
        (0..2).for_each(|thread| share.followed(thread, 1, Vec::new()));
        assert_eq!(slots(&share.lay(2, &users(&[1, 3, 7, 9]))), [[7, 9], [1, 3]]);
    }

    #[test]
    fn what_is_taken_away_is_held_until_it_has_ended() {
        let mut share = Share::new(2);
        share.lay(1, &users(&[0, 1, 2, 3]));
        assert_eq!(share.revision(), 0, "no thread has said so");
        (0..2).for_each(|thread| share.followed(thread, 1, Vec::new()));
        share.lay(2, &users(&[0, 1]));
        share.followed(0, 2, vec![2]);
        assert_eq!((share.revision(), share.held_count()), (1, 1), "the other thread has not followed");
        share.followed(1, 2, vec![3]);
        assert_eq!(share.held(), [Held { class: 0, ranks: RankSet::from_sorted(vec![2, 3]) }]);
        // One of them is wanted again, on the thread it is on.
        assert_eq!(slots(&share.lay(3, &users(&[0, 1, 3]))), [vec![0], vec![1, 3]]);
        share.followed(0, 3, vec![2]);
        share.followed(1, 3, Vec::new());
        share.released(0, &[2]);
        assert_eq!((share.revision(), share.held_count()), (3, 0));
        share.ended(0);
        share.lay(4, &users(&[]));
        share.followed(1, 4, Vec::new());
        assert_eq!(share.revision(), 4, "a thread that has ended follows everything");
    }
}
