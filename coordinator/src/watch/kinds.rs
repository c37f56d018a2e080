//! How the kinds of rows and failures stand in a picture: by their names, as everything else there.

use serde::{Deserialize, Serialize};
use stampede_stats::endpoint::RowKind;
use stampede_stats::outcome::FailureKind;

/// [`RowKind`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "RowKind")]
pub(crate) enum RowKindOnWire {
    Request,
    Group,
    Task,
    Aside,
    Class,
}

/// [`FailureKind`].
#[derive(Serialize, Deserialize)]
#[serde(remote = "FailureKind")]
pub(crate) enum FailureKindOnWire {
    Dns,
    Connect,
    Tls,
    Timeout,
    Closed,
    Reset,
    Protocol,
    Status,
    Expect,
    Extract,
    Template,
    TooLarge,
    Fail,
    Other,
}
