//! How response times are spread: counts in buckets of even width on a logarithmic scale, from the histograms of a row. Pure.
//!
//! From 900 µs to 2 ms with ten buckets a decade: edges 0.794, 1.000, 1.259, 1.585, 1.996, 2.512 ms. Edges are whole
//! microseconds, so that where times are short no bucket is empty only because nothing can be told apart in it.

use super::super::model::Endpoint;
use super::super::saved;

/// Buckets at most.
pub(super) const MAX_BUCKETS: usize = 60;

/// Buckets a decade, finest first. The last covers every time there can be.
const PER_DECADE: [i32; 14] = [100, 80, 60, 50, 40, 30, 25, 20, 15, 12, 10, 8, 6, 5];

/// Decades from a microsecond to beyond the longest time there is.
const MAX_DECADES: i32 = 9;

/// (Time in µs, how many), ascending.
type Recorded = Vec<(u64, u64)>;

/// Counts by bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Spread {
    /// Bucket n goes from edge n to below edge n + 1, in µs.
    pub(super) edges_us: Vec<u64>,
    /// Requests that were ok.
    pub(super) ok: Vec<u64>,
    /// Requests that failed.
    pub(super) failed: Vec<u64>,
}

/// Of an endpoint; `None` without a request, or where a histogram cannot be read.
pub(super) fn of(endpoint: &Endpoint) -> Option<Spread> {
    let ok = recorded(endpoint.ok.histogram.as_deref())?;
    let failed = recorded(endpoint.failed.histogram.as_deref())?;
    spread(&ok, &failed)
}

/// What a histogram has; nothing where there is none.
fn recorded(histogram: Option<&str>) -> Option<Recorded> {
    let Some(encoded) = histogram else { return Some(Vec::new()) };
    let recorded = saved::recorded(encoded).ok()?;
    // A time below a microsecond counts as one: there is no logarithm of nothing.
    Some(recorded.into_iter().map(|(us, count)| (us.max(1), count)).collect())
}

fn spread(ok: &[(u64, u64)], failed: &[(u64, u64)]) -> Option<Spread> {
    let first = [ok.first(), failed.first()].into_iter().flatten().map(|(value, _)| *value).min()?;
    let last = [ok.last(), failed.last()].into_iter().flatten().map(|(value, _)| *value).max()?;
    let edges_us = PER_DECADE
        .iter()
        .map(|per_decade| edges(first, last, *per_decade))
        .find(|edges| edges.len() <= MAX_BUCKETS + 1)?;
    let counted = |recorded: &[(u64, u64)]| {
        let mut counts = vec![0_u64; edges_us.len() - 1];
        for (value, count) in recorded {
            let bucket = edges_us.partition_point(|edge| edge <= value) - 1;
            counts[bucket] = counts[bucket].saturating_add(*count);
        }
        counts
    };
    let (ok, failed) = (counted(ok), counted(failed));
    Some(Spread { edges_us, ok, failed })
}

/// From the last edge at or below `first` to the first above `last`, ascending, each once.
fn edges(first: u64, last: u64, per_decade: i32) -> Vec<u64> {
    let edge = |step: i32| {
        let us = 10_f64.powf(f64::from(step) / f64::from(per_decade)).round();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "above 0, and far below 2^63"
        )]
        let us = us as u64;
        us
    };
    let lowest = (0..=MAX_DECADES * per_decade).take_while(|step| edge(*step) <= first).last().unwrap_or(0);
    let mut edges = Vec::new();
    for step in lowest..=MAX_DECADES * per_decade {
        let next = edge(step);
        if edges.last() != Some(&next) {
            edges.push(next);
        }
        if next > last {
            break;
        }
    }
    edges
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use stampede_stats::histogram::HIGHEST_US;

    use super::*;

    #[test]
    fn one_time_makes_one_bucket() {
        let spread = spread(&[(1_000, 7)], &[]).expect("has a time");
        assert_eq!(spread, Spread { edges_us: vec![1000, 1023], ok: vec![7], failed: vec![0] });
        assert_eq!(super::spread(&[], &[]), None);
    }

    #[test]
    fn short_times_have_buckets_of_a_microsecond() {
        let spread = spread(&[(1, 1), (2, 2), (9, 3)], &[(40, 4)]).expect("has times");
        assert_eq!(spread.edges_us[..10], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(spread.ok[..9], [1, 2, 0, 0, 0, 0, 0, 0, 3]);
        assert_eq!(spread.failed.last(), Some(&4));
    }

    #[test]
    fn what_is_no_histogram_is_none() {
        assert_eq!(recorded(Some("!")), None);
        assert_eq!(recorded(Some("AAAA")), None);
        assert_eq!(recorded(None), Some(Vec::new()));
    }

    proptest! {
        #[test]
        fn every_time_is_counted_once_where_it_belongs(
            ok in prop::collection::btree_map(1..=HIGHEST_US, 1u64..1_000_000, 0..50),
            failed in prop::collection::btree_map(1..=HIGHEST_US, 1u64..1_000_000, 1..50),
        ) {
            let pairs = |map: std::collections::BTreeMap<u64, u64>| map.into_iter().collect::<Recorded>();
            let (ok, failed) = (pairs(ok), pairs(failed));
            let spread = spread(&ok, &failed).expect("has a time");
            prop_assert!(spread.ok.len() <= MAX_BUCKETS && spread.ok.len() == spread.failed.len());
            prop_assert!(spread.edges_us.windows(2).all(|pair| pair[0] < pair[1]));
            for (counts, recorded) in [(&spread.ok, &ok), (&spread.failed, &failed)] {
                for (bucket, count) in counts.iter().enumerate() {
                    let within = spread.edges_us[bucket]..spread.edges_us[bucket + 1];
                    let wanted: u64 = recorded.iter().filter(|(v, _)| within.contains(v)).map(|(_, n)| n).sum();
                    prop_assert_eq!(*count, wanted);
                }
                prop_assert_eq!(counts.iter().sum::<u64>(), recorded.iter().map(|(_, n)| n).sum::<u64>());
            }
        }
    }
}
