//! Figures as OpenTelemetry metrics, protocol 1.0 over HTTP: the part of its messages that is needed, by hand.
//!
//! Metrics are those of a scrape, under the same names: sums and histograms are cumulative, everything else is a gauge.

use jiff::Timestamp;
use prost::{Message, Oneof};

use super::catalogue::families;
use super::feed::Tick;
use super::series::{Family, Kind, Label, Value as Number};
use crate::figures::{BOUNDS_US, Buckets};

/// `AGGREGATION_TEMPORALITY_CUMULATIVE`.
const CUMULATIVE: i32 = 2;

/// `ExportMetricsServiceRequest`.
#[derive(Clone, PartialEq, Message)]
pub struct Request {
    /// One: the run.
    #[prost(message, repeated, tag = "1")]
    pub resource_metrics: Vec<ResourceMetrics>,
}

/// Metrics of one origin.
#[derive(Clone, PartialEq, Message)]
pub struct ResourceMetrics {
    /// The run.
    #[prost(message, optional, tag = "1")]
    pub resource: Option<Resource>,
    /// One.
    #[prost(message, repeated, tag = "2")]
    pub scope_metrics: Vec<ScopeMetrics>,
}

/// An origin.
#[derive(Clone, PartialEq, Message)]
pub struct Resource {
    /// What is known of it.
    #[prost(message, repeated, tag = "1")]
    pub attributes: Vec<Attribute>,
}

/// Metrics of one program.
#[derive(Clone, PartialEq, Message)]
pub struct ScopeMetrics {
    /// Stampede.
    #[prost(message, optional, tag = "1")]
    pub scope: Option<Scope>,
    /// All of them.
    #[prost(message, repeated, tag = "2")]
    pub metrics: Vec<Metric>,
}

/// A program.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Scope {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its version.
    #[prost(string, tag = "2")]
    pub version: String,
}

/// A metric.
#[derive(Clone, PartialEq, Message)]
pub struct Metric {
    /// As in a scrape, without the ending of its kind.
    #[prost(string, tag = "1")]
    pub name: String,
    /// In words.
    #[prost(string, tag = "2")]
    pub description: String,
    /// Its points.
    #[prost(oneof = "Data", tags = "5, 7, 9")]
    pub data: Option<Data>,
}

/// The points of a metric.
#[derive(Clone, PartialEq, Oneof)]
pub enum Data {
    /// What goes up and down.
    #[prost(message, tag = "5")]
    Gauge(Gauge),
    /// What only grows.
    #[prost(message, tag = "7")]
    Sum(Sum),
    /// Times.
    #[prost(message, tag = "9")]
    Histogram(Histogram),
}

/// Points of a gauge.
#[derive(Clone, PartialEq, Message)]
pub struct Gauge {
    /// One for each set of attributes.
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<Point>,
}

/// Points of a sum.
#[derive(Clone, PartialEq, Message)]
pub struct Sum {
    /// One for each set of attributes.
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<Point>,
    /// Cumulative.
    #[prost(int32, tag = "2")]
    pub aggregation_temporality: i32,
    /// Yes.
    #[prost(bool, tag = "3")]
    pub is_monotonic: bool,
}

/// Points of a histogram.
#[derive(Clone, PartialEq, Message)]
pub struct Histogram {
    /// One for each set of attributes.
    #[prost(message, repeated, tag = "1")]
    pub data_points: Vec<Times>,
    /// Cumulative.
    #[prost(int32, tag = "2")]
    pub aggregation_temporality: i32,
}

/// A number at a moment.
#[derive(Clone, PartialEq, Message)]
pub struct Point {
    /// What it is of.
    #[prost(message, repeated, tag = "7")]
    pub attributes: Vec<Attribute>,
    /// Since when it counts, ns since 1970.
    #[prost(fixed64, tag = "2")]
    pub start_time_unix_nano: u64,
    /// ns since 1970.
    #[prost(fixed64, tag = "3")]
    pub time_unix_nano: u64,
    /// The number. One of two fields in the definition; zero has to be sent as well.
    #[prost(double, optional, tag = "4")]
    pub as_double: Option<f64>,
}

/// A histogram at a moment.
#[derive(Clone, PartialEq, Message)]
pub struct Times {
    /// What it is of.
    #[prost(message, repeated, tag = "9")]
    pub attributes: Vec<Attribute>,
    /// Since when it counts, ns since 1970.
    #[prost(fixed64, tag = "2")]
    pub start_time_unix_nano: u64,
    /// ns since 1970.
    #[prost(fixed64, tag = "3")]
    pub time_unix_nano: u64,
    /// How many there are.
    #[prost(fixed64, tag = "4")]
    pub count: u64,
    /// Their sum in s.
    #[prost(double, optional, tag = "5")]
    pub sum: Option<f64>,
    /// How many are between two bounds; one more than there are bounds.
    #[prost(fixed64, repeated, tag = "6")]
    pub bucket_counts: Vec<u64>,
    /// In s.
    #[prost(double, repeated, tag = "7")]
    pub explicit_bounds: Vec<f64>,
}

/// A name and its value.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Attribute {
    /// The name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// Its value.
    #[prost(message, optional, tag = "2")]
    pub value: Option<Text>,
}

/// `AnyValue`, of which only texts are sent.
#[derive(Clone, PartialEq, Eq, Message)]
pub struct Text {
    /// The text; an empty one has to be sent as well.
    #[prost(string, optional, tag = "1")]
    pub string_value: Option<String>,
}

/// Since when, and until when, ns since 1970.
type Span = (u64, u64);

/// What is pushed for a tick.
pub fn request(tick: &Tick) -> Request {
    let figures = &tick.figures;
    let began = tick.at.checked_sub(figures.elapsed).unwrap_or(tick.at);
    let span = (nanoseconds(began), nanoseconds(tick.at));
    let (mut about, mut metrics) = (vec![attribute("service.name", "stampede")], Vec::new());
    for family in families(figures) {
        match family.kind {
            // Which run it is belongs to the origin.
            Kind::Info => about.extend(family.series.iter().flat_map(|series| attributes(&series.labels))),
            _ => metrics.push(metric(&family, span)),
        }
    }
    let scope = Scope { name: "stampede".to_owned(), version: figures.identity.version.clone() };
    let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics }];
    let resource = Some(Resource { attributes: about });
    Request { resource_metrics: vec![ResourceMetrics { resource, scope_metrics }] }
}

fn metric(family: &Family<'_>, span: Span) -> Metric {
    let points = || {
        let numbers = family.series.iter().filter_map(|series| match series.value {
            Number::Number(value) => Some((&series.labels, value)),
            Number::Times(_) => None,
        });
        let points = numbers.map(|(labels, value)| Point {
            attributes: attributes(labels).collect(),
            start_time_unix_nano: span.0,
            time_unix_nano: span.1,
            as_double: Some(value),
        });
        points.collect()
    };
    let data = match family.kind {
        Kind::Gauge | Kind::Info => Data::Gauge(Gauge { data_points: points() }),
        Kind::Counter => {
            Data::Sum(Sum { data_points: points(), aggregation_temporality: CUMULATIVE, is_monotonic: true })
        }
        Kind::Histogram => {
            let histograms = family.series.iter().filter_map(|series| match series.value {
                Number::Times(buckets) => Some(times(&series.labels, buckets, span)),
                Number::Number(_) => None,
            });
            Data::Histogram(Histogram {
                data_points: histograms.collect(),
                aggregation_temporality: CUMULATIVE,
            })
        }
    };
    Metric { name: family.name.to_owned(), description: family.help.to_owned(), data: Some(data) }
}

fn times(labels: &[Label<'_>], buckets: &Buckets, span: Span) -> Times {
    let ends = buckets.at_most.iter().chain(std::iter::once(&buckets.count));
    let begins = std::iter::once(&0).chain(&buckets.at_most);
    Times {
        attributes: attributes(labels).collect(),
        start_time_unix_nano: span.0,
        time_unix_nano: span.1,
        count: buckets.count,
        sum: Some(buckets.sum_s),
        bucket_counts: ends.zip(begins).map(|(end, begin)| end.saturating_sub(*begin)).collect(),
        explicit_bounds: BOUNDS_US.iter().map(|us| f64::from(*us) / 1e6).collect(),
    }
}

fn attributes(labels: &[Label<'_>]) -> impl Iterator<Item = Attribute> {
    labels.iter().map(|(name, value)| attribute(name, value))
}

fn attribute(name: &str, value: &str) -> Attribute {
    Attribute { key: name.to_owned(), value: Some(Text { string_value: Some(value.to_owned()) }) }
}

fn nanoseconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_nanosecond()).unwrap_or(0)
}
