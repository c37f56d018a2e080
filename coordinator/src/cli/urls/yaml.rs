//! Texts as they stand in YAML: as they are where nothing in them could be misread, else in double quotes.

use std::fmt::Write;

/// A text as a key or value of a block map.
pub(super) fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

fn is_plain(text: &str) -> bool {
    let starts = text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/');
    let means = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    starts
        && !text.ends_with(':')
        && !means.iter().any(|word| text.eq_ignore_ascii_case(word))
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_.~%=&+-:?".contains(&byte))
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Line separators and the byte-order mark are no ordinary characters of YAML.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_misread_stays_as_it_is() {
        for plain in ["/kv/1?x=2&y=%20", "http://127.0.0.1:8080", "text/html"] {
            assert_eq!(scalar(plain), plain);
        }
        for (text, written) in [
            ("", r#""""#),
            ("*/*", r#""*/*""#),
            ("12", r#""12""#),
            ("true", r#""true""#),
            ("a: b", r#""a: b""#),
            ("/a #b", r#""/a #b""#),
            ("${user.id}", r#""${user.id}""#),
            ("\"\\\n\u{1}", r#""\"\\\n\u0001""#),
        ] {
            assert_eq!(scalar(text), written);
        }
    }
}
