//! Steps in words, those within others further to the right.

use std::fmt::{Result, Write};

use super::{body, counted, pause, percent, shown, taken, way};
use crate::expression::Expression;
use crate::outline::{Step, outline};
use crate::plan::{LoopKind, LoopPlan, OnFailure, Place, Plan, Program, StopWhat};
use crate::template::{Encoding, Segment, Template};
use crate::units::show_duration;
use crate::value::Value;

/// Passes that a loop may make when it does not say it.
const UNSAID_MAX: u64 = 10_000;
/// Longer conditions and messages are cut.
const LONGEST: usize = 80;

/// Writes a program, its first steps behind `indent` blanks. `text` is the file, from which conditions are shown as written; it
/// may be empty.
pub(super) fn write_program(
    plan: &Plan,
    program: &Program,
    text: &str,
    indent: usize,
    out: &mut String,
) -> Result {
    Writer { plan, text, out }.steps(&outline(program), indent)
}

struct Writer<'a> {
    plan: &'a Plan,
    text: &'a str,
    out: &'a mut String,
}

impl Writer<'_> {
    fn steps(&mut self, steps: &[Step<'_>], indent: usize) -> Result {
        steps.iter().try_for_each(|step| self.step(step, indent))
    }

    fn line(&mut self, indent: usize, text: &str) -> Result {
        writeln!(self.out, "{:indent$}{text}", "")
    }

    fn step(&mut self, step: &Step<'_>, indent: usize) -> Result {
        match step {
            Step::Request(request) => {
                let (method, name) = (&request.method, self.plan.shown_name(request));
                let (body, way) = (body(self.plan, &request.body), way(request));
                let failure = on_failure(request.on_failure);
                self.line(indent, &format!("{method} {name}{body}{way}{}{failure}", taken(request)))
            }
            Step::Think(wait) => self.line(indent, &format!("think {}", pause(wait))),
            Step::Set(set) => self.line(indent, &format!("set {}", set.name)),
            Step::Log(text) => self.line(indent, &format!("log {}", cut(&shown(text)))),
            Step::Fail(fail) => self.line(indent, &format!("fail {}", cut(&shown(&fail.message)))),
            Step::Stop(what) => self.line(indent, stop(*what)),
            Step::If { condition, place, then, otherwise } => {
                let condition = self.condition(condition, *place);
                self.line(indent, &format!("if {condition}"))?;
                self.body(then, indent)?;
                if otherwise.is_empty() {
                    return Ok(());
                }
                self.line(indent, "else")?;
                self.body(otherwise, indent)
            }
            Step::Loop { plan, body } => {
                let head = self.loop_head(plan);
                self.line(indent, &head)?;
                self.body(body, indent)
            }
            Step::Choose(choices) => {
                self.line(indent, "choose")?;
                choices.iter().try_for_each(|(share, steps)| {
                    self.line(indent + 2, &percent(*share))?;
                    self.body(steps, indent + 2)
                })
            }
            Step::Parallel { plan, branches } => {
                self.line(indent, &format!("parallel, {} at a time", plan.at_once))?;
                branches.iter().try_for_each(|branch| self.body(branch, indent))
            }
            Step::Group { row, body } => {
                let row = usize::try_from(row.0).ok().and_then(|row| self.plan.endpoints.get(row));
                self.line(indent, &format!("group {}", row.map_or("", |row| row.name.as_str())))?;
                self.body(body, indent)
            }
        }
    }

    fn body(&mut self, steps: &[Step<'_>], indent: usize) -> Result {
        if steps.is_empty() { self.line(indent + 2, "nothing") } else { self.steps(steps, indent + 2) }
    }

    fn loop_head(&self, plan: &LoopPlan) -> String {
        let mut head = match &plan.kind {
            LoopKind::Repeat(Expression::Known(Value::Int(times))) => {
                format!("repeat {}", counted(u64::try_from(*times).unwrap_or(0), "time"))
            }
            LoopKind::Repeat(times) => format!("repeat {} times", self.condition(times, plan.place)),
            LoopKind::For { list, .. } => format!("for {}", self.for_each(list, plan.place)),
            LoopKind::While(condition) => format!("while {}", self.condition(condition, plan.place)),
            LoopKind::Until(condition) => format!("until {}", self.condition(condition, plan.place)),
            LoopKind::During(time) => format!("during {}", show_duration(*time)),
        };
        if let Some(every) = plan.every {
            // Writing to a String cannot fail.
            let _ = write!(head, ", every {}", show_duration(every));
        }
        if plan.max != UNSAID_MAX {
            let _ = write!(head, ", at most {}", counted(plan.max, "time"));
        }
        head
    }

    /// `id in ids`.
    fn for_each(&self, list: &Expression, place: Place) -> String {
        let name = written(self.text, place);
        // The list stands beside the verb, at a place that the plan does not keep.
        let list = match list {
            Expression::Known(Value::List(items)) => counted(items.len() as u64, "item"),
            Expression::Source(_) => of(list),
            _ => "a list".to_owned(),
        };
        format!("{} in {}", name.unwrap_or_else(|| "each".to_owned()), cut(&list))
    }

    /// As it was written, where the file is at hand.
    fn condition(&self, expression: &Expression, place: Place) -> String {
        written(self.text, place).unwrap_or_else(|| cut(&of(expression)))
    }
}

/// What stands behind a verb in the file, up to the end of the line or to the next key in `{ }`.
fn written(text: &str, place: Place) -> Option<String> {
    let line = text.get(place.end..)?.lines().next()?;
    let value = line.trim_start_matches(['"', '\'']).trim_start().strip_prefix(':')?.trim();
    let first = value.chars().next()?;
    // Blocks, lists, maps and aliases stand elsewhere or are no condition.
    if "|>[{&*".contains(first) {
        return None;
    }
    let value = if matches!(first, '"' | '\'') {
        let inner = &value[1..];
        inner.get(..inner.find(first)?)?
    } else {
        let next_key = [", then:", ", else:", ", steps:", ", max:", ", every:", ", in:", " #"];
        let end = next_key.iter().filter_map(|key| value.find(key)).min();
        let value = value.get(..end.unwrap_or(value.len()))?.trim_end_matches(',');
        // A brace too many closes the map around.
        if value.matches('}').count() > value.matches('{').count() { value.strip_suffix('}')? } else { value }
    };
    let value = value.trim();
    let bare = value.strip_prefix("${").and_then(|inner| inner.strip_suffix('}')).unwrap_or(value).trim();
    (!bare.is_empty()).then(|| cut(bare))
}

/// An expression without the signs around it.
fn of(expression: &Expression) -> String {
    let text = match expression {
        Expression::Known(value) => return value.to_json(),
        Expression::Source(source) => {
            shown(&Template::from(Segment::Value { source: source.clone(), encoding: Encoding::Raw }))
        }
        Expression::Text(template) | Expression::Json(template) => return shown(template),
    };
    text.strip_prefix("${").and_then(|inner| inner.strip_suffix('}')).unwrap_or(&text).to_owned()
}

fn cut(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let more = line.len() < text.len() || line.chars().count() > LONGEST;
    let kept: String = line.chars().take(LONGEST).collect();
    if more { format!("{kept}…") } else { kept }
}

fn on_failure(what: OnFailure) -> &'static str {
    match what {
        OnFailure::Continue => "",
        OnFailure::StopTask => "  (a failure ends the task)",
        OnFailure::RestartUser => "  (a failure restarts the user)",
        OnFailure::StopUser => "  (a failure ends the user)",
        OnFailure::StopRun => "  (a failure ends the run)",
    }
}

fn stop(what: StopWhat) -> &'static str {
    match what {
        StopWhat::Task => "stop the task",
        StopWhat::User => "stop the user",
        StopWhat::Run => "stop the run",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_shown_as_they_are_written() {
        for (line, shown) in [
            ("if: price > 100", Some("price > 100")),
            ("if: \"${price > 100}\"  # dear", Some("price > 100")),
            ("if: ${price}", Some("price")),
            ("if: state == 'done'  # at last", Some("state == 'done'")),
            ("if: price, then: [get: /]}", Some("price")),
            ("if: price}", Some("price")),
            ("if: 'a, then: b', then: []", Some("a, then: b")),
            ("if: >", None),
            ("if:", None),
            ("if", None),
        ] {
            let place = Place { start: 0, end: 2, line: 1, column: 1 };
            assert_eq!(written(line, place).as_deref(), shown, "{line}");
        }
    }
}
