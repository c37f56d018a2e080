//! A peer that sends rubbish over real connections while a real worker runs its test.

use std::sync::Arc;
use std::time::Duration;

use stampede_coordinator::conduct::{Conducted, Conductor};
use stampede_coordinator::fleet::{Door, listen, memory};
use stampede_coordinator::result::RunResult;
use stampede_coordinator::view::WorkerState;
use stampede_proto::VERSION;
use stampede_proto::v1::command::What;
use stampede_proto::v1::fleet_client::FleetClient;
use stampede_proto::v1::{
    EndpointDelta, Gauges, Iterations, Requests, Running, SnapshotBatch, WorkerPhase, WorkerStatus,
};
use stampede_worker::http::settings::Sources;
use stampede_worker::session::{Assets, Dialer, Settings, work};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tonic::Code;
use tonic::transport::Endpoint;

use crate::fake::{Target, job};
use crate::line::{Control, Report, register};

/// A run that hangs is to fail, not to stand.
const LONG: Duration = Duration::from_secs(60);

/// A well-formed second of a worker without users.
fn second(run: &str, number: u64) -> SnapshotBatch {
    let from_s = u32::try_from(number - 1).expect("small");
    SnapshotBatch {
        run: run.to_owned(),
        number,
        from_s,
        to_s: from_s + 1,
        last_part: true,
        iterations: Some(Iterations::default()),
        warmup_iterations: Some(Iterations::default()),
        gauges: Some(Gauges::default()),
        running: Some(Running {
            requests: Some(Requests::default()),
            iterations: Some(Iterations::default()),
        }),
        ..SnapshotBatch::default()
    }
}

/// What is sent in each of three sessions: not well formed, of a second that is far off, and with sums that are not the sums.
fn rubbish(run: &str) -> [SnapshotBatch; 3] {
    let name = |n| EndpointDelta {
        name: format!("/{n}"),
        counts: Some(Requests::default()),
        ..EndpointDelta::default()
    };
    let mut names = second(run, 1);
    names.endpoints = (0..200_000).map(name).collect();
    let mut far = second(run, 1);
    (far.from_s, far.to_s) = (u32::MAX - 1, u32::MAX);
    let mut sums = second(run, 1);
    sums.running.as_mut().expect("set").requests =
        Some(Requests { started: 7, ok: 7, ..Requests::default() });
    [names, far, sums]
}

/// Registers, gets ready as the test wants it, and then sends rubbish until it is refused.
async fn rogue(address: String) {
    // Bytes that are no HTTP/2 at all; that line is its own affair.
    let mut raw = TcpStream::connect(&address).await.expect("listening");
    raw.write_all(&[0xff; 4096]).await.expect("taken, whatever it is");
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address");
    let mut client = FleetClient::new(endpoint.connect().await.expect("listening"));
    let session = register(&mut client, 9).await;
    let mut control = Control::open(&mut client, session).await.expect("opened");
    let (mut run, mut seq) = (String::new(), 0);
    loop {
        match control.next().await.expect("a command") {
            What::Prepare(prepare) => {
                run = prepare.run;
                seq += 1;
                let ready = WorkerPhase::Ready.into();
                control
                    .say(seq, WorkerStatus { run: run.clone(), phase: ready, ..WorkerStatus::default() })
                    .await;
            }
            What::Start(_) => break,
            _ => {}
        }
    }
    let rubbish = rubbish(&run);
    for (nth, batch) in rubbish.into_iter().enumerate() {
        if nth > 0 {
            let session = register(&mut client, 9).await;
            control = Control::open(&mut client, session).await.expect("it may come back");
        }
        let mut report = Report::open(&mut client, control.session).await.expect("opened");
        report.next().await.expect("told what was applied");
        report.send(batch).await;
        let refused = report.next().await.expect_err("refused");
        assert!(matches!(refused.code(), Code::Aborted | Code::OutOfRange), "{refused}");
        while control.next().await.is_ok() {}
    }
    // Three times is enough: it is told so, and what it sends is not looked at.
    let session = register(&mut client, 9).await;
    let mut control = Control::open(&mut client, session).await.expect("it may listen");
    assert!(matches!(control.next().await, Ok(What::RunOver(_))));
    let Ok(What::Notice(text)) = control.next().await else { panic!("it is told why") };
    assert!(text.contains("refused"), "{text}");
    let mut report = Report::open(&mut client, session).await.expect("opened");
    report.next().await.expect("told what was applied");
    report.send(second(&run, 1)).await;
    assert!(report.next().await.expect("answered").over, "for it the run is over");
    // A message larger than any that is due is not even decoded.
    report.send(SnapshotBatch { run: "x".repeat(8 << 20), ..second(&run, 2) }).await;
    let refused = report.next().await.expect_err("too large");
    assert_eq!(refused.code(), Code::OutOfRange, "{refused}");
}

async fn conduct() -> (Conducted, Target) {
    let (mut job, _) = job("get: /", "users: 4, spawn_rate: 100, run_time: 3s");
    let listener = listen("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    job.door = Some(Door { listener, token: None, tls: None });
    job.setup.expected = Some(2);
    let (_pipes, incoming) = memory();
    let (conductor, _view) = Conductor::over(job, incoming);
    let target = Target::default();
    let settings = Settings {
        name: "good".to_owned(),
        threads: 1,
        capacity: 1,
        once: true,
        dialer: Dialer::tcp(address.clone()),
        address: address.clone(),
        say: Arc::new(|_| {}),
        spread: true,
        version: VERSION.to_owned(),
        sources: Sources::default(),
        allow: Arc::default(),
        leased: true,
        line: watch::Sender::default(),
        hosts_target: false,
        known: Assets::default(),
    };
    let (_leave, left) = watch::channel(0);
    let working = tokio::spawn(work(settings, target.clone(), left));
    let (_person, people) = mpsc::channel(1);
    let conducting = tokio::spawn(conductor.conduct(people));
    tokio::time::timeout(LONG, rogue(address)).await.expect("it is refused soon");
    let conducted = tokio::time::timeout(LONG, conducting).await.expect("it ends").expect("no panic");
    tokio::time::timeout(LONG, working).await.expect("it ends").expect("no panic").expect("no complaint");
    (conducted, target)
}

fn of<'a>(result: &'a RunResult, name: &str) -> &'a stampede_coordinator::result::WorkerResult {
    result.workers.iter().find(|worker| worker.name == name).expect("it took part")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_sends_rubbish_loses_its_part_and_nobody_else_anything() {
    let (conducted, target) = conduct().await;
    let result = &conducted.result;
    let (begun, answered, failed, _) = target.0.counts();
    let requests = result.totals.requests();
    assert!(begun > 100, "{begun} requests in all");
    assert_eq!((requests.started, requests.ok, requests.failed), (begun, answered, failed));
    assert_eq!((of(result, "good").requests, of(result, "good").state), (begun, WorkerState::Finished));
    assert_eq!((of(result, "w9").requests, of(result, "w9").state), (0, WorkerState::Lost));
    assert_eq!(result.accounting.unknown, 0);
    assert!(result.accounting.missing.iter().all(|missing| missing.worker == "w9"));
    assert!(result.notes.iter().any(|note| note.contains("refused for this run")), "{:?}", result.notes);
}
