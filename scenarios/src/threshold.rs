//! What a run is measured against: rules such as `p95 of "GET /cart" < 500ms for 10s or stop`, or `p95 within 10% of baseline`.
//!
//! Here is what a rule says and how it is written; it is read from text in `parse`. Whether it holds is the coordinator's
//! business, which has the numbers.

pub(crate) mod parse;

use std::fmt;
use std::time::Duration;

use crate::units::show_duration;

pub use parse::{RuleError, parse};

/// The longest `for`: what a window needs is kept for as long.
pub const LONGEST_WINDOW: Duration = Duration::from_secs(600);

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What is measured.
    pub metric: Metric,
    /// Of what.
    pub scope: Scope,
    /// How it is compared.
    pub op: Op,
    /// With what.
    pub limit: Limit,
    /// Over every window of so long, in whole seconds; `None`: over the whole run after its warm-up.
    pub window: Option<Duration>,
    /// The run ends when it breaks.
    pub or_stop: bool,
}

/// What a rule compares with.
#[derive(Debug, Clone, PartialEq)]
pub enum Limit {
    /// A value: ms, a number a second, a part from 0 to 1, or a count, as the metric is.
    Value {
        /// That.
        value: f64,
        /// As it was written.
        written: String,
    },
    /// What an earlier run measured: so much worse it may be.
    Baseline {
        /// A part of it, 0.1 for `10%`.
        part: f64,
        /// As it was written.
        written: String,
        /// What that run measured, once somebody has looked it up.
        base: Option<f64>,
    },
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Metric {
    /// A figure of times.
    Time(Clock, Figure),
    /// Completed requests a second.
    Rps,
    /// Failed requests a second.
    FailuresPerS,
    /// Failed requests of the completed ones.
    ErrorRate,
    /// Completed requests.
    Requests,
    /// Arrivals or iterations that were planned and not begun.
    Dropped,
    /// Failed iterations of those that came to an end.
    IterationErrorRate,
}

/// Which times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// From the intended start to the last byte.
    Response,
    /// To the first byte.
    FirstByte,
    /// From the first byte written to the last byte read.
    Service,
}

/// Which figure of times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Figure {
    /// So many percent are at it or below.
    Percentile(f64),
    /// Mean.
    Avg,
    /// Smallest.
    Min,
    /// Largest.
    Max,
}

/// Of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All requests.
    All,
    /// Those of one row: method, if it is said, and name.
    Endpoint(Option<String>, String),
    /// Passes through a group.
    Group(String),
    /// Those of the users of a class.
    Class(String),
    /// The ones that did not fail.
    Ok,
    /// Each row of requests by itself: the worst counts.
    Each,
}

/// How it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    More,
    /// `>=`
    AtLeast,
    /// `==`
    Equal,
}

/// What unit a value has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds.
    Time,
    /// A number a second.
    PerSecond,
    /// A part, 0 to 1.
    Part,
    /// A number.
    Count,
}

impl Metric {
    /// The unit of its values.
    pub fn unit(self) -> Unit {
        match self {
            Self::Time(..) => Unit::Time,
            Self::Rps | Self::FailuresPerS => Unit::PerSecond,
            Self::ErrorRate | Self::IterationErrorRate => Unit::Part,
            Self::Requests | Self::Dropped => Unit::Count,
        }
    }

    /// Whether more of it is better.
    pub fn more_is_better(self) -> bool {
        matches!(self, Self::Rps | Self::Requests)
    }

    /// Whether it is of the whole run and has no rows.
    pub fn is_of_the_run(self) -> bool {
        matches!(self, Self::Dropped | Self::IterationErrorRate)
    }
}

impl Rule {
    /// What it compares with; `None` for a baseline that nobody has looked into.
    pub fn value(&self) -> Option<f64> {
        match self.limit {
            Limit::Value { value, .. } => Some(value),
            Limit::Baseline { part, base, .. } if self.metric.more_is_better() => Some(base? * (1.0 - part)),
            Limit::Baseline { part, base, .. } => Some(base? * (1.0 + part)),
        }
    }

    /// Whether it is compared with an earlier run.
    pub fn is_of_baseline(&self) -> bool {
        matches!(self.limit, Limit::Baseline { .. })
    }

    /// Sets what the earlier run measured, if it is compared with one.
    pub fn set_base(&mut self, measured: f64) {
        if let Limit::Baseline { base, .. } = &mut self.limit {
            *base = Some(measured);
        }
    }

    /// Whether it holds for what was observed.
    pub fn holds(&self, observed: f64) -> bool {
        self.value().is_some_and(|value| match self.op {
            Op::Less => observed < value,
            Op::AtMost => observed <= value,
            Op::More => observed > value,
            Op::AtLeast => observed >= value,
            Op::Equal => (observed - value).abs() <= f64::EPSILON * value.abs(),
        })
    }

    /// How far what was observed is on the right side of the limit, as a part of it; negative on the wrong side. `None` for a
    /// limit of 0.
    pub fn margin(&self, observed: f64) -> Option<f64> {
        let value = self.value()?;
        let room = match self.op {
            Op::Less | Op::AtMost => value - observed,
            Op::More | Op::AtLeast => observed - value,
            Op::Equal => -(observed - value).abs(),
        };
        (value != 0.0).then_some(room / value)
    }

    /// Which of two observed values is the worse one.
    pub fn worse(&self, a: f64, b: f64) -> f64 {
        match self.op {
            Op::Less | Op::AtMost => a.max(b),
            Op::More | Op::AtLeast => a.min(b),
            Op::Equal => {
                let off = |it: f64| self.value().map_or(0.0, |value| (it - value).abs());
                if off(a) > off(b) { a } else { b }
            }
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} ", self.metric, self.scope)?;
        match &self.limit {
            Limit::Value { written, .. } => write!(f, "{} {written}", self.op)?,
            Limit::Baseline { written, .. } => write!(f, "within {written} of baseline")?,
        }
        if let Some(window) = self.window {
            write!(f, " for {}", show_duration(window))?;
        }
        if self.or_stop { f.write_str(" or stop") } else { Ok(()) }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Time(clock, figure) = self else {
            return f.write_str(match self {
                Self::Rps => "rps",
                Self::FailuresPerS => "failures_per_s",
                Self::ErrorRate => "error_rate",
                Self::Requests => "requests",
                Self::Dropped => "dropped",
                Self::IterationErrorRate | Self::Time(..) => "iteration_error_rate",
            });
        };
        f.write_str(match clock {
            Clock::Response => "",
            Clock::FirstByte => "ttfb.",
            Clock::Service => "service.",
        })?;
        match figure {
            Figure::Percentile(percent) => write!(f, "p{percent}"),
            Figure::Avg => f.write_str("avg"),
            Figure::Min => f.write_str("min"),
            Figure::Max => f.write_str("max"),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::Endpoint(Some(method), name) => write!(f, " of {}", quoted(&format!("{method} {name}"))),
            Self::Endpoint(None, name) => write!(f, " of {}", quoted(name)),
            Self::Group(name) => write!(f, " of group {}", quoted(name)),
            Self::Class(name) if parse::is_word(name) => write!(f, " of class {name}"),
            Self::Class(name) => write!(f, " of class {}", quoted(name)),
            Self::Ok => f.write_str(" of ok"),
            Self::Each => f.write_str(" of each"),
        }
    }
}

/// In the quotes that are not in it.
fn quoted(name: &str) -> String {
    let quote = if name.contains('"') { '\'' } else { '"' };
    format!("{quote}{name}{quote}")
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Equal => "==",
        })
    }
}
