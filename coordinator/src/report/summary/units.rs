//! Numbers as the other tools write them.

/// As Go writes a `time.Duration`, after vegeta has rounded it to the unit below its largest.
pub(super) fn go_duration(ms: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "no run is as long as 2^64 ns"
    )]
    let ns = (ms.max(0.0) * 1e6).round() as u64;
    let unit = match ns {
        3_600_000_000_000.. => 60_000_000_000,
        60_000_000_000.. => 1_000_000_000,
        1_000_000_000.. => 1_000_000,
        1_000_000.. => 1_000,
        _ => 1,
    };
    let ns = ns.saturating_add(unit / 2) / unit * unit;
    let decimals = |value: f64| format!("{value:.9}").trim_end_matches('0').trim_end_matches('.').to_owned();
    match ns {
        0 => "0s".to_owned(),
        1..1_000 => format!("{ns}ns"),
        1_000..1_000_000 => format!("{}µs", decimals(ns as f64 / 1e3)),
        1_000_000..1_000_000_000 => format!("{}ms", decimals(ns as f64 / 1e6)),
        _ => {
            let (hours, minutes) = (ns / 3_600_000_000_000, ns / 60_000_000_000 % 60);
            let seconds = decimals((ns % 60_000_000_000) as f64 / 1e9);
            match (hours, minutes) {
                (0, 0) => format!("{seconds}s"),
                (0, _) => format!("{minutes}m{seconds}s"),
                _ => format!("{hours}h{minutes}m{seconds}s"),
            }
        }
    }
}

/// wrk's units: the next one from 85 % of its size on, two decimals.
fn wrk_units(value: f64, scale: f64, base: &str, units: &[&str]) -> String {
    let (mut value, mut unit) = (value, base);
    for next in units {
        if value < scale * 0.85 {
            break;
        }
        (value, unit) = (value / scale, next);
    }
    format!("{value:.2}{unit}")
}

/// A time as wrk writes it.
pub(super) fn wrk_time(ms: f64) -> String {
    let us = ms * 1e3;
    if us >= 1e6 { wrk_units(us / 1e6, 60.0, "s", &["m"]) } else { wrk_units(us, 1000.0, "us", &["ms"]) }
}

/// A rate as wrk writes it.
pub(super) fn wrk_metric(value: f64) -> String {
    wrk_units(value, 1000.0, "", &["k", "M", "G", "T"])
}

/// Bytes as wrk writes them, without the `B`.
pub(super) fn wrk_binary(bytes: f64) -> String {
    wrk_units(bytes, 1024.0, "", &["K", "M", "G", "T"])
}

/// Bytes as autocannon writes them: decimal units, three significant digits.
pub(super) fn pretty_bytes(bytes: f64) -> String {
    let mut value = bytes;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB", "PB"] {
        if value < 1000.0 {
            break;
        }
        (value, unit) = (value / 1000.0, next);
    }
    format!("{} {unit}", significant(value, 3))
}

/// So many significant digits, no zeros behind the last of them, none cut off before the point.
fn significant(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let rounded: f64 = format!("{value:.*e}", digits - 1).parse().unwrap_or(value);
    format!("{rounded}")
}

/// With commas between thousands and at most this many decimals, zeros at the end left out.
pub(super) fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{grouped}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_go_does() {
        let cases = [
            (0.0, "0s"),
            (0.000_123, "123ns"),
            (0.001_5, "1.5µs"),
            (1.234_567, "1.235ms"),
            (12.0, "12ms"),
            (9_998.123_4, "9.998s"),
            (10_000.0, "10s"),
            (61_234.0, "1m1s"),
            (3_725_400.0, "1h2m0s"),
        ];
        for (ms, expected) in cases {
            assert_eq!(go_duration(ms), expected, "{ms} ms");
        }
    }

    #[test]
    fn units_are_those_of_the_tools() {
        assert_eq!(
            [0.635_91, 0.89, 12.92, 1_234.0, 60_000.0].map(wrk_time),
            ["635.91us", "0.89ms", "12.92ms", "1.23s", "1.00m"]
        );
        assert_eq!([56_200.0, 849.0, 850.0].map(wrk_metric), ["56.20k", "849.00", "0.85k"]);
        assert_eq!([606.33 * 1024.0 * 1024.0, 12.0].map(wrk_binary), ["606.33M", "12.00"]);
        assert_eq!(
            [0.0, 999.0, 1000.0, 1337.0, 2_294_000.0, 27_900_000.0].map(pretty_bytes),
            ["0 B", "999 B", "1 kB", "1.34 kB", "2.29 MB", "27.9 MB"]
        );
        assert_eq!(
            [25_131.2, 999.0, 1_000_000.126].map(|n| grouped(n, 2)),
            ["25,131.2", "999", "1,000,000.13"]
        );
    }
}
