//! Lists of steps: each step is a map with exactly one verb. They become one flat program, with jumps for what branches and repeats.
//!
//! This file finds the verb and hands the step to its reader: `request.rs` for requests, `actions.rs` for what takes no time,
//! `branches.rs` and `loops.rs` for steps that contain others, `flows.rs` for those that stand elsewhere. A step that cannot be
//! read has been reported and is missing from the program, so jumps are put in only around what is there.

mod actions;
mod branches;
mod flows;
mod loops;

use super::class::ClassCx;
use super::cx::Cx;
use super::eval::Scope;
use super::request::{self, METHODS, REQUEST};
use super::schema::{Fields, Schema, listed};
use super::waits;
use crate::diagnostics::{Diagnostic, closest};
use crate::plan::{Op, Place, Program};
use crate::tree::{Entry, Kind, Node};

pub(super) use flows::Flows;

/// Verbs that are not methods, in the order of the guide.
const VERBS: [&str; 16] = [
    "request", "think", "set", "log", "fail", "stop", "if", "repeat", "for", "while", "until", "during",
    "choose", "parallel", "group", "call",
];
/// More instructions than any test has; flows that call flows grow fast.
const MOST_OPS: usize = 100_000;

/// What a list of steps belongs to: decides on which rows failures without a request are booked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Belongs<'a> {
    /// The task, or `on_start` and the like.
    pub(super) to: &'a str,
}

/// Writes a program.
pub(super) struct Builder<'a> {
    class: &'a ClassCx<'a>,
    cx: &'a Cx<'a>,
    belongs: Belongs<'a>,
    ops: Vec<Op>,
    /// The flows that are being read, the innermost last.
    calls: Vec<&'a str>,
    /// Whether the step belongs to a branch of a `parallel` step.
    is_branch: bool,
    /// `parallel` steps so far in this program.
    parallels: u32,
}

/// Reads a list of steps.
pub(super) fn read(node: &Node, belongs: Belongs<'_>, class: &ClassCx<'_>, cx: &Cx<'_>) -> Program {
    let mut builder =
        Builder { class, cx, belongs, ops: Vec::new(), calls: Vec::new(), is_branch: false, parallels: 0 };
    builder.steps(node);
    Program { ops: builder.ops }
}

impl<'a> Builder<'a> {
    /// What the step's expressions can see.
    fn scope(&self) -> Scope<'a> {
        self.class.scope
    }

    /// Where the next instruction will stand.
    fn here(&self) -> usize {
        self.ops.len()
    }

    /// Adds an instruction and answers where it stands.
    fn push(&mut self, op: Op) -> usize {
        self.cx.count_op();
        self.ops.push(op);
        self.ops.len() - 1
    }

    /// Reads a list of steps.
    fn steps(&mut self, node: &'a Node) {
        let Kind::List(items) = &node.kind else {
            self.cx.report(
                Diagnostic::at(node.place, format!("a list of steps is expected here, not {}", node.found()))
                    .hint("one step to a line, each with a `- `: `- get: /`"),
            );
            return;
        };
        for item in items {
            if self.cx.ops() > MOST_OPS {
                self.cx.report_once(
                    Diagnostic::at(item.place, format!("the steps come to more than {MOST_OPS}, with those of their flows"))
                        .hint("a flow that is called twice by a flow that is called twice is there four times; a loop is there once"),
                );
                return;
            }
            self.step(item);
        }
    }

    fn step(&mut self, node: &'a Node) {
        let cx = self.cx;
        let Kind::Map(entries) = &node.kind else {
            cx.report(
                Diagnostic::at(
                    node.place,
                    format!("a step is a map with a verb, and this is {}", node.found()),
                )
                .hint(
                    without_a_space(node).unwrap_or_else(|| "for example `get: /` or `think: 1s`".to_owned()),
                ),
            );
            return;
        };
        let Some(verb) = verb(entries, node, cx) else { return };
        let key = verb.key.as_str();
        if METHODS.contains(&key) || key == "request" {
            let Some(fields) = REQUEST.open(node, cx) else { return };
            if let Some(request) = request::read(verb, fields, self.class, cx) {
                self.push(Op::Request(Box::new(request)));
            }
            return;
        }
        match key {
            "think" => {
                alone(entries, verb, "a pause has no options; they stand beside a request", cx);
                if let Some(wait) = waits::read_pause(&verb.value, &self.scope(), cx) {
                    self.push(Op::Think(wait));
                }
            }
            "set" | "log" | "fail" | "stop" => self.action(verb, entries),
            "if" => self.branch(verb, node),
            "choose" => self.choose(verb, entries),
            "parallel" => self.parallel(verb, node),
            "group" => self.group(verb, node),
            "call" => self.call(verb, entries),
            _ => self.repeated(verb, node),
        }
    }

    /// The steps that a step contains, under `steps`; reported if they are not there.
    fn contained(&mut self, verb: &Entry, fields: Fields<'a>) {
        match fields.get("steps") {
            Some(node) => self.steps(node),
            None if fields.misspelt("steps") => {}
            None => self.cx.report(
                Diagnostic::at(verb.key_place, format!("`{}` has no `steps`", verb.key))
                    .hint("the steps it contains stand beside it, under `steps:`"),
            ),
        }
    }

    /// Opens a step that contains others.
    fn open(&self, schema: &Schema, node: &'a Node) -> Option<Fields<'a>> {
        schema.open(node, self.cx)
    }
}

/// Reports what stands beside a verb that has no options.
fn alone(entries: &[Entry], verb: &Entry, hint: &str, cx: &Cx<'_>) {
    if let Some(other) = entries.iter().find(|entry| entry.key != verb.key) {
        cx.report(
            Diagnostic::at(other.key_place, format!("`{}` does not go with `{}`", other.key, verb.key))
                .hint(hint),
        );
    }
}

/// `get:/` is a text in YAML.
fn without_a_space(node: &Node) -> Option<String> {
    let text = node.text()?;
    let (verb, rest) = text.split_once(':')?;
    is_verb(verb).then(|| format!("YAML wants a space behind the colon: `{verb}: {rest}`"))
}

fn is_verb(key: &str) -> bool {
    METHODS.contains(&key) || VERBS.contains(&key)
}

/// The one verb of a step; `None` after a report.
fn verb<'n>(entries: &'n [Entry], node: &Node, cx: &Cx<'_>) -> Option<&'n Entry> {
    let mut verbs = entries.iter().filter(|entry| is_verb(&entry.key));
    match (verbs.next(), verbs.next()) {
        (Some(verb), None) => Some(verb),
        (Some(first), Some(second)) => {
            cx.report(
                Diagnostic::at(
                    second.key_place,
                    format!("a step has one verb, and this one has `{}` and `{}`", first.key, second.key),
                )
                .note(first.key_place, "the other one is here")
                .hint("each step is a list item of its own, with a `- ` before it"),
            );
            None
        }
        (None, _) => {
            cx.report(without_verb(entries, node));
            None
        }
    }
}

fn without_verb(entries: &[Entry], node: &Node) -> Diagnostic {
    let all: Vec<&str> = METHODS.into_iter().chain(VERBS).collect();
    // A misspelt verb is not an option that is spelt right.
    let slip = entries.iter().find_map(|entry| {
        let meant = closest(&entry.key, all.iter().copied())?;
        (!REQUEST.keys.contains(&entry.key.as_str())).then_some((entry, meant))
    });
    match (slip, entries.first()) {
        (Some((entry, meant)), _) => Diagnostic::at(entry.key_place, format!("unknown verb `{}`", entry.key))
            .hint(format!("did you mean `{meant}`?")),
        (None, first) => {
            let place: Place = first.map_or(node.place, |entry| entry.key_place);
            Diagnostic::at(place, "this step has no verb")
                .hint(format!("a step has exactly one of {}", listed(&all)))
        }
    }
}
