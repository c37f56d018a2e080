//! Accepts connections and serves HTTP/1.1 on them. What is answered is `routes`' business; here are the two
//! things that a router cannot do: count a request before it is routed, and close a connection without an
//! answer.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tower::Service;

use crate::routes::{self, App, CloseConnection};

/// Connections the kernel keeps for us until they are accepted: a thousand users that start at once must not
/// find a refused connection. The kernel lowers it to its own limit (`net.core.somaxconn`).
const BACKLOG: u32 = 4096;

/// How long to leave a failing `accept` alone. It fails when the process has no file descriptor left, and
/// then does so at once and again and again; others have to finish first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Why a connection ended without an answer. Hyper only asks for an error; nobody reads it.
#[derive(Debug, thiserror::Error)]
#[error("closed without an answer, as the route asks")]
struct Closed;

/// Binds the listening socket. To be called inside the runtime that will serve.
pub(crate) fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A target that is started again must not wait for its predecessor's connections in TIME_WAIT.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    socket.listen(BACKLOG)
}

/// Accepts until it is dropped; the connections are tasks of the runtime and end with it.
pub(crate) async fn accept(listener: TcpListener, app: Arc<App>) {
    let router = routes::router(Arc::clone(&app));
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                app.ledger.connection();
                tokio::spawn(serve(stream, Arc::clone(&app), router.clone()));
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Serves one connection until either side closes it.
async fn serve(stream: TcpStream, app: Arc<App>, router: Router) {
    // Without it an answer in two writes waits for the client's delayed acknowledgement: 40 ms nobody asked
    // for. It fails only when the client has already left, which the first read tells as well.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        app.ledger.request(request.method(), request.uri(), request.headers());
        answer(router.clone(), request)
    });
    // Answers to pipelined requests leave in one write. Errors are the client's (it left, it sent nonsense
    // and has its 400) or `Closed`; none is ours to report.
    let _ = http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), service).await;
}

/// An error from the service makes hyper drop the connection with nothing written, which closes the socket.
async fn answer(mut router: Router, request: Request<Incoming>) -> Result<Response<Body>, Closed> {
    let Ok(response) = router.call(request).await;
    match response.extensions().get::<CloseConnection>() {
        None => Ok(response),
        Some(CloseConnection) => Err(Closed),
    }
}
