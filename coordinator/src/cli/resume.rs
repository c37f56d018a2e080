//! `coordinator resume DIR`: goes on with a test whose coordinator died, or tells again what came of one that is over.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{ArgAction, Args as ClapArgs};
use stampede_proto::prepare::AssetInfo;
use stampede_scenarios::compile::compile;
use stampede_scenarios::source::FilesAtHand;
use tokio::time::Instant;

use super::args::RunArgs;
use super::exit::{Error, Outcome};
use super::export::ExportArgs;
use super::fleet::{FleetArgs, join_command};
use super::interface;
use super::journal::journal;
use super::labels::LabelArgs;
use super::log::Log;
use super::notify::NotifyArgs;
use super::prepare::Test;
use super::run::{door, embedded, spawn_rate, tell};
use super::screen::ScreenArgs;
use crate::conduct::{Conducted, Conductor, Job};
use crate::export::Exporters;
use crate::journal::{Anchor, Folder, Head, Opened, Replayed};
use crate::run::RunSetup;

/// What `resume` takes. Everything else is as it was when the test began.
#[derive(Debug, ClapArgs)]
pub(super) struct ResumeArgs {
    /// The folder that was given to --journal
    pub(super) dir: PathBuf,

    /// Where workers connect [default: where they did]
    #[arg(long, value_name = "ADDR", env = "STAMPEDE_BIND")]
    pub(super) bind: Option<String>,

    #[command(flatten)]
    pub(super) fleet: FleetArgs,

    #[command(flatten)]
    pub(super) notify: NotifyArgs,

    #[command(flatten)]
    pub(super) export: ExportArgs,

    #[command(flatten)]
    pub(super) screen: ScreenArgs,

    /// Write the log here instead of to stderr
    #[arg(long, value_name = "FILE", env = "STAMPEDE_LOG")]
    pub(super) log: Option<PathBuf>,

    /// Log more; twice: much more
    #[arg(short, action = ArgAction::Count)]
    pub(super) verbose: u8,
}

/// Goes on.
pub(super) fn resume(given: &ResumeArgs) -> Result<Outcome, Error> {
    let Opened { mut folder, head, assets } = Folder::open(&given.dir)?;
    let args = as_it_was(given, &head);
    let notification = given.notify.prepare(&args.labels)?;
    let log = Log::start(given.log.as_deref(), given.verbose)?;
    let test = compiled(&head, assets)?;
    let setup = setup(&head, &test)?;
    let replayed = folder.replay(setup.clone())?;
    if replayed.torn > 0 {
        let torn = replayed.torn;
        interface::say(&format!("the last {torn} bytes of the journal were not written whole: left out"));
    }
    let conducted = if replayed.run.is_over() {
        Conducted::before(&replayed, head.anchor.wall)
    } else {
        given.fleet.fits(head.token, head.tls, head.mutual)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let runtime = runtime.map_err(|error| Error::System(format!("no runtime: {error}")))?;
        let rest = Rest { setup, test, folder, replayed, head };
        let conducted = runtime.block_on(go_on(given, &args, rest, &log))?;
        log.release();
        // What still hangs in the runtime, a connection of a silent worker say, is not waited for.
        runtime.shutdown_timeout(Duration::from_millis(200));
        conducted
    };
    if let Some(why) = conducted.failed_to_start {
        return Err(Error::Workers(why));
    }
    if conducted.result.workers.is_empty() {
        interface::say("stopped before the start: nothing ran");
        return Ok(Outcome { failed: true, code_on_failure: args.exit_code_on_error, ..Outcome::default() });
    }
    Ok(tell(&args, &conducted, &notification))
}

/// The command line the test was begun with, as far as it still matters.
fn as_it_was(given: &ResumeArgs, head: &Head) -> RunArgs {
    RunArgs {
        bind: given.bind.clone().or_else(|| head.bind.clone()),
        fleet: given.fleet.clone(),
        export: given.export.clone(),
        expect_workers: head.expected,
        threads: head.threads,
        source_ip: head.source_ips.clone(),
        labels: LabelArgs::of(&head.labels),
        reports: head.reports.clone(),
        json: head.json,
        summary: head.summary,
        exit_code_on_error: head.exit_code_on_error,
        ..RunArgs::default()
    }
}

/// The same plan, from the same text, flags, environment and seed.
fn compiled(head: &Head, assets: crate::fleet::Assets) -> Result<Test, Error> {
    let prepare = head.prepare.clone();
    let env = |name: &str| prepare.env.get(name).cloned();
    let bytes = |info: &AssetInfo| Some((info.path.clone(), assets.get(&info.sha256)?.clone()));
    let files = FilesAtHand::new(prepare.assets.iter().filter_map(bytes));
    let source = prepare.source.clone().with_files(Arc::new(files));
    let mut plan = compile(&source, &prepare.overrides, &env, prepare.seed)?;
    plan.seed = prepare.seed;
    Ok(Test { plan: Arc::new(plan), prepare, assets })
}

fn setup(head: &Head, test: &Test) -> Result<RunSetup, Error> {
    Ok(RunSetup {
        id: head.prepare.run.clone(),
        plan: Arc::clone(&test.plan),
        demo: false,
        labels: head.labels.clone(),
        expected: head.expected,
        expect_timeout: head.expect_timeout,
        lease: head.lease,
        join_command: join_command(None),
        spawn_rate: spawn_rate(&test.plan)?,
        client: head.prepare.client,
    })
}

/// A test that is to go on.
struct Rest {
    setup: RunSetup,
    test: Test,
    folder: Folder,
    replayed: Replayed,
    head: Head,
}

async fn go_on(given: &ResumeArgs, args: &RunArgs, rest: Rest, log: &Log) -> Result<Conducted, Error> {
    let Rest { setup, test, folder, mut replayed, head } = rest;
    let embedded = embedded(args, false)?;
    let door = door(args).await?;
    let full_screen = given.screen.is_full();
    if let (Some(address), false) =
        (door.as_ref().and_then(|door| door.listener.local_addr().ok()), full_screen)
    {
        interface::say(&format!("listening on {address}"));
    }
    replayed.run.invite_by(join_command(door.as_ref()));
    // The clock goes on from where it would be; it never runs back, whatever was done to the wall clock.
    let elapsed = Anchor::now().since(&head.anchor).max(replayed.last);
    let epoch = Instant::now().checked_sub(elapsed);
    let epoch =
        epoch.ok_or_else(|| Error::System("the clock does not reach back to the start".to_owned()))?;
    let (exporters, feed) = Exporters::start(&args.export.wanted()).await?;
    if let (Some(address), false) = (exporters.serving(), full_screen) {
        interface::say(&format!("metrics at http://{address}/metrics"));
    }
    let journal = journal(folder, epoch)?;
    let job = Job {
        setup,
        prepare: test.prepare,
        assets: test.assets,
        door,
        embedded,
        control: given.fleet.allows_control(),
    };
    let (conductor, view) = Conductor::journaled(job, journal, Some(replayed));
    let show = given.screen.show(full_screen);
    let mut conducted = interface::accompany(conductor.exporting(feed), view, show, log).await;
    exporters.finish(&mut conducted.result).await;
    Ok(conducted)
}
