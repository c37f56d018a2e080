//! Lines of StatsD and of InfluxDB, and what readers of them get back.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proptest::prelude::*;
use stampede_stats::endpoint::RowKind;

use super::{figures, row};
use crate::export::statsd::Dialect;
use crate::export::{Tick, influx, statsd};
use crate::figures::{Figures, Row};

fn tick(figures: Figures) -> Tick {
    let at = Timestamp::from_nanosecond(1_700_000_000_123_456_789).expect("a time");
    Tick { at, figures, resumed: false }
}

/// Figures with this row alone.
fn of(row: Row) -> Figures {
    Figures { rows: vec![row], workers: Vec::new(), thresholds: Vec::new(), ..figures(1) }
}

#[test]
fn statsd_lines_with_hostile_names() {
    let (before, now) = (figures(1), figures(3));
    insta::assert_snapshot!("statsd", statsd::lines(&now, Some(&before), Dialect::Plain).join("\n"));
    insta::assert_snapshot!("dogstatsd", statsd::lines(&now, Some(&before), Dialect::Dog).join("\n"));
}

#[test]
fn influx_lines_with_hostile_names() {
    insta::assert_snapshot!("influx", influx::lines(&tick(figures(1))).join("\n"));
}

/// A line of StatsD: name, value, kind, tags.
fn read_statsd(line: &str) -> Option<(&str, f64, &str, BTreeMap<&str, &str>)> {
    let (name, rest) = line.split_once(':')?;
    let mut parts = rest.split('|');
    let (value, kind, tags) = (parts.next()?.parse().ok()?, parts.next()?, parts.next());
    let each = tags.map_or(Some(""), |tags| tags.strip_prefix('#'))?.split(',').filter(|tag| !tag.is_empty());
    let tags: Option<BTreeMap<_, _>> = each.map(|tag| tag.split_once(':')).collect();
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c));
    (plain && matches!(kind, "c" | "g") && parts.next().is_none()).then_some((name, value, kind, tags?))
}

#[test]
fn what_statsd_counts_sums_up_to_the_totals_whatever_was_missed() {
    for dialect in [Dialect::Plain, Dialect::Dog] {
        let (mut sum, mut bytes, mut before) = (0.0, 0.0, None);
        // The fourth and fifth seconds were never sent.
        for now in [1, 2, 3, 6, 7].map(figures) {
            for line in statsd::lines(&now, before.as_ref(), dialect) {
                let (name, value, kind, _) = read_statsd(&line).expect("a line of StatsD");
                let is = |metric: &str| {
                    name.strip_prefix(metric).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
                };
                if is("stampede.requests") {
                    assert_eq!(kind, "c");
                    sum += value;
                } else if is("stampede.received_bytes") {
                    bytes += value;
                }
            }
            before = Some(now);
        }
        let all = figures(7).requests();
        assert!((sum - all.ended() as f64).abs() < 1e-9 && (bytes - all.bytes_in as f64).abs() < 1e-9);
    }
}

/// A line of the protocol: measurement, tags, fields as text, nanoseconds.
type Point = (String, BTreeMap<String, String>, BTreeMap<String, String>, i128);

/// Reads as InfluxDB does: a backslash takes the character behind it out of play.
fn read_influx(line: &str) -> Option<Point> {
    let mut fields = split(line, ' ');
    let (head, set, time) = (fields.next()?, fields.next()?, fields.next()?);
    let mut tags = split(&head, ',');
    let measurement = tags.next()?;
    let pair = |text: String| {
        let mut parts = split(&text, '=').map(|part| unescaped(&part));
        let pair = (parts.next()?, parts.next()?);
        parts.next().is_none().then_some(pair)
    };
    let tags: Option<BTreeMap<_, _>> = tags.map(pair).collect();
    let set: Option<BTreeMap<_, _>> = split(&set, ',').map(pair).collect();
    (fields.next().is_none()).then_some((measurement, tags?, set?, time.parse().ok()?))
}

fn split(text: &str, at: char) -> impl Iterator<Item = String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        if c == at && !escaped {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(c);
        }
        escaped = c == '\\' && !escaped;
    }
    parts.into_iter()
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek().is_some_and(|c| ",= ".contains(*c)) => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

/// What the protocol can carry of a text.
fn carried(text: &str) -> String {
    text.chars().map(|c| if c == '\\' || c.is_control() { '_' } else { c }).collect()
}

proptest! {
    #[test]
    fn influx_reads_back_every_name(method in "[A-Z]{1,4}|\\PC{1,6}", name in any::<String>()) {
        let request = row(RowKind::Request, &method, &name, 3);
        let now = tick(of(request.clone()));
        let points: Vec<_> =
            influx::lines(&now).iter().map(|line| read_influx(line).ok_or(line.clone())).collect();
        prop_assert!(points.iter().all(Result::is_ok), "{points:?}");
        let mut found = points.into_iter().flatten().filter(|(measurement, ..)| measurement == "stampede_requests");
        let (_, tags, fields, time) = found.next().expect("the row");
        prop_assert_eq!(tags.get("name").cloned().unwrap_or_default(), carried(&name));
        prop_assert_eq!(tags.get("method").cloned().unwrap_or_default(), carried(&method));
        prop_assert_eq!(&fields["ok"], &format!("{}i", request.counts.ok));
        prop_assert_eq!(time, now.at.as_nanosecond());
    }

    #[test]
    fn no_name_breaks_a_line_of_statsd(name in any::<String>()) {
        let now = of(row(RowKind::Request, "GET", &name, 2));
        for dialect in [Dialect::Plain, Dialect::Dog] {
            let lines = statsd::lines(&now, None, dialect);
            let read: Vec<_> = lines.iter().map(|line| read_statsd(line)).collect();
            prop_assert!(read.iter().all(Option::is_some), "{lines:?}");
            let ok = read.into_iter().flatten().filter(|(name, _, kind, tags)| {
                *kind == "c" && (name.rsplit('.').next() == Some("ok") || tags.get("outcome") == Some(&"ok"))
            });
            prop_assert_eq!(ok.map(|(_, value, ..)| value.to_string()).collect::<Vec<_>>(), ["26"]);
            prop_assert!(lines.iter().all(|line| line.len() < 1432 && !line.contains('\n')));
        }
    }
}
