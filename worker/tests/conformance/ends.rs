//! Responses that do not come to their end: cut short, reset, refused, late. Each has one name, and nothing is sent twice.

use std::sync::Arc;
use std::time::Duration;

use stampede_stats::outcome::FailureKind;
use stampede_worker::http::origin::Origin;
use stampede_worker::http::{Failure, Options};
use tokio::net::{TcpSocket, TcpStream};
use url::Url;

use super::client::{Ask, Client, KINDS, Kind, Seen, on_one_thread, seen};
use super::framing::DELIMITED;
use super::server::{End, Script, Server};

#[test]
fn a_connection_closed_before_the_end_is_closed_wherever_it_is() {
    on_one_thread(async {
        for case in DELIMITED {
            case.hold_cut_short(End::Closes, FailureKind::Closed).await;
        }
    });
}

#[test]
fn a_connection_reset_before_the_end_is_reset_wherever_it_is() {
    on_one_thread(async {
        for case in DELIMITED.iter().step_by(5) {
            case.hold_cut_short(End::Resets, FailureKind::Reset).await;
        }
    });
}

#[test]
fn a_reset_is_no_end_of_a_body_that_ends_with_the_connection() {
    on_one_thread(async {
        for kind in KINDS {
            let server = Server::start().await;
            server.will(Script::new(*b"HTTP/1.1 200 OK\r\n\r\nhello", End::Resets));
            let exchange = Client::new(kind).ask(&Ask::new("GET"), server.origin()).await;
            assert_eq!(seen(exchange), Seen::Failure(FailureKind::Reset), "{kind:?}");
        }
    });
}

#[test]
fn a_request_that_was_written_is_not_sent_again() {
    on_one_thread(async {
        for kind in KINDS {
            for method in ["GET", "POST"] {
                for end in [End::Closes, End::Resets] {
                    let server = Server::start().await;
                    let mut client = Client::new(kind);
                    let ask = Ask::new(method);
                    server.will(Script::new(*b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", End::Stays));
                    assert!(client.ask(&ask, server.origin()).await.result.is_ok());
                    // Over the connection that served one already, where a client would be tempted.
                    server.will(Script::new([], end));
                    let exchange = client.ask(&ask, server.origin()).await;
                    assert!(exchange.written && exchange.first_byte.is_none(), "{kind:?} {method} {end:?}");
                    let expected = if end == End::Resets { FailureKind::Reset } else { FailureKind::Closed };
                    assert_eq!(seen(exchange), Seen::Failure(expected), "{kind:?} {method} {end:?}");
                    assert_eq!(
                        (server.connections(), server.requests()),
                        (1, 2),
                        "{kind:?} {method} {end:?}"
                    );
                }
            }
        }
    });
}

#[test]
fn where_nobody_listens_the_connection_is_refused() {
    on_one_thread(async {
        // A port that was free a moment ago and that nothing asks for.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("bound");
        drop(listener);
        let origin = Origin::of(&Url::parse(&format!("http://{address}")).expect("valid")).expect("HTTP");
        for kind in KINDS {
            let exchange = Client::new(kind).ask(&Ask::new("GET"), &Arc::new(origin.clone())).await;
            assert!(!exchange.written && exchange.first_byte.is_none());
            let failure = exchange.result.expect_err("refused");
            assert_eq!(failure, Failure::new(FailureKind::Connect, "connection refused"), "{kind:?}");
        }
    });
}

#[test]
fn a_connection_that_is_not_made_in_time_is_a_failure_to_connect() {
    on_one_thread(async {
        // Nobody accepts, and there is room for two that wait for it: the third is not answered.
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let listener = socket.listen(1).expect("listening");
        let address = listener.local_addr().expect("bound");
        let first = TcpStream::connect(address).await.expect("room");
        let second = TcpStream::connect(address).await.expect("room");
        let origin = Origin::of(&Url::parse(&format!("http://{address}")).expect("valid")).expect("HTTP");
        for kind in KINDS {
            let mut ask = Ask::new("GET");
            for total in [true, false] {
                let patience = ask.options.total_timeout;
                if total {
                    ask.options.total_timeout = SOON;
                } else {
                    ask.options.connect_timeout = Some(SOON);
                }
                let exchange = Client::new(kind).ask(&ask, &Arc::new(origin.clone())).await;
                assert!(!exchange.written && exchange.first_byte.is_none(), "{kind:?}");
                let failure = exchange.result.expect_err("no connection");
                assert_eq!(
                    failure,
                    Failure::new(FailureKind::Connect, "no connection within 250ms"),
                    "{kind:?}"
                );
                ask.options.total_timeout = patience;
            }
        }
        drop((first, second));
    });
}

/// Short, because it passes; long enough for what does happen to happen before, also on a machine that is busy.
const SOON: Duration = Duration::from_millis(250);

async fn late(kind: Kind, options: Options, script: Script) -> (Failure, bool) {
    let server = Server::start().await;
    server.will(script);
    let mut client = Client::new(kind);
    let mut ask = Ask::new("GET");
    ask.options = Options { total_timeout: options.total_timeout.min(ask.options.total_timeout), ..options };
    let exchange = client.ask(&ask, server.origin()).await;
    assert!(exchange.written, "{kind:?}");
    let failure = exchange.result.expect_err("late");
    // What comes of it later must not be taken for the answer to the next request.
    server.will(Script::new(*b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n", End::Stays));
    ask.options = Ask::new("GET").options;
    let next = seen(client.ask(&ask, server.origin()).await);
    assert_eq!(next, Seen::Response { status: 201, body: Vec::new() }, "{kind:?}");
    assert_eq!(server.connections(), 2, "{kind:?}");
    (failure, exchange.first_byte.is_some())
}

#[test]
fn what_takes_too_long_is_given_up_with_its_connection() {
    on_one_thread(async {
        let silence = Script::silence;
        let half = || Script::new(*b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel", End::Stays);
        let total = Options { total_timeout: SOON, ..Options::default() };
        let first_byte = Options { first_byte_timeout: Some(SOON), ..Options::default() };
        for kind in KINDS {
            let timeout = |message| Failure::new(FailureKind::Timeout, message);
            let (failure, _) = late(kind, total, silence()).await;
            assert_eq!(failure, timeout("no whole response within 250ms"), "{kind:?}");
            let (failure, has_begun) = late(kind, total, half()).await;
            assert_eq!(failure, timeout("no whole response within 250ms"), "{kind:?}");
            assert!(has_begun, "{kind:?}");
            if kind != Kind::Pipe {
                let (failure, has_begun) = late(kind, first_byte, silence()).await;
                assert_eq!(failure, timeout("no first byte within 250ms"), "{kind:?}");
                assert!(!has_begun, "{kind:?}");
            }
        }
    });
}

#[test]
fn the_limit_for_the_first_byte_is_none_for_the_rest() {
    on_one_thread(async {
        for kind in [Kind::Native, Kind::Reqwest] {
            let options =
                Options { first_byte_timeout: Some(SOON), total_timeout: 2 * SOON, ..Options::default() };
            let script = Script::new(*b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel", End::Stays);
            let (failure, has_begun) = late(kind, options, script).await;
            assert!(has_begun, "{kind:?}");
            assert_eq!(failure.message, "no whole response within 500ms", "{kind:?}");
        }
    });
}
