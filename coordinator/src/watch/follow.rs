//! The watcher's end: takes pictures from a coordinator elsewhere and hands them on as views, connects again when the line
//! breaks, and carries wishes the other way.
//!
//! What is to be said of the line itself, that it is broken or that a wish was refused, is added to the notices of the view: a
//! screen and lines show it without knowing of a line.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use stampede_proto::VERSION;
use stampede_proto::v1::{FollowRequest, ViewFrame};
use stampede_proto::watch::{Wish, to_wire};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Status, Streaming};

use super::line::{Client, Line, mismatch};
use super::picture::{PictureError, unpack};
use crate::tui::text::clean;
use crate::view::{Phase, RunView};

/// Attempts before somebody is told that there is nothing to watch.
const TRIES: u32 = 5;

/// How long a coordinator that was there may be gone: long enough for one that is resumed.
const PATIENCE: Duration = Duration::from_secs(300);

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// Between the first attempts, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));

/// Why there is nothing to watch, or no more.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// Nobody is there, or the line breaks at once.
    #[error("cannot watch {address}: {why}; a coordinator listens on its --bind, and says where")]
    Connect {
        /// Where.
        address: String,
        /// Why.
        why: String,
    },
    /// Trying again would not help.
    #[error("cannot watch {address}: {why}")]
    Refused {
        /// Where.
        address: String,
        /// Why.
        why: String,
    },
    /// It was there and did not come back.
    #[error("{address} has been gone since {since}: {why}")]
    Gone {
        /// Where.
        address: String,
        /// Since when.
        since: String,
        /// Why the last attempt failed.
        why: String,
    },
}

/// A line that stands, with its first picture.
struct Session {
    client: Client,
    frames: Streaming<ViewFrame>,
    first: RunView,
    control: bool,
}

/// Why there is no session.
enum Failed {
    /// The next attempt may do better.
    Now(String),
    /// It would not.
    ForGood(String),
}

/// A run elsewhere that is being watched.
pub struct Attached {
    line: Line,
    address: String,
    session: Session,
    view: watch::Sender<RunView>,
    /// As it came last, without what is said here.
    seen: RunView,
    /// What is to be said of the line.
    remark: Option<String>,
}

impl Attached {
    /// Attaches to the coordinator at the other end of `line`, whose `address` is for words only.
    ///
    /// # Errors
    /// When it cannot be reached after a few attempts, or does not let itself be watched.
    pub async fn to(line: Line, address: &str) -> Result<(Self, watch::Receiver<RunView>), WatchError> {
        let mut tries = 0;
        let session = loop {
            tries += 1;
            match open(&line).await {
                Ok(session) => break session,
                Err(Failed::ForGood(why)) => {
                    return Err(WatchError::Refused { address: address.to_owned(), why });
                }
                Err(Failed::Now(why)) if tries >= TRIES => {
                    return Err(WatchError::Connect { address: address.to_owned(), why });
                }
                Err(Failed::Now(_)) => sleep(pause(tries)).await,
            }
        };
        let (view, receiver) = watch::channel(session.first.clone());
        let seen = session.first.clone();
        Ok((Self { line, address: address.to_owned(), session, view, seen, remark: None }, receiver))
    }

    /// Whether wishes are listened to.
    pub fn control(&self) -> bool {
        self.session.control
    }

    /// Follows the run to its end; returns when its last picture was handed on.
    ///
    /// # Errors
    /// When the line broke and there is no other.
    pub async fn follow(mut self, mut wishes: mpsc::Receiver<Wish>) -> Result<(), WatchError> {
        let mut asked = true;
        while self.seen.phase != Phase::Finished {
            tokio::select! {
                frame = self.session.frames.message() => {
                    if let Err(why) = self.take(frame) {
                        self.again(why).await?;
                    }
                }
                wish = wishes.recv(), if asked => match wish {
                    Some(wish) => self.wish(wish).await,
                    None => asked = false,
                },
            }
        }
        Ok(())
    }

    fn take(&mut self, frame: Result<Option<ViewFrame>, Status>) -> Result<(), Failed> {
        let frame = frame.map_err(|status| failed(&status))?;
        let frame = frame.ok_or_else(|| Failed::Now("the coordinator ended the line".to_owned()))?;
        self.seen = unpack(&frame.view).map_err(|error| junk(&error))?;
        self.session.control = frame.control;
        self.show();
        Ok(())
    }

    /// Asks for something; what comes of it is seen in the next pictures.
    async fn wish(&mut self, wish: Wish) {
        let answer = timeout(ANSWER, self.session.client.steer(to_wire(wish))).await;
        let refused = match answer {
            Ok(Ok(_)) => None,
            Ok(Err(status)) => Some(clean(status.message()).into_owned()),
            Err(_) => Some("no answer".to_owned()),
        };
        self.remark = refused.map(|why| format!("not done: {why}"));
        self.show();
    }

    /// Connects anew after the line broke, for as long as anybody can be expected to wait.
    async fn again(&mut self, mut why: Failed) -> Result<(), WatchError> {
        let since = Timestamp::now().strftime("%H:%M:%S UTC").to_string();
        let address = self.address.clone();
        let until = Instant::now() + PATIENCE;
        let mut tries = 0;
        loop {
            let reason = match why {
                Failed::Now(reason) => reason,
                Failed::ForGood(why) => return Err(WatchError::Refused { address, why }),
            };
            if Instant::now() >= until {
                return Err(WatchError::Gone { address, since, why: reason });
            }
            if tries == 0 {
                self.remark = Some(format!("disconnected since {since} ({reason}); trying again"));
                self.show();
            }
            tries += 1;
            sleep(pause(tries)).await;
            match open(&self.line).await {
                Ok(session) => {
                    self.seen = session.first.clone();
                    self.session = session;
                    self.remark = Some(format!("connected again; disconnected since {since}"));
                    self.show();
                    return Ok(());
                }
                Err(failed) => why = failed,
            }
        }
    }

    /// Hands the newest view on.
    fn show(&self) {
        let mut view = self.seen.clone();
        if let Some(remark) = &self.remark {
            Arc::make_mut(&mut view.notices).push(remark.clone());
        }
        self.view.send_replace(view);
    }
}

async fn open(line: &Line) -> Result<Session, Failed> {
    let mut client = line.client().await.map_err(|error| match mismatch(&error) {
        Some(why) => Failed::ForGood(why),
        None => Failed::Now(innermost(&error)),
    })?;
    let answer = timeout(ANSWER, async {
        let request = FollowRequest { version: VERSION.to_owned() };
        let mut frames = client.follow(request).await?.into_inner();
        let first = frames.message().await?;
        Ok((frames, first))
    });
    let (frames, first) = match answer.await {
        Ok(Ok(answered)) => answered,
        Ok(Err(status)) => return Err(failed(&status)),
        Err(_) => return Err(Failed::Now("no answer".to_owned())),
    };
    let first = first.ok_or_else(|| Failed::Now("the coordinator ended the line".to_owned()))?;
    let view = unpack(&first.view).map_err(|error| junk(&error))?;
    Ok(Session { client, frames, first: view, control: first.control })
}

/// What the other end says is from outside.
fn failed(status: &Status) -> Failed {
    let said = clean(status.message()).into_owned();
    match status.code() {
        Code::Unimplemented => Failed::ForGood(
            "there is a coordinator, and it is of a version that cannot be watched".to_owned(),
        ),
        Code::Unauthenticated
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::InvalidArgument
        | Code::ResourceExhausted => Failed::ForGood(said),
        _ => Failed::Now(if said.is_empty() { "the line broke".to_owned() } else { said }),
    }
}

fn junk(error: &PictureError) -> Failed {
    Failed::ForGood(format!("what it sends cannot be shown: {}", clean(&error.to_string())))
}

/// The reason behind the reasons: `Connection refused`.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    clean(&innermost.to_string()).into_owned()
}

/// Twice as long each time.
fn pause(tries: u32) -> Duration {
    let (first, most) = PAUSES;
    first.saturating_mul(1 << tries.saturating_sub(1).min(8)).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit() {
        let pauses: Vec<_> = (1..=7).map(|tries| pause(tries).as_millis()).collect();
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        assert_eq!(pause(u32::MAX), PAUSES.1);
    }
}
