//! Steps that take no time: `set`, `log`, `fail` and `stop`.

use super::{Builder, alone};
use crate::compile::eval::{At, Scope};
use crate::compile::scalars::expected;
use crate::compile::settings;
use crate::compile::values;
use crate::diagnostics::{Diagnostic, closest};
use crate::plan::{FailPlan, Op, RowKind, SetPlan, StopWhat};
use crate::template::{Encoding, Template};
use crate::tree::{Entry, Kind, Node};

const STOPS: [(&str, StopWhat); 3] =
    [("task", StopWhat::Task), ("user", StopWhat::User), ("run", StopWhat::Run)];

impl<'a> Builder<'a> {
    pub(super) fn action(&mut self, verb: &'a Entry, entries: &'a [Entry]) {
        match verb.key.as_str() {
            "set" => {
                alone(entries, verb, "variables stand under `set`: `- set: {total: 3}`", self.cx);
                self.set(verb);
            }
            "log" => {
                alone(entries, verb, "`log` has no options; the step is one line of text", self.cx);
                if let Some(text) = self.message(&verb.value, "a text for the log", At::Log) {
                    self.push(Op::Log { text, place: verb.key_place });
                }
            }
            "fail" => {
                alone(entries, verb, "`fail` has no options; the step is the reason in a few words", self.cx);
                let row = self.class.names.row(
                    self.class.kind(RowKind::Task),
                    "TASK",
                    &self.class.title(self.belongs.to),
                );
                if let Some(message) = self.message(&verb.value, "the reason in a few words", At::Elsewhere) {
                    self.push(Op::Fail(Box::new(FailPlan { row, message, place: verb.key_place })));
                }
            }
            _ => {
                alone(entries, verb, "`stop` has no options: `- stop: user`", self.cx);
                self.stop(verb);
            }
        }
    }

    fn set(&mut self, verb: &'a Entry) {
        let cx = self.cx;
        let node = &verb.value;
        let Kind::Map(entries) = &node.kind else {
            cx.report(
                expected(node, "a map of names and values", node.found())
                    .hint("for example `- set: {total: \"${price * 2}\"}`"),
            );
            return;
        };
        if entries.is_empty() {
            cx.report(expected(node, "a map of names and values", "an empty map"));
        }
        let scope = self.scope();
        for entry in entries {
            crate::compile::own::check_name(entry, &scope, cx);
            let value = values::read(&entry.value, &scope, cx);
            let variable = scope.own.and_then(|own| own.get(&entry.key));
            if let (Some(value), Some(variable)) = (value, variable) {
                let name = entry.key.as_str().into();
                self.push(Op::Set(Box::new(SetPlan { variable, name, value, place: entry.key_place })));
            }
        }
    }

    /// A text with values in it, on one line.
    fn message(&self, node: &Node, what: &str, at: At) -> Option<Template> {
        if !matches!(node.kind, Kind::Scalar(_)) || node.is_null() {
            self.cx.report(expected(node, what, node.found()));
            return None;
        }
        let text = Scope { at, ..self.scope() }.template(node, Encoding::Raw, self.cx)?;
        if text.as_static().is_some_and(|text| text.trim().is_empty()) {
            self.cx.report(expected(node, what, "an empty text"));
            return None;
        }
        if settings::has_control_characters(&text) {
            self.cx.report(Diagnostic::at(node.place, "this is one line of text"));
            return None;
        }
        Some(text)
    }

    fn stop(&mut self, verb: &Entry) {
        let scope = self.scope();
        let Some(text) = scope.text(&verb.value, "`task`, `user` or `run`", self.cx) else { return };
        if let Some((_, what)) = STOPS.iter().find(|(name, _)| *name == text) {
            self.push(Op::Stop(*what));
            return;
        }
        let problem = Diagnostic::at(
            verb.value.place,
            format!("`task`, `user` or `run` is expected here, not `{text}`"),
        );
        self.cx.report(match closest(&text, STOPS.iter().map(|(name, _)| *name)) {
            Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
            None => problem.hint("`task` ends the iteration, `user` the user, `run` the test"),
        });
    }
}
