//! What a worker is to run: the load profile and its share of the users, as typed ranks of a class.

use std::sync::Arc;
use std::time::Duration;

use stampede_scenarios::arrivals::LANES;
use stampede_scenarios::profile::Profile;
use stampede_scenarios::ranks::RankSet;
use stampede_scenarios::rate::Rate;

use crate::prepare::{ns, rate_from_wire, rate_to_wire};
use crate::steer::{self, Steer};
use crate::{WireError, profile, v1};

/// Most users one worker can be given.
pub(crate) const MAX_USERS: usize = 10_000_000;

/// Most grants of an assignment: classes times what they differ in.
const MAX_GRANTS: usize = 262_144;

/// Most users that one worker can still hold. A range of them takes some bytes on the wire, and four for each user here.
const MAX_HELD: usize = 1_000_000;

/// A worker's part of the open model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenShare {
    /// Its lanes.
    pub lanes: Vec<LaneShare>,
    /// The number of the first user it may start for arrivals; the others follow.
    pub first_user: u32,
    /// How many it may start, beside those it is granted by rank.
    pub max_users: u32,
}

/// Lanes that are a worker's for the same arrivals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneShare {
    /// Which, below [`LANES`].
    pub lanes: RankSet,
    /// Number of the first arrival it may run.
    pub from: u64,
    /// Number of the first it may not; `None`: it may run all that follow.
    pub until: Option<u64>,
}

/// Users of one class, by rank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Index of the class.
    pub class: u16,
    /// The j-th users of the class.
    pub ranks: RankSet,
}

/// A worker's share of a run, whole; the newest revision replaces older ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Assign {
    /// The run it is for.
    pub run: String,
    /// Its number; what is not newer than the one in force is ignored.
    pub revision: u64,
    /// `users_at(t)` of the whole test.
    pub profile: Profile,
    /// This worker's users.
    pub grants: Vec<Grant>,
    /// Where arrivals come at a rate: its part of them. The grants are then the users started beforehand.
    pub open: Option<OpenShare>,
    /// It was lost meanwhile: users not named with the life they have run elsewhere, and begin no request more.
    pub cut: bool,
    /// How the load differs from the scenario's.
    pub steer: Steer,
}

/// Users of one class.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// Index of the class.
    pub class: u16,
    /// The j-th users of the class.
    pub ranks: RankSet,
    /// How often these slots were started before.
    pub life: u32,
    /// The i-th slot of the grant starts at `from + i / rate` at the earliest.
    pub from: Duration,
    /// See `from`; `None`: all at `from`.
    pub rate: Option<Rate>,
}

/// To the wire. `planned` is the profile that the scenario gives, which the worker has made of it too: only what was changed since
/// travels. A shape of a day has hundreds of thousands of changes, and every assignment goes with the profile.
pub fn to_wire(assign: &Assign, planned: &Profile) -> v1::Assign {
    let (kept, profile) = profile::to_wire(&assign.profile, planned);
    v1::Assign {
        run: assign.run.clone(),
        revision: assign.revision,
        profile,
        kept,
        mark: assign.profile.mark(),
        grants: assign.grants.iter().map(grant_to_wire).collect(),
        open: assign.open.as_ref().map(open_to_wire),
        cut: assign.cut,
        rate: assign.steer.rate.as_deref().map(steer::rate_to_wire),
        paused: assign.steer.paused,
    }
}

fn open_to_wire(open: &OpenShare) -> v1::OpenShare {
    let lanes = open.lanes.iter().map(|share| {
        let (ranges, deltas) = ranks_to_wire(&share.lanes);
        v1::Lanes { ranges, deltas, from: share.from, until: share.until }
    });
    v1::OpenShare { lanes: lanes.collect(), first_user: open.first_user, max_users: open.max_users }
}

/// As ranges, or as distances where those are shorter.
fn ranks_to_wire(ranks: &RankSet) -> (Vec<v1::RankRange>, Vec<u32>) {
    let ranges = ranks.ranges();
    // A range costs about four bytes, a distance about one.
    if ranges.len() * 4 <= ranks.len() {
        (ranges.into_iter().map(|(start, count)| v1::RankRange { start, count }).collect(), Vec::new())
    } else {
        (Vec::new(), ranks.deltas())
    }
}

fn ranks_from_wire(ranges: &[v1::RankRange], deltas: &[u32], limit: usize) -> Result<RankSet, WireError> {
    let ranks = if deltas.is_empty() {
        let ranges: Vec<_> = ranges.iter().map(|range| (range.start, range.count)).collect();
        RankSet::from_ranges(&ranges, limit)
    } else {
        RankSet::from_deltas(deltas, limit)
    };
    ranks.map_err(|_| WireError::invalid("ranks", "out of order or too many"))
}

fn grant_to_wire(grant: &Grant) -> v1::Grant {
    let (ranges, deltas) = ranks_to_wire(&grant.ranks);
    v1::Grant {
        class: u32::from(grant.class),
        ranges,
        deltas,
        life: grant.life,
        from_ns: ns(grant.from),
        rate: grant.rate.map(rate_to_wire),
    }
}

/// From the wire. `planned` is the profile that the scenario gives.
///
/// # Errors
/// When ranks or lanes are out of order or too many, a rate is zero, users have numbers beyond all range, or the scenario gives
/// another profile here than at the other end.
pub fn from_wire(wire: v1::Assign, planned: &Profile) -> Result<Assign, WireError> {
    if wire.grants.len() > MAX_GRANTS {
        return Err(WireError::invalid("grants", "too many"));
    }
    let profile = profile::from_wire(&wire, planned)?;
    let mut left = MAX_USERS;
    let mut grants = Vec::with_capacity(wire.grants.len().min(1024));
    for grant in wire.grants {
        let grant = grant_from_wire(&grant, left)?;
        left -= grant.ranks.len();
        grants.push(grant);
    }
    let open = wire.open.as_ref().map(open_from_wire).transpose()?;
    let rate = wire.rate.as_ref().map(steer::rate_from_wire).transpose()?;
    let steer = Steer { rate: rate.map(Arc::new), paused: wire.paused };
    Ok(Assign { run: wire.run, revision: wire.revision, profile, grants, open, cut: wire.cut, steer })
}

fn open_from_wire(wire: &v1::OpenShare) -> Result<OpenShare, WireError> {
    if wire.lanes.len() > usize::from(LANES) {
        return Err(WireError::invalid("open.lanes", "too many"));
    }
    let lanes = wire.lanes.iter().map(lanes_from_wire).collect::<Result<_, _>>()?;
    if wire.max_users as usize > MAX_USERS || wire.first_user.checked_add(wire.max_users).is_none() {
        return Err(WireError::invalid("open.max_users", "too many"));
    }
    Ok(OpenShare { lanes, first_user: wire.first_user, max_users: wire.max_users })
}

fn lanes_from_wire(wire: &v1::Lanes) -> Result<LaneShare, WireError> {
    let lanes = ranks_from_wire(&wire.ranges, &wire.deltas, usize::from(LANES))?;
    if lanes.iter().any(|lane| lane >= u32::from(LANES)) {
        return Err(WireError::invalid("open.lanes", "a lane that is not there"));
    }
    Ok(LaneShare { lanes, from: wire.from, until: wire.until })
}

/// Users that a worker still holds, to the wire.
pub fn held_to_wire(held: &Held) -> v1::Held {
    let (ranges, deltas) = ranks_to_wire(&held.ranks);
    v1::Held { class: u32::from(held.class), ranges, deltas }
}

/// Users that a worker still holds, from the wire.
///
/// # Errors
/// When ranks are out of order or too many, or classes are out of order, there twice or beyond all range.
pub fn held_from_wire(wire: &[v1::Held]) -> Result<Vec<Held>, WireError> {
    let mut left = MAX_HELD;
    let mut held: Vec<Held> = Vec::with_capacity(wire.len().min(1024));
    for wire in wire {
        let class =
            u16::try_from(wire.class).map_err(|_| WireError::invalid("held.class", "beyond all range"))?;
        // Looked up for each slot that is taken back: one place for each class.
        if held.last().is_some_and(|last| last.class >= class) {
            return Err(WireError::invalid("held.class", "out of order or twice"));
        }
        let ranks = ranks_from_wire(&wire.ranges, &wire.deltas, left)?;
        left -= ranks.len();
        held.push(Held { class, ranks });
    }
    Ok(held)
}

fn grant_from_wire(wire: &v1::Grant, limit: usize) -> Result<Grant, WireError> {
    let class =
        u16::try_from(wire.class).map_err(|_| WireError::invalid("grant.class", "beyond all range"))?;
    let ranks = ranks_from_wire(&wire.ranges, &wire.deltas, limit)?;
    Ok(Grant {
        class,
        ranks,
        life: wire.life,
        from: Duration::from_nanos(wire.from_ns),
        rate: wire.rate.map(rate_from_wire).transpose()?,
    })
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use stampede_scenarios::profile::Ramp;
    use stampede_scenarios::rate_profile::RateProfile;

    use super::*;

    fn grant(ranks: Vec<u32>) -> Grant {
        let rate = Rate::new(10, 1);
        Grant { class: 1, ranks: RankSet::from_sorted(ranks), life: 2, from: Duration::from_secs(3), rate }
    }

    fn open(lanes: Vec<u32>) -> OpenShare {
        let lanes = vec![LaneShare { lanes: RankSet::from_sorted(lanes), from: 3, until: Some(90) }];
        OpenShare { lanes, first_user: 7, max_users: 5000 }
    }

    #[test]
    fn a_part_of_the_arrivals_that_cannot_be_is_refused() {
        let good = open_to_wire(&open((0..1024).collect()));
        assert_eq!(good.lanes[0].ranges.len(), 1, "all lanes are one range");
        assert!(open_from_wire(&good).is_ok());
        let spoilt: [fn(&mut v1::OpenShare); 4] = [
            |wire| wire.lanes[0].ranges[0].start = 1,
            |wire| wire.lanes[0].ranges[0].count = 1025,
            |wire| wire.max_users = u32::MAX,
            |wire| wire.first_user = u32::MAX - 10,
        ];
        for spoil in spoilt {
            let mut wire = good.clone();
            spoil(&mut wire);
            assert!(open_from_wire(&wire).is_err(), "{wire:?}");
        }
    }

    #[test]
    fn an_assignment_arrives_as_it_was_sent() {
        let rate = Rate::new(10, 1).expect("positive");
        let profile = Profile::ramp(200, rate).changed(Duration::from_secs(30), 210, rate);
        let scattered = (0..1000).map(|n| n * 3 + n % 2).collect();
        let assign = Assign {
            run: "r".into(),
            revision: 4,
            profile,
            grants: vec![grant((5..900).collect()), grant(scattered), grant(vec![])],
            open: Some(open((0..1024).step_by(3).collect())),
            cut: true,
            steer: Steer { rate: RateProfile::constant(rate).ok().map(Arc::new), paused: true },
        };
        assert_eq!(from_wire(to_wire(&assign, &Profile::default()), &Profile::default()), Ok(assign));
    }

    #[test]
    fn users_still_held_arrive_as_they_were_sent() {
        let held: Vec<_> = (0..3)
            .map(|class: u16| Held {
                class: class * 7,
                ranks: RankSet::from_sorted((u32::from(class)..900).step_by(2).collect()),
            })
            .collect();
        let wire: Vec<_> = held.iter().map(held_to_wire).collect();
        assert_eq!(held_from_wire(&wire), Ok(held));
        assert!(held_from_wire(&[v1::Held { class: 1 << 16, ..v1::Held::default() }]).is_err());
        assert!(held_from_wire(&[wire[0].clone(), wire[0].clone()]).is_err());
        assert!(held_from_wire(&[wire[1].clone(), wire[0].clone()]).is_err());
        let many =
            |count| [v1::Held { ranges: vec![v1::RankRange { start: 0, count }], ..v1::Held::default() }];
        assert!(held_from_wire(&many(1_000_000)).is_ok() && held_from_wire(&many(1_000_001)).is_err());
    }

    #[test]
    fn a_scattered_user_costs_about_two_bytes() {
        let wire = grant_to_wire(&grant((0..10_000).map(|n| n * 7).collect()));
        assert!(wire.encoded_len() < 20_000, "{} bytes", wire.encoded_len());
    }

    #[test]
    fn a_profile_or_grants_beyond_all_range_are_refused() {
        let rate = Some(v1::Rate { num: 1, den: 1 });
        let assign = |to: u32, grants: usize| v1::Assign {
            profile: vec![v1::Ramp { at_ns: u64::MAX, to, rate }],
            mark: Profile::from_changes(vec![Ramp {
                at: Duration::from_nanos(u64::MAX),
                to,
                rate: Rate::new(1, 1).expect("positive"),
            }])
            .mark(),
            grants: vec![v1::Grant::default(); grants],
            ..v1::Assign::default()
        };
        let from_wire = |wire| from_wire(wire, &Profile::default());
        assert!(from_wire(assign(10_000_000, MAX_GRANTS)).is_ok());
        assert!(from_wire(assign(10_000_001, 0)).is_err());
        assert!(from_wire(assign(1, MAX_GRANTS + 1)).is_err());
    }

    #[test]
    fn a_range_that_claims_too_much_is_refused() {
        let mut wire = grant_to_wire(&grant(vec![0, 1, 2, 3]));
        wire.ranges[0].count = u32::MAX;
        assert!(grant_from_wire(&wire, MAX_USERS).is_err());
    }
}
