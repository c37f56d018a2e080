//! Feeders in words, for `coordinator check`.

use std::collections::HashSet;
use std::fmt::Write;

use super::pick::{AtEnd, FeederPlan, RowOrder};
use crate::plan::{AssetId, Plan};

/// A line for each feeder: where its rows come from, how many there are, and how many users share them.
pub(crate) fn describe(plan: &Plan) -> String {
    let mut out = String::new();
    for (index, feeder) in plan.feeders.iter().enumerate() {
        let used = plan.classes.iter().any(|class| class.feeders.all.iter().any(|id| id.0 as usize == index));
        // Writing to a String cannot fail.
        let _ =
            writeln!(out, "  {}: {}, {}, {}", feeder.name, feeder.origin, rows(feeder), way(feeder, used));
    }
    out
}

/// The files that are rows, which one line stands for.
pub(crate) fn files_of_rows(plan: &Plan) -> HashSet<AssetId> {
    let rows = plan.feeders.iter().flat_map(|feeder| feeder.table.file_rows());
    rows.map(|file| file.asset).collect()
}

fn rows(feeder: &FeederPlan) -> String {
    let count = feeder.table.len();
    let mut text = if count == 1 { "1 row".to_owned() } else { format!("{count} rows") };
    let columns = feeder.table.columns();
    if !columns.is_empty() {
        let mut names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).take(8).collect();
        if columns.len() > names.len() {
            names.push("…");
        }
        let _ = write!(text, " ({})", names.join(", "));
    }
    text
}

fn way(feeder: &FeederPlan, used: bool) -> String {
    if !used {
        return "which nobody uses".to_owned();
    }
    let (rows, users) = (feeder.table.len(), feeder.users);
    let of_users = if users == 1 { "1 user".to_owned() } else { format!("{users} users") };
    let end = match feeder.at_end {
        AtEnd::Recycle => ", again from the first at the end",
        AtEnd::StopUser => ", a user without a row stops",
        AtEnd::StopRun => ", the run ends with the last one",
    };
    match feeder.order {
        RowOrder::Unique if users > rows => format!("one for each of the first {rows} of {of_users}{end}"),
        RowOrder::Unique if feeder.is_open => format!("one for each of at most {of_users}"),
        RowOrder::Unique => format!("one for each of {of_users}"),
        RowOrder::Random => format!("any, for {of_users}"),
        order => format!("{} over the iterations of {of_users}{end}", order.as_str()),
    }
}
