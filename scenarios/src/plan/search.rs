//! The search for the highest arrival rate at which rules hold, as it was asked for.
//!
//! How it is done is the coordinator's business.

use std::time::Duration;

use crate::rate::Rate;
use crate::threshold::Rule;

/// The search for the highest arrival rate at which rules hold.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchPlan {
    /// The first rate.
    pub from: Rate,
    /// Each is so many times the one before while rules hold.
    pub factor: f64,
    /// No rate above it is tried.
    pub to: Option<Rate>,
    /// The search is over where the lowest rate that broke is no more than this part above the highest that held, 0 to 1.
    pub precision: f64,
    /// How long each is tried.
    pub hold: Duration,
    /// How long the best is tried again.
    pub verify: Duration,
    /// What has to hold.
    pub thresholds: Vec<Rule>,
}
