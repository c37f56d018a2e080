//! `setup` and `teardown` on the wire: who is told to run them, and what came of it.
//!
//! The result is one message that is told with each heartbeat until it is of no use any more, so it needs neither a number nor
//! an answer. Its statistics have the form of a batch.

use stampede_stats::counts::IterationCounts;
use stampede_stats::endpoint::RowKind;
use stampede_stats::snapshot::Snapshot;

use crate::batch::{self, Batch};
use crate::{WireError, v1};

/// Largest sum of all values that setup gives, in bytes of JSON.
pub const MAX_SHARED: usize = 256 << 10;

/// Longest failure, in characters.
const MAX_FAILURE: usize = 2000;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsideKind {
    /// Before the first user.
    Setup,
    /// Behind the last one.
    Teardown,
}

/// Variables by number, as JSON; `None` has no value.
pub type Shared = Vec<Option<String>>;

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AsideDone {
    /// Which.
    pub kind: AsideKind,
    /// Why the test is not to go on.
    pub failure: Option<String>,
    /// What the variables are at its end.
    pub shared: Shared,
    /// What its requests came to.
    pub rows: Snapshot,
}

/// To the wire.
pub fn to_wire(done: &AsideDone) -> v1::AsideDone {
    let rows = Batch { snapshot: done.rows.clone(), ..Batch::default() };
    v1::AsideDone {
        kind: kind_to_wire(done.kind).into(),
        failure: done.failure.clone().unwrap_or_default(),
        shared: Some(shared_to_wire(&done.shared)),
        rows: Some(batch::to_wire(&rows)),
    }
}

/// From the wire.
///
/// # Errors
/// When the kind is unknown, the values are too large, or the statistics cannot be.
pub fn from_wire(wire: v1::AsideDone) -> Result<AsideDone, WireError> {
    let rows = batch::from_wire(wire.rows.ok_or(WireError::Missing("rows"))?)?.snapshot;
    let errors = rows.errors.keys().map(|error| &error.endpoint);
    let beside = rows.endpoints.keys().chain(errors).all(|key| key.kind == RowKind::Aside);
    if !beside || rows.all_iterations() != IterationCounts::default() {
        return Err(WireError::invalid("rows", "of users"));
    }
    let failure: String = wire.failure.chars().take(MAX_FAILURE).collect();
    Ok(AsideDone {
        kind: kind_from_wire(wire.kind)?,
        failure: (!failure.is_empty()).then_some(failure),
        shared: shared_from_wire(wire.shared.unwrap_or_default())?,
        rows,
    })
}

/// Which of the two, to the wire.
pub fn kind_to_wire(kind: AsideKind) -> v1::AsideKind {
    match kind {
        AsideKind::Setup => v1::AsideKind::Setup,
        AsideKind::Teardown => v1::AsideKind::Teardown,
    }
}

/// Which of the two, from the wire.
///
/// # Errors
/// When it is neither.
pub fn kind_from_wire(kind: i32) -> Result<AsideKind, WireError> {
    match v1::AsideKind::try_from(kind) {
        Ok(v1::AsideKind::Setup) => Ok(AsideKind::Setup),
        Ok(v1::AsideKind::Teardown) => Ok(AsideKind::Teardown),
        Err(_) => Err(WireError::invalid("kind", "unknown")),
    }
}

/// Values to the wire.
pub fn shared_to_wire(shared: &Shared) -> v1::Shared {
    v1::Shared { values: shared.iter().map(|json| v1::SharedValue { json: json.clone() }).collect() }
}

/// Values from the wire.
///
/// # Errors
/// When they are larger than [`MAX_SHARED`].
pub fn shared_from_wire(wire: v1::Shared) -> Result<Shared, WireError> {
    let shared = wire.values.into_iter().map(|value| value.json).collect();
    if shared_size(&shared) > MAX_SHARED {
        return Err(WireError::invalid("shared", "too large"));
    }
    Ok(shared)
}

/// What counts against [`MAX_SHARED`].
pub fn shared_size(shared: &Shared) -> usize {
    shared.iter().map(|json| 1 + json.as_ref().map_or(0, String::len)).sum()
}

#[cfg(test)]
mod tests {
    use stampede_stats::counts::RequestCounts;
    use stampede_stats::endpoint::{EndpointDelta, EndpointKey};

    use super::*;

    /// By a `fail` step: without a time.
    fn failed() -> EndpointDelta {
        let counts = RequestCounts { started: 1, failed: 1, ..RequestCounts::default() };
        EndpointDelta { counts, ..EndpointDelta::default() }
    }

    fn done() -> AsideDone {
        AsideDone {
            kind: AsideKind::Setup,
            failure: Some("POST /reset: status 500".into()),
            shared: vec![Some("\"a\"".into()), None, Some("[1,2]".into())],
            rows: Snapshot {
                to_s: 1,
                endpoints: [(EndpointKey::of(RowKind::Aside, "POST", "(setup) /reset"), failed())].into(),
                ..Snapshot::default()
            },
        }
    }

    #[test]
    fn it_arrives_as_it_was_sent() {
        for kind in [AsideKind::Setup, AsideKind::Teardown] {
            let sent = AsideDone { kind, ..done() };
            assert_eq!(from_wire(to_wire(&sent)), Ok(sent));
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let wire = to_wire(&done());
        assert!(from_wire(v1::AsideDone { kind: 2, ..wire.clone() }).is_err());
        assert!(from_wire(v1::AsideDone { rows: None, ..wire.clone() }).is_err());
        let mut of_users = done();
        of_users.rows.endpoints = [(EndpointKey::new("GET", "/"), EndpointDelta::default())].into();
        assert!(from_wire(to_wire(&of_users)).is_err());
        let mut with_iterations = done();
        with_iterations.rows.iterations.begun = 1;
        assert!(from_wire(to_wire(&with_iterations)).is_err());
        let large = vec![Some("x".repeat(MAX_SHARED))];
        assert!(from_wire(v1::AsideDone { shared: Some(shared_to_wire(&large)), ..wire }).is_err());
    }
}
