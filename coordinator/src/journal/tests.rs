//! A journal is written, cut, and read again: what comes back is the run as it was.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use stampede_proto::batch::{Batch, Running};
use stampede_proto::prepare::{ClientChoice, Prepare};
use stampede_proto::v1::BatchAck;
use stampede_scenarios::compile::compile;
use stampede_scenarios::rate::Rate;
use stampede_scenarios::source::{Overrides, Source};
use stampede_stats::counts::{IterationCounts, RequestCounts};
use stampede_stats::endpoint::{EndpointDelta, EndpointKey, RowKind};
use stampede_stats::histogram::{TIMES_DIGITS, Times};
use stampede_stats::snapshot::Snapshot;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::{Anchor, Folder, FolderError, Head, Journal, Opened, Outgoing};
use crate::fleet::Assets;
use crate::run::input::{Effect, Heartbeat, Hello, Input, Person, Progress};
use crate::run::{Run, RunSetup};

const RUN: &str = "r1";

const SCENARIO: &str =
    "target: http://h\nusers:\n  a: {tasks: {main: {steps: [get: /]}}}\nload: {users: 4, spawn_rate: 2}\n";

/// A folder that is gone with the test.
struct Dir(PathBuf);

impl Dir {
    fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("stampede-journal-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn file(&self) -> PathBuf {
        self.0.join("run.journal")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn head() -> Head {
    let prepare = Prepare {
        run: RUN.to_owned(),
        source: Source::new("t.yaml", SCENARIO),
        overrides: Overrides::default(),
        env: [("KEY".to_owned(), "value".to_owned())].into(),
        seed: 7,
        assets: Vec::new(),
        client: ClientChoice::Native,
    };
    Head {
        prepare,
        anchor: Anchor::now(),
        expected: Some(2),
        expect_timeout: Duration::from_secs(30),
        lease: Duration::from_secs(5),
        bind: Some("127.0.0.1:5557".to_owned()),
        token: true,
        tls: false,
        mutual: false,
        labels: [("commit".to_owned(), "3f2a91c".to_owned())].into(),
        reports: vec![PathBuf::from("/tmp/report.json")],
        json: true,
        summary: Some(crate::report::Style::Vegeta),
        exit_code_on_error: 3,
        threads: Some(2),
        source_ips: vec!["127.0.0.2".parse().expect("an address")],
    }
}

fn setup() -> RunSetup {
    let plan = compile(&Source::new("t.yaml", SCENARIO), &Overrides::default(), &|_| None, 7);
    RunSetup {
        id: RUN.to_owned(),
        plan: Arc::new(plan.unwrap_or_else(|problems| panic!("{problems}"))),
        demo: false,
        labels: std::collections::BTreeMap::new(),
        expected: Some(2),
        expect_timeout: Duration::from_secs(30),
        lease: Duration::from_secs(5),
        join_command: String::new(),
        spawn_rate: Rate::new(2, 1).expect("positive"),
        client: ClientChoice::Auto,
    }
}

fn hello(worker: usize) -> Hello {
    Hello { name: format!("w{worker}"), address: "10.0.0.1".to_owned(), embedded: false, capacity: 2 }
}

/// The batch of second `number - 1`, in which so many requests were made.
fn batch(number: u64, ok: u64) -> Batch {
    let mut times = Times::<u32>::new(TIMES_DIGITS);
    (0..ok).for_each(|n| times.record(1_000_000 * (n + 1)));
    let counts = RequestCounts { started: ok, sent: ok, ok, ..RequestCounts::default() };
    let iterations = IterationCounts { begun: ok, completed: ok, ..IterationCounts::default() };
    let from_s = u32::try_from(number - 1).expect("small");
    let mut snapshot = Snapshot { from_s, to_s: from_s + 1, iterations, ..Snapshot::default() };
    let delta = EndpointDelta { counts, ok: times.delta(), ..EndpointDelta::default() };
    let group = EndpointKey::of(RowKind::Group, "GROUP", "checkout");
    snapshot.endpoints.extend([(EndpointKey::new("GET", "/"), delta.clone()), (group, delta)]);
    snapshot.gauges.users = vec![2];
    let mut running = Running::default();
    (0..number).for_each(|_| {
        running.requests.add(&counts);
        running.iterations.add(&iterations);
    });
    Batch { run: RUN.to_owned(), number, snapshot, last_part: true, running: Some(running), finals: None }
}

fn says(worker: usize, progress: Progress, revision: u64) -> Input {
    let heartbeat = Heartbeat {
        run: RUN.to_owned(),
        progress,
        users: vec![2],
        started: 3,
        revision,
        slowest_thread: Duration::from_millis(12),
        round_trip: Some(Duration::from_micros(345)),
        memory: 1 << 20,
        outbox: 1,
        ..Heartbeat::default()
    };
    Input::Heartbeat { worker, heartbeat }
}

/// What a run of two workers is told: its coordinator is away once, one worker falls silent and is lost, by hand there are more users, and in the end somebody
/// has had enough. With the milliseconds between.
fn story() -> Vec<(u64, Input)> {
    let mut story = vec![(0, Input::Tick)];
    for worker in 0..2 {
        story.push((10, Input::Registered { worker, hello: hello(worker) }));
        story.push((10, Input::ControlOpened { worker }));
        story.push((10, Input::ReportOpened { worker }));
    }
    story.extend((0..2).map(|worker| (50, says(worker, Progress::Ready, 0))));
    for second in 1..=12 {
        for _ in 0..10 {
            story.push((100, Input::Tick));
        }
        story.push((0, says(0, Progress::Running, second)));
        story.push((5, Input::Batch { worker: 0, batch: Box::new(batch(second, 3)) }));
        if second < 4 {
            story.push((1, says(1, Progress::Running, second)));
            story.push((1, Input::Batch { worker: 1, batch: Box::new(batch(second, 5)) }));
        }
        match second {
            4 => story.push((1, Input::ControlClosed { worker: 1 })),
            5 => story.push((1, Input::Person(Person::ChangeUsers(3)))),
            6 => story.push((1, Input::Refused { text: "somebody was not let in".to_owned() })),
            7 => story.push((1, Input::BadBatch { worker: 0, why: "nonsense".to_owned() })),
            3 => story.push((1, Input::Resumed { since: Duration::from_secs(2) })),
            _ => {}
        }
    }
    story.push((1, Input::Person(Person::Quit)));
    story
}

/// The state of a run to the last field, without the pictures that were made of it.
fn state(run: &Run) -> String {
    let whole = format!("{run:?}");
    let (state, _pictures) = whole.split_once(", shown: ").expect("its last field");
    state.to_owned()
}

/// Tells the story to a run with a journal in `dir`. Returns, for each record, where it ends in the file and how the run was.
async fn written(dir: &Path) -> Vec<(u64, String)> {
    let folder = Folder::create(dir, &head(), &Assets::new()).expect("a folder");
    let (file, mut journal) =
        (folder.file.try_clone().expect("a handle"), Journal::new(folder, Instant::now()).expect("a thread"));
    let (mut run, mut now) = (Run::new(setup(), Duration::ZERO), Duration::ZERO);
    let mut states = vec![(file.metadata().expect("a file").len(), state(&run))];
    for (ms, input) in story() {
        now += Duration::from_millis(ms);
        journal.note(&input, now, |worker| Some([u8::try_from(worker).expect("two"); 16]));
        for effect in run.handle(input, now) {
            if let Effect::EndIfSilent(worker, _) = effect {
                journal.note(&Input::Silent { worker }, now, |_| None);
                drop(run.handle(Input::Silent { worker }, now));
            }
        }
        journal.settle().await.expect("a disk with room");
        states.push((file.metadata().expect("a file").len(), state(&run)));
    }
    assert!(states.last().expect("some").1.contains("is lost since second"), "the story has a loss");
    states
}

/// Runs `future` with its thread's own runtime.
fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

#[test]
fn cut_anywhere_a_run_comes_back_as_it_was_at_the_last_whole_record() {
    let dir = Dir::new();
    let states = wait(written(&dir.0));
    let whole = fs::read(dir.file()).expect("a journal");
    assert_eq!(states.last().expect("some").0, whole.len() as u64);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let start = states[0].0;
    let cuts = prop_oneof![Just(whole.len() as u64), start..whole.len() as u64];
    let result = runner.run(&cuts, |cut| {
        fs::write(dir.file(), &whole[..usize::try_from(cut).expect("small")]).expect("written");
        let Opened { mut folder, head: opened, .. } = Folder::open(&dir.0).expect("a journal");
        prop_assert_eq!(Head { anchor: opened.anchor.clone(), ..head() }, opened);
        let replayed = folder.replay(setup()).expect("whole records");
        let (end, before) = states.iter().rfind(|(end, _)| *end <= cut).expect("the head is whole");
        prop_assert_eq!(&state(&replayed.run), before);
        prop_assert_eq!(replayed.torn, cut - end);
        prop_assert_eq!(fs::metadata(dir.file()).expect("a file").len(), *end, "what was torn is cut off");
        Ok(())
    });
    result.expect("every cut");
    // What is written after a cut stands behind whole records.
    fs::write(dir.file(), &whole[..whole.len() - 1]).expect("written");
    let Opened { mut folder, .. } = Folder::open(&dir.0).expect("a journal");
    let last = folder.replay(setup()).expect("whole records").last;
    let mut journal = Journal::new(folder, Instant::now()).expect("a thread");
    journal.note(&Input::Tick, last + Duration::from_secs(1), |_| None);
    wait(journal.settle()).expect("a disk with room");
    drop(journal);
    // The thread that writes lets go of the file a moment after.
    let opened = std::iter::repeat_with(|| Folder::open(&dir.0))
        .find(|o| !matches!(o, Err(FolderError::Locked { .. })));
    let replayed =
        opened.expect("endless").expect("a journal").folder.replay(setup()).expect("whole records");
    assert_eq!((replayed.last, replayed.torn), (last + Duration::from_secs(1), 0));
    assert_eq!(replayed.workers, [([0; 16], hello(0)), ([1; 16], hello(1))]);
}

#[test]
fn nothing_is_said_before_its_reason_is_on_disk() {
    let dir = Dir::new();
    wait(async {
        let folder = Folder::create(&dir.0, &head(), &Assets::new()).expect("a folder");
        let mut journal = Journal::new(folder, Instant::now()).expect("a thread");
        let (acks, _listening) = mpsc::channel(1);
        let (commands, _listening) = mpsc::channel(1);
        let ack = || Outgoing::Ack(acks.clone(), BatchAck::default());
        let ms = Duration::from_millis;
        journal.note(&Input::ReportOpened { worker: 0 }, ms(0), |_| None);
        journal.hold(ack());
        journal.write_if_due(ms(249));
        assert!(!journal.writing, "an acknowledgement has time");
        journal.write_if_due(ms(250));
        assert!(journal.writing && journal.released().is_empty());
        // Meanwhile there is something urgent: it waits for the disk too, and for its own record.
        journal.note(&Input::ControlOpened { worker: 0 }, ms(251), |_| None);
        journal.hold(Outgoing::Command(0, commands, Box::default()));
        journal.write_if_due(ms(251));
        journal.written().await.expect("a disk with room");
        assert!(matches!(journal.released()[..], [Outgoing::Ack(..)]));
        journal.write_if_due(ms(252));
        assert!(
            journal.writing && journal.released().is_empty(),
            "a command does not wait to be joined by others"
        );
        journal.written().await.expect("a disk with room");
        assert!(matches!(journal.released()[..], [Outgoing::Command(..)]));
    });
}

#[test]
fn a_folder_has_one_run_and_one_coordinator() {
    let dir = Dir::new();
    let content = bytes::Bytes::from_static(b"woof");
    let sha256 = stampede_scenarios::files::hash(&content);
    let assets: Assets = [(sha256, content)].into();
    let mut with_file = head();
    let file_name = "dog.jpg".to_owned();
    with_file.prepare.assets =
        vec![stampede_proto::prepare::AssetInfo { path: "dog.jpg".to_owned(), sha256, size: 4, file_name }];
    let folder = Folder::create(&dir.0, &with_file, &assets).expect("a folder");
    assert!(matches!(Folder::open(&dir.0), Err(FolderError::Locked { .. })));
    drop(folder);
    assert!(matches!(Folder::create(&dir.0, &head(), &assets), Err(FolderError::Taken { .. })));
    let opened = Folder::open(&dir.0).expect("a journal");
    assert_eq!(opened.assets, assets);
    drop(opened);
    let copy =
        fs::read_dir(dir.0.join("files")).expect("a folder").next().expect("one").expect("a file").path();
    fs::write(copy, "meow").expect("written");
    assert!(Folder::open(&dir.0).is_err_and(|error| error.to_string().contains("dog.jpg")));
}

#[test]
fn a_journal_that_broke_off_is_never_gone_on_with() {
    let dir = Dir::new();
    let folder = Folder::create(&dir.0, &head(), &Assets::new()).expect("a folder");
    let mut journal = wait(async { Journal::new(folder, Instant::now()).expect("a thread") });
    let (acks, _listening) = mpsc::channel(1);
    journal.note(&Input::Tick, Duration::ZERO, |_| None);
    journal.hold(Outgoing::Ack(acks, BatchAck::default()));
    assert_eq!(journal.break_off().len(), 1, "what was held is said without it");
    assert!(matches!(Folder::open(&dir.0), Err(FolderError::Unfit { .. })));
    assert!(matches!(Folder::create(&dir.0, &head(), &Assets::new()), Err(FolderError::Taken { .. })));
    fs::remove_dir_all(&dir.0).expect("removed");
    assert!(Folder::open(&dir.0).is_err_and(|error| error.to_string().contains("--journal")));
}
