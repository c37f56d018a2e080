//! What of a test is run at all: `--tags`, `--exclude-tags` and `--class`.
//!
//! With `--tags` a task runs if it has one of them, as in Locust; one without tags does not. What is left out is read all the
//! same, so that its mistakes are told. A class of which no task is left does not run.

use std::cell::RefCell;

use super::class::Class;
use super::cx::Cx;
use crate::alias::AliasTable;
use crate::diagnostics::{Diagnostic, closest};
use crate::plan::{ClassPlan, TaskPlan};
use crate::source::Overrides;

/// The choice of the flags, and the tags there are.
#[derive(Debug)]
pub(super) struct Chosen<'a> {
    overrides: &'a Overrides,
    tags: RefCell<Vec<String>>,
}

impl<'a> Chosen<'a> {
    pub(super) fn new(overrides: &'a Overrides) -> Self {
        Self { overrides, tags: RefCell::default() }
    }

    /// Notes the tags of a task.
    pub(super) fn see(&self, tags: &[String]) {
        let mut known = self.tags.borrow_mut();
        for tag in tags {
            if !known.contains(tag) {
                known.push(tag.clone());
            }
        }
    }

    fn takes(&self, task: &TaskPlan) -> bool {
        let has = |wanted: &[String]| task.tags.iter().any(|tag| wanted.contains(tag));
        let Overrides { tags, exclude_tags, .. } = self.overrides;
        (tags.is_empty() || has(tags)) && !has(exclude_tags)
    }

    /// Keeps the tasks that are to run; whether one is left.
    pub(super) fn choose(&self, class: &mut ClassPlan) -> bool {
        let before = class.tasks.len();
        class.tasks.retain(|task| self.takes(task));
        if class.tasks.len() == before {
            return true;
        }
        let shares: Vec<f64> = class.tasks.iter().map(|task| task.share).collect();
        let sum: f64 = shares.iter().sum();
        let Some(table) = AliasTable::new(&shares) else { return false };
        class.task_table = table;
        for task in &mut class.tasks {
            task.share /= sum;
        }
        true
    }

    /// Keeps the classes that are to run; reports what is asked for and not there.
    pub(super) fn apply(&self, classes: &mut Vec<Class>, cx: &Cx<'_>) {
        let (tags, before) = (self.tags.borrow(), cx.count());
        let Overrides { tags: wanted, exclude_tags, class, .. } = self.overrides;
        for (flag, asked) in [("tags", wanted), ("exclude-tags", exclude_tags)] {
            for tag in asked.iter().filter(|tag| !tags.contains(tag)) {
                cx.report(unknown(format!("`--{flag} {tag}`: no task has the tag `{tag}`"), tag, &tags));
            }
        }
        let names: Vec<String> = classes.iter().map(|class| class.plan.name.clone()).collect();
        for name in class.iter().filter(|name| !names.contains(name)) {
            cx.report(unknown(format!("`--class {name}`: there is no user class `{name}`"), name, &names));
        }
        classes.retain(|read| class.is_empty() || class.contains(&read.plan.name));
        let all = classes.len();
        classes.retain(|read| read.has_tasks);
        if all > 0 && classes.is_empty() && cx.count() == before {
            cx.report(Diagnostic::anywhere("no task is left to run").hint(
                "`--tags` takes the tasks that have one of the tags, `--exclude-tags` leaves those out",
            ));
        }
        self.tell(cx);
    }

    fn tell(&self, cx: &Cx<'_>) {
        let Overrides { tags, exclude_tags, class, .. } = self.overrides;
        for (flag, asked) in [("tags", tags), ("exclude-tags", exclude_tags), ("class", class)] {
            if !asked.is_empty() {
                cx.replaced(format!("`--{flag} {}` chose among what the file has", asked.join(",")));
            }
        }
    }
}

fn unknown(text: String, asked: &str, known: &[String]) -> Diagnostic {
    let problem = Diagnostic::anywhere(text);
    match closest(asked, known.iter().map(String::as_str)) {
        Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
        None if known.is_empty() => problem.hint("tags stand beside the steps of a task: `tags: [checkout]`"),
        None => {
            let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            problem.hint(format!("there are {}", known.join(", ")))
        }
    }
}
