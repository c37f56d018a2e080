//! Ends before anything runs: wrong usage, mistakes in the scenario, ports that are taken, workers that do not come.

use std::net::TcpListener;

use crate::support::{Bed, Finished, Process, TempDir, coordinator, seen, target};

const QUICK: &str = "users: {visitor: {wait: 10ms, tasks: {main: {steps: [get: /]}}}}";

/// `coordinator` in `dir` with `flags`.
fn run(dir: &TempDir, flags: &str) -> Finished {
    let mut command = coordinator(dir.path());
    command.args(flags.split_whitespace());
    Finished::of(&mut Process::start(command))
}

/// It ended with `code`, said each of `telling` on stderr and nothing on stdout.
fn refused(finished: &Finished, code: i32, telling: &[&str]) {
    finished.ended(code);
    assert_eq!(finished.stdout, "");
    for text in telling {
        assert!(finished.stderr.contains(text), "no {text:?} in:\n{}", finished.stderr);
    }
}

#[test]
fn five_mistakes_are_all_named_with_their_lines() {
    let dir = TempDir::new();
    let scenario = "\
target: http://127.0.0.1:8080
users:
  visitor:
    wieght: 3
    wait: 5
    tasks:
      index:
        steps:
          - get: /${regoin}
          - psot: /a
load: {users: -1}
";
    dir.write("five.yaml", scenario);
    for flags in ["five.yaml --headless", "check five.yaml", "plan five.yaml"] {
        let finished = run(&dir, flags);
        refused(&finished, 10, &["wieght", "did you mean `weight`", "regoin", "psot", "five.yaml:4:5", "-1"]);
        for line in [4, 5, 9, 10, 11] {
            let place = format!("five.yaml:{line}:");
            assert!(finished.stderr.contains(&place), "no {place} in:\n{}", finished.stderr);
        }
    }
}

#[test]
fn an_image_that_is_not_there_is_a_mistake_with_a_place() {
    let dir = TempDir::new();
    let scenario = "\
target: http://127.0.0.1:8080
users:
  visitor:
    tasks:
      predict:
        steps:
          - post: /predict
            multipart: {file: {path: cat.jpg, type: image/jpeg}}
";
    dir.write("cat.yaml", scenario);
    refused(&run(&dir, "cat.yaml --headless"), 10, &["cat.jpg", "cat.yaml:8:"]);
}

#[test]
fn what_is_named_and_not_there_is_wrong_usage() {
    let target = target();
    let bed = Bed::new(&target.url(), QUICK);
    let run = |flags: &str| run(&bed.dir, flags);
    refused(&run("nowhere.yaml --headless"), 2, &["nowhere.yaml"]);
    refused(&run("check nowhere.yaml"), 2, &["nowhere.yaml"]);
    let no_folder = run("scenario.yaml --headless -t 1s --report nowhere/r.md");
    refused(&no_folder, 2, &["nowhere/r.md", "no folder `nowhere`"]);
    let no_format = run("scenario.yaml --headless -t 1s --report r.pdf");
    refused(&no_format, 2, &["r.pdf", "no report format .pdf", ".md, .html, .json"]);
    assert_eq!(seen(&target), 0, "nothing was sent");
}

#[test]
fn without_a_scenario_and_a_screen_there_are_three_ways_on() {
    let dir = TempDir::new();
    let ways = ["coordinator FILE", "coordinator URL", "coordinator --demo"];
    refused(&run(&dir, "--headless"), 2, &ways);
    refused(&run(&dir, "--expect-workers 2"), 2, &ways);
    dir.write("scenario.yaml", "users: {}");
    refused(&run(&dir, "--headless"), 10, &["scenario.yaml:1:"]);
}

#[test]
fn flags_of_other_tools_are_answered_with_the_one_meant() {
    let dir = TempDir::new();
    let asked = [
        ("-c 10", "--users"),
        ("-n 10", "--iterations"),
        ("--vus=10", "--users"),
        ("--duration 10s", "--run-time"),
        ("--concurrency 3", "--users"),
        ("-z 10s", "--run-time"),
        ("-f a.yaml", "coordinator FILE"),
        ("--csv out", "--report"),
        ("--html out", "--report"),
        ("a.yaml -H accept:x --frobnicate", "--frobnicate"),
        ("a.yaml -t 5", "5s"),
        ("a.yaml -u 0", "--users"),
        ("a.yaml --http-client curl", "reqwest"),
        ("a.yaml --source-ip here", "--source-ip"),
    ];
    for (flags, meant) in asked {
        refused(&run(&dir, flags), 2, &[meant]);
    }
    let header = Finished::of(&mut Process::start({
        let mut command = coordinator(dir.path());
        command.args(["a.yaml", "-H", "accept: */*"]);
        command
    }));
    refused(&header, 2, &["-H is --host", "--header 'accept: */*'"]);
}

#[test]
fn an_address_that_is_not_here_is_wrong_usage() {
    let bed = Bed::new("http://127.0.0.1:9", QUICK);
    let run = |flags: &str| run(&bed.dir, &format!("scenario.yaml --headless -t 1s --source-ip {flags}"));
    refused(&run("192.0.2.1"), 2, &["this machine has no address 192.0.2.1"]);
    refused(&run("0.0.0.0"), 2, &["0.0.0.0 is not an address of a machine"]);
    refused(&run("127.0.0.1 --expect-workers 1"), 2, &["give it to the workers"]);
    let mut command = crate::support::worker(bed.dir.path(), "127.0.0.1:9", "w");
    command.args(["--source-ip", "192.0.2.1"]);
    refused(&Finished::of(&mut Process::start(command)), 2, &["this machine has no address 192.0.2.1"]);
}

#[test]
fn a_taken_port_ends_only_a_run_that_wants_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let target = target();
    let bed = Bed::new(&target.url(), QUICK);
    let asked = run(&bed.dir, &format!("scenario.yaml --headless -t 1s --bind {address}"));
    refused(&asked, 11, &[&address, "taken", "--bind"]);
    let malformed = run(&bed.dir, "scenario.yaml --headless -t 1s --bind nonsense");
    refused(&malformed, 11, &["nonsense"]);
    assert_eq!(seen(&target), 0);

    // The usual port is taken now, by this listener or by somebody else; it does not matter who.
    let _usual = TcpListener::bind("127.0.0.1:5557");
    let noted = run(&bed.dir, "scenario.yaml --headless -t 500ms -v");
    noted.ended(0);
    assert!(noted.stderr.contains("no other workers can join: 127.0.0.1:5557 is taken"), "{}", noted.stderr);
    let waits = run(&bed.dir, "scenario.yaml --headless -t 500ms --expect-workers 1");
    refused(&waits, 11, &["127.0.0.1:5557 is taken"]);
}

#[test]
fn workers_that_do_not_come() {
    let bed = Bed::new("http://127.0.0.1:9", QUICK);
    let finished = bed.run("--expect-workers 1 --expect-timeout 1s -t 1s", 0);
    refused(&finished, 12, &["0 of 1 workers came within 1s", "worker --connect 127.0.0.1:"]);
    assert!(!bed.dir.path().join("report.json").exists());
}
