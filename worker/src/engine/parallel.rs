//! `parallel`: branches at the same time, each with variables, cookies and a generator of its own.
//!
//! They run in lanes, as many as may run at a time: a lane is a client with connections that the user keeps, and takes the next
//! branch when it is done with one. The first lane is the user's own client. What the branches changed is joined in their order,
//! so the order in which they end makes no difference.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use stampede_scenarios::response::LastResponse;
use stampede_scenarios::variables::Variables;

use super::context::UserSignals;
use super::cookies::Jar;
use super::program::{self, Pass};
use super::request::{Agent, Here};
use super::scope::Scope;
use super::steps::Parallel;
use crate::http::{ClientError, HttpClient};

/// Means of making requests beside a user's own.
pub(super) struct Lane<C> {
    agent: Agent<C>,
    signals: Rc<UserSignals>,
}

impl<C: HttpClient> Agent<C> {
    /// Makes sure that `count` branches can run at a time.
    fn open_lanes(&mut self, here: Here<'_>, count: usize) -> Result<(), ClientError> {
        while self.lanes.len() + 1 < count {
            let signals = Rc::new(UserSignals::new(here.context, here.signals.class_row));
            let agent = Self::new(&self.http, &signals)?;
            here.signals.add_lane(Rc::clone(&signals));
            self.lanes.push(Lane { agent, signals });
        }
        Ok(())
    }
}

/// What all branches begin with.
struct Begin<'s> {
    plan: &'s Parallel,
    scope: &'s Scope<'s>,
    nth: u64,
    jar: Jar,
    /// The next branch that is to begin.
    next: Cell<usize>,
    /// One of them has ended the task, so none begins any more.
    over: Cell<bool>,
    ended: RefCell<Vec<Option<Ended>>>,
}

/// A branch that has ended.
struct Ended {
    pass: Pass,
    variables: Variables,
    response: Option<LastResponse>,
    jar: Jar,
}

/// Goes through all branches of `plan`, which this iteration has done `nth` times before. Boxed, because branches are programs
/// as well.
pub(super) fn run<'f, C: HttpClient>(
    here: Here<'f>,
    agent: &'f mut Agent<C>,
    plan: &'f Parallel,
    scope: &'f mut Scope<'_>,
    nth: u64,
    intended: Option<Duration>,
) -> Pin<Box<dyn Future<Output = Pass> + 'f>> {
    Box::pin(async move {
        if let Err(why) = agent.open_lanes(here, plan.at_once.min(plan.branches.len())) {
            here.context.give_up(why.to_string());
            return Pass { ok: false, left: true, ..Pass::default() };
        }
        let begin = Begin {
            plan,
            scope: &*scope,
            nth,
            jar: std::mem::take(&mut agent.jar),
            next: Cell::new(0),
            over: Cell::new(false),
            ended: RefCell::new(plan.branches.iter().map(|_| None).collect()),
        };
        let mut lanes = std::mem::take(&mut agent.lanes);
        let own = begin.lane(here, agent, intended);
        let others =
            lanes.iter_mut().take(plan.at_once.min(plan.branches.len()).saturating_sub(1)).map(|lane| {
                let here = Here { signals: &lane.signals, ..here };
                begin.lane(here, &mut lane.agent, intended)
            });
        // The user's own begins first, and then they take branches in their order.
        let others = join_all(others);
        futures_util::future::join(own, others).await;
        let Begin { jar, ended, .. } = begin;
        agent.lanes = lanes;
        agent.jar = jar;
        join(ended.into_inner(), agent, scope)
    })
}

impl Begin<'_> {
    /// Goes through one branch after the other, as long as there are some.
    async fn lane<C: HttpClient>(&self, here: Here<'_>, agent: &mut Agent<C>, intended: Option<Duration>) {
        let mut intended = intended;
        while !self.over.get() {
            let branch = self.next.get();
            let Some(steps) = self.plan.branches.get(branch) else { return };
            self.next.set(branch + 1);
            let mut variables = self.scope.variables.clone();
            let mut response = self.scope.response.as_deref().cloned();
            agent.jar = self.jar.clone();
            let seed = here.context.prepared.plan.seed;
            let number = u32::try_from(branch).unwrap_or(u32::MAX);
            let mut drawn = self.scope.branch(seed, self.plan.step, number, self.nth);
            let mut scope = Scope {
                drawn: &mut drawn,
                variables: &mut variables,
                response: response.as_mut(),
                ..*self.scope
            };
            let pass = program::run(here, agent, steps, &mut scope, intended.take()).await;
            if pass.left {
                self.over.set(true);
            }
            let ended = Ended { pass, variables, response, jar: std::mem::take(&mut agent.jar) };
            if let Some(place) = self.ended.borrow_mut().get_mut(branch) {
                *place = Some(ended);
            }
        }
    }
}

/// Puts together what came of the branches, in their order. Those that did not begin change nothing.
fn join<C>(branches: Vec<Option<Ended>>, agent: &mut Agent<C>, scope: &mut Scope<'_>) -> Pass {
    let mut all = Pass::default();
    let (variables, jar) = (scope.variables.clone(), agent.jar.clone());
    for branch in branches.into_iter().flatten() {
        let Ended { pass, variables: set, response, jar: got } = branch;
        all.add(pass);
        scope.variables.join(&variables, set);
        agent.jar.join(&jar, got);
        if let (Some(last), Some(response)) = (scope.response.as_deref_mut(), response) {
            *last = response;
        }
    }
    all
}
