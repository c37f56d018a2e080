//! A model server that is full. Predictions take an hour where a test needs workers that stay busy, and no
//! time where it needs answers, so nothing here depends on how fast the machine is.

mod common;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use common::{BOUNDARY, Client, multipart, start};
use demo_target::Config;

/// 4 of 9 requests find a worker or a place in the queue; the other 5 are closed, with nothing sent.
#[test]
fn beyond_workers_and_queue_connections_are_closed_without_an_answer() {
    let target = start(Config {
        predict_time: Duration::from_secs(3600),
        predict_jitter: Duration::ZERO,
        predict_workers: NonZeroUsize::new(1),
        predict_queue: Some(3),
        ..Config::default()
    });
    let addr = target.addr();
    let (ended, ends) = mpsc::channel();
    let users: Vec<_> = (0..9)
        .map(|_| {
            let ended = ended.clone();
            thread::spawn(move || {
                let mut client = Client::new(addr);
                client.send(
                    "POST",
                    "/predict",
                    &[BOUNDARY],
                    &multipart("file", include_bytes!("../dog.jpg")),
                );
                ended.send(client.rest()).expect("the test waits");
            })
        })
        .collect();
    for _ in 0..5 {
        assert_eq!(ends.recv().expect("an end").expect("an end and not a reset"), b"");
    }
    // The closed ones are counted like any other. The rest may still be on their way to the head of the
    // queue, but a request is counted before it can take a place, and five were refused because four places
    // were taken.
    assert_eq!(target.counts(), BTreeMap::from([("POST /predict".to_owned(), 9)]));
    assert!(ends.try_recv().is_err(), "four are inside");
    // The model is full, the service is not.
    assert_eq!(Client::new(addr).get("/").status, 200);

    target.shutdown();
    for user in users {
        user.join().expect("no user panics");
    }
    drop(ended);
    let rest: Vec<_> = ends.iter().map(Result::unwrap_or_default).collect();
    assert_eq!(rest, vec![b""; 4], "stopped without an answer");
}

/// Without a limit of the queue nobody is refused, and the workers bound the pace: 20 predictions of 5 ms on
/// 2 workers take 50 ms or more.
#[test]
fn an_endless_queue_refuses_nobody() {
    let target = start(Config {
        predict_time: Duration::from_millis(5),
        predict_jitter: Duration::ZERO,
        predict_workers: NonZeroUsize::new(2),
        predict_queue: None,
        ..Config::default()
    });
    let addr = target.addr();
    let together = Arc::new(Barrier::new(20));
    let begin = Instant::now();
    let users: Vec<_> = (0..20)
        .map(|_| {
            let together = Arc::clone(&together);
            thread::spawn(move || {
                let mut client = Client::new(addr);
                together.wait();
                client.request("POST", "/predict", &[BOUNDARY], &multipart("file", b"picture")).status
            })
        })
        .collect();
    for user in users {
        assert_eq!(user.join().expect("no user panics"), 200);
    }
    assert!(begin.elapsed() >= Duration::from_millis(50), "{:?}", begin.elapsed());
    assert_eq!(target.counts(), BTreeMap::from([("POST /predict".to_owned(), 20)]));
}

/// The default is for demonstrations: 200 users at once and no failure.
#[test]
fn the_default_passes_two_hundred_users_at_once() {
    let target = start(Config::default());
    let mut clients: Vec<_> = (0..200).map(|_| Client::new(target.addr())).collect();
    let dog = multipart("file", include_bytes!("../dog.jpg"));
    for client in &mut clients {
        client.send("POST", "/predict", &[BOUNDARY], &dog);
    }
    for client in &mut clients {
        assert_eq!(client.reply(false).status, 200);
    }
    assert_eq!(target.counts(), BTreeMap::from([("POST /predict".to_owned(), 200)]));
    assert_eq!(target.connections(), 200);
}
