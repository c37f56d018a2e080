//! Rows of data in a whole system: who has which, when workers die, and where files come from.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::process::Signal;

use crate::support::process::until;
use crate::support::{Bed, Finished, target};

/// What a target knows of a row.
#[derive(Debug, Clone, Default)]
struct Holder {
    /// The connection that uses it.
    connection: u64,
    user: String,
    life: u32,
    uses: u64,
}

#[derive(Debug, Default)]
struct Seen {
    rows: BTreeMap<String, Holder>,
    /// Connections whose row has gone to another one.
    left: HashSet<u64>,
    wrong: Vec<String>,
}

impl Seen {
    /// `/use/ROW/USER/LIFE` on a connection.
    fn note(&mut self, connection: u64, path: &str) {
        let parts: Vec<&str> = path.split('/').collect();
        let ["", "use", row, user, life] = parts.as_slice() else { return };
        let life: u32 = life.parse().expect("a life");
        if self.left.contains(&connection) {
            self.wrong.push(format!("{path}: its user goes on, though the row has another one"));
        }
        let holder = self.rows.entry((*row).to_owned()).or_default();
        if holder.uses > 0 && holder.connection != connection {
            if holder.user != *user || holder.life >= life {
                self.wrong.push(format!("{path}: the row is in the hands of {holder:?}"));
            }
            self.left.insert(holder.connection);
        }
        *holder = Holder { connection, user: (*user).to_owned(), life, uses: holder.uses + 1 };
    }
}

/// A target that remembers on which connection which row was used. It lives as long as the program.
fn watcher() -> (SocketAddr, Arc<Mutex<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    let seen = Arc::new(Mutex::new(Seen::default()));
    let shared = Arc::clone(&seen);
    thread::spawn(move || {
        for (number, stream) in (0..).zip(listener.incoming().flatten()) {
            let seen = Arc::clone(&shared);
            thread::spawn(move || answer(number, &stream, &seen));
        }
    });
    (address, seen)
}

fn answer(connection: u64, stream: &TcpStream, seen: &Mutex<Seen>) {
    let lines = BufReader::new(stream).lines().map_while(Result::ok);
    let mut path = None;
    for line in lines {
        if path.is_none() {
            path = line.split(' ').nth(1).map(str::to_owned);
        } else if line.is_empty() {
            let path = path.take().unwrap_or_default();
            seen.lock().unwrap_or_else(PoisonError::into_inner).note(connection, &path);
            let mut stream = stream;
            if stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").is_err() {
                return;
            }
        }
    }
}

#[test]
fn a_unique_row_is_never_in_two_hands_though_a_worker_dies() {
    let (address, seen) = watcher();
    let look = |what: &dyn Fn(&Seen) -> usize| what(&seen.lock().unwrap_or_else(PoisonError::into_inner));
    let users = "
data: {accounts: {csv: users.csv, order: unique}}
users:
  shopper:
    weight: 2
    wait: 100ms..200ms
    tasks: {main: {steps: [get: '/use/${accounts.email}/${user.id}/${user.life}']}}
  other: {wait: 1s, tasks: {main: {steps: [get: /]}}}
";
    let bed = Bed::new(&format!("http://{address}"), users);
    let rows: Vec<String> = (0..300).map(|row| format!("u{row}@x,{row}\n")).collect();
    let rows = rows.concat();
    bed.dir.write("users.csv", &format!("email,age\n{rows}"));
    let (mut coordinator, workers) = bed.start("-u 450 -r 450 --lease 2s", 3);
    until("all rows", || look(&|seen| seen.rows.len()) == 300);
    workers[1].signal(Signal::KILL);
    let taken_over = |seen: &Seen| seen.rows.values().filter(|holder| holder.life > 0).count();
    until("its users on the others", || look(&taken_over) >= 100);
    coordinator.signal(Signal::INT);
    Finished::of(&mut coordinator).ended(13);
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner).clone_rows();
    assert_eq!(seen.1, Vec::<String>::new());
    assert_eq!(seen.0.len(), 300);
    let owners: HashSet<&String> = seen.0.values().map(|holder| &holder.user).collect();
    assert_eq!(owners.len(), 300, "each row has one user, and each user one row");
    let taken_over = seen.0.values().filter(|holder| holder.life > 0).count();
    assert_eq!(taken_over, 100, "only those of the dead worker");
}

impl Seen {
    fn clone_rows(&self) -> (BTreeMap<String, Holder>, Vec<String>) {
        (self.rows.clone(), self.wrong.clone())
    }
}

/// How often the target saw each path below `/use/`.
fn uses(seen: &Mutex<Seen>) -> HashMap<String, u64> {
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    seen.rows.iter().map(|(row, holder)| (row.clone(), holder.uses)).collect()
}

#[test]
fn each_row_goes_to_one_iteration_whichever_worker_runs_it() {
    for order in ["sequential", "shuffled"] {
        let (address, seen) = watcher();
        let users = format!(
            "
data: {{words: {{lines: words.txt, order: {order}, at_end: stop_user}}}}
users: {{visitor: {{tasks: {{main: {{steps: [get: '/use/${{words}}/-/0']}}}}}}}}
"
        );
        let bed = Bed::new(&format!("http://{address}"), &users);
        let words: Vec<String> = (0..100).map(|word| format!("w{word}")).collect();
        bed.dir.write("words.txt", &words.join("\n"));
        bed.run("-u 7 -r 100 -t 2s", 2).ended(0);
        let report = bed.report();
        report.adds_up();
        assert_eq!(report.counted("sent"), 100, "{order}: every row once, and then nobody goes on");
        assert_eq!(uses(&seen), words.into_iter().map(|word| (word, 1)).collect::<HashMap<_, _>>());
    }
}

#[test]
fn the_last_row_can_end_the_run() {
    let (address, seen) = watcher();
    let users = "
data: {words: {list: [a, b, c, d, e], at_end: stop_run}}
users: {visitor: {wait: 10ms, tasks: {main: {steps: [get: '/use/${words}/-/0']}}}}
";
    let bed = Bed::new(&format!("http://{address}"), users);
    bed.run("-u 1 -r 10", 1).ended(0);
    let report = bed.report();
    report.adds_up();
    assert_eq!((report.counted("sent"), report.text("/run/stop_reason")), (5, "data"));
    assert_eq!(uses(&seen).len(), 5);
}

#[test]
fn arrivals_without_a_row_are_dropped() {
    let (address, seen) = watcher();
    let users = "
data: {words: {list: [a, b, c, d, e], at_end: stop_user}}
users: {visitor: {tasks: {main: {steps: [get: '/use/${words}/-/0']}}}}
";
    let bed = Bed::new(&format!("http://{address}"), users);
    bed.run("--rate 20/s -t 1s", 2).ended(0);
    let report = bed.report();
    report.adds_up();
    assert_eq!((report.counted("sent"), report.counted("planned"), report.counted("dropped")), (5, 20, 15));
    assert_eq!(uses(&seen).len(), 5);
}

#[test]
fn files_of_a_folder_are_sent_as_they_are() {
    for workers in [0, 2] {
        let target = target();
        let users = "
data: {images: {files: 'images/*.bin'}}
users:
  visitor:
    tasks:
      main:
        steps:
          - post: /predict
            multipart: {file: {path: '${images.path}'}}
            expect: {status: 200, body: {contains: '\"bytes\":3000'}}
";
        let bed = Bed::new(&target.url(), users);
        std::fs::create_dir_all(bed.dir.path().join("images")).expect("a folder");
        for name in ["a", "b", "c"] {
            bed.dir.write(&format!("images/{name}.bin"), &name.repeat(3000));
        }
        bed.dir.write("images/.hidden.bin", "");
        bed.run("-u 2 -r 10 -t 1s", workers).ended(0);
        let report = bed.report();
        report.adds_up();
        assert!(report.counted("ok") > 10);
    }
}

#[test]
fn check_counts_rows_against_users() {
    let users = "
data: {accounts: {csv: users.csv, order: unique}}
users: {visitor: {tasks: {main: {steps: [get: '/${accounts.email}']}}}}
";
    let bed = Bed::new("http://127.0.0.1:1", users);
    bed.dir.write("users.csv", "email\na\nb\nc\n");
    let check = |flags: &str| {
        let mut command = crate::support::coordinator(bed.dir.path());
        command.arg("check").arg(&bed.scenario).args(flags.split_whitespace());
        Finished::of(&mut crate::support::Process::start(command))
    };
    let enough = check("-u 3");
    enough.ended(0);
    assert!(
        enough.stdout.contains("accounts: users.csv, 3 rows (email), one for each of 3 users"),
        "{}",
        enough.stdout
    );
    let too_many = check("-u 4");
    too_many.ended(10);
    assert!(
        too_many
            .stderr
            .contains("`accounts` has 3 rows, and 4 users use it: with `order: unique` each has its own"),
        "{}",
        too_many.stderr
    );
}
