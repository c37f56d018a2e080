//! Numbers as people read them: times, counts, rates, shares, clocks, sizes. Pure.
//!
//! What stands here directly is for the screen, with thousands grouped by a narrow no-break space. [`plain`] holds the same
//! without grouping, for standard output and files. Neither knows anything about columns; whoever draws pads.

use std::time::Duration;

/// What stands where there is no number.
pub const NONE: &str = "–";

/// U+202F, between groups of three digits.
const NARROW_SPACE: char = '\u{202f}';

/// Milliseconds with as many decimals as the value deserves: `0.142`, `12.4`, `1 280`.
pub fn ms(value: f64) -> String {
    group(&plain::ms(value))
}

/// A count: `52 173`.
pub fn grouped(value: u64) -> String {
    group(&plain::count(value))
}

/// Something per second: `0.00`, `2.10`, `12.4`, `1 284`.
pub fn rate(value: f64) -> String {
    group(&plain::rate(value))
}

/// A share between 0 and 1 in hundredths of a percent: `0.16%`.
pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.2}%", share * 100.0) } else { NONE.to_owned() }
}

/// Failures and their share of the requests: `86 (0.16%)`; without a request the share is 0.
pub fn failures(failures: u64, requests: u64) -> String {
    format!("{} ({})", grouped(failures), percent(share(failures, requests)))
}

/// `part` of `whole` between 0 and 1; 0 of nothing is 0.
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A time of the run: `00:41`, from an hour on `1:02:03`. Fractions of a second are cut off, as on a clock.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours == 0 {
        format!("{minutes:02}:{seconds:02}")
    } else {
        format!("{hours}:{minutes:02}:{seconds:02}")
    }
}

/// How long something has been going on, finer where it is short: `0.4 s`, `12 s`, `3 min`, `2 h`.
pub fn fine_span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..10 => format!("{seconds}.{} s", time.subsec_millis() / 100),
        _ => span(time),
    }
}

/// How long something has been going on: `4 s`, `12 s`, `3 min`, `2 h`.
pub fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

/// A size in memory, in powers of 1024: `512 B`, `38 M`, `1.2 G`.
pub fn bytes(size: u64) -> String {
    let mut value = size as f64;
    let mut unit = 'B';
    for larger in ['K', 'M', 'G', 'T', 'P', 'E'] {
        if value < 999.5 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if unit != 'B' && value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// A size per second: `0 B/s`, `1.2 M/s`.
pub fn bytes_per_s(rate: f64) -> String {
    if !rate.is_finite() {
        return NONE.to_owned();
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a conversion that saturates, of what is not below zero"
    )]
    let size = rate.max(0.0).round() as u64;
    format!("{}/s", bytes(size))
}

/// Puts a narrow space between the thousands of the number at the front of `digits`.
fn group(digits: &str) -> String {
    let whole = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let mut text = String::with_capacity(digits.len() + whole);
    for (at, digit) in digits.char_indices() {
        if at > 0 && at < whole && (whole - at) % 3 == 0 {
            text.push(NARROW_SPACE);
        }
        text.push(digit);
    }
    text
}

/// The same numbers without grouping.
pub mod plain {
    use super::NONE;

    /// Milliseconds with three significant digits below 1000, whole above, never finer than a microsecond.
    pub fn ms(value: f64) -> String {
        if !value.is_finite() {
            return NONE.to_owned();
        }
        // The limits are where rounding would bring a fourth digit: 9.996 is 10.0, not 10.00.
        let decimals = match value.abs() {
            size if size < 0.0005 => 0,
            size if size < 0.9995 => 3,
            size if size < 9.995 => 2,
            size if size < 99.95 => 1,
            _ => 0,
        };
        format!("{:.decimals$}", value.max(0.0))
    }

    /// A count.
    pub fn count(value: u64) -> String {
        value.to_string()
    }

    /// Something per second: two decimals below 10, one below 100, whole above.
    pub fn rate(value: f64) -> String {
        if !value.is_finite() {
            return NONE.to_owned();
        }
        let decimals = match value.abs() {
            size if size < 9.995 => 2,
            size if size < 99.95 => 1,
            _ => 0,
        };
        format!("{:.decimals$}", value.max(0.0))
    }

    /// Failures and their share of the requests: `86 (0.16%)`.
    pub fn failures(failures: u64, requests: u64) -> String {
        format!("{failures} ({})", super::percent(super::share(failures, requests)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_keep_three_digits_below_a_thousand() {
        for (value, text) in [
            (0.0, "0"),
            (0.0004, "0"),
            (0.001, "0.001"),
            (0.142, "0.142"),
            (0.9996, "1.00"),
            (3.2, "3.20"),
            (9.996, "10.0"),
            (12.44, "12.4"),
            (99.97, "100"),
            (131.2, "131"),
            (999.6, "1000"),
            (1280.4, "1280"),
            (f64::NAN, "–"),
            (f64::INFINITY, "–"),
        ] {
            assert_eq!(plain::ms(value), text, "{value}");
        }
        assert_eq!(ms(1280.0), "1\u{202f}280");
        assert_eq!(ms(12.44), "12.4");
    }

    #[test]
    fn counts_are_grouped_by_threes_from_the_right() {
        for (value, text) in
            [(0, "0"), (999, "999"), (1000, "1_000"), (52_173, "52_173"), (1_000_000, "1_000_000")]
        {
            assert_eq!(grouped(value), text.replace('_', "\u{202f}"));
        }
        assert_eq!(grouped(u64::MAX), "18_446_744_073_709_551_615".replace('_', "\u{202f}"));
    }

    #[test]
    fn rates_lose_decimals_as_they_grow() {
        for (value, text) in
            [(0.0, "0.00"), (2.1, "2.10"), (9.996, "10.0"), (12.34, "12.3"), (99.97, "100"), (1284.4, "1284")]
        {
            assert_eq!(plain::rate(value), text);
        }
        assert_eq!(rate(1284.0), "1\u{202f}284");
        assert_eq!(rate(f64::NAN), "–");
    }

    #[test]
    fn shares_have_two_decimals_and_nothing_of_nothing_is_nothing() {
        assert_eq!(failures(86, 52_173), "86 (0.16%)");
        assert_eq!(plain::failures(1200, 1200), "1200 (100.00%)");
        assert_eq!(plain::failures(0, 0), "0 (0.00%)");
        assert_eq!(percent(f64::NAN), "–");
    }

    #[test]
    fn clocks_get_hours_when_there_are_some() {
        for (seconds, text) in
            [(0, "00:00"), (41, "00:41"), (3599, "59:59"), (3723, "1:02:03"), (360_000, "100:00:00")]
        {
            assert_eq!(clock(Duration::from_secs(seconds)), text);
        }
        assert_eq!(clock(Duration::from_millis(59_999)), "00:59");
    }

    #[test]
    fn spans_grow_coarser() {
        for (millis, text) in
            [(0, "0.0 s"), (440, "0.4 s"), (12_999, "12 s"), (125_000, "2 min"), (7_200_000, "2 h")]
        {
            assert_eq!(fine_span(Duration::from_millis(millis)), text);
        }
        assert_eq!(span(Duration::from_millis(2_900)), "2 s");
    }

    #[test]
    fn sizes_have_two_digits_at_least() {
        for (size, text) in [
            (0, "0 B"),
            (512, "512 B"),
            (1000, "1.0 K"),
            (39_845_888, "38 M"),
            (1_288_490_188, "1.2 G"),
            (u64::MAX, "16 E"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }
}
