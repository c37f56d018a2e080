//! What a worker may aim at: looked at where a connection is made, whoever names the address.

use std::sync::Arc;

use stampede_stats::outcome::FailureKind;
use stampede_worker::http::allow::Allow;
use stampede_worker::http::run::RunHttp;

use super::target::{Speaks, Target, origin};
use super::user::{BOTH, Kind, User, on_one_thread, options, run};

/// The same as [`run`], limited to `patterns`.
fn limited(lines: &str, patterns: &[String]) -> Arc<RunHttp> {
    let mut run = Arc::into_inner(run(lines)).expect("nobody else has it");
    let patterns = patterns.iter().map(|text| text.parse().expect("a pattern")).collect();
    run.limit(Arc::new(Allow::new(patterns)));
    Arc::new(run)
}

fn forbidden() -> Result<String, (FailureKind, String)> {
    Err((FailureKind::Connect, "this worker may not aim there (--allow-host)".to_owned()))
}

#[test]
fn only_allowed_targets_are_connected_to() {
    on_one_thread(async {
        for kind in BOTH {
            let target = Target::start(Speaks::H1).await;
            let port = target.address().port();
            let mut expected = 0;
            for (host, pattern, allowed) in [
                ("127.0.0.1", "127.0.0.1".to_owned(), true),
                ("127.0.0.1", format!("127.0.0.1:{port}"), true),
                ("127.0.0.1", "127.0.0.1:1".to_owned(), false),
                ("127.0.0.1", "localhost".to_owned(), false),
                ("127.0.0.1", "10.0.0.0/8".to_owned(), false),
                // The name itself, at whatever address this machine knows it.
                ("localhost", "localhost".to_owned(), true),
                ("localhost", format!("localhost:{port}"), true),
                ("localhost", "127.0.0.0/8".to_owned(), true),
                ("localhost", "*.localhost".to_owned(), false),
                ("localhost", "10.0.0.0/8".to_owned(), false),
                // The scenario says that it is 127.0.0.1: that counts, not what it is called.
                ("shop.test", "shop.test".to_owned(), false),
                ("shop.test", "*.test".to_owned(), false),
                ("shop.test", format!("127.0.0.1:{port}"), true),
                ("moved.test", format!("127.0.0.1:{port}"), true),
                ("moved.test", "127.0.0.1:80".to_owned(), false),
            ] {
                let rules = format!(
                    "defaults: {{resolve: {{shop.test: 127.0.0.1, moved.test: '127.0.0.1:{port}'}}}}"
                );
                let mut user = User::new(kind, &limited(&rules, std::slice::from_ref(&pattern)));
                let at = if host == "moved.test" { 80 } else { port };
                let answer = user.get(&origin(&format!("http://{host}:{at}/")), &options()).await;
                let wanted = if allowed { Ok("h1".to_owned()) } else { forbidden() };
                assert_eq!(answer, wanted, "{kind:?} {host} {pattern}");
                expected += usize::from(allowed);
            }
            assert_eq!(target.requests().len(), expected, "{kind:?}: nothing else arrived");
        }
    });
}

#[test]
fn what_goes_through_a_proxy_has_to_be_allowed_by_its_name() {
    on_one_thread(async {
        // Its answer is the proxy's own.
        let proxy = Target::start(Speaks::H1).await;
        let port = proxy.address().port();
        // The proxy by its name, which this machine resolves.
        let url = format!("http://localhost:{port}");
        let lines = format!("defaults: {{proxy: '{url}'}}");
        for (target, pattern, allowed) in [
            ("http://shop.test/", "shop.test", true),
            ("http://shop.test/", "other.test", false),
            ("http://shop.test/", "192.0.2.0/24", false),
            ("http://192.0.2.7/", "192.0.2.0/24", true),
            ("http://192.0.2.7/", "shop.test", false),
        ] {
            let run = limited(&lines, &[pattern.to_owned(), format!("localhost:{port}")]);
            let mut user = User::new(Kind::Auto, &run);
            let mut options = options();
            options.proxy = run.proxy_id(&url);
            let wanted = if allowed { Ok("h1".to_owned()) } else { forbidden() };
            assert_eq!(user.get(&origin(target), &options).await, wanted, "{target} {pattern}");
        }
        let asked: Vec<_> = proxy.seen().into_iter().flat_map(|seen| seen.requests).collect();
        assert_eq!(asked, ["http://shop.test/", "http://192.0.2.7/"]);
    });
}
