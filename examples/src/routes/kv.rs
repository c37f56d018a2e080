//! `/kv/{key}`: a key-value store in memory, bounded in keys and in bytes. Whole numbers below 1 000 000 are all there
//! from the beginning, each with a value that follows from it, so that a test can read at random without writing first.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::body::Bytes;

use super::{App, body};
use crate::ledger::lock;

/// Numbers that have a value without one being written.
const NUMBERS: u32 = 1_000_000;

/// What a store holds at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Keys that were written.
    keys: usize,
    /// Bytes of one value.
    value: usize,
    /// Bytes of all values.
    bytes: usize,
}

/// Room for a value under each of the numbers, and some 100 000 other keys.
pub(super) const LIMITS: Limits = Limits { keys: 1_100_000, value: 64 << 10, bytes: 512 << 20 };

/// The values that were written, with the content type they came with.
#[derive(Debug)]
pub(super) struct Store {
    limits: Limits,
    /// Held for one look-up; values are reference counted and never copied under it.
    written: Mutex<Values>,
}

#[derive(Debug, Default)]
struct Values {
    values: HashMap<String, Value>,
    /// Of all values together.
    bytes: usize,
}

#[derive(Debug, Clone)]
struct Value {
    data: Bytes,
    content_type: HeaderValue,
}

/// What a write did.
#[derive(Debug, PartialEq, Eq)]
enum Written {
    New,
    Replaced,
    Full,
}

impl Store {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, written: Mutex::default() }
    }

    fn get(&self, key: &str) -> Option<Value> {
        lock(&self.written).values.get(key).cloned().or_else(|| given(key))
    }

    fn put(&self, key: String, value: Value) -> Written {
        let mut written = lock(&self.written);
        let Values { values, bytes } = &mut *written;
        let full = values.len() >= self.limits.keys;
        let room = self.limits.bytes - *bytes;
        let size = value.data.len();
        match values.entry(key) {
            Entry::Occupied(mut old) if size <= room + old.get().data.len() => {
                *bytes = *bytes + size - old.get().data.len();
                old.insert(value);
                Written::Replaced
            }
            Entry::Vacant(free) if size <= room && !full => {
                *bytes += size;
                free.insert(value);
                Written::New
            }
            Entry::Occupied(_) | Entry::Vacant(_) => Written::Full,
        }
    }
}

/// What stands under a number that nobody has written.
fn given(key: &str) -> Option<Value> {
    let number = key.parse::<u32>().ok().filter(|number| *number < NUMBERS && number.to_string() == key)?;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    Some(Value { data: format!("value of {number}\n").into(), content_type })
}

pub(super) async fn read(State(app): State<Arc<App>>, Path(key): Path<String>) -> Response {
    match app.store.get(&key) {
        Some(Value { data, content_type }) => ([(CONTENT_TYPE, content_type)], data).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) async fn write(
    State(app): State<Arc<App>>,
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let data = match body::read(body, app.store.limits.value).await {
        Ok(data) => Bytes::from(data),
        Err(error) => return error.into_response(),
    };
    let octets = || HeaderValue::from_static("application/octet-stream");
    let content_type = headers.get(CONTENT_TYPE).cloned().unwrap_or_else(octets);
    match app.store.put(key, Value { data, content_type }) {
        Written::New => StatusCode::CREATED.into_response(),
        Written::Replaced => StatusCode::OK.into_response(),
        Written::Full => (StatusCode::PAYLOAD_TOO_LARGE, "the store is full").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &'static str) -> Value {
        Value {
            data: Bytes::from_static(text.as_bytes()),
            content_type: HeaderValue::from_static("text/plain"),
        }
    }

    fn put(store: &Store, key: &str, text: &'static str) -> Written {
        store.put(key.to_owned(), value(text))
    }

    #[test]
    fn a_full_store_takes_no_new_key_but_new_values() {
        let store = Store::new(Limits { keys: 2, value: 10, bytes: 100 });
        assert_eq!(put(&store, "a", "1"), Written::New);
        assert_eq!(put(&store, "b", "2"), Written::New);
        assert_eq!(put(&store, "c", "3"), Written::Full);
        assert_eq!(put(&store, "a", "4"), Written::Replaced);
        assert_eq!(store.get("a").map(|v| v.data), Some(Bytes::from_static(b"4")));
        assert!(store.get("c").is_none());
    }

    #[test]
    fn bytes_are_counted_also_when_a_value_is_replaced() {
        let store = Store::new(Limits { keys: 10, value: 10, bytes: 10 });
        assert_eq!(put(&store, "a", "12345678"), Written::New);
        assert_eq!(put(&store, "b", "123"), Written::Full);
        assert_eq!(put(&store, "b", "12"), Written::New);
        assert_eq!(put(&store, "a", "123456789"), Written::Full);
        assert_eq!(put(&store, "a", "1"), Written::Replaced);
        assert_eq!(put(&store, "b", "123456789"), Written::Replaced);
        assert_eq!(put(&store, "c", "1"), Written::Full);
    }

    #[test]
    fn numbers_are_there_until_they_are_written() {
        let store = Store::new(LIMITS);
        let text = |key: &str| store.get(key).map(|value| value.data);
        assert_eq!(text("999999"), Some(Bytes::from_static(b"value of 999999\n")));
        for absent in ["1000000", "-1", "+1", "01", "", "1.0", "99999999999"] {
            assert_eq!(text(absent), None, "{absent}");
        }
        assert_eq!(put(&store, "0", "mine"), Written::New);
        assert_eq!(text("0"), Some(Bytes::from_static(b"mine")));
    }
}
