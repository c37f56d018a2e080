//! Load profiles one after the other, a formula of the time, steps, a hold and a warm-up: who was there, when it ended, and what
//! was counted where.

use std::collections::BTreeSet;

use crate::support::{Bed, seen, target};

const LOAD: &str = "
users: {v: {wait: 20ms, tasks: {t: {steps: [{get: /, headers: {x-user: '${user.id}'}}]}}}}
load:
  - {users: 2, spawn_rate: 100/s, run_time: 1s, warmup: 500ms}
  - {users: '${2 + (4 * t) | int}', run_time: 1s}
  - {stages: [{to: 3, over: 0s}, {by: 1, every: 200ms, to: 5}], hold: 400ms}
";

#[test]
fn profiles_follow_each_other_and_the_warm_up_is_apart() {
    for workers in [0, 2] {
        let target = target();
        let bed = Bed::new(&target.url(), LOAD);
        bed.run("", workers).ended(0);
        let report = bed.report();
        report.adds_up();
        report.is_whole();
        assert_eq!(report.text("/run/stop_reason"), "profile");
        assert_eq!(report.number("/users/peak"), 5);
        let users: BTreeSet<String> =
            target.log().iter().map(|entry| entry.headers["x-user"].clone()).collect();
        assert_eq!(users, ["0", "1", "2", "3", "4"].map(str::to_owned).into());
        let warm = report.number("/accounting/warmup/requests");
        assert!(warm > 0, "it is counted");
        assert_eq!(report.counted("ok") + warm, seen(&target), "both together are what the target saw");
        let measured = report.at("/run/duration_s").as_f64().expect("a number");
        let whole = report.at("/run/run_time_s").as_f64().expect("a number");
        assert!((whole - measured - 0.5).abs() < 0.001, "{whole} s in all, {measured} s of them measured");
    }
}
