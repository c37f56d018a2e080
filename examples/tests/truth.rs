//! The ground truth: what is counted, what is logged, and that nothing is lost.

mod common;

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::num::NonZeroUsize;
use std::thread;

use common::{BOUNDARY, Client, multipart, quick, start};
use demo_target::{Config, DemoTarget, LogEntry, StartError};
use serde_json::json;

fn counts(rows: &[(&str, u64)]) -> BTreeMap<String, u64> {
    rows.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

#[test]
fn every_request_of_eight_connections_is_counted() {
    for threads in [1, 4] {
        let target = start(Config { threads: NonZeroUsize::new(threads), ..quick() });
        let addr = target.addr();
        thread::scope(|scope| {
            for user in 0..8 {
                scope.spawn(move || {
                    let mut client = Client::new(addr);
                    let picture = multipart("file", b"picture");
                    for _ in 0..50 {
                        assert_eq!(client.get("/").status, 200);
                        assert_eq!(client.get(&format!("/kv/u{user}?try=1")).status, 404);
                        assert_eq!(client.request("POST", "/predict", &[BOUNDARY], &picture).status, 200);
                        assert_eq!(client.request("DELETE", "/nowhere", &[], b"").status, 404);
                    }
                });
            }
        });
        let mut expected = counts(&[("GET /", 400), ("POST /predict", 400), ("DELETE /nowhere", 400)]);
        expected.extend((0..8).map(|user| (format!("GET /kv/u{user}"), 50)));
        assert_eq!(target.counts(), expected);
        assert_eq!(target.connections(), 8);
    }
}

#[test]
fn counts_are_shown_and_reset_and_do_not_count_themselves() {
    let target = start(quick());
    let mut client = Client::new(target.addr());
    client.get("/a%20b/../c?q=1");
    client.get("/status/500");
    client.request("PURGE", "/", &[], b"");
    let shown = client.get("/__counts").json();
    assert_eq!(
        shown,
        json!({"requests": {"GET /a%20b/../c": 1, "GET /status/500": 1, "PURGE /": 1}, "connections": 1})
    );
    assert_eq!(client.get("/__counts").json(), shown);
    assert_eq!(client.get("/__log").status, 404);
    assert_eq!(client.request("DELETE", "/__counts", &[], b"").status, 204);
    assert_eq!(client.get("/__counts").json(), json!({"requests": {}, "connections": 0}));
    client.get("/");
    assert_eq!(target.counts(), counts(&[("GET /", 1)]));
}

#[test]
fn a_request_counts_before_its_body_has_come() {
    let target = start(quick());
    let mut client = Client::new(target.addr());
    client.raw(b"POST /predict HTTP/1.1\r\nhost: t\r\ncontent-length: 1000\r\nexpect: 100-continue\r\n\r\n");
    // The target asks for the body, so it has seen the head.
    assert_eq!(client.reply(true).status, 100);
    assert_eq!(target.counts(), counts(&[("POST /predict", 1)]));
}

#[test]
fn the_log_has_every_request_in_order() {
    let target = start(Config { record_log: true, ..quick() });
    let mut client = Client::new(target.addr());
    client.request("GET", "/?page=1", &[("x-user", "7"), ("X-Trace", "a"), ("accept", "*/*")], b"");
    client.get("/__counts");
    client.request("POST", "/kv/1", &[], b"value");
    client.get("/nowhere");
    let log: Vec<LogEntry> =
        serde_json::from_slice(&client.get("/__log").body).expect("the documented shape");
    assert_eq!(log, target.log());
    let seen: Vec<_> = log.iter().map(|e| (e.method.as_str(), e.path.as_str(), e.query.as_str())).collect();
    assert_eq!(seen, [("GET", "/", "page=1"), ("POST", "/kv/1", ""), ("GET", "/nowhere", "")]);
    let headers: Vec<_> = log[0].headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    assert_eq!(headers, [("x-trace", "a"), ("x-user", "7")]);
    assert!(log.is_sorted_by_key(|entry| entry.t_us));
}

#[test]
fn a_taken_port_is_an_error_that_says_so() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = taken.local_addr().expect("an address");
    let error = DemoTarget::start(addr, quick()).expect_err("the port is taken");
    assert!(matches!(error, StartError::InUse { addr: a } if a == addr), "{error:?}");
    // Not one of this machine's addresses: 192.0.2.0/24 is for documentation.
    let error = DemoTarget::start("192.0.2.1:0".parse().expect("an address"), quick()).expect_err("not ours");
    assert!(matches!(error, StartError::Bind { .. }), "{error:?}");
}

#[test]
fn shutdown_closes_connections_and_frees_the_port() {
    for threads in [1, 2] {
        let target = start(Config { threads: NonZeroUsize::new(threads), ..quick() });
        let addr = target.addr();
        let mut hanging = Client::new(addr);
        hanging.send("GET", "/hang", &[], b"");
        let mut idle = Client::new(addr);
        assert_eq!(idle.get("/").status, 200);
        target.shutdown();
        assert_eq!(idle.rest().expect("an end"), b"");
        // Whether its request had been read decides between an end and a reset; there is no answer in either
        // case.
        assert!(hanging.rest().unwrap_or_default().is_empty());
        let again = DemoTarget::start(addr, quick()).expect("the port is free");
        assert_eq!(Client::new(again.addr()).get("/").status, 200);
    }
}

/// The coordinator starts and drops one from inside its own runtime.
#[tokio::test]
async fn it_starts_and_stops_inside_a_runtime() {
    let target = start(quick());
    assert_eq!(target.url(), format!("http://127.0.0.1:{}", target.addr().port()));
    assert_eq!(Client::new(target.addr()).get("/").status, 200);
    drop(target);
}

#[test]
fn the_url_of_every_address_is_the_loopback_one() {
    let target = DemoTarget::start("0.0.0.0:0".parse().expect("an address"), quick()).expect("a free port");
    assert_eq!(target.url(), format!("http://127.0.0.1:{}", target.addr().port()));
}
