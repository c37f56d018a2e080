//! What is no response: every client calls it by the same name, and has done with the connection.

use stampede_stats::outcome::FailureKind::Protocol;

use super::case::{Case, wrong};
use super::client::on_one_thread;

pub(super) const MALFORMED: &[Case] = &[
    wrong("not HTTP", b"SSH-2.0-OpenSSH_9.6\r\n\r\n", Protocol),
    wrong("not a version", b"HTTP/x.1 200 OK\r\ncontent-length: 0\r\n\r\n", Protocol),
    wrong("another version", b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n", Protocol),
    wrong("not a status", b"HTTP/1.1 2x0 OK\r\ncontent-length: 0\r\n\r\n", Protocol),
    wrong("a short status", b"HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n", Protocol),
    wrong("a long status", b"HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n", Protocol),
    wrong("a status below all", b"HTTP/1.1 099 OK\r\ncontent-length: 0\r\n\r\n", Protocol),
    wrong("no colon", b"HTTP/1.1 200 OK\r\nnothing here\r\ncontent-length: 0\r\n\r\n", Protocol),
    wrong("no name", b"HTTP/1.1 200 OK\r\n: x\r\ncontent-length: 0\r\n\r\n", Protocol),
    wrong("a space before the colon", b"HTTP/1.1 200 OK\r\nx : y\r\ncontent-length: 0\r\n\r\n", Protocol),
    wrong("a folded line", b"HTTP/1.1 200 OK\r\nx: y\r\n z\r\ncontent-length: 0\r\n\r\n", Protocol),
    wrong("NUL in a value", b"HTTP/1.1 200 OK\r\nx: y\0z\r\ncontent-length: 0\r\n\r\n", Protocol),
    wrong("NUL in a name", b"HTTP/1.1 200 OK\r\nx\0: y\r\ncontent-length: 0\r\n\r\n", Protocol),
    wrong("a bare carriage return", b"HTTP/1.1 200 OK\r\nx: y\rz: w\r\ncontent-length: 0\r\n\r\n", Protocol),
    wrong("a negative length", b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", Protocol),
    wrong("a length with a sign", b"HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\na", Protocol),
    wrong("a length that is none", b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n", Protocol),
    wrong("an empty length", b"HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n", Protocol),
    wrong("a length over all", b"HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551616\r\n\r\n", Protocol),
    wrong("two lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", Protocol),
    wrong("two lengths in a list", b"HTTP/1.1 200 OK\r\ncontent-length: 1, 2\r\n\r\nab", Protocol),
    wrong("chunks in HTTP/1.0", b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", Protocol),
    wrong("not a size", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n", Protocol),
    wrong("no size", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\r\n", Protocol),
    wrong("a negative size", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n", Protocol),
    wrong(
        "a size over all",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n10000000000000000\r\n",
        Protocol,
    ),
    wrong(
        "a bare line feed behind a size",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
        Protocol,
    ),
    wrong(
        "more than the size",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
        Protocol,
    ),
    wrong(
        "trailers that are none",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx\r\n\r\n",
        Protocol,
    ),
    wrong("a wrong end", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\rx", Protocol),
];

#[test]
fn what_is_no_response_is_a_failure_of_protocol() {
    on_one_thread(async {
        for case in MALFORMED {
            case.hold().await;
        }
    });
}
