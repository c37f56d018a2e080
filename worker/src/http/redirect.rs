//! Where a redirect leads, by the rules of RFC 9110, 15.4. Pure.

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, COOKIE};
use http::{HeaderMap, Method};
use url::Url;

/// The next request of a redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Where to.
    pub url: Url,
    /// The method: 303, and 301 and 302 after a POST, go on as GET.
    pub method: Method,
    /// Whether the body goes along.
    pub keeps_body: bool,
}

/// Whether `status` asks to go elsewhere.
pub fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The hop that `status` with `location` asks for; `None` when the location is not an HTTP URL.
pub fn hop(url: &Url, method: &Method, status: u16, location: &str) -> Option<Hop> {
    let mut target = url.join(location).ok()?;
    if !matches!(target.scheme(), "http" | "https") {
        return None;
    }
    if target.fragment().is_none() {
        target.set_fragment(url.fragment());
    }
    let becomes_get = match status {
        303 => *method != Method::HEAD,
        301 | 302 => *method == Method::POST,
        _ => false,
    };
    let method = if becomes_get { Method::GET } else { method.clone() };
    Some(Hop { url: target, method, keeps_body: !becomes_get })
}

/// Takes out what must not follow: credentials to another origin, the body's description without the body.
pub fn strip(headers: &mut HeaderMap, from: &Url, hop: &Hop) {
    if from.origin() != hop.url.origin() {
        headers.remove(AUTHORIZATION);
        headers.remove(COOKIE);
    }
    if !hop.keeps_body {
        for name in [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE] {
            headers.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("valid")
    }

    #[test]
    fn methods_and_bodies_follow_the_status() {
        let cases = [
            ("POST", 301, "GET", false),
            ("POST", 302, "GET", false),
            ("POST", 303, "GET", false),
            ("POST", 307, "POST", true),
            ("PUT", 302, "PUT", true),
            ("PUT", 303, "GET", false),
            ("HEAD", 303, "HEAD", true),
            ("GET", 308, "GET", true),
        ];
        for (method, status, next, keeps_body) in cases {
            let method = Method::from_bytes(method.as_bytes()).expect("valid");
            let hop = hop(&url("http://a/x/y"), &method, status, "../z?q=1").expect("a hop");
            assert_eq!((hop.method.as_str(), hop.keeps_body), (next, keeps_body), "{method} {status}");
            assert_eq!(hop.url.as_str(), "http://a/z?q=1");
        }
        assert_eq!(hop(&url("http://a/"), &Method::GET, 302, "ftp://b/"), None);
    }

    #[test]
    fn credentials_stay_with_their_origin() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, "x".parse().expect("valid"));
        headers.insert(CONTENT_TYPE, "y".parse().expect("valid"));
        let from = url("https://a/");
        let same = hop(&from, &Method::POST, 307, "/b").expect("a hop");
        strip(&mut headers, &from, &same);
        assert_eq!(headers.len(), 2);
        let other = hop(&from, &Method::POST, 303, "http://a/").expect("a hop");
        strip(&mut headers, &from, &other);
        assert!(headers.is_empty());
    }
}
