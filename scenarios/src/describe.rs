//! A plan in words: what would run, for somebody who checks a scenario before running it.

use std::fmt::Write;
use std::time::Duration;

use crate::arrivals::{Spacing, count_until};
use crate::plan::{
    AssetId, BodyPlan, ClassPlan, Connection, HttpVersion, LoadPlan, Op, OpenPlan, PartContent, Plan,
    Program, RequestPlan, TlsPlan,
};
use crate::template::{Segment, Template, ValueSource};
use crate::units::show_duration;
use crate::wait::Wait;

/// What would run: target, classes with their exact numbers at the peak, tasks, requests, load and files.
pub fn describe(plan: &Plan) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail; one place to say so.
    let _ = write_all(plan, &mut out);
    out
}

fn write_all(plan: &Plan, out: &mut String) -> std::fmt::Result {
    let target = if plan.target.is_empty() { "(absolute URLs)" } else { &plan.target };
    writeln!(out, "{} → {target}", plan.name)?;
    writeln!(out, "load: {}", load(plan))?;
    writeln!(out, "seed: {}", plan.seed)?;
    if plan.tls != TlsPlan::default() {
        writeln!(out, "tls: {}", tls(plan))?;
    }
    if !plan.resolve.is_empty() {
        let rules: Vec<String> = plan.resolve.iter().map(ToString::to_string).collect();
        writeln!(out, "resolve: {}", rules.join(", "))?;
    }
    // Of arrivals the shares are shown, in ten-thousandths.
    let shown = if plan.load.open.is_some() { 10_000 } else { u64::from(plan.load.profile.peak()) };
    let counts = plan.load.sequence.counts_of_prefix(shown);
    for (class, count) in plan.classes.iter().zip(counts) {
        writeln!(out)?;
        write_class(plan, class, count, out)?;
    }
    if !plan.assets.is_empty() {
        writeln!(out, "\nfiles")?;
        for asset in &plan.assets {
            writeln!(out, "  {}", asset.path)?;
        }
    }
    for sentence in &plan.replaced {
        writeln!(out, "\nnote: {sentence}")?;
    }
    Ok(())
}

fn load(plan: &Plan) -> String {
    let load = &plan.load;
    let mut text = match &load.open {
        Some(open) => describe_rate(open),
        None => users(load),
    };
    if let (Some(open), Some(time)) = (&load.open, load.run_time)
        && open.spacing == Spacing::Even
    {
        let count = count_until(plan, time);
        let _ = write!(text, ", for {}: {}", show_duration(time), counted(count, "arrival"));
        return text;
    }
    match (load.run_time, load.iterations) {
        (Some(time), None) => {
            let _ = write!(text, ", for {}", show_duration(time));
        }
        (None, Some(count)) => {
            let _ = write!(text, ", until {} are done", counted(count, "iteration"));
        }
        (Some(time), Some(count)) => {
            let _ = write!(
                text,
                ", for {} or until {} are done",
                show_duration(time),
                counted(count, "iteration")
            );
        }
        (None, None) => text.push_str(", until stopped"),
    }
    text
}

fn users(load: &LoadPlan) -> String {
    let users = load.profile.peak();
    let rate = load.profile.changes().first().map(|ramp| ramp.rate.to_string()).unwrap_or_default();
    let ramp = load.profile.settled_at();
    let mut text = format!("{}, started at {rate}", counted(u64::from(users), "user"));
    if ramp > Duration::ZERO {
        let _ = write!(text, " (all of them after {})", show_duration(ramp));
    }
    text
}

/// An arrival rate in words: `1500/s arrivals, evenly spaced, run by at most 10000 users`.
pub fn describe_rate(open: &OpenPlan) -> String {
    let (rate, settled) = (&open.rate, open.rate.settled_at());
    let mut text = if let Some(search) = &open.search {
        let (hold, verify) = (show_duration(search.hold), show_duration(search.verify));
        let from = per_second(search.from.per_second());
        format!(
            "the highest arrival rate is looked for from {from} on, each tried for {hold}, the best for {verify}"
        )
    } else if settled.is_zero() {
        format!("arrivals at {}", per_second(rate.last_rate()))
    } else {
        let (peak, last) = (per_second(rate.peak_rate()), per_second(rate.last_rate()));
        format!("arrivals in stages up to {peak}, at {last} after {}", show_duration(settled))
    };
    text.push_str(match open.spacing {
        Spacing::Even => ", evenly spaced",
        Spacing::Poisson => ", as a Poisson process",
    });
    let _ = write!(text, ", by at most {}", counted(u64::from(open.max_users), "user"));
    if open.users > 0 {
        let _ = write!(text, ", {} of them started beforehand", open.users);
    }
    text
}

/// A rate per second with as many decimals as it needs, at most three.
pub fn per_second(rate: f64) -> String {
    let text = format!("{rate:.3}");
    format!("{}/s", text.trim_end_matches('0').trim_end_matches('.'))
}

fn write_class(plan: &Plan, class: &ClassPlan, count: u64, out: &mut String) -> std::fmt::Result {
    let pipeline = if class.pipeline > 1 { format!(", pipeline {}", class.pipeline) } else { String::new() };
    if plan.load.open.is_some() {
        // A wait between iterations means nothing where they come by themselves.
        writeln!(out, "{}: {} of the arrivals{pipeline}", class.name, percent(count as f64 / 1e4))?;
    } else {
        writeln!(out, "{}: {}, wait {}{pipeline}", class.name, counted(count, "user"), pause(&class.wait))?;
    }
    for (title, program) in [("on_start", &class.on_start), ("on_stop", &class.on_stop)] {
        if !program.ops.is_empty() {
            writeln!(out, "  {title}")?;
            write_program(plan, program, out)?;
        }
    }
    for task in &class.tasks {
        writeln!(out, "  {:>5}  {}", percent(task.share), task.name)?;
        write_program(plan, &task.program, out)?;
    }
    Ok(())
}

fn write_program(plan: &Plan, program: &Program, out: &mut String) -> std::fmt::Result {
    for op in &program.ops {
        match op {
            Op::Think(wait) => writeln!(out, "           think {}", pause(wait))?,
            Op::Request(request) => {
                let (method, name) = (&request.method, plan.shown_name(request));
                let (body, way) = (body(plan, &request.body), way(request));
                writeln!(out, "           {method} {name}{body}{way}{}", taken(request))?;
            }
            _ => {}
        }
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

fn body(plan: &Plan, body: &BodyPlan) -> String {
    let path = |id: &AssetId| path(plan, *id);
    match body {
        BodyPlan::Empty => String::new(),
        BodyPlan::Text { content_type, .. } => format!("  [{}]", content_type.unwrap_or("text")),
        BodyPlan::Asset(id) => format!("  [{}]", path(id)),
        BodyPlan::Multipart(parts) => {
            let parts: Vec<String> = parts
                .iter()
                .map(|part| match &part.content {
                    PartContent::Text(_) => part.name.clone(),
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
