//! Listening: TCP for remote workers, a pipe in memory for the embedded one. Both end in the same handlers.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use stampede_proto::token::Token;
use stampede_proto::v1::fleet_server::FleetServer;
use stampede_proto::v1::watch_server::WatchServer;
use stampede_proto::{MAX_MESSAGE, MAX_UP};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::net::{TcpListener, TcpSocket, lookup_host};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::service::InterceptorLayer;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use super::accept::accept;
use super::guard::Guard;
use super::service::Service;
use super::tls::FleetTls;
use crate::watch::WatchService;

/// Bytes a pipe holds before its writer waits.
const PIPE: usize = 1 << 20;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 1024;

/// An address that cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Not an address.
    #[error("`{address}` is not an address to listen on (an example: 127.0.0.1:5557)")]
    Address {
        /// As given.
        address: String,
    },
    /// Somebody else has it.
    #[error(
        "{address} is taken, perhaps by another coordinator; choose another with --bind, or end the other one"
    )]
    Taken {
        /// Which.
        address: SocketAddr,
    },
    /// Something else.
    #[error("cannot listen on {address}: {source}")]
    Other {
        /// Which.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// Listens on `address` (`host:port`, port 0 for a free one).
///
/// # Errors
/// When it is no address, or cannot be had.
pub async fn listen(address: &str) -> Result<TcpListener, ListenError> {
    listen_on(resolve(address).await?)
}

/// What `address` (`host:port`) stands for.
///
/// # Errors
/// When it is no address.
pub async fn resolve(address: &str) -> Result<SocketAddr, ListenError> {
    let not_an_address = || ListenError::Address { address: address.to_owned() };
    lookup_host(address).await.map_err(|_| not_an_address())?.next().ok_or_else(not_an_address)
}

/// Listens on `address`. Must be called within a runtime.
///
/// # Errors
/// When it cannot be had.
pub fn listen_on(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let failed = |source: io::Error| match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::Taken { address },
        _ => ListenError::Other { address, source },
    };
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }.map_err(failed)?;
    socket.set_reuseaddr(true).map_err(failed)?;
    socket.bind(address).map_err(failed)?;
    socket.listen(BACKLOG).map_err(failed)
}

/// A way to the handlers within this process: pipes made at one end arrive at the other.
pub fn memory() -> (mpsc::Sender<DuplexStream>, impl Stream<Item = io::Result<Pipe>> + Send + 'static) {
    pipes_of(Origin::ThisProcess)
}

/// The same for workers that count as ones from elsewhere: a network that is made up.
pub fn remote_memory() -> (mpsc::Sender<DuplexStream>, impl Stream<Item = io::Result<Pipe>> + Send + 'static)
{
    pipes_of(Origin::Elsewhere)
}

fn pipes_of(
    origin: Origin,
) -> (mpsc::Sender<DuplexStream>, impl Stream<Item = io::Result<Pipe>> + Send + 'static) {
    use tokio_stream::StreamExt;

    let (sender, receiver) = mpsc::channel(4);
    (sender, ReceiverStream::new(receiver).map(move |pipe| Ok(Pipe(pipe, origin))))
}

/// Both ends of a new pipe.
pub fn pipe() -> (DuplexStream, DuplexStream) {
    duplex(PIPE)
}

/// The coordinator's end of a worker's connection in memory.
#[derive(Debug)]
pub struct Pipe(DuplexStream, Origin);

/// Tells handlers whose pipe a request came over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The embedded worker's.
    ThisProcess,
    /// That of a worker which is not embedded.
    Elsewhere,
}

impl Connected for Pipe {
    type ConnectInfo = Origin;

    fn connect_info(&self) -> Origin {
        self.1
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, into)
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, from)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

/// Where remote workers come in.
#[derive(Debug)]
pub struct Door {
    /// The port.
    pub listener: TcpListener,
    /// What who comes has to show; `None` lets everybody in.
    pub token: Option<Token>,
    /// TLS, if it is spoken.
    pub tls: Option<FleetTls>,
}

/// Calls that one connection may have under way: a worker has three.
const STREAMS: u32 = 32;

/// Bytes of headers in one call.
const HEADERS: u32 = 16 << 10;

/// Bytes of one call, and of one connection, that may arrive before they are read. A batch is seldom above 100 KB.
/// A thousand workers that are not kept up with must wait at their own end, where the unsent merges, and not fill this memory.
const CALL_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 512 << 10;

fn server() -> Server {
    Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .http2_keepalive_timeout(Some(Duration::from_secs(5)))
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(CALL_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .http2_max_header_list_size(HEADERS)
}

fn handlers(service: Service) -> FleetServer<Service> {
    FleetServer::new(service).max_decoding_message_size(MAX_UP).max_encoding_message_size(MAX_MESSAGE)
}

fn watching(service: WatchService) -> WatchServer<WatchService> {
    // What comes up is small: a version, a wish.
    WatchServer::new(service)
        .max_decoding_message_size(HEADERS as usize)
        .max_encoding_message_size(MAX_MESSAGE)
}

/// Serves remote workers and those who watch at `door`, where there is one, and pipes of `memory`, in tasks of their own.
pub fn serve(
    service: &Service,
    watch: Option<&WatchService>,
    door: Option<Door>,
    pipes: impl Stream<Item = io::Result<Pipe>> + Send + 'static,
) {
    if let Some(Door { listener, token, tls }) = door {
        let guard = Guard::new(token, service.events());
        let incoming = accept(listener, tls, guard.clone());
        let (service, watch) = (service.clone(), watch.cloned());
        // It ends with the runtime; a connection that fails is that worker's affair.
        tokio::spawn(async move {
            let (health, health_service) = tonic_health::server::health_reporter();
            health.set_serving::<FleetServer<Service>>().await;
            // Around all services, those that do not exist included.
            let mut server = server().layer(InterceptorLayer::new(guard));
            let router = server.add_service(handlers(service)).add_optional_service(watch.map(watching));
            let router = router.add_service(health_service);
            router.serve_with_incoming(incoming).await
        });
    }
    let router = server().add_service(handlers(service.clone()));
    let router = router.add_optional_service(watch.cloned().map(watching));
    tokio::spawn(router.serve_with_incoming(pipes));
}
