//! Metrics as Prometheus knows them: families of series with labels. What the text of a scrape and a remote write are both
//! made from, so that they cannot differ.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::figures::{BOUNDS_US, Buckets, Identity};

/// A label's name and value.
pub type Label<'a> = (Cow<'a, str>, Cow<'a, str>);

/// What kind of metric it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Its labels are what it says.
    Info,
    /// How many took at most how long.
    Histogram,
}

/// All series of one name.
#[derive(Debug, Clone, PartialEq)]
pub struct Family<'a> {
    /// Without the ending that its kind adds.
    pub name: &'static str,
    /// What it is, in a sentence.
    pub help: &'static str,
    /// What kind.
    pub kind: Kind,
    /// Each set of labels is there once.
    pub series: Vec<Series<'a>>,
}

/// One series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series<'a> {
    /// Names are of letters, digits and `_`; values are any text.
    pub labels: Vec<Label<'a>>,
    /// Its newest value.
    pub value: Value<'a>,
}

/// A series' value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// Of anything but a histogram.
    Number(f64),
    /// Of a histogram.
    Times(&'a Buckets),
}

/// One number, as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'a> {
    /// The family's name with its ending.
    pub name: Cow<'static, str>,
    /// Those of the series.
    pub labels: &'a [Label<'a>],
    /// The bound, of a bucket.
    pub le: Option<&'a str>,
    /// The number.
    pub value: f64,
}

/// The bounds of the buckets in seconds, as they are written.
pub fn bounds() -> impl Iterator<Item = String> {
    BOUNDS_US.iter().map(|us| (f64::from(*us) / 1e6).to_string()).chain(std::iter::once("+Inf".to_owned()))
}

impl Family<'_> {
    /// Gives each number of the family to `take`. `bounds`: those of [`bounds`].
    pub fn samples(&self, bounds: &[String], mut take: impl FnMut(Sample<'_>)) {
        for Series { labels, value } in &self.series {
            let mut one = |ending: &str, le, value| {
                let name = if ending.is_empty() {
                    Cow::Borrowed(self.name)
                } else {
                    Cow::Owned(format!("{}{ending}", self.name))
                };
                take(Sample { name, labels, le, value });
            };
            match (value, self.kind) {
                (Value::Number(value), Kind::Counter) => one("_total", None, *value),
                (Value::Number(value), Kind::Info) => one("_info", None, *value),
                (Value::Number(value), _) => one("", None, *value),
                (Value::Times(buckets), _) => {
                    let counts = buckets.at_most.iter().chain(std::iter::once(&buckets.count));
                    for (le, count) in bounds.iter().zip(counts) {
                        one("_bucket", Some(le.as_str()), *count as f64);
                    }
                    one("_sum", None, buckets.sum_s);
                    one("_count", None, buckets.count as f64);
                }
            }
        }
    }
}

/// The user's labels under names that are set apart from those of Stampede. What may not stand in a name becomes `_`; of two that
/// become the same, the first stays.
pub fn given(identity: &Identity) -> BTreeMap<String, &str> {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let mut given = BTreeMap::new();
    for (name, value) in &identity.labels {
        let name = format!("label_{}", name.chars().map(plain).collect::<String>());
        given.entry(name).or_insert(value.as_str());
    }
    given
}
