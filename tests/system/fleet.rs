//! Workers that join, leave, freeze and are killed in mid-run: users go on elsewhere, no user lives twice, and every count is
//! what the target saw.

use std::collections::{BTreeMap, BTreeSet};

use demo_target::{DemoTarget, LogEntry};
use rustix::process::Signal;

use crate::support::process::until;
use crate::support::{Bed, Finished, Process, more, seen, target, worker};

/// Requests that say whose they are.
const NAMED: &str = "users: {visitor: {wait: 20ms, tasks: {main: {steps: [{get: /, headers: {x-user: '${user.id}', x-life: '${user.life}'}}]}}}}";

/// What the target saw: (user, life), in order of arrival.
fn lives(target: &DemoTarget) -> Vec<(u32, u32)> {
    let number = |entry: &LogEntry, name: &str| entry.headers[name].parse().expect("a number");
    target.log().iter().map(|entry| (number(entry, "x-user"), number(entry, "x-life"))).collect()
}

/// Requests that came after the first of a later life of the same user.
fn begun_after_the_next_life(lives: &[(u32, u32)]) -> usize {
    let mut newest = BTreeMap::new();
    let is_old = |&&(user, life): &&(u32, u32)| {
        let known = newest.entry(user).or_insert(life);
        *known = life.max(*known);
        life < *known
    };
    lives.iter().filter(is_old).count()
}

/// How many users there are whose newest life is not their first.
fn moved(lives: &[(u32, u32)]) -> usize {
    let later: BTreeSet<_> = lives.iter().filter(|(_, life)| *life > 0).map(|(user, _)| user).collect();
    later.len()
}

/// Waits until all of `users` have been seen once more.
fn all_there(target: &DemoTarget, users: u32) {
    let before = target.log().len();
    until("a request of every user", || {
        let since: BTreeSet<_> = lives(target).split_off(before).into_iter().map(|(user, _)| user).collect();
        since.len() == users as usize
    });
}

fn names(coordinator: &Process, address: &str, bed: &Bed, name: &str) -> Process {
    let mut command = worker(bed.dir.path(), address, name);
    command.arg("--once");
    let process = Process::start(command);
    coordinator.said(&format!("worker {name} joined at second"));
    process
}

#[test]
fn the_users_of_a_killed_worker_start_again_on_the_others() {
    let target = target();
    let bed = Bed::new(&target.url(), NAMED);
    let (mut coordinator, mut workers) = bed.start("-u 12 -r 60 -t 9s --lease 1s", 3);
    all_there(&target, 12);
    // Everybody has said how many users there are.
    coordinator.said("users 12/12");
    workers[1].signal(Signal::KILL);
    assert_eq!(workers[1].end(), None);
    coordinator.said("worker w1 disconnected");
    coordinator.said("its 4 users start again on the others at 60/s");
    all_there(&target, 12);
    let finished = Finished::of(&mut coordinator);
    finished.ended(13);
    let (report, lives) = (bed.report(), lives(&target));
    report.adds_up();
    assert_eq!((moved(&lives), begun_after_the_next_life(&lives)), (4, 0));

    // What the target saw and the report lacks is that worker's, and was begun in the seconds that are named.
    let lacks = seen(&target) - report.counted("sent");
    let row = report.list("/workers").iter().find(|row| row["name"] == "w1").expect("its row");
    let gone: BTreeSet<u32> = lives.iter().filter(|(_, life)| *life > 0).map(|(user, _)| *user).collect();
    let log = target.log();
    let its: Vec<_> =
        log.iter().zip(&lives).filter(|(_, (user, life))| *life == 0 && gone.contains(user)).collect();
    let delivered = row["requests"].as_u64().expect("a count");
    assert_eq!(its.len() as u64, delivered + lacks, "{row:#}");
    let missing = report.list("/accounting/missing_intervals");
    assert_eq!((missing.len(), &missing[0]["worker"]), (1, &row["name"]), "{missing:?}");
    let start = log[0].t_us;
    let second = |entry: &LogEntry| (entry.t_us - start) / 1_000_000;
    let (from, to) = (missing[0]["from_s"].as_u64().expect("set"), missing[0]["to_s"].as_u64().expect("set"));
    for (entry, _) in &its[usize::try_from(delivered).expect("few")..] {
        // The log's clock begins with the first request, a moment after run time zero.
        assert!(second(entry) + 1 >= from && second(entry) < to, "{} not in {missing:?}", second(entry));
    }
}

#[test]
fn a_short_freeze_moves_nobody_and_misses_nothing() {
    let target = target();
    let bed = Bed::new(&target.url(), NAMED);
    let (mut coordinator, workers) = bed.start("-u 9 -r 90 -t 6s", 3);
    all_there(&target, 9);
    workers[2].signal(Signal::STOP);
    // About two seconds of the other two.
    more(&target, 500);
    workers[2].signal(Signal::CONT);
    let finished = Finished::of(&mut coordinator);
    finished.ended(0);
    let (report, lives) = (bed.report(), lives(&target));
    report.adds_up();
    report.is_whole();
    assert_eq!(report.counted("sent"), seen(&target));
    assert_eq!((moved(&lives), begun_after_the_next_life(&lives)), (0, 0));
}

#[test]
fn who_freezes_past_its_lease_finds_its_users_elsewhere_and_delivers_what_it_kept() {
    let target = target();
    let bed = Bed::new(&target.url(), NAMED);
    let (mut coordinator, workers) = bed.start("-u 9 -r 90 -t 9s --lease 1s", 3);
    all_there(&target, 9);
    workers[2].signal(Signal::STOP);
    coordinator.said("worker w2 is lost since second");
    all_there(&target, 9);
    workers[2].signal(Signal::CONT);
    coordinator.said("worker w2 is back");
    let finished = Finished::of(&mut coordinator);
    finished.ended(0);
    let (report, lives) = (bed.report(), lives(&target));
    report.adds_up();
    assert_eq!(report.at("/run/complete"), true, "{:#}", report.at("/accounting"));
    assert_eq!(report.counted("sent"), seen(&target));
    assert_eq!(moved(&lives), 3);
    // One load thread was frozen: between its look at the lease and its write it may have been at one request.
    assert!(begun_after_the_next_life(&lives) <= 1, "{lives:?}");
}

#[test]
fn who_joins_takes_its_share_and_who_leaves_hands_it_on() {
    let target = target();
    let bed = Bed::new(&target.url(), NAMED);
    let (mut coordinator, workers) = bed.start("-u 12 -r 120 -t 8s", 1);
    all_there(&target, 12);
    let mut late = names(&coordinator, &coordinator.address(), &bed, "late");
    until("the joiner's users", || moved(&lives(&target)) == 6);
    // Some three seconds.
    more(&target, 1500);
    all_there(&target, 12);
    late.signal(Signal::TERM);
    coordinator.said("worker late left at second");
    assert_eq!(late.end(), Some(0));
    all_there(&target, 12);
    let finished = Finished::of(&mut coordinator);
    finished.ended(0);
    let (report, lives) = (bed.report(), lives(&target));
    report.adds_up();
    assert_eq!(report.at("/run/complete"), true, "{:#}", report.at("/accounting"));
    assert_eq!((report.counted("sent"), report.counted("cancelled")), (seen(&target), 0));
    assert_eq!(report.number("/users/peak"), 12, "nobody is there twice");
    assert_eq!(begun_after_the_next_life(&lives), 0);
    let requests = |row: &serde_json::Value| row["requests"].as_u64() > Some(100);
    assert!(report.list("/workers").iter().all(requests), "{:#}", report.at("/workers"));
    drop(workers);
}

/// Numbers that look drawn, the same in every run.
struct Draws(u64);

impl Draws {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }
}

/// One worker process of a history.
struct Actor {
    process: Process,
    frozen: bool,
}

/// Something happens to one of the workers, or one comes. Returns whether a worker was killed.
fn step(draws: &mut Draws, actors: &mut Vec<Actor>, come: impl FnOnce() -> Process) -> bool {
    let thawed = actors.iter().filter(|actor| !actor.frozen).count();
    let (what, who) = (draws.below(5), draws.below(actors.len().max(1)));
    match what {
        0 if actors.len() < 4 => actors.push(Actor { process: come(), frozen: false }),
        1 if thawed > 1 && !actors[who].frozen => {
            let mut actor = actors.remove(who);
            actor.process.signal(Signal::TERM);
            assert_eq!(actor.process.end(), Some(0));
        }
        2 if thawed > 1 && !actors[who].frozen => {
            let mut actor = actors.remove(who);
            actor.process.signal(Signal::KILL);
            assert_eq!(actor.process.end(), None);
            return true;
        }
        3 if thawed > 1 && !actors[who].frozen => {
            actors[who].process.signal(Signal::STOP);
            actors[who].frozen = true;
        }
        _ => {
            for actor in actors.iter_mut().filter(|actor| actor.frozen) {
                actor.process.signal(Signal::CONT);
                actor.frozen = false;
            }
        }
    }
    false
}

/// A course of random events; the identities hold whatever they are.
fn history(seed: u64) {
    let target = target();
    let bed = Bed::new(&target.url(), NAMED);
    let (mut coordinator, workers) = bed.start("-u 12 -r 60 -t 9s --lease 1s --stop-timeout 2s", 3);
    let address = coordinator.address();
    let mut actors: Vec<_> = workers.into_iter().map(|process| Actor { process, frozen: false }).collect();
    all_there(&target, 12);
    let (mut draws, mut killed) = (Draws(seed), 0_usize);
    for number in 0..5 {
        let come = || {
            let mut command = worker(bed.dir.path(), &address, &format!("late{number}"));
            command.arg("--once");
            Process::start(command)
        };
        killed += usize::from(step(&mut draws, &mut actors, come));
        // Some time passes, as the target sees it: at least one worker is always well.
        more(&target, 60 + draws.below(200) as u64);
    }
    for actor in &mut actors {
        if std::mem::take(&mut actor.frozen) {
            actor.process.signal(Signal::CONT);
        }
    }
    let finished = Finished::of(&mut coordinator);
    assert!(!finished.stderr.contains("panicked"), "{}", finished.stderr);
    let (report, lives) = (bed.report(), lives(&target));
    report.adds_up();
    let missing = report.list("/accounting/missing_intervals").len();
    assert!(missing <= killed, "seed {seed}: {:#}", report.at("/accounting"));
    assert!(finished.code == Some(if missing > 0 { 13 } else { 0 }), "{seed}: {}", finished.stderr);
    assert!(report.counted("sent") <= seen(&target), "seed {seed}");
    if killed == 0 {
        assert_eq!(report.counted("sent"), seen(&target), "seed {seed}");
    }
    assert!(begun_after_the_next_life(&lives) <= 2, "seed {seed}: {}", begun_after_the_next_life(&lives));
}

#[test]
fn random_histories_a() {
    (0..3).for_each(history);
}

#[test]
fn random_histories_b() {
    (3..6).for_each(history);
}

#[test]
fn random_histories_c() {
    (6..10).for_each(history);
}
