//! Whole scenarios through the whole compiler: the good ones of this folder and of `examples/` make a plan.

use std::path::{Path, PathBuf};

use stampede_scenarios::compile::compile;
use stampede_scenarios::describe::describe;
use stampede_scenarios::diagnostics::Diagnostics;
use stampede_scenarios::files::{Folder, read_scenario};
use stampede_scenarios::plan::Plan;
use stampede_scenarios::source::{Overrides, Source};

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Every `.yaml` and `.json` of a folder, by name.
fn scenarios(path: &str) -> Vec<(String, Source)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder(path))
        .expect("the folder is there")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml" || ending == "json"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| {
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            let files = Folder::new(path.parent().expect("a folder"));
            let mut source = read_scenario(path).expect("readable").with_files(files);
            source.name.clone_from(&name);
            (name, source)
        })
        .collect()
}

fn env(name: &str) -> Option<String> {
    (name == "API_HOST").then(|| "api.test".to_owned())
}

fn plan(source: &Source, overrides: &Overrides) -> Result<Plan, Diagnostics> {
    compile(source, overrides, &env, 7)
}

#[test]
fn good_scenarios_are_described() {
    for (path, kind) in [("tests/valid", "valid"), ("../examples", "example")] {
        for (name, source) in scenarios(path) {
            match plan(&source, &Overrides::default()) {
                Ok(plan) => insta::assert_snapshot!(format!("{kind}__{name}"), describe(&plan)),
                Err(problems) => panic!("{name}:\n{problems}"),
            }
        }
    }
}

#[test]
fn bad_scenarios_are_answered() {
    let all = scenarios("tests/invalid");
    assert!(all.len() >= 180, "only {} files", all.len());
    let mut compiled = Vec::new();
    for (name, source) in all {
        match plan(&source, &Overrides::default()) {
            Ok(_) => compiled.push(name),
            Err(problems) => insta::assert_snapshot!(format!("invalid__{name}"), problems.render(false)),
        }
    }
    assert!(compiled.is_empty(), "these should not compile: {compiled:?}");
}
