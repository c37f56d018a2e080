//! Runs a test: waits for workers, deals out users, merges what comes back, shows it and reports it.

pub mod baseline;
pub mod certs;
pub mod cli;
pub mod compare;
pub mod conduct;
pub mod conducted;
pub mod demo;
pub mod dispatch;
pub mod export;
pub mod figures;
pub mod fleet;
pub mod format;
pub mod journal;
pub mod local;
pub mod notify;
pub mod progress;
pub mod report;
pub mod result;
pub mod rules;
pub mod run;
pub mod trial;
pub mod tui;
pub mod view;
pub mod watch;
