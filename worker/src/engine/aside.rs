//! `setup` and `teardown`: steps that run once in the whole test, on a thread of their own, outside of run time and of all users.
//!
//! They make requests as users do, with the same programs and clients. What they book is one snapshot that goes into no total.
//! Nobody else runs them meanwhile, so they need no lease.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use stampede_proto::aside::{AsideDone, AsideKind, MAX_SHARED, Shared, shared_size};
use stampede_scenarios::data::RowView;
use stampede_scenarios::draw::Draw;
use stampede_scenarios::variables::{VariableId, VariablePlan, Variables};
use stampede_stats::snapshot::Snapshot;
use tokio::runtime::{Builder, LocalOptions};
use tokio::sync::oneshot;

use super::context::{Context, UserSignals};
use super::prepared::Prepared;
use super::program::{self, Pass, Then};
use super::request::{Agent, Here};
use super::scope::scope;
use super::scope::{Drawn, Of};
use crate::clock::RunClock;
use crate::http::{HttpFactory, HttpThread};
use crate::lease::Lease;
use crate::permits::Permits;

/// What is to be run.
#[derive(Debug, Clone)]
pub struct AsideConfig {
    /// The compiled test.
    pub prepared: Arc<Prepared>,
    /// Which of the two.
    pub kind: AsideKind,
    /// What setup gave, for teardown.
    pub shared: Shared,
}

/// Starts the thread; it gives up when nobody waits for `done` any more.
pub(super) fn start<F: HttpFactory>(
    config: AsideConfig,
    factory: F,
    mut done: oneshot::Sender<AsideDone>,
) -> std::io::Result<()> {
    let thread = std::thread::Builder::new().name("aside".into());
    thread.spawn(move || {
        let kind = config.kind;
        let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
        let result = match runtime {
            Ok(runtime) => runtime.block_on(async {
                tokio::select! {
                    biased;
                    () = done.closed() => None,
                    result = run(config, &factory) => Some(result),
                }
            }),
            Err(error) => Some(broken(kind, error.to_string())),
        };
        if let Some(result) = result {
            // The run may be over by now.
            let _ = done.send(result);
        }
    })?;
    Ok(())
}

fn broken(kind: AsideKind, why: String) -> AsideDone {
    let rows = Snapshot { to_s: 1, ..Snapshot::default() };
    AsideDone { kind, failure: Some(why), shared: Shared::new(), rows }
}

async fn run<F: HttpFactory>(config: AsideConfig, factory: &F) -> AsideDone {
    let AsideConfig { prepared, kind, shared } = config;
    let (plan, steps) = match (&prepared.plan.aside, &prepared.aside, kind) {
        (Some(plan), Some(steps), AsideKind::Setup) => (plan, &steps.on_start),
        (Some(plan), Some(steps), AsideKind::Teardown) => (plan, &steps.on_stop),
        _ => return broken(kind, "the scenario has none".to_owned()),
    };
    let http = match factory.thread(&prepared.http) {
        Ok(http) => http,
        Err(error) => return broken(kind, error.to_string()),
    };
    let clock = Arc::new(RunClock::new(Instant::now()));
    clock.start(0, 0);
    let context = Context::new(Arc::clone(&prepared), clock, Permits::new(None), Arc::new(Lease::none()));
    context.recorder.borrow_mut().set_aside();
    tokio::task::spawn_local(Rc::clone(&context.timer).drive());
    let signals = UserSignals::new(&context, None);
    let http: Rc<dyn HttpThread<Client = _>> = Rc::new(http);
    let mut agent = match Agent::new(&http, &signals) {
        Ok(agent) => agent,
        Err(error) => return broken(kind, error.to_string()),
    };
    let mut response = plan.looks_at_response.then(Box::default);
    let mut variables = Variables::new(&plan.variables);
    give(&mut variables, &plan.variables, &Variables::from_json(&shared));
    let pass = {
        let here = Here { context: &context, signals: &signals };
        let seed = prepared.plan.seed;
        let stopping = kind == AsideKind::Teardown;
        // Beside all slots there are.
        let mut drawn = Drawn {
            draw: Draw::lifecycle(seed, u64::MAX, 0, stopping),
            think: Draw::think(seed, u64::MAX, 0, u64::from(stopping)),
            of: if stopping { Of::Teardown } else { Of::Setup },
        };
        let called = (plan.as_ref(), &prepared.around, if stopping { "teardown" } else { "setup" });
        let mut scope =
            scope(called, (0, 0, 0), RowView::default(), &mut drawn, &mut variables, &mut response);
        program::run(here, &mut agent, steps, &mut scope, None).await
    };
    let rows = measured(&context);
    let failure = failure(kind, &pass, &rows);
    match given(kind, plan.variables.len(), &variables) {
        Ok(shared) => AsideDone { kind, failure, shared, rows },
        Err(too_much) => AsideDone { kind, failure: failure.or(Some(too_much)), shared: Shared::new(), rows },
    }
}

/// What setup gives to all users, or that it is more than can be told. Behind teardown there is nobody to give to.
fn given(kind: AsideKind, count: usize, variables: &Variables) -> Result<Shared, String> {
    if kind == AsideKind::Teardown {
        return Ok(Shared::new());
    }
    let json = |number: usize| variables.to_json(VariableId(u32::try_from(number).ok()?));
    let shared = (0..count).map(json).collect();
    let (size, most) = (shared_size(&shared), MAX_SHARED);
    if size > most {
        return Err(format!("the values it gives to all users are {size} bytes, and {most} are the most"));
    }
    Ok(shared)
}

/// Sets what setup gave. Of a class's variables those come first, in the order that they have there.
pub(super) fn give(variables: &mut Variables, plans: &[VariablePlan], values: &Variables) {
    for (number, _) in (0..).zip(plans).filter(|(_, plan)| plan.is_shared) {
        variables.copy(VariableId(number), values);
    }
}

/// All that was booked, as of one second.
fn measured(context: &Context) -> Snapshot {
    let mut rows = Snapshot { to_s: 1, ..Snapshot::default() };
    let mut recorder = context.recorder.borrow_mut();
    recorder.close_last();
    while let Some(interval) = recorder.take_closed() {
        rows.add_interval(&interval);
    }
    for count in rows.errors.values_mut() {
        (count.first_s, count.last_s) = (0, 0);
    }
    rows
}

/// Why the test is not to go on.
fn failure(kind: AsideKind, pass: &Pass, rows: &Snapshot) -> Option<String> {
    if pass.ok {
        let is_over = kind == AsideKind::Setup && pass.then == Then::StopRun;
        return is_over.then(|| "one of its steps is `stop: run`".to_owned());
    }
    let first = rows.errors.keys().next();
    let of = |error: &stampede_stats::snapshot::ErrorKey| {
        format!("{} {}: {}", error.endpoint.method, error.endpoint.name, error.message)
    };
    Some(first.map_or_else(|| "a value was missing; the log of the worker names it".to_owned(), of))
}
