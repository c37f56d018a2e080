//! The RPC handlers.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, stream};
use stampede_proto::v1::command::What;
use stampede_proto::v1::fleet_server::Fleet;
use stampede_proto::v1::{
    AssetChunk, AssetRequest, BatchAck, Command, HeartbeatAnswer, RegisterRequest, RegisterResponse,
    SnapshotBatch, WorkerStatus,
};
use stampede_proto::{ASSET_CHUNK, VERSION, batch};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::Instant;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::accept::Peer;
use super::convert;
use super::registry::{Refused, Registered, Registry};
use super::serve::Origin;
use crate::run::input::{Input, Person, WorkerId};

/// How often workers are heard of at least, however long their lease is.
const HEARTBEAT: Duration = Duration::from_millis(500);

/// How long a stream may take for its first message.
const FIRST_MESSAGE: Duration = Duration::from_secs(10);

/// Commands that may wait for a worker's transport. Heartbeats are answered twice a second; a worker that does not read for
/// so long is as good as gone.
const COMMANDS: usize = 64;

/// Acknowledgements that may wait: more than there may be batches out.
const ACKS: usize = 32;

/// Batches of all workers that may wait for the run's task. Fewer than events may: a burst of statistics must leave room for
/// heartbeats, whose next is not read before the last was taken. And few: they are decoded only when they have a place, so that
/// a heartbeat finds few of them before it on the handlers' threads, and they are merged while they are still in the
/// processor's cache. Decoded they take some 400 KB each.
const BATCHES: usize = 8;

/// Files of a scenario, by the hash of their content.
pub type Assets = HashMap<[u8; 32], Bytes>;

/// What handlers tell the run's task.
#[derive(Debug)]
pub enum FleetEvent {
    /// For the run's state: a worker that registered.
    Input(Input),
    /// For the run's state, from a worker's session; of no interest once that session is over.
    From(u64, WorkerId, Input),
    /// The same of statistics, with the place they take; it is free again when they have been looked at.
    Statistics(u64, WorkerId, Input, OwnedSemaphorePermit),
    /// A control stream, to send commands by.
    Control(u64, WorkerId, mpsc::Sender<Result<Command, Status>>),
    /// A statistics stream, to acknowledge by.
    Report(u64, WorkerId, mpsc::Sender<Result<BatchAck, Status>>),
    /// Somebody who watches from elsewhere wants something, and may.
    Person(Person),
    /// Somebody was not let in: what to tell the person in front of the coordinator.
    Refused(String),
}

/// What the handlers share.
#[derive(Debug, Clone)]
pub struct Service {
    registry: Arc<Mutex<Registry>>,
    events: mpsc::Sender<FleetEvent>,
    assets: Arc<Assets>,
    epoch: Instant,
    lease: Duration,
    batches: Arc<Semaphore>,
    heartbeat: Duration,
}

type Out<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Service {
    /// Handlers that tell `events`; instants count from `epoch`.
    pub fn new(
        registry: Arc<Mutex<Registry>>,
        events: mpsc::Sender<FleetEvent>,
        assets: Arc<Assets>,
        epoch: Instant,
        lease: Duration,
    ) -> Self {
        let batches = Arc::new(Semaphore::new(BATCHES));
        Self { registry, events, assets, epoch, lease, batches, heartbeat: (lease / 10).min(HEARTBEAT) }
    }

    /// Where what happens is told.
    pub(crate) fn events(&self) -> mpsc::Sender<FleetEvent> {
        self.events.clone()
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        // Its fields are consistent after every statement that can panic.
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    async fn tell(&self, event: FleetEvent) -> Result<(), Status> {
        self.events.send(event).await.map_err(|_| Status::unavailable("the coordinator is ending"))
    }

    fn worker_of(&self, session: u64) -> Result<WorkerId, Status> {
        let worker = self.registry().worker_of(session);
        worker.ok_or_else(|| Status::aborted("this session is over; register again"))
    }
}

/// The number of a new session. Drawn, not counted: who has one could tell those of the others, and speak in their name. Of the
/// same length on the wire each time.
fn session() -> Result<u64, getrandom::Error> {
    let mut bytes = [0; 8];
    getrandom::getrandom(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes) | 1 << 63)
}

/// The message that says whose stream it is.
async fn first<T>(stream: &mut Streaming<T>) -> Result<T, Status> {
    match tokio::time::timeout(FIRST_MESSAGE, stream.next()).await {
        Ok(Some(message)) => message,
        Ok(None) | Err(_) => Err(Status::invalid_argument("no first message")),
    }
}

#[tonic::async_trait]
impl Fleet for Service {
    async fn register(
        &self,
        request: Request<RegisterRequest>,
    ) -> Result<Response<RegisterResponse>, Status> {
        let embedded = request.extensions().get::<Origin>() == Some(&Origin::ThisProcess);
        let peer = request.extensions().get::<Peer>();
        let address = peer.map_or_else(String::new, |peer| peer.address.ip().to_canonical().to_string());
        let session = session().map_err(|error| Status::internal(error.to_string()))?;
        let room =
            self.events.reserve().await.map_err(|_| Status::unavailable("the coordinator is ending"))?;
        let registered = {
            // Numbers are given out and told under one lock: the run's state hears of them in order.
            let mut registry = self.registry();
            let registered = registry.register(request.get_ref(), address, embedded, session);
            if let Ok(Registered { worker, hello, .. }) = &registered {
                let (worker, hello) = (*worker, hello.clone());
                room.send(FleetEvent::Input(Input::Registered { worker, hello }));
            }
            registered
        };
        let registered = registered.map_err(|refused| match refused {
            Refused::Version { .. } => Status::failed_precondition(refused.to_string()),
            Refused::Instance => Status::invalid_argument(refused.to_string()),
            Refused::Full => Status::resource_exhausted(refused.to_string()),
        })?;
        let ms = |duration: Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
        Ok(Response::new(RegisterResponse {
            session: registered.session,
            version: VERSION.to_owned(),
            lease_ms: ms(self.lease),
            heartbeat_ms: ms(self.heartbeat),
            notice: String::new(),
        }))
    }

    type ControlStream = Out<Command>;

    async fn control(
        &self,
        request: Request<Streaming<WorkerStatus>>,
    ) -> Result<Response<Out<Command>>, Status> {
        let mut statuses = request.into_inner();
        let first = first(&mut statuses).await?;
        let worker = self.worker_of(first.session)?;
        let (commands, queue) = mpsc::channel(COMMANDS);
        self.tell(FleetEvent::Control(first.session, worker, commands.clone())).await?;
        self.tell(FleetEvent::From(first.session, worker, Input::ControlOpened { worker })).await?;
        let service = self.clone();
        tokio::spawn(async move {
            let ended = service.listen_to(worker, first.session, &mut statuses, &commands).await;
            if let Err(status) = ended {
                // A full queue means nobody reads it any more.
                let _ = commands.try_send(Err(status));
            }
            // Of no interest if a newer session has a stream of its own by the time this is read.
            let _ =
                service.tell(FleetEvent::From(first.session, worker, Input::ControlClosed { worker })).await;
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(queue))))
    }

    type ReportStream = Out<BatchAck>;

    async fn report(
        &self,
        request: Request<Streaming<SnapshotBatch>>,
    ) -> Result<Response<Out<BatchAck>>, Status> {
        let mut batches = request.into_inner();
        let first = first(&mut batches).await?;
        let worker = self.worker_of(first.session)?;
        let (acks, queue) = mpsc::channel(ACKS);
        self.tell(FleetEvent::Report(first.session, worker, acks.clone())).await?;
        self.tell(FleetEvent::From(first.session, worker, Input::ReportOpened { worker })).await?;
        let service = self.clone();
        tokio::spawn(async move {
            if let Err(status) = service.take_from(worker, &mut batches).await {
                let _ = acks.try_send(Err(status));
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(queue))))
    }

    type FetchAssetStream = Out<AssetChunk>;

    async fn fetch_asset(&self, request: Request<AssetRequest>) -> Result<Response<Out<AssetChunk>>, Status> {
        let request = request.into_inner();
        self.worker_of(request.session)?;
        let hash =
            <[u8; 32]>::try_from(&*request.sha256).map_err(|_| Status::invalid_argument("not a hash"))?;
        let content = self.assets.get(&hash).cloned().ok_or_else(|| Status::not_found("no such file"))?;
        let chunks = stream::unfold(content, |mut rest| async move {
            if rest.is_empty() {
                return None;
            }
            let data = rest.split_to(rest.len().min(ASSET_CHUNK));
            Some((Ok(AssetChunk { data }), rest))
        });
        Ok(Response::new(Box::pin(chunks)))
    }
}

impl Service {
    /// Answers heartbeats and passes them on, until the stream or the session ends.
    async fn listen_to(
        &self,
        worker: WorkerId,
        session: u64,
        statuses: &mut Streaming<WorkerStatus>,
        commands: &mpsc::Sender<Result<Command, Status>>,
    ) -> Result<(), Status> {
        while let Some(status) = statuses.next().await {
            let received_us = self.now_us();
            let Ok(status) = status else { return Ok(()) };
            let now = self.epoch.elapsed();
            if status.session != session || !self.registry().answer(session, worker, now) {
                return Err(Status::aborted("this session is over; register again"));
            }
            let answer = HeartbeatAnswer { seq: status.seq, received_us, answered_us: self.now_us() };
            if commands.try_send(Ok(Command { what: Some(What::Answer(answer)) })).is_err() {
                return Err(Status::resource_exhausted("commands are not read"));
            }
            let Some(heartbeat) = convert::heartbeat(status) else {
                let why = "a heartbeat that cannot be".to_owned();
                self.tell(FleetEvent::From(session, worker, Input::BadBatch { worker, why })).await?;
                return Err(Status::invalid_argument("a heartbeat that cannot be"));
            };
            self.tell(FleetEvent::From(session, worker, Input::Heartbeat { worker, heartbeat })).await?;
        }
        Ok(())
    }

    /// Passes statistics on, checked in themselves.
    async fn take_from(
        &self,
        worker: WorkerId,
        batches: &mut Streaming<SnapshotBatch>,
    ) -> Result<(), Status> {
        while let Some(wire) = batches.next().await {
            let wire = wire?;
            let session = wire.session;
            if self.registry().worker_of(wire.session) != Some(worker) {
                return Err(Status::aborted("this session is over; register again"));
            }
            let room = Arc::clone(&self.batches).acquire_owned().await;
            let room = room.map_err(|_| Status::unavailable("the coordinator is ending"))?;
            let input = match batch::from_wire(wire) {
                Ok(batch) => Input::Batch { worker, batch: Box::new(batch) },
                Err(error) => Input::BadBatch { worker, why: error.to_string() },
            };
            self.tell(FleetEvent::Statistics(session, worker, input, room)).await?;
        }
        Ok(())
    }
}
