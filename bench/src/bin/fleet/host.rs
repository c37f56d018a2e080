//! The coordinator: its real core, and a screen that draws every picture. Says at the end what all of it took.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use stampede_coordinator::conduct::{Conductor, Job};
use stampede_coordinator::fleet::{Assets, Door, listen, memory};
use stampede_coordinator::run::RunSetup;
use stampede_coordinator::tui::picture;
use stampede_coordinator::view::{Phase, RunView};
use stampede_proto::prepare::{ClientChoice, Prepare};
use stampede_scenarios::compile::compile;
use stampede_scenarios::rate::Rate;
use stampede_scenarios::source::{Overrides, Source};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::Shape;
use crate::meter::{cpu, memory_mib, pin, spread};
use crate::second::CLASSES;

/// Run time before which nothing is measured: starting is another matter.
const WARM: Duration = Duration::from_secs(4);

/// The screen that is drawn.
const SCREEN: (u16, u16) = (200, 60);

/// What was seen from outside while the test ran.
#[derive(Debug, Default)]
struct Seen {
    /// CPU and wall time of the measured stretch.
    cpu: Duration,
    wall: Duration,
    resident_mib: f64,
    /// Between two pictures.
    gaps: Vec<Duration>,
    /// To draw one.
    frames: Vec<Duration>,
}

/// Runs coordinator and swarm and prints the figures.
pub(crate) fn run(shape: Shape) -> Result<(), String> {
    if shape.pinned {
        pin(0)?;
    }
    // As many threads as the real one has.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(conduct(shape))
}

async fn conduct(shape: Shape) -> Result<(), String> {
    let listener = listen("127.0.0.1:0").await.map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let job = job(shape, listener)?;
    let (_pipes, incoming) = memory();
    let (conductor, view) = Conductor::over(job, incoming);
    let (_people, nobody) = mpsc::channel(1);
    let watching = tokio::spawn(watch_it(view, shape));
    let mut swarm = start_swarm(&address.to_string())?;
    let conducted = conductor.conduct(nobody).await;
    let seen = watching.await.map_err(|error| error.to_string())?;
    let mut said = String::new();
    let told = swarm.stdout.take().ok_or("the swarm has no voice")?.read_to_string(&mut said);
    told.map_err(|error| error.to_string())?;
    let ended = swarm.wait().map_err(|error| error.to_string())?;
    if let Some(why) = conducted.failed_to_start {
        return Err(why);
    }
    let requests = conducted.result.totals.requests();
    let expected = u64::from(shape.workers)
        * u64::from(shape.seconds)
        * u64::from(shape.endpoints)
        * u64::from(shape.samples);
    let complete = conducted.result.is_complete() && requests.completed() == expected && ended.success();
    tell(shape, &seen, &said, complete);
    if complete {
        Ok(())
    } else {
        Err(format!("{} of {expected} requests were counted", requests.completed()))
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark is there to say something")]
fn tell(shape: Shape, noted: &Seen, said: &str, complete: bool) {
    let Shape { workers, seconds, endpoints, samples, users, .. } = shape;
    println!(
        "{workers} workers, {users} users, {endpoints} endpoints × {samples} samples a second, {seconds} s"
    );
    println!("every request counted: {complete}");
    let of_a_core = noted.cpu.as_secs_f64() / noted.wall.as_secs_f64().max(1e-9) * 100.0;
    println!(
        "coordinator, screen included: {of_a_core:.1} % of one core over {:.1} s",
        noted.wall.as_secs_f64()
    );
    println!("resident at most: {:.0} MiB", noted.resident_mib);
    println!("between two pictures (100 ms wanted): {}", spread(noted.gaps.clone()));
    println!("to draw {} × {}: {}", SCREEN.0, SCREEN.1, spread(noted.frames.clone()));
    print!("{said}");
}

fn start_swarm(address: &str) -> Result<Child, String> {
    let this = std::env::current_exe().map_err(|error| error.to_string())?;
    let swarm = Command::new(this).args(["swarm", address]).stdout(Stdio::piped()).spawn();
    swarm.map_err(|error| error.to_string())
}

/// Draws every picture and notes when they come, until the test is over.
async fn watch_it(mut view: watch::Receiver<RunView>, shape: Shape) -> Seen {
    let mut seen = Seen::default();
    let end = Duration::from_secs(u64::from(shape.seconds)).saturating_sub(Duration::from_secs(1));
    let mut begun: Option<(Duration, Instant)> = None;
    let mut last = Instant::now();
    while view.changed().await.is_ok() {
        let now = Instant::now();
        let newest = view.borrow_and_update().clone();
        if newest.phase == Phase::Finished {
            break;
        }
        let measured = newest.elapsed >= WARM && newest.elapsed < end;
        if measured {
            seen.gaps.push(now - last);
            let (from_cpu, from) = *begun.get_or_insert((cpu(), now));
            (seen.cpu, seen.wall) = (cpu().saturating_sub(from_cpu), now - from);
        }
        last = now;
        let drawn = tokio::task::spawn_blocking(move || {
            let before = Instant::now();
            std::hint::black_box(picture(&newest, SCREEN.0, SCREEN.1));
            before.elapsed()
        });
        if let (true, Ok(took)) = (measured, drawn.await) {
            seen.frames.push(took);
        }
    }
    seen.resident_mib = memory_mib("VmHWM").unwrap_or(0.0);
    seen
}

fn job(shape: Shape, listener: TcpListener) -> Result<Job, String> {
    let user = "tasks: {main: {steps: [get: /]}}";
    let classes: Vec<_> = (0..CLASSES).map(|n| format!("  c{n}: {{weight: {}, {user}}}", n + 1)).collect();
    let classes = classes.join("\n");
    let Shape { workers, seconds, users, .. } = shape;
    let text = format!(
        "target: http://h\nusers:\n{classes}\nload: {{users: {users}, spawn_rate: {users}, run_time: {seconds}s}}\n"
    );
    let source = Source::new("fleet.yaml", text);
    let plan = compile(&source, &Overrides::default(), &|_| None, 7).map_err(|wrong| wrong.to_string())?;
    let prepare = Prepare {
        run: "bench".to_owned(),
        source,
        overrides: Overrides::default(),
        env: plan.env.clone(),
        seed: plan.seed,
        assets: Vec::new(),
        client: ClientChoice::Auto,
    };
    let setup = RunSetup {
        id: "bench".to_owned(),
        plan: Arc::new(plan),
        demo: false,
        labels: std::collections::BTreeMap::new(),
        expected: Some(workers),
        expect_timeout: Duration::from_secs(60),
        lease: Duration::from_secs(5),
        join_command: String::new(),
        spawn_rate: Rate::new(1, 1).ok_or("a rate")?,
        client: ClientChoice::Auto,
    };
    Ok(Job {
        setup,
        prepare,
        assets: Assets::new(),
        door: Some(Door { listener, token: None, tls: None }),
        embedded: None,
        control: false,
    })
}
