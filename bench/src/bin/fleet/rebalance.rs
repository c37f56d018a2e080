//! How long it takes to deal a large test anew: a million slots of twenty classes on a thousand seats, one worker lost, another
//! one joined, and everybody's share written down. What a run's one task does while it answers nobody.

use std::fmt::Write;
use std::time::{Duration, Instant};

use stampede_coordinator::dispatch::{Dispatch, Moment};
use stampede_proto::assign::{Assign, to_wire};
use stampede_proto::steer::Steer;
use stampede_scenarios::profile::Profile;
use stampede_scenarios::rate::Rate;

use prost::Message;

use crate::meter::spread;

const SLOTS: u32 = 1_000_000;
const SEATS: u16 = 1000;
const CLASSES: u32 = 20;

/// Times each of it is done; the first is the slowest as memory is new.
const ROUNDS: u32 = 7;

/// What one round took.
#[derive(Debug, Default)]
struct Took {
    fresh: Vec<Duration>,
    lose: Vec<Duration>,
    lose_and_shares: Vec<Duration>,
    join: Vec<Duration>,
    join_and_shares: Vec<Duration>,
    to_wire: Vec<Duration>,
}

/// Deals and prints the figures.
#[expect(clippy::print_stdout, reason = "a benchmark is there to say something")]
pub(crate) fn run() -> Result<(), String> {
    let equal = vec![1; usize::from(SEATS)];
    let unequal: Vec<_> = (0..u32::from(SEATS)).map(|seat| 1 + seat % 8).collect();
    for (name, capacities) in [("equal capacities", equal), ("capacities 1 to 8", unequal)] {
        let mut took = Took::default();
        for _ in 0..ROUNDS {
            round(&capacities, &mut took)?;
        }
        println!("{}", told(name, took));
    }
    Ok(())
}

fn round(capacities: &[u32], took: &mut Took) -> Result<(), String> {
    let users = (0..SLOTS).map(|slot| {
        let class = u16::try_from(slot % CLASSES).unwrap_or(0);
        (class, slot / CLASSES)
    });
    let rate = Rate::new(10_000, 1).ok_or("a rate")?;
    // All of them run, and have for long.
    let at = Duration::from_secs(600);
    let m = Moment { at, running: SLOTS, ahead: SLOTS, ever: SLOTS, rate };
    let begun = Instant::now();
    let mut dispatch = Dispatch::fresh(capacities, users);
    took.fresh.push(begun.elapsed());

    let begun = Instant::now();
    dispatch.lose(usize::from(SEATS / 2), &m);
    took.lose.push(begun.elapsed());
    let mut seats: Vec<_> = (0..usize::from(SEATS)).collect();
    drop(dispatch.shares_of_first(SLOTS, &seats, at));
    took.lose_and_shares.push(begun.elapsed());

    let begun = Instant::now();
    let joined = dispatch.join(1, &m);
    took.join.push(begun.elapsed());
    seats.push(joined);
    let shares = dispatch.shares_of_first(SLOTS, &seats, at);
    took.join_and_shares.push(begun.elapsed());
    if dispatch.counts(joined).granted + dispatch.on_their_way(&m) == 0 {
        return Err("who joined gets nothing".to_owned());
    }

    let profile = Profile::ramp(SLOTS, rate);
    let begun = Instant::now();
    let bytes: usize = shares
        .into_iter()
        .map(|(_, share)| Assign {
            run: "bench".to_owned(),
            revision: share.revision,
            profile: profile.clone(),
            grants: share.grants,
            open: None,
            cut: share.cut,
            steer: Steer::default(),
        })
        .map(|assign| to_wire(&assign, &profile).encode_to_vec().len())
        .sum();
    took.to_wire.push(begun.elapsed());
    if bytes == 0 { Err("nothing to tell".to_owned()) } else { Ok(()) }
}

fn told(name: &str, took: Took) -> String {
    let mut text = format!("{SLOTS} slots, {SEATS} seats, {CLASSES} classes, {name}, {ROUNDS} rounds");
    let rows = [
        ("the first deal", took.fresh),
        ("one lost", took.lose),
        ("one lost, and all shares", took.lose_and_shares),
        ("one joined", took.join),
        ("one joined, and all shares", took.join_and_shares),
        ("those shares encoded", took.to_wire),
    ];
    for (what, times) in rows {
        // Writing to a string does not fail.
        let _ = write!(text, "\n  {what}: {}", spread(times));
    }
    text
}
