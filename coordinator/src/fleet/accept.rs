//! The door of the fleet port: connections are let in one by one, TLS is made, and who does not say anything sensible soon is
//! shown out.
//!
//! A connection is a stranger until one of its calls was let through. There are only so many strangers at a time, and each has
//! ten seconds. When half of their places are taken, no address gets more than a few: so that one peer, whatever it does here,
//! does not keep others from coming in.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::Stream;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use super::guard::Guard;
use super::tls::{self, FleetTls};

/// Connections at a time: two for each worker there may be, and some for those that look after them.
const CONNECTIONS: usize = 20_512;

/// Connections at a time that have not shown yet that they belong here.
const STRANGERS: usize = 1024;

/// So many of them from one address when half of the places are taken.
const STRANGERS_OF_ONE: usize = 64;

/// How long a stranger has.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a peer that was refused has to read why.
const FAREWELL: Duration = Duration::from_secs(2);

/// The first byte of a TLS record that begins a handshake.
const TLS_HANDSHAKE: u8 = 0x16;

/// What a peer that began TLS is told where there is none; its TLS library sees at once that this is something else.
const NO_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Who is at the other end of a connection, for the handlers.
#[derive(Debug, Clone)]
pub(super) struct Peer {
    /// Its address.
    pub(super) address: SocketAddr,
    /// It speaks plainly to a port that wants TLS.
    pub(super) is_plain: bool,
    known: Arc<AtomicBool>,
}

impl Peer {
    /// One of its calls was let through.
    pub(super) fn let_in(&self) {
        self.known.store(true, Ordering::Relaxed);
    }
}

/// A connection that was let in.
#[derive(Debug)]
pub(super) struct Line {
    io: Io,
    peer: Peer,
    stranger: Option<Stranger>,
    _place: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

#[derive(Debug)]
struct Stranger {
    until: Pin<Box<Sleep>>,
    _place: StrangersPlace,
}

/// Accepts from `listener` until nobody takes connections any more.
pub(super) fn accept(
    listener: TcpListener,
    tls: Option<FleetTls>,
    guard: Guard,
) -> impl Stream<Item = io::Result<Line>> + Send + 'static {
    let (sender, accepted) = mpsc::channel(16);
    let acceptor = tls.map(|tls| TlsAcceptor::from(tls.config));
    let (places, strangers) = (Arc::new(Semaphore::new(CONNECTIONS)), Strangers::default());
    tokio::spawn(async move {
        while !sender.is_closed() {
            let (stream, address) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of files, most likely: those that are open have to end first.
                    guard.refuse(None, &format!("a connection cannot be accepted: {error}"));
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let taken = (Arc::clone(&places).try_acquire_owned(), strangers.place(address.ip()));
            let (Ok(place), Some(stranger)) = taken else {
                guard.refuse(Some(address), "too many connections");
                continue;
            };
            let newcomer = Newcomer { address, place, stranger, until: Instant::now() + PATIENCE };
            let (sender, acceptor, guard) = (sender.clone(), acceptor.clone(), guard.clone());
            tokio::spawn(async move {
                if let Some(line) = newcomer.greet(stream, acceptor, &guard).await {
                    // Nobody takes it: the coordinator is ending.
                    let _ = sender.send(Ok(line)).await;
                }
            });
        }
    });
    ReceiverStream::new(accepted)
}

struct Newcomer {
    address: SocketAddr,
    place: OwnedSemaphorePermit,
    stranger: StrangersPlace,
    until: Instant,
}

/// The connections that have not shown yet that they belong here, by address.
#[derive(Debug, Clone, Default)]
struct Strangers(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One of their places.
#[derive(Debug)]
struct StrangersPlace {
    of: Strangers,
    address: IpAddr,
}

impl Strangers {
    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Whole after every statement that can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection from `address`, if there is one for it.
    fn place(&self, address: IpAddr) -> Option<StrangersPlace> {
        let mut counts = self.counts();
        let all: usize = counts.values().sum();
        let of_one = counts.get(&address).copied().unwrap_or(0);
        if all >= STRANGERS || (all >= STRANGERS / 2 && of_one >= STRANGERS_OF_ONE) {
            return None;
        }
        *counts.entry(address).or_default() += 1;
        drop(counts);
        Some(StrangersPlace { of: self.clone(), address })
    }
}

impl Drop for StrangersPlace {
    fn drop(&mut self) {
        let mut counts = self.of.counts();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

impl Newcomer {
    /// Sees what it speaks and makes TLS, if so.
    async fn greet(self, stream: TcpStream, acceptor: Option<TlsAcceptor>, guard: &Guard) -> Option<Line> {
        // A connection that does not go at once is slower, not wrong.
        let _ = stream.set_nodelay(true);
        let mut first = [0];
        match timeout_at(self.until, stream.peek(&mut first)).await {
            Ok(Ok(1)) => {}
            // Gone again, as those are that only look whether a port is open.
            Ok(_) => return None,
            Err(_) => {
                guard.refuse(Some(self.address), "it connected and said nothing");
                return None;
            }
        }
        let speaks_tls = first[0] == TLS_HANDSHAKE;
        match acceptor {
            // Its call is answered with what is wrong.
            Some(_) if !speaks_tls => Some(self.line(Io::Plain(stream), true)),
            None if !speaks_tls => Some(self.line(Io::Plain(stream), false)),
            None => {
                let why = "it speaks TLS, and this coordinator does not; give --fleet-cert and --fleet-key here, \
                           or leave out --fleet-ca there";
                guard.refuse(Some(self.address), why);
                bid_farewell(stream, NO_TLS).await;
                None
            }
            Some(acceptor) => self.secured(stream, &acceptor, guard).await,
        }
    }

    async fn secured(self, stream: TcpStream, acceptor: &TlsAcceptor, guard: &Guard) -> Option<Line> {
        let shaken = timeout_at(self.until, acceptor.accept(stream).into_fallible()).await;
        let (error, stream) = match shaken {
            Ok(Ok(stream)) => return Some(self.line(Io::Tls(Box::new(stream)), false)),
            Ok(Err((error, stream))) => (error, Some(stream)),
            Err(_) => (io::ErrorKind::TimedOut.into(), None),
        };
        if let Some(why) = tls::in_words(&error) {
            guard.refuse(Some(self.address), &why);
        }
        if let Some(stream) = stream {
            bid_farewell(stream, &[]).await;
        }
        None
    }

    fn line(self, io: Io, is_plain: bool) -> Line {
        let Self { address, place, stranger, until } = self;
        let stranger = Stranger { until: Box::pin(sleep_until(until)), _place: stranger };
        let peer = Peer { address, is_plain, known: Arc::default() };
        Line { io, peer, stranger: Some(stranger), _place: place }
    }
}

/// Says `last`, then waits a little for the peer to go: closing with unread bytes would take away what was said.
async fn bid_farewell(mut stream: TcpStream, last: &[u8]) {
    let farewell = async {
        stream.write_all(last).await?;
        stream.shutdown().await?;
        let mut rest = [0; 1024];
        // At most what fits into a window or two; nobody is read for ever.
        for _ in 0..256 {
            if stream.read(&mut rest).await? == 0 {
                break;
            }
        }
        Ok::<_, io::Error>(())
    };
    // However that ends, the connection does too.
    let _ = tokio::time::timeout(FAREWELL, farewell).await;
}

impl Connected for Line {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Some(stranger) = &mut this.stranger {
            if this.peer.known.load(Ordering::Relaxed) {
                this.stranger = None;
            } else if stranger.until.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        match &mut this.io {
            Io::Plain(stream) => Pin::new(stream).poll_read(cx, into),
            Io::Tls(stream) => Pin::new(stream).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_write(cx, from),
            Io::Tls(stream) => Pin::new(stream).poll_write(cx, from),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Io::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let closed = match &mut self.io {
            Io::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Io::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        };
        Poll::Ready(ready!(closed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_peer_does_not_take_the_places_of_all() {
        let strangers = Strangers::default();
        let (flood, other) = (IpAddr::from([127, 0, 0, 2]), IpAddr::from([127, 0, 0, 1]));
        let taken: Vec<_> = std::iter::from_fn(|| strangers.place(flood)).collect();
        assert_eq!(taken.len(), STRANGERS / 2);
        let few: Vec<_> = std::iter::from_fn(|| strangers.place(other)).collect();
        assert_eq!(few.len(), STRANGERS_OF_ONE, "others still come in");
        drop(taken);
        assert!(strangers.place(flood).is_some(), "places are given back");
    }
}
