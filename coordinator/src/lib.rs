//! Runs a test: waits for workers, deals out users, merges what comes back, shows it and reports it.

pub mod report;
pub mod result;
pub mod view;
