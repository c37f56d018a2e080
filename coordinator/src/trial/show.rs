//! One request of a trial as text: what was sent, what came back, what it was taken for.
//!
//! ```text
//! POST /login                                             line 12
//!   > POST http://127.0.0.1:8080/login
//!   > content-type: application/json
//!   > authorization: Bearer ‹auth›
//!
//!     {"user": "anna"}
//!
//!   < 200 OK   12.3 ms (connected after 0.4 ms, first byte after 11.9 ms)
//!   < content-type: application/json
//!
//!     {"token": "x"}
//!
//!   token = "x"
//!   ✓ status 2xx or 3xx
//! ```

use std::fmt::Write;
use std::time::Duration;

use stampede_scenarios::matcher::Matcher;
use stampede_scenarios::plan::{BodyPlan, PartContent, Plan, RequestPlan};

use super::body;
use super::paint::Paint;
use crate::local::{Answer, Exchanged, Judged};

/// Longer values are cut.
const LONGEST_VALUE: usize = 120;
/// Where the line of the scenario stands.
const WIDTH: usize = 72;

/// How it is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct How {
    pub(super) paint: Paint,
    /// Lines of a body at most.
    pub(super) lines: usize,
}

/// The text of one request with its redirects.
pub(super) fn request(
    plan: &Plan,
    step: Option<&RequestPlan>,
    exchanges: &[Exchanged],
    judged: &Judged,
    how: How,
) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail; one place to say so.
    let _ = write_request(plan, step, exchanges, judged, how, &mut out);
    out
}

fn write_request(
    plan: &Plan,
    step: Option<&RequestPlan>,
    exchanges: &[Exchanged],
    judged: &Judged,
    how: How,
    out: &mut String,
) -> std::fmt::Result {
    let paint = how.paint;
    if let Some(step) = step {
        let title = format!("{} {}", step.method, plan.shown_name(step));
        let line = format!("line {}", step.place.line);
        let gap = WIDTH.saturating_sub(title.chars().count() + line.len()).max(2);
        writeln!(out, "\n{}{:gap$}{}", paint.bold(&title), "", paint.dim(&line))?;
    }
    for exchange in exchanges {
        sent(exchange, step, how, out)?;
        match &exchange.answer {
            Ok(answer) => received(exchange, answer, how, out)?,
            Err(failure) => {
                let time = millis(exchange.total);
                writeln!(out, "  {} {}   {time}", paint.bad("<"), paint.bad(&body::harmless(failure)))?;
            }
        }
    }
    if exchanges.is_empty() {
        writeln!(out, "  {}", paint.bad("nothing was sent"))?;
    }
    for (name, value) in &judged.values {
        match value {
            Some(value) => writeln!(out, "  {} = {}", paint.bold(name), cut(&body::harmless(value)))?,
            None => writeln!(out, "  {} {}", paint.bold(name), paint.bad("has no value"))?,
        }
    }
    marks(step, judged, paint, out)
}

fn sent(exchange: &Exchanged, step: Option<&RequestPlan>, how: How, out: &mut String) -> std::fmt::Result {
    let paint = how.paint;
    let secrets = Secrets::of(step);
    // A redirect may repeat what the first URL had in it.
    let url = if secrets.url {
        "‹a URL with a secret in it›".to_owned()
    } else {
        body::harmless(&exchange.url)
    };
    writeln!(out, "  {} {} {url}", paint.dim(">"), exchange.method)?;
    for line in header_lines(&exchange.headers) {
        writeln!(out, "  {} {}", paint.dim(">"), paint.dim(&secrets.header(&without_secret(&line))))?;
    }
    if !exchange.cookies.is_empty() {
        let cookies = body::harmless(&String::from_utf8_lossy(&exchange.cookies));
        let line = secrets.header(&format!("cookie: {cookies}"));
        writeln!(out, "  {} {}", paint.dim(">"), paint.dim(&line))?;
    }
    if secrets.body && !exchange.body.is_empty() {
        return writeln!(out, "\n    ‹a body with a secret in it, {} bytes›\n", exchange.body.len());
    }
    write_body(&exchange.body, how, out)
}

/// Where a request sends what comes from a secret.
struct Secrets<'p> {
    url: bool,
    headers: Vec<&'p str>,
    body: bool,
}

impl<'p> Secrets<'p> {
    /// Of a request that no step is known for everything counts as one.
    fn of(step: Option<&'p RequestPlan>) -> Self {
        let Some(step) = step else { return Self { url: true, headers: Vec::new(), body: true } };
        let headers =
            step.headers.iter().filter(|(_, value)| value.is_secret()).map(|(name, _)| name.as_str());
        let body = match &step.body {
            BodyPlan::Empty | BodyPlan::Asset(_) | BodyPlan::Row(_) => false,
            BodyPlan::Text { content, .. } => content.is_secret(),
            BodyPlan::Multipart(parts) => parts.iter().any(|part| match &part.content {
                PartContent::Text(text) => text.is_secret(),
                PartContent::Asset(_) | PartContent::Row(_) => false,
            }),
        };
        Self { url: step.url.is_secret(), headers: headers.collect(), body }
    }

    fn header(&self, line: &str) -> String {
        match line.split_once(':') {
            Some((name, _)) if name != "authorization" && self.headers.contains(&name) => {
                format!("{name}: ‹secret›")
            }
            _ => line.to_owned(),
        }
    }
}

fn received(exchange: &Exchanged, answer: &Answer, how: How, out: &mut String) -> std::fmt::Result {
    let paint = how.paint;
    let status = match reason(answer.status) {
        "" => answer.status.to_string(),
        reason => format!("{} {reason}", answer.status),
    };
    let status = if answer.status < 400 { paint.good(&status) } else { paint.bad(&status) };
    let mut times = Vec::new();
    if !exchange.connecting.is_zero() {
        times.push(format!("connected after {}", millis(exchange.connecting)));
    }
    if let Some(first) = exchange.first_byte {
        times.push(format!("first byte after {}", millis(first)));
    }
    let times = if times.is_empty() { String::new() } else { format!(" ({})", times.join(", ")) };
    writeln!(out, "  {} {status}   {}{}", paint.dim("<"), millis(exchange.total), paint.dim(&times))?;
    for line in header_lines(&answer.head) {
        writeln!(out, "  {} {}", paint.dim("<"), paint.dim(&line))?;
    }
    write_body(&answer.body, how, out)
}

fn write_body(body: &[u8], how: How, out: &mut String) -> std::fmt::Result {
    if body.is_empty() {
        return writeln!(out);
    }
    writeln!(out)?;
    body::lines(body, how.lines).iter().try_for_each(|line| writeln!(out, "    {line}"))?;
    writeln!(out)
}

/// ✓ for what held, ✗ for what did not. Behind the first rule that does not hold none is looked at.
fn marks(step: Option<&RequestPlan>, judged: &Judged, paint: Paint, out: &mut String) -> std::fmt::Result {
    let failed = judged.failure.as_ref().map(|(kind, message)| (*kind, message.as_str()));
    let (good, bad) = (paint.good("✓"), paint.bad("✗"));
    let Some(step) = step.filter(|_| matches!(failed, None | Some(("status" | "expect" | "extract", _))))
    else {
        let (kind, message) = failed.unwrap_or(("other", ""));
        return writeln!(out, "  {bad} {kind}: {}", body::harmless(message));
    };
    let status = format!("status {}", statuses(&step.expect.status));
    if let Some(("status", message)) = failed {
        return writeln!(out, "  {bad} {status}: it is {}", message.trim_start_matches("status "));
    }
    writeln!(out, "  {good} {status}")?;
    let rules = step.expect.body.iter().chain(&step.expect.time_ms).flat_map(Matcher::labels);
    for rule in rules {
        if failed == Some(("expect", rule)) {
            return writeln!(out, "  {bad} {rule}");
        }
        writeln!(out, "  {good} {rule}")?;
    }
    match failed {
        Some((kind, message)) => writeln!(out, "  {bad} {kind}: {}", body::harmless(message)),
        None => Ok(()),
    }
}

fn statuses(ranges: &[(u16, u16)]) -> String {
    let one = |(lo, hi): &(u16, u16)| match (lo, hi) {
        (100, 599) => "of any kind".to_owned(),
        (lo, hi) if lo == hi => lo.to_string(),
        (lo, hi) if lo % 100 == 0 && *hi == lo + 99 => format!("{}xx", lo / 100),
        (lo, hi) => format!("{lo} to {hi}"),
    };
    ranges.iter().map(one).collect::<Vec<_>>().join(" or ")
}

fn header_lines(head: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(head);
    text.lines().filter(|line| !line.trim().is_empty()).map(body::harmless).collect()
}

/// What `auth` sends is nobody's business, and its kind is.
fn without_secret(line: &str) -> String {
    let Some((name, value)) = line.split_once(':') else { return line.to_owned() };
    if !name.eq_ignore_ascii_case("authorization") && !name.eq_ignore_ascii_case("proxy-authorization") {
        return line.to_owned();
    }
    match value.trim().split_once(' ') {
        Some((kind, _)) => format!("{name}: {kind} ‹auth›"),
        None => format!("{name}: ‹auth›"),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_VALUE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

fn millis(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1e3;
    if ms < 10.0 { format!("{ms:.2} ms") } else { format!("{ms:.0} ms") }
}

/// The usual words behind a status (RFC 9110, 15).
fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "",
    }
}
