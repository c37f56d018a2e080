//! What the run's state was told, as it stands in a journal, and back. What comes back is what went in.

use std::time::Duration;

use stampede_proto::assign::held_to_wire;
use stampede_proto::prepare::ns;
use stampede_proto::v1::journal_entry::What;
use stampede_proto::v1::{
    JournalBadBatch, JournalBatch, JournalEntry, JournalHeartbeat, JournalPerson, JournalRegistered,
    WorkerPhase, WorkerStatus, WorkerWish,
};
use stampede_proto::{WireError, aside, batch};

use crate::fleet::heartbeat_from_wire;
use crate::run::input::{Heartbeat, Hello, Input, Person, Progress, Wish, WorkerId};

/// Why an entry cannot be read: it was written by something else.
#[derive(Debug, thiserror::Error)]
pub enum EntryError {
    /// A field with what cannot be.
    #[error("an entry that cannot be: {0}")]
    Wire(#[from] WireError),
    /// A field that is not there, or says what cannot be.
    #[error("an entry without a sound `{0}`")]
    Missing(&'static str),
}

/// An entry for `input`, told at `now`. `instance_of` knows which process a worker that registers is.
pub(super) fn entry(
    input: &Input,
    now: Duration,
    instance_of: impl Fn(WorkerId) -> Option<[u8; 16]>,
) -> JournalEntry {
    let what = match input {
        Input::Registered { worker, hello } => What::Registered(JournalRegistered {
            worker: number(*worker),
            instance: instance_of(*worker).map(Vec::from).unwrap_or_default(),
            name: hello.name.clone(),
            address: hello.address.clone(),
            embedded: hello.embedded,
            capacity: hello.capacity,
        }),
        Input::ControlOpened { worker } => What::ControlOpened(number(*worker)),
        Input::Heartbeat { worker, heartbeat } => What::Heartbeat(JournalHeartbeat {
            worker: number(*worker),
            status: Some(heartbeat_to_wire(heartbeat)),
        }),
        Input::Silent { worker } => What::Silent(number(*worker)),
        Input::ControlClosed { worker } => What::ControlClosed(number(*worker)),
        Input::ReportOpened { worker } => What::ReportOpened(number(*worker)),
        Input::Batch { worker, batch } => {
            What::Batch(JournalBatch { worker: number(*worker), batch: Some(batch::to_wire(batch)) })
        }
        Input::BadBatch { worker, why } => {
            What::BadBatch(JournalBadBatch { worker: number(*worker), why: why.clone() })
        }
        Input::Refused { text } => What::Refused(text.clone()),
        Input::Noted { text } => What::Noted(text.clone()),
        Input::Person(Person::Quit) => What::Person(JournalPerson::Quit.into()),
        Input::Person(Person::Interrupt) => What::Person(JournalPerson::Interrupt.into()),
        Input::Person(Person::More) => What::Person(JournalPerson::More.into()),
        Input::Person(Person::Less) => What::Person(JournalPerson::Less.into()),
        Input::Person(Person::Pause) => What::Person(JournalPerson::Pause.into()),
        Input::Person(Person::NextStage) => What::Person(JournalPerson::NextStage.into()),
        Input::Person(Person::ChangeUsers(by)) => What::ChangeUsers(*by),
        Input::Tick => What::Tick(true),
        Input::Resumed { since } => What::ResumedSinceNs(ns(*since)),
    };
    JournalEntry { at_ns: ns(now), what: Some(what) }
}

/// What an entry says: when, what, and for a worker that registers which process it is.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) at: Duration,
    pub(super) input: Input,
    pub(super) instance: Option<[u8; 16]>,
}

/// Reads an entry.
///
/// # Errors
/// When it says what cannot be.
pub(super) fn told(entry: JournalEntry) -> Result<Told, EntryError> {
    let at = Duration::from_nanos(entry.at_ns);
    let mut instance = None;
    let input = match entry.what.ok_or(EntryError::Missing("what"))? {
        What::Registered(who) => {
            let bytes = who.instance.try_into().map_err(|_| EntryError::Missing("instance"))?;
            instance = Some(bytes);
            let JournalRegistered { worker, name, address, embedded, capacity, .. } = who;
            Input::Registered {
                worker: worker as WorkerId,
                hello: Hello { name, address, embedded, capacity },
            }
        }
        What::ControlOpened(worker) => Input::ControlOpened { worker: worker as WorkerId },
        What::Heartbeat(said) => {
            let status = said.status.ok_or(EntryError::Missing("status"))?;
            let heartbeat = heartbeat_from_wire(status).ok_or(EntryError::Missing("status"))?;
            Input::Heartbeat { worker: said.worker as WorkerId, heartbeat }
        }
        What::Silent(worker) => Input::Silent { worker: worker as WorkerId },
        What::ControlClosed(worker) => Input::ControlClosed { worker: worker as WorkerId },
        What::ReportOpened(worker) => Input::ReportOpened { worker: worker as WorkerId },
        What::Batch(sent) => {
            let batch = batch::from_wire(sent.batch.ok_or(EntryError::Missing("batch"))?)?;
            Input::Batch { worker: sent.worker as WorkerId, batch: Box::new(batch) }
        }
        What::BadBatch(bad) => Input::BadBatch { worker: bad.worker as WorkerId, why: bad.why },
        What::Refused(text) => Input::Refused { text },
        What::Noted(text) => Input::Noted { text },
        What::ChangeUsers(by) => Input::Person(Person::ChangeUsers(by)),
        What::Person(person) => match JournalPerson::try_from(person) {
            Ok(JournalPerson::Quit) => Input::Person(Person::Quit),
            Ok(JournalPerson::Interrupt) => Input::Person(Person::Interrupt),
            Ok(JournalPerson::More) => Input::Person(Person::More),
            Ok(JournalPerson::Less) => Input::Person(Person::Less),
            Ok(JournalPerson::Pause) => Input::Person(Person::Pause),
            Ok(JournalPerson::NextStage) => Input::Person(Person::NextStage),
            Err(_) => return Err(EntryError::Missing("person")),
        },
        What::Tick(_) => Input::Tick,
        What::ResumedSinceNs(since) => Input::Resumed { since: Duration::from_nanos(since) },
    };
    Ok(Told { at, input, instance })
}

/// There are never so many workers.
fn number(worker: WorkerId) -> u32 {
    u32::try_from(worker).unwrap_or(u32::MAX)
}

fn heartbeat_to_wire(heartbeat: &Heartbeat) -> WorkerStatus {
    let phase = match heartbeat.progress {
        Progress::Idle => WorkerPhase::Idle,
        Progress::Preparing => WorkerPhase::Preparing,
        Progress::Ready => WorkerPhase::Ready,
        Progress::Running => WorkerPhase::Running,
        Progress::Draining => WorkerPhase::Draining,
        Progress::Finished => WorkerPhase::Finished,
        Progress::Failed => WorkerPhase::Failed,
    };
    let slowest = heartbeat.slowest_thread.as_millis();
    let round_trip = heartbeat.round_trip.unwrap_or_default().as_micros();
    WorkerStatus {
        run: heartbeat.run.clone(),
        phase: phase.into(),
        error: heartbeat.error.clone(),
        revision: heartbeat.revision,
        users: heartbeat.users.clone(),
        started: heartbeat.started,
        iterations_begun: heartbeat.iterations_begun,
        iterations_ended: heartbeat.iterations_ended,
        iterations_dropped: heartbeat.iterations_dropped,
        wants_iterations: heartbeat.wants_iterations,
        users_stopped: heartbeat.users_stopped,
        wants_stop: match heartbeat.wants_stop {
            None => WorkerWish::None,
            Some(Wish::Scenario) => WorkerWish::StopByScenario,
            Some(Wish::Data) => WorkerWish::StopByData,
        }
        .into(),
        outbox: heartbeat.outbox,
        memory_bytes: heartbeat.memory,
        // The slowest stands for all, and none for none.
        thread_ages_ms: (slowest > 0)
            .then(|| u32::try_from(slowest).unwrap_or(u32::MAX))
            .into_iter()
            .collect(),
        rtt_us: u32::try_from(round_trip).unwrap_or(u32::MAX),
        leaving: heartbeat.leaving,
        aside: heartbeat.aside.as_deref().map(aside::to_wire),
        held: heartbeat.held.iter().map(held_to_wire).collect(),
        ..WorkerStatus::default()
    }
}
