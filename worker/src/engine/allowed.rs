//! Whether a test stays within what this worker may aim at, as far as that is known before the run. The rest is seen when a
//! connection is to be made.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::prepared::{PrepareError, Prepared, Target};
use super::steps::requests;
use crate::http::allow::Allow;

/// Targets that a message names.
const NAMED: usize = 5;

impl Prepared {
    /// The same test, held to what `allow` says.
    ///
    /// # Errors
    /// When it certainly aims elsewhere.
    pub fn within(mut self, allow: Arc<Allow>) -> Result<Self, PrepareError> {
        if allow.is_everything() {
            return Ok(self);
        }
        let whole = |what: String| PrepareError { line: 0, what };
        let patterns = allow.to_string();
        let http = Arc::get_mut(&mut self.http).ok_or_else(|| whole("the test runs already".to_owned()))?;
        http.limit(allow);
        let programs = self
            .classes
            .iter()
            .flat_map(|class| [&class.on_start, &class.on_stop].into_iter().chain(&class.tasks));
        let mut wrong = BTreeSet::new();
        for request in programs.flat_map(|steps| requests(steps)) {
            let origin = match &request.target {
                Target::Fixed { origin, .. } | Target::Path { origin, .. } => Some(&**origin),
                Target::Whole { .. } => None,
            };
            wrong.extend(self.http.forbidden(origin, request.options.proxy));
        }
        if wrong.is_empty() {
            return Ok(self);
        }
        let more = if wrong.len() > NAMED { ", …" } else { "" };
        let wrong: Vec<_> = wrong.into_iter().take(NAMED).collect();
        Err(whole(format!(
            "this worker may not aim at {}{more}; its --allow-host says {patterns}",
            wrong.join(", ")
        )))
    }
}

#[cfg(test)]
mod tests {
    use stampede_scenarios::compile::compile;
    use stampede_scenarios::source::{Overrides, Source};

    use super::*;
    use crate::http::auto::ClientChoice;

    const SCENARIO: &str = "
target: http://a.test
vars: {elsewhere: http://b.test/}
defaults: {resolve: {a.test: 192.0.2.7, 'c.test:80': '192.0.2.8:81'}}
users:
  one:
    on_start: [get: 'https://[::1]:8443/']
    tasks:
      main:
        steps:
          - get: /${user.id}
          - get: http://c.test/
          - get: http://d.test/
            proxy: http://u:hidden@p.test:3128
";

    fn said(patterns: &[&str]) -> String {
        let plan = compile(&Source::new("t.yaml", SCENARIO), &Overrides::default(), &|_| None, 1);
        let plan = plan.unwrap_or_else(|wrong| panic!("{wrong}"));
        let prepared = Prepared::new(plan, &[], ClientChoice::Auto).unwrap_or_else(|wrong| panic!("{wrong}"));
        let allow = Allow::new(patterns.iter().map(|text| text.parse().expect("a pattern")).collect());
        match prepared.within(Arc::new(allow)) {
            Ok(_) => "it stays within".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_is_certainly_elsewhere_is_said_before_the_run() {
        let cases: [&[&str]; 6] = [
            &[],
            &["*.test"],
            &["*.test", "192.0.2.0/24", "::1"],
            &["192.0.2.7:80", "192.0.2.8:81", "[::1]:8443", "d.test", "p.test:3128"],
            &["192.0.2.7:81", "192.0.2.8:80", "::1", "d.test", "p.test:80"],
            &["nothing.test"],
        ];
        insta::assert_snapshot!(cases.map(said).join("\n"));
    }
}
