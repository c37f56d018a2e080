//! The table of endpoints, each row with what a click on it shows: its course, how its times are spread, all percentiles.
//!
//! Rows that say more are in the HTML behind the row they belong to, so that they can be read without scripts.

use std::fmt::Write;

use super::super::model::{Endpoint, Report};
use super::super::table::{Align, Cell, Table, final_table};
use super::super::text::{count_of, figure_or_dash};
use super::super::times::{Percentiles, TimesReport};
use super::parts::{Look, aside, chart, framed, row, table};
use crate::format::bytes;

/// Endpoints that say more, those with most requests: a file of thousands would be too large to open.
const MAX_DETAILED: usize = 200;

/// Which column of the final table has the failures.
const FAILS: usize = 3;

/// The rows of the final table in their order, with the numbers of those that say more. The last is of all together.
pub(super) fn detailed(report: &Report) -> Vec<(usize, &Endpoint)> {
    let mut most: Vec<_> = report.endpoints.iter().enumerate().collect();
    most.sort_by_key(|(_, endpoint)| std::cmp::Reverse(endpoint.requests));
    most.truncate(MAX_DETAILED);
    most.sort_by_key(|(at, _)| *at);
    most.push((report.endpoints.len(), &report.totals));
    most
}

/// The table with everything around it.
pub(super) fn requests(report: &Report) -> String {
    let figures = final_table(report);
    let detailed = detailed(report);
    let mut rows: Vec<_> = figures.rows.iter().map(|cells| whole_row(&figures, cells)).collect();
    for (at, endpoint) in &detailed {
        let columns = figures.columns.len();
        let more = details(*at, endpoint);
        let _ = write!(
            rows[*at],
            "<tr class=\"detail\" id=\"detail-{at}\" hidden><td class=\"t\" colspan=\"{columns}\"><div class=\"more\">\n{more}</div></td></tr>\n"
        );
    }
    let foot = rows.pop().unwrap_or_default();
    let rows = format!("<tbody>\n{}</tbody>\n<tfoot>\n{foot}</tfoot>", rows.concat());
    let look = Look::sortable("Requests by endpoint");
    let filter = "<p class=\"filter js\"><label>Filter <input type=\"search\" id=\"filter\" autocomplete=\"off\" \
                  spellcheck=\"false\" placeholder=\"method or name\"></label> <output id=\"filtered\" for=\"filter\"></output></p>\n";
    let mut out = filter.to_owned() + &framed(&figures, look, "requests-table", &rows);
    out.push_str("<p class=\"aside\">Times in ms.<span class=\"js\"> A click on a row shows its course and how its times are spread.</span></p>\n");
    let without = report.endpoints.len() + 1 - detailed.len();
    if without > 0 {
        let without =
            count_of(without as u64, "row with fewer requests says", "rows with fewer requests say");
        out.push_str(&aside(&format!("{without} no more than this; report.json has everything.")));
    }
    out
}

fn whole_row(figures: &Table, cells: &[Cell]) -> String {
    let mut cells = cells.to_vec();
    if let Some(Cell::Text(fails)) = cells.get(FAILS)
        && !fails.starts_with("0 ")
    {
        cells[FAILS] = Cell::Strong(fails.clone());
    }
    format!("<tr class=\"row\">{}</tr>\n", row(figures, &cells))
}

fn details(at: usize, endpoint: &Endpoint) -> String {
    let charts = [
        chart("rates", at, "Requests and failures per second"),
        chart("times", at, "Response times in ms"),
        chart("spread", at, "Requests by response time"),
    ];
    let times = table(&times(endpoint), Look::plain("Times by percentile"));
    let (received, sent) = (bytes(endpoint.bytes_in), bytes(endpoint.bytes_out));
    let hops = count_of(endpoint.hops, "redirect", "redirects");
    let said = format!(
        "Times in ms. Service time is first byte written to last byte read. Bodies: {received} received, {sent} sent; {hops} followed."
    );
    format!("<div class=\"charts\">\n{}</div>\n{times}{}", charts.concat(), aside(&said))
}

/// Every kind of time an endpoint has.
fn times(endpoint: &Endpoint) -> Table {
    let columns =
        [("Times", Align::Left), ("Count", Align::Right), ("Avg", Align::Right), ("Min", Align::Right)];
    let columns = columns.map(|(title, align)| (title.to_owned(), align)).into_iter();
    let wanted = Percentiles::WANTED.map(|wanted| (format!("{wanted}%"), Align::Right));
    let mut table = Table::new(columns.chain(wanted));
    let mut add = |what: &str, count: u64, exact: [Option<f64>; 2], percentiles: &Percentiles| {
        let mut row: Vec<Cell> = vec![what.to_owned().into(), count.to_string().into()];
        row.extend(exact.into_iter().chain(percentiles.values()).map(|time| figure_or_dash(time).into()));
        table.row(row);
    };
    add("Response", endpoint.requests, [endpoint.avg_ms, endpoint.min_ms], &endpoint.percentiles_ms);
    let kinds: [(&str, &TimesReport); 4] = [
        ("Response, ok", &endpoint.ok),
        ("Response, failed", &endpoint.failed),
        ("Service", &endpoint.service),
        ("First byte", &endpoint.ttfb),
    ];
    for (what, times) in kinds.into_iter().filter(|(_, times)| times.count > 0) {
        add(what, times.count, [times.avg_ms, times.min_ms], &times.percentiles_ms);
    }
    table
}
