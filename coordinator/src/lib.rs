//! Runs a test: waits for workers, deals out users, merges what comes back, shows it and reports it.

pub mod format;
pub mod progress;
pub mod result;
pub mod tui;
pub mod view;
