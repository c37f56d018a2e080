//! Which keys may stand in which map.
//!
//! Each kind of map has a table: the keys this version reads, and those of the format that it cannot run yet. A reader opens a
//! map with its table and gets the keys it asks for; everything else has been reported by then.

use super::cx::Cx;
use super::settings::CLASS_DEFAULTS;
use crate::diagnostics::{Diagnostic, closest};
use crate::plan::Place;
use crate::tree::{Entry, Kind, Node};

/// Keys of settings that are for more than one request, and where they belong.
const ELSEWHERE: [(&str, &str); 2] = [
    ("pipeline", "it is for a whole user class: put it into the `defaults` of the class or of the file"),
    ("resolve", "it is for the whole test: put it into the `defaults` at the top of the file"),
];

/// What other tools call it, with the map it is for and its name here.
const ELSEWHERE_CALLED: [(&str, &str, &str); 4] = [
    ("a stage", "target", "to"),
    ("a stage", "duration", "over"),
    ("`load`", "duration", "run_time"),
    ("`load`", "vus", "users"),
];

/// The keys of one kind of map.
pub(super) struct Schema {
    /// What it is called in a message: "a user class".
    pub(super) what: &'static str,
    /// What this version reads.
    pub(super) keys: &'static [&'static str],
    /// What the format has and this version cannot run yet.
    pub(super) later: &'static [&'static str],
}

/// A map that has been opened.
#[derive(Clone, Copy)]
pub(super) struct Fields<'n> {
    entries: &'n [Entry],
    keys: &'static [&'static str],
}

impl<'n> Fields<'n> {
    /// Whether some key was probably meant to be this one, so that it need not be missed as well.
    pub(super) fn misspelt(&self, key: &str) -> bool {
        let unknown = self.entries.iter().filter(|entry| !self.keys.contains(&entry.key.as_str()));
        unknown.into_iter().any(|entry| closest(&entry.key, self.keys.iter().copied()) == Some(key))
    }

    /// Whether there are keys that do not belong here: what is missed may be what one of them was meant for.
    pub(super) fn has_unknown(&self) -> bool {
        self.entries.iter().any(|entry| !self.keys.contains(&entry.key.as_str()))
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// A key with its value.
    pub(super) fn entry(&self, key: &str) -> Option<&'n Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }
}

impl Schema {
    /// Opens a map; its unknown keys are reported. `None` if it is none.
    pub(super) fn open<'n>(&self, node: &'n Node, cx: &Cx<'_>) -> Option<Fields<'n>> {
        let Kind::Map(entries) = &node.kind else {
            let keys = listed(self.keys);
            cx.report(
                Diagnostic::at(node.place, format!("{} is a map, and this is {}", self.what, node.found()))
                    .label("a map is expected here")
                    .hint(format!("its keys are {keys}")),
            );
            return None;
        };
        self.check(entries, cx);
        Some(Fields { entries, keys: self.keys })
    }

    /// Reports the keys that are not in the table.
    pub(super) fn check(&self, entries: &[Entry], cx: &Cx<'_>) {
        for entry in entries {
            let key = entry.key.as_str();
            if self.keys.contains(&key) {
                continue;
            }
            if self.later.contains(&key) {
                cx.report(not_yet(key, entry.key_place));
            } else {
                cx.report(self.unknown(key, entry.key_place));
            }
        }
    }

    fn unknown(&self, key: &str, place: Place) -> Diagnostic {
        let problem = Diagnostic::at(place, format!("unknown key `{key}` in {}", self.what));
        if let Some((_, where_to)) = ELSEWHERE.iter().find(|(known, _)| *known == key) {
            return problem.hint(*where_to);
        }
        if CLASS_DEFAULTS.keys.contains(&key) {
            return problem
                .hint("it is a setting of requests: it stands under `defaults` or beside a request");
        }
        let called = ELSEWHERE_CALLED.iter().find(|(what, known, _)| *what == self.what && *known == key);
        if let Some((_, _, here)) = called {
            return problem.hint(format!("did you mean `{here}`?"));
        }
        match closest(key, self.keys.iter().chain(self.later).copied()) {
            Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
            None => problem.hint(format!("{} takes {}", self.what, listed(self.keys))),
        }
    }
}

/// For a key of the format that this version cannot run.
pub(super) fn not_yet(key: &str, place: Place) -> Diagnostic {
    Diagnostic::at(
        place,
        format!("`{key}` is part of the scenario format, but this version cannot run it yet"),
    )
}

/// "`a`, `b` and `c`".
pub(super) fn listed(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}
