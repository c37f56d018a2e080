//! `coordinator try`: one user and one pass, everything shown.
//!
//! The test runs as always, by the embedded worker; what that tells of each request comes in here and goes out as text. Pure:
//! printing is the command line's.

mod body;
mod paint;
mod script;
mod show;

pub use paint::Paint;
pub use script::Script;
