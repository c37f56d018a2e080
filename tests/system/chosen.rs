//! What is run of a test, and tests without a file: tags and classes by flags, one URL, lists of URLs, and what they are saved as.

use std::process::Command;

use crate::support::process::Process;
use crate::support::{Bed, Finished, coordinator, target};

const USERS: &str = "
users:
  shopper:
    wait: 1ms
    tasks:
      look: {tags: [read, smoke], steps: [get: /bytes/1]}
      buy: {tags: [write], steps: [post: /echo]}
      plain: {steps: [get: /bytes/2]}
  admin:
    wait: 1ms
    tasks: {count: {tags: smoke, steps: [get: /bytes/3]}}
";

#[test]
fn flags_choose_tasks_by_tag_and_classes_by_name() {
    for (flags, rows) in [
        ("-T smoke", &["GET /bytes/1", "GET /bytes/3"][..]),
        ("-T read,write", &["GET /bytes/1", "POST /echo"]),
        ("-E write --class shopper", &["GET /bytes/1", "GET /bytes/2"]),
    ] {
        let target = target();
        let bed = Bed::new(&target.url(), USERS);
        bed.run(&format!("-u 4 -r 100 -i 60 {flags}"), 1).ended(0);
        bed.report().adds_up();
        assert_eq!(target.counts().into_keys().collect::<Vec<_>>(), rows, "{flags}");
        assert_eq!(target.counts().values().sum::<u64>(), 60);
    }
}

/// Runs it to its end.
fn ran(mut command: Command) -> Finished {
    command.args(["--headless", "--bind", "127.0.0.1:0"]);
    Finished::of(&mut Process::start(command))
}

#[test]
fn a_url_is_a_test_and_its_file_is_the_same_test() {
    let target = target();
    let bed = Bed::new(&target.url(), USERS);
    let mut first = coordinator(bed.dir.path());
    first.arg(format!("{}/echo", target.url())).args([
        "-X",
        "PUT",
        "-d",
        "some text",
        "--header",
        "x-one: 1",
    ]);
    first.args(["-u", "3", "-i", "30", "--save", "saved.yaml"]);
    ran(first).ended(0);
    assert_eq!(target.counts()["PUT /echo"], 30);
    let mut second = coordinator(bed.dir.path());
    second.arg("saved.yaml").args(["-i", "10"]);
    ran(second).ended(0);
    assert_eq!(target.counts()["PUT /echo"], 40);
    assert!(target.log().iter().all(|entry| entry.headers["x-one"] == "1"));
}

#[test]
fn a_list_of_siege_is_gone_through() {
    let target = target();
    let bed = Bed::new(&target.url(), USERS);
    bed.dir
        .write("urls.txt", &format!("# three\n{0}/bytes/1\n{0}/bytes/2\n{0}/echo POST a=b\n", target.url()));
    let mut command = coordinator(bed.dir.path());
    command.args(["--urls", "urls.txt", "-u", "1", "-i", "9"]);
    ran(command).ended(0);
    let counts = target.counts();
    assert_eq!((counts["GET /bytes/1"], counts["GET /bytes/2"], counts["POST /echo"]), (3, 3, 3));
}

#[test]
fn a_trial_shows_what_happens_and_fails_with_it() {
    let target = target();
    let bed = Bed::new(
        &target.url(),
        "secrets: {key: hush-hush}\nusers: {v: {tasks: {t: {steps: [{post: /echo, body: \"is ${key}\"}]}}}}",
    );
    let tried = |more: &[&str]| {
        let mut command = coordinator(bed.dir.path());
        command.arg("try").arg(&bed.scenario).args(more);
        Finished::of(&mut Process::start(command))
    };
    let good = tried(&[]);
    good.ended(0);
    assert!(good.stdout.contains("✓ 1 request, all ok"), "{}", good.stdout);
    assert!(!good.stdout.contains("hush"), "{}", good.stdout);
    let bad = tried(&["--host", &format!("{}/status/500", target.url())]);
    bad.ended(1);
    assert!(bad.stdout.contains('✗'), "{}", bad.stdout);
}
