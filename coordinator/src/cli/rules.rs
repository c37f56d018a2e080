//! Rules on the command line: read at once, so that what is wrong with one is said before anything else is done. And the run
//! that they are compared with.

use std::path::Path;
use std::sync::Arc;

use stampede_scenarios::threshold::parse;

use super::exit::Error;
use super::prepare::Test;
use crate::baseline::{measured, read};

/// A rule as it was typed, if it is one; else with the part of it that is wrong marked.
pub(super) fn rule(text: &str) -> Result<String, String> {
    let text = text.trim();
    let Err(error) = parse(text) else { return Ok(text.to_owned()) };
    let columns = |to: usize| text.get(..to).unwrap_or(text).chars().count();
    let (from, to) = (columns(error.at.0), columns(error.at.1));
    let mark = "^".repeat((to - from).max(1));
    Err(format!("{error}\n\n  {text}\n  {:from$}{mark}\n  {}", "", error.hint))
}

impl Test {
    /// Gives the rules that are compared with an earlier run what it measured. That goes with the test, wherever that goes on.
    pub(super) fn look_into(&mut self, baseline: Option<&Path>) -> Result<(), Error> {
        let compared = self.plan.thresholds.iter().find(|rule| rule.is_of_baseline());
        let (path, saved) = match (baseline, compared) {
            (None, None) => return Ok(()),
            (None, Some(rule)) => {
                let text = format!(
                    "`{rule}`: say which run that is, with --baseline RUN.json (a saved report.json)"
                );
                return Err(Error::Usage(text));
            }
            (Some(_), None) => {
                let text = "--baseline: no rule is compared with it; one would be --threshold 'p95 within 10% of baseline'";
                return Err(Error::Usage(text.to_owned()));
            }
            (Some(path), Some(_)) => (path, read(path)?),
        };
        let rules = Arc::make_mut(&mut self.plan).thresholds.iter_mut();
        for rule in rules.filter(|rule| rule.is_of_baseline()) {
            let value = measured(rule, &saved)?;
            rule.set_base(value);
            self.prepare.overrides.baseline.push(value);
        }
        tracing::info!("compared with run {} ({})", saved.run.id, path.display());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_marked() {
        assert_eq!(rule(" p95 < 500ms "), Ok("p95 < 500ms".to_owned()));
        let told = ["p95 of \"GET /é\" < 5", "p95 <", "error_rate < 1% or die"]
            .map(|text| rule(text).expect_err(text));
        insta::assert_snapshot!(told.join("\n\n"));
    }
}
