//! The pieces HTML is made of here: tables and sections. What comes in is plain text, what goes out is escaped.

use super::super::table::{Align, Cell, Table};
use super::esc;

/// How a table is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// What the table is of, for those who do not see it.
    pub(super) label: &'static str,
    /// A click on a column's title sorts by it.
    pub(super) sortable: bool,
    /// Rows at the end that stay there.
    pub(super) foot: usize,
}

impl Look {
    /// In the order it has.
    pub(super) fn plain(label: &'static str) -> Self {
        Self { label, sortable: false, foot: 0 }
    }

    /// Sorted as the reader likes.
    pub(super) fn sortable(label: &'static str) -> Self {
        Self { label, sortable: true, foot: 0 }
    }
}

/// A table with its titles and rows.
pub(super) fn table(table: &Table, look: Look) -> String {
    let rows: Vec<_> = table.rows.iter().map(|cells| format!("<tr>{}</tr>\n", row(table, cells))).collect();
    let (rows, foot) = rows.split_at(rows.len().saturating_sub(look.foot));
    let foot = if foot.is_empty() { String::new() } else { format!("\n<tfoot>\n{}</tfoot>", foot.concat()) };
    framed(table, look, "", &format!("<tbody>\n{}</tbody>{foot}", rows.concat()))
}

/// The frame of a table: wide ones scroll by themselves, and can be scrolled with keys.
pub(super) fn framed(table: &Table, look: Look, id: &str, rows: &str) -> String {
    let class = if look.sortable { " class=\"sortable\"" } else { "" };
    let id = if id.is_empty() { String::new() } else { format!(" id=\"{id}\"") };
    let (label, head) = (look.label, head(table));
    format!(
        "<div class=\"scroll\" role=\"region\" aria-label=\"{label}\" tabindex=\"0\"><table{class}{id}>\n{head}\n{rows}\n</table></div>\n"
    )
}

fn head(table: &Table) -> String {
    let title =
        |(title, align): &(String, Align)| format!("<th scope=\"col\"{}>{}</th>", side(*align), esc(title));
    let titles: String = table.columns.iter().map(title).collect();
    format!("<thead><tr>{titles}</tr></thead>")
}

/// The cells of a row. The first name, or else the first cell, says what the row is about.
pub(super) fn row(table: &Table, cells: &[Cell]) -> String {
    let about = cells.iter().position(|cell| matches!(cell, Cell::Name(_))).unwrap_or(0);
    let columns = table.columns.iter().map(|(_, align)| side(*align));
    let cells = cells.iter().zip(columns).enumerate();
    cells
        .map(|(at, (cell, side))| match cell {
            Cell::Text(text) | Cell::Method(text) | Cell::Name(text) if at == about => {
                format!("<th scope=\"row\"{side}>{}</th>", esc(text))
            }
            Cell::Text(text) | Cell::Method(text) | Cell::Name(text) => {
                format!("<td{side}>{}</td>", esc(text))
            }
            Cell::Strong(text) => format!("<td{side}><strong>{}</strong></td>", esc(text)),
        })
        .collect()
}

/// Numbers are the rule and stand to the right; text says so.
fn side(align: Align) -> &'static str {
    match align {
        Align::Left => " class=\"t\"",
        Align::Right => "",
    }
}

/// A part of the page with its heading.
pub(super) fn section(id: &str, title: &str, body: &str) -> String {
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{title}</h2>\n{body}</section>\n"
    )
}

/// A sentence.
pub(super) fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", esc(text))
}

/// A sentence that explains what stands above it.
pub(super) fn aside(text: &str) -> String {
    format!("<p class=\"aside\">{}</p>\n", esc(text))
}

/// One sentence each.
pub(super) fn list(lines: &[String]) -> String {
    let items = lines.iter().map(|line| format!("<li>{}</li>\n", esc(line))).collect::<Vec<_>>().concat();
    format!("<ul>\n{items}</ul>\n")
}

/// Where a script draws a chart; `what` is which, `label` says it in words.
pub(super) fn chart(what: &str, of: usize, label: &str) -> String {
    format!(
        "<figure class=\"chart\"><figcaption>{label}</figcaption><div class=\"plot\" data-chart=\"{what}\" data-of=\"{of}\" role=\"img\" \
         aria-label=\"Chart: {label}\"><p class=\"needs-js\">This chart needs JavaScript.</p></div></figure>\n"
    )
}
