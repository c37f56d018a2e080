//! Responses as servers send them: every way in which a body can end, and everything a head may look like.

use super::case::{Case, closed, last, whole};
use super::client::on_one_thread;
use super::server::End;

/// They say themselves where they end.
pub(super) const DELIMITED: &[Case] = &[
    whole("a length", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", 200, b"hello"),
    whole("no bytes", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200, b""),
    whole("upper case", b"HTTP/1.1 200 OK\r\nCONTENT-LENGTH: 2\r\nX: Y\r\n\r\nab", 200, b"ab"),
    whole("odd spaces", b"HTTP/1.1 200 OK\r\nContent-Length:\t  2 \t\r\nx:\r\n\r\nab", 200, b"ab"),
    whole("no space", b"HTTP/1.1 200 OK\r\ncontent-length:2\r\n\r\nab", 200, b"ab"),
    whole("no reason", b"HTTP/1.1 200 \r\ncontent-length: 1\r\n\r\na", 200, b"a"),
    whole("no reason and no space", b"HTTP/1.1 200\r\ncontent-length: 1\r\n\r\na", 200, b"a"),
    whole("a long reason", b"HTTP/1.1 404 no such thing, sorry\r\ncontent-length: 1\r\n\r\na", 404, b"a"),
    whole("a status of its own", b"HTTP/1.1 799 x\r\ncontent-length: 1\r\n\r\na", 799, b"a"),
    whole(
        "bytes beyond ASCII",
        b"HTTP/1.1 200 OK\r\nx: \xe4\xff\r\ncontent-length: 1\r\n\r\n\x00",
        200,
        b"\x00",
    ),
    whole("bare line feeds", b"HTTP/1.1 200 OK\ncontent-length: 1\n\na", 200, b"a"),
    whole(
        "the same length twice",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nab",
        200,
        b"ab",
    ),
    whole("the same length in a list", b"HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nab", 200, b"ab"),
    whole("zeros before a length", b"HTTP/1.1 200 OK\r\ncontent-length: 002\r\n\r\nab", 200, b"ab"),
    whole(
        "chunks",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        200,
        b"abcde",
    ),
    whole("only the last chunk", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 200, b""),
    whole(
        "extensions and trailers",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\ntrailer: x\r\n\r\n\
          00A;a=b;c=\"d\"\r\n0123456789\r\n0;e\r\nx: y\r\nz: w\r\n\r\n",
        200,
        b"0123456789",
    ),
    whole(
        "white space behind a size",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1 \t\r\na\r\n0\r\n\r\n",
        200,
        b"a",
    ),
    whole(
        "line ends in chunks",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\n\r\n\r\n\r\n0\r\n\r\n",
        200,
        b"\r\n\r\n",
    ),
    whole(
        "chunks and a length",
        b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        200,
        b"ab",
    ),
    whole(
        "another coding before the chunks",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        200,
        b"ab",
    ),
    whole("a HEAD with a length", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", 200, b"").with("HEAD"),
    whole("a HEAD with chunks", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", 200, b"")
        .with("HEAD"),
    whole("a HEAD with nothing", b"HTTP/1.1 200 OK\r\n\r\n", 200, b"").with("HEAD"),
    whole("204", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    whole("204 with a length", b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", 204, b""),
    whole(
        "304 with a length",
        b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\netag: \"x\"\r\n\r\n",
        304,
        b"",
    ),
    whole(
        "100 before",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
        200,
        b"a",
    ),
    whole(
        "103 and 102 before",
        b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\ncontent-length: 9\r\n\r\n\
          HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 1\r\n\r\na",
        201,
        b"a",
    ),
    whole(
        "HTTP/1.0 that stays",
        b"HTTP/1.0 200 OK\r\nconnection: Keep-Alive\r\ncontent-length: 1\r\n\r\na",
        200,
        b"a",
    ),
    whole(
        "a redirect is a response",
        b"HTTP/1.1 302 Found\r\nlocation: /x\r\ncontent-length: 0\r\n\r\n",
        302,
        b"",
    ),
    last("HTTP/1.0", b"HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na", 200, b"a"),
    last(
        "a close is announced",
        b"HTTP/1.1 200 OK\r\nConnection: Close\r\ncontent-length: 1\r\n\r\na",
        200,
        b"a",
    ),
    last(
        "a close in a list",
        b"HTTP/1.1 200 OK\r\nconnection: x, close\r\ncontent-length: 1\r\n\r\na",
        200,
        b"a",
    ),
    last(
        "chunks and a close",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        200,
        b"a",
    ),
];

/// They end with the connection.
pub(super) const UNTIL_CLOSE: &[Case] = &[
    closed("no length", b"HTTP/1.1 200 OK\r\nx: y\r\n\r\nhello", 200, b"hello"),
    closed("no length and no body", b"HTTP/1.1 200 OK\r\n\r\n", 200, b""),
    closed("HTTP/1.0 without a length", b"HTTP/1.0 200 OK\r\n\r\nhello", 200, b"hello"),
    closed(
        "HTTP/1.0 that says it stays",
        b"HTTP/1.0 200 OK\r\nconnection: keep-alive\r\n\r\nhello",
        200,
        b"hello",
    ),
    closed(
        "a coding that has no end",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nhello",
        200,
        b"hello",
    ),
    closed(
        "a length that does not count",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked, x\r\n\r\nabc",
        200,
        b"abc",
    ),
    closed("100 before", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nhello", 200, b"hello"),
];

#[test]
fn what_says_where_it_ends_is_read_to_there() {
    on_one_thread(async {
        for case in DELIMITED {
            case.hold().await;
        }
    });
}

#[test]
fn what_does_not_say_so_is_read_to_the_close() {
    on_one_thread(async {
        for case in UNTIL_CLOSE {
            assert_eq!(case.end, End::Closes);
            case.hold().await;
        }
    });
}
