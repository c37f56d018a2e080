//! Who is let in and who is not: tokens, TLS, certificates, and what both sides say about it. And what a worker refuses to do.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};

use crate::support::{Bed, Finished, Process, TempDir, coordinator, seen, target, worker};

const TOKEN: &str = "correct-horse-battery";

/// A word that stands in the scenario and nowhere a stranger may look.
const INNER: &str = "innermost";

const STEADY: &str =
    "name: innermost\nusers: {innermost: {wait: 20ms, tasks: {innermost: {steps: [get: /]}}}}";

/// A coordinator that waits for one worker, with these flags and this token.
fn waiting(bed: &Bed, flags: &str, token: Option<&str>) -> Process {
    let mut command = bed.coordinator(&format!("--expect-workers 1 -u 2 -r 100 -t 1s {flags}"));
    command.envs(token.map(|token| ("STAMPEDE_TOKEN", token)));
    Process::start(command)
}

fn coming(bed: &Bed, address: &str, flags: &str, token: Option<&str>) -> Command {
    let mut command = worker(bed.dir.path(), address, "w");
    command.arg("--once").args(flags.split_whitespace());
    command.envs(token.map(|token| ("STAMPEDE_TOKEN", token)));
    command
}

/// The worker ends at once with exit code 11 and `worker_says`; the coordinator says `coordinator_says`.
fn turned_away(
    bed: &Bed,
    coordinator: &Process,
    worker: (&str, Option<&str>),
    worker_says: &str,
    coordinator_says: &str,
) {
    let (flags, token) = worker;
    let address = coordinator.address();
    let finished = Finished::of(&mut Process::start(coming(bed, &address, flags, token)));
    finished.ended(11);
    assert!(finished.stderr.contains(worker_says), "no {worker_says:?} in:\n{}", finished.stderr);
    assert_eq!(finished.stderr.matches("error:").count(), 1, "{}", finished.stderr);
    for hidden in [INNER, TOKEN, "127.0.0.1:8", "scenario"] {
        assert!(!finished.stderr.contains(hidden), "{hidden:?} in:\n{}", finished.stderr);
    }
    coordinator.said(&format!("refused a peer at 127.0.0.1: {coordinator_says}"));
}

/// The fitting worker is let in after all, and the test is as any other.
fn taken(bed: &Bed, mut coordinator: Process, flags: &str, token: Option<&str>) {
    let mut worker = Process::start(coming(bed, &coordinator.address(), flags, token));
    let finished = Finished::of(&mut coordinator);
    finished.ended(0);
    assert_eq!(worker.end(), Some(0), "{}", worker.stderr.whole());
    let report = bed.report();
    report.adds_up();
    report.is_whole();
    let everything = format!("{}{}{}", finished.stdout, finished.stderr, worker.stderr.whole());
    assert!(!everything.contains(TOKEN), "{everything}");
    let report = fs::read_to_string(bed.dir.path().join("report.json")).expect("a report");
    assert!(!report.contains(TOKEN));
}

/// `coordinator certs DIR`.
fn certs(bed: &Bed, dir: &str) -> Finished {
    let mut command = coordinator(bed.dir.path());
    command.args(["certs", dir]);
    Finished::of(&mut Process::start(command))
}

#[test]
fn a_token_lets_in_who_shows_it() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let coordinator = waiting(&bed, "-v", Some(TOKEN));
    coordinator.said("STAMPEDE_TOKEN=•••• worker --connect 127.0.0.1:");
    turned_away(
        &bed,
        &coordinator,
        ("", None),
        "this coordinator wants a token, and none was shown",
        "it shows no token",
    );
    let wrong = "the token that was shown is not this coordinator's; set STAMPEDE_TOKEN";
    turned_away(&bed, &coordinator, ("", Some("correct-horse-batterz")), wrong, "it shows another token");
    assert_eq!(seen(&target), 0);
    bed.dir.write("token", &format!("{TOKEN}\n"));
    taken(&bed, coordinator, "--token-file token", None);
}

#[test]
fn a_token_stands_in_no_list_of_processes_that_was_not_asked_to() {
    let bed = Bed::new("http://127.0.0.1:9", STEADY);
    let coordinator = waiting(&bed, "", Some(TOKEN));
    coordinator.address();
    let line = fs::read(format!("/proc/{}/cmdline", coordinator.id())).expect("its own process");
    assert!(!String::from_utf8_lossy(&line).contains(TOKEN));
}

#[test]
fn an_open_port_wants_a_token_or_a_word() {
    let bed = Bed::new("http://127.0.0.1:9", STEADY);
    let run = |flags: &str| {
        let mut command = coordinator(bed.dir.path());
        command.args(["scenario.yaml", "--headless", "--expect-timeout", "1s", "--expect-workers", "1"]);
        command.args(flags.split_whitespace());
        Finished::of(&mut Process::start(command))
    };
    for flags in ["--bind 0.0.0.0:0", "--bind [::]:0"] {
        let refused = run(flags);
        refused.ended(2);
        for way in ["STAMPEDE_TOKEN=…", "--token-file FILE", "--no-token"] {
            assert!(refused.stderr.contains(way), "no {way} in:\n{}", refused.stderr);
        }
    }
    let waved = run("--bind 0.0.0.0:0 --no-token");
    waved.ended(12);
    let with = run(&format!("--bind 0.0.0.0:0 --token {TOKEN}"));
    with.ended(12);
    assert!(with.stderr.contains("STAMPEDE_TOKEN=•••• worker --connect") && !with.stderr.contains(TOKEN));
    let short = run("--token short");
    short.ended(2);
    assert!(
        short.stderr.contains("at least 8 characters") && !short.stderr.contains("short\n"),
        "{}",
        short.stderr
    );
    run(&format!("--no-token --token {TOKEN}")).ended(2);
    run("--fleet-cert only.pem").ended(2);
    run("--fleet-cert nowhere.pem --fleet-key nowhere.key").ended(2);
    run("--lease 10ms").ended(2);
}

#[test]
fn certificates_are_made_once_and_their_keys_are_for_the_owner() {
    let bed = Bed::new("http://127.0.0.1:9", STEADY);
    let made = certs(&bed, "fleet");
    made.ended(0);
    for text in ["--fleet-cert fleet/coordinator.pem", "--fleet-ca ca.pem", "localhost", "127.0.0.1", "::1"] {
        assert!(made.stdout.contains(text), "no {text} in:\n{}", made.stdout);
    }
    for name in ["ca.key", "coordinator.key", "worker.key"] {
        let file = fs::metadata(bed.dir.path().join("fleet").join(name)).expect("a key");
        assert_eq!(file.permissions().mode() & 0o777, 0o600, "{name}");
    }
    let before = fs::read(bed.dir.path().join("fleet/ca.pem")).expect("a certificate");
    let again = certs(&bed, "fleet");
    again.ended(2);
    assert!(again.stderr.contains("is there already, and nothing is overwritten"), "{}", again.stderr);
    assert_eq!(fs::read(bed.dir.path().join("fleet/ca.pem")).expect("a certificate"), before);
    let mut named = coordinator(bed.dir.path());
    named.args(["certs", "other", "--name", "http://load"]);
    let named = Finished::of(&mut Process::start(named));
    named.ended(2);
    assert!(named.stderr.contains("neither a host name nor an address"), "{}", named.stderr);
}

const COORDINATOR_TLS: &str = "--fleet-cert fleet/coordinator.pem --fleet-key fleet/coordinator.key";

#[test]
fn tls_is_spoken_by_both_or_not_at_all() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    certs(&bed, "fleet").ended(0);
    certs(&bed, "other").ended(0);
    let coordinator = waiting(&bed, COORDINATOR_TLS, Some(TOKEN));
    coordinator.said("--fleet-ca ca.pem");
    turned_away(
        &bed,
        &coordinator,
        ("", Some(TOKEN)),
        "its port wants TLS; start this worker with --fleet-ca",
        "it does not speak TLS",
    );
    let wrong_ca = ("--fleet-ca other/ca.pem", Some(TOKEN));
    turned_away(
        &bed,
        &coordinator,
        wrong_ca,
        "its certificate is not from the authority in --fleet-ca",
        "it does not know the authority",
    );
    turned_away(
        &bed,
        &coordinator,
        ("--fleet-ca fleet/ca.pem", None),
        "this coordinator wants a token",
        "it shows no token",
    );
    assert_eq!(seen(&target), 0);
    taken(&bed, coordinator, "--fleet-ca fleet/ca.pem", Some(TOKEN));

    let plain = waiting(&bed, "", None);
    turned_away(
        &bed,
        &plain,
        ("--fleet-ca fleet/ca.pem", None),
        "it does not speak TLS; start it with --fleet-cert",
        "it speaks TLS, and this coordinator does not",
    );
    taken(&bed, plain, "", None);
}

#[test]
fn with_mutual_tls_a_worker_has_to_show_a_certificate() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    certs(&bed, "fleet").ended(0);
    certs(&bed, "other").ended(0);
    let coordinator = waiting(&bed, &format!("{COORDINATOR_TLS} --fleet-client-ca fleet/ca.pem"), None);
    coordinator.said("--fleet-cert worker.pem --fleet-key worker.key");
    turned_away(
        &bed,
        &coordinator,
        ("--fleet-ca fleet/ca.pem", None),
        "it wants a certificate of this worker",
        "it shows no certificate",
    );
    let other = "--fleet-ca fleet/ca.pem --fleet-cert other/worker.pem --fleet-key other/worker.key";
    turned_away(
        &bed,
        &coordinator,
        (other, None),
        "it does not take this worker's certificate",
        "its certificate is not from the authority",
    );
    // What is made for the other end does not do either.
    let server =
        "--fleet-ca fleet/ca.pem --fleet-cert fleet/coordinator.pem --fleet-key fleet/coordinator.key";
    turned_away(&bed, &coordinator, (server, None), "TLS handshake", "its certificate is not valid");
    assert_eq!(seen(&target), 0);
    taken(
        &bed,
        coordinator,
        "--fleet-ca fleet/ca.pem --fleet-cert fleet/worker.pem --fleet-key fleet/worker.key",
        None,
    );
}

/// A certificate for `name` that is valid until the end of `year`, with its authority, in `dir`.
fn certificate(dir: &Path, name: &str, year: i32) {
    fs::create_dir_all(dir).expect("a folder");
    let mut params = CertificateParams::new(Vec::<String>::new()).expect("no names");
    params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority =
        CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("signed");
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
    params.not_after = date_time_ymd(year, 12, 31);
    let certificate = params.signed_by(&key, &authority).expect("signed");
    let write = |name: &str, text: String| fs::write(dir.join(name), text).expect("a writable folder");
    write("ca.pem", authority.pem());
    write("coordinator.pem", certificate.pem());
    write("coordinator.key", key.serialize_pem());
}

#[test]
fn a_certificate_that_has_expired_or_is_for_another_name_is_refused() {
    let bed = Bed::new("http://127.0.0.1:9", STEADY);
    let worker = ("--fleet-ca fleet/ca.pem", None);
    let dir = bed.dir.path().join("fleet");
    certificate(&dir, "127.0.0.1", 2001);
    let expired = waiting(&bed, COORDINATOR_TLS, None);
    turned_away(
        &bed,
        &expired,
        worker,
        "its certificate has expired",
        "this coordinator's certificate has expired",
    );
    certificate(&dir, "load.test", 2100);
    let elsewhere = waiting(&bed, COORDINATOR_TLS, None);
    turned_away(
        &bed,
        &elsewhere,
        worker,
        "its certificate is for other names than the one in --connect",
        "it does not take this coordinator's certificate",
    );
}

#[test]
fn a_worker_whose_certificate_has_expired_is_refused() {
    let bed = Bed::new("http://127.0.0.1:9", STEADY);
    certs(&bed, "fleet").ended(0);
    certificate(&bed.dir.path().join("old"), "worker.test", 2001);
    let coordinator = waiting(&bed, &format!("{COORDINATOR_TLS} --fleet-client-ca old/ca.pem"), None);
    let flags = "--fleet-ca fleet/ca.pem --fleet-cert old/coordinator.pem --fleet-key old/coordinator.key";
    turned_away(
        &bed,
        &coordinator,
        (flags, None),
        "this worker's certificate has expired; `coordinator certs` makes new ones",
        "its certificate has expired",
    );
}

#[test]
fn what_comes_by_and_speaks_something_else_harms_nobody() {
    let target = target();
    let bed = Bed::new(&target.url(), STEADY);
    let coordinator = waiting(&bed, "", Some(TOKEN));
    let address = coordinator.address();
    let silent: Vec<_> = (0..50).map(|_| TcpStream::connect(&address).expect("a line")).collect();
    let mut browser = TcpStream::connect(&address).expect("a line");
    browser.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    // Reset or closed, it is over.
    let _ = browser.read_to_end(&mut answer);
    assert!(!String::from_utf8_lossy(&answer).contains(INNER));
    taken(&bed, coordinator, "", Some(TOKEN));
    drop(silent);
}

#[test]
fn a_worker_aims_only_where_it_may() {
    let target = target();
    let host = target.url().trim_start_matches("http://").to_owned();
    let bed = Bed::new(&target.url(), STEADY);
    let mut coordinator = waiting(&bed, "", None);
    let refusing = Process::start(coming(&bed, &coordinator.address(), "--allow-host shop.test", None));
    let sentence = format!("this worker may not aim at {host}; its --allow-host says shop.test");
    refusing.said(&sentence);
    let finished = Finished::of(&mut coordinator);
    finished.ended(12);
    assert!(finished.stderr.contains(&sentence), "{}", finished.stderr);
    assert_eq!(seen(&target), 0);
    drop(refusing);
    let allowed = waiting(&bed, "", None);
    taken(&bed, allowed, &format!("--allow-host {host} --allow-host 10.0.0.0/8"), None);
}

#[test]
fn what_is_computed_at_run_time_is_held_to_the_same() {
    let (allowed, other) = (target(), target());
    let away = other.url();
    let bare = away.trim_start_matches("http://");
    let users = format!(
        "users:
  visitor:
    wait: 20ms
    tasks:
      main:
        steps:
          - get: /status/302?location={away}/hop
            name: redirected
          - get: /status/302?location={bare}
            name: told
            redirects: 0
            extract: {{where: {{header: location}}}}
          - get: http://${{where}}/computed
            name: computed
"
    );
    let bed = Bed::new(&allowed.url(), &users);
    let host = allowed.url().trim_start_matches("http://").to_owned();
    let mut coordinator = Process::start(bed.coordinator("--expect-workers 1 -u 1 -i 3"));
    let flags = format!("--allow-host {host}");
    let mut worker = Process::start(coming(&bed, &coordinator.address(), &flags, None));
    Finished::of(&mut coordinator).ended(1);
    worker.end();
    let report = bed.report();
    report.adds_up();
    assert_eq!(seen(&other), 0, "nothing arrived elsewhere");
    assert!(seen(&allowed) > 0);
    let errors = report.list("/errors");
    assert_eq!(errors.len(), 2, "{errors:?}");
    for error in errors {
        assert_eq!(error["kind"], "connect", "{error:#}");
        assert_eq!(error["message"], "this worker may not aim there (--allow-host)", "{error:#}");
    }
}

#[test]
fn flags_that_cannot_be_are_answered() {
    let dir = TempDir::new();
    for (flags, told) in [
        ("--allow-host http://a.test", "write the host alone"),
        ("--token short", "at least 8 characters"),
        ("--fleet-ca nowhere.pem", "nowhere.pem"),
        ("--fleet-cert a.pem --fleet-key a.key", "--fleet-ca"),
        ("--capacity 0", "--capacity"),
        ("--health here", "--health"),
    ] {
        let mut command = worker(dir.path(), "127.0.0.1:9", "w");
        command.args(flags.split_whitespace());
        let finished = Finished::of(&mut Process::start(command));
        finished.ended(2);
        assert!(finished.stderr.contains(told), "no {told} in:\n{}", finished.stderr);
    }
}
