//! The schema says what the compiler says: the same keys in every map, good for what compiles, and not for what has an unknown
//! key.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::SCHEMA;
use super::validate::validate;
use crate::compile::compile;
use crate::source::{Overrides, Source};

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn schema() -> Value {
    serde_json::from_str(SCHEMA).expect("the schema is JSON")
}

/// Every Rust file of a folder and those within it.
fn sources(folder: &Path, list: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources(&path, list);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            list.push(path);
        }
    }
}

/// The keys of each table of the compiler, by what the table is called, out of the source itself: no list of them can be
/// forgotten.
fn tables() -> BTreeMap<String, BTreeSet<String>> {
    let mut files = Vec::new();
    sources(&folder("src/compile"), &mut files);
    let table = regex::Regex::new(r#"Schema\s*\{\s*what:\s*"([^"]+)",\s*keys:\s*&\[([^\]]*)\],?\s*\}"#)
        .expect("a regex");
    let key = regex::Regex::new(r#""([^"]+)""#).expect("a regex");
    let begin = regex::Regex::new(r"(?:const|static) \w+: Schema\b").expect("a regex");
    let mut tables = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(&file).expect("readable");
        let found: Vec<_> = table.captures_iter(&text).collect();
        let there = begin.find_iter(&text).count();
        assert_eq!(found.len(), there, "{}: a table that this test cannot read", file.display());
        for table in found {
            let keys = key.captures_iter(&table[2]).map(|key| key[1].to_owned()).collect();
            tables.insert(table[1].to_owned(), keys);
        }
    }
    tables
}

/// The keys of each titled object of the schema.
fn objects(schema: &Value, into: &mut BTreeMap<String, BTreeSet<String>>) {
    if let (Some(title), Some(keys)) = (schema["title"].as_str(), schema["properties"].as_object()) {
        into.insert(title.to_owned(), keys.keys().cloned().collect());
    }
    match schema {
        Value::Object(map) => map.values().for_each(|value| objects(value, into)),
        Value::Array(items) => items.iter().for_each(|value| objects(value, into)),
        _ => {}
    }
}

#[test]
fn every_table_of_the_compiler_is_an_object_with_the_same_keys() {
    let mut objects_by_title = BTreeMap::new();
    objects(&schema(), &mut objects_by_title);
    let tables = tables();
    assert!(tables.len() >= 17, "only {} tables", tables.len());
    let mut wrong = Vec::new();
    for (what, keys) in &tables {
        match objects_by_title.get(what) {
            None => wrong.push(format!(
                "{what}: no object of schema/scenario.json has this title; its keys are {keys:?}"
            )),
            Some(known) if known != keys => wrong.push(format!(
                "{what}: only in the compiler {:?}, only in schema/scenario.json {:?}",
                keys.difference(known).collect::<Vec<_>>(),
                known.difference(keys).collect::<Vec<_>>()
            )),
            Some(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A file as an editor sees it: the plain value, with merge keys done.
fn value(text: &str) -> Option<Value> {
    let mut problems = Vec::new();
    let tree = crate::tree::parse(text, &mut problems)?;
    if !problems.is_empty() {
        return None;
    }
    Some(serde_json::from_str(&tree.value().to_json()).expect("JSON"))
}

fn files(path: &str) -> Vec<(String, String)> {
    let mut list: Vec<(String, String)> = fs::read_dir(folder(path))
        .expect("a folder")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "yaml" || ending == "json"))
        .filter_map(|path| Some((path.display().to_string(), fs::read_to_string(&path).ok()?)))
        .collect();
    list.sort();
    list
}

#[test]
fn what_compiles_is_valid() {
    let schema = schema();
    let mut seen = 0;
    for (name, text) in files("tests/valid").into_iter().chain(files("../examples")) {
        let value = value(&text).unwrap_or_else(|| panic!("{name} is read"));
        validate(&schema, &value).unwrap_or_else(|wrong| panic!("{name}: {wrong}"));
        seen += 1;
    }
    assert!(seen >= 10, "only {seen} files");
}

#[test]
fn the_examples_of_the_guide_are_valid() {
    let schema = schema();
    let guide = fs::read_to_string(folder("../docs/scenario.md")).expect("the guide is there");
    let blocks: Vec<&str> =
        guide.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    let whole = blocks.iter().filter(|block| block.lines().any(|line| line == "users:"));
    let mut seen = 0;
    for block in whole {
        let value = value(block).expect("it is read");
        validate(&schema, &value).unwrap_or_else(|wrong| panic!("{wrong} in\n{block}"));
        seen += 1;
    }
    assert!(seen >= 8, "only {seen} examples");
}

/// What the compiler says of keys and types, where a schema can know it too.
const KNOWN_TO_A_SCHEMA: [&str; 3] =
    ["unknown key", " is a map, and this is ", "a list of steps is expected here"];

#[test]
fn what_has_an_unknown_key_or_a_wrong_type_is_not_valid() {
    let schema = schema();
    let mut seen = 0;
    for (name, text) in files("tests/invalid") {
        let source = Source::new("t.yaml", text.clone());
        let Err(problems) = compile(&source, &Overrides::default(), &|_| None, 1) else { continue };
        let known = |message: &str| KNOWN_TO_A_SCHEMA.iter().any(|part| message.contains(part));
        let Some(problem) = problems.list().iter().find(|problem| known(&problem.message)) else { continue };
        let Some(value) = value(&text) else { continue };
        assert!(
            validate(&schema, &value).is_err(),
            "{name} is valid, and the compiler says: {}",
            problem.message
        );
        seen += 1;
    }
    assert!(seen >= 5, "only {seen} files");
}
