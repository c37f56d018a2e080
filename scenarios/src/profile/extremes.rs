//! Numbers in a row, and two questions about them: the greatest of a stretch, and the first from somewhere on that is not less
//! than a given one. A shape has hundreds of thousands of changes, and the questions come with each user that starts or ends.

/// A complete binary tree; each node is the greatest of what is below it.
#[derive(Debug, Default)]
pub(super) struct Extremes {
    /// How many numbers there are.
    len: usize,
    /// Leaves, a power of two; those behind the numbers are 0.
    leaves: usize,
    /// Node i has the children 2·i and 2·i + 1; the leaves come last. Node 0 is not used.
    nodes: Vec<u32>,
}

impl Extremes {
    pub(super) fn new(values: impl ExactSizeIterator<Item = u32>) -> Self {
        let len = values.len();
        let leaves = len.next_power_of_two();
        let mut nodes = vec![0; leaves];
        nodes.extend(values);
        nodes.resize(2 * leaves, 0);
        for node in (1..leaves).rev() {
            nodes[node] = nodes[2 * node].max(nodes[2 * node + 1]);
        }
        Self { len, leaves, nodes }
    }

    /// The greatest of those before `end`; 0 where there are none.
    pub(super) fn greatest_before(&self, end: usize) -> u32 {
        let (mut greatest, mut node) = (0, end.min(self.len) + self.leaves);
        // What lies left of the way up to the root.
        while node > 1 {
            if node % 2 == 1 {
                greatest = greatest.max(self.nodes[node - 1]);
            }
            node /= 2;
        }
        // All leaves are taken where there is no leaf behind them.
        if end.min(self.len) == self.leaves {
            greatest.max(self.nodes.get(1).copied().unwrap_or(0))
        } else {
            greatest
        }
    }

    /// The greatest of those from `from` on; 0 where there are none.
    pub(super) fn greatest_from(&self, from: usize) -> u32 {
        if from >= self.len {
            return 0;
        }
        let mut node = from + self.leaves;
        let mut greatest = self.nodes[node];
        while node > 1 {
            if node.is_multiple_of(2) {
                greatest = greatest.max(self.nodes[node + 1]);
            }
            node /= 2;
        }
        greatest
    }

    /// The first from `from` on that is `value` or more.
    pub(super) fn first_from(&self, from: usize, value: u32) -> Option<usize> {
        if from >= self.len {
            return None;
        }
        let mut node = from + self.leaves;
        while self.nodes[node] < value {
            while node % 2 == 1 {
                node /= 2;
            }
            // To the right of the right edge there is nothing.
            if node == 0 {
                return None;
            }
            node += 1;
        }
        while node < self.leaves {
            node *= 2;
            if self.nodes[node] < value {
                node += 1;
            }
        }
        Some(node - self.leaves).filter(|index| *index < self.len)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_answers_as_looking_at_all_of_them_does(
            values in prop::collection::vec(prop_oneof![0_u32..9, Just(u32::MAX)], 0..40),
            at in 0_usize..45,
            value in prop_oneof![0_u32..10, Just(u32::MAX)],
        ) {
            let tree = Extremes::new(values.iter().copied());
            let first = (at..values.len()).find(|index| values[*index] >= value);
            prop_assert_eq!(tree.first_from(at, value), first);
            prop_assert_eq!(tree.greatest_from(at), values.iter().skip(at).copied().max().unwrap_or(0));
            prop_assert_eq!(tree.greatest_before(at), values.iter().take(at).copied().max().unwrap_or(0));
        }
    }
}
