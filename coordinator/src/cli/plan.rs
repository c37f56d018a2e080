//! `coordinator plan`: which worker runs which user when, or begins how many arrivals, without running it.

use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

use serde::Serialize;
use stampede_scenarios::arrivals::{Arrival, owner, schedule};
use stampede_scenarios::plan::Plan;
use stampede_scenarios::schedule::{Change, SecondRow, by_second, changes};

use super::args::PlanArgs;
use super::exit::Error;
use super::prepare::{Chosen, compiled, overrides};

/// Rows of the table; a longer course is cut, and says so.
const MAX_ROWS: usize = 10_000;

/// Up to this length a course is shown second by second.
const EVERY_SECOND: Duration = Duration::from_secs(600);

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
    if plan.load.open.is_some() {
        return arrivals(&plan, workers, args.json);
    }
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

/// One arrival, as a line of JSON.
#[derive(Debug, Serialize)]
struct ArrivalLine<'a> {
    t: f64,
    arrival: u64,
    class: &'a str,
    lane: u16,
    worker: usize,
}

/// Shows the arrivals, until the run time is over or all have come.
fn arrivals(plan: &Plan, workers: usize, json: bool) -> Result<(), Error> {
    let until = plan.load.run_time.unwrap_or(Duration::MAX);
    if plan.load.run_time.is_none() && plan.load.iterations.is_none() {
        let text = "arrivals without an end: say how many are to be shown, with --run-time or --iterations";
        return Err(Error::Usage(text.to_owned()));
    }
    let schedule = schedule(plan).into_iter().flatten().take_while(|arrival| arrival.due < until);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if json {
        for arrival in schedule {
            let class = plan.classes.get(usize::from(arrival.class)).map_or("", |class| class.name.as_str());
            let worker = owner(arrival.lane, workers);
            let (t, lane) = (arrival.due.as_secs_f64(), arrival.lane);
            let shown = ArrivalLine { t, arrival: arrival.number, class, lane, worker };
            let text = serde_json::to_string(&shown).map_err(|error| Error::System(error.to_string()))?;
            if writeln!(out, "{text}").is_err() {
                // A closed pipe (`| head`) is the reader's wish.
                return Ok(());
            }
        }
    } else {
        let _ = out.write_all(arrivals_table(plan, schedule, workers).as_bytes());
    }
    let _ = out.flush();
    Ok(())
}

/// Arrivals by worker and class that come due in each second.
fn arrivals_table(plan: &Plan, schedule: impl Iterator<Item = Arrival>, workers: usize) -> String {
    let classes = plan.classes.len();
    let mut text = head(plan, workers, "arrivals");
    let mut schedule = schedule.peekable();
    for second in 0..MAX_ROWS as u64 {
        if schedule.peek().is_none() {
            return text;
        }
        let mut counts = vec![0_u64; workers * classes];
        while let Some(arrival) = schedule.next_if(|arrival| arrival.due.as_secs() == second) {
            let place = owner(arrival.lane, workers) * classes + usize::from(arrival.class);
            if let Some(count) = counts.get_mut(place) {
                *count += 1;
            }
        }
        let _ = write!(text, "{second:>6}  {:>8}", counts.iter().sum::<u64>());
        for (count, class) in counts.iter().zip(plan.classes.iter().cycle()) {
            let _ = write!(text, "  {count:>w$}", w = width(&class.name));
        }
        text.push('\n');
    }
    text.push_str("… and more seconds; `--json` shows every arrival\n");
    text
}

/// The line above a table of `what`.
fn head(plan: &Plan, workers: usize, what: &str) -> String {
    let mut head = format!("{:>6}  {what:>w$}", "second", w = what.len().max(7));
    for worker in 0..workers {
        for class in &plan.classes {
            let _ = write!(head, "  {:>w$}", format!("{worker}:{}", class.name), w = width(&class.name));
        }
    }
    head.push('\n');
    head
}

/// Those rows in which something changes.
fn news(rows: impl Iterator<Item = SecondRow>) -> impl Iterator<Item = SecondRow> {
    let mut before: Option<SecondRow> = None;
    rows.filter(move |row| {
        let is_news = before.as_ref().is_none_or(|before| before.users != row.users);
        if is_news {
            before = Some(row.clone());
        }
        is_news
    })
}

/// Users by worker and class for each second, or where that would be long for each second in which something changes.
fn table(plan: &Plan, changes: &[Change], workers: usize) -> String {
    let classes: Vec<_> = plan.classes.iter().map(|class| class.name.as_str()).collect();
    let mut text = head(plan, workers, "users");
    let is_long = changes.last().is_some_and(|last| last.t > EVERY_SECOND);
    let all = by_second(changes, workers, classes.len());
    let mut rows: Box<dyn Iterator<Item = SecondRow>> =
        if is_long { Box::new(news(all)) } else { Box::new(all) };
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
    } else if is_long {
        let _ = writeln!(text, "seconds in which nothing changes are left out");
    }
    text
}

/// Columns of a class: `worker:class`, at least room for a number of users.
fn width(class: &str) -> usize {
    (class.chars().count() + 3).max(7)
}
