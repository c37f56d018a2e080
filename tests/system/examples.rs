//! The example files, each run for a few seconds against the demo target: every row that it should have is there, and each
//! has as many requests as the target saw. Pauses are cut short and rules about times widened; nothing else is changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use demo_target::DemoTarget;

use crate::support::{Bed, Finished, Report, target};

/// How an example is run, and what has to come of it.
struct Example {
    name: &'static str,
    /// What is replaced in it; each of these has to be there.
    changes: &'static [(&'static str, &'static str)],
    flags: &'static str,
    /// Worker processes; with 0 the embedded worker.
    workers: usize,
    /// Its rows, in order. A name is the path that is requested, with `:name` for what is any segment of it and, behind a
    /// space or a `?`, what is no path.
    rows: &'static [&'static str],
}

/// A bound for every example whose own is longer.
const SHORT: &str = "-t 2s --stop-timeout 8s";

const EXAMPLES: [Example; 16] = [
    Example { name: "arrivals", changes: &[], flags: SHORT, workers: 2, rows: &["GET /", "POST /echo"] },
    Example {
        name: "constant-rate",
        changes: &[("rate: 1500/s", "rate: 300/s")],
        flags: SHORT,
        workers: 2,
        rows: &["GET /"],
    },
    Example {
        name: "find-max",
        // 300 are taken: 250 hold, 500 and 375 do not.
        changes: &[
            ("from: 50/s", "from: 250/s\n    precision: 50%"),
            ("hold: 5s", "hold: 2s"),
            ("verify: 20s", "verify: 2s"),
            ("p99 < 100ms", "p99 < 20s"),
        ],
        flags: "",
        workers: 0,
        rows: &["GET /limited"],
    },
    Example { name: "fixed-count", changes: &[], flags: "", workers: 2, rows: &["GET /"] },
    Example {
        name: "graphql",
        changes: &[("wait: 500ms..1500ms", "wait: 50ms")],
        flags: SHORT,
        workers: 0,
        rows: &["POST /graphql AddReview", "POST /graphql Product", "POST /graphql Products"],
    },
    Example {
        name: "kv-mix",
        changes: &[("run_time: 10s", "run_time: 1s")],
        flags: "",
        workers: 2,
        rows: &["GET /kv/:key", "PUT /kv/:key"],
    },
    Example {
        name: "oauth-refresh",
        changes: &[("wait: 200ms..500ms", "wait: 50ms")],
        flags: SHORT,
        workers: 0,
        rows: &["GET /oauth/data", "POST /oauth/token", "POST /oauth/token (refresh)"],
    },
    Example {
        name: "paginate",
        changes: &[("wait: 1s..2s", "wait: 100ms")],
        flags: SHORT,
        workers: 0,
        rows: &["GET /events"],
    },
    Example {
        name: "poll-until-done",
        changes: &[("wait: 1s..3s", "wait: 50ms"), ("every: 500ms", "every: 20ms"), ("< 5s", "< 50s")],
        flags: SHORT,
        workers: 0,
        rows: &["GET /jobs/:id", "POST /jobs"],
    },
    Example {
        name: "predict",
        changes: &[("wait: 1s..5s", "wait: 100ms")],
        flags: "-u 10 -r 20 -t 2s",
        workers: 2,
        rows: &["GET /", "POST /predict"],
    },
    Example { name: "random-delay", changes: &[], flags: SHORT, workers: 0, rows: &["GET /"] },
    Example {
        name: "random-images",
        changes: &[("wait: 500ms..1500ms", "wait: 50ms")],
        flags: SHORT,
        workers: 2,
        rows: &[
            "POST /predict black.png",
            "POST /predict brown.png",
            "POST /predict grey.png",
            "POST /predict white.png",
        ],
    },
    Example {
        name: "shop",
        changes: &[
            ("wait: 1s..3s", "wait: 50ms"),
            ("think: 500ms..1s", "think: 10ms"),
            ("think: 500ms..2s", "think: 10ms"),
            ("p95 < 500ms", "p95 < 20s"),
            ("< 3s", "< 20s"),
        ],
        flags: SHORT,
        workers: 2,
        rows: &[
            "GET /cart",
            "GET /login",
            "GET /products",
            "GET /products/:sku",
            "POST /cart",
            "POST /checkout/confirm",
            "POST /checkout/pay",
            "POST /login",
        ],
    },
    Example {
        name: "stages",
        changes: &[
            ("20s", "1s"),
            ("30s", "1s"),
            ("every: 10s", "every: 1s"),
            ("warmup: 10s", "warmup: 1s"),
            ("200ms", "20s"),
        ],
        flags: "",
        workers: 2,
        rows: &["GET /products", "GET /products/sku-07"],
    },
    Example {
        name: "tenants",
        changes: &[("wait: 200ms..800ms", "wait: 50ms")],
        flags: SHORT,
        workers: 2,
        rows: &[
            "GET /events",
            "GET /tenant acme",
            "GET /tenant globex",
            "GET /tenant hooli",
            "GET /tenant initech",
            "GET /tenant umbrella",
        ],
    },
    Example {
        name: "two-classes",
        changes: &[
            ("wait: 2s..4s", "wait: 50ms"),
            ("wait: 500ms..2s", "wait: 50ms"),
            ("think: 500ms..1s", "think: 10ms"),
        ],
        flags: "-u 10 -r 20 -t 2s",
        workers: 2,
        rows: &["GET /", "GET /kv/welcome", "GET /me", "POST /kv/:key", "POST /kv/welcome", "POST /login"],
    },
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// Copies what examples send and read: everything in their folder that is no scenario.
fn copy_files(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("the examples") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        let ending = path.extension().and_then(|ending| ending.to_str());
        if ending.is_some_and(|ending| ["csv", "jpg", "png"].contains(&ending)) {
            fs::copy(&path, to.join(name)).expect("a copy");
        } else if name == "images" {
            fs::create_dir(to.join(name)).expect("a folder");
            copy_files(&path, &to.join(name));
        }
    }
}

/// Runs an example in which nothing fails; the report and the target it was aimed at.
fn run(name: &str) -> (Report, DemoTarget) {
    let (finished, report, target) = run_in(&Bed::new("", ""), name);
    finished.ended(0);
    report.is_whole();
    assert_eq!((report.counted("failed"), report.counted("cancelled")), (0, 0), "{name}");
    (report, target)
}

/// Runs any example.
fn run_in(bed: &Bed, name: &str) -> (Finished, Report, DemoTarget) {
    let example = EXAMPLES.iter().find(|example| example.name == name).expect("a known example");
    let mut text = fs::read_to_string(folder().join(format!("{name}.yaml"))).expect("the example");
    for (from, to) in example.changes {
        assert!(text.contains(from), "{name} has no {from}");
        text = text.replace(from, to);
    }
    let target = target();
    copy_files(&folder(), bed.dir.path());
    bed.dir.write("scenario.yaml", &text);
    let finished = bed.run(&format!("{} --host {}", example.flags, target.url()), example.workers);
    assert!(matches!(finished.code, Some(0 | 99)), "{name}: {}", finished.stderr);
    let report = bed.report();
    report.adds_up();
    check_rows(example, &report, &target);
    (finished, report, target)
}

/// All rows are there, and the target saw as many requests of each. What it saw in the warm-up is in none of them.
fn check_rows(example: &Example, report: &Report, target: &DemoTarget) {
    let reported = report.by_endpoint();
    assert_eq!(reported.keys().collect::<Vec<_>>(), example.rows, "{}", example.name);
    let warmup = report.number("/accounting/warmup/requests");
    assert_eq!(warmup > 0, example.name == "stages");
    assert_eq!(report.counted("sent") + warmup, target.log().len() as u64, "{}", example.name);
    let mut expected = BTreeMap::<String, u64>::new();
    for (row, requests) in &reported {
        *expected.entry(path_of(row).to_owned()).or_default() += requests;
    }
    let mut seen = BTreeMap::<String, u64>::new();
    for entry in target.log() {
        let request = format!("{} {}", entry.method, entry.path);
        let row = expected.keys().max_by_key(|row| fits(row, &request)).filter(|row| fits(row, &request) > 0);
        *seen.entry(row.unwrap_or(&request).clone()).or_default() += 1;
    }
    if warmup == 0 {
        assert_eq!(seen, expected, "{}", example.name);
    } else {
        assert!(seen.keys().eq(expected.keys()), "{seen:?}");
    }
}

/// Method and path of a row's name.
fn path_of(row: &str) -> &str {
    let path = row.find(' ').map_or(0, |space| space + 1);
    let end = row[path..].find([' ', '?']).map_or(row.len(), |end| path + end);
    &row[..end]
}

/// 2 when it is the very request, 1 when it is one of the row's.
fn fits(row: &str, request: &str) -> u8 {
    let (row_parts, parts) = (row.split('/'), request.split('/'));
    let same = row_parts.clone().count() == parts.clone().count();
    let fits = same && row_parts.zip(parts).all(|(row, part)| row.starts_with(':') || row == part);
    u8::from(fits) + u8::from(row == request)
}

fn group(report: &Report, name: &str) -> u64 {
    let groups = report.list("/groups");
    let row = groups.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{groups:?}"));
    assert_eq!(row["failures"], 0);
    row["requests"].as_u64().expect("a count")
}

#[test]
fn every_example_is_run() {
    let mut names: Vec<_> = fs::read_dir(folder())
        .expect("the examples")
        .filter_map(|entry| {
            entry.expect("an entry").path().file_name()?.to_str()?.strip_suffix(".yaml").map(str::to_owned)
        })
        .collect();
    names.sort();
    assert_eq!(names, EXAMPLES.map(|example| example.name));
}

macro_rules! runs {
    ($($test:ident: $name:literal),+ $(,)?) => {
        $(#[test]
        fn $test() {
            run($name);
        })+
    };
}

runs! {
    arrivals: "arrivals",
    constant_rate: "constant-rate",
    graphql: "graphql",
    predict: "predict",
    random_delay: "random-delay",
    random_images: "random-images",
    stages: "stages",
    tenants: "tenants",
    two_classes: "two-classes",
}

#[test]
fn find_max() {
    // Beyond the limit arrivals are dropped and requests fail: that is how it is found.
    let (finished, report, _target) = run_in(&Bed::alone("", ""), "find-max");
    let tries = report.list("/search/tries");
    let end = tries.last().and_then(|end| end["why"].as_str()).unwrap_or_default();
    if end.contains("at its own limit") {
        // Something else keeps the machine busy: then nothing is found, and it says so.
        finished.ended(99);
        assert_eq!(report.at("/search/verified"), false);
        return;
    }
    finished.ended(0);
    assert_eq!(report.at("/search/found"), 250.0, "{}", report.at("/search"));
    assert_eq!(report.at("/search/verified"), true);
}

#[test]
fn fixed_count() {
    let (report, _target) = run("fixed-count");
    assert_eq!((report.counted("sent"), report.counted("planned")), (1000, 1000));
    let connections = report.list("/targets")[0]["connections"].as_u64();
    assert_eq!(connections, Some(1000), "one for each request");
}

#[test]
fn kv_mix() {
    let (report, target) = run("kv-mix");
    let writes = report.by_endpoint()["PUT /kv/:key"] as f64 / report.counted("sent") as f64;
    assert!((0.1..0.3).contains(&writes), "{writes} of all are writes");
    assert_eq!(target.connections(), 20);
}

#[test]
fn oauth_refresh() {
    let (report, _target) = run("oauth-refresh");
    // A token is good ten times; its eleventh use is refused, answered by a refresh, and made again.
    let rows = report.by_endpoint();
    let tokens = rows["POST /oauth/token"] + rows["POST /oauth/token (refresh)"];
    assert!(rows["GET /oauth/data"] <= tokens * 11, "{rows:?}");
    // A busy machine may come to the end of the run before the last user has begun.
    let users = report.number("/run/users_peak")..=report.number("/run/users_wanted");
    assert!(users.contains(&rows["POST /oauth/token"]), "once for each of {users:?}: {rows:?}");
}

#[test]
fn paginate() {
    let (report, target) = run("paginate");
    let first = target.log().iter().filter(|entry| !entry.query.contains("cursor=")).count() as u64;
    assert_eq!(report.counted("iterations/completed"), first);
    assert_eq!(report.counted("sent"), first * 5, "100 events are five pages");
}

#[test]
fn poll_until_done() {
    let (report, _target) = run("poll-until-done");
    let rows = report.by_endpoint();
    assert_eq!(rows["GET /jobs/:id"], rows["POST /jobs"] * 4, "the fourth look finds it done");
    assert_eq!(group(&report, "job"), rows["POST /jobs"]);
}

#[test]
fn shop() {
    let (report, target) = run("shop");
    let rows = report.by_endpoint();
    assert_eq!(group(&report, "checkout"), rows["POST /checkout/confirm"]);
    assert_eq!(rows["POST /login"], target.counts()["GET /login"]);
    assert!(rows["POST /cart"] < rows["GET /products"], "most only look");
}
