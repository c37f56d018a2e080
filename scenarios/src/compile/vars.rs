//! Variables: those of the file and those of a class, all known once the file has been read.
//!
//! They are read in the order of the file, so each can use what stands above it.

use std::collections::BTreeMap;

use super::cx::Cx;
use super::eval::{RESERVED, Scope};
use crate::diagnostics::{Diagnostic, closest};
use crate::plan::Place;
use crate::source::Overrides;
use crate::tree::{self, Entry, Kind, Node};
use crate::value::Value;

/// A shorter text is found in too many places to be replaced there.
const SHORTEST_SECRET: usize = 4;

/// Variables by name.
#[derive(Debug, Default)]
pub(super) struct Vars {
    by_name: BTreeMap<String, Var>,
}

/// A variable.
#[derive(Debug)]
pub(super) struct Var {
    /// `None` if it could not be read, which has been reported.
    pub(super) value: Option<Value>,
    /// The secret that it is, or comes from.
    pub(super) secret: Option<Box<str>>,
    /// Where its name stands.
    pub(super) place: Place,
}

impl Vars {
    pub(super) fn get(&self, name: &str) -> Option<&Var> {
        self.by_name.get(name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    /// The names of those that are secret, or come from a secret, with that.
    pub(super) fn secrets(&self) -> impl Iterator<Item = (&str, &str)> {
        self.by_name.iter().filter_map(|(name, var)| Some((name.as_str(), var.secret.as_deref()?)))
    }

    /// What no output may show, with the name of the secret that it is or comes from. Texts too short to be one are left out.
    pub(super) fn secret_texts(&self) -> Vec<(String, String)> {
        let text = |var: &Var| {
            let text = var.value.as_ref()?.to_plain();
            (text.chars().count() >= SHORTEST_SECRET).then_some((var.secret.as_deref()?.to_owned(), text))
        };
        let mut texts: Vec<_> = self.by_name.values().filter_map(text).collect();
        // The longest first: one may be a part of another.
        texts.sort_by_key(|(_, text)| std::cmp::Reverse(text.len()));
        texts
    }

    /// The file's `secrets`, and behind them its `vars`, with the overrides in place of what the file says.
    pub(super) fn of_file(
        secrets: Option<&Node>,
        node: Option<&Node>,
        overrides: &Overrides,
        cx: &Cx<'_>,
    ) -> Self {
        let mut vars = Self::default();
        for entry in entries(secrets, "secrets", cx) {
            let value = Scope { env: true, ..Scope::of_file(&vars) }.known(&entry.value, cx);
            vars.insert(entry, value.map(|value| (value, Some(entry.key.as_str().into()))), cx);
        }
        vars.add(node, overrides, cx);
        vars
    }

    fn add(&mut self, node: Option<&Node>, overrides: &Overrides, cx: &Cx<'_>) {
        let given: BTreeMap<&str, &str> =
            overrides.vars.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let vars = self;
        for entry in entries(node, "vars", cx) {
            if let Some(first) = vars.get(&entry.key) {
                cx.report(
                    Diagnostic::at(entry.key_place, format!("`{}` is defined a second time", entry.key))
                        .note(first.place, "the first one is here")
                        .hint("a name is defined in one place only; choose another one"),
                );
            }
            let value = match given.get(entry.key.as_str()) {
                Some(text) => {
                    let value = read_override(&entry.key, text, cx);
                    if let Some(value) = &value
                        && *value != entry.value.value()
                    {
                        let (name, old) = (&entry.key, shown(&entry.value));
                        // It goes into the report, which people show around.
                        cx.replaced(if sounds_secret(name) || vars.mentions_secret(&entry.value) {
                            format!("`--var {name}=…` replaced `{name}: …`")
                        } else {
                            format!("`--var {name}={text}` replaced `{name}: {old}`")
                        });
                    }
                    value.map(|value| (value, None))
                }
                None => Scope { env: true, ..Scope::of_file(vars) }.known_or_secret(&entry.value, cx),
            };
            vars.insert(entry, value, cx);
        }
        for name in given.keys() {
            match vars.get(name) {
                Some(var) if var.secret.as_deref() == Some(*name) => {
                    cx.report(
                        Diagnostic::anywhere(format!("`--var {name}=…` would set a secret"))
                            .hint("what is on a command line can be read by others: give it in the environment, and write `${env.NAME}` under `secrets`"),
                    );
                    continue;
                }
                Some(_) => continue,
                None => {}
            }
            let problem =
                Diagnostic::anywhere(format!("`--var {name}=…` sets a variable that `vars` does not have"));
            cx.report(match closest(name, vars.names()) {
                Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
                None => {
                    problem.hint(format!("add `{name}` to the file's `vars`; its value there is the default"))
                }
            });
        }
    }

    /// Whether a value is written with the name of a secret in it.
    fn mentions_secret(&self, node: &Node) -> bool {
        let text = shown(node);
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.any(|word| self.get(word).is_some_and(|var| var.secret.is_some()))
    }

    /// A class's `vars`.
    pub(super) fn of_class(node: Option<&Node>, file: &Self, cx: &Cx<'_>) -> Self {
        let mut vars = Self::default();
        for entry in entries(node, "vars", cx) {
            if let Some(first) = file.get(&entry.key) {
                cx.report(
                    Diagnostic::at(entry.key_place, format!("`{}` is defined a second time", entry.key))
                        .note(first.place, "the first one is here")
                        .hint("a name is defined in one place only; choose another one"),
                );
            }
            let scope = Scope { class: Some(&vars), env: true, ..Scope::of_file(file) };
            let value = scope.known_or_secret(&entry.value, cx);
            vars.insert(entry, value, cx);
        }
        vars
    }

    fn insert(&mut self, entry: &Entry, value: Option<(Value, Option<Box<str>>)>, cx: &Cx<'_>) {
        check_name(entry, cx);
        let (value, secret) = value.map_or((None, None), |(value, secret)| (Some(value), secret));
        self.by_name.insert(entry.key.clone(), Var { value, secret, place: entry.key_place });
    }
}

/// Reports a key that cannot be a name, of what it is.
pub(super) fn check_spelling(entry: &Entry, what: &str, cx: &Cx<'_>) {
    let name = &entry.key;
    if !is_name(name) {
        cx.report(
            Diagnostic::at(entry.key_place, format!("`{name}` cannot be the name of {what}"))
                .hint("a name has letters, digits and `_`, and begins with none of the digits"),
        );
    }
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Reports a key that cannot be the name of a variable.
pub(super) fn check_name(entry: &Entry, cx: &Cx<'_>) {
    check_text(&entry.key, entry.key_place, cx);
}

/// Reports a name that a variable cannot have.
pub(super) fn check_text(name: &str, place: Place, cx: &Cx<'_>) {
    if !is_name(name) {
        cx.report(
            Diagnostic::at(place, format!("`{name}` cannot be the name of a variable"))
                .hint("a name has letters, digits and `_`, and begins with none of the digits"),
        );
    } else if RESERVED.contains(&name) {
        cx.report(
            Diagnostic::at(place, format!("`{name}` already has a meaning in `${{…}}`"))
                .hint("choose another name"),
        );
    }
}

fn entries<'n>(node: Option<&'n Node>, key: &str, cx: &Cx<'_>) -> &'n [Entry] {
    match node.map(|node| (&node.kind, node)) {
        None => &[],
        Some((Kind::Map(entries), _)) => entries,
        Some((_, node)) => {
            cx.report(
                Diagnostic::at(
                    node.place,
                    format!("`{key}` is a map of names and values, and this is {}", node.found()),
                )
                .hint(match key {
                    "vars" => "for example `vars: {region: eu}`",
                    _ => "for example `secrets: {api_key: \"${env.API_KEY}\"}`",
                }),
            );
            &[]
        }
    }
}

/// Reads a flag's value like a YAML value. Only what opens a list, a map or a quote is given to the YAML reader: on a command
/// line `@me` and `a: b` are what they look like.
fn read_override(name: &str, text: &str, cx: &Cx<'_>) -> Option<Value> {
    if !text.trim_start().starts_with(['[', '{', '"', '\'']) {
        return Some(tree::resolve_plain(text.trim()));
    }
    let mut problems = Vec::new();
    let value = tree::parse(text, &mut problems).map(|node| node.value());
    if value.is_none() || !problems.is_empty() {
        let reason = problems.first().map_or("it is empty", |problem| problem.message.as_str());
        cx.report(Diagnostic::anywhere(format!(
            "the value of `--var {name}={text}` cannot be read: {reason}"
        )));
        return None;
    }
    value
}

/// Whether a variable is called like something that is not for every eye.
fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["token", "secret", "passw", "pwd", "key", "auth", "cred", "cookie"]
        .iter()
        .any(|part| name.contains(part))
}

/// A value of the file in a sentence.
fn shown(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar(scalar) => scalar.text.clone(),
        _ => node.value().to_json(),
    }
}
