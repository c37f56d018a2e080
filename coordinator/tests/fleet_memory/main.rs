//! The wire over pipes in memory: handlers as a raw client sees them, and the real worker against the real coordinator.

mod door;
mod exporters;
mod fake;
mod handlers;
mod line;
mod rogue;
mod sessions;
mod watch;
mod whole;
