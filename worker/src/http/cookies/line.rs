//! Takes one `set-cookie` line apart, by RFC 6265, 5.2, with the limits of its successor (6265bis, 5.6). Pure.

use super::date;

/// Bytes of name and value together, at most.
const MAX_PAIR: usize = 4096;

/// Bytes of an attribute's value, at most; longer attributes are as if they were not there.
const MAX_ATTRIBUTE: usize = 1024;

/// When a cookie ends that has no end of its own.
pub(super) const NEVER: u64 = u64::MAX;

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
    /// Without its leading dot, as it was written; `None` for the host alone.
    pub(super) domain: Option<&'a [u8]>,
    /// Begins with a slash.
    pub(super) path: Option<&'a [u8]>,
    pub(super) secure: bool,
    /// Unix time in seconds.
    pub(super) expires: u64,
}

/// Reads a line that comes at `now` (Unix time in seconds); `None` for what sets no cookie.
pub(super) fn parse(line: &[u8], now: u64) -> Option<Line<'_>> {
    if line.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t') {
        return None;
    }
    let mut parts = line.split(|byte| *byte == b';');
    let (name, value) = split(parts.next()?);
    let value = value?;
    if name.is_empty() || name.len() + value.len() > MAX_PAIR {
        return None;
    }
    let mut said = Line { name, value, domain: None, path: None, secure: false, expires: NEVER };
    let (mut expires, mut max_age) = (None, None);
    for part in parts {
        let (name, value) = split(part);
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        if is("secure") {
            said.secure = true;
        }
        let Some(value) = value.filter(|value| value.len() <= MAX_ATTRIBUTE) else { continue };
        // Of an attribute that comes twice the last counts; one that makes no sense does not count at all.
        if is("expires") {
            expires = date::parse(value).or(expires);
        } else if is("max-age") {
            max_age = seconds(value).or(max_age);
        } else if is("domain") && !value.is_empty() {
            let domain = value.strip_prefix(b".").unwrap_or(value);
            said.domain = (!domain.is_empty()).then_some(domain);
        } else if is("path") {
            said.path = value.starts_with(b"/").then_some(value);
        }
    }
    let max_age = max_age.map(|seconds| if seconds == 0 { 0 } else { now.saturating_add(seconds) });
    said.expires = max_age.or(expires).unwrap_or(NEVER);
    Some(said)
}

/// Name and value around the first `=`, without the white space at their ends.
fn split(part: &[u8]) -> (&[u8], Option<&[u8]>) {
    match part.iter().position(|byte| *byte == b'=') {
        Some(at) => (part[..at].trim_ascii(), Some(part[at + 1..].trim_ascii())),
        None => (part.trim_ascii(), None),
    }
}

/// The seconds of a `max-age`; 0 for negative ones.
fn seconds(value: &[u8]) -> Option<u64> {
    let (digits, is_negative) = match value.strip_prefix(b"-") {
        Some(digits) => (digits, true),
        None => (value, false),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    if is_negative {
        return Some(0);
    }
    let add = |number: u64, digit: &u8| number.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Some(digits.iter().fold(0, add))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Line<'static> =
        Line { name: b"a", value: b"b", domain: None, path: None, secure: false, expires: NEVER };

    #[test]
    fn lines_are_taken_apart() {
        for (line, expected) in [
            ("a=b", PLAIN),
            (" a\t=  b ;", PLAIN),
            ("a=b; HttpOnly; SameSite=Lax; x=y; ;=", PLAIN),
            ("a=", Line { value: b"", ..PLAIN }),
            ("a=\"b c\"", Line { value: b"\"b c\"", ..PLAIN }),
            ("a=b=c", Line { value: b"b=c", ..PLAIN }),
            ("a=b; SECURE", Line { secure: true, ..PLAIN }),
            ("a=b; secure=no", Line { secure: true, ..PLAIN }),
            ("a=b; Path=/x; path=/y", Line { path: Some(b"/y"), ..PLAIN }),
            ("a=b; Path=/x; path=y", PLAIN),
            ("a=b; Path", PLAIN),
            ("a=b; Domain=.H.test", Line { domain: Some(b"H.test"), ..PLAIN }),
            ("a=b; Domain=h; Domain=", Line { domain: Some(b"h"), ..PLAIN }),
            ("a=b; Domain=h; Domain=.", PLAIN),
            ("a=b; Max-Age=10", Line { expires: 110, ..PLAIN }),
            ("a=b; Max-Age=0", Line { expires: 0, ..PLAIN }),
            ("a=b; Max-Age=-10", Line { expires: 0, ..PLAIN }),
            ("a=b; Max-Age=99999999999999999999999", PLAIN),
            ("a=b; Max-Age=5; Max-Age=x; Max-Age=; Max-Age=+1", Line { expires: 105, ..PLAIN }),
            ("a=b; Expires=Thu, 01 Jan 1970 00:00:07 GMT", Line { expires: 7, ..PLAIN }),
            ("a=b; Expires=soon", PLAIN),
            ("a=b; Max-Age=1; Expires=Thu, 01 Jan 1970 00:00:07 GMT", Line { expires: 101, ..PLAIN }),
        ] {
            assert_eq!(parse(line.as_bytes(), 100), Some(expected), "{line}");
        }
    }

    #[test]
    fn what_sets_no_cookie_is_none() {
        for line in ["", "a", "=b", " =b", ";a=b", "a=b\0", "a=b; path=/\r\nx: y"] {
            assert_eq!(parse(line.as_bytes(), 0), None, "{line:?}");
        }
    }

    #[test]
    fn limits_are_kept() {
        let line = |value: usize, path: usize| format!("a={}; path=/{}", "v".repeat(value), "p".repeat(path));
        assert!(parse(line(4095, 0).as_bytes(), 0).is_some());
        assert_eq!(parse(line(4096, 0).as_bytes(), 0), None);
        assert!(parse(line(1, 1023).as_bytes(), 0).is_some_and(|said| said.path.is_some()));
        assert!(parse(line(1, 1024).as_bytes(), 0).is_some_and(|said| said.path.is_none()));
    }
}
