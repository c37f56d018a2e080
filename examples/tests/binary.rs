//! The program: its one line, its signals, its exit codes.

mod common;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use common::Client;

fn program(args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_demo-target"))
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program was built")
}

#[test]
fn it_prints_its_url_and_ends_well_on_a_signal() {
    for signal in ["-TERM", "-INT"] {
        let mut child = program(&["--bind", "127.0.0.1:0", "--log-requests", "--saturate"]);
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let addr = line.trim().strip_prefix("http://").and_then(|a| a.parse().ok()).expect("a URL");
        let mut client = Client::new(addr);
        assert_eq!(client.get("/").status, 200);
        assert_eq!(client.get("/__log").json().as_array().map(Vec::len), Some(1));
        let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{signal}");
        assert!(output.stderr.is_empty());
    }
}

#[test]
fn a_taken_port_is_one_line_and_exit_code_1() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = taken.local_addr().expect("an address").to_string();
    let output = program(&["--bind", &addr]).wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(
        said,
        format!(
            "error: {addr} is already in use: stop what listens there, or choose another port (0 takes a free one)\n"
        )
    );
}
