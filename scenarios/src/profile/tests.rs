//! The profile against moving one user after the other.

use proptest::prelude::*;

use super::*;

fn rate(num: u64, den: u64) -> Rate {
    Rate::new(num, den).unwrap()
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// `users_at` by moving one user after the other.
fn walked(changes: &[Ramp], t: Duration) -> u32 {
    let mut users = 0_u32;
    for (index, ramp) in changes.iter().enumerate().take_while(|(_, ramp)| ramp.at <= t) {
        let until = changes.get(index + 1).map_or(t, |next| next.at.min(t));
        let steps = u64::from(users.abs_diff(ramp.to));
        for _ in (0..steps).take_while(|&i| ramp.at + ramp.rate.time_of(i) <= until) {
            users = if ramp.to > users { users + 1 } else { users - 1 };
        }
    }
    users
}

/// Every instant at which the number of users may change.
fn instants(changes: &[Ramp]) -> Vec<Duration> {
    let of_ramp = |ramp: &Ramp| {
        let ramp = *ramp;
        (0..40).map(move |i| ramp.at + ramp.rate.time_of(i))
    };
    let mut instants: Vec<_> = changes.iter().flat_map(of_ramp).collect();
    instants.sort();
    instants
}

#[test]
fn a_plain_ramp_starts_slot_k_at_k_over_rate() {
    let profile = Profile::ramp(9, rate(2, 1));
    for slot in 0..9 {
        assert_eq!(profile.next_start(slot, Duration::ZERO), Some(ms(u64::from(slot) * 500)));
        assert_eq!(profile.next_stop(slot, ms(4000)), None);
    }
    assert_eq!(profile.next_start(9, Duration::ZERO), None);
    assert_eq!((profile.users_at(ms(499)), profile.users_at(ms(500))), (1, 2));
    assert_eq!((profile.settled_at(), profile.peak(), profile.target_at(ms(0))), (ms(4000), 9, 9));
}

#[test]
fn down_is_last_in_first_out() {
    let profile = Profile::ramp(3, rate(2, 1)).changed(ms(10_000), 1, rate(1, 1));
    let stops = [0, 1, 2].map(|slot| profile.next_stop(slot, ms(5000)));
    assert_eq!(stops, [None, Some(ms(11_000)), Some(ms(10_000))]);
    assert_eq!((profile.settled_at(), profile.peak()), (ms(11_000), 3));
    assert_eq!((profile.target_at(ms(9999)), profile.target_at(ms(10_000))), (3, 1));
}

#[test]
fn an_early_change_takes_over_where_the_last_had_got_to() {
    let profile = Profile::ramp(3, rate(2, 1)).changed(ms(600), 0, rate(1, 1));
    assert_eq!([599, 600, 1599, 1600].map(|t| profile.users_at(ms(t))), [2, 1, 1, 0]);
    assert_eq!(
        (profile.peak(), profile.next_start(2, ms(0)), profile.next_stop(0, ms(0))),
        (2, None, Some(ms(1600)))
    );
    let earlier = profile.changed(ms(1), 5, rate(1, 1));
    assert_eq!(
        earlier,
        Profile::ramp(3, rate(2, 1)).changed(ms(1), 5, rate(1, 1)),
        "what was to come does not"
    );
    assert_eq!((earlier.shared_with(&profile), profile.shared_with(&profile.clone())), (1, 2));
    assert_ne!(earlier.mark(), profile.mark());
    assert_eq!(Profile::from_changes(profile.changes().to_vec()).mark(), profile.mark());
    let late = Ramp { at: ms(1), to: 5, rate: rate(1, 1) };
    let moved = Profile::from_changes(profile.changes().iter().copied().chain([late]).collect());
    assert_eq!(moved.changes()[2].at, ms(600));
}

#[test]
fn a_jump_is_as_steep_as_it_is_high() {
    let jumps = Profile::ramp(50, Rate::AT_ONCE).changed(ms(1000), 80, Rate::AT_ONCE);
    assert_eq!((jumps.users_at(ms(0)), jumps.users_at(ms(999)), jumps.users_at(ms(1000))), (50, 50, 80));
    assert_eq!(jumps.steepest_climb(), Rate::new(50, 1));
    assert_eq!(jumps.changed(ms(2000), 90, rate(70, 1)).steepest_climb(), Rate::new(70, 1));
    assert_eq!(jumps.changed(ms(2000), 0, rate(700, 1)).steepest_climb(), Rate::new(50, 1));
    assert_eq!(Profile::default().steepest_climb(), None);
}

#[test]
fn a_day_in_tenths_of_seconds_is_found_through_quickly() {
    // Slot 149 is alive only at the very end, slot 0 never stops: looking through it for each would take an hour.
    let level = |k: u32| if k == 863_999 { 150 } else { 50 + k % 90 };
    let ramp = |k| Ramp { at: ms(100) * k, to: level(k), rate: Rate::AT_ONCE };
    let profile = Profile::from_changes((0..864_000).map(ramp).collect());
    for k in 0..200_000 {
        assert_eq!(profile.next_start(149, ms(100) * k), Some(ms(86_399_900)));
        assert_eq!(profile.next_stop(49, ms(100) * k), None);
    }
    assert_eq!(
        (profile.peak(), profile.peak_from(ms(86_399_000)), profile.peak_until(ms(8900))),
        (150, 150, 139)
    );
}

#[test]
fn nothing_and_before_the_first_change() {
    let nothing = Profile::default();
    assert_eq!((nothing.users_at(ms(5)), nothing.peak(), nothing.settled_at()), (0, 0, ms(0)));
    assert_eq!((nothing.next_start(0, ms(1)), nothing.next_stop(0, ms(1))), (None, Some(ms(1))));
    let late = nothing.changed(ms(100), 2, rate(10, 1));
    assert_eq!((late.users_at(ms(99)), late.target_at(ms(99))), (0, 0));
    assert_eq!((late.next_start(1, ms(5)), late.next_stop(0, ms(5))), (Some(ms(200)), Some(ms(5))));
}

#[test]
fn the_ends_of_the_range_saturate() {
    let slow = Profile::ramp(u32::MAX, rate(1, u64::MAX));
    assert_eq!(slow.settled_at(), Duration::MAX);
    assert_eq!(slow.next_start(1, ms(0)), Some(Duration::from_secs(u64::MAX)));
    let fast = Profile::ramp(u32::MAX, rate(u64::MAX, 1)).changed(Duration::MAX, 0, rate(u64::MAX, 1));
    assert_eq!((fast.users_at(ms(1000)), fast.users_at(Duration::MAX)), (u32::MAX, 0));
}

fn any_ramp() -> impl Strategy<Value = Ramp> {
    (0_u64..60, 0_u32..25, 1_u64..30, 1_u64..4).prop_map(|(at, to, num, den)| Ramp {
        at: ms(at * 100),
        to,
        rate: rate(num, den),
    })
}

fn any_changes() -> impl Strategy<Value = Vec<Ramp>> {
    prop::collection::vec(any_ramp(), 0..6).prop_map(|mut changes| {
        changes.sort_by_key(|ramp| ramp.at);
        changes
    })
}

proptest! {
    #[test]
    fn users_at_is_what_moving_one_by_one_gives(changes in any_changes()) {
        let profile = Profile::from_changes(changes.clone());
        prop_assert_eq!(profile.changes(), &changes[..]);
        for t in instants(&changes) {
            for t in [t.saturating_sub(Duration::from_nanos(1)), t] {
                prop_assert_eq!(profile.users_at(t), walked(&changes, t), "at {:?}", t);
            }
        }
    }

    #[test]
    fn starts_and_stops_are_the_first_instants_of_their_kind(changes in any_changes(), from in 0_u64..80) {
        let profile = Profile::from_changes(changes.clone());
        let from = ms(from * 100);
        let mut times = instants(&changes);
        times.retain(|t| *t > from);
        times.insert(0, from);
        for slot in 0..26 {
            let start = times.iter().copied().find(|t| profile.users_at(*t) > slot);
            prop_assert_eq!(profile.next_start(slot, from), start, "start of {}", slot);
            let stop = times.iter().copied().find(|t| profile.users_at(*t) <= slot);
            prop_assert_eq!(profile.next_stop(slot, from), stop, "stop of {}", slot);
        }
    }

    #[test]
    fn peak_and_settling_are_those_of_the_course(changes in any_changes()) {
        let profile = Profile::from_changes(changes.clone());
        let times = instants(&changes);
        let peak = times.iter().map(|t| profile.users_at(*t)).max().unwrap_or(0);
        prop_assert_eq!(profile.peak(), peak);
        for t in &times {
            let until = times.iter().filter(|time| *time <= t).map(|time| profile.users_at(*time)).max();
            prop_assert_eq!(profile.peak_until(*t), until.unwrap_or(0), "until {:?}", t);
            let from = times.iter().filter(|time| *time >= t).map(|time| profile.users_at(*time)).max();
            prop_assert_eq!(profile.peak_from(*t), from.unwrap_or(0), "from {:?}", t);
        }
        let end = changes.last().map_or(0, |last| last.to);
        let settled = profile.settled_at();
        prop_assert_eq!(profile.users_at(settled), end);
        if let (Some(last), Some(before)) = (changes.last(), settled.checked_sub(Duration::from_nanos(1))) {
            prop_assert!(before < last.at || profile.users_at(before) != end);
        }
    }
}
