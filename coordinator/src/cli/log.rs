//! Where the log goes: a file, stderr, or, while the screen belongs to the UI, into memory until it is free again.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Level;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::exit::Error;

/// Lines kept while the UI is on.
const KEPT: usize = 1000;

/// The log's way out.
#[derive(Debug, Clone)]
pub(super) struct Log(Arc<Mutex<Sink>>);

#[derive(Debug)]
enum Sink {
    Stderr,
    File(File),
    Held(VecDeque<Vec<u8>>),
}

impl Log {
    /// Starts logging: warnings, with `-v` more.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub(super) fn start(path: Option<&Path>, verbose: u8) -> Result<Self, Error> {
        let sink = match path {
            None => Sink::Stderr,
            Some(path) => {
                let failed = |source| Error::Log { path: path.to_owned(), source };
                Sink::File(File::create(path).map_err(failed)?)
            }
        };
        let level = match verbose {
            0 => Level::WARN,
            1 => Level::INFO,
            _ => Level::DEBUG,
        };
        let log = Self(Arc::new(Mutex::new(sink)));
        let writer = log.clone();
        // What a scenario writes into the log is what somebody asked for.
        let shown = Targets::new().with_default(level).with_target("scenario", level.max(Level::INFO));
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer).with_filter(shown);
        tracing_subscriber::registry().with(lines).init();
        Ok(log)
    }

    fn sink(&self) -> std::sync::MutexGuard<'_, Sink> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The screen belongs to the UI: nothing goes to stderr.
    pub(super) fn hold(&self) {
        let mut sink = self.sink();
        if matches!(*sink, Sink::Stderr) {
            *sink = Sink::Held(VecDeque::new());
        }
    }

    /// The screen is free: what was held comes out.
    pub(super) fn release(&self) {
        let mut sink = self.sink();
        if let Sink::Held(lines) = &mut *sink {
            let lines = std::mem::take(lines);
            *sink = Sink::Stderr;
            for line in lines {
                // Nobody can be told that stderr is gone.
                let _ = io::stderr().write_all(&line);
            }
        }
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match &mut *self.sink() {
            Sink::Stderr => io::stderr().write_all(line)?,
            Sink::File(file) => file.write_all(line)?,
            Sink::Held(lines) => {
                if lines.len() == KEPT {
                    lines.pop_front();
                }
                lines.push_back(line.to_vec());
            }
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}
