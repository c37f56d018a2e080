//! The real Prometheus: it scrapes a run, takes what another exporter writes to it, and says of both what the report says. It
//! understands every query of the dashboard.
//!
//! Where it is not installed the test says so, unless `STAMPEDE_TEST_PROMETHEUS` is `required`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::process::until;
use crate::support::receiver::nobody;
use crate::support::terminal::Terminal;
use crate::support::{Bed, Process, Report, coordinator, target};

const USERS: &str = r#"
users:
  member:
    wait: 20ms
    tasks:
      main:
        steps:
          - get: /
          - get: /status/500
            name: 'say "a" \ b'
"#;

/// A file of the repository.
fn repository(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The program, if it is to be found.
fn installed() -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join("prometheus").is_file())
}

/// A Prometheus that scrapes `metrics`, with the configuration that the repository has for that but more often.
struct Prometheus {
    _process: Process,
    address: String,
}

impl Prometheus {
    fn start(dir: &Path, metrics: &str) -> Self {
        let config = repository("deploy/prometheus/prometheus.yml");
        let mine =
            config.replace("127.0.0.1:9464", metrics).replace("scrape_interval: 5s", "scrape_interval: 1s");
        assert!(mine.contains(&format!("\"{metrics}\"")) && mine.contains("scrape_interval: 1s"), "{mine}");
        fs::write(dir.join("prometheus.yml"), mine).expect("a writable folder");
        let address = nobody();
        let mut command = Command::new("prometheus");
        command.current_dir(dir).args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]);
        command.args(["--web.enable-remote-write-receiver", &format!("--web.listen-address={address}")]);
        let prometheus = Self { _process: Process::start(command), address };
        until("a Prometheus that is ready", || {
            prometheus.get("/-/ready").is_some_and(|(status, _)| status == 200)
        });
        prometheus
    }

    fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        // A server does not send chunks to a client of this version.
        stream.write_all(format!("GET {path} HTTP/1.0\r\nhost: h\r\n\r\n").as_bytes()).ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    /// The result of a query, by the value of `label`.
    fn ask(&self, query: &str, label: &str) -> BTreeMap<String, String> {
        let mut path = "/api/v1/query?query=".to_owned();
        query.bytes().for_each(|byte| write!(path, "%{byte:02x}").expect("into a string"));
        let (status, body) = self.get(&path).expect("an answer");
        assert_eq!(status, 200, "{query}: {body}");
        let answer: Value = serde_json::from_str(&body).expect("JSON");
        let result = answer["data"]["result"].as_array().unwrap_or_else(|| panic!("{query}: {answer}"));
        let entry = |entry: &Value| {
            let name = entry["metric"][label].as_str().unwrap_or_default().to_owned();
            (name, entry["value"][1].as_str().expect("a value").to_owned())
        };
        result.iter().map(entry).collect()
    }
}

/// Completed and failed requests by name.
fn by_name(report: &Report) -> BTreeMap<String, String> {
    let rows = report.list("/endpoints").iter();
    rows.map(|row| (row["name"].as_str().expect("a name").to_owned(), row["requests"].to_string())).collect()
}

#[test]
fn prometheus_has_what_the_report_has() {
    if !installed() {
        let required = std::env::var("STAMPEDE_TEST_PROMETHEUS").is_ok_and(|value| value == "required");
        assert!(!required, "STAMPEDE_TEST_PROMETHEUS=required, and there is no prometheus in PATH");
        println!("no prometheus in PATH: nothing was tried");
        return;
    }
    let target = target();
    let bed = Bed::new(&target.url(), USERS);
    let metrics = nobody();
    let prometheus = Prometheus::start(bed.dir.path(), &metrics);
    // With a screen that stays, the page does, too: until the end was scraped, however long that takes.
    let mut command = coordinator(bed.dir.path());
    command.arg(&bed.scenario).args(["-u", "4", "-r", "20", "-t", "3s", "--threads", "1", "--stay"]);
    command.args(["--bind", "127.0.0.1:0", "--report", "report.json", "--prometheus", &metrics]);
    command.args(["--remote-write", &format!("http://{}/api/v1/write", prometheus.address)]);
    command.env("TERM", "xterm-256color");
    let mut terminal = Terminal::new();
    let mut process = terminal.start(command);
    let scraped = format!("instance=\"{metrics}\"");
    let finished = format!("stampede_run_phase{{{scraped},phase=\"finished\"}} == 1");
    until("a scrape of the end", || !prometheus.ask(&finished, "phase").is_empty());
    every_query_of_the_dashboard(&prometheus);
    terminal.press(b" ");
    // Requests failed.
    assert_eq!(process.end(), Some(1), "{}", process.stderr.text());
    let report = bed.report();
    report.adds_up();
    assert!(report.counted("ok") > 30 && report.counted("failed") > 30);
    let written = format!("instance=\"{}\"", report.text("/run/id"));
    for series in [&scraped, &written] {
        // Over time, because a target that is gone has no value now.
        let total = |by: &str, labels: &str| {
            let query =
                format!("sum by ({by}) (max_over_time(stampede_requests_total{{{series}{labels}}}[5m]))");
            prometheus.ask(&query, by)
        };
        assert_eq!(total("name", ",outcome=~\"ok|failed\""), by_name(&report), "{series}");
        assert_eq!(
            total("kind", ",outcome=\"failed\"")["status"],
            report.counted("failed").to_string(),
            "{series}"
        );
        let times = format!("sum(max_over_time(stampede_request_duration_seconds_count{{{series}}}[5m]))");
        assert_eq!(prometheus.ask(&times, "")[""], report.number("/totals/requests").to_string(), "{series}");
        let info = prometheus.ask(&format!("max_over_time(stampede_run_info{{{series}}}[5m])"), "run");
        assert_eq!(info.keys().collect::<Vec<_>>(), [report.text("/run/id")]);
    }
    let pushes = prometheus.ask(&format!("count_over_time(stampede_users{{{written}}}[5m])"), "job");
    assert!(pushes["stampede"].parse::<u32>().is_ok_and(|pushes| pushes >= 4), "one a second: {pushes:?}");
    let notes = report.list("/notes");
    assert!(
        !notes.iter().any(|note| note.as_str().is_some_and(|note| note.contains("not delivered"))),
        "{notes:?}"
    );
}

fn every_query_of_the_dashboard(prometheus: &Prometheus) {
    let dashboard: Value =
        serde_json::from_str(&repository("deploy/grafana/stampede.json")).expect("a dashboard is JSON");
    let mut asked = 0;
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().expect("a query");
            // What Grafana puts in.
            let query = query.replace("$instance", ".*").replace("$__rate_interval", "20s");
            prometheus.ask(&query, "");
            asked += 1;
        }
    }
    assert!(asked > 30);
}
