//! Who may run a prediction, who waits and who is turned away. It knows nothing of HTTP: a refusal is a
//! `None`.

use tokio::sync::{Semaphore, SemaphorePermit};

use crate::config::Config;

/// Lets `workers` in at a time and `queue` wait for them, first come, first served.
#[derive(Debug)]
pub(crate) struct Gate(Option<Limits>);

#[derive(Debug)]
struct Limits {
    /// One permit for each worker. Tokio's semaphore hands permits out in the order of asking.
    workers: Semaphore,
    /// One permit for each request inside, running or waiting; only ever tried, never awaited.
    places: Semaphore,
}

/// A worker's time. Dropped when the prediction is done or its client has left.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    // In this order: a worker without a place would let one more in than the limits say.
    _worker: Option<SemaphorePermit<'a>>,
    _place: Option<SemaphorePermit<'a>>,
}

impl Gate {
    pub(crate) fn new(config: &Config) -> Self {
        Self(config.predict_workers.map(|workers| {
            let workers = workers.get().min(Semaphore::MAX_PERMITS);
            let places = workers.saturating_add(config.predict_queue.unwrap_or(usize::MAX));
            Limits {
                workers: Semaphore::new(workers),
                places: Semaphore::new(places.min(Semaphore::MAX_PERMITS)),
            }
        }))
    }

    /// Waits for a worker; `None` at once when workers and queue are full.
    pub(crate) async fn enter(&self) -> Option<Pass<'_>> {
        let Some(limits) = &self.0 else { return Some(Pass { _worker: None, _place: None }) };
        let place = limits.places.try_acquire().ok()?;
        let worker = limits.workers.acquire().await.ok()?;
        Some(Pass { _worker: Some(worker), _place: Some(place) })
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn gate(workers: usize, queue: Option<usize>) -> Gate {
        Gate::new(&Config {
            predict_workers: NonZeroUsize::new(workers),
            predict_queue: queue,
            ..Config::default()
        })
    }

    /// One poll, with nobody to wake: these tests decide themselves when to look.
    macro_rules! poll {
        ($future:expr) => {
            $future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        };
    }

    #[test]
    fn workers_run_the_queue_waits_in_order_and_the_rest_is_refused() {
        let gate = gate(1, Some(2));
        let mut running = pin!(gate.enter());
        let Poll::Ready(Some(pass)) = poll!(running) else { panic!("the first finds a worker") };
        let (mut second, mut third, mut fourth) =
            (pin!(gate.enter()), pin!(gate.enter()), pin!(gate.enter()));
        assert!(poll!(second).is_pending());
        assert!(poll!(third).is_pending());
        assert!(matches!(poll!(fourth), Poll::Ready(None)));

        drop(pass);
        assert!(poll!(third).is_pending(), "the third does not overtake the second");
        let Poll::Ready(Some(pass)) = poll!(second) else { panic!("it is the second's turn") };
        let mut fifth = pin!(gate.enter());
        assert!(poll!(fifth).is_pending(), "the place in the queue is free again");
        drop(pass);
        assert!(matches!(poll!(third), Poll::Ready(Some(_))));
    }

    #[test]
    fn who_leaves_the_queue_gives_the_place_back() {
        let gate = gate(1, Some(1));
        let mut running = pin!(gate.enter());
        let Poll::Ready(Some(_pass)) = poll!(running) else { panic!("the first finds a worker") };
        {
            let mut leaver = pin!(gate.enter());
            assert!(poll!(leaver).is_pending());
        }
        let mut next = pin!(gate.enter());
        assert!(poll!(next).is_pending(), "it waits and is not refused");
    }

    #[test]
    fn no_limit_lets_everyone_in() {
        let gate = gate(0, None);
        let passes: Vec<_> = (0..1000).map(|_| pollster(gate.enter())).collect();
        assert!(passes.iter().all(Option::is_some));
    }

    #[test]
    fn workers_alone_have_an_endless_queue() {
        let gate = gate(1, None);
        let mut running = pin!(gate.enter());
        let Poll::Ready(Some(_pass)) = poll!(running) else { panic!("the first finds a worker") };
        let mut waiting: Vec<_> = (0..1000).map(|_| Box::pin(gate.enter())).collect();
        assert!(waiting.iter_mut().all(|w| poll!(w).is_pending()));
    }

    fn pollster<T>(future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        match poll!(future) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("nothing to wait for"),
        }
    }
}
