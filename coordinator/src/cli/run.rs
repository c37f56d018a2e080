//! `coordinator [SCENARIO]`: conducts a test and tells what came of it.

use std::time::Duration;

use stampede_scenarios::plan::Plan;
use stampede_scenarios::rate::Rate;

use super::args::RunArgs;
use super::choose::choose;
use super::exit::{Error, Outcome};
use super::fleet::{Access, join_command};
use super::interface;
use super::journal::begin;
use super::log::Log;
use super::notify::Notification;
use super::prepare::{Test, compiled, test};
use super::report::{Written, print, write_reports};
use super::summary::told;
use super::urls::write_new;
use crate::conduct::{Conducted, Conductor, Job};
use crate::demo::Demo;
use crate::export::Exporters;
use crate::fleet::{Door, ListenError, listen_on, resolve};
use crate::local;
use crate::report::{Report, check_target, last_path, stdout_text, write_last};
use crate::run::RunSetup;

/// Where workers connect unless told otherwise.
const DEFAULT_BIND: &str = "127.0.0.1:5557";

/// Runs a test.
pub(super) fn run(args: &RunArgs) -> Result<Outcome, Error> {
    let full_screen = args.screen.is_full();
    let (chosen, demo) = choose(args, full_screen)?;
    let embedded = embedded(args, demo && args.load.host.is_none())?;
    if demo && args.journal.is_some() {
        let text = "--journal with --demo: the demo target ends with this process, so there would be nothing to go on with";
        return Err(Error::Usage(text.to_owned()));
    }
    let notification = args.notify.prepare(&args.labels)?;
    args.labels.by_key()?;
    for report in &args.reports {
        check_target(report).map_err(Error::ReportTarget)?;
    }
    let log = Log::start(args.log.as_deref(), args.verbose)?;
    if let Some(path) = &args.urls.save {
        // Before the run, so that a test that runs until it is stopped is written too; not before the text is known to compile.
        compiled(&chosen, &chosen.overrides(&args.load))?;
        write_new(path, &chosen.source.text)?;
        interface::say(&format!("the test is also in {}: coordinator {0}", path.display()));
    }
    let target =
        if demo { Some(Demo::start().map_err(|error| Error::Demo(error.to_string()))?) } else { None };
    let mut overrides = chosen.overrides(&args.load);
    if let (Some(target), None) = (&target, &overrides.host) {
        overrides.host = Some(target.url());
    }
    let id = run_id()?;
    let mut test = test(&chosen, &overrides, args.http_client.into(), &id)?;
    test.look_into(args.baseline.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Error::System(format!("no runtime: {error}")))?;
    let start = Start { id, test, demo, embedded, full_screen };
    let mut conducted = runtime.block_on(conduct(args, start, &log))?;
    log.release();
    // What still hangs in the runtime, a connection of a silent worker say, is not waited for.
    runtime.shutdown_timeout(Duration::from_millis(200));
    drop(target);
    if demo && args.load.host.is_none() {
        // The demo's own address was put in by this program, not by a person.
        conducted.result.replaced.retain(|sentence| !sentence.contains("--host"));
    }
    if let Some(why) = conducted.failed_to_start {
        return Err(Error::Workers(why));
    }
    if conducted.result.workers.is_empty() {
        interface::say("stopped before the start: nothing ran");
        return Ok(Outcome { failed: true, code_on_failure: args.exit_code_on_error, ..Outcome::default() });
    }
    Ok(tell(args, &conducted, &notification))
}

/// Users started per second, for changes by hand: as fast as the scenario ever starts them.
pub(super) fn spawn_rate(plan: &Plan) -> Result<Rate, Error> {
    let fastest = plan.load.profile.steepest_climb();
    let one = Rate::new(1, 1).ok_or_else(|| Error::System("one per second is a rate".into()))?;
    Ok(fastest.unwrap_or(one))
}

pub(super) fn run_id() -> Result<String, Error> {
    let mut bytes = [0; 8];
    getrandom::getrandom(&mut bytes)
        .map_err(|error| Error::System(format!("no random bytes from the system: {error}")))?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}

/// Where remote workers come in; where nobody asked for it, a taken port is only noted.
pub(super) async fn door(args: &RunArgs) -> Result<Option<Door>, Error> {
    let address = resolve(args.bind.as_deref().unwrap_or(DEFAULT_BIND)).await?;
    let Access { token, tls } = args.fleet.access(address)?;
    let asked_for = args.bind.is_some() || args.expect_workers.is_some();
    match listen_on(address) {
        Ok(listener) => Ok(Some(Door { listener, token, tls })),
        Err(error @ ListenError::Taken { .. }) if !asked_for => {
            tracing::info!("no other workers can join: {error}");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// How the embedded worker is set up, where there is to be one. `hosts_target`: the demo target takes its half of each
/// connection from the same process.
pub(super) fn embedded(args: &RunArgs, hosts_target: bool) -> Result<Option<local::Setup>, Error> {
    let sources = &args.source_ip;
    if args.expect_workers.is_some() {
        if sources.is_empty() {
            return Ok(None);
        }
        let text = "--source-ip is for the embedded worker, and with --expect-workers there is none; \
                    give it to the workers: worker --connect … --source-ip IP";
        return Err(Error::Usage(text.to_owned()));
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = args.threads.map_or(cores, |threads| threads as usize);
    let setup = local::Setup::new(threads, sources, hosts_target);
    setup.map(Some).map_err(|error| Error::Usage(format!("--source-ip: {error}")))
}

/// What is settled before a run.
struct Start {
    id: String,
    test: Test,
    demo: bool,
    embedded: Option<local::Setup>,
    full_screen: bool,
}

async fn conduct(args: &RunArgs, start: Start, log: &Log) -> Result<Conducted, Error> {
    let Start { id, test, demo, embedded, full_screen } = start;
    let door = door(args).await?;
    let address = door.as_ref().and_then(|door| door.listener.local_addr().ok());
    let setup = RunSetup {
        id,
        plan: test.plan.clone(),
        demo,
        labels: args.labels.by_key()?,
        expected: args.expect_workers,
        expect_timeout: args.expect_timeout,
        lease: args.lease,
        join_command: join_command(door.as_ref()),
        spawn_rate: spawn_rate(&test.plan)?,
        client: args.http_client.into(),
    };
    if let (Some(address), true) =
        (address, !full_screen && (args.bind.is_some() || args.expect_workers.is_some()))
    {
        interface::say(&format!("listening on {address}"));
    }
    let (exporters, feed) = Exporters::start(&args.export.wanted()).await?;
    if let (Some(address), false) = (exporters.serving(), full_screen) {
        interface::say(&format!("metrics at http://{address}/metrics"));
    }
    let journal = match &args.journal {
        Some(dir) => Some(begin(dir, args, &test, door.as_ref())?),
        None => None,
    };
    let job = Job {
        setup,
        prepare: test.prepare,
        assets: test.assets,
        door,
        embedded,
        control: args.fleet.allows_control(),
    };
    let (conductor, view) = match journal {
        Some(journal) => Conductor::journaled(job, journal, None),
        None => Conductor::new(job),
    };
    let show = args.screen.show(full_screen);
    let mut conducted = interface::accompany(conductor.exporting(feed), view, show, log).await;
    exporters.finish(&mut conducted.result).await;
    Ok(conducted)
}

/// Writes the reports and says what came of the run.
pub(super) fn tell(args: &RunArgs, conducted: &Conducted, notification: &Notification) -> Outcome {
    let report = Report::from_result(&conducted.result);
    let Written { files: written, mut failed } = write_reports(&args.reports, &report);
    let last = last_path(|name| std::env::var_os(name));
    let kept = last.as_deref().filter(|last| match write_last(last, &report) {
        Ok(()) => true,
        Err(error) => {
            // A read-only home is no reason to fail a test whose reports are where they were asked for.
            tracing::warn!("the run is not kept as the last one: {error}");
            false
        }
    });
    failed |= !print(&report, args.json, || match args.summary {
        Some(style) => told(&report, style, &written, kept),
        None => stdout_text(&report, &written, kept),
    });
    notification.send(&report);
    let verdict = report.verdict();
    Outcome {
        aborted: conducted.result.aborted,
        broken: conducted.result.holds() == Some(false),
        incomplete: !verdict.complete || conducted.lost_everyone,
        report_failed: failed,
        failed: !verdict.passed,
        code_on_failure: args.exit_code_on_error,
    }
}
