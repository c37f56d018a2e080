//! The rows of a feeder, held once for all its users: the file as it is and where each row begins, four bytes a row.
//!
//! A file is checked as a whole when it is read, so that no user meets a bad row; a cell is taken out of its row when it is
//! used.

mod read;

use bytes::Bytes;
use thiserror::Error;

use super::cells::CellKind;
use super::csv::Field;
use crate::json::{Found, Step, decode, find, minify, value_of};
use crate::plan::AssetId;
use crate::template::Encoding;
use crate::value::Value;

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What its cells are; in csv only.
    pub kind: CellKind,
}

/// A row of a `files` feeder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileRow {
    /// Relative to the scenario's folder, as it would be written there.
    pub path: String,
    /// The last part of the path.
    pub name: String,
    /// The content type that the name's ending stands for.
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// Its content.
    pub asset: AssetId,
}

/// Why a file is no table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{}{what}", line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct TableError {
    /// Line of the file, from 1.
    pub line: Option<u64>,
    /// What is wrong.
    pub what: String,
}

/// The rows of a feeder.
#[derive(Debug)]
pub struct Table {
    columns: Vec<Column>,
    rows: Rows,
}

#[derive(Debug)]
enum Rows {
    Csv { file: Lines, delimiter: u8 },
    Json(Lines),
    Text(Lines),
    Files(Vec<FileRow>),
    List(Vec<Value>),
}

/// A file, and where its rows begin.
struct Lines {
    bytes: Bytes,
    starts: Box<[u32]>,
}

impl std::fmt::Debug for Lines {
    /// Without the rows, which may be people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} rows in {} bytes", self.starts.len(), self.bytes.len())
    }
}

impl Lines {
    /// The file from the beginning of a row on.
    fn from(&self, row: u64) -> &[u8] {
        let start = usize::try_from(row).ok().and_then(|row| self.starts.get(row));
        start.and_then(|start| self.bytes.get(*start as usize..)).unwrap_or_default()
    }

    /// A row that is a line.
    fn line(&self, row: u64) -> &[u8] {
        let rest = self.from(row);
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end])
    }
}

impl Table {
    /// A table of these values.
    pub fn list(values: Vec<Value>) -> Self {
        let mut columns: Vec<Column> = Vec::new();
        for value in &values {
            let Value::Map(entries) = value else { continue };
            for (key, _) in entries {
                if !columns.iter().any(|column| column.name == *key) {
                    columns.push(Column { name: key.clone(), kind: CellKind::Text });
                }
            }
        }
        Self { columns, rows: Rows::List(values) }
    }

    /// A table of files.
    pub fn files(files: Vec<FileRow>) -> Self {
        let column = |name: &str| Column { name: name.to_owned(), kind: CellKind::Text };
        Self { columns: ["path", "name", "type", "size"].map(column).into(), rows: Rows::Files(files) }
    }

    /// How many rows it has.
    pub fn len(&self) -> u64 {
        let rows = match &self.rows {
            Rows::Csv { file, .. } | Rows::Json(file) | Rows::Text(file) => file.starts.len(),
            Rows::Files(files) => files.len(),
            Rows::List(values) => values.len(),
        };
        rows as u64
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its columns; none where rows are no maps.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Whether its columns have numbers; else they are found by name in each row.
    pub(crate) fn numbers_columns(&self) -> bool {
        matches!(self.rows, Rows::Csv { .. } | Rows::Files(_))
    }

    /// Whether its rows are lines of text.
    pub(crate) fn is_lines(&self) -> bool {
        matches!(self.rows, Rows::Text(_))
    }

    /// Whether its rows are files.
    pub(crate) fn is_files(&self) -> bool {
        matches!(self.rows, Rows::Files(_))
    }

    /// The rows, where they are files.
    pub(super) fn file_rows(&self) -> &[FileRow] {
        match &self.rows {
            Rows::Files(files) => files,
            _ => &[],
        }
    }

    /// A row that is a file.
    pub(super) fn file(&self, row: u64) -> Option<&FileRow> {
        match &self.rows {
            Rows::Files(files) => files.get(usize::try_from(row).ok()?),
            _ => None,
        }
    }

    /// What is at `path` in a row, or in a cell of it; null if nothing is.
    pub(super) fn value(&self, row: u64, column: Option<usize>, path: &[Step]) -> Value {
        match &self.rows {
            Rows::Csv { file, delimiter } => match column {
                Some(column) => walk(self.cell(file, *delimiter, row, column), path),
                None => walk(self.record(file, *delimiter, row), path),
            },
            Rows::Json(file) => match find(file.line(row), path) {
                Ok(Some(Found::Text(quoted))) => {
                    let mut text = String::new();
                    // Valid, as the whole line is.
                    let _ = decode(quoted, &mut text);
                    Value::Text(text)
                }
                Ok(Some(Found::Plain(json) | Found::Nested(json))) => value_of(json),
                Ok(None) | Err(_) => Value::Null,
            },
            Rows::Text(file) => {
                let text = std::str::from_utf8(file.line(row)).unwrap_or_default();
                walk(Value::Text(text.to_owned()), path)
            }
            Rows::Files(_) => walk(self.file(row).map_or(Value::Null, |file| of_file(file, column)), path),
            Rows::List(values) => {
                let value = usize::try_from(row).ok().and_then(|row| values.get(row));
                walk(value.cloned().unwrap_or(Value::Null), path)
            }
        }
    }

    /// Appends what [`value`](Self::value) is, written for its place. Text of a csv cell or a line is not copied before.
    pub(super) fn write(
        &self,
        row: u64,
        column: Option<usize>,
        path: &[Step],
        encoding: Encoding,
        out: &mut String,
    ) {
        match (&self.rows, column) {
            (Rows::Csv { file, delimiter }, Some(column))
                if path.is_empty() && self.kind(column) == CellKind::Text =>
            {
                if let Some(field) = field(file.from(row), *delimiter, column) {
                    encoding.write_text(&field.text(), out);
                }
            }
            (Rows::Text(file), _) if path.is_empty() => {
                encoding.write_text(std::str::from_utf8(file.line(row)).unwrap_or_default(), out);
            }
            (Rows::Json(file), _)
                if path.is_empty() && matches!(encoding, Encoding::Raw | Encoding::JsonValue) =>
            {
                let line = std::str::from_utf8(file.line(row)).unwrap_or_default();
                match (encoding, self.value_if_text(row, line)) {
                    (Encoding::Raw, Some(text)) => out.push_str(&text),
                    _ => minify(line, out),
                }
            }
            _ => match (encoding, self.value(row, column, path)) {
                (Encoding::JsonValue, value) => value.write_json(out),
                (encoding, Value::Text(text)) => encoding.write_text(&text, out),
                (encoding, value) => encoding.write_text(&value.to_plain(), out),
            },
        }
    }

    /// A JSON row that is a text, without its quotes.
    fn value_if_text(&self, row: u64, line: &str) -> Option<String> {
        match line.trim_start().starts_with('"').then(|| self.value(row, None, &[])) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn kind(&self, column: usize) -> CellKind {
        self.columns.get(column).map(|column| column.kind).unwrap_or_default()
    }

    fn cell(&self, file: &Lines, delimiter: u8, row: u64, column: usize) -> Value {
        let text = field(file.from(row), delimiter, column).map(Field::text).unwrap_or_default();
        self.kind(column).read(&text).unwrap_or(Value::Null)
    }

    fn record(&self, file: &Lines, delimiter: u8, row: u64) -> Value {
        let (rest, mut at) = (file.from(row), 0);
        let mut entries = Vec::with_capacity(self.columns.len());
        for column in &self.columns {
            let Ok(field) = Field::at(rest, at, delimiter) else { break };
            let value = column.kind.read(&field.text()).unwrap_or(Value::Null);
            entries.push((column.name.clone(), value));
            at = field.next;
        }
        Value::Map(entries)
    }
}

/// Field number `column` of the record that `rest` begins with.
fn field(rest: &[u8], delimiter: u8, column: usize) -> Option<Field<'_>> {
    let mut field = Field::at(rest, 0, delimiter).ok()?;
    for _ in 0..column {
        if field.is_last {
            return None;
        }
        field = Field::at(rest, field.next, delimiter).ok()?;
    }
    Some(field)
}

fn of_file(file: &FileRow, column: Option<usize>) -> Value {
    let text = |text: &str| Value::Text(text.to_owned());
    let size = Value::Int(i64::try_from(file.size).unwrap_or(i64::MAX));
    match column {
        Some(0) => text(&file.path),
        Some(1) => text(&file.name),
        Some(2) => text(&file.content_type),
        Some(3) => size,
        Some(_) => Value::Null,
        None => Value::Map(vec![
            ("path".to_owned(), text(&file.path)),
            ("name".to_owned(), text(&file.name)),
            ("type".to_owned(), text(&file.content_type)),
            ("size".to_owned(), size),
        ]),
    }
}

/// What is at `path` in a value.
fn walk(mut value: Value, path: &[Step]) -> Value {
    for step in path {
        value = match (step, value) {
            (Step::Key(key), Value::Map(entries)) => {
                let found = entries.into_iter().find(|(name, _)| **name == **key);
                found.map_or(Value::Null, |(_, value)| value)
            }
            (Step::Index(index), Value::List(mut items)) => {
                let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
                let index = if *index < 0 { length + index } else { *index };
                match usize::try_from(index) {
                    Ok(index) if index < items.len() => items.swap_remove(index),
                    _ => Value::Null,
                }
            }
            _ => Value::Null,
        };
    }
    value
}

#[cfg(test)]
mod tests;
