//! Which worker runs which slot, and which of a worker's threads.
//!
//! Slots come in as (class, rank) in slot order, out comes an owner for each. Nothing is known here of time, of leases, or
//! of who is healthy: the caller says how many workers there are and which slots are new.

use crate::colouring::Colouring;
use crate::ranks::RankSet;

/// The owners of the slots 0, 1, 2, … among workers 0, 1, 2, …
///
/// **Fresh deal.** At every prefix of the slots, the totals of any two workers differ by at most one, and so do their users
/// of each class: at each moment of a ramp every worker runs the same number and the same mix. Cut the n workers' slots
/// into blocks of n consecutive slots, and the users of each class into blocks of n consecutive ranks. If a worker has
/// exactly one slot of each full block of either kind, and at most one of the last, both laws hold. Each slot is an edge
/// between its two blocks and its worker a colour: n colours always suffice (König).
///
/// Three workers and three equal classes, slots A B C A B C A B C: `slot mod 3` would make a worker of A only. Here slots 0-2
/// go to workers 0, 1, 2. Slot 3 (A) may not go to 0, which has an A of A's first block: 1; slot 4 (B): 0, as lowest free
/// in both. Slot 5 (C) finds only 2 free in its block of slots, but 2 has C's first; so 0 and 2 are exchanged along slots
/// 2 and 0 (C to 0, A to 2), and slot 5 takes 2. And so on, until each has an A, a B and a C in each order.
///
/// **Growth.** Slots that come later go to the worker with the fewest users of their class, then the fewest in total, then
/// the lowest number. Each class still differs by at most one, totals by at most the number of classes; nobody moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dealing {
    owners: Vec<u32>,
    users: Vec<(u16, u32)>,
    /// Users per worker.
    totals: Vec<u32>,
    /// Users per class and worker; empty for a class that has no user yet.
    by_class: Vec<Vec<u32>>,
}

impl Dealing {
    /// Deals `slots`, (class, rank) each in slot order, to so many workers. 0 workers are taken for 1.
    ///
    /// Within a class only the order counts, so the ranks may have gaps ([`local_ranks`]). A million slots of up to 20
    /// classes take 0.1 s for any number of workers to 1000; hundreds of classes on few workers make the paths long and
    /// the deal takes seconds.
    pub fn fresh(workers: usize, slots: impl Iterator<Item = (u16, u32)>) -> Self {
        let workers = workers.max(1);
        let users: Vec<(u16, u32)> = slots.collect();
        let owners = colour(workers, &users);
        let mut dealing = Self {
            owners: Vec::with_capacity(users.len()),
            users: Vec::with_capacity(users.len()),
            totals: vec![0; workers],
            by_class: Vec::new(),
        };
        for (owner, user) in owners.into_iter().zip(users) {
            dealing.give(owner, user);
        }
        dealing
    }

    /// Deals one slot more, the user `rank` of `class`, and returns its worker.
    pub fn grow(&mut self, class: u16, rank: u32) -> u32 {
        self.grow_among(class, rank, |_| true)
    }

    /// Deals one slot more to one of the workers that are `eligible`, for instance not lost. When none is, to any.
    pub fn grow_among(&mut self, class: u16, rank: u32, eligible: impl Fn(usize) -> bool) -> u32 {
        let of_class = per_worker(&mut self.by_class, class, self.totals.len());
        let having = of_class.iter().zip(&self.totals).map(|(of_class, total)| (*of_class, *total));
        // Of equal ones `min` keeps the first: the lowest number.
        let ranked =
            (0_u32..).zip(having).map(|(worker, having)| (!eligible(worker as usize), having, worker));
        let fewest = ranked.min().map_or(0, |(_, _, worker)| worker);
        self.give(fewest, (class, rank));
        fewest
    }

    fn give(&mut self, owner: u32, user: (u16, u32)) {
        per_worker(&mut self.by_class, user.0, self.totals.len())[owner as usize] += 1;
        self.totals[owner as usize] += 1;
        self.owners.push(owner);
        self.users.push(user);
    }

    /// The number of workers.
    pub fn workers(&self) -> usize {
        self.totals.len()
    }

    /// The worker of each slot, in slot order.
    pub fn owners(&self) -> &[u32] {
        &self.owners
    }

    /// Each slot's (class, rank), in slot order.
    pub fn users(&self) -> &[(u16, u32)] {
        &self.users
    }

    /// Users per worker.
    pub fn totals(&self) -> &[u32] {
        &self.totals
    }

    /// What each worker is granted: for each worker, for each class up to the highest with a user, the ranks.
    pub fn ranks(&self) -> Vec<Vec<RankSet>> {
        self.ranks_of_first(self.users.len())
    }

    /// The same of the first so many slots.
    pub fn ranks_of_first(&self, slots: usize) -> Vec<Vec<RankSet>> {
        let mut ranks = vec![vec![Vec::new(); self.by_class.len()]; self.totals.len()];
        for (&owner, &(class, rank)) in self.owners.iter().zip(&self.users).take(slots) {
            ranks[owner as usize][usize::from(class)].push(rank);
        }
        let sets = |classes: Vec<Vec<u32>>| classes.into_iter().map(RankSet::from_sorted).collect();
        ranks.into_iter().map(sets).collect()
    }
}

/// The users of one class per worker, zeros if it has none yet.
fn per_worker(by_class: &mut Vec<Vec<u32>>, class: u16, workers: usize) -> &mut [u32] {
    let class = usize::from(class);
    if by_class.len() <= class {
        by_class.resize(class + 1, Vec::new());
    }
    by_class[class].resize(workers, 0);
    &mut by_class[class]
}

/// The owner of each of `users`, (class, rank) in slot order, among `n`: a fresh deal without what growing it needs. A
/// worker deals its slots to its threads by this.
pub fn deal(n: usize, users: &[(u16, u32)]) -> Vec<u32> {
    colour(n.max(1), users)
}

/// The same users with ranks counted anew from 0 in each class, in the order given.
///
/// A worker's own users have the ranks it was granted, say 1, 4, 7; for its threads they are users 0, 1, 2 of the class.
pub fn local_ranks(users: &[(u16, u32)]) -> Vec<(u16, u32)> {
    let mut next: Vec<u32> = Vec::new();
    let count = |&(class, _): &(u16, u32)| {
        let index = usize::from(class);
        if next.len() <= index {
            next.resize(index + 1, 0);
        }
        let rank = next[index];
        next[index] += 1;
        (class, rank)
    };
    users.iter().map(count).collect()
}

fn colour(workers: usize, users: &[(u16, u32)]) -> Vec<u32> {
    let local = local_ranks(users);
    // Each class's blocks follow those of the classes before it.
    let mut blocks: Vec<usize> = Vec::new();
    for &(class, rank) in &local {
        let index = usize::from(class);
        if blocks.len() <= index {
            blocks.resize(index + 1, 0);
        }
        blocks[index] = rank as usize / workers + 1;
    }
    let mut sum = 0;
    for count in &mut blocks {
        sum += std::mem::replace(count, sum);
    }
    let mut colouring = Colouring::new(workers, users.len().div_ceil(workers), sum);
    for (slot, (class, rank)) in local.into_iter().enumerate() {
        let right = blocks[usize::from(class)] + rank as usize / workers;
        colouring.add(number(slot / workers), number(right));
    }
    colouring.into_colours()
}

/// There are fewer than 2^32 slots, and not more blocks on either side.
fn number(block: usize) -> u32 {
    u32::try_from(block).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::sequence::{ClassSequence, ClassShare};

    /// Users per worker and per (class, worker), one slot after the other.
    struct Tally {
        totals: Vec<u32>,
        by_class: Vec<Vec<u32>>,
    }

    impl Tally {
        fn new(workers: usize) -> Self {
            Self { totals: vec![0; workers], by_class: vec![vec![0; workers]; 64] }
        }

        fn add(&mut self, class: u16, owner: u32) {
            self.totals[owner as usize] += 1;
            self.by_class[usize::from(class)][owner as usize] += 1;
        }
    }

    fn spread(counts: &[u32]) -> u32 {
        counts.iter().max().unwrap() - counts.iter().min().unwrap()
    }

    /// The law of the fresh deal at every prefix.
    fn check_fresh(workers: usize, users: &[(u16, u32)], owners: &[u32]) {
        assert_eq!(owners.len(), users.len());
        let mut tally = Tally::new(workers);
        for (slot, (&(class, _), &owner)) in users.iter().zip(owners).enumerate() {
            tally.add(class, owner);
            assert!(spread(&tally.totals) <= 1, "totals at slot {slot}: {:?}", tally.totals);
            let of_class = &tally.by_class[usize::from(class)];
            assert!(spread(of_class) <= 1, "class {class} at slot {slot}: {of_class:?}");
        }
    }

    fn sequence(weights: &[u64], n: u32) -> Vec<(u16, u32)> {
        let shares: Vec<_> = weights.iter().map(|&weight| ClassShare::Weight(weight)).collect();
        ClassSequence::new(&shares).table(n).iter().map(|slot| (slot.class, slot.rank)).collect()
    }

    #[test]
    fn three_equal_classes_on_three_workers() {
        let users = sequence(&[1, 1, 1], 9);
        let owners = deal(3, &users);
        assert_eq!(owners, [2, 1, 0, 1, 0, 2, 0, 2, 1]);
        check_fresh(3, &users, &owners);
    }

    #[test]
    fn known_mixes_are_level_at_every_prefix() {
        for weights in [&[20, 25][..], &[1, 1, 1], &[5, 3, 1], &[1; 12], &[100, 1, 1], &[7, 7, 7, 7]] {
            for workers in [1, 2, 3, 4, 7, 16, 45, 63, 64, 65, 200] {
                let users = sequence(weights, 900);
                check_fresh(workers, &users, &deal(workers, &users));
            }
        }
    }

    #[test]
    fn no_worker_is_one_worker_and_no_slot_is_no_owner() {
        assert_eq!(deal(0, &[(0, 0), (1, 0)]), [0, 0]);
        assert!(deal(3, &[]).is_empty());
        let mut dealing = Dealing::fresh(0, std::iter::empty());
        assert_eq!((dealing.grow(65_535, 0), dealing.workers()), (0, 1));
    }

    #[test]
    fn growth_looks_at_the_class_then_the_total_then_the_number() {
        let mut dealing = Dealing::fresh(2, [(0, 0), (1, 0), (0, 1)].into_iter());
        assert_eq!(dealing.owners(), [0, 1, 1]);
        assert_eq!(dealing.grow(1, 1), 0, "worker 0 has none of class 1");
        assert_eq!(dealing.grow(2, 0), 0, "all equal");
        assert_eq!(dealing.grow(0, 2), 1, "equal in class 0, fewer in total");
        assert_eq!(dealing.owners(), [0, 1, 1, 0, 0, 1]);
        assert_eq!(dealing.totals(), [3, 3]);
    }

    #[test]
    fn ranks_that_are_granted_count_anew_for_threads() {
        let granted = [(0, 1), (2, 0), (0, 4), (2, 9), (0, 7)];
        assert_eq!(local_ranks(&granted), [(0, 0), (2, 0), (0, 1), (2, 1), (0, 2)]);
        assert_eq!(deal(2, &granted), deal(2, &local_ranks(&granted)));
    }

    proptest! {
        #[test]
        fn fresh_deal_is_level_at_every_prefix(
            workers in 1_usize..150,
            classes in prop::collection::vec(0_u16..6, 0..500),
        ) {
            let users: Vec<_> = classes.into_iter().map(|class| (class, 0)).collect();
            check_fresh(workers, &users, &deal(workers, &users));
        }

        #[test]
        fn few_workers_have_long_paths(workers in 2_usize..7, classes in prop::collection::vec(0_u16..30, 0..600)) {
            let users: Vec<_> = classes.into_iter().map(|class| (class, 0)).collect();
            check_fresh(workers, &users, &deal(workers, &users));
        }

        #[test]
        fn a_sequence_is_dealt_level(workers in 1_usize..40, weights in prop::collection::vec(1_u64..50, 1..8)) {
            let users = sequence(&weights, 400);
            check_fresh(workers, &users, &deal(workers, &users));
        }

        #[test]
        fn growth_follows_its_rule_and_moves_nobody(
            workers in 1_usize..12,
            fresh in 0_usize..120,
            weights in prop::collection::vec(1_u64..9, 1..6),
        ) {
            let users = sequence(&weights, 240);
            let mut dealing = Dealing::fresh(workers, users[..fresh].iter().copied());
            let before = dealing.owners().to_vec();
            let mut tally = Tally::new(workers);
            for (&(class, _), &owner) in users.iter().zip(&before) {
                tally.add(class, owner);
            }
            for &(class, rank) in &users[fresh..] {
                let key = |worker: usize| (tally.by_class[usize::from(class)][worker], tally.totals[worker], worker);
                let expected = (0..workers).map(key).min().unwrap().2;
                let owner = dealing.grow(class, rank);
                prop_assert_eq!(owner as usize, expected);
                tally.add(class, owner);
                prop_assert!(tally.by_class.iter().all(|counts| spread(counts) <= 1));
                prop_assert!(spread(&tally.totals) as usize <= weights.len());
            }
            prop_assert_eq!(&dealing.owners()[..fresh], &before[..]);
            prop_assert_eq!(dealing.totals(), &tally.totals[..]);
        }

        #[test]
        fn grants_name_every_user_once(workers in 1_usize..9, weights in prop::collection::vec(1_u64..9, 1..5)) {
            let users = sequence(&weights, 100);
            let dealing = Dealing::fresh(workers, users.iter().copied());
            let mut named = BTreeSet::new();
            for (worker, classes) in (0_u32..).zip(dealing.ranks()) {
                for (class, ranks) in (0_u16..).zip(classes) {
                    for rank in ranks.iter() {
                        let slot = users.iter().position(|user| *user == (class, rank)).unwrap();
                        prop_assert_eq!(dealing.owners()[slot], worker);
                        prop_assert!(named.insert((class, rank)));
                    }
                }
            }
            prop_assert_eq!(named.len(), users.len());
        }
    }
}
