//! A harness for pieces of work that take nanoseconds: so many at once that the clock does not matter, the best of several
//! rounds, and a way to run exactly n of them, for tools that count instructions.
//!
//! It says what it measures and asserts nothing: figures are compared by people, on one machine, in one run.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// How long one round takes, about.
const ROUND: Duration = Duration::from_millis(100);

/// Rounds; the best one is free of what else the machine does, as far as any is.
const ROUNDS: usize = 9;

/// A piece of work under its name.
pub struct Piece {
    name: &'static str,
    /// Does it so many times.
    run: Box<dyn FnMut(u64)>,
}

impl Piece {
    /// `work` is done again and again; what it returns counts as used.
    pub fn new<T>(name: &'static str, mut work: impl FnMut() -> T + 'static) -> Self {
        let run = move |times| {
            for _ in 0..times {
                black_box(work());
            }
        };
        Self { name, run: Box::new(run) }
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Does it `times` times.
    pub fn repeat(&mut self, times: u64) {
        (self.run)(times);
    }

    /// Nanoseconds it takes, the best and the middle of several rounds.
    pub fn measure(&mut self) -> (f64, f64) {
        let times = self.times_in_a_round();
        let mut rounds: Vec<f64> =
            (0..ROUNDS).map(|_| self.time(times).as_secs_f64() * 1e9 / times as f64).collect();
        rounds.sort_by(f64::total_cmp);
        (rounds[0], rounds[ROUNDS / 2])
    }

    fn times_in_a_round(&mut self) -> u64 {
        let mut times = 1;
        loop {
            let took = self.time(times);
            if took >= ROUND / 10 {
                let more = ROUND.as_nanos() / took.as_nanos().max(1);
                return times * u64::try_from(more).unwrap_or(1).max(1);
            }
            times *= 4;
        }
    }

    fn time(&mut self, times: u64) -> Duration {
        let begin = Instant::now();
        self.repeat(times);
        begin.elapsed()
    }
}
