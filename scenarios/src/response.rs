//! What a user remembers of its last response: `response` in expressions.

/// A user's last response; before the first one all is zero and empty.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LastResponse {
    /// Its status; 0 if there was none.
    pub status: u16,
    /// The URL it came from, behind redirects.
    pub url: String,
    /// Its response time in milliseconds.
    pub time_ms: f64,
    /// Bytes of its body, as they came.
    pub size: u64,
    /// Whether the request failed.
    pub failed: bool,
    /// Its header lines, `name: value` with line ends.
    pub head: Vec<u8>,
}

/// Of a user that has none.
pub static NONE: LastResponse =
    LastResponse { status: 0, url: String::new(), time_ms: 0.0, size: 0, failed: false, head: Vec::new() };
