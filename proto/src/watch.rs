//! What a person who watches a run from elsewhere wants of it, as it travels.

use crate::WireError;
use crate::v1::SteerRequest;
use crate::v1::steer_request::What;

/// Most users, or arrivals a second, that one wish is about.
const MOST: i32 = 1_000_000;

/// What is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// So many users more or fewer, or arrivals a second.
    ChangeUsers(i32),
    /// A tenth more of either.
    More,
    /// A tenth less.
    Less,
    /// That no iteration begins; or that they go on.
    Pause,
    /// That the stage under way is skipped.
    NextStage,
    /// That the run ends, drains and reports.
    Stop,
}

/// As it travels.
pub fn to_wire(wish: Wish) -> SteerRequest {
    let what = match wish {
        Wish::ChangeUsers(by) => What::ChangeUsers(by.clamp(-MOST, MOST)),
        Wish::More => What::More(true),
        Wish::Less => What::Less(true),
        Wish::Pause => What::Pause(true),
        Wish::NextStage => What::NextStage(true),
        Wish::Stop => What::Stop(true),
    };
    SteerRequest { what: Some(what) }
}

/// As it is taken.
///
/// # Errors
/// When nothing is wanted, or something that cannot be.
pub fn from_wire(request: SteerRequest) -> Result<Wish, WireError> {
    Ok(match request.what.ok_or(WireError::Missing("what"))? {
        What::ChangeUsers(by) if (-MOST..=MOST).contains(&by) => Wish::ChangeUsers(by),
        What::ChangeUsers(_) => return Err(WireError::invalid("change_users", "out of range")),
        What::More(true) => Wish::More,
        What::Less(true) => Wish::Less,
        What::Pause(true) => Wish::Pause,
        What::NextStage(true) => Wish::NextStage,
        What::Stop(true) => Wish::Stop,
        _ => return Err(WireError::invalid("what", "it is not wanted")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_arrives() {
        let all = [Wish::ChangeUsers(-5), Wish::More, Wish::Less, Wish::Pause, Wish::NextStage, Wish::Stop];
        for wish in all {
            assert_eq!(from_wire(to_wire(wish)), Ok(wish));
        }
        assert_eq!(from_wire(SteerRequest { what: None }), Err(WireError::Missing("what")));
        for cannot_be in [What::Stop(false), What::ChangeUsers(MOST + 1), What::ChangeUsers(i32::MIN)] {
            assert!(from_wire(SteerRequest { what: Some(cannot_be) }).is_err());
        }
    }
}
