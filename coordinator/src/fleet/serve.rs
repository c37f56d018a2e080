//! Listening: TCP for remote workers, a pipe in memory for the embedded one. Both end in the same handlers.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::Stream;
use stampede_proto::MAX_MESSAGE;
use stampede_proto::v1::fleet_server::FleetServer;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::net::{TcpListener, TcpSocket, lookup_host};
use tokio::sync::mpsc;
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::transport::Server;
use tonic::transport::server::Connected;

use super::service::Service;

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
    let not_an_address = || ListenError::Address { address: address.to_owned() };
    let address =
        lookup_host(address).await.map_err(|_| not_an_address())?.next().ok_or_else(not_an_address)?;
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
    use tokio_stream::StreamExt;

    let (sender, receiver) = mpsc::channel(4);
    (sender, ReceiverStream::new(receiver).map(|pipe| Ok(Pipe(pipe))))
}

/// Both ends of a new pipe.
pub fn pipe() -> (DuplexStream, DuplexStream) {
    duplex(PIPE)
}

/// The coordinator's end of the embedded worker's connection.
#[derive(Debug)]
pub struct Pipe(DuplexStream);

/// Tells handlers that a request came from within this process.
#[derive(Debug, Clone, Copy)]
pub struct Embedded;

impl Connected for Pipe {
    type ConnectInfo = Embedded;

    fn connect_info(&self) -> Embedded {
        Embedded
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

fn server() -> Server {
    Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .http2_keepalive_timeout(Some(Duration::from_secs(5)))
        .tcp_nodelay(true)
}

fn handlers(service: Service) -> FleetServer<Service> {
    FleetServer::new(service).max_decoding_message_size(MAX_MESSAGE).max_encoding_message_size(MAX_MESSAGE)
}

/// Serves remote workers on `listener`, where there is one, and pipes of `memory`, in tasks of their own.
pub fn serve(
    service: &Service,
    listener: Option<TcpListener>,
    pipes: impl Stream<Item = io::Result<Pipe>> + Send + 'static,
) {
    if let Some(listener) = listener {
        let incoming = TcpListenerStream::new(listener);
        let serving = server().add_service(handlers(service.clone())).serve_with_incoming(incoming);
        // It ends with the runtime; a connection that fails is that worker's affair.
        tokio::spawn(serving);
    }
    let serving = server().add_service(handlers(service.clone())).serve_with_incoming(pipes);
    tokio::spawn(serving);
}
