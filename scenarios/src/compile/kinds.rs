//! What can be said of the users' own variables before anybody runs: which are always text, and which come from a secret.
//!
//! Both go by name over the whole file, and err on one side: a name is text only if whatever gives it a value gives text, and
//! it comes from a secret if anything of that name does.

use std::collections::{BTreeMap, BTreeSet};

use super::vars::Vars;
use crate::tree::{Entry, Kind, Node};
use crate::value::Value;

/// What is known of variables, by name.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    texts: BTreeSet<String>,
    secrets: BTreeMap<String, String>,
}

/// Whatever gives a variable its value.
#[derive(Default)]
struct Givers<'n> {
    texts: BTreeSet<&'n str>,
    others: BTreeSet<&'n str>,
    /// Names, with the scalars that their values are made of.
    from: Vec<(&'n str, &'n Node)>,
}

impl Kinds {
    /// Looks through the whole file.
    pub(super) fn of_file(root: &Node, vars: &Vars) -> Self {
        let mut givers = Givers::default();
        givers.look(root);
        let texts = givers.texts.difference(&givers.others).map(|name| (*name).to_owned()).collect();
        let mut secrets: BTreeMap<String, String> =
            vars.secrets().map(|(name, secret)| (name.to_owned(), secret.to_owned())).collect();
        // A variable from a variable from a secret: until nothing is found any more.
        let mut before = usize::MAX;
        while !secrets.is_empty() && before != secrets.len() {
            before = secrets.len();
            for (name, node) in &givers.from {
                if !secrets.contains_key(*name)
                    && let Some(secret) = mentioned(node, &secrets)
                {
                    secrets.insert((*name).to_owned(), secret);
                }
            }
        }
        Self { texts, secrets }
    }

    pub(super) fn is_text(&self, name: &str) -> bool {
        self.texts.contains(name)
    }

    pub(super) fn secret_of(&self, name: &str) -> Option<&str> {
        self.secrets.get(name).map(String::as_str)
    }
}

impl<'n> Givers<'n> {
    fn look(&mut self, node: &'n Node) {
        match &node.kind {
            Kind::Scalar(_) => {}
            Kind::List(items) => items.iter().for_each(|item| self.look(item)),
            Kind::Map(entries) => {
                for entry in entries {
                    self.entry(entry, entries);
                    self.look(&entry.value);
                }
            }
        }
    }

    fn entry(&mut self, entry: &'n Entry, around: &'n [Entry]) {
        match (entry.key.as_str(), &entry.value.kind) {
            ("extract", Kind::Map(entries)) => {
                for entry in entries {
                    self.give(&entry.key, gives_text(&entry.value), &entry.value);
                }
            }
            ("vars", Kind::Map(entries)) => {
                for entry in entries {
                    let is_text = matches!(&entry.value.kind, Kind::Scalar(_))
                        && matches!(entry.value.value(), Value::Text(text) if !text.contains("${"));
                    self.give(&entry.key, is_text, &entry.value);
                }
            }
            ("set", Kind::Map(entries)) => {
                for entry in entries {
                    self.give(&entry.key, false, &entry.value);
                }
            }
            ("for", Kind::Scalar(name)) => {
                let list = around.iter().find(|entry| entry.key == "in");
                self.give(&name.text, false, list.map_or(&entry.value, |entry| &entry.value));
            }
            _ => {}
        }
    }

    fn give(&mut self, name: &'n str, is_text: bool, from: &'n Node) {
        if is_text {
            self.texts.insert(name)
        } else {
            self.others.insert(name)
        };
        self.from.push((name, from));
    }
}

/// Header, cookie, regex and css give text, unless the default is something else.
fn gives_text(node: &Node) -> bool {
    let Kind::Map(entries) = &node.kind else { return false };
    let find = |key: &str| entries.iter().find(|entry| entry.key == key);
    let all = find("all").is_some_and(|entry| entry.value.text() != Some("false"));
    let default = find("default")
        .is_none_or(|entry| matches!(entry.value.value(), Value::Text(text) if !text.contains("${")));
    ["header", "cookie", "regex", "css"].iter().any(|key| find(key).is_some()) && !all && default
}

/// The secret behind a name that stands in one of the scalars. The name of an expression is a word in it.
fn mentioned(node: &Node, secrets: &BTreeMap<String, String>) -> Option<String> {
    match &node.kind {
        Kind::Scalar(scalar) => {
            let mut words = scalar.text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            words.find_map(|word| secrets.get(word).cloned())
        }
        Kind::List(items) => items.iter().find_map(|item| mentioned(item, secrets)),
        Kind::Map(entries) => entries.iter().find_map(|entry| mentioned(&entry.value, secrets)),
    }
}
