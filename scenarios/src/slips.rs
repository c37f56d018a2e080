//! Every key of every good scenario written wrong, and every value of it replaced by one of another kind: what is said then.
//!
//! The good scenarios are those of `tests/valid`, the examples and the guide, so what they learn is tested here too.

use std::fs;
use std::path::Path;

use crate::compile::compile;
use crate::diagnostics::Diagnostics;
use crate::plan::Place;
use crate::source::{Overrides, Source};
use crate::tree::{self, Entry, Kind, Node};

/// Maps whose keys are names that the file gives itself: a slip in one of them is another name.
const OWN_NAMES: [&str; 17] = [
    "vars",
    "secrets",
    "headers",
    "query",
    "form",
    "json",
    "body",
    "multipart",
    "resolve",
    "extract",
    "header",
    "set",
    "users",
    "tasks",
    "flows",
    "data",
    "types",
];
/// Values of the wrong kind. None of them is right everywhere.
const WRONG: [&str; 9] =
    ["[1, [a]]", "{a: {b: 1}}", "7", "-0.5", "some words", "~", "true", "'${nothing}'", "\"\\u0000\""];

fn env(name: &str) -> Option<String> {
    (name == "API_HOST").then(|| "api.test".to_owned())
}

fn problems(text: &str) -> Option<Diagnostics> {
    compile(&Source::new("slip.yaml", text), &Overrides::default(), &env, 7).err()
}

/// Every good scenario with a name for messages.
fn scenarios() -> Vec<(String, String)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    for folder in ["tests/valid", "../examples"] {
        for entry in fs::read_dir(here.join(folder)).expect("the folder is there") {
            let path = entry.expect("readable").path();
            if path.extension().is_some_and(|ending| ending == "yaml" || ending == "json") {
                all.push((path.display().to_string(), fs::read_to_string(&path).expect("readable")));
            }
        }
    }
    let guide = fs::read_to_string(here.join("../docs/scenario.md")).expect("the guide is there");
    for (index, block) in guide.split("```yaml\n").skip(1).enumerate() {
        let block = block.split("```").next().unwrap_or_default();
        if block.lines().any(|line| line == "users:") {
            all.push((format!("block {index} of the guide"), block.to_owned()));
        }
    }
    all.sort();
    assert!(all.len() > 15, "only {} scenarios", all.len());
    all
}

fn root(text: &str) -> Node {
    tree::parse(text, &mut Vec::new()).expect("a good scenario")
}

/// Calls `with` for each key with its value, and the keys above it.
fn each<'n>(node: &'n Node, above: &mut Vec<&'n str>, with: &mut impl FnMut(&'n Entry, &[&str])) {
    match &node.kind {
        Kind::Scalar(_) => {}
        Kind::List(items) => items.iter().for_each(|item| each(item, above, with)),
        Kind::Map(entries) => {
            for entry in entries {
                with(entry, above);
                above.push(&entry.key);
                each(&entry.value, above, with);
                above.pop();
            }
        }
    }
}

/// Whether the key is a name that the file gives: the map above is one of names, or all of it is a value.
fn is_own_name(above: &[&str]) -> bool {
    let values = |key: &&&str| matches!(**key, "vars" | "secrets" | "json" | "list" | "default" | "set");
    let is_name = |key: &str| OWN_NAMES.contains(&key);
    match above {
        // A class may be called `tasks`, and a rule of `expect` stands below the name of a header.
        [.., "expect", "json" | "header", _] | ["users", _] => false,
        ["users", _, "tasks"] => true,
        [.., last] if is_name(last) => true,
        above => {
            above.iter().filter(values).any(|key| *key != "json")
                || above.iter().rev().skip(1).any(|key| *key == "json") && !above.contains(&"expect")
        }
    }
}

fn with(text: &str, place: Place, new: &str) -> String {
    format!("{}{new}{}", &text[..place.start], &text[place.end..])
}

/// A letter left out, and two swapped.
fn misspelt(key: &str) -> Vec<String> {
    let mut letters: Vec<char> = key.chars().collect();
    let middle = letters.len() / 2;
    let mut missing = letters.clone();
    missing.remove(middle);
    letters.swap(middle - 1, middle);
    [missing, letters]
        .into_iter()
        .map(|letters| letters.into_iter().collect())
        .filter(|new: &String| new != key)
        .collect()
}

#[test]
fn a_slip_in_a_key_is_found_where_it_is() {
    let (mut tried, mut told) = (0, 0);
    for (name, text) in scenarios() {
        let root = root(&text);
        let mut seen = std::collections::HashSet::new();
        each(&root, &mut Vec::new(), &mut |entry, above| {
            // A merged map comes up wherever it is used.
            let is_first = seen.insert(entry.key_place.start);
            let written = &text[entry.key_place.start..entry.key_place.end];
            if !is_first
                || entry.key.len() < 3
                || is_own_name(above)
                || written.trim_matches('"') != entry.key
            {
                return;
            }
            for slip in misspelt(&entry.key) {
                let quoted = if written.starts_with('"') { format!("\"{slip}\"") } else { slip.clone() };
                let wrong = with(&text, entry.key_place, &quoted);
                let problems = problems(&wrong)
                    .unwrap_or_else(|| panic!("`{slip}` for `{}` in {name} goes through", entry.key));
                let here =
                    |place: Option<Place>| place.is_some_and(|place| place.line == entry.key_place.line);
                let all: Vec<_> = problems.list().iter().filter(|problem| here(problem.place)).collect();
                assert!(!all.is_empty(), "`{slip}` for `{}` in {name}:\n{problems}", entry.key);
                tried += 1;
                let meant = format!("did you mean `{}`?", entry.key);
                told +=
                    usize::from(all.iter().any(|problem| problem.hint.as_deref() == Some(meant.as_str())));
            }
        });
    }
    assert!(tried > 500, "{tried}");
    // Of short words a slip may be another one: `stop` without its `t` is nearer to `sop`, `post` with two swapped to `pots`.
    assert!(told * 100 >= tried * 95, "{told} of {tried} were told what was meant");
}

#[test]
fn a_value_of_the_wrong_kind_does_no_harm() {
    let mut refused = 0;
    for (_, text) in scenarios() {
        let root = root(&text);
        let mut turn = 0;
        each(&root, &mut Vec::new(), &mut |entry, _| {
            let place = entry.value.place;
            let Some(value) = text.get(place.start..place.end) else { return };
            let block = value.contains('\n');
            // Three of them in turn for each value: all of them everywhere would take long.
            for _ in 0..3 {
                turn += 1;
                let end = if block { "\n" } else { "" };
                let wrong = with(&text, place, &format!(" {}{end}", WRONG[turn % WRONG.len()]));
                let Some(problems) = problems(&wrong) else { continue };
                refused += 1;
                assert!(!problems.render(false).is_empty());
                for place in problems.list().iter().filter_map(|problem| problem.place) {
                    assert!(wrong.get(place.start..place.end).is_some(), "{place:?} of {wrong}");
                    let line = usize::try_from(place.line).expect("small");
                    assert!(line <= wrong.lines().count().max(1), "{place:?} of {wrong}");
                }
            }
        });
    }
    assert!(refused > 500, "{refused}");
}
