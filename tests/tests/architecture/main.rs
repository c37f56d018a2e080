//! Keeps the structure as the design has it: who imports whom, which rooms are pure, how large files are, one version of each
//! large dependency.
//!
//! Every check is a function over text, so that `planted.rs` can show that it sees what it is to see. Text in comments and strings
//! is not code, and what is compiled for tests only is not looked at as strictly: `code.rs`.

mod code;
mod planted;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use code::{blank_text, code_of, has, imports, is_word};

/// Largest file, in lines.
const MAX_LINES: usize = 400;

/// The crates of the workspace: (folder, name as a dependency, which of ours it may depend on).
const CRATES: &[(&str, &str, &[&str])] = &[
    ("stats", "stampede-stats", &[]),
    ("scenarios", "stampede-scenarios", &[]),
    ("proto", "stampede-proto", &["stampede-stats", "stampede-scenarios"]),
    ("worker", "stampede-worker", &["stampede-proto", "stampede-stats", "stampede-scenarios"]),
    (
        "coordinator",
        "stampede-coordinator",
        &["stampede-proto", "stampede-stats", "stampede-scenarios", "stampede-worker", "demo-target"],
    ),
    ("examples", "demo-target", &[]),
    (
        "bench",
        "stampede-bench",
        &[
            "stampede-coordinator",
            "stampede-proto",
            "stampede-scenarios",
            "stampede-stats",
            "stampede-worker",
        ],
    ),
];

/// What measurements and scenarios have no use for: they do no I/O.
const NO_IO: &[&str] = &["tokio", "tonic", "prost", "hyper", "reqwest", "ratatui"];

/// (crate, in the folder, named by this file alone).
const NAMED_ONCE: &[(&str, &str, &str)] = &[
    ("stampede_worker", "coordinator/src/", "coordinator/src/local.rs"),
    ("demo_target", "coordinator/src/", "coordinator/src/demo.rs"),
];

/// Files and folders that decide without I/O.
const PURE: &[&str] = &[
    "stats/src/",
    "scenarios/src/",
    "worker/src/http/allow.rs",
    "worker/src/http/decode.rs",
    "worker/src/http/native/chunked.rs",
    "worker/src/http/native/head.rs",
    "worker/src/http/native/reader.rs",
    "worker/src/http/native/writer.rs",
    "worker/src/lanes.rs",
    "worker/src/outbox.rs",
    "worker/src/slots.rs",
    "coordinator/src/fleet/refusals.rs",
    "coordinator/src/dispatch/",
    "coordinator/src/export/catalogue.rs",
    "coordinator/src/export/influx.rs",
    "coordinator/src/export/otlp.rs",
    "coordinator/src/export/remote_write.rs",
    "coordinator/src/export/series.rs",
    "coordinator/src/export/statsd.rs",
    "coordinator/src/export/text.rs",
    "coordinator/src/figures.rs",
    "coordinator/src/run/",
    "coordinator/src/tui/action.rs",
    "coordinator/src/tui/layout.rs",
    "coordinator/src/tui/order.rs",
    "coordinator/src/tui/state.rs",
    "coordinator/src/tui/keys.rs",
    "coordinator/src/view",
    "coordinator/src/result.rs",
    "coordinator/src/format.rs",
    "coordinator/src/report/",
];

/// The thin shells within them that read and write files.
const SHELLS: &[&str] = &["scenarios/src/files.rs", "coordinator/src/report/file.rs"];

/// What a pure room does not do: read clocks, wait, draw, touch files, sockets or the environment.
const IMPURE: &[&str] = &[
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    ".await",
    "std::net",
    "std::fs",
    "std::env",
    "tokio",
    "rand",
    "getrandom",
];

/// What stands nowhere, tests included.
const NOWHERE: &[&str] = &["todo!", "unimplemented!", "#[ignore", "thread::sleep", "unbounded_channel"];

/// Dependencies of which there is one version at most.
const SINGLE: &[&str] = &["tokio", "hyper", "rustls", "prost", "tonic", "reqwest", "http"];

/// Dependencies that are not there: they need a C toolchain or the system's OpenSSL.
const ABSENT: &[&str] = &["aws-lc-rs", "aws-lc-sys", "openssl-sys", "openssl"];

/// What of `patterns` stands in `code`, as `path:line: …`.
fn mentions(path: &str, code: &str, patterns: &[&str], rule: &str) -> Vec<String> {
    let lines = code.lines().zip(1..).map(|(line, number)| (number, line.to_owned()));
    let mut found = BTreeSet::new();
    for (number, line) in lines.chain(imports(code)) {
        let named = patterns.iter().filter(|pattern| has(&line, pattern));
        found.extend(named.map(|pattern| format!("{path}:{number}: `{pattern}`: {rule}")));
    }
    found.into_iter().collect()
}

/// What is wrong with one source file. `is_test`: it is compiled for tests only.
fn check_source(path: &str, text: &str, is_test: bool) -> Vec<String> {
    let mut wrong = mentions(path, &code_of(text, true), NOWHERE, "stands nowhere in this project");
    let lines = text.lines().count();
    if lines > MAX_LINES {
        wrong.push(format!("{path}:{lines}: a file has at most {MAX_LINES} lines"));
    }
    if is_test {
        return wrong;
    }
    let code = code_of(text, false);
    if PURE.iter().any(|room| path.starts_with(room)) && !SHELLS.contains(&path) {
        wrong.extend(mentions(
            path,
            &code,
            IMPURE,
            "this room is pure: time, draws and I/O come from outside",
        ));
    }
    for (name, within, alone) in NAMED_ONCE {
        if path.starts_with(within) && path != *alone {
            wrong.extend(mentions(path, &code, &[name], &format!("only {alone} names it")));
        }
    }
    wrong
}

/// Names in the `[dependencies]` sections of a manifest, those of one platform included, those for tests and builds not.
fn dependencies(manifest: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut within = false;
    for (line, number) in manifest.lines().map(str::trim).zip(1..) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            within = section == "dependencies" || section.ends_with(".dependencies");
            if let Some((_, name)) = section
                .split_once("dependencies.")
                .filter(|(before, _)| before.is_empty() || before.ends_with('.'))
            {
                found.push((number, name.to_owned()));
            }
        } else if within && !line.starts_with('#') {
            let name: String = line.chars().take_while(|c| is_word(*c) || *c == '-').collect();
            // A renamed one counts under its own name.
            let package = line.split_once("package = \"").and_then(|(_, rest)| rest.split('"').next());
            found.extend((!name.is_empty()).then(|| (number, package.map_or(name, str::to_owned))));
        }
    }
    found
}

/// What a crate depends on and must not.
fn check_manifest(folder: &str, manifest: &str) -> Vec<String> {
    let Some((_, _, allowed)) = CRATES.iter().find(|(name, ..)| *name == folder) else { return Vec::new() };
    let ours = |name: &str| name.starts_with("stampede-") || CRATES.iter().any(|(_, ours, _)| *ours == name);
    let no_io = ["stats", "scenarios"].contains(&folder);
    let does_io = |name: &str| NO_IO.iter().any(|no| name.split('-').any(|part| part == *no));
    let wrong = dependencies(manifest).into_iter().filter_map(|(line, name)| {
        let why = if ours(&name) && !allowed.contains(&&*name) {
            format!("of ours, {folder} may depend on {allowed:?} only")
        } else if no_io && does_io(&name) {
            format!("{folder} does no I/O")
        } else {
            return None;
        };
        Some(format!("{folder}/Cargo.toml:{line}: `{name}`: {why}"))
    });
    wrong.collect()
}

/// What of the lock file is twice, or should not be there.
fn check_lock(lock: &str) -> Vec<String> {
    let names: Vec<_> =
        lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    let count = |name: &str| names.iter().filter(|known| **known == name).count();
    let twice = SINGLE
        .iter()
        .filter(|name| count(name) > 1)
        .map(|name| format!("Cargo.lock: more than one version of {name}"));
    twice
        .chain(
            ABSENT.iter().filter(|name| count(name) > 0).map(|name| format!("Cargo.lock: {name} is in it")),
        )
        .collect()
}

/// What is behind `pub` or `pub(…)`, where it stands.
fn after_visibility(item: &str) -> &str {
    let Some(rest) = item.strip_prefix("pub") else { return item };
    let rest =
        rest.strip_prefix('(').and_then(|within| within.split_once(')')).map_or(rest, |(_, rest)| rest);
    rest.trim_start()
}

/// Files that a `#[cfg(test)] mod name;` of `path` stands for, without their ending.
fn test_modules(path: &str, text: &str) -> Vec<String> {
    let code = blank_text(text);
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let own = match file {
        "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    };
    let after = code
        .split("#[cfg(test)]")
        .skip(1)
        .filter_map(|rest| after_visibility(rest.trim_start()).strip_prefix("mod ")?.split_once(';'));
    after
        .map(|(name, _)| name.trim())
        .filter(|name| name.chars().all(is_word))
        .map(|name| format!("{own}/{name}"))
        .collect()
}

/// Every source file of the workspace, by its path from the root.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let mut folders: Vec<_> = fs::read_dir(root)
        .expect("readable")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.join("Cargo.toml").exists())
        .collect();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable") {
            let path = entry.expect("readable").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).expect("text");
                let path = path.strip_prefix(root).expect("within").to_string_lossy().replace('\\', "/");
                sources.push((path, text));
            }
        }
    }
    sources
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).expect("readable")
}

#[test]
fn sources_keep_to_the_design() {
    let sources = sources();
    assert!(sources.len() > 100, "only {} files were found", sources.len());
    let tests: Vec<_> = sources.iter().flat_map(|(path, text)| test_modules(path, text)).collect();
    let is_test = |path: &str| {
        let within = |module: &String| {
            path.strip_prefix(&**module).is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
        };
        path.contains("/tests/") && !path.contains("/src/") || tests.iter().any(within)
    };
    let wrong: Vec<_> =
        sources.iter().flat_map(|(path, text)| check_source(path, text, is_test(path))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let alone = NAMED_ONCE.iter().map(|(.., alone)| alone);
    for known in PURE.iter().chain(SHELLS).chain(alone) {
        assert!(
            sources.iter().any(|(path, _)| path.starts_with(known)),
            "{known} is in the rules and not there"
        );
    }
}

#[test]
fn crates_depend_on_whom_they_may() {
    let wrong: Vec<_> = CRATES
        .iter()
        .flat_map(|(folder, ..)| check_manifest(folder, &read(&format!("{folder}/Cargo.toml"))))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (folder, name, _) in CRATES {
        let manifest = read(&format!("{folder}/Cargo.toml"));
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "{folder} has another name than the rules know"
        );
    }
}

#[test]
fn large_dependencies_are_there_once() {
    let wrong = check_lock(&read("Cargo.lock"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
