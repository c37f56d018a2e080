//! What can be set about a demo target, and its two presets. What the values do is elsewhere: the service
//! time in `service_time`, the limits in `gate`.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

/// How a demo target behaves. The default never turns a request away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Threads that serve. `None` is half of the machine's cores, at least one: the other half is for whoever
    /// sends the load, who usually sits on the same machine.
    pub threads: Option<NonZeroUsize>,
    /// Mean service time of `/predict`, without the time spent in its queue.
    pub predict_time: Duration,
    /// Standard deviation of that service time. Zero makes it constant.
    pub predict_jitter: Duration,
    /// How many predictions run at the same time; `None` for any number.
    pub predict_workers: Option<NonZeroUsize>,
    /// How many predictions wait for a worker, first come, first served; `None` for any number. One more, and
    /// its connection is closed without an answer. Of no effect while `predict_workers` is `None`.
    pub predict_queue: Option<usize>,
    /// Whether every request is kept for `/__log`.
    pub record_log: bool,
    /// What the drawn service times follow from: the n-th prediction of a target takes equally long in every
    /// run.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            threads: None,
            predict_time: Duration::from_millis(20),
            predict_jitter: Duration::from_millis(10),
            predict_workers: None,
            predict_queue: None,
            record_log: false,
            seed: 1,
        }
    }
}

impl Config {
    /// A model server that is too small for its users: 2 workers at 80 ms are 25 predictions a second, and no
    /// more than 8 wait.
    ///
    /// In `predict.yaml` a user sends 0.27 predictions a second (80 % of one task every 3 s), so the server
    /// is full near 95 users, and about half of what 200 users send is turned away.
    pub fn saturated() -> Self {
        Self {
            predict_time: Duration::from_millis(80),
            predict_jitter: Duration::from_millis(20),
            predict_workers: NonZeroUsize::new(2),
            predict_queue: Some(8),
            ..Self::default()
        }
    }

    /// The number of serving threads, with the default filled in.
    pub(crate) fn thread_count(&self) -> usize {
        let half = || available_parallelism().map_or(1, |cores| cores.get().div_ceil(2));
        self.threads.map_or_else(half, NonZeroUsize::get)
    }
}
