//! The fast client: each user owns its connections, and its own task writes and reads them.
//!
//! No pool, no lock, no task and no timer for a request; the thread's buffers are lent for one poll. Requests are written as the
//! engine rendered them, heads parsed by httparse, of which only the lines are looked at that somebody wants.

mod call;
mod chunked;
mod client;
mod connect;
mod deadline;
mod h2;
mod head;
mod io;
pub mod pipe;
pub mod reader;
mod shared;
pub mod writer;

pub use client::{NativeClient, NativeFactory, NativeThread};
