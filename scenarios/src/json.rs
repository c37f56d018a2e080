//! JSON as it came from a target: bytes of which a step wants one value or a few.
//!
//! `path` reads a JSONPath when the scenario is compiled, `scan` follows the simple ones through a body without building
//! anything. Nothing of a body is trusted: it may be no JSON, no UTF-8, and nested as deep as it likes.

mod path;
mod scan;

pub use path::Path;
pub(crate) use path::Query;
pub(crate) use scan::{Found, Malformed, bytes_of, decode, find, minify};
