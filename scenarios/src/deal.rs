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
    /// Users per class and worker; a class has an entry from its first user on.
    by_class: Vec<Vec<u32>>,
}

impl Dealing {
    /// Deals `slots`, (class, rank) each in slot order, to so many workers. 0 workers are taken for 1.
    ///
    /// Within a class only the order counts, so the ranks may have gaps ([`local_ranks`]). About 0.1 µs a slot while
    /// there are few workers, below 1 µs with 1000 and a million slots.
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
        let of_class = self.by_class.get(usize::from(class));
        let having = |worker: usize| of_class.map_or(0, |counts| counts[worker]);
        let fewest = (0_u32..)
            .zip(&self.totals)
            .enumerate()
            .min_by_key(|&(index, (_, total))| (having(index), *total))
            .map_or(0, |(_, (worker, _))| worker);
        self.give(fewest, (class, rank));
        fewest
    }

    fn give(&mut self, owner: u32, user: (u16, u32)) {
        let (worker, class) = (owner as usize, usize::from(user.0));
        if self.by_class.len() <= class {
            self.by_class.resize(class + 1, Vec::new());
        }
        // Made full at once: a class without users costs nothing, one with some a word per worker.
        self.by_class[class].resize(self.totals.len(), 0);
        self.by_class[class][worker] += 1;
        self.totals[worker] += 1;
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
        let mut ranks = vec![vec![Vec::new(); self.by_class.len()]; self.totals.len()];
        for (&owner, &(class, rank)) in self.owners.iter().zip(&self.users) {
            ranks[owner as usize][usize::from(class)].push(rank);
        }
        let sets = |classes: Vec<Vec<u32>>| classes.into_iter().map(RankSet::from_sorted).collect();
        ranks.into_iter().map(sets).collect()
    }
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
    use super::*;

    #[test]
    fn three_equal_classes_on_three_workers() {
        let users: Vec<(u16, u32)> = (0..9_u32).map(|slot| ((slot % 3) as u16, slot / 3)).collect();
        assert_eq!(deal(3, &users), [2, 1, 0, 1, 0, 2, 0, 2, 1]);
    }
}
