//! When the load generator was the limit, in words: without alarm, for that is what a test at full speed comes to.

use super::text::clock;
use crate::result::{Limit, WorkerResult};

/// Stretches that are named one by one.
const MAX_NAMED: usize = 3;

/// A sentence for each worker that was the limit at some time.
pub(super) fn sentences(workers: &[WorkerResult]) -> Vec<String> {
    workers.iter().filter_map(|worker| sentence(&worker.name, &worker.limits)).collect()
}

fn sentence(name: &str, limits: &[Limit]) -> Option<String> {
    let (first, last) = (limits.first()?, limits.last()?);
    let most = |of: fn(&Limit) -> Option<f64>| limits.iter().filter_map(of).reduce(f64::max);
    let (cpu, stood_still) = (most(|limit| limit.cpu), most(|limit| limit.stood_still_ms));
    let lag = most(|limit| limit.lag_ms);
    let mut what = Vec::new();
    if let Some(cpu) = cpu {
        what.push(format!("used up to {:.0} % of a core", cpu * 100.0));
    }
    match (stood_still, lag) {
        (Some(ms), _) => what.push(format!("did not get to run for {:.1} s", ms / 1e3)),
        (None, Some(lag)) => what.push(format!("woke up to {lag:.1} ms late (p99 of a second)")),
        (None, None) => {}
    }
    let span = |limit: &Limit| format!("from {} to {}", clock(limit.from_s), clock(limit.to_s));
    let when = if limits.len() <= MAX_NAMED {
        limits.iter().map(span).collect::<Vec<_>>().join(" and ")
    } else {
        let seconds: u32 = limits.iter().map(|limit| limit.seconds).sum();
        format!("in {seconds} of the seconds from {} to {}", clock(first.from_s), clock(last.to_s))
    };
    let late =
        if lag.is_some() || stood_still.is_some() { " Times measured then include its lag." } else { "" };
    let more = if cpu.is_some() {
        " The target may be able to take more than was asked of it; more cores or workers would show."
    } else {
        ""
    };
    let what = what.join(" and ");
    Some(format!("Generator-limited: a load thread of worker {name} {what} {when}.{late}{more}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(from_s: u32, to_s: u32) -> Limit {
        Limit { from_s, to_s, seconds: to_s - from_s, ..Limit::default() }
    }

    #[test]
    fn each_reason_has_its_words() {
        let busy = |from_s, to_s, cpu| Limit { cpu: Some(cpu), ..limit(from_s, to_s) };
        let cases = [
            vec![busy(0, 8, 0.993)],
            vec![Limit { lag_ms: Some(14.23), ..limit(61, 64) }],
            vec![Limit { lag_ms: Some(14.23), ..busy(1, 9, 0.95) }, busy(20, 30, 0.97)],
            vec![Limit { lag_ms: Some(0.2), stood_still_ms: Some(4_210.0), ..limit(10, 15) }],
            (0..5).map(|n| busy(n * 10, n * 10 + 4, 0.92)).collect(),
            vec![],
        ];
        let said: Vec<_> = cases.iter().map(|limits| sentence("w1", limits).unwrap_or_default()).collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        Generator-limited: a load thread of worker w1 used up to 99 % of a core from 00:00 to 00:08. The target may be able to take more than was asked of it; more cores or workers would show.
        Generator-limited: a load thread of worker w1 woke up to 14.2 ms late (p99 of a second) from 01:01 to 01:04. Times measured then include its lag.
        Generator-limited: a load thread of worker w1 used up to 97 % of a core and woke up to 14.2 ms late (p99 of a second) from 00:01 to 00:09 and from 00:20 to 00:30. Times measured then include its lag. The target may be able to take more than was asked of it; more cores or workers would show.
        Generator-limited: a load thread of worker w1 did not get to run for 4.2 s from 00:10 to 00:15. Times measured then include its lag.
        Generator-limited: a load thread of worker w1 used up to 92 % of a core in 20 of the seconds from 00:00 to 00:44. The target may be able to take more than was asked of it; more cores or workers would show.
        "#);
    }
}
