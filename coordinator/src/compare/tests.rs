//! Whole comparisons, of runs that were made up: each second a little off the others, as real ones are.

use stampede_scenarios::draw::Draw;
use stampede_stats::outcome::FailureKind;

use super::*;
use crate::report::Report;
use crate::report::tests::fixtures::{Request, ms, run};

const SECONDS: u64 = 40;

/// A run of `rate` requests a second at two endpoints. Times are spread over a factor of three, each second is off by up to 4 %, and
/// one request in `failing` fails.
fn made(seed: u64, slower: f64, rate: u64, failing: i64) -> Report {
    let mut random = Draw::shuffle(seed, 1, 0);
    let mut requests: Vec<Request<'_>> = Vec::new();
    for second in 0..SECONDS {
        let off = 1.0 + 0.04 * (random.next_f64() - random.next_f64());
        for n in 0..rate {
            let spread = (random.next_f64() + random.next_f64() - 1.0).exp();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "some milliseconds")]
            let us = (20_000.0 * slower * off * spread) as u64;
            let failure = (random.int(1, failing) == 1).then_some((FailureKind::Status, "status 500"));
            let endpoint = u32::from(n % 3 == 0);
            requests.push((endpoint, second * 1000 + n * 1000 / rate, us, failure));
        }
    }
    Report::from_result(&run(&[("GET", "/a"), ("POST", "/b")], &requests, ms(SECONDS * 1000)))
}

fn judged(base: &Report, new: &Report) -> Judgement {
    compare(base, new, 0.05).expect("readable").judgement
}

#[test]
fn runs_of_the_same_thing_are_no_different() {
    let same = |seed: &u64| {
        judged(&made(seed * 2, 1.0, 30, 50), &made(seed * 2 + 1, 1.0, 30, 50)) == Judgement::Same
    };
    assert!((0..20).filter(same).count() >= 19);
}

#[test]
fn a_tenth_slower_is_worse_and_faster_is_better() {
    for seed in 0..5 {
        let base = made(seed, 1.0, 90, 50);
        assert_eq!(judged(&base, &made(seed + 50, 1.1, 90, 50)), Judgement::Worse);
        assert_eq!(judged(&base, &made(seed + 50, 0.9, 90, 50)), Judgement::Better);
        assert_eq!(judged(&base, &made(seed + 50, 1.0, 90, 12)), Judgement::Worse, "more failures");
    }
}

#[test]
fn only_runs_set_up_alike_are_compared() {
    let base = made(1, 1.0, 20, 50);
    assert_eq!(unlike(&base, &made(2, 1.0, 20, 50)), []);
    let mut other = base.clone();
    other.run.users_wanted = 7;
    other.run.scenario = "cart".into();
    let what: Vec<_> = unlike(&base, &other).iter().map(|unlike| unlike.what).collect();
    assert_eq!(what, ["scenario", "users"]);
}

#[test]
fn a_comparison_reads_well() {
    let base = made(1, 1.0, 90, 50);
    let mut new = made(2, 1.2, 90, 50);
    new.run.target = "http://shop.test|new".into();
    new.run.generator_limited = true;
    new.endpoints[1].name = "/c`<b>".into();
    let compared = compare(&base, &new, 0.05).expect("readable");
    insta::assert_snapshot!("compared_stdout", stdout(&compared, &base, &new));
    insta::assert_snapshot!("compared_md", markdown(&compared, &base, &new));
}

#[test]
fn what_is_too_short_is_not_judged() {
    let mut base = made(1, 1.0, 90, 50);
    for row in base.endpoints.iter_mut().chain([&mut base.totals]) {
        row.course.truncate(7);
    }
    let compared = compare(&base, &made(2, 2.0, 90, 50), 0.05).expect("readable");
    assert!(!compared.told && compared.judgement == Judgement::Same);
    insta::assert_snapshot!("compared_too_short", stdout(&compared, &base, &base));
}

#[test]
fn a_broken_histogram_is_an_error() {
    let base = made(1, 1.0, 90, 50);
    let mut broken = base.clone();
    broken.totals.course[3].histogram = Some("SElTVA==".into());
    assert!(compare(&base, &broken, 0.05).is_err());
}
