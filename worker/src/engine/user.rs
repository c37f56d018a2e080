//! One user's life: `on_start`, iterations with waits between them until it is told to finish, `on_stop`.
//!
//! Every draw follows from (run seed, slot, life, iteration), so it is the same wherever the slot runs.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stampede_scenarios::draw::Draw;
use stampede_scenarios::plan::ClassPlan;
use stampede_scenarios::template::RenderContext;
use stampede_scenarios::variables::Variables;
use stampede_stats::recorder::IterationEnd;

use super::arrivals::Handed;
use super::aside;
use super::context::{Context, UserSignals};
use super::cookies::Jar;
use super::guard::IterationGuard;
use super::prepared::{PreparedClass, Step};
use super::program::{self, Pass};
use super::request::{Agent, Here};
use crate::http::{ClientError, HttpClient, HttpThread};
use crate::slots::SlotGrant;

/// A user of one slot.
pub(super) struct User<C> {
    pub(super) context: Rc<Context>,
    pub(super) signals: Rc<UserSignals>,
    grant: SlotGrant,
    pub(super) agent: Agent<C>,
    pub(super) iteration: u64,
    pub(super) variables: Variables,
}

impl<C: HttpClient> User<C> {
    /// A user with connections of its own.
    pub(super) fn new<T: HttpThread<Client = C>>(
        context: &Rc<Context>,
        signals: &Rc<UserSignals>,
        grant: SlotGrant,
        http: &T,
    ) -> Result<Self, ClientError> {
        let probe = Arc::clone(&signals.probe);
        let client = http.client(&probe)?;
        context.recorder.borrow_mut().user(usize::from(grant.class), true);
        let class = &context.prepared.plan.classes[usize::from(grant.class)];
        let mut variables = Variables::new(&class.variables);
        if let Some(values) = context.shared.get() {
            aside::give(&mut variables, &class.variables, values);
        }
        let (context, signals) = (Rc::clone(context), Rc::clone(signals));
        Ok(Self {
            context,
            signals,
            grant,
            agent: Agent { client, probe, jar: Jar::default() },
            iteration: 0,
            variables,
        })
    }

    /// Lives. Dropped before its end, it books what was under way as cancelled.
    pub(super) async fn run(mut self: Box<Self>) {
        let context = Rc::clone(&self.context);
        let class = usize::from(self.grant.class);
        let (plan, steps) = (&context.prepared.plan.classes[class], &context.prepared.classes[class]);
        if context.paused.get() && !Box::pin(self.sit_out(&context)).await {
            return;
        }
        self.lifecycle(plan, &steps.on_start, false).await;
        if plan.pipeline > 1 {
            Box::pin(self.iterate_pipelined(plan, steps)).await;
        } else {
            self.iterate(&context, plan, steps).await;
        }
        self.lifecycle(plan, &steps.on_stop, true).await;
    }

    /// Lives in the open model: runs the arrivals it is handed. Dropped before its end, it books what was under way as
    /// cancelled.
    pub(super) async fn serve(mut self: Box<Self>) {
        let context = Rc::clone(&self.context);
        let class = usize::from(self.grant.class);
        let (plan, steps) = (&context.prepared.plan.classes[class], &context.prepared.classes[class]);
        let born = context.clock.now();
        self.lifecycle(plan, &steps.on_start, false).await;
        let mut ready = Some(context.clock.now());
        while let Some(Handed { number, due }) = self.signals.next_arrival().await {
            // What the first arrival had to wait for `on_start` is the user's business, not the target's.
            let apart = ready.take().map_or(Duration::ZERO, |ready| ready.saturating_sub(born.max(due)));
            let guard = IterationGuard::take_over(&context);
            let seed = context.prepared.plan.seed;
            let (draw, think) = (Draw::arrival(seed, number), Draw::arrival_think(seed, number));
            self.pass(&context, plan, steps, Begun { guard, draw, think }, Some(due + apart)).await;
            self.iteration += 1;
            context.push_free(self.grant.class, self.grant.slot);
        }
        self.lifecycle(plan, &steps.on_stop, true).await;
    }

    async fn lifecycle(&mut self, plan: &ClassPlan, steps: &[Step], stopping: bool) {
        if steps.is_empty() {
            return;
        }
        let (seed, slot, life) = self.seed();
        let mut draw = Draw::lifecycle(seed, slot, life, stopping);
        let mut think = Draw::think(seed, slot, life, if stopping { u64::MAX } else { u64::MAX - 1 });
        let here = Here { context: &self.context, signals: &self.signals };
        let mut render = render(plan, (slot, life), self.iteration, &mut draw, &mut self.variables);
        program::run(here, &mut self.agent, steps, &mut render, &mut think, None).await;
    }

    async fn iterate(&mut self, context: &Context, plan: &ClassPlan, steps: &PreparedClass) {
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
            if !self.may_begin(context).await {
                return;
            }
            let begun = now.take().unwrap_or_else(|| context.clock.now());
            if begun >= context.stop_at.get() {
                // The thread's loop has not had its turn yet; at the stop no iteration begins all the same.
                return;
            }
            let requests_before = context.started.get();
            let iteration = self.begin(context, begun);
            let (ok, ended) = self.pass(context, plan, steps, iteration, due).await;
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
                    return;
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
        if context.paused.get() && !Box::pin(self.sit_out(context)).await {
            return false;
        }
        if context.permits.try_next() {
            return true;
        }
        tokio::select! {
            biased;
            () = self.signals.stopped() => false,
            () = context.permits.next() => true,
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
    fn begin<'a>(&self, context: &'a Context, at: Duration) -> Begun<'a> {
        let (seed, slot, life) = self.seed();
        let draw = Draw::iteration(seed, slot, life, self.iteration);
        let think = Draw::think(seed, slot, life, self.iteration);
        Begun { guard: IterationGuard::begin(context, at), draw, think }
    }

    /// One pass through one task: whether all was ok, and when it ended.
    async fn pass(
        &mut self,
        context: &Context,
        plan: &ClassPlan,
        steps: &PreparedClass,
        begun: Begun<'_>,
        due: Option<Duration>,
    ) -> (bool, Duration) {
        let Begun { guard, mut draw, mut think } = begun;
        let (_, slot, life) = self.seed();
        let task = plan.task_table.sample(&mut draw);
        let here = Here { context, signals: &self.signals };
        let mut render = render(plan, (slot, life), self.iteration, &mut draw, &mut self.variables);
        let Pass { ok, ended } =
            program::run(here, &mut self.agent, &steps.tasks[task], &mut render, &mut think, due).await;
        let ended = context.clock.at(ended.unwrap_or_else(Instant::now));
        guard.end(if ok { IterationEnd::Completed } else { IterationEnd::Failed }, ended);
        (ok, ended)
    }

    pub(super) fn seed(&self) -> (u64, u64, u32) {
        (self.context.prepared.plan.seed, u64::from(self.grant.slot), self.grant.life)
    }
}

pub(super) fn render<'a>(
    plan: &'a ClassPlan,
    (user_id, life): (u64, u32),
    iteration: u64,
    draw: &'a mut Draw,
    variables: &'a mut Variables,
) -> RenderContext<'a> {
    RenderContext {
        user_id,
        life,
        class: &plan.name,
        iteration,
        arrival: None,
        loop_index: 0,
        response: &stampede_scenarios::response::NONE,
        draw,
        variables,
    }
}

/// The later of (last due + period) and the end of the iteration.
fn next_beat(last: Duration, period: Duration, ended: Duration) -> Duration {
    (last + period).max(ended)
}

/// An iteration as it is when it has begun: who books its end, and what it draws from.
struct Begun<'a> {
    guard: IterationGuard<'a>,
    draw: Draw,
    think: Draw,
}

impl<C> Drop for User<C> {
    fn drop(&mut self) {
        let context = &self.context;
        if self.signals.take_arrival().is_some() {
            // Handed over and given up before it could be begun with.
            drop(IterationGuard::take_over(context));
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
        assert!(future <= 1424, "the future of a user has {future} bytes");
        assert!(user <= 320, "a user has {user} bytes");
    }
}
