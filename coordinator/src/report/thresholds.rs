//! Rules and the search for the highest rate, as they stand in `report.json`.

use serde::{Deserialize, Serialize};

/// A rule and whether it holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// As it was written.
    pub rule: String,
    /// What was measured: ms, a number a second, a part from 0 to 1, or a count; null without a sample.
    pub observed: Option<f64>,
    /// The same, with its unit.
    #[serde(default)]
    pub shown: String,
    /// How far that is on the right side of the rule's limit, as a part of it; negative on the wrong side.
    pub margin: Option<f64>,
    /// The same in words: `12 % to spare`.
    #[serde(default)]
    pub room: String,
    /// A rule over windows: the worst of them; null for the whole run.
    #[serde(default)]
    pub window: Option<Window>,
    /// Run time at which it ended the run; null for any other rule.
    #[serde(default)]
    pub ended_at_s: Option<f64>,
    /// Whether it holds.
    pub passed: bool,
}

/// Run seconds `[from_s, to_s)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First run second.
    pub from_s: u32,
    /// First run second that is not in it.
    pub to_s: u32,
}

/// The search for the highest rate at which rules hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchReport {
    /// The highest rate that held, a second.
    pub found: Option<f64>,
    /// Whether it held when it was tried for longer.
    pub verified: bool,
    /// The same in words.
    pub sentence: String,
    /// Every rate that was tried, in order.
    pub tries: Vec<TryReport>,
}

/// One rate of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TryReport {
    /// Arrivals a second.
    pub rate: f64,
    /// Whether it is the best, tried for longer.
    pub verifies: bool,
    /// First run second that counts.
    pub from_s: u32,
    /// First run second that does not count any more.
    pub to_s: u32,
    /// Requests completed in them.
    pub requests: u64,
    /// Arrivals dropped in them.
    pub dropped: u64,
    /// The rules, in their order.
    pub thresholds: Vec<Threshold>,
    /// Whether it held.
    pub held: bool,
    /// Why not.
    pub why: Option<String>,
}
