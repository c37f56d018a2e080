//! Which HTTP is spoken: by agreement, as asked for, or not at all.

use stampede_stats::outcome::FailureKind;
use stampede_worker::http::Version;

use super::target::{Speaks, Target};
use super::user::{BOTH, Kind, User, on_one_thread, options, run};

const CA: &str = "tls: {ca: ca.pem}";

/// What the server speaks, what is asked for, and what comes of it.
const CASES: [(Speaks, Version, &str); 8] = [
    (Speaks::H1, Version::Auto, "h1"),
    (Speaks::H1, Version::H1, "h1"),
    // By prior knowledge.
    (Speaks::H2, Version::H2, "h2"),
    (Speaks::TlsH1, Version::Auto, "h1"),
    (Speaks::TlsH1, Version::H1, "h1"),
    (Speaks::TlsBoth, Version::Auto, "h2"),
    (Speaks::TlsBoth, Version::H1, "h1"),
    (Speaks::TlsBoth, Version::H2, "h2"),
];

#[test]
fn the_http_that_is_asked_for_is_spoken() {
    on_one_thread(async {
        for kind in BOTH {
            for (speaks, version, expected) in CASES {
                let target = Target::start(speaks).await;
                let mut user = User::new(kind, &run(CA));
                let mut options = options();
                options.version = version;
                // The second over the same connection.
                for _ in 0..2 {
                    let answer = user.get(&target.origin(), &options).await;
                    assert_eq!(answer.as_deref(), Ok(expected), "{kind:?} {speaks:?} {version:?}");
                }
                assert_eq!(target.requests(), [2], "{kind:?} {speaks:?} {version:?}");
            }
        }
    });
}

#[test]
fn one_user_may_ask_for_both() {
    on_one_thread(async {
        for kind in BOTH {
            let target = Target::start(Speaks::TlsBoth).await;
            let mut user = User::new(kind, &run(CA));
            let mut options = options();
            for (version, expected) in [(Version::H1, "h1"), (Version::H2, "h2"), (Version::H1, "h1")] {
                options.version = version;
                let answer = user.get(&target.origin(), &options).await;
                assert_eq!(answer.as_deref(), Ok(expected), "{kind:?} {version:?}");
            }
            assert_eq!(target.requests(), [2, 1], "{kind:?}");
        }
    });
}

#[test]
fn http_2_asked_of_a_target_that_does_not_speak_it_fails() {
    on_one_thread(async {
        let without = (FailureKind::Protocol, "the target does not speak HTTP/2".to_owned());
        for speaks in [Speaks::TlsH1, Speaks::TlsNoAgreement] {
            let target = Target::start(speaks).await;
            let mut user = User::new(Kind::Native, &run(CA));
            let mut options = options();
            options.version = Version::H2;
            let answer = user.get(&target.origin(), &options).await;
            assert_eq!(answer, Err(without.clone()), "{speaks:?}");
            assert_eq!(target.requests().iter().sum::<usize>(), 0, "{speaks:?}");
        }
    });
}
