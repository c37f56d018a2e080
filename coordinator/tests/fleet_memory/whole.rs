//! The real worker against the real coordinator over pipes: what the report says is what the target saw.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use stampede_coordinator::conduct::{Conducted, Conductor};
use stampede_coordinator::export::Feed;
use stampede_coordinator::fleet::{memory, pipe};
use stampede_coordinator::result::StopReason;
use stampede_coordinator::view::WorkerState;
use stampede_proto::VERSION;
use stampede_worker::http::settings::Sources;
use stampede_worker::session::{Assets, Dialer, Io, Settings, work};
use tokio::io::{DuplexStream, copy_bidirectional};
use tokio::sync::{mpsc, watch};

use crate::fake::{Target, job};

/// Longer than any of these takes: a run that hangs is to fail, not to stand.
const LONG: Duration = Duration::from_secs(60);

/// A worker's way to the coordinator that breaks whenever `cut` changes. Counts the pipes it made.
pub(crate) fn dialer(
    pipes: mpsc::Sender<DuplexStream>,
    cut: watch::Receiver<u32>,
    dialled: Arc<AtomicU32>,
) -> Dialer {
    Dialer::new(move || {
        let (pipes, mut cut, dialled) = (pipes.clone(), cut.clone(), Arc::clone(&dialled));
        Box::pin(async move {
            dialled.fetch_add(1, Ordering::Relaxed);
            cut.mark_unchanged();
            let ((near, mut left), (mut right, far)) = (pipe(), pipe());
            pipes.send(far).await.map_err(|_| ErrorKind::ConnectionRefused)?;
            // Between both ends, so that dropping it lets both see the end.
            tokio::spawn(async move {
                tokio::select! {
                    _ = copy_bidirectional(&mut left, &mut right) => {}
                    _ = cut.changed() => {}
                }
            });
            Ok(Box::new(near) as Box<dyn Io>)
        })
    })
}

/// A worker for one test.
pub(crate) fn settings(dialer: Dialer) -> Settings {
    Settings {
        name: "w".to_owned(),
        threads: 2,
        capacity: 1,
        once: true,
        dialer,
        address: "memory".to_owned(),
        say: Arc::new(|_| {}),
        spread: true,
        version: VERSION.to_owned(),
        sources: Sources::default(),
        allow: Arc::default(),
        leased: true,
        line: watch::Sender::default(),
        hosts_target: false,
        known: Assets::default(),
    }
}

/// How a run went.
pub(crate) struct Ran {
    pub(crate) conducted: Conducted,
    target: Target,
    /// Pipes made: two for each time the worker registered.
    dialled: u32,
    file: u64,
}

/// Runs a test; the line is cut at each of these run times.
async fn run(step: &str, load: &str, cuts: &[Duration]) -> Ran {
    run_exporting(step, load, cuts, None).await
}

/// The same, with its figures put into `feed`.
pub(crate) async fn run_exporting(step: &str, load: &str, cuts: &[Duration], feed: Option<Feed>) -> Ran {
    let (pipes, incoming) = memory();
    let (job, file) = job(step, load);
    let (conductor, mut view) = Conductor::over(job, incoming);
    let conductor = conductor.exporting(feed);
    let (cut, cuttable) = watch::channel(0);
    let (target, dialled) = (Target::default(), Arc::new(AtomicU32::new(0)));
    let settings = settings(dialer(pipes, cuttable, Arc::clone(&dialled)));
    let (leave, left) = watch::channel(0);
    let working = tokio::spawn(work(settings, target.clone(), left));
    let (_person, people) = mpsc::channel(1);
    let conducting = tokio::spawn(conductor.conduct(people));
    for at in cuts {
        let due = view.wait_for(|view| view.elapsed >= *at).await;
        drop(due.expect("the run goes on"));
        cut.send_modify(|cuts| *cuts += 1);
    }
    let conducted = tokio::time::timeout(LONG, conducting).await.expect("it ends").expect("no panic");
    if !cuts.is_empty() {
        // The last cut may have kept it from hearing that the run is over; then it would look for a coordinator for ever.
        drop(leave);
    }
    let worked = tokio::time::timeout(LONG, working).await.expect("it ends").expect("no panic");
    worked.expect("no reason to complain");
    Ran { conducted, target, dialled: dialled.load(Ordering::Relaxed), file }
}

/// The result says what the target saw, to the request.
fn assert_true(ran: &Ran) {
    let result = &ran.conducted.result;
    let (begun, answered, failed, _) = ran.target.0.counts();
    let requests = result.totals.requests();
    assert!(begun > 300, "{begun} requests in all");
    assert_eq!(
        (requests.started, requests.sent, requests.ok, requests.failed),
        (begun, begun, answered, failed)
    );
    assert_eq!((requests.cancelled, result.accounting.started, result.accounting.unknown), (0, begun, 0));
    let iterations = result.totals.iterations;
    assert_eq!((iterations.begun, iterations.completed, iterations.failed), (begun, answered, failed));
    assert!(result.is_complete(), "{:?}", result.accounting);
    assert_eq!(result.totals.aggregated().all_times().count(), begun);
    let by_second: u64 = result.timeline.points().map(|(_, point)| point.requests).sum();
    assert_eq!(by_second, begun, "each in one second of the course");
    assert_eq!(result.workers[0].state, WorkerState::Finished);
    assert!(ran.conducted.failed_to_start.is_none() && !ran.conducted.lost_everyone);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_counts_what_the_target_saw() {
    let ran =
        run("post: /dog, multipart: {file: {path: dog.jpg}}", "users: 4, spawn_rate: 100, run_time: 2s", &[])
            .await;
    assert_true(&ran);
    let (begun, _, _, bytes) = ran.target.0.counts();
    assert!(bytes > begun * ran.file, "every request carried the whole file");
    let result = &ran.conducted.result;
    assert_eq!((result.duration, result.stop_reason), (Duration::from_secs(2), StopReason::RunTime));
    assert_eq!((result.users_peak, ran.dialled), (4, 2));
    let fastest = result.totals.aggregated().all_times().min_ms().expect("some");
    assert!(fastest >= 2.9, "the target takes 3 ms and not {fastest}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_breaks_loses_and_doubles_nothing() {
    let cuts = [700, 1000, 1800, 3000].map(Duration::from_millis);
    let ran = run("get: /", "users: 4, spawn_rate: 100, run_time: 3s", &cuts).await;
    assert_true(&ran);
    assert!(ran.dialled >= 6, "it connected again: {} pipes", ran.dialled);
    let notes = &ran.conducted.result.notes;
    assert!(notes.iter().any(|note| note.contains("w disconnected")), "{notes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_so_many_iterations_begin_as_were_asked_for() {
    let cuts = [Duration::from_millis(300)];
    let ran = run("get: /", "users: 4, spawn_rate: 100, iterations: 1000", &cuts).await;
    assert_true(&ran);
    let result = &ran.conducted.result;
    assert_eq!((result.totals.iterations.begun, result.stop_reason), (1000, StopReason::Iterations));
    let accounting = &result.accounting;
    assert_eq!((accounting.planned, accounting.dropped, accounting.missed), (Some(1000), 0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_arrival_that_was_planned_is_begun_or_dropped() {
    let cuts = [Duration::from_millis(500)];
    let ran = run("get: /", "rate: 700/s, run_time: 2s", &cuts).await;
    assert_true(&ran);
    let result = &ran.conducted.result;
    let accounting = &result.accounting;
    assert_eq!((accounting.planned, accounting.missed), (Some(1400), 0));
    assert_eq!(accounting.iterations_begun + accounting.dropped, 1400);
    assert_eq!((result.stop_reason, result.spawn_rate), (StopReason::RunTime, None));
    assert!(result.users_peak >= 1 && result.workers[0].lateness_p99.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn arrivals_that_nobody_is_free_for_are_dropped() {
    // Two users that need 3 ms for each can take less than 700 of 2000.
    let ran = run("get: /", "rate: 2000/s, run_time: 1s, max_users: 2, users: 1", &[]).await;
    assert_true(&ran);
    let result = &ran.conducted.result;
    let accounting = &result.accounting;
    assert_eq!((accounting.planned, accounting.missed), (Some(2000), 0));
    assert_eq!(accounting.iterations_begun + accounting.dropped, 2000);
    assert!(accounting.dropped >= 1300, "{} dropped", accounting.dropped);
    assert_eq!(result.users_peak, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_of_iterations_bounds_arrivals() {
    let ran = run("get: /", "rate: 1000/s, iterations: 600", &[]).await;
    assert_true(&ran);
    let result = &ran.conducted.result;
    let accounting = &result.accounting;
    assert_eq!((accounting.planned, result.stop_reason), (Some(600), StopReason::Iterations));
    assert_eq!(accounting.iterations_begun + accounting.dropped, 600);
}
