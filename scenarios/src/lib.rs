//! What a test is: a scenario file becomes a checked [`Plan`](plan::Plan), and a plan says by pure arithmetic which users
//! run when, where, and what they draw.
//!
//! Data comes in as text ([`source::Source`]) and goes out as a [`plan::Plan`] or as [`diagnostics::Diagnostics`]. Nothing
//! here reads a clock, a socket or a random device; `files.rs` alone reads the disk.

pub mod advice;
pub mod alias;
pub mod arrivals;
mod colouring;
pub mod compile;
pub mod contents;
pub mod data;
pub mod deal;
pub mod describe;
pub mod diagnostics;
pub mod draw;
pub mod expect;
pub mod expression;
pub mod extract;
pub mod files;
mod head;
pub mod json;
pub mod matcher;
pub mod outline;
pub mod page;
pub mod plan;
pub mod profile;
mod profile_change;
pub mod ranks;
pub mod rate;
pub mod rate_change;
pub mod rate_profile;
mod reckon;
pub mod response;
pub mod schedule;
pub mod schema;
pub mod sequence;
#[cfg(test)]
mod slips;
pub mod source;
pub mod stages;
pub mod template;
pub mod threshold;
mod tree;
pub mod units;
pub mod value;
pub mod variables;
pub mod wait;
