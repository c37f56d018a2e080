//! What holds and what is the most: rules of the scenario, and the search for the highest rate.

use crate::support::{Bed, target};

/// Five users of 50 ms each take a hundred arrivals a second.
const SEARCH: &str = "
users:
  visitor: {tasks: {wait: {steps: [get: /delay/50]}}}
load:
  max_users: 5
  find_max: {from: 30/s, factor: 4, hold: 2s, verify: 3s, precision: 50%, thresholds: [\"error_rate < 1%\"]}
";

const RULES: &str = "
users:
  visitor: {tasks: {main: {steps: [get: /, get: /status/500]}}}
load: {users: 2, spawn_rate: 10, run_time: 1s}
thresholds:
  - p95 of \"GET /\" < 5s
  - error_rate < 60%
";

#[test]
fn the_highest_rate_is_found() {
    let target = target();
    let bed = Bed::alone(&target.url(), SEARCH);
    bed.run("", 2).ended(0);
    let report = bed.report();
    report.adds_up();
    let found = report.at("/search/found").as_f64().expect("a rate");
    assert!((30.0..120.0).contains(&found), "{}", report.at("/search"));
    assert_eq!(report.at("/search/verified").as_bool(), Some(true));
    let tries = report.list("/search/tries");
    assert!(tries[0]["rate"] == 30.0 && tries[0]["held"] == true, "{tries:?}");
    assert!(tries[1]["rate"] == 120.0 && tries[1]["held"] == false, "{tries:?}");
    assert!(tries[1]["dropped"].as_u64() > Some(0), "{tries:?}");
    assert_eq!(report.at("/run/stop_reason").as_str(), Some("profile"));
    assert_eq!(report.at("/run/verdict").as_str(), Some("passed"));
}

#[test]
fn rules_decide_over_the_exit_code() {
    let target = target();
    let bed = Bed::new(&target.url(), RULES);
    // Half of the requests fail, and that is allowed.
    bed.run("", 0).ended(0);
    let rules = bed.report();
    assert!(
        rules.list("/thresholds").iter().all(|rule| rule["passed"] == true),
        "{:?}",
        rules.list("/thresholds")
    );
    // Who has one bed and asks for another waits for whoever waits for the first.
    drop(bed);
    let strict = Bed::new(&target.url(), &RULES.replace("60%", "40%"));
    strict.run("", 0).ended(99);
    let report = strict.report();
    let rules = report.list("/thresholds");
    assert!(rules[0]["passed"] == true && rules[1]["passed"] == false, "{rules:?}");
    assert_eq!(rules[1]["observed"].as_f64().map(|part| (part * 10.0).round()), Some(5.0));
    assert_eq!(report.at("/run/verdict").as_str(), Some("failed"));
}
