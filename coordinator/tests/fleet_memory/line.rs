//! A worker's end of the wire, by hand.

use std::sync::Arc;

use hyper_util::rt::TokioIo;
use stampede_coordinator::fleet::pipe;
use stampede_proto::v1::command::What;
use stampede_proto::v1::fleet_client::FleetClient;
use stampede_proto::v1::{BatchAck, Command, RegisterRequest, SnapshotBatch, WorkerStatus};
use stampede_proto::{PROTOCOL, VERSION};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Status, Streaming};

/// A client over a pipe of its own.
pub(crate) async fn client(pipes: &mpsc::Sender<DuplexStream>) -> FleetClient<Channel> {
    let pipes = Arc::new(pipes.clone());
    let dial = move |_: Uri| {
        let pipes = Arc::clone(&pipes);
        async move {
            let (near, far) = pipe();
            pipes.send(far).await.map_err(|_| std::io::Error::from(std::io::ErrorKind::ConnectionRefused))?;
            Ok::<_, std::io::Error>(TokioIo::new(near))
        }
    };
    let endpoint = Endpoint::from_static("http://coordinator");
    let channel = endpoint.connect_with_connector(tower::service_fn(dial)).await;
    FleetClient::new(channel.expect("a pipe"))
}

/// What instance `instance` says of itself.
pub(crate) fn hello(instance: u8) -> RegisterRequest {
    RegisterRequest {
        instance: vec![instance; 16],
        name: format!("w{instance}"),
        version: VERSION.to_owned(),
        protocol: PROTOCOL,
        threads: 1,
        capacity: 1,
    }
}

pub(crate) async fn register(client: &mut FleetClient<Channel>, instance: u8) -> u64 {
    client.register(hello(instance)).await.expect("taken").into_inner().session
}

/// A control stream.
pub(crate) struct Control {
    pub(crate) session: u64,
    statuses: mpsc::Sender<WorkerStatus>,
    commands: Streaming<Command>,
}

impl Control {
    pub(crate) async fn open(client: &mut FleetClient<Channel>, session: u64) -> Result<Self, Status> {
        let (statuses, queue) = mpsc::channel(16);
        statuses.send(WorkerStatus { session, ..WorkerStatus::default() }).await.expect("room");
        let commands = client.control(ReceiverStream::new(queue)).await?.into_inner();
        Ok(Self { session, statuses, commands })
    }

    pub(crate) async fn say(&self, seq: u64, status: WorkerStatus) {
        let status = WorkerStatus { session: self.session, seq, ..status };
        // A stream that the other side has ended takes nothing; what comes down tells.
        let _ = self.statuses.send(status).await;
    }

    /// The next command, whatever it is.
    pub(crate) async fn next(&mut self) -> Result<What, Status> {
        let command =
            self.commands.next().await.unwrap_or_else(|| Err(Status::cancelled("the stream ended")))?;
        Ok(command.what.expect("something"))
    }

    /// Sends a heartbeat and waits for its answer: received and answered, in µs.
    pub(crate) async fn beat(&mut self, seq: u64) -> Result<(u64, u64), Status> {
        self.say(seq, WorkerStatus::default()).await;
        loop {
            if let What::Answer(answer) = self.next().await?
                && answer.seq == seq
            {
                return Ok((answer.received_us, answer.answered_us));
            }
        }
    }
}

/// A statistics stream.
pub(crate) struct Report {
    pub(crate) session: u64,
    batches: mpsc::Sender<SnapshotBatch>,
    acks: Streaming<BatchAck>,
}

impl Report {
    pub(crate) async fn open(client: &mut FleetClient<Channel>, session: u64) -> Result<Self, Status> {
        let (batches, queue) = mpsc::channel(16);
        batches.send(SnapshotBatch { session, ..SnapshotBatch::default() }).await.expect("room");
        let acks = client.report(ReceiverStream::new(queue)).await?.into_inner();
        Ok(Self { session, batches, acks })
    }

    pub(crate) async fn send(&self, batch: SnapshotBatch) {
        let _ = self.batches.send(SnapshotBatch { session: self.session, ..batch }).await;
    }

    pub(crate) async fn next(&mut self) -> Result<BatchAck, Status> {
        self.acks.next().await.unwrap_or_else(|| Err(Status::cancelled("the stream ended")))
    }
}
