//! A lease that ends while a client connects: nothing is written, and the request can be made again.

use std::sync::Arc;
use std::time::Duration;

use stampede_worker::http::probe::{HELD, Probe};
use stampede_worker::lease::{BootTime, Lease};

use super::client::{Ask, Client, Kind, Seen, on_one_thread, seen};
use super::server::{End, Script, Server};
use super::tls::Over;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[test]
fn nothing_is_written_over_a_connection_that_came_too_late() {
    on_one_thread(async {
        for kind in [Kind::Native, Kind::Reqwest] {
            for (over, closes) in [(Over::Plain, false), (Over::Plain, true), (Over::Tls, false)] {
                let case = format!("{kind:?} {over:?} {closes}");
                let server = Server::over(over).await;
                let lease = Arc::new(Lease::new(Duration::from_secs(3600)));
                let probe = Arc::new(Probe::under(Arc::clone(&lease)));
                let mut client = Client::with(kind, over, &probe);
                let mut ask = Ask::new("GET");
                ask.options.closes = closes;
                let held = client.ask(&ask, server.origin()).await;
                assert_eq!(held.result.err(), Some(HELD), "{case}");
                assert!(!held.written && held.first_byte.is_none() && !probe.has_written(), "{case}");
                assert!(probe.take_held() && !probe.take_held(), "{case}");
                assert_eq!(server.requests(), 0, "{case}");
                lease.renew(BootTime::now());
                server.will(Script::new(OK, End::Stays));
                let answer = client.ask(&ask, server.origin()).await;
                assert!(answer.written && !probe.take_held(), "{case}");
                assert_eq!(seen(answer), Seen::Response { status: 200, body: b"ok".to_vec() }, "{case}");
                assert_eq!(server.requests(), 1, "{case}");
                // The native one keeps the connection, unless each request is to have its own.
                let connections = if kind == Kind::Native && !closes { 1 } else { 2 };
                assert_eq!(server.connections(), connections, "{case}");
            }
        }
    });
}

#[test]
fn a_connection_that_stands_needs_no_second_look() {
    on_one_thread(async {
        for kind in [Kind::Native, Kind::Reqwest] {
            let server = Server::start().await;
            let probe = Arc::new(Probe::default());
            let mut client = Client::with(kind, Over::Plain, &probe);
            for _ in 0..2 {
                server.will(Script::new(OK, End::Stays));
                assert!(client.ask(&Ask::new("GET"), server.origin()).await.written, "{kind:?}");
                // The engine asks before the request begins; what has begun is not given up on a connection that is there.
                probe.revoke();
            }
            assert_eq!((server.requests(), server.connections()), (2, 1), "{kind:?}");
        }
    });
}
