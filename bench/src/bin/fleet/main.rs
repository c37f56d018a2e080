//! One coordinator with many pretended workers over real gRPC on loopback: what a large fleet costs it.
//!
//! `cargo run --release -p stampede-bench --bin fleet`. The coordinator's core (handlers, run state, pictures, screen) has this
//! process for itself, the workers have another one, so the system's own figures of CPU and memory are the coordinator's.
//! `-- rebalance` measures how long dealing a million slots anew takes, and `-- day` what is left of a long run, both without any
//! connection.
//!
//! Settings by environment: `WORKERS` (1000), `SECONDS` (20), `ENDPOINTS` (50), `SAMPLES` per endpoint and second (200),
//! `USERS` (100000), and `PIN=1`: the coordinator on the first core, the workers on the second.

mod day;
mod host;
mod meter;
mod raw;
mod rebalance;
mod second;
mod swarm;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How large the fleet is and what it does.
#[derive(Debug, Clone, Copy)]
struct Shape {
    workers: u32,
    seconds: u32,
    endpoints: u32,
    samples: u32,
    users: u32,
    /// Whether coordinator and workers have a core each.
    pinned: bool,
}

impl Shape {
    fn from_environment() -> Self {
        let number = |name: &str, default: u32| {
            std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
        };
        Self {
            workers: number("WORKERS", 1000).max(1),
            seconds: number("SECONDS", 20).max(8),
            endpoints: number("ENDPOINTS", 50),
            samples: number("SAMPLES", 200),
            users: number("USERS", 100_000),
            pinned: number("PIN", 0) > 0,
        }
    }
}

#[expect(clippy::print_stderr, reason = "a benchmark is there to say something")]
fn main() -> ExitCode {
    let shape = Shape::from_environment();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match &arguments[..] {
        [swarm, address] if swarm == "swarm" => swarm::run(shape, address),
        [day] if day == "day" => day::run(shape),
        [rebalance] if rebalance == "rebalance" => rebalance::run(),
        _ => host::run(shape),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
