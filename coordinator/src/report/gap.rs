//! One sentence on what stands between the service time and the response time, where that is much.
//!
//! Service time is what the target took: first byte written to last byte read. Response time starts when the request was due,
//! or began; what lies between is connecting, and whatever the load generator itself needed. Which of them, the figures tell.

use super::model::{Report, Target, Worker};
use super::text::figure;
use super::times::PhaseReport;

/// How many times the service time the response time has to be.
const FACTOR: f64 = 1.5;

/// And how much longer at least, in ms.
const LEAST_MS: f64 = 5.0;

/// The sentence, if there is something to explain.
pub(super) fn sentence(report: &Report) -> Option<String> {
    // A failed request may have no service time at all; those that are ok have both.
    let response = report.totals.ok.percentiles_ms.p99?;
    let service = report.totals.service.percentiles_ms.p99?;
    if response <= service * FACTOR || response <= service + LEAST_MS {
        return None;
    }
    Some(format!(
        "Requests waited before they were sent: the p99 of response times is {} ms, that of service times (first byte written \
         to last byte read) {} ms. {} Response times count from the moment a request was due, so this wait is in them; a clock \
         that starts at the first byte would hide it.",
        figure(response),
        figure(service),
        cause(report, response - service),
    ))
}

/// What they waited for, as far as the figures tell.
fn cause(report: &Report, gap: f64) -> &'static str {
    let is_late = |worker: &Worker| worker.lateness_ms_p99.is_some_and(|late| late >= gap / 2.0);
    let late = report.run.generator_limited || report.workers.iter().any(is_late);
    // What one request in a thousand waits for is not what shows at the 99th percentile.
    let connections: u64 = report.targets.iter().map(|target| target.connections).sum();
    let often = connections.saturating_mul(100) >= report.totals.requests;
    let connecting = often && report.targets.iter().any(|target| connect_ms(target) >= gap / 2.0);
    match (late, connecting) {
        (true, false) => "They waited in the load generator, which had no time left: the notes say when.",
        (false, true) => {
            "They waited for a connection: the target, or what stands before it, took its time to accept it."
        }
        _ => "They waited for a connection, or for the load generator.",
    }
}

/// The slow end of making a connection.
fn connect_ms(target: &Target) -> f64 {
    let phases = [&target.dns_ms, &target.connect_ms, &target.tls_ms];
    let p99 = |phase: &PhaseReport| phase.percentiles_ms.p99.unwrap_or_default();
    phases.into_iter().flatten().map(p99).sum()
}
