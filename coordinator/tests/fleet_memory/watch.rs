//! Those who watch a run from elsewhere: what they see, what they may, and that none of them holds anything up.

use std::collections::HashMap;
use std::io::{Error, ErrorKind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use stampede_coordinator::conduct::Conductor;
use stampede_coordinator::fleet::{FleetEvent, Registry, Service, memory, pipe, serve};
use stampede_coordinator::result::StopReason;
use stampede_coordinator::run::Run;
use stampede_coordinator::run::input::Person;
use stampede_coordinator::view::{Phase, RunView};
use stampede_coordinator::watch::{Attached, Gallery, Io, Line, WatchError, WatchService, unpack};
use stampede_proto::VERSION;
use stampede_proto::v1::steer_request::What;
use stampede_proto::v1::watch_client::WatchClient;
use stampede_proto::v1::{FollowRequest, SteerRequest, ViewFrame};
use stampede_proto::watch::{Wish, to_wire};
use tokio::io::{DuplexStream, copy_bidirectional};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Streaming};

use crate::fake::job;

/// Longer than any of these takes.
const LONG: Duration = Duration::from_secs(60);

/// A run as it begins.
fn beginning() -> RunView {
    let (job, _) = job("get: /", "users: 1");
    Run::new(job.setup, Duration::ZERO).view(Duration::ZERO)
}

/// A coordinator's end without a run: what it shows is put in by hand.
struct Shown {
    pipes: mpsc::Sender<DuplexStream>,
    events: mpsc::Receiver<FleetEvent>,
    view: watch::Sender<RunView>,
    gallery: Gallery,
}

fn shown(control: bool) -> Shown {
    let (sender, events) = mpsc::channel(64);
    let (view, newest) = watch::channel(beginning());
    let gallery = Gallery::new(newest);
    let service = WatchService::new(gallery.clone(), sender.clone(), control);
    let registry = Arc::new(Mutex::new(Registry::default()));
    let fleet = Service::new(registry, sender, Arc::new(HashMap::new()), Instant::now(), LONG);
    let (pipes, incoming) = memory();
    serve(&fleet, Some(&service), None, incoming);
    Shown { pipes, events, view, gallery }
}

/// A client by hand.
async fn client(pipes: &mpsc::Sender<DuplexStream>) -> WatchClient<Channel> {
    let pipes = Arc::new(pipes.clone());
    let dial = move |_: Uri| {
        let pipes = Arc::clone(&pipes);
        async move {
            let (near, far) = pipe();
            pipes.send(far).await.map_err(|_| Error::from(ErrorKind::ConnectionRefused))?;
            Ok::<_, Error>(TokioIo::new(near))
        }
    };
    let endpoint = Endpoint::from_static("http://coordinator").initial_stream_window_size(64 << 10);
    let channel = endpoint.connect_with_connector(tower::service_fn(dial)).await;
    WatchClient::new(channel.expect("a pipe"))
}

/// A line that breaks whenever `cut` changes.
fn line(pipes: &mpsc::Sender<DuplexStream>, cut: &watch::Receiver<u32>) -> Line {
    let (pipes, cut) = (pipes.clone(), cut.clone());
    Line::new(move || {
        let (pipes, mut cut) = (pipes.clone(), cut.clone());
        Box::pin(async move {
            cut.mark_unchanged();
            let ((near, mut left), (mut right, far)) = (pipe(), pipe());
            pipes.send(far).await.map_err(|_| ErrorKind::ConnectionRefused)?;
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

fn own_version() -> FollowRequest {
    FollowRequest { version: VERSION.to_owned() }
}

async fn next(frames: &mut Streaming<ViewFrame>) -> (RunView, bool) {
    let frame = timeout(LONG, frames.message()).await.expect("soon").expect("a line").expect("a frame");
    (unpack(&frame.view).expect("a picture"), frame.control)
}

#[tokio::test(start_paused = true)]
async fn pictures_come_until_the_run_is_over() {
    let shown = shown(false);
    let (_keep, uncut) = watch::channel(0);
    let (attached, mut view) = Attached::to(line(&shown.pipes, &uncut), "memory").await.expect("attached");
    assert!(!attached.control());
    assert_eq!(format!("{:?}", *view.borrow()), format!("{:?}", beginning()));
    let (_wish, wishes) = mpsc::channel(1);
    let following = tokio::spawn(attached.follow(wishes));
    for second in 1..5 {
        shown.view.send_modify(|view| view.elapsed = Duration::from_secs(second));
        view.wait_for(|view| view.elapsed == Duration::from_secs(second)).await.expect("it follows");
    }
    shown.view.send_modify(|view| view.phase = Phase::Finished);
    timeout(LONG, following).await.expect("it ends").expect("no panic").expect("the run is over");
    assert_eq!(view.borrow().phase, Phase::Finished);
    timeout(LONG, shown.gallery.left()).await.expect("nobody looks any more");
    // Who comes afterwards still sees how it ended.
    let mut late = client(&shown.pipes).await.follow(own_version()).await.expect("let in").into_inner();
    assert_eq!(next(&mut late).await.0.phase, Phase::Finished);
}

/// What packs badly.
fn noise(seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..3000).map(|_| format!("{:016x}", next())).collect::<Vec<_>>().concat()
}

#[tokio::test(start_paused = true)]
async fn who_does_not_read_misses_pictures_and_holds_nobody_up() {
    let shown = shown(false);
    let mut slow = client(&shown.pipes).await.follow(own_version()).await.expect("let in").into_inner();
    let mut fast = client(&shown.pipes).await.follow(own_version()).await.expect("let in").into_inner();
    let pictures = 100;
    for second in 1..=pictures {
        shown.view.send_modify(|view| {
            view.elapsed = Duration::from_secs(second);
            view.notices = Arc::new(vec![noise(second)]);
        });
        // One beside it sees each of them.
        while next(&mut fast).await.0.elapsed < Duration::from_secs(second) {}
    }
    let mut read = 0;
    while next(&mut slow).await.0.elapsed < Duration::from_secs(pictures) {
        read += 1;
    }
    assert!(read < 50, "{read} of {pictures} were kept for it");
}

#[tokio::test]
async fn wishes_are_passed_on_only_where_that_is_allowed() {
    let mut shown = shown(true);
    let mut watcher = client(&shown.pipes).await;
    assert!(next(&mut watcher.follow(own_version()).await.expect("let in").into_inner()).await.1);
    let all = [
        (Wish::ChangeUsers(3), Person::ChangeUsers(3)),
        (Wish::More, Person::More),
        (Wish::Less, Person::Less),
        (Wish::Pause, Person::Pause),
        (Wish::NextStage, Person::NextStage),
        (Wish::Stop, Person::Quit),
    ];
    for (wish, person) in all {
        watcher.steer(to_wire(wish)).await.expect("taken");
        let told = shown.events.recv().await.expect("handlers live");
        assert!(matches!(told, FleetEvent::Person(told) if told == person), "{told:?}");
    }
    for cannot_be in [None, Some(What::ChangeUsers(i32::MAX)), Some(What::Stop(false))] {
        let refused = watcher.steer(SteerRequest { what: cannot_be }).await.expect_err("refused");
        assert_eq!(refused.code(), Code::InvalidArgument);
    }

    let mut shown = self::shown(false);
    let mut watcher = client(&shown.pipes).await;
    assert!(!next(&mut watcher.follow(own_version()).await.expect("let in").into_inner()).await.1);
    let refused = watcher.steer(to_wire(Wish::Stop)).await.expect_err("refused");
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(refused.message().contains("read-only") && refused.message().contains("--allow-control"));
    assert!(shown.events.try_recv().is_err(), "and nothing is told");
}

#[tokio::test(start_paused = true)]
async fn a_refused_wish_is_said_to_who_had_it() {
    let shown = shown(false);
    let (_keep, uncut) = watch::channel(0);
    let (attached, mut view) = Attached::to(line(&shown.pipes, &uncut), "memory").await.expect("attached");
    let (wish, wishes) = mpsc::channel(1);
    let following = tokio::spawn(attached.follow(wishes));
    wish.send(Wish::More).await.expect("it listens");
    let said = |view: &RunView| view.notices.iter().any(|notice| notice.starts_with("not done: read-only"));
    timeout(LONG, view.wait_for(said)).await.expect("it is said").expect("it follows");
    following.abort();
}

#[tokio::test]
async fn another_version_is_refused_and_both_are_named() {
    let shown = shown(false);
    let mut watcher = client(&shown.pipes).await;
    let other = FollowRequest { version: "0.0.9\u{1b}[31m".to_owned() };
    let refused = watcher.follow(other).await.expect_err("refused");
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let said = refused.message();
    assert!(said.contains("0.0.9") && said.contains(VERSION) && !said.contains('\u{1b}'), "{said}");
}

#[tokio::test]
async fn only_so_many_watch_at_a_time() {
    let shown = shown(false);
    let mut watchers = Vec::new();
    let refused = loop {
        assert!(watchers.len() < 1000, "nobody was turned away");
        match client(&shown.pipes).await.follow(own_version()).await {
            Ok(stream) => watchers.push(stream),
            Err(refused) => break refused,
        }
    };
    assert_eq!((refused.code(), watchers.len()), (Code::ResourceExhausted, 64));
}

#[tokio::test(start_paused = true)]
async fn a_line_that_breaks_is_said_and_made_anew() {
    let shown = shown(false);
    let (cut, cuttable) = watch::channel(0);
    let (attached, mut view) = Attached::to(line(&shown.pipes, &cuttable), "memory").await.expect("attached");
    let (_wish, wishes) = mpsc::channel(1);
    let following = tokio::spawn(attached.follow(wishes));
    cut.send_modify(|cuts| *cuts += 1);
    let said =
        |text: &'static str| move |view: &RunView| view.notices.iter().any(|notice| notice.starts_with(text));
    timeout(LONG, view.wait_for(said("disconnected since "))).await.expect("said").expect("it follows");
    timeout(LONG, view.wait_for(said("connected again"))).await.expect("said").expect("it follows");
    shown.view.send_modify(|view| view.phase = Phase::Finished);
    timeout(LONG, following).await.expect("it ends").expect("no panic").expect("the run is over");
}

#[tokio::test(start_paused = true)]
async fn a_coordinator_that_does_not_come_back_is_not_waited_for_for_ever() {
    let shown = shown(false);
    let (cut, cuttable) = watch::channel(0);
    let (attached, _view) = Attached::to(line(&shown.pipes, &cuttable), "h:1").await.expect("attached");
    let (_wish, wishes) = mpsc::channel(1);
    let following = tokio::spawn(attached.follow(wishes));
    let nobody = mpsc::channel(1).0;
    drop(shown);
    cut.send_modify(|cuts| *cuts += 1);
    let gone = timeout(LONG * 100, following).await.expect("it ends").expect("no panic").expect_err("gone");
    assert!(matches!(gone, WatchError::Gone { .. } | WatchError::Refused { .. }), "{gone}");
    let (_keep, uncut) = watch::channel(0);
    let nowhere = Attached::to(line(&nobody, &uncut), "h:1").await.err().expect("nobody there").to_string();
    assert!(nowhere.starts_with("cannot watch h:1: "), "{nowhere}");
}

#[tokio::test]
async fn a_run_is_steered_from_elsewhere_and_its_end_is_seen() {
    let (pipes, incoming) = memory();
    let (mut job, _) = job("get: /", "users: 2, spawn_rate: 100");
    job.control = true;
    let target = crate::fake::Target::default();
    let (conductor, mut view) = Conductor::over(job, incoming);
    let (_keep, uncut) = watch::channel(0);
    let dialer = crate::whole::dialer(pipes.clone(), uncut.clone(), Arc::default());
    let (_leave, left) = watch::channel(0);
    let working = tokio::spawn(stampede_worker::session::work(crate::whole::settings(dialer), target, left));
    let (_person, people) = mpsc::channel(1);
    let conducting = tokio::spawn(conductor.conduct(people));
    let (attached, seen) = Attached::to(line(&pipes, &uncut), "memory").await.expect("attached");
    assert!(attached.control());
    let (wish, wishes) = mpsc::channel(4);
    let following = tokio::spawn(attached.follow(wishes));
    view.wait_for(|view| view.phase == Phase::Steady).await.expect("it runs");
    wish.send(Wish::ChangeUsers(3)).await.expect("taken");
    view.wait_for(|view| view.users == 5).await.expect("it runs");
    wish.send(Wish::Stop).await.expect("taken");
    let conducted = timeout(LONG, conducting).await.expect("it ends").expect("no panic");
    timeout(LONG, following).await.expect("it ends").expect("no panic").expect("the end was seen");
    assert_eq!((seen.borrow().phase, seen.borrow().users_target), (Phase::Finished, 5));
    let result = &conducted.result;
    let change = result.changes.first().expect("it is written down");
    assert_eq!((change.what.as_str(), change.from.as_str(), change.to.as_str()), ("users", "2", "5"));
    assert_eq!((result.stop_reason, result.users_peak), (StopReason::User, 5));
    timeout(LONG, working).await.expect("it ends").expect("no panic").expect("no reason to complain");
}
