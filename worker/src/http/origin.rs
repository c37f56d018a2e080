//! Where requests go: scheme, host and port, taken apart once.

use std::fmt;

use url::{Position, Url};

/// Scheme, host and port of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    tls: bool,
    host: Box<str>,
    port: u16,
    authority: Box<str>,
}

impl Origin {
    /// The origin of an HTTP URL; `None` for other schemes.
    pub fn of(url: &Url) -> Option<Self> {
        let tls = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let bracketed = url.host_str()?;
        let host = bracketed.trim_start_matches('[').trim_end_matches(']');
        let authority = match url.port() {
            Some(port) => format!("{bracketed}:{port}"),
            None => bracketed.to_owned(),
        };
        Some(Self { tls, host: host.into(), port: url.port_or_known_default()?, authority: authority.into() })
    }

    /// Whether it is reached over TLS.
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// The host, an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Host and port, as rows of targets are called.
    pub fn address(&self) -> String {
        let v6 = self.host.contains(':');
        if v6 { format!("[{}]:{}", self.host, self.port) } else { format!("{}:{}", self.host, self.port) }
    }

    /// As in the `host` header: without the scheme's own port.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", if self.tls { "https" } else { "http" }, self.authority)
    }
}

/// Path and query of a URL as they go on the wire.
pub fn path_of(url: &Url) -> &str {
    &url[Position::BeforePath..Position::AfterQuery]
}

/// Whether a rendered path is already as it goes on the wire, so that no URL has to be parsed: printable ASCII without anything
/// that the URL standard would encode, drop or resolve.
pub fn is_plain_path(path: &str) -> bool {
    let mut before = 0;
    path.starts_with('/')
        && path.bytes().all(|byte| {
            let encoded =
                matches!(byte, b'"' | b'#' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'}' | b'\'');
            // `/.` and `/%2e` may begin a segment that is resolved.
            let resolved = before == b'/' && matches!(byte, b'.' | b'%');
            before = byte;
            matches!(byte, 0x21..=0x7e) && !encoded && !resolved
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn origin(url: &str) -> Origin {
        Origin::of(&Url::parse(url).expect("valid")).expect("HTTP")
    }

    #[test]
    fn an_origin_is_taken_apart() {
        for (url, host, port, authority, shown) in [
            ("http://a/x", "a", 80, "a", "http://a"),
            ("https://A.b:443/", "a.b", 443, "a.b", "https://a.b"),
            ("http://[::1]:8080/", "::1", 8080, "[::1]:8080", "http://[::1]:8080"),
            ("https://u:p@h:99/", "h", 99, "h:99", "https://h:99"),
        ] {
            let origin = origin(url);
            assert_eq!((origin.host(), origin.port(), origin.authority()), (host, port, authority), "{url}");
            assert_eq!(origin.to_string(), shown);
        }
        assert!(Origin::of(&Url::parse("ftp://a/").expect("valid")).is_none());
    }

    #[test]
    fn the_path_is_without_origin_and_fragment() {
        for (url, path) in [
            ("http://a", "/"),
            ("http://u:p@a:8080/x/y?q=1#f", "/x/y?q=1"),
            ("http://a/ä b?ü", "/%C3%A4%20b?%C3%BC"),
        ] {
            assert_eq!(path_of(&Url::parse(url).expect("valid")), path);
        }
    }

    proptest! {
        #[test]
        fn a_plain_path_is_what_parsing_would_give(path in "/[ -~]{0,30}") {
            if is_plain_path(&path) {
                let url = Url::parse(&format!("http://a{path}")).expect("a valid URL");
                prop_assert_eq!(path_of(&url), path.as_str());
            }
        }
    }
}
