//! Writing: what the state was told is collected, written by a thread of its own, and what may be said because of it waits.
//!
//! Numbers the records from 1. A command waits for the record with its reason, and that record is written at once; an
//! acknowledgement waits too, for at most a quarter of a second and the disk. While one record is on its way to the disk
//! the next is collected, so a slow disk makes records larger, not a queue longer: what waits is bounded by what workers may
//! have out unacknowledged.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write};
use std::time::Duration;

use prost::Message;
use stampede_proto::v1::{BatchAck, Command, JournalEntry, JournalRecord};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::Status;

use super::entry::entry;
use super::folder::Folder;
use super::frame::frame;
use crate::run::input::{Input, WorkerId};

/// How long what nobody waits for urgently is collected.
const COLLECT: Duration = Duration::from_millis(250);

/// The same while nothing but time passes.
const IDLE: Duration = Duration::from_secs(2);

/// Something for a worker, on the line it had when this was decided. A later line is told everything anew.
#[derive(Debug)]
pub enum Outgoing {
    /// A command.
    Command(WorkerId, mpsc::Sender<Result<Command, Status>>, Box<Command>),
    /// An acknowledgement.
    Ack(mpsc::Sender<Result<BatchAck, Status>>, BatchAck),
}

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    folder: Folder,
    epoch: Instant,
    entries: Vec<JournalEntry>,
    /// Whether something other than time has passed since the last record.
    eventful: bool,
    /// A command waits for what is being collected.
    urgent: bool,
    /// When the record that is being collected was begun.
    since: Duration,
    /// Number of the record that is being collected.
    number: u64,
    /// Whether the record before it is on its way to the disk.
    pub(super) writing: bool,
    held: VecDeque<(u64, Outgoing)>,
    records: mpsc::Sender<JournalRecord>,
    written: mpsc::Receiver<io::Result<()>>,
}

impl Journal {
    /// Goes on writing in `folder`. `epoch` is zero of the coordinator's clock.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn new(folder: Folder, epoch: Instant) -> io::Result<Self> {
        let file = folder.file.try_clone()?;
        // One under way at a time: neither queue ever waits.
        let (records, to_write) = mpsc::channel(1);
        let (done, written) = mpsc::channel(1);
        std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || write_all(file, to_write, &done))?;
        Ok(Self {
            folder,
            epoch,
            entries: Vec::new(),
            eventful: false,
            urgent: false,
            since: Duration::ZERO,
            number: 1,
            writing: false,
            held: VecDeque::new(),
            records,
            written,
        })
    }

    /// Zero of the coordinator's clock.
    pub fn epoch(&self) -> Instant {
        self.epoch
    }

    /// `input` is told to the state `now`.
    pub(crate) fn note(
        &mut self,
        input: &Input,
        now: Duration,
        instance_of: impl Fn(WorkerId) -> Option<[u8; 16]>,
    ) {
        if self.entries.is_empty() {
            self.since = now;
        }
        self.eventful |= !matches!(input, Input::Tick);
        self.entries.push(entry(input, now, instance_of));
    }

    /// Keeps `outgoing` until its reason is on disk.
    pub(crate) fn hold(&mut self, outgoing: Outgoing) {
        self.urgent |= matches!(outgoing, Outgoing::Command(..));
        self.held.push_back((self.number, outgoing));
    }

    /// Begins to write what was collected, if it is time to and the disk is free.
    pub(crate) fn write_if_due(&mut self, now: Duration) {
        let patience = if self.eventful { COLLECT } else { IDLE };
        if self.urgent || now.saturating_sub(self.since) >= patience {
            self.write();
        }
    }

    fn write(&mut self) {
        if self.writing || self.entries.is_empty() {
            return;
        }
        let record = JournalRecord { entries: std::mem::take(&mut self.entries) };
        // A thread that is gone has said why, and that is heard of next.
        self.writing = self.records.try_send(record).is_ok();
        self.number += 1;
        (self.eventful, self.urgent) = (false, false);
    }

    /// Waits until the record on its way is on disk. Can be cancelled.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(crate) async fn written(&mut self) -> io::Result<()> {
        match self.written.recv().await {
            Some(result) => {
                self.writing = false;
                result
            }
            None => Err(io::Error::other("the thread that writes is gone")),
        }
    }

    /// What may be said now.
    pub(crate) fn released(&mut self) -> Vec<Outgoing> {
        let on_disk = self.number - 1 - u64::from(self.writing);
        let count = self.held.partition_point(|(number, _)| *number <= on_disk);
        self.held.drain(..count).map(|(_, outgoing)| outgoing).collect()
    }

    /// Writes everything there is, however long it takes.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub(crate) async fn settle(&mut self) -> io::Result<()> {
        loop {
            self.write();
            if !self.writing {
                return Ok(());
            }
            self.written().await?;
        }
    }

    /// The disk takes no more: nobody must go on with what is there. What was held is said without it.
    pub(crate) fn break_off(mut self) -> Vec<Outgoing> {
        if let Err(error) = self.folder.break_off() {
            tracing::error!("the journal must not be resumed, and cannot be marked so: {error}");
        }
        self.held.drain(..).map(|(_, outgoing)| outgoing).collect()
    }
}

/// Writes records until nobody sends any more, or one cannot be written.
fn write_all(
    mut file: File,
    mut records: mpsc::Receiver<JournalRecord>,
    done: &mpsc::Sender<io::Result<()>>,
) {
    while let Some(record) = records.blocking_recv() {
        let written = write(&mut file, &record);
        let failed = written.is_err();
        if done.blocking_send(written).is_err() || failed {
            return;
        }
    }
}

fn write(file: &mut File, record: &JournalRecord) -> io::Result<()> {
    let frame = frame(&record.encode_to_vec()).ok_or_else(|| io::Error::other("too much for one record"))?;
    file.write_all(&frame)?;
    file.sync_data()
}

/// Waits until a record of the journal, where there is one, is on disk.
pub(crate) async fn written(journal: &mut Option<Journal>) -> io::Result<()> {
    match journal {
        Some(journal) => journal.written().await,
        None => std::future::pending().await,
    }
}
