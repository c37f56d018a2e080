//! Which keys may stand in which map.
//!
//! Each kind of map has a table of the keys that may stand in it. A reader opens a map with its table and gets the keys it asks
//! for; everything else has been reported by then.

use super::cx::Cx;
use super::hints::{self, Unknown};
use super::settings::CLASS_DEFAULTS;
use crate::diagnostics::Diagnostic;
use crate::tree::{Entry, Kind, Node};

/// The keys of one kind of map.
pub(super) struct Schema {
    /// What it is called in a message: "a user class".
    pub(super) what: &'static str,
    /// Those that may stand in it.
    pub(super) keys: &'static [&'static str],
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
        unknown.into_iter().any(|entry| hints::meant(&entry.key, self.keys) == Some(key))
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
        for (index, entry) in entries.iter().enumerate() {
            let key = entry.key.as_str();
            if self.keys.contains(&key) {
                continue;
            }
            let above = index.checked_sub(1).and_then(|above| entries.get(above));
            let in_flow = || cx.before(entry.key_place).contains('{');
            let hint = hints::for_key(&Unknown {
                key,
                what: self.what,
                known: self.keys,
                is_setting: CLASS_DEFAULTS.keys.contains(&key),
                empty_above: above.filter(|above| above.value.is_null()).map(|above| above.key.as_str()),
                bare_in_flow: entry.value.is_null() && in_flow(),
            });
            cx.report(
                Diagnostic::at(entry.key_place, format!("unknown key `{key}` in {}", self.what)).hint(hint),
            );
        }
    }
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
