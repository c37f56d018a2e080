//! Runs a program: its instructions one after the other, for one user.

use std::time::{Duration, Instant};

use stampede_scenarios::draw::Draw;
use stampede_scenarios::template::RenderContext;

use super::prepared::Step;
use super::request::{Agent, Here, perform};
use crate::http::HttpClient;

/// Goes through `steps`. The first request counts from `intended`, where something made it due. Returns whether all was ok.
pub(super) async fn run<C: HttpClient>(
    here: Here<'_>,
    agent: &mut Agent<C>,
    steps: &[Step],
    render: &mut RenderContext<'_>,
    think: &mut Draw,
    intended: Option<Duration>,
) -> bool {
    let mut intended = intended;
    let mut ok = true;
    for step in steps {
        match step {
            Step::Request(request) => ok &= perform(here, agent, request, render, intended.take()).await,
            Step::Think(wait) => {
                let pause = wait.sample(think);
                if !pause.is_zero() {
                    tokio::time::sleep_until((Instant::now() + pause).into()).await;
                }
            }
        }
    }
    ok
}
