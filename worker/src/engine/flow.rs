//! Where a user stands in its program, and the steps that only compute: what they set and say, and where they go on.
//!
//! Nothing here waits. What has to wait is answered with [`Go`], and the step is gone through again behind it.

use std::time::Instant;

use stampede_scenarios::expression::EvaluateError;
use stampede_scenarios::plan::StopWhat;
use stampede_scenarios::value::Value;

use super::context::Context;
use super::guard::GroupGuard;
use super::program::{Pass, Then};
use super::scope::Scope;
use super::steps::{Computed, Needs, Step, Text};
use super::turns::{Turn, Turns};

/// Passes through loops after which others have their turn, in case none of the steps waits for anything.
const TURNS: u32 = 64;

/// How to go on.
pub(super) enum Go {
    /// With the next step.
    On,
    /// Likewise, once others have had their turn.
    Yield,
    /// With the same step again, then.
    Sleep(Instant),
    /// Not at all: the program ends here.
    Leave(Then),
}

/// Why a step has no value.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Something it needs has none; that was said.
    Missing,
    /// It cannot be computed.
    Cannot(String),
}

/// Where a user stands in its program.
#[derive(Default)]
pub(super) struct Flow<'a> {
    /// Index of the step.
    pub(super) at: usize,
    /// What it stands in, from the first step on that contains others: most programs have none.
    within: Option<Box<Within<'a>>>,
}

#[derive(Default)]
struct Within<'a> {
    /// The innermost at the end.
    frames: Vec<Frame<'a>>,
    /// How often each `parallel` step was gone through, by its number; as long as one was.
    parallels: Vec<u64>,
    /// Passes through loops so far.
    turns: u32,
}

enum Frame<'a> {
    Loop(Turns),
    Group(GroupGuard<'a>),
}

impl<'a> Flow<'a> {
    /// A request failed within all groups around it.
    pub(super) fn request_failed(&mut self) {
        for frame in self.within.iter_mut().flat_map(|within| &mut within.frames) {
            if let Frame::Group(group) = frame {
                group.request_failed();
            }
        }
    }

    /// How often the `parallel` step of this number was gone through before.
    pub(super) fn parallel(&mut self, step: u32) -> u64 {
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        let parallels = &mut self.within().parallels;
        if parallels.len() <= step {
            parallels.resize(step.saturating_add(1), 0);
        }
        parallels.get_mut(step).map_or(0, |count| {
            *count += 1;
            *count - 1
        })
    }

    fn within(&mut self) -> &mut Within<'a> {
        self.within.get_or_insert_default()
    }

    fn pop(&mut self) -> Option<Frame<'a>> {
        self.within.as_mut()?.frames.pop()
    }

    /// The program is over. Groups that were left early have failed if a request in them has, else they are cancelled.
    pub(super) fn end(&mut self, context: &Context) {
        while let Some(frame) = self.pop() {
            if let Frame::Group(group) = frame {
                group.leave(context.clock.now());
            }
        }
    }

    /// Goes through `step`, at which it stands.
    pub(super) fn step(
        &mut self,
        context: &'a Context,
        step: &Step,
        steps: &[Step],
        scope: &mut Scope<'_>,
        pass: &mut Pass,
    ) -> Go {
        match step {
            Step::Jump(to) => {
                self.at = *to;
                return Go::On;
            }
            Step::Choose(choose) => {
                let drawn = choose.table.sample(&mut scope.drawn.draw);
                self.at = choose.targets.get(drawn).copied().unwrap_or(steps.len());
                return Go::On;
            }
            Step::GroupStart(row) => {
                let group = GroupGuard::begin(context, *row, context.clock.now());
                self.within().frames.push(Frame::Group(group));
            }
            Step::GroupEnd => {
                if let Some(Frame::Group(group)) = self.pop() {
                    let now = pass.ended.map_or_else(|| context.clock.now(), |ended| context.clock.at(ended));
                    group.end(now);
                }
            }
            Step::Stop(what) => {
                return Go::Leave(match what {
                    StopWhat::Task => Then::GoOn,
                    StopWhat::User => Then::StopUser,
                    StopWhat::Run => Then::StopRun,
                });
            }
            computed => {
                pass.ended = None;
                return self.compute(context, computed, steps, scope, pass).unwrap_or_else(|trouble| {
                    pass.ok = false;
                    if let Trouble::Cannot(why) = trouble {
                        context.task_failed(scope.task, &why);
                    }
                    Go::Leave(Then::GoOn)
                });
            }
        }
        self.at += 1;
        Go::On
    }

    fn compute(
        &mut self,
        context: &Context,
        step: &Step,
        steps: &[Step],
        scope: &mut Scope<'_>,
        pass: &mut Pass,
    ) -> Result<Go, Trouble> {
        match step {
            Step::Set(set) => {
                let value = set.value.value(scope)?;
                scope.variables.set(set.variable, &value);
            }
            Step::JumpUnless { condition, to } => {
                self.at = if condition.truth(scope)? { self.at + 1 } else { *to };
                return Ok(Go::On);
            }
            Step::Log(text) => {
                let text = text.text(scope)?;
                context.log_lines.say(context.clock.now(), &scope.class.name, scope.task, &text);
            }
            Step::Fail(fail) => {
                let message = fail.message.text(scope)?;
                context.fail(fail.row, &message);
                pass.ok = false;
            }
            Step::Loop(plan) => {
                let mut turns = Turns::begin(plan, scope)?;
                let turn = turns.next(plan, scope)?;
                self.within().frames.push(Frame::Loop(turns));
                return Ok(self.turn(turn, self.at, plan, scope, pass));
            }
            Step::Again(start) => {
                let (Some(Step::Loop(plan)), Some(Frame::Loop(turns))) =
                    (steps.get(*start), self.within().frames.last_mut())
                else {
                    return Ok(Go::Leave(Then::GoOn));
                };
                let turn = turns.again(plan, scope)?;
                return Ok(self.turn(turn, *start, plan, scope, pass));
            }
            // The others are not computed.
            _ => {}
        }
        self.at += 1;
        Ok(Go::On)
    }

    /// What follows a pass through the loop that begins at `start`.
    fn turn(
        &mut self,
        turn: Turn,
        start: usize,
        plan: &super::steps::Loop,
        scope: &mut Scope<'_>,
        pass: &mut Pass,
    ) -> Go {
        match turn {
            Turn::Pass => {
                self.at = start + 1;
                let turns = &mut self.within().turns;
                *turns = turns.wrapping_add(1);
                if turns.is_multiple_of(TURNS) { Go::Yield } else { Go::On }
            }
            Turn::Sleep(until) => Go::Sleep(until),
            Turn::Over => {
                if let Some(Frame::Loop(turns)) = self.pop() {
                    turns.end(scope);
                }
                self.at = plan.end;
                Go::On
            }
            Turn::TooMany => {
                plan.warn_once(&scope.class.name, scope.task);
                pass.ok = false;
                Go::Leave(Then::GoOn)
            }
        }
    }
}

impl Computed {
    /// Its value now.
    pub(super) fn value(&self, scope: &mut Scope<'_>) -> Result<Value, Trouble> {
        if !self.needs.are_there(scope.variables, &scope.class.name, scope.task) {
            return Err(Trouble::Missing);
        }
        self.expression.evaluate(&mut scope.render()).map_err(|error| self.needs.trouble(error, scope))
    }

    /// Whether it is true now.
    pub(super) fn truth(&self, scope: &mut Scope<'_>) -> Result<bool, Trouble> {
        if !self.needs.are_there(scope.variables, &scope.class.name, scope.task) {
            return Err(Trouble::Missing);
        }
        self.expression.evaluate_bool(&mut scope.render()).map_err(|error| self.needs.trouble(error, scope))
    }
}

impl Text {
    fn text(&self, scope: &mut Scope<'_>) -> Result<String, Trouble> {
        if !self.needs.are_there(scope.variables, &scope.class.name, scope.task) {
            return Err(Trouble::Missing);
        }
        let mut out = String::new();
        let rendered = self.template.render_shown_into(&mut out, &mut scope.render());
        rendered.map_err(|error| self.needs.trouble(error, scope))?;
        Ok(out)
    }
}

impl Needs {
    /// What `error` means for its step. That a value is missing is said here.
    fn trouble(&self, error: EvaluateError, scope: &Scope<'_>) -> Trouble {
        match error {
            EvaluateError::Missing(name) => {
                self.say_missing(&name, &scope.class.name, scope.task);
                Trouble::Missing
            }
            EvaluateError::Cannot(why) => Trouble::Cannot(why),
        }
    }
}

/// That a value is not of the kind that is wanted.
pub(super) fn wrong(wanted: &str, value: &Value) -> Trouble {
    Trouble::Cannot(format!("{wanted}, and this is {}", value.found()))
}
