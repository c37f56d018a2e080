//! One user's cookies, where the engine has an origin and a path.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::http::cookies;
use crate::http::origin::Origin;

/// Nothing until the first cookie is set.
#[derive(Debug, Clone, Default)]
pub(super) struct Jar(cookies::Jar);

impl Jar {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Appends what goes to this place, behind what is there.
    pub(super) fn write_to(&self, out: &mut Vec<u8>, origin: &Origin, path: &str) {
        if !self.is_empty() {
            self.0.write_to(out, origin.host(), origin.is_tls(), path, unix_seconds());
        }
    }

    /// Takes what has changed in a copy of it: between `before`, as the copy was made, and `after`.
    pub(super) fn join(&mut self, before: &Self, after: Self) {
        if !(before.is_empty() && after.is_empty()) {
            self.0.join(&before.0, after.0, unix_seconds());
        }
    }

    /// Takes what a response set.
    pub(super) fn take(&mut self, lines: &[Box<[u8]>], origin: &Origin, path: &str) {
        let now = unix_seconds();
        for line in lines {
            self.0.set(line, origin.host(), origin.is_tls(), path, now);
        }
    }
}

/// Cookies are kept until a date, so this is the one clock that may step.
fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
