//! Statistics: a numbered batch is one interval's snapshot or a part of it, with the worker's running totals.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use stampede_stats::counts::{IterationCounts, RequestCounts};
use stampede_stats::endpoint::{EndpointDelta, EndpointKey};
use stampede_stats::interval::Gauges;
use stampede_stats::outcome::FailureKind;
use stampede_stats::snapshot::{ErrorCount, ErrorKey, Snapshot, TargetDelta};
use stampede_stats::statuses::{MAX_STATUSES, Statuses, is_code};

use crate::counts::{
    checked, iterations_from_wire, iterations_to_wire, requests_from_wire, requests_to_wire,
};
use crate::rows::{MAX_NAME, key_from_wire, row_to_wire};
use crate::{MAX_BATCH, MAX_RUN, WireError, times, v1};

/// Longest failure message, in bytes.
const MAX_MESSAGE: usize = 1024;

/// Most users one worker can say it has.
const MAX_USERS: u64 = 10_000_000;

/// Most classes a gauge tells apart.
const MAX_CLASSES: usize = 4096;

/// Most failures one batch tells apart; a worker cuts at half of it.
const MAX_ERRORS: usize = 1024;

/// Most hosts one batch tells apart; a worker cuts at half of it.
const MAX_TARGETS: usize = 256;

/// A batch as both ends see it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Batch {
    /// The run it belongs to.
    pub run: String,
    /// Its number within (run, worker instance), from 1.
    pub number: u64,
    /// What was measured.
    pub snapshot: Snapshot,
    /// Whether it completes its interval.
    pub last_part: bool,
    /// The worker's totals up to and with this batch; with the last part.
    pub running: Option<Running>,
    /// With the last batch of the run: the worker's totals by endpoint.
    pub finals: Option<Finals>,
}

/// What a worker's users have done in a run, warm-up and all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Running {
    /// Requests.
    pub requests: RequestCounts,
    /// Iterations.
    pub iterations: IterationCounts,
}

/// A worker's totals at the end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Finals {
    /// By row, of every kind.
    pub endpoints: BTreeMap<EndpointKey, RequestCounts>,
    /// Iterations, warm-up and all.
    pub iterations: IterationCounts,
}

/// To the wire. The session is put in by whoever sends it.
pub fn to_wire(batch: &Batch) -> v1::SnapshotBatch {
    let snapshot = &batch.snapshot;
    v1::SnapshotBatch {
        session: 0,
        run: batch.run.clone(),
        number: batch.number,
        from_s: snapshot.from_s,
        to_s: snapshot.to_s,
        draining: snapshot.draining,
        last_part: batch.last_part,
        endpoints: snapshot.endpoints.iter().map(endpoint_to_wire).collect(),
        errors: snapshot.errors.iter().map(error_to_wire).collect(),
        targets: snapshot.targets.iter().map(target_to_wire).collect(),
        iterations: Some(iterations_to_wire(&snapshot.iterations)),
        warmup_iterations: Some(iterations_to_wire(&snapshot.warmup_iterations)),
        gauges: Some(gauges_to_wire(&snapshot.gauges)),
        lag: times::to_wire(&snapshot.lag),
        lateness: times::to_wire(&snapshot.lateness),
        running: batch.running.map(|running| v1::Running {
            requests: Some(requests_to_wire(&running.requests)),
            iterations: Some(iterations_to_wire(&running.iterations)),
        }),
        r#final: batch.finals.as_ref().map(finals_to_wire),
    }
}

/// From the wire, every count and histogram checked against the others.
///
/// # Errors
/// When it is larger than a batch may be, a name or that of the run is too long, a kind unknown, something named twice, an interval empty, or times
/// and counts do not belong together.
pub fn from_wire(wire: v1::SnapshotBatch) -> Result<Batch, WireError> {
    if wire.to_s <= wire.from_s {
        return Err(WireError::invalid("to_s", "not after from_s"));
    }
    if wire.run.len() > MAX_RUN {
        return Err(WireError::invalid("run", "too long"));
    }
    if least_bytes(&wire) > MAX_BATCH {
        return Err(WireError::invalid("endpoints", "more than a batch can carry"));
    }
    if wire.errors.len() > MAX_ERRORS || wire.targets.len() > MAX_TARGETS {
        return Err(WireError::invalid("errors", "more than a batch tells apart"));
    }
    let running = wire.running.map(running_from_wire).transpose()?;
    if wire.last_part && running.is_none() {
        return Err(WireError::Missing("running"));
    }
    let seconds = wire.from_s..wire.to_s;
    let errors = wire.errors.into_iter().map(|error| error_from_wire(error, &seconds));
    let snapshot = Snapshot {
        from_s: wire.from_s,
        to_s: wire.to_s,
        draining: wire.draining,
        endpoints: distinct(wire.endpoints.into_iter().map(endpoint_from_wire), "endpoints")?,
        errors: distinct(errors, "errors")?,
        iterations: iterations_from_wire(wire.iterations.ok_or(WireError::Missing("iterations"))?)?,
        warmup_iterations: iterations_from_wire(
            wire.warmup_iterations.ok_or(WireError::Missing("warmup_iterations"))?,
        )?,
        targets: distinct(wire.targets.into_iter().map(target_from_wire), "targets")?,
        gauges: gauges_from_wire(wire.gauges.ok_or(WireError::Missing("gauges"))?, wire.to_s)?,
        lag: times::from_wire(wire.lag)?,
        lateness: times::from_wire(wire.lateness)?,
    };
    let finals = wire.r#final.map(finals_from_wire).transpose()?;
    Ok(Batch { run: wire.run, number: wire.number, snapshot, last_part: wire.last_part, running, finals })
}

/// What its increments take on the wire at least: looking at every number for the exact size would cost as much as decoding.
fn least_bytes(wire: &v1::SnapshotBatch) -> usize {
    let times = |times: &Option<v1::Times>| {
        times.as_ref().map_or(0, |times| 2 + times.values.len() + times.counts.len())
    };
    let endpoint = |endpoint: &v1::EndpointDelta| {
        let all = [&endpoint.ok, &endpoint.failed, &endpoint.service, &endpoint.ttfb];
        2 + endpoint.method.len()
            + endpoint.name.len()
            + all.into_iter().map(times).sum::<usize>()
            + endpoint.statuses.len()
    };
    let error = |error: &v1::ErrorDelta| 2 + error.method.len() + error.name.len() + error.message.len();
    let target = |target: &v1::TargetDelta| {
        let all = [&target.dns, &target.connect, &target.tls];
        2 + target.host.len() + all.into_iter().map(times).sum::<usize>()
    };
    let endpoints = wire.endpoints.iter().map(endpoint).sum::<usize>();
    let errors = wire.errors.iter().map(error).sum::<usize>();
    endpoints
        + errors
        + wire.targets.iter().map(target).sum::<usize>()
        + times(&wire.lag)
        + times(&wire.lateness)
}

/// Everything by its key, each key once.
fn distinct<K: Ord, V>(
    pairs: impl Iterator<Item = Result<(K, V), WireError>>,
    field: &'static str,
) -> Result<BTreeMap<K, V>, WireError> {
    let mut map = BTreeMap::new();
    for pair in pairs {
        let (key, value) = pair?;
        if map.insert(key, value).is_some() {
            return Err(WireError::invalid(field, "the same twice"));
        }
    }
    Ok(map)
}

fn gauges_from_wire(wire: v1::Gauges, to_s: u32) -> Result<Gauges, WireError> {
    let users = wire.users.iter().map(|users| u64::from(*users)).sum::<u64>();
    if wire.users.len() > MAX_CLASSES || users > MAX_USERS {
        return Err(WireError::invalid("gauges.users", "too many classes or users"));
    }
    if Duration::from_nanos(wire.last_end_ns) > Duration::from_secs(to_s.into()) {
        return Err(WireError::invalid("gauges.last_end_ns", "behind its seconds"));
    }
    Ok(Gauges {
        in_flight: checked(wire.in_flight)?,
        iterations_in_flight: checked(wire.iterations_in_flight)?,
        oldest_ns: wire.oldest_ns,
        last_end_ns: wire.last_end_ns,
        users: wire.users,
        cpu_ns: checked(wire.cpu_ns)?,
    })
}

fn endpoint_to_wire((key, delta): (&EndpointKey, &EndpointDelta)) -> v1::EndpointDelta {
    let (row, warmup) = row_to_wire(key);
    v1::EndpointDelta {
        row,
        warmup,
        method: key.method.clone(),
        name: key.name.clone(),
        counts: Some(requests_to_wire(&delta.counts)),
        ok: times::to_wire(&delta.ok),
        failed: times::to_wire(&delta.failed),
        service: times::to_wire(&delta.service),
        ttfb: times::to_wire(&delta.ttfb),
        statuses: delta.statuses.iter().flat_map(|(code, count)| [u64::from(code), count]).collect(),
    }
}

fn endpoint_from_wire(wire: v1::EndpointDelta) -> Result<(EndpointKey, EndpointDelta), WireError> {
    let key = key_from_wire((wire.row, wire.warmup), wire.method, wire.name)?;
    let delta = EndpointDelta {
        counts: requests_from_wire(wire.counts.ok_or(WireError::Missing("counts"))?)?,
        ok: times::from_wire(wire.ok)?,
        failed: times::from_wire(wire.failed)?,
        service: times::from_wire(wire.service)?,
        ttfb: times::from_wire(wire.ttfb)?,
        statuses: statuses_from_wire(&wire.statuses)?,
    };
    if delta.is_counted(key.kind) {
        Ok((key, delta))
    } else {
        Err(WireError::invalid("endpoints", "counts and times do not belong together"))
    }
}

/// Each code once, ascending, none of them without a response.
fn statuses_from_wire(wire: &[u64]) -> Result<Statuses, WireError> {
    let invalid = || WireError::invalid("statuses", "not codes and counts in order");
    let (pairs, []) = wire.as_chunks::<2>() else { return Err(invalid()) };
    if pairs.len() > MAX_STATUSES + 1 {
        return Err(WireError::invalid("statuses", "more than are told apart"));
    }
    let mut next = 0;
    let counts = pairs.iter().map(|&[code, count]| {
        let known = u16::try_from(code).ok().filter(|code| is_code(*code) && *code >= next && count > 0);
        let code = known.ok_or_else(invalid)?;
        next = code + 1;
        Ok((code, checked(count)?))
    });
    counts.collect()
}

fn error_to_wire((key, count): (&ErrorKey, &ErrorCount)) -> v1::ErrorDelta {
    let (row, warmup) = row_to_wire(&key.endpoint);
    v1::ErrorDelta {
        row,
        warmup,
        method: key.endpoint.method.clone(),
        name: key.endpoint.name.clone(),
        kind: u32::from(key.kind.code()),
        message: key.message.clone(),
        count: count.count,
        first_s: count.first_s,
        last_s: count.last_s,
    }
}

fn error_from_wire(wire: v1::ErrorDelta, seconds: &Range<u32>) -> Result<(ErrorKey, ErrorCount), WireError> {
    if wire.message.len() > MAX_MESSAGE {
        return Err(WireError::invalid("message", "too long"));
    }
    if wire.first_s > wire.last_s || !seconds.contains(&wire.first_s) || !seconds.contains(&wire.last_s) {
        return Err(WireError::invalid("first_s", "not among the seconds of the batch"));
    }
    let kind = FailureKind::from_code(wire.kind).ok_or(WireError::invalid("kind", "unknown"))?;
    let endpoint = key_from_wire((wire.row, wire.warmup), wire.method, wire.name)?;
    let count = ErrorCount { count: checked(wire.count)?, first_s: wire.first_s, last_s: wire.last_s };
    Ok((ErrorKey { endpoint, kind, message: wire.message }, count))
}

fn target_to_wire((host, target): (&String, &TargetDelta)) -> v1::TargetDelta {
    v1::TargetDelta {
        host: host.clone(),
        connections: target.connections,
        dns: times::to_wire(&target.dns),
        connect: times::to_wire(&target.connect),
        tls: times::to_wire(&target.tls),
    }
}

fn target_from_wire(wire: v1::TargetDelta) -> Result<(String, TargetDelta), WireError> {
    if wire.host.len() > MAX_NAME {
        return Err(WireError::invalid("host", "too long"));
    }
    let target = TargetDelta {
        connections: checked(wire.connections)?,
        dns: times::from_wire(wire.dns)?,
        connect: times::from_wire(wire.connect)?,
        tls: times::from_wire(wire.tls)?,
    };
    Ok((wire.host, target))
}

fn gauges_to_wire(gauges: &Gauges) -> v1::Gauges {
    v1::Gauges {
        in_flight: gauges.in_flight,
        iterations_in_flight: gauges.iterations_in_flight,
        oldest_ns: gauges.oldest_ns,
        last_end_ns: gauges.last_end_ns,
        users: gauges.users.clone(),
        cpu_ns: gauges.cpu_ns,
    }
}

fn running_from_wire(wire: v1::Running) -> Result<Running, WireError> {
    Ok(Running {
        requests: requests_from_wire(wire.requests.ok_or(WireError::Missing("running.requests"))?)?,
        iterations: iterations_from_wire(wire.iterations.ok_or(WireError::Missing("running.iterations"))?)?,
    })
}

fn finals_to_wire(finals: &Finals) -> v1::FinalTotals {
    v1::FinalTotals {
        endpoints: finals
            .endpoints
            .iter()
            .map(|(key, counts)| {
                let (row, warmup) = row_to_wire(key);
                let (method, name) = (key.method.clone(), key.name.clone());
                v1::EndpointTotal { row, warmup, method, name, counts: Some(requests_to_wire(counts)) }
            })
            .collect(),
        iterations: Some(iterations_to_wire(&finals.iterations)),
    }
}

fn finals_from_wire(wire: v1::FinalTotals) -> Result<Finals, WireError> {
    let totals = wire.endpoints.into_iter().map(|total| {
        let counts = requests_from_wire(total.counts.ok_or(WireError::Missing("final.counts"))?)?;
        Ok((key_from_wire((total.row, total.warmup), total.method, total.name)?, counts))
    });
    let endpoints = distinct(totals, "final.endpoints")?;
    let iterations = iterations_from_wire(wire.iterations.ok_or(WireError::Missing("final.iterations"))?)?;
    Ok(Finals { endpoints, iterations })
}

#[cfg(test)]
mod tests;
