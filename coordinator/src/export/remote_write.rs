//! Figures as a remote write of Prometheus, version 1: the protobuf message by hand, in the block format of snappy.
//!
//! Only what is sent is declared. Series are those of a scrape; `job` and `instance`, which a scraper adds there, are added here.

use prost::Message;

use super::catalogue::families;
use super::feed::Tick;
use super::series::bounds;

/// Everything of one push.
#[derive(Clone, PartialEq, Message)]
pub struct WriteRequest {
    /// One for each number.
    #[prost(message, repeated, tag = "1")]
    pub timeseries: Vec<TimeSeries>,
}

/// A series and its newest number.
#[derive(Clone, PartialEq, Message)]
pub struct TimeSeries {
    /// In order of their names, `__name__` among them.
    #[prost(message, repeated, tag = "1")]
    pub labels: Vec<Label>,
    /// One.
    #[prost(message, repeated, tag = "2")]
    pub samples: Vec<Sample>,
}

/// A label.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Message)]
pub struct Label {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Its value; never empty.
    #[prost(string, tag = "2")]
    pub value: String,
}

/// A number at a moment.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Sample {
    /// The number.
    #[prost(double, tag = "1")]
    pub value: f64,
    /// Milliseconds since 1970.
    #[prost(int64, tag = "2")]
    pub timestamp: i64,
}

/// What is written for a tick.
pub fn request(tick: &Tick) -> WriteRequest {
    let timestamp = tick.at.as_millisecond();
    let bounds: Vec<_> = bounds().collect();
    let mut timeseries = Vec::new();
    for family in families(&tick.figures) {
        family.samples(&bounds, |sample| {
            let own = [
                ("__name__", &*sample.name),
                ("job", "stampede"),
                // Two runs at a time are two instances, wherever they run.
                ("instance", &tick.figures.identity.run),
            ];
            let le = sample.le.map(|le| ("le", le));
            let given = sample.labels.iter().map(|(name, value)| (&**name, &**value));
            let all = own.into_iter().chain(given).chain(le).filter(|(_, value)| !value.is_empty());
            let mut labels: Vec<_> =
                all.map(|(name, value)| Label { name: name.to_owned(), value: value.to_owned() }).collect();
            labels.sort_unstable();
            timeseries.push(TimeSeries { labels, samples: vec![Sample { value: sample.value, timestamp }] });
        });
    }
    WriteRequest { timeseries }
}

/// As it goes over the wire.
pub fn encode(request: &WriteRequest) -> Result<Vec<u8>, snap::Error> {
    snap::raw::Encoder::new().compress_vec(&request.encode_to_vec())
}
