//! siege 4: what it prints to stderr when the siege is lifted. Formulas from its `main.c`, `data.c` and `browser.c`.

use super::figures::Figures;
use super::ratio;

/// Bytes of a siege megabyte.
const MB: f64 = 1_048_576.0;

/// The lines, and the notes on them.
pub(super) fn summary(figures: &Figures<'_>) -> (String, Vec<String>) {
    let counts = Counts::of(figures);
    // Every request that got a response, whatever its status; what failed without one adds no time.
    let (times, is_service) =
        if figures.unanswered == 0 { (&figures.all, false) } else { (&figures.service, true) };
    let (elapsed, megabytes) = (figures.elapsed_s, figures.report.totals.bytes_in as f64 / MB);
    let sum_s = times.sum_ms() / 1e3;
    let hits = counts.hits as f64;
    let availability = ratio(hits, (counts.hits + counts.failed) as f64) * 100.0;
    let shortest = if counts.successful == 0 { 0.0 } else { times.min().unwrap_or_default() };
    let lines = [
        format!("Transactions:\t\t{:9}    hits", counts.hits),
        format!("Availability:\t\t{availability:12.2} %"),
        format!("Elapsed time:\t\t{elapsed:12.2} secs"),
        format!("Data transferred:\t{megabytes:12.2} MB"),
        format!("Response time:\t\t{:12.2} ms", ratio(times.sum_ms(), hits)),
        format!("Transaction rate:\t{:12.2} trans/sec", ratio(hits, elapsed)),
        format!("Throughput:\t\t{:12.2} MB/sec", ratio(megabytes, elapsed)),
        format!("Concurrency:\t\t{:12.2}", ratio(sum_s, elapsed)),
        format!("Successful transactions:{:9}", counts.successful),
        format!("Failed transactions:\t{:9}", counts.failed),
        format!("Longest transaction:\t{:12.2} ms", times.max().unwrap_or_default()),
        format!("Shortest transaction:\t{shortest:12.2} ms"),
    ];
    (lines.join("\n") + "\n", notes(figures, &counts, is_service))
}

/// siege's counters.
struct Counts {
    hits: u64,
    successful: u64,
    failed: u64,
    neither: u64,
}

impl Counts {
    fn of(figures: &Figures<'_>) -> Self {
        // Each redirect target is a hit of its own, and the redirect that led there another.
        let hops = figures.report.totals.hops;
        let refused = |code: u16| matches!(code, 403 | 408 | 500..=509);
        let successful = |code: u16| (1..400).contains(&code) || code == 401 || code == 407;
        // A report without statuses knows only that responses came.
        let unknown = if figures.statuses().is_empty() { figures.answered } else { 0 };
        let failed = figures.with_status(refused);
        let hits = figures.answered.saturating_sub(failed) + hops;
        let successful = figures.with_status(successful) + unknown + hops;
        Self {
            hits,
            successful,
            failed: failed + figures.unanswered,
            neither: hits.saturating_sub(successful),
        }
    }
}

fn notes(figures: &Figures<'_>, counts: &Counts, is_service: bool) -> Vec<String> {
    let mut notes = Vec::new();
    notes.push(
        "Response time: in ms, as siege has it since 2023; before, and in its JSON, it is in seconds."
            .to_owned(),
    );
    notes.push("Response time, Longest, Shortest: siege's own clock has steps of 10 ms.".to_owned());
    notes.push(
        "Data transferred: bytes of bodies, as siege counts them, whatever its manual says.".to_owned(),
    );
    if counts.neither > 0 {
        let neither = counts.neither;
        notes.push(format!("Failed transactions: {neither} responses are neither successful nor failed for siege (404, for example)."));
    }
    if is_service {
        notes.push(
            "Response time: without connecting, which siege counts in; what got no response adds no time."
                .to_owned(),
        );
    }
    let failures = figures.report.totals.failures;
    if failures != counts.failed {
        let failed = counts.failed;
        notes.push(format!(
            "Failed transactions: by siege's rules {failed}, by those of this test {failures}."
        ));
    }
    if figures.is_open() {
        notes.push(
            "Response time: from the moment a request was due; siege knows no arrival rate.".to_owned(),
        );
    }
    notes
}
