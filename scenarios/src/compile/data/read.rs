//! Reads `data`: each feeder's source, its order, and what it says of the file.

use std::sync::Arc;

use super::{Feeder, Feeders, no_column};
use crate::compile::bodies::type_of_path;
use crate::compile::cx::Cx;
use crate::compile::eval::Scope;
use crate::compile::names::Names;
use crate::compile::schema::{Fields, Schema, listed};
use crate::compile::vars::{Vars, check_name};
use crate::data::{AtEnd, CellKind, FileRow, Pattern, RowOrder, Table, TableError};
use crate::diagnostics::{Diagnostic, closest};
use crate::plan::Place;
use crate::source::{DataFiles, Unreadable};
use crate::tree::{Entry, Kind, Node};

const FORMS: [&str; 5] = ["csv", "jsonl", "lines", "files", "list"];
const FEEDER: Schema = Schema {
    what: "a feeder",
    keys: &["csv", "jsonl", "lines", "files", "list", "order", "at_end", "types", "delimiter"],
};
const ORDERS: [(&str, RowOrder); 4] = [
    ("unique", RowOrder::Unique),
    ("sequential", RowOrder::Sequential),
    ("random", RowOrder::Random),
    ("shuffled", RowOrder::Shuffled),
];
const ENDS: [(&str, AtEnd); 3] =
    [("recycle", AtEnd::Recycle), ("stop_user", AtEnd::StopUser), ("stop_run", AtEnd::StopRun)];

/// What feeders are read with.
pub(in crate::compile) struct DataCx<'a> {
    pub(in crate::compile) vars: &'a Vars,
    pub(in crate::compile) names: &'a Names,
    pub(in crate::compile) files: &'a dyn DataFiles,
}

/// Reads `data`.
pub(in crate::compile) fn read(node: Option<&Node>, data: &DataCx<'_>, cx: &Cx<'_>) -> Feeders {
    let entries: &[Entry] = match node.map(|node| &node.kind) {
        None => &[],
        Some(Kind::Map(entries)) => entries,
        Some(_) => {
            let (place, found) = node.map(|node| (node.place, node.found())).unwrap_or_default();
            cx.report(
                Diagnostic::at(place, format!("`data` is a map of feeders, and this is {found}"))
                    .hint("for example `data: {accounts: {csv: users.csv, order: unique}}`"),
            );
            &[]
        }
    };
    let list = entries.iter().map(|entry| data.feeder(entry, cx)).collect();
    Feeders::new(list)
}

impl DataCx<'_> {
    fn feeder(&self, entry: &Entry, cx: &Cx<'_>) -> Feeder {
        check_name(entry, cx);
        if let Some(first) = self.vars.get(&entry.key) {
            cx.report(
                Diagnostic::at(entry.key_place, format!("`{}` is defined a second time", entry.key))
                    .note(first.place, "the first one is here")
                    .hint("a name is defined in one place only; choose another one"),
            );
        }
        let mut feeder = Feeder {
            name: entry.key.clone(),
            origin: String::new(),
            order: RowOrder::default(),
            at_end: AtEnd::default(),
            table: None,
            place: entry.key_place,
        };
        let Some(fields) = FEEDER.open(&entry.value, cx) else { return feeder };
        let order = fields.get("order").map(|node| self.one_of(node, "`order`", &ORDERS, cx));
        let at_end = fields.get("at_end").map(|node| self.one_of(node, "`at_end`", &ENDS, cx));
        feeder.order = order.flatten().unwrap_or_default();
        feeder.at_end = at_end.flatten().unwrap_or_default();
        check_end(fields, feeder.order, feeder.at_end, cx);
        let form = self.form(entry, fields, cx);
        if let Some((form, origin, table)) = form {
            feeder.origin = origin;
            if table.is_empty() {
                cx.report(Diagnostic::at(form.value.place, format!("`{}` has no rows", entry.key)).hint(
                    match &*form.key {
                        "csv" => "the first line names the columns; each line behind it is a row",
                        "files" => "no file is called like that; paths are relative to the scenario's folder",
                        _ => "a feeder has at least one",
                    },
                ));
            } else {
                feeder.table = Some(Arc::new(table));
            }
        }
        feeder
    }

    fn scope(&self) -> Scope<'_> {
        Scope::of_file(self.vars)
    }

    fn one_of<T: Copy>(&self, node: &Node, what: &str, known: &[(&str, T)], cx: &Cx<'_>) -> Option<T> {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let text = self.scope().text(node, &format!("one of {}", listed(&names)), cx)?;
        let found = known.iter().find(|(name, _)| *name == text).map(|(_, value)| *value);
        if found.is_none() {
            let problem = Diagnostic::at(node.place, format!("{what} cannot be `{text}`"));
            cx.report(match closest(&text, names.iter().copied()) {
                Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
                None => problem.hint(format!("it is one of {}", listed(&names))),
            });
        }
        found
    }

    /// What its rows come from: the key that says so, in words, and the rows. `None` after a report.
    fn form<'n>(&self, entry: &Entry, fields: Fields<'n>, cx: &Cx<'_>) -> Option<(&'n Entry, String, Table)> {
        let forms: Vec<&Entry> = FORMS.iter().filter_map(|key| fields.entry(key)).collect();
        let [form] = forms.as_slice() else {
            match forms.as_slice() {
                [first, second, ..] => cx.report(
                    Diagnostic::at(
                        second.key_place,
                        format!(
                            "a feeder has one source, and this one has `{}` and `{}`",
                            first.key, second.key
                        ),
                    )
                    .note(first.key_place, "the other one is here"),
                ),
                _ if FORMS.iter().any(|key| fields.misspelt(key)) => {}
                _ => cx.report(
                    Diagnostic::at(entry.key_place, format!("the feeder `{}` has no rows", entry.key))
                        .hint(format!("say where they come from: one of {}", listed(&FORMS))),
                ),
            }
            return None;
        };
        if form.key != "csv" {
            for key in ["types", "delimiter"] {
                if let Some(entry) = fields.entry(key) {
                    cx.report(
                        Diagnostic::at(entry.key_place, format!("`{key}` is only for `csv`"))
                            .hint("values of JSON and of lists have their types already"),
                    );
                }
            }
        }
        match form.key.as_str() {
            "files" => {
                let (origin, files) = self.files(&form.value, cx)?;
                Some((form, origin, Table::files(files)))
            }
            "list" => {
                let list = self.list(&form.value, cx)?;
                Some((form, "a list".to_owned(), list))
            }
            form_key => {
                let path = self.scope().text(&form.value, "the path of a file", cx)?;
                let table = self.table(form_key, &form.value, &path, fields, cx)?;
                Some((form, path, table))
            }
        }
    }

    fn list(&self, node: &Node, cx: &Cx<'_>) -> Option<Table> {
        match self.scope().known_or_secret(node, cx)? {
            (_, Some(secret)) => {
                cx.report(
                    Diagnostic::at(
                        node.place,
                        format!("rows of a feeder may be shown, and `{secret}` is a secret"),
                    )
                    .hint(format!("write `${{{secret}}}` where a request needs it")),
                );
                None
            }
            (crate::value::Value::List(values), None) => Some(Table::list(values)),
            (other, None) => {
                cx.report(
                    Diagnostic::at(
                        node.place,
                        format!("`list` is a list of rows, and this is {}", other.found()),
                    )
                    .hint("for example `list: [a, b, c]`"),
                );
                None
            }
        }
    }

    /// A table from a file.
    fn table(&self, form: &str, node: &Node, path: &str, fields: Fields<'_>, cx: &Cx<'_>) -> Option<Table> {
        self.names.asset(path, node.place);
        let bytes = match self.files.read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                cx.report(unreadable(node.place, path, error));
                return None;
            }
        };
        let read = match form {
            "jsonl" => Table::json_lines(bytes),
            "lines" => Table::lines(bytes),
            _ => {
                let delimiter = match fields.get("delimiter") {
                    Some(node) => self.delimiter(node, cx)?,
                    None => b',',
                };
                match Table::csv_header(&bytes, delimiter) {
                    Ok(columns) => {
                        let kinds = self.kinds(fields.get("types"), &columns, path, cx)?;
                        Table::csv(bytes, delimiter, &kinds)
                    }
                    Err(error) => Err(error),
                }
            }
        };
        read.map_err(|error| cx.report(bad_table(node.place, path, &error))).ok()
    }

    fn delimiter(&self, node: &Node, cx: &Cx<'_>) -> Option<u8> {
        let text = self.scope().text(node, "the sign between two columns", cx)?;
        match text.as_bytes() {
            [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Some(*byte),
            _ => {
                cx.report(
                    Diagnostic::at(node.place, "`delimiter` is one sign of ASCII, and no quote or line end")
                        .hint("for example `delimiter: \";\"`, or `\"\\t\"` for a tab"),
                );
                None
            }
        }
    }

    /// What the cells of each column are.
    fn kinds(
        &self,
        node: Option<&Node>,
        columns: &[String],
        path: &str,
        cx: &Cx<'_>,
    ) -> Option<Vec<CellKind>> {
        let mut kinds = vec![CellKind::Text; columns.len()];
        let Some(node) = node else { return Some(kinds) };
        let Kind::Map(entries) = &node.kind else {
            cx.report(
                Diagnostic::at(
                    node.place,
                    format!("`types` is a map of columns, and this is {}", node.found()),
                )
                .hint("for example `types: {age: number}`"),
            );
            return None;
        };
        let mut good = true;
        for entry in entries {
            let kind = self.one_of(&entry.value, "the type of a column", &CellKind::NAMES, cx);
            match columns.iter().position(|column| *column == entry.key) {
                Some(index) => kinds[index] = kind.unwrap_or_default(),
                None => cx.report(no_column(entry.key_place, &format!("`{path}`"), &entry.key, columns)),
            }
            good &= kind.is_some() && columns.contains(&entry.key);
        }
        good.then_some(kinds)
    }

    /// The files that one or more patterns name.
    fn files(&self, node: &Node, cx: &Cx<'_>) -> Option<(String, Vec<FileRow>)> {
        let nodes = match &node.kind {
            Kind::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let (mut rows, mut patterns): (Vec<FileRow>, Vec<String>) = (Vec::new(), Vec::new());
        for node in nodes {
            let text = self.scope().text(node, "which files, such as `images/*.jpg`", cx)?;
            let pattern = match Pattern::parse(&text) {
                Ok(pattern) => pattern,
                Err(error) => {
                    cx.report(Diagnostic::at(node.place, format!("`{text}` names no files: {error}")));
                    return None;
                }
            };
            let found =
                self.files.list(&pattern).map_err(|error| cx.report(unreadable(node.place, &text, error)));
            for (path, size) in found.ok()? {
                if rows.iter().any(|row| row.path == path) && nodes.len() > 1 {
                    continue;
                }
                let asset = self.names.asset(&path, node.place);
                let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
                let content_type = type_of_path(&path).to_owned();
                rows.push(FileRow { path, name, content_type, size, asset });
            }
            patterns.push(text);
        }
        Some((patterns.join(", "), rows))
    }
}

/// What `at_end` cannot mean.
fn check_end(fields: Fields<'_>, order: RowOrder, at_end: AtEnd, cx: &Cx<'_>) {
    let Some(node) = fields.get("at_end") else { return };
    let (message, hint) = match (order, at_end) {
        (RowOrder::Random, AtEnd::StopUser | AtEnd::StopRun) => {
            ("with `order: random` rows are never used up", "leave `at_end` out, or use `order: shuffled`")
        }
        (RowOrder::Unique, AtEnd::Recycle) if node.text() == Some("recycle") => (
            "with `order: unique` no row is given to a second user",
            "leave `at_end` out, or write `at_end: stop_user` for more users than rows",
        ),
        (RowOrder::Unique, AtEnd::StopRun) => (
            "with `order: unique` a user without a row ends, and not the run",
            "write `at_end: stop_user`, or leave it out to have enough rows checked",
        ),
        _ => return,
    };
    cx.report(Diagnostic::at(node.place, message).hint(hint));
}

fn unreadable(place: Place, path: &str, error: Unreadable) -> Diagnostic {
    let problem = Diagnostic::at(place, format!("cannot read `{path}`: {}", error.why));
    match error.hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

fn bad_table(place: Place, path: &str, error: &TableError) -> Diagnostic {
    Diagnostic::at(place, format!("`{path}`, {error}"))
}
