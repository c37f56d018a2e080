//! A worker's place in a run, and how it stands there.

use std::time::Duration;

/// A worker's place in the run, in order of joining; never used again.
pub type Seat = usize;

/// How long a worker that was lost and came back gets only slots that nobody runs.
pub(super) const PROBATION: Duration = Duration::from_secs(30);

/// Capacities are compared by products with counts of users, which stay within 64 bits below this.
const MOST_CAPACITY: u32 = 1 << 24;

/// How a worker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Present,
    /// It was lost: until then it gets only slots that nobody runs.
    Returned {
        until: Duration,
    },
    Lost,
    /// It is given nothing more and releases what it has.
    Leaving,
    Gone,
}

#[derive(Debug, Clone)]
pub(super) struct Chair {
    pub(super) capacity: u32,
    pub(super) standing: Standing,
    /// Of its share, when that last changed.
    pub(super) revision: u64,
    /// The newest that all its load threads are known to follow.
    pub(super) followed: u64,
    /// It runs users from before it was lost until it follows this revision.
    pub(super) cut: Option<u64>,
    /// Its share is another than when it was last asked for.
    pub(super) changed: bool,
    /// Slots that its share names.
    pub(super) granted: u32,
    /// Slots taken back from it and not known to be released. Some may have been granted back since, or stand here twice.
    pub(super) releasing: Vec<u32>,
}

impl Chair {
    pub(super) fn new(capacity: u32) -> Self {
        Self {
            capacity: capacity.clamp(1, MOST_CAPACITY),
            standing: Standing::Present,
            revision: 0,
            followed: 0,
            cut: None,
            changed: false,
            granted: 0,
            releasing: Vec::new(),
        }
    }

    /// Whether slots may be given to it.
    pub(super) fn is_eligible(&self) -> bool {
        matches!(self.standing, Standing::Present | Standing::Returned { .. })
    }

    /// Whether it can be told anything.
    pub(super) fn is_there(&self) -> bool {
        self.is_eligible() || self.standing == Standing::Leaving
    }

    /// Until when it is on probation, if it is.
    pub(super) fn returned_until(&self) -> Option<Duration> {
        match self.standing {
            Standing::Returned { until } => Some(until),
            _ => None,
        }
    }

    pub(super) fn end_probation(&mut self, at: Duration) {
        if self.returned_until().is_some_and(|until| until <= at) {
            self.standing = Standing::Present;
        }
    }
}

/// Who can be given something.
pub(super) fn eligible(chairs: &[Chair]) -> impl Iterator<Item = u32> {
    (0..).zip(chairs).filter(|(_, chair)| chair.is_eligible()).map(|(seat, _)| seat)
}

/// Who takes part when a join evens out.
pub(super) fn present(chairs: &[Chair]) -> impl Iterator<Item = u32> {
    let present = |(_, chair): &(u32, &Chair)| chair.standing == Standing::Present;
    (0..).zip(chairs).filter(present).map(|(seat, _)| seat)
}
