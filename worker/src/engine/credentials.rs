//! The user and password that a URL may have in it, as the `authorization` they stand for.
//!
//! A scenario's own URLs have none: they are refused when the file is read. One that is computed can.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use url::Url;

/// The value of the header, if the URL names anybody.
pub(super) fn credentials(url: &Url) -> Option<String> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let decoded = |text: &str| percent_decode(text);
    let mut pair = decoded(url.username());
    pair.push(b':');
    pair.extend(decoded(url.password().unwrap_or_default()));
    Some(format!("Basic {}", BASE64.encode(pair)))
}

fn percent_decode(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        let hex = |at: usize| behind.get(at).and_then(|digit| char::from(*digit).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (byte, hex(0), hex(1)) {
            out.push(u8::try_from(high * 16 + low).unwrap_or_default());
            rest = &behind[2..];
        } else {
            out.push(*byte);
            rest = behind;
        }
    }
    out
}
