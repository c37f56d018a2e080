//! What users keep and send: cookies of their own, files that workers fetch from the coordinator.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Bed, target};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name)
}

/// Users log in as what their class says, and expect to be that one in every task. The classes take turns, so that each
/// worker has users of both.
fn members(defaults: &str) -> String {
    let class = |name: &str| {
        format!(
            "
  {name}:
    wait: 20ms
    on_start: [{{post: /login, json: {{user: {name}}}}}]
    tasks: {{main: {{steps: [{{get: /me, expect: {{status: 200, body: {{contains: {name}}}}}}}]}}}}"
        )
    };
    format!("defaults: {{{defaults}}}\nusers:{}{}\n", class("ann"), class("bob"))
}

#[test]
fn every_user_has_a_cookie_jar_of_its_own() {
    let target = target();
    let bed = Bed::new(&target.url(), &members("timeout: 10s"));
    bed.run("-u 8 -r 50 -t 1500ms", 2).ended(0);
    let report = bed.report();
    report.adds_up();
    report.is_whole();
    assert_eq!(report.by_endpoint(), target.counts());
    assert_eq!(target.counts()["POST /login"], 8);
    assert!(target.counts()["GET /me"] > 80);
}

#[test]
fn without_cookies_nobody_stays_logged_in() {
    let target = target();
    let bed = Bed::new(&target.url(), &members("cookies: false"));
    bed.run("-u 4 -r 50 -t 1s", 1).ended(1);
    let report = bed.report();
    report.adds_up();
    let failed = target.counts()["GET /me"];
    assert_eq!((report.counted("failed"), report.counted("ok")), (failed, 4));
    assert!(report.by_kind()["status"] == failed, "{:?}", report.by_kind());
    assert!(report.list("/errors")[0]["message"].as_str().is_some_and(|text| text.contains("401")));
}

/// The example with its pace raised, expecting the target to have got `bytes`; on `workers` workers.
fn predict(bytes: usize, workers: usize, code: i32) {
    let target = target();
    let text = fs::read_to_string(example("predict.yaml")).expect("the example");
    let expect = format!("expect: {{status: 200, body: {{contains: '\"bytes\":{bytes}}}'}}}}");
    let changed = text.replace("expect: {status: 200}", &expect).replace("wait: 1s..5s", "wait: 50ms");
    assert_ne!(changed.len(), text.len());
    let bed = Bed::new("", "");
    fs::copy(example("dog.jpg"), bed.dir.path().join("dog.jpg")).expect("the picture");
    bed.dir.write("scenario.yaml", &changed);
    bed.run(&format!("-u 6 -r 50 -t 2s --host {}", target.url()), workers).ended(code);
    let report = bed.report();
    report.adds_up();
    report.is_whole();
    assert_eq!(report.by_endpoint(), target.counts());
    let predictions = target.counts()["POST /predict"];
    let failed = if code == 0 { 0 } else { predictions };
    assert_eq!(report.counted("failed"), failed);
    let size = fs::metadata(example("dog.jpg")).expect("the picture").len();
    assert!(report.number("/totals/bytes_out") > predictions * size);
}

fn picture() -> usize {
    fs::read(example("dog.jpg")).expect("the picture").len()
}

#[test]
fn workers_fetch_the_picture_and_send_all_of_it() {
    predict(picture(), 2, 0);
}

#[test]
fn the_embedded_worker_sends_all_of_it_as_well() {
    predict(picture(), 0, 0);
}

#[test]
fn a_size_that_is_not_the_picture_s_fails() {
    predict(picture() + 1, 1, 1);
}
