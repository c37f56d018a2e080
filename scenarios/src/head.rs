//! A response's header lines as they came: values of headers and of cookies in them.
//!
//! Nothing of them is trusted: a line may have no colon, and a value may be no UTF-8.

/// The values of a header, in order.
pub(crate) fn headers<'h>(head: &'h [u8], name: &str) -> impl Iterator<Item = &'h [u8]> {
    head.split(|byte| *byte == b'\n').filter_map(move |line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (key, value) = line.split_at(colon);
        key.eq_ignore_ascii_case(name.as_bytes()).then(|| value[1..].trim_ascii())
    })
}

/// The value of a cookie in a `cookie` header.
pub(crate) fn sent_cookie<'c>(cookies: &'c [u8], name: &str) -> Option<&'c [u8]> {
    cookies.split(|byte| *byte == b';').find_map(|pair| value_of(pair, name))
}

/// The value of a cookie that the response sets, the last one if it does so twice; none if that is to delete it.
pub(crate) fn set_cookie<'h>(head: &'h [u8], name: &str) -> Option<&'h [u8]> {
    let set = headers(head, "set-cookie").filter_map(|line| {
        let mut parts = line.split(|byte| *byte == b';');
        let value = value_of(parts.next()?, name)?;
        let deletes = parts.any(|part| {
            let (key, age) = split_pair(part);
            key.eq_ignore_ascii_case(b"max-age") && (age == b"0" || age.starts_with(b"-"))
        });
        Some((value, deletes))
    });
    set.last().and_then(|(value, deletes)| (!deletes).then_some(value))
}

fn value_of<'p>(pair: &'p [u8], name: &str) -> Option<&'p [u8]> {
    let (key, value) = split_pair(pair);
    (key == name.as_bytes()).then_some(value)
}

fn split_pair(pair: &[u8]) -> (&[u8], &[u8]) {
    match pair.iter().position(|byte| *byte == b'=') {
        Some(at) => (pair[..at].trim_ascii(), pair[at + 1..].trim_ascii()),
        None => (pair.trim_ascii(), b""),
    }
}
