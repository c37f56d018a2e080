//! Windows against a naive model: all of a run is kept, and every window of it is looked at in the end.

use std::collections::BTreeMap;

use proptest::prelude::*;
use stampede_scenarios::threshold::parse;
use stampede_stats::counts::RequestCounts;
use stampede_stats::endpoint::{EndpointStats, Part, RowKind};
use stampede_stats::histogram::TIMES_DIGITS;
use stampede_stats::histogram::Times;

use super::*;
use crate::result::InWindow;
use crate::rules::{Judged, Seen, judge, judge_value};

fn rules(texts: &[&str]) -> Vec<Rule> {
    texts.iter().map(|text| parse(text).expect(text)).collect()
}

/// A second of one worker: for each row times of ok and of failed requests, in ms.
type Rows<'a> = &'a [(&'a str, &'a [u64], &'a [u64])];

fn delta(ok: &[u64], failed: &[u64]) -> EndpointDelta {
    let times = |all: &[u64]| {
        let mut times = Times::<u32>::new(TIMES_DIGITS);
        for ms in all {
            times.record(ms * 1_000_000);
        }
        times.delta()
    };
    let (done, broke) = (ok.len() as u64, failed.len() as u64);
    let counts = RequestCounts { started: done + broke, ok: done, failed: broke, ..RequestCounts::default() };
    EndpointDelta { counts, ok: times(ok), failed: times(failed), ..EndpointDelta::default() }
}

fn seconds(from_s: u32, to_s: u32, rows: Rows<'_>) -> Snapshot {
    let rows = rows.iter().map(|(name, ok, failed)| (EndpointKey::new("GET", *name), delta(ok, failed)));
    let mut snapshot = Snapshot { from_s, to_s, endpoints: rows.collect(), ..Snapshot::default() };
    snapshot.iterations.dropped = u64::from(from_s % 3);
    snapshot
}

fn shown(windows: &Windows, rules: &[Rule]) -> Vec<String> {
    let of = |(number, rule): (usize, &Rule)| {
        let window = windows.worst(number).map(|worst| judge_value(rule, worst.value, Some(worst.stretch)));
        window.map_or_else(|| "none".to_owned(), |judged| format!("{} {}", judged.shown, judged.passed))
    };
    rules.iter().enumerate().map(of).collect()
}

#[test]
fn the_worst_window_counts_and_the_first_of_equals() {
    let rules = rules(&["p50 < 50ms for 2s", "error_rate < 40% for 3s", "rps >= 1 for 2s", "p95 < 1s"]);
    let mut windows = Windows::new(&rules, 0);
    let course: [(&[u64], &[u64]); 6] =
        [(&[10, 10], &[]), (&[20], &[60]), (&[], &[70]), (&[30, 30], &[]), (&[10], &[]), (&[10, 10], &[])];
    for (second, (ok, failed)) in (0..).zip(course) {
        windows.add(&seconds(second, second + 1, &[("/", ok, failed)]));
        windows.look(second + 1, u32::MAX);
    }
    // 20, 60, 70: the median of seconds 1 and 2. Two of five failed from second 0 on, and from second 1 on.
    let wanted = ["60.0 ms in 00:01-00:03 false", "40.00% in 00:00-00:03 false", "1.5/s in 00:01-00:03 true"];
    assert_eq!(shown(&windows, &rules)[..3], wanted);
    assert_eq!(windows.worst(3), None, "it has no window");
    let newest = windows.newest(0).expect("one");
    assert_eq!((newest.stretch, newest.value), (Stretch { from_s: 4, to_s: 6 }, Some(10.0)));
}

#[test]
fn a_window_without_a_sample_does_not_hold() {
    let rules = rules(&["p95 < 1s for 2s", "requests < 5 for 2s", "dropped < 1 for 1s"]);
    let mut windows = Windows::new(&rules, 2);
    for second in 0..8 {
        let ok: &[u64] = if (4..6).contains(&second) { &[] } else { &[10] };
        windows.add(&seconds(second, second + 1, &[("/", ok, &[])]));
    }
    windows.look(8, u32::MAX);
    let wanted = ["no sample in 00:04-00:06 false", "2 in 00:02-00:04 true", "2 in 00:02-00:03 false"];
    assert_eq!(shown(&windows, &rules), wanted);
}

#[test]
fn no_window_ends_behind_the_stop_or_begins_in_the_warm_up() {
    let rules = rules(&["max < 1s for 2s"]);
    let mut windows = Windows::new(&rules, 2);
    for second in 0..8 {
        let ok: &[u64] = if second == 1 || second == 6 { &[5000] } else { &[10] };
        windows.add(&seconds(second, second + 1, &[("/", ok, &[])]));
        windows.look(second + 1, 6);
    }
    windows.finish(6);
    assert_eq!(shown(&windows, &rules), ["10.0 ms in 00:02-00:04 true"]);
    // Shorter than one window: there is none.
    let mut windows = Windows::new(&rules, 2);
    windows.add(&seconds(2, 3, &[("/", &[10], &[])]));
    windows.finish(3);
    assert_eq!(windows.worst(0), None);
}

#[test]
fn what_comes_late_changes_a_window_until_it_is_a_minute_old() {
    let rules = rules(&["max < 1s for 2s"]);
    let mut windows = Windows::new(&rules, 0);
    let ok = |windows: &mut Windows, second: u32| {
        windows.add(&seconds(second, second + 1, &[("/", &[10], &[])]));
        windows.look(second + 1, u32::MAX);
    };
    (0..10).for_each(|second| ok(&mut windows, second));
    windows.add(&seconds(4, 5, &[("/", &[3000], &[])]));
    windows.look(10, u32::MAX);
    assert_eq!(shown(&windows, &rules), ["3000 ms in 00:03-00:05 false"]);
    (10..70).for_each(|second| ok(&mut windows, second));
    // Seconds 8 and 9 are older than a minute now, 10 is not.
    windows.add(&seconds(8, 9, &[("/", &[9000], &[])]));
    windows.look(70, u32::MAX);
    assert_eq!(shown(&windows, &rules), ["3000 ms in 00:03-00:05 false"]);
    windows.add(&seconds(10, 11, &[("/", &[4000], &[])]));
    windows.look(70, u32::MAX);
    assert_eq!(shown(&windows, &rules), ["4000 ms in 00:09-00:11 false"]);
}

#[test]
fn no_window_is_cut_out_of_seconds_that_were_reported_as_one() {
    let rules = rules(&["rps > 0.9 for 2s"]);
    let mut windows = Windows::new(&rules, 0);
    for second in 0..8 {
        windows.add(&seconds(second, second + 1, &[("/", &[10], &[])]));
    }
    // Another worker: 2 to 6 in one, so only windows that begin and end around it are known.
    windows.add(&seconds(2, 6, &[("/", &[10; 8], &[])]));
    windows.look(8, u32::MAX);
    assert_eq!(shown(&windows, &rules), ["1/s in 00:00-00:02 true"]);
    assert_eq!(windows.newest(0).map(|newest| newest.stretch), Some(Stretch { from_s: 6, to_s: 8 }));
}

#[test]
fn memory_does_not_grow_with_the_run() {
    let rules = rules(&["p95 of each < 1s for 30s", "p99 < 1s for 5s", "dropped < 9 for 10m"]);
    let mut windows = Windows::new(&rules, 0);
    let mut most = 0;
    for second in 0..5000 {
        windows.add(&seconds(second, second + 1, &[("/a", &[10], &[]), ("/b", &[20], &[])]));
        // Somebody is far behind for a while, and then not any more.
        let watermark = if (1000..3000).contains(&second) { 1000 } else { second + 1 };
        windows.look(watermark, u32::MAX);
        let kept: usize = windows.tracks.iter().map(|track| track.seconds.len()).sum();
        let values: usize = windows.watched.values().map(|watched| watched.values.len()).sum();
        most = most.max(kept + values);
    }
    assert!(most < 6 * usize::try_from(600 + LATE + PATIENCE).expect("small") + 10, "{most}");
    let open = windows.tracks.iter().map(|track| track.open.len()).max();
    assert!(open <= Some(1), "{open:?}");
}

#[test]
fn rows_beyond_the_limit_share_one() {
    let rules = rules(&["requests of each < 2 for 1s"]);
    let mut windows = Windows::new(&rules, 0);
    let names: Vec<String> = (0..300).map(|number| format!("/{number:03}")).collect();
    let rows: Vec<_> = names.iter().map(|name| (name.as_str(), [1_u64].as_slice(), [].as_slice())).collect();
    windows.add(&seconds(0, 1, &rows));
    windows.look(1, u32::MAX);
    assert_eq!(shown(&windows, &rules), ["44 in 00:00-00:01 false"]);
}

/// What a worker reports: (worker, second, ok times, failed times) of two rows.
type Reported = (u32, [(Vec<u64>, Vec<u64>); 2]);

fn reported() -> impl Strategy<Value = Vec<Reported>> {
    let times = || (prop::collection::vec(1_u64..2000, 0..3), prop::collection::vec(1_u64..2000, 0..2));
    prop::collection::vec((0_u32..25, [times(), times()]), 1..60)
}

const RULES: [&str; 9] = [
    "p90 < 900ms for 3s",
    "avg of ok < 900ms for 4s",
    "error_rate < 30% for 5s",
    "rps > 2 for 2s",
    "max of each < 1s for 3s",
    "requests of \"/b\" >= 3 for 6s",
    "failures_per_s == 1 for 2s",
    "min > 10ms for 1s",
    "dropped < 3 for 7s",
];

/// Every window of a run, of all that was ever reported.
fn naive(rule: &Rule, all: &[Snapshot], first_s: u32, last_s: u32) -> Option<Judged> {
    let length = u32::try_from(rule.window.expect("it has one").as_secs()).expect("short");
    let mut worst: Option<Judged> = None;
    for from_s in first_s..=last_s.checked_sub(length)? {
        let (mut rows, mut dropped) = (BTreeMap::<_, EndpointStats<u64>>::new(), 0);
        for snapshot in all.iter().filter(|s| s.from_s >= from_s && s.to_s <= from_s + length) {
            dropped += snapshot.iterations.dropped;
            for (key, delta) in &snapshot.endpoints {
                rows.entry(key.clone()).or_default().merge(delta);
            }
        }
        let rated = |stats: &EndpointStats<u64>| InWindow::of(&stats.counts);
        let in_window = rows.iter().map(|(key, stats)| (key.clone(), rated(stats))).collect();
        let seconds = f64::from(length);
        let iterations = IterationCounts::default();
        let judged = judge(rule, &Seen { rows: &rows, in_window: &in_window, seconds, iterations, dropped });
        let is_worse = match (worst.as_ref().map(|worst| worst.observed), judged.observed) {
            (Some(None), _) => false,
            (None, _) | (Some(Some(_)), None) => true,
            (Some(Some(before)), Some(now)) => rule.worse(before, now).to_bits() != before.to_bits(),
        };
        if is_worse {
            worst = Some(judged);
        }
    }
    worst
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn windows_are_those_of_the_naive_model(
        reported in reported(), first_s in 0_u32..4, stop_s in 15_u32..25, looks in prop::collection::vec(0_u32..3, 60),
    ) {
        let rules = rules(&RULES);
        let mut windows = Windows::new(&rules, first_s);
        let mut all = Vec::new();
        let mut watermark = 0;
        for ((second, [a, b]), look) in reported.iter().zip(looks) {
            let mut snapshot = seconds(*second, second + 1, &[("/a", &a.0, &a.1), ("/b", &b.0, &b.1)]);
            // What is in no window: the warm-up, and what is no request.
            let beside = [
                EndpointKey::new("GET", "/a").in_part(Part::WarmUp),
                EndpointKey::of(RowKind::Group, "GROUP", "/b"),
            ];
            snapshot.endpoints.extend(beside.map(|key| (key, delta(&[1], &[1999]))));
            windows.add(&snapshot);
            all.push(snapshot);
            watermark += look;
            windows.look(watermark.min(windows.newest_s), stop_s);
        }
        // Everybody has reported the last second.
        let last = seconds(25, 26, &[]);
        windows.add(&last);
        all.push(last);
        windows.finish(stop_s);
        for (number, rule) in rules.iter().enumerate() {
            let found = windows.worst(number).map(|w| judge_value(rule, w.value, Some(w.stretch)));
            let wanted = naive(rule, &all, first_s, stop_s);
            prop_assert_eq!(
                found.as_ref().map(|found| (found.observed, found.passed)),
                wanted.as_ref().map(|wanted| (wanted.observed, wanted.passed)),
                "{}", rule
            );
        }
    }
}
