//! Runs a program: its steps one after the other, for one user.
//!
//! Here are the steps that wait for something; what only computes and jumps is `flow`'s. There is no recursion: a user within
//! loops and groups is an index and a stack of frames. Only branches of a `parallel` step are programs of their own.

use std::time::{Duration, Instant};

use stampede_scenarios::plan::OnFailure;

use super::flow::{Flow, Go};
use super::parallel;
use super::request::{Agent, Here, perform};
use super::scope::Scope;
use super::steps::Step;
use crate::http::HttpClient;

/// What a user does behind a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Then {
    /// What it would do anyway.
    #[default]
    GoOn,
    /// It begins anew.
    RestartUser,
    /// It ends, and its slot stays empty.
    StopUser,
    /// The run is to end.
    StopRun,
}

/// How a pass through a program went.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    /// Whether every request was ok, and nothing else failed or was left out because a value for it was missing.
    pub(super) ok: bool,
    /// When its last request ended, if nothing came after it.
    pub(super) ended: Option<Instant>,
    pub(super) then: Then,
    /// Whether a request failed.
    pub(super) request_failed: bool,
    /// Whether it was left before its end.
    pub(super) left: bool,
}

impl Default for Pass {
    fn default() -> Self {
        Self { ok: true, ended: None, then: Then::GoOn, request_failed: false, left: false }
    }
}

impl Pass {
    /// A request failed. Returns whether the program is left because of that.
    fn request_fails(&mut self, on_failure: OnFailure) -> bool {
        (self.ok, self.request_failed) = (false, true);
        behind_failure(on_failure).map(|then| self.leave(then)).is_some()
    }

    /// A branch has come to its end, or all of them have. Returns whether the program is left because of that.
    pub(super) fn add(&mut self, branch: Self) -> bool {
        self.ok &= branch.ok;
        self.ended = None;
        self.request_failed |= branch.request_failed;
        self.left |= branch.left;
        self.then = self.then.max(branch.then);
        self.left
    }

    /// It is left here, with what follows.
    fn leave(&mut self, then: Then) {
        self.then = then;
        self.left = true;
    }
}

/// Goes through `steps`. The first request counts from `intended`, where something made it due.
pub(super) async fn run<C: HttpClient>(
    here: Here<'_>,
    agent: &mut Agent<C>,
    steps: &[Step],
    scope: &mut Scope<'_>,
    intended: Option<Duration>,
) -> Pass {
    let mut intended = intended;
    let mut pass = Pass::default();
    let mut flow = Flow::default();
    while let Some(step) = steps.get(flow.at) {
        match step {
            Step::Request(request) => {
                let Some(done) = perform(here, agent, request, scope, intended.take()).await else {
                    (pass.ok, pass.ended) = (false, None);
                    pass.leave(Then::GoOn);
                    break;
                };
                pass.ended = Some(done.ended);
                if !done.ok {
                    flow.request_failed();
                    if pass.request_fails(request.on_failure) {
                        break;
                    }
                }
                flow.at += 1;
            }
            Step::Think(wait) => {
                let pause = wait.sample(&mut scope.drawn.think);
                if !pause.is_zero() {
                    tokio::time::sleep_until((Instant::now() + pause).into()).await;
                }
                pass.ended = None;
                flow.at += 1;
            }
            Step::Parallel(branches) => {
                let nth = flow.parallel(branches.step);
                let all = parallel::run(here, agent, branches, scope, nth, intended.take()).await;
                if all.request_failed {
                    flow.request_failed();
                }
                if pass.add(all) {
                    break;
                }
                flow.at += 1;
            }
            computed => match flow.step(here.context, computed, steps, scope, &mut pass) {
                Go::On => {}
                Go::Yield => tokio::task::yield_now().await,
                Go::Sleep(until) => tokio::time::sleep_until(until.into()).await,
                Go::Leave(then) => {
                    pass.leave(then);
                    break;
                }
            },
        }
    }
    flow.end(here.context);
    pass
}

/// Whether a failed request ends its program, and with what.
pub(super) fn behind_failure(on_failure: OnFailure) -> Option<Then> {
    match on_failure {
        OnFailure::Continue => None,
        OnFailure::StopTask => Some(Then::GoOn),
        OnFailure::RestartUser => Some(Then::RestartUser),
        OnFailure::StopUser => Some(Then::StopUser),
        OnFailure::StopRun => Some(Then::StopRun),
    }
}
