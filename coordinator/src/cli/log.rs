//! Where the log goes: a file, stderr, or, while the screen belongs to the UI, into memory until it is free again. What matters
//! of it is also for the screen itself.

use std::collections::VecDeque;
use std::fmt::{Debug, Write as _};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use super::exit::Error;

/// Lines kept while the UI is on.
const KEPT: usize = 1000;

/// Lines that wait for the screen; beyond it they are only in the log.
const WAITING: usize = 200;

/// The log's way out.
#[derive(Debug, Clone)]
pub(super) struct Log {
    sink: Arc<Mutex<Sink>>,
    /// Until somebody takes them.
    lines: Arc<Mutex<Option<mpsc::Receiver<String>>>>,
}

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
        let (sender, lines) = mpsc::channel(WAITING);
        let log = Self { sink: Arc::new(Mutex::new(sink)), lines: Arc::new(Mutex::new(Some(lines))) };
        let writer = log.clone();
        // What a scenario writes into the log is what somebody asked for.
        let shown = Targets::new().with_default(level).with_target("scenario", level.max(Level::INFO));
        let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer).with_filter(shown);
        // What the run says of itself it also tells the screen, with -v or without: here are only warnings and the scenario's lines.
        let for_screen = Targets::new().with_default(Level::WARN).with_target("scenario", Level::INFO);
        tracing_subscriber::registry().with(lines).with(ForScreen(sender).with_filter(for_screen)).init();
        Ok(log)
    }

    fn sink(&self) -> std::sync::MutexGuard<'_, Sink> {
        self.sink.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What of the log is for the screen; once.
    pub(super) fn lines(&self) -> Option<mpsc::Receiver<String>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).take()
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

/// Hands lines on to the screen, and never waits for it.
#[derive(Debug)]
struct ForScreen(mpsc::Sender<String>);

impl<S: Subscriber> Layer<S> for ForScreen {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        // Where nobody looks, or too much is said at once, the log has it.
        let _ = self.0.try_send(text.0);
    }
}

/// The message of an event, and behind it what else it says.
#[derive(Debug, Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let gap = if self.0.is_empty() { "" } else { "  " };
        // Writing to a String cannot fail.
        let _ = match field.name() {
            "message" => write!(self.0, "{gap}{value:?}"),
            name => write!(self.0, "{gap}{name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_screen_gets_warnings_and_what_the_scenario_says_and_is_not_waited_for() {
        let (sender, mut lines) = mpsc::channel(2);
        let filter = Targets::new().with_default(Level::WARN).with_target("scenario", Level::INFO);
        let subscriber = tracing_subscriber::registry().with(ForScreen(sender).with_filter(filter));
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("not this");
            tracing::info!(target: "scenario", "cart {} is full", 7);
            tracing::warn!(port = 80, "taken");
            tracing::warn!("one too many");
        });
        let mut got = vec![];
        while let Ok(line) = lines.try_recv() {
            got.push(line);
        }
        assert_eq!(got, ["cart 7 is full", "taken  port=80"]);
    }
}
