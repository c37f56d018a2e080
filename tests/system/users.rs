//! Users: who starts when, on which worker, as what; and that each of them does what its seed says.

use std::collections::BTreeMap;

use demo_target::LogEntry;
use serde_json::Value;

use crate::support::{Bed, target};

/// How far a start may be from its instant.
const PRECISION_US: i64 = 20_000;

fn header<'a>(entry: &'a LogEntry, name: &str) -> &'a str {
    entry.headers.get(name).map_or("", String::as_str)
}

/// Each user's first request: (µs since the target's start, class). None may come twice.
fn arrivals(log: &[LogEntry]) -> BTreeMap<usize, (i64, String)> {
    let mut users = BTreeMap::new();
    for entry in log {
        let user = header(entry, "x-user").parse().expect("a number");
        let arrival = (i64::try_from(entry.t_us).expect("not for ever"), header(entry, "x-class").to_owned());
        assert_eq!(users.insert(user, arrival), None, "user {user} came twice");
    }
    users
}

/// Users come at `rate` a second, give or take [`PRECISION_US`].
fn on_time(users: &BTreeMap<usize, (i64, String)>, rate: usize) {
    let due = |user: usize| i64::try_from(user * 1_000_000 / rate).expect("not for ever");
    let mut offsets: Vec<_> = users.iter().map(|(user, (at, _))| at - due(*user)).collect();
    offsets.sort_unstable();
    let start = offsets[offsets.len() / 2];
    for (user, (at, _)) in users {
        let late = at - start - due(*user);
        assert!(late.abs() <= PRECISION_US, "user {user} came {late} µs after its instant; all: {offsets:?}");
    }
}

/// Class by slot, after a look at how evenly the slots are dealt: at each prefix, totals and classes differ by one.
fn dealt(plan: &[Value], workers: usize) -> Vec<String> {
    let mut classes = Vec::new();
    let mut totals = vec![0; workers];
    let mut by_class = BTreeMap::<String, Vec<i32>>::new();
    let differ = |counts: &[i32]| counts.iter().max().zip(counts.iter().min()).map_or(0, |(a, b)| a - b);
    for line in plan.iter().filter(|line| line["change"] == "start") {
        let class = line["class"].as_str().expect("a class").to_owned();
        let worker = usize::try_from(line["worker"].as_u64().expect("a worker")).expect("a number of one");
        assert_eq!(line["slot"].as_u64(), Some(classes.len() as u64), "slots start in order");
        let users = by_class.entry(class.clone()).or_insert_with(|| vec![0; workers]);
        users[worker] += 1;
        totals[worker] += 1;
        assert!(differ(users) <= 1 && differ(&totals) <= 1, "{class}: {users:?} of {totals:?} at {line}");
        classes.push(class);
    }
    classes
}

fn check(classes: &str, flags: &str, rate: usize, expected: &[(&str, usize)]) {
    let target = target();
    let bed = Bed::alone(&target.url(), classes);
    bed.run(&format!("{flags} --spawn-rate {rate}"), 3).ended(0);
    let users = arrivals(&target.log());
    on_time(&users, rate);

    let plan = bed.plan(&format!("{flags} --spawn-rate {rate} --workers 3"));
    let came: Vec<_> = users.values().map(|(_, class)| class.clone()).collect();
    assert_eq!(came, dealt(&plan, 3));
    for (class, count) in expected {
        assert_eq!(came.iter().filter(|came| came == class).count(), *count, "{class}");
    }
    let report = bed.report();
    report.adds_up();
    report.is_whole();
    assert_eq!(report.number("/users/peak"), users.len() as u64);
    for (class, count) in expected {
        assert_eq!(report.number(&format!("/users/classes/{class}")), *count as u64, "{class}");
    }
    let third = users.len() as u64 / 3;
    for worker in report.list("/workers") {
        assert!((third..=third + 1).contains(&worker["users_peak"].as_u64().expect("a count")), "{worker:#}");
    }
}

const START: &str = r#"on_start: [{get: /, headers: {x-user: "${user.id}", x-class: "${user.class}"}}]"#;

#[test]
fn users_start_on_the_dot_and_are_dealt_evenly() {
    let classes =
        format!("users: {{visitor: {{{START}, wait: 60s, tasks: {{idle: {{steps: [think: 60s]}}}}}}}}");
    check(&classes, "--users 60 --run-time 7s --stop-timeout 0", 10, &[("visitor", 60)]);
}

#[test]
fn classes_are_mixed_as_planned() {
    let class = |share: &str| format!("{{{share}, {START}, tasks: {{idle: {{steps: [think: 60s]}}}}}}");
    let (a, b, c) = (class("weight: 20"), class("weight: 25"), class("count: 2"));
    let classes = format!("users:\n  a: {a}\n  b: {b}\n  fixed: {c}\n");
    let expected = [("a", 20), ("b", 25), ("fixed", 2)];
    check(&classes, "--users 47 --run-time 3s --stop-timeout 0", 20, &expected);
}

const WALK: &str = r#"
defaults:
  headers:
    x-user: "${user.id}"
    x-val: "${random.int(1, 1000000)}"
    x-iteration: "${iteration}"
users:
  walker:
    wait: 20ms..80ms
    tasks:
      one: {weight: 3, steps: [get: /bytes/1]}
      two: {weight: 2, steps: [get: /bytes/2, think: 5ms..10ms, post: /echo]}
      three: {steps: [get: /status/404]}
  runner:
    wait: 50ms
    tasks:
      four: {steps: [get: /bytes/4]}
      five: {steps: [get: "/bytes/${random.int(5, 9)}"]}
"#;

type Courses = BTreeMap<String, Vec<(String, String, String)>>;

/// What each user did, in order.
fn courses(log: &[LogEntry]) -> Courses {
    let mut courses = Courses::new();
    for entry in log {
        let step = (entry.path.clone(), header(entry, "x-val").into(), header(entry, "x-iteration").into());
        courses.entry(header(entry, "x-user").to_owned()).or_default().push(step);
    }
    courses
}

#[test]
fn the_same_seed_is_the_same_course_on_any_number_of_workers() {
    let targets = [target(), target(), target()];
    let bed = Bed::new(&targets[0].url(), WALK);
    let course = |index: usize, flags: &str, workers| {
        let flags = format!("-u 9 -r 30 -t 2500ms --host {} {flags}", targets[index].url());
        bed.run(&flags, workers).ended(1);
        courses(&targets[index].log())
    };
    let one = course(0, "--seed 7", 1);
    let three = course(1, "--seed 7", 3);
    let other = course(2, "--seed 8", 1);
    assert_eq!((one.len(), three.len(), other.len()), (9, 9, 9));
    for (user, steps) in &one {
        let so_far = |other: &Courses| steps.len().min(other[user].len());
        let (same, different) = (so_far(&three), so_far(&other));
        assert!(same >= 10 && different >= 10, "user {user} did only {same} steps");
        assert_eq!(steps[..same], three[user][..same], "user {user}");
        assert_ne!(steps[..different], other[user][..different], "user {user} with another seed");
    }
    assert_ne!(one["0"], one["1"], "users are not each other's copies");
}
