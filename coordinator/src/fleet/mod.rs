//! The coordinator's end of the wire: registers workers, answers heartbeats, passes everything else to the run's task.
//!
//! Handlers convert, reserve and pass on; they decide nothing but whether a session is still the newest of its worker.

mod convert;
mod registry;
mod serve;
mod service;

pub use convert::order_to_wire;
pub use registry::Registry;
pub use serve::{ListenError, Pipe, listen, memory, pipe, serve};
pub use service::{Assets, FleetEvent, Service};
