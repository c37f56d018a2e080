//! The guide's examples are scenarios: each of them compiles.

use std::fs;
use std::path::Path;

use stampede_scenarios::compile::compile;
use stampede_scenarios::source::{Overrides, Source};

/// The YAML blocks of a document that are whole scenarios, each with its line.
fn scenarios(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line != "```yaml" {
            continue;
        }
        let block: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        if block.contains(&"users:") {
            found.push((number + 1, block.join("\n")));
        }
    }
    found
}

#[test]
fn examples_of_the_guide_compile() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scenario.md");
    let all = scenarios(&fs::read_to_string(path).expect("the guide is there"));
    assert!(all.len() >= 8, "only {} examples", all.len());
    for (line, text) in all {
        let source = Source::new(format!("docs/scenario.md from line {line} on"), text);
        if let Err(problems) = compile(&source, &Overrides::default(), &|_| None, 1) {
            panic!("{problems}");
        }
    }
}
