//! Header lines as text, to and from the maps that libraries want.

use http::StatusCode;
use http::header::{CONTENT_ENCODING, HeaderMap, HeaderValue, LOCATION, SET_COOKIE};

use super::{Options, Response, redirect};

/// The lines of a block, each as name and value.
pub fn lines(block: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    block.split(|byte| *byte == b'\n').filter_map(|line| {
        let line = line.strip_suffix(b"\r")?;
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    })
}

/// What is wanted of a response's head.
pub(super) fn response(status: StatusCode, headers: &HeaderMap, options: &Options) -> Response {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned().into_boxed_str();
    let mut response = Response { status: status.as_u16(), ..Response::default() };
    if redirect::is_redirect(response.status) {
        response.location = headers.get(LOCATION).map(text);
    }
    if options.cookies {
        response.set_cookies =
            headers.get_all(SET_COOKIE).iter().map(|value| value.as_bytes().into()).collect();
    }
    if options.keep_body {
        response.coding = headers.get(CONTENT_ENCODING).map(text);
    }
    if options.keep_head {
        for (name, value) in headers {
            response.head.extend_from_slice(name.as_str().as_bytes());
            response.head.extend_from_slice(b": ");
            response.head.extend_from_slice(value.as_bytes());
            response.head.extend_from_slice(b"\r\n");
        }
    }
    response
}
