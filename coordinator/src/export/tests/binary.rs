//! What a receiver of a remote write unpacks, and what stands in the lines of JSON.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use prost::Message;
use serde_json::Value;

use super::figures;
use crate::export::Tick;
use crate::export::catalogue::families;
use crate::export::live::Live;
use crate::export::otlp;
use crate::export::remote_write::{WriteRequest, encode, request};
use crate::export::series::bounds;

fn tick(n: u64, at_ms: i64) -> Tick {
    let mut figures = figures(n);
    figures.elapsed = std::time::Duration::from_millis(1000 * n);
    Tick { at: Timestamp::from_millisecond(at_ms).expect("a time"), figures, resumed: false }
}

#[test]
fn a_remote_write_has_the_samples_of_a_scrape() {
    let tick = tick(2, 1_700_000_000_123);
    let packed = encode(&request(&tick)).expect("it can be packed");
    let unpacked = snap::raw::Decoder::new().decompress_vec(&packed).expect("snappy");
    let read = WriteRequest::decode(&*unpacked).expect("protobuf");
    assert_eq!(read, request(&tick));
    let bounds: Vec<_> = bounds().collect();
    let mut scraped = Vec::new();
    for family in families(&tick.figures) {
        family.samples(&bounds, |sample| scraped.push((sample.name.to_string(), sample.value)));
    }
    let named = |labels: &[crate::export::remote_write::Label], name: &str| {
        labels.iter().find(|label| label.name == name).map(|label| label.value.clone()).unwrap_or_default()
    };
    let written: Vec<_> = read
        .timeseries
        .iter()
        .map(|series| (named(&series.labels, "__name__"), series.samples[0].value))
        .collect();
    assert_eq!(written, scraped);
    let mut ids = BTreeSet::new();
    for series in &read.timeseries {
        assert!(series.labels.is_sorted_by(|a, b| a.name < b.name), "in order, and each once");
        assert!(series.labels.iter().all(|label| !label.value.is_empty()));
        assert_eq!(
            (named(&series.labels, "job"), named(&series.labels, "instance")),
            ("stampede".into(), "00ff".into())
        );
        assert_eq!((series.samples.len(), series.samples[0].timestamp), (1, 1_700_000_000_123));
        assert!(ids.insert(series.labels.clone()), "{series:?} is there twice");
    }
}

#[test]
fn opentelemetry_has_the_sums_and_buckets_of_a_scrape() {
    let tick = tick(2, 1_700_000_000_123);
    let read = otlp::Request::decode(&*otlp::request(&tick).encode_to_vec()).expect("protobuf");
    assert_eq!(read, otlp::request(&tick));
    let resource = &read.resource_metrics[0];
    let about = resource.resource.as_ref().expect("the run");
    let text = |attribute: &otlp::Attribute| {
        let value = attribute.value.clone().and_then(|value| value.string_value);
        (attribute.key.clone(), value.expect("a text"))
    };
    let about: Vec<_> = about.attributes.iter().map(text).collect();
    assert_eq!(about[..2], [("service.name".into(), "stampede".into()), ("run".into(), "00ff".into())]);
    let metrics = &resource.scope_metrics[0].metrics;
    let families = families(&tick.figures);
    assert_eq!(metrics.len(), families.len() - 1, "all but the one that says which run it is");
    let of =
        |name: &str| metrics.iter().find(|metric| metric.name == name).and_then(|metric| metric.data.clone());
    let Some(otlp::Data::Sum(sum)) = of("stampede_requests") else { panic!("no sum") };
    assert!(sum.is_monotonic && sum.aggregation_temporality == 2);
    let ended: f64 = sum.data_points.iter().filter_map(|point| point.as_double).sum();
    assert_eq!(ended.to_string(), tick.figures.requests().ended().to_string());
    let span = |point: &otlp::Point| (point.start_time_unix_nano, point.time_unix_nano);
    assert_eq!(span(&sum.data_points[0]), (1_699_999_998_123_000_000, 1_700_000_000_123_000_000));
    let Some(otlp::Data::Histogram(times)) = of("stampede_request_duration_seconds") else {
        panic!("no times")
    };
    for (point, row) in times.data_points.iter().zip(&tick.figures.rows) {
        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
        assert_eq!((point.bucket_counts.iter().sum(), point.count), (row.times.count, row.times.count));
    }
    assert!(matches!(of("stampede_users"), Some(otlp::Data::Gauge(_))));
}

#[test]
fn lines_of_json_say_what_came_since_the_line_before() {
    let mut out = Vec::new();
    let mut live = Live::new(&mut out);
    for (n, at_ms) in [(1, 0), (2, 1000), (5, 4000)] {
        live.write(Arc::new(tick(n, at_ms))).expect("written");
    }
    drop(live);
    let text = String::from_utf8(out).expect("text");
    assert!(text.ends_with('\n'));
    let lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!((&lines[0]["schema"], &lines[0]["run"]["id"]), (&"stampede.live/1".into(), &"00ff".into()));
    let all = figures(5).requests();
    let sum = |key: &str| lines[1..].iter().map(|line| line[key].as_u64().expect("a number")).sum::<u64>();
    assert_eq!((sum("requests"), sum("failures")), (all.completed(), all.failed));
    assert_eq!(lines[3]["requests_total"], all.completed());
    assert_eq!(lines[3]["rps"], 48.0, "three seconds in one line");
    let hostile = &lines[2]["endpoints"][1];
    assert_eq!(hostile["name"].as_str(), Some(&*figures(1).rows[1].name));
    assert_eq!((&hostile["requests"], &hostile["requests_total"]), (&16.into(), &32.into()));
    insta::assert_snapshot!("live", text);
}

#[test]
fn a_resumed_run_does_not_count_again_what_was_counted_before() {
    let mut out = Vec::new();
    let mut live = Live::new(&mut out);
    for (n, at_ms) in [(3, 0), (4, 1000)] {
        live.write(Arc::new(Tick { resumed: true, ..tick(n, at_ms) })).expect("written");
    }
    let lines = String::from_utf8(out).expect("text");
    let lines = lines.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let counts: Vec<_> =
        lines.map(|line| (line["requests"].as_u64(), line["requests_total"].as_u64())).collect();
    assert_eq!(counts, [(Some(0), Some(144)), (Some(48), Some(192))]);
}
