//! The workers: they register, are ready at once, send heartbeats twice a second and a second's statistics each second, and end
//! with their totals. No users, no target.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use prost::Message;
use stampede_proto::v1::command::What;
use stampede_proto::v1::fleet_client::FleetClient;
use stampede_proto::v1::{BatchAck, Command, RegisterRequest, SnapshotBatch, WorkerPhase, WorkerStatus};
use stampede_proto::{MAX_MESSAGE, PROTOCOL, VERSION};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Status, Streaming};

use crate::meter::{pin, spread};
use crate::second::{CLASSES, Seconds};
use crate::{Shape, raw};

const HEARTBEAT: Duration = Duration::from_millis(500);

/// Batches leave within so long after their second, spread by worker, as real workers do it.
const SPREAD: Duration = Duration::from_millis(250);

/// Runs the swarm against the coordinator at `address`; ends when the test is over for all of them.
#[expect(clippy::print_stdout, reason = "the figures go to whoever started it")]
pub(crate) fn run(shape: Shape, address: &str) -> Result<(), String> {
    if shape.pinned {
        pin(1)?;
    }
    let seconds = Arc::new(Seconds::new(shape));
    // The first worker has a thread of its own: how long its answers take is not how busy the others keep this process.
    let probe = {
        let (address, seconds) = (address.to_owned(), Arc::clone(&seconds));
        std::thread::spawn(move || one_runtime(shape, &address, &seconds, 0, 1))
    };
    let mut others = one_runtime(shape, address, &seconds, 1, shape.workers)?;
    let probed = probe.join().map_err(|_| "the probe failed".to_owned())??;
    println!("answers to heartbeats, a worker alone on its thread: {}", spread(probed.clone()));
    others.extend(probed);
    println!("answers to heartbeats, all workers: {}", spread(others));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures go to whoever started it")]
fn one_runtime(
    shape: Shape,
    address: &str,
    seconds: &Arc<Seconds>,
    from: u32,
    to: u32,
) -> Result<Vec<Duration>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let workers: Vec<_> = (from..to)
            .map(|number| tokio::spawn(live(shape, address.to_owned(), Arc::clone(seconds), number)))
            .collect();
        let (mut answers, mut failed) = (Vec::new(), Vec::new());
        for worker in workers {
            // One that fails does not end the others.
            match worker.await.map_err(|error| error.to_string())? {
                Ok(lived) => answers.extend(lived),
                Err(status) => failed.push(status),
            }
        }
        if let Some(status) = failed.first() {
            println!("{} workers failed, the first with: {status}", failed.len());
        }
        Ok(answers)
    })
}

/// A worker.
struct Worker {
    shape: Shape,
    number: u32,
    seconds: Arc<Seconds>,
    session: u64,
    control: mpsc::Sender<WorkerStatus>,
    report: mpsc::Sender<Bytes>,
    phase: WorkerPhase,
    run: String,
    revision: u64,
    /// Heartbeats sent and not answered, by number.
    sent: Vec<(u64, Instant)>,
    seq: u64,
    answers: Vec<Duration>,
    /// The coordinator's clock in µs at this instant.
    clock: (Instant, u64),
    start: Option<Instant>,
    reported: u64,
    over: bool,
}

async fn channel(address: &str) -> Result<Channel, Status> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"));
    let endpoint = endpoint.map_err(|error| Status::invalid_argument(error.to_string()))?.tcp_nodelay(true);
    endpoint.connect().await.map_err(|error| Status::unavailable(error.to_string()))
}

async fn live(
    shape: Shape,
    address: String,
    seconds: Arc<Seconds>,
    number: u32,
) -> Result<Vec<Duration>, Status> {
    // Not all of them at once: connecting a thousand is another bench.
    tokio::time::sleep(Duration::from_millis(u64::from(number))).await;
    let commanding = FleetClient::new(channel(&address).await?);
    let mut commanding = commanding.max_decoding_message_size(MAX_MESSAGE);
    let hello = RegisterRequest {
        instance: u128::from(number).to_be_bytes().to_vec(),
        name: format!("w{number}"),
        version: VERSION.to_owned(),
        protocol: PROTOCOL,
        threads: 1,
        capacity: 1,
    };
    let session = commanding.register(hello).await?.into_inner().session;
    let (control, statuses) = mpsc::channel(16);
    let (report, batches) = mpsc::channel(16);
    let gone = || Status::cancelled("the stream ended");
    control.try_send(WorkerStatus { session, ..WorkerStatus::default() }).map_err(|_| gone())?;
    let opening = SnapshotBatch { session, ..SnapshotBatch::default() };
    report.try_send(opening.encode_to_vec().into()).map_err(|_| gone())?;
    let commands = commanding.control(ReceiverStream::new(statuses)).await?.into_inner();
    let acks = raw::report(channel(&address).await?, batches).await?;
    let worker = Worker {
        shape,
        number,
        seconds,
        session,
        control,
        report,
        phase: WorkerPhase::Idle,
        run: String::new(),
        revision: 0,
        sent: Vec::new(),
        seq: 0,
        answers: Vec::new(),
        clock: (Instant::now(), 0),
        start: None,
        reported: 0,
        over: false,
    };
    worker.work(commands, acks).await
}

impl Worker {
    async fn work(
        mut self,
        mut commands: Streaming<Command>,
        mut acks: Streaming<BatchAck>,
    ) -> Result<Vec<Duration>, Status> {
        let offset = SPREAD * self.number / self.shape.workers;
        let mut beat = interval_at(Instant::now() + offset * 2, HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !self.over {
            let due = self.next_report(offset);
            tokio::select! {
                _ = beat.tick() => self.tell().await?,
                command = commands.next() => match command {
                    Some(command) => if let Some(what) = command?.what { self.obey(what).await?; },
                    None => return Err(Status::cancelled("the coordinator closed the stream")),
                },
                ack = acks.next() => if let Some(ack) = ack { ack?; },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.measure().await?,
            }
        }
        // The last word: no run any more.
        self.tell().await?;
        let answers = self.answers;
        // Closed from this side first: the coordinator closes a stream when nobody speaks on it any more.
        drop((self.control, self.report));
        while let Some(Ok(_)) = commands.next().await {}
        Ok(answers)
    }

    fn next_report(&self, offset: Duration) -> Option<Instant> {
        let whole = Duration::from_secs(self.reported + 1);
        (self.reported < u64::from(self.shape.seconds)).then_some(self.start? + whole + offset)
    }

    async fn tell(&mut self) -> Result<(), Status> {
        self.seq += 1;
        self.sent.push((self.seq, Instant::now()));
        let share = self.shape.users / self.shape.workers / 20;
        let running = self.phase == WorkerPhase::Running;
        let status = WorkerStatus {
            session: self.session,
            seq: self.seq,
            run: self.run.clone(),
            phase: self.phase.into(),
            revision: self.revision,
            users: if running { vec![share; CLASSES] } else { Vec::new() },
            started: 0,
            memory_bytes: 50 << 20,
            thread_ages_ms: vec![10],
            rtt_us: 400,
            ..WorkerStatus::default()
        };
        let sent = self.control.send(status).await;
        // At the end the coordinator may be gone before it heard the last word.
        if self.over { Ok(()) } else { sent.map_err(|_| Status::cancelled("the stream ended")) }
    }

    async fn measure(&mut self) -> Result<(), Status> {
        self.reported += 1;
        let last = self.reported == u64::from(self.shape.seconds);
        let batch = self.seconds.batch(&self.run, self.session, self.reported, self.number, last);
        if last {
            self.phase = WorkerPhase::Finished;
        }
        self.report.send(batch).await.map_err(|_| Status::cancelled("the stream ended"))
    }

    async fn obey(&mut self, what: What) -> Result<(), Status> {
        match what {
            What::Answer(answer) => {
                let now = Instant::now();
                self.clock = (now, answer.answered_us);
                if let Some(index) = self.sent.iter().position(|(seq, _)| *seq == answer.seq) {
                    let (_, sent) = self.sent.remove(index);
                    self.answers.push(now - sent);
                }
            }
            What::Prepare(prepare) => {
                self.run = prepare.run;
                if self.phase == WorkerPhase::Idle {
                    self.phase = WorkerPhase::Ready;
                }
                self.tell().await?;
            }
            What::Assign(assign) => self.revision = assign.revision,
            What::Start(start) => {
                let (seen, clock_us) = self.clock;
                let ahead = Duration::from_micros(start.start_us.saturating_sub(clock_us));
                self.start.get_or_insert(seen + ahead);
                self.phase = WorkerPhase::Running;
            }
            What::RunOver(_) => {
                self.run.clear();
                self.over = true;
            }
            What::Stop(_) | What::Iterations(_) | What::Aside(_) | What::Notice(_) => {}
        }
        Ok(())
    }
}
