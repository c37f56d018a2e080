//! What is too large, and what of a response is kept for those who look at it.

use stampede_stats::outcome::FailureKind;
use stampede_worker::http::{MAX_HEAD, MAX_KEPT_BODY};

use super::client::{Ask, Client, KINDS, Kind, Seen, on_one_thread, seen};
use super::server::{End, Script, Server};

async fn answer(kind: Kind, script: Script) -> Seen {
    let server = Server::start().await;
    server.will(script);
    seen(Client::new(kind).ask(&Ask::new("GET"), server.origin()).await)
}

/// A head of so many bytes, in lines of a kilobyte each.
fn head(bytes: usize) -> Vec<u8> {
    let mut head = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n".to_vec();
    while head.len() + 4 < bytes {
        let line = (bytes - head.len() - 2).min(1024);
        // A line too short to be one would be left.
        let line = if bytes - head.len() - 2 - line < 5 { bytes - head.len() - 2 } else { line };
        head.extend_from_slice(b"x: ");
        head.resize(head.len() + line - 5, b'y');
        head.extend_from_slice(b"\r\n");
    }
    head.extend_from_slice(b"\r\n");
    head
}

#[test]
fn a_head_has_a_limit() {
    on_one_thread(async {
        let whole = Seen::Response { status: 200, body: Vec::new() };
        for kind in KINDS {
            let most = head(MAX_HEAD);
            assert_eq!(most.len(), MAX_HEAD);
            assert_eq!(answer(kind, Script::new(most.clone(), End::Stays)).await, whole, "{kind:?}");
            assert_eq!(answer(kind, Script::split(&most, 1000, End::Stays)).await, whole, "{kind:?}");
            // reqwest's own limit is somewhere above.
            let more = [b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'y'; 1 << 20]].concat();
            for script in [Script::new(more.clone(), End::Stays), Script::split(&more, 1000, End::Stays)] {
                let seen = answer(kind, script).await;
                assert_eq!(seen, Seen::Failure(FailureKind::TooLarge), "{kind:?}");
            }
            let lines = b"x: y\r\n".repeat(129);
            let many = [b"HTTP/1.1 200 OK\r\n".to_vec(), lines, b"\r\n".to_vec()].concat();
            let seen = answer(kind, Script::new(many, End::Stays)).await;
            assert_eq!(seen, Seen::Failure(FailureKind::TooLarge), "{kind:?}");
        }
    });
}

#[test]
fn the_limit_is_exact_for_the_native_client() {
    on_one_thread(async {
        for kind in [Kind::Native, Kind::Pipe] {
            let more = head(MAX_HEAD + 1);
            assert_eq!(more.len(), MAX_HEAD + 1);
            for script in [Script::new(more.clone(), End::Stays), Script::split(&more, MAX_HEAD, End::Stays)]
            {
                let seen = answer(kind, script).await;
                assert_eq!(seen, Seen::Failure(FailureKind::TooLarge), "{kind:?}");
            }
        }
    });
}

#[test]
fn a_body_has_a_limit_only_when_somebody_looks_at_it() {
    on_one_thread(async {
        let mut response =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", MAX_KEPT_BODY + 1).into_bytes();
        response.resize(response.len() + MAX_KEPT_BODY + 1, b'x');
        for kind in KINDS {
            let server = Server::start().await;
            let mut client = Client::new(kind);
            let mut ask = Ask::new("GET");
            server.will(Script::new(response.clone(), End::Stays));
            let failure = client.ask(&ask, server.origin()).await.result.expect_err("too large");
            assert_eq!(failure.kind, FailureKind::TooLarge, "{kind:?}");
            assert_eq!(failure.message, "a body over 64 MiB, which the step looks at", "{kind:?}");
            ask.options.keep_body = false;
            server.will(Script::new(response.clone(), End::Stays));
            let answer = client.ask(&ask, server.origin()).await.result.expect("a response");
            assert_eq!(answer.body_len, MAX_KEPT_BODY as u64 + 1, "{kind:?}");
            assert!(answer.body.is_empty());
            assert_eq!(server.connections(), 1, "{kind:?}: it was read to its end both times");
        }
    });
}

#[test]
fn only_what_is_wanted_is_kept() {
    on_one_thread(async {
        let response =
            b"HTTP/1.1 302 Found\r\nLocation: /x\r\nSet-Cookie: a=b; path=/\r\nset-cookie: c=\xe4\r\n\
            Content-Encoding: gzip\r\nX-Y: z\r\ncontent-length: 2\r\n\r\nok";
        for kind in KINDS {
            for wanted in [true, false] {
                let server = Server::start().await;
                server.will(Script::new(*response, End::Stays));
                let mut ask = Ask::new("GET");
                ask.options.keep_head = wanted;
                ask.options.keep_body = wanted;
                ask.options.cookies = wanted;
                let exchange = Client::new(kind).ask(&ask, server.origin()).await;
                let response = exchange.result.expect("a response");
                let location = response.location.as_deref();
                assert_eq!(
                    (response.status, location),
                    (302, Some("/x")),
                    "{kind:?}: whether to go there the engine says"
                );
                assert_eq!(response.body_len, 2, "{kind:?}");
                if !wanted {
                    assert!(response.set_cookies.is_empty() && response.body.is_empty(), "{kind:?}");
                    assert!(response.head.is_empty() && response.coding.is_none(), "{kind:?}");
                    continue;
                }
                let cookies: Vec<&[u8]> = response.set_cookies.iter().map(|cookie| &**cookie).collect();
                assert_eq!(cookies, [&b"a=b; path=/"[..], b"c=\xe4"], "{kind:?}");
                assert_eq!(
                    response.coding.as_deref(),
                    Some("gzip"),
                    "{kind:?}: as it came, the engine decodes"
                );
                assert_eq!(response.body, b"ok", "{kind:?}");
                let mut lines: Vec<_> = response
                    .head
                    .split_inclusive(|byte| *byte == b'\n')
                    .map(<[u8]>::to_ascii_lowercase)
                    .collect();
                // reqwest brings lines of the same name together.
                lines.sort_unstable();
                let mut expected = [
                    &b"location: /x\r\n"[..],
                    b"set-cookie: a=b; path=/\r\n",
                    b"set-cookie: c=\xe4\r\n",
                    b"content-encoding: gzip\r\n",
                    b"x-y: z\r\n",
                    b"content-length: 2\r\n",
                ];
                expected.sort_unstable();
                assert_eq!(lines, expected, "{kind:?}");
            }
        }
    });
}
