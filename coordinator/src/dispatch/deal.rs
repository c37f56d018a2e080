//! Counting users by worker and class, and choosing the worker with the fewest.
//!
//! "Fewest" is by capacity: `(a + ½) / capacity`, compared as products of integers. Given to the smallest each time, no two
//! workers differ by more than `(a − ½) / capacity ≤ (b + ½) / capacity`, which for equal ones is one user.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::even::Even;

/// Users per worker, and per class and worker.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    pub(super) capacities: Vec<u32>,
    pub(super) totals: Vec<u32>,
    /// For each class, for each worker.
    pub(super) by_class: Vec<Vec<u32>>,
}

impl Tally {
    pub(super) fn new(capacities: Vec<u32>, classes: usize) -> Self {
        let workers = capacities.len();
        Self { capacities, totals: vec![0; workers], by_class: vec![vec![0; workers]; classes] }
    }

    pub(super) fn add(&mut self, seat: u32, class: u16) {
        self.totals[seat as usize] += 1;
        self.by_class[usize::from(class)][seat as usize] += 1;
    }

    fn entry(&self, seat: u32, class: u16) -> Entry {
        let at = seat as usize;
        Entry {
            of_class: self.by_class[usize::from(class)][at],
            total: self.totals[at],
            capacity: self.capacities[at],
            seat,
        }
    }
}

/// Compares `(2a + add) / cap_a` with `(2b + add) / cap_b`: `add` 1 for who is to get one, −1 for who is to give one.
pub(super) fn by_load((a, cap_a): (u32, u32), (b, cap_b): (u32, u32), add: i64) -> Ordering {
    load(a, add, cap_b).cmp(&load(b, add, cap_a))
}

/// Whether one more than its due: `(a − ½) / cap_a > (b + ½) / cap_b`.
pub(super) fn exceeds((a, cap_a): (u32, u32), (b, cap_b): (u32, u32)) -> bool {
    load(a, -1, cap_b) > load(b, 1, cap_a)
}

/// Below 2^33 · 2^24.
fn load(count: u32, add: i64, factor: u32) -> i64 {
    (2 * i64::from(count) + add) * i64::from(factor)
}

/// A worker as it stood when it was last looked at for a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    of_class: u32,
    total: u32,
    capacity: u32,
    seat: u32,
}

impl Ord for Entry {
    /// The greatest is the one to be given to: fewest of the class, then in total, then the lowest number.
    fn cmp(&self, other: &Self) -> Ordering {
        by_load((other.of_class, other.capacity), (self.of_class, self.capacity), 1)
            .then_with(|| by_load((other.total, other.capacity), (self.total, self.capacity), 1))
            .then_with(|| other.seat.cmp(&self.seat))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Gives slots to whoever has the fewest of the class, then in total, then the lowest number. While it is in use, its tally only
/// grows by it.
pub(super) enum Choice {
    Even(Even),
    Heaps(Heaps),
}

impl Choice {
    /// Among these seats, in order.
    pub(super) fn new(eligible: Vec<u32>, tally: &Tally) -> Self {
        let mut capacities = eligible.iter().map(|seat| tally.capacities[*seat as usize]);
        let first = capacities.next();
        if capacities.all(|capacity| Some(capacity) == first) {
            Self::Even(Even::new(eligible, tally))
        } else {
            Self::Heaps(Heaps::new(eligible))
        }
    }

    /// The worker for one slot more of `class`, counted as given; `None` when nobody is eligible.
    pub(super) fn pick(&mut self, class: u16, tally: &mut Tally) -> Option<u32> {
        match self {
            Self::Even(even) => even.pick(class, tally),
            Self::Heaps(heaps) => heaps.pick(class, tally),
        }
    }
}

/// Chooses among workers of any capacities.
///
/// A heap for each class. Users of other classes change a worker's total and not its place in the heap, so an entry that comes
/// up is compared with the tally first and put back where it belongs. As counts only grow, what comes up and is up to date
/// is the least of all. So a slot costs a few steps in a heap and no look at every worker.
pub(super) struct Heaps {
    eligible: Vec<u32>,
    heaps: Vec<Option<BinaryHeap<Entry>>>,
}

impl Heaps {
    fn new(eligible: Vec<u32>) -> Self {
        Self { eligible, heaps: Vec::new() }
    }

    /// The worker for one slot more of `class`, counted as given; `None` when nobody is eligible.
    fn pick(&mut self, class: u16, tally: &mut Tally) -> Option<u32> {
        let index = usize::from(class);
        if self.heaps.len() <= index {
            self.heaps.resize_with(index + 1, || None);
        }
        let eligible = &self.eligible;
        let heap = self.heaps[index]
            .get_or_insert_with(|| eligible.iter().map(|seat| tally.entry(*seat, class)).collect());
        loop {
            let mut top: PeekMut<'_, Entry> = heap.peek_mut()?;
            let now = tally.entry(top.seat, class);
            if *top == now {
                tally.add(now.seat, class);
                *top = tally.entry(now.seat, class);
                return Some(now.seat);
            }
            *top = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bits_and_heaps_choose_the_fewest(
            counts in prop::collection::vec((prop::collection::vec(0_u32..4, 3), any::<bool>()), 1..150),
            slots in prop::collection::vec(0_u16..3, 0..200),
        ) {
            let mut tally = Tally::new(vec![1; counts.len()], 3);
            for (seat, (of_class, _)) in (0..).zip(&counts) {
                for (class, count) in (0..).zip(of_class) {
                    (0..*count).for_each(|_| tally.add(seat, class));
                }
            }
            let eligible: Vec<u32> =
                (0..).zip(&counts).filter(|(_, (_, eligible))| *eligible).map(|(seat, _)| seat).collect();
            let (mut by_bits, mut by_heaps) = (tally.clone(), tally.clone());
            let mut even = Even::new(eligible.clone(), &by_bits);
            let mut heaps = Heaps::new(eligible.clone());
            for class in slots {
                let key = |seat: &u32| (tally.entry(*seat, class).of_class, tally.totals[*seat as usize], *seat);
                let expected = eligible.iter().map(key).min().map(|(_, _, seat)| seat);
                prop_assert_eq!(even.pick(class, &mut by_bits), expected);
                prop_assert_eq!(heaps.pick(class, &mut by_heaps), expected);
                if let Some(seat) = expected {
                    tally.add(seat, class);
                }
            }
        }
    }
}
