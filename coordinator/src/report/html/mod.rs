//! `report.html`: one file that needs nothing else, read from disk or from an archive years later.
//!
//! Every sentence and table is in the HTML itself, so that it can be read without scripts. Scripts add charts, sorting and a
//! filter; their data is a JSON block. The page's policy forbids it to load anything, and text from outside is escaped by
//! [`esc`] in HTML and by [`data::json`] in the block.

mod body;
mod data;
mod endpoints;
mod parts;
mod spread;

use super::model::Report;
use super::text::{Place, safe};

/// The frame: `{{name}}` stands for what [`page`] knows under that name.
const PAGE: &str = include_str!("page.html");

/// The whole file.
pub fn html_text(report: &Report) -> String {
    fill(PAGE, |name| part(report, name))
}

/// What goes into the page under `name`.
fn part(report: &Report, name: &str) -> String {
    let file = match name {
        "title" => return esc(&body::title(report)),
        "body" => return body::body(report),
        "data" => return data::json(report),
        "page.css" => include_str!("page.css"),
        "charts.js" => include_str!("charts.js"),
        "tables.js" => include_str!("tables.js"),
        "page.js" => include_str!("page.js"),
        "uplot.css" => include_str!("vendor/uPlot.min.css"),
        "uplot.js" => include_str!("vendor/uPlot.iife.min.js"),
        "uplot.licence" => include_str!("vendor/uPlot.LICENSE"),
        _ => "",
    };
    file.trim_end().to_owned()
}

/// Text from anywhere, as it may stand in HTML.
fn esc(text: &str) -> String {
    safe(text, Place::Html)
}

/// `template` with each `{{name}}` replaced. What is put in is not looked at again.
fn fill(template: &str, part: impl Fn(&str) -> String) -> String {
    let mut pieces = template.split("{{");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").unwrap_or((piece, ""));
        out.push_str(&part(name));
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_not_filled_again() {
        let filled = fill("a{{one}}b{{two}}c", |name| format!("<{name}{{{{two}}}}>"));
        assert_eq!(filled, "a<one{{two}}>b<two{{two}}>c");
    }

    #[test]
    fn every_name_in_the_page_is_known() {
        let report = Report::from_result(&super::super::tests::fixtures::passing());
        let names = PAGE.split("{{").skip(1).map(|piece| piece.split("}}").next().expect("a name"));
        let empty: Vec<_> = names.filter(|name| part(&report, name).is_empty()).collect();
        assert_eq!(empty, Vec::<&str>::new());
    }
}
