//! Whether a worker was the limit instead of the target: seconds in which a load thread had no time left.
//!
//! A second counts when the busiest thread used more than 90 % of a core, or its own probe was more than 5 ms late in the 99th
//! percentile. Three in a row make it worth saying; a thread that stood still for three seconds has done so at once, since its
//! probe can tell only when it is over.

use std::time::Duration;

use crate::result::Limit;

/// CPU of a load thread above which the target may not be what limits, 0 to 1.
const BUSY_CPU: f64 = 0.9;

/// Lag p99 in ms above which the same holds.
const BUSY_LAG_MS: f64 = 5.0;

/// Seconds in a row that make it so.
const BUSY_SECONDS: u32 = 3;

/// Stretches that are told apart; what comes after belongs to the last.
const MAX_STRETCHES: usize = 16;

/// What a worker measured of itself in the run seconds `[from_s, to_s)`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seconds {
    pub(super) from_s: u32,
    pub(super) to_s: u32,
    /// Of the busiest thread, 0 to 1.
    pub(super) cpu: f64,
    /// Of the probes of all threads; `None` when none rang.
    pub(super) lag_p99_ms: Option<f64>,
    /// The latest probe.
    pub(super) lag_max_ms: f64,
}

/// Watches one worker. Seconds come in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct LimitWatch {
    /// The stretch that may go on; too short to be one as long as it is not.
    open: Option<Limit>,
    closed: Vec<Limit>,
}

impl LimitWatch {
    /// Takes the next seconds.
    pub(super) fn see(&mut self, seconds: Seconds) {
        let Seconds { from_s, to_s, cpu, lag_p99_ms, lag_max_ms } = seconds;
        let stood_still = lag_max_ms >= f64::from(BUSY_SECONDS) * 1e3;
        let busy = cpu > BUSY_CPU;
        let late = stood_still || lag_p99_ms.is_some_and(|lag| lag > BUSY_LAG_MS);
        if !busy && !late {
            self.close();
            return;
        }
        if self.open.as_ref().is_some_and(|open| open.to_s != from_s) {
            self.close();
        }
        let open = self.open.get_or_insert(Limit { from_s, to_s: from_s, ..Limit::default() });
        open.to_s = to_s;
        open.seconds += to_s.saturating_sub(from_s);
        if busy {
            open.cpu = Some(open.cpu.map_or(cpu, |most| most.max(cpu)));
        }
        if let Some(lag) = lag_p99_ms.filter(|_| late) {
            open.lag_ms = Some(open.lag_ms.map_or(lag, |most| most.max(lag)));
        }
        if stood_still {
            // Whole seconds before this one in which no probe rang.
            let before = Duration::from_secs_f64(lag_max_ms / 1e3).as_secs();
            let from = from_s.saturating_sub(u32::try_from(before).unwrap_or(u32::MAX));
            open.seconds += open.from_s.saturating_sub(from);
            open.from_s = open.from_s.min(from);
            open.stood_still_ms = Some(open.stood_still_ms.map_or(lag_max_ms, |most| most.max(lag_max_ms)));
        }
    }

    fn close(&mut self) {
        let Some(closed) = self.open.take().filter(is_long) else { return };
        let full = self.closed.len() == MAX_STRETCHES;
        match self.closed.last_mut() {
            Some(last) if full => join(last, &closed),
            _ => self.closed.push(closed),
        }
    }

    /// Whether it is one now.
    pub(super) fn now(&self) -> Option<&Limit> {
        self.open.as_ref().filter(|open| is_long(open))
    }

    /// The newest stretch.
    pub(super) fn last(&self) -> Option<&Limit> {
        self.now().or(self.closed.last())
    }

    /// Every stretch so far.
    pub(super) fn all(&self) -> Vec<Limit> {
        self.closed.iter().chain(self.now()).cloned().collect()
    }
}

fn is_long(limit: &Limit) -> bool {
    limit.seconds >= BUSY_SECONDS
}

fn join(limit: &mut Limit, later: &Limit) {
    let most = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::max);
    limit.to_s = later.to_s;
    limit.seconds += later.seconds;
    limit.cpu = most(limit.cpu, later.cpu);
    limit.lag_ms = most(limit.lag_ms, later.lag_ms);
    limit.stood_still_ms = most(limit.stood_still_ms, later.stood_still_ms);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(from_s: u32, cpu: f64, lag: f64) -> Seconds {
        Seconds { from_s, to_s: from_s + 1, cpu, lag_p99_ms: Some(lag), lag_max_ms: lag * 2.0 }
    }

    fn watch(seconds: impl IntoIterator<Item = Seconds>) -> LimitWatch {
        let mut watch = LimitWatch::default();
        seconds.into_iter().for_each(|second| watch.see(second));
        watch
    }

    #[test]
    fn three_seconds_in_a_row_of_either_are_a_limit() {
        let calm = |n| second(n, 0.9, 5.0);
        assert!(watch((0..10).map(calm)).all().is_empty(), "at the border is not beyond it");
        let two = watch([second(0, 1.0, 0.1), second(1, 0.91, 0.1), calm(2), second(3, 0.99, 0.1)]);
        assert!(two.all().is_empty());
        let mixed = watch([calm(0), second(1, 0.97, 0.1), second(2, 0.5, 5.1), second(3, 0.93, 0.2)]);
        let limit =
            Limit { from_s: 1, to_s: 4, seconds: 3, cpu: Some(0.97), lag_ms: Some(5.1), ..Limit::default() };
        assert_eq!(mixed.now(), Some(&limit));
        assert_eq!(mixed.all(), [limit]);
    }

    #[test]
    fn it_goes_on_until_a_calm_second_and_may_come_again() {
        let busy = |n: u32| second(n, if n == 5 { 0.2 } else { 0.95 }, 0.1);
        let mut watch = watch((0..12).map(busy));
        let spans = |watch: &LimitWatch| -> Vec<_> {
            watch.all().iter().map(|limit| (limit.from_s, limit.to_s, limit.seconds)).collect()
        };
        assert_eq!(spans(&watch), [(0, 5, 5), (6, 12, 6)]);
        // Seconds that were never reported end it as well.
        watch.see(busy(20));
        assert_eq!(spans(&watch), [(0, 5, 5), (6, 12, 6)]);
        assert_eq!(watch.now(), None);
    }

    #[test]
    fn a_thread_that_stood_still_tells_it_afterwards() {
        let empty = |n| Seconds { lag_p99_ms: None, ..second(n, 0.0, 0.0) };
        let woke = Seconds { lag_max_ms: 4_200.0, ..second(14, 0.2, 0.3) };
        let frozen = watch((0..10).map(|n| second(n, 0.2, 0.1)).chain((10..14).map(empty)).chain([woke]));
        let limit = Limit {
            from_s: 10,
            to_s: 15,
            seconds: 5,
            lag_ms: Some(0.3),
            stood_still_ms: Some(4_200.0),
            ..Limit::default()
        };
        assert_eq!(frozen.all(), [limit]);
        let shorter = Seconds { lag_max_ms: 2_900.0, ..woke };
        assert!(watch([shorter]).all().is_empty());
    }

    #[test]
    fn the_list_stays_short_and_loses_no_second() {
        let flapping = watch((0..400).map(|n| second(n, if n % 4 == 3 { 0.1 } else { 0.95 }, 0.1)));
        let all = flapping.all();
        assert_eq!(all.len(), MAX_STRETCHES);
        assert_eq!(all.iter().map(|limit| limit.seconds).sum::<u32>(), 300);
        assert_eq!(all.last().map(|limit| limit.to_s), Some(399));
    }
}
