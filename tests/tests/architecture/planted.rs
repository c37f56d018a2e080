//! The checks see what they are to see, and nothing else.

use super::code::{code_of, imports};
use super::{MAX_LINES, check_lock, check_manifest, check_source, test_modules};

/// The one thing that is wrong with `text` as the file `path`.
fn only_one(path: &str, text: &str) -> String {
    let wrong = check_source(path, text, false);
    assert_eq!(wrong.len(), 1, "{path}, {text}: {wrong:?}");
    wrong[0].clone()
}

#[test]
fn what_is_impure_is_named_with_file_line_and_rule() {
    let planted = [
        "let now = Instant::now();",
        "let now = SystemTime::UNIX_EPOCH;",
        "jiff::Timestamp::now()",
        "later.await?;",
        "tokio::spawn(later);",
        "use tokio;",
        "let port = std::net::TcpListener::bind(at);",
        "use std::fs;",
        "use std::{collections::BTreeMap, env};",
        "use std::{io, fs::{self, File}};",
        "rand::random()",
        "getrandom::getrandom(&mut bytes)",
    ];
    for line in planted {
        let text = format!("//! Pure.\n\nfn f() {{\n    {line}\n}}\n");
        for path in ["stats/src/totals.rs", "coordinator/src/run/state.rs", "coordinator/src/report/chart.rs"]
        {
            let wrong = only_one(path, &text);
            assert!(
                wrong.starts_with(&format!("{path}:4: `")) && wrong.contains("is pure"),
                "{line}: {wrong}"
            );
        }
        assert!(check_source("worker/src/clock.rs", &text, false).is_empty(), "{line} may stand elsewhere");
        assert!(
            check_source("scenarios/src/files.rs", &text, false).is_empty(),
            "{line} may stand in a shell"
        );
        assert!(
            check_source("coordinator/src/run/tests.rs", &text, true).is_empty(),
            "{line} may stand in tests"
        );
    }
}

#[test]
fn what_only_looks_impure_is_left_alone() {
    let text = r##"
        // std::fs, tokio::spawn, later.await
        /* Instant::now() */
        /// [`Instant::now`]
        fn f<'a>(operand: &'a str) -> Duration {
            self.await_ready(now); let quote = '"'; let tick = '\'';
            let said = "Instant::now() \" std::env"; let raw = r#"rand "std::fs" "#;
            envelope(std::environment, my_tokio, randomness)
        }
        #[cfg(test)]
        mod tests {
            fn g() { std::env::temp_dir(); }
        }
        #[cfg(test)]
        mod more;
        fn after() {}
    "##;
    assert_eq!(check_source("coordinator/src/run/state.rs", text, false), Vec::<String>::new());
    let late = format!("{text}\nfn h() {{ Instant::now() }}");
    let place = format!("stats/src/totals.rs:{}: ", late.lines().count());
    assert!(only_one("stats/src/totals.rs", &late).starts_with(&place), "lines are counted on");
}

#[test]
fn only_one_file_names_the_worker_and_one_the_demo_target() {
    assert!(
        only_one("coordinator/src/conduct.rs", "use stampede_worker::session::work;").contains("local.rs")
    );
    assert!(
        only_one("coordinator/src/local.rs", "let target = demo_target::DemoTarget::start();")
            .contains("demo.rs")
    );
    assert!(
        check_source("coordinator/src/local.rs", "use stampede_worker::session::work;", false).is_empty()
    );
}

#[test]
fn some_things_stand_nowhere_not_even_in_tests() {
    let planted = [
        "todo!()",
        "unimplemented!()",
        "#[ignore = \"slow\"]",
        "std::thread::sleep(d)",
        "mpsc::unbounded_channel()",
    ];
    for line in planted {
        let wrong = check_source("coordinator/tests/any.rs", &format!("\n{line}"), true);
        assert!(
            wrong.len() == 1 && wrong[0].starts_with("coordinator/tests/any.rs:2: "),
            "{line}: {wrong:?}"
        );
    }
    let long = "fn f() {}\n".repeat(MAX_LINES + 1);
    assert!(only_one("worker/src/clock.rs", &long).contains("at most 400 lines"));
}

#[test]
fn manifests_are_read_section_by_section() {
    let manifest = "[package]\nname = \"stampede-stats\"\n[dependencies]\nhdrhistogram.workspace = true\n\
                    hidden = { package = \"tokio-util\", version = \"1\" }\nstampede-proto.workspace = true\n\
                    [dev-dependencies]\nstampede-worker.workspace = true\n\
                    [target.'cfg(unix)'.dependencies.reqwest]\nversion = \"1\"\n";
    let wrong = check_manifest("stats", manifest);
    let named: Vec<_> = wrong.iter().filter_map(|wrong| wrong.split(": ").take(2).last()).collect();
    assert_eq!(named, ["`tokio-util`", "`stampede-proto`", "`reqwest`"], "{wrong:?}");
    assert!(wrong[0].starts_with("stats/Cargo.toml:5: "), "{wrong:?}");
    let worker = "[dependencies]\ntokio.workspace = true\nstampede-stats.workspace = true\ndemo-target.workspace = true\n";
    assert_eq!(check_manifest("worker", worker).len(), 1);
}

#[test]
fn a_second_version_and_openssl_are_seen_in_the_lock_file() {
    let package = |name: &str| format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n");
    let lock: String =
        ["http", "tokio", "http", "openssl-probe", "openssl-sys", "syn", "syn"].map(package).concat();
    let wrong = check_lock(&lock);
    assert!(wrong.len() == 2 && wrong[0].contains("http") && wrong[1].contains("openssl-sys"), "{wrong:?}");
}

#[test]
fn modules_of_tests_are_found_where_they_are_declared() {
    let text = "mod a;\n#[cfg(test)]\nmod tests;\n#[cfg(test)]\nmod inline { mod b; }";
    assert_eq!(test_modules("coordinator/src/run/mod.rs", text), ["coordinator/src/run/tests"]);
    assert_eq!(test_modules("coordinator/src/view.rs", text), ["coordinator/src/view/tests"]);
    for seen in ["pub mod tests;", "pub(crate) mod tests;", "pub(in crate::run)\nmod tests;"] {
        let text = format!("#[cfg(test)]\n{seen}");
        assert_eq!(
            test_modules("coordinator/src/run/mod.rs", &text),
            ["coordinator/src/run/tests"],
            "{seen}"
        );
    }
    let code = code_of("use a::{b, c::{d, e as f}};\nuse g::*;", true);
    let paths: Vec<_> = imports(&code).into_iter().map(|(line, path)| format!("{line} {path}")).collect();
    assert_eq!(paths, ["1 a::b", "1 a::c::d", "1 a::c::easf", "2 g::*"]);
}
