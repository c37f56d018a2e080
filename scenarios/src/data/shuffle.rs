//! An order of so many rows that is drawn once and held nowhere: a keyed bijection of the numbers below n.
//!
//! A Feistel network permutes the numbers of an even count of bits; what lands at n or beyond goes through it again until it is
//! below (cycle walking), which leaves a permutation of the numbers below n. The range is less than four times n, so that takes
//! less than four rounds on average.
//!
//! Source: Black, Rogaway, "Ciphers with arbitrary finite domains" (2002). The numbers are part of what a seed means: the
//! known-answer test pins them.

use crate::draw::Draw;

/// Rounds of the network. Four would do for the eye; of very few rows more of the orders are reached with more.
const ROUNDS: usize = 8;

/// Where the number `index` goes in the order that `draw` stands for; `index` is below `n`.
pub(super) fn shuffled(index: u64, n: u64, draw: &mut Draw) -> u64 {
    if n < 2 {
        return 0;
    }
    let keys: [u64; ROUNDS] = std::array::from_fn(|_| draw.next_u64());
    let half = (u64::BITS - (n - 1).leading_zeros()).div_ceil(2).max(1);
    let mut at = index % n;
    loop {
        at = permuted(at, half, &keys);
        if at < n {
            return at;
        }
    }
}

/// One pass through the network over numbers of `2 * half` bits.
fn permuted(number: u64, half: u32, keys: &[u64]) -> u64 {
    let mask = if half >= 32 { u64::from(u32::MAX) } else { (1 << half) - 1 };
    let (mut left, mut right) = (number >> half & mask, number & mask);
    for key in keys {
        let mixed = Draw::from_seed(key ^ right).next_u64() >> 32;
        (left, right) = (right, left ^ (mixed & mask));
    }
    left << half | right
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn order(n: u64, seed: u64) -> Vec<u64> {
        (0..n).map(|index| shuffled(index, n, &mut Draw::from_seed(seed))).collect()
    }

    #[test]
    fn orders_never_change() {
        assert_eq!(order(10, 1), [9, 4, 1, 2, 7, 5, 0, 8, 6, 3]);
        let large = [0, 123_456, 999_999].map(|index| shuffled(index, 1_000_000, &mut Draw::from_seed(7)));
        assert_eq!((order(7, 42), large), (vec![3, 1, 5, 2, 6, 4, 0], [471_620, 310_055, 647_412]));
    }

    #[test]
    fn every_order_of_a_few_rows_is_reached() {
        let orders: HashSet<Vec<u64>> = (0..2000).map(|seed| order(4, seed)).collect();
        assert_eq!(orders.len(), 24);
        let first: Vec<u64> = (0..2000).map(|seed| order(2, seed)[0]).collect();
        let zeros = first.iter().filter(|first| **first == 0).count();
        assert!((800..1200).contains(&zeros), "{zeros} of 2000");
    }

    proptest! {
        #[test]
        fn each_row_comes_once(n in 1_u64..3000, seed in any::<u64>()) {
            let rows: HashSet<u64> = order(n, seed).into_iter().collect();
            prop_assert_eq!(rows.len() as u64, n);
            prop_assert!(rows.iter().all(|row| *row < n));
        }

        #[test]
        fn large_tables_stay_within_themselves(n in 1_u64.., index in any::<u64>(), seed in any::<u64>()) {
            prop_assert!(shuffled(index, n, &mut Draw::from_seed(seed)) < n);
        }
    }
}
