//! Follows a simple path through JSON text and hands out the text of the value there, without building anything.
//!
//! Values on the way are skipped by their brackets and quotes; only what is found is looked at closely. So a body that is broken
//! elsewhere may still answer, and one that is broken on the way is [`Malformed`]. Of two members of one name the first counts:
//! nothing behind it is read. Brackets go as deep as `serde_json` lets them.

use std::str::from_utf8;

use serde::de::IgnoredAny;

use super::path::Step;

/// Deepest nesting that is followed.
const DEEPEST: u32 = 127;

/// What a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found<'d> {
    /// What stands between the quotes of a text, for [`decode`].
    Text(&'d [u8]),
    /// A number, `true`, `false` or `null`.
    Plain(&'d str),
    /// A list or a map, valid, with the spaces it came with.
    Nested(&'d str),
}

/// The document is not JSON, as far as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not JSON")]
pub(crate) struct Malformed;

/// The document without the mark that some servers put before it (RFC 8259, 8.1).
pub(crate) fn bytes_of(document: &[u8]) -> &[u8] {
    document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document)
}

/// The value at `path`, if there is one.
pub(crate) fn find<'d>(document: &'d [u8], path: &[Step]) -> Result<Option<Found<'d>>, Malformed> {
    let mut cursor = Cursor { bytes: bytes_of(document), at: 0 };
    for step in path {
        let there = match (step, cursor.sign()?) {
            (Step::Key(key), b'{') => cursor.member(key)?,
            (Step::Index(index), b'[') => cursor.element(*index)?,
            (_, b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => false,
            _ => return Err(Malformed),
        };
        if !there {
            return Ok(None);
        }
    }
    cursor.value().map(Some)
}

/// Appends a text as it is meant to what stands in `out`.
pub(crate) fn decode(quoted: &[u8], out: &mut String) -> Result<(), Malformed> {
    let text = from_utf8(quoted).map_err(|_| Malformed)?;
    if quoted.iter().any(|byte| *byte < 0x20) {
        return Err(Malformed);
    }
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (c, length) = escape(&rest[at + 1..])?;
        out.push(c);
        rest = &rest[at + 1 + length..];
    }
    out.push_str(rest);
    Ok(())
}

/// The character an escape stands for, and how long it is behind its `\`.
fn escape(text: &str) -> Result<(char, usize), Malformed> {
    let c = match text.as_bytes().first() {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => return unicode(text),
        _ => return Err(Malformed),
    };
    Ok((c, 1))
}

/// `uXXXX`, or `uXXXX\uXXXX` for what is beyond the basic plane.
fn unicode(text: &str) -> Result<(char, usize), Malformed> {
    let four = |at: usize| {
        let digits = text.get(at..at + 4).filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or(Malformed)
    };
    let high = four(1)?;
    let (code, length) = match high {
        0xd800..=0xdbff => {
            if text.get(5..7) != Some("\\u") {
                return Err(Malformed);
            }
            let low = four(7)?;
            if !(0xdc00..=0xdfff).contains(&low) {
                return Err(Malformed);
            }
            (0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00), 11)
        }
        code => (code, 5),
    };
    char::from_u32(code).map(|c| (c, length)).ok_or(Malformed)
}

/// Appends valid JSON without the spaces between its signs.
pub(crate) fn minify(text: &str, out: &mut String) {
    let (mut quoted, mut escaped, mut from) = (false, false, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            b' ' | b'\t' | b'\n' | b'\r' if !quoted => {
                out.push_str(&text[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    out.push_str(&text[from..]);
}

/// A place in a document.
struct Cursor<'d> {
    bytes: &'d [u8],
    at: usize,
}

impl<'d> Cursor<'d> {
    /// The next byte that is no space, where the cursor then stands.
    fn sign(&mut self) -> Result<u8, Malformed> {
        loop {
            match self.bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(Malformed),
            }
        }
    }

    /// Goes past a sign that must be there.
    fn expect(&mut self, sign: u8) -> Result<(), Malformed> {
        if self.sign()? != sign {
            return Err(Malformed);
        }
        self.at += 1;
        Ok(())
    }

    /// Past what stands behind a value in a list or map: whether there is another one.
    fn another(&mut self, close: u8) -> Result<bool, Malformed> {
        match self.sign()? {
            b',' => {
                self.at += 1;
                Ok(true)
            }
            sign if sign == close => Ok(false),
            _ => Err(Malformed),
        }
    }

    /// From the `{` of a map to the value of a member; whether there is one.
    fn member(&mut self, key: &str) -> Result<bool, Malformed> {
        self.at += 1;
        if self.sign()? == b'}' {
            return Ok(false);
        }
        loop {
            if self.sign()? != b'"' {
                return Err(Malformed);
            }
            let name = self.text()?;
            self.expect(b':')?;
            if is_key(name, key)? {
                return Ok(true);
            }
            self.skip()?;
            if !self.another(b'}')? {
                return Ok(false);
            }
        }
    }

    /// From the `[` of a list to one of its elements; whether there is one.
    fn element(&mut self, index: i64) -> Result<bool, Malformed> {
        self.at += 1;
        if index < 0 {
            return self.element_from_end(index.unsigned_abs());
        }
        let mut at = 0;
        while self.step(at == 0)? {
            if at == index {
                return Ok(true);
            }
            self.skip()?;
            at += 1;
        }
        Ok(false)
    }

    /// The same, counted from the end: 1 is the last one.
    fn element_from_end(&mut self, back: u64) -> Result<bool, Malformed> {
        let mut starts = Vec::new();
        while self.step(starts.is_empty())? {
            starts.push(self.at);
            self.skip()?;
        }
        let place = usize::try_from(back).ok().and_then(|back| starts.len().checked_sub(back));
        let start = place.and_then(|place| starts.get(place));
        if let Some(start) = start {
            self.at = *start;
        }
        Ok(start.is_some())
    }

    /// To the next element of a list, or its first; whether there is one.
    fn step(&mut self, first: bool) -> Result<bool, Malformed> {
        if first { Ok(self.sign()? != b']') } else { self.another(b']') }
    }

    /// The inside of the text that begins here.
    fn text(&mut self) -> Result<&'d [u8], Malformed> {
        let start = self.at + 1;
        let mut at = start;
        loop {
            let rest = self.bytes.get(at..).ok_or(Malformed)?;
            at += rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).ok_or(Malformed)?;
            if self.bytes[at] == b'"' {
                self.at = at + 1;
                return Ok(&self.bytes[start..at]);
            }
            at += 2;
        }
    }

    /// Past the value here.
    fn skip(&mut self) -> Result<(), Malformed> {
        match self.sign()? {
            b'"' => self.text().map(drop),
            b'{' | b'[' => self.nested(),
            b'-' | b'0'..=b'9' | b't' | b'f' | b'n' => {
                self.token();
                Ok(())
            }
            _ => Err(Malformed),
        }
    }

    /// Past a list or a map, by its brackets; the bits of `open` say which kind each of them is.
    fn nested(&mut self) -> Result<(), Malformed> {
        let (mut open, mut depth) = (0_u128, 0);
        loop {
            match self.bytes.get(self.at).ok_or(Malformed)? {
                b'"' => {
                    self.text()?;
                    continue;
                }
                sign @ (b'{' | b'[') => {
                    if depth == DEEPEST {
                        return Err(Malformed);
                    }
                    open = open << 1 | u128::from(*sign == b'{');
                    depth += 1;
                }
                sign @ (b'}' | b']') => {
                    if (open & 1 == 1) != (*sign == b'}') {
                        return Err(Malformed);
                    }
                    open >>= 1;
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return Ok(());
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// A number or a word.
    fn token(&mut self) -> &'d [u8] {
        let rest = &self.bytes[self.at..];
        let ends =
            |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r' | b':' | b'"');
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// The value here.
    fn value(&mut self) -> Result<Found<'d>, Malformed> {
        match self.sign()? {
            b'"' => self.text().map(Found::Text),
            b'{' | b'[' => {
                let start = self.at;
                self.nested()?;
                let text = from_utf8(&self.bytes[start..self.at]).map_err(|_| Malformed)?;
                serde_json::from_str::<IgnoredAny>(text).map_err(|_| Malformed)?;
                Ok(Found::Nested(text))
            }
            _ => {
                let token = self.token();
                let is_plain = matches!(token, b"true" | b"false" | b"null") || is_number(token);
                let text = from_utf8(token).ok().filter(|_| is_plain);
                text.map(Found::Plain).ok_or(Malformed)
            }
        }
    }
}

fn is_key(name: &[u8], key: &str) -> Result<bool, Malformed> {
    if !name.contains(&b'\\') {
        return Ok(name == key.as_bytes());
    }
    let mut decoded = String::new();
    decode(name, &mut decoded)?;
    Ok(decoded == key)
}

/// RFC 8259, 6.
fn is_number(token: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = token.strip_prefix(b"-").unwrap_or(token);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest[0] == b'0') {
        return false;
    }
    rest = &rest[whole..];
    if let Some(tail) = rest.strip_prefix(b".") {
        let count = digits(tail);
        if count == 0 {
            return false;
        }
        rest = &tail[count..];
    }
    if let [b'e' | b'E', tail @ ..] = rest {
        let tail = tail.strip_prefix(b"+").or_else(|| tail.strip_prefix(b"-")).unwrap_or(tail);
        let count = digits(tail);
        if count == 0 {
            return false;
        }
        rest = &tail[count..];
    }
    rest.is_empty()
}

#[cfg(test)]
#[path = "scan_tests.rs"]
mod tests;
