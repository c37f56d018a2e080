//! The worker's one task: events in, statuses and batches out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use stampede_proto::aside::AsideDone;
use stampede_proto::v1::{BatchAck, Command};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::link::{Link, LinkError, establish};
use super::prepare::{Assets, Ready};
use super::run::{ActiveRun, State};
use super::tell::Told;
use super::{FIRST_BACK_OFF, Leave, MAX_BACK_OFF, Settings, WorkerError};
use crate::clock::ClockSync;
use crate::engine::{self, StartEngine};
use crate::lease::{BootTime, Lease};
use crate::permits::IterationPool;

/// Events that may wait.
const EVENTS: usize = 256;

/// How often the worker looks whether something has to be told before the next heartbeat.
const LOOK: Duration = Duration::from_millis(25);

/// Heartbeats whose answers are waited for; older ones are given up.
pub(super) const MAX_UNANSWERED: usize = 64;

/// A heartbeat on its way.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    pub(super) seq: u64,
    /// On this process's clock.
    pub(super) at_us: u64,
    pub(super) at: BootTime,
}

/// What happens to a worker.
#[derive(Debug)]
pub(super) enum Event {
    Linked {
        attempt: u64,
        result: Result<Box<Link>, LinkError>,
    },
    Command {
        attempt: u64,
        command: Box<Command>,
    },
    Ack {
        attempt: u64,
        ack: BatchAck,
    },
    Broken {
        attempt: u64,
        why: String,
    },
    Prepared {
        run: String,
        result: Result<Ready, String>,
    },
    /// Steps that run once have come to their end, or could not.
    Beside {
        run: String,
        done: Box<AsideDone>,
    },
}

pub(super) struct Worker<E> {
    pub(super) settings: Settings,
    pub(super) engines: E,
    pub(super) instance: [u8; 16],
    pub(super) epoch: Instant,
    pub(super) events: mpsc::Sender<Event>,
    pub(super) link: Option<Box<Link>>,
    pub(super) attempts: u64,
    /// When to connect again.
    pub(super) redial: Option<Instant>,
    pub(super) back_off: Duration,
    pub(super) sync: ClockSync,
    pub(super) seq: u64,
    /// Oldest first.
    pub(super) unanswered: VecDeque<Sent>,
    /// How long the load threads may make requests of the run there is.
    pub(super) lease: Arc<Lease>,
    /// When the newest heartbeat that this session's coordinator has answered was sent.
    pub(super) answered: Option<BootTime>,
    /// What the load threads have to follow before anything renews the lease: a share as this session's coordinator has it.
    /// Else a worker whose users run elsewhere by now would go on until it hears of that.
    pub(super) owed: Option<u64>,
    /// It was said that the users hold.
    pub(super) said_hold: bool,
    pub(super) told: Told,
    pub(super) last_told: Option<Instant>,
    /// Since when there has been no coordinator in the middle of a test.
    pub(super) alone_since: Option<Instant>,
    pub(super) run: Option<ActiveRun>,
    pub(super) assets: Assets,
    /// Not to hand over batches before this.
    pub(super) hold_until: Option<Instant>,
    pub(super) leaving: bool,
    /// A leaving worker waits until then for everything to be taken back from it.
    pub(super) take_back_until: Option<Instant>,
    /// After this a leaving worker gives up.
    pub(super) leave_until: Option<Instant>,
    pub(super) done: bool,
}

/// Works until told to leave, or for one test.
///
/// # Errors
/// When the coordinator refuses this worker, or a load thread dies.
pub async fn work<E: StartEngine>(settings: Settings, engines: E, leave: Leave) -> Result<(), WorkerError> {
    let mut instance = [0; 16];
    getrandom::getrandom(&mut instance).map_err(|error| WorkerError::Random(error.to_string()))?;
    work_as(settings, engines, instance, leave).await
}

/// As [`work`], under this instance: what is drawn from it is the same each time.
///
/// # Errors
/// As [`work`].
pub async fn work_as<E: StartEngine>(
    settings: Settings,
    engines: E,
    instance: [u8; 16],
    mut leave: Leave,
) -> Result<(), WorkerError> {
    let (sender, mut events) = mpsc::channel(EVENTS);
    let mut worker = Worker::new(settings, engines, instance, sender);
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Skip);
    while !worker.done {
        let pool = worker.run.as_ref().and_then(ActiveRun::pool);
        tokio::select! {
            // Not by lot: the first comes forty times a second at most, so each has its turn, and always in the same order.
            biased;
            _ = look.tick() => {
                worker.end_orphaned().await;
                worker.end_when_handed_back().await;
                worker.look()?;
            }
            Some(event) = events.recv() => worker.event(event).await?,
            event = engine_event(&mut worker.run) => worker.engine_event(event)?,
            // Users that wait for iterations make no load: the coordinator is asked at once.
            () = asked(pool) => worker.tell(),
            changed = leave.changed() => match changed {
                Ok(()) if *leave.borrow_and_update() >= 2 => return Err(WorkerError::LeftAtOnce),
                Ok(()) => worker.leave().await,
                // Whoever could tell is gone; for an embedded worker that is the end.
                Err(_) => return Ok(()),
            },
        }
        worker.hand_over();
    }
    Ok(())
}

/// The next event of the engine, if one runs.
async fn engine_event(run: &mut Option<ActiveRun>) -> engine::Event {
    match run {
        Some(ActiveRun { state: State::Running(running), .. }) => match running.events.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        },
        _ => std::future::pending().await,
    }
}

/// Returns when users have begun to wait for more iterations.
async fn asked(pool: Option<Arc<IterationPool>>) {
    match pool {
        Some(pool) => pool.asked().await,
        None => std::future::pending().await,
    }
}

impl<E: StartEngine> Worker<E> {
    fn new(settings: Settings, engines: E, instance: [u8; 16], events: mpsc::Sender<Event>) -> Self {
        let epoch = Instant::now();
        let assets = settings.known.clone();
        Self {
            settings,
            engines,
            instance,
            epoch,
            events,
            link: None,
            attempts: 0,
            redial: Some(epoch),
            back_off: FIRST_BACK_OFF,
            sync: ClockSync::default(),
            seq: 0,
            unanswered: VecDeque::new(),
            lease: Arc::new(Lease::none()),
            answered: None,
            owed: Some(u64::MAX),
            said_hold: false,
            told: Told::default(),
            last_told: None,
            alone_since: None,
            run: None,
            assets,
            hold_until: None,
            leaving: false,
            take_back_until: None,
            leave_until: None,
            done: false,
        }
    }

    pub(super) fn say(&self, text: &str) {
        (self.settings.say)(text);
    }

    pub(super) fn now_us(&self) -> u64 {
        u64::try_from(self.epoch.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Whether an event belongs to the line that stands.
    fn is_current(&self, attempt: u64) -> bool {
        self.link.as_ref().is_some_and(|link| link.attempt == attempt)
    }

    async fn event(&mut self, event: Event) -> Result<(), WorkerError> {
        match event {
            Event::Linked { attempt, result } if attempt == self.attempts => self.linked(result)?,
            Event::Command { attempt, command } if self.is_current(attempt) => {
                if let Some(what) = command.what {
                    self.command(what).await;
                }
            }
            Event::Ack { attempt, ack } if self.is_current(attempt) => self.acknowledged(&ack),
            Event::Broken { attempt, why } if self.is_current(attempt) => self.broken(&why),
            Event::Prepared { run, result } => self.prepared(&run, result),
            Event::Beside { run, done } => self.beside_done(&run, *done),
            // Of a line that is no more.
            _ => {}
        }
        Ok(())
    }

    pub(super) fn dial(&mut self) {
        self.redial = None;
        self.attempts += 1;
        let (settings, instance, attempt) = (self.settings.clone(), self.instance, self.attempts);
        let events = self.events.clone();
        tokio::spawn(async move {
            let result = establish(settings, instance, attempt).await.map(Box::new);
            // Nobody listening: the worker has ended meanwhile.
            let _ = events.send(Event::Linked { attempt, result }).await;
        });
    }

    fn linked(&mut self, result: Result<Box<Link>, LinkError>) -> Result<(), WorkerError> {
        match result {
            Ok(mut link) => {
                link.listen(&self.events);
                self.say(&format!("connected to the coordinator at {}", self.settings.address));
                if !link.notice.is_empty() {
                    self.say(&link.notice);
                }
                self.settings.line.send_replace(true);
                self.back_off = FIRST_BACK_OFF;
                self.alone_since = None;
                self.sync = ClockSync::default();
                self.unanswered.clear();
                (self.answered, self.owed) = (None, Some(u64::MAX));
                self.told = Told::default();
                self.link = Some(link);
                if let Some(run) = &mut self.run {
                    run.relinked();
                }
                self.tell();
                Ok(())
            }
            Err(LinkError::Refused(why)) => Err(WorkerError::Refused(why)),
            Err(LinkError::Mismatch(why)) => {
                Err(WorkerError::Mismatch { address: self.settings.address.clone(), why })
            }
            Err(LinkError::Unreachable(why)) => {
                let pause = self.wait_and_redial();
                let address = &self.settings.address;
                self.say(&format!("no coordinator at {address} ({why}); trying again in {pause:?}"));
                Ok(())
            }
        }
    }

    /// Returns how long it waits: twice as long each time, and never quite as long as the others of a fleet, which would
    /// all come at once otherwise.
    fn wait_and_redial(&mut self) -> Duration {
        self.done |= self.leaving && self.run.is_none();
        let draw = self.instance[usize::from(self.attempts.to_le_bytes()[0]) % self.instance.len()];
        let pause = self.back_off / 2 + self.back_off.mul_f64(f64::from(draw) / 512.0);
        let pause = Duration::from_millis(u64::try_from(pause.as_millis()).unwrap_or(u64::MAX));
        self.redial = Some(Instant::now() + pause);
        self.back_off = (self.back_off * 2).min(MAX_BACK_OFF);
        pause
    }

    fn broken(&mut self, why: &str) {
        self.link = None;
        self.settings.line.send_replace(false);
        self.alone_since = Some(Instant::now());
        match &self.run {
            // At the end of a test it simply closes; how the transport words that helps nobody.
            None => self.say("the coordinator is gone; waiting for the next one"),
            Some(run) if run.is_ended() => self.say(&format!("the line to the coordinator broke ({why})")),
            Some(_) => {
                let users = if self.lease.holds() { "go on" } else { "hold" };
                self.say(&format!("the line to the coordinator broke; users {users} ({why})"));
            }
        }
        self.wait_and_redial();
    }

    fn engine_event(&mut self, event: engine::Event) -> Result<(), WorkerError> {
        let Some(run) = &mut self.run else { return Ok(()) };
        let before = run.outbox.len();
        if let Some((thread, why)) = run.engine_event(event) {
            return Err(WorkerError::Thread { thread, why });
        }
        let finished = matches!(run.state, State::Finished { .. });
        self.renew();
        if finished {
            self.hold_until = None;
            self.say("every user has ended");
            self.tell();
        } else if self.run.as_ref().is_some_and(|run| run.outbox.len() > before) && self.settings.spread {
            self.hold_until = Some(Instant::now() + self.spread());
        }
        Ok(())
    }

    /// This worker's own moment after the full second, 0 to 225 ms.
    fn spread(&self) -> Duration {
        LOOK * u32::from(self.instance[0] % 10)
    }
}
