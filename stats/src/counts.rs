//! The counts of the two identities: requests `started = ok + failed + cancelled (+ in flight)`, and iterations alike.
//!
//! `started` and `begun` are counted where a thing begins, outcomes where it ends; neither is ever computed from the other. So
//! are arrivals of the open model: `planned` where one comes due, `begun` or `dropped` where that is decided.

/// What became of requests. All counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestCounts {
    /// Begun.
    pub started: u64,
    /// Written to the last byte; each redirect hop is one more.
    pub sent: u64,
    /// Completed as expected.
    pub ok: u64,
    /// Not completed, or not as expected.
    pub failed: u64,
    /// Given up at the end of the drain.
    pub cancelled: u64,
    /// Redirects followed.
    pub hops: u64,
    /// Bytes of response bodies, as they came.
    pub bytes_in: u64,
    /// Bytes of response heads and of what frames bodies, as far as clients count them: over HTTP/1.1, by the native one.
    pub head_bytes_in: u64,
    /// Bytes of request bodies.
    pub bytes_out: u64,
}

impl RequestCounts {
    /// Adds `other`. What a peer makes up must not overflow.
    pub fn add(&mut self, other: &Self) {
        self.started = self.started.saturating_add(other.started);
        self.sent = self.sent.saturating_add(other.sent);
        self.ok = self.ok.saturating_add(other.ok);
        self.failed = self.failed.saturating_add(other.failed);
        self.cancelled = self.cancelled.saturating_add(other.cancelled);
        self.hops = self.hops.saturating_add(other.hops);
        self.bytes_in = self.bytes_in.saturating_add(other.bytes_in);
        self.head_bytes_in = self.head_bytes_in.saturating_add(other.head_bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(other.bytes_out);
    }

    /// Completed: ok and failed.
    pub fn completed(&self) -> u64 {
        self.ok.saturating_add(self.failed)
    }

    /// Ended in any way.
    pub fn ended(&self) -> u64 {
        self.completed().saturating_add(self.cancelled)
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What became of iterations. All counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IterationCounts {
    /// Arrivals that came due; 0 where nothing arrives.
    pub planned: u64,
    /// Arrivals that no user was free for.
    pub dropped: u64,
    /// Begun.
    pub begun: u64,
    /// Gone through to their end, every request ok.
    pub completed: u64,
    /// Gone through with a failed request.
    pub failed: u64,
    /// Given up at the end of the drain.
    pub cancelled: u64,
}

impl IterationCounts {
    /// Adds `other`.
    pub fn add(&mut self, other: &Self) {
        self.planned = self.planned.saturating_add(other.planned);
        self.dropped = self.dropped.saturating_add(other.dropped);
        self.begun = self.begun.saturating_add(other.begun);
        self.completed = self.completed.saturating_add(other.completed);
        self.failed = self.failed.saturating_add(other.failed);
        self.cancelled = self.cancelled.saturating_add(other.cancelled);
    }

    /// Ended in any way.
    pub fn ended(&self) -> u64 {
        self.completed.saturating_add(self.failed).saturating_add(self.cancelled)
    }

    /// Whether every arrival was begun or dropped. Where nothing arrives, nothing is planned or dropped.
    pub fn arrivals_add_up(&self) -> bool {
        let arrives = self.planned > 0 || self.dropped > 0;
        !arrives || self.planned == self.begun.saturating_add(self.dropped)
    }
}
