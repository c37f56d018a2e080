//! What the tests stand on: programs, their scenarios and reports, the truth.

mod bed;
pub(crate) mod browser;
mod dir;
mod output;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod receiver;
mod report;
pub(crate) mod terminal;

pub(crate) use bed::{Bed, Finished, more, seen, target};
pub(crate) use dir::TempDir;
pub(crate) use process::{Process, coordinator, worker};
pub(crate) use report::Report;
