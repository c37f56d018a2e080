//! How a run ended: what was measured, and what its exit code needs beside that. Of a run that was just conducted, or of one
//! that was over when its journal ended.

use std::time::Duration;

use jiff::Timestamp;
use stampede_proto::VERSION;

use crate::journal::Replayed;
use crate::result::RunResult;
use crate::run::{Facts, Run};

/// How a run ended.
#[derive(Debug)]
pub struct Conducted {
    /// What was measured.
    pub result: RunResult,
    /// Why it never began, if so.
    pub failed_to_start: Option<String>,
    /// Whether every worker was lost.
    pub lost_everyone: bool,
}

impl Conducted {
    /// From the state of a run that is over.
    pub(crate) fn of(run: &Run, started_at: Timestamp, ended_at: Timestamp) -> Self {
        Self {
            result: run.result(Facts { started_at, ended_at, version: VERSION.to_owned() }),
            failed_to_start: run.failed_to_start().map(str::to_owned),
            lost_everyone: run.lost_everyone(),
        }
    }

    /// How a run ended that was over when its journal ended; `zero`: wall clock at zero of its coordinator's clock.
    pub fn before(replayed: &Replayed, zero: Timestamp) -> Self {
        let at = |since: Duration| zero.checked_add(since).unwrap_or(zero);
        let started_at = at(replayed.run.started().unwrap_or_default());
        Self::of(&replayed.run, started_at, at(replayed.last))
    }
}
