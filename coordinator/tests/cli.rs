//! The command line as a person meets it: help, `check`, `plan`, and the answers to wrong usage.

use std::process::{Command, Output};

fn coordinator(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coordinator"));
    command
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .args(args)
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1");
    command.output().expect("the program starts")
}

/// Exit code, stdout and stderr as one text.
fn seen(args: &[&str]) -> String {
    let output = coordinator(args);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().expect("it ends by itself");
    format!("exit {code}\n--- stdout\n{}--- stderr\n{}", text(&output.stdout), text(&output.stderr))
}

#[test]
fn help() {
    insta::assert_snapshot!("help", seen(&["--help"]));
    insta::assert_snapshot!("help_check", seen(&["check", "--help"]));
    insta::assert_snapshot!("help_plan", seen(&["plan", "--help"]));
    insta::assert_snapshot!("help_certs", seen(&["certs", "--help"]));
    insta::assert_snapshot!("help_resume", seen(&["resume", "--help"]));
}

#[test]
fn check_says_what_would_run() {
    insta::assert_snapshot!("check", seen(&["check", "examples/predict.yaml", "--seed", "1"]));
}

#[test]
fn plan_shows_every_worker() {
    let args =
        ["plan", "examples/predict.yaml", "-u", "9", "-r", "2", "-t", "6s", "--workers", "3", "--seed", "1"];
    insta::assert_snapshot!("plan", seen(&args));
    let json = coordinator(&[&args[..], &["--json"]].concat());
    let lines: Vec<serde_json::Value> = String::from_utf8_lossy(&json.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    assert_eq!(lines.len(), 18, "nine starts and nine stops");
    assert_eq!(lines[1]["t"], 0.5);
    assert_eq!((&lines[1]["slot"], &lines[1]["class"]), (&1.into(), &"visitor".into()));
    assert_eq!((&lines[1]["change"], &lines[17]["change"]), (&"start".into(), &"stop".into()));
    assert!(lines.windows(2).all(|pair| pair[0]["t"].as_f64() <= pair[1]["t"].as_f64()), "in order of time");
}

#[test]
fn plan_shows_arrivals() {
    let args =
        ["plan", "examples/arrivals.yaml", "--rate", "45/s", "-t", "3s", "--workers", "2", "--seed", "1"];
    insta::assert_snapshot!("plan_arrivals", seen(&args));
    let json = coordinator(&[&args[..], &["--json"]].concat());
    let text = String::from_utf8_lossy(&json.stdout).into_owned();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    assert_eq!(lines.len(), 135);
    assert!(lines.iter().enumerate().all(|(number, line)| line["arrival"] == number));
    assert_eq!((lines[45]["t"].as_f64(), lines[45]["worker"].as_u64().is_some()), (Some(1.0), true));
}

#[test]
fn wrong_usage_is_answered_with_what_is_meant() {
    let cases: [(&str, &[&str]); 9] = [
        ("usage_two_models", &["x.yaml", "--rate", "10/s", "-r", "5"]),
        ("usage_header_as_host", &["x.yaml", "-H", "accept: */*"]),
        ("usage_foreign_flag", &["x.yaml", "--vus", "10"]),
        ("usage_duration_without_unit", &["x.yaml", "-t", "30"]),
        ("usage_url", &["http://127.0.0.1:1/"]),
        ("usage_no_file", &["nope.yaml"]),
        ("usage_no_scenario", &["--headless"]),
        ("usage_report_ending", &["examples/predict.yaml", "--report", "x.pdf"]),
        ("usage_var", &["x.yaml", "-e", "novalue"]),
    ];
    for (name, args) in cases {
        insta::assert_snapshot!(name, seen(args));
    }
}
