//! The server: HTTP/1.1 by hand, HTTP/2 by hyper, over TLS or not. It notes what it saw of each connection.
//!
//! The body of every answer is the HTTP it was asked in, so that a client that mixes them up is found out.

use std::cell::RefCell;
use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{HandshakeKind, RootCertStore, ServerConfig};
use stampede_worker::http::origin::Origin;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, spawn_local};
use tokio_rustls::TlsAcceptor;
use url::Url;

/// The certificate, which signs itself.
pub(super) const CERT: &[u8] = include_bytes!("cert.pem");
const KEY: &[u8] = include_bytes!("key.pem");
/// Who signed the certificate of a user that is let in.
const CLIENTS: &[u8] = include_bytes!("clients.pem");

/// What a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaks {
    H1,
    H2,
    TlsH1,
    TlsBoth,
    /// Over TLS, without a word on which HTTP.
    TlsNoAgreement,
    /// Over TLS, with who shows a certificate that `clients.pem` signed.
    TlsMutual,
    /// It answers the first request of a connection, and none after it.
    Once,
    /// The same, but it begins an answer to the second.
    HalfAnswer,
}

/// What it saw of a connection.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) peer: SocketAddr,
    pub(super) handshake: Option<HandshakeKind>,
    /// For each request its target as it was asked for: a path, or a whole URL.
    pub(super) requests: Vec<String>,
}

type Notes = Rc<RefCell<Vec<Seen>>>;

/// A server on a port of its own.
#[derive(Debug)]
pub(super) struct Target {
    address: SocketAddr,
    is_tls: bool,
    seen: Notes,
    task: JoinHandle<()>,
}

impl Drop for Target {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Target {
    pub(super) async fn start(speaks: Speaks) -> Self {
        Self::at("127.0.0.1:0", speaks).await
    }

    pub(super) async fn at(address: &str, speaks: Speaks) -> Self {
        let listener = TcpListener::bind(address).await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let seen = Notes::default();
        let notes = Rc::clone(&seen);
        let acceptor = acceptor(speaks);
        let is_tls = acceptor.is_some();
        let task = spawn_local(async move {
            while let Ok((stream, peer)) = listener.accept().await {
                spawn_local(connection(stream, peer, speaks, acceptor.clone(), Rc::clone(&notes)));
            }
        });
        Self { address, is_tls, seen, task }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// As a client asks for it, by the address.
    pub(super) fn origin(&self) -> Arc<Origin> {
        self.named("127.0.0.1")
    }

    /// As a client asks for it, by a name.
    pub(super) fn named(&self, host: &str) -> Arc<Origin> {
        let scheme = if self.is_tls { "https" } else { "http" };
        origin(&format!("{scheme}://{host}:{}/", self.address.port()))
    }

    /// What it saw so far, connection by connection. A handshake that failed is no connection.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }

    /// The number of requests over each connection.
    pub(super) fn requests(&self) -> Vec<usize> {
        self.seen.borrow().iter().map(|seen| seen.requests.len()).collect()
    }
}

/// The origin of a URL.
pub(super) fn origin(url: &str) -> Arc<Origin> {
    Arc::new(Origin::of(&Url::parse(url).expect("a URL")).expect("HTTP"))
}

fn acceptor(speaks: Speaks) -> Option<TlsAcceptor> {
    let protocols: &[&[u8]] = match speaks {
        Speaks::TlsH1 | Speaks::TlsMutual => &[b"http/1.1"],
        Speaks::TlsBoth => &[b"h2", b"http/1.1"],
        Speaks::TlsNoAgreement => &[],
        Speaks::H1 | Speaks::H2 | Speaks::Once | Speaks::HalfAnswer => return None,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![CertificateDer::from_pem_slice(CERT).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = if speaks == Speaks::TlsMutual {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(CLIENTS).expect("a certificate")).expect("usable");
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        builder.with_client_cert_verifier(verifier.build().expect("somebody is trusted"))
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder.with_single_cert(chain, key).expect("they go together");
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Some(TlsAcceptor::from(Arc::new(config)))
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    speaks: Speaks,
    acceptor: Option<TlsAcceptor>,
    notes: Notes,
) {
    let begin = |handshake| {
        let mut all = notes.borrow_mut();
        all.push(Seen { peer, handshake, requests: Vec::new() });
        Note { notes: Rc::clone(&notes), index: all.len() - 1 }
    };
    let Some(acceptor) = acceptor else {
        let note = begin(None);
        match speaks {
            Speaks::H2 => h2(stream, note).await,
            Speaks::Once => h1(stream, note, b"").await,
            Speaks::HalfAnswer => h1(stream, note, &H1_ANSWER[..H1_ANSWER.len() - 1]).await,
            _ => h1(stream, note, H1_ANSWER).await,
        }
        return;
    };
    // A client that does not like the certificate goes away.
    let Ok(stream) = acceptor.accept(stream).await else { return };
    let session = stream.get_ref().1;
    let note = begin(session.handshake_kind());
    if session.alpn_protocol() == Some(b"h2") {
        h2(stream, note).await;
    } else {
        h1(stream, note, H1_ANSWER).await;
    }
}

/// Where the requests of a connection are noted.
#[derive(Debug, Clone)]
struct Note {
    notes: Notes,
    index: usize,
}

impl Note {
    fn asked_for(&self, target: String) {
        self.notes.borrow_mut()[self.index].requests.push(target);
    }
}

const H1_ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nh1";

/// Answers requests without a body: all but the first with `later`.
async fn h1(mut stream: impl AsyncRead + AsyncWrite + Unpin, note: Note, later: &'static [u8]) {
    let mut answer = H1_ANSWER;
    while let Some(head) = head(&mut stream).await {
        let target = head.split(' ').nth(1).expect("a request line");
        note.asked_for(target.to_owned());
        if stream.write_all(answer).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        answer = later;
    }
}

/// Reads a head, byte by byte so that nothing behind it is lost.
pub(super) async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Local;

impl<F: Future<Output = ()> + 'static> Executor<F> for Local {
    fn execute(&self, future: F) {
        spawn_local(future);
    }
}

async fn h2(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, note: Note) {
    let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
        note.asked_for(request.uri().path().to_owned());
        async { Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from_static(b"h2")))) }
    });
    // How it ends, the client says.
    let served = http2::Builder::new(Local).serve_connection(TokioIo::new(stream), service).await;
    served.unwrap_or_default();
}
