//! `report.hlog`: response times in the log format of `HdrHistogram`, version 1.3, which its own tools read and merge.
//!
//! Intervals without a tag are those of all requests together, in the steps of their course; those of an endpoint have it as
//! their tag. Merging all intervals of a tag gives its response times over the run. An endpoint whose course was not kept has
//! one interval, the whole run. Values are microseconds.

use std::collections::BTreeSet;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use jiff::Timestamp;

use super::model::{Endpoint, EndpointPoint, Report};
use super::saved::histogram;
use super::text::{Place, safe};

/// Legend of the columns, as the reference implementation writes it.
const LEGEND: &str =
    "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n";

/// An interval of one tag.
struct Interval<'a> {
    /// Run time at its beginning, in s.
    start: f64,
    /// In s.
    length: f64,
    tag: &'a str,
    times: Histogram<u64>,
}

/// The whole file.
pub(super) fn hlog_text(report: &Report) -> String {
    let mut out = format!("#[Logged with Stampede {}]\n", safe(&report.run.version, Place::Line));
    out.push_str("#[Histogram log format version 1.3]\n");
    out.push_str("#[Values in microseconds, Interval_Max in milliseconds]\n");
    if let Ok(start) = report.run.started_at.parse::<Timestamp>() {
        let seconds = start.as_millisecond() as f64 / 1000.0;
        let _ = writeln!(out, "#[StartTime: {seconds:.3} (seconds since epoch), {start}]");
        // Without it readers have to guess that the times below are not those of 1970.
        let _ = writeln!(out, "#[BaseTime: {seconds:.3} (seconds since epoch)]");
    }
    out.push_str(LEGEND);
    let tags = tags(&report.endpoints);
    let mut intervals = intervals(&report.totals, "", report);
    for (endpoint, tag) in report.endpoints.iter().zip(&tags) {
        intervals.extend(self::intervals(endpoint, tag, report));
    }
    // Readers expect them in order of time; those of one moment stay as they are.
    intervals.sort_by(|a, b| a.start.total_cmp(&b.start));
    for interval in intervals {
        out.push_str(&line(&interval).unwrap_or_default());
    }
    out
}

fn intervals<'a>(endpoint: &Endpoint, tag: &'a str, report: &Report) -> Vec<Interval<'a>> {
    let steps = endpoint.course.iter().enumerate();
    let found: Vec<_> = steps
        .filter_map(|(index, point)| {
            let times = histogram(point.histogram.as_deref()?).ok()?;
            Some(Interval { start: point.t.into(), length: length(&endpoint.course, index), tag, times })
        })
        .collect();
    if !found.is_empty() {
        return found;
    }
    let start = report.run.warmup_s.unwrap_or_default();
    let whole = whole(endpoint).map(|times| Interval { start, length: report.run.duration_s, tag, times });
    whole.into_iter().collect()
}

/// Until the next step begins; of the last one what was observed.
fn length(course: &[EndpointPoint], index: usize) -> f64 {
    let point = &course[index];
    let next = course.get(index + 1).map(|next| next.t.saturating_sub(point.t));
    f64::from(next.unwrap_or(point.seconds.max(1)))
}

/// Those that were ok and those that failed.
fn whole(endpoint: &Endpoint) -> Option<Histogram<u64>> {
    let parts = [&endpoint.ok, &endpoint.failed].map(|times| histogram(times.histogram.as_deref()?).ok());
    parts.into_iter().flatten().reduce(|mut whole, part| {
        // Of the same bounds, so that this cannot fail.
        let _ = whole.add(part);
        whole
    })
}

/// Writing to memory fails for no histogram that can be made.
fn line(interval: &Interval<'_>) -> Option<String> {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(&interval.times, &mut bytes).ok()?;
    let tag = if interval.tag.is_empty() { String::new() } else { format!("Tag={},", interval.tag) };
    let max = interval.times.max() as f64 / 1000.0;
    let Interval { start, length, .. } = interval;
    Some(format!("{tag}{start:.3},{length:.3},{max:.3},{}\n", STANDARD.encode(bytes)))
}

/// `GET_/items`: readers take a comma, a space or the end of a line for the end of a tag. No two endpoints have the same one.
fn tags(endpoints: &[Endpoint]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut tag = |endpoint: &Endpoint| {
        let both = format!("{} {}", endpoint.method, endpoint.name);
        let tag = safe(both.trim(), Place::Line).replace([',', ' '], "_");
        let mut free = tag.clone();
        let mut number = 2;
        while !taken.insert(free.clone()) {
            free = format!("{tag}~{number}");
            number += 1;
        }
        free
    };
    endpoints.iter().map(&mut tag).collect()
}
