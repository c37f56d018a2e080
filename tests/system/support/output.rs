//! What a process writes, collected by a thread of its own, so that a test can wait for it and the process never does.

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
struct Collected {
    bytes: Mutex<Vec<u8>>,
    more: Condvar,
}

impl Collected {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The output so far.
#[derive(Debug)]
pub(crate) struct Output {
    collected: Arc<Collected>,
    reader: Option<JoinHandle<()>>,
}

impl Output {
    /// Collects from `source` until it ends.
    pub(crate) fn of(mut source: impl Read + Send + 'static) -> Self {
        let collected = Arc::new(Collected::default());
        let shared = Arc::clone(&collected);
        let reader = thread::spawn(move || {
            let mut chunk = [0; 4096];
            // An error is an end as well: a pty reports one when the last writer has left.
            while let Ok(count @ 1..) = source.read(&mut chunk) {
                shared.bytes().extend_from_slice(&chunk[..count]);
                shared.more.notify_all();
            }
        });
        Self { collected, reader: Some(reader) }
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.collected.bytes()).into_owned()
    }

    /// Waits until the text holds `wanted` and returns it; false when `deadline` comes first.
    pub(crate) fn wait_for(&self, wanted: &str, deadline: Instant) -> bool {
        let mut bytes = self.collected.bytes();
        loop {
            if String::from_utf8_lossy(&bytes).contains(wanted) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return false;
            }
            bytes = self.collected.more.wait_timeout(bytes, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Everything, once the source has ended.
    pub(crate) fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("collecting does not panic");
        }
        self.text()
    }
}
