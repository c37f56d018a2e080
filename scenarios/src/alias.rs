//! Weighted choice in constant time.
//!
//! An [`AliasTable`] is made once from the weights of a class's tasks or of a `choose` step, and then sampled for each
//! iteration. Which stream the draw comes from is the caller's business.

use crate::draw::{Draw, scale};

/// Draws an index with probability proportional to its weight, at the cost of one number and one look-up.
///
/// Weights 1, 2, 5 (sum 8, three columns of height 8/3): index 0 fills 1 of its column and 1 fills 2; what is missing
/// (5/3 and 2/3) is taken from index 2, whose 5 become 8/3. So column 0 is "0 below 1/(8/3) = 0.375, else 2", column 1 "1
/// below 0.75, else 2", column 2 always 2; and index 2 has (0.625 + 0.25 + 1) / 3 = 5/8. A sample is `x · 3 / 2^64`: its
/// whole part picks the column, its fraction the half of it.
///
/// Source: Vose, "A linear algorithm for generating random numbers with a given distribution" (1991).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AliasTable {
    columns: Vec<Column>,
}

/// `own` below `cut` (in units of 2^-64), else `other`. A column that is all its own names itself as the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Column {
    cut: u64,
    other: usize,
}

impl AliasTable {
    /// Makes the table. `None` when no weight is positive, or when any is negative or not finite.
    ///
    /// Only ratios count. A weight of 0 is never drawn, and neither is one so much smaller than the largest that their
    /// quotient is 0 in `f64`.
    pub fn new(weights: &[f64]) -> Option<Self> {
        if weights.iter().any(|weight| !weight.is_finite() || *weight < 0.0) {
            return None;
        }
        let (heaviest, max) = weights.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
        if max <= 0.0 {
            return None;
        }
        // Dividing by the largest first keeps the sum finite for any weights.
        let sum: f64 = weights.iter().map(|weight| weight / max).sum();
        let heights = weights.iter().map(|weight| weight / max / sum * weights.len() as f64).collect();
        Some(Self { columns: fill(heights, heaviest) })
    }

    /// Draws an index below [`len`](Self::len); takes one [`Draw::next_u64`].
    pub fn sample(&self, draw: &mut Draw) -> usize {
        let (column, fraction) = scale(draw.next_u64(), self.columns.len() as u128);
        let own = usize::try_from(column).unwrap_or(usize::MAX);
        match self.columns.get(own) {
            Some(column) if fraction >= column.cut => column.other,
            _ => own,
        }
    }

    /// How often each index is drawn, 0 to 1, to within the resolution of a draw.
    pub fn shares(&self) -> Vec<f64> {
        let each = 1.0 / self.columns.len() as f64;
        let mut shares = vec![0.0; self.columns.len()];
        for (own, column) in self.columns.iter().enumerate() {
            // The same comparison as in `sample`: below the cut it is the column's own.
            let part = if column.other == own { 1.0 } else { column.cut as f64 / 2f64.powi(64) };
            shares[own] += each * part;
            if let Some(other) = shares.get_mut(column.other) {
                *other += each * (1.0 - part);
            }
        }
        shares
    }

    /// The number of weights, those of 0 included; never 0.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Always false: a table has at least one positive weight.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }
}

/// Levels columns of mean height 1: each one below is filled up from one above.
fn fill(mut heights: Vec<f64>, heaviest: usize) -> Vec<Column> {
    let zero: Vec<bool> = heights.iter().map(|height| *height <= 0.0).collect();
    let mut columns: Vec<Column> =
        (0..heights.len()).map(|own| Column { cut: u64::MAX, other: own }).collect();
    let (mut low, mut high): (Vec<usize>, Vec<usize>) =
        (0..heights.len()).partition(|&index| heights[index] < 1.0);
    while let Some(short) = low.pop() {
        let Some(tall) = high.pop() else {
            // Rounding left it a hair below 1: it is all its own, unless nothing of it may be drawn.
            if zero[short] {
                columns[short] = Column { cut: 0, other: heaviest };
            }
            continue;
        };
        columns[short] = Column { cut: fraction(heights[short]), other: tall };
        heights[tall] -= 1.0 - heights[short];
        if heights[tall] < 1.0 { low.push(tall) } else { high.push(tall) }
    }
    columns
}

/// `height` in units of 2^-64.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest integer in range, which is what is wanted at both ends"
)]
fn fraction(height: f64) -> u64 {
    (height * 2.0_f64.powi(64)) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_drawn_from_is_refused() {
        for weights in [&[][..], &[0.0], &[0.0, 0.0], &[1.0, -1.0], &[1.0, f64::NAN], &[1.0, f64::INFINITY]] {
            assert_eq!(AliasTable::new(weights), None, "{weights:?}");
        }
    }

    #[test]
    fn extreme_weights_are_fine() {
        let mut draw = Draw::from_seed(1);
        let table = AliasTable::new(&[f64::MAX, 0.0, f64::MAX, f64::MIN_POSITIVE]).unwrap();
        assert!((0..1000).all(|_| [0, 2].contains(&table.sample(&mut draw))));
    }

    /// These never change, as the draws do not.
    #[test]
    fn samples_are_pinned() {
        let table = AliasTable::new(&[1.0, 2.0, 5.0]).unwrap();
        assert_eq!(table.shares(), [0.125, 0.25, 0.625]);
        let mut draw = Draw::iteration(42, 0, 0, 0);
        assert_eq!(
            [0; 16].map(|_| table.sample(&mut draw)),
            [2, 2, 2, 2, 1, 2, 2, 2, 1, 1, 2, 1, 0, 2, 2, 2]
        );
    }

    #[test]
    fn frequencies_follow_the_weights() {
        let weights = [10.0, 0.0, 8.0, 2.0, 0.5];
        let table = AliasTable::new(&weights).unwrap();
        let (mut draw, mut seen) = (Draw::from_seed(3), [0_u32; 5]);
        (0..200_000).for_each(|_| seen[table.sample(&mut draw)] += 1);
        for (weight, count) in weights.iter().zip(seen) {
            let share = weight / 20.5;
            let deviation = (share * (1.0 - share) / 200_000.0).sqrt();
            assert!((f64::from(count) / 200_000.0 - share).abs() <= 4.0 * deviation, "{weight}: {count}");
        }
    }

    proptest! {
        #[test]
        fn columns_hold_the_shares(weights in prop::collection::vec(prop_oneof![Just(0.0), 0.001..1000.0], 1..60)) {
            prop_assume!(weights.iter().any(|weight| *weight > 0.0));
            let table = AliasTable::new(&weights).unwrap();
            let sum: f64 = weights.iter().sum();
            prop_assert_eq!(table.len(), weights.len());
            for (share, weight) in table.shares().iter().zip(&weights) {
                prop_assert!((share - weight / sum).abs() < 1e-12);
                prop_assert!(*weight > 0.0 || *share <= 0.0);
            }
        }

        #[test]
        fn a_sample_takes_one_number(seed: u64, weights in prop::collection::vec(0.1..9.0, 1..9)) {
            let mut draw = Draw::from_seed(seed);
            let mut other = draw.clone();
            prop_assert!(AliasTable::new(&weights).unwrap().sample(&mut draw) < weights.len());
            other.next_u64();
            prop_assert_eq!(draw, other);
        }
    }
}
