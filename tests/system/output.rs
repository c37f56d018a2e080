//! What a script gets: JSON on stdout, the last run, settings from the environment, the demo.

use std::fs;

use crate::support::{Bed, Finished, Process, Report, TempDir, coordinator, seen, target};

const QUICK: &str = "users: {visitor: {wait: 20ms, tasks: {main: {steps: [get: /, get: /status/404]}}}}";

#[test]
fn json_is_all_there_is_on_stdout_and_the_run_is_kept() {
    let target = target();
    let bed = Bed::new(&target.url(), QUICK);
    let finished = bed.run("-u 2 -r 100 -t 500ms --json", 0);
    finished.ended(1);
    let report = Report::parse(&finished.stdout);
    report.adds_up();
    assert_eq!(report.text("/schema"), "stampede.report/1");
    assert_eq!(report.counted("sent"), seen(&target));
    let kept = Report::read(&bed.dir.path().join("state/stampede/last.json"));
    assert_eq!(report.0, kept.0);
    assert_eq!(report.0, bed.report().0);
}

#[test]
fn the_environment_is_as_good_as_flags_and_flags_win() {
    let target = target();
    let bed = Bed::new("http://127.0.0.1:9", QUICK);
    let folder = bed.dir.path();
    let mut command = coordinator(folder);
    let reports = format!("{}\n{}", folder.join("a.json").display(), folder.join("b.md").display());
    for (key, value) in [
        ("USERS", "3"),
        ("SPAWN_RATE", "50/s"),
        ("RUN_TIME", "500ms"),
        ("HOST", &target.url()),
        ("SEED", "77"),
        ("HEADLESS", "1"),
        ("BIND", "127.0.0.1:0"),
        ("THREADS", "2"),
        ("EXIT_CODE_ON_ERROR", "42"),
        ("STOP_TIMEOUT", "3s"),
        ("REPORT", &reports),
    ] {
        command.env(format!("STAMPEDE_{key}"), value);
    }
    command.arg(&bed.scenario).args(["--seed", "78"]);
    let finished = Finished::of(&mut Process::start(command));
    finished.ended(42);
    let report = Report::read(&folder.join("a.json"));
    assert_eq!(report.number("/run/users_wanted"), 3);
    assert_eq!(report.number("/run/seed"), 78);
    assert_eq!(report.at("/run/run_time_s").as_f64(), Some(0.5));
    assert_eq!(report.at("/run/spawn_rate").as_f64(), Some(50.0));
    assert_eq!(report.text("/run/target"), target.url());
    let markdown = fs::read_to_string(folder.join("b.md")).expect("the second report");
    assert!(markdown.contains("| Type | Name"), "{markdown}");
    assert!(finished.stdout.contains("a.json") && finished.stdout.contains("b.md"), "{}", finished.stdout);
}

#[test]
fn the_demo_needs_nothing() {
    let dir = TempDir::new();
    let mut command = coordinator(dir.path());
    command.args([
        "--demo",
        "--headless",
        "-u",
        "8",
        "-r",
        "50",
        "-t",
        "1s",
        "--bind",
        "127.0.0.1:0",
        "--json",
    ]);
    let finished = Finished::of(&mut Process::start(command));
    finished.ended(0);
    let report = Report::parse(&finished.stdout);
    report.adds_up();
    assert_eq!(report.at("/run/demo"), true);
    assert!(report.counted("ok") >= 8);
}
