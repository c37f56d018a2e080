//! The open model while workers come, go and fail: every arrival is begun, dropped or missed, and none comes due twice.

use std::time::Duration;

use stampede_coordinator::result::StopReason;
use stampede_scenarios::rate::Rate;
use stampede_scenarios::rate_profile::RateProfile;

use crate::history::{History, What};
use crate::laws::lawful;
use crate::world::{Played, play};

/// Arrivals a second.
const RATE: u32 = 60;

/// Plays a history of arrivals; all of them are accounted for. Returns how many were dropped and missed beside it.
fn arrivals(mut history: History) -> (Played, u64, u64) {
    history.rate = Some(RATE);
    let played = lawful(&history, play);
    let result = &played.conducted.result;
    let accounting = &result.accounting;
    let planned = u64::from(RATE) * history.run_time_s;
    assert_eq!(result.stop_reason, StopReason::RunTime);
    assert_eq!(accounting.planned, Some(planned), "{accounting:?}\n{}", played.said.join("\n"));
    assert_eq!(
        accounting.iterations_begun + accounting.dropped + accounting.missed,
        planned,
        "{accounting:?}"
    );
    let (dropped, missed) = (accounting.dropped, accounting.missed);
    (played, dropped, missed)
}

/// Arrivals of one of `workers` in so much time.
fn share(workers: u32, time: Duration) -> u64 {
    (time * RATE / workers).as_secs()
}

#[test]
fn every_arrival_is_begun() {
    let (_, dropped, missed) = arrivals(History::quiet(10));
    assert_eq!((dropped, missed), (0, 0));
}

#[test]
fn lanes_go_to_a_worker_that_joins_without_a_gap() {
    let (played, dropped, missed) = arrivals(History::quiet(20).at(5000, What::Join));
    assert_eq!((dropped, missed), (0, 0), "{}", played.said.join("\n"));
    assert!(played.ledger.requests[&3].started > 0);
}

#[test]
fn lanes_of_a_worker_that_leaves_go_to_the_others() {
    let (played, dropped, missed) = arrivals(History::quiet(20).at(5000, What::GoAway(1)));
    assert_eq!(dropped, 0);
    assert!(missed <= share(3, Duration::from_secs(2)), "{missed} missed\n{}", played.said.join("\n"));
}

#[test]
fn what_a_lost_worker_did_not_run_is_missed_until_others_take_over() {
    let history = History::quiet(30).at(5000, What::Freeze(0)).at(14_000, What::Thaw(0));
    let lease = history.lease;
    let (played, dropped, missed) = arrivals(history);
    let gap = share(3, lease + Duration::from_secs(3));
    assert!(dropped + missed <= gap, "{dropped} dropped, {missed} missed\n{}", played.said.join("\n"));
}

#[test]
fn a_killed_worker_takes_no_more_than_its_lanes_with_it() {
    let history = History::quiet(20).at(5000, What::Kill(2));
    let lease = history.lease;
    let (played, dropped, missed) = arrivals(history);
    let gap = share(3, lease + Duration::from_secs(3));
    assert!(
        dropped == 0 && missed > 0 && missed <= gap,
        "{dropped} dropped, {missed} missed of {gap}\n{}",
        played.said.join("\n")
    );
}

#[test]
fn what_came_due_while_the_coordinator_was_stopped_is_run_late() {
    let history = History::quiet(30).at(6000, What::FreezeCoordinator).at(14_000, What::ThawCoordinator);
    let (played, dropped, missed) = arrivals(history);
    assert_eq!((dropped, missed), (0, 0), "{}", played.said.join("\n"));
}

/// Plays a history in which the rate is changed by hand; what was planned is what the rate that came of it asks for. Returns what
/// was dropped and missed.
fn changed(mut history: History) -> (u64, u64) {
    history.rate = Some(RATE);
    let played = lawful(&history, play);
    let result = &played.conducted.result;
    let per_second = |text: &str| text.strip_suffix("/s").and_then(|rate| rate.parse().ok());
    let mut rate = RateProfile::constant(Rate::new(RATE.into(), 1).expect("positive")).expect("one rate");
    let mut last = Rate::new(RATE.into(), 1);
    for change in &result.changes {
        let to = match (change.what.as_str(), change.to.as_str()) {
            ("pause", "paused") => None,
            ("pause", _) => last,
            (_, to) => {
                last = per_second(to).and_then(|rate| Rate::new(rate, 1));
                last
            }
        };
        rate = rate.held(change.at, to);
    }
    assert!(!result.changes.is_empty(), "{}", played.said.join("\n"));
    let planned = rate.count_until(Duration::from_secs(history.run_time_s));
    let accounting = &result.accounting;
    assert_eq!(accounting.planned, Some(planned), "{:?}\n{}", result.changes, played.said.join("\n"));
    let (dropped, missed) = (accounting.dropped, accounting.missed);
    assert_eq!(accounting.iterations_begun + dropped + missed, planned, "{accounting:?}");
    (dropped, missed)
}

#[test]
fn a_rate_changed_by_hand_is_followed_to_the_arrival() {
    let history = History::quiet(20)
        .at(3000, What::Users(30))
        .at(3100, What::Users(-10))
        .at(7000, What::Pause)
        .at(11_000, What::Pause)
        .at(15_000, What::Users(-70));
    assert_eq!(changed(history), (0, 0));
}

#[test]
fn workers_that_join_and_leave_meanwhile_lose_none() {
    let history = History::quiet(24)
        .at(3000, What::Users(30))
        .at(3200, What::Join)
        .at(6000, What::Pause)
        .at(7000, What::Join)
        .at(10_000, What::Pause)
        .at(12_000, What::Users(-20));
    assert_eq!(changed(history), (0, 0));
}

#[test]
fn a_pause_is_kept_while_a_worker_is_lost_and_comes_back() {
    let history = History::quiet(40)
        .at(5000, What::Freeze(0))
        .at(6000, What::Pause)
        .at(14_000, What::Thaw(0))
        .at(18_000, What::Pause);
    let lease = history.lease;
    let (dropped, missed) = changed(history);
    let gap = share(3, lease + Duration::from_secs(3));
    assert!(dropped + missed <= gap, "{dropped} dropped, {missed} missed");
}
