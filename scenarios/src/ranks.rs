//! Sets of ranks: which users of a class somebody owns.
//!
//! A grant names users as (class, ranks). On the wire a set is either ranges or deltas, whichever is shorter; both come
//! from a peer that is not trusted, so both are checked and bounded before anything is allocated.

/// What is wrong with ranges or deltas from a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RankError {
    /// More ranks than the reader allows.
    #[error("more than {limit} ranks")]
    TooMany {
        /// The most the reader allows.
        limit: usize,
    },
    /// A range of length 0.
    #[error("the range at rank {start} is empty")]
    EmptyRange {
        /// Its first rank.
        start: u32,
    },
    /// A range that begins before the end of the one before it.
    #[error("the range at rank {start} begins before the end of the one before it")]
    Unordered {
        /// Its first rank.
        start: u32,
    },
    /// A rank of 2^32 or more.
    #[error("a rank is beyond 32 bits")]
    Overflow,
}

/// A set of ranks, in increasing order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RankSet {
    ranks: Vec<u32>,
}

impl RankSet {
    /// The set of these ranks. They should be sorted; where they are not, or name one twice, that is put right.
    pub fn from_sorted(mut ranks: Vec<u32>) -> Self {
        if !ranks.is_sorted_by(|a, b| a < b) {
            ranks.sort_unstable();
            ranks.dedup();
        }
        Self { ranks }
    }

    /// The number of ranks.
    pub fn len(&self) -> usize {
        self.ranks.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ranks.is_empty()
    }

    /// Whether `rank` is one of them.
    pub fn contains(&self, rank: u32) -> bool {
        self.ranks.binary_search(&rank).is_ok()
    }

    /// The ranks in increasing order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.ranks.iter().copied()
    }

    /// The set as (first rank, how many), the fewest ranges there can be: {3, 4, 5, 9} is (3, 3), (9, 1).
    pub fn ranges(&self) -> Vec<(u32, u32)> {
        let consecutive = self.ranks.chunk_by(|a, b| a.checked_add(1) == Some(*b));
        // A run of all 2^32 ranks, the only one whose length does not fit, would take 16 GiB.
        consecutive.map(|run| (run[0], u32::try_from(run.len()).unwrap_or(u32::MAX))).collect()
    }

    /// The set these ranges name, of at most `limit` ranks. They must be in order and not overlap; touching is allowed.
    pub fn from_ranges(ranges: &[(u32, u32)], limit: usize) -> Result<Self, RankError> {
        let (mut total, mut next) = (0_u64, 0_u64);
        for &(start, len) in ranges {
            if len == 0 {
                return Err(RankError::EmptyRange { start });
            }
            if u64::from(start) < next {
                return Err(RankError::Unordered { start });
            }
            next = u64::from(start) + u64::from(len);
            if next > u64::from(u32::MAX) + 1 {
                return Err(RankError::Overflow);
            }
            total += u64::from(len);
            if usize::try_from(total).map_or(true, |total| total > limit) {
                return Err(RankError::TooMany { limit });
            }
        }
        let ranks = ranges.iter().flat_map(|&(start, len)| start..=start + (len - 1)).collect();
        Ok(Self { ranks })
    }

    /// The set as the first rank and then, for each further one, how many ranks lie between it and the one before:
    /// {3, 4, 5, 9} is 3, 0, 0, 3. Every list of deltas names a set, and small ones are one byte as varints.
    pub fn deltas(&self) -> Vec<u32> {
        let mut next = 0;
        let delta = |rank: u32| {
            let gap = rank - next;
            next = rank.saturating_add(1);
            gap
        };
        self.iter().map(delta).collect()
    }

    /// The set these [`deltas`](Self::deltas) name, of at most `limit` ranks.
    pub fn from_deltas(deltas: &[u32], limit: usize) -> Result<Self, RankError> {
        if deltas.len() > limit {
            return Err(RankError::TooMany { limit });
        }
        let mut next = 0_u64;
        let rank = |&delta: &u32| {
            let rank = u32::try_from(next + u64::from(delta)).map_err(|_| RankError::Overflow)?;
            next = u64::from(rank) + 1;
            Ok(rank)
        };
        Ok(Self { ranks: deltas.iter().map(rank).collect::<Result<_, _>>()? })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_and_deltas_of_an_example() {
        let set = RankSet::from_sorted(vec![3, 4, 5, 9, u32::MAX]);
        assert_eq!(set.ranges(), [(3, 3), (9, 1), (u32::MAX, 1)]);
        assert_eq!(set.deltas(), [3, 0, 0, 3, u32::MAX - 10]);
        assert_eq!(RankSet::from_sorted(vec![9, 3, 5, 4, 3, u32::MAX]), set);
        assert!(set.contains(5) && !set.contains(6) && set.len() == 5);
    }

    #[test]
    fn what_a_peer_may_not_send_is_refused() {
        let cases: [(&[(u32, u32)], RankError); 6] = [
            (&[(0, 11)], RankError::TooMany { limit: 10 }),
            (&[(0, 6), (9, 5)], RankError::TooMany { limit: 10 }),
            (&[(0, 1), (7, 0)], RankError::EmptyRange { start: 7 }),
            (&[(5, 3), (7, 1)], RankError::Unordered { start: 7 }),
            (&[(5, 3), (0, 1)], RankError::Unordered { start: 0 }),
            (&[(u32::MAX, 2)], RankError::Overflow),
        ];
        for (ranges, error) in cases {
            assert_eq!(RankSet::from_ranges(ranges, 10), Err(error), "{ranges:?}");
        }
        assert_eq!(RankSet::from_ranges(&[(0, 5), (5, 5)], 10).unwrap().ranges(), [(0, 10)]);
        assert_eq!(RankSet::from_ranges(&[(u32::MAX, 1)], 10).unwrap().deltas(), [u32::MAX]);
        assert_eq!(RankSet::from_deltas(&[0; 11], 10), Err(RankError::TooMany { limit: 10 }));
        assert_eq!(RankSet::from_deltas(&[u32::MAX, 0], 10), Err(RankError::Overflow));
        assert_eq!(RankSet::from_ranges(&[], 0), Ok(RankSet::default()));
    }

    proptest! {
        #[test]
        fn both_forms_come_back(ranks in prop::collection::btree_set(prop_oneof![0_u32..40, 0_u32..], 0..60)) {
            let set = RankSet::from_sorted(ranks.iter().copied().collect());
            prop_assert!(set.iter().eq(ranks.iter().copied()));
            let ranges = set.ranges();
            prop_assert!(ranges.windows(2).all(|pair| pair[0].0 + pair[0].1 < pair[1].0), "not the fewest");
            prop_assert_eq!(RankSet::from_ranges(&ranges, set.len()), Ok(set.clone()));
            prop_assert_eq!(RankSet::from_deltas(&set.deltas(), set.len()), Ok(set));
        }

        #[test]
        fn any_deltas_are_a_set_or_too_far(deltas in prop::collection::vec(prop_oneof![0_u32..9, 0_u32..], 0..20)) {
            if let Ok(set) = RankSet::from_deltas(&deltas, 20) {
                prop_assert_eq!(set.deltas(), deltas);
            }
        }
    }
}
