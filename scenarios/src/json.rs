//! JSON as it came from a target: bytes of which a step wants one value or a few.
//!
//! `path` reads a JSONPath when the scenario is compiled, `scan` follows the simple ones through a body without building
//! anything. Nothing of a body is trusted: it may be no JSON, no UTF-8, and nested as deep as it likes.

mod path;
mod scan;

pub use path::Path;

use crate::value::Value;

/// What a JSON text says, maps in its order; nothing if it is none.
pub(crate) fn value_of(text: &str) -> Value {
    try_value_of(text).unwrap_or(Value::Null)
}

/// Likewise; `None` if it is no JSON, or nested more than 128 deep.
pub(crate) fn try_value_of(text: &str) -> Option<Value> {
    // Most are small numbers.
    if text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(Value::Int);
    }
    serde_json::from_str(text).ok()
}

/// Whether a text is JSON.
pub(crate) fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

pub(crate) use path::{Query, Step};
pub(crate) use scan::{Found, Malformed, bytes_of, decode, find, minify};
