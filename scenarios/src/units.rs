//! Durations, rates and weights as people write them, read exactly.
//!
//! The same spellings hold in the scenario and on the command line. An error says what was written and shows the right
//! spelling; where it stands is for the caller to add.

use std::time::Duration;

use thiserror::Error;

use crate::rate::Rate;

/// Ten years, beyond any test: keeps sums of durations far from overflow.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 86_400);
/// Units of durations with their nanoseconds.
const TIME_UNITS: [(&str, u64); 4] =
    [("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000)];

/// Units of sizes, in lower case, with their bytes.
const SIZE_UNITS: [(&str, u64); 7] = [
    ("b", 1),
    ("kb", 1_000),
    ("mb", 1_000_000),
    ("gb", 1_000_000_000),
    ("kib", 1 << 10),
    ("mib", 1 << 20),
    ("gib", 1 << 30),
];

/// Why a text is not a duration, a rate or a weight.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum UnitError {
    /// A bare number where the unit decides.
    #[error("a duration needs a unit: `{0}s`, `{0}ms`")]
    NoUnit(String),
    /// Not a duration at all.
    #[error("`{0}` is not a duration; write `500ms`, `10s`, `1m` or `1h30m`")]
    Duration(String),
    /// Less than nothing.
    #[error("a duration cannot be negative")]
    NegativeDuration,
    /// More than ten years.
    #[error("`{0}` is longer than ten years")]
    TooLong(String),
    /// Not a rate.
    #[error("`{0}` is not a rate; write `50/s`, `300/m` or a plain number per second")]
    Rate(String),
    /// A rate of zero or less.
    #[error("a rate must be greater than 0")]
    RateNotPositive,
    /// Not a weight.
    #[error("`{0}` is not a weight; write a number such as `3` or `0.5`")]
    Weight(String),
    /// A weight below zero.
    #[error("a weight cannot be negative; `0` means never")]
    NegativeWeight,
    /// Digits beyond what is kept exactly.
    #[error("`{0}` has more digits than can be kept exactly")]
    TooManyDigits(String),
    /// A bare number where the unit decides.
    #[error("a size needs a unit: `{0}B`, `{0}kB`, `{0}MB`")]
    NoSizeUnit(String),
    /// Not a size.
    #[error("`{0}` is not a size; write `500B`, `10kB`, `1MB` or `1MiB`")]
    Size(String),
}

/// A number in decimal digits, kept exactly: `digits / 10^scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    digits: u64,
    scale: u32,
}

impl Decimal {
    /// Zero or more, such as `3`, `0.25` or `.5`; `None` for anything else and beyond 18 digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if (whole.is_empty() && fraction.is_empty()) || whole.len() + fraction.len() > 40 {
            return None;
        }
        let fraction = fraction.trim_end_matches('0');
        let digits = format!("{whole}{fraction}");
        if !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let significant = digits.trim_start_matches('0');
        let scale = u32::try_from(fraction.len()).ok()?;
        if significant.len() > 18 || scale > 18 {
            return None;
        }
        Some(Self { digits: significant.parse().unwrap_or(0), scale })
    }

    /// Whether it is nothing.
    pub fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// Nearest fraction, for shares and tables of probabilities.
    pub fn as_f64(self) -> f64 {
        self.digits as f64 / 10f64.powi(self.scale.cast_signed())
    }

    /// The value times `factor`, rounded down; `None` on overflow.
    fn times(self, factor: u64) -> Option<u64> {
        let product = u128::from(self.digits) * u128::from(factor);
        u64::try_from(product / 10u128.pow(self.scale)).ok()
    }
}

/// Reads a duration: `500ms`, `0.2s`, `10s`, `1m`, `1h30m`, `0`.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let written = text.trim();
    let bad = || UnitError::Duration(written.to_owned());
    if written.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        return Err(UnitError::NegativeDuration);
    }
    if let Some(number) = Decimal::parse(written) {
        return if number.is_zero() {
            Ok(Duration::ZERO)
        } else {
            Err(UnitError::NoUnit(written.to_owned()))
        };
    }
    let mut rest = written;
    let mut total = Duration::ZERO;
    let mut smaller_than = u64::MAX;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(bad)?;
        let (digits, tail) = rest.split_at(number);
        let tail = tail.trim_start();
        let unit = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let factor = TIME_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?.1;
        // Largest unit first, each once: `30m1h` is a slip more often than a wish.
        if factor >= smaller_than {
            return Err(bad());
        }
        smaller_than = factor;
        let nanos = Decimal::parse(digits).ok_or_else(bad)?.times(factor);
        let nanos = nanos.ok_or_else(|| UnitError::TooLong(written.to_owned()))?;
        total = total.saturating_add(Duration::from_nanos(nanos));
        rest = tail.trim_start();
    }
    if written.is_empty() {
        return Err(bad());
    }
    if total > LONGEST { Err(UnitError::TooLong(written.to_owned())) } else { Ok(total) }
}

/// Reads a size in bytes: `500B`, `1.5kB`, `1MB`, `1MiB`, `0`. Upper and lower case are the same.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let written = text.trim();
    let bad = || UnitError::Size(written.to_owned());
    if let Some(number) = Decimal::parse(written) {
        return if number.is_zero() { Ok(0) } else { Err(UnitError::NoSizeUnit(written.to_owned())) };
    }
    let unit = written.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(bad)?;
    let (digits, unit) = written.split_at(unit);
    let unit = unit.trim_start().to_ascii_lowercase();
    let factor = SIZE_UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?.1;
    Decimal::parse(digits).and_then(|number| number.times(factor)).ok_or_else(bad)
}

/// Reads a rate: `50/s`, `300/m`, `0.5`; without a unit it is per second.
pub fn parse_rate(text: &str) -> Result<Rate, UnitError> {
    let written = text.trim();
    let bad = || UnitError::Rate(written.to_owned());
    if written.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        return Err(UnitError::RateNotPositive);
    }
    let (number, unit) = written.split_once('/').unwrap_or((written, "s"));
    let seconds = match unit.trim() {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => return Err(bad()),
    };
    let number = Decimal::parse(number.trim()).ok_or_else(bad)?;
    if number.is_zero() {
        return Err(UnitError::RateNotPositive);
    }
    let den = 10u64.checked_pow(number.scale).and_then(|scale| scale.checked_mul(seconds)).ok_or_else(bad)?;
    let by = gcd(number.digits, den);
    Rate::new(number.digits / by, den / by).ok_or_else(bad)
}

/// Reads a weight: zero or any positive number, `20`, `0.2`.
pub fn parse_weight(text: &str) -> Result<Decimal, UnitError> {
    let written = text.trim();
    if let Some(weight) = Decimal::parse(written) {
        return Ok(weight);
    }
    let digits = written.strip_prefix('-').unwrap_or(written);
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    Err(match (is_number, digits.len() < written.len()) {
        (true, true) => UnitError::NegativeWeight,
        (true, false) => UnitError::TooManyDigits(written.to_owned()),
        _ => UnitError::Weight(written.to_owned()),
    })
}

/// Whole numbers in exactly the same proportion, as small as they can be: 0.2 and 0.8 become 1 and 4.
///
/// `None` if no such numbers fit into 32 bits each, which what reckons with them later needs.
pub fn reduce_weights(weights: &[Decimal]) -> Option<Vec<u64>> {
    let scale = weights.iter().map(|weight| weight.scale).max().unwrap_or(0);
    let whole: Vec<u128> =
        weights.iter().map(|weight| u128::from(weight.digits) * 10u128.pow(scale - weight.scale)).collect();
    let by = whole.iter().fold(0u128, |a, b| gcd128(a, *b)).max(1);
    whole.iter().map(|weight| u32::try_from(weight / by).ok().map(u64::from)).collect()
}

fn gcd(a: u64, b: u64) -> u64 {
    u64::try_from(gcd128(u128::from(a), u128::from(b))).unwrap_or(1).max(1)
}

fn gcd128(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// A duration as it would be written: `1h30m`, `2s`, `500ms`, `1.5s`, `0s`.
pub fn show_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    if nanos < 1_000_000_000 {
        // In whole numbers: a fraction is to have no digits that it was not given.
        let text = format!("{}.{:06}", nanos / 1_000_000, nanos % 1_000_000);
        return format!("{}ms", text.trim_end_matches('0').trim_end_matches('.'));
    }
    let (hours, minutes) = (duration.as_secs() / 3_600, duration.as_secs() / 60 % 60);
    let seconds = Duration::new(duration.as_secs() % 60, duration.subsec_nanos());
    let mut out = String::new();
    for (number, unit) in [(hours, 'h'), (minutes, 'm')] {
        if number > 0 {
            out.push_str(&number.to_string());
            out.push(unit);
        }
    }
    if !seconds.is_zero() {
        out.push_str(&seconds.as_secs_f64().to_string());
        out.push('s');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read_exactly() {
        for (text, millis) in [
            ("0", 0),
            ("0s", 0),
            ("0.0", 0),
            ("500ms", 500),
            ("0.2s", 200),
            (".5s", 500),
            ("10s", 10_000),
            (" 10 s ", 10_000),
            ("1m", 60_000),
            ("1h30m", 5_400_000),
            ("1h 30m 2.5s", 5_402_500),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_how_to_write_one() {
        for (text, message) in [
            ("5", "a duration needs a unit: `5s`, `5ms`"),
            ("-5s", "a duration cannot be negative"),
            ("5 parsecs", "`5 parsecs` is not a duration; write `500ms`, `10s`, `1m` or `1h30m`"),
            ("1m30", "`1m30` is not a duration; write `500ms`, `10s`, `1m` or `1h30m`"),
            ("30m1h", "`30m1h` is not a duration; write `500ms`, `10s`, `1m` or `1h30m`"),
            ("", "`` is not a duration; write `500ms`, `10s`, `1m` or `1h30m`"),
            ("1000000h", "`1000000h` is longer than ten years"),
            ("99999999999999h", "`99999999999999h` is longer than ten years"),
        ] {
            assert_eq!(
                parse_duration(text).map_err(|error| error.to_string()),
                Err(message.to_owned()),
                "{text}"
            );
        }
    }

    #[test]
    fn sizes_are_read_exactly() {
        for (text, bytes) in [
            ("0", 0),
            ("500B", 500),
            ("1.5kB", 1_500),
            ("1 mb", 1_000_000),
            ("2MiB", 2 << 20),
            ("64KiB", 65_536),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        assert_eq!(parse_size("5"), Err(UnitError::NoSizeUnit("5".to_owned())));
        for text in ["", "-1MB", "1 parsec", "MB", "1.2.3MB", "99999999999999999GB", "5M"] {
            assert_eq!(parse_size(text), Err(UnitError::Size(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn rates_are_read_exactly() {
        for (text, num, den) in [
            ("50/s", 50, 1),
            ("300/m", 5, 1),
            ("1/m", 1, 60),
            ("10", 10, 1),
            ("0.5", 1, 2),
            ("7200/h", 2, 1),
            ("0.1 / s", 1, 10),
        ] {
            assert_eq!(parse_rate(text).ok(), Rate::new(num, den), "{text}");
        }
        for text in ["0", "0/s", "-1/s"] {
            assert_eq!(parse_rate(text), Err(UnitError::RateNotPositive), "{text}");
        }
        for text in ["", "fast", "5/fortnight", "/s", "1/2"] {
            assert_eq!(parse_rate(text), Err(UnitError::Rate(text.to_owned())), "{text}");
        }
    }

    #[test]
    fn weights_are_reduced_exactly() {
        for (texts, whole) in [
            (vec!["0.2", "0.8"], Some(vec![1, 4])),
            (vec!["20", "25"], Some(vec![4, 5])),
            (vec!["0", "3"], Some(vec![0, 1])),
            (vec!["0", "0.0"], Some(vec![0, 0])),
            (vec!["0.1", "0.25", "1"], Some(vec![2, 5, 20])),
            (vec!["0.000000000001", "1"], None),
            (vec![], Some(vec![])),
        ] {
            let weights: Vec<Decimal> =
                texts.iter().map(|text| parse_weight(text).expect("a weight")).collect();
            assert_eq!(reduce_weights(&weights), whole, "{texts:?}");
        }
        assert_eq!(parse_weight("-1"), Err(UnitError::NegativeWeight));
        assert_eq!(parse_weight("heavy"), Err(UnitError::Weight("heavy".to_owned())));
        assert_eq!(
            parse_weight("0.1234567890123456789"),
            Err(UnitError::TooManyDigits("0.1234567890123456789".to_owned()))
        );
    }

    #[test]
    fn durations_are_shown_as_they_are_written() {
        for text in ["0s", "500ms", "1.5s", "10s", "1m", "1h30m", "1h2m3.25s"] {
            assert_eq!(show_duration(parse_duration(text).expect("a duration")), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(nanos in 0..10_000_000_000_000_u64) {
            // To the microsecond: fractions of a second are shown as such, and binary ones are not decimal ones.
            let duration = Duration::from_micros(nanos / 1_000);
            let back = parse_duration(&show_duration(duration)).expect("a duration");
            prop_assert!(duration.abs_diff(back) < Duration::from_micros(1), "{duration:?} {back:?}");
        }

        #[test]
        fn any_text_is_answered(text in ".{0,20}") {
            let _ = (parse_duration(&text), parse_rate(&text), parse_weight(&text), parse_size(&text));
        }
    }
}
