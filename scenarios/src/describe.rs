//! A plan in words: what would run, for somebody who checks a scenario before running it.

mod steps;

use std::fmt::Write;

pub use load::{describe_load, describe_rate, describe_users, per_second};

use crate::advice::advice;
use crate::data::{self, FeederId};
use crate::plan::{
    AssetId, BodyPlan, ClassPlan, Connection, HttpVersion, PartContent, Plan, RequestPlan, TaskOrder, TlsPlan,
};
use crate::reckon::{Count, effort, effort_of_class, most_per_second, of_arrivals};
use crate::template::{Segment, Template, ValueSource};
use crate::units::show_duration;
use crate::wait::Wait;

mod load;

use steps::write_program;

/// Columns before the first steps of a task.
const STEPS_AT: usize = 11;

/// What would run: target, classes with their exact numbers at the peak, tasks, requests, load and files.
pub fn describe(plan: &Plan) -> String {
    explain(plan, "")
}

/// The same with conditions as they are written in `text`, the scenario's own; and what looks wrong.
pub fn explain(plan: &Plan, text: &str) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail; one place to say so.
    let _ = write_all(plan, text, &mut out);
    out
}

fn write_all(plan: &Plan, text: &str, out: &mut String) -> std::fmt::Result {
    let target = if plan.target.is_empty() { "(absolute URLs)" } else { &plan.target };
    writeln!(out, "{} → {target}", plan.name)?;
    write!(out, "load: {}", load::load(plan))?;
    if let Some(rate) = expected_rate(plan) {
        writeln!(out, "expected: {rate}")?;
    }
    writeln!(out, "seed: {}", plan.seed)?;
    if plan.tls != TlsPlan::default() {
        writeln!(out, "tls: {}", tls(plan))?;
    }
    if !plan.resolve.is_empty() {
        let rules: Vec<String> = plan.resolve.iter().map(ToString::to_string).collect();
        writeln!(out, "resolve: {}", rules.join(", "))?;
    }
    if let Some(aside) = &plan.aside {
        for (title, program) in [("setup", &aside.on_start), ("teardown", &aside.on_stop)] {
            if !program.ops.is_empty() {
                writeln!(out, "\n{title}: once in the whole test")?;
                write_program(plan, program, text, STEPS_AT, out)?;
            }
        }
    }
    // Of arrivals the shares are shown, in ten-thousandths.
    let shown = if plan.load.open.is_some() { 10_000 } else { u64::from(plan.load.profile.peak()) };
    let counts = plan.load.sequence.counts_of_prefix(shown);
    for (class, count) in plan.classes.iter().zip(counts) {
        writeln!(out)?;
        write_class(plan, class, count, text, out)?;
    }
    if !plan.feeders.is_empty() {
        write!(out, "\ndata\n{}", data::describe(plan))?;
    }
    let rows = data::files_of_rows(plan);
    let files = (0..).map(AssetId).zip(&plan.assets).filter(|(id, _)| !rows.contains(id));
    let files: Vec<&str> = files.map(|(_, asset)| asset.path.as_str()).collect();
    if !files.is_empty() {
        writeln!(out, "\nfiles")?;
        for path in files {
            writeln!(out, "  {path}")?;
        }
    }
    for sentence in &plan.replaced {
        writeln!(out, "\nnote: {sentence}")?;
    }
    let wrong = advice(plan);
    if !wrong.is_empty() {
        writeln!(out, "\nwhat looks wrong")?;
        for advice in wrong {
            writeln!(out, "  {advice}")?;
        }
    }
    Ok(())
}

/// Requests per second, as far as the file alone says it.
fn expected_rate(plan: &Plan) -> Option<String> {
    let short = |rate: f64| {
        let text = if rate < 100.0 { format!("{rate:.1}") } else { format!("{rate:.0}") };
        text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
    };
    if let Some(open) = &plan.load.open {
        let when = if open.rate.settled_at().is_zero() { "" } else { " at the peak" };
        return of_arrivals(plan, &open.rate).map(|rate| format!("{} requests/s{when}", short(rate)));
    }
    let counts = plan.load.sequence.counts_of_prefix(u64::from(plan.load.profile.peak()));
    let running = plan.classes.iter().zip(counts).filter(|(_, count)| *count > 0);
    let rates = running.map(|(class, count)| most_per_second(class, count as f64));
    let sum = rates.sum::<Option<f64>>()?;
    Some(format!("at most {} requests/s, when all users run and the target answers at once", short(sum)))
}

/// `2 requests`, `1 to 3 requests, 1.5 on average`, `1 request or more`.
fn requests(count: Count) -> String {
    let plural = |count: f64| if (count - 1.0).abs() < f64::EPSILON { "request" } else { "requests" };
    let mut text = match count.hi {
        Some(hi) if hi <= count.lo => format!("{} {}", number(hi), plural(hi)),
        Some(hi) => format!("{} to {} {}", number(count.lo), number(hi), plural(hi)),
        None => format!("{} {} or more", number(count.lo), plural(count.lo)),
    };
    if let Some(mean) = count.mean.filter(|_| count.hi.is_none_or(|hi| hi > count.lo)) {
        let _ = write!(text, ", {} on average", number(mean));
    }
    text
}

/// What an average iteration makes, where that is no single number for all tasks.
fn per_iteration(class: &ClassPlan) -> String {
    let count = effort_of_class(class).requests;
    if class.tasks.len() < 2 || count.hi == Some(count.lo) {
        return String::new();
    }
    match count.mean {
        Some(mean) => format!(", {} requests per iteration on average", number(mean)),
        None => format!(", {} per iteration", requests(count)),
    }
}

/// With at most two decimals, and none that says nothing.
fn number(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn write_class(plan: &Plan, class: &ClassPlan, count: u64, text: &str, out: &mut String) -> std::fmt::Result {
    let mut more = if class.pipeline > 1 { format!(", pipeline {}", class.pipeline) } else { String::new() };
    more.push_str(match class.order {
        TaskOrder::Weighted => "",
        TaskOrder::Sequential => ", tasks in the order of the file",
        TaskOrder::Shuffled => ", tasks in an order drawn for each round",
    });
    more.push_str(&per_iteration(class));
    if plan.load.open.is_some() {
        // A wait between iterations means nothing where they come by themselves.
        writeln!(out, "{}: {} of the arrivals{more}", class.name, percent(count as f64 / 1e4))?;
    } else {
        writeln!(out, "{}: {}, wait {}{more}", class.name, counted(count, "user"), pause(&class.wait))?;
    }
    for (title, program) in [("on_start", &class.on_start), ("on_stop", &class.on_stop)] {
        if !program.ops.is_empty() {
            writeln!(out, "  {title}")?;
            write_program(plan, program, text, STEPS_AT, out)?;
        }
    }
    for task in &class.tasks {
        let share = if class.order == TaskOrder::Weighted { percent(task.share) } else { String::new() };
        writeln!(out, "  {share:>5}  {}: {}", task.name, requests(effort(&task.program).requests))?;
        write_program(plan, &task.program, text, STEPS_AT, out)?;
    }
    Ok(())
}

/// What is taken out of the response.
fn taken(request: &RequestPlan) -> String {
    let names: Vec<&str> = request.extract.iter().map(|plan| plan.name.as_str()).collect();
    if names.is_empty() { String::new() } else { format!("  → {}", names.join(", ")) }
}

/// What is unusual about how a request is made.
fn way(request: &RequestPlan) -> String {
    let mut parts = Vec::new();
    match request.http {
        HttpVersion::Auto => {}
        HttpVersion::H1 => parts.push("HTTP/1.1".to_owned()),
        HttpVersion::H2 => parts.push("HTTP/2".to_owned()),
    }
    if request.connection == Connection::PerRequest {
        parts.push("own connection".to_owned());
    }
    if let Some(proxy) = &request.proxy {
        parts.push(format!("via {proxy}"));
    }
    if parts.is_empty() { String::new() } else { format!("  ({})", parts.join(", ")) }
}

fn tls(plan: &Plan) -> String {
    let tls = &plan.tls;
    let mut parts = Vec::new();
    if tls.insecure {
        parts.push("certificates are not checked".to_owned());
    } else if let Some(ca) = tls.ca {
        parts.push(format!("certificates are checked against {}", path(plan, ca)));
    }
    if let Some(identity) = tls.identity {
        parts.push(format!("users show {}", path(plan, identity.cert)));
    }
    if let Some(name) = &tls.server_name {
        parts.push(format!("as {name}"));
    }
    if tls.resumption {
        parts.push("sessions are resumed".to_owned());
    }
    parts.join(", ")
}

fn path(plan: &Plan, id: AssetId) -> String {
    let asset = usize::try_from(id.0).ok().and_then(|index| plan.assets.get(index));
    asset.map(|asset| asset.path.clone()).unwrap_or_default()
}

fn feeder_name(plan: &Plan, id: FeederId) -> &str {
    plan.feeders.get(id.0 as usize).map_or("", |feeder| &feeder.name)
}

fn body(plan: &Plan, body: &BodyPlan) -> String {
    let path = |id: &AssetId| path(plan, *id);
    match body {
        BodyPlan::Empty => String::new(),
        BodyPlan::Text { content_type, .. } => format!("  [{}]", content_type.unwrap_or("text")),
        BodyPlan::Row(feeder) => format!("  [a file of {}]", feeder_name(plan, *feeder)),
        BodyPlan::Asset(id) => format!("  [{}]", path(id)),
        BodyPlan::Multipart(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .map(|part| match &part.content {
                    PartContent::Text(_) => part.name.clone(),
                    PartContent::Row(feeder) => {
                        format!("{}: a file of {}", part.name, feeder_name(plan, *feeder))
                    }
                    PartContent::Asset(id) => format!("{}: {}", part.name, path(id)),
                })
                .collect();
            format!("  [multipart {}]", parts.join(", "))
        }
    }
}

fn pause(wait: &Wait) -> String {
    match wait {
        Wait::None => "none".to_owned(),
        Wait::Constant(pause) => show_duration(*pause),
        Wait::Uniform { lo, hi } => format!("{} to {}", show_duration(*lo), show_duration(*hi)),
        Wait::Normal { mean, sd } => {
            format!("about {} (normal, sd {})", show_duration(*mean), show_duration(*sd))
        }
        Wait::Exponential { mean } => format!("{} on average (exponential)", show_duration(*mean)),
        Wait::Pacing { period } | Wait::Throughput { period } => {
            format!("so that an iteration begins every {}", show_duration(*period))
        }
    }
}

/// A template as it might have been written.
pub(crate) fn shown(template: &Template) -> String {
    let segment = |segment: &Segment| match segment {
        Segment::Literal(text) => text.clone(),
        Segment::Value { source, .. } => source_shown(source),
        Segment::Pair { name, source, .. } => format!("{name}={}", source_shown(source)),
        Segment::Separator(_) => "&".to_owned(),
    };
    template.shown_segments().iter().map(segment).collect()
}

fn source_shown(source: &ValueSource) -> String {
    match source {
        ValueSource::UserId => "${user.id}".to_owned(),
        ValueSource::UserLife => "${user.life}".to_owned(),
        ValueSource::Row(cell) => format!("${{{}}}", cell.name),
        ValueSource::UserClass => "${user.class}".to_owned(),
        ValueSource::Iteration => "${iteration}".to_owned(),
        ValueSource::RandomInt { lo, hi } => format!("${{random.int({lo}, {hi})}}"),
        ValueSource::Variable { name, .. } => format!("${{{name}}}"),
        ValueSource::Base64(text) => format!("base64 of {}", shown(text)),
        ValueSource::Computed(computed) => format!("${{{}}}", computed.written()),
    }
}

/// At most one decimal, and none that says nothing.
fn percent(share: f64) -> String {
    let text = format!("{:.1}", share * 100.0);
    format!("{}%", text.strip_suffix(".0").unwrap_or(&text))
}

fn counted(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
