//! From a file's bytes to a table: where rows begin, and that every one of them is good.

use std::borrow::Cow;

use bytes::Bytes;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Column, Lines, Rows, Table, TableError};
use crate::data::cells::CellKind;
use crate::data::csv::{CsvError, Field};

/// Columns beyond are refused: nobody has so many.
const MOST_COLUMNS: usize = 10_000;
/// A file made by some programs begins with it.
const MARK: &[u8] = b"\xef\xbb\xbf";

impl Table {
    /// The names of a csv file's columns, from its first line.
    ///
    /// # Errors
    /// When there is none, or it cannot be read, or two columns have one name.
    pub fn csv_header(bytes: &Bytes, delimiter: u8) -> Result<Vec<String>, TableError> {
        let text = checked(bytes)?;
        let mut at = text.len() - without_mark(text).len();
        let mut names: Vec<String> = Vec::new();
        if at == text.len() {
            return Err(TableError {
                line: None,
                what: "the file is empty; its first line names the columns".into(),
            });
        }
        loop {
            let field = Field::at(text, at, delimiter).map_err(|error| bad_field(text, at, error))?;
            let name = field.text().trim().to_owned();
            if name.is_empty() {
                return Err(wrong(text, at, format!("column {} has no name", names.len() + 1)));
            }
            if names.contains(&name) {
                return Err(wrong(text, at, format!("two columns are called `{name}`")));
            }
            names.push(name);
            if names.len() > MOST_COLUMNS {
                return Err(wrong(text, at, format!("there are more than {MOST_COLUMNS} columns")));
            }
            at = field.next;
            if field.is_last {
                return Ok(names);
            }
        }
    }

    /// A csv file whose first line names its columns; `kinds` says what their cells are, in the order of the file. Empty lines
    /// are left out.
    ///
    /// # Errors
    /// At the first row that has more or fewer fields than the first line, or a cell that is not what its column says.
    pub fn csv(bytes: Bytes, delimiter: u8, kinds: &[CellKind]) -> Result<Self, TableError> {
        let names = Self::csv_header(&bytes, delimiter)?;
        let kinds = kinds.iter().copied().chain(std::iter::repeat(CellKind::Text));
        let columns: Vec<Column> =
            names.into_iter().zip(kinds).map(|(name, kind)| Column { name, kind }).collect();
        let mut at = bytes.len() - without_mark(&bytes).len();
        let mut starts = Vec::new();
        let mut is_header = true;
        while at < bytes.len() {
            if let Some(next) = empty_line(&bytes, at) {
                at = next;
                continue;
            }
            if !is_header {
                starts.push(start(at)?);
            }
            at = record(&bytes, at, delimiter, &columns, is_header)?;
            is_header = false;
        }
        let file = Lines { bytes, starts: starts.into() };
        Ok(Self { columns, rows: Rows::Csv { file, delimiter } })
    }

    /// A file with a JSON value on each line; empty lines are left out. Its columns are the keys that some row has.
    ///
    /// # Errors
    /// At the first line that is no JSON.
    pub fn json_lines(bytes: Bytes) -> Result<Self, TableError> {
        checked(&bytes)?;
        let mut names: Vec<String> = Vec::new();
        let file = lines(bytes, |bytes, at, line| {
            // Rows that look alike name nothing new, and cost no search through all names.
            let mut json = serde_json::Deserializer::from_slice(line);
            let read = json.deserialize_any(Keys { names: &mut names, index: 0 }).and_then(|()| json.end());
            read.map_err(|error| wrong(bytes, at, format!("this is no JSON: {}", reason(&error))))
        })?;
        if names.len() > MOST_COLUMNS {
            let what = format!("the rows have more than {MOST_COLUMNS} different keys");
            return Err(TableError { line: None, what });
        }
        let columns = names.into_iter().map(|name| Column { name, kind: CellKind::Text }).collect();
        Ok(Self { columns, rows: Rows::Json(file) })
    }

    /// A file whose rows are its lines; empty ones are left out.
    ///
    /// # Errors
    /// When it is no text.
    pub fn lines(bytes: Bytes) -> Result<Self, TableError> {
        checked(&bytes)?;
        Ok(Self { columns: Vec::new(), rows: Rows::Text(lines(bytes, |_, _, _| Ok(()))?) })
    }
}

/// Checks that a file is text.
fn checked(bytes: &[u8]) -> Result<&[u8], TableError> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(bytes),
        Err(error) => Err(wrong(bytes, error.valid_up_to(), "it is not UTF-8 here".to_owned())),
    }
}

fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(MARK).unwrap_or(bytes)
}

/// A row begins at `at`.
fn start(at: usize) -> Result<u32, TableError> {
    u32::try_from(at).map_err(|_| TableError { line: None, what: "the file is larger than 4 GiB".into() })
}

/// Where the line behind begins, if the one at `at` is empty.
fn empty_line(bytes: &[u8], at: usize) -> Option<usize> {
    match &bytes[at..] {
        [b'\n', ..] => Some(at + 1),
        [b'\r', b'\n', ..] => Some(at + 2),
        _ => None,
    }
}

/// Checks the record at `at`; where the next one begins.
fn record(
    bytes: &[u8],
    begin: usize,
    delimiter: u8,
    columns: &[Column],
    is_header: bool,
) -> Result<usize, TableError> {
    let (mut at, mut count) = (begin, 0);
    loop {
        let field = Field::at(bytes, at, delimiter).map_err(|error| bad_field(bytes, at, error))?;
        if let Some(column) = columns.get(count).filter(|column| column.kind != CellKind::Text && !is_header)
            && column.kind.read(&field.text()).is_none()
        {
            let (text, name, what) = (cut(&field.text()), &column.name, column.kind.what());
            return Err(wrong(bytes, at, format!("`{text}` in column `{name}` is not {what}")));
        }
        (at, count) = (field.next, count + 1);
        if field.is_last {
            break;
        }
    }
    if count != columns.len() {
        let fields = if count == 1 { "1 field".to_owned() } else { format!("{count} fields") };
        let what = format!("{fields}, and the first line names {} columns", columns.len());
        return Err(wrong(bytes, begin, what));
    }
    Ok(at)
}

/// The lines of a file, the empty ones left out, each looked at by `check` with where it begins.
fn lines(
    bytes: Bytes,
    mut check: impl FnMut(&[u8], usize, &[u8]) -> Result<(), TableError>,
) -> Result<Lines, TableError> {
    let mut at = bytes.len() - without_mark(&bytes).len();
    let mut starts = Vec::new();
    while at < bytes.len() {
        let rest = &bytes[at..];
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
        if !line.is_empty() {
            check(&bytes, at, line)?;
            starts.push(start(at)?);
        }
        at += end + 1;
    }
    Ok(Lines { starts: starts.into(), bytes })
}

fn bad_field(bytes: &[u8], at: usize, error: CsvError) -> TableError {
    wrong(bytes, at, error.to_string())
}

/// Something is wrong at a byte of the file.
fn wrong(bytes: &[u8], at: usize, what: String) -> TableError {
    let lines = bytes[..at.min(bytes.len())].split(|byte| *byte == b'\n').count();
    TableError { line: Some(lines as u64), what }
}

/// What `serde_json` says, without its place: the line is always its first.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.find(" at line ").map_or(text.clone(), |at| text[..at].to_owned())
}

/// The beginning of a text, for a message of one line.
fn cut(text: &str) -> String {
    let mut short: String = text.chars().take(40).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Collects the keys of a row and reads over everything else.
struct Keys<'n> {
    names: &'n mut Vec<String>,
    index: usize,
}

impl Keys<'_> {
    fn note(&mut self, key: &str) {
        let expected = self.names.get(self.index).is_some_and(|name| name == key);
        if !expected && !self.names.iter().any(|name| name == key) && self.names.len() <= MOST_COLUMNS {
            self.names.push(key.to_owned());
        }
        self.index += 1;
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            self.note(&key);
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
