//! A test bed: a target, a scenario that aims at it, and runs of it with any number of workers.

use std::path::PathBuf;
use std::process::Command;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use demo_target::{Config, DemoTarget};
use serde_json::Value;

use super::dir::TempDir;
use super::process::{Process, coordinator, until, worker};
use super::report::Report;

/// A target with one thread, which logs every request.
pub(crate) fn target() -> DemoTarget {
    let config = Config { record_log: true, threads: std::num::NonZeroUsize::new(1), ..Config::default() };
    DemoTarget::start(([127, 0, 0, 1], 0).into(), config).expect("a free port")
}

/// Held by every bed; by one that asserts when something happens, for writing.
static MACHINE: RwLock<()> = RwLock::new(());

/// A share of the machine, or all of it. A failed test does not keep it.
#[derive(Debug)]
enum Share {
    Some(#[expect(dead_code, reason = "held, not read")] RwLockReadGuard<'static, ()>),
    All(#[expect(dead_code, reason = "held, not read")] RwLockWriteGuard<'static, ()>),
}

/// A scenario in a folder of its own. One for each test: two in one thread could wait for each other.
#[derive(Debug)]
pub(crate) struct Bed {
    pub(crate) dir: TempDir,
    pub(crate) scenario: PathBuf,
    _share: Share,
}

/// A run that is over.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Bed {
    /// Writes `users` (the part of the scenario below its target) for the target at `url`.
    pub(crate) fn new(url: &str, users: &str) -> Self {
        let share = Share::Some(MACHINE.read().unwrap_or_else(PoisonError::into_inner));
        Self::with(url, users, share)
    }

    /// The same, with no other bed beside it.
    pub(crate) fn alone(url: &str, users: &str) -> Self {
        let share = Share::All(MACHINE.write().unwrap_or_else(PoisonError::into_inner));
        Self::with(url, users, share)
    }

    fn with(url: &str, users: &str, share: Share) -> Self {
        let dir = TempDir::new();
        let scenario = dir.write("scenario.yaml", &format!("target: {url}\n{users}"));
        Self { dir, scenario, _share: share }
    }

    /// `coordinator SCENARIO` without a screen, on a free port, reporting to [`Bed::report`].
    pub(crate) fn coordinator(&self, flags: &str) -> Command {
        let mut command = coordinator(self.dir.path());
        command.arg(&self.scenario).args(["--headless", "--bind", "127.0.0.1:0", "--report", "report.json"]);
        command.args(flags.split_whitespace());
        command
    }

    /// The same, started with `workers` worker processes `w0`, `w1`, … that leave when the test is over.
    pub(crate) fn start(&self, flags: &str, workers: usize) -> (Process, Vec<Process>) {
        let mut command = self.coordinator(flags);
        match workers {
            0 => command.args(["--threads", "1"]),
            _ => command.args(["--expect-workers", &workers.to_string()]),
        };
        let coordinator = Process::start(command);
        let address = if workers == 0 { String::new() } else { coordinator.address() };
        let start = |number: usize| {
            let mut command = worker(self.dir.path(), &address, &format!("w{number}"));
            command.arg("--once");
            Process::start(command)
        };
        (coordinator, (0..workers).map(start).collect())
    }

    /// Runs it to its end with `workers` processes, with 0 the embedded worker. Each worker must end well.
    pub(crate) fn run(&self, flags: &str, workers: usize) -> Finished {
        let (mut coordinator, workers) = self.start(flags, workers);
        let finished = Finished::of(&mut coordinator);
        for mut worker in workers {
            assert_eq!(worker.end(), Some(0), "{}", worker.stderr.whole());
        }
        finished
    }

    /// `coordinator plan SCENARIO --json`: its lines, in order.
    pub(crate) fn plan(&self, flags: &str) -> Vec<Value> {
        let mut command = coordinator(self.dir.path());
        command.arg("plan").arg(&self.scenario).arg("--json").args(flags.split_whitespace());
        let finished = Finished::of(&mut Process::start(command));
        finished.ended(0);
        finished.stdout.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
    }

    pub(crate) fn report(&self) -> Report {
        Report::read(&self.dir.path().join("report.json"))
    }
}

impl Finished {
    /// Waits for the end of `process`.
    pub(crate) fn of(process: &mut Process) -> Self {
        let code = process.end();
        Self { code, stdout: process.stdout.whole(), stderr: process.stderr.whole() }
    }

    /// It ended with `code`, and nothing panicked.
    pub(crate) fn ended(&self, code: i32) {
        assert_eq!(self.code, Some(code), "\n{}\n{}", self.stdout, self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }
}

/// Requests the target saw.
pub(crate) fn seen(target: &DemoTarget) -> u64 {
    target.counts().values().sum()
}

/// Waits until the target has seen `more` requests from now on.
pub(crate) fn more(target: &DemoTarget, more: u64) {
    let before = seen(target);
    until("requests", || seen(target) >= before + more);
}
