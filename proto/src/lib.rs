//! The wire: generated messages, and their conversion to and from the values the rest of the program uses.
//!
//! No logic. What a peer sends is checked while it is converted; an error names the field. No generated type is needed beyond
//! the sessions at both ends.

pub mod aside;
pub mod assign;
pub mod batch;
mod counts;
pub mod prepare;
mod profile;
pub mod rows;
pub mod steer;
pub mod times;
pub mod token;
pub mod watch;

use std::time::Duration;

/// The generated messages and services.
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated code"
)]
pub mod v1 {
    tonic::include_proto!("stampede.v1");
}

/// Version of the wire. Raised when the meaning of a field changes; both ends must have the same.
pub const PROTOCOL: u32 = 4;

/// Version of the program, as `Register` compares it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Largest message a coordinator may send, in bytes: a scenario, or the share of a worker with millions of users.
pub const MAX_MESSAGE: usize = 16 << 20;

/// Largest message a worker may send, in bytes: a batch with the final totals of many endpoints. Decoded, a message can take some
/// hundred times the memory it took on the wire.
pub const MAX_UP: usize = 4 << 20;

/// Longest name of a run, in bytes.
pub const MAX_RUN: usize = 64;

/// Largest batch of statistics, in bytes.
pub const MAX_BATCH: usize = 1 << 20;

/// How much later than the end of its lease a worker is taken for lost. Both ends count with it.
pub const LEASE_MARGIN: Duration = Duration::from_millis(500);

/// Largest picture of a run that is sent to whoever watches it, in bytes.
pub const MAX_VIEW: usize = 4 << 20;

/// Bytes of a file in one [`v1::AssetChunk`].
pub const ASSET_CHUNK: usize = 256 << 10;

/// A message that cannot be taken as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A field that must be there is not.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A field whose value cannot be.
    #[error("`{field}` is not valid: {why}")]
    Invalid {
        /// Which.
        field: &'static str,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl WireError {
    pub(crate) fn invalid(field: &'static str, why: &'static str) -> Self {
        Self::Invalid { field, why }
    }
}
