//! The handlers of those who watch: pictures go out, wishes come in and are passed on to the run's task, or not.

use std::pin::Pin;

use futures_util::{Stream, stream};
use stampede_proto::v1::watch_server::Watch;
use stampede_proto::v1::{FollowRequest, SteerRequest, SteerResponse, ViewFrame};
use stampede_proto::watch::{Wish, from_wire};
use stampede_proto::{VERSION, WireError};
use tokio::sync::mpsc;
use tonic::{Request, Response, Status};

use super::gallery::Gallery;
use crate::fleet::FleetEvent;
use crate::run::input::Person;

/// What is said to wishes where nobody listens to them.
pub(super) const READ_ONLY: &str = "read-only: the coordinator was started without --allow-control";

/// What the handlers share.
#[derive(Debug, Clone)]
pub struct WatchService {
    gallery: Gallery,
    events: mpsc::Sender<FleetEvent>,
    control: bool,
}

impl WatchService {
    /// Handlers that show what hangs in `gallery`, and tell `events` what somebody wants if `control` allows it.
    pub fn new(gallery: Gallery, events: mpsc::Sender<FleetEvent>, control: bool) -> Self {
        Self { gallery, events, control }
    }
}

#[tonic::async_trait]
impl Watch for WatchService {
    type FollowStream = Pin<Box<dyn Stream<Item = Result<ViewFrame, Status>> + Send>>;

    async fn follow(&self, request: Request<FollowRequest>) -> Result<Response<Self::FollowStream>, Status> {
        let theirs: String = request.into_inner().version.chars().take(40).collect();
        if theirs != VERSION {
            return Err(Status::failed_precondition(format!(
                "this coordinator is version {VERSION}, and {theirs:?} wants to watch it; both have to be the same"
            )));
        }
        let follower = self.gallery.follow();
        let follower =
            follower.ok_or_else(|| Status::resource_exhausted("too many watch this run already"))?;
        let control = self.control;
        // The next picture is asked for when the transport has room: a slow follower takes fewer.
        let frames = stream::unfold(follower, move |mut follower| async move {
            let view = follower.next().await?;
            Some((Ok(ViewFrame { view, control }), follower))
        });
        Ok(Response::new(Box::pin(frames)))
    }

    async fn steer(&self, request: Request<SteerRequest>) -> Result<Response<SteerResponse>, Status> {
        if !self.control {
            return Err(Status::permission_denied(READ_ONLY));
        }
        let wish = from_wire(request.into_inner());
        let wish = wish.map_err(|error: WireError| Status::invalid_argument(error.to_string()))?;
        let told = self.events.send(FleetEvent::Person(person(wish))).await;
        told.map_err(|_| Status::unavailable("the coordinator is ending"))?;
        Ok(Response::new(SteerResponse {}))
    }
}

/// The same as a key.
fn person(wish: Wish) -> Person {
    match wish {
        Wish::ChangeUsers(by) => Person::ChangeUsers(by),
        Wish::More => Person::More,
        Wish::Less => Person::Less,
        Wish::Pause => Person::Pause,
        Wish::NextStage => Person::NextStage,
        Wish::Stop => Person::Quit,
    }
}
