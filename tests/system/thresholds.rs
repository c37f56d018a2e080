//! Rules while a test runs: over windows, that end it, of a user class, and against an earlier run.

use std::fs;

use crate::support::{Bed, Finished, Process, coordinator, target};

/// The target fails from `from` to `to`, in ms since its setup.
fn failing(from: u32, to: u32, rest: &str) -> String {
    format!(
        "
setup:
  - set: {{start: \"${{now.millis()}}\"}}
users:
  visitor:
    wait: 20ms
    tasks:
      main:
        steps:
          - set: {{age: \"${{now.millis() - start}}\"}}
          - get: \"/status/${{500 if age > {from} and age < {to} else 200}}\"
            name: /status
{rest}"
    )
}

#[test]
fn a_target_that_begins_to_fail_ends_the_run() {
    let target = target();
    let rules = "
load: {users: 4, spawn_rate: 100, run_time: 5m}
thresholds:
  - p95 < 10s
  - error_rate < 50% for 2s or stop
";
    let bed = Bed::new(&target.url(), &failing(10_500, 1_000_000, rules));
    let finished = bed.run("", 2);
    finished.ended(99);
    let report = bed.report();
    report.adds_up();
    assert_eq!(report.text("/run/stop_reason"), "threshold");
    assert!(report.at("/run/duration_s").as_f64() < Some(300.0), "{:#}", report.at("/run"));
    let rules = report.list("/thresholds");
    assert!(rules[0]["passed"] == true && rules[1]["passed"] == false, "{rules:#?}");
    assert!(rules[0]["ended_at_s"].is_null() && rules[1]["ended_at_s"].as_f64() > Some(10.0), "{rules:#?}");
    assert_eq!(
        rules[1]["window"]["to_s"].as_u64(),
        rules[1]["window"]["from_s"].as_u64().map(|from| from + 2)
    );
    let said = "threshold: error_rate < 50% for 2s or stop, at ";
    let notes = report.list("/notes");
    assert!(notes.iter().any(|note| note.as_str().is_some_and(|note| note.starts_with(said))), "{notes:?}");
    assert!(finished.stdout.contains("and ended the run at 00:"), "{}", finished.stdout);
}

#[test]
fn a_window_breaks_although_the_run_holds() {
    let target = target();
    let rules = "
load: {users: 4, spawn_rate: 100, run_time: 6s}
thresholds:
  - error_rate < 70%
  - error_rate < 70% for 1s
";
    // However long after its setup the run begins: one whole second of it fails, and two thirds of it do not.
    let bed = Bed::new(&target.url(), &failing(2000, 4000, rules));
    bed.run("", 0).ended(99);
    let report = bed.report();
    let rules = report.list("/thresholds");
    assert!(rules[0]["passed"] == true && rules[1]["passed"] == false, "{rules:#?}");
    assert_eq!(rules[1]["observed"].as_f64(), Some(1.0), "{rules:#?}");
    assert_eq!(report.text("/run/stop_reason"), "run_time");
}

const CLASSES: &str = "
users:
  quick: {tasks: {main: {steps: [get: /]}}, wait: 20ms}
  slow:  {tasks: {main: {steps: [get: /delay/1000, get: /status/500]}}}
  other: {tasks: {main: {steps: [get: /]}}, wait: 20ms}
load: {users: 6, spawn_rate: 100, run_time: 4s}
thresholds:
  - p50 of class quick < 500ms
  - error_rate of class quick == 0
  - max of class slow < 500ms
  - ttfb.max of class slow >= 500ms for 2s
";

#[test]
fn a_rule_of_a_class_is_of_its_users() {
    let target = target();
    let bed = Bed::new(&target.url(), CLASSES);
    bed.run("", 2).ended(99);
    let report = bed.report();
    report.adds_up();
    report.is_whole();
    let passed: Vec<_> = report.list("/thresholds").iter().map(|rule| rule["passed"] == true).collect();
    assert_eq!(passed, [true, true, false, true], "{:#?}", report.list("/thresholds"));
    // The class that no rule is of has no row; the slow one has what its two requests have.
    let classes = report.list("/classes");
    assert_eq!(classes.iter().map(|row| &row["name"]).collect::<Vec<_>>(), ["quick", "slow"]);
    let of_slow = |row: &&serde_json::Value| row["name"] != "/";
    for count in ["requests", "failures", "bytes_in", "bytes_out"] {
        let rows = report.list("/endpoints").iter().filter(of_slow);
        let both: u64 = rows.map(|row| row[count].as_u64().expect("a count")).sum();
        assert_eq!(classes[1][count].as_u64(), Some(both), "{count}");
    }
}

/// `ms` until the target answers.
const DELAYED: &str = "
vars: {ms: 20}
users:
  visitor: {tasks: {main: {steps: [{get: \"/delay/${ms}\", name: /delay}]}}}
load: {users: 2, spawn_rate: 100, run_time: 2s}
";

/// Runs it with rules that allow times to be three times those of `base.json`.
fn compared(bed: &Bed, flags: &str, rules: &[&str]) -> Finished {
    let mut command = bed.coordinator(flags);
    command.args(["--threads", "1", "--baseline", "base.json"]);
    for rule in rules {
        command.args(["--threshold", rule]);
    }
    Finished::of(&mut Process::start(command))
}

#[test]
fn a_run_is_compared_with_an_earlier_one() {
    let target = target();
    let bed = Bed::new(&target.url(), DELAYED);
    bed.run("", 0).ended(0);
    fs::rename(bed.dir.path().join("report.json"), bed.dir.path().join("base.json")).expect("it was written");
    let rules = ["p50 of \"GET /delay\" within 300% of baseline", "requests within 90% of baseline"];
    compared(&bed, "", &rules).ended(0);
    compared(&bed, "--var ms=1000", &rules).ended(99);
    let report = bed.report();
    let judged = report.list("/thresholds");
    assert!(judged.iter().all(|rule| rule["passed"] == false), "{judged:#?}");
    let words = judged[0]["rule"].as_str().expect("a text");
    assert!(words.starts_with(&format!("{} (≤ ", rules[0])) && words.ends_with(" ms)"), "{words}");
    // What cannot be compared is said before anything runs.
    let before = target.counts();
    let none = compared(&bed, "", &["p95 of group \"cart\" within 10% of baseline", rules[0]]);
    none.ended(10);
    assert!(none.stderr.contains("there is no group `cart`"), "{}", none.stderr);
    let class = compared(&bed, "", &["p95 of class visitor within 10% of baseline"]);
    class.ended(2);
    assert!(class.stderr.contains("that run has no class `visitor`"), "{}", class.stderr);
    assert_eq!(target.counts(), before);
}

#[test]
fn a_test_of_one_url_can_have_rules() {
    let target = target();
    let bed = Bed::new(&target.url(), DELAYED);
    for (rule, code) in [("requests > 1000000", 99), ("error_rate < 1%", 0)] {
        let mut command = coordinator(bed.dir.path());
        command.arg(target.url()).args(["--headless", "--bind", "127.0.0.1:0", "--threads", "1", "-t", "1s"]);
        command.args(["--wait", "50ms", "--threshold", rule]);
        Finished::of(&mut Process::start(command)).ended(code);
    }
}
