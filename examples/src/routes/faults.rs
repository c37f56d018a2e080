//! Answers on order: a status, a redirect, a delay, a size; and the ways not to answer.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::header::{CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use serde::Deserialize;

use super::CloseConnection;
use crate::timer;

const MAX_DELAY_MS: u64 = 60_000;

const MAX_BYTES: u64 = 64 << 20;

/// What large answers are made of, over and over.
static FILLER: [u8; 64 << 10] = [b'x'; 64 << 10];

#[derive(Debug, Deserialize)]
pub(super) struct Target {
    location: Option<String>,
}

/// Answers with `code`; a redirect leads to `?location=`, or to `/`.
pub(super) async fn status(Path(code): Path<u16>, Query(target): Query<Target>) -> Response {
    // A 1xx is no answer, a client would wait on for one.
    let Some(status) = StatusCode::from_u16(code).ok().filter(|_| code >= 200) else {
        return bad_request("a status is 200 to 999");
    };
    let mut response = status.into_response();
    if status.is_redirection() {
        let location = target.location.unwrap_or_else(|| "/".to_owned());
        let Ok(location) = HeaderValue::try_from(location) else {
            return bad_request("that location cannot stand in a header");
        };
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

/// Redirects `n` times, the last time to `/`; 0 is the end of the way.
pub(super) async fn redirect(Path(n): Path<u32>) -> Response {
    let location = match n {
        0 => return "no redirect\n".into_response(),
        1 => "/".to_owned(),
        _ => format!("/redirect/{}", n - 1),
    };
    (StatusCode::FOUND, [(LOCATION, location)]).into_response()
}

/// Answers after `ms` milliseconds, counted from when the request was routed.
pub(super) async fn delay(Path(ms): Path<u64>) -> Response {
    if ms > MAX_DELAY_MS {
        return bad_request("a delay is at most 60000 ms");
    }
    timer::wait_until(Instant::now() + Duration::from_millis(ms)).await;
    "ok\n".into_response()
}

/// Answers with `n` bytes.
pub(super) async fn bytes(Path(n): Path<u64>) -> Response {
    if n > MAX_BYTES {
        return bad_request("at most 67108864 bytes");
    }
    let octets = HeaderValue::from_static("application/octet-stream");
    ([(CONTENT_TYPE, octets)], Body::new(Filler { left: n })).into_response()
}

/// Closes the connection without an answer.
pub(super) async fn close() -> Response {
    CloseConnection::response()
}

/// Never answers. Hyper drops it when the client leaves.
pub(super) async fn hang() -> Response {
    std::future::pending().await
}

fn bad_request(why: &'static str) -> Response {
    (StatusCode::BAD_REQUEST, why).into_response()
}

/// A body of known length, so it is sent with a `content-length`, that occupies no memory.
#[derive(Debug)]
struct Filler {
    left: u64,
}

impl HttpBody for Filler {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let length = usize::try_from(self.left).map_or(FILLER.len(), |left| left.min(FILLER.len()));
        self.left -= length as u64;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&FILLER[..length])))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
