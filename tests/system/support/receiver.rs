//! What exporters send to, as a test sees it: HTTP requests and datagrams, kept.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A request: its first line and head in lower case, and its body.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// A server that keeps what is posted to it. It listens as long as this test program runs.
#[derive(Debug)]
pub(crate) struct Receiver {
    address: SocketAddr,
    posts: Arc<Mutex<Vec<Post>>>,
}

impl Receiver {
    /// Answers the request of each number, counted from 0, with this status.
    pub(crate) fn answering(status: fn(usize) -> u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let posts = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&posts);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                thread::spawn(move || serve(&stream, &kept, status));
            }
        });
        Self { address, posts }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Every request so far.
    pub(crate) fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Until the other side has enough, or sends something that is no request.
fn serve(stream: &TcpStream, kept: &Mutex<Vec<Post>>, status: fn(usize) -> u16) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "))?;
        let mut body = vec![0; length.parse().ok()?];
        reader.read_exact(&mut body).ok()?;
        let number = {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push(Post { head, body });
            kept.len() - 1
        };
        let answer = format!("HTTP/1.1 {} -\r\ncontent-length: 0\r\n\r\n", status(number));
        (&mut &*stream).write_all(answer.as_bytes()).ok()?;
    }
}

/// A server that takes connections and never says a word.
pub(crate) fn silent() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || listener.incoming().map_while(Result::ok).collect::<Vec<_>>());
    address
}

/// An address that nobody has.
pub(crate) fn nobody() -> String {
    let free = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("an address").to_string()
}

/// Datagrams, collected by a thread of their own.
#[derive(Debug)]
pub(crate) struct Datagrams {
    address: SocketAddr,
    over: Arc<AtomicBool>,
    reading: JoinHandle<Vec<String>>,
}

impl Datagrams {
    pub(crate) fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        let address = socket.local_addr().expect("an address");
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        Self { address, over, reading: thread::spawn(move || collect(&socket, &seen)) }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// All of them, once nobody sends any more.
    pub(crate) fn all(self) -> Vec<String> {
        self.over.store(true, Ordering::Release);
        self.reading.join().expect("no panic")
    }
}

fn collect(socket: &UdpSocket, over: &AtomicBool) -> Vec<String> {
    socket.set_read_timeout(Some(Duration::from_millis(20))).expect("a socket takes that");
    let (mut all, mut datagram) = (Vec::new(), vec![0; 65_536]);
    loop {
        // Asked first: what was sent before the end is there by then.
        let was_over = over.load(Ordering::Acquire);
        match socket.recv(&mut datagram) {
            Ok(length) => all.push(String::from_utf8(datagram[..length].to_vec()).expect("text")),
            Err(_) if was_over => return all,
            Err(_) => {}
        }
    }
}
