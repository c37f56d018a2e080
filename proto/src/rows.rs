//! What a row of the statistics is, from the plan to the book of a load thread, and over the wire.
//!
//! The plan and the statistics know nothing of each other; both are known here.

use stampede_scenarios::plan::{self, EndpointName};
use stampede_stats::endpoint::{EndpointKey, Part, RowKind};

use crate::{WireError, v1};

/// Longest endpoint name or method, in bytes.
pub(crate) const MAX_NAME: usize = 2048;

/// The measured row that counts what the plan calls `name`.
pub fn key(name: &EndpointName) -> EndpointKey {
    let kind = match name.kind {
        plan::RowKind::Request => RowKind::Request,
        plan::RowKind::Group => RowKind::Group,
        plan::RowKind::Task => RowKind::Task,
        plan::RowKind::Aside => RowKind::Aside,
        plan::RowKind::Class => RowKind::Class,
    };
    EndpointKey::of(kind, &name.method, &name.name)
}

/// The kind and the part of a row, as they stand beside its method and name.
pub(crate) fn row_to_wire(key: &EndpointKey) -> (i32, bool) {
    let kind = match key.kind {
        RowKind::Request => v1::RowKind::Request,
        RowKind::Group => v1::RowKind::Group,
        RowKind::Task => v1::RowKind::Task,
        RowKind::Aside => v1::RowKind::Aside,
        RowKind::Class => v1::RowKind::Class,
    };
    (kind.into(), key.part == Part::WarmUp)
}

/// A row from the wire.
///
/// # Errors
/// When its method or name is too long, its kind unknown, or it is of the warm-up and cannot be.
pub(crate) fn key_from_wire(
    (row, warmup): (i32, bool),
    method: String,
    name: String,
) -> Result<EndpointKey, WireError> {
    if method.len() > MAX_NAME || name.len() > MAX_NAME {
        return Err(WireError::invalid("name", "too long"));
    }
    let kind = match v1::RowKind::try_from(row) {
        Ok(v1::RowKind::Request) => RowKind::Request,
        Ok(v1::RowKind::Group) => RowKind::Group,
        Ok(v1::RowKind::Task) => RowKind::Task,
        Ok(v1::RowKind::Aside) => RowKind::Aside,
        Ok(v1::RowKind::Class) => RowKind::Class,
        Err(_) => return Err(WireError::invalid("row", "of an unknown kind")),
    };
    let part = if warmup { Part::WarmUp } else { Part::Measured };
    let key = EndpointKey::of(kind, method, name).in_part(part);
    if key.part == part { Ok(key) } else { Err(WireError::invalid("row", "cannot be of the warm-up")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_the_plan_has_a_row_that_travels() {
        use plan::RowKind::{Aside, Class, Group, Request, Task};
        let kinds = [Class, Request, Group, Task, Aside].map(|kind| {
            let name = EndpointName { kind, method: "M".to_owned(), name: "n".to_owned() };
            key(&name)
        });
        assert_eq!(kinds.each_ref().map(|key| key.kind), RowKind::ALL);
        for key in kinds {
            for part in [Part::Measured, Part::WarmUp] {
                let key = key.clone().in_part(part);
                let there = key_from_wire(row_to_wire(&key), "M".to_owned(), "n".to_owned());
                assert_eq!(there, Ok(key));
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let from_wire = |row, name: &str| key_from_wire(row, "GET".to_owned(), name.to_owned());
        assert!(from_wire((5, false), "/").is_err());
        assert!(from_wire((-1, false), "/").is_err());
        assert!(from_wire((v1::RowKind::Aside.into(), true), "/").is_err());
        assert!(from_wire((0, false), &"x".repeat(MAX_NAME + 1)).is_err());
    }
}
