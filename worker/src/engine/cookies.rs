//! One user's cookies, beside the clock and the origins of requests.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::http::cookies;
use crate::http::origin::Origin;

/// Nothing until the first cookie is set.
#[derive(Debug, Default)]
pub(super) struct Jar(cookies::Jar);

impl Jar {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends what goes to this place, behind what is there.
    pub(super) fn write_to(&self, out: &mut Vec<u8>, origin: &Origin, path: &str) {
        self.0.write_to(out, origin.host(), origin.is_tls(), path, now());
    }

    /// Takes what a response set.
    pub(super) fn take(&mut self, lines: &[Box<[u8]>], origin: &Origin, path: &str) {
        let now = now();
        for line in lines {
            self.0.set(line, origin.host(), origin.is_tls(), path, now);
        }
    }
}

/// Unix time in seconds: what cookies count in.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
