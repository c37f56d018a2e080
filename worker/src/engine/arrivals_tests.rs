//! The open model on one thread: which arrivals it takes, and by which users.

use stampede_scenarios::compile::compile;
use stampede_scenarios::rate::Rate;
use stampede_scenarios::source::{Overrides, Source};

use super::*;

fn arrivals(load: &str) -> Arrivals {
    let text = format!(
        "target: http://h\nusers:\n  a: {{weight: 2, tasks: {{t: {{steps: [get: /]}}}}}}\n  b: {{tasks: {{t: {{steps: [get: /]}}}}}}\nload: {{{load}}}\n"
    );
    let plan = compile(&Source::new("t.yaml", text), &Overrides::default(), &|_| None, 7);
    Arrivals::new(&plan.unwrap_or_else(|problems| panic!("{problems}"))).expect("arrivals")
}

fn grant(lanes: impl Iterator<Item = u16>) -> OpenGrant {
    let lanes = lanes.map(|lane| LaneGrant { lane, from: 0, until: None });
    OpenGrant { lanes: lanes.collect(), first_user: 10, step: 1, max_users: 2 }
}

/// The numbers of those it takes from `from` to `until`, as a thread does that looks every 10 ms.
fn walk(arrivals: &mut Arrivals, from: Duration, until: Duration) -> Vec<u64> {
    let mut numbers = Vec::new();
    let mut now = from;
    while now < until {
        now += Duration::from_millis(10);
        assert!(arrivals.next_due(now).is_none_or(|due| due < now + Duration::from_secs(1)));
        numbers.extend(std::iter::from_fn(|| arrivals.take_before(now)).map(|arrival| arrival.number));
    }
    numbers
}

#[test]
fn threads_together_run_every_arrival_once() {
    let until = Duration::from_secs(2);
    let mut numbers = Vec::new();
    for thread in 0..3_u16 {
        let mut arrivals = arrivals("rate: 1500/s");
        assert_eq!(arrivals.next_due(Duration::ZERO), None, "nothing is its own yet");
        arrivals.assign(&grant((0..LANES).filter(|lane| lane % 3 == thread)));
        let mut now = Duration::ZERO;
        while let Some(due) = arrivals.next_due(now).filter(|due| *due < until) {
            assert_eq!(arrivals.take_before(due), None, "not before it is due");
            let arrival = arrivals.take_before(due + Duration::from_nanos(1)).expect("due");
            assert_eq!((arrival.lane % 3, arrival.due), (thread, due));
            numbers.push(arrival.number);
            now = due;
        }
    }
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..3000));
}

#[test]
fn a_lane_is_handed_over_at_an_arrival() {
    let s = Duration::from_secs;
    let (mut old, mut new) = (arrivals("rate: 1000/s"), arrivals("rate: 1000/s"));
    let lanes = |from, until| {
        let lanes = (0..LANES).map(move |lane| LaneGrant { lane, from, until });
        OpenGrant { lanes: lanes.collect(), first_user: 0, step: 1, max_users: 9 }
    };
    old.assign(&lanes(0, None));
    let mut numbers = walk(&mut old, s(0), s(1));
    assert!(walk(&mut new, s(0), s(1)).is_empty());
    assert_eq!(numbers.len(), 1000);
    // Named ahead of time, as far as the others have walked already and further.
    old.assign(&lanes(0, Some(1020)));
    new.assign(&lanes(1020, None));
    numbers.extend(walk(&mut old, s(1), s(3)));
    let taken_over = walk(&mut new, s(1), s(3));
    assert_eq!(taken_over.first(), Some(&1020));
    numbers.extend(taken_over);
    assert!(numbers.into_iter().eq(0..3000));
    assert_eq!(old.next_due(s(3)), None, "and it does not look for one without end");
}

#[test]
fn another_rate_is_followed_from_its_instant_on() {
    let (s, ms) = (Duration::from_secs, Duration::from_millis);
    let rate = |num| Rate::new(num, 1);
    let mut arrivals = arrivals("rate: 2/s");
    arrivals.assign(&grant(0..LANES));
    assert_eq!(walk(&mut arrivals, s(0), ms(2500)), [0, 1, 2, 3, 4]);
    // The next one, due at 2.5 s, was walked already; it and all that follow wait.
    let constant = RateProfile::constant(rate(2).unwrap()).unwrap();
    let paused = Arc::new(constant.held(ms(2400), None));
    arrivals.follow(Some(&paused));
    assert_eq!(arrivals.next_due(ms(2600)), None);
    assert!(walk(&mut arrivals, ms(2500), s(9)).is_empty());
    let resumed = Arc::new(paused.held(s(9), rate(100)));
    arrivals.follow(Some(&resumed));
    assert_eq!(walk(&mut arrivals, s(9), s(10)), (5..105).collect::<Vec<_>>());
    // Told again it changes nothing.
    arrivals.follow(Some(&resumed));
    assert_eq!(walk(&mut arrivals, s(10), ms(10_020)), [105, 106]);
}

#[test]
fn what_lies_behind_is_not_run_late() {
    let s = Duration::from_secs;
    let mut arrivals = arrivals("rate: 100/s");
    assert!(walk(&mut arrivals, s(0), s(2)).is_empty());
    arrivals.assign(&grant(0..LANES));
    let first = walk(&mut arrivals, s(2), s(3)).first().copied();
    assert_eq!(first, Some(200));
}

#[test]
fn users_have_numbers_of_their_own_and_a_limit() {
    let mut arrivals = arrivals("rate: 1/s");
    assert_eq!(arrivals.open_user(|_| false), None);
    arrivals.assign(&grant(0..4));
    assert_eq!([(); 3].map(|()| arrivals.open_user(|_| false)), [Some(10), Some(11), None]);
    arrivals.close_user(3);
    arrivals.close_user(11);
    assert_eq!([(); 2].map(|()| arrivals.open_user(|_| false)), [Some(11), None]);
    arrivals.assign(&OpenGrant { max_users: 1, ..grant(0..4) });
    assert!(arrivals.may_have(10) && !arrivals.may_have(11) && !arrivals.may_have(9));
    arrivals.close_user(11);
    assert_eq!(arrivals.open_user(|_| false), None);
    arrivals.assign(&OpenGrant { max_users: 3, ..grant(0..4) });
    assert_eq!([(); 3].map(|()| arrivals.open_user(|_| false)), [Some(11), Some(12), None]);
    arrivals.assign(&OpenGrant { first_user: 12, ..grant(0..4) });
    assert_eq!(arrivals.open_user(|number| number == 12), Some(13), "12 is still somebody");
    arrivals.close_user(12);
    assert_eq!([(); 2].map(|()| arrivals.open_user(|_| false)), [Some(12), None]);
}

#[test]
fn users_may_have_every_third_number() {
    let mut arrivals = arrivals("rate: 1/s");
    arrivals.assign(&OpenGrant { step: 3, ..grant(0..4) });
    assert_eq!([(); 3].map(|()| arrivals.open_user(|_| false)), [Some(10), Some(13), None]);
    assert!(arrivals.may_have(13) && !arrivals.may_have(11) && !arrivals.may_have(16));
    arrivals.close_user(13);
    arrivals.close_user(11);
    assert_eq!([(); 2].map(|()| arrivals.open_user(|_| false)), [Some(13), None]);
}
