//! The fleet port on a real socket: who is let through to the handlers, and what strangers can do to it.

use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use stampede_coordinator::certs::make;
use stampede_coordinator::fleet::{
    Assets, Door, FleetEvent, FleetTls, Registry, Service, listen, memory, serve,
};
use stampede_proto::VERSION;
use stampede_proto::token::{Token, TokenText};
use stampede_proto::v1::fleet_client::FleetClient;
use stampede_proto::v1::watch_client::WatchClient;
use stampede_proto::v1::{AssetRequest, FollowRequest, SnapshotBatch, SteerRequest, WorkerStatus};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::line::hello;

const TOKEN: &str = "correct-horse-battery";

/// A port that wants the token, and what is told about it.
async fn door() -> (SocketAddr, mpsc::Receiver<FleetEvent>) {
    door_with(None).await
}

async fn door_with(tls: Option<FleetTls>) -> (SocketAddr, mpsc::Receiver<FleetEvent>) {
    let (sender, events) = mpsc::channel(64);
    let registry = Arc::new(Mutex::new(Registry::default()));
    let service =
        Service::new(registry, sender, Arc::new(Assets::default()), Instant::now(), Duration::from_secs(5));
    let listener = listen("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let token = Token::new(&TokenText::new(TOKEN)).expect("a token");
    let (_pipes, incoming) = memory();
    serve(&service, None, Some(Door { listener, token: Some(token), tls }), incoming);
    (address, events)
}

async fn channel(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("a URL");
    endpoint.connect().await.expect("a line")
}

fn showing<T>(message: T, token: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().expect("a header"));
    request
}

/// TLS with certificates made for this test program.
fn tls() -> FleetTls {
    let dir = std::env::temp_dir().join(format!("stampede-door-{}", std::process::id()));
    // What an earlier program of this number may have left.
    let _ = fs::remove_dir_all(&dir);
    make(&dir, &["localhost".to_owned()], jiff::Timestamp::now()).expect("certificates");
    let tls =
        FleetTls::read(&dir.join("coordinator.pem"), &dir.join("coordinator.key"), Some(&dir.join("ca.pem")));
    fs::remove_dir_all(&dir).expect("its own folder");
    tls.expect("usable")
}

/// It was refused before any handler, and nothing was told.
fn is_denied<T>(result: Result<T, Status>) {
    let status = result.err().expect("refused");
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(status.message().contains("token") && !status.message().contains(TOKEN), "{status}");
    assert!(!status.message().contains(VERSION));
}

#[tokio::test]
async fn no_call_gets_by_without_the_token() {
    let (address, mut events) = door().await;
    let channel = channel(address).await;
    let mut fleet = FleetClient::new(channel.clone());
    let nothing = || ReceiverStream::new(mpsc::channel::<WorkerStatus>(1).1);
    is_denied(fleet.register(hello(1)).await);
    is_denied(fleet.register(showing(hello(1), "correct-horse-batterz")).await);
    is_denied(fleet.control(nothing()).await);
    is_denied(fleet.report(ReceiverStream::new(mpsc::channel::<SnapshotBatch>(1).1)).await);
    is_denied(fleet.fetch_asset(AssetRequest::default()).await);
    let mut watch = WatchClient::new(channel.clone());
    is_denied(watch.follow(FollowRequest { version: VERSION.to_owned() }).await);
    is_denied(watch.steer(SteerRequest::default()).await);
    is_denied(HealthClient::new(channel.clone()).check(HealthCheckRequest::default()).await);
    for told in ["no token", "another token"] {
        match events.recv().await {
            Some(FleetEvent::Refused(text)) => {
                assert!(text.starts_with("refused a peer at 127.0.0.1: ") && text.contains(told), "{text}");
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(events.try_recv().is_err(), "and each is told once");
    fleet.register(showing(hello(1), TOKEN)).await.expect("taken");
    assert!(matches!(events.recv().await, Some(FleetEvent::Input(_))));
}

#[tokio::test]
async fn health_is_told_to_who_shows_the_token() {
    let (address, _events) = door().await;
    let mut health = HealthClient::new(channel(address).await);
    for service in ["", "stampede.v1.Fleet"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let answer = health.check(showing(request.clone(), TOKEN)).await.expect("an answer").into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving);
        let mut watched = health.watch(showing(request, TOKEN)).await.expect("an answer").into_inner();
        let first = watched.next().await.expect("a first").expect("a state");
        assert_eq!(first.status(), ServingStatus::Serving);
    }
    let unknown = HealthCheckRequest { service: "innermost".to_owned() };
    let status = health.check(showing(unknown, TOKEN)).await.expect_err("not known");
    assert_eq!(status.code(), Code::NotFound);
}

#[tokio::test]
async fn a_crowd_of_strangers_is_bounded() {
    let (address, mut events) = door().await;
    let mut crowd = Vec::new();
    // The port holds 1024 of them, of one address half of that; nobody is told before there are too many.
    let refused = loop {
        assert!(crowd.len() < 3000, "nobody was turned away");
        crowd.push(TcpStream::connect(address).await.expect("a line"));
        if let Ok(FleetEvent::Refused(text)) = events.try_recv() {
            break text;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(refused, "refused a peer at 127.0.0.1: too many connections");
    assert!(crowd.len() > 512, "{}", crowd.len());
    // Who comes from elsewhere comes in.
    let elsewhere = Endpoint::from_shared(format!("http://{address}")).expect("a URL");
    let elsewhere = elsewhere.local_address(Some([127, 0, 0, 2].into())).connect().await.expect("a line");
    let answer = FleetClient::new(elsewhere).register(showing(hello(2), TOKEN)).await.expect("let in");
    assert!(answer.into_inner().session > 0);
    // When they have gone there is room again.
    drop(crowd);
    let registered = loop {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("a URL");
        let Ok(channel) = endpoint.connect().await else { continue };
        if let Ok(answer) = FleetClient::new(channel).register(showing(hello(1), TOKEN)).await {
            break answer;
        }
    };
    assert!(registered.into_inner().session > 0);
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_shown_out() {
    let (address, mut events) = door().await;
    let mut silent = TcpStream::connect(address).await.expect("a line");
    let mut answer = Vec::new();
    // On a paused clock the ten seconds are over as soon as nothing else happens.
    silent.read_to_end(&mut answer).await.expect("an orderly end");
    assert_eq!(answer, b"");
    match events.recv().await {
        Some(FleetEvent::Refused(text)) => {
            assert_eq!(text, "refused a peer at 127.0.0.1: it connected and said nothing");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn who_begins_tls_and_goes_no_further_is_shown_out() {
    let (address, mut events) = door_with(Some(tls())).await;
    let mut slow = TcpStream::connect(address).await.expect("a line");
    // The begin of a record that begins a handshake.
    slow.write_all(&[0x16, 3, 1]).await.expect("sent");
    match events.recv().await {
        Some(FleetEvent::Refused(text)) => {
            assert_eq!(text, "refused a peer at 127.0.0.1: it began TLS and went no further");
        }
        other => panic!("{other:?}"),
    }
    let mut answer = Vec::new();
    // Closed or reset, it is over.
    let _ = slow.read_to_end(&mut answer).await;
    assert_eq!(answer, b"");
}
