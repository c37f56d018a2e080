//! Which connection a request takes: used again when that is safe, never when anything of it is left over.

use std::sync::Arc;

use stampede_stats::outcome::FailureKind;
use stampede_worker::http::probe::Probe;

use super::client::{Ask, Client, KINDS, Kind, Seen, on_one_thread, seen};
use super::server::{End, Script, Server, When, settle};
use super::tls::Over;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn ok() -> Seen {
    Seen::Response { status: 200, body: b"ok".to_vec() }
}

#[test]
fn a_connection_that_was_closed_while_idle_is_made_anew_without_a_failure() {
    on_one_thread(async {
        for kind in KINDS {
            for end in [End::Closes, End::Resets] {
                let server = Server::start().await;
                let mut client = Client::new(kind);
                for _ in 0..3 {
                    server.will(Script::new(OK, End::Stays));
                    assert_eq!(
                        seen(client.ask(&Ask::new("GET"), server.origin()).await),
                        ok(),
                        "{kind:?} {end:?}"
                    );
                    server.hang_up(end).await;
                }
                assert_eq!((server.connections(), server.requests()), (3, 3), "{kind:?} {end:?}");
            }
        }
    });
}

#[test]
fn bytes_that_nobody_asked_for_end_a_connection() {
    on_one_thread(async {
        for kind in KINDS {
            // With the response, and while the connection is idle.
            for with_it in [true, false] {
                let server = Server::start().await;
                let mut client = Client::new(kind);
                let more = [OK, b"HTTP/1.1 500 no\r\ncontent-length: 0\r\n\r\n"].concat();
                server.will(Script::new(if with_it { &more } else { OK }, End::Stays));
                assert_eq!(seen(client.ask(&Ask::new("GET"), server.origin()).await), ok(), "{kind:?}");
                if with_it {
                    settle().await;
                } else {
                    server.blurt(b"HTTP/1.1 408 too late\r\n\r\n").await;
                }
                server.will(Script::new(OK, End::Stays));
                assert_eq!(
                    seen(client.ask(&Ask::new("GET"), server.origin()).await),
                    ok(),
                    "{kind:?} {with_it}"
                );
                assert_eq!(server.connections(), 2, "{kind:?} {with_it}");
            }
        }
    });
}

#[test]
fn a_request_may_ask_for_a_connection_of_its_own() {
    on_one_thread(async {
        for kind in KINDS {
            let server = Server::start().await;
            let mut client = Client::new(kind);
            let mut ask = Ask::new("GET");
            ask.options.closes = true;
            for _ in 0..3 {
                // The server does not say that it closes, and does not.
                server.will(Script::new(OK, End::Stays));
                assert_eq!(seen(client.ask(&ask, server.origin()).await), ok(), "{kind:?}");
            }
            assert_eq!((server.connections(), server.requests()), (3, 3), "{kind:?}");
            for connection in server.received() {
                let head = String::from_utf8(connection.concat()).expect("text");
                assert!(head.contains("\r\nconnection: close\r\n"), "{kind:?}: {head}");
            }
        }
    });
}

#[test]
fn each_origin_has_a_connection_of_its_own() {
    on_one_thread(async {
        // A pipeline is one connection; the clients keep both.
        for kind in [Kind::Native, Kind::Reqwest] {
            let servers = [Server::start().await, Server::start().await];
            let mut client = Client::new(kind);
            for _ in 0..3 {
                for server in &servers {
                    server.will(Script::new(OK, End::Stays));
                    assert_eq!(seen(client.ask(&Ask::new("GET"), server.origin()).await), ok(), "{kind:?}");
                }
            }
            for server in &servers {
                assert_eq!((server.connections(), server.requests()), (1, 3), "{kind:?}");
            }
        }
        let servers = [Server::start().await, Server::start().await];
        let mut client = Client::new(Kind::Pipe);
        for server in servers.iter().chain(&servers) {
            server.will(Script::new(OK, End::Stays));
            assert_eq!(seen(client.ask(&Ask::new("GET"), server.origin()).await), ok());
        }
    });
}

#[test]
fn an_exchange_that_is_dropped_takes_its_connection_with_it() {
    on_one_thread(async {
        let beginnings = [&b""[..], b"HTTP/1.1 2", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel"];
        for kind in [Kind::Native, Kind::Reqwest] {
            for beginning in beginnings {
                let server = Server::start().await;
                let probe = Arc::<Probe>::default();
                let mut client = Client::with(kind, Over::Plain, &probe);
                // The second goes over a connection that has served one.
                server.will(Script::new(OK, End::Stays));
                assert_eq!(seen(client.ask(&Ask::new("GET"), server.origin()).await), ok(), "{kind:?}");
                server.will(Script::new(beginning, End::Stays));
                let ask = Ask::new("GET");
                tokio::select! {
                    biased;
                    exchange = client.ask(&ask, server.origin()) => panic!("{kind:?}: {exchange:?}"),
                    () = until_requests(&server, 2) => {}
                }
                assert!(probe.has_written(), "{kind:?}: what was given up had been sent");
                server.will(Script::new(OK, End::Stays));
                assert_eq!(seen(client.ask(&Ask::new("GET"), server.origin()).await), ok(), "{kind:?}");
                assert_eq!((server.connections(), server.requests()), (2, 3), "{kind:?}");
            }
        }
    });
}

async fn until_requests(server: &Server, count: usize) {
    while server.requests() < count {
        settle().await;
    }
    settle().await;
}

#[test]
fn an_answer_may_come_before_the_request_is_written() {
    on_one_thread(async {
        for kind in KINDS {
            // Far more than the system takes at once; the server reads none of it before it has answered.
            let mut ask = Ask::new("POST");
            ask.body = vec![b'x'; 32 << 20];
            for end in [End::Stays, End::Closes] {
                let server = Server::start().await;
                let mut client = Client::new(kind);
                let response = b"HTTP/1.1 413 too much\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
                let script = Script { when: When::Begun, ..Script::new(*response, end) };
                server.will(script);
                let seen_first = seen(client.ask(&ask, server.origin()).await);
                if end == End::Stays {
                    let answer = Seen::Response { status: 413, body: b"ok".to_vec() };
                    assert_eq!(seen_first, answer, "{kind:?}");
                } else {
                    // Closing with something unread resets the connection; the answer may be lost with it.
                    let lost = [FailureKind::Reset, FailureKind::Closed].map(Seen::Failure);
                    let is_answer = matches!(&seen_first, Seen::Response { status: 413, .. });
                    assert!(is_answer || lost.contains(&seen_first), "{kind:?}: {seen_first:?}");
                }
                server.will(Script::new(OK, End::Stays));
                assert_eq!(
                    seen(client.ask(&Ask::new("GET"), server.origin()).await),
                    ok(),
                    "{kind:?} {end:?}"
                );
                assert_eq!(server.connections(), 2, "{kind:?} {end:?}");
            }
        }
    });
}

#[test]
fn large_bodies_go_both_ways() {
    on_one_thread(async {
        let body: Vec<u8> = (0..8_u32 << 20).map(|at| (at % 251) as u8).collect();
        let mut response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).into_bytes();
        response.extend_from_slice(&body);
        for kind in KINDS {
            let server = Server::start().await;
            let mut client = Client::new(kind);
            for kept in [true, false] {
                server.will(Script::new(response.clone(), End::Stays));
                let mut ask = Ask::new("PUT");
                ask.body.clone_from(&body);
                ask.options.keep_body = kept;
                let exchange = client.ask(&ask, server.origin()).await;
                assert!(exchange.written, "{kind:?}");
                let answer = exchange.result.expect("a response");
                assert_eq!(answer.body_len, body.len() as u64, "{kind:?}");
                assert!(if kept { answer.body == body } else { answer.body.is_empty() }, "{kind:?} {kept}");
            }
            let received = server.received();
            assert_eq!((received.len(), received[0].len()), (1, 2), "{kind:?}");
            assert!(received[0].iter().all(|request| request.ends_with(&body)), "{kind:?}");
        }
    });
}
