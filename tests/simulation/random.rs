//! Histories drawn from seeds. `SIMULATION_SEED=N` plays that one alone, `SIMULATION_RUNS=N` so many.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use stampede_coordinator::result::StopReason;

use crate::history::{History, What};
use crate::laws::{absent, lawful};
use crate::world::play;

/// Histories of one test, unless told otherwise.
const RUNS: u64 = 25;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

fn check(seed: u64) {
    let history = History::drawn(seed);
    let played = lawful(&history, play);
    if played.conducted.result.stop_reason == StopReason::NoWorkers {
        return;
    }
    // Users asked for by hand change how many there are; how many is not this test's question.
    let by_hand = history.events.iter().any(|(_, what)| matches!(what, What::Users(_)));
    let users = if by_hand || history.rate.is_some() { 0 } else { history.users };
    let absent = absent(&history, &played, users);
    assert!(
        absent.is_empty(),
        "{absent:?} are not there at the end\n{history:?}\n{}",
        played.said.join("\n")
    );
}

/// Every `step`-th seed from `first` on.
#[expect(clippy::print_stderr, reason = "shown by the test runner beside the failure")]
fn check_all(first: u64, step: u64) {
    let seeds: Vec<u64> = match number("SIMULATION_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("SIMULATION_RUNS").unwrap_or(RUNS)).map(|nth| first + step * nth).collect(),
    };
    for seed in seeds {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(seed))) {
            eprintln!(
                "to play it again: SIMULATION_SEED={seed} cargo test -p stampede-tests --test simulation random"
            );
            resume_unwind(panic);
        }
    }
}

#[test]
fn drawn_histories_keep_the_laws() {
    check_all(0, 2);
}

#[test]
fn drawn_histories_keep_the_laws_too() {
    check_all(1, 2);
}
