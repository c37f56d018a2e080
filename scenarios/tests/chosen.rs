//! `--tags`, `--exclude-tags` and `--class`: which tasks of which classes a plan is left with.

use stampede_scenarios::compile::compile;
use stampede_scenarios::source::{Overrides, Source};

const FILE: &str = "
target: http://a
users:
  shopper:
    weight: 3
    tasks:
      browse: {weight: 6, tags: [read, smoke], steps: [get: /]}
      buy: {weight: 2, tags: checkout, steps: [post: /buy]}
      look: {weight: 2, steps: [get: /look]}
  admin:
    tasks:
      stock: {tags: [smoke], steps: [get: /stock]}
load: {users: 4}
";

fn chosen(tags: &[&str], exclude: &[&str], class: &[&str]) -> Result<Vec<String>, String> {
    let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let overrides = Overrides {
        tags: owned(tags),
        exclude_tags: owned(exclude),
        class: owned(class),
        ..Overrides::default()
    };
    let plan =
        compile(&Source::new("t.yaml", FILE), &overrides, &|_| None, 7).map_err(|wrong| wrong.to_string())?;
    let tasks = |class: &stampede_scenarios::plan::ClassPlan| {
        let of = |task: &stampede_scenarios::plan::TaskPlan| format!("{} {:.2}", task.name, task.share);
        format!("{}: {}", class.name, class.tasks.iter().map(of).collect::<Vec<_>>().join(", "))
    };
    assert_eq!(plan.load.sequence.counts_of_prefix(4).len(), plan.classes.len());
    Ok(plan.classes.iter().map(tasks).collect())
}

#[test]
fn only_what_is_asked_for_is_left() {
    let all = ["shopper: browse 0.60, buy 0.20, look 0.20", "admin: stock 1.00"];
    for (tags, exclude, class, left) in [
        (&[][..], &[][..], &[][..], &all[..]),
        (&["smoke"], &[], &[], &["shopper: browse 1.00", "admin: stock 1.00"]),
        (&["read", "checkout"], &[], &[], &["shopper: browse 0.75, buy 0.25"]),
        (&[], &["smoke"], &[], &["shopper: buy 0.50, look 0.50"]),
        (&["smoke"], &["read"], &[], &["admin: stock 1.00"]),
        (&[], &[], &["shopper"], &all[..1]),
    ] {
        assert_eq!(
            chosen(tags, exclude, class).as_deref(),
            Ok(&left.iter().map(|&text| text.to_owned()).collect::<Vec<_>>()[..])
        );
    }
}

#[test]
fn what_is_not_there_is_answered() {
    let wrong = |result: Result<Vec<String>, String>| result.expect_err("it is not there");
    let all = [
        wrong(chosen(&["smok"], &[], &[])),
        wrong(chosen(&["smoke"], &["smoke"], &[])),
        wrong(chosen(&[], &[], &["buyer"])),
    ];
    insta::assert_snapshot!(all.join("\n"));
}

/// The rows that rules of classes ask for: those of the classes, and those of the whole plan.
fn class_rows(more: &str, overrides: &Overrides) -> (Vec<Option<String>>, usize) {
    let text = format!("{FILE}{more}");
    let plan = compile(&Source::new("t.yaml", text), overrides, &|_| None, 7);
    let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
    let name = |row: stampede_scenarios::plan::EndpointId| plan.endpoints[row.0 as usize].name.clone();
    let all = plan.endpoints.iter().filter(|row| row.kind == stampede_scenarios::plan::RowKind::Class);
    (plan.classes.iter().map(|class| class.row.map(name)).collect(), all.count())
}

#[test]
fn only_classes_that_a_rule_is_of_have_a_row() {
    let none = Overrides::default();
    let shopper = || Some("shopper".to_owned());
    assert_eq!(class_rows("", &none), (vec![None, None], 0));
    let rules = "thresholds: [p95 of class shopper < 1s, rps of class shopper > 5 for 10s, p95 < 1s]";
    assert_eq!(class_rows(rules, &none), (vec![shopper(), None], 1));
    // That of a flag, which travels to the workers.
    let flag = Overrides { thresholds: vec!["p50 of class admin < 1s".to_owned()], ..Overrides::default() };
    assert_eq!(class_rows("", &flag), (vec![None, Some("admin".to_owned())], 1));
    // One that is not to run has none, and its rule is no mistake.
    let only = Overrides { class: vec!["shopper".to_owned()], ..flag };
    assert_eq!(class_rows("", &only), (vec![None], 0));
    let search = "target: http://a\nusers: {shopper: {tasks: {t: {steps: [get: /]}}}}\nload: {find_max: {from: 1/s, thresholds: [p95 of class shopper < 1s]}}";
    let plan = compile(&Source::new("t.yaml", search), &none, &|_| None, 7).expect("a plan");
    assert!(plan.classes[0].row.is_some());
}

#[test]
fn rules_on_the_command_line_are_checked_as_those_of_the_file_are() {
    let rules =
        ["p95 of class shoper < 1s", "p95 of \"GET /lok\" < 1s", "p95 of group \"x\" < 1s", "p95 < 1"];
    let thresholds = rules.map(str::to_owned).to_vec();
    let overrides = Overrides { thresholds, ..Overrides::default() };
    let wrong =
        compile(&Source::new("t.yaml", FILE), &overrides, &|_| None, 7).expect_err("none of them is there");
    insta::assert_snapshot!(wrong.to_string());
}
