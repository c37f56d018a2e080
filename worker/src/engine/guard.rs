//! Guards that book what was begun, whatever happens: a request or iteration whose future is dropped is `cancelled`.

use std::time::Duration;

use stampede_stats::endpoint::Part;
use stampede_stats::outcome::Outcome;
use stampede_stats::recorder::{IterationEnd, Sample};

use super::context::{Context, UserSignals};
use crate::http::probe::Probe;

/// A request under way.
pub(super) struct RequestGuard<'a> {
    pub(super) context: &'a Context,
    pub(super) signals: &'a UserSignals,
    probe: &'a Probe,
    endpoint: u32,
    /// The row of its user's class, where one is asked for.
    class_row: Option<u32>,
    begun: Duration,
    /// Requests written before the exchange under way: redirect hops.
    pub(super) sent: u32,
    /// Whether an exchange is under way, which may have been written.
    pub(super) exchanging: bool,
    pub(super) hops: u32,
    /// How long it was held since it began: no fault of the target's.
    held_ns: u64,
    /// In a pipeline: how many requests its user had pushed before this one.
    pub(super) piped: Option<u64>,
    booked: bool,
}

impl<'a> RequestGuard<'a> {
    /// Books the beginning.
    pub(super) fn begin(
        context: &'a Context,
        signals: &'a UserSignals,
        probe: &'a Probe,
        endpoint: u32,
        begun: Duration,
    ) -> Self {
        let mut recorder = context.recorder.borrow_mut();
        // Where it is booked: the warm-up has rows of its own.
        let endpoint = recorder.begin(endpoint, begun);
        let class_row = signals.class_row.map(|row| recorder.begin(row, begun));
        context.started.set(recorder.started());
        drop(recorder);
        signals.request_since.set(Some(begun));
        Self {
            context,
            signals,
            probe,
            endpoint,
            class_row,
            begun,
            sent: 0,
            exchanging: false,
            hops: 0,
            held_ns: 0,
            piped: None,
            booked: false,
        }
    }

    /// Run time at which it began.
    pub(super) fn begun(&self) -> Duration {
        self.begun
    }

    /// How long it was held since it began.
    pub(super) fn held(&self) -> Duration {
        Duration::from_nanos(self.held_ns)
    }

    /// It was held for so long.
    pub(super) fn hold(&mut self, time: Duration) {
        self.held_ns += u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    }

    /// Books the end.
    pub(super) fn end(mut self, sample: Sample<'_>) {
        self.book(&Sample { endpoint: self.endpoint, sent: self.sent, hops: self.hops, ..sample });
    }

    fn book(&mut self, sample: &Sample<'_>) {
        self.booked = true;
        self.signals.request_since.set(None);
        let mut recorder = self.context.recorder.borrow_mut();
        recorder.end(sample);
        if let Some(row) = self.class_row {
            recorder.end_also(row, sample);
        }
        for (target, connected) in self.probe.take_news() {
            recorder.connected(&target, connected, sample.at);
        }
    }
}

impl Drop for RequestGuard<'_> {
    fn drop(&mut self) {
        if self.booked {
            return;
        }
        let at = self.context.clock.now();
        let is_written = match self.piped {
            Some(number) => self.probe.piped() > number,
            None => self.exchanging && self.probe.has_written(),
        };
        let under_way = u32::from(is_written);
        let sample = Sample {
            endpoint: self.endpoint,
            at,
            outcome: Outcome::Cancelled,
            response: at.saturating_sub(self.begun),
            service: None,
            ttfb: None,
            status: None,
            sent: self.sent + under_way,
            hops: self.hops,
            bytes_in: 0,
            head_bytes_in: 0,
            bytes_out: 0,
        };
        self.book(&sample);
    }
}

/// An iteration under way.
pub(super) struct IterationGuard<'a> {
    context: &'a Context,
    part: Part,
    booked: bool,
}

impl<'a> IterationGuard<'a> {
    /// Books the beginning.
    pub(super) fn begin(context: &'a Context, at: Duration) -> Self {
        let part = context.recorder.borrow_mut().begin_iteration(at);
        context.begun.set(context.begun.get() + 1);
        Self { context, part, booked: false }
    }

    /// For an arrival: its beginning was booked when it was handed over, in `part` of the run.
    pub(super) fn take_over(context: &'a Context, part: Part) -> Self {
        Self { context, part, booked: false }
    }

    /// Books the end.
    pub(super) fn end(mut self, end: IterationEnd, at: Duration) {
        self.book(end, at);
    }

    fn book(&mut self, end: IterationEnd, at: Duration) {
        self.booked = true;
        self.context.ended_iterations.set(self.context.ended_iterations.get() + 1);
        self.context.recorder.borrow_mut().end_iteration(self.part, end, at);
    }
}

impl Drop for IterationGuard<'_> {
    fn drop(&mut self) {
        if !self.booked {
            self.book(IterationEnd::Cancelled, self.context.clock.now());
        }
    }
}

/// A pass through a group under way.
pub(super) struct GroupGuard<'a> {
    context: &'a Context,
    row: u32,
    begun: Duration,
    request_failed: bool,
    booked: bool,
}

impl<'a> GroupGuard<'a> {
    /// Books the beginning.
    pub(super) fn begin(context: &'a Context, row: u32, begun: Duration) -> Self {
        let row = context.recorder.borrow_mut().begin(row, begun);
        Self { context, row, begun, request_failed: false, booked: false }
    }

    /// A request in it failed.
    pub(super) fn request_failed(&mut self) {
        self.request_failed = true;
    }

    /// It was gone through to its end.
    pub(super) fn end(mut self, at: Duration) {
        self.book(if self.request_failed { IterationEnd::Failed } else { IterationEnd::Completed }, at);
    }

    /// It was left early, by what stood in it.
    pub(super) fn leave(mut self, at: Duration) {
        self.book(if self.request_failed { IterationEnd::Failed } else { IterationEnd::Cancelled }, at);
    }

    fn book(&mut self, end: IterationEnd, at: Duration) {
        self.booked = true;
        let took = at.saturating_sub(self.begun);
        self.context.recorder.borrow_mut().end_group(self.row, took, end, at);
    }
}

impl Drop for GroupGuard<'_> {
    fn drop(&mut self) {
        if !self.booked {
            self.book(IterationEnd::Cancelled, self.context.clock.now());
        }
    }
}
