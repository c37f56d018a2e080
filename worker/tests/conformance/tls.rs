//! The same over TLS: a certificate that the clients are told to trust, and what only TLS brings along.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use stampede_scenarios::compile::compile;
use stampede_scenarios::source::{Overrides, Source};
use stampede_stats::outcome::FailureKind;
use stampede_worker::http::auto::ClientChoice;
use stampede_worker::http::run::RunHttp;
use tokio_rustls::TlsAcceptor;

use super::client::{Ask, Client, KINDS, Seen, on_one_thread, seen};
use super::framing::{DELIMITED, UNTIL_CLOSE};
use super::server::{End, Script, Server};

/// Vouches for 127.0.0.1 by itself.
const CERT: &[u8] = include_bytes!("../secure/cert.pem");
const KEY: &[u8] = include_bytes!("../secure/key.pem");

/// What a connection is made over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Plain,
    Tls,
}

/// The server's side.
pub(super) fn acceptor() -> TlsAcceptor {
    static CONFIG: OnceLock<Arc<ServerConfig>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        let chain = vec![CertificateDer::from_pem_slice(CERT).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_slice(KEY).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("versions").with_no_client_auth();
        Arc::new(builder.with_single_cert(chain, key).expect("they belong together"))
    });
    TlsAcceptor::from(Arc::clone(config))
}

/// The clients' side: they trust the server's certificate.
pub(super) fn run() -> &'static Arc<RunHttp> {
    static RUN: OnceLock<Arc<RunHttp>> = OnceLock::new();
    RUN.get_or_init(|| {
        let text =
            "target: https://127.0.0.1\ntls: {ca: cert.pem}\nusers: {u: {tasks: {t: {steps: [get: /]}}}}\n";
        let source = Source::new("conformance.yaml", text);
        let plan = compile(&source, &Overrides::default(), &|_| None, 1).expect("a plan");
        Arc::new(RunHttp::new(&plan, &[Bytes::from_static(CERT)], ClientChoice::Auto).expect("TLS"))
    })
}

#[test]
fn every_framing_is_the_same_over_tls() {
    on_one_thread(async {
        for case in DELIMITED.iter().chain(UNTIL_CLOSE) {
            case.hold_over(Over::Tls).await;
        }
    });
}

#[test]
fn a_connection_closed_without_goodbye_is_no_end_of_a_body() {
    on_one_thread(async {
        let length = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
        let until_close = b"HTTP/1.1 200 OK\r\n\r\nhello";
        let whole = Seen::Response { status: 200, body: b"hello".to_vec() };
        for kind in KINDS {
            for (response, end, expected) in [
                (&until_close[..], End::Closes, whole.clone()),
                (until_close, End::Cuts, Seen::Failure(FailureKind::Closed)),
                (length, End::Cuts, whole.clone()),
                (&length[..length.len() - 1], End::Cuts, Seen::Failure(FailureKind::Closed)),
                (&length[..length.len() - 1], End::Closes, Seen::Failure(FailureKind::Closed)),
                (b"", End::Cuts, Seen::Failure(FailureKind::Closed)),
                (b"", End::Closes, Seen::Failure(FailureKind::Closed)),
                (b"", End::Resets, Seen::Failure(FailureKind::Reset)),
            ] {
                let server = Server::over(Over::Tls).await;
                server.will(Script::new(response, end));
                let exchange = Client::over(kind, Over::Tls).ask(&Ask::new("GET"), server.origin()).await;
                assert!(exchange.written, "{kind:?}");
                assert_eq!(seen(exchange), expected, "{kind:?} {response:?} {end:?}");
            }
        }
    });
}

#[test]
fn an_idle_connection_that_says_goodbye_is_made_anew() {
    on_one_thread(async {
        for kind in KINDS {
            let server = Server::over(Over::Tls).await;
            let mut client = Client::over(kind, Over::Tls);
            for _ in 0..3 {
                server.will(Script::new(*b"HTTP/1.1 204 No Content\r\n\r\n", End::Stays));
                assert!(client.ask(&Ask::new("GET"), server.origin()).await.result.is_ok(), "{kind:?}");
                server.hang_up(End::Closes).await;
            }
            assert_eq!((server.connections(), server.requests()), (3, 3), "{kind:?}");
        }
    });
}

#[test]
fn large_bodies_go_both_ways_over_tls() {
    on_one_thread(async {
        let body = "0123456789abcdef".repeat(1 << 16);
        let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        for kind in KINDS {
            let server = Server::over(Over::Tls).await;
            server.will(Script::new(response.as_bytes(), End::Stays));
            let ask = Ask { body: body.clone().into_bytes(), ..Ask::new("POST") };
            let exchange = Client::over(kind, Over::Tls).ask(&ask, server.origin()).await;
            let answer = exchange.result.expect("a response");
            assert!(answer.body == body.as_bytes(), "{kind:?}");
            assert!(server.received().concat().concat().ends_with(body.as_bytes()), "{kind:?}");
        }
    });
}

#[test]
fn a_certificate_nobody_trusts_is_a_failure_of_tls() {
    on_one_thread(async {
        for kind in KINDS {
            let server = Server::over(Over::Tls).await;
            // Those who are not told trust what the system trusts.
            let exchange = Client::new(kind).ask(&Ask::new("GET"), server.origin()).await;
            assert!(!exchange.written, "{kind:?}");
            assert_eq!(seen(exchange), Seen::Failure(FailureKind::Tls), "{kind:?}");
        }
    });
}
