//! Lists of steps: each step is a map with exactly one verb.

use super::class;
use super::class::ClassCx;
use super::cx::Cx;
use super::hints;
use super::request::{self, METHODS, REQUEST};
use super::schema::{listed, not_yet};
use crate::diagnostics::{Diagnostic, closest};
use crate::plan::{Op, Program};
use crate::tree::{Entry, Kind, Node};

/// Verbs of the format that this version cannot run.
const LATER_VERBS: [&str; 14] = [
    "call", "if", "repeat", "for", "while", "until", "during", "choose", "parallel", "group", "log", "set",
    "fail", "stop",
];

/// Reads a list of steps. What cannot be read has been reported and is missing from the program.
pub(super) fn read(node: &Node, class: &ClassCx<'_>, cx: &Cx<'_>) -> Program {
    let Kind::List(items) = &node.kind else {
        let first = match &node.kind {
            Kind::Map(entries) => entries.first().map(|entry| entry.key.as_str()),
            _ => None,
        };
        cx.report(
            Diagnostic::at(node.place, format!("a list of steps is expected here, not {}", node.found()))
                .hint(hints::for_map_of_steps(first)),
        );
        return Program::default();
    };
    Program { ops: items.iter().filter_map(|item| step(item, class, cx)).collect() }
}

fn step(node: &Node, class: &ClassCx<'_>, cx: &Cx<'_>) -> Option<Op> {
    let Kind::Map(entries) = &node.kind else {
        let hint = hints::for_text_step(node.text().unwrap_or_default(), &METHODS);
        cx.report(
            Diagnostic::at(node.place, format!("a step is a map with a verb, and this is {}", node.found()))
                .hint(hint),
        );
        return None;
    };
    let verb = verb(entries, node, cx)?;
    if LATER_VERBS.contains(&verb.key.as_str()) {
        cx.report(not_yet(&verb.key, verb.key_place));
        return None;
    }
    if verb.key == "think" {
        if let Some(other) = entries.iter().find(|entry| entry.key != "think") {
            cx.report(
                Diagnostic::at(other.key_place, format!("`{}` does not go with `think`", other.key))
                    .hint("a pause has no options; they stand beside a request"),
            );
        }
        return class::read_pause(&verb.value, &class.scope, cx).map(Op::Think);
    }
    let fields = REQUEST.open(node, cx)?;
    request::read(verb, fields, class, cx).map(|request| Op::Request(Box::new(request)))
}

/// The one verb of a step; `None` after a report.
fn verb<'n>(entries: &'n [Entry], node: &Node, cx: &Cx<'_>) -> Option<&'n Entry> {
    let is_verb = |key: &str| {
        METHODS.contains(&key) || matches!(key, "request" | "think") || LATER_VERBS.contains(&key)
    };
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
    let all: Vec<&str> = METHODS.into_iter().chain(["request", "think"]).chain(LATER_VERBS).collect();
    // A misspelt verb is not an option that is spelt right.
    let slip = entries.iter().find_map(|entry| {
        let meant =
            hints::other_word(&entry.key, &all).or_else(|| closest(&entry.key, all.iter().copied()))?;
        (!REQUEST.keys.contains(&entry.key.as_str())).then_some((entry, meant))
    });
    match (slip, entries.first()) {
        (Some((entry, meant)), _) => Diagnostic::at(entry.key_place, format!("unknown verb `{}`", entry.key))
            .hint(format!("did you mean `{meant}`?")),
        (None, Some(option)) if REQUEST.keys.contains(&option.key.as_str()) => {
            Diagnostic::at(option.key_place, "this step has no verb").hint(format!(
                "`{}` is an option: it stands beside the verb of its request, without a `-` of its own",
                option.key
            ))
        }
        (None, first) => {
            let place = first.map_or(node.place, |entry| entry.key_place);
            let verbs: Vec<&str> = METHODS.into_iter().chain(["request", "think"]).collect();
            Diagnostic::at(place, "this step has no verb")
                .hint(format!("a step has exactly one of {}", listed(&verbs)))
        }
    }
}
