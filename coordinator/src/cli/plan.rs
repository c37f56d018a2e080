//! `coordinator plan`: which worker runs which user when, without running it.

use std::fmt::Write as _;
use std::io::Write;

use serde::Serialize;
use stampede_scenarios::plan::Plan;
use stampede_scenarios::schedule::{Change, by_second, changes};

use super::args::PlanArgs;
use super::exit::Error;
use super::prepare::{Chosen, compiled, overrides};

/// Rows of the table; a longer course is cut, and says so.
const MAX_ROWS: usize = 10_000;

/// One start or stop, as a line of JSON.
#[derive(Debug, Serialize)]
struct Line<'a> {
    t: f64,
    slot: u32,
    class: &'a str,
    worker: u32,
    change: &'static str,
}

/// Shows the plan.
pub(super) fn plan(args: &PlanArgs) -> Result<(), Error> {
    let chosen = Chosen::file(&args.scenario)?;
    let plan = compiled(&chosen, &overrides(&args.load))?;
    let workers = args.workers as usize;
    let changes = changes(&plan.load.profile, &plan.load.sequence, workers, plan.load.run_time);
    let text = if args.json { lines(&plan, &changes)? } else { table(&plan, &changes, workers) };
    // A closed pipe (`| head`) is the reader's wish.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    Ok(())
}

fn lines(plan: &Plan, changes: &[Change]) -> Result<String, Error> {
    let mut text = String::new();
    for change in changes {
        let line = Line {
            t: change.t.as_secs_f64(),
            slot: change.slot,
            class: plan.classes.get(usize::from(change.class)).map_or("", |class| class.name.as_str()),
            worker: change.worker,
            change: if change.start { "start" } else { "stop" },
        };
        text.push_str(&serde_json::to_string(&line).map_err(|error| Error::System(error.to_string()))?);
        text.push('\n');
    }
    Ok(text)
}

/// Users by worker and class for each second.
fn table(plan: &Plan, changes: &[Change], workers: usize) -> String {
    let classes: Vec<_> = plan.classes.iter().map(|class| class.name.as_str()).collect();
    let mut text = String::new();
    let mut head = format!("{:>6}  {:>7}", "second", "users");
    for worker in 0..workers {
        for class in &classes {
            let _ = write!(head, "  {:>w$}", format!("{worker}:{class}"), w = width(class));
        }
    }
    let _ = writeln!(text, "{head}");
    let mut rows = by_second(changes, workers, classes.len());
    for row in rows.by_ref().take(MAX_ROWS) {
        let _ = write!(text, "{:>6}  {:>7}", row.second, row.total());
        for users in &row.users {
            for (class, count) in classes.iter().zip(users) {
                let _ = write!(text, "  {count:>w$}", w = width(class));
            }
        }
        text.push('\n');
    }
    if rows.next().is_some() {
        let _ = writeln!(text, "… and more seconds; `--json` shows every change");
    }
    text
}

/// Columns of a class: `worker:class`, at least room for a number of users.
fn width(class: &str) -> usize {
    (class.chars().count() + 3).max(7)
}
