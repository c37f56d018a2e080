//! The verdict posted to somebody: what arrives, what is tried twice, and what is never said.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

use crate::support::{Bed, Finished, Process, target};

const STEADY: &str = "users: {visitor: {wait: 20ms, tasks: {main: {steps: [get: /]}}}}";

/// Answers posts with `statuses`, one after the other, and tells their bodies. Where.
fn taker(statuses: &'static [&'static str]) -> (String, Receiver<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let (sender, bodies) = channel();
    thread::spawn(move || {
        for status in statuses {
            let (stream, _) = listener.accept().expect("a connection");
            let body = read(&stream);
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 8\r\nconnection: close\r\n\r\nno_\u{1b}[31m");
            (&stream).write_all(answer.as_bytes()).expect("it listens");
            if sender.send(body).is_err() {
                return;
            }
        }
    });
    (format!("http://user:secret@{address}/services/secret?key=secret"), bodies)
}

fn read(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a head");
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    String::from_utf8(body).expect("text")
}

fn run(bed: &Bed, url: &str, flags: &str) -> Finished {
    let mut command = bed.coordinator(&format!("-u 1 -i 5 --threads 1 --label commit=3f2a91c -v {flags}"));
    command.env("STAMPEDE_NOTIFY", url);
    let finished = Finished::of(&mut Process::start(command));
    for text in [&finished.stdout, &finished.stderr] {
        assert!(!text.contains("secret"), "{text}");
    }
    finished
}

#[test]
fn the_verdict_arrives() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let (url, bodies) = taker(&["200 OK"]);
    run(&bed, &url, "").ended(0);
    let body: Value = serde_json::from_str(&bodies.recv().expect("a post")).expect("JSON");
    let report = bed.report();
    assert_eq!((&body["run"], &body["verdict"]), (report.at("/run/id"), &"passed".into()));
    assert_eq!((&body["totals"]["requests"], &body["totals"]["failures"]), (&5.into(), &0.into()));
    assert_eq!(&body["totals"]["p95_ms"], report.at("/totals/percentiles_ms/95"));
    assert_eq!(
        (&body["labels"]["commit"], body["thresholds"].as_array()),
        (&"3f2a91c".into(), Some(&vec![]))
    );
    assert!(body["sentence"].as_str().is_some_and(|text| text.starts_with("Stampede: passed.")), "{body}");
}

#[test]
fn a_server_that_fails_is_asked_once_more() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let (url, bodies) = taker(&["503 Service Unavailable", "200 OK"]);
    run(&bed, &url, "--notify-template slack").ended(0);
    let (first, second) = (bodies.recv().expect("a post"), bodies.recv().expect("a second"));
    assert_eq!(first, second);
    let text = serde_json::from_str::<Value>(&first).expect("JSON")["text"].clone();
    assert!(text.as_str().is_some_and(|text| text.starts_with("Stampede: passed.")), "{text}");
}

#[test]
fn a_verdict_that_is_not_taken_is_said_and_changes_nothing() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    bed.dir.write("body.json", r#"{"what": "${label.commit}: ${verdict}", "of": ${requests}}"#);
    let (url, bodies) = taker(&["404 Not Found"]);
    let finished = run(&bed, &url, "--notify-template body.json");
    finished.ended(0);
    assert_eq!(bodies.recv().expect("a post"), r#"{"what": "3f2a91c: passed", "of": 5}"#);
    let said = "warning: the verdict was not posted to http://127.0.0.1:";
    assert!(finished.stderr.contains(said), "{}", finished.stderr);
    assert!(finished.stderr.contains("it answered 404 Not Found: no_"), "{}", finished.stderr);
    assert!(!finished.stderr.contains('\u{1b}'), "{}", finished.stderr);
    // Nobody there.
    let finished = run(&bed, "http://127.0.0.1:1/secret", "");
    finished.ended(0);
    assert!(finished.stderr.contains("http://127.0.0.1:1: Connection refused"), "{}", finished.stderr);
}
