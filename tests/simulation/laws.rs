//! What has to hold after any history: no user lives twice, every count is the truth, the run ends in time, and users that are
//! wanted are there.

use std::time::Duration;

use stampede_coordinator::result::StopReason;
use stampede_coordinator::view::WorkerState;

use crate::history::History;
use crate::world::Played;

/// A user that is there begins a request at least so often: the slowest one, and its wait.
const BEAT: Duration = Duration::from_millis(1800);

/// Margin between a worker's deadline and the coordinator's.
const MARGIN: Duration = Duration::from_millis(500);

/// How long orders, answers and looks take at most on a sound line.
const SLACK: Duration = Duration::from_millis(1500);

/// Everything that is wrong, and empty if nothing is.
pub(crate) fn broken(played: &Played) -> Vec<String> {
    let mut wrong = played.ledger.violations.clone();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    let result = &played.conducted.result;
    let (accounting, requests) = (&result.accounting, result.totals.requests());
    let iterations = result.totals.iterations;
    expect(
        accounting.started == requests.ended() + accounting.unknown,
        format!("started {} is not {requests:?} and unknown {}", accounting.started, accounting.unknown),
    );
    expect(
        accounting.iterations_begun == iterations.ended() + accounting.iterations_unknown,
        format!("begun {} is not {iterations:?}", accounting.iterations_begun),
    );
    expect(accounting.contradictions.is_empty(), format!("{:?}", accounting.contradictions));
    let truth = played.ledger.all_requests(0..played.workers);
    expect(
        requests.started <= truth.started && accounting.started <= truth.started,
        format!("{} and {} started of {} in truth", requests.started, accounting.started, truth.started),
    );
    if result.stop_reason == StopReason::NoWorkers {
        // Somebody who was cut off at that moment is not waited for.
        return wrong;
    }
    for (number, worker) in result.workers.iter().enumerate() {
        let number = worker.name.trim_start_matches('w').parse().unwrap_or(number);
        let truth = played.ledger.requests.get(&number).copied().unwrap_or_default();
        let killed = played.killed.contains(&number);
        expect(
            if killed { worker.requests <= truth.completed() } else { worker.requests == truth.completed() },
            format!("{} delivered {} of {} requests", worker.name, worker.requests, truth.completed()),
        );
        expect(killed || worker.state != WorkerState::Lost, format!("{} is lost at the end", worker.name));
    }
    if played.killed.is_empty() {
        let all = played.ledger.all_iterations(0..played.workers);
        expect(requests == truth, format!("{requests:?} reported, {truth:?} in truth"));
        expect(iterations == all, format!("{iterations:?} reported, {all:?} in truth"));
        expect(result.is_complete(), format!("{accounting:?}"));
    }
    let named = accounting.missing.iter().map(|missing| &missing.worker);
    let not_killed: Vec<_> =
        named.filter(|name| !played.killed.iter().any(|w| **name == format!("w{w}"))).collect();
    expect(not_killed.is_empty(), format!("seconds of {not_killed:?} are missing"));
    wrong
}

/// Users of slots 0 to `users` − 1 that are not there at the end of the run.
pub(crate) fn absent(history: &History, played: &Played, users: u32) -> Vec<u32> {
    played.ledger.silent_since(users, Duration::from_secs(history.run_time_s).saturating_sub(BEAT))
}

/// For how long a slot may be without a user, when `slots` at once have lost theirs.
pub(crate) fn take_over(history: &History, slots: u32) -> Duration {
    history.lease + MARGIN + Duration::from_secs(1) * slots / history.spawn_rate + BEAT + SLACK
}

/// Plays `history` and demands that every law holds; says all that happened if not.
pub(crate) fn lawful(history: &History, play: impl FnOnce(&History) -> Played) -> Played {
    let played = play(history);
    let wrong = broken(&played);
    assert!(
        wrong.is_empty(),
        "{}\n{history:?}\n{}\n{:?}",
        wrong.join("\n"),
        played.said.join("\n"),
        played.conducted.result.notes
    );
    played
}
