//! Which certificates are taken, and whether a handshake may resume an earlier one.

use rustls::HandshakeKind;
use stampede_stats::outcome::FailureKind;

use super::target::{Speaks, Target};
use super::user::{BOTH, Kind, Thread, User, on_one_thread, options, run};

/// A run's `tls`, the host that is asked for, and whether that goes well.
const CASES: [(&str, &str, bool); 8] = [
    // The system does not know who signed it.
    ("", "127.0.0.1", false),
    ("tls: {insecure: true}", "127.0.0.1", true),
    ("tls: {ca: ca.pem}", "127.0.0.1", true),
    ("tls: {ca: ca.pem}", "localhost", true),
    // It is not a certificate for that name.
    ("tls: {ca: ca.pem}\ndefaults: {resolve: {shop.test: 127.0.0.1}}", "shop.test", false),
    ("tls: {ca: ca.pem, server_name: shop.test}", "127.0.0.1", false),
    (
        "tls: {ca: ca.pem, server_name: localhost}\ndefaults: {resolve: {shop.test: 127.0.0.1}}",
        "shop.test",
        true,
    ),
    ("tls: {insecure: true}\ndefaults: {resolve: {shop.test: 127.0.0.1}}", "shop.test", true),
];

#[test]
fn certificates_are_taken_as_the_scenario_says() {
    on_one_thread(async {
        for kind in BOTH {
            for (lines, host, is_taken) in CASES {
                // reqwest has no way to be told another name than the URL's.
                if kind == Kind::Reqwest && lines.contains("server_name") {
                    continue;
                }
                let target = Target::start(Speaks::TlsH1).await;
                let mut user = User::new(kind, &run(lines));
                let answer = user.get(&target.named(host), &options()).await;
                if is_taken {
                    assert_eq!(answer, Ok("h1".to_owned()), "{kind:?} {lines:?}");
                } else {
                    let (failure, message) = answer.expect_err("not to be trusted");
                    assert_eq!(failure, FailureKind::Tls, "{kind:?} {lines:?}: {message}");
                    assert!(message.contains("certificate"), "{kind:?} {lines:?}: {message}");
                }
                let requests = if is_taken { vec![1] } else { Vec::new() };
                // In TLS 1.3 the server is through before the client has looked at its certificate.
                let made: Vec<_> = target.requests().into_iter().filter(|count| *count > 0).collect();
                assert_eq!(made, requests, "{kind:?} {lines:?}");
            }
        }
    });
}

/// The handshakes of three requests, each over a connection of its own.
async fn handshakes(kind: Kind, lines: &str) -> Vec<Option<HandshakeKind>> {
    let target = Target::start(Speaks::TlsH1).await;
    let mut user = User::new(kind, &run(lines));
    let mut options = options();
    options.closes = true;
    for _ in 0..3 {
        assert_eq!(user.get(&target.origin(), &options).await, Ok("h1".to_owned()), "{kind:?}");
    }
    target.seen().into_iter().map(|seen| seen.handshake).collect()
}

#[test]
fn handshakes_are_resumed_only_if_the_scenario_says_so() {
    on_one_thread(async {
        let (full, resumed) = (Some(HandshakeKind::Full), Some(HandshakeKind::Resumed));
        for kind in BOTH {
            assert_eq!(handshakes(kind, "tls: {ca: ca.pem}").await, [full; 3], "{kind:?}");
            let lines = "tls: {ca: ca.pem, resumption: true}";
            assert_eq!(handshakes(kind, lines).await, [full, resumed, resumed], "{kind:?}");
        }
    });
}

#[test]
fn a_new_user_resumes_nothing_of_another_one() {
    on_one_thread(async {
        for kind in BOTH {
            let target = Target::start(Speaks::TlsH1).await;
            let thread = Thread::new(kind, &run("tls: {ca: ca.pem, resumption: true}"), &[]);
            for _ in 0..2 {
                let answer = thread.user().get(&target.origin(), &options()).await;
                assert_eq!(answer, Ok("h1".to_owned()), "{kind:?}");
            }
            let handshakes: Vec<_> = target.seen().into_iter().map(|seen| seen.handshake).collect();
            assert_eq!(handshakes, [Some(HandshakeKind::Full); 2], "{kind:?}");
        }
    });
}

#[test]
fn a_target_that_wants_a_certificate_of_its_users_is_shown_one() {
    on_one_thread(async {
        for kind in BOTH {
            for (lines, is_let_in) in [
                ("tls: {ca: ca.pem, cert: client.pem, key: client.pem}", true),
                ("tls: {insecure: true, cert: client.pem, key: client.pem}", true),
                ("tls: {ca: ca.pem}", false),
            ] {
                let target = Target::start(Speaks::TlsMutual).await;
                let mut user = User::new(kind, &run(lines));
                let answer = user.get(&target.origin(), &options()).await;
                if is_let_in {
                    assert_eq!(answer, Ok("h1".to_owned()), "{kind:?} {lines}");
                    assert_eq!(target.requests(), [1], "{kind:?} {lines}");
                } else {
                    assert!(answer.is_err(), "{kind:?} {lines}: {answer:?}");
                    assert!(target.seen().is_empty(), "{kind:?}: it was not let in");
                }
            }
        }
    });
}
