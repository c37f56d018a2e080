//! What handlers answer by themselves, and what they pass on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use stampede_coordinator::fleet::{Assets, FleetEvent, Registry, Service, memory, serve};
use stampede_coordinator::run::input::Input;
use stampede_proto::v1::command::What;
use stampede_proto::v1::{AssetRequest, Command, RegisterRequest, SnapshotBatch, WorkerStatus};
use stampede_proto::{ASSET_CHUNK, PROTOCOL, VERSION};
use stampede_worker::http::settings::Sources;
use stampede_worker::session::{Settings, work};
use tokio::io::DuplexStream;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_stream::StreamExt;
use tonic::Code;

use crate::fake::Target;
use crate::line::{Control, Report, client, hello, register};
use crate::whole::dialer;

/// Handlers, and what they tell the run's task.
struct Fleet {
    pipes: mpsc::Sender<DuplexStream>,
    events: mpsc::Receiver<FleetEvent>,
    registry: Arc<Mutex<Registry>>,
}

fn fleet(assets: Assets) -> Fleet {
    let (sender, events) = mpsc::channel(64);
    let registry = Arc::new(Mutex::new(Registry::default()));
    let service =
        Service::new(Arc::clone(&registry), sender, Arc::new(assets), Instant::now(), Duration::from_secs(5));
    let (pipes, incoming) = memory();
    serve(&service, None, None, incoming);
    Fleet { pipes, events, registry }
}

impl Fleet {
    /// What the run's state would be given next: nothing of a session that is over.
    async fn input(&mut self) -> Input {
        loop {
            match self.events.recv().await.expect("handlers live") {
                FleetEvent::Input(input) => return input,
                FleetEvent::From(session, worker, input)
                | FleetEvent::Statistics(session, worker, input, _)
                    if self.registry.lock().expect("not poisoned").worker_of(session) == Some(worker) =>
                {
                    return input;
                }
                _ => {}
            }
        }
    }
}

#[tokio::test]
async fn another_version_is_refused_and_both_are_named() {
    let fleet = fleet(HashMap::new());
    let mut client = client(&fleet.pipes).await;
    let old = RegisterRequest { version: "0.0.9".to_owned(), ..hello(1) };
    let refused = client.register(old).await.expect_err("refused");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("0.0.9") && refused.message().contains(VERSION), "{refused}");
    let newer = RegisterRequest { protocol: 99, ..hello(1) };
    let refused = client.register(newer).await.expect_err("refused");
    assert!(
        refused.message().contains("protocol 99")
            && refused.message().contains(&format!("protocol {PROTOCOL}")),
        "{refused}"
    );
    let short = RegisterRequest { instance: vec![1, 2], ..hello(1) };
    assert_eq!(client.register(short).await.expect_err("refused").code(), Code::InvalidArgument);
    let taken = client.register(hello(1)).await.expect("taken").into_inner();
    assert_eq!((taken.version.as_str(), taken.lease_ms, taken.heartbeat_ms), (VERSION, 5000, 500));
}

#[tokio::test]
async fn heartbeats_are_answered_with_both_instants_and_passed_on() {
    let mut fleet = fleet(HashMap::new());
    let mut client = client(&fleet.pipes).await;
    let session = register(&mut client, 1).await;
    let mut control = Control::open(&mut client, session).await.expect("opened");
    let mut last = 0;
    for seq in [7, 8, 9] {
        let (received, answered) = control.beat(seq).await.expect("answered");
        assert!(last <= received && received <= answered, "{last} {received} {answered}");
        last = answered;
    }
    control
        .say(10, WorkerStatus { users: vec![3, 4], started: 17, rtt_us: 1500, ..WorkerStatus::default() })
        .await;
    let Input::Registered { worker: 0, hello } = fleet.input().await else { panic!("first it registers") };
    assert!(hello.embedded && hello.name == "w1", "{hello:?}");
    assert!(matches!(fleet.input().await, Input::ControlOpened { worker: 0 }));
    for _ in 0..3 {
        assert!(matches!(fleet.input().await, Input::Heartbeat { worker: 0, .. }));
    }
    let Input::Heartbeat { heartbeat, .. } = fleet.input().await else { panic!("a fourth one") };
    assert_eq!((heartbeat.users, heartbeat.started), (vec![3, 4], 17));
    assert_eq!(heartbeat.round_trip, Some(Duration::from_micros(1500)));
    drop(control);
    assert!(matches!(fleet.input().await, Input::ControlClosed { worker: 0 }));
}

#[tokio::test]
async fn a_heartbeat_that_cannot_be_ends_the_stream() {
    let mut fleet = fleet(HashMap::new());
    let mut client = client(&fleet.pipes).await;
    let session = register(&mut client, 1).await;
    let mut control = Control::open(&mut client, session).await.expect("opened");
    control.say(1, WorkerStatus { users: vec![u32::MAX, 1], ..WorkerStatus::default() }).await;
    control.next().await.expect("it is answered all the same");
    assert_eq!(control.next().await.expect_err("and then the stream ends").code(), Code::InvalidArgument);
    assert!(matches!(fleet.input().await, Input::Registered { .. }));
    assert!(matches!(fleet.input().await, Input::ControlOpened { .. }));
    assert!(
        matches!(fleet.input().await, Input::BadBatch { worker: 0, .. }),
        "it counts like bad statistics"
    );
    assert!(matches!(fleet.input().await, Input::ControlClosed { .. }));
}

#[tokio::test]
async fn a_newer_session_of_the_same_instance_ends_the_older() {
    let mut fleet = fleet(HashMap::new());
    let mut client = client(&fleet.pipes).await;
    let first = register(&mut client, 1).await;
    let mut old = Control::open(&mut client, first).await.expect("opened");
    let old_report = Report::open(&mut client, first).await.expect("opened");
    let second = register(&mut client, 1).await;
    assert_ne!(first, second);
    assert_eq!(old.beat(1).await.expect_err("over").code(), Code::Aborted);
    let mut old_report = old_report;
    old_report.send(SnapshotBatch { number: 1, ..SnapshotBatch::default() }).await;
    assert_eq!(old_report.next().await.expect_err("over").code(), Code::Aborted);
    let mut new = Control::open(&mut client, second).await.expect("opened");
    new.beat(2).await.expect("answered");

    // The run hears of one worker that registered twice and never that it is gone.
    let mut told = Vec::new();
    while !matches!(told.last(), Some(Input::Heartbeat { .. })) {
        told.push(fleet.input().await);
    }
    let registered = told.iter().filter(|input| matches!(input, Input::Registered { worker: 0, .. }));
    assert_eq!(registered.count(), 2, "{told:?}");
    assert!(!told.iter().any(|input| matches!(input, Input::ControlClosed { .. })), "{told:?}");
    assert!(
        !told.iter().any(|input| matches!(input, Input::BadBatch { .. } | Input::Batch { .. })),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_session_that_was_never_given_opens_nothing() {
    let fleet = fleet(HashMap::new());
    let mut client = client(&fleet.pipes).await;
    let session = register(&mut client, 1).await + 1;
    let control = Control::open(&mut client, session).await.err().expect("refused");
    let report = Report::open(&mut client, session).await.err().expect("refused");
    let asset = client.fetch_asset(AssetRequest { session, sha256: vec![0; 32] }).await.expect_err("refused");
    assert_eq!([control.code(), report.code(), asset.code()], [Code::Aborted; 3]);
    assert!(control.message().contains("register again"), "{control}");
}

#[tokio::test]
async fn statistics_that_are_not_well_formed_are_passed_on_as_such() {
    let mut fleet = fleet(HashMap::new());
    let mut client = client(&fleet.pipes).await;
    let session = register(&mut client, 1).await;
    let report = Report::open(&mut client, session).await.expect("opened");
    report.send(SnapshotBatch { number: 1, from_s: 3, to_s: 3, ..SnapshotBatch::default() }).await;
    assert!(matches!(fleet.input().await, Input::Registered { .. }));
    assert!(matches!(fleet.input().await, Input::ReportOpened { worker: 0 }));
    let Input::BadBatch { worker: 0, why } = fleet.input().await else { panic!("passed on") };
    assert!(why.contains("to_s"), "{why}");
}

#[tokio::test]
async fn files_come_in_chunks_by_their_hash() {
    let content: Bytes = (0..600_000u32).map(|n| u8::try_from(n % 251).expect("small")).collect();
    let fleet = fleet(HashMap::from([([7; 32], content.clone()), ([8; 32], Bytes::new())]));
    let mut client = client(&fleet.pipes).await;
    let session = register(&mut client, 1).await;
    let fetch = |sha256: Vec<u8>| AssetRequest { session, sha256 };
    let mut chunks = client.fetch_asset(fetch(vec![7; 32])).await.expect("known").into_inner();
    let mut sizes = Vec::new();
    let mut all = Vec::new();
    while let Some(chunk) = chunks.next().await {
        let data = chunk.expect("whole").data;
        sizes.push(data.len());
        all.extend_from_slice(&data);
    }
    assert_eq!((sizes, all == content), (vec![ASSET_CHUNK, ASSET_CHUNK, 600_000 - 2 * ASSET_CHUNK], true));
    let mut empty = client.fetch_asset(fetch(vec![8; 32])).await.expect("known").into_inner();
    assert!(empty.next().await.is_none());
    assert_eq!(client.fetch_asset(fetch(vec![9; 32])).await.expect_err("unknown").code(), Code::NotFound);
    assert_eq!(
        client.fetch_asset(fetch(vec![7; 31])).await.expect_err("no hash").code(),
        Code::InvalidArgument
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_hears_the_first_command_however_early_it_comes() {
    // The command is on its way before the worker knows that its line stands. Whoever is ahead, it has to be heard.
    for _ in 0..200 {
        let mut fleet = fleet(HashMap::new());
        let (_cut, cuttable) = watch::channel(0);
        let (said, mut says) = mpsc::channel(16);
        let settings = Settings {
            name: "w".to_owned(),
            threads: 1,
            capacity: 1,
            once: false,
            dialer: dialer(fleet.pipes.clone(), cuttable, Arc::default()),
            address: "memory".to_owned(),
            say: Arc::new(move |text| drop(said.try_send(text.to_owned()))),
            spread: false,
            version: VERSION.to_owned(),
            sources: Sources::default(),
            allow: Arc::default(),
            leased: true,
            line: watch::Sender::default(),
            hosts_target: false,
            known: Assets::default(),
        };
        let (leave, left) = watch::channel(0);
        let working = tokio::spawn(work(settings, Target::default(), left));
        let heard = async {
            loop {
                tokio::select! {
                    event = fleet.events.recv() => if let Some(FleetEvent::Control(_, _, commands)) = event {
                        let what = Some(What::Notice("welcome".to_owned()));
                        commands.send(Ok(Command { what })).await.expect("room");
                    },
                    text = says.recv() => if text.as_deref() == Some("welcome") { break },
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(5), heard).await.expect("it hears the first command");
        drop(leave);
        working.await.expect("no panic").expect("it was told to end");
    }
}
