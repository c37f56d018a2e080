//! Steps that contain others and go through them at most once: `if`, `choose`, `parallel` and `group`.

use super::{Builder, alone};
use crate::alias::AliasTable;
use crate::compile::conditions;
use crate::compile::eval::Scope;
use crate::compile::scalars::expected;
use crate::compile::schema::Schema;
use crate::diagnostics::Diagnostic;
use crate::plan::{ChoosePlan, Op, ParallelPlan, Program, RowKind};
use crate::tree::{Entry, Kind, Node};
use crate::units::Decimal;

pub(in crate::compile) const IF: Schema = Schema { what: "an `if`", keys: &["if", "then", "else"] };
pub(in crate::compile) const CHOICE: Schema = Schema { what: "a choice", keys: &["weight", "steps"] };
pub(in crate::compile) const PARALLEL: Schema = Schema { what: "a `parallel`", keys: &["parallel", "steps"] };
pub(in crate::compile) const GROUP: Schema = Schema { what: "a `group`", keys: &["group", "steps"] };
/// A user keeps a connection for each branch that runs at a time.
const MOST_AT_ONCE: u64 = 1000;

impl<'a> Builder<'a> {
    pub(super) fn branch(&mut self, verb: &'a Entry, node: &'a Node) {
        let Some(fields) = self.open(&IF, node) else { return };
        let condition = conditions::condition(&verb.value, &self.scope(), self.cx);
        let at = condition
            .map(|condition| self.push(Op::JumpUnless { condition, to: usize::MAX, place: verb.key_place }));
        match fields.get("then") {
            Some(steps) => self.steps(steps),
            None if fields.misspelt("then") || fields.misspelt("else") => {}
            None => self.cx.report(
                Diagnostic::at(verb.key_place, "`if` has no `then`")
                    .hint("the steps stand beside it, under `then:` and `else:`"),
            ),
        }
        let otherwise = fields.get("else").map(|steps| {
            let jump = self.push(Op::Jump(usize::MAX));
            (jump, self.here(), steps)
        });
        let mut behind = self.here();
        if let Some((jump, start, steps)) = otherwise {
            self.steps(steps);
            let end = self.here();
            self.ops[jump] = Op::Jump(end);
            behind = start;
        }
        if let Some(Op::JumpUnless { to, .. }) = at.and_then(|at| self.ops.get_mut(at)) {
            *to = behind;
        }
    }

    pub(super) fn choose(&mut self, verb: &'a Entry, entries: &'a [Entry]) {
        let cx = self.cx;
        alone(entries, verb, "`weight` and `steps` stand in the items of its list", cx);
        let node = &verb.value;
        let Kind::List(items) = &node.kind else {
            cx.report(
                expected(node, "a list of choices", node.found())
                    .hint("each with `steps` and perhaps a `weight`: `- {weight: 2, steps: [get: /]}`"),
            );
            return;
        };
        if items.is_empty() {
            cx.report(expected(node, "a list of choices", "an empty list"));
            return;
        }
        let fixed = Scope { user: false, ..self.scope() };
        let at = self.push(Op::Jump(usize::MAX));
        let (mut targets, mut weights, mut jumps) = (Vec::new(), Vec::new(), Vec::new());
        for item in items {
            let Some(fields) = self.open(&CHOICE, item) else { continue };
            let weight = match fields.get("weight") {
                Some(node) => fixed.weight(node, cx),
                None => Decimal::parse("1"),
            };
            weights.extend(weight.map(Decimal::as_f64));
            targets.push(self.here());
            match fields.get("steps") {
                Some(steps) => self.steps(steps),
                None if fields.misspelt("steps") => {}
                None => cx.report(
                    Diagnostic::at(item.place, "a choice has no `steps`").hint("`steps: []` does nothing"),
                ),
            }
            jumps.push(self.push(Op::Jump(usize::MAX)));
        }
        let behind = self.here();
        for jump in jumps {
            self.ops[jump] = Op::Jump(behind);
        }
        self.ops[at] = Op::Jump(behind);
        if weights.len() != items.len() {
            return;
        }
        match AliasTable::new(&weights) {
            Some(table) => self.ops[at] = Op::Choose(Box::new(ChoosePlan { table, targets })),
            None => cx.report(
                Diagnostic::at(node.place, "all choices have weight 0, so none is ever chosen")
                    .hint("give at least one of them a weight above 0"),
            ),
        }
    }

    pub(super) fn parallel(&mut self, verb: &'a Entry, node: &'a Node) {
        let cx = self.cx;
        let Some(fields) = self.open(&PARALLEL, node) else { return };
        let fixed = Scope { user: false, ..self.scope() };
        let at_once = fixed.whole(&verb.value, "the number of branches at a time", 1, MOST_AT_ONCE, cx);
        if self.is_branch {
            cx.report(
                Diagnostic::at(verb.key_place, "a `parallel` cannot stand within another one")
                    .hint("put its steps beside those of the other one"),
            );
            return;
        }
        let Some(Kind::List(items)) = fields.get("steps").map(|steps| &steps.kind) else {
            self.contained(verb, fields);
            return;
        };
        let mut branches = Vec::new();
        for item in items {
            let outer = std::mem::take(&mut self.ops);
            self.is_branch = true;
            self.step(item);
            self.is_branch = false;
            branches.push(Program { ops: std::mem::replace(&mut self.ops, outer) });
        }
        let step = self.parallels;
        self.parallels += 1;
        let at_once = at_once.and_then(|at_once| u32::try_from(at_once).ok());
        if let Some(at_once) = at_once {
            self.push(Op::Parallel(Box::new(ParallelPlan {
                at_once,
                branches,
                step,
                place: verb.key_place,
            })));
        }
    }

    pub(super) fn group(&mut self, verb: &'a Entry, node: &'a Node) {
        let Some(fields) = self.open(&GROUP, node) else { return };
        let fixed = Scope { user: false, ..self.scope() };
        let name = fixed.text(&verb.value, "a name", self.cx);
        let row = name.and_then(|name| {
            if name.chars().any(char::is_control) {
                self.cx.report(Diagnostic::at(verb.value.place, "the name of a group is one line of text"));
                return None;
            }
            Some(self.class.names.row(self.class.kind(RowKind::Group), "GROUP", &self.class.title(&name)))
        });
        if let Some(row) = row {
            self.push(Op::GroupStart(row));
        }
        self.contained(verb, fields);
        if row.is_some() {
            self.push(Op::GroupEnd);
        }
    }
}
