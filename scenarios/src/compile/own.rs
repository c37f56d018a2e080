//! The variables that each user of a class has for itself: what its steps set, and what `setup` gave to all of them.
//!
//! The names are collected before any step is read, so that a step can use what another one sets, wherever it stands. A name
//! that the class's `vars` have too is the same variable, and what stands there is what it begins with.

use super::cx::Cx;
use super::eval::Scope;
use super::schema::Fields;
use super::steps::Flows;
use super::vars::{self, Vars};
use crate::diagnostics::Diagnostic;
use crate::plan::Place;
use crate::tree::{Entry, Kind, Node};
use crate::variables::{VariableId, VariablePlan};

/// Keys under which a step has further steps.
const INNER: [&str; 3] = ["steps", "then", "else"];

/// The variables that each user of a class has for itself.
#[derive(Debug, Default, Clone)]
pub(super) struct Own {
    names: Vec<String>,
    /// So many of them, the first ones, come from `setup`.
    shared: usize,
}

impl Own {
    /// Those that some steps set, with those of the flows they call.
    pub(super) fn of_steps(steps: Option<&Node>, flows: &Flows<'_>) -> Self {
        let mut own = Self::default();
        own.add(steps, flows, &mut Vec::new());
        own
    }

    /// Those that `setup` gave, for whoever comes after it.
    pub(super) fn given(&self) -> Self {
        Self { names: self.names.clone(), shared: self.names.len() }
    }

    /// These and those that some more steps set.
    pub(super) fn with_steps(&self, steps: Option<&Node>, flows: &Flows<'_>) -> Self {
        let mut own = self.clone();
        own.add(steps, flows, &mut Vec::new());
        own
    }

    /// Those of `setup`, and those that the steps of a class set.
    pub(super) fn of_class(class: Fields<'_>, shared: &Self, flows: &Flows<'_>) -> Self {
        let mut own = shared.given();
        for key in ["on_start", "on_stop"] {
            own.add(class.get(key), flows, &mut Vec::new());
        }
        if let Some(Kind::Map(tasks)) = class.get("tasks").map(|node| &node.kind) {
            for task in tasks {
                own.add(part(&task.value, "steps"), flows, &mut Vec::new());
            }
        }
        own
    }

    fn add<'n>(&mut self, steps: Option<&'n Node>, flows: &Flows<'n>, called: &mut Vec<&'n str>) {
        let Some(Kind::List(steps)) = steps.map(|node| &node.kind) else { return };
        for step in steps {
            for names in [part(step, "extract"), part(step, "set")] {
                let Some(Kind::Map(entries)) = names.map(|node| &node.kind) else { continue };
                for entry in entries {
                    self.name(&entry.key);
                }
            }
            if let Some(name) = part(step, "for").and_then(Node::text) {
                self.name(name);
            }
            for key in INNER {
                self.add(part(step, key), flows, called);
            }
            if let Some(Kind::List(choices)) = part(step, "choose").map(|node| &node.kind) {
                for choice in choices {
                    self.add(part(choice, "steps"), flows, called);
                }
            }
            if let Some(name) = part(step, "call").and_then(Node::text)
                && !called.contains(&name)
            {
                // Once is enough, wherever else it is called.
                called.push(name);
                self.add(flows.get(name), flows, called);
            }
        }
    }

    fn name(&mut self, name: &str) {
        if !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
    }

    /// The number of a variable.
    pub(super) fn get(&self, name: &str) -> Option<VariableId> {
        let number = self.names.iter().position(|known| known == name)?;
        u32::try_from(number).ok().map(VariableId)
    }

    fn is_shared(&self, name: &str) -> bool {
        self.names.iter().take(self.shared).any(|known| known == name)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The variables as a user begins with them.
    pub(super) fn plans(&self, vars: Option<&Vars>) -> Vec<VariablePlan> {
        let initial = |name: &str| vars?.get(name).and_then(|var| var.value.clone());
        let plan = |(number, name): (usize, &String)| VariablePlan {
            name: name.clone(),
            initial: initial(name),
            is_shared: number < self.shared,
        };
        self.names.iter().enumerate().map(plan).collect()
    }
}

fn part<'n>(node: &'n Node, key: &str) -> Option<&'n Node> {
    let Kind::Map(entries) = &node.kind else { return None };
    entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
}

/// Reports a key that cannot be the name of something a step sets.
pub(super) fn check_name(entry: &Entry, scope: &Scope<'_>, cx: &Cx<'_>) {
    check_text(&entry.key, entry.key_place, scope, cx);
}

/// Likewise, for a name that is no key.
pub(super) fn check_text(name: &str, place: Place, scope: &Scope<'_>, cx: &Cx<'_>) {
    vars::check_text(name, place, cx);
    let problem = || Diagnostic::at(place, format!("`{name}` is defined a second time"));
    if let Some(first) = scope.file.get(name) {
        cx.report(
            problem()
                .note(first.place, "the first one is here, and it is the same for all users")
                .hint("choose another name, or move that one to the `vars` of the class: there each user has its own"),
        );
    } else if scope.own.is_some_and(|own| own.is_shared(name)) {
        cx.report(problem().hint("`setup` sets it too, the same for all users; choose another name"));
    }
}
