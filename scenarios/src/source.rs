//! What goes into the compiler: the scenario's text and what flags put over it.
//!
//! Both are plain data, because they travel to the workers, which compile the same text with the same overrides. Where the
//! text comes from is the business of `files.rs`.

use std::time::Duration;

use crate::rate::Rate;

/// A scenario file's text, and the name it is called by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Shown in diagnostics, normally the path as it was typed.
    pub name: String,
    /// The whole text; places are byte offsets into it.
    pub text: String,
}

impl Source {
    /// A source from its two parts.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { name: name.into(), text: text.into() }
    }
}

/// What flags put over the scenario; `None` leaves it as the file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Overrides {
    /// `--users`: users at the peak.
    pub users: Option<u32>,
    /// `--spawn-rate`: users started per second.
    pub spawn_rate: Option<Rate>,
    /// `--rate`: arrivals per second, in place of the file's users.
    pub rate: Option<Rate>,
    /// `--max-users`: users at most in the open model.
    pub max_users: Option<u32>,
    /// `--run-time`, counted from the first start.
    pub run_time: Option<Duration>,
    /// `--iterations` over all users.
    pub iterations: Option<u64>,
    /// `--stop-timeout`: how long users may finish their iteration at the end.
    pub stop_timeout: Option<Duration>,
    /// `--host`: the base URL, in place of the file's and every class's `target`.
    pub host: Option<String>,
    /// `--seed`.
    pub seed: Option<u64>,
    /// `--var NAME=VALUE`, each value read like a YAML value; the last one of a name wins.
    pub vars: Vec<(String, String)>,
    /// `--tags`: of the tasks that have tags only those with one of these; empty takes all.
    pub tags: Vec<String>,
    /// `--exclude-tags`: no task that has one of these.
    pub exclude_tags: Vec<String>,
    /// `--class`: only these user classes; empty takes all.
    pub class: Vec<String>,
}
