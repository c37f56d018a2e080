//! The users of a load thread: started, told to finish or cut as the table of slots says, given up when they take too long,
//! and forgotten when they have ended.
//!
//! What became of an assignment is told the session from here too: that it is followed, and which slots are released. Neither
//! may be lost nor hold the thread up, so both wait for room in the queue of events.

use std::rc::Rc;
use std::time::Duration;

use tokio::task::AbortHandle;

use super::context::UserSignals;
use super::thread::Loop;
use super::user::User;
use super::{Event, StopWish};
use crate::http::HttpThread;
use crate::slots::{SlotChange, SlotGrant};

/// A user as its thread sees it.
pub(super) struct UserHandle {
    pub(super) signals: Rc<UserSignals>,
    abort: AbortHandle,
    /// Started for arrivals, not by the profile.
    for_arrivals: bool,
    /// It ends as soon as no request of it is on its way.
    is_cut: bool,
    /// A user that was told to finish is given up at this run time.
    deadline: Option<Duration>,
}

impl UserHandle {
    /// It begins no request more; without one on its way it ends here.
    fn cut(&mut self) {
        self.is_cut = true;
        self.signals.cut();
        if self.signals.waits_since().is_none() {
            self.abort.abort();
        }
    }
}

/// What a thread has still to tell.
#[derive(Debug, Default)]
pub(super) struct Untold {
    /// The newest revision that is followed.
    followed: Option<u64>,
    /// Slots released since.
    released: Vec<u32>,
    /// Why a user wants the run to end, and whether that was told.
    wish: Option<(StopWish, bool)>,
}

impl Untold {
    /// Perhaps a user wants the run to end.
    pub(super) fn stop_wanted(&mut self, why: Option<StopWish>) {
        self.wish = self.wish.or(why.map(|why| (why, false)));
    }
}

impl<T: HttpThread> Loop<T> {
    pub(super) fn apply(&mut self, changes: Vec<SlotChange>) {
        let deadline = self.context.clock.now() + self.context.prepared.plan.load.stop_timeout;
        for change in changes {
            match change {
                SlotChange::Start(grant) => {
                    if self.start_user(grant, false) && self.arrivals.is_some() {
                        // Started beforehand: free from the beginning.
                        self.context.push_free(grant.class, grant.slot);
                    }
                }
                SlotChange::GoOn(slot) => {
                    // One that serves arrivals may have left the stack of the free ones: it ends, and another takes its place.
                    let user = self.users.get_mut(&slot).filter(|_| self.arrivals.is_none());
                    if let Some(user) = user {
                        user.signals.set_stop(false);
                        user.deadline = None;
                    }
                }
                SlotChange::Stop(slot) => self.end_user(slot, false, deadline),
                SlotChange::Cut(slot) => self.end_user(slot, true, deadline),
            }
        }
    }

    /// Tells a user to end by run time `deadline`.
    fn end_user(&mut self, slot: u32, cut: bool, deadline: Duration) {
        let Some(user) = self.users.get_mut(&slot) else { return };
        user.deadline.get_or_insert(deadline);
        if cut {
            user.cut();
        } else {
            user.signals.set_stop(true);
        }
    }

    /// Tells the users for arrivals to end that are more than there may be now.
    pub(super) fn end_surplus(&mut self, cut: bool) {
        let Some(arrivals) = &self.arrivals else { return };
        let deadline = self.context.clock.now() + self.context.prepared.plan.load.stop_timeout;
        let surplus = |slot: &u32, user: &UserHandle| user.for_arrivals && !arrivals.may_have(*slot);
        let surplus: Vec<u32> =
            self.users.iter().filter(|(slot, user)| surplus(slot, user)).map(|(slot, _)| *slot).collect();
        for slot in surplus {
            self.end_user(slot, cut, deadline);
        }
    }

    /// Starts a user. Returns whether there is one now.
    pub(super) fn start_user(&mut self, grant: SlotGrant, for_arrivals: bool) -> bool {
        if self.users.contains_key(&grant.slot) {
            return false;
        }
        let class_row = self.context.prepared.plan.classes[usize::from(grant.class)].row.map(|row| row.0);
        let signals = Rc::new(UserSignals::new(&self.context, class_row));
        let http: Rc<dyn HttpThread<Client = T::Client>> = Rc::clone(&self.http) as _;
        match User::new(&self.context, &signals, grant, &http) {
            Ok(user) => {
                let user = Box::new(user);
                let task = if self.arrivals.is_some() {
                    tokio::task::spawn_local(user.serve())
                } else {
                    tokio::task::spawn_local(user.run())
                };
                let abort = task.abort_handle();
                let user = UserHandle { signals, abort, for_arrivals, is_cut: false, deadline: None };
                self.users.insert(grant.slot, user);
                true
            }
            Err(error) => {
                self.failure = Some(error.to_string());
                false
            }
        }
    }

    /// Forgets users that have ended.
    ///
    /// # Panics
    /// When a user's task did: the runtime keeps that to itself, and the thread ends as with a panic of its own.
    pub(super) fn reap(&mut self) {
        assert!(!self.context.panicked.get(), "a user's task panicked");
        let ended = std::mem::take(&mut *self.context.ended.borrow_mut());
        for slot in ended {
            let Some(user) = self.users.remove(&slot) else { continue };
            let restarts = user.signals.restarts.get();
            match &mut self.arrivals {
                Some(arrivals) if user.for_arrivals => {
                    self.lives.skip(slot, restarts);
                    arrivals.close_user(slot);
                }
                _ => {
                    self.slots.restarted(slot, restarts);
                    let has_left = user.signals.has_left.get();
                    let released = if has_left { self.slots.left(slot) } else { self.slots.ended(slot) };
                    if released {
                        self.untold.released.push(slot);
                    }
                }
            }
        }
        if self.users.is_empty() {
            // A thread without users has no use for iterations; another one may.
            self.context.permits.give_back();
        }
    }

    /// Gives up who takes longer than allowed, and who was cut and has nothing on its way any more. `all` bounds everybody.
    pub(super) fn give_up_late(&self, run: Duration, all: Option<Duration>) {
        for user in self.users.values() {
            let deadline = user.deadline.into_iter().chain(all).min();
            let is_late = deadline.is_some_and(|deadline| run >= deadline);
            if is_late || (user.is_cut && user.signals.waits_since().is_none()) {
                user.abort.abort();
            }
        }
    }

    /// For how long the oldest request of a user has been on its way, in ns.
    pub(super) fn oldest_ns(&self, run: Duration) -> u64 {
        let since = self.users.values().filter_map(|user| user.signals.waits_since()).min();
        let age = since.map_or(Duration::ZERO, |since| run.saturating_sub(since));
        u64::try_from(age.as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn give_up_all(self) {
        for user in self.users.values() {
            user.abort.abort();
        }
    }

    /// Revision `revision` is in force here.
    pub(super) fn follows(&mut self, revision: u64) {
        self.untold.followed = Some(revision);
    }

    /// Tells what there is to tell, as far as there is room; the rest at the next tick.
    pub(super) fn tell(&mut self) {
        while let Some(event) = self.to_tell() {
            let Ok(room) = self.thread.events.try_reserve() else { return };
            room.send(event);
            self.told();
        }
    }

    /// Tells it, however long that takes.
    pub(super) async fn tell_all(&mut self) {
        while let Some(event) = self.to_tell() {
            // Without a listener the worker has given up on this run.
            let _ = self.thread.events.send(event).await;
            self.told();
        }
    }

    fn to_tell(&self) -> Option<Event> {
        let Untold { followed, released, wish } = &self.untold;
        let thread = self.thread.number;
        if let Some((why, false)) = *wish {
            return Some(Event::StopWanted { thread, why });
        }
        match followed {
            // As of now: what was released before this is told is not departing any more.
            Some(revision) => {
                let departing = self.slots.departing();
                Some(Event::Followed { thread, revision: *revision, departing })
            }
            None if released.is_empty() => None,
            None => Some(Event::Released { thread, slots: released.clone() }),
        }
    }

    fn told(&mut self) {
        if let Some((_, told @ false)) = &mut self.untold.wish {
            *told = true;
            return;
        }
        self.untold.followed = None;
        self.untold.released.clear();
    }
}
