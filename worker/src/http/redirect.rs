//! Where a redirect leads, by the rules of RFC 9110, 15.4. Pure.

use http::Method;
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

/// The header lines that go along: no credentials and no `host` to another origin, no description of a body that is left out.
pub fn kept(headers: &[u8], same_origin: bool, keeps_body: bool) -> Vec<u8> {
    let mut kept = Vec::with_capacity(headers.len());
    for line in headers.split_inclusive(|byte| *byte == b'\n') {
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        let stays = match name {
            b"authorization" | b"proxy-authorization" | b"host" => same_origin,
            b"content-type" | b"content-encoding" | b"content-language" => keeps_body,
            _ => true,
        };
        if stays {
            kept.extend_from_slice(line);
        }
    }
    kept
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
        let headers = b"authorization: x\r\ncontent-type: y\r\nhost: z\r\naccept: w\r\n";
        let lines = |kept: Vec<u8>| String::from_utf8(kept).expect("text").lines().count();
        assert_eq!(lines(kept(headers, true, true)), 4);
        assert_eq!(lines(kept(headers, true, false)), 3);
        assert_eq!(kept(headers, false, false), b"accept: w\r\n");
        assert_eq!(kept(b"", false, false), b"");
    }
}
