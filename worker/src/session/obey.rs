//! What the coordinator says, and what this worker does about it: answers to heartbeats, a test to prepare, users to run.

use std::sync::Arc;
use std::time::Duration;

use stampede_proto::aside::shared_from_wire;
use stampede_proto::v1::command::What;
use stampede_proto::v1::{BatchAck, HeartbeatAnswer};
use stampede_proto::{assign, prepare as wire_prepare, v1};

use super::prepare::{Ready, prepare};
use super::run::{ActiveRun, State};
use super::worker::{Event, Worker};
use crate::engine::StartEngine;
use crate::lease::Lease;

impl<E: StartEngine> Worker<E> {
    pub(super) async fn command(&mut self, what: What) {
        match what {
            What::Answer(answer) => self.answered(&answer),
            What::Prepare(wire) => self.prepare(wire),
            What::Assign(wire) => self.assign(wire).await,
            What::Start(start) => {
                if let Some(run) = self.run.as_mut().filter(|run| run.id == start.run) {
                    match shared_from_wire(start.shared.unwrap_or_default()) {
                        Ok(shared) => {
                            if run.start(start.start_us, shared, &self.sync).await {
                                self.say("the test starts");
                            }
                        }
                        Err(error) => run.state = State::Failed(error.to_string()),
                    }
                    self.tell();
                }
            }
            What::Stop(stop) => {
                if let Some(run) = self.run.as_mut().filter(|run| run.id == stop.run) {
                    let (at, timeout) =
                        (Duration::from_nanos(stop.at_ns), Duration::from_nanos(stop.stop_timeout_ns));
                    run.stop(at, timeout).await;
                }
            }
            What::Iterations(grant) => {
                if let Some(run) = self.run.as_ref().filter(|run| run.id == grant.run)
                    && let State::Running(running) = &run.state
                    && let Some(pool) = &running.pool
                {
                    pool.grant(grant.total);
                }
            }
            What::RunOver(over) => {
                if self.run.as_ref().is_some_and(|run| run.id == over.run) {
                    self.end_run();
                }
            }
            What::Aside(wire) => self.aside(wire),
            What::Notice(text) => self.say(&text),
        }
    }

    fn answered(&mut self, answer: &HeartbeatAnswer) {
        let now = self.now_us();
        while let Some(sent) = self.unanswered.pop_front() {
            if sent.seq == answer.seq {
                self.sync.exchange(sent.at_us, answer.received_us, answer.answered_us, now);
                self.answered = Some(sent.at);
                self.renew();
                break;
            }
            if sent.seq > answer.seq {
                self.unanswered.push_front(sent);
                break;
            }
        }
        if self.sync.is_ready() {
            if let Some(run) = &mut self.run {
                run.follow(&self.sync);
            }
        } else {
            self.tell();
        }
    }

    /// Renews the lease from the newest answered heartbeat, once every load thread follows a share of this session.
    pub(super) fn renew(&mut self) {
        if let (Some(owed), Some(run)) = (self.owed, &self.run)
            && run.followed().0 >= owed
        {
            self.owed = None;
        }
        if let (None, Some(sent)) = (self.owed, self.answered) {
            self.lease.renew(sent);
        }
    }

    fn prepare(&mut self, wire: v1::Prepare) {
        let Some(link) = &self.link else { return };
        if self.run.as_ref().is_some_and(|run| run.id == wire.run) {
            return;
        }
        // Whatever was answered before, nothing of this run has been followed yet.
        self.owed = Some(u64::MAX);
        let run = wire.run.clone();
        self.run = Some(ActiveRun::new(run.clone(), self.epoch));
        self.lease = Arc::new(if self.settings.leased { Lease::new(link.lease) } else { Lease::none() });
        let (session, data, known) = (link.session, link.data.clone(), self.assets.clone());
        let (events, allow) = (self.events.clone(), Arc::clone(&self.settings.allow));
        let name = self.settings.name.clone();
        self.say("preparing a test");
        tokio::spawn(async move {
            let result = match wire_prepare::from_wire(wire) {
                Ok(what) => prepare(what, session, data, known, allow, name).await,
                Err(error) => Err(error.to_string()),
            };
            let _ = events.send(Event::Prepared { run, result }).await;
        });
    }

    pub(super) fn prepared(&mut self, id: &str, result: Result<Ready, String>) {
        let Some(run) = self.run.as_mut().filter(|run| run.id == id) else { return };
        let result = result.and_then(|ready| {
            self.assets.clone_from(&ready.assets);
            run.ready(&ready, self.settings.threads, &self.engines, &self.lease)
                .map_err(|error| error.to_string())
        });
        if let Err(why) = result {
            (self.settings.say)(&format!("cannot take part in the test: {why}"));
            run.state = State::Failed(why);
        }
        self.tell();
    }

    async fn assign(&mut self, wire: v1::Assign) {
        let Some(run) = self.run.as_mut().filter(|run| run.id == wire.run) else { return self.tell() };
        self.owed = self.owed.map(|owed| owed.min(wire.revision));
        let result = match run.planned().map(|planned| assign::from_wire(wire, planned)) {
            // Not ready for it: it is told again.
            None => Ok(()),
            Some(Ok(assign)) => {
                if assign.cut && std::mem::take(&mut self.said_hold) {
                    (self.settings.say)(
                        "the coordinator had given this worker up: its users from before end here",
                    );
                }
                run.assign(assign, &self.settings).await
            }
            Some(Err(error)) => Err(error.to_string()),
        };
        if let Err(why) = result {
            self.say(&format!("the coordinator assigned what cannot be: {why}"));
            if let Some(run) = &mut self.run {
                run.state = State::Failed(why);
            }
        }
        self.tell();
    }

    pub(super) fn acknowledged(&mut self, ack: &BatchAck) {
        if let Some(run) = self.run.as_mut().filter(|run| run.id == ack.run) {
            run.outbox.acknowledge(ack.applied_through);
            if ack.over {
                self.end_run();
            }
        }
    }
}
