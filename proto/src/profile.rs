//! The load profile as it travels: what was changed of the one that the scenario gives.
//!
//! A shape of a day has hundreds of thousands of changes, and every assignment goes with the profile. Both ends have made it of
//! the scenario; a mark shows whether they have come to the same.

use std::time::Duration;

use stampede_scenarios::profile::{Profile, Ramp};

use crate::assign::MAX_USERS;
use crate::prepare::{ns, rate_from_wire, rate_to_wire};
use crate::{WireError, v1};

/// Most changes of a profile.
const MAX_RAMPS: usize = 1_000_000;

/// To the wire: how many changes it shares with `planned`, and the others.
pub(crate) fn to_wire(profile: &Profile, planned: &Profile) -> (u32, Vec<v1::Ramp>) {
    let kept = profile.shared_with(planned);
    let ramp =
        |ramp: &Ramp| v1::Ramp { at_ns: ns(ramp.at), to: ramp.to, rate: Some(rate_to_wire(ramp.rate)) };
    let others = profile.changes().iter().skip(kept).map(ramp);
    (u32::try_from(kept).unwrap_or(u32::MAX), others.collect())
}

/// From the wire.
///
/// # Errors
/// When it has too many changes or users, a rate is zero, or the scenario gives another profile here than at the other end.
pub(crate) fn from_wire(wire: &v1::Assign, planned: &Profile) -> Result<Profile, WireError> {
    if wire.profile.len() > MAX_RAMPS {
        return Err(WireError::invalid("profile", "too many changes"));
    }
    let kept = wire.kept as usize;
    let Some(kept) = planned.changes().get(..kept) else {
        return Err(WireError::invalid("kept", "more changes than the scenario gives here"));
    };
    let profile = if wire.profile.is_empty() && kept.len() == planned.changes().len() {
        planned.clone()
    } else {
        let ramps = kept.iter().copied().map(Ok).chain(wire.profile.iter().map(ramp_from_wire));
        Profile::from_changes(ramps.collect::<Result<_, _>>()?)
    };
    // Computed with sines and the like, it may not be the same everywhere.
    if profile.mark() == wire.mark {
        Ok(profile)
    } else {
        Err(WireError::invalid("profile", "the scenario gives another one here than at the coordinator"))
    }
}

fn ramp_from_wire(ramp: &v1::Ramp) -> Result<Ramp, WireError> {
    if ramp.to as usize > MAX_USERS {
        return Err(WireError::invalid("profile.to", "too many users"));
    }
    let rate = rate_from_wire(ramp.rate.ok_or(WireError::Missing("profile.rate"))?)?;
    Ok(Ramp { at: Duration::from_nanos(ramp.at_ns), to: ramp.to, rate })
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use stampede_scenarios::rate::Rate;

    use super::*;
    use crate::assign::{self, Assign};

    /// A climb in a hundred thousand small ramps.
    fn long() -> Profile {
        let ramp =
            |k: u32| Ramp { at: Duration::from_millis(100) * k, to: k / 7 + k % 3, rate: Rate::AT_ONCE };
        Profile::from_changes((0..100_000).map(ramp).collect())
    }

    fn of(profile: &Profile) -> Assign {
        let (run, profile) = ("r".to_owned(), profile.clone());
        Assign {
            run,
            revision: 1,
            profile,
            grants: Vec::new(),
            open: None,
            cut: false,
            steer: crate::steer::Steer::default(),
        }
    }

    #[test]
    fn of_a_long_profile_only_what_was_changed_travels() {
        let planned = long();
        let wire = assign::to_wire(&of(&planned), &planned);
        assert!(wire.encoded_len() < 20, "{} bytes", wire.encoded_len());
        // The other end has made it by itself.
        assert_eq!(assign::from_wire(wire, &long()), Ok(of(&planned)));
        let changed = planned.changed(Duration::from_secs(5000), 9, Rate::AT_ONCE);
        let wire = assign::to_wire(&of(&changed), &planned);
        assert_eq!((wire.kept, wire.profile.len()), (50_001, 1));
        assert_eq!(assign::from_wire(wire, &long()), Ok(of(&changed)));
    }

    #[test]
    fn two_ends_that_come_to_different_profiles_do_not_run() {
        let rate = Rate::new(10, 1).expect("positive");
        let (here, there) = (Profile::ramp(200, rate), Profile::ramp(201, rate));
        assert!(assign::from_wire(assign::to_wire(&of(&here), &here), &there).is_err());
        assert!(assign::from_wire(assign::to_wire(&of(&here), &here), &Profile::default()).is_err());
        assert!(assign::from_wire(assign::to_wire(&of(&here), &here), &here).is_ok());
    }
}
