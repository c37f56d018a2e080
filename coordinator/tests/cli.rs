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
    insta::assert_snapshot!("help_report", seen(&["report", "--help"]));
    insta::assert_snapshot!("help_watch", seen(&["watch", "--help"]));
    insta::assert_snapshot!("help_try", seen(&["try", "--help"]));
    insta::assert_snapshot!("help_new", seen(&["new", "--help"]));
    insta::assert_snapshot!("help_compare", seen(&["compare", "--help"]));
    insta::assert_snapshot!("help_completions", seen(&["completions", "--help"]));
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
fn plan_shows_stages_and_shapes() {
    let file = "scenarios/tests/valid/shape-list.yaml";
    insta::assert_snapshot!("plan_shape", seen(&["plan", file, "--workers", "2", "--seed", "1"]));
    // Of hours only the seconds in which something changes.
    let file = "scenarios/tests/valid/stages-long.yaml";
    insta::assert_snapshot!("plan_long", seen(&["plan", file, "--workers", "2", "--seed", "1"]));
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
    let compared = "p95 within 10% of baseline";
    let predict = "examples/predict.yaml";
    let cases: [(&str, &[&str]); 27] = [
        ("usage_two_models", &["x.yaml", "--rate", "10/s", "-r", "5"]),
        ("usage_header_as_host", &["x.yaml", "-H", "accept: */*"]),
        ("usage_foreign_flag", &["x.yaml", "--vus", "10"]),
        ("usage_duration_without_unit", &["x.yaml", "-t", "30"]),
        ("usage_url", &["ftp://127.0.0.1:1/"]),
        ("usage_url_flag_with_file", &["examples/predict.yaml", "-d", "x"]),
        ("usage_url_and_list", &["http://127.0.0.1:1/", "--urls", "urls.txt"]),
        ("usage_list_and_method", &["--urls", "urls.txt", "-X", "POST"]),
        ("usage_url_and_demo", &["http://127.0.0.1:1/", "--demo"]),
        ("usage_url_header", &["http://127.0.0.1:1/", "--header", "accept"]),
        ("usage_url_save", &["http://127.0.0.1:1/", "--save", "Cargo.toml"]),
        ("usage_no_file", &["nope.yaml"]),
        ("usage_no_scenario", &["--headless"]),
        ("usage_report_ending", &["examples/predict.yaml", "--report", "x.pdf"]),
        ("usage_var", &["x.yaml", "-e", "novalue"]),
        ("usage_label", &["x.yaml", "--label", "commit"]),
        ("usage_label_key", &["x.yaml", "--label", "=3f2a91c"]),
        ("usage_notify_url", &["examples/predict.yaml", "--notify", "hooks.test/secret"]),
        ("usage_notify_template", &["x.yaml", "--notify-template", "slack"]),
        (
            "usage_notify_name",
            &["examples/predict.yaml", "--notify", "http://h", "--notify-template", "Cargo.toml"],
        ),
        ("usage_label_twice", &["examples/predict.yaml", "--label", "a=1", "--label", "a=2"]),
        ("usage_threshold", &["x.yaml", "--threshold", "p95 < 500"]),
        ("usage_threshold_of_nothing", &["check", predict, "--threshold", "p95 of class visitr < 1s"]),
        ("usage_no_baseline", &[predict, "--threshold", compared]),
        ("usage_baseline_alone", &[predict, "--baseline", "last.json", "--threshold", "p95 < 1s"]),
        ("usage_baseline_missing", &[predict, "--baseline", "nope.json", "--threshold", compared]),
        (
            "usage_baseline_no_run",
            &[predict, "--baseline", "scenarios/src/schema/scenario.json", "--threshold", compared],
        ),
    ];
    for (name, args) in cases {
        insta::assert_snapshot!(name, seen(args));
    }
}

/// A folder of its own, removed at the end.
struct Folder(std::path::PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stampede-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn new_writes_a_scenario_once() {
    let folder = Folder::new("new");
    let file = folder.path("first.yaml");
    let hidden = |text: String| text.replace(&file, "FILE");
    insta::assert_snapshot!("new", hidden(seen(&["new", &file])));
    insta::assert_snapshot!("new_text", hidden(std::fs::read_to_string(&file).expect("written")));
    assert!(seen(&["check", &file]).starts_with("exit 0"), "it can be run");
    insta::assert_snapshot!("new_again", hidden(seen(&["new", &file])));
}

#[test]
fn editors_and_shells_get_what_they_need() {
    let schema: serde_json::Value =
        serde_json::from_slice(&coordinator(&["schema"]).stdout).expect("the schema is JSON");
    assert_eq!(schema["required"], serde_json::json!(["users"]));
    for shell in ["bash", "zsh", "fish"] {
        let script = String::from_utf8(coordinator(&["completions", shell]).stdout).expect("text");
        assert!(script.contains("coordinator") && script.contains("spawn-rate"), "{shell}: {script}");
    }
}

#[test]
fn try_shows_one_user_once() {
    let output = coordinator(&["try", "examples/predict.yaml", "--demo", "--seed", "1"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for shown in
        ["one visitor, one pass, seed 1", "POST /predict", "< 200 OK", "✓ status 200", "✓ 2 requests, all ok"]
    {
        assert!(text.contains(shown), "{shown} is missing in\n{text}");
    }
    let wrong = seen(&["try", "examples/predict.yaml", "--demo", "--class", "vistor"]);
    assert!(wrong.starts_with("exit 10") && wrong.contains("did you mean `visitor`?"), "{wrong}");
}

#[test]
fn try_fails_when_a_request_does() {
    // Nobody listens on port 1.
    let shown = seen(&["try", "examples/two-classes.yaml", "-H", "http://127.0.0.1:1", "--class", "reader"]);
    assert!(shown.starts_with("exit 1\n") && shown.contains("✗ connect: "), "{shown}");
}

#[test]
fn a_url_is_tested_and_saved() {
    let folder = Folder::new("url");
    let file = folder.path("saved.yaml");
    let args = ["http://127.0.0.1:1/kv/1", "-u", "2", "-i", "3", "--headless", "--json", "--save", &file];
    let output = coordinator(&args);
    assert_eq!(output.status.code(), Some(1), "nobody listens on port 1");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("the report is JSON");
    assert_eq!(
        (&report["totals"]["requests"], &report["endpoints"][0]["name"]),
        (&3.into(), &"/kv/1".into())
    );
    let check = seen(&["check", &file]);
    assert!(check.starts_with("exit 0") && check.contains("2 users"), "{check}");
}

#[test]
fn the_end_is_printed_as_another_tool_does() {
    let args = ["http://127.0.0.1:1/kv/1", "-u", "2", "-i", "3", "--headless", "--summary", "vegeta"];
    let output = coordinator(&args);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(stdout.starts_with("Requests      [total, rate, throughput]         3, "), "{stdout}");
    assert!(
        stdout.contains("\nStatus Codes  [code:count]                      0:3  \nError Set:\nconnect: "),
        "{stdout}"
    );
    assert!(stderr.contains("Stampede: failed. 3 of 3 requests failed"), "{stderr}");
    assert!(stderr.contains("\nreports    none asked for"), "{stderr}");
    assert_eq!(output.status.code(), Some(1));

    let folder = Folder::new("summary");
    let run = saved(&folder, "run.json", "", "");
    let output = coordinator(&["report", &run, "--summary", "ab"]);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(stdout.starts_with("Server Software:        n/a\n"), "{stdout}");
    assert!(stdout.contains("\nComplete requests:      503\n"), "{stdout}");
    assert!(stderr.starts_with("Stampede: passed."), "{stderr}");

    let both = coordinator(&["http://127.0.0.1:1/", "--summary", "ab", "--json"]);
    assert_eq!(both.status.code(), Some(2), "{}", text(&both.stderr));
}

/// A saved run, as the snapshots of reports have it, with something in it replaced.
fn saved(folder: &Folder, name: &str, from: &str, to: &str) -> String {
    let snapshots = concat!(env!("CARGO_MANIFEST_DIR"), "/src/report/tests/snapshots");
    let path = format!("{snapshots}/stampede_coordinator__report__tests__snapshots__passing_json.snap");
    let text = std::fs::read_to_string(path).expect("the snapshot");
    let json = text.splitn(3, "---\n").nth(2).expect("behind its head");
    assert!(json.contains(from));
    let path = folder.path(name);
    std::fs::write(&path, json.replace(from, to)).expect("written");
    path
}

#[test]
fn saved_runs_are_compared() {
    let folder = Folder::new("compare");
    let base = saved(&folder, "base.json", "", "");
    let report = folder.path("diff.md");
    let shown = seen(&["compare", &base, &base, "--report", &report]);
    insta::assert_snapshot!("compare", shown);
    let written = std::fs::read_to_string(report).expect("the report");
    assert!(written.starts_with("# Comparison: no difference that can be told"), "{written}");
    let of_folder = |text: String| text.replace(&folder.0.display().to_string(), "…");
    let other = saved(&folder, "other.json", "\"users_wanted\": 3", "\"users_wanted\": 30");
    insta::assert_snapshot!("compare_unlike", of_folder(seen(&["compare", &base, &other])));
    assert!(seen(&["compare", &base, &other, "--force"]).starts_with("exit 0"));
    let missing = folder.path("none.json");
    insta::assert_snapshot!("compare_missing", of_folder(seen(&["compare", &base, &missing])));
    let wrong = seen(&["compare", &base, &base, "--report", &folder.path("diff.html")]);
    insta::assert_snapshot!("compare_ending", of_folder(wrong));
}

/// The answer of `report` with the last run kept below `state`, whose path is not shown.
fn reported(state: &str, args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coordinator"));
    command.arg("report").args(args).env("XDG_STATE_HOME", state);
    for name in ["STAMPEDE_REPORT", "STAMPEDE_JSON"] {
        command.env_remove(name);
    }
    let output = command.output().expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().expect("it ends by itself");
    let seen =
        format!("exit {code}\n--- stdout\n{}--- stderr\n{}", text(&output.stdout), text(&output.stderr));
    seen.replace(state, "STATE")
}

/// A run that is kept below `state`: three requests to a port nobody listens on.
fn keep_a_run(state: &str) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coordinator"));
    let args = ["http://127.0.0.1:1/kv/1", "-i", "3", "--headless", "--bind", "127.0.0.1:0", "--json"];
    let output = command.args(args).env("XDG_STATE_HOME", state).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(1), "nobody listens on port 1");
}

#[test]
fn report_says_why_there_is_none() {
    let folder = Folder::new("no-report");
    let state = folder.path("");
    let state = state.trim_end_matches('/');
    insta::assert_snapshot!("report_none_kept", reported(state, &[]));
    insta::assert_snapshot!("report_not_there", reported(state, &["nope.json"]));
    let file = folder.path("other.json");
    std::fs::write(&file, r#"{"schema": "stampede.report/2"}"#).expect("written");
    insta::assert_snapshot!("report_other_schema", reported(state, &[&file]));
    std::fs::write(&file, "{}").expect("written");
    insta::assert_snapshot!("report_no_report", reported(state, &[&file]));
    insta::assert_snapshot!("report_ending", reported(state, &["--report", "x.pdf"]));
}

#[test]
fn report_makes_every_format_from_the_last_run() {
    let folder = Folder::new("report");
    let state = folder.path("");
    let state = state.trim_end_matches('/');
    keep_a_run(state);
    let table = reported(state, &[]);
    assert!(table.starts_with("exit 0\n--- stdout\nStampede: failed. 3 of 3 requests failed"), "{table}");
    assert!(table.contains("the run is kept in STATE/stampede/last.json"), "{table}");

    let files = ["r.html", "r.md", "r.json"].map(|name| folder.path(name));
    let args: Vec<_> = files.iter().flat_map(|file| ["--report", file]).collect();
    let told = reported(state, &args);
    assert_eq!(told, "exit 0\n--- stdout\nSTATE/r.html\nSTATE/r.md\nSTATE/r.json\n--- stderr\n");
    let [html, md, json] = files.clone().map(|file| std::fs::read_to_string(file).expect("written"));
    assert!(html.starts_with("<!doctype html>") && md.starts_with("# Load test"), "{md}");
    let last = std::fs::read_to_string(format!("{state}/stampede/last.json")).expect("kept");
    assert_eq!(json, last, "nothing is lost on the way");

    let shown = reported(state, &["--json", &files[2]]);
    assert_eq!(shown, format!("exit 0\n--- stdout\n{json}--- stderr\n"));
}

/// Linux has a file that lets itself be opened and takes nothing in.
#[cfg(target_os = "linux")]
#[test]
fn a_report_that_cannot_be_written_in_the_end_is_said() {
    let folder = Folder::new("full");
    let state = folder.path("");
    keep_a_run(state.trim_end_matches('/'));
    let mut command = Command::new(env!("CARGO_BIN_EXE_coordinator"));
    let full = std::fs::File::options().write(true).open("/dev/full").expect("opens");
    let output = command.arg("report").env("XDG_STATE_HOME", &state).stdout(full).output();
    assert_eq!(output.expect("the program starts").status.code(), Some(14));
}
