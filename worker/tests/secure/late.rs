//! An answer over HTTP/2 that lies in the kernel when the time for it is over, as after a freeze: it came in time, and counts.
//!
//! The server has a thread of its own, so that it answers while that of the users stands still.

use std::cell::RefCell;
use std::convert::Infallible;
use std::pin::pin;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use stampede_worker::http::{Options, Version};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::yield_now;

use super::target::{Local, origin};
use super::user::{Kind, User, on_one_thread, options, run};

/// How long the request may take: long enough for it to be written.
const LIMIT: Duration = Duration::from_secs(2);

/// Answers the first request at once and the second when it is told to. It tells its address, then of the second request.
async fn serve(tell: mpsc::Sender<String>, answer: oneshot::Receiver<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    tell.send(address.to_string()).expect("the test waits");
    let (stream, _) = listener.accept().await.expect("a client");
    // Whether there was a request before, and what the second one waits for.
    let state = RefCell::new((false, Some(answer)));
    let service = service_fn(|_: http::Request<hyper::body::Incoming>| {
        let is_second = std::mem::replace(&mut state.borrow_mut().0, true);
        let answer = if is_second { state.borrow_mut().1.take() } else { None };
        let tell = tell.clone();
        async move {
            if let Some(answer) = answer {
                tell.send("asked".to_owned()).expect("the test waits");
                answer.await.expect("the test says when");
            }
            Ok::<_, Infallible>(http::Response::new(Full::new(Bytes::from_static(b"h2"))))
        }
    });
    // How it ends, the client says.
    let served = http2::Builder::new(Local).serve_connection(TokioIo::new(stream), service).await;
    served.unwrap_or_default();
}

#[test]
fn an_answer_that_is_here_is_read_before_a_timeout_is_booked() {
    let (tell, told) = mpsc::channel();
    let (answer, wanted) = oneshot::channel();
    let server = thread::spawn(move || on_one_thread(serve(tell, wanted)));
    on_one_thread(async {
        let target = origin(&format!("http://{}/", told.recv().expect("an address")));
        let mut user = User::new(Kind::Native, &run(""));
        // So that there is a connection, on which nothing else is to be said.
        let patient = Options { version: Version::H2, ..options() };
        assert_eq!(user.get(&target, &patient).await, Ok("h2".to_owned()));
        let limited = Options { total_timeout: LIMIT, ..patient };
        {
            let mut request = pin!(user.get(&target, &limited));
            loop {
                tokio::select! {
                    biased;
                    ended = &mut request => panic!("{ended:?}"),
                    () = yield_now() => {}
                }
                if told.try_recv().is_ok() {
                    break;
                }
            }
            answer.send(()).expect("the server waits");
            // Nothing runs on this thread until it is too late.
            let late = Instant::now() + LIMIT;
            while Instant::now() < late {
                thread::yield_now();
            }
            assert_eq!(request.await, Ok("h2".to_owned()));
        }
        drop(user);
    });
    server.join().expect("it ran to its end");
}
