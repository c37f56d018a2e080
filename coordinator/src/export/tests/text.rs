//! The text of a scrape, and what a reader of it gets back.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::figures;
use crate::export::catalogue::families;
use crate::export::series::{Family, Kind, Series, Value};
use crate::export::text::{Format, render};

/// A sample as it was read: its name, its labels, its value.
type Read = (String, BTreeMap<String, String>, f64);

/// Reads the text format, strictly: what it does not know is an error.
fn read(text: &str) -> Result<Vec<Read>, String> {
    let lines = text.strip_suffix('\n').ok_or("does not end with its last line")?.split('\n');
    lines.filter(|line| !line.starts_with("# ")).map(sample).collect()
}

fn sample(line: &str) -> Result<Read, String> {
    let end = line.find(['{', ' ']).ok_or_else(|| format!("no value: {line:?}"))?;
    let (name, mut rest) = line.split_at(end);
    let word = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, after) = rest.split_once("=\"").ok_or_else(|| format!("no label: {line:?}"))?;
            let (value, after) = quoted(after)?;
            if !word(label) || labels.insert(label.to_owned(), value).is_some() {
                return Err(format!("label {label:?}: {line:?}"));
            }
            rest = &after[1..];
            match after.chars().next() {
                Some(',') => {}
                Some('}') => break,
                other => return Err(format!("{other:?} behind a label: {line:?}")),
            }
        }
    }
    let value = rest.strip_prefix(' ').and_then(|value| value.parse().ok());
    let value = value.filter(|_| word(name)).ok_or_else(|| format!("neither name nor value: {line:?}"))?;
    Ok((name.to_owned(), labels, value))
}

/// A value up to its closing quote, and what stands behind that.
fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match chars.next().map(|(_, c)| c) {
                Some('n') => value.push('\n'),
                Some(c @ ('\\' | '"')) => value.push(c),
                other => return Err(format!("\\{other:?}")),
            },
            c => value.push(c),
        }
    }
    Err("no closing quote".to_owned())
}

#[test]
fn a_scrape_with_hostile_names() {
    let figures = figures(1);
    insta::assert_snapshot!("metrics", render(&families(&figures), Format::Prometheus));
}

#[test]
fn both_formats_have_the_same_samples_and_each_once() {
    let figures = figures(3);
    let families = families(&figures);
    let prometheus = read(&render(&families, Format::Prometheus)).expect("readable");
    let open = render(&families, Format::OpenMetrics);
    let open = open.strip_suffix("# EOF\n").expect("ends as OpenMetrics does");
    assert_eq!(read(open).expect("readable"), prometheus);
    let ids: BTreeSet<_> = prometheus.iter().map(|(name, labels, _)| (name, labels)).collect();
    assert_eq!(ids.len(), prometheus.len());
    assert!(
        open.contains("# TYPE stampede_requests counter\n") && open.contains("# TYPE stampede_run info\n")
    );
    let sum = |wanted: &str| -> f64 {
        let requests = prometheus
            .iter()
            .filter(|(name, labels, _)| name == "stampede_requests_total" && labels["outcome"] == wanted);
        requests.map(|(_, _, value)| value).sum()
    };
    let counts = figures.requests();
    let counts = [counts.ok, counts.failed, counts.cancelled].map(|count| count.to_string());
    assert_eq!(["ok", "failed", "cancelled"].map(|outcome| sum(outcome).to_string()), counts);
}

#[test]
fn nothing_before_the_first_figures_is_a_valid_text() {
    assert_eq!(render(&[], Format::Prometheus), "");
    assert_eq!(render(&[], Format::OpenMetrics), "# EOF\n");
}

#[test]
fn the_format_is_the_one_that_was_asked_for() {
    let scraper = "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,\
                   text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
    for (accept, format) in [
        (scraper, Format::OpenMetrics),
        ("application/openmetrics-text", Format::OpenMetrics),
        ("Application/OpenMetrics-Text; version=1.0.0", Format::OpenMetrics),
        ("application/openmetrics-text;q=0", Format::Prometheus),
        ("application/openmetrics-text;q=0.1, text/plain;q=0.9", Format::Prometheus),
        ("application/openmetrics-text;q=x", Format::Prometheus),
        ("text/html,*/*;q=0.8", Format::Prometheus),
        ("", Format::Prometheus),
    ] {
        assert_eq!(Format::accepted(accept), format, "{accept}");
    }
}

proptest! {
    #[test]
    fn what_is_read_back_is_what_was_put_in(
        series in prop::collection::vec((prop::collection::btree_map("[a-z_]{1,8}", any::<String>(), 0..4), any::<f64>()), 1..6),
    ) {
        let finite = |value: f64| if value.is_finite() { value } else { 0.5 };
        let made = series.iter().map(|(labels, value)| Series {
            labels: labels.iter().map(|(name, value)| (Cow::Borrowed(&**name), Cow::Borrowed(&**value))).collect(),
            value: Value::Number(finite(*value)),
        });
        let family = Family { name: "a", help: "A.", kind: Kind::Gauge, series: made.collect() };
        let wanted: Vec<_> =
            series.iter().map(|(labels, value)| ("a".to_owned(), labels.clone(), finite(*value))).collect();
        let family = [family];
        for format in [Format::Prometheus, Format::OpenMetrics] {
            let text = render(&family, format);
            prop_assert_eq!(read(text.strip_suffix("# EOF\n").unwrap_or(&text)), Ok(wanted.clone()));
        }
    }
}
