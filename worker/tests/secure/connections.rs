//! Connections: how many are made, and what is told about each.

use stampede_worker::http::Version;

use super::target::{Speaks, Target};
use super::user::{BOTH, Kind, User, on_one_thread, options, run};

const CA: &str = "tls: {ca: ca.pem}";

#[test]
fn a_connection_is_told_once_with_its_phases() {
    on_one_thread(async {
        for (speaks, version) in [
            (Speaks::H1, Version::Auto),
            (Speaks::H2, Version::H2),
            (Speaks::TlsH1, Version::Auto),
            (Speaks::TlsBoth, Version::Auto),
        ] {
            for kind in BOTH {
                let target = Target::start(speaks).await;
                let mut user = User::new(kind, &run(CA));
                let mut options = options();
                options.version = version;
                for _ in 0..2 {
                    user.get(&target.origin(), &options).await.expect("an answer");
                }
                let news = user.probe.take_news();
                let [(address, made)] = &news[..] else { panic!("{kind:?} {speaks:?}: {news:?}") };
                assert_eq!(*address, target.address().to_string(), "{kind:?} {speaks:?}");
                assert!(made.connect.is_some() && made.dns.is_none(), "{kind:?} {speaks:?}");
                // reqwest makes both in one.
                let told = kind == Kind::Native && matches!(speaks, Speaks::TlsH1 | Speaks::TlsBoth);
                assert_eq!(made.tls.is_some(), told, "{kind:?} {speaks:?}");
            }
        }
    });
}

#[test]
fn a_connection_that_is_closed_behind_each_request_serves_one() {
    on_one_thread(async {
        for (speaks, version) in [
            (Speaks::H1, Version::Auto),
            (Speaks::H2, Version::H2),
            (Speaks::TlsH1, Version::Auto),
            (Speaks::TlsBoth, Version::Auto),
        ] {
            for kind in BOTH {
                let target = Target::start(speaks).await;
                let mut user = User::new(kind, &run(CA));
                let mut options = options();
                options.version = version;
                for closes in [true, true, false, false] {
                    options.closes = closes;
                    user.get(&target.origin(), &options).await.expect("an answer");
                }
                assert_eq!(target.requests(), [1, 1, 2], "{kind:?} {speaks:?}");
                assert_eq!(user.probe.take_news().len(), 3, "{kind:?} {speaks:?}");
            }
        }
    });
}
