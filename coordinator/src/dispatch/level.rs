//! What a worker that joins takes from the others: each class's surplus, then single slots until the totals are even.
//!
//! Only counts are looked at; which slots these are is the caller's business.

use super::deal::{Tally, by_load, exceeds};

/// Evens out the classes, then the totals, among `seats`, with as few moves as that takes.
///
/// With equal capacities both come out: classes and totals differ by at most one. With unequal ones classes do, and totals
/// as far as a single slot can be moved without spoiling a class.
pub(super) fn level(tally: &mut Tally, seats: &[u32]) {
    for class in 0..tally.by_class.len() {
        while let Some((from, to)) = extremes(&tally.by_class[class], &tally.capacities, seats)
            && exceeds(tally.of(class, from), tally.of(class, to))
        {
            tally.shift(class, from, to);
        }
    }
    while let Some((from, to)) = extremes(&tally.totals, &tally.capacities, seats)
        && exceeds(tally.total(from), tally.total(to))
        && let Some(class) = (0..tally.by_class.len()).find(|class| may_move(tally, *class, from, to, seats))
    {
        tally.shift(class, from, to);
    }
}

/// Who is to give one and who is to get one, of equal ones the lowest number.
fn extremes(counts: &[u32], capacities: &[u32], seats: &[u32]) -> Option<(u32, u32)> {
    let load = |seat: u32| (counts[seat as usize], capacities[seat as usize]);
    // Of equal ones `max_by` takes the last and `min_by` the first.
    let from = seats.iter().rev().copied().max_by(|a, b| by_load(load(*a), load(*b), -1))?;
    let to = seats.iter().copied().min_by(|a, b| by_load(load(*a), load(*b), 1))?;
    Some((from, to))
}

/// Whether the class stays even when one of its users goes from one to the other: nobody has more to give than the giver,
/// nobody fewer than the taker, and the two do not change places.
fn may_move(tally: &Tally, class: usize, from: u32, to: u32, seats: &[u32]) -> bool {
    let of = |seat: u32| tally.of(class, seat);
    tally.by_class[class][from as usize] > 0
        && by_load_give_take(of(from), of(to))
        && seats.iter().all(|seat| by_load(of(*seat), of(from), -1).is_le())
        && seats.iter().all(|seat| by_load(of(*seat), of(to), 1).is_ge())
}

/// Whether `(a − ½) / cap_a ≥ (b + ½) / cap_b`.
fn by_load_give_take(a: (u32, u32), b: (u32, u32)) -> bool {
    let (giver, taker) =
        ((2 * i64::from(a.0) - 1) * i64::from(b.1), (2 * i64::from(b.0) + 1) * i64::from(a.1));
    giver >= taker
}

impl Tally {
    fn of(&self, class: usize, seat: u32) -> (u32, u32) {
        (self.by_class[class][seat as usize], self.capacities[seat as usize])
    }

    fn total(&self, seat: u32) -> (u32, u32) {
        (self.totals[seat as usize], self.capacities[seat as usize])
    }

    fn shift(&mut self, class: usize, from: u32, to: u32) {
        for (seat, more) in [(from as usize, false), (to as usize, true)] {
            for count in [&mut self.by_class[class][seat], &mut self.totals[seat]] {
                *count = if more { *count + 1 } else { count.saturating_sub(1) };
            }
        }
    }
}
