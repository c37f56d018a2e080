//! `coordinator try SCENARIO`: one user, one pass, everything shown.

use std::io::{IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use stampede_scenarios::source::{Overrides, Trial};
use tokio::sync::{mpsc, watch};

use super::args::TryArgs;
use super::exit::{Error, Outcome};
use super::log::Log;
use super::prepare::{Chosen, Test, test};
use super::run::{run_id, spawn_rate};
use crate::conduct::{Conducted, Conductor, Job};
use crate::demo::Demo;
use crate::local::{self, Teller};
use crate::report::verdict;
use crate::run::RunSetup;
use crate::run::input::Person;
use crate::trial::{Paint, Script};
use crate::view::{Phase, RunView};

/// How long nobody may run before the trial is over: a user that was told to stop leaves its slot empty.
const NOBODY: Duration = Duration::from_secs(2);

/// Tries a scenario.
pub(super) fn trial(args: &TryArgs) -> Result<Outcome, Error> {
    let chosen = Chosen::file(&args.scenario)?;
    let log = Log::start(None, 0)?;
    let demo = args.demo.then(Demo::start).transpose().map_err(|error| Error::Demo(error.to_string()))?;
    let overrides = Overrides {
        host: args.host.clone().or_else(|| demo.as_ref().map(Demo::url)),
        seed: args.seed,
        vars: args.vars.clone(),
        trial: Some(Trial { class: args.class.clone(), task: args.task.clone() }),
        ..Overrides::default()
    };
    let id = run_id()?;
    let test = test(&chosen, &overrides, args.http_client.into(), &id)?;
    let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let script = Script::new(Arc::clone(&test.plan), Paint { color }, args.lines);
    let script = Arc::new(Mutex::new(script));
    print(&head(&test, args));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Error::System(format!("no runtime: {error}")))?;
    let conducted = runtime.block_on(conduct(id, test, args, &script))?;
    drop(log);
    runtime.shutdown_timeout(Duration::from_millis(200));
    if let Some(why) = conducted.failed_to_start {
        return Err(Error::Workers(why));
    }
    let verdict = verdict(&conducted.result);
    let end =
        script.lock().unwrap_or_else(PoisonError::into_inner).end(conducted.result.totals.iterations.failed);
    print(&format!("\n{end}\n"));
    Ok(Outcome {
        aborted: conducted.result.aborted,
        incomplete: !verdict.complete,
        failed: !verdict.passed,
        code_on_failure: 1,
        ..Outcome::default()
    })
}

/// What is about to run.
fn head(test: &Test, args: &TryArgs) -> String {
    let plan = &test.plan;
    let names: Vec<&str> = plan.classes.iter().map(|class| class.name.as_str()).collect();
    let class = args.class.as_deref().or(names.first().copied()).unwrap_or_default();
    let others: Vec<&str> = names.iter().copied().filter(|name| *name != class).collect();
    let others = match others.as_slice() {
        [] => String::new(),
        others => format!(" (--class takes another one: {})", others.join(", ")),
    };
    format!("{} → {}\none {class}, one pass{others}, seed {}\n", plan.name, plan.target, plan.seed)
}

async fn conduct(
    id: String,
    test: Test,
    args: &TryArgs,
    course: &Arc<Mutex<Script>>,
) -> Result<Conducted, Error> {
    let embedded = local::Setup::new(1, &[], args.demo);
    let mut embedded = embedded.map_err(|error| Error::System(error.to_string()))?;
    let course = Arc::clone(course);
    embedded.teller = Some(Teller::new(move |told| {
        let shown = course.lock().unwrap_or_else(PoisonError::into_inner).told(told);
        print(&shown.unwrap_or_default());
    }));
    let setup = RunSetup {
        id,
        plan: Arc::clone(&test.plan),
        demo: args.demo,
        labels: std::collections::BTreeMap::new(),
        expected: None,
        expect_timeout: Duration::from_secs(60),
        lease: Duration::from_secs(5),
        join_command: String::new(),
        spawn_rate: spawn_rate(&test.plan)?,
        client: args.http_client.into(),
    };
    let job = Job {
        setup,
        prepare: test.prepare,
        assets: test.assets,
        door: None,
        embedded: Some(embedded),
        control: false,
    };
    let (conductor, view) = Conductor::new(job);
    let (people, requests) = mpsc::channel(8);
    let watching = tokio::spawn(watch_over(view, people));
    let conducted = conductor.conduct(requests).await;
    watching.abort();
    Ok(conducted)
}

/// Ctrl-C ends it, and so does a user that has stopped for good.
async fn watch_over(mut view: watch::Receiver<RunView>, people: mpsc::Sender<Person>) {
    let mut nobody_since = None;
    let mut began = false;
    loop {
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => {
                if interrupted.is_err() || people.send(Person::Interrupt).await.is_err() {
                    return;
                }
            }
            changed = view.changed() => {
                if changed.is_err() {
                    return;
                }
                let (users, phase) = {
                    let view = view.borrow();
                    (view.users, view.phase)
                };
                began |= users > 0;
                let is_empty = began && users == 0 && matches!(phase, Phase::Ramping | Phase::Steady);
                if !is_empty {
                    nobody_since = None;
                } else if nobody_since.get_or_insert_with(tokio::time::Instant::now).elapsed() > NOBODY {
                    let _ = people.send(Person::Quit).await;
                    nobody_since = None;
                }
            }
        }
    }
}

fn print(text: &str) {
    // A closed pipe (`| head`) is the reader's wish.
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
