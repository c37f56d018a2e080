//! `/events`: a list that is read page by page with a cursor, as feeds and APIs have them. It is always the same list.

use axum::Json;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// Events of the list.
const EVENTS: u32 = 100;

/// Events of a page, unless the client says another number, and at most.
const LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 50;

/// What happened, in turn.
const KINDS: [&str; 3] = ["created", "changed", "deleted"];

#[derive(Debug, Serialize)]
struct Page {
    items: Vec<Event>,
    /// To be sent for the next page; null on the last one.
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct Event {
    id: u32,
    kind: &'static str,
}

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    cursor: Option<String>,
    limit: Option<u32>,
}

/// `GET /events?limit=20&cursor=…`.
pub(super) async fn list(Query(wanted): Query<Wanted>) -> Response {
    let limit = wanted.limit.unwrap_or(LIMIT);
    let Some(from) = wanted.cursor.map_or(Some(0), |cursor| position(&cursor)) else {
        return (StatusCode::BAD_REQUEST, "that cursor is not one of ours").into_response();
    };
    if !(1..=MAX_LIMIT).contains(&limit) {
        return (StatusCode::BAD_REQUEST, "a page has 1 to 50 events").into_response();
    }
    let to = EVENTS.min(from + limit);
    let event = |id: u32| Event { id, kind: KINDS[id as usize % KINDS.len()] };
    let items = (from..to).map(event).collect();
    Json(Page { items, next: (to < EVENTS).then(|| cursor(to)) }).into_response()
}

/// The position in hexadecimal digits, so that nobody takes it for a page number.
fn cursor(position: u32) -> String {
    format!("c{position:04x}")
}

fn position(text: &str) -> Option<u32> {
    let position = u32::from_str_radix(text.strip_prefix('c')?, 16).ok()?;
    (position < EVENTS && cursor(position) == text).then_some(position)
}
