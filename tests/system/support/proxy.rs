//! A line between a worker and a coordinator that can be cut and mended.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

#[derive(Debug, Default)]
struct Lines {
    cut: bool,
    /// Both ends of each connection.
    open: Vec<TcpStream>,
}

/// Passes bytes on, both ways, until it is cut.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    lines: Arc<Mutex<Lines>>,
}

impl Proxy {
    /// Leads to `to`, from an address of its own. It listens as long as this test program runs.
    pub(crate) fn to(to: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let lines = Arc::new(Mutex::new(Lines::default()));
        let (shared, to) = (Arc::clone(&lines), to.to_owned());
        thread::spawn(move || {
            for from in listener.incoming().map_while(Result::ok) {
                let mut lines = lock(&shared);
                // While it is cut, who comes is turned away by closing.
                if !lines.cut
                    && let Ok(to) = TcpStream::connect(&to)
                {
                    lines.open.extend([&from, &to].map(|end| end.try_clone().expect("a second handle")));
                    pass(&from, &to);
                    pass(&to, &from);
                }
            }
        });
        Self { address, lines }
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    /// Closes every connection and turns away new ones.
    pub(crate) fn cut(&self) {
        let mut lines = lock(&self.lines);
        lines.cut = true;
        assert!(!lines.open.is_empty(), "nobody came this way");
        for end in lines.open.drain(..) {
            // Closed already is as good.
            let _ = end.shutdown(Shutdown::Both);
        }
    }

    /// Lets new connections through again.
    pub(crate) fn mend(&self) {
        lock(&self.lines).cut = false;
    }
}

fn lock(lines: &Mutex<Lines>) -> MutexGuard<'_, Lines> {
    lines.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pass(from: &TcpStream, to: &TcpStream) {
    let (mut from, mut to) = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
    thread::spawn(move || {
        // However it ends, the other side learns of it.
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}
