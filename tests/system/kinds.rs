//! Kinds of failure that the demo target has no path for: a target that answers byte for byte what a test says, and a name
//! that nobody has. And the end of a run whose report cannot be written.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::support::{Bed, Finished, Report, more, target};

const USERS: &str = "users: {visitor: {wait: 20ms, tasks: {main: {steps: [get: /x]}}}}";

/// A target that does `answer` with every connection, one after the other. It listens as long as this test program runs.
fn served(answer: fn(TcpStream) -> Option<()>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // Who has gone away wants no answer.
            let _ = answer(stream);
        }
    });
    format!("http://{address}")
}

/// Reads a request, byte by byte so that nothing of it is left.
fn read_request(mut stream: &TcpStream) -> Option<()> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(())
}

/// Every request fails with `kind` and a message that has `text` in it.
fn fails(url: &str, kind: &str, text: &str) -> Report {
    let bed = Bed::new(url, USERS);
    let finished = bed.run("-u 2 -r 100 -i 6", 1);
    finished.ended(1);
    let report = bed.report();
    report.adds_up();
    report.is_whole();
    assert_eq!((report.counted("failed"), report.counted("ok")), (6, 0), "{kind}");
    assert_eq!(report.by_kind().into_iter().collect::<Vec<_>>(), [(kind.to_owned(), 6)]);
    for error in report.list("/errors") {
        assert!(error["message"].as_str().is_some_and(|message| message.contains(text)), "{error}");
    }
    assert!(finished.stdout.contains(&format!("GET /x  {kind}: ")), "{}", finished.stdout);
    report
}

#[test]
fn the_target_resets_connections() {
    let url = served(|mut stream| {
        // What is left unread when a socket is closed resets the connection.
        stream.read_exact(&mut [0]).ok()
    });
    let report = fails(&url, "reset", "reset");
    assert_eq!(report.counted("sent"), 6, "each was written once");
}

#[test]
fn the_target_does_not_speak_http() {
    let url = served(|mut stream| {
        read_request(&stream)?;
        stream.write_all(b"220 mail.test ESMTP\r\n").ok()
    });
    let report = fails(&url, "protocol", "not HTTP");
    assert_eq!(report.counted("sent"), 6);
}

#[test]
fn the_targets_head_is_too_large() {
    let url = served(|mut stream| {
        read_request(&stream)?;
        let lines = "x: y\r\n".repeat(1000);
        stream.write_all(format!("HTTP/1.1 200 OK\r\n{lines}content-length: 0\r\n\r\n").as_bytes()).ok()?;
        // Closed by the client, so that no reset overtakes what it has to read.
        stream.read(&mut [0]).ok().map(drop)
    });
    let report = fails(&url, "too_large", "head");
    assert_eq!(report.counted("sent"), 6);
}

#[test]
fn the_name_does_not_resolve() {
    // Too long a label for any name: nobody outside is asked.
    let url = format!("http://{}.test", "a".repeat(64));
    let report = fails(&url, "dns", "does not resolve");
    assert_eq!(report.counted("sent"), 0, "there is nobody to send it to");
}

#[test]
fn a_report_that_cannot_be_written_at_the_end_is_exit_code_14() {
    let target = target();
    let bed = Bed::new(&target.url(), &USERS.replace("/x", "/"));
    let folder = bed.dir.path().join("reports");
    fs::create_dir(&folder).expect("a new folder");
    let (mut coordinator, mut workers) = bed.start("-u 2 -r 100 -i 100 --report reports/run.md", 1);
    more(&target, 10);
    // It was there, and fit to be written to, when the run began.
    fs::remove_dir(&folder).expect("empty");
    let finished = Finished::of(&mut coordinator);
    finished.ended(14);
    assert!(finished.stderr.contains("reports/run.md"), "{}", finished.stderr);
    assert!(finished.stdout.starts_with("Stampede: passed."), "{}", finished.stdout);
    for worker in &mut workers {
        assert_eq!(worker.end(), Some(0));
    }
    // The other one is written all the same.
    let report = bed.report();
    report.adds_up();
    report.is_whole();
    assert_eq!(report.counted("iterations/completed"), 100);
}
