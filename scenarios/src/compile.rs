//! From the scenario's text to the checked plan.
//!
//! Pure: text, overrides, environment and seed come in, the plan or everything that is wrong goes out. The file is read into a
//! tree with places first (`tree`); each part of the format then has its reader here, which checks keys and types, folds what
//! is known into literals, and reports to one list instead of stopping.

mod arrivals;
mod aside;
mod auth;
mod bodies;
mod build;
mod calls;
mod checks;
mod chosen;
mod class;
mod conditions;
mod courses;
mod cx;
mod data;
mod eval;
mod expect;
mod expr;
mod extract;
mod file;
mod find_max;
mod hints;
mod kinds;
mod load;
mod names;
mod own;
mod pipeline;
mod population;
mod profiles;
mod request;
mod rules;
mod scalars;
mod schema;
mod settings;
mod stages;
mod steps;
mod texts;
mod thresholds;
mod tls;
mod transport;
mod trial;
mod url;
mod values;
mod vars;
mod waits;

use crate::diagnostics::Diagnostics;
use crate::plan::Plan;
use crate::source::{Overrides, Source};
use crate::tree;

/// Compiles a scenario. The same text, overrides, environment and seed give the same plan on every machine.
///
/// `env` is asked for the variables the scenario names and for nothing else; [`Plan::env`] holds what it answered.
/// `drawn_seed` is used when neither the file nor the overrides give a seed.
pub fn compile(
    source: &Source,
    overrides: &Overrides,
    env: &dyn Fn(&str) -> Option<String>,
    drawn_seed: u64,
) -> Result<Plan, Diagnostics> {
    let cx = cx::Cx::new(&source.text, env);
    let mut problems = Vec::new();
    let root = tree::parse(&source.text, &mut problems);
    for problem in problems {
        cx.report(problem);
    }
    let mut plan = root.and_then(|root| file::read(&root, source, overrides, drawn_seed, &cx));
    if let (Some(plan), Some(trial)) = (&mut plan, &overrides.trial) {
        trial::apply(plan, trial, &cx);
    }
    let problems = cx.into_problems();
    match plan {
        Some(plan) if problems.is_empty() => Ok(plan),
        _ => Err(Diagnostics::new(source, problems)),
    }
}
