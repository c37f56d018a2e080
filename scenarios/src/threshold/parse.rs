//! Reads a rule: `metric [of scope] op value [for duration] [or stop]`, or `within 10% of baseline` in place of the value.
//!
//! A text that is no rule is answered with the part of it that is wrong and how to write it. Nothing is known here of where the
//! text stands, nor of the requests of the scenario.

use std::time::Duration;

use thiserror::Error;

use super::{Clock, Figure, LONGEST_WINDOW, Limit, Metric, Op, Rule, Scope, Unit};
use crate::units::{Decimal, parse_duration, parse_rate};

/// How a rule looks, for somebody who has written another thing.
const EXAMPLE: &str =
    "for example `p95 < 500ms`, `p99 of \"GET /cart\" < 1s` or `error_rate < 1% for 10s or stop`";

/// The metrics by name.
const METRICS: &str = "p95 (0 to 100), avg, min, max, ttfb.p95, service.p95, rps, failures_per_s, error_rate, requests, dropped, iteration_error_rate";

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct RuleError {
    /// What is wrong.
    pub message: String,
    /// How it is written.
    pub hint: String,
    /// Bytes of the text, from and to.
    pub at: (usize, usize),
}

/// A piece of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token<'a> {
    text: &'a str,
    quoted: bool,
    at: (usize, usize),
}

impl Token<'_> {
    fn is(&self, word: &str) -> bool {
        !self.quoted && self.text == word
    }

    fn error(&self, message: impl Into<String>, hint: impl Into<String>) -> RuleError {
        RuleError { message: message.into(), hint: hint.into(), at: self.at }
    }
}

struct Reader<'a> {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token<'a>>>,
    end: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self, wanted: &str) -> Result<Token<'a>, RuleError> {
        let end = self.end;
        self.tokens.next().ok_or_else(|| RuleError {
            message: format!("{wanted} is missing"),
            hint: EXAMPLE.to_owned(),
            at: (end, end),
        })
    }

    fn take(&mut self, word: &str) -> bool {
        self.tokens.next_if(|token| token.is(word)).is_some()
    }
}

/// Reads a rule.
///
/// # Errors
/// What is wrong with it, and how it is written.
pub fn parse(text: &str) -> Result<Rule, RuleError> {
    let mut reader = Reader { tokens: tokens(text)?.into_iter().peekable(), end: text.len() };
    let first = reader.next("a metric")?;
    let metric = metric(&first)?;
    let scope = if reader.take("of") { scope(metric, &mut reader)? } else { Scope::All };
    let comparison = reader.next("a comparison")?;
    let (op, limit) = if comparison.is("within") {
        within(metric, &scope, &comparison, &mut reader)?
    } else {
        let (op, limit) = (op(&comparison)?, reader.next("a value")?);
        (op, Limit::Value { value: value(metric, &limit)?, written: limit.text.to_owned() })
    };
    let window = match reader.tokens.next_if(|token| token.is("for")) {
        Some(word) => Some(window(metric, &limit, &word, &mut reader)?),
        None => None,
    };
    let mut or_stop = false;
    if reader.take("or") {
        let stop = reader.next("`stop`")?;
        if !stop.is("stop") {
            return Err(stop.error(format!("`stop` is expected here, not `{}`", stop.text), EXAMPLE));
        }
        if metric == Metric::Requests && window.is_none() && !matches!(op, Op::Less | Op::AtMost) {
            let text = "a number of requests is reached in the end, and this would end the run before";
            return Err(stop
                .error(text, "leave out `or stop`, or say in what time: `requests > 100 for 10s or stop`"));
        }
        or_stop = true;
    }
    if let Some(rest) = reader.tokens.next() {
        let hint = match rest.text {
            "and" | "&&" => "write two rules, one below the other",
            _ => EXAMPLE,
        };
        return Err(rest.error(format!("the rule is over before `{}`", rest.text), hint));
    }
    Ok(Rule { metric, scope, op, limit, window, or_stop })
}

/// Words, comparisons and what stands in quotes. Comparisons need no space around them.
fn tokens(text: &str) -> Result<Vec<Token<'_>>, RuleError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        let is_op = |c: char| matches!(c, '<' | '>' | '=' | '!');
        if next.is_whitespace() {
            at += next.len_utf8();
        } else if next == '"' || next == '\'' {
            let Some(len) = rest[1..].find(next) else {
                let hint = "a name stands between two of them: `p95 of \"GET /cart\" < 500ms`".to_owned();
                return Err(RuleError {
                    message: "a quote is not closed".to_owned(),
                    hint,
                    at: (at, text.len()),
                });
            };
            tokens.push(Token { text: &rest[1..=len], quoted: true, at: (at, at + len + 2) });
            at += len + 2;
        } else {
            let ends = |c: char| c.is_whitespace() || is_op(c) != is_op(next) || c == '"';
            let len = rest.find(ends).unwrap_or(rest.len());
            tokens.push(Token { text: &rest[..len], quoted: false, at: (at, at + len) });
            at += len;
        }
    }
    Ok(tokens)
}

/// Whether a name needs no quotes.
pub(super) fn is_word(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || "<>=!\"'".contains(c))
}

fn metric(token: &Token<'_>) -> Result<Metric, RuleError> {
    let unknown = || {
        let hint = match token.text {
            "median" | "med" => "the median is `p50`".to_owned(),
            "mean" | "average" => "the mean is `avg`".to_owned(),
            "errors" | "failures" | "http_req_failed" => {
                "did you mean `error_rate` or `failures_per_s`?".to_owned()
            }
            "rate" | "throughput" => "did you mean `rps`?".to_owned(),
            _ => format!("metrics are {METRICS}"),
        };
        token.error(format!("there is no metric `{}`", token.text), hint)
    };
    if token.quoted {
        return Err(unknown());
    }
    let (clock, figure) = match token.text.split_once('.') {
        Some(("ttfb", figure)) => (Clock::FirstByte, figure),
        Some(("service", figure)) => (Clock::Service, figure),
        _ => (Clock::Response, token.text),
    };
    let figure = match figure {
        "avg" => Some(Figure::Avg),
        "min" => Some(Figure::Min),
        "max" => Some(Figure::Max),
        _ => figure.strip_prefix('p').and_then(Decimal::parse).map(|p| Figure::Percentile(p.as_f64())),
    };
    if let Some(Figure::Percentile(percent)) = figure
        && percent > 100.0
    {
        return Err(token.error(format!("there is no percentile above 100, and this is {percent}"), EXAMPLE));
    }
    if let Some(figure) = figure {
        return Ok(Metric::Time(clock, figure));
    }
    match token.text {
        "rps" => Ok(Metric::Rps),
        "failures_per_s" => Ok(Metric::FailuresPerS),
        "error_rate" => Ok(Metric::ErrorRate),
        "requests" => Ok(Metric::Requests),
        "dropped" => Ok(Metric::Dropped),
        "iteration_error_rate" => Ok(Metric::IterationErrorRate),
        _ => Err(unknown()),
    }
}

fn scope(metric: Metric, reader: &mut Reader<'_>) -> Result<Scope, RuleError> {
    const SCOPES: &str = "it is `\"GET /cart\"`, `group \"checkout\"`, `class shopper`, `ok` or `each`";
    let token = reader.next("what it is of")?;
    if metric.is_of_the_run() {
        return Err(
            token.error(format!("`{metric}` is of the whole run, and of nothing else"), "leave out `of …`")
        );
    }
    let scope = if token.quoted {
        match token.text.split_once(' ') {
            Some((method, name)) if !method.is_empty() && method.bytes().all(|b| b.is_ascii_uppercase()) => {
                Scope::Endpoint(Some(method.to_owned()), name.trim().to_owned())
            }
            _ => Scope::Endpoint(None, token.text.to_owned()),
        }
    } else {
        match token.text {
            "ok" => Scope::Ok,
            "each" => Scope::Each,
            "group" => Scope::Group(reader.next("the name of the group")?.text.to_owned()),
            "class" => Scope::Class(reader.next("the name of the class")?.text.to_owned()),
            other => return Err(token.error(format!("a rule is not of `{other}`"), SCOPES)),
        }
    };
    if scope == Scope::Ok && !matches!(metric, Metric::Time(Clock::Response, _)) {
        let text = format!("`{metric}` is not counted for successful requests alone");
        return Err(token.error(text, "`of ok` goes with p95, avg, min and max"));
    }
    Ok(scope)
}

fn op(token: &Token<'_>) -> Result<Op, RuleError> {
    match token.text {
        "<" => Ok(Op::Less),
        "<=" => Ok(Op::AtMost),
        ">" => Ok(Op::More),
        ">=" => Ok(Op::AtLeast),
        "==" => Ok(Op::Equal),
        "=" => Err(token.error("a comparison is written `==`", EXAMPLE)),
        other => Err(token.error(
            format!("a comparison is expected here, not `{other}`"),
            "one of `<` `<=` `>` `>=` `==` `within`",
        )),
    }
}

/// `within 10% of baseline`: so much worse than there it may be. Better is always fine.
fn within(
    metric: Metric,
    scope: &Scope,
    word: &Token<'_>,
    reader: &mut Reader<'_>,
) -> Result<(Op, Limit), RuleError> {
    const HINT: &str = "for example `p95 within 10% of baseline`";
    if *scope == Scope::Each {
        return Err(
            word.error("`of each` is of many rows, and a baseline has a value for each", "name the request")
        );
    }
    let limit = reader.next("how much")?;
    let part = limit.text.strip_suffix('%').and_then(Decimal::parse).map(|percent| percent.as_f64() / 100.0);
    let Some(part) = part else {
        return Err(limit.error(format!("`{}` is no part in per cent", limit.text), HINT));
    };
    if metric.more_is_better() && part >= 1.0 {
        return Err(limit.error(format!("`{metric}` cannot be {} less", limit.text), HINT));
    }
    for wanted in ["of", "baseline"] {
        let found = reader.next(&format!("`{wanted}`"))?;
        if !found.is(wanted) {
            return Err(found.error(format!("`{wanted}` is expected here, not `{}`", found.text), HINT));
        }
    }
    let op = if metric.more_is_better() { Op::AtLeast } else { Op::AtMost };
    Ok((op, Limit::Baseline { part, written: limit.text.to_owned(), base: None }))
}

fn value(metric: Metric, token: &Token<'_>) -> Result<f64, RuleError> {
    let number = |text: &str| Decimal::parse(text).map(Decimal::as_f64);
    match metric.unit() {
        Unit::Time => match parse_duration(token.text) {
            Ok(time) => Ok(time.as_secs_f64() * 1e3),
            Err(error) => Err(token.error(error.to_string(), format!("for example `{metric} < 500ms`"))),
        },
        Unit::PerSecond if number(token.text) == Some(0.0) => Ok(0.0),
        Unit::PerSecond => parse_rate(token.text)
            .map(crate::rate::Rate::per_second)
            .map_err(|error| token.error(error.to_string(), format!("for example `{metric} > 100/s`"))),
        Unit::Part => {
            let part = match token.text.strip_suffix('%') {
                Some(percent) => number(percent).map(|percent| percent / 100.0),
                None => number(token.text),
            };
            part.filter(|part| *part <= 1.0).ok_or_else(|| {
                let text = format!("`{}` is no part of a whole", token.text);
                token.error(text, format!("for example `{metric} < 1%`"))
            })
        }
        Unit::Count => number(token.text).ok_or_else(|| {
            token.error(format!("`{}` is no number", token.text), format!("for example `{metric} > 1000`"))
        }),
    }
}

fn window(
    metric: Metric,
    limit: &Limit,
    word: &Token<'_>,
    reader: &mut Reader<'_>,
) -> Result<Duration, RuleError> {
    let hint = "for example `error_rate < 5% for 10s`";
    let token = &reader.next("a duration")?;
    if metric.unit() == Unit::Count && matches!(limit, Limit::Baseline { .. }) {
        let text = format!("`{metric}` of a window cannot be compared with that of a whole run");
        return Err(word.error(text, "leave out `for`, or compare `rps`"));
    }
    let window = parse_duration(token.text).map_err(|error| token.error(error.to_string(), hint))?;
    if window.subsec_nanos() != 0 || window.is_zero() || window > LONGEST_WINDOW {
        return Err(token.error("a window is whole seconds, from 1s to 10m", hint));
    }
    Ok(window)
}

#[cfg(test)]
mod tests;
