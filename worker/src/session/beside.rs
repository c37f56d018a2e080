//! `setup` and `teardown` on this worker: run away from the control task, each once, told with every heartbeat when they are done.

use std::sync::Arc;

use stampede_proto::aside::{AsideDone, AsideKind, Shared, kind_from_wire, shared_from_wire};
use stampede_proto::{WireError, v1};
use stampede_stats::snapshot::Snapshot;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

use super::worker::{Event, Worker};
use crate::engine::{AsideConfig, StartEngine};

/// What there is of them in a run.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Those that were begun.
    begun: Vec<AsideKind>,
    /// The newest that is done.
    pub(super) done: Option<AsideDone>,
    /// Waits for the one that runs, which ends when nobody does any more.
    waiting: JoinSet<()>,
}

impl<E: StartEngine> Worker<E> {
    pub(super) fn aside(&mut self, wire: v1::Aside) {
        let Some(run) = self.run.as_mut().filter(|run| run.id == wire.run) else { return };
        let (kind, shared) = match read(wire) {
            Ok(read) => read,
            Err(error) => return self.say(&format!("the coordinator asked for what cannot be: {error}")),
        };
        let Some(prepared) = run.prepared.clone().filter(|_| !run.beside.begun.contains(&kind)) else {
            return;
        };
        run.beside.begun.push(kind);
        let (sender, receiver) = oneshot::channel();
        let started =
            self.engines.aside(AsideConfig { prepared: Arc::clone(&prepared), kind, shared }, sender);
        let why = started.err().map(|error| error.to_string());
        let (id, events) = (run.id.clone(), self.events.clone());
        run.beside.waiting.spawn(async move {
            // A thread that panicked has dropped its end.
            let why = why.unwrap_or_else(|| "it broke off".to_owned());
            let done = receiver.await.unwrap_or_else(|_| AsideDone {
                kind,
                failure: Some(why),
                shared: Shared::new(),
                rows: Snapshot { to_s: 1, ..Snapshot::default() },
            });
            let _ = events.send(Event::Beside { run: id, done: Box::new(done) }).await;
        });
        self.say(match kind {
            AsideKind::Setup => "setup runs here",
            AsideKind::Teardown => "teardown runs here",
        });
    }

    pub(super) fn beside_done(&mut self, id: &str, done: AsideDone) {
        if let Some(run) = self.run.as_mut().filter(|run| run.id == id) {
            run.beside.done = Some(done);
            self.tell();
        }
    }
}

fn read(wire: v1::Aside) -> Result<(AsideKind, Shared), WireError> {
    Ok((kind_from_wire(wire.kind)?, shared_from_wire(wire.shared.unwrap_or_default())?))
}
