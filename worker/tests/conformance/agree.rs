//! Made-up responses: whatever a server may send, all clients make the same of it.
//!
//! What they need not agree about, on purpose: reqwest takes heads of up to 400 kB but only 100 lines, native 64 kB and
//! 128 lines; the words of a failure; the spelling and order of header lines; and whether a head that is cut short and was
//! wrong before that is the one or the other, which with reqwest depends on the pieces it came in.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use stampede_stats::outcome::FailureKind;

use super::client::{Ask, Client, KINDS, Kind, Seen, on_one_thread, seen};
use super::server::{End, Script, Server};

#[derive(Debug, Clone)]
enum Body {
    Length(Vec<u8>),
    Chunks(Vec<(Vec<u8>, &'static str)>, Vec<&'static str>),
    UntilClose(Vec<u8>),
}

fn line() -> impl Strategy<Value = &'static str> {
    select(
        &[
            "Server: x",
            "connection: keep-alive",
            "Connection: close",
            "connection:\tupgrade , Close",
            "content-length: 3",
            "transfer-encoding: identity",
            "Transfer-Encoding: chunked",
            "set-cookie: a=b; path=/",
            "location: /there",
            "content-encoding: br",
            "x-empty:",
            "x-odd: \"a, b\";c=\\",
            "x: \u{e4}",
        ][..],
    )
}

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(prop_oneof![select(&b"\r\n0 a"[..]), any::<u8>()], 0..most)
}

fn body() -> impl Strategy<Value = Body> {
    let chunk = (
        bytes(30).prop_filter("the last one has none", |data| !data.is_empty()),
        select(&["", " ", ";a", ";a=\"b\""][..]),
    );
    let trailers = vec(select(&["x: y", "content-length: 9"][..]), 0..3);
    prop_oneof![
        3 => bytes(60).prop_map(Body::Length),
        3 => (vec(chunk, 0..4), trailers).prop_map(|(chunks, trailers)| Body::Chunks(chunks, trailers)),
        1 => bytes(60).prop_map(Body::UntilClose),
    ]
}

fn put(response: &mut Vec<u8>, lines: &[&'static str], body: &Body) {
    for line in lines {
        response.extend_from_slice(line.as_bytes());
        response.extend_from_slice(b"\r\n");
    }
    match body {
        Body::Length(data) => {
            response.extend_from_slice(format!("Content-Length: {}\r\n\r\n", data.len()).as_bytes());
            response.extend_from_slice(data);
        }
        Body::Chunks(chunks, trailers) => {
            response.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            for (data, extension) in chunks {
                response.extend_from_slice(format!("{:x}{extension}\r\n", data.len()).as_bytes());
                response.extend_from_slice(data);
                response.extend_from_slice(b"\r\n");
            }
            response.extend_from_slice(b"0\r\n");
            for trailer in trailers {
                response.extend_from_slice(trailer.as_bytes());
                response.extend_from_slice(b"\r\n");
            }
            response.extend_from_slice(b"\r\n");
        }
        Body::UntilClose(data) => {
            response.extend_from_slice(b"\r\n");
            response.extend_from_slice(data);
        }
    }
}

/// What a server sends, and to which method.
fn response() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    let begin = select(&["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"][..]);
    let status = select(&["200 OK", "204 No Content", "304 Not Modified", "500 ", "302", "206 Partial"][..]);
    let interim =
        select(&["", "", "", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early\r\nlink: x\r\n\r\n"][..]);
    let method = select(&["GET", "GET", "HEAD", "POST"][..]);
    // One change makes something that is nearly HTTP.
    let change = proptest::option::weighted(0.4, (any::<Index>(), any::<u8>(), 0..3_u8));
    (method, interim, begin, status, vec(line(), 0..4), body(), change).prop_map(
        |(method, interim, begin, status, lines, body, change)| {
            let mut response = format!("{interim}{begin} {status}\r\n").into_bytes();
            put(&mut response, &lines, &body);
            if let Some((at, byte, how)) = change {
                let at = at.index(response.len());
                match how {
                    0 => response[at] = byte,
                    1 => response.insert(at, byte),
                    _ => response.truncate(at),
                }
            }
            (method, response)
        },
    )
}

fn pieces(response: &[u8], cuts: &[Index]) -> Script {
    let mut script = Script::new([], End::Closes);
    let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(response.len() + 1)).collect();
    cuts.sort_unstable();
    let mut from = 0;
    script.pieces.clear();
    for cut in cuts.into_iter().chain([response.len()]) {
        if cut > from {
            script.pieces.push(response[from..cut].to_vec());
        }
        from = cut;
    }
    script
}

/// Whether the head of the response, behind those before it, is cut short.
fn lacks_head(response: &[u8]) -> bool {
    let mut rest = response;
    loop {
        let ends = |at: &usize| rest[*at..].starts_with(b"\n\n") || rest[*at..].starts_with(b"\n\r\n");
        let Some(at) = (0..rest.len()).find(ends) else { return true };
        if rest.get(9) != Some(&b'1') {
            return false;
        }
        let blank = if rest[at + 1] == b'\r' { 3 } else { 2 };
        rest = &rest[at + blank..];
    }
}

fn agree(one: &Seen, other: &Seen, response: &[u8]) -> bool {
    let no_response = [FailureKind::Protocol, FailureKind::Closed].map(Seen::Failure);
    one == other || lacks_head(response) && no_response.contains(one) && no_response.contains(other)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn all_clients_make_the_same_of_it((method, response) in response(), cuts in vec(any::<Index>(), 0..4)) {
        on_one_thread(async {
            let server = Server::start().await;
            let ask = Ask::new(method);
            let mut all = Vec::new();
            for kind in KINDS {
                server.will(pieces(&response, &cuts));
                all.push((kind, seen(Client::new(kind).ask(&ask, server.origin()).await)));
            }
            let [(Kind::Native, native), others @ ..] = &all[..] else { unreachable!("the first of them") };
            for (kind, other) in others {
                assert!(
                    agree(native, other, &response),
                    "{native:?}, but {kind:?} {other:?}, of {:?}",
                    String::from_utf8_lossy(&response)
                );
            }
        });
    }
}
