//! Comma-separated values (RFC 4180): one field after the other, without copying.
//!
//! A field in quotes may hold delimiters, line ends and doubled quotes. Lines end with LF or CR LF. A quote within a field that
//! does not begin with one is a sign like any other.

use std::borrow::Cow;

/// A field and where the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// Its content; quotes within it still doubled.
    raw: &'a [u8],
    has_quotes: bool,
    /// Where the next field or, behind the last one, the next record begins.
    pub(super) next: usize,
    /// Whether it is the last of its record.
    pub(super) is_last: bool,
}

/// Why a field cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum CsvError {
    /// Its quote is not closed up to the end of the file.
    #[error("a quote is opened here and never closed")]
    Open,
    /// Something else than a delimiter follows the closing quote.
    #[error("there is text behind a closing quote; a quote within quotes is doubled: `\"\"`")]
    Behind,
}

impl<'a> Field<'a> {
    /// The field that begins at `at`.
    pub(super) fn at(bytes: &'a [u8], at: usize, delimiter: u8) -> Result<Self, CsvError> {
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.first() == Some(&b'"') {
            return Self::quoted(rest, at, delimiter);
        }
        let end = rest.iter().position(|byte| *byte == delimiter || *byte == b'\n').unwrap_or(rest.len());
        let is_last = rest.get(end) != Some(&delimiter);
        let raw = &rest[..end];
        let raw = if is_last { raw.strip_suffix(b"\r").unwrap_or(raw) } else { raw };
        Ok(Self { raw, has_quotes: false, next: (at + end + 1).min(bytes.len()), is_last })
    }

    fn quoted(rest: &'a [u8], at: usize, delimiter: u8) -> Result<Self, CsvError> {
        let (mut close, mut has_quotes) = (1, false);
        loop {
            close += rest[close..].iter().position(|byte| *byte == b'"').ok_or(CsvError::Open)?;
            if rest.get(close + 1) != Some(&b'"') {
                break;
            }
            has_quotes = true;
            close += 2;
        }
        let (width, is_last) = match &rest[close + 1..] {
            [] => (0, true),
            [byte, ..] if *byte == delimiter => (1, false),
            [b'\n', ..] | [b'\r'] => (1, true),
            [b'\r', b'\n', ..] => (2, true),
            _ => return Err(CsvError::Behind),
        };
        Ok(Self { raw: &rest[1..close], has_quotes, next: at + close + 1 + width, is_last })
    }

    /// Its text; empty if it is no UTF-8, which tables check when they are read.
    pub(super) fn text(self) -> Cow<'a, str> {
        let text = std::str::from_utf8(self.raw).unwrap_or_default();
        if self.has_quotes { Cow::Owned(text.replace("\"\"", "\"")) } else { Cow::Borrowed(text) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn records(text: &str, delimiter: u8) -> Result<Vec<Vec<String>>, CsvError> {
        let (mut at, mut all, mut record) = (0, Vec::new(), Vec::new());
        while at < text.len() || !record.is_empty() {
            let field = Field::at(text.as_bytes(), at, delimiter)?;
            record.push(field.text().into_owned());
            at = field.next;
            if field.is_last {
                all.push(std::mem::take(&mut record));
            }
        }
        Ok(all)
    }

    #[test]
    fn fields_are_those_of_the_rfc() {
        let read = |text| records(text, b',').expect("csv");
        assert_eq!(read("a,b\n1,2\n"), [["a", "b"], ["1", "2"]]);
        assert_eq!(read("a,b\r\n1,2"), [["a", "b"], ["1", "2"]]);
        assert_eq!(read("\"a,\r\n\"\"b\"\"\",c\r\n,"), [["a,\r\n\"b\"", "c"], ["", ""]]);
        assert_eq!(read("a \"b\",c\n\"\",\"x\"\r\n"), [["a \"b\"", "c"], ["", "x"]]);
        assert_eq!(records("a;\"b;c\"\n", b';'), Ok(vec![vec!["a".to_owned(), "b;c".to_owned()]]));
        assert_eq!(records("a,\"b\n", b','), Err(CsvError::Open));
        assert_eq!(records("\"a\"b,c", b','), Err(CsvError::Behind));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            rows in proptest::collection::vec(proptest::collection::vec("[a,\"\r\n ü]{0,5}", 2..4), 1..5),
            crlf in any::<bool>(),
        ) {
            let line = |row: &Vec<String>| {
                let quoted: Vec<String> = row.iter().map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
                quoted.join(",") + if crlf { "\r\n" } else { "\n" }
            };
            let text: String = rows.iter().map(line).collect();
            prop_assert_eq!(records(&text, b','), Ok(rows));
        }

        #[test]
        fn anything_is_read_to_its_end(text in "[a,\"\r\n]{0,30}") {
            let (mut at, mut fields) = (0, 0);
            while at < text.len() {
                let Ok(field) = Field::at(text.as_bytes(), at, b',') else { break };
                prop_assert!(field.next > at && field.next <= text.len());
                (at, fields) = (field.next, fields + 1);
            }
            prop_assert!(fields <= text.len());
        }
    }
}
