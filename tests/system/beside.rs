//! `setup` and `teardown`: once in the whole test, before the first user and behind the last one, in no total.

use crate::support::{Bed, target};

const USERS: &str = r#"
flows:
  reset:
    - post: /kv/run
      body: begun
    - get: /kv/run
      extract: {state: {regex: '\w+'}, kind: {header: content-type}}
setup:
  - call: reset
  - repeat: 3
    steps:
      - get: /
teardown:
  - post: /kv/over
    body: "${state} by ${kind}"
users:
  member:
    tasks:
      main:
        steps:
          - post: /kv/member
            body: "${state}"
          - get: /kv/member
            expect: {body: begun}
"#;

#[test]
fn setup_and_teardown_run_once_whoever_takes_part() {
    for workers in [0, 3] {
        let target = target();
        let bed = Bed::new(&target.url(), USERS);
        bed.run("-u 6 -r 60 -i 30", workers).ended(0);
        let report = bed.report();
        report.adds_up();
        assert_eq!(report.counted("ok"), 60, "what runs once is in no total");
        let counts = target.counts();
        assert_eq!(counts["POST /kv/run"], 1);
        assert_eq!(counts["GET /"], 3);
        assert_eq!(counts["POST /kv/over"], 1);
        assert_eq!((counts["POST /kv/member"], counts["GET /kv/member"]), (30, 30));
        let log = target.log();
        let at = |line: &str| log.iter().position(|entry| format!("{} {}", entry.method, entry.path) == line);
        assert!(at("GET /") < at("POST /kv/member"), "before the first user");
        assert_eq!(log.last().map(|entry| entry.path.as_str()), Some("/kv/over"), "behind the last one");
    }
}

#[test]
fn without_its_setup_a_test_does_not_begin() {
    let target = target();
    let users = USERS.replace("    - post: /kv/run\n", "    - post: /status/500\n");
    let bed = Bed::new(&target.url(), &users);
    let finished = bed.run("-u 6 -r 60 -i 30", 0);
    finished.ended(1);
    assert!(finished.stderr.contains("setup failed"), "{}", finished.stderr);
    assert!(finished.stderr.contains("POST (setup) /status/500: status 500"), "{}", finished.stderr);
    assert_eq!(target.counts().get("POST /kv/member"), None);
    assert_eq!(target.counts().get("POST /kv/over"), None, "what was not set up is not torn down");
}

#[test]
fn a_setup_can_stop_the_run() {
    let target = target();
    let users = USERS.replace("  - repeat: 3\n    steps:\n      - get: /\n", "  - stop: run\n");
    let bed = Bed::new(&target.url(), &users);
    let finished = bed.run("-u 6 -r 60 -i 30", 0);
    finished.ended(1);
    assert!(finished.stderr.contains("setup failed"), "{}", finished.stderr);
    assert!(finished.stderr.contains("`stop: run`"), "{}", finished.stderr);
    assert_eq!(target.counts().get("POST /kv/member"), None);
}

#[test]
fn a_setup_that_gives_too_much_says_so() {
    let target = target();
    let setup = "setup:\n  - get: /bytes/300000\n    extract: {large: {regex: '[^\"]+'}}\n";
    let users = format!("{setup}users: {{member: {{tasks: {{main: {{steps: [get: /]}}}}}}}}\n");
    let bed = Bed::new(&target.url(), &users);
    let finished = bed.run("-u 1 -i 1", 0);
    finished.ended(1);
    assert!(finished.stderr.contains("are the most"), "{}", finished.stderr);
    assert_eq!(target.counts().get("GET /"), None);
}

#[test]
fn what_setup_draws_is_nobody_elses() {
    let target = target();
    let steps =
        r#"[{parallel: 2, steps: [{post: "/kv/${uuid()}", body: x}, {post: "/kv/${uuid()}", body: x}]}]"#;
    let task = "tasks: {main: {steps: [get: /]}}";
    let users = format!(
        "setup: {steps}\nteardown: {steps}\nusers: {{member: {{on_start: {steps}, on_stop: {steps}, {task}}}}}\n"
    );
    let bed = Bed::new(&target.url(), &users);
    bed.run("-u 1 -i 1", 0).ended(0);
    let log = target.log();
    let mut drawn: Vec<_> =
        log.iter().map(|entry| &entry.path).filter(|path| path.starts_with("/kv/")).collect();
    assert_eq!(drawn.len(), 8);
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn.len(), 8, "{drawn:?}");
}

#[test]
fn setup_and_teardown_see_their_own_last_response() {
    let target = target();
    let steps = |path: &str| {
        let then =
            format!("then: [{{post: {path}, body: x}}], else: [{{fail: \"status ${{response.status}}\"}}]");
        format!("[{{get: /}}, {{if: response.status == 200, {then}}}]")
    };
    let (setup, teardown) = (steps("/kv/up"), steps("/kv/down"));
    let users = format!(
        "setup: {setup}\nteardown: {teardown}\nusers: {{member: {{tasks: {{main: {{steps: [get: /]}}}}}}}}\n"
    );
    let bed = Bed::new(&target.url(), &users);
    bed.run("-u 1 -i 1", 0).ended(0);
    let paths: Vec<_> = target.log().into_iter().map(|entry| entry.path).collect();
    assert_eq!(paths, ["/", "/kv/up", "/", "/", "/kv/down"]);
}
