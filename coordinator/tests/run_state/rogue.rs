//! A worker that sends rubbish: it loses its session, after three times its part, and nobody else loses anything.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use stampede_coordinator::run::input::{Effect, Heartbeat, Hello, Input, Person, Progress};
use stampede_coordinator::view::WorkerState;
use stampede_proto::assign::Held;
use stampede_proto::batch::{Batch, Finals, from_wire, to_wire};
use stampede_scenarios::ranks::RankSet;
use stampede_stats::counts::RequestCounts;
use stampede_stats::endpoint::{EndpointDelta, EndpointKey, OTHER};
use stampede_stats::histogram::{TIMES_DIGITS, Times};
use stampede_stats::totals::MAX_ENDPOINTS;

use crate::world::{RUN, World, ends_session, is_over};

/// The one that sends rubbish; workers 0 and 1 are well behaved.
const ROGUE: usize = 2;

/// What is wrong with a batch.
#[derive(Debug, Clone)]
enum Wrong {
    Nothing,
    Number(u64),
    Seconds(u32, u32),
    Run,
    Running(u64),
    InFlight(u64),
    Users(Vec<u32>),
    /// More of everything than anybody can do, consistent in itself.
    Huge(u64),
    Part,
    Draining,
    Names(u32),
    Finals(bool),
}

#[derive(Debug, Clone)]
enum Step {
    /// A well-behaved worker measures and delivers a second.
    Good(usize),
    /// So many tenths of a second pass.
    Pass(u64),
    Register(bool),
    Open,
    Close,
    Beat(Box<Heartbeat>),
    Batch(Wrong),
    /// The one before once more.
    Again,
    NotWellFormed,
}

fn wrong() -> impl Strategy<Value = Wrong> {
    prop_oneof![
        3 => Just(Wrong::Nothing),
        1 => any::<u64>().prop_map(Wrong::Number),
        1 => (any::<u32>(), any::<u32>()).prop_map(|(from, to)| Wrong::Seconds(from, to)),
        1 => (0..9u32, 0..9u32).prop_map(|(from, to)| Wrong::Seconds(from, to)),
        1 => Just(Wrong::Run),
        1 => any::<u64>().prop_map(Wrong::Running),
        1 => any::<u64>().prop_map(Wrong::InFlight),
        1 => prop::collection::vec(any::<u32>(), 0..5).prop_map(Wrong::Users),
        2 => (40..64u32).prop_map(|bits| Wrong::Huge(1 << bits)),
        1 => Just(Wrong::Part),
        1 => Just(Wrong::Draining),
        1 => (1..5000u32).prop_map(Wrong::Names),
        1 => any::<bool>().prop_map(Wrong::Finals),
    ]
}

fn heartbeat() -> impl Strategy<Value = Heartbeat> {
    let progress = prop::sample::select(vec![
        Progress::Idle,
        Progress::Preparing,
        Progress::Ready,
        Progress::Running,
        Progress::Draining,
        Progress::Finished,
        Progress::Failed,
    ]);
    let run = prop::sample::select(vec![RUN, RUN, RUN, "", "another"]);
    // As far as what comes from the wire can go.
    let count = || prop_oneof![0..9u64, 0..1u64 << 53];
    let counts = (count(), count(), count(), count());
    let users = prop::collection::vec(prop_oneof![0..9u32, 0..5_000_000u32], 0..3);
    let held = prop::collection::vec((any::<u16>(), prop::collection::vec(any::<u32>(), 0..9)), 0..3);
    let rest = (any::<bool>(), any::<bool>(), any::<u32>(), any::<u64>(), any::<u32>(), held);
    (progress, run, counts, users, rest).prop_map(|(progress, run, counts, users, rest)| {
        let (wants_iterations, leaving, outbox, revision, ms, held) = rest;
        let held = held.into_iter().map(|(class, ranks)| Held { class, ranks: RankSet::from_sorted(ranks) });
        Heartbeat {
            run: run.to_owned(),
            progress,
            error: "no reason".to_owned(),
            users,
            started: counts.0,
            iterations_begun: counts.1,
            iterations_ended: counts.2,
            iterations_dropped: counts.3,
            wants_iterations,
            users_stopped: outbox,
            // Whoever runs users of a test may end it.
            wants_stop: None,
            outbox,
            memory: u64::MAX,
            slowest_thread: Duration::from_millis(u64::from(ms)),
            round_trip: Some(Duration::from_micros(u64::from(ms))),
            leaving,
            revision,
            held: held.collect(),
            aside: None,
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0..2usize).prop_map(Step::Good),
        2 => (1..30u64).prop_map(Step::Pass),
        1 => any::<bool>().prop_map(Step::Register),
        1 => Just(Step::Open),
        1 => Just(Step::Close),
        3 => heartbeat().prop_map(|beat| Step::Beat(Box::new(beat))),
        6 => wrong().prop_map(Step::Batch),
        1 => Just(Step::Again),
        1 => Just(Step::NotWellFormed),
    ]
}

/// As it would come from the wire: what is not well formed never gets to the state.
fn input(batch: &Batch) -> Input {
    match from_wire(to_wire(batch)) {
        Ok(batch) => Input::Batch { worker: ROGUE, batch: Box::new(batch) },
        Err(error) => Input::BadBatch { worker: ROGUE, why: error.to_string() },
    }
}

fn row(count: u64) -> EndpointDelta {
    let counts = RequestCounts { started: count, sent: count, cancelled: count, ..RequestCounts::default() };
    EndpointDelta { counts, ..EndpointDelta::default() }
}

/// The rogue's next second, with something wrong.
fn rubbish(world: &mut World, wrong: &Wrong) -> Batch {
    let mine = &mut world.workers[ROGUE];
    let before = (mine.number, mine.second, mine.requests, mine.iterations);
    let mut batch = mine.second(4, 3, 1, 0);
    if !matches!(wrong, Wrong::Nothing | Wrong::Huge(_) | Wrong::Names(_) | Wrong::Finals(true)) {
        // It is not going to be applied: the next one is the same again.
        (mine.number, mine.second, mine.requests, mine.iterations) = before;
    }
    let snapshot = &mut batch.snapshot;
    let mut more = |snapshot: &mut BTreeMap<EndpointKey, EndpointDelta>, name: String, count: u64| {
        let delta = row(count);
        mine.requests.add(&delta.counts);
        snapshot.insert(EndpointKey::new("GET", name), delta);
    };
    match wrong {
        Wrong::Nothing => {}
        Wrong::Number(number) => batch.number = *number,
        Wrong::Seconds(from, to) => (snapshot.from_s, snapshot.to_s) = (*from, *to),
        Wrong::Run => "another".clone_into(&mut batch.run),
        Wrong::Running(ok) => batch.running.as_mut().expect("set").requests.ok = *ok,
        Wrong::InFlight(more) => snapshot.gauges.in_flight ^= more,
        Wrong::Users(users) => snapshot.gauges.users.clone_from(users),
        Wrong::Huge(count) => more(&mut snapshot.endpoints, "/huge".to_owned(), *count),
        Wrong::Names(names) => {
            let first = mine.number * 10_000;
            (0..u64::from(*names)).for_each(|n| more(&mut snapshot.endpoints, format!("/{}", first + n), 1));
        }
        Wrong::Part => batch.last_part = false,
        Wrong::Draining => snapshot.draining = true,
        Wrong::Finals(true) => {
            batch.finals = Some(Finals { iterations: mine.iterations, ..Finals::default() });
        }
        Wrong::Finals(false) => batch.finals = Some(Finals::default()),
    }
    if matches!(wrong, Wrong::Huge(_) | Wrong::Names(_)) {
        batch.running.as_mut().expect("set").requests = mine.requests;
    }
    batch
}

/// Takes a step. Whatever it was, only the rogue's session may end.
fn take(world: &mut World, last: &mut Option<Batch>, step: Step) -> Vec<Effect> {
    match step {
        Step::Good(worker) => {
            let effects = world.second(worker, 5, 3, 1);
            assert!(!ends_session(&effects, worker), "{effects:?}");
            effects
        }
        Step::Pass(tenths) => world.pass(tenths * 100, &[0, 1]),
        Step::Register(embedded) => {
            let hello = Hello {
                name: format!("w{ROGUE}"),
                address: "10.0.0.66".to_owned(),
                embedded,
                capacity: 1_000_000,
            };
            world.give(Input::Registered { worker: ROGUE, hello })
        }
        Step::Open => {
            let mut effects = world.give(Input::ControlOpened { worker: ROGUE });
            effects.extend(world.give(Input::ReportOpened { worker: ROGUE }));
            effects
        }
        Step::Close => world.disconnect(ROGUE),
        Step::Beat(heartbeat) => world.give(Input::Heartbeat { worker: ROGUE, heartbeat: *heartbeat }),
        Step::Batch(wrong) => {
            let batch = rubbish(world, &wrong);
            let effects = world.give(input(&batch));
            *last = Some(batch);
            effects
        }
        Step::Again => match last {
            Some(batch) => world.give(input(batch)),
            None => Vec::new(),
        },
        Step::NotWellFormed => {
            world.give(Input::BadBatch { worker: ROGUE, why: "not well formed".to_owned() })
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn whatever_one_sends_the_others_numbers_are_theirs(
        steps in prop::collection::vec(step(), 1..80),
        limited in any::<bool>(),
    ) {
        let load = if limited { "users: 9, spawn_rate: 3, iterations: 100000" } else { "users: 9, spawn_rate: 3" };
        let mut world = World::started(3, load);
        world.pass(100_000, &[0, 1, ROGUE]);
        let mut last = None;
        for step in steps {
            let effects = take(&mut world, &mut last, step);
            if ends_session(&effects, ROGUE) {
                // Whoever carries this out closes its streams.
                world.disconnect(ROGUE);
            }
            for worker in 0..2 {
                prop_assert!(!ends_session(&effects, worker));
            }
            // Every picture can be made, every result be had.
            world.phase();
            world.result();
        }
        world.give(Input::Person(Person::Quit));
        let over = [0, 1].map(|worker| is_over(&world.last(worker)));
        prop_assert!(over.contains(&true) || is_over(&world.pass(40_000, &[0, 1])));
        let result = world.result();
        for worker in 0..2 {
            prop_assert_eq!(result.workers[worker].requests, world.workers[worker].requests.completed());
            prop_assert_eq!(result.workers[worker].state, WorkerState::Finished);
        }
        let of_workers: u64 = result.workers.iter().map(|worker| worker.requests).sum();
        prop_assert_eq!(result.totals.requests().completed(), of_workers);
        prop_assert!(result.totals.endpoints.len() <= MAX_ENDPOINTS + 1);
        let by_second: u64 = result.timeline.points().map(|(_, point)| point.requests).sum();
        prop_assert_eq!(by_second, of_workers);
    }
}

#[test]
fn names_without_end_share_a_row_and_then_end_the_part() {
    let mut world = World::started(3, "users: 9, spawn_rate: 3");
    world.pass(100_000, &[0, 1, ROGUE]);
    world.second(0, 4, 3, 1);
    let mut refused_after = 0;
    for sent in 1..40 {
        let batch = rubbish(&mut world, &Wrong::Names(4000));
        if ends_session(&world.give(input(&batch)), ROGUE) {
            refused_after = sent;
            break;
        }
    }
    assert_eq!(
        refused_after, 17,
        "16 times 4000 names and the one that every worker has are fewer than 65 536"
    );
    for _ in 0..2 {
        let batch = rubbish(&mut world, &Wrong::Number(5_000));
        assert!(ends_session(&world.give(input(&batch)), ROGUE), "it leaves out a few");
    }
    world.disconnect(ROGUE);
    // Its users may run as long as its lease.
    world.pass(5600, &[0, 1]);
    assert_eq!(world.state(ROGUE), WorkerState::Lost);
    world.second(0, 4, 3, 1);
    let result = world.result();
    assert_eq!(result.workers[0].requests, 8);
    assert_eq!(result.totals.endpoints.len(), MAX_ENDPOINTS + 1);
    assert!(result.in_window.len() <= MAX_ENDPOINTS + 1);
    assert!(result.accounting.unknown_by_endpoint.len() <= MAX_ENDPOINTS + 1);
    let other = &result.totals.endpoints[&EndpointKey::new("", OTHER)];
    assert!(other.counts.cancelled > 60_000 && result.totals.overflowed);
}

#[test]
fn a_start_is_not_put_off_by_what_one_worker_says_of_its_line() {
    let mut world = World::new(Some(2), "users: 9, spawn_rate: 3");
    (0..2).for_each(|_| drop(world.join()));
    world.workers[1].heartbeat.round_trip = Some(Duration::from_secs(4000));
    let ready = world.all_ready();
    let start = ready.iter().find_map(|effect| match effect {
        Effect::Order(0, stampede_coordinator::run::input::Order::Start { start_us, .. }) => Some(*start_us),
        _ => None,
    });
    let start = Duration::from_micros(start.expect("it starts"));
    assert!(start <= world.now + Duration::from_secs(5), "at {start:?}, and it is {:?}", world.now);
}

#[test]
fn times_that_are_not_those_of_the_counts_never_arrive() {
    let mut world = World::started(3, "users: 9, spawn_rate: 3");
    let mut batch = world.workers[ROGUE].second(4, 3, 1, 0);
    let mut more = Times::<u32>::new(TIMES_DIGITS);
    (0..4).for_each(|_| more.record(5_000_000));
    batch.snapshot.endpoints.values_mut().for_each(|delta| delta.ok = more.delta());
    assert!(matches!(input(&batch), Input::BadBatch { .. }), "four times and three requests that were ok");
}
