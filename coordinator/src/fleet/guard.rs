//! Who may call: every call of every service comes by here before any handler sees it. What is refused is told to the person
//! in front of the coordinator, not more often than they can read.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use stampede_proto::token::{Denied, Token};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tonic::service::Interceptor;
use tonic::{Request, Status};

use super::accept::Peer;
use super::refusals::Refusals;
use super::service::FleetEvent;

/// Lets calls through or not.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    token: Option<Token>,
    refusals: Arc<Mutex<Refusals>>,
    epoch: Instant,
    events: mpsc::Sender<FleetEvent>,
}

impl Guard {
    /// Lets in who shows `token`, or everybody where there is none; tells `events` of the others.
    pub(super) fn new(token: Option<Token>, events: mpsc::Sender<FleetEvent>) -> Self {
        Self { token, refusals: Arc::default(), epoch: Instant::now(), events }
    }

    /// Tells that `peer` was refused, and why.
    pub(super) fn refuse(&self, peer: Option<SocketAddr>, why: &str) {
        let now = self.epoch.elapsed();
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(line) = refusals.line(peer.map(|peer| peer.ip().to_canonical()), why, now) {
            // A run's task that is busy has more urgent things to hear.
            let _ = self.events.try_send(FleetEvent::Refused(line));
        }
    }
}

impl Interceptor for Guard {
    fn call(&mut self, request: Request<()>) -> Result<Request<()>, Status> {
        let peer = request.extensions().get::<Peer>().cloned();
        let address = peer.as_ref().map(|peer| peer.address);
        if peer.as_ref().is_some_and(|peer| peer.is_plain) {
            self.refuse(
                address,
                "it does not speak TLS, and this port wants it; give that worker --fleet-ca",
            );
            let what = "its port wants TLS; start this worker with --fleet-ca and the certificate of the authority \
                        that the coordinator's comes from";
            return Err(Status::unauthenticated(what));
        }
        if let Some(token) = &self.token
            && let Err(denied) = token.check(request.metadata())
        {
            let why = match denied {
                Denied::Missing => "it shows no token; give that worker STAMPEDE_TOKEN or --token-file",
                Denied::Wrong => "it shows another token",
            };
            self.refuse(address, why);
            return Err(Status::unauthenticated(format!(
                "{denied}; set STAMPEDE_TOKEN or give --token-file"
            )));
        }
        if let Some(peer) = peer {
            peer.let_in();
        }
        Ok(request)
    }
}
