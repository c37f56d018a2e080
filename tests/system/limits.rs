//! What the system does not give, and where connections come from: said before the run, and carried out in it.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::mpsc::{Sender, channel};
use std::thread;

use crate::support::{Bed, Finished, Process, seen, target};

const QUICK: &str = "users: {visitor: {wait: 10ms, tasks: {main: {steps: [get: /]}}}}";

/// `command`, with what `ulimit` is told before.
fn limited(limit: &str, command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit {limit} && exec \"$0\" \"$@\""));
    shell.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}

#[test]
fn users_that_need_more_files_than_there_are_do_not_start() {
    let target = target();
    let bed = Bed::new(&target.url(), QUICK);
    let command = bed.coordinator("-u 300 -r 1000 -t 1s --threads 1");
    let finished = Finished::of(&mut Process::start(limited("-n 256", &command)));
    finished.ended(12);
    for text in ["worker local cannot take part", "its 300 users need 372 open files", "256", "ulimit -n"] {
        assert!(finished.stderr.contains(text), "no {text:?} in:\n{}", finished.stderr);
    }
    assert_eq!(seen(&target), 0, "nothing was sent");
    assert!(!bed.dir.path().join("report.json").exists());
}

#[test]
fn one_worker_without_room_is_enough_and_is_named() {
    let target = target();
    let bed = Bed::new(&target.url(), QUICK);
    let mut coordinator = Process::start(bed.coordinator("-u 600 -r 1000 -t 1s --expect-workers 2"));
    let address = coordinator.address();
    let worker = |name: &str| crate::support::worker(bed.dir.path(), &address, name);
    let _workers = [Process::start(limited("-n 256", &worker("small"))), Process::start(worker("large"))];
    let finished = Finished::of(&mut coordinator);
    finished.ended(12);
    assert!(finished.stderr.contains("worker small cannot take part: its 300 users"), "{}", finished.stderr);
}

#[test]
fn the_limit_of_files_is_raised_as_far_as_it_may() {
    let target = target();
    let bed = Bed::new(&target.url(), QUICK);
    let command = bed.coordinator("-u 100 -r 1000 -t 2s --threads 1");
    Finished::of(&mut Process::start(limited("-S -n 64", &command))).ended(0);
    assert_eq!(bed.report().at("/users/peak"), 100);
}

/// Answers every request on `listener`, and tells where connections come from.
fn serve(listener: TcpListener, told: Sender<IpAddr>) {
    thread::spawn(move || {
        while let Ok((stream, peer)) = listener.accept() {
            if told.send(peer.ip()).is_err() {
                return;
            }
            thread::spawn(move || answer(stream));
        }
    });
}

/// One answer for each request; a request here is a head alone.
fn answer(mut stream: TcpStream) {
    let (mut head, mut chunk) = (Vec::new(), [0; 1024]);
    while let Ok(count @ 1..) = stream.read(&mut chunk) {
        head.extend_from_slice(&chunk[..count]);
        if head.ends_with(b"\r\n\r\n") {
            head.clear();
            if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").is_err() {
                return;
            }
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn users_connect_from_the_addresses_they_are_given() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let (told, from) = channel();
    serve(listener, told);
    let bed = Bed::new(&url, QUICK);
    let given: BTreeSet<IpAddr> = ["127.0.0.2", "127.0.0.3"].map(|ip| ip.parse().expect("an address")).into();
    for (client, note) in [("native", None), ("reqwest", Some("Every request was made by reqwest"))] {
        let flags =
            format!("-u 4 -r 1000 -i 40 --http-client {client} --source-ip 127.0.0.2 --source-ip 127.0.0.3");
        let finished = bed.run(&flags, 0);
        finished.ended(0);
        assert_eq!(finished.stdout.contains("reqwest"), note.is_some(), "{}", finished.stdout);
        assert!(finished.stdout.contains(note.unwrap_or("Stampede: passed")), "{}", finished.stdout);
        let peers: Vec<IpAddr> = from.try_iter().collect();
        assert_eq!(peers.iter().copied().collect::<BTreeSet<_>>(), given);
        let first = peers.iter().filter(|peer| Some(*peer) == given.first()).count();
        assert_eq!((first, peers.len()), (2, 4), "in turn");
    }
}
