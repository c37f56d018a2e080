//! `--iterations N` dealt out in blocks: half an even share of what is left, at least one. Pure.
//!
//! What was granted to a worker that is lost counts as spent, so never more than N begin.

/// The ledger of a run's iterations.
#[derive(Debug, Clone)]
pub(super) struct Ledger {
    total: u64,
    granted: Vec<u64>,
}

impl Ledger {
    /// `total` iterations for `workers` workers.
    pub(super) fn new(total: u64, workers: usize) -> Self {
        Self { total, granted: vec![0; workers] }
    }

    /// One worker more.
    pub(super) fn join(&mut self) {
        self.granted.push(0);
    }

    /// What nobody has yet.
    pub(super) fn left(&self) -> u64 {
        self.total - self.granted.iter().sum::<u64>()
    }

    /// Asked for.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Granted to worker `index` so far.
    pub(super) fn granted(&self, index: usize) -> u64 {
        self.granted.get(index).copied().unwrap_or(0)
    }

    /// Grants worker `index` its next block; returns what it has been granted in all.
    pub(super) fn grant(&mut self, index: usize, holders: usize) -> u64 {
        let left = self.left();
        let block = (left / (2 * holders.max(1) as u64)).max(1).min(left);
        self.granted[index] += block;
        self.granted[index]
    }

    /// Worker `index` has left after it began `begun`: the others get the rest of what it was granted.
    pub(super) fn take_back(&mut self, index: usize, begun: u64) {
        if let Some(granted) = self.granted.get_mut(index) {
            *granted = begun.min(*granted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_shrink_and_their_sum_is_the_total() {
        let mut ledger = Ledger::new(1000, 4);
        let mut blocks = Vec::new();
        while ledger.left() > 0 {
            let before = ledger.granted(blocks.len() % 4);
            let index = blocks.len() % 4;
            blocks.push(ledger.grant(index, 4) - before);
        }
        assert_eq!(blocks.iter().sum::<u64>(), 1000);
        assert_eq!((blocks[0], blocks[1], blocks.last()), (125, 109, Some(&1)));
        assert_eq!(ledger.grant(0, 4), ledger.granted(0), "nothing is left to grant");
        let granted = ledger.granted(1);
        ledger.take_back(1, granted - 10);
        ledger.take_back(2, u64::MAX);
        assert_eq!((ledger.left(), ledger.granted(1)), (10, granted - 10));
    }
}
