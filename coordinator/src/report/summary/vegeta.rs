//! vegeta 12: `vegeta report`. Formulas from its `lib/metrics.go`, the layout from `lib/reporters.go`.

use std::collections::BTreeSet;

use super::super::text::{Place, safe};
use super::figures::Figures;
use super::units::go_duration;
use super::{ratio, shown};

/// The lines, and the notes on them.
pub(super) fn summary(figures: &Figures<'_>) -> (String, Vec<String>) {
    let totals = &figures.report.totals;
    let requests = totals.requests as f64;
    // Both from the first start: what is begun, and what comes behind it.
    let whole_s = figures.elapsed_s;
    let attack_s = figures.report.run.duration_s.min(whole_s);
    let succeeded = figures.with_status(|code| (200..400).contains(&code));
    let all = &figures.all;
    let latencies =
        [all.min(), all.mean()].into_iter().chain([50.0, 90.0, 95.0, 99.0].map(|p| all.percentile(p)));
    let latencies: Vec<_> = latencies.chain([all.max()]).map(|ms| shown(ms, go_duration)).collect();
    let durations = [whole_s, attack_s, whole_s - attack_s].map(|s| go_duration(s * 1e3));
    let throughput = ratio(succeeded as f64, whole_s);
    let mean = |bytes: u64| format!("{bytes}, {:.2}", ratio(bytes as f64, requests));
    let rows = [
        (
            "Requests",
            "[total, rate, throughput]",
            format!("{}, {:.2}, {throughput:.2}", totals.requests, ratio(requests, attack_s)),
        ),
        ("Duration", "[total, attack, wait]", durations.join(", ")),
        ("Latencies", "[min, mean, 50, 90, 95, 99, max]", latencies.join(", ")),
        ("Bytes In", "[total, mean]", mean(totals.bytes_in)),
        ("Bytes Out", "[total, mean]", mean(totals.bytes_out)),
        ("Success", "[ratio]", format!("{:.2}%", ratio(succeeded as f64, requests) * 100.0)),
        ("Status Codes", "[code:count]", codes(figures)),
    ];
    let lines = rows.map(|(name, what, value)| format!("{name:<14}{what:<34}{value}\n"));
    (format!("{}Error Set:\n{}", lines.concat(), error_set(figures)), notes(figures, attack_s))
}

/// `200:5000  503:2  `; 0 is what got no response.
fn codes(figures: &Figures<'_>) -> String {
    let mut codes = figures.statuses().clone();
    // Codes beyond those told apart have been said in a note.
    codes.remove(&0);
    if figures.unanswered > 0 {
        codes.insert(0, figures.unanswered);
    }
    codes.iter().map(|(code, count)| format!("{code}:{count}  ")).collect::<Vec<_>>().concat()
}

/// Each cause once.
fn error_set(figures: &Figures<'_>) -> String {
    let errors = figures.report.errors.iter().filter(|error| error.row == "request");
    let texts: BTreeSet<_> =
        errors.map(|error| format!("{}: {}\n", error.kind, safe(&error.message, Place::Line))).collect();
    texts.into_iter().collect::<Vec<_>>().concat()
}

fn notes(figures: &Figures<'_>, attack_s: f64) -> Vec<String> {
    let requests = figures.report.totals.requests;
    let mut notes = Vec::new();
    if figures.is_open() && requests > 1 && attack_s > 0.0 {
        let biased = requests as f64 / attack_s * requests as f64 / (requests - 1) as f64;
        notes.push(format!(
            "Requests: vegeta divides by the time from its first to its last request, one interval less, and would print a rate of about {biased:.2}."
        ));
        notes.push(
            "Latencies: from the moment a request was due; vegeta's begin when one of its workers takes it up."
                .to_owned(),
        );
    }
    if !figures.is_open() {
        notes
            .push("Requests: the rate is what came of the users there were; vegeta is given one.".to_owned());
    }
    if figures.statuses().is_empty() && figures.answered > 0 {
        notes.push("Success, Status Codes: this report is from before statuses were counted.".to_owned());
    }
    if figures.report.totals.hops > 0 {
        notes.push("Bytes In: those of redirects too; vegeta counts the last response only.".to_owned());
    }
    notes
}
