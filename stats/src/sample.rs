//! What a load thread books: a request that ended, how an iteration ended, a connection that was made.
//!
//! Values only; `recorder` counts them.

use std::time::Duration;

use crate::outcome::Outcome;

/// A request that ended.
#[derive(Debug, Clone, Copy)]
pub struct Sample<'a> {
    /// The endpoint's number on this thread.
    pub endpoint: u32,
    /// When it ended.
    pub at: Duration,
    /// How.
    pub outcome: Outcome<'a>,
    /// Intended start to end.
    pub response: Duration,
    /// First byte written to last byte read, if there was a response.
    pub service: Option<Duration>,
    /// Begin to first byte of the response, if there was one.
    pub ttfb: Option<Duration>,
    /// The HTTP status of its response, if a whole one came: the last one where redirects were followed.
    pub status: Option<u16>,
    /// Requests written to the last byte: 1, plus one for each redirect hop; 0 if it never was.
    pub sent: u32,
    /// Redirects followed.
    pub hops: u32,
    /// Bytes of response bodies, as they came.
    pub bytes_in: u64,
    /// Bytes of response heads and of what frames bodies, as far as the client counts them.
    pub head_bytes_in: u64,
    /// Bytes of request bodies.
    pub bytes_out: u64,
}

/// How an iteration ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IterationEnd {
    /// Through, every request ok.
    Completed,
    /// Through, with a failure.
    Failed,
    /// Given up at the end of the drain.
    Cancelled,
}

/// A connection that was made.
#[derive(Debug, Clone, Copy, Default)]
pub struct Connected {
    /// Name resolution, where there was one.
    pub dns: Option<Duration>,
    /// Connecting.
    pub connect: Option<Duration>,
    /// TLS handshake, where it can be told from connecting.
    pub tls: Option<Duration>,
}
