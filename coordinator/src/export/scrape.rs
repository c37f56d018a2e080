//! The HTTP server that a Prometheus scrapes: `GET /metrics`, rendered from the newest figures when somebody asks.
//!
//! It needs little of HTTP, and is careful with what it needs: so many connections at a time, each with so much time to ask.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::catalogue::families;
use super::feed::Tick;
use super::text::{Format, render};

/// Connections at a time.
const CONNECTIONS: usize = 32;

/// How long a client has for the head of a request, also of the next one on its connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// After an error that one connection has not caused alone, say no more files to open.
const PAUSE: Duration = Duration::from_millis(100);

type Newest = watch::Receiver<Option<Arc<Tick>>>;

/// Serves as long as the program runs.
pub(super) async fn serve(listener: TcpListener, newest: Newest) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(answer(stream, newest.clone(), place))),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

async fn answer(stream: TcpStream, newest: Newest, _place: OwnedSemaphorePermit) {
    let service = service_fn(|request| {
        let response = response(&request, &newest);
        async { Ok::<_, Infallible>(response) }
    });
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    // Of a client that goes away nobody has to hear.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

fn response(request: &Request<Incoming>, newest: &Newest) -> Response<Full<Bytes>> {
    if request.uri().path() != "/metrics" {
        return plain(StatusCode::NOT_FOUND, "the metrics are at /metrics\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = plain(StatusCode::METHOD_NOT_ALLOWED, "GET /metrics\n");
        response.headers_mut().insert(ALLOW, hyper::header::HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let accepts = request.headers().get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let format = Format::accepted(&accepts.collect::<Vec<_>>().join(","));
    let tick = newest.borrow().clone();
    let text = tick.map_or_else(|| render(&[], format), |tick| render(&families(&tick.figures), format));
    typed(StatusCode::OK, format.content_type(), Bytes::from(text))
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    typed(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

fn typed(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static(kind));
    response
}
