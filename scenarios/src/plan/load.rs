//! What a test asks of its load: how many users or arrivals when, and for how long.

use std::time::Duration;

use super::SearchPlan;
use crate::arrivals::Spacing;
use crate::profile::Profile;
use crate::rate_profile::RateProfile;
use crate::sequence::ClassSequence;

/// How many users when.
#[derive(Debug, Clone)]
pub struct LoadPlan {
    /// `users_at(t)`.
    pub profile: Profile,
    /// Which class each slot belongs to.
    pub sequence: ClassSequence,
    /// The open model, if that is asked for: arrivals at a rate, instead of users that begin anew by themselves. The profile is
    /// then that of the users started beforehand.
    pub open: Option<OpenPlan>,
    /// From the first start; `None` runs until it is stopped or has done its iterations.
    pub run_time: Option<Duration>,
    /// Whether the run time is that of the profile, because nothing else was said: the run is then over with the profile.
    pub ends_with_profile: bool,
    /// What it is made of, in order of time; at least one.
    pub parts: Vec<LoadPart>,
    /// The first part of the run time, which is run and shown, and is in no percentile, rate or threshold.
    pub warmup: Duration,
    /// Iterations over all users; in the open model so many arrivals.
    pub iterations: Option<u64>,
    /// How long users may finish their iteration at the end.
    pub stop_timeout: Duration,
}

/// The open model: so many iterations a second, by whatever users are free.
#[derive(Debug, Clone)]
pub struct OpenPlan {
    /// How many arrivals a second when.
    pub rate: RateProfile,
    /// How they follow each other.
    pub spacing: Spacing,
    /// Users at most, over all workers.
    pub max_users: u32,
    /// Of these, started with the run.
    pub users: u32,
    /// The rate is looked for: the profile is only what it begins with.
    pub search: Option<SearchPlan>,
}

/// A part of a load: a ramp, a stage, a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadPart {
    /// Run time of its beginning.
    pub from: Duration,
    /// Run time of its end; `None`: it goes on until the run ends.
    pub until: Option<Duration>,
    /// In words: `to 100 users over 1m`.
    pub text: String,
}
