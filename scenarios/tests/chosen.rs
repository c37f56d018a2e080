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
