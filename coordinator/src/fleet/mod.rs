//! The coordinator's end of the wire: registers workers, answers heartbeats, passes everything else to the run's task.
//!
//! Handlers convert, reserve and pass on; they decide nothing but whether a session is still the newest of its worker.

mod accept;
mod convert;
mod guard;
mod refusals;
mod registry;
mod serve;
mod service;
mod tls;

pub(crate) use convert::heartbeat as heartbeat_from_wire;
pub use convert::order_to_wire;
pub use registry::Registry;
pub use serve::{Door, ListenError, Pipe, listen, listen_on, memory, pipe, remote_memory, resolve, serve};
pub use service::{Assets, FleetEvent, Service};
pub use tls::{FleetTls, FleetTlsError};
pub(crate) use tls::{authorities, certificates, private_key};
