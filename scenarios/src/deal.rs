//! Which worker runs which slot at the start, and which of a worker's threads.
//!
//! Slots come in as (class, rank) in slot order, out comes an owner for each. What becomes of that as workers come and go is
//! the coordinator's business.

use crate::colouring::Colouring;

/// The owner of each of `users`, (class, rank) in slot order, among `n` workers, or the threads of one. 0 are taken for 1.
///
/// At every prefix of the slots, the totals of any two owners differ by at most one, and so do their users of each class: at
/// each moment of a ramp every worker runs the same number and the same mix. Cut the n workers' slots into blocks of n
/// consecutive slots, and the users of each class into blocks of n consecutive ranks. If a worker has exactly one slot of each
/// full block of either kind, and at most one of the last, both laws hold. Each slot is an edge between its two blocks and its
/// worker a colour: n colours always suffice (König).
///
/// Three workers and three equal classes, slots A B C A B C A B C: `slot mod 3` would make a worker of A only. Here slots 0-2
/// go to workers 0, 1, 2. Slot 3 (A) may not go to 0, which has an A of A's first block: 1; slot 4 (B): 0, as lowest free
/// in both. Slot 5 (C) finds only 2 free in its block of slots, but 2 has C's first; so 0 and 2 are exchanged along slots
/// 2 and 0 (C to 0, A to 2), and slot 5 takes 2. And so on, until each has an A, a B and a C in each order.
///
/// Within a class only the order counts, so the ranks may have gaps ([`local_ranks`]). A million slots of up to 20 classes
/// take 0.1 s for any number of workers to 1000; hundreds of classes on few workers make the paths long and the deal takes
/// seconds.
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

    }
}
