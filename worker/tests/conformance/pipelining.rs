//! Several requests out at once over one connection: answered in their order, and each failed for itself when it ends.

use std::time::Duration;

use stampede_stats::outcome::FailureKind;
use stampede_worker::http::native::pipe::{Pipe, Takes};
use stampede_worker::http::{Exchange, HttpClient};

use super::client::{Ask, Client, Kind, Seen, on_one_thread, seen};
use super::server::{End, Script, Server, settle};

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
