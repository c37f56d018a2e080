//! Histories written by hand, one for each way in which a fleet is known to fail.

use std::time::Duration;

use stampede_coordinator::result::StopReason;

use crate::history::{History, What};
use crate::laws::{absent, lawful, take_over};
use crate::world::{Played, play};

/// It ends by itself, with every user there, and so many of them in a later life than their first.
fn ends_well(history: &History, moved: usize) -> Played {
    let played = lawful(history, play);
    let result = &played.conducted.result;
    let said = || format!("{:?}\n{}", result.notes, played.said.join("\n"));
    assert_eq!(result.stop_reason, StopReason::RunTime, "{}", said());
    assert_eq!(
        absent(history, &played, history.users),
        Vec::<u32>::new(),
        "not there at the end: {}",
        said()
    );
    assert_eq!(played.ledger.moved(), moved, "moved: {}", said());
    played
}

/// No slot was without a user for longer than this.
fn at_most_silent(played: &Played, most: Duration) {
    let longest = played.ledger.longest_silence();
    let holds = longest.is_none_or(|(_, silent, _)| silent <= most);
    assert!(holds, "{longest:?} and at most {most:?}\n{}", played.said.join("\n"));
}

#[test]
fn nothing_happens() {
    let played = ends_well(&History::quiet(12), 0);
    assert_eq!(played.conducted.result.users_peak, 12);
    at_most_silent(&played, Duration::from_secs(2));
}

#[test]
fn the_same_history_comes_out_the_same() {
    let history = History::quiet(20).at(3000, What::Freeze(1)).at(9500, What::Thaw(1)).at(11_000, What::Join);
    let [first, second] = [(); 2].map(|()| lawful(&history, play));
    assert_eq!(first.said, second.said);
    assert_eq!(first.ledger.requests, second.ledger.requests);
}

#[test]
fn a_partition_shorter_than_the_lease_is_not_noticed() {
    let history =
        History::quiet(20).at(5000, What::StandUp(1)).at(5000, What::StandDown(1)).at(9000, What::Heal(1));
    let played = ends_well(&history, 0);
    at_most_silent(&played, Duration::from_secs(2));
}

#[test]
fn after_a_longer_one_users_run_elsewhere_and_what_was_kept_arrives() {
    let history =
        History::quiet(40).at(5000, What::StandUp(1)).at(5000, What::StandDown(1)).at(16_000, What::Heal(1));
    let played = ends_well(&history, 4);
    at_most_silent(&played, take_over(&history, 4));
}

#[test]
fn a_worker_that_is_not_heard_is_lost_though_it_hears() {
    let history = History::quiet(40).at(5000, What::StandUp(2)).at(16_000, What::Heal(2));
    at_most_silent(&ends_well(&history, 4), take_over(&history, 4));
}

#[test]
fn a_worker_that_does_not_hear_holds_and_is_not_lost_while_it_is_heard() {
    // What it says is answered, so the coordinator counts on it; it holds its users until the answers arrive.
    let history = History::quiet(40).at(5000, What::StandDown(2)).at(13_000, What::Heal(2));
    ends_well(&history, 0);
}

#[test]
fn late_acknowledgements_lose_and_double_nothing() {
    let history = History::quiet(40)
        .at(3000, What::SlowAcks(0, Duration::from_millis(3500)))
        .at(8000, What::Cut(0))
        .at(15_000, What::SlowAcks(0, Duration::from_secs(9)))
        .at(25_000, What::Heal(0));
    at_most_silent(&ends_well(&history, 0), Duration::from_secs(2));
}

#[test]
fn a_slow_line_is_only_slow() {
    let history = History::quiet(20)
        .at(2000, What::Slow(0, Duration::from_millis(400)))
        .at(2000, What::Slow(1, Duration::from_millis(150)))
        .at(12_000, What::Heal(0));
    at_most_silent(&ends_well(&history, 0), Duration::from_secs(2));
}

#[test]
fn a_coordinator_that_was_stopped_declares_nobody_lost() {
    let history = History::quiet(40).at(6000, What::FreezeCoordinator).at(14_000, What::ThawCoordinator);
    let played = ends_well(&history, 0);
    let notes = &played.conducted.result.notes;
    assert!(!notes.iter().any(|note| note.contains("is lost")), "{notes:?}");
}

#[test]
fn a_worker_frozen_for_less_than_its_lease_goes_on() {
    let history = History::quiet(20).at(6000, What::Freeze(0)).at(9000, What::Thaw(0));
    at_most_silent(&ends_well(&history, 0), Duration::from_secs(5));
}

#[test]
fn a_worker_frozen_for_longer_comes_back_without_its_users() {
    let history = History::quiet(40).at(6000, What::Freeze(0)).at(14_000, What::Thaw(0));
    at_most_silent(&ends_well(&history, 4), take_over(&history, 4));
}

#[test]
fn all_of_them_frozen_but_one() {
    let history = History::quiet(40)
        .at(6000, What::Freeze(0))
        .at(6500, What::Freeze(1))
        .at(15_000, What::Thaw(0))
        .at(16_000, What::Thaw(1));
    at_most_silent(&ends_well(&history, 8), take_over(&history, 8));
}

#[test]
fn a_worker_that_joins_takes_its_share() {
    let history = History::quiet(20).at(6000, What::Join);
    let played = lawful(&history, play);
    let result = &played.conducted.result;
    assert_eq!(absent(&history, &played, 12), Vec::<u32>::new());
    assert_eq!((result.workers.len(), result.workers[3].users_peak), (4, 3), "{:?}", result.workers);
    assert!(result.workers[3].requests > 0);
}

#[test]
fn a_worker_that_leaves_hands_its_users_over() {
    let history = History::quiet(20).at(6000, What::GoAway(1));
    // At once: there is no lease to wait for.
    at_most_silent(&ends_well(&history, 4), Duration::from_secs(5));
}

#[test]
fn a_killed_worker_is_missing_from_its_last_seconds_on() {
    let history = History::quiet(20).at(6300, What::Kill(1));
    let played = ends_well(&history, 4);
    at_most_silent(&played, take_over(&history, 4));
    let missing = &played.conducted.result.accounting.missing;
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert_eq!(missing[0].worker, "w1");
    assert!((5..=6).contains(&missing[0].from_s), "{missing:?}");
}

#[test]
fn what_an_older_line_still_carried_counts_once() {
    let history = History::quiet(30)
        .at(5300, What::Hold(0))
        .at(7000, What::Leave(0))
        .at(9000, What::Release(0))
        .at(12_000, What::Hold(2))
        .at(13_500, What::Leave(2))
        .at(13_900, What::Hold(2))
        .at(14_800, What::Leave(2))
        .at(16_500, What::Release(2));
    at_most_silent(&ends_well(&history, 0), Duration::from_secs(2));
}

#[test]
fn a_line_that_breaks_again_and_again_moves_nobody() {
    let cuts = (0..12).map(|nth| 2000 + nth * 1100);
    let history = cuts.fold(History::quiet(30), |history, at| history.at(at, What::Cut((at % 3) as usize)));
    at_most_silent(&ends_well(&history, 0), Duration::from_secs(2));
}

#[test]
fn lost_twice_in_one_run() {
    let history = History::quiet(60)
        .at(4000, What::Freeze(0))
        .at(12_000, What::Thaw(0))
        .at(20_000, What::Freeze(1))
        .at(28_000, What::Thaw(1));
    let played = lawful(&history, play);
    assert_eq!(absent(&history, &played, 12), Vec::<u32>::new());
    at_most_silent(&played, take_over(&history, 6));
}

#[test]
fn no_more_iterations_begin_than_were_asked_for() {
    let mut history =
        History::quiet(60).at(2000, What::Freeze(0)).at(6000, What::Thaw(0)).at(6500, What::Cut(1));
    history.iterations = Some(500);
    let played = lawful(&history, play);
    let result = &played.conducted.result;
    assert_eq!((result.totals.iterations.begun, result.stop_reason), (500, StopReason::Iterations));
    assert_eq!((result.accounting.planned, result.accounting.missed), (Some(500), 0));
}

#[test]
fn iterations_a_killed_worker_held_are_named() {
    let mut history = History::quiet(60).at(4300, What::Kill(2));
    history.iterations = Some(600);
    let played = lawful(&history, play);
    let accounting = &played.conducted.result.accounting;
    let begun = played.ledger.all_iterations(0..3).begun;
    assert!(begun <= 600, "{begun} begun");
    assert_eq!(
        accounting.iterations_begun + accounting.dropped + accounting.missed,
        600,
        "{accounting:?}\n{}",
        played.said.join("\n")
    );
}
