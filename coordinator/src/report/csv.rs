//! `run.csv`: the four files that Locust writes, column for column, so that what reads those reads these.
//!
//! Numbers are written as Python writes them, percentiles and medians in whole milliseconds, rows end with CR LF, texts are quoted
//! only where they must be. What Stampede knows better is in `report.json`: here a time below half a millisecond is `0`. Checked
//! against Locust 2.47.
//!
//! `_stats_history` has one row for each step of the course of all requests, at its end, and like Locust's it is cumulative but
//! for the rates. `_failures` are requests; what Locust calls exceptions, things that go wrong in a task beside its requests, are
//! failures that a `fail` step booked, and those of setup and teardown.

use hdrhistogram::Histogram;
use jiff::{SignedDuration, Timestamp};

use super::model::{Endpoint, EndpointPoint, Failure, Report};
use super::saved::histogram;
use super::text::{Place, safe};
use super::times::Percentiles;

const STATS: &str = "Type,Name,Request Count,Failure Count,Median Response Time,Average Response Time,Min Response Time,\
                     Max Response Time,Average Content Size,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,\
                     99.99%,100%";

const HISTORY: &str = "Timestamp,User Count,Type,Name,Requests/s,Failures/s,50%,66%,75%,80%,90%,95%,98%,99%,99.9%,99.99%,\
                       100%,Total Request Count,Total Failure Count,Total Median Response Time,\
                       Total Average Response Time,Total Min Response Time,Total Max Response Time,\
                       Total Average Content Size";

const FAILURES: &str = "Method,Name,Error,Occurrences,First Seen,Last Seen";

const EXCEPTIONS: &str = "Count,Message,Traceback,Nodes";

/// What is put behind the name that was asked for, file by file.
pub(super) const PARTS: [&str; 4] = ["_stats", "_stats_history", "_failures", "_exceptions"];

/// What stands in them, in the order of [`PARTS`].
pub(super) fn texts(report: &Report) -> [String; 4] {
    [stats(report), history(report), failures(report), exceptions(report)]
}

/// One row for each endpoint by name, then method, and one for all of them.
pub(super) fn stats(report: &Report) -> String {
    let rows = report.endpoints.iter().chain([&report.totals]).map(|endpoint| {
        let sofar = SoFar::of(endpoint);
        let mut row = vec![text(&endpoint.method), text(&endpoint.name)];
        row.extend(sofar.counts());
        row.extend(sofar.times());
        row.extend([endpoint.rps, endpoint.failures_per_s].map(|rate| python(rate.unwrap_or_default())));
        row.extend(sofar.percentiles());
        row
    });
    file(STATS, rows)
}

fn history(report: &Report) -> String {
    let course = &report.totals.course;
    let mut whole: Option<Histogram<u64>> = None;
    let (mut requests, mut failures) = (0, 0);
    let mut rows = Vec::new();
    for (index, point) in course.iter().enumerate() {
        requests += point.requests;
        failures += point.failures;
        match (&mut whole, point.histogram.as_deref().and_then(|text| histogram(text).ok())) {
            // Each is of the same bounds, so that this cannot fail; a step of a file that somebody changed adds nothing.
            (Some(whole), Some(step)) => drop(whole.add(step)),
            (whole @ None, step) => *whole = step,
            (_, None) => {}
        }
        let sofar = if index + 1 == course.len() {
            SoFar::of(&report.totals)
        } else {
            SoFar::at(requests, failures, whole.as_ref(), &report.totals)
        };
        let end = end(course, index);
        let rate = |count: u64| format!("{:.6}", per_second(count, point));
        let mut row = vec![at(report, end).map_or_else(String::new, |at| at.as_second().to_string())];
        row.extend([users(report, end).to_string(), String::new(), text(&report.totals.name)]);
        row.extend([rate(point.requests), rate(point.failures)]);
        row.extend(sofar.percentiles());
        row.extend(sofar.counts());
        row.extend(sofar.times());
        rows.push(row);
    }
    file(HISTORY, rows)
}

fn failures(report: &Report) -> String {
    let failed = report.errors.iter().filter(|failure| failure.row == "request");
    let rows = failed.map(|failure| {
        let seen = |second: u32| {
            let at = at(report, f64::from(second));
            at.map_or_else(String::new, |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
        };
        vec![
            text(&failure.method),
            text(&failure.name),
            message(failure),
            failure.count.to_string(),
            seen(failure.first_s),
            seen(failure.last_s),
        ]
    });
    file(FAILURES, rows)
}

fn exceptions(report: &Report) -> String {
    let thrown = report.errors.iter().filter(|failure| failure.row != "request");
    // Which worker it was is not known of failures.
    let rows = thrown.map(|failure| {
        let place = format!("{} {}", failure.method, failure.name);
        vec![failure.count.to_string(), message(failure), text(place.trim()), String::new()]
    });
    file(EXCEPTIONS, rows)
}

fn message(failure: &Failure) -> String {
    text(&format!("{}: {}", failure.kind, failure.message))
}

/// What was measured from the beginning up to some moment.
struct SoFar {
    requests: u64,
    failures: u64,
    avg: f64,
    min: f64,
    max: f64,
    percentiles: [Option<f64>; 11],
    content: Option<f64>,
}

impl SoFar {
    fn of(endpoint: &Endpoint) -> Self {
        Self {
            requests: endpoint.requests,
            failures: endpoint.failures,
            avg: endpoint.avg_ms.unwrap_or_default(),
            min: endpoint.min_ms.unwrap_or_default(),
            max: endpoint.max_ms.unwrap_or_default(),
            percentiles: endpoint.percentiles_ms.values(),
            content: content_size(endpoint),
        }
    }

    /// From a histogram, and so to its resolution. Sizes are known of the whole run only.
    fn at(requests: u64, failures: u64, times: Option<&Histogram<u64>>, totals: &Endpoint) -> Self {
        let ms = |us: f64| us / 1000.0;
        Self {
            requests,
            failures,
            avg: times.map_or(0.0, |times| ms(times.mean())),
            min: times.map_or(0.0, |times| ms(times.min() as f64)),
            max: times.map_or(0.0, |times| ms(times.max() as f64)),
            percentiles: Percentiles::WANTED
                .map(|wanted| times.map(|times| ms(times.value_at_percentile(wanted) as f64))),
            content: content_size(totals).filter(|_| requests > 0),
        }
    }

    fn counts(&self) -> [String; 2] {
        [self.requests.to_string(), self.failures.to_string()]
    }

    /// Median, mean, smallest, largest, and the mean size. Python writes a zero that was never divided without a point.
    fn times(&self) -> [String; 5] {
        if self.requests == 0 {
            return ["0", "0.0", "0", "0", "0"].map(str::to_owned);
        }
        let median = self.percentiles[0].unwrap_or_default().round();
        // A rounded median is never shown outside what was measured.
        let median = if median > self.max {
            python(self.max)
        } else if median < self.min {
            python(self.min)
        } else {
            format!("{median:.0}")
        };
        let content = self.content.unwrap_or_default();
        [median, python(self.avg), python(self.min), python(self.max), python(content)]
    }

    fn percentiles(&self) -> [String; 11] {
        self.percentiles.map(|ms| ms.map_or_else(|| "N/A".to_owned(), |ms| format!("{ms:.0}")))
    }
}

fn content_size(endpoint: &Endpoint) -> Option<f64> {
    (endpoint.requests > 0).then(|| endpoint.bytes_in as f64 / endpoint.requests as f64)
}

/// A step's own rate; of one that the stop instant cuts, by the seconds that were observed of it.
fn per_second(count: u64, point: &EndpointPoint) -> f64 {
    if point.seconds == 0 { 0.0 } else { count as f64 / f64::from(point.seconds) }
}

/// Run second at the end of a step: where the next one begins, or where the last observed second of the last one ends.
fn end(course: &[EndpointPoint], index: usize) -> f64 {
    let next = course.get(index + 1).map(|next| next.t);
    f64::from(next.unwrap_or_else(|| course[index].t.saturating_add(course[index].seconds.max(1))))
}

/// Users alive at a run second.
fn users(report: &Report, second: f64) -> u64 {
    let before = report.timeline.iter().take_while(|point| f64::from(point.t) < second);
    before.filter(|point| point.seconds > 0).last().map_or(0, |point| point.users)
}

/// A run second on the clock of the world.
fn at(report: &Report, second: f64) -> Option<Timestamp> {
    let start: Timestamp = report.run.started_at.parse().ok()?;
    start.checked_add(SignedDuration::try_from_secs_f64(second).ok()?).ok()
}

/// As Python writes a float: the shortest that reads back as the same, with a point.
fn python(value: f64) -> String {
    format!("{value:?}")
}

/// A text from outside: on one line, and no formula where a spreadsheet opens the file.
fn text(text: &str) -> String {
    let safe = safe(text, Place::Line);
    if safe.starts_with(['=', '+', '-', '@']) { format!("'{safe}") } else { safe }
}

fn file(header: &str, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = format!("{header}\r\n");
    for row in rows {
        let cells: Vec<_> = row.into_iter().map(quoted).collect();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

fn quoted(cell: String) -> String {
    if cell.contains([',', '"', '\r', '\n']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}
