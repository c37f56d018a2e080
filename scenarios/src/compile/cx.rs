//! What every reader of the compiler is handed: where problems go, and the environment.
//!
//! Readers answer `None` after they have reported why, so that the others go on and all problems come out together.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeMap;

use super::data::Feeders;
use super::kinds::Kinds;
use crate::diagnostics::Diagnostic;
use crate::plan::Place;

/// The compiler's surroundings.
pub(super) struct Cx<'a> {
    text: &'a str,
    env: &'a dyn Fn(&str) -> Option<String>,
    env_read: RefCell<BTreeMap<String, String>>,
    problems: RefCell<Vec<Diagnostic>>,
    replaced: RefCell<Vec<String>>,
    ops: Cell<usize>,
    /// The feeders of the file, once they have been read.
    feeders: OnceCell<Feeders>,
    /// Before that.
    no_feeders: Feeders,
    /// A missing target is one mistake, however many requests suffer from it.
    pub(super) target_missed: Cell<bool>,
    /// Whether some expression has looked at `response` since somebody took this.
    pub(super) looks_at_response: Cell<bool>,
    /// Whether `setup` or `teardown` is read, where there is no user.
    pub(super) is_aside: Cell<bool>,
    /// How many loops are around the step that is read.
    pub(super) loops: Cell<u32>,
    /// Where `arrival` is first named.
    pub(super) arrival: Cell<Option<Place>>,
    /// What is known of the variables that users have for themselves.
    kinds: RefCell<Kinds>,
}

impl<'a> Cx<'a> {
    pub(super) fn new(text: &'a str, env: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            text,
            env,
            env_read: RefCell::default(),
            problems: RefCell::default(),
            replaced: RefCell::default(),
            feeders: OnceCell::new(),
            no_feeders: Feeders::default(),
            ops: Cell::new(0),
            target_missed: Cell::new(false),
            looks_at_response: Cell::new(false),
            is_aside: Cell::new(false),
            loops: Cell::new(0),
            arrival: Cell::new(None),
            kinds: RefCell::default(),
        }
    }

    /// Notes a problem.
    pub(super) fn report(&self, problem: Diagnostic) {
        self.problems.borrow_mut().push(problem);
    }

    /// Notes a problem, unless the same one has been noted: a flow that is called twice is read twice.
    pub(super) fn report_once(&self, problem: Diagnostic) {
        let mut problems = self.problems.borrow_mut();
        if !problems.iter().any(|known| known.message == problem.message) {
            problems.push(problem);
        }
    }

    /// Reads something whose variables may be defined elsewhere: problems with names are forgotten.
    pub(super) fn without_unknown_names(&self, read: impl FnOnce()) {
        let before = self.problems.borrow().len();
        read();
        let mut problems = self.problems.borrow_mut();
        let later: Vec<Diagnostic> = problems.drain(before..).collect();
        problems.extend(later.into_iter().filter(|problem| !problem.message.starts_with("nothing defines")));
    }

    /// Counts an instruction.
    pub(super) fn count_op(&self) {
        self.ops.set(self.ops.get() + 1);
    }

    /// Instructions so far, of the whole file.
    pub(super) fn ops(&self) -> usize {
        self.ops.get()
    }

    /// Notes in one sentence what a flag replaced of the file.
    pub(super) fn replaced(&self, sentence: String) {
        self.replaced.borrow_mut().push(sentence);
    }

    /// What flags replaced.
    pub(super) fn all_replaced(&self) -> Vec<String> {
        self.replaced.borrow().clone()
    }

    /// The feeders of the file; none before `data` has been read.
    pub(super) fn feeders(&self) -> &Feeders {
        self.feeders.get().unwrap_or(&self.no_feeders)
    }

    /// `data` has been read.
    pub(super) fn set_feeders(&self, feeders: Feeders) {
        // They are read once.
        let _ = self.feeders.set(feeders);
    }

    /// What is known of the users' variables, from here on.
    pub(super) fn set_kinds(&self, kinds: Kinds) {
        *self.kinds.borrow_mut() = kinds;
    }

    /// Whether a user's variable is always a text.
    pub(super) fn is_text(&self, name: &str) -> bool {
        self.kinds.borrow().is_text(name)
    }

    /// The secret that a user's variable may come from.
    pub(super) fn secret_of(&self, name: &str) -> Option<Box<str>> {
        self.kinds.borrow().secret_of(name).map(Box::from)
    }

    /// How many problems there are so far.
    pub(super) fn count(&self) -> usize {
        self.problems.borrow().len()
    }

    /// Asks for an environment variable and remembers the answer.
    pub(super) fn env(&self, name: &str) -> Option<String> {
        let value = (self.env)(name)?;
        self.env_read.borrow_mut().insert(name.to_owned(), value.clone());
        Some(value)
    }

    /// The variables that were asked for and had a value.
    pub(super) fn env_read(&self) -> BTreeMap<String, String> {
        self.env_read.borrow().clone()
    }

    pub(super) fn into_problems(self) -> Vec<Diagnostic> {
        let mut problems: Vec<Diagnostic> = Vec::new();
        for problem in self.problems.into_inner() {
            // A flow is read for each of its calls, and its mistakes are told once.
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
        problems
    }

    /// The file's own bytes at a place.
    pub(super) fn slice(&self, place: Place) -> &'a str {
        self.text.get(place.start..place.end).unwrap_or("")
    }

    /// What stands before a place in its line.
    pub(super) fn before(&self, place: Place) -> &'a str {
        let before = self.text.get(..place.start).unwrap_or("");
        before.rsplit('\n').next().unwrap_or("")
    }

    /// The place of some bytes within another place.
    pub(super) fn within(&self, place: Place, from: usize, to: usize) -> Place {
        let (start, end) = (place.start + from, place.start + to);
        let Some(before) = self.text.get(place.start..start) else { return place };
        let newlines = before.matches('\n').count();
        let chars = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        let column = match before.rfind('\n') {
            Some(at) => chars(&before[at + 1..]).saturating_add(1),
            None => place.column.saturating_add(chars(before)),
        };
        let line = place.line.saturating_add(u32::try_from(newlines).unwrap_or(0));
        Place { start, end, line, column }
    }
}
