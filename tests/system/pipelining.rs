//! `pipeline`: several iterations of a user are out at once over one connection; every one of them is counted.

use crate::support::{Bed, seen, target};

const PIPELINED: &str = "
users:
  visitor:
    defaults: {pipeline: 8}
    tasks:
      read: {weight: 3, steps: [get: /]}
      write: {steps: [{post: /kv/7, body: value}]}
      head: {steps: [head: /bytes/100]}
load: {users: 5, spawn_rate: 100}
";

#[test]
fn every_request_is_answered_and_counted() {
    let target = target();
    let bed = Bed::new(&target.url(), PIPELINED);
    bed.run("-i 4000", 2).ended(0);
    let report = bed.report();
    report.adds_up();
    assert_eq!((report.counted("iterations/completed"), seen(&target)), (4000, 4000));
    assert_eq!(report.by_endpoint(), target.counts());
    assert_eq!(report.at("/targets/0/connections"), 5, "a connection for each user");
}

#[test]
fn requests_behind_a_connection_that_ends_have_failed() {
    let target = target();
    let users = "
users:
  visitor:
    defaults: {pipeline: 4}
    tasks:
      read: {weight: 9, steps: [get: /]}
      last: {steps: [get: /close]}
load: {users: 2, spawn_rate: 100}
";
    let bed = Bed::new(&target.url(), users);
    bed.run("-i 300", 0).ended(1);
    let report = bed.report();
    report.adds_up();
    let (failed, ok) = (report.counted("failed"), report.counted("ok"));
    assert_eq!(failed + ok, 300);
    assert!(failed > 0 && ok > 0, "{failed} failed, {ok} ok");
    for error in report.list("/errors") {
        assert!(["closed", "reset"].contains(&error["kind"].as_str().expect("a kind")), "{error}");
    }
}

#[test]
fn what_is_out_at_the_end_is_cancelled() {
    let target = target();
    let users = "
users:
  visitor:
    defaults: {pipeline: 4}
    tasks: {hang: {steps: [get: /hang]}}
load: {users: 3, spawn_rate: 100, run_time: 1s, stop_timeout: 300ms}
";
    let bed = Bed::new(&target.url(), users);
    bed.run("", 0).ended(1);
    let report = bed.report();
    report.adds_up();
    assert_eq!((report.counted("cancelled"), report.counted("sent")), (12, 12));
}

#[test]
fn a_request_without_its_value_is_not_made() {
    let target = target();
    let users = r#"
users:
  visitor:
    defaults: {pipeline: 4}
    on_start:
      - get: /
        extract: {token: {header: x-no-such-header}}
    tasks:
      with: {steps: [get: "/kv/${token}"]}
load: {users: 2, spawn_rate: 100}
"#;
    let bed = Bed::new(&target.url(), users);
    bed.run("-i 20", 0).ended(1);
    let report = bed.report();
    report.adds_up();
    assert_eq!((report.counted("iterations/failed"), report.counted("iterations/completed")), (20, 0));
    assert_eq!((report.counted("started"), seen(&target)), (2, 2), "only what `on_start` asks for");
}
