//! JSON as it came from a target: bytes of which a step wants one value or a few.
//!
//! `path` reads a JSONPath when the scenario is compiled, `scan` follows the simple ones through a body without building
//! anything. Nothing of a body is trusted: it may be no JSON, no UTF-8, and nested as deep as it likes.

mod path;
mod scan;

pub use path::Path;

use crate::value::Value;

/// What a JSON text says; nothing if it is none.
pub(crate) fn value_of(text: &str) -> Value {
    serde_json::from_str(text).map_or(Value::Null, |json: serde_json::Value| Value::from(json))
}

pub(crate) use path::{Query, Step};
pub(crate) use scan::{Found, Malformed, bytes_of, decode, find, minify};
