//! Whether two runs can be compared at all: the same scenario under the same load.

use crate::report::Report;

/// Something in which two runs were not set up alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unlike {
    /// What.
    pub what: &'static str,
    /// In the run that is compared with.
    pub base: String,
    /// In the new one.
    pub new: String,
}

/// In what the runs were not set up alike, as far as that makes their figures different things. Another target is no such
/// thing: that is what one compares.
pub fn unlike(base: &Report, new: &Report) -> Vec<Unlike> {
    let facts = facts(base).into_iter().zip(facts(new));
    let unlike = facts.filter(|((_, base), (_, new))| base != new);
    unlike.map(|((what, base), (_, new))| Unlike { what, base, new }).collect()
}

fn facts(report: &Report) -> Vec<(&'static str, String)> {
    let run = &report.run;
    let or_none = |text: Option<&String>| text.cloned().unwrap_or_else(|| "none".to_owned());
    let number = |number: Option<f64>| number.map_or_else(|| "none".to_owned(), |number| number.to_string());
    let classes: Vec<_> = report.users.classes.keys().cloned().collect();
    // In the open model users come as they are needed.
    let users = if run.arrivals.is_some() { "as needed".to_owned() } else { run.users_wanted.to_string() };
    vec![
        ("scenario", run.scenario.clone()),
        ("user classes", classes.join(", ")),
        ("users", users),
        ("spawn rate", number(run.spawn_rate)),
        ("arrivals", or_none(run.arrivals.as_ref())),
        ("load", or_none(run.load.as_ref())),
        ("warm-up", number(run.warmup_s)),
    ]
}

/// What a reader should bear in mind: nothing that keeps the runs from being compared.
pub(super) fn remarks(base: &Report, new: &Report) -> Vec<String> {
    let mut remarks = Vec::new();
    if base.run.target != new.run.target {
        remarks.push(format!("The targets are {} and {}.", base.run.target, new.run.target));
    }
    let (shorter, longer) =
        (base.run.duration_s.min(new.run.duration_s), base.run.duration_s.max(new.run.duration_s));
    if shorter * 1.2 < longer {
        remarks.push(format!(
            "The runs were {:.0} s and {:.0} s long.",
            base.run.duration_s, new.run.duration_s
        ));
    }
    for (which, report) in [("base", base), ("new", new)] {
        if report.run.generator_limited {
            remarks.push(format!("In the {which} run the load generator was the limit: its times and rates are not only the target's."));
        }
        if !report.run.complete {
            remarks.push(format!("Samples are missing from the {which} run."));
        }
        if !report.run.changes.is_empty() {
            remarks.push(format!("In the {which} run the load was changed by hand."));
        }
    }
    remarks
}
