//! `ApacheBench` 2.4: what `ab` prints at the end. Formulas and layout from `output_results` in its `ab.c`.

mod connect;

use self::connect::connect_row;
use super::super::text::{Place, safe};
use super::figures::{Figures, Recorded};
use super::{ratio, shown};

/// Which percentiles.
const SERVED: [u64; 9] = [50, 66, 75, 80, 90, 95, 98, 99, 100];

/// A line of the table of times, in ms.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Row {
    min: Option<f64>,
    mean: Option<f64>,
    stdev: Option<f64>,
    median: Option<f64>,
    max: Option<f64>,
}

/// The lines, and the notes on them.
pub(super) fn summary(figures: &Figures<'_>) -> (String, Vec<String>) {
    let mut lines = head(figures);
    lines.extend(counts(figures));
    lines.extend(rates(figures));
    if figures.answered > 0 {
        lines.extend(times(figures));
    }
    (lines.join("\n") + "\n", notes(figures))
}

/// `name:` and a value, one beside the other.
fn line(name: &str, value: impl std::fmt::Display) -> String {
    format!("{:<24}{value}", format!("{name}:"))
}

fn head(figures: &Figures<'_>) -> Vec<String> {
    let (host, port) = authority(&figures.report.run.target);
    let one = figures.only_endpoint();
    let path = one.map_or_else(|| "n/a (several)".to_owned(), |one| safe(&one.name, Place::Line));
    let length = match figures.report.totals.bytes_in.checked_div(figures.answered) {
        Some(each) if one.is_some() && each * figures.answered == figures.report.totals.bytes_in => {
            format!("{each} bytes")
        }
        _ => "Variable".to_owned(),
    };
    vec![
        line("Server Software", "n/a"),
        line("Server Hostname", safe(&host, Place::Line)),
        line("Server Port", port),
        String::new(),
        line("Document Path", path),
        line("Document Length", length),
        String::new(),
    ]
}

/// Host and port of a base URL.
fn authority(target: &str) -> (String, String) {
    let (scheme, rest) = target.split_once("://").unwrap_or(("http", target));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, authority)| authority);
    let default = if scheme == "https" { "443" } else { "80" };
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (host.to_owned(), port.to_owned())
        }
        _ => (authority.to_owned(), default.to_owned()),
    }
}

fn counts(figures: &Figures<'_>) -> Vec<String> {
    let report = figures.report;
    let mut lines = vec![
        line("Concurrency Level", report.run.users_peak),
        line("Time taken for tests", format!("{:.3} seconds", figures.elapsed_s)),
        line("Complete requests", figures.answered),
        line("Failed requests", figures.unanswered),
    ];
    if figures.unanswered > 0 {
        let connect = ["dns", "connect", "tls"];
        let errors = report.errors.iter().filter(|error| error.row == "request");
        let connect = errors.filter(|error| connect.contains(&error.kind.as_str())).map(|error| error.count);
        let connect = connect.sum::<u64>().min(figures.unanswered);
        let receive = figures.unanswered - connect;
        lines.push(format!("   (Connect: {connect}, Receive: {receive}, Length: n/a, Exceptions: 0)"));
    }
    let others = figures.with_status(|code| !(200..300).contains(&code));
    if others > 0 {
        lines.push(line("Non-2xx responses", others));
    }
    let reused = report.accounting.sent.saturating_sub(figures.connections());
    if reused > 0 {
        lines.push(line("Keep-Alive requests", reused));
    }
    lines.push(line("Total transferred", shown(figures.wire_bytes_in(), |bytes| format!("{bytes} bytes"))));
    if report.totals.bytes_out > 0 {
        lines.push(line("Total body sent", "n/a"));
    }
    lines.push(line("HTML transferred", format!("{} bytes", report.totals.bytes_in)));
    lines
}

fn rates(figures: &Figures<'_>) -> Vec<String> {
    let (done, taken) = (figures.answered as f64, figures.elapsed_s);
    if done == 0.0 || taken == 0.0 {
        return Vec::new();
    }
    let received = figures.wire_bytes_in().map(|bytes| ratio(bytes as f64 / 1024.0, taken));
    vec![
        line("Requests per second", format!("{:.2} [#/sec] (mean)", done / taken)),
        line("Time per request", format!("{:.3} [ms] (mean)", per_request(figures))),
        line(
            "Time per request",
            format!("{:.3} [ms] (mean, across all concurrent requests)", taken * 1e3 / done),
        ),
        line(
            "Transfer rate",
            format!("{} [Kbytes/sec] received", shown(received, |rate| format!("{rate:.2}"))),
        ),
    ]
}

/// ab's arithmetic: no request is timed for it.
fn per_request(figures: &Figures<'_>) -> f64 {
    f64::from(figures.report.run.users_peak) * figures.elapsed_s * 1e3 / figures.answered as f64
}

fn times(figures: &Figures<'_>) -> Vec<String> {
    let rows = [
        ("Connect", "the initial connection time", connect_row(figures)),
        ("Processing", "the processing time", row(&figures.service)),
        ("Waiting", "the waiting time", row(&figures.ttfb)),
        ("Total", "the total time", row(&figures.all)),
    ];
    let mut lines = vec![String::new(), "Connection Times (ms)".to_owned()];
    lines.push("              min  mean[+/-sd] median   max".to_owned());
    lines.extend(rows.iter().map(|(name, _, row)| {
        let whole = |value: Option<f64>| shown(value, |ms| rounded(ms).to_string());
        let stdev = shown(row.stdev, |ms| format!("{ms:.1}"));
        let (min, mean, median, max) = (whole(row.min), whole(row.mean), whole(row.median), whole(row.max));
        format!("{:<12}{min:>5} {mean:>4} {stdev:>5} {median:>6} {max:>7}", format!("{name}:"))
    }));
    lines.extend(rows.iter().filter_map(|(_, what, row)| warning(what, row)));
    if figures.all.count() > 1 {
        lines.push(String::new());
        lines.push("Percentage of the requests served within a certain time (ms)".to_owned());
        lines.extend(SERVED.map(|percent| served(&figures.all, percent)));
    }
    lines
}

fn row(times: &Recorded) -> Row {
    Row {
        min: times.min(),
        mean: times.mean(),
        stdev: times.stdev(),
        median: median(times),
        max: times.max(),
    }
}

/// Of an even number the mean of the two in the middle.
fn median(times: &Recorded) -> Option<f64> {
    let count = times.count();
    let upper = times.at(count / 2)?;
    Some(if count % 2 == 1 { upper } else { f64::midpoint(times.at(count / 2 - 1)?, upper) })
}

/// As ab has it, the other way round.
fn median_of_ab(times: &Recorded) -> Option<f64> {
    let count = times.count();
    let lower = times.at(count / 2)?;
    Some(if count > 1 && count % 2 == 1 { f64::midpoint(lower, times.at(count / 2 + 1)?) } else { lower })
}

/// Whole ms, half of one upwards, from whole µs.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "times are positive and end far below"
)]
fn rounded(ms: f64) -> u64 {
    ((ms * 1e3) as u64 + 500) / 1000
}

/// What ab says where median and mean are far apart. It compares them as they are printed.
fn warning(what: &str, row: &Row) -> Option<String> {
    let (mean, median, stdev) = (rounded(row.mean?), rounded(row.median?), row.stdev?);
    let apart = mean.abs_diff(median) as f64;
    if apart > 2.0 * stdev {
        return Some(format!(
            "ERROR: The median and mean for {what} are more than twice the standard\n       deviation apart. These results are NOT reliable."
        ));
    }
    (apart > stdev).then(|| {
        format!(
            "WARNING: The median and mean for {what} are not within a normal deviation\n        These results are probably not that reliable."
        )
    })
}

/// The value at a place of the sorted ones, not between two of them.
fn served(times: &Recorded, percent: u64) -> String {
    let count = times.count();
    let index = u64::try_from(u128::from(count) * u128::from(percent) / 100).unwrap_or(u64::MAX);
    let value = times.at(index.min(count.saturating_sub(1)));
    let value = shown(value, |ms| rounded(ms).to_string());
    if percent == 100 {
        format!(" 100%  {value:>5} (longest request)")
    } else {
        format!("  {percent}%  {value:>5}")
    }
}

fn notes(figures: &Figures<'_>) -> Vec<String> {
    let totals = &figures.report.totals;
    let mut notes = vec![
        "Server Software, Document Length: heads and lengths of single responses are not kept; the length is the mean.".to_owned(),
        "Waiting: from the begin of a request, so that writing it is in it, and connecting where it had to; ab counts from the last byte written.".to_owned(),
    ];
    if figures.connections() < figures.report.accounting.sent {
        notes.push("Keep-Alive requests: those on a connection that had been used; ab counts responses that allowed another.".to_owned());
    }
    if figures.wire_bytes_in().is_none() {
        notes.push("Total transferred, Transfer rate: bytes of heads were not counted (only the native client counts them, over HTTP/1.1).".to_owned());
    }
    if totals.bytes_out > 0 {
        notes.push(format!(
            "Total body sent: heads of requests are not counted; their bodies are {} bytes.",
            totals.bytes_out
        ));
    }
    if figures.unanswered > 0 {
        let none = figures.unanswered;
        notes.push(format!("Failed requests: got no response. ab gives up after ten that cannot connect, and leaves them out of its times; the {none} here are in Total."));
    }
    let real = figures.all.mean().unwrap_or_default();
    if (per_request(figures) - real).abs() > real * 0.05 && figures.answered > 0 {
        notes.push(format!("Time per request: ab's arithmetic from the users at the peak; they did not have a request out all the time, and its mean was {real:.3} ms."));
    }
    let quirks = [("Processing", &figures.service), ("Waiting", &figures.ttfb), ("Total", &figures.all)];
    notes.extend(quirks.iter().filter_map(|(name, times)| {
        let (right, theirs) = (rounded(median(times)?), rounded(median_of_ab(times)?));
        (right != theirs).then(|| {
            format!(
                "{name}: ab takes the median of an odd number between two values and would print {theirs}."
            )
        })
    }));
    if totals.hops > 0 {
        notes.push("Complete requests: redirects were followed, and belong to the request that led to them; ab follows none.".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_those_of_the_url() {
        let cases = [
            ("http://127.0.0.1:18080/x?y=:1", ("127.0.0.1", "18080")),
            ("https://shop.test", ("shop.test", "443")),
            ("http://[::1]:80", ("[::1]", "80")),
            ("http://[::1]", ("[::1]", "80")),
            ("http://me:secret@shop.test/", ("shop.test", "80")),
        ];
        for (target, (host, port)) in cases {
            assert_eq!(authority(target), (host.to_owned(), port.to_owned()), "{target}");
        }
    }

    #[test]
    fn who_is_far_from_the_median_is_warned_as_ab_does() {
        let row = |mean, median, stdev| Row {
            mean: Some(mean),
            median: Some(median),
            stdev: Some(stdev),
            ..Row::default()
        };
        assert_eq!(warning("x", &row(10.2, 10.4, 0.1)), None);
        assert!(warning("x", &row(12.0, 10.0, 1.5)).is_some_and(|text| text.starts_with("WARNING")));
        assert!(warning("x", &row(14.0, 10.0, 1.5)).is_some_and(|text| text.starts_with("ERROR")));
        assert_eq!(warning("x", &Row::default()), None);
    }
}
