//! The table of slots: by the course of a few, and by random histories against what must never happen.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use stampede_scenarios::rate::Rate;

use super::*;

fn grant(slot: u32) -> SlotGrant {
    SlotGrant { slot, class: 0, life: 0, not_before: Duration::ZERO }
}

fn grants(slots: &[u32]) -> Vec<SlotGrant> {
    slots.iter().copied().map(grant).collect()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn rate(per_second: u64) -> Rate {
    Rate::new(per_second, 1).expect("positive")
}

/// Four users, all of them at once.
fn four() -> Arc<Profile> {
    Arc::new(Profile::ramp(4, rate(1000)))
}

/// A table in which the users of `slots` run.
fn running(slots: &[u32]) -> SlotTable {
    let mut table = SlotTable::default();
    assert!(table.assign(four(), grants(slots), false).is_empty());
    assert_eq!(table.step(ms(100)).len(), slots.len());
    table
}

/// Runs the table by its own alarm clock and notes what happened when. Users end when they are told to.
fn course(table: &mut SlotTable, mut now: Duration, until: Duration) -> Vec<(u128, char, u32)> {
    let mut seen = Vec::new();
    loop {
        for change in table.step(now) {
            let (what, slot) = match change {
                SlotChange::Start(grant) => ('+', grant.slot),
                SlotChange::GoOn(slot) => ('~', slot),
                SlotChange::Stop(slot) => ('-', slot),
                SlotChange::Cut(slot) => ('!', slot),
            };
            if what == '-' || what == '!' {
                table.ended(slot);
            }
            seen.push((now.as_millis(), what, slot));
        }
        match table.next(now) {
            Some(next) if next <= until => now = next.max(now),
            _ => return seen,
        }
    }
}

#[test]
fn slots_start_at_their_time_in_the_ramp() {
    let mut table = SlotTable::default();
    let profile = Profile::ramp(200, rate(10));
    assert!(table.assign(Arc::new(profile), grants(&[6, 0, 3]), false).is_empty());
    assert_eq!(course(&mut table, ms(0), ms(10_000)), [(0, '+', 0), (300, '+', 3), (600, '+', 6)]);
}

#[test]
fn fewer_users_stop_the_last_first_and_more_bring_them_back() {
    let mut table = SlotTable::default();
    let profile = Profile::ramp(4, rate(1000));
    table.assign(Arc::new(profile.clone()), grants(&[0, 1, 2, 3]), false);
    table.step(ms(100));
    let profile = profile.changed(ms(200), 1, rate(10)).changed(ms(1000), 2, rate(10));
    assert!(table.assign(Arc::new(profile), grants(&[0, 1, 2, 3]), false).is_empty());
    let seen = course(&mut table, ms(200), ms(5000));
    assert_eq!(seen, [(200, '-', 3), (300, '-', 2), (400, '-', 1), (1000, '+', 1)]);
}

#[test]
fn a_slot_taken_away_stops_and_one_given_starts_no_earlier_than_told() {
    let mut table = running(&[0, 1]);
    let mut next = grants(&[0, 2, 3]);
    next[1].not_before = ms(700);
    next[2].not_before = ms(600);
    assert_eq!(table.assign(four(), next, false), [SlotChange::Stop(1)]);
    assert_eq!(table.departing(), [1]);
    assert_eq!(course(&mut table, ms(100), ms(5000)), [(600, '+', 3), (700, '+', 2)]);
    assert!(table.ended(1), "now it is released");
    assert!(table.departing().is_empty());
}

#[test]
fn a_slot_that_comes_back_in_time_keeps_its_user() {
    let mut table = running(&[0, 1]);
    assert_eq!(table.assign(four(), grants(&[0]), false), [SlotChange::Stop(1)]);
    assert!(table.assign(four(), grants(&[0, 1]), false).is_empty());
    assert!(table.departing().is_empty());
    assert_eq!(table.step(ms(200)), [SlotChange::GoOn(1)]);
    // It had passed the point of going on.
    assert!(!table.ended(1));
    assert_eq!(table.step(ms(200)), [SlotChange::Start(SlotGrant { life: 1, ..grant(1) })]);
    assert!(!table.ended(1), "one that ends by itself does not come again and again");
    assert!(table.step(ms(300)).is_empty());
}

#[test]
fn another_life_of_a_slot_begins_when_the_last_one_has_ended() {
    let mut table = running(&[0, 1]);
    let next = vec![grant(0), SlotGrant { life: 1, ..grant(1) }];
    assert_eq!(table.assign(four(), next, false), [SlotChange::Cut(1)]);
    assert!(table.step(ms(200)).is_empty());
    assert_eq!(table.next(ms(200)), None, "only its end brings it on");
    assert!(!table.ended(1), "the slot goes on here");
    let started = SlotGrant { life: 1 << 16, ..grant(1) };
    assert_eq!(table.step(ms(200)), [SlotChange::Start(started)]);
}

#[test]
fn who_was_lost_cuts_what_is_not_named_with_its_life() {
    let mut table = running(&[0, 1, 2, 3]);
    assert_eq!(table.assign(four(), grants(&[0, 1, 2]), false), [SlotChange::Stop(3)]);
    let next = vec![grant(0), SlotGrant { life: 2, ..grant(2) }];
    let cut = [SlotChange::Cut(1), SlotChange::Cut(2), SlotChange::Cut(3)];
    assert_eq!(table.assign(four(), next.clone(), true), cut);
    assert!(table.assign(four(), next, true).is_empty(), "once is enough");
    assert_eq!(table.departing(), [1, 3]);
    assert_eq!(table.assign(four(), grants(&[0, 1]), false), [], "the cut one is not called back");
    assert!(table.step(ms(200)).is_empty());
    table.ended(1);
    assert_eq!(table.step(ms(200)), [SlotChange::Start(SlotGrant { life: 1, ..grant(1) })]);
}

/// What happens to a table.
#[derive(Debug, Clone)]
enum Event {
    /// Which slots are named, whose life is greater than before, and whether the others are cut.
    Assign { named: u8, changed: u8, cut: bool, users: u32 },
    /// Time passes.
    Step,
    /// The user of a slot has ended, if it has one that was to.
    Ended(u32),
}

fn event() -> impl Strategy<Value = Event> {
    let assign =
        (any::<u8>(), any::<u8>(), any::<bool>(), 0..9_u32).prop_map(|(named, changed, cut, users)| {
            Event::Assign { named, changed: changed & named, cut, users }
        });
    prop_oneof![2 => assign, 3 => Just(Event::Step), 4 => (0..8_u32).prop_map(Event::Ended)]
}

/// The users of a thread as the table's changes make them.
#[derive(Default)]
struct Users {
    /// By slot: its life as granted, and whether it was told to end, and at once.
    alive: BTreeMap<u32, (u32, bool, bool)>,
    lives: BTreeSet<(u32, u32)>,
}

impl Users {
    fn follow(&mut self, changes: &[SlotChange], granted: &[u32; 8]) {
        for change in changes {
            match *change {
                SlotChange::Start(grant) => {
                    assert!(self.lives.insert((grant.slot, grant.life)), "a life comes twice: {grant:?}");
                    let granted = granted[grant.slot as usize];
                    let two = self.alive.insert(grant.slot, (granted, false, false));
                    assert!(two.is_none(), "two users in slot {}", grant.slot);
                }
                SlotChange::GoOn(slot) => {
                    let (life, stopping, cut) = self.alive.get_mut(&slot).expect("alive");
                    assert!(*stopping && !*cut && *life == granted[slot as usize]);
                    *stopping = false;
                }
                SlotChange::Stop(slot) => {
                    let user = self.alive.get_mut(&slot).expect("alive");
                    assert!(!std::mem::replace(&mut user.1, true), "told twice");
                }
                SlotChange::Cut(slot) => {
                    let user = self.alive.get_mut(&slot).expect("alive");
                    assert!(!std::mem::replace(&mut user.2, true), "cut twice");
                    user.1 = true;
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn no_history_brings_two_users_into_a_slot(events in prop::collection::vec(event(), 1..60)) {
        let (mut table, mut users) = (SlotTable::default(), Users::default());
        let (mut granted, mut named, mut peak) = ([0_u32; 8], 0_u8, 0);
        for (nth, event) in (1..).zip(events) {
            let now = ms(100 * nth);
            match event {
                Event::Assign { named: slots, changed, cut, users: most } => {
                    let is_in = |set: u8, slot: u32| set & (1 << slot) != 0;
                    (0..8).filter(|slot| is_in(changed, *slot)).for_each(|slot| granted[slot as usize] += 1);
                    (named, peak) = (slots, most);
                    let slots = (0..8).filter(|slot| is_in(slots, *slot));
                    let grants = slots.map(|slot| SlotGrant { life: granted[slot as usize], ..grant(slot) });
                    let changes = table.assign(Arc::new(Profile::ramp(most, rate(1000))), grants.collect(), cut);
                    users.follow(&changes, &granted);
                    for (slot, (life, stopping, is_cut)) in &users.alive {
                        let same = is_in(named, *slot) && *life == granted[*slot as usize];
                        prop_assert!(same || *stopping, "slot {} goes on unnamed", slot);
                        prop_assert!(same || !cut || *is_cut, "slot {} is not cut", slot);
                    }
                }
                Event::Step => {
                    users.follow(&table.step(now), &granted);
                    prop_assert!(table.next(now).is_none_or(|next| next > now), "an alarm that rings for ever");
                }
                Event::Ended(slot) => {
                    if users.alive.get(&slot).is_some_and(|user| user.1) {
                        users.alive.remove(&slot);
                        prop_assert_eq!(table.ended(slot), named & (1 << slot) == 0);
                    }
                }
            }
            let departing: Vec<_> =
                users.alive.keys().copied().filter(|slot| named & (1 << slot) == 0).collect();
            prop_assert_eq!(table.departing(), departing);
        }
        // In the end everything that is wanted runs, once the users that were to end have.
        for _ in 0..2 {
            users.follow(&table.step(ms(100_000)), &granted);
            let ending: Vec<_> = users.alive.iter().filter(|(_, user)| user.1).map(|(slot, _)| *slot).collect();
            for slot in ending {
                users.alive.remove(&slot);
                table.ended(slot);
            }
        }
        users.follow(&table.step(ms(100_000)), &granted);
        let wanted = (0..8).filter(|slot| named & (1 << slot) != 0 && *slot < peak);
        prop_assert!(users.alive.keys().copied().eq(wanted));
    }
}

#[test]
fn a_slot_whose_user_has_left_stays_empty_as_long_as_it_is_wanted() {
    let mut table = running(&[0, 1, 2]);
    assert!(!table.left(1));
    assert_eq!(table.stopped_count(), 1);
    assert_eq!(table.next(ms(100)), None);
    assert!(table.step(ms(200)).is_empty());
    // Not told to end, nothing is awaited of it.
    assert_eq!(table.assign(four(), grants(&[0]), false), [SlotChange::Stop(2)]);
    assert_eq!((table.departing(), table.stopped_count()), (vec![2], 0));
    table.ended(2);
    // Granted anew it is wanted anew, by whatever life it gets.
    assert!(table.assign(four(), grants(&[0, 1]), false).is_empty());
    let started = table.step(ms(300));
    assert_eq!(started, [SlotChange::Start(SlotGrant { life: 1, ..grant(1) })]);
}

#[test]
fn who_leaves_while_told_to_finish_is_released() {
    let mut table = running(&[0, 1]);
    assert_eq!(table.assign(four(), grants(&[0]), false), [SlotChange::Stop(1)]);
    assert!(table.left(1));
    // With a life of its own the slot starts when its last user has ended, however that ended.
    let other = SlotGrant { life: 1, ..grant(0) };
    assert_eq!(table.assign(four(), vec![other], false), [SlotChange::Cut(0)]);
    assert!(table.step(ms(200)).is_empty());
    assert!(!table.left(0));
    assert_eq!(table.stopped_count(), 0);
    let started = table.step(ms(200));
    assert_eq!(started, [SlotChange::Start(SlotGrant { life: 1 << 16, ..grant(0) })]);
}

#[test]
fn a_user_that_began_anew_has_used_up_lives() {
    let mut table = running(&[0]);
    table.restarted(0, 3);
    assert_eq!(table.assign(four(), Vec::new(), false), [SlotChange::Stop(0)]);
    assert!(table.ended(0));
    assert!(table.assign(four(), grants(&[0]), false).is_empty());
    assert_eq!(table.step(ms(200)), [SlotChange::Start(SlotGrant { life: 4, ..grant(0) })]);
}

#[test]
fn a_slot_that_was_left_is_wanted_again_after_a_ramp_down() {
    let mut table = running(&[0, 1]);
    let less = Arc::new(Profile::ramp(1, rate(1000)));
    table.left(1);
    assert!(table.assign(Arc::clone(&less), grants(&[0, 1]), false).is_empty());
    assert!(table.step(ms(200)).is_empty(), "nobody is there to be stopped");
    assert_eq!((table.stopped_count(), table.departing()), (0, vec![]));
    table.assign(four(), grants(&[0, 1]), false);
    assert_eq!(table.step(ms(300)), [SlotChange::Start(SlotGrant { life: 1, ..grant(1) })]);
}
