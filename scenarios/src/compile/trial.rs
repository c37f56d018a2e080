//! `coordinator try`: the same test for one user and one pass.
//!
//! The user is the first of one class. It goes through each task once, in the order of the file, without the pauses between
//! them. All else stays: `setup`, `on_start`, think times, what is drawn and what is expected.

use std::time::Duration;

use super::cx::Cx;
use super::schema::listed;
use crate::alias::AliasTable;
use crate::diagnostics::{Diagnostic, closest};
use crate::plan::{ClassPlan, Plan, TaskOrder};
use crate::profile::Profile;
use crate::rate::Rate;
use crate::sequence::{ClassSequence, ClassShare};
use crate::source::Trial;
use crate::wait::Wait;

/// Makes a trial of a plan; what is named and not there is reported.
pub(super) fn apply(plan: &mut Plan, trial: &Trial, cx: &Cx<'_>) {
    let names: Vec<&str> = plan.classes.iter().map(|class| class.name.as_str()).collect();
    let chosen = match &trial.class {
        None => Some(0),
        Some(name) => find("user class", name, &names, cx),
    };
    let Some(class) = chosen.and_then(|chosen| plan.classes.get_mut(chosen)) else { return };
    if let Some(name) = &trial.task {
        let tasks: Vec<&str> = class.tasks.iter().map(|task| task.name.as_str()).collect();
        let Some(task) = find("task", name, &tasks, cx) else { return };
        only(class, task);
    }
    class.wait = Wait::None;
    class.order = TaskOrder::Sequential;
    class.pipeline = 1;
    let passes = class.tasks.iter().filter(|task| task.share > 0.0).count();
    let share =
        |number: usize| if Some(number) == chosen { ClassShare::Count(1) } else { ClassShare::Count(0) };
    let shares: Vec<ClassShare> = (0..plan.classes.len()).map(share).collect();
    plan.load.sequence = ClassSequence::new(&shares);
    plan.load.open = None;
    if let Some(rate) = Rate::new(1, 1) {
        plan.load.profile = Profile::ramp(1, rate);
    }
    plan.load.run_time = None;
    plan.load.ends_with_profile = false;
    plan.load.parts.clear();
    plan.load.warmup = Duration::ZERO;
    plan.load.iterations = u64::try_from(passes).ok();
    // There is nobody to hurry.
    plan.load.stop_timeout = Duration::from_secs(60);
    plan.replaced.clear();
}

fn only(class: &mut ClassPlan, task: usize) {
    class.tasks = class.tasks.drain(..).skip(task).take(1).collect();
    for task in &mut class.tasks {
        task.share = 1.0;
    }
    if let Some(table) = AliasTable::new(&[1.0]) {
        class.task_table = table;
    }
}

fn find(what: &str, name: &str, names: &[&str], cx: &Cx<'_>) -> Option<usize> {
    let found = names.iter().position(|known| *known == name);
    if found.is_none() {
        let problem = Diagnostic::anywhere(format!("there is no {what} `{name}`"));
        cx.report(match closest(name, names.iter().copied()) {
            Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
            None => problem.hint(format!("there is {}", listed(names))),
        });
    }
    found
}
