//! Counts of requests and iterations on the wire. Each is bounded, so that sums of many stay in range.

use stampede_stats::counts::{IterationCounts, RequestCounts};

use crate::{WireError, v1};

/// The count from which on something is made up: sums of many below it stay in range.
pub(crate) const COUNT_LIMIT: u64 = 1 << 53;

pub(crate) fn requests_to_wire(counts: &RequestCounts) -> v1::Requests {
    v1::Requests {
        started: counts.started,
        sent: counts.sent,
        ok: counts.ok,
        failed: counts.failed,
        cancelled: counts.cancelled,
        hops: counts.hops,
        bytes_in: counts.bytes_in,
        head_bytes_in: counts.head_bytes_in,
        bytes_out: counts.bytes_out,
    }
}

pub(crate) fn requests_from_wire(wire: v1::Requests) -> Result<RequestCounts, WireError> {
    Ok(RequestCounts {
        started: checked(wire.started)?,
        sent: checked(wire.sent)?,
        ok: checked(wire.ok)?,
        failed: checked(wire.failed)?,
        cancelled: checked(wire.cancelled)?,
        hops: checked(wire.hops)?,
        bytes_in: checked(wire.bytes_in)?,
        head_bytes_in: checked(wire.head_bytes_in)?,
        bytes_out: checked(wire.bytes_out)?,
    })
}

/// A count that sums of many cannot overflow with.
pub(crate) fn checked(count: u64) -> Result<u64, WireError> {
    if count < COUNT_LIMIT { Ok(count) } else { Err(WireError::invalid("count", "beyond all range")) }
}

pub(crate) fn iterations_to_wire(counts: &IterationCounts) -> v1::Iterations {
    v1::Iterations {
        planned: counts.planned,
        dropped: counts.dropped,
        begun: counts.begun,
        completed: counts.completed,
        failed: counts.failed,
        cancelled: counts.cancelled,
    }
}

pub(crate) fn iterations_from_wire(wire: v1::Iterations) -> Result<IterationCounts, WireError> {
    // Capped instead of refused one by one: the running totals are compared anyway.
    let cap = |count: u64| count.min(COUNT_LIMIT);
    let counts = IterationCounts {
        planned: cap(wire.planned),
        dropped: cap(wire.dropped),
        begun: cap(wire.begun),
        completed: cap(wire.completed),
        failed: cap(wire.failed),
        cancelled: cap(wire.cancelled),
    };
    if counts.arrivals_add_up() {
        Ok(counts)
    } else {
        Err(WireError::invalid("iterations", "planned is not begun and dropped"))
    }
}
