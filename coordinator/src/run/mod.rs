//! The state of a run, pure: what happens comes in, what is to be done goes out. No socket, no clock, no await.
//!
//! [`Run::handle`] takes an [`Input`] and the instant on the coordinator's own clock. One task calls it (`conduct.rs`).

mod beside;
mod control;
mod crew;
mod delivery;
mod ending;
mod figures;
mod finish;
pub mod input;
mod ledger;
mod limit;
mod member;
mod merged;
mod open;
mod phases;
mod resume;
mod search;
mod searching;
mod show;
mod silence;
mod state;
mod watch;
mod windows;

pub use figures::Before;
pub use finish::Facts;
pub use state::{Run, RunSetup};
