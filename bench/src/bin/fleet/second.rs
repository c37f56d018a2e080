//! The statistics of a worker's second, made once by the real recorder and sent with other numbers each second.

use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use stampede_proto::batch::{Batch, Finals, Running, to_wire};
use stampede_proto::v1::{ErrorDelta, FinalTotals, SnapshotBatch};
use stampede_stats::counts::RequestCounts;
use stampede_stats::endpoint::EndpointKey;
use stampede_stats::outcome::{FailureKind, Outcome};
use stampede_stats::recorder::{Recorder, Sample};
use stampede_stats::snapshot::Snapshot;

use crate::Shape;

/// Seconds that differ; a worker sends them in turn.
const VARIANTS: u64 = 8;

/// Classes that a worker counts its users of.
pub(crate) const CLASSES: usize = 20;

/// Seconds with equal counts and different times.
#[derive(Debug)]
pub(crate) struct Seconds {
    /// Everything that is the same whenever it is sent, encoded.
    variants: Vec<Vec<u8>>,
    /// Failures, whose second is another each time.
    errors: Vec<ErrorDelta>,
    keys: Vec<EndpointKey>,
    /// Of one endpoint in one second.
    counts: RequestCounts,
}

impl Seconds {
    pub(crate) fn new(shape: Shape) -> Self {
        let keys: Vec<_> =
            (0..shape.endpoints).map(|n| EndpointKey::new("GET", format!("/v1/resource/{n}"))).collect();
        let variants: Vec<_> = (0..VARIANTS).map(|seed| second(&keys, shape, seed)).collect();
        let counts = variants[0].endpoints.values().next().map(|delta| delta.counts).unwrap_or_default();
        let mut wire: Vec<_> = variants
            .into_iter()
            .map(|snapshot| to_wire(&Batch { snapshot, last_part: true, ..Batch::default() }))
            .collect();
        let mut errors = Vec::new();
        for batch in &mut wire {
            errors = std::mem::take(&mut batch.errors);
            // What is zero is not there, so that what follows in `batch` counts.
            batch.to_s = 0;
        }
        Self { variants: wire.iter().map(Message::encode_to_vec).collect(), errors, keys, counts }
    }

    /// Batch `number` (from 1), of second `number - 1`, encoded. Messages that follow each other are one message: a thousand
    /// workers in one process must not encode everything each second.
    pub(crate) fn batch(&self, run: &str, session: u64, number: u64, worker: u32, last: bool) -> Bytes {
        let variant = (number + u64::from(worker)) % VARIANTS;
        let mut bytes = self.variants[usize::try_from(variant).unwrap_or(0)].clone();
        let second = u32::try_from(number - 1).unwrap_or(u32::MAX);
        let mut errors = self.errors.clone();
        for error in &mut errors {
            (error.first_s, error.last_s) = (second, second);
        }
        let (running, finals) = self.totals(number);
        let rest = SnapshotBatch {
            session,
            run: run.to_owned(),
            number,
            from_s: second,
            to_s: second + 1,
            errors,
            running,
            r#final: finals.filter(|_| last),
            ..SnapshotBatch::default()
        };
        bytes.extend(rest.encode_to_vec());
        bytes.into()
    }

    /// The worker's totals after `number` seconds.
    fn totals(&self, number: u64) -> (Option<stampede_proto::v1::Running>, Option<FinalTotals>) {
        let one = times(&self.counts, number);
        let all = times(&one, self.keys.len() as u64);
        let finals = Finals {
            endpoints: self.keys.iter().map(|key| (key.clone(), one)).collect(),
            ..Finals::default()
        };
        let batch = Batch {
            running: Some(Running { requests: all, ..Running::default() }),
            finals: Some(finals),
            ..Batch::default()
        };
        let wire = to_wire(&batch);
        (wire.running, wire.r#final)
    }
}

fn times(counts: &RequestCounts, n: u64) -> RequestCounts {
    RequestCounts {
        started: counts.started * n,
        sent: counts.sent * n,
        ok: counts.ok * n,
        failed: counts.failed * n,
        cancelled: counts.cancelled * n,
        hops: counts.hops * n,
        bytes_in: counts.bytes_in * n,
        head_bytes_in: counts.head_bytes_in * n,
        bytes_out: counts.bytes_out * n,
    }
}

/// A second as a load thread records it. Every twentieth request fails; times are spread around 2 to 50 ms.
pub(crate) fn second(keys: &[EndpointKey], shape: Shape, seed: u64) -> Snapshot {
    let mut recorder = Recorder::new(keys.to_vec(), CLASSES);
    let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut uniform = || {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as f64 / (1_u64 << 53) as f64
    };
    for endpoint in 0..shape.endpoints {
        for n in 0..shape.samples {
            // Twelve uniform draws make nearly a normal one.
            let normal: f64 = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
            let median_ms = 2.0 + f64::from(endpoint % 49);
            let service = Duration::from_secs_f64(median_ms / 1e3 * (0.35 * normal).exp());
            let fails = n % 20 == 19;
            let message = "status 503 Service Unavailable";
            let at = Duration::from_micros(u64::from(n) * 900_000 / u64::from(shape.samples));
            recorder.begin(endpoint, at);
            recorder.end(&Sample {
                endpoint,
                at,
                outcome: if fails {
                    Outcome::Failed { kind: FailureKind::Status, message }
                } else {
                    Outcome::Ok
                },
                response: service + Duration::from_micros(40),
                service: Some(service),
                ttfb: Some(service.mul_f64(0.9)),
                status: Some(200),
                sent: 1,
                hops: 0,
                bytes_in: 1200,
                head_bytes_in: 0,
                bytes_out: 300,
            });
        }
    }
    recorder.close_last();
    let mut snapshot = Snapshot { to_s: 1, ..Snapshot::default() };
    if let Some(interval) = recorder.take_closed() {
        snapshot.add_interval(&interval);
    }
    snapshot.gauges.users = vec![shape.users / shape.workers / 20; CLASSES];
    snapshot.gauges.cpu_ns = 400_000_000;
    snapshot
}
