//! Parts put together, with the numbers written out; and drafts against what each part promises.

use proptest::prelude::*;

use super::*;

fn rate(num: u64, den: u64) -> Rate {
    Rate::new(num, den).unwrap()
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

#[test]
fn the_stages_of_the_format() {
    let mut draft = Draft::default();
    draft.stage(100, secs(60), Rate::AT_ONCE);
    draft.stage(100, secs(300), Rate::AT_ONCE);
    assert!(draft.steps(50, secs(30), 500, Rate::AT_ONCE));
    assert_eq!((draft.at(), draft.users()), (secs(600), 500));
    let profile = draft.build();
    assert_eq!(profile.changes().len(), 9, "what stays as it is is no change");
    let users = [0, 6, 59, 60, 359, 360, 389, 390, 569, 570, 9999].map(|t| profile.users_at(secs(t)));
    assert_eq!(users, [1, 11, 99, 100, 100, 150, 150, 200, 450, 500, 500]);
    assert_eq!(profile.next_start(99, secs(0)), Some(Duration::from_millis(59_400)), "the last of the climb");
    assert_eq!(profile.steepest_climb(), Some(rate(50, 1)));
}

#[test]
fn stages_go_down_too_and_steps_at_a_rate() {
    let mut draft = Draft::default();
    draft.stage(10, secs(0), Rate::AT_ONCE);
    draft.stage(4, secs(3), Rate::AT_ONCE);
    draft.hold_until(secs(10));
    assert!(draft.steps(3, secs(5), 0, rate(1, 1)));
    assert!(!draft.steps(3, secs(5), 0, rate(1, 1)), "it is there");
    let profile = draft.build();
    let users = [0, 1, 2, 3, 9, 10, 11, 12, 15, 19].map(|t| profile.users_at(secs(t)));
    assert_eq!(users, [9, 7, 5, 4, 4, 3, 2, 1, 0, 0]);
    assert_eq!(profile.settled_at(), secs(15));
}

#[test]
fn a_part_begins_where_an_unfinished_one_has_got_to() {
    let mut draft = Draft::default();
    assert!(draft.steps(100, secs(1), 200, rate(10, 1)));
    // Of 200 users 22 are there at 2 s: the first of each step starts at once.
    assert_eq!(draft.users(), 22);
    draft.stage(22, secs(5), Rate::AT_ONCE);
    draft.stage(32, secs(10), Rate::AT_ONCE);
    let profile = draft.build();
    assert_eq!([2, 6, 7, 16].map(|t| profile.users_at(secs(t))), [22, 22, 23, 32]);
    assert_eq!(profile.next_start(23, secs(2)), Some(secs(8)));
}

#[test]
fn a_ramp_takes_its_time() {
    let mut draft = Draft::default();
    draft.ramp(200, rate(10, 1));
    assert_eq!(draft.at(), Duration::from_millis(19_900));
    draft.ramp(100, rate(5, 1));
    assert_eq!((draft.at(), draft.users()), (Duration::from_millis(39_700), 100));
}

#[test]
fn a_slope_in_samples_is_one_ramp() {
    let samples = |users: &[u32]| {
        let mut draft = Draft::default();
        draft.samples(users.iter().copied());
        draft.build()
    };
    let slope = samples(&[5, 5, 5, 7, 9, 11, 11, 10, 9, 9]);
    let ramp = |ms, to, rate| Ramp { at: Duration::from_millis(ms), to, rate };
    let changes = [ramp(0, 5, Rate::AT_ONCE), ramp(300, 11, rate(20, 1)), ramp(700, 9, rate(10, 1))];
    assert_eq!(slope.changes(), changes);
    assert_eq!(slope.next_start(10, secs(0)), Some(Duration::from_millis(550)));
}

#[test]
fn what_a_shape_cannot_be() {
    let wave = |t: f64| Ok::<_, String>(100.0 + 50.0 * (t / 30.0).sin());
    let users = sampled(secs(60), 1000, wave).expect("a shape");
    assert_eq!((users.len(), users[0], users.iter().max(), users[471]), (600, 100, Some(&150), 150));
    let of = |shape: fn(f64) -> Result<f64, String>| sampled(Duration::from_millis(450), 9, shape);
    assert_eq!(of(|t| Ok(0.5 - t)), Ok(vec![1, 0, 0, 0, 0]));
    assert_eq!(of(|t| Ok(1.0 / t)), Err(ShapeError::NoNumber(0.0, f64::INFINITY)));
    assert_eq!(of(|t| Ok(t * 40.0)), Err(ShapeError::TooMany(0.3, 12.0, 9)));
    let wrong = of(|t| if t > 0.1 { Err("no".to_owned()) } else { Ok(1.0) });
    assert_eq!(wrong.map_err(|error| error.to_string()), Err("at t = 0.2: no".to_owned()));
    assert!(matches!(of(|_| Ok(f64::NAN)), Err(ShapeError::NoNumber(..))));
    assert_eq!(of(|_| Ok(f64::NEG_INFINITY)), Ok(vec![0; 5]));
}

#[test]
fn rates_go_in_steps_and_are_held() {
    let mut draft = RateDraft::default();
    assert!(draft.steps(rate(50, 1), secs(30), Some(rate(120, 1))));
    assert_eq!((draft.at(), draft.rate()), (secs(90), Some(rate(120, 1))));
    draft.hold_until(secs(100));
    assert!(draft.steps(rate(119, 2), secs(1), None));
    let profile = draft.build().expect("a profile");
    let rates = [0, 29, 30, 60, 99, 100, 101, 102, 103].map(|t| profile.rate_at(secs(t)).to_string());
    assert_eq!(rates, ["50", "50", "100", "120", "120", "60.5", "1", "0", "0"]);
    assert_eq!((profile.settled_at(), profile.count_until(secs(90))), (secs(103), 8100));
    assert!(!draft.steps(rate(1, 1), secs(1), None), "it is there");
    assert!(!draft.steps(rate(1, 1_000_000), secs(1), Some(rate(1, 1))), "too many");
}

#[derive(Debug, Clone)]
enum Part {
    Ramp(u32, u64),
    Stage(u32, u64),
    Steps(u32, u64, u32),
    Hold(u64),
    Samples(Vec<u32>),
}

fn part() -> impl Strategy<Value = Part> {
    let users = 0_u32..30;
    prop_oneof![
        (users.clone(), 1_u64..20).prop_map(|(to, rate)| Part::Ramp(to, rate)),
        (users.clone(), 0_u64..9).prop_map(|(to, over)| Part::Stage(to, over)),
        (1_u32..9, 1_u64..5, users.clone()).prop_map(|(by, every, to)| Part::Steps(by, every, to)),
        (0_u64..9).prop_map(Part::Hold),
        prop::collection::vec(users, 1..20).prop_map(Part::Samples),
    ]
}

proptest! {
    #[test]
    fn each_part_gets_to_where_it_goes(parts in prop::collection::vec(part(), 0..8)) {
        let mut draft = Draft::default();
        for part in parts {
            let (at, from) = (draft.at(), draft.users());
            let mut reached = Vec::new();
            match part {
                Part::Ramp(to, per_second) => {
                    draft.ramp(to, rate(per_second, 3));
                    let steps = u64::from(from.abs_diff(to)).saturating_sub(1);
                    prop_assert_eq!(draft.at(), at + rate(per_second, 3).time_of(steps));
                    reached.push((draft.at(), to));
                }
                Part::Stage(to, over) => {
                    draft.stage(to, secs(over), Rate::AT_ONCE);
                    prop_assert_eq!(draft.at(), at + secs(over));
                    reached.push((draft.at(), to));
                }
                Part::Steps(by, every, to) => {
                    if draft.steps(by, secs(every), to, Rate::AT_ONCE) {
                        let first = if to > from { to.min(from + by) } else { to.max(from.saturating_sub(by)) };
                        reached.extend([(at, first), (draft.at(), to)]);
                    } else {
                        prop_assert_eq!(from, to);
                    }
                }
                Part::Hold(time) => {
                    draft.hold_until(at + secs(time));
                    reached.push((draft.at(), from));
                }
                Part::Samples(users) => {
                    draft.samples(users.iter().copied());
                    let before = Duration::from_nanos(1);
                    let ends = (1..).zip(&users).map(|(k, level)| ((at + SAMPLE * k).saturating_sub(before), *level));
                    reached.extend(ends);
                }
            }
            prop_assert_eq!(draft.users(), reached.last().map_or(from, |(_, users)| *users));
            let profile = draft.clone().build();
            for (t, users) in reached {
                prop_assert_eq!(profile.users_at(t), users, "at {:?}", t);
            }
        }
    }
}
