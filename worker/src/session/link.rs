//! One registered line to the coordinator: Control on one connection, statistics and files on another.

use std::error::Error;
use std::time::Duration;

use stampede_proto::PROTOCOL;
use stampede_proto::v1::{BatchAck, Command, RegisterRequest, SnapshotBatch, WorkerStatus};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use super::Settings;
use super::secure::mismatch;
use super::transport::Client;
use super::worker::Event;

/// Messages that may wait on their way to the transport: more batches than may be out, and some heartbeats.
const QUEUE: usize = 16;

/// How long registering may take, connections included.
const REGISTER_TIMEOUT: Duration = Duration::from_secs(10);

/// A line that stands.
#[derive(Debug)]
pub(super) struct Link {
    /// Number of the attempt; events of older ones are ignored.
    pub(super) attempt: u64,
    pub(super) session: u64,
    pub(super) heartbeat: Duration,
    pub(super) lease: Duration,
    pub(super) notice: String,
    pub(super) control: mpsc::Sender<WorkerStatus>,
    pub(super) report: mpsc::Sender<SnapshotBatch>,
    /// What the coordinator sends, until somebody listens.
    incoming: Option<(Streaming<Command>, Streaming<BatchAck>)>,
    /// For files; shares the connection of Report.
    pub(super) data: Client,
}

/// A line that does not come about.
#[derive(Debug)]
pub(super) enum LinkError {
    /// Trying again may help.
    Unreachable(String),
    /// It will not: the coordinator says no.
    Refused(String),
    /// It will not: they do not speak alike.
    Mismatch(String),
}

/// Connects and registers; the streams' messages will come as events of `attempt`.
pub(super) async fn establish(
    settings: Settings,
    instance: [u8; 16],
    attempt: u64,
) -> Result<Link, LinkError> {
    let connecting = connect(&settings, instance, attempt);
    match tokio::time::timeout(REGISTER_TIMEOUT, connecting).await {
        Ok(result) => result,
        Err(_) => Err(LinkError::Unreachable(format!("no answer within {REGISTER_TIMEOUT:?}"))),
    }
}

async fn connect(settings: &Settings, instance: [u8; 16], attempt: u64) -> Result<Link, LinkError> {
    let mut control = settings.dialer.client().await.map_err(|error| unreachable(&error))?;
    let mut data = settings.dialer.client().await.map_err(|error| unreachable(&error))?;
    let request = RegisterRequest {
        instance: instance.to_vec(),
        name: settings.name.clone(),
        version: settings.version.clone(),
        protocol: PROTOCOL,
        threads: u32::try_from(settings.threads).unwrap_or(u32::MAX),
        capacity: settings.capacity,
    };
    let registered = control.register(request).await.map_err(refused)?.into_inner();
    let session = registered.session;

    // The first message goes into the queue before the call: the coordinator learns from it whose stream this is.
    let (control_tx, statuses) = mpsc::channel(QUEUE);
    let hello = WorkerStatus { session, ..WorkerStatus::default() };
    control_tx.try_send(hello).map_err(|_| LinkError::Unreachable("queue".into()))?;
    let commands = control.control(ReceiverStream::new(statuses)).await.map_err(refused)?.into_inner();

    let (report_tx, batches) = mpsc::channel(QUEUE);
    let opening = SnapshotBatch { session, ..SnapshotBatch::default() };
    report_tx.try_send(opening).map_err(|_| LinkError::Unreachable("queue".into()))?;
    let acks = data.report(ReceiverStream::new(batches)).await.map_err(refused)?.into_inner();

    Ok(Link {
        attempt,
        incoming: Some((commands, acks)),
        session,
        heartbeat: Duration::from_millis(u64::from(registered.heartbeat_ms.clamp(20, 10_000))),
        lease: Duration::from_millis(u64::from(registered.lease_ms.clamp(200, 600_000))),
        notice: registered.notice,
        control: control_tx,
        report: report_tx,
        data,
    })
}

impl Link {
    /// From now on what the coordinator sends comes as events. Not before the link itself is known: an event of a line that
    /// does not stand yet would be taken for one of a line that is no more.
    pub(super) fn listen(&mut self, events: &mpsc::Sender<Event>) {
        let Some((commands, acks)) = self.incoming.take() else { return };
        let attempt = self.attempt;
        tokio::spawn(forward(commands, attempt, events.clone(), |attempt, command| Event::Command {
            attempt,
            command: Box::new(command),
        }));
        tokio::spawn(forward(acks, attempt, events.clone(), |attempt, ack| Event::Ack { attempt, ack }));
    }
}

async fn forward<T>(
    mut stream: Streaming<T>,
    attempt: u64,
    events: mpsc::Sender<Event>,
    event: impl Fn(u64, T) -> Event,
) {
    let why = loop {
        match stream.next().await {
            Some(Ok(message)) => {
                if events.send(event(attempt, message)).await.is_err() {
                    return;
                }
            }
            Some(Err(status)) => break describe(&status),
            None => break "it closed the connection".to_owned(),
        }
    };
    // The worker being gone is fine: then nobody needs to know.
    let _ = events.send(Event::Broken { attempt, why }).await;
}

#[expect(clippy::needless_pass_by_value, reason = "what `map_err` hands over")]
fn refused(status: Status) -> LinkError {
    match status.code() {
        Code::FailedPrecondition
        | Code::InvalidArgument
        | Code::PermissionDenied
        | Code::Unauthenticated
        | Code::Unimplemented => LinkError::Refused(status.message().to_owned()),
        _ => LinkError::Unreachable(describe(&status)),
    }
}

fn describe(status: &Status) -> String {
    match status.source() {
        Some(source) => innermost(source),
        None if status.message().is_empty() => status.code().to_string(),
        None => status.message().to_owned(),
    }
}

fn unreachable(error: &(dyn Error + 'static)) -> LinkError {
    match mismatch(error) {
        Some(why) => LinkError::Mismatch(why),
        None => LinkError::Unreachable(innermost(error)),
    }
}

fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let text = innermost.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}
