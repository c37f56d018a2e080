//! The names of metrics are an interface: the dashboard and the guide are held to those that are rendered.

use std::collections::BTreeSet;

use serde_json::Value;

use super::figures;
use crate::export::catalogue::families;
use crate::export::series::bounds;

const DASHBOARD: &str = include_str!("../../../../deploy/grafana/stampede.json");
const GUIDE: &str = include_str!("../../../../docs/exporters.md");

/// Names as they are stored, without the endings of histograms.
fn rendered() -> BTreeSet<String> {
    let (figures, bounds) = (figures(1), bounds().collect::<Vec<_>>());
    let mut names = BTreeSet::new();
    for family in families(&figures) {
        family.samples(&bounds, |sample| {
            names.insert(sample.name.to_string());
        });
    }
    names
}

fn metrics(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("stampede_")).map(str::to_owned).collect()
}

/// Every query of a dashboard: of its panels, and of its variables.
fn queries(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| match value {
            Value::String(text) if matches!(key.as_str(), "expr" | "query" | "definition") => {
                found.push(text.clone());
            }
            value => queries(value, found),
        }),
        Value::Array(list) => list.iter().for_each(|value| queries(value, found)),
        _ => {}
    }
}

#[test]
fn the_dashboard_asks_for_metrics_that_are_rendered() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let mut found = Vec::new();
    queries(&dashboard, &mut found);
    assert!(found.len() > 30, "{found:?}");
    let (rendered, asked) = (rendered(), metrics(&found.join(" ")));
    let unknown: Vec<_> = asked.difference(&rendered).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let panels = dashboard["panels"].as_array().expect("a list");
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len(), "ids that are there twice");
    let fixed =
        |panel: &&Value| panel.get("datasource").is_some_and(|source| source["uid"] != "${datasource}");
    assert_eq!(panels.iter().find(fixed), None, "a data source that others do not have");
}

#[test]
fn the_guide_names_every_metric() {
    let base = |name: &String| {
        let endings = ["_bucket", "_sum", "_count"];
        let ending = endings.iter().find_map(|ending| name.strip_suffix(ending));
        ending.unwrap_or(name).to_owned()
    };
    let wanted: BTreeSet<_> = rendered().iter().map(base).collect();
    let table = GUIDE.split("### Metrics").nth(1).and_then(|rest| rest.split("### Grafana").next());
    assert_eq!(metrics(table.expect("its chapter")), wanted);
}
