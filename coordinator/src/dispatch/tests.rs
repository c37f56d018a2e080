//! Single decisions with the numbers written out.

use std::time::Duration;

use stampede_proto::assign::{Grant, Held};
use stampede_scenarios::ranks::RankSet;
use stampede_scenarios::rate::Rate;
use stampede_scenarios::sequence::{ClassSequence, ClassShare};

use super::{Dispatch, Moment, Seat};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// All of so many slots run; 10 a second.
fn all(slots: u32, at: u64) -> Moment {
    let rate = Rate::new(10, 1).unwrap();
    Moment { at: secs(at), running: slots, ahead: slots, ever: slots, rate }
}

fn users(weights: &[u64], n: u32) -> Vec<(u16, u32)> {
    let shares: Vec<_> = weights.iter().map(|&weight| ClassShare::Weight(weight)).collect();
    ClassSequence::new(&shares).table(n).iter().map(|slot| (slot.class, slot.rank)).collect()
}

/// A run of `n` slots that all run, and that everybody follows.
fn running(workers: usize, weights: &[u64], n: u32) -> Dispatch {
    let mut dispatch = Dispatch::fresh(&vec![1; workers], users(weights, n).into_iter());
    settle(&mut dispatch, &all(n, 0));
    dispatch
}

/// Every worker that is told something follows it and holds nothing; until nobody is told anything.
fn settle(dispatch: &mut Dispatch, m: &Moment) {
    loop {
        let changed = dispatch.changed();
        if changed.is_empty() {
            return;
        }
        for seat in changed {
            let revision = dispatch.share(seat, m.at).revision;
            dispatch.follows(seat, revision, &[], m);
        }
    }
}

fn grants(dispatch: &Dispatch, seat: Seat, at: u64) -> Vec<Grant> {
    dispatch.share(seat, secs(at)).grants
}

fn granted(dispatch: &Dispatch, seats: usize) -> Vec<u32> {
    (0..seats).map(|seat| dispatch.counts(seat).granted).collect()
}

#[test]
fn at_the_start_everybody_has_a_share_of_revision_one() {
    let mut dispatch = Dispatch::fresh(&[1, 1, 1], users(&[1, 1, 1], 9).into_iter());
    assert_eq!(dispatch.changed(), [0, 1, 2]);
    assert!(dispatch.changed().is_empty());
    let share = dispatch.share(1, secs(0));
    assert_eq!((share.revision, share.cut), (1, false));
    let plain = |class, rank| {
        let ranks = RankSet::from_sorted(vec![rank]);
        Grant { class, ranks, life: 0, from: secs(0), rate: None }
    };
    assert_eq!(share.grants, [plain(0, 1), plain(1, 0), plain(2, 2)]);
    assert_eq!(dispatch.share(7, secs(0)).revision, 0, "a seat that there is not");
}

#[test]
fn a_worker_of_twice_the_capacity_has_twice_the_users() {
    let dispatch = Dispatch::fresh(&[1, 2, 1], users(&[3, 1], 40).into_iter());
    assert_eq!(granted(&dispatch, 3), [10, 20, 10]);
    let of_class =
        |seat: Seat| grants(&dispatch, seat, 0).iter().map(|grant| grant.ranks.len()).collect::<Vec<_>>();
    assert_eq!([of_class(0), of_class(1), of_class(2)], [[8, 2], [15, 5], [7, 3]]);
}

#[test]
fn lost_users_start_elsewhere_one_after_the_other_and_nobody_else_moves() {
    let mut dispatch = running(3, &[1], 12);
    let before = [grants(&dispatch, 0, 0), grants(&dispatch, 2, 0)];
    dispatch.lose(1, &all(12, 20));
    assert_eq!(dispatch.changed(), [0, 2]);
    assert_eq!(granted(&dispatch, 3), [6, 0, 6]);
    let mut starts = Vec::new();
    for (seat, before) in [0, 2].into_iter().zip(before) {
        let now = grants(&dispatch, seat, 20);
        assert_eq!(now[0], before[0], "what it has stays");
        starts.extend(now[1..].iter().inspect(|grant| assert_eq!(grant.life, 1)).flat_map(all_starts));
    }
    starts.sort();
    // The one at 20 s is as good as past, and has no start.
    assert_eq!(starts, [0, 20_100, 20_200, 20_300].map(Duration::from_millis));
    assert_eq!(dispatch.on_their_way(&all(12, 20)), 3, "the first starts at once");
    assert_eq!(dispatch.on_their_way(&all(12, 21)), 0);
    let merged: Vec<_> =
        grants(&dispatch, 0, 21).iter().map(|grant| (grant.life, grant.from, grant.rate)).collect();
    assert_eq!(merged, [(0, secs(0), None), (1, secs(0), None)]);
}

#[test]
fn a_second_takeover_begins_where_the_first_ends() {
    let mut dispatch = running(4, &[1], 40);
    dispatch.lose(0, &all(40, 10));
    dispatch.lose(1, &all(40, 10));
    // 10 users of the first, whose first starts at once, and 10 of the second, which had taken over 3 or 4 of those: they wait
    // anew.
    let waiting = dispatch.on_their_way(&all(40, 10));
    assert!((19..=20).contains(&waiting), "{waiting}");
    let last = grants(&dispatch, 2, 10).iter().chain(&grants(&dispatch, 3, 10)).flat_map(all_starts).max();
    assert!(
        last >= Some(Duration::from_millis(12_200)) && last < Some(Duration::from_millis(12_400)),
        "{last:?}"
    );
}

fn all_starts(grant: &Grant) -> Vec<Duration> {
    let start = |i| grant.from + grant.rate.map_or(secs(0), |rate| rate.time_of(i));
    (0..grant.ranks.len() as u64).map(start).collect()
}

#[test]
fn a_worker_that_joins_takes_its_part_and_no_more() {
    let mut dispatch = running(3, &[1, 1], 24);
    let m = all(24, 5);
    assert_eq!(dispatch.join(1, &m), 3);
    let taken: u32 = (0..3).map(|seat| dispatch.counts(seat).releasing).sum();
    assert_eq!((taken, granted(&dispatch, 4)), (6, vec![6, 6, 6, 0]), "taken back, not given yet");
    settle(&mut dispatch, &m);
    assert_eq!(granted(&dispatch, 4), [6, 6, 6, 6]);
    let grants = grants(&dispatch, 3, 5);
    assert!(grants.iter().all(|grant| grant.life == 1));
    assert_eq!(
        grants.iter().filter(|grant| grant.class == 0).map(|grant| grant.ranks.len()).sum::<usize>(),
        3
    );
}

#[test]
fn a_user_that_is_held_is_not_given_on() {
    let mut dispatch = running(1, &[1], 2);
    let m = all(2, 5);
    dispatch.join(1, &m);
    let revision = dispatch.share(0, m.at).revision;
    let held = [Held { class: 0, ranks: RankSet::from_sorted(vec![1]) }];
    dispatch.follows(0, revision - 1, &[], &m);
    dispatch.follows(0, revision, &held, &m);
    dispatch.follows(0, revision + 1, &[], &m);
    assert_eq!(granted(&dispatch, 2), [1, 0], "it follows, and the user is still there");
    dispatch.follows(0, revision, &[], &m);
    assert_eq!(granted(&dispatch, 2), [1, 1]);
}

#[test]
fn what_was_meant_for_a_lost_worker_is_given_back_as_it_was() {
    let mut dispatch = running(1, &[1], 4);
    let m = all(4, 5);
    let before = grants(&dispatch, 0, 5);
    dispatch.join(1, &m);
    assert_eq!(dispatch.counts(0).releasing, 2);
    dispatch.lose(1, &m);
    assert_eq!(dispatch.counts(0).releasing, 0);
    assert_eq!(grants(&dispatch, 0, 5), before, "same lives, and no start in between");
    settle(&mut dispatch, &m);
    assert_eq!(granted(&dispatch, 2), [4, 0]);
}

#[test]
fn the_only_worker_comes_back_to_its_users() {
    let mut dispatch = running(1, &[1], 4);
    let before = grants(&dispatch, 0, 5);
    dispatch.lose(0, &all(4, 10));
    assert_eq!(dispatch.on_their_way(&all(4, 10)), 4);
    dispatch.back(0, &all(4, 12));
    let share = dispatch.share(0, secs(12));
    assert_eq!((share.cut, &share.grants), (true, &before), "they were held still and go on");
    dispatch.follows(0, share.revision, &[], &all(4, 12));
    assert!(!dispatch.share(0, secs(12)).cut);
}

#[test]
fn who_comes_back_gets_what_nobody_runs_and_later_its_part() {
    let mut dispatch = running(2, &[1], 8);
    dispatch.lose(0, &all(8, 10));
    dispatch.back(0, &all(8, 12));
    settle(&mut dispatch, &all(8, 12));
    assert_eq!(granted(&dispatch, 2), [0, 8]);
    // Slots that are not running yet are shared with it.
    let m = all(8, 20);
    dispatch.grow(users(&[1], 10).into_iter().skip(8), &Moment { ahead: 10, ..m });
    settle(&mut dispatch, &m);
    assert_eq!(granted(&dispatch, 2), [2, 8]);
    assert_eq!(dispatch.next_tick(), Some(secs(42)));
    dispatch.tick(&all(10, 41));
    assert!(dispatch.changed().is_empty());
    dispatch.tick(&all(10, 42));
    settle(&mut dispatch, &all(10, 42));
    assert_eq!((granted(&dispatch, 2), dispatch.next_tick()), (vec![5, 5], None));
}

#[test]
fn who_leaves_gives_up_each_user_as_it_ends() {
    let mut dispatch = running(2, &[1], 6);
    let m = all(6, 10);
    dispatch.leave(0, &m);
    assert_eq!((dispatch.changed(), granted(&dispatch, 2)), (vec![0], vec![0, 3]));
    let share = dispatch.share(0, m.at);
    assert!(share.grants.is_empty());
    let first = Held { class: 0, ranks: RankSet::from_sorted(vec![0]) };
    dispatch.follows(0, share.revision, &[first], &m);
    assert_eq!(granted(&dispatch, 2), [0, 5]);
    dispatch.gone(0, &m);
    assert_eq!(granted(&dispatch, 2), [0, 6]);
    assert_eq!(dispatch.changed(), [1], "nobody is told anything who has left");
}

#[test]
fn slots_wait_for_who_comes_next() {
    let mut dispatch = running(1, &[1], 4);
    dispatch.gone(0, &all(4, 10));
    assert_eq!(dispatch.on_their_way(&all(4, 10)), 4);
    dispatch.join(1, &all(4, 20));
    let grants = grants(&dispatch, 1, 20);
    assert_eq!((grants.len(), grants[0].life), (2, 1), "the first starts at once");
    assert_eq!(all_starts(&grants[1]).last(), Some(&Duration::from_millis(20_300)));
    let none = Dispatch::fresh(&[], users(&[1], 4).into_iter());
    assert_eq!(none.on_their_way(&all(4, 0)), 4);
}

#[test]
fn a_ramp_goes_to_the_one_who_joins_before_running_users_do() {
    let mut dispatch = Dispatch::fresh(&[1, 1], users(&[1], 90).into_iter());
    let m = Moment { running: 40, ever: 40, ..all(90, 4) };
    settle(&mut dispatch, &m);
    dispatch.join(1, &m);
    settle(&mut dispatch, &m);
    assert_eq!(granted(&dispatch, 3), [30, 30, 30]);
    let share = dispatch.share(2, m.at);
    assert!(share.grants.iter().all(|grant| grant.ranks.iter().all(|rank| rank >= 40) && grant.life == 0));
}
