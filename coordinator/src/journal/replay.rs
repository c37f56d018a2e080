//! A run brought back from its journal: the same state is told the same things at the same instants, and decides the same.
//!
//! What it asked for then is not done again: whoever it was for asks anew over the next line.

use std::io::{self, BufReader, Seek};
use std::time::Duration;

use prost::Message;
use stampede_proto::v1::JournalRecord;

use super::entry::{EntryError, Told, told};
use super::folder::Folder;
use super::frame;
use crate::run::input::Hello;
use crate::run::{Run, RunSetup};

/// Why records cannot be replayed, although each of them is whole.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file cannot be read, or not be cut.
    #[error("the journal cannot be read: {0}")]
    Io(#[from] io::Error),
    /// A record that is no record.
    #[error("the journal has a record that cannot be read: {0}")]
    Record(#[from] prost::DecodeError),
    /// An entry that cannot be.
    #[error("the journal has {0}")]
    Entry(#[from] EntryError),
}

/// A run as it was when its coordinator ended.
#[derive(Debug)]
pub struct Replayed {
    /// Its state.
    pub run: Run,
    /// The workers it knows, by number: which process, and who.
    pub workers: Vec<([u8; 16], Hello)>,
    /// The coordinator's clock at the last thing written.
    pub last: Duration,
    /// Bytes at the end that were not written whole and are gone.
    pub torn: u64,
}

impl Folder {
    /// Replays what was written, and cuts off what was not written whole.
    ///
    /// # Errors
    /// When the file cannot be read, or was written by something else.
    pub fn replay(&mut self, setup: RunSetup) -> Result<Replayed, ReplayError> {
        let mut end = self.file.stream_position()?;
        let length = self.file.metadata()?.len();
        let mut replayed = Replayed {
            run: Run::new(setup, Duration::ZERO),
            workers: Vec::new(),
            last: Duration::ZERO,
            torn: 0,
        };
        let mut reader = BufReader::with_capacity(1 << 20, &self.file);
        while let Some(payload) = frame::next(&mut reader)? {
            for entry in JournalRecord::decode(&*payload)?.entries {
                replayed.take(told(entry)?);
            }
            end += (frame::HEADER + payload.len()) as u64;
        }
        replayed.torn = length.saturating_sub(end);
        self.cut(end)?;
        Ok(replayed)
    }
}

impl Replayed {
    fn take(&mut self, told: Told) {
        let Told { at, input, instance } = told;
        if let (Some(instance), crate::run::input::Input::Registered { worker, hello }) = (instance, &input) {
            match self.workers.get_mut(*worker) {
                Some(known) => *known = (instance, hello.clone()),
                None => self.workers.push((instance, hello.clone())),
            }
        }
        self.last = at;
        drop(self.run.handle(input, at));
    }
}
