//! What goes on the wire: byte for byte for the native client, as far as it matters for reqwest.

use stampede_worker::http::native::writer::COPIED_BODY;

use super::client::{Ask, Client, KINDS, Kind, on_one_thread};
use super::server::{End, Script, Server};

/// The request that a server receives for `ask`, with its address written as `HOST`.
async fn written(kind: Kind, ask: &Ask) -> String {
    let server = Server::start().await;
    server.will(Script::new(*b"HTTP/1.1 204 No Content\r\n\r\n", End::Stays));
    let exchange = Client::new(kind).ask(ask, server.origin()).await;
    assert!(exchange.result.is_ok() && exchange.written, "{kind:?}: {exchange:?}");
    let received = server.received();
    assert_eq!(received.len(), 1);
    let request = String::from_utf8(received[0].concat()).expect("text");
    request.replace(server.origin().authority(), "HOST")
}

fn ask(method: &str, path: &'static str, headers: &'static [u8], cookies: &'static [u8], body: &str) -> Ask {
    Ask { path, headers, cookies, body: body.as_bytes().to_vec(), ..Ask::new(method) }
}

#[test]
fn the_native_client_writes_exactly_what_it_was_given() {
    on_one_thread(async {
        for (ask, expected) in [
            (ask("GET", "/", b"", b"", ""), "GET / HTTP/1.1\r\nhost: HOST\r\n\r\n"),
            (
                ask("GET", "/a%20b?c=d&e", b"accept: */*\r\nx-y: 1\r\nx-y: 2\r\n", b"a=b; c=d", ""),
                "GET /a%20b?c=d&e HTTP/1.1\r\nhost: HOST\r\naccept: */*\r\nx-y: 1\r\nx-y: 2\r\ncookie: a=b; c=d\r\n\r\n",
            ),
            (ask("GET", "/", b"host: other.test\r\n", b"", ""), "GET / HTTP/1.1\r\nhost: other.test\r\n\r\n"),
            // Zero is said where a body would be expected, and only there.
            (ask("POST", "/", b"", b"", ""), "POST / HTTP/1.1\r\nhost: HOST\r\ncontent-length: 0\r\n\r\n"),
            (ask("PUT", "/", b"", b"", ""), "PUT / HTTP/1.1\r\nhost: HOST\r\ncontent-length: 0\r\n\r\n"),
            (ask("PATCH", "/", b"", b"", ""), "PATCH / HTTP/1.1\r\nhost: HOST\r\ncontent-length: 0\r\n\r\n"),
            (ask("DELETE", "/", b"", b"", ""), "DELETE / HTTP/1.1\r\nhost: HOST\r\n\r\n"),
            (ask("PURGE", "/x", b"", b"", ""), "PURGE /x HTTP/1.1\r\nhost: HOST\r\n\r\n"),
            (
                ask("POST", "/", b"content-type: text/plain\r\n", b"", "hello"),
                "POST / HTTP/1.1\r\nhost: HOST\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nhello",
            ),
            (
                ask("GET", "/", b"", b"", "a body"),
                "GET / HTTP/1.1\r\nhost: HOST\r\ncontent-length: 6\r\n\r\na body",
            ),
        ] {
            assert_eq!(written(Kind::Native, &ask).await, expected);
            assert_eq!(written(Kind::Pipe, &ask).await, expected);
        }
    });
}

/// Request line, header lines in order of their names, body.
fn taken_apart(request: &str) -> (String, Vec<String>, String) {
    let (head, body) = request.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.split("\r\n").map(str::to_owned);
    let first = lines.next().expect("a request line");
    let mut lines: Vec<_> = lines.collect();
    lines.sort_unstable();
    (first, lines, body.to_owned())
}

#[test]
fn all_clients_say_the_same() {
    on_one_thread(async {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"] {
            for body in ["", "hello"] {
                for closes in [false, true] {
                    // Without an `accept` of its own, reqwest says what it accepts: anything.
                    let headers = b"accept: */*\r\nx-b: 1\r\nx-a: 2\r\nx-b: 3\r\n";
                    let mut ask = ask(method, "/a%20b?c=d", headers, b"e=f", body);
                    ask.options.closes = closes;
                    let expected = taken_apart(&written(Kind::Native, &ask).await);
                    for kind in KINDS {
                        let other = taken_apart(&written(kind, &ask).await);
                        assert_eq!(other, expected, "{kind:?} {method}");
                    }
                }
            }
        }
    });
}

#[test]
fn bodies_arrive_whole_whether_they_are_copied_or_not() {
    on_one_thread(async {
        for kind in KINDS {
            for length in [1, COPIED_BODY - 1, COPIED_BODY, COPIED_BODY + 1, 1 << 20] {
                let body: String = ('a'..='z').cycle().take(length).collect();
                let request = written(kind, &ask("POST", "/", b"", b"", &body)).await;
                let (_, lines, arrived) = taken_apart(&request);
                assert!(lines.contains(&format!("content-length: {length}")), "{kind:?} {length}: {lines:?}");
                assert!(arrived == body, "{kind:?} {length}");
            }
        }
    });
}
