//! What happens to a fleet: events at run times, written by hand or drawn from a seed.
//!
//! A drawn history leaves every line sound and every process running some time before the end, so that what is to be true then
//! does not depend on how the last fault came out; only who was killed stays away.

use std::time::Duration;

/// Something that happens. Workers are numbers in the order in which they were started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Nothing the worker sends arrives any more.
    StandUp(usize),
    /// Nothing sent to the worker arrives any more.
    StandDown(usize),
    /// Its line is sound and quick again.
    Heal(usize),
    /// Bytes take so long, each way.
    Slow(usize, Duration),
    /// Acknowledgements take so much longer.
    SlowAcks(usize, Duration),
    /// Its connections break.
    Cut(usize),
    /// What it says over its present connections is held up.
    Hold(usize),
    /// It loses these connections, and makes new ones.
    Leave(usize),
    /// What was held up arrives.
    Release(usize),
    /// Its process is stopped.
    Freeze(usize),
    /// Its process goes on.
    Thaw(usize),
    /// The coordinator's process is stopped.
    FreezeCoordinator,
    /// The coordinator's process goes on.
    ThawCoordinator,
    /// It is killed.
    Kill(usize),
    /// It is told to leave.
    GoAway(usize),
    /// Another one is started.
    Join,
    /// So many users more or fewer, or arrivals a second.
    Users(i32),
    /// A pause, or its end.
    Pause,
}

/// A run and what happens in it.
#[derive(Debug, Clone)]
pub(crate) struct History {
    /// Workers at the start.
    pub(crate) workers: usize,
    /// Load threads of each.
    pub(crate) threads: usize,
    /// Users.
    pub(crate) users: u32,
    /// Users started a second.
    pub(crate) spawn_rate: u32,
    /// Run time in seconds.
    pub(crate) run_time_s: u64,
    /// Arrivals a second, in place of users.
    pub(crate) rate: Option<u32>,
    /// `users` come in stages, and there are fewer for a while: a plateau, a valley, and steps back up.
    pub(crate) staged: bool,
    /// Iterations over all users, if they are limited.
    pub(crate) iterations: Option<u64>,
    /// How long a worker may be silent.
    pub(crate) lease: Duration,
    /// What happens, in order of run time.
    pub(crate) events: Vec<(Duration, What)>,
}

impl History {
    /// Nothing happens; three workers run twelve users for `run_time_s`.
    pub(crate) fn quiet(run_time_s: u64) -> Self {
        let lease = Duration::from_secs(5);
        Self {
            workers: 3,
            threads: 2,
            users: 12,
            spawn_rate: 6,
            run_time_s,
            rate: None,
            staged: false,
            iterations: None,
            lease,
            events: Vec::new(),
        }
    }

    /// The same, and `what` at so many milliseconds of run time. To be called in order.
    pub(crate) fn at(mut self, ms: u64, what: What) -> Self {
        self.events.push((Duration::from_millis(ms), what));
        self
    }

    /// The history of a seed.
    pub(crate) fn drawn(seed: u64) -> Self {
        let mut draw = Draw(seed);
        let workers = 2 + draw.below(3) as usize;
        let users = 6 + draw.below(15);
        let lease = Duration::from_secs(2);
        let mut history = Self {
            workers,
            threads: 1 + draw.below(2) as usize,
            users,
            spawn_rate: 4 + draw.below(12),
            run_time_s: 40,
            rate: (seed % 4 == 3).then_some(40),
            staged: seed % 4 == 1,
            iterations: None,
            lease,
            events: Vec::new(),
        };
        let mut there = workers;
        let mut killed = 0;
        for _ in 0..=draw.below(5) {
            let from = 500 + u64::from(draw.below(20_000));
            let until = from + 200 + u64::from(draw.below(7000));
            let worker = draw.below(u32::try_from(workers).expect("few")) as usize;
            history.fault(&mut draw, (from, until), worker, &mut killed, &mut there);
        }
        history.events.sort_by_key(|(at, _)| *at);
        history
    }

    fn fault(
        &mut self,
        draw: &mut Draw,
        (from, until): (u64, u64),
        worker: usize,
        killed: &mut usize,
        there: &mut usize,
    ) {
        use What::{
            Cut, Freeze, FreezeCoordinator, GoAway, Heal, Hold, Join, Kill, Leave, Pause, Release, Slow,
            SlowAcks, StandDown, StandUp, Thaw, ThawCoordinator, Users,
        };
        let mut add = |at: u64, what| self.events.push((Duration::from_millis(at), what));
        match draw.below(13) {
            0 => {
                add(from, StandUp(worker));
                add(from, StandDown(worker));
                add(until, Heal(worker));
            }
            1 => {
                add(from, StandUp(worker));
                add(until, Heal(worker));
            }
            2 => {
                add(from, StandDown(worker));
                add(until, Heal(worker));
            }
            3 => {
                add(from, Slow(worker, Duration::from_millis(u64::from(20 + draw.below(400)))));
                add(until, Heal(worker));
            }
            4 => {
                add(from, SlowAcks(worker, Duration::from_millis(u64::from(500 + draw.below(4000)))));
                add(until, Heal(worker));
            }
            5 => {
                add(from, Cut(worker));
                add(from + u64::from(draw.below(3000)), Cut(worker));
            }
            6 => {
                add(from, Hold(worker));
                add(from + u64::from(draw.below(1500)), Leave(worker));
                add(until, Release(worker));
            }
            7 => {
                add(from, Freeze(worker));
                add(until, Thaw(worker));
            }
            8 => {
                add(from, FreezeCoordinator);
                add(until, ThawCoordinator);
            }
            // Somebody always stays.
            9 if *killed + 1 < self.workers => {
                *killed += 1;
                add(from, if draw.below(2) == 0 { Kill(worker) } else { GoAway(worker) });
            }
            11 => {
                add(from, Pause);
                add(until, Pause);
            }
            10 => add(from, Users(i32::try_from(draw.below(9)).expect("few") - 4)),
            _ => {
                *there += 1;
                add(from, Join);
            }
        }
    }
}

/// Draws of a seed (`SplitMix64`).
#[derive(Debug)]
struct Draw(u64);

impl Draw {
    /// A number below `bound`.
    fn below(&mut self, bound: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((bits ^ (bits >> 31)) % u64::from(bound.max(1))).expect("below it")
    }
}
