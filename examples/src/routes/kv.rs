//! `/kv/{key}`: a key-value store in memory, bounded in keys and in the size of a value.

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

/// Keys the store holds; with [`MAX_VALUE`] it never takes more than 640 MB.
pub(super) const MAX_KEYS: usize = 10_000;

/// Bytes of one value.
pub(super) const MAX_VALUE: usize = 64 << 10;

/// The values with the content type they came with.
#[derive(Debug)]
pub(super) struct Store {
    max_keys: usize,
    max_value: usize,
    /// Held for one look-up; values are reference counted and never copied under it.
    values: Mutex<HashMap<String, Value>>,
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
    pub(super) fn new(max_keys: usize, max_value: usize) -> Self {
        Self { max_keys, max_value, values: Mutex::default() }
    }

    fn get(&self, key: &str) -> Option<Value> {
        lock(&self.values).get(key).cloned()
    }

    fn put(&self, key: String, value: Value) -> Written {
        let mut values = lock(&self.values);
        let full = values.len() >= self.max_keys;
        match values.entry(key) {
            Entry::Occupied(mut old) => {
                old.insert(value);
                Written::Replaced
            }
            Entry::Vacant(_) if full => Written::Full,
            Entry::Vacant(free) => {
                free.insert(value);
                Written::New
            }
        }
    }
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
    let data = match body::read(body, app.store.max_value).await {
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

    #[test]
    fn a_full_store_takes_no_new_key_but_new_values() {
        let store = Store::new(2, 10);
        assert_eq!(store.put("a".to_owned(), value("1")), Written::New);
        assert_eq!(store.put("b".to_owned(), value("2")), Written::New);
        assert_eq!(store.put("c".to_owned(), value("3")), Written::Full);
        assert_eq!(store.put("a".to_owned(), value("4")), Written::Replaced);
        assert_eq!(store.get("a").map(|v| v.data), Some(Bytes::from_static(b"4")));
        assert!(store.get("c").is_none());
    }
}
