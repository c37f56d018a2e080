//! The two programs as processes: started, listened to, signalled, and killed at the latest when the test is over.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::output::Output;

/// What a test waits for comes well before; longer, and something hangs.
const PATIENCE: Duration = Duration::from_secs(40);

/// How often an end is looked for.
const LOOK: Duration = Duration::from_millis(5);

/// A running program.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    name: String,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
}

/// The program `name`, built beside this test.
fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this program has a path");
    let folder = test.parent().and_then(Path::parent).expect("target/<profile>/deps/<test>");
    let path = folder.join(name);
    assert!(
        path.exists(),
        "{} is not there: these tests run programs that they do not build; run `cargo test --workspace`",
        path.display()
    );
    path
}

/// A command that no surroundings of this test have an influence on. State goes to `dir`.
fn command(name: &str, dir: &Path) -> Command {
    let mut command = Command::new(program(name));
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("STAMPEDE_") {
            command.env_remove(key);
        }
    }
    command.env_remove("CI").env("XDG_STATE_HOME", dir.join("state")).current_dir(dir);
    command
}

/// `coordinator`, with everything else up to the caller.
pub(crate) fn coordinator(dir: &Path) -> Command {
    command("coordinator", dir)
}

/// `worker --connect address --name name` with one load thread.
pub(crate) fn worker(dir: &Path, address: &str, name: &str) -> Command {
    let mut command = command("worker", dir);
    command.args(["--connect", address, "--name", name, "--threads", "1"]);
    command
}

impl Process {
    /// Starts it, its input empty, its output collected.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().expect("the program starts");
        let stdout = Output::of(child.stdout.take().expect("piped"));
        let stderr = Output::of(child.stderr.take().expect("piped"));
        Self { child, name, stdout, stderr }
    }

    /// Starts it on `terminal`, whose other end is `screen`: what is shown there is its stdout.
    pub(crate) fn on_terminal(mut command: Command, terminal: &OwnedFd, screen: File) -> Self {
        let end = || Stdio::from(terminal.try_clone().expect("a second handle"));
        command.stdin(end()).stdout(end()).stderr(Stdio::piped());
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command.spawn().expect("the program starts");
        let stderr = Output::of(child.stderr.take().expect("piped"));
        Self { child, name, stdout: Output::of(screen), stderr }
    }

    /// Waits until it has said `text` on stderr.
    pub(crate) fn said(&self, text: &str) {
        let found = self.stderr.wait_for(text, Instant::now() + PATIENCE);
        assert!(found, "{} never said {text:?}, but:\n{}", self.name, self.stderr.text());
    }

    /// Where it listens, once it says so.
    pub(crate) fn address(&self) -> String {
        self.said("listening on 127.0.0.1:");
        // The line was begun; it is written whole.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = self.stderr.text();
            let line = text.split_once("listening on ").map_or("", |(_, rest)| rest);
            if let Some((address, _)) = line.split_once('\n') {
                return address.to_owned();
            }
            assert!(Instant::now() < deadline, "an unfinished line: {text}");
            thread::yield_now();
        }
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid =
            i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process has a number");
        kill_process(pid, signal).expect("it is still there");
    }

    /// Waits for its end; the exit code, `None` when a signal ended it.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be asked for") {
                return status.code();
            }
            let said = || format!("{}\n{}", self.stdout.text(), self.stderr.text());
            assert!(Instant::now() < deadline, "{} does not end; it said:\n{}", self.name, said());
            thread::park_timeout(LOOK);
        }
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "shown by the test runner beside the failure")]
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- {} said:\n{}\n{}", self.name, self.stdout.text(), self.stderr.text());
        }
    }
}

/// Waits until `condition` holds.
pub(crate) fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "this never came: {what}");
        thread::park_timeout(LOOK);
    }
}
