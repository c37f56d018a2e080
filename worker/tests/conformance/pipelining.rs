//! Several requests out at once over one connection: answered in their order, and each failed for itself when it ends, unless
//! nothing of it was written.

use std::sync::Arc;
use std::time::Duration;

use stampede_stats::outcome::FailureKind;
use stampede_worker::http::native::pipe::{Pipe, Takes};
use stampede_worker::http::probe::{HELD, Probe};
use stampede_worker::http::{Exchange, HttpClient};
use stampede_worker::lease::{BootTime, Lease};

use super::client::{Ask, Client, Kind, Seen, on_one_thread, seen};
use super::server::{End, Script, Server, settle};
use super::tls::Over;

async fn push(pipe: &mut Pipe, server: &Server, ask: &Ask) {
    let request = ask.of(server.origin());
    let connecting = match pipe.takes(request.origin) {
        Takes::Unconnected => pipe.open(&request).await.expect("a listening server"),
        Takes::AtOnce => Duration::ZERO,
        Takes::AfterOthers => panic!("the others were popped"),
    };
    pipe.push(&request, connecting);
}

async fn pop(pipe: &mut Pipe) -> (Seen, bool) {
    let exchange: Exchange = pipe.pop().await;
    let written = exchange.written;
    (seen(exchange), written)
}

fn response(status: u16, body: &[u8]) -> Seen {
    Seen::Response { status, body: body.to_vec() }
}

fn client() -> impl HttpClient {
    match Client::new(Kind::Pipe) {
        Client::Pipe(client) => client,
        Client::Native(_) | Client::Reqwest(_) => unreachable!("it was asked for"),
    }
}

#[test]
fn answers_belong_to_requests_in_their_order_however_they_are_cut() {
    on_one_thread(async {
        let answers: [&[u8]; 4] = [
            b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
            b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            b"HTTP/1.1 204 No Content\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 no\r\ncontent-length: 2\r\n\r\nno",
        ];
        let asks = ["HEAD", "GET", "POST", "PUT"].map(Ask::new);
        let mut client = client();
        let pipe = client.pipe().expect("a pipeline");
        let server = Server::start().await;
        for cut in 0..5 {
            for ask in &asks {
                push(pipe, &server, ask).await;
            }
            for answer in answers {
                server.will(if cut == 0 {
                    Script::bytes(answer, End::Stays)
                } else {
                    Script::split(answer, answer.len() * cut / 5, End::Stays)
                });
            }
            assert_eq!(pop(pipe).await, (response(200, b""), true), "the answer to HEAD has no body");
            assert_eq!(pop(pipe).await, (response(201, b"a"), true));
            // More may be pushed while some are out.
            push(pipe, &server, &asks[1]).await;
            server.will(Script::new(answers[1], End::Stays));
            assert_eq!(pop(pipe).await, (response(204, b""), true));
            assert_eq!(pop(pipe).await, (response(500, b"no"), true));
            assert_eq!(pop(pipe).await, (response(201, b"a"), true));
        }
        assert_eq!((server.connections(), server.requests()), (1, 25));
        let (end, written) = pop(pipe).await;
        assert_eq!(
            (end, written),
            (Seen::Failure(FailureKind::Closed), false),
            "there is nothing to be answered"
        );
    });
}

#[test]
fn what_is_behind_an_end_has_failed_and_is_not_sent_again() {
    on_one_thread(async {
        let ok = || Script::new(*b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", End::Stays);
        let last = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";
        let closed = Seen::Failure(FailureKind::Closed);
        let protocol = Seen::Failure(FailureKind::Protocol);
        for (second, first_of_rest) in [
            (Script::new(*last, End::Stays), response(200, b"ok")),
            (Script::new(*last, End::Closes), response(200, b"ok")),
            (Script::new(*b"what?\r\n", End::Stays), protocol),
            (Script::new(*b"HTTP/1.1 200", End::Closes), closed.clone()),
        ] {
            let server = Server::start().await;
            let mut client = client();
            let pipe = client.pipe().expect("a pipeline");
            server.will(ok());
            server.will(second.clone());
            for _ in 0..4 {
                push(pipe, &server, &Ask::new("GET")).await;
            }
            assert_eq!(pop(pipe).await, (response(200, b"ok"), true), "{second:?}");
            assert_eq!(pop(pipe).await, (first_of_rest, true), "{second:?}");
            assert_eq!(pipe.takes(server.origin()), Takes::AfterOthers, "{second:?}");
            assert_eq!(pop(pipe).await, (closed.clone(), true), "{second:?}");
            assert_eq!(pop(pipe).await, (closed.clone(), true), "{second:?}");
            assert_eq!(pipe.takes(server.origin()), Takes::Unconnected, "{second:?}");
            push(pipe, &server, &Ask::new("GET")).await;
            server.will(ok());
            assert_eq!(pop(pipe).await, (response(200, b"ok"), true), "{second:?}");
            assert_eq!(server.connections(), 2, "{second:?}");
        }
    });
}

#[test]
fn a_pop_that_is_dropped_can_be_made_again() {
    on_one_thread(async {
        let server = Server::start().await;
        let mut client = client();
        let pipe = client.pipe().expect("a pipeline");
        server.will(Script::split(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", 20, End::Stays));
        push(pipe, &server, &Ask::new("GET")).await;
        tokio::select! {
            biased;
            popped = pop(pipe) => panic!("{popped:?}"),
            () = tokio::task::yield_now() => {}
        }
        settle().await;
        assert_eq!(pop(pipe).await, (response(200, b"ok"), true));
        assert_eq!((server.connections(), server.requests()), (1, 1));
    });
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
const LAST: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok";

/// The paths of the requests that came over a connection.
fn paths(server: &Server, connection: usize) -> Vec<String> {
    let received = server.received().remove(connection);
    let path = |request: Vec<u8>| String::from_utf8_lossy(&request).split(' ').nth(1).map(str::to_owned);
    received.into_iter().map(|request| path(request).expect("a request line")).collect()
}

fn ask(path: &'static str) -> Ask {
    Ask { path, ..Ask::new("GET") }
}

/// Two requests are out and both answers are here, the second one the last; `/c` and `/d` are pushed and not written.
async fn two_are_left(pipe: &mut Pipe, server: &Server) {
    server.will(Script::new([OK, LAST].concat(), End::Stays));
    server.will(Script::new([], End::Closes));
    for path in ["/a", "/b"] {
        push(pipe, server, &ask(path)).await;
    }
    assert_eq!(pop(pipe).await, (response(200, b"ok"), true));
    for path in ["/c", "/d"] {
        push(pipe, server, &ask(path)).await;
    }
    assert_eq!(pop(pipe).await, (response(200, b"ok"), true));
    assert_eq!(pipe.takes(server.origin()), Takes::AfterOthers);
    has_read(server, 2).await;
}

/// Returns when the server has read so many requests: what it will do then is for those behind them.
async fn has_read(server: &Server, requests: usize) {
    while server.requests() < requests {
        settle().await;
    }
}

#[test]
fn what_was_not_written_goes_over_a_new_connection() {
    on_one_thread(async {
        let server = Server::start().await;
        let mut client = client();
        let pipe = client.pipe().expect("a pipeline");
        two_are_left(pipe, &server).await;
        for _ in 0..3 {
            server.will(Script::new(OK, End::Stays));
        }
        let made: Exchange = pipe.pop().await;
        assert!(made.written && made.connecting > Duration::ZERO, "connecting is none of the target's time");
        assert_eq!(seen(made), response(200, b"ok"));
        // Others may join those that were moved.
        push(pipe, &server, &ask("/e")).await;
        assert_eq!(pop(pipe).await, (response(200, b"ok"), true));
        assert_eq!(pop(pipe).await, (response(200, b"ok"), true));
        assert_eq!(paths(&server, 0), ["/a", "/b"]);
        assert_eq!(paths(&server, 1), ["/c", "/d", "/e"]);
        assert_eq!(server.connections(), 2);
    });
}

#[test]
fn what_was_written_behind_the_last_answer_has_failed_and_the_rest_goes_on() {
    on_one_thread(async {
        let server = Server::start().await;
        let mut client = client();
        let pipe = client.pipe().expect("a pipeline");
        server.will(Script::new([OK, LAST].concat(), End::Stays));
        server.will(Script::new([], End::Closes));
        for path in ["/a", "/b", "/written"] {
            push(pipe, &server, &ask(path)).await;
        }
        assert_eq!(pop(pipe).await, (response(200, b"ok"), true));
        push(pipe, &server, &ask("/d")).await;
        assert_eq!(pop(pipe).await, (response(200, b"ok"), true));
        assert_eq!(
            pop(pipe).await,
            (Seen::Failure(FailureKind::Closed), true),
            "nobody knows what became of it"
        );
        has_read(&server, 2).await;
        server.will(Script::new(OK, End::Stays));
        assert_eq!(pop(pipe).await, (response(200, b"ok"), true));
        assert_eq!(paths(&server, 1), ["/d"]);
    });
}

#[test]
fn a_connection_that_is_reset_before_anything_was_written_is_replaced_if_it_served_before() {
    on_one_thread(async {
        for served in [true, false] {
            let server = Server::start().await;
            let mut client = client();
            let pipe = client.pipe().expect("a pipeline");
            if served {
                server.will(Script::new(OK, End::Stays));
                push(pipe, &server, &ask("/")).await;
                assert_eq!(pop(pipe).await, (response(200, b"ok"), true));
            }
            for path in ["/a", "/b"] {
                push(pipe, &server, &ask(path)).await;
            }
            while server.connections() == 0 {
                settle().await;
            }
            settle().await;
            server.hang_up(End::Resets).await;
            server.will(Script::new(OK, End::Stays));
            server.will(Script::new(OK, End::Stays));
            let first = pop(pipe).await;
            if served {
                assert_eq!(first, (response(200, b"ok"), true));
            } else {
                // A target that resets every connection is not to be asked for ever.
                assert_eq!(first, (Seen::Failure(FailureKind::Reset), false));
            }
            assert_eq!(pop(pipe).await, (response(200, b"ok"), true), "{served}");
            assert_eq!(server.connections(), 2, "{served}");
            assert_eq!(paths(&server, 1).len(), if served { 2 } else { 1 });
        }
    });
}

#[test]
fn where_no_new_connection_can_be_made_those_that_are_left_fail_to_connect() {
    on_one_thread(async {
        let server = Server::start().await;
        let origin = server.origin().clone();
        let mut client = client();
        let pipe = client.pipe().expect("a pipeline");
        two_are_left(pipe, &server).await;
        drop(server);
        settle().await;
        for _ in 0..2 {
            assert_eq!(pop(pipe).await, (Seen::Failure(FailureKind::Connect), false));
        }
        assert_eq!(pipe.takes(&origin), Takes::Unconnected);
    });
}

#[test]
fn requests_without_time_are_not_made_again() {
    on_one_thread(async {
        let server = Server::start().await;
        let mut client = client();
        let pipe = client.pipe().expect("a pipeline");
        server.will(Script::new([OK, LAST].concat(), End::Stays));
        for path in ["/a", "/b"] {
            push(pipe, &server, &ask(path)).await;
        }
        assert_eq!(pop(pipe).await, (response(200, b"ok"), true));
        let mut late = ask("/c");
        late.options.total_timeout = Duration::ZERO;
        push(pipe, &server, &late).await;
        assert_eq!(pop(pipe).await, (response(200, b"ok"), true));
        assert_eq!(pop(pipe).await, (Seen::Failure(FailureKind::Timeout), false));
        assert_eq!(server.connections(), 1);
    });
}

#[test]
fn without_a_lease_what_is_left_is_held_over_the_new_connection() {
    on_one_thread(async {
        let server = Server::start().await;
        // It stands, but nothing may begin; what is out goes on.
        let lease = Arc::new(Lease::new(Duration::from_secs(3600)));
        let probe = Arc::new(Probe::under(Arc::clone(&lease)));
        let Client::Pipe(mut client) = Client::with(Kind::Pipe, Over::Plain, &probe) else {
            unreachable!("it was asked for")
        };
        let pipe = client.pipe().expect("a pipeline");
        two_are_left(pipe, &server).await;
        let held: Exchange = pipe.pop().await;
        assert!(!held.written && probe.take_held());
        assert_eq!(held.result.err(), Some(HELD));
        settle().await;
        assert_eq!((server.connections(), paths(&server, 1).len(), probe.piped()), (2, 0, 2));
        lease.renew(BootTime::now());
        pipe.hold(Duration::from_secs(1));
        for _ in 0..2 {
            server.will(Script::new(OK, End::Stays));
            assert_eq!(pop(pipe).await, (response(200, b"ok"), true));
        }
        assert!(!probe.take_held());
        assert_eq!(paths(&server, 1), ["/c", "/d"], "over the connection that was made before");
        assert_eq!((server.connections(), probe.piped()), (2, 4));
    });
}
