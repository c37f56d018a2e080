//! Where the users of a class connect to, as far as that is known before the run.

use std::collections::BTreeSet;

use super::prepared::{Prepared, Target};
use super::steps::requests;

/// A class's targets.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Host and port, each once.
    pub known: Vec<(String, u16)>,
    /// Whether there are others: a URL that is a value as a whole, or a proxy on the way.
    pub others: bool,
}

impl Prepared {
    /// The targets of class number `class`.
    pub fn targets(&self, class: usize) -> Targets {
        let Some(class) = self.classes.get(class) else { return Targets::default() };
        let programs = [&class.on_start, &class.on_stop].into_iter().chain(&class.tasks);
        let (mut known, mut others) = (BTreeSet::new(), false);
        for request in programs.flat_map(|steps| requests(steps)) {
            match &request.target {
                Target::Fixed { origin, .. } | Target::Path { origin, .. }
                    if request.options.proxy.is_none() =>
                {
                    known.insert((origin.host().to_owned(), origin.port()));
                }
                _ => others = true,
            }
        }
        Targets { known: known.into_iter().collect(), others }
    }
}

#[cfg(test)]
mod tests {
    use stampede_scenarios::compile::compile;
    use stampede_scenarios::source::{Overrides, Source};

    use super::*;
    use crate::http::auto::ClientChoice;

    #[test]
    fn targets_are_known_by_host_and_port() {
        let scenario = "
target: http://a.test
vars: {elsewhere: http://b.test/}
users:
  one:
    tasks:
      main:
        steps:
          - get: /
          - get: /${user.id}
          - get: https://a.test/
          - get: http://[::1]:8080/x
  two:
    tasks:
      main:
        steps:
          - get: /
          - get: http://c.test/
            proxy: http://p.test:3128
";
        let plan = compile(&Source::new("t.yaml", scenario), &Overrides::default(), &|_| None, 1);
        let plan = plan.unwrap_or_else(|wrong| panic!("{wrong}"));
        let prepared = Prepared::new(plan, &[], ClientChoice::Auto).unwrap_or_else(|wrong| panic!("{wrong}"));
        let known = |targets: &[(&str, u16)]| -> Vec<_> {
            targets.iter().map(|(host, port)| ((*host).to_owned(), *port)).collect()
        };
        let one = Targets { known: known(&[("::1", 8080), ("a.test", 80), ("a.test", 443)]), others: false };
        assert_eq!(prepared.targets(0), one);
        assert_eq!(prepared.targets(1), Targets { known: known(&[("a.test", 80)]), others: true });
        assert_eq!(prepared.targets(2), Targets::default());
    }
}
