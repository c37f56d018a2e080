//! Time limits, each with its own words. What is waited for never comes, so that no clock decides a test.

use std::time::Duration;

use stampede_stats::outcome::FailureKind;
use stampede_worker::http::Options;
use tokio::net::{TcpSocket, TcpStream};

use super::target::{Speaks, Target, origin};
use super::user::{BOTH, User, on_one_thread, options, run};

const SHORT: Duration = Duration::from_millis(50);

fn limits() -> [(Options, FailureKind, &'static str); 2] {
    [
        (
            Options { first_byte_timeout: Some(SHORT), ..options() },
            FailureKind::Timeout,
            "no first byte within 50ms",
        ),
        (
            Options { total_timeout: SHORT, ..options() },
            FailureKind::Timeout,
            "no whole response within 50ms",
        ),
    ]
}

#[test]
fn an_answer_that_does_not_come_is_given_up() {
    on_one_thread(async {
        for kind in BOTH {
            for (limited, failure, message) in limits() {
                let target = Target::start(Speaks::Once).await;
                let mut user = User::new(kind, &run(""));
                // So that there is a connection.
                user.get(&target.origin(), &options()).await.expect("an answer");
                let answer = user.get(&target.origin(), &limited).await;
                assert_eq!(answer, Err((failure, message.to_owned())), "{kind:?}");
                assert_eq!(target.requests(), [2], "{kind:?}");
            }
        }
    });
}

#[test]
fn half_an_answer_is_given_up_when_all_time_is_over() {
    on_one_thread(async {
        for kind in BOTH {
            let target = Target::start(Speaks::HalfAnswer).await;
            let mut user = User::new(kind, &run(""));
            user.get(&target.origin(), &options()).await.expect("an answer");
            let limited = Options { total_timeout: SHORT, ..options() };
            let answer = user.get(&target.origin(), &limited).await;
            let late = (FailureKind::Timeout, "no whole response within 50ms".to_owned());
            assert_eq!(answer, Err(late), "{kind:?}");
        }
    });
}

/// A connection that cannot be made, within its own limit and within that of the whole request.
fn unconnected() -> [Options; 2] {
    [Options { connect_timeout: Some(SHORT), ..options() }, Options { total_timeout: SHORT, ..options() }]
}

#[test]
fn a_handshake_that_is_not_answered_is_given_up() {
    on_one_thread(async {
        for kind in BOTH {
            for limited in unconnected() {
                let target = Target::start(Speaks::Once).await;
                let deaf = origin(&format!("https://{}/", target.address()));
                let mut user = User::new(kind, &run("tls: {insecure: true}"));
                let answer = user.get(&deaf, &limited).await;
                let late = (FailureKind::Connect, "no connection within 50ms".to_owned());
                assert_eq!(answer, Err(late), "{kind:?}");
                assert!(user.probe.take_news().is_empty(), "{kind:?}");
            }
        }
    });
}

#[test]
fn a_connection_that_is_not_answered_is_given_up() {
    on_one_thread(async {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        // Nobody accepts; behind the connections that wait, the system answers no more.
        let listener = socket.listen(1).expect("a listener");
        let address = listener.local_addr().expect("bound");
        let mut waiting = Vec::new();
        for _ in 0..2 {
            waiting.push(TcpStream::connect(address).await.expect("room"));
        }
        for kind in BOTH {
            for limited in unconnected() {
                let mut user = User::new(kind, &run(""));
                let answer = user.get(&origin(&format!("http://{address}/")), &limited).await;
                let late = (FailureKind::Connect, "no connection within 50ms".to_owned());
                assert_eq!(answer, Err(late), "{kind:?}");
            }
        }
    });
}
