//! A body as a person reads it: JSON set out, text by lines, anything else by what it is; cut where it is long.

use std::fmt::Write;

/// Longer lines are cut.
const LONGEST_LINE: usize = 200;
/// A longer JSON text is shown as it came: it is cut in any case, and setting it out takes its time.
const LONGEST_JSON: usize = 1 << 20;

/// The lines of a body, at most `most` of them, and a last one that says what is left out.
pub(super) fn lines(body: &[u8], most: usize) -> Vec<String> {
    let Some(text) = text_of(body) else { return vec![binary(body)] };
    let all: Vec<&str> = text.lines().collect();
    let mut lines: Vec<String> = all.iter().take(most).map(|line| cut(&harmless(line))).collect();
    if all.len() > most {
        lines.push(format!("… and {} more lines ({} bytes in all)", all.len() - most, body.len()));
    }
    lines
}

/// The text that is shown; `None` if it is none.
fn text_of(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return None;
    }
    let is_json = text.len() <= LONGEST_JSON
        && text.trim_start().starts_with(['{', '['])
        && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    Some(if is_json { set_out(text) } else { text.to_owned() })
}

/// JSON with a line for each member, everything in the order and with the digits in which it came.
fn set_out(json: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_usize;
    let mut rest = json.chars().peekable();
    let line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                out.push(c);
                let mut escaped = false;
                for c in rest.by_ref() {
                    out.push(c);
                    match c {
                        '"' if !escaped => break,
                        '\\' => escaped = !escaped,
                        _ => escaped = false,
                    }
                }
            }
            '{' | '[' => {
                out.push(c);
                while rest.next_if(|c| c.is_whitespace()).is_some() {}
                if let Some(end) = rest.next_if(|c| matches!(c, '}' | ']')) {
                    out.push(end);
                } else {
                    depth += 1;
                    line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c if c.is_whitespace() => {}
            c => out.push(c),
        }
    }
    out
}

/// What it begins with, in a few words.
fn binary(body: &[u8]) -> String {
    const KNOWN: [(&[u8], &str); 8] = [
        (b"\xff\xd8\xff", "a JPEG image"),
        (b"\x89PNG", "a PNG image"),
        (b"GIF8", "a GIF image"),
        (b"RIFF", "a RIFF file (WebP, WAV)"),
        (b"%PDF", "a PDF"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1f\x8b", "gzip"),
        (b"--", "multipart with a binary part"),
    ];
    let kind = KNOWN.iter().find(|(start, _)| body.starts_with(start)).map_or("binary", |(_, kind)| kind);
    let mut first = String::new();
    for byte in body.iter().take(8) {
        // Writing to a String cannot fail.
        let _ = write!(first, " {byte:02x}");
    }
    format!("({kind}, {} bytes:{first}{})", body.len(), if body.len() > 8 { " …" } else { "" })
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST_LINE) {
        Some((at, _)) => format!("{}… ({} characters)", &line[..at], line.chars().count()),
        None => line.to_owned(),
    }
}

/// What comes from outside must not steer the terminal.
pub(super) fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_readable() {
        let json = br#"{"b": 1.50,"a":[2, {}], "t":"x: \",{" }"#;
        let set_out =
            ["{", "  \"b\": 1.50,", "  \"a\": [", "    2,", "    {}", "  ],", r#"  "t": "x: \",{""#, "}"];
        assert_eq!(lines(json, 9), set_out, "JSON is set out as it came");
        assert_eq!(lines(b"one\ntwo\r\nthree", 2), ["one", "two", "… and 1 more lines (14 bytes in all)"]);
        assert_eq!(lines(b"\xff\xd8\xff\xe0 dog", 9), ["(a JPEG image, 8 bytes: ff d8 ff e0 20 64 6f 67)"]);
        assert_eq!(lines(b"a\x1b[31mb", 9), ["(binary, 7 bytes: 61 1b 5b 33 31 6d 62)"]);
        assert_eq!(lines(b"{not json", 9), ["{not json"]);
        assert_eq!(lines(&[b'x'; 300], 9), [format!("{}… (300 characters)", "x".repeat(200))]);
        assert!(lines(b"", 9).is_empty());
    }
}
