//! A load thread between its session and its target: what it does without a lease, when slots are taken away and come back, and
//! when it joins late.

mod loops;
mod parallel;
mod program;
mod rig;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rig::{Hit, Rig, grant};
use stampede_scenarios::arrivals::LANES;
use stampede_scenarios::rate::Rate;
use stampede_scenarios::rate_profile::RateProfile;
use stampede_worker::engine::Event;
use stampede_worker::engine::arrivals::{LaneGrant, OpenGrant};
use stampede_worker::lease::{BootTime, Lease};

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(3600);

/// One request an iteration, which names the user.
const NAMED: &str = r#"tasks: {t: {steps: [{get: "/${user.id}/${user.life}/${iteration}"}]}}"#;

fn paths(hits: &[Hit]) -> Vec<&str> {
    hits.iter().filter_map(|hit| hit.path.as_deref()).collect()
}

/// A thread whose lease holds, with the requests of its first users at the target.
async fn with_users(class: &str, slots: u32) -> (Rig, Vec<Hit>) {
    let mut rig = Rig::new(class, "users: 9", Lease::new(LONG), Duration::ZERO);
    rig.renew();
    let grants: Vec<_> = (0..slots).map(|slot| grant(slot, 0)).collect();
    rig.assign(&grants, false).await;
    rig.start().await;
    assert!(rig.followed().await.is_empty());
    let hits = rig.requests(slots as usize).await;
    (rig, hits)
}

#[tokio::test]
async fn without_a_lease_users_hold_until_it_is_renewed() {
    let mut rig = Rig::new(NAMED, "users: 9", Lease::new(LONG), Duration::ZERO);
    rig.assign(&[grant(0, 0), grant(1, 0)], false).await;
    rig.start().await;
    rig.second_with(2).await;
    assert!(rig.is_quiet());
    let renewed = Instant::now();
    rig.renew();
    let hits = rig.requests(2).await;
    assert_eq!(paths(&hits), ["/0/0/0", "/1/0/0"]);
    hits.into_iter().for_each(Hit::go_on);
    drop(rig.requests(2).await);
    rig.stop(LONG).await;
    let sum = rig.ended().await;
    // They had been held for a second by then.
    assert!(sum.longest <= renewed.elapsed(), "{sum:?}");
    assert_eq!(sum.requests.started, sum.requests.ok);
    assert_eq!(sum.iterations.begun, sum.iterations.completed);
}

#[tokio::test]
async fn who_holds_ends_with_the_run() {
    let mut rig = Rig::new(NAMED, "users: 9", Lease::new(LONG), Duration::ZERO);
    rig.assign(&[grant(0, 0), grant(1, 0)], false).await;
    rig.start().await;
    rig.second_with(2).await;
    rig.stop(LONG).await;
    let sum = rig.ended().await;
    assert_eq!((sum.requests.started, sum.iterations.begun), (0, 0), "nothing had begun");
}

#[tokio::test]
async fn a_lease_that_ends_while_connecting_is_looked_at_again_before_the_first_byte() {
    let mut rig = Rig::new(NAMED, "users: 9", Lease::new(Duration::from_millis(200)), Duration::ZERO);
    rig.renew();
    rig.assign(&[grant(0, 0)], false).await;
    rig.start().await;
    let connecting = loop {
        rig.renew();
        if let Ok(hit) = tokio::time::timeout(Duration::from_millis(20), rig.hit()).await {
            break hit;
        }
    };
    assert_eq!(connecting.path, None);
    while rig.lease.holds() {
        tokio::task::yield_now().await;
    }
    connecting.go_on();
    rig.second_with(1).await;
    assert!(rig.is_quiet(), "it was not written");
    let begun = loop {
        rig.renew();
        if let Ok(hit) = tokio::time::timeout(Duration::from_millis(20), rig.hit()).await {
            break hit;
        }
    };
    assert_eq!(begun.path.as_deref(), Some("/0/0/0"), "the same request, over the connection it has");
    rig.assign(&[], false).await;
    assert_eq!(rig.followed().await, [0]);
    begun.go_on();
    assert_eq!(rig.released().await, [0]);
    rig.stop(LONG).await;
    let sum = rig.ended().await;
    assert_eq!((sum.requests.started, sum.requests.sent, sum.requests.ok), (1, 1, 1));
    assert_eq!((sum.iterations.begun, sum.iterations.completed), (1, 1));
}

#[tokio::test]
async fn a_slot_taken_away_ends_its_iteration_and_is_released() {
    let (mut rig, mut hits) = with_users(NAMED, 2).await;
    rig.assign(&[grant(0, 0)], false).await;
    assert_eq!(rig.followed().await, [1]);
    hits.remove(1).go_on();
    assert_eq!(rig.released().await, [1]);
    hits.remove(0).go_on();
    assert_eq!(rig.request().await.path.as_deref(), Some("/0/0/1"), "the other one goes on");
    rig.assign(&[grant(0, 0), grant(1, 1)], false).await;
    assert!(rig.followed().await.is_empty());
    let hits = rig.requests(2).await;
    assert!(paths(&hits).contains(&"/1/65536/0"), "{hits:?}");
}

#[tokio::test]
async fn a_slot_that_comes_back_in_time_keeps_its_user() {
    let (mut rig, mut hits) = with_users(NAMED, 1).await;
    rig.assign(&[], false).await;
    assert_eq!(rig.followed().await, [0]);
    rig.assign(&[grant(0, 0)], false).await;
    assert!(rig.followed().await.is_empty());
    hits.remove(0).go_on();
    assert_eq!(rig.request().await.path.as_deref(), Some("/0/0/1"));
}

#[tokio::test]
async fn who_is_cut_lets_its_request_end_and_begins_nothing_more() {
    let class = r#"on_stop: [{get: "/stop/${user.id}"}], tasks: {t: {steps: [{get: "/${user.id}/${user.life}/${iteration}"}, {get: /second}]}}"#;
    let (mut rig, mut hits) = with_users(class, 3).await;
    rig.assign(&[grant(0, 0), grant(1, 1)], true).await;
    assert_eq!(rig.followed().await, [2]);
    assert!(rig.is_quiet(), "the new user of slot 1 waits for the end of the old one");
    hits.remove(2).go_on();
    assert_eq!(rig.released().await, [2]);
    hits.remove(1).go_on();
    let new = rig.request().await;
    assert_eq!(new.path.as_deref(), Some("/1/65536/0"));
    hits.remove(0).go_on();
    let second = rig.request().await;
    assert_eq!(second.path.as_deref(), Some("/second"), "slot 0 goes on");
    rig.assign(&[], false).await;
    assert_eq!(rig.followed().await, [0, 1]);
    drop((new, second));
    rig.stop(LONG).await;
    let sum = rig.ended().await;
    assert_eq!(sum.requests.started, sum.requests.ok, "whatever was sent is booked");
    assert_eq!((sum.iterations.begun, sum.iterations.completed, sum.iterations.cancelled), (4, 2, 2));
}

#[tokio::test]
async fn who_is_cut_while_it_thinks_ends_at_once() {
    let class = "tasks: {t: {steps: [{get: /}, {think: 1h}]}}";
    let (mut rig, hits) = with_users(class, 2).await;
    let mut hits = hits.into_iter();
    hits.next().expect("one").go_on();
    rig.assign(&[], true).await;
    let departing = rig.followed().await.len();
    let mut released = rig.released().await.len();
    // The other one has a request on its way.
    assert_eq!((departing, released), (2, 1));
    hits.next().expect("the other").go_on();
    released += rig.released().await.len();
    assert_eq!(released, 2);
    rig.stop(LONG).await;
    let sum = rig.ended().await;
    assert_eq!((sum.requests.ok, sum.iterations.cancelled), (2, 2));
}

#[tokio::test]
async fn events_that_find_no_room_are_told_later() {
    let (mut rig, hits) = with_users(NAMED, 9).await;
    // More than there is room for, and nobody reads.
    for named in (0..9).rev() {
        let grants: Vec<_> = (0..named).map(|slot| grant(slot, 0)).collect();
        rig.assign(&grants, false).await;
    }
    hits.into_iter().for_each(Hit::go_on);
    let mut left: Vec<u32> = Vec::new();
    let mut revision = 0;
    while revision < 10 || !left.is_empty() {
        match rig.event().await {
            Event::Followed { departing, revision: newest, .. } => (left, revision) = (departing, newest),
            Event::Released { slots, .. } => left.retain(|slot| !slots.contains(slot)),
            _ => {}
        }
    }
}

#[tokio::test]
async fn who_joins_later_begins_with_the_running_second() {
    let ago = Duration::from_secs(40);
    let mut rig = Rig::new(NAMED, "users: 9", Lease::new(LONG), ago);
    rig.renew();
    rig.assign(&[grant(0, 0)], false).await;
    let before = u32::try_from(ago.as_secs()).expect("small");
    rig.start().await;
    let hit = rig.request().await;
    rig.stop(LONG).await;
    hit.go_on();
    let sum = rig.ended().await;
    assert!(sum.first_s >= Some(before), "{sum:?}");
    assert!(sum.requests.ok >= 1 && sum.requests.started == sum.requests.ok, "{sum:?}");
}

/// All lanes from an arrival on, and users for them.
fn all_lanes(from: u64, max_users: u32) -> OpenGrant {
    let lanes = (0..LANES).map(|lane| LaneGrant { lane, from, until: None }).collect();
    OpenGrant { lanes, first_user: 100, step: 1, max_users }
}

#[tokio::test]
async fn arrivals_found_late_within_the_lease_are_begun_and_keep_their_due_instant() {
    let mut rig = Rig::new(NAMED, "rate: 1/s, iterations: 1", Lease::new(LONG), Duration::ZERO);
    rig.assign_open(&[], Some(all_lanes(0, 5)), false).await;
    rig.start().await;
    rig.second_with(0).await;
    assert!(rig.is_quiet());
    rig.renew();
    let hit = rig.request().await;
    hit.go_on();
    rig.second_with(1).await;
    rig.stop(LONG).await;
    let sum = rig.ended().await;
    assert_eq!((sum.iterations.planned, sum.iterations.begun, sum.iterations.completed), (1, 1, 1));
    assert!(sum.longest >= Duration::from_secs(1), "it was due at 0: {sum:?}");
}

#[tokio::test]
async fn arrivals_older_than_the_lease_are_dropped() {
    let length = Duration::from_millis(500);
    let mut rig = Rig::new(NAMED, "rate: 1000/s, iterations: 1", Lease::new(length), Duration::ZERO);
    rig.assign_open(&[], Some(all_lanes(0, 5)), false).await;
    rig.start().await;
    rig.second_with(0).await;
    rig.renew();
    rig.second_with(0).await;
    rig.stop(LONG).await;
    let sum = rig.ended().await;
    assert_eq!((sum.iterations.planned, sum.iterations.begun, sum.iterations.dropped), (1, 0, 1));
}

#[tokio::test]
async fn users_for_arrivals_that_are_too_many_end() {
    let mut rig = Rig::new(NAMED, "rate: 1000/s, iterations: 3", Lease::none(), Duration::ZERO);
    rig.assign_open(&[], Some(all_lanes(0, 3)), false).await;
    rig.start().await;
    let hits = rig.requests(3).await;
    assert_eq!(paths(&hits), ["/100/0/0", "/101/0/0", "/102/0/0"]);
    rig.second_with(3).await;
    rig.assign_open(&[], Some(all_lanes(0, 1)), false).await;
    assert!(rig.followed().await.is_empty(), "they have no slots");
    hits.into_iter().for_each(Hit::go_on);
    rig.second_with(1).await;
    rig.stop(LONG).await;
    assert_eq!(rig.ended().await.iterations.completed, 3);
}

#[tokio::test]
async fn in_a_pause_no_iteration_begins_and_nobody_ends() {
    let (mut rig, hits) = with_users(NAMED, 1).await;
    rig.steer.paused = true;
    rig.assign(&[grant(0, 0)], false).await;
    assert!(rig.followed().await.is_empty());
    hits.into_iter().for_each(Hit::go_on);
    rig.second_with(1).await;
    assert!(rig.is_quiet(), "the iteration under way was the last");
    rig.steer.paused = false;
    rig.assign(&[grant(0, 0)], false).await;
    let hit = rig.request().await;
    assert_eq!(hit.path.as_deref(), Some("/0/0/1"), "the next iteration of the same life");
    hit.go_on();
    rig.stop(LONG).await;
    let sum = rig.ended().await;
    assert_eq!(sum.iterations.begun, sum.iterations.completed);
}

#[tokio::test]
async fn arrivals_follow_another_rate() {
    let mut rig = Rig::new(NAMED, "rate: 1/m, iterations: 9", Lease::none(), Duration::ZERO);
    rig.assign_open(&[], Some(all_lanes(0, 9)), false).await;
    rig.start().await;
    rig.request().await.go_on();
    let rate = |per_second| Rate::new(per_second, 1).expect("positive");
    let slow = RateProfile::constant(Rate::new(1, 60).expect("positive")).expect("one rate");
    let now = rig.clock.now();
    // None for a while, then quick ones: the second was walked long before, a minute ahead.
    let changed = slow.held(now, None).held(now + Duration::from_millis(50), Some(rate(500)));
    rig.steer.rate = Some(Arc::new(changed));
    rig.assign_open(&[], Some(all_lanes(0, 9)), false).await;
    let hits = rig.requests(8).await;
    hits.into_iter().for_each(Hit::go_on);
    rig.stop(LONG).await;
    let sum = rig.ended().await;
    assert_eq!((sum.iterations.planned, sum.iterations.begun), (9, 9), "{sum:?}");
}

#[tokio::test]
async fn a_late_heartbeat_takes_nothing_away() {
    let (rig, hits) = with_users(NAMED, 1).await;
    let before = rig.lease.deadline();
    rig.lease.renew(BootTime::at(Duration::from_nanos(1)));
    assert_eq!(rig.lease.deadline(), before);
    drop(hits);
    rig.stop(LONG).await;
    assert!(rig.ended().await.requests.ok >= 1);
}
