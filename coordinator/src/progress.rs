//! The run as lines, where there is no screen: one a second, and one for whatever changes.
//!
//! [`Progress`] decides what there is to say, without clock or output; [`run`] listens to the views and writes. Numbers are
//! not grouped: these lines end up in logs.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::format::{self, plain};
use crate::tui::text::{clean, counted};
use crate::view::{ArrivalsView, Phase, RunView, WaitingFor, WorkerState};

/// How often a wait is mentioned while nothing changes.
const WAITING_EVERY: Duration = Duration::from_secs(10);
/// A line comes with each second of run time; should run time stand still, after this long all the same.
const LINE_EVERY: Duration = Duration::from_millis(1500);

/// The run in one line while it is under way: `00:12 steady   users 120/200   1284 req/s   2.10 fail/s   p50 12.0 …`.
pub fn line(view: &RunView) -> Option<String> {
    if !matches!(view.phase, Phase::Ramping | Phase::Steady | Phase::Draining) {
        return None;
    }
    let all = &view.aggregated;
    let time = |value: Option<f64>| value.map_or(format::NONE.to_owned(), plain::ms);
    let target = view.users_target.to_string();
    let users = match view.phase {
        _ if view.arrivals.is_some() => view.users.to_string(),
        Phase::Draining => view.users.to_string(),
        _ => format!("{:>width$}/{target}", view.users, width = target.len()),
    };
    Some(format!(
        "{} {:8}   users {users:7}{}   {:>6} req/s   {:>4} fail/s   p50 {:>4} p95 {:>4} p99 {:>4} ms   {}",
        format::clock(view.elapsed),
        view.phase_name(),
        view.arrivals.as_ref().map(arrivals).unwrap_or_default(),
        plain::rate(view.rps),
        plain::rate(view.failures_per_s),
        time(all.med),
        time(all.p95),
        time(all.p99),
        workers(view),
    ))
}

/// `   1498/1500 arrivals/s   0 dropped`.
fn arrivals(arrivals: &ArrivalsView) -> String {
    let (begun, planned) = (plain::rate(arrivals.begun_per_s), plain::rate(arrivals.rate));
    format!("   {begun:>6}/{planned} arrivals/s   {} dropped", arrivals.dropped)
}

/// `2 workers`, `1 of 2 workers`.
fn workers(view: &RunView) -> String {
    let all = counted(view.workers.len(), "worker");
    let gone = |state| matches!(state, WorkerState::Lost | WorkerState::Disconnected);
    let there = view.workers.iter().filter(|worker| !gone(worker.state)).count();
    if there == view.workers.len() { all } else { format!("{there} of {all}") }
}

/// Decides which lines there are to write. Time is whatever the caller counts, as long as it does not go back.
#[derive(Debug, Default)]
pub struct Progress {
    phase: Option<Phase>,
    notices: Arc<Vec<String>>,
    /// The wait last mentioned, and when.
    waiting: Option<(WaitingFor, Duration)>,
    /// Run second of the last line, and when it was written.
    last: Option<(u64, Duration)>,
}

impl Progress {
    /// Nothing said so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the newest view at `now`; the lines to write, without line breaks.
    pub fn update(&mut self, view: &RunView, now: Duration) -> Vec<String> {
        let mut lines = vec![];
        lines.extend(self.waiting(view, now));
        if self.phase != Some(view.phase) {
            self.phase = Some(view.phase);
            lines.extend(phase(view));
        }
        lines.extend(self.notices(view));
        lines.extend(self.second(view, now));
        lines
    }

    fn waiting(&mut self, view: &RunView, now: Duration) -> Option<String> {
        let waiting = view.waiting.as_ref().filter(|_| view.phase == Phase::Waiting)?;
        let news = |(said, at): &(WaitingFor, Duration)| {
            let since = said.since;
            *waiting != WaitingFor { since: waiting.since, ..said.clone() }
                || now.saturating_sub(*at) >= WAITING_EVERY
                || waiting.since < since
        };
        if !self.waiting.as_ref().is_none_or(news) {
            return None;
        }
        self.waiting = Some((waiting.clone(), now));
        Some(format!(
            "waiting for workers: {} of {} after {} s; type: {}",
            waiting.connected,
            waiting.expected,
            waiting.since.as_secs(),
            clean(&waiting.command),
        ))
    }

    /// Notices that were not there before. Compared by text, since old ones may have been dropped at the front.
    fn notices(&mut self, view: &RunView) -> Vec<String> {
        if Arc::ptr_eq(&self.notices, &view.notices) {
            return vec![];
        }
        let before = std::mem::replace(&mut self.notices, Arc::clone(&view.notices));
        let new = view.notices.iter().filter(|notice| !before.contains(notice));
        new.map(|notice| format!("notice: {}", clean(notice))).collect()
    }

    fn second(&mut self, view: &RunView, now: Duration) -> Option<String> {
        let second = view.elapsed.as_secs();
        let is_due = self.last.is_none_or(|(said, at)| second > said || now.saturating_sub(at) >= LINE_EVERY);
        let line = line(view).filter(|_| is_due)?;
        self.last = Some((second, now));
        Some(line)
    }
}

/// What begins with this phase; a wait has lines of its own.
fn phase(view: &RunView) -> Option<String> {
    let target = match &view.arrivals {
        Some(arrivals) => format!("{} arrivals/s", plain::rate(arrivals.target)),
        None => counted(view.users_target as usize, "user"),
    };
    let at = format::clock(view.elapsed);
    Some(match view.phase {
        Phase::Waiting => return None,
        Phase::Preparing => format!("preparing: {}", workers(view)),
        Phase::Ramping => format!("{at} ramping to {target}"),
        Phase::Steady => format!("{at} steady at {target}"),
        Phase::Draining => format!("{at} draining: {} finishing", counted(view.users as usize, "user")),
        Phase::Finished => format!("{at} finished"),
    })
}

/// Writes lines until the run is finished or nobody publishes views any more.
///
/// # Errors
///
/// `out` cannot be written to. The run is not concerned.
pub async fn run(mut view: watch::Receiver<RunView>, mut out: impl Write) -> io::Result<()> {
    let begun = Instant::now();
    let mut progress = Progress::new();
    // The views' own rhythm may be slower than what there is to say about time that passes.
    let mut tick = interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let (lines, finished) = {
            let newest = view.borrow_and_update();
            (progress.update(&newest, begun.elapsed()), newest.phase == Phase::Finished)
        };
        for line in &lines {
            writeln!(out, "{line}")?;
        }
        if !lines.is_empty() {
            out.flush()?;
        }
        if finished {
            return Ok(());
        }
        tokio::select! {
            changed = view.changed() => if changed.is_err() { return Ok(()) },
            _ = tick.tick() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::samples;

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_second_in_one_line() {
        insta::assert_snapshot!(line(&samples::running()).unwrap(), @"00:41 steady     users 200/200     1284 req/s   0.00 fail/s   p50 12.0 p95 37.2 p99 79.2 ms   2 workers");
        insta::assert_snapshot!(line(&samples::worker_lost()).unwrap(), @"00:41 steady     users 200/200     1284 req/s   0.00 fail/s   p50 12.0 p95 37.2 p99 79.2 ms   1 of 3 workers");
        insta::assert_snapshot!(line(&samples::arriving()).unwrap(), @"00:41 steady     users 61          1498/1500 arrivals/s   24 dropped     1284 req/s   0.00 fail/s   p50 12.0 p95 37.2 p99 79.2 ms   2 workers");
        assert_eq!(line(&samples::waiting()), None);
        assert_eq!(line(&samples::finished()), None);
    }

    #[test]
    fn a_wait_is_mentioned_when_it_changes_and_every_ten_seconds() {
        let mut progress = Progress::new();
        let mut said = vec![];
        for second in 0..25 {
            let mut view = samples::waiting();
            if let Some(waiting) = &mut view.waiting {
                waiting.since = secs(second);
                waiting.connected = u32::from(second >= 3);
            }
            said.extend(progress.update(&view, secs(second)));
        }
        insta::assert_snapshot!(said.join("\n"), @r"
        waiting for workers: 0 of 2 after 0 s; type: STAMPEDE_TOKEN=7f3a9c worker --connect 192.0.2.10:5557
        waiting for workers: 1 of 2 after 3 s; type: STAMPEDE_TOKEN=7f3a9c worker --connect 192.0.2.10:5557
        waiting for workers: 1 of 2 after 13 s; type: STAMPEDE_TOKEN=7f3a9c worker --connect 192.0.2.10:5557
        waiting for workers: 1 of 2 after 23 s; type: STAMPEDE_TOKEN=7f3a9c worker --connect 192.0.2.10:5557
        ");
    }

    #[test]
    fn a_whole_run() {
        let mut progress = Progress::new();
        let mut said = vec![];
        for (now, view) in [
            samples::waiting(),
            samples::preparing(),
            samples::ramping(),
            samples::ramping(),
            samples::limited(),
            samples::draining(),
            samples::finished(),
        ]
        .into_iter()
        .enumerate()
        {
            said.extend(progress.update(&view, Duration::from_millis(now as u64 * 100)));
        }
        insta::assert_snapshot!(said.join("\n"), @r"
        waiting for workers: 1 of 2 after 12 s; type: STAMPEDE_TOKEN=7f3a9c worker --connect 192.0.2.10:5557
        preparing: 2 workers
        00:12 ramping to 210 users
        00:12 ramping    users 120/210      768 req/s   0.00 fail/s   p50 12.0 p95 37.2 p99 79.2 ms   2 workers
        00:41 steady at 200 users
        notice: generator-limited: worker w2 wakes 14.2 ms late (p99) and uses 97 % of a core; the target may be able to take more
        00:41 steady     users 200/200     1284 req/s   0.00 fail/s   p50 12.0 p95 37.2 p99 79.2 ms   2 workers
        01:00 draining: 45 users finishing
        01:00 draining   users 45          1284 req/s   0.00 fail/s   p50 12.0 p95 37.2 p99 79.2 ms   2 workers
        01:01 finished
        ");
    }

    #[test]
    fn one_line_a_second_of_run_time_and_no_silence_when_it_stands_still() {
        let mut progress = Progress::new();
        let mut view = samples::running();
        let mut written = 0;
        for tenth in 0..50 {
            view.elapsed = Duration::from_millis(41_000 + tenth * 100);
            written += progress.update(&view, Duration::from_millis(tenth * 100)).len();
        }
        assert_eq!(written, 6, "five seconds and the phase");
        assert!(progress.update(&view, Duration::from_millis(5_400)).is_empty());
        assert_eq!(progress.update(&view, secs(6)).len(), 1);
    }

    #[test]
    fn notices_come_once_and_without_control_characters() {
        let mut progress = Progress::new();
        let mut view = samples::running();
        progress.update(&view, secs(0));
        view.notices = Arc::new(vec!["a\u{1b}[31m".to_owned(), "b".to_owned()]);
        assert_eq!(progress.update(&view, secs(0)), ["notice: a␛[31m", "notice: b"]);
        view.notices = Arc::new(vec!["b".to_owned(), "c".to_owned()]);
        assert_eq!(progress.update(&view, secs(0)), ["notice: c"]);
        assert!(progress.update(&view, secs(0)).is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn lines_are_written_until_the_end() {
        let (publish, view) = watch::channel(samples::ramping());
        let writing = tokio::spawn(async move {
            let mut out = vec![];
            run(view, &mut out).await.map(|()| out)
        });
        tokio::time::sleep(secs(1)).await;
        publish.send_replace(samples::finished());
        let text = String::from_utf8(writing.await.unwrap().unwrap()).unwrap();
        assert!(text.contains("ramping to 210 users") && text.ends_with("finished\n"), "{text}");
    }
}
