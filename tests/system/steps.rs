//! Steps that are no requests: what each of them makes users do, as the target saw it.

use std::collections::BTreeMap;

use crate::support::{Bed, target};

const ALL: &str = r#"
users:
  member:
    vars: {n: 0, ids: [a, b]}
    tasks:
      main:
        steps:
          - set: {n: 0}
          - repeat: 3
            steps: [get: /]
          - for: id
            in: ids
            steps:
              - post: "/kv/${id}"
                body: x
          - until: n == 3
            steps:
              - get: /bytes/1
              - set: {n: "${n + 1}"}
          - while: n > 1
            every: 1ms
            steps:
              - get: /bytes/2
              - set: {n: "${n - 1}"}
          - parallel: 2
            steps:
              - get: /bytes/3
              - get: /bytes/4
              - post: /echo
                body: x
                extract: {sent: $.method}
          - group: checkout
            steps:
              - post: /echo
                body: "${sent}"
              - choose:
                  - {weight: 1, steps: [get: /bytes/5]}
                  - {weight: 0, steps: [get: /bytes/6]}
          - if: response.status == 200 and response.size == 5
            then:
              - get: /bytes/7
            else:
              - get: /bytes/8
          - log: "through ${n}"
"#;

#[test]
fn users_do_what_every_step_says() {
    for workers in [0, 2] {
        let target = target();
        let bed = Bed::new(&target.url(), ALL);
        bed.run("-u 4 -r 40 -i 8", workers).ended(0);
        let report = bed.report();
        report.adds_up();
        report.is_whole();
        let seen = [
            ("GET /", 3),
            ("GET /bytes/1", 3),
            ("GET /bytes/2", 2),
            ("GET /bytes/3", 1),
            ("GET /bytes/4", 1),
            ("GET /bytes/5", 1),
            ("GET /bytes/7", 1),
            ("POST /echo", 2),
            ("POST /kv/a", 1),
            ("POST /kv/b", 1),
        ];
        let seen: BTreeMap<_, _> = seen.map(|(row, times)| (row.to_owned(), times * 8)).into();
        assert_eq!(target.counts(), seen);
        assert_eq!((report.counted("ok"), report.counted("iterations/completed")), (16 * 8, 8));
        let group = &report.list("/groups")[0];
        assert_eq!(
            (&group["name"], &group["requests"], &group["failures"]),
            (&"checkout".into(), &8.into(), &0.into())
        );
    }
}

#[test]
fn a_run_ends_when_its_users_have_stopped_or_want_it() {
    for (step, iterations) in [("stop: user", Some(3)), ("stop: run", None)] {
        let target = target();
        let users = format!(
            "users: {{v: {{wait: 1ms, tasks: {{t: {{steps: [{{get: /}}, {{{step}}}, {{get: /me}}]}}}}}}}}\n"
        );
        let bed = Bed::new(&target.url(), &users);
        bed.run("-u 3 -r 300 -t 100s", 1).ended(0);
        let report = bed.report();
        report.adds_up();
        assert_eq!(report.text("/run/stop_reason"), "scenario");
        let begun = report.counted("iterations/begun");
        assert!(iterations.map_or((1..=3).contains(&begun), |iterations| begun == iterations), "{begun}");
        assert_eq!(target.counts(), BTreeMap::from([("GET /".to_owned(), begun)]));
    }
}

#[test]
fn failures_without_a_request_are_told() {
    let target = target();
    let users = r"
users:
  v:
    tasks:
      buy:
        steps:
          - get: /
          - group: pay
            steps:
              - get: /status/500
              - fail: no stock
              - get: /bytes/1
";
    let bed = Bed::new(&target.url(), users);
    bed.run("-u 1 -i 5", 0).ended(1);
    let report = bed.report();
    report.adds_up();
    assert_eq!(
        (report.counted("ok"), report.counted("failed"), report.counted("iterations/failed")),
        (10, 5, 5)
    );
    assert_eq!(report.by_kind(), BTreeMap::from([("fail".to_owned(), 5), ("status".to_owned(), 5)]));
    let of_task = report.list("/errors").iter().find(|error| error["kind"] == "fail").expect("the step's");
    assert_eq!(
        (&of_task["method"], &of_task["name"], &of_task["message"]),
        (&"TASK".into(), &"buy".into(), &"no stock".into())
    );
    assert_eq!(report.list("/groups")[0]["failures"], 5);
}

#[test]
fn a_user_that_fails_begins_anew_with_another_life() {
    let target = target();
    let users = r#"
users:
  v:
    on_start:
      - post: "/kv/start-${user.life}"
        body: x
    tasks:
      t:
        steps:
          - get: /status/500
            on_failure: restart_user
          - get: /me
"#;
    let bed = Bed::new(&target.url(), users);
    bed.run("-u 1 -i 3", 1).ended(1);
    let lives = (0..3).map(|life| (format!("POST /kv/start-{life}"), 1));
    let seen: BTreeMap<_, _> = lives.chain([("GET /status/500".to_owned(), 3)]).collect();
    assert_eq!(target.counts(), seen);
}
