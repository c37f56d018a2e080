//! Files: checked before, written whole, found again.
//!
//! Each test has a folder of its own and looks at what is in it afterwards.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::fixtures;
use crate::report::{Format, Report, ReportError, check_target, last_path, read_json, write, write_last};

/// A folder of its own, gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stampede-report-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    fn names(&self) -> Vec<OsString> {
        let mut names: Vec<_> =
            fs::read_dir(&self.0).expect("reads").flatten().map(|e| e.file_name()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn said<T: std::fmt::Debug>(result: Result<T, ReportError>) -> String {
    result.expect_err("must be refused").to_string()
}

#[test]
fn the_ending_tells_the_format() {
    assert_eq!(Format::of(Path::new("a/b.MD")).expect("known"), Format::Markdown);
    assert_eq!(Format::of(Path::new("b.json")).expect("known"), Format::Json);
    assert_eq!(Format::of(Path::new("c.html")).expect("known"), Format::Html);
    let pdf = Format::of(Path::new("x.pdf")).expect_err("unknown").to_string();
    let endings = ".md, .html, .json, .csv, .xml and .hlog";
    assert_eq!(pdf, format!("`x.pdf`: there is no report format .pdf; this version writes {endings}"));
    let none = Format::of(Path::new("report")).expect_err("unknown").to_string();
    assert!(none.ends_with(&format!("has none; this version writes {endings}")), "{none}");
}

#[test]
fn a_target_is_checked_without_a_trace() {
    let folder = Folder::new("check");
    let file = folder.0.join("report.md");
    check_target(&file).expect("can be written");
    assert!(folder.names().is_empty());
    fs::write(&file, "before").expect("writes");
    check_target(&file).expect("can be replaced");
    assert_eq!(fs::read_to_string(&file).expect("reads"), "before");
    assert_eq!(folder.names(), ["report.md"]);

    let missing = said(check_target(&folder.0.join("no/report.md")));
    assert!(missing.contains("there is no folder") && missing.contains("create it"), "{missing}");
    fs::create_dir(folder.0.join("d.md")).expect("creates");
    assert!(said(check_target(&folder.0.join("d.md"))).contains("is a folder; name a file in it"));
    assert!(said(check_target(&folder.0.join("x.pdf"))).contains("this version writes .md, .html"));
    fs::create_dir(folder.0.join("run_failures.csv")).expect("creates");
    let inside = said(check_target(&folder.0.join("run.csv")));
    assert!(inside.contains("run_failures.csv` is a folder"), "{inside}");
}

#[test]
fn a_report_is_written_whole_and_read_back() {
    let folder = Folder::new("write");
    let report = Report::from_result(&fixtures::passing());
    let path = folder.0.join("state/stampede/last.json");
    write_last(&path, &report).expect("creates its folder");
    assert_eq!(read_json(&path).expect("reads"), report);

    let md = folder.0.join("report.md");
    fs::write(&md, "before").expect("writes");
    write(&md, &report).expect("replaces");
    assert!(fs::read_to_string(&md).expect("reads").starts_with("# Built-in demo: passed\n"));
    assert_eq!(folder.names(), ["report.md", "state"]);
}

#[test]
fn what_fails_leaves_nothing_behind() {
    let folder = Folder::new("fail");
    let blocked = folder.0.join("report.md");
    fs::create_dir(&blocked).expect("creates");
    let report = Report::from_result(&fixtures::no_request());
    assert!(said(write(&blocked, &report)).contains("was not written"));
    assert_eq!(folder.names(), ["report.md"]);
    assert!(said(write(&folder.0.join("no/report.json"), &report)).contains("was not written"));
}

#[test]
fn four_files_are_written_or_none() {
    let folder = Folder::new("four");
    let report = Report::from_result(&fixtures::failing());
    let names = ["run_exceptions.csv", "run_failures.csv", "run_stats.csv", "run_stats_history.csv"];
    let written = write(&folder.0.join("run.csv"), &report).expect("writes");
    assert_eq!(written.len(), 4);
    assert_eq!(folder.names(), names);
}

#[cfg(target_os = "linux")]
#[test]
fn when_the_last_of_four_cannot_be_written_the_others_stay_as_they_were() {
    let folder = Folder::new("four-fail");
    fs::write(folder.0.join("run_stats.csv"), "before").expect("writes");
    // A file can be made in no folder of this kind, by nobody.
    let last = folder.0.join("run_exceptions.csv");
    std::os::unix::fs::symlink("/proc/self/status", &last).expect("links");
    let report = Report::from_result(&fixtures::failing());
    let text = said(write(&folder.0.join("run.csv"), &report));
    assert!(text.contains("run_exceptions.csv` was not written"), "{text}");
    assert_eq!(fs::read_to_string(folder.0.join("run_stats.csv")).expect("reads"), "before");
    assert_eq!(folder.names(), ["run_exceptions.csv", "run_stats.csv"]);
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let folder = Folder::new("link");
    let (real, link) = (folder.0.join("real.md"), folder.0.join("link.md"));
    fs::write(&real, "before").expect("writes");
    std::os::unix::fs::symlink(&real, &link).expect("links");
    write(&link, &Report::from_result(&fixtures::passing())).expect("writes");
    assert!(fs::symlink_metadata(&link).expect("is there").is_symlink());
    assert!(fs::read_to_string(&real).expect("reads").starts_with("# Built-in demo"));
}

#[test]
fn other_files_are_named_as_such() {
    let folder = Folder::new("read");
    let path = folder.0.join("x.json");
    let said = || read_json(&path).expect_err("must be refused").to_string();
    assert!(said().contains("cannot be read"));
    fs::write(&path, "{}").expect("writes");
    assert!(said().contains("is no report of Stampede"));
    fs::write(&path, r#"{"schema": "stampede.report/2"}"#).expect("writes");
    assert!(said().contains("has the format `stampede.report/2`; this version reads `stampede.report/1`"));
}

#[test]
fn the_last_run_lies_in_the_state_folder() {
    let with = |xdg: Option<&str>, home: Option<&str>| {
        last_path(|name| match name {
            "XDG_STATE_HOME" => xdg.map(OsString::from),
            "HOME" => home.map(OsString::from),
            _ => None,
        })
    };
    let home = Some(PathBuf::from("/h/.local/state/stampede/last.json"));
    assert_eq!(with(Some("/x"), Some("/h")), Some(PathBuf::from("/x/stampede/last.json")));
    assert_eq!(with(Some(""), Some("/h")), home);
    assert_eq!(with(Some("relative"), Some("/h")), home);
    assert_eq!(with(None, Some("/h")), home);
    assert_eq!(with(None, None), None);
}
