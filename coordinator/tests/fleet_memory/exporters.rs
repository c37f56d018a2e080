//! A whole run with exporters on real sockets: what they were told never goes down, and is the report's in the end.

use std::collections::BTreeMap;
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use stampede_coordinator::export::{ExportError, Exporters, Wanted};
use stampede_stats::counts::RequestCounts;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::whole::run_exporting;

/// What a server says to `request` before it closes the connection.
async fn ask(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("somebody listens");
    stream.write_all(request.as_bytes()).await.expect("it takes the request");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("text");
    text
}

async fn scrape(address: &str) -> BTreeMap<String, f64> {
    let text = ask(address, "GET /metrics HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await;
    let (head, body) = text.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("text/plain; version=0.0.4"), "{head}");
    let samples = body.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (id, value) = line.rsplit_once(' ').expect("a value");
        (id.to_owned(), value.parse().expect("a number"))
    };
    samples.map(sample).collect()
}

/// Counters and buckets: what only grows.
fn grows(id: &str) -> bool {
    let name = id.split('{').next().unwrap_or(id);
    ["_total", "_bucket", "_sum", "_count"].iter().any(|ending| name.ends_with(ending))
}

fn outcome(samples: &BTreeMap<String, f64>, outcome: &str) -> f64 {
    let of = |id: &str| id.starts_with("stampede_requests_total{") && id.contains(outcome);
    samples.iter().filter(|(id, _)| of(id)).map(|(_, value)| value).sum()
}

/// A count that was read as a number.
fn whole(value: f64) -> u64 {
    value.to_string().parse().expect("a whole number")
}

fn as_reported(samples: &BTreeMap<String, f64>, requests: &RequestCounts) {
    let scraped = ["\"ok\"", "\"failed\"", "\"cancelled\""].map(|name| outcome(samples, name));
    let counts = [requests.ok, requests.failed, requests.cancelled];
    assert_eq!(scraped.map(whole), counts);
}

/// Sums up the counters of requests in datagrams, until `over` and there are no more.
fn sum_up(socket: &UdpSocket, over: &AtomicBool) -> f64 {
    let (mut sum, mut datagram) = (0.0, vec![0; 65_536]);
    socket.set_read_timeout(Some(Duration::from_millis(20))).expect("a socket takes that");
    loop {
        // Asked first: what was sent before the end is there by then.
        let was_over = over.load(Ordering::Acquire);
        let Ok(received) = socket.recv(&mut datagram) else {
            if was_over {
                return sum;
            }
            continue;
        };
        let text = std::str::from_utf8(&datagram[..received]).expect("text");
        let counters =
            text.lines().filter_map(|line| line.strip_prefix("stampede.requests.")?.strip_suffix("|c"));
        let value = |line: &str| line.rsplit_once(':').and_then(|(_, value)| value.parse::<f64>().ok());
        sum += counters.map(|line| value(line).expect("a number")).sum::<f64>();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counters_only_grow_and_end_as_the_report_has_them() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let statsd = socket.local_addr().expect("an address").to_string();
    let wanted = Wanted {
        prometheus: Some("127.0.0.1:0".to_owned()),
        statsd: Some(statsd.parse().expect("an address")),
        ..Wanted::default()
    };
    let (exporters, feed) = Exporters::start(&wanted).await.expect("free ports");
    let address = exporters.serving().expect("it is served").to_string();
    assert!(feed.is_some());
    let over = Arc::new(AtomicBool::new(false));
    let summing = {
        let over = Arc::clone(&over);
        tokio::task::spawn_blocking(move || sum_up(&socket, &over))
    };
    let step = "post: /a, body: \"x\"";
    let cuts = [Duration::from_millis(1200)];
    let running = tokio::spawn(async move {
        run_exporting(step, "users: 8, spawn_rate: 50/s, run_time: 3s", &cuts, feed).await
    });
    let mut before: BTreeMap<String, f64> = BTreeMap::new();
    let mut scrapes = 0;
    while !running.is_finished() {
        let samples = scrape(&address).await;
        for (id, value) in before.iter().filter(|(id, _)| grows(id)) {
            assert!(
                samples.get(id).is_some_and(|now| now >= value),
                "{id} went from {value} to {:?}",
                samples.get(id)
            );
        }
        scrapes += usize::from(outcome(&samples, "\"ok\"") > outcome(&before, "\"ok\""));
        before = samples;
        tokio::task::yield_now().await;
    }
    assert!(scrapes > 1, "they grew while it ran");
    let mut ran = running.await.expect("no panic");
    let requests = ran.conducted.result.totals.requests();
    assert!(requests.ok > 300 && requests.failed > 30);
    let last = scrape(&address).await;
    as_reported(&last, &requests);
    let at = |id: &str| whole(last[id]);
    assert_eq!(at("stampede_run_phase{phase=\"finished\"}"), 1);
    assert_eq!(at("stampede_iterations_begun_total"), ran.conducted.result.totals.iterations.begun);
    let times = "stampede_request_duration_seconds_count{method=\"POST\",name=\"/a\"}";
    assert_eq!(at(times), requests.completed());
    exporters.finish(&mut ran.conducted.result).await;
    over.store(true, Ordering::Release);
    assert_eq!(whole(summing.await.expect("no panic")), requests.ended());
    let missing = ran.conducted.result.notes.iter().find(|note| note.contains("not delivered"));
    assert_eq!(missing, None);
}

#[tokio::test]
async fn the_server_answers_only_what_it_is_for() {
    let wanted = Wanted { prometheus: Some("127.0.0.1:0".to_owned()), ..Wanted::default() };
    let (exporters, _feed) = Exporters::start(&wanted).await.expect("a free port");
    let address = exporters.serving().expect("it is served").to_string();
    for (request, status) in [
        ("GET /", "404"),
        ("GET /metrics/", "404"),
        ("POST /metrics", "405"),
        ("HEAD /metrics", "200"),
        ("GET /metrics?x=1", "200"),
    ] {
        let text =
            ask(&address, &format!("{request} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n")).await;
        assert!(text.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {text}");
    }
    let open = "GET /metrics HTTP/1.1\r\nhost: h\r\naccept: application/openmetrics-text\r\nconnection: close\r\n\r\n";
    let text = ask(&address, open).await;
    assert!(
        text.contains("application/openmetrics-text; version=1.0.0") && text.ends_with("\r\n\r\n# EOF\n")
    );
}

#[tokio::test]
async fn what_cannot_work_is_said_before_the_start() {
    let taken = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    for address in [&*address, "no address", "127.0.0.1"] {
        let wanted = Wanted { prometheus: Some(address.to_owned()), ..Wanted::default() };
        let error = Exporters::start(&wanted).await.expect_err("it cannot listen there");
        assert!(matches!(error, ExportError::Listen { .. }));
        assert!(
            error.to_string().starts_with(&format!("--prometheus cannot listen on {address}: ")),
            "{error}"
        );
    }
    let wanted = Wanted { live_json: Some("/no/such/folder/live.json".into()), ..Wanted::default() };
    let error = Exporters::start(&wanted).await.expect_err("it cannot be written");
    assert!(matches!(error, ExportError::File { .. }), "{error}");
    let (_, feed) = Exporters::start(&Wanted::default()).await.expect("nothing can fail");
    assert!(feed.is_none(), "nobody makes figures that nobody wants");
}
