//! Steps become a flat program: what each verb is made into, where its jumps lead, and what is said of mistakes.

use std::fmt::Write;

use stampede_scenarios::compile::compile;
use stampede_scenarios::plan::{LoopKind, NamePlan, OnFailure, Op, Plan, Program, RowKind, TaskOrder};
use stampede_scenarios::source::{Overrides, Source};

/// One mistake to a step.
const WRONG: &str = r#"
- call: a
- call: lgoin
- call: [a]
- if: ok
- if: "'text'"
  then: []
- if: [ok]
  then: []
- if: ok
  thne: []
- repeat: x
  steps: []
- repeat: 20000
  steps: [get: /]
- repeat: -1
  steps: [get: /]
- for: id
  steps: []
- for: given
  in: ids
  steps: []
- for: 9
  in: price
  steps: []
- during: 30
  steps: []
- until: ok
  step: []
- while: ok
  every: soon
  steps: []
- choose: {weight: 8}
- choose: []
- choose:
    - {weight: 0, steps: []}
    - {weight: 0, steps: []}
- choose:
    - {wieght: 1, steps: []}
- parallel: 0
  steps: [get: /]
- parallel: 2
  steps:
    - parallel: 2
      steps: []
- group: [a]
  steps: []
- set: 3
- set: {given: 1, user: 2}
- log: {a: b}
- fail:
- stop: usr
- stop: task
  max: 3
- get:/
- get: /
  on_failure: stop
- request: GROUP /x
- call: a
  steps: []
"#;

fn compiled(text: &str) -> Result<Plan, String> {
    compile(&Source::new("t.yaml", text), &Overrides::default(), &|_| None, 7)
        .map_err(|problems| problems.to_string())
}

fn of_steps(rest: &str, steps: &str) -> Result<Plan, String> {
    let indented: String = steps.lines().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "          {line}");
        out
    });
    compiled(&format!(
        "target: http://a\n{rest}users:\n  v:\n    vars: {{price: 1, ids: [a, b], state: new, n: 3, ok: true}}\n    tasks:\n      main:\n        steps:\n{indented}"
    ))
}

/// A program, one instruction to a line, with the numbers that jumps lead to.
fn listing(plan: &Plan, program: &Program, indent: usize, out: &mut String) {
    for (at, op) in program.ops.iter().enumerate() {
        let _ = write!(out, "{:indent$}{at}: ", "");
        let row = |id: u32| {
            let row = &plan.endpoints[id as usize];
            format!("{:?} {} {}", row.kind, row.method, row.name)
        };
        let _ = match op {
            Op::Request(request) => {
                let NamePlan::Static(id) = &request.name else { panic!("a static name") };
                let what = match request.on_failure {
                    OnFailure::Continue => String::new(),
                    other => format!(" or {other:?}"),
                };
                writeln!(out, "{}{what}", row(id.0))
            }
            Op::Think(wait) => writeln!(out, "think {wait:?}"),
            Op::Set(set) => writeln!(out, "set {} #{}", set.name, set.variable.0),
            Op::Log { text, .. } => writeln!(out, "log {:?}", text.as_static()),
            Op::Fail(fail) => writeln!(out, "fail {} {:?}", row(fail.row.0), fail.message.as_static()),
            Op::Stop(what) => writeln!(out, "stop {what:?}"),
            Op::Jump(to) => writeln!(out, "jump {to}"),
            Op::JumpUnless { to, .. } => writeln!(out, "unless, jump {to}"),
            Op::Loop(plan) => {
                let kind = match &plan.kind {
                    LoopKind::Repeat(_) => "repeat".to_owned(),
                    LoopKind::For { variable, .. } => format!("for #{}", variable.0),
                    LoopKind::While(_) => "while".to_owned(),
                    LoopKind::Until(_) => "until".to_owned(),
                    LoopKind::During(time) => format!("during {time:?}"),
                };
                writeln!(out, "{kind}, max {}, every {:?}, end {}", plan.max, plan.every, plan.end)
            }
            Op::Again(to) => writeln!(out, "again {to}"),
            Op::Choose(choose) => writeln!(out, "choose {:?}", choose.targets),
            Op::GroupStart(id) => writeln!(out, "start {}", row(id.0)),
            Op::GroupEnd => writeln!(out, "end of group"),
            Op::Parallel(parallel) => {
                let _ = writeln!(out, "parallel {} step {}", parallel.at_once, parallel.step);
                for branch in &parallel.branches {
                    let _ = writeln!(out, "{:indent$}  branch", "");
                    listing(plan, branch, indent + 4, out);
                }
                Ok(())
            }
        };
    }
}

fn program(steps: &str) -> String {
    let plan = of_steps("flows: {login: [post: /login, call: inner], inner: [get: /inner]}\n", steps)
        .unwrap_or_else(|wrong| panic!("{wrong}"));
    let mut out = String::new();
    listing(&plan, &plan.classes[0].tasks[0].program, 0, &mut out);
    out
}

#[test]
fn what_branches_and_repeats_becomes_jumps() {
    insta::assert_snapshot!(program(
        r"
- if: ok
  then:
    - post: /coupon
    - if: ${ok}
      then: [get: /deep]
  else:
    - log: cheap
- if: ok
  then: []
- repeat: 3
  steps: [get: /cart]
- for: id
  in: ids
  steps:
    - while: ok
      max: 50
      steps: [get: /cheaper]
    - until: ok
      every: 1s
      max: 60
      steps: [get: /state]
- during: 30s
  steps: [get: /tick]
- choose:
    - {weight: 8, steps: [get: /a]}
    - {weight: 2, steps: []}
- parallel: 4
  steps:
    - get: /a.js
    - repeat: 2
      steps: [get: /b.css]
- group: checkout
  steps: [post: /pay, post: /confirm]
- parallel: 2
  steps: [get: /c]
"
    ));
}

#[test]
fn what_takes_no_time_and_calls() {
    insta::assert_snapshot!(program(
        r#"
- call: login
- set: {total: "${n}", list: [1, "${n}"], plain: 3}
- think: 1s..2s
- fail: no stock
- stop: user
- get: /
  on_failure: stop_task
- request: purge /cache
  on_failure: restart_user
- call: login
"#
    ));
}

#[test]
fn setup_and_teardown_have_rows_of_their_own() {
    let plan = of_steps(
        "flows: {reset: [{post: /reset, extract: {id: $.id}}]}\nsetup:\n  - call: reset\n  - group: g\n    steps: [get: /warm]\n  - get: /maybe\n    on_failure: continue\nteardown:\n  - post: /gone/${id}\n    extract: {left: $.left}\n  - fail: what\n",
        "- get: /${id}",
    )
    .unwrap_or_else(|wrong| panic!("{wrong}"));
    let aside = plan.aside.as_ref().expect("there is one");
    let mut out = String::from("setup\n");
    listing(&plan, &aside.on_start, 2, &mut out);
    out.push_str("teardown\n");
    listing(&plan, &aside.on_stop, 2, &mut out);
    insta::assert_snapshot!(out);
    let names = |list: &[stampede_scenarios::variables::VariablePlan]| {
        list.iter().map(|plan| (plan.name.clone(), plan.is_shared)).collect::<Vec<_>>()
    };
    assert_eq!(names(&aside.variables), [("id".to_owned(), true), ("left".to_owned(), false)]);
    assert_eq!(names(&plan.classes[0].variables), [("id".to_owned(), true)]);
    assert!(plan.endpoints.iter().filter(|row| row.kind == RowKind::Request).count() == 1);
}

#[test]
fn a_class_has_an_order() {
    for (text, order) in [
        ("weighted", TaskOrder::Weighted),
        ("sequential", TaskOrder::Sequential),
        ("shuffled", TaskOrder::Shuffled),
    ] {
        let text =
            format!("target: http://a\nusers: {{v: {{order: {text}, tasks: {{t: {{steps: [get: /]}}}}}}}}");
        assert_eq!(compiled(&text).map(|plan| plan.classes[0].order), Ok(order));
    }
}

#[test]
fn mistakes_in_steps_are_answered() {
    let rest = "flows:\n  a: [call: b]\n  b:\n    - call: a\n  c: [gte: /]\n  d: [get: \"/${unknown}\"]\nsetup:\n  - get: /s\n    extract: {given: $.g}\n  - get: /${user.id}/${iteration}\n";
    let problems = of_steps(rest, WRONG).expect_err("it is wrong");
    insta::assert_snapshot!(problems);
}

#[test]
fn flows_cannot_grow_without_bound() {
    let mut rest = String::from("flows:\n");
    for number in 0..30 {
        let _ = writeln!(rest, "  f{number}: [call: f{0}, call: f{0}]", number + 1);
    }
    rest.push_str("  f30: [get: /]\n");
    let problems = of_steps(&rest, "- call: f0").expect_err("it is too long");
    insta::assert_snapshot!(problems);
}
