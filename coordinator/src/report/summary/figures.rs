//! What the summaries are made from: counts of responses and the recorded times of a report, read back from their histograms.

use std::collections::BTreeMap;

use stampede_stats::histogram::TimesDelta;

use super::super::model::{Endpoint, Report, TimelinePoint};
use super::super::saved::recorded_times;
use super::super::text::{Place, count_of, safe};
use super::super::times::TimesReport;

/// Figures of all requests of a run together.
pub(super) struct Figures<'a> {
    pub(super) report: &'a Report,
    /// Completed requests that got a whole response.
    pub(super) answered: u64,
    /// Completed requests that got none.
    pub(super) unanswered: u64,
    /// From the end of the warm-up to the end of the last request.
    pub(super) elapsed_s: f64,
    /// Response times of all completed requests.
    pub(super) all: Recorded,
    /// First byte written to last byte read, of requests with a response.
    pub(super) service: Recorded,
    /// Begin to first byte, of requests with a response.
    pub(super) ttfb: Recorded,
    /// A histogram of the report could not be read.
    unreadable: bool,
}

/// Recorded times, in ms.
#[derive(Debug, Clone, Default)]
pub(super) struct Recorded(TimesDelta);

impl<'a> Figures<'a> {
    pub(super) fn of(report: &'a Report) -> Self {
        let totals = &report.totals;
        let answered = match totals.statuses.values().sum::<u64>() {
            // A report from before statuses were counted.
            0 => totals.service.count,
            answered => answered,
        };
        let warmup = report.run.warmup_s.unwrap_or_default();
        // Likewise from before the last end was known.
        let elapsed_s = report.run.last_end_s.map(|end| end - warmup).filter(|elapsed| *elapsed > 0.0);
        let mut unreadable = false;
        let mut read = |times: &TimesReport| {
            recorded_times(times).unwrap_or_else(|_| {
                unreadable = true;
                TimesDelta::default()
            })
        };
        let mut all = read(&totals.ok);
        all.merge(&read(&totals.failed));
        let (service, ttfb) = (read(&totals.service), read(&totals.ttfb));
        Self {
            report,
            answered,
            unanswered: totals.requests.saturating_sub(answered),
            elapsed_s: elapsed_s.unwrap_or(report.run.duration_s),
            all: Recorded(all),
            service: Recorded(service),
            ttfb: Recorded(ttfb),
            unreadable,
        }
    }

    /// Responses by status; code 0 is every code beyond those told apart.
    pub(super) fn statuses(&self) -> &BTreeMap<u16, u64> {
        &self.report.totals.statuses
    }

    /// Responses whose status is one of these.
    pub(super) fn with_status(&self, wanted: impl Fn(u16) -> bool) -> u64 {
        self.statuses().iter().filter(|(code, _)| wanted(**code)).map(|(_, count)| count).sum()
    }

    /// Bytes of whole responses, heads too; `None` where a client does not count them.
    pub(super) fn wire_bytes_in(&self) -> Option<u64> {
        let totals = &self.report.totals;
        let counted = totals.head_bytes_in > 0 || self.answered == 0;
        counted.then_some(totals.bytes_in + totals.head_bytes_in)
    }

    /// The steps of the course that lie wholly between the end of the warm-up and the stop instant, and were observed.
    pub(super) fn seconds(&self) -> impl Iterator<Item = &'a TimelinePoint> + Clone {
        let warmup = self.report.run.warmup_s.unwrap_or_default();
        self.report.timeline.iter().filter(move |point| point.rps.is_some() && f64::from(point.t) >= warmup)
    }

    /// Seconds in a step of the course.
    pub(super) fn step_s(&self) -> u32 {
        match self.report.timeline.as_slice() {
            [first, second, ..] => second.t.saturating_sub(first.t).max(1),
            _ => 1,
        }
    }

    /// The endpoint of all requests, if it is one.
    pub(super) fn only_endpoint(&self) -> Option<&'a Endpoint> {
        let mut rows = self.report.endpoints.iter().filter(|row| row.requests > 0);
        rows.next().filter(|_| rows.next().is_none())
    }

    /// What was aimed at: with its path, where all requests have one name and it is a path.
    pub(super) fn url(&self) -> String {
        let target = self.report.run.target.trim_end_matches('/');
        let path = self.only_endpoint().map(|one| one.name.as_str()).filter(|name| name.starts_with('/'));
        safe(&format!("{target}{}", path.unwrap_or_default()), Place::Line)
    }

    /// Connections made.
    pub(super) fn connections(&self) -> u64 {
        self.report.targets.iter().map(|target| target.connections).sum()
    }

    /// Whether requests came at a rate, due or not.
    pub(super) fn is_open(&self) -> bool {
        self.report.run.arrivals.is_some()
    }

    /// What is to be said below any summary.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if !self.report.run.complete {
            notes.push("The run is not complete: samples are missing from every figure.".to_owned());
        }
        if let Some(warmup) = self.report.run.warmup_s {
            notes.push(format!("The first {warmup} s are the warm-up, and in no figure."));
        }
        if self.unreadable {
            notes.push("A histogram of this report cannot be read: times made from it are n/a.".to_owned());
        }
        if let Some(rest) = self.statuses().get(&0) {
            let rest = count_of(*rest, "response has", "responses have");
            notes.push(format!(
                "{rest} a status beyond those told apart, and counts as none of the known kinds."
            ));
        }
        notes
    }
}

impl Recorded {
    pub(super) fn count(&self) -> u64 {
        self.0.exact.count
    }

    pub(super) fn sum_ms(&self) -> f64 {
        self.0.exact.sum_ns as f64 / 1e6
    }

    pub(super) fn mean(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.sum_ms() / self.count() as f64)
    }

    pub(super) fn min(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.0.exact.min_ns as f64 / 1e6)
    }

    pub(super) fn max(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.0.exact.max_ns as f64 / 1e6)
    }

    /// Of the sample.
    pub(super) fn stdev(&self) -> Option<f64> {
        self.0.stdev_ms()
    }

    /// The smallest value with at least `wanted` per cent at or below it.
    pub(super) fn percentile(&self, wanted: f64) -> Option<f64> {
        self.0.percentiles_ms(&[wanted]).first().copied()
    }

    /// The value at this place of the sorted ones, from 0.
    pub(super) fn at(&self, index: u64) -> Option<f64> {
        let mut seen = 0_u64;
        let found = self.0.pairs.iter().find(|(_, count)| {
            seen += count;
            seen > index
        });
        let ms = |us: u32| f64::from(us) / 1e3;
        found.map(|(us, _)| ms(*us).clamp(self.min().unwrap_or(0.0), self.max().unwrap_or(f64::MAX)))
    }

    /// How many lie within `from..=to` ms, to histogram resolution.
    pub(super) fn within(&self, from: f64, to: f64) -> u64 {
        let inside = |us: u32| (from..=to).contains(&(f64::from(us) / 1e3));
        self.0.pairs.iter().filter(|(us, _)| inside(*us)).map(|(_, count)| count).sum()
    }
}
