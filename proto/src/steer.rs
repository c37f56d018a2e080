//! What is done to the load of a running test beyond who runs what of it: another arrival rate, a pause.
//!
//! It goes with an assignment, whole each time. A rate is checked while it is read: whoever follows it reckons with it.

use std::sync::Arc;
use std::time::Duration;

use stampede_scenarios::rate_change::RateLeg;
use stampede_scenarios::rate_profile::RateProfile;

use crate::prepare::ns;
use crate::{WireError, v1};

/// Most legs of a rate.
const MAX_LEGS: usize = 500_000;

/// How the load differs from the scenario's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Steer {
    /// The arrival rate, where it is no longer the scenario's.
    pub rate: Option<Arc<RateProfile>>,
    /// No iteration begins; users stay as they are.
    pub paused: bool,
}

/// A rate to the wire.
pub(crate) fn rate_to_wire(rate: &RateProfile) -> v1::RateProfile {
    let leg =
        |leg: RateLeg| v1::RateLeg { at_ns: ns(leg.at), from: leg.from, to: leg.to, len_ns: leg.len.map(ns) };
    v1::RateProfile { den: rate.denominator(), legs: rate.legs().map(leg).collect() }
}

/// A rate from the wire.
///
/// # Errors
/// When its legs are too many, or no rate over time.
pub(crate) fn rate_from_wire(wire: &v1::RateProfile) -> Result<RateProfile, WireError> {
    if wire.legs.len() > MAX_LEGS {
        return Err(WireError::invalid("rate.legs", "too many"));
    }
    let leg = |leg: &v1::RateLeg| RateLeg {
        at: Duration::from_nanos(leg.at_ns),
        from: leg.from,
        to: leg.to,
        len: leg.len_ns.map(Duration::from_nanos),
    };
    let legs: Vec<_> = wire.legs.iter().map(leg).collect();
    RateProfile::from_legs(wire.den, &legs).map_err(|_| WireError::invalid("rate", "no rate over time"))
}

#[cfg(test)]
mod tests {
    use stampede_scenarios::rate::Rate;

    use super::*;

    #[test]
    fn a_rate_arrives_as_it_was_sent() {
        let rate = Rate::new(7, 3).expect("positive");
        let profile = RateProfile::constant(rate).expect("one rate");
        let changed = profile.held(Duration::from_secs(3), None).held(Duration::from_secs(9), Some(rate));
        let wire = rate_to_wire(&changed);
        assert_eq!(rate_from_wire(&wire), Ok(changed));
        let many = v1::RateProfile { den: 3, legs: vec![wire.legs[0]; MAX_LEGS + 1] };
        assert!(rate_from_wire(&many).is_err());
        assert!(rate_from_wire(&v1::RateProfile::default()).is_err());
    }
}
