//! Iterations of a user with a pipeline: several of them are out at once, each one request, answered in their order.
//!
//! What is begun when, what it draws and how it is booked is as for any other user; only that the next iteration begins before
//! the one before it has ended. There is no wait, nothing is extracted and no redirect followed: the scenario was checked for that.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use stampede_scenarios::plan::ClassPlan;
use stampede_stats::recorder::IterationEnd;

use super::context::Context;
use super::guard::{IterationGuard, RequestGuard};
use super::judge::judge;
use super::message::Message;
use super::prepared::{PreparedClass, PreparedRequest, Target};
use super::program::{Then, behind_failure};
use super::request::{Course, Here, settle, write};
use super::scope::scope;
use super::scope::{Drawn, Of};
use super::steps::Step;
use super::user::User;
use crate::http::native::pipe::Takes;
use crate::http::probe::Probe;
use crate::http::{Failure, HttpClient};

/// An iteration whose request is out.
struct Out<'a> {
    iteration: IterationGuard<'a>,
    guard: RequestGuard<'a>,
    request: &'a PreparedRequest,
    begin: Instant,
    /// Its path, where that was computed: cookies that come back belong to it.
    path: Option<Box<str>>,
    body: usize,
}

/// What became of the attempt to begin one more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begun {
    Out,
    /// It has failed already.
    Failed,
    /// Not now: the lease has ended.
    Held,
    /// There is to be none now.
    None,
}

/// The requests of a user that are out.
struct Pipeline<'a> {
    here: Here<'a>,
    probe: &'a Probe,
    out: VecDeque<Out<'a>>,
    /// Pushed so far.
    pushed: u64,
    /// What a failure has asked for: those that are out are the last.
    then: Then,
}

impl Pipeline<'_> {
    /// Shows since when the oldest request has been out.
    fn show_oldest(&self) {
        let Here { context, signals } = self.here;
        signals.request_since.set(self.out.front().map(|oldest| context.clock.at(oldest.begin)));
    }
}

impl<C: HttpClient> User<C> {
    /// Iterates with several iterations out at once, until the user is to finish and all of them have ended.
    pub(super) async fn iterate_pipelined(&mut self, plan: &ClassPlan, steps: &PreparedClass) -> Then {
        let depth = usize::try_from(plan.pipeline).unwrap_or(usize::MAX);
        let (context, signals) = (Rc::clone(&self.context), Rc::clone(&self.signals));
        let probe = Arc::clone(&self.agent.probe);
        let here = Here { context: &context, signals: &signals };
        let mut pipeline = Pipeline {
            here,
            probe: &probe,
            out: VecDeque::with_capacity(depth.min(1024)),
            pushed: 0,
            then: Then::GoOn,
        };
        loop {
            while pipeline.then == Then::GoOn && pipeline.out.len() < depth {
                let begun = self.begin_one(&mut pipeline, plan, steps).await;
                pipeline.show_oldest();
                match begun {
                    Begun::Out => {}
                    // Others are to have their turn.
                    Begun::Failed => tokio::task::yield_now().await,
                    Begun::Held if pipeline.out.is_empty() => {}
                    Begun::Held | Begun::None => break,
                }
            }
            let Some(front) = pipeline.out.pop_front() else { return pipeline.then };
            self.end_one(&mut pipeline, front).await;
            pipeline.show_oldest();
        }
    }

    async fn begin_one<'a>(
        &mut self,
        pipeline: &mut Pipeline<'a>,
        plan: &ClassPlan,
        steps: &'a PreparedClass,
    ) -> Begun {
        let context = pipeline.here.context;
        if self.choose_rows(&plan.feeders.tasks) != Then::GoOn {
            return Begun::None;
        }
        let may = if pipeline.out.is_empty() {
            self.may_begin(context).await
        } else {
            let drains = self.agent.client.pipe().is_none_or(|pipe| pipe.is_over());
            let may = !drains && !self.signals.is_stopped() && !context.paused.get();
            may && context.permits.try_next()
        };
        if may && !pipeline.probe.may_begin() {
            context.permits.put_back();
            context.lapsed.set(true);
            return Begun::Held;
        }
        let begin = Instant::now();
        let since = context.clock.at(begin);
        if !may || since >= context.stop_at.get() {
            return Begun::None;
        }
        let (draw, task) = self.next_task(plan, steps);
        let Some(Step::Request(request)) = steps.tasks[task].first() else { return Begun::None };
        let iteration = IterationGuard::begin(context, since);
        let rows = self.rows.view();
        let (_, _, life) = self.seed();
        let mut drawn = Drawn { think: draw.clone(), draw, of: Of::Iteration };
        let called = (plan, &context.prepared.around, &*plan.tasks[task].name);
        let who = (self.grant.slot, life, self.iteration);
        let mut scope = scope(called, who, rows, &mut drawn, &mut self.variables, &mut self.response);
        self.iteration += 1;
        let Some((lent, number, rendered)) = write(context, request, &self.agent.jar, &mut scope) else {
            iteration.end(IterationEnd::Failed, since);
            return Begun::Failed;
        };
        let mut guard = RequestGuard::begin(context, pipeline.here.signals, pipeline.probe, number, since);
        let pushed = match rendered {
            Ok(()) => self.push(request, Message::new(request, lent.as_ref()), begin, &mut guard).await,
            Err(failure) => Err(failure),
        };
        match pushed {
            Ok((body, begin)) => {
                guard.piped = Some(pipeline.pushed);
                pipeline.pushed += 1;
                let path = matches!(request.target, Target::Path { .. })
                    .then(|| Message::new(request, lent.as_ref()).path.into());
                pipeline.out.push_back(Out { iteration, guard, request, begin, path, body });
                Begun::Out
            }
            Err(failure) => {
                let course = Course::unsent(failure, begin, Instant::now());
                let then = self.book(context, request, course, guard, iteration);
                pipeline.then = pipeline.then.max(then);
                Begun::Failed
            }
        }
    }

    /// Connects if need be and puts the request behind the others. Returns the length of its body, and when it began.
    async fn push(
        &mut self,
        request: &PreparedRequest,
        message: Message<'_>,
        begin: Instant,
        guard: &mut RequestGuard<'_>,
    ) -> Result<(usize, Instant), Failure> {
        let mut wire = message.request(&request.options, begin);
        let Some(pipe) = self.agent.client.pipe() else {
            return Err(Failure::new(
                stampede_stats::outcome::FailureKind::Other,
                "this HTTP client has no pipeline",
            ));
        };
        let connecting = match pipe.takes(message.origin) {
            Takes::Unconnected => {
                let connecting = Box::pin(pipe.open(&wire)).await?;
                if self.signals.probe.may_begin() {
                    connecting
                } else {
                    Box::pin(self.signals.hold(&self.context)).await;
                    wire.begin = Instant::now();
                    guard.hold(wire.begin.saturating_duration_since(begin));
                    Duration::ZERO
                }
            }
            Takes::AtOnce | Takes::AfterOthers => Duration::ZERO,
        };
        pipe.push(&wire, connecting);
        Ok((message.body.len(), wire.begin))
    }

    async fn end_one(&mut self, pipeline: &mut Pipeline<'_>, out: Out<'_>) {
        let context = pipeline.here.context;
        let Out { iteration, mut guard, request, mut begin, path, body } = out;
        let Some(pipe) = self.agent.client.pipe() else { return };
        let mut exchange = pipe.pop().await;
        while exchange.result.is_err() && self.signals.probe.take_held() {
            let since = Instant::now();
            Box::pin(self.signals.hold(context)).await;
            let held = since.elapsed();
            pipe.hold(held);
            guard.hold(held);
            begin += held;
            // Nothing of those behind it is written either.
            for behind in &mut pipeline.out {
                behind.guard.hold(held);
                behind.begin += held;
            }
            exchange = pipe.pop().await;
        }
        guard.sent = u32::from(exchange.written);
        if let (Ok(response), Target::Fixed { origin, path: fixed }) = (&exchange.result, &request.target) {
            self.agent.jar.take(&response.set_cookies, origin, fixed);
        } else if let (Ok(response), Target::Path { origin, .. }, Some(path)) =
            (&exchange.result, &request.target, &path)
        {
            self.agent.jar.take(&response.set_cookies, origin, path);
        }
        let course = Course::new(exchange, begin, body);
        let then = self.book(context, request, course, guard, iteration);
        pipeline.then = pipeline.then.max(then);
    }

    fn book(
        &mut self,
        context: &Context,
        request: &PreparedRequest,
        course: Course,
        guard: RequestGuard<'_>,
        iteration: IterationGuard<'_>,
    ) -> Then {
        let from = guard.begun() + guard.held();
        let (done, response) =
            settle(context, request, course, guard, from, |result, time| judge(request, result, time));
        let ended = context.clock.at(done.ended);
        iteration.end(if done.ok { IterationEnd::Completed } else { IterationEnd::Failed }, ended);
        if let (Some(response), Some(pipe)) = (response, self.agent.client.pipe()) {
            pipe.give_back(response);
        }
        if done.ok { Then::GoOn } else { behind_failure(request.on_failure).unwrap_or_default() }
    }
}
