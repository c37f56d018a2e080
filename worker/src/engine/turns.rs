//! Passes through a loop: whether there is another one, what it sees, and when it begins.

use std::sync::atomic::Ordering;
use std::time::Instant;
use std::vec::IntoIter;

use stampede_scenarios::value::Value;
use tracing::warn;

use super::flow::{Trouble, wrong};
use super::scope::Scope;
use super::steps::{Kind, Loop};

/// What follows a pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Another one.
    Pass,
    /// Another one may follow then.
    Sleep(Instant),
    /// None.
    Over,
    /// None, though one more is wanted.
    TooMany,
}

/// A loop under way.
pub(super) struct Turns {
    /// Passes begun.
    passes: u64,
    until: Until,
    /// When the newest pass began, where that counts.
    began: Instant,
    /// Whether it has waited for the next pass.
    waited: bool,
    /// `loop_index` around it.
    outside: u64,
}

/// What ends it.
enum Until {
    Count(u64),
    Items(IntoIter<Value>),
    Condition,
    Time(Instant),
}

impl Turns {
    /// Looks at what is looked at once.
    pub(super) fn begin(plan: &Loop, scope: &mut Scope<'_>) -> Result<Self, Trouble> {
        let outside = std::mem::take(&mut scope.loop_index);
        let began = Instant::now();
        let until = match &plan.kind {
            Kind::Repeat(count) => Until::Count(whole(count.value(scope)?)?),
            Kind::For { list, .. } => match list.value(scope)? {
                Value::List(items) => Until::Items(items.into_iter()),
                other => return Err(wrong("`in` must be a list", &other)),
            },
            Kind::While(_) | Kind::Until(_) => Until::Condition,
            // What lies beyond all time is never over.
            Kind::During(time) => began.checked_add(*time).map_or(Until::Condition, Until::Time),
        };
        Ok(Self { passes: 0, until, began, waited: false, outside })
    }

    /// A pass is over.
    pub(super) fn again(&mut self, plan: &Loop, scope: &mut Scope<'_>) -> Result<Turn, Trouble> {
        if !std::mem::take(&mut self.waited) {
            if let Kind::Until(condition) = &plan.kind
                && condition.truth(scope)?
            {
                return Ok(Turn::Over);
            }
            if let Some(next) = plan.every.and_then(|every| self.began.checked_add(every))
                && next > Instant::now()
                && self.may_follow(next)
            {
                self.waited = true;
                return Ok(Turn::Sleep(next));
            }
        }
        self.next(plan, scope)
    }

    /// Whether there can be another pass at `next`, as far as that is known before.
    fn may_follow(&self, next: Instant) -> bool {
        match &self.until {
            Until::Count(count) => self.passes < *count,
            Until::Items(items) => !items.as_slice().is_empty(),
            Until::Condition => true,
            Until::Time(end) => next < *end,
        }
    }

    /// Begins another pass, if there is to be one.
    pub(super) fn next(&mut self, plan: &Loop, scope: &mut Scope<'_>) -> Result<Turn, Trouble> {
        scope.loop_index = self.passes;
        let now = Instant::now();
        // A pass that would have to wait until the time is over does not begin.
        let begins = match plan.every {
            Some(every) if self.passes > 0 => self.began.checked_add(every).map_or(now, |due| due.max(now)),
            _ => now,
        };
        let is_wanted = self.may_follow(begins)
            && match &plan.kind {
                Kind::While(condition) => condition.truth(scope)?,
                _ => true,
            };
        if !is_wanted {
            return Ok(Turn::Over);
        }
        if self.passes >= plan.max {
            return Ok(Turn::TooMany);
        }
        if let (Kind::For { variable, .. }, Until::Items(items)) = (&plan.kind, &mut self.until)
            && let Some(item) = items.next()
        {
            scope.variables.set(*variable, &item);
        }
        self.passes += 1;
        self.began = begins;
        Ok(Turn::Pass)
    }

    /// It is over.
    pub(super) fn end(self, scope: &mut Scope<'_>) {
        scope.loop_index = self.outside;
    }
}

impl Loop {
    /// Says that a `task` of a `class` wanted one pass too many, the first time.
    pub(super) fn warn_once(&self, class: &str, task: &str) {
        if !self.was_told.swap(true, Ordering::Relaxed) {
            let Self { max, line, .. } = self;
            warn!(
                "the loop in line {line} has had its {max} passes and wants one more: `{task}` of a `{class}` ended there"
            );
        }
    }
}

/// How often `repeat` is to go round.
fn whole(value: Value) -> Result<u64, Trouble> {
    match value {
        Value::Int(count) => Ok(u64::try_from(count).unwrap_or(0)),
        Value::Float(count) if count.fract() == 0.0 && count.abs() < 9e15 => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a whole number, not below 0, in range"
            )]
            let count = count.max(0.0) as u64;
            Ok(count)
        }
        other => Err(wrong("`repeat` must be a whole number", &other)),
    }
}
