//! Choosing the worker with the fewest among workers of equal capacity: the same choice as [`Choice`](super::deal::Choice) makes
//! by heaps, several times as fast. A million slots are dealt to a thousand workers this way.
//!
//! Sets of workers are bits. For each class there are those with the fewest users of it, and for each total those who have
//! that; the first worker in both, lowest total first, is the one.

use super::deal::Tally;

pub(super) struct Even {
    /// The eligible workers, by place; bits are places.
    seats: Vec<u32>,
    /// By total, lowest first; none is empty.
    totals: Vec<Total>,
    classes: Vec<Option<Fewest>>,
    spare: Vec<Vec<u64>>,
}

struct Total {
    users: u32,
    workers: u32,
    bits: Vec<u64>,
}

/// The workers that have the fewest users of a class.
struct Fewest {
    workers: u32,
    bits: Vec<u64>,
}

impl Even {
    /// Of `seats` in order. While it is in use, `tally` only changes by it.
    pub(super) fn new(seats: Vec<u32>, tally: &Tally) -> Self {
        let mut even = Self { seats, totals: Vec::new(), classes: Vec::new(), spare: Vec::new() };
        let mut by_total: Vec<(u32, usize)> = even
            .seats
            .iter()
            .enumerate()
            .map(|(place, seat)| (tally.totals[*seat as usize], place))
            .collect();
        by_total.sort_unstable();
        for (total, place) in by_total {
            let at = even.totals.len().saturating_sub(1);
            even.put(place, total, at);
        }
        even
    }

    /// The worker for one slot more of `class`, counted as given; `None` when nobody is eligible.
    pub(super) fn pick(&mut self, class: u16, tally: &mut Tally) -> Option<u32> {
        if self.seats.is_empty() {
            return None;
        }
        let index = usize::from(class);
        if self.classes.len() <= index {
            self.classes.resize_with(index + 1, || None);
        }
        let of_class = &tally.by_class[index];
        let fewest = self.classes[index]
            .take_if(|fewest| fewest.workers == 0)
            .map(|empty| fewest(&self.seats, of_class, empty.bits))
            .or_else(|| self.classes[index].take())
            .unwrap_or_else(|| fewest(&self.seats, of_class, vec![0; self.seats.len().div_ceil(64)]));
        let (at, place) = self.first_of(&fewest)?;
        let fewest = self.classes[index].insert(fewest);
        flip(&mut fewest.bits, place);
        fewest.workers -= 1;
        let seat = self.seats[place];
        tally.add(seat, class);
        self.raise(place, at);
        Some(seat)
    }

    /// Where in the totals, and at which place, the first of these is.
    fn first_of(&self, fewest: &Fewest) -> Option<(usize, usize)> {
        self.totals.iter().enumerate().find_map(|(at, total)| {
            let words = total.bits.iter().zip(&fewest.bits).enumerate();
            words
                .map(|(word, (a, b))| (word, a & b))
                .find(|(_, both)| *both != 0)
                .map(|(word, both)| (at, word * 64 + both.trailing_zeros() as usize))
        })
    }

    /// One user more at `place`, whose total is at `at`.
    fn raise(&mut self, place: usize, at: usize) {
        let from = &mut self.totals[at];
        flip(&mut from.bits, place);
        from.workers -= 1;
        let (total, empty) = (from.users + 1, from.workers == 0);
        self.put(place, total, at);
        if empty {
            self.spare.push(self.totals.remove(at).bits);
        }
    }

    /// Puts `place` to its total, which comes at `at` or right after it.
    fn put(&mut self, place: usize, total: u32, at: usize) {
        let at = at + usize::from(self.totals.get(at).is_some_and(|here| here.users < total));
        if self.totals.get(at).is_none_or(|here| here.users != total) {
            let words = self.seats.len().div_ceil(64);
            let bits = self.spare.pop().unwrap_or_else(|| vec![0; words]);
            self.totals.insert(at, Total { users: total, workers: 0, bits });
        }
        flip(&mut self.totals[at].bits, place);
        self.totals[at].workers += 1;
    }
}

/// Who has the fewest, in `bits`, which are all 0.
fn fewest(seats: &[u32], of_class: &[u32], mut bits: Vec<u64>) -> Fewest {
    let counts = || seats.iter().map(|seat| of_class[*seat as usize]);
    let least = counts().min();
    let mut workers = 0;
    for (place, _) in counts().enumerate().filter(|(_, count)| Some(*count) == least) {
        flip(&mut bits, place);
        workers += 1;
    }
    Fewest { workers, bits }
}

fn flip(bits: &mut [u64], place: usize) {
    bits[place / 64] ^= 1 << (place % 64);
}
