//! Families as the text of a scrape: the format that Prometheus calls 0.0.4, or OpenMetrics 1.0.
//!
//! They differ in what a family is called where its kind adds an ending, and in how the text ends. Values of labels are text
//! from outside, and are escaped in one place.

use std::fmt::Write;

use super::series::{Family, Kind, Sample, bounds};

/// Which text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// 0.0.4.
    Prometheus,
    /// 1.0.0.
    OpenMetrics,
}

impl Format {
    /// What a client that sent this `Accept` header wants: OpenMetrics if it names that, and does not refuse it.
    pub fn accepted(accept: &str) -> Self {
        let quality = |range: &str| {
            let given = range.split(';').find_map(|part| part.trim().strip_prefix("q="));
            given.map_or(Some(1.0), |q| q.trim().parse::<f64>().ok()).unwrap_or(0.0)
        };
        let of = |names: &[&str]| {
            let ranges = accept.split(',').map(str::trim);
            let named = ranges.filter(|range| {
                let name = range.split(';').next().unwrap_or_default().trim();
                names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted))
            });
            named.map(quality).fold(0.0, f64::max)
        };
        let open = of(&["application/openmetrics-text"]);
        if open > 0.0 && open >= of(&["text/plain"]) { Self::OpenMetrics } else { Self::Prometheus }
    }

    /// The text's content type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The text.
pub fn render(families: &[Family<'_>], format: Format) -> String {
    let bounds: Vec<_> = bounds().collect();
    let mut text = String::new();
    for family in families {
        head(&mut text, family, format);
        family.samples(&bounds, |sample| line(&mut text, &sample));
    }
    if format == Format::OpenMetrics {
        text.push_str("# EOF\n");
    }
    text
}

fn head(text: &mut String, family: &Family<'_>, format: Format) {
    let (kind, ending) = match (family.kind, format) {
        (Kind::Counter, Format::Prometheus) => ("counter", "_total"),
        (Kind::Counter, Format::OpenMetrics) => ("counter", ""),
        (Kind::Gauge, _) => ("gauge", ""),
        (Kind::Histogram, _) => ("histogram", ""),
        (Kind::Info, Format::Prometheus) => ("gauge", "_info"),
        (Kind::Info, Format::OpenMetrics) => ("info", ""),
    };
    let name = family.name;
    // Help is of this program's own words, which need no escaping.
    let _ = write!(text, "# HELP {name}{ending} {}\n# TYPE {name}{ending} {kind}\n", family.help);
}

fn line(text: &mut String, sample: &Sample<'_>) {
    text.push_str(&sample.name);
    let mut opened = '{';
    let le = sample.le.map(|le| ("le", le));
    for (name, value) in sample.labels.iter().map(|(name, value)| (&**name, &**value)).chain(le) {
        text.push(opened);
        text.push_str(name);
        text.push_str("=\"");
        escape(text, value);
        text.push('"');
        opened = ',';
    }
    if opened == ',' {
        text.push('}');
    }
    let _ = writeln!(text, " {}", sample.value);
}

/// A label's value between its quotes.
fn escape(text: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '"' => text.push_str("\\\""),
            '\n' => text.push_str("\\n"),
            c => text.push(c),
        }
    }
}
