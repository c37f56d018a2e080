//! Answers that lie in the kernel when the time for them is over, as after a freeze: they came in time, and count.
//!
//! The server has a thread of its own, so that it answers while that of the users stands still.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use stampede_worker::http::origin::Origin;
use tokio::task::yield_now;
use url::Url;

use super::client::{Ask, Client, Kind, Seen, on_one_thread, seen};

/// How long a request may take: long enough for it to be written.
const LIMIT: Duration = Duration::from_secs(2);

fn is_read_after_a_freeze(kind: Kind) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}/", listener.local_addr().expect("bound"));
    let origin = Arc::new(Origin::of(&Url::parse(&url).expect("valid")).expect("HTTP"));
    let (tell, told) = channel();
    let (answer, wanted) = channel();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = Vec::new();
        let mut byte = [0];
        while !request.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).expect("a request");
            request.push(byte[0]);
        }
        tell.send("asked").expect("the test waits");
        wanted.recv().expect("the test says when");
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").expect("the client is there");
        tell.send("answered").expect("the test waits");
        // It stays open until the client goes.
        assert_eq!(stream.read(&mut byte).unwrap_or_default(), 0);
    });
    on_one_thread(async {
        let mut ask = Ask::new("GET");
        ask.options.total_timeout = LIMIT;
        let mut client = Client::new(kind);
        {
            let mut exchange = pin!(client.ask(&ask, &origin));
            loop {
                tokio::select! {
                    biased;
                    ended = &mut exchange => panic!("{kind:?}: {:?}", seen(ended)),
                    () = yield_now() => {}
                }
                if told.try_recv() == Ok("asked") {
                    break;
                }
            }
            answer.send(()).expect("the server waits");
            assert_eq!(told.recv(), Ok("answered"));
            // Nothing runs on this thread until it is too late.
            let late = Instant::now() + LIMIT;
            while Instant::now() < late {
                thread::yield_now();
            }
            let body = b"ok".to_vec();
            assert_eq!(seen(exchange.await), Seen::Response { status: 200, body }, "{kind:?}");
        }
        drop(client);
    });
    server.join().expect("it ran to its end");
}

#[test]
fn an_answer_that_is_here_is_read_before_a_timeout_is_booked() {
    is_read_after_a_freeze(Kind::Native);
}

#[test]
fn an_answer_that_is_here_is_read_before_a_timeout_is_booked_in_a_pipeline() {
    is_read_after_a_freeze(Kind::Pipe);
}
