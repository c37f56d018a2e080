//! The demo target: a small HTTP/1.1 service to aim a load test at.
//!
//! It is two things. For a person it is something that answers like a real service: a page, a slow model
//! behind `/predict`, a key-value store, a login. For the tests of the load tester it is the **ground
//! truth**: it counts every request whose head it has parsed, before anything else happens to it, so what a
//! report claims can be compared with what a target saw.
//!
//! In: a [`Config`] and an address. Out: a [`DemoTarget`], which serves on its own thread and runtime until
//! it is dropped. Nothing here knows the rest of the project; no crate of ours is imported.

mod config;
mod gate;
mod ledger;
mod routes;
mod server;
mod service_time;
mod target;
mod timer;

pub use config::Config;
pub use ledger::LogEntry;
pub use target::{DemoTarget, StartError};
