//! The command line of `worker` as a person meets it.

use std::process::Command;

#[test]
fn help() {
    let output = Command::new(env!("CARGO_BIN_EXE_worker"))
        .arg("--help")
        .env("COLUMNS", "100")
        .env("NO_COLOR", "1")
        .output()
        .expect("the program starts");
    assert!(output.status.success());
    insta::assert_snapshot!(String::from_utf8_lossy(&output.stdout));
}
