//! `/limited?rps=N`: a service of a known capacity. It takes N requests a second, one after the other at equal distances;
//! the others queue, so response times climb as soon as more than that come. For searching a limit that is known.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::App;
use crate::ledger::lock;
use crate::timer;

/// How long a request takes that finds no queue.
const SERVICE: Duration = Duration::from_millis(5);

/// How long one waits at most; whoever would wait longer is told at once to come back later. Short, so that the queue of a
/// rate that was too high is soon gone when a lower one is tried.
const MAX_QUEUE: Duration = Duration::from_millis(250);

/// Without `rps`.
const RPS: u32 = 100;

const MAX_RPS: u32 = 100_000;

/// Capacities that have a queue; each is a queue of its own.
const MAX_LIMITS: usize = 100;

/// When each queue has its next free place, by capacity.
#[derive(Debug, Default)]
pub(super) struct Queues(Mutex<BTreeMap<u32, Instant>>);

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    rps: Option<u32>,
}

impl Queues {
    /// When a request that comes `now` has its turn; `None` when that is too far away, or there are too many queues.
    fn turn(&self, rps: u32, now: Instant) -> Option<Instant> {
        let mut queues = lock(&self.0);
        if queues.len() >= MAX_LIMITS && !queues.contains_key(&rps) {
            return None;
        }
        let free = queues.entry(rps).or_insert(now);
        let turn = now.max(*free);
        if turn - now > MAX_QUEUE {
            return None;
        }
        *free = turn + Duration::from_secs(1) / rps;
        Some(turn)
    }
}

/// Answers when its turn has come and 5 ms are over; 503 when the queue is longer than 250 ms.
pub(super) async fn limited(State(app): State<Arc<App>>, Query(wanted): Query<Wanted>) -> Response {
    let rps = wanted.rps.unwrap_or(RPS);
    if !(1..=MAX_RPS).contains(&rps) {
        return (StatusCode::BAD_REQUEST, "rps is 1 to 100000").into_response();
    }
    let Some(turn) = app.queues.turn(rps, Instant::now()) else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many are waiting").into_response();
    };
    timer::wait_until(turn + SERVICE).await;
    "ok\n".into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_capacity_they_queue_and_then_are_turned_away() {
        let queues = Queues::default();
        let start = Instant::now();
        let ms = |ms| start + Duration::from_millis(ms);
        for request in 0..10 {
            assert_eq!(queues.turn(10, ms(request * 200)), Some(ms(request * 200)), "half of the capacity");
        }
        for place in 0..=2 {
            assert_eq!(queues.turn(10, ms(2000)), Some(ms(2000 + place * 100)));
        }
        assert_eq!(queues.turn(10, ms(2000)), None);
        assert_eq!(queues.turn(20, ms(2000)), Some(ms(2000)), "another capacity, another queue");
        assert_eq!(queues.turn(10, ms(2100)), Some(ms(2300)), "whoever was turned away took no place");
    }

    #[test]
    fn there_are_only_so_many_queues() {
        let queues = Queues::default();
        let now = Instant::now();
        assert!((1..=100).all(|rps| queues.turn(rps, now).is_some()));
        assert_eq!(queues.turn(101, now), None);
        assert!(queues.turn(100, now).is_some());
    }
}
