//! What stands in the page, in order: verdict, main figures, rules, what ran, charts, tables, accounts, notes.

use super::super::facts;
use super::super::judged;
use super::super::model::Report;
use super::super::statuses;
use super::super::table::{BESIDE, table_beside};
use super::super::text::{Place, clock, figure, figure_or_dash, percent, safe};
use super::super::{chart as course, gap, parts as shared};
use super::endpoints::requests;
use super::esc;
use super::parts::{Look, aside, chart, list, paragraph, section, table};

/// The page's title.
pub(super) fn title(report: &Report) -> String {
    format!("{}: {}", what(report), report.run.verdict.as_str())
}

fn what(report: &Report) -> String {
    let run = &report.run;
    if run.demo { "Built-in demo".to_owned() } else { format!("Load test {}", run.scenario) }
}

/// Everything between `<body>` and the scripts.
pub(super) fn body(report: &Report) -> String {
    let mut sections = vec![tiles(report)];
    let rules = judged::thresholds(&report.thresholds).map(|rules| {
        table(&rules, Look::plain("Thresholds"))
            + &judged::below(&report.thresholds).map_or_else(String::new, aside)
    });
    let search = report.search.as_ref().map(|search| {
        paragraph(&search.sentence) + &table(&judged::tries(search), Look::plain("What was tried"))
    });
    sections.extend(rules.map(|rules| section("thresholds", "Thresholds", &rules)));
    sections.extend(search.map(|search| section("search", "Search", &search)));
    sections.extend([
        section("what-ran", "What ran", &what_ran(report)),
        section("course", "Course", &charts(report)),
        section("requests", "Requests", &(requests(report) + &beside(report))),
        section("percentiles", "Percentiles", &percentiles(report)),
    ]);
    sections.extend(by_status(report).map(|body| section("statuses", "Responses by status", &body)));
    sections.extend([
        section("failures", "Failures", &failures(report)),
        section("workers", "Workers", &workers(report)),
        section("connections", "Connections", &connections(report)),
        section("accounting", "Accounting", &accounting(report)),
        section("notes", "Notes", &notes(report)),
    ]);
    format!("{}<main>\n{}</main>\n{}", head(report), sections.concat(), foot(report))
}

fn head(report: &Report) -> String {
    let run = &report.run;
    let verdict = run.verdict.as_str();
    let mut badges = format!("<span class=\"badge {verdict}\">{verdict}</span>");
    for (holds, what) in [(!run.complete, "incomplete"), (run.generator_limited, "generator-limited")] {
        if holds {
            badges = format!("{badges} <span class=\"badge warning\">{what}</span>");
        }
    }
    let sentence = report.verdict().sentence;
    // The badge says this already.
    let sentence = sentence.strip_prefix(&format!("Stampede: {verdict}. ")).unwrap_or(&sentence);
    format!(
        "<header>\n<button type=\"button\" id=\"theme\" class=\"js\" aria-label=\"Switch between dark and light\">◐</button>\n\
         <h1>{} {badges}</h1>\n<p class=\"verdict\">{}</p>\n</header>\n",
        esc(&what(report)),
        esc(sentence)
    )
}

/// The main figures, large.
fn tiles(report: &Report) -> String {
    let (totals, percentiles) = (&report.totals, &report.totals.percentiles_ms);
    let failed = format!("{} ({})", totals.failures, percent(totals.failures, totals.requests));
    let tile = |what: &str, value: &str, class: &str| {
        format!("<div{class}><dt>{what}</dt><dd>{}</dd></div>\n", esc(value))
    };
    let ms =
        |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{} ms", figure(value)));
    let bad = if totals.failures > 0 { " class=\"bad\"" } else { "" };
    let tiles = [
        tile("Requests", &totals.requests.to_string(), ""),
        tile("Requests/s", &figure_or_dash(totals.rps), ""),
        tile("Failed", &failed, bad),
        tile("Median", &ms(percentiles.p50), ""),
        tile("p95", &ms(percentiles.p95), ""),
        tile("p99", &ms(percentiles.p99), ""),
        tile("Slowest", &ms(totals.max_ms), ""),
        tile("Users at the peak", &report.run.users_peak.to_string(), ""),
    ];
    format!("<dl class=\"tiles\" aria-label=\"Main figures\">\n{}</dl>\n", tiles.concat())
}

fn what_ran(report: &Report) -> String {
    let fact =
        |(what, value): &(&str, String)| format!("<div><dt>{what}</dt><dd>{}</dd></div>\n", esc(value));
    let facts = facts::facts(report).iter().map(fact).collect::<Vec<_>>().concat();
    let mut out = format!("<dl class=\"facts\">\n{facts}</dl>\n");
    let replaced = facts::replaced(&report.run);
    if !replaced.is_empty() {
        out.push_str("<h3>Given on the command line</h3>\n");
        out.push_str(&list(&replaced));
    }
    if let Some(changes) = facts::changes(&report.run) {
        out.push_str("<h3>Changed by hand while it ran</h3>\n");
        out.push_str(&table(&changes, Look::plain("Changes by hand")));
    }
    out
}

fn charts(report: &Report) -> String {
    let spread = chart("spread", report.endpoints.len(), "Requests by response time");
    let charts = match report.timeline.as_slice() {
        [] => return "<p>No second of it was measured.</p>\n".to_owned(),
        [_, ..] => [
            chart("run-rates", 0, "Requests and failures per second"),
            chart("run-times", 0, "Response times in ms"),
            chart("run-users", 0, "Users"),
            chart("run-flight", 0, "Requests in flight"),
            spread,
        ],
    };
    let mut out = format!("<div class=\"charts\">\n{}</div>\n", charts.concat());
    out.push_str(
        "<p class=\"aside js\">The cursor shows the values of a moment in all charts of the run; drag to look closer, double-click to see \
         everything again. Rates end with the last full step before the stop; what completed later is in the tables.</p>\n",
    );
    if let [first, .., last] = report.course.as_slice() {
        let lines = course::sparkline_text(&course::series(&report.course));
        let end = last.t + last.seconds.max(1);
        let (from, end, lines) = (clock(first.t), clock(end), esc_lines(&lines));
        return out
            + &format!(
                "<div class=\"needs-js\"><p>From {from} to {end}, each scaled from 0 to its maximum:</p>\n<pre>{lines}</pre></div>\n"
            );
    }
    out
}

/// Several lines, each escaped by itself.
fn esc_lines(lines: &str) -> String {
    lines.lines().map(|line| esc(line) + "\n").collect()
}

fn beside(report: &Report) -> String {
    let beside = table_beside(report);
    beside.map_or_else(String::new, |beside| {
        format!(
            "<h3>{}</h3>\n{}",
            BESIDE.trim_end_matches(':'),
            table(&beside, Look::sortable("Groups, setup and teardown"))
        )
    })
}

fn percentiles(report: &Report) -> String {
    let said = "Response times in ms of all completed requests.";
    let gap = gap::sentence(report).map(|sentence| paragraph(&sentence)).unwrap_or_default();
    let percentiles = shared::percentiles(report);
    let foot = percentiles.rows.len() - report.endpoints.len();
    table(&percentiles, Look { foot, ..Look::sortable("Percentiles") }) + &aside(said) + &gap
}

/// Nothing where no response came.
fn by_status(report: &Report) -> Option<String> {
    let by_status = statuses::by_status(report)?;
    Some(table(&by_status, Look::sortable("Responses by status")) + &aside(statuses::EXPLAINED))
}

fn failures(report: &Report) -> String {
    match shared::failures(report) {
        Some(failures) => {
            table(&failures, Look::sortable("Failures by cause")) + &aside("First and last seen in run time.")
        }
        None => paragraph("No failures."),
    }
}

fn workers(report: &Report) -> String {
    let Some((workers, explained)) = shared::workers(report) else { return paragraph("No workers.") };
    let limits = shared::limits(report).map_or_else(String::new, |limits| {
        format!(
            "<h3>When the load generator was the limit</h3>\n{}",
            table(&limits, Look::plain("Limits of workers"))
        )
    });
    table(&workers, Look::sortable("Workers")) + &aside(&explained) + &limits
}

fn connections(report: &Report) -> String {
    match shared::targets(report) {
        Some(targets) => table(&targets, Look::sortable("Connections by host")) + &aside(shared::PHASES),
        None => paragraph("No connections."),
    }
}

fn accounting(report: &Report) -> String {
    let identities = report.accounting.identities().into_iter();
    let line =
        |(label, line): (&str, String)| format!("<div><dt>{label}</dt><dd>{}</dd></div>\n", esc(&line));
    let lines = identities.map(line).collect::<Vec<_>>().concat();
    format!("<dl class=\"accounts\">\n{lines}</dl>\n{}", aside(&shared::sent(report)))
}

fn notes(report: &Report) -> String {
    if report.notes.is_empty() { paragraph("None.") } else { list(&report.notes) }
}

fn foot(report: &Report) -> String {
    let run = &report.run;
    let version = safe(&run.version, Place::Html);
    format!(
        "<footer>Stampede {version}. Every figure is in <code>report.json</code>, format {}.</footer>\n",
        esc(&report.schema)
    )
}
