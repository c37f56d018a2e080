//! How many responses came with which HTTP status. Counted on the hot path: nearly always the first of one to three entries.
//!
//! A bounded number of codes is told apart; what comes beyond it, and what is no HTTP status, is counted under [`REST`].

/// Codes told apart, beside [`REST`].
pub const MAX_STATUSES: usize = 32;

/// The code under which everything beyond the limit is counted.
pub const REST: u16 = 0;

/// Whether `code` can be counted: a status of HTTP, or [`REST`].
pub fn is_code(code: u16) -> bool {
    code == REST || (100..=999).contains(&code)
}

/// Counts by status, ascending, none of them zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statuses {
    counts: Vec<(u16, u64)>,
}

impl Statuses {
    /// One response with this status.
    #[inline]
    pub fn count(&mut self, code: u16) {
        match self.counts.first_mut() {
            Some((first, count)) if *first == code => *count += 1,
            _ => self.add(code, 1),
        }
    }

    /// `count` responses with this status.
    pub fn add(&mut self, code: u16, count: u64) {
        if count == 0 {
            return;
        }
        let code = if is_code(code) { code } else { REST };
        match self.counts.binary_search_by_key(&code, |(known, _)| *known) {
            Ok(at) => self.counts[at].1 = self.counts[at].1.saturating_add(count),
            Err(_) if code != REST && self.told_apart() >= MAX_STATUSES => self.add(REST, count),
            Err(at) => self.counts.insert(at, (code, count)),
        }
    }

    fn told_apart(&self) -> usize {
        self.counts.len() - usize::from(self.counts.first().is_some_and(|(code, _)| *code == REST))
    }

    /// Adds `other`.
    pub fn merge(&mut self, other: &Self) {
        other.iter().for_each(|(code, count)| self.add(code, count));
    }

    /// Forgets everything but keeps the memory.
    pub fn clear(&mut self) {
        self.counts.clear();
    }

    /// Code and count, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (u16, u64)> + '_ {
        self.counts.iter().copied()
    }

    /// Responses of any status.
    pub fn total(&self) -> u64 {
        self.iter().fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }
}

impl FromIterator<(u16, u64)> for Statuses {
    fn from_iter<I: IntoIterator<Item = (u16, u64)>>(counts: I) -> Self {
        let mut statuses = Self::default();
        counts.into_iter().for_each(|(code, count)| statuses.add(code, count));
        statuses
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn codes_beyond_the_limit_are_counted_together() {
        let mut statuses = Statuses::default();
        (200..250).for_each(|code| statuses.count(code));
        statuses.count(7);
        statuses.count(200);
        let counts: Vec<_> = statuses.iter().collect();
        assert_eq!(counts.len(), MAX_STATUSES + 1);
        assert_eq!(counts[..2], [(REST, 19), (200, 2)]);
        assert_eq!((statuses.total(), counts[32]), (52, (231, 1)));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_the_order_holds(a in prop::collection::vec(any::<u16>(), 0..100),
                                               b in prop::collection::vec(195u16..235, 0..100)) {
            let mut merged = Statuses::default();
            for code in &a {
                merged.count(*code);
            }
            let others: Statuses = b.iter().map(|code| (*code, 1)).collect();
            merged.merge(&others);
            prop_assert_eq!(merged.total(), (a.len() + b.len()) as u64);
            let counts: Vec<_> = merged.iter().collect();
            prop_assert!(counts.len() <= MAX_STATUSES + 1);
            prop_assert!(counts.windows(2).all(|pair| pair[0].0 < pair[1].0));
            prop_assert!(counts.iter().all(|(code, count)| is_code(*code) && *count > 0));
        }
    }
}
