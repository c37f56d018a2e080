//! What happened, line by line. Plain values.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a line of the log is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum LogKind {
    /// The run went on to its next phase.
    Phase,
    /// Something that a person should know.
    Notice,
    /// The load was changed by hand.
    Change,
    /// Anything else that is worth a line.
    Line,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRow {
    /// Run time; zero before the start.
    pub at: Duration,
    /// What it is about.
    pub kind: LogKind,
    /// In words; may hold text from outside.
    pub text: String,
}
