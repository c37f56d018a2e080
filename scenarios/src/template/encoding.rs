//! How values are written for the place they go to: URLs, queries and forms, JSON, base64.

use crate::value::{Value, write_json_inside};

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Raw,
    /// In a URL: spaces and control characters percent-encoded, nothing else.
    Url,
    /// A component of a query or a form: everything but letters, digits and `-._~` percent-encoded.
    Component,
    /// Between the quotes of a JSON string.
    JsonInside,
    /// A whole JSON value that keeps its type.
    JsonValue,
}

impl Encoding {
    /// Appends a value as this place needs it.
    pub(crate) fn write_value(self, value: &Value, out: &mut String) {
        match (self, value) {
            (Self::JsonValue, value) => value.write_json(out),
            (encoding, Value::Text(text)) => encoding.write_text(text, out),
            (Self::Raw, value) => value.write_plain(out),
            (encoding, value) => encoding.write_text(&value.to_plain(), out),
        }
    }

    /// Appends a text as this place needs it.
    pub(crate) fn write_text(self, text: &str, out: &mut String) {
        match self {
            Self::Raw => out.push_str(text),
            Self::Url => percent(text, out, |b| b > 0x20 && b != 0x7f),
            Self::Component => {
                percent(text, out, |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'));
            }
            Self::JsonInside => write_json_inside(text, out),
            Self::JsonValue => {
                out.push('"');
                write_json_inside(text, out);
                out.push('"');
            }
        }
    }
}

/// Appends the base64 of some bytes.
pub(crate) fn encode_base64(bytes: &[u8], out: &mut String) {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let signs = group.len() + 1;
        for index in 0..4 {
            let sign = SIGNS[((bits >> (18 - 6 * index)) & 63) as usize];
            out.push(if index < signs { char::from(sign) } else { '=' });
        }
    }
}

/// Appends `text`, with every byte that is not kept as `%XX`, and what lies between those in one piece. Of a character of several
/// bytes all are kept or none.
fn percent(text: &str, out: &mut String, keep: impl Fn(u8) -> bool) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !keep(byte)) {
        let (kept, others) = rest.split_at(at);
        let end = others.bytes().position(&keep).unwrap_or(others.len());
        let (others, behind) = others.split_at(end);
        out.push_str(kept);
        for byte in others.bytes() {
            out.push('%');
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
        rest = behind;
    }
    out.push_str(rest);
}
