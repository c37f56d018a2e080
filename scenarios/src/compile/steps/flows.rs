//! `flows` and `call`: steps that stand in one place and are used in several. A call puts them in its own place.

use super::{Belongs, Builder, alone};
use crate::compile::class::ClassCx;
use crate::compile::cx::Cx;
use crate::compile::names::Names;
use crate::compile::scalars::expected;
use crate::compile::settings::Settings;
use crate::compile::vars;
use crate::diagnostics::{Diagnostic, closest};
use crate::tree::{Entry, Kind, Node};

/// The flows of a file.
#[derive(Debug, Default)]
pub(in crate::compile) struct Flows<'n> {
    list: Vec<Flow<'n>>,
}

#[derive(Debug)]
struct Flow<'n> {
    entry: &'n Entry,
    is_called: bool,
}

impl<'n> Flows<'n> {
    /// Reads their names; `callers` is where calls may stand, but for the flows themselves.
    pub(in crate::compile) fn read(
        node: Option<&'n Node>,
        callers: &[Option<&'n Node>],
        cx: &Cx<'_>,
    ) -> Self {
        let Some(node) = node else { return Self::default() };
        let Kind::Map(entries) = &node.kind else {
            cx.report(
                expected(node, "a map of names and lists of steps", node.found())
                    .hint("for example `flows: {login: [post: /login]}`, and `- call: login` as a step"),
            );
            return Self::default();
        };
        for entry in entries {
            vars::check_spelling(entry, "a flow", cx);
        }
        let mut flows = Self { list: entries.iter().map(|entry| Flow { entry, is_called: false }).collect() };
        for caller in callers.iter().flatten() {
            flows.find_calls(caller);
        }
        flows
    }

    fn find_calls(&mut self, node: &'n Node) {
        match &node.kind {
            Kind::Scalar(_) => {}
            Kind::List(items) => items.iter().for_each(|item| self.find_calls(item)),
            Kind::Map(entries) => {
                for entry in entries {
                    let name = entry.value.text().filter(|_| entry.key == "call");
                    let flow = self.list.iter_mut().find(|flow| Some(flow.entry.key.as_str()) == name);
                    match flow {
                        Some(flow) if !flow.is_called => {
                            flow.is_called = true;
                            let steps = &flow.entry.value;
                            self.find_calls(steps);
                        }
                        Some(_) => {}
                        None => self.find_calls(&entry.value),
                    }
                }
            }
        }
    }

    /// The steps of a flow.
    pub(in crate::compile) fn get(&self, name: &str) -> Option<&'n Node> {
        self.list.iter().find(|flow| flow.entry.key == name).map(|flow| &flow.entry.value)
    }

    fn entry(&self, name: &str) -> Option<&'n Entry> {
        self.list.iter().find(|flow| flow.entry.key == name).map(|flow| flow.entry)
    }

    fn names(&self) -> impl Iterator<Item = &'n str> {
        self.list.iter().map(|flow| flow.entry.key.as_str())
    }

    /// Reports what is wrong with flows that nobody calls, as far as that can be known: who would call them might have the
    /// variables they use.
    pub(in crate::compile) fn check_uncalled(&self, class: &ClassCx<'_>, cx: &Cx<'_>) {
        let names = Names::default();
        let class = ClassCx { names: &names, settings: Settings::default(), ..*class };
        for flow in self.list.iter().filter(|flow| !flow.is_called) {
            cx.without_unknown_names(|| {
                super::read(&flow.entry.value, Belongs { to: &flow.entry.key }, &class, cx);
            });
        }
    }
}

impl<'a> Builder<'a> {
    pub(super) fn call(&mut self, verb: &'a Entry, entries: &'a [Entry]) {
        let cx = self.cx;
        alone(entries, verb, "a flow has no options; it sees the variables of its user", cx);
        let flows = self.class.flows;
        let Some(name) = verb.value.text().filter(|_| !verb.value.is_null()) else {
            cx.report(expected(&verb.value, "the name of a flow", verb.value.found()));
            return;
        };
        let Some(flow) = flows.entry(name) else {
            let problem = Diagnostic::at(verb.value.place, format!("there is no flow `{name}`"));
            cx.report(match closest(name, flows.names()) {
                Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
                None => {
                    problem.hint(format!("define it at the top of the file: `flows: {{{name}: [get: /]}}`"))
                }
            });
            return;
        };
        if let Some(at) = self.calls.iter().position(|called| *called == name) {
            let round: Vec<&str> = self.calls[at..].iter().copied().chain([name]).collect();
            let round = round.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" calls ");
            cx.report(
                Diagnostic::at(verb.value.place, format!("flows cannot go round in circles: {round}"))
                    .note(flow.key_place, format!("`{name}` begins here"))
                    .hint("a loop is written with `repeat`, `while` or `until`"),
            );
            return;
        }
        self.calls.push(&flow.key);
        self.steps(&flow.value);
        self.calls.pop();
    }
}
