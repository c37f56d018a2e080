//! The network of a simulation: pipes between workers and coordinator whose bytes are late, held up or lost on command.
//!
//! Each worker has a [`Line`] of its own, and each of its two directions can be slow or stand still: then bytes wait, as in the
//! buffers of a real connection, and arrive in order when it moves again. A connection can be cut, which both ends see; or left
//! by the worker alone, so that what it had said arrives after it has come back over a newer one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{join, join3};
use stampede_coordinator::fleet::pipe;
use stampede_worker::session::{Dialer, Io};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, split};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// Pieces of a connection that may be under way in one direction; then whoever writes has to wait.
const WINDOW: usize = 64;

/// Largest piece, in bytes.
const PIECE: usize = 16 << 10;

/// One direction of a line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    /// How long bytes take.
    pub(crate) delay: Duration,
    /// Nothing arrives.
    pub(crate) stands: bool,
}

/// How a worker's line is at present.
#[derive(Debug, Clone, Copy)]
pub(crate) struct State {
    /// To the coordinator.
    pub(crate) up: Way,
    /// To the worker.
    pub(crate) down: Way,
    /// How much longer acknowledgements of statistics take.
    pub(crate) slow_acks: Duration,
    /// Changes when every connection breaks.
    cuts: u64,
    /// Connections below this number carry nothing up.
    held_below: u64,
    /// Connections below this number are ones the worker has left.
    left_below: u64,
}

/// A worker's line to the coordinator.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    state: Arc<watch::Sender<State>>,
    /// Connections made so far.
    made: Arc<AtomicU64>,
}

impl Line {
    /// A line on which bytes take `delay` each way.
    pub(crate) fn new(delay: Duration) -> Self {
        let way = Way { delay, stands: false };
        let slow_acks = Duration::ZERO;
        let state = State { up: way, down: way, slow_acks, cuts: 0, held_below: 0, left_below: 0 };
        Self { state: Arc::new(watch::Sender::new(state)), made: Arc::default() }
    }

    /// Changes how it is.
    pub(crate) fn change(&self, change: impl FnOnce(&mut State)) {
        self.state.send_modify(change);
    }

    /// Breaks every connection; new ones can be made.
    pub(crate) fn cut(&self) {
        self.change(|state| state.cuts += 1);
    }

    /// Holds up what the worker says over its present connections, and no later ones.
    pub(crate) fn hold_present(&self) {
        let made = self.made.load(Ordering::Relaxed);
        self.change(|state| state.held_below = made);
    }

    /// The worker loses the connections that are held up. What is under way is not lost.
    pub(crate) fn leave_held(&self) {
        self.change(|state| state.left_below = state.held_below);
    }

    /// What was held up arrives.
    pub(crate) fn release_held(&self) {
        self.change(|state| state.held_below = 0);
    }

    /// Makes connections over this line; the coordinator's ends go to `ends`.
    pub(crate) fn dialer(&self, ends: mpsc::Sender<DuplexStream>) -> Dialer {
        let line = self.clone();
        // A session dials twice: for Control, and when that stands for statistics.
        let second = Arc::new(AtomicBool::new(false));
        Dialer::new(move || {
            let (line, ends, second) = (line.clone(), ends.clone(), Arc::clone(&second));
            Box::pin(async move {
                let is_data = second.swap(false, Ordering::Relaxed);
                let near = line.connect(&ends, is_data).await?;
                second.store(!is_data, Ordering::Relaxed);
                Ok(Box::new(near) as Box<dyn Io>)
            })
        })
    }

    async fn connect(&self, ends: &mpsc::Sender<DuplexStream>, is_data: bool) -> io::Result<DuplexStream> {
        let mut state = self.state.subscribe();
        let moves = state.wait_for(|state| !state.up.stands && !state.down.stands);
        let both = moves.await.map(|state| state.up.delay + state.down.delay).map_err(io::Error::other)?;
        sleep(both).await;
        let ((near, left), (right, far)) = (pipe(), pipe());
        ends.send(far).await.map_err(|_| io::ErrorKind::ConnectionRefused)?;
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(carry(left, right, Connection { state, number, is_data }));
        Ok(near)
    }
}

/// A connection and the line it runs over.
#[derive(Debug, Clone)]
struct Connection {
    state: watch::Receiver<State>,
    number: u64,
    is_data: bool,
}

/// A piece on its way, and when it is due.
type Piece = (Instant, Vec<u8>);

/// Carries both directions of a connection between the worker's end `left` and the coordinator's end `right`.
async fn carry(left: DuplexStream, right: DuplexStream, connection: Connection) {
    let ((left_reads, left_writes), (right_reads, right_writes)) = (split(left), split(right));
    let ((up, up_pieces), (down, down_pieces)) = (mpsc::channel(WINDOW), mpsc::channel(WINDOW));
    let (mut cut, mut left_alone) = (connection.state.clone(), connection.state.clone());
    let cuts = cut.borrow().cuts;
    let arrives = deliver(up_pieces, right_writes, connection.clone(), true);
    let worker_side = join3(
        collect(left_reads, up, connection.clone(), true),
        collect(right_reads, down, connection.clone(), false),
        deliver(down_pieces, left_writes, connection.clone(), false),
    );
    let whole = async move {
        let worker_side = async move {
            tokio::select! {
                biased;
                _ = left_alone.wait_for(|state| connection.number < state.left_below) => {}
                _ = worker_side => {}
            }
            // Here the worker's end is dropped; what it had said is still under way.
        };
        join(worker_side, arrives).await;
    };
    tokio::select! {
        biased;
        // Both ends are dropped, with everything between them.
        _ = cut.wait_for(|state| state.cuts != cuts) => {}
        () = whole => {}
    }
}

/// Takes what is written at one end.
async fn collect(
    mut from: impl AsyncRead + Unpin,
    pieces: mpsc::Sender<Piece>,
    connection: Connection,
    up: bool,
) {
    let mut buffer = vec![0; PIECE];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let delay = {
            let state = connection.state.borrow();
            match (up, connection.is_data) {
                (true, _) => state.up.delay,
                (false, true) => state.down.delay + state.slow_acks,
                (false, false) => state.down.delay,
            }
        };
        if pieces.send((Instant::now() + delay, buffer[..count].to_vec())).await.is_err() {
            return;
        }
    }
}

/// Hands it over at the other end, in order.
async fn deliver(
    mut pieces: mpsc::Receiver<Piece>,
    mut to: impl AsyncWrite + Unpin,
    mut connection: Connection,
    up: bool,
) {
    let number = connection.number;
    while let Some((due, piece)) = pieces.recv().await {
        sleep_until(due).await;
        let moves = |state: &State| {
            if up { !state.up.stands && number >= state.held_below } else { !state.down.stands }
        };
        if connection.state.wait_for(moves).await.is_err() || to.write_all(&piece).await.is_err() {
            return;
        }
    }
    // The other end was closed; an end that is gone already needs not to hear of it.
    let _ = to.shutdown().await;
}
