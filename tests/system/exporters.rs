//! Exporters of real runs, to receivers of the test: what they were told is what the report says, and a receiver that is dead or
//! silent costs a note and nothing else.

use std::collections::BTreeMap;
use std::fs;

use prost::Message;
use serde_json::Value;
use stampede_coordinator::export::remote_write::WriteRequest;

use crate::support::receiver::{Datagrams, Receiver, nobody, silent};
use crate::support::{Bed, Report, target};

const USERS: &str = r#"
users:
  member:
    wait: 20ms
    tasks:
      main:
        steps:
          - group: all
            steps:
              - get: /
              - post: /kv/a
                name: 'say "a", b=c\d'
                body: "x"
              - get: /status/500
thresholds:
  - p95 < 10s
  - error_rate < 50%
"#;

/// What a report says became of requests: ok, failed, cancelled.
fn reported(report: &Report) -> [u64; 3] {
    ["ok", "failed", "cancelled"].map(|name| report.counted(name))
}

/// The newest value of each series of requests, summed up by outcome.
fn written(posts: &[WriteRequest]) -> [u64; 3] {
    let mut newest = BTreeMap::new();
    for series in posts.iter().flat_map(|post| &post.timeseries) {
        let labels: BTreeMap<_, _> =
            series.labels.iter().map(|label| (label.name.as_str(), label.value.as_str())).collect();
        if labels["__name__"] == "stampede_requests_total" {
            newest.insert(labels, series.samples[0].value);
        }
    }
    let sum = |outcome: &str| -> f64 {
        newest.iter().filter(|(labels, _)| labels["outcome"] == outcome).map(|(_, value)| value).sum()
    };
    ["ok", "failed", "cancelled"].map(|outcome| sum(outcome).to_string().parse().expect("a whole number"))
}

/// The newest value of a field in each series of a measurement, summed up.
fn field(posts: &[String], measurement: &str, field: &str) -> u64 {
    let mut newest = BTreeMap::new();
    for line in posts.iter().flat_map(|post| post.lines()) {
        let is_it = line.strip_prefix(measurement).is_some_and(|rest| rest.starts_with([',', ' ']));
        let parts = line.rsplit_once(' ').and_then(|(line, _)| line.rsplit_once(' '));
        if let (true, Some((tags, fields))) = (is_it, parts) {
            let value = fields.split(',').find_map(|set| set.strip_prefix(field)?.strip_prefix('='));
            let value = value.and_then(|value| value.strip_suffix('i')).expect("a whole number");
            newest.insert(tags, value.parse::<u64>().expect("a number"));
        }
    }
    newest.values().sum()
}

/// Counters of requests by the outcome that their names end with or have within.
fn counted(datagrams: &[String], outcome: &str) -> u64 {
    let lines = datagrams.iter().flat_map(|datagram| datagram.lines());
    let counters = lines.filter_map(|line| line.strip_prefix("stampede.requests.")?.strip_suffix("|c"));
    let of = counters.map(|line| line.rsplit_once(':').expect("a value"));
    let of = of.filter(|(name, _)| name.split('.').any(|part| part == outcome));
    of.map(|(_, value)| value.parse::<u64>().expect("a whole number")).sum()
}

/// What exporters say they lost.
fn losses(report: &Report) -> Vec<&str> {
    let notes = report.list("/notes").iter().filter_map(Value::as_str);
    notes.filter(|note| note.contains("not delivered")).collect()
}

fn texts(receiver: &Receiver) -> Vec<String> {
    let posts = receiver.posts().into_iter();
    posts.map(|post| String::from_utf8(post.body).expect("text")).collect()
}

#[test]
fn what_every_receiver_was_told_is_what_the_report_says() {
    for workers in [0, 2] {
        let target = target();
        let bed = Bed::new(&target.url(), USERS);
        let statsd = Datagrams::new();
        // The first push of each is to be tried again.
        let once_busy: fn(usize) -> u16 = |number| if number == 0 { 503 } else { 204 };
        let (influx, write) = (Receiver::answering(once_busy), Receiver::answering(once_busy));
        let flags = format!(
            "-u 6 -r 30 -t 3s --statsd {} --influx http://a%3Db@{}/write?db=x --remote-write http://me:s%20t@{}/w --live-json live.json",
            statsd.address(),
            influx.address(),
            write.address()
        );
        let finished = bed.run(&flags, workers);
        finished.ended(0);
        let report = bed.report();
        report.adds_up();
        let [ok, failed, cancelled] = reported(&report);
        assert!(ok > 50 && failed > 25, "{ok} {failed}");
        assert_eq!(losses(&report), [] as [&str; 0]);

        let datagrams = statsd.all();
        assert_eq!(
            ["ok", "failed", "cancelled"].map(|name| counted(&datagrams, name)),
            [ok, failed, cancelled]
        );

        let posts = texts(&influx);
        let requests = ["ok", "failed", "cancelled"].map(|name| field(&posts, "stampede_requests", name));
        assert_eq!(requests, [ok, failed, cancelled]);
        assert_eq!(field(&posts, "stampede_failures", "failed"), failed);
        assert_eq!(posts[0], posts[1], "tried again as it was");
        let head = &influx.posts()[0].head;
        assert!(
            head.starts_with("post /write?db=x http/1.1\r\n")
                && head.contains("authorization: token a=b\r\n"),
            "{head}"
        );

        let unpacked = write.posts().into_iter().map(|post| {
            let bytes = snap::raw::Decoder::new().decompress_vec(&post.body).expect("snappy");
            WriteRequest::decode(&*bytes).expect("protobuf")
        });
        let unpacked: Vec<_> = unpacked.collect();
        assert_eq!(written(&unpacked), [ok, failed, cancelled]);
        let head = &write.posts()[0].head;
        for line in [
            "content-encoding: snappy",
            "x-prometheus-remote-write-version: 0.1.0",
            "authorization: basic bwu6cyb0",
        ] {
            assert!(head.contains(line), "{line}: {head}");
        }
        lines_of_json(&bed, &report);
        for secret in ["s%20t", "s t", "a%3Db"] {
            assert!(
                !finished.stderr.contains(secret) && !finished.stdout.contains(secret),
                "a secret was said"
            );
        }
    }
}

fn lines_of_json(bed: &Bed, report: &Report) {
    let text = fs::read_to_string(bed.dir.path().join("live.json")).expect("it was written");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let (first, last) = (&lines[0], &lines[lines.len() - 1]);
    assert_eq!((&first["schema"], &first["run"]["id"]), (&"stampede.live/1".into(), report.at("/run/id")));
    assert_eq!(
        (&last["end"]["verdict"], &last["end"]["stop_reason"]),
        (&"passed".into(), &"run_time".into())
    );
    let seconds = &lines[1..lines.len() - 1];
    let sum = |key: &str| seconds.iter().map(|line| line[key].as_u64().expect("a count")).sum::<u64>();
    let totals = (report.number("/totals/requests"), report.number("/totals/failures"));
    assert_eq!((sum("requests"), sum("failures")), totals);
    let newest = &seconds[seconds.len() - 1];
    assert_eq!(
        (&newest["requests_total"], &last["end"]["requests_total"]),
        (&totals.0.into(), &totals.0.into())
    );
    assert_eq!(newest["thresholds"][0]["holds"], true);
    assert!(
        newest["endpoints"]
            .as_array()
            .is_some_and(|rows| rows.iter().any(|row| row["name"] == "say \"a\", b=c\\d"))
    );
}

#[test]
fn receivers_that_are_dead_or_silent_cost_a_note_and_nothing_else() {
    let target = target();
    let bed = Bed::new(&target.url(), USERS);
    let refuses = Receiver::answering(|_| 400);
    let (statsd, influx) = (nobody(), silent());
    let flags = format!(
        "-u 6 -r 30 -t 2s --statsd {statsd} --influx http://{influx}/write --remote-write http://{}/w --live-json live.json",
        refuses.address()
    );
    let finished = bed.run(&flags, 0);
    finished.ended(0);
    let report = bed.report();
    report.adds_up();
    lines_of_json(&bed, &report);
    let notes = losses(&report);
    assert_eq!(notes.len(), 3, "{notes:?}");
    let attempts = refuses.posts().len();
    let mut published = Vec::new();
    for (to, why) in [
        (format!("--remote-write http://{}/w: ", refuses.address()), "status 400 Bad Request"),
        // The system may tell of the last one only after the end.
        (format!("--statsd {statsd}: "), "connection refused"),
        // It had not given up the first.
        (format!("--influx http://{influx}/write: "), ""),
    ] {
        let note = notes.iter().find_map(|note| note.strip_prefix(&to)).expect("a note");
        let (lost, rest) = note.split_once(" of ").expect("so many of so many");
        let (of, said) = rest.split_once(" seconds were not delivered: ").expect("the reason");
        let [lost, of] = [lost, of].map(|count| count.parse::<usize>().expect("a count"));
        assert!(lost == of || to.starts_with("--statsd") && (1..=of).contains(&lost), "{note}");
        assert!(said.starts_with(why), "{note}");
        assert!(finished.stderr.contains(note), "{}", finished.stderr);
        published.push(of);
    }
    assert!(published.iter().all(|of| *of == published[0]), "{notes:?}");
    assert!((1..=published[0]).contains(&attempts), "{attempts}: {notes:?}");
}

#[test]
fn an_exporter_that_cannot_work_is_said_before_the_start() {
    let target = target();
    let bed = Bed::new(&target.url(), USERS);
    let taken = silent();
    for (flags, said, code) in [
        (format!("--prometheus {taken}"), format!("error: --prometheus cannot listen on {taken}: "), 11),
        ("--prometheus nowhere".to_owned(), "error: --prometheus cannot listen on nowhere: ".to_owned(), 11),
        (
            "--statsd no-such-host.invalid:1".to_owned(),
            "error: --statsd no-such-host.invalid:1 cannot be sent to: ".to_owned(),
            11,
        ),
        (
            "--live-json no/such/folder".to_owned(),
            "error: --live-json cannot write to no/such/folder: ".to_owned(),
            2,
        ),
        ("--statsd 8125".to_owned(), "write it as HOST:PORT".to_owned(), 2),
        ("--remote-write 127.0.0.1:9090".to_owned(), "write it as a URL".to_owned(), 2),
        ("--influx http://h/write?precision=s".to_owned(), "precision=s".to_owned(), 2),
    ] {
        let finished = bed.run(&flags, 0);
        finished.ended(code);
        assert!(finished.stderr.contains(&said), "{flags}: {}", finished.stderr);
    }
    assert!(target.counts().is_empty(), "nothing ran");
}
