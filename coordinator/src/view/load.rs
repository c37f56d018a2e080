//! The load: what is planned, what was changed by hand, what a search tried. Plain values.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The load of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadView {
    /// As the scenario has it, in words.
    pub words: String,
    /// (run second, users or arrivals a second), as the scenario plans them, ascending and over the whole run where that has an
    /// end. Changes by hand are not in it. Empty where a search sets the load.
    pub planned: Vec<(f64, f64)>,
    /// Changes made by hand, in the order in which they were made.
    pub changes: Vec<ChangeRow>,
    /// The search for the highest rate, where one was asked for.
    pub search: Option<SearchView>,
}

/// A change made by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeRow {
    /// Run time from which on it holds.
    pub at: Duration,
    /// What was changed: `users`, `rate`, `pause`, `stage`.
    pub what: String,
    /// From what.
    pub from: String,
    /// To what.
    pub to: String,
}

/// A search for the highest rate.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SearchView {
    /// What is tried now, in words; `None` once it is over.
    pub now: Option<String>,
    /// What it came to, once it is over.
    pub sentence: Option<String>,
    /// The rates tried so far, in order.
    pub tries: Vec<TryRow>,
}

/// One rate of a search.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TryRow {
    /// Arrivals a second.
    pub rate: f64,
    /// The best, tried for longer.
    pub verifies: bool,
    /// First run second that counts.
    pub from_s: u32,
    /// First run second that does not count any more.
    pub to_s: u32,
    /// Requests completed in them.
    pub requests: u64,
    /// Arrivals dropped in them.
    pub dropped: u64,
    /// Whether every rule held.
    pub held: bool,
    /// Why not.
    pub why: Option<String>,
}
