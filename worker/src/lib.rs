//! Runs virtual users: a session with the coordinator on a control runtime, load threads that do nothing but load.
//!
//! Comes in: the scenario's text and a share of its users. Goes out: one snapshot for each second, counted to the request.

pub mod cli;
pub mod clock;
pub mod engine;
pub mod health;
pub mod http;
pub mod lanes;
pub mod lease;
pub mod limits;
pub mod outbox;
pub mod permits;
pub mod session;
pub mod slots;
pub mod timer;
pub mod trial;
