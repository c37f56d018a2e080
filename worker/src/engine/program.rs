//! Runs a program: its instructions one after the other, for one user.

use std::time::{Duration, Instant};

use stampede_scenarios::draw::Draw;
use stampede_scenarios::template::RenderContext;

use super::prepared::Step;
use super::request::{Agent, Here, perform};
use crate::http::HttpClient;

/// How a pass through a program went.
pub(super) struct Pass {
    /// Whether every request was ok, and none was left out because a value for it was missing.
    pub(super) ok: bool,
    /// When its last request ended, if nothing came after it.
    pub(super) ended: Option<Instant>,
}

/// Goes through `steps`. The first request counts from `intended`, where something made it due.
pub(super) async fn run<C: HttpClient>(
    here: Here<'_>,
    agent: &mut Agent<C>,
    steps: &[Step],
    render: &mut RenderContext<'_>,
    think: &mut Draw,
    intended: Option<Duration>,
) -> Pass {
    let mut intended = intended;
    let mut pass = Pass { ok: true, ended: None };
    for step in steps {
        match step {
            Step::Request(request) => {
                if !request.variables.are_there(render.variables, render.class) {
                    pass.ok = false;
                    break;
                }
                let done = perform(here, agent, request, render, intended.take()).await;
                pass.ok &= done.ok;
                pass.ended = Some(done.ended);
            }
            Step::Think(wait) => {
                let pause = wait.sample(think);
                if !pause.is_zero() {
                    tokio::time::sleep_until((Instant::now() + pause).into()).await;
                }
                pass.ended = None;
            }
        }
    }
    pass
}
