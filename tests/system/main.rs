//! The whole system: real processes on real sockets, and the demo target's own counts as the truth.
//!
//! What one crate does alone is tested there; here stands what only shows when a coordinator, its workers and a target
//! run together. Every run is short and its load small, so that several of them at once fit on two cores.

mod support;

mod arrivals;
mod beside;
mod chosen;
mod counts;
mod course;
mod data;
mod examples;
mod expect;
mod exporters;
mod extract;
mod failures;
mod fleet;
mod iterations;
mod kinds;
mod limits;
mod load;
mod notify;
mod output;
mod page;
mod percentiles;
mod pipelining;
mod prometheus;
mod resume;
mod screen;
mod search;
mod security;
mod sessions;
mod statuses;
mod steps;
mod thresholds;
mod trouble;
mod usage;
mod users;
mod watching;
mod workers;
