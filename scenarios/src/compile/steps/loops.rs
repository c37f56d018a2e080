//! Steps that go through others several times: `repeat`, `for`, `while`, `until` and `during`.

use std::time::Duration;

use super::Builder;
use crate::compile::conditions;
use crate::compile::eval::Scope;
use crate::compile::own;
use crate::compile::schema::{Fields, Schema};
use crate::diagnostics::Diagnostic;
use crate::expression::Expression;
use crate::plan::{LoopKind, LoopPlan, Op};
use crate::tree::{Entry, Node};
use crate::value::Value;

pub(in crate::compile) const REPEAT: Schema =
    Schema { what: "a `repeat`", keys: &["repeat", "steps", "every", "max"] };
pub(in crate::compile) const FOR: Schema =
    Schema { what: "a `for`", keys: &["for", "in", "steps", "every", "max"] };
pub(in crate::compile) const WHILE: Schema =
    Schema { what: "a `while`", keys: &["while", "steps", "every", "max"] };
pub(in crate::compile) const UNTIL: Schema =
    Schema { what: "an `until`", keys: &["until", "steps", "every", "max"] };
pub(in crate::compile) const DURING: Schema =
    Schema { what: "a `during`", keys: &["during", "steps", "every", "max"] };
/// Passes of a loop at most, unless it says otherwise.
const MOST_PASSES: u64 = 10_000;
/// Passes that anybody may ask for.
const LARGEST_MAX: u64 = 1_000_000_000;

impl<'a> Builder<'a> {
    pub(super) fn repeated(&mut self, verb: &'a Entry, node: &'a Node) {
        let schema = match verb.key.as_str() {
            "repeat" => &REPEAT,
            "for" => &FOR,
            "while" => &WHILE,
            "until" => &UNTIL,
            _ => &DURING,
        };
        let Some(fields) = self.open(schema, node) else { return };
        let kind = self.kind(verb, fields);
        let fixed = Scope { user: false, ..self.scope() };
        let max = match fields.get("max") {
            Some(node) => fixed.whole(node, "`max`", 1, LARGEST_MAX, self.cx),
            None => Some(MOST_PASSES),
        };
        let every = fields.get("every").map(|node| fixed.duration(node, self.cx));
        if let (Some(LoopKind::Repeat(Expression::Known(Value::Int(times)))), Some(max)) = (&kind, max)
            && u64::try_from(*times).is_ok_and(|times| times > max)
        {
            self.cx.report(
                Diagnostic::at(
                    verb.value.place,
                    format!("a loop has at most {max} passes, unless it says otherwise"),
                )
                .hint(format!("write `max: {times}` beside it")),
            );
        }
        let start = self.here();
        let opened = match (kind, max, every.unwrap_or(Some(Duration::ZERO))) {
            (Some(kind), Some(max), Some(every)) => {
                let every = (!every.is_zero()).then_some(every);
                let plan = LoopPlan { kind, max, every, end: usize::MAX, place: verb.key_place };
                self.push(Op::Loop(Box::new(plan)));
                true
            }
            _ => false,
        };
        self.cx.loops.set(self.cx.loops.get() + 1);
        self.contained(verb, fields);
        self.cx.loops.set(self.cx.loops.get() - 1);
        if opened {
            self.push(Op::Again(start));
            let end = self.here();
            if let Some(Op::Loop(plan)) = self.ops.get_mut(start) {
                plan.end = end;
            }
        }
    }

    fn kind(&mut self, verb: &'a Entry, fields: Fields<'a>) -> Option<LoopKind> {
        let (cx, scope, node) = (self.cx, self.scope(), &verb.value);
        match verb.key.as_str() {
            "repeat" => conditions::count(node, &scope, cx).map(LoopKind::Repeat),
            "while" => conditions::condition(node, &scope, cx).map(LoopKind::While),
            "until" => conditions::condition(node, &scope, cx).map(LoopKind::Until),
            "during" => Scope { user: false, ..scope }
                .some_duration(node, "without a time a `during` does nothing", cx)
                .map(LoopKind::During),
            _ => {
                let name = scope.text(node, "the name of a variable", cx);
                let variable = name.and_then(|name| {
                    own::check_text(&name, node.place, &scope, cx);
                    scope.own.and_then(|own| own.get(&name))
                });
                let list = match fields.get("in") {
                    Some(node) => conditions::list(node, &scope, cx),
                    None if fields.misspelt("in") => None,
                    None => {
                        cx.report(
                            Diagnostic::at(verb.key_place, "`for` has no `in`")
                                .hint("the list stands beside it: `for: id` and `in: ids`"),
                        );
                        None
                    }
                };
                Some(LoopKind::For { variable: variable?, list: list? })
            }
        }
    }
}
