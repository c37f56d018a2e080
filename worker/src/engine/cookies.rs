//! One user's cookies.

use reqwest::cookie::CookieStore;
use reqwest::header::HeaderValue;
use url::Url;

use crate::http::origin::Origin;

/// Nothing until the first cookie is set.
#[derive(Debug, Default)]
pub(super) struct Jar(Option<reqwest::cookie::Jar>);

impl Jar {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Appends what goes to this place, behind what is there.
    pub(super) fn write_to(&self, out: &mut Vec<u8>, origin: &Origin, path: &str) {
        let Some(jar) = &self.0 else { return };
        let Ok(url) = Url::parse(&format!("{origin}{path}")) else { return };
        if let Some(cookies) = jar.cookies(&url) {
            if !out.is_empty() {
                out.extend_from_slice(b"; ");
            }
            out.extend_from_slice(cookies.as_bytes());
        }
    }

    /// Takes what a response set.
    pub(super) fn take(&mut self, lines: &[Box<[u8]>], origin: &Origin, path: &str) {
        let Ok(url) = Url::parse(&format!("{origin}{path}")) else { return };
        let values: Vec<_> = lines.iter().filter_map(|line| HeaderValue::from_bytes(line).ok()).collect();
        self.0.get_or_insert_default().set_cookies(&mut values.iter(), &url);
    }
}
