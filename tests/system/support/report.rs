//! `report.json`, and what holds in each of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// A report as a program reads it: by its keys.
#[derive(Debug, Clone)]
pub(crate) struct Report(pub(crate) Value);

impl Report {
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("the report was written");
        Self::parse(&text)
    }

    pub(crate) fn parse(text: &str) -> Self {
        Self(serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}")))
    }

    /// The value at a JSON pointer such as `/run/stop_reason`.
    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {:#}", self.0))
    }

    pub(crate) fn number(&self, pointer: &str) -> u64 {
        self.at(pointer).as_u64().unwrap_or_else(|| panic!("{pointer} is {}", self.at(pointer)))
    }

    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_else(|| panic!("{pointer} is {}", self.at(pointer)))
    }

    pub(crate) fn list(&self, pointer: &str) -> &[Value] {
        self.at(pointer).as_array().unwrap_or_else(|| panic!("{pointer} is {}", self.at(pointer)))
    }

    /// A count of `accounting`.
    pub(crate) fn counted(&self, name: &str) -> u64 {
        self.number(&format!("/accounting/{name}"))
    }

    /// Requests and hops by `METHOD name`: what the target must have seen of each, nothing cancelled.
    pub(crate) fn by_endpoint(&self) -> BTreeMap<String, u64> {
        let row = |row: &Value| {
            let row = Self(row.clone());
            let name = format!("{} {}", row.text("/method"), row.text("/name"));
            (name, row.number("/requests") + row.number("/hops"))
        };
        self.list("/endpoints").iter().map(row).collect()
    }

    /// Failures by kind.
    pub(crate) fn by_kind(&self) -> BTreeMap<String, u64> {
        let mut kinds = BTreeMap::new();
        for error in self.list("/errors") {
            let error = Self(error.clone());
            *kinds.entry(error.text("/kind").to_owned()).or_default() += error.number("/count");
        }
        kinds
    }

    /// Everything that has to add up in any report.
    pub(crate) fn adds_up(&self) {
        let outcomes = ["ok", "failed", "cancelled", "unknown"].map(|name| self.counted(name));
        assert_eq!(
            self.counted("started"),
            outcomes.iter().sum::<u64>(),
            "requests: {:#}",
            self.at("/accounting")
        );
        let ends = ["completed", "failed", "cancelled", "unknown"];
        let ends: u64 = ends.iter().map(|name| self.counted(&format!("iterations/{name}"))).sum();
        let begun = self.counted("iterations/begun");
        assert_eq!(begun, ends, "iterations: {:#}", self.at("/accounting"));
        if !self.at("/accounting/planned").is_null() {
            let planned = self.counted("planned");
            assert_eq!(planned, begun + self.counted("dropped") + self.counted("missed"), "planned");
        }
        let (requests, failures) = (self.number("/totals/requests"), self.number("/totals/failures"));
        assert_eq!((requests, failures), (outcomes[0] + outcomes[1], outcomes[1]), "totals");
        let sum = |list: &str, name: &str| -> u64 {
            self.list(list).iter().map(|row| row[name].as_u64().expect("a count")).sum()
        };
        let warmup = |name: &str| self.number(&format!("/accounting/warmup/{name}"));
        // The course is of both parts, everything else of the measured one.
        for (list, more) in [("/endpoints", 0), ("/timeline", 1)] {
            assert_eq!(sum(list, "requests"), requests + more * warmup("requests"), "requests of {list}");
            assert_eq!(sum(list, "failures"), failures + more * warmup("failures"), "failures of {list}");
        }
        assert_eq!(sum("/workers", "requests"), requests, "requests of workers");
        // What a step without a request fails is a task's, and in no total.
        let of_requests = self.list("/errors").iter().filter(|error| error["method"] != "TASK");
        let errors: u64 = of_requests.map(|error| error["count"].as_u64().expect("a count")).sum();
        assert_eq!(errors, failures, "errors");
        for row in self.list("/endpoints") {
            for (times, count) in [("ok", requests_ok(row)), ("failed", row["failures"].as_u64())] {
                assert_eq!(row[times]["count"].as_u64(), count, "{times} of {row:#}");
            }
        }
    }

    /// Nothing is missing of it.
    pub(crate) fn is_whole(&self) {
        assert_eq!(self.at("/run/complete"), true, "{:#}", self.at("/accounting"));
        assert_eq!((self.counted("unknown"), self.counted("missed")), (0, 0));
        assert!(self.list("/accounting/missing_intervals").is_empty());
        // How much room the machine had left is not what these tests are about.
        let about_machine =
            |note: &&Value| note.as_str().is_some_and(|note| note.starts_with("Generator-limited"));
        let notes: Vec<_> = self.list("/notes").iter().filter(|note| !about_machine(note)).collect();
        assert!(notes.is_empty(), "{notes:?}");
    }
}

fn requests_ok(row: &Value) -> Option<u64> {
    Some(row["requests"].as_u64()? - row["failures"].as_u64()?)
}
