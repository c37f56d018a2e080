//! One user's life: `on_start`, iterations with waits between them until it is told to finish, `on_stop`.
//!
//! Every draw follows from (run seed, slot, life, iteration), so it is the same wherever the slot runs.

use std::rc::Rc;
use std::time::{Duration, Instant};

use stampede_scenarios::data::UserRows;
use stampede_scenarios::draw::Draw;
use stampede_scenarios::plan::ClassPlan;
use stampede_scenarios::response::LastResponse;
use stampede_scenarios::variables::Variables;
use stampede_stats::recorder::IterationEnd;

use super::aside;
use super::context::{Context, UserSignals};
use super::guard::IterationGuard;
use super::prepared::PreparedClass;
use super::program::{self, Pass, Then};
use super::request::{Agent, Here};
use super::scope::{Drawn, Of, scope};
use super::steps::Step;
use super::{StopWish, order};
use crate::http::{ClientError, HttpClient, HttpThread};
use crate::slots::SlotGrant;

/// How long a user that begins anew waits at least.
const RESTART: Duration = Duration::from_secs(1);

/// A user of one slot.
pub(super) struct User<C> {
    pub(super) context: Rc<Context>,
    pub(super) signals: Rc<UserSignals>,
    pub(super) grant: SlotGrant,
    pub(super) agent: Agent<C>,
    pub(super) iteration: u64,
    pub(super) variables: Variables,
    pub(super) rows: UserRows,
    /// Its last response, where its class looks at that.
    pub(super) response: Option<Box<LastResponse>>,
}

impl<C: HttpClient> User<C> {
    /// A user with connections of its own.
    pub(super) fn new(
        context: &Rc<Context>,
        signals: &Rc<UserSignals>,
        grant: SlotGrant,
        http: &Rc<dyn HttpThread<Client = C>>,
    ) -> Result<Self, ClientError> {
        let agent = Agent::new(http, signals)?;
        context.recorder.borrow_mut().user(usize::from(grant.class), true);
        let class = &context.prepared.plan.classes[usize::from(grant.class)];
        Ok(Self {
            variables: variables(context, class),
            response: class.looks_at_response.then(Box::default),
            context: Rc::clone(context),
            signals: Rc::clone(signals),
            grant,
            agent,
            iteration: 0,
            rows: UserRows::new(&context.prepared.plan.feeders, &class.feeders.all, u64::from(grant.slot)),
        })
    }

    /// Lives. Dropped before its end, it books what was under way as cancelled.
    pub(super) async fn run(mut self: Box<Self>) {
        let context = Rc::clone(&self.context);
        let class = usize::from(self.grant.class);
        let (plan, steps) = (&context.prepared.plan.classes[class], &context.prepared.classes[class]);
        loop {
            if context.paused.get() && !Box::pin(self.sit_out(&context)).await {
                return;
            }
            if self.choose_rows(&plan.feeders.all) != Then::GoOn {
                // There is none for it: it never begins.
                return;
            }
            let mut then = self.lifecycle(plan, &steps.on_start, false).await;
            if then == Then::GoOn {
                then = if plan.pipeline > 1 {
                    Box::pin(self.iterate_pipelined(plan, steps)).await
                } else {
                    self.iterate(&context, plan, steps).await
                };
            }
            match then {
                Then::GoOn => break,
                Then::RestartUser => {
                    if !Box::pin(self.begin_anew(plan)).await {
                        return;
                    }
                }
                Then::StopUser => {
                    self.signals.has_left.set(true);
                    break;
                }
                Then::StopRun => {
                    context.wish_stop(StopWish::Scenario);
                    self.signals.stopped().await;
                    break;
                }
            }
        }
        self.lifecycle(plan, &steps.on_stop, true).await;
    }

    pub(super) async fn lifecycle(&mut self, plan: &ClassPlan, steps: &[Step], stopping: bool) -> Then {
        if steps.is_empty() {
            return Then::GoOn;
        }
        let (seed, slot, life) = self.seed();
        let pass = if stopping { u64::MAX } else { u64::MAX - 1 };
        let mut drawn = Drawn {
            draw: Draw::lifecycle(seed, slot, life, stopping),
            think: Draw::think(seed, slot, life, pass),
            of: if stopping { Of::Stop } else { Of::Start },
        };
        let here = Here { context: &self.context, signals: &self.signals };
        let who = (self.grant.slot, life, self.iteration);
        let task = if stopping { "on_stop" } else { "on_start" };
        let mut scope = scope(
            (plan, &self.context.prepared.around, task),
            who,
            self.rows.view(),
            &mut drawn,
            &mut self.variables,
            &mut self.response,
        );
        program::run(here, &mut self.agent, steps, &mut scope, None).await.then
    }

    /// Drops what it has and knows, and waits until it is to begin anew; `false` if it is to finish before.
    pub(super) async fn begin_anew(&mut self, plan: &ClassPlan) -> bool {
        let (seed, slot, life) = self.seed();
        let pause = plan.wait.sample(&mut Draw::wait(seed, slot, life, self.iteration));
        self.signals.forget_lanes();
        match Agent::new(&self.agent.http, &self.signals) {
            Ok(agent) => self.agent = agent,
            Err(error) => {
                self.context.give_up(error.to_string());
                return false;
            }
        }
        self.variables = variables(&self.context, plan);
        self.response = plan.looks_at_response.then(Box::default);
        // Its rows go on: nobody is to get one twice because somebody had to begin anew.
        self.signals.rows_from.set(self.signals.rows_from.get() + self.iteration + 1);
        self.iteration = 0;
        self.signals.restarts.set(self.signals.restarts.get().wrapping_add(1));
        self.rest(Instant::now() + pause.max(RESTART)).await
    }

    async fn iterate(&mut self, context: &Context, plan: &ClassPlan, steps: &PreparedClass) -> Then {
        let (seed, slot, life) = self.seed();
        // The first beat is due when the user is ready for it: nothing to be late against.
        let mut due = None;
        // An iteration that follows at once begins when the one before ended.
        let mut now = None;
        loop {
            if context.lapsed.get() || context.paused.get() {
                // What follows a hold begins when it can, and nothing was due meanwhile.
                (due, now) = (None, None);
            }
            let then = self.choose_rows(&plan.feeders.tasks);
            if then != Then::GoOn {
                return then;
            }
            if !self.may_begin(context).await {
                return Then::GoOn;
            }
            let begun = now.take().unwrap_or_else(|| context.clock.now());
            if begun >= context.stop_at.get() {
                // The thread's loop has not had its turn yet; at the stop no iteration begins all the same.
                return Then::GoOn;
            }
            let requests_before = context.started.get();
            let mut iteration = self.begin(context, plan, steps, begun);
            let Passed { ok, ended, then } = self.pass(context, plan, steps, &mut iteration, due).await;
            if then != Then::GoOn {
                return then;
            }
            let pause = match plan.wait.period() {
                Some(period) => {
                    let next = next_beat(due.unwrap_or(begun), period, ended);
                    due = Some(next);
                    next.saturating_sub(ended)
                }
                None => plan.wait.sample(&mut Draw::wait(seed, slot, life, self.iteration)),
            };
            self.iteration += 1;
            if !pause.is_zero() {
                let until = Instant::now() + pause;
                // A beat is what the next response time counts from; a pause is only a pause.
                let goes_on = if due.is_some() {
                    self.await_beat(context, until).await
                } else {
                    self.rest(until).await
                };
                if !goes_on {
                    return Then::GoOn;
                }
            } else if !ok || context.started.get() == requests_before {
                // An iteration without an exchange can come through without a single await that waits; others are to have
                // their turn.
                tokio::task::yield_now().await;
            } else {
                now = Some(ended);
            }
        }
    }

    /// Waits until `until`; `false` if the user is to finish before.
    async fn rest(&self, until: Instant) -> bool {
        tokio::select! {
            biased;
            () = self.signals.stopped() => false,
            () = tokio::time::sleep_until(until.into()) => true,
        }
    }

    /// Likewise, to the microsecond.
    async fn await_beat(&self, context: &Context, until: Instant) -> bool {
        let alarm = context.timer.alarm();
        alarm.set(Some(until));
        tokio::select! {
            biased;
            () = self.signals.stopped() => false,
            _ = alarm.ring() => true,
        }
    }

    /// Waits until the next iteration may begin; `false` if there is to be none.
    pub(super) async fn may_begin(&self, context: &Context) -> bool {
        if self.signals.is_stopped() || (context.lapsed.get() && !Box::pin(self.hold_still(context)).await) {
            return false;
        }
        loop {
            if context.paused.get() && !Box::pin(self.sit_out(context)).await {
                return false;
            }
            if context.permits.try_next() {
                return true;
            }
            tokio::select! {
                biased;
                () = self.signals.stopped() => return false,
                () = context.permits.next() => {}
            }
            if !context.paused.get() {
                return true;
            }
            // It came while nothing is to begin.
            context.permits.put_back();
        }
    }

    /// Waits for the lease; `false` if the user is to finish before.
    async fn hold_still(&self, context: &Context) -> bool {
        tokio::select! {
            biased;
            () = self.signals.stopped() => false,
            () = self.signals.hold(context) => true,
        }
    }

    /// Waits for the end of a pause; `false` if the user is to finish before.
    async fn sit_out(&self, context: &Context) -> bool {
        tokio::select! {
            biased;
            () = self.signals.stopped() => false,
            () = context.resumed() => true,
        }
    }

    /// An iteration of its own begins.
    fn begin<'a>(
        &self,
        context: &'a Context,
        plan: &ClassPlan,
        steps: &PreparedClass,
        at: Duration,
    ) -> Begun<'a> {
        let (draw, task) = self.next_task(plan, steps);
        let (seed, slot, life) = self.seed();
        let think = Draw::think(seed, slot, life, self.iteration);
        let drawn = Drawn { draw, think, of: Of::Iteration };
        Begun { guard: Some(IterationGuard::begin(context, at)), drawn, task }
    }

    /// The generator of its next iteration, and which task that is.
    pub(super) fn next_task(&self, plan: &ClassPlan, steps: &PreparedClass) -> (Draw, usize) {
        let (seed, slot, life) = self.seed();
        let mut draw = Draw::iteration(seed, slot, life, self.iteration);
        let round = |round| Draw::round(seed, slot, life, round);
        let task = order::task(plan, steps, self.iteration, &mut draw, round);
        (draw, task)
    }

    /// One pass through one task.
    pub(super) async fn pass(
        &mut self,
        context: &Context,
        plan: &ClassPlan,
        steps: &PreparedClass,
        begun: &mut Begun<'_>,
        due: Option<Duration>,
    ) -> Passed {
        let task = begun.task;
        let (_, _, life) = self.seed();
        let here = Here { context, signals: &self.signals };
        let called = (plan, &context.prepared.around, &*plan.tasks[task].name);
        let who = (self.grant.slot, life, self.iteration);
        let mut scope =
            scope(called, who, self.rows.view(), &mut begun.drawn, &mut self.variables, &mut self.response);
        let Pass { ok, ended, then, .. } =
            program::run(here, &mut self.agent, &steps.tasks[task], &mut scope, due).await;
        let ended = context.clock.at(ended.unwrap_or_else(Instant::now));
        if let Some(guard) = begun.guard.take() {
            guard.end(if ok { IterationEnd::Completed } else { IterationEnd::Failed }, ended);
        }
        Passed { ok, ended, then }
    }

    /// Run seed, slot, and which of the slot's users it is.
    pub(super) fn seed(&self) -> (u64, u64, u32) {
        let life = self.grant.life.wrapping_add(self.signals.restarts.get());
        (self.context.prepared.plan.seed, u64::from(self.grant.slot), life)
    }
}

/// Those of a user that begins.
fn variables(context: &Context, plan: &ClassPlan) -> Variables {
    let mut variables = Variables::new(&plan.variables);
    if let Some(values) = context.shared.get() {
        aside::give(&mut variables, &plan.variables, values);
    }
    variables
}

/// The later of (last due + period) and the end of the iteration.
fn next_beat(last: Duration, period: Duration, ended: Duration) -> Duration {
    (last + period).max(ended)
}

/// An iteration as it is when it has begun: who books its end, and what it draws from.
pub(super) struct Begun<'a> {
    /// Until it has ended.
    pub(super) guard: Option<IterationGuard<'a>>,
    pub(super) drawn: Drawn,
    pub(super) task: usize,
}

/// How one went.
pub(super) struct Passed {
    pub(super) ok: bool,
    pub(super) ended: Duration,
    pub(super) then: Then,
}

impl<C> Drop for User<C> {
    fn drop(&mut self) {
        let context = &self.context;
        if let Some(arrival) = self.signals.take_arrival() {
            // Handed over and given up before it could be begun with.
            drop(IterationGuard::take_over(context, arrival.part));
        }
        if std::thread::panicking() {
            context.panicked.set(true);
        }
        context.recorder.borrow_mut().user(usize::from(self.grant.class), false);
        context.ended.borrow_mut().push(self.grant.slot);
        context.someone_ended.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::native::NativeClient;

    fn size_of_future<T>(_: impl FnOnce(Box<User<NativeClient>>) -> T) -> usize {
        size_of::<T>()
    }

    #[test]
    fn a_waiting_user_is_small() {
        // With the task's own header this stays within 1.5 KiB, which is what 15 000 users are paid with.
        let (future, user) = (size_of_future(User::run), size_of::<User<NativeClient>>());
        assert!(future <= 1440, "the future of a user has {future} bytes");
        assert!(user <= 320, "a user has {user} bytes");
    }
}
