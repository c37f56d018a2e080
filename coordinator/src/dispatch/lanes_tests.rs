//! Lanes by example, and in random histories against workers that are played: an arrival a hundredth of a second, in the
//! lanes in turn.

use std::collections::VecDeque;
use std::time::Duration;

use proptest::prelude::*;
use stampede_proto::assign::OpenShare;
use stampede_scenarios::arrivals::LANES;

use super::{Arriving, Lanes};

const LANE_COUNT: u64 = LANES as u64;

/// Arrival m is due after m hundredths of a second.
fn due_before(t: Duration) -> u64 {
    u64::try_from(t.as_nanos().div_ceil(10_000_000)).unwrap()
}

fn at(millis: u64) -> Arriving<'static> {
    Arriving { at: Duration::from_millis(millis), due_before: &due_before }
}

/// For each part of a share: lanes, first arrival, first arrival no more.
fn parts(lanes: &Lanes, seat: usize) -> Vec<(usize, u64, Option<u64>)> {
    let share = lanes.share(seat).1;
    share.lanes.iter().map(|part| (part.lanes.len(), part.from, part.until)).collect()
}

#[test]
fn lanes_are_dealt_in_turn_and_by_capacity() {
    let mut lanes = Lanes::fresh(&[1, 1, 1], 0, 10);
    assert_eq!((lanes.changed(), lanes.share(0).0), (vec![0, 1, 2], 1));
    let first: Vec<_> = lanes.share(1).1.lanes[0].lanes.iter().take(3).collect();
    assert_eq!(first, [1, 4, 7]);
    let lanes = Lanes::fresh(&[1, 3], 0, 10);
    assert_eq!([parts(&lanes, 0), parts(&lanes, 1)], [[(256, 0, None)], [(768, 0, None)]]);
    assert_eq!(Lanes::fresh(&[], 0, 10).share(0).1.lanes, []);
}

#[test]
fn users_are_shared_by_capacity_with_numbers_of_their_own() {
    let mut lanes = Lanes::fresh(&[1, 3], 7, 107);
    let users = |lanes: &Lanes, seat: usize| {
        let share = lanes.share(seat).1;
        (share.first_user, share.max_users)
    };
    assert_eq!([users(&lanes, 0), users(&lanes, 1)], [(7, 25), (107, 75)]);
    lanes.join(2, &at(0));
    assert_eq!([0, 1, 2].map(|seat| users(&lanes, seat)), [(7, 16), (107, 50), (207, 34)]);
    lanes.lose(1, &at(0));
    assert_eq!([0, 1, 2].map(|seat| users(&lanes, seat)), [(7, 33), (107, 0), (207, 67)]);
    let many = Lanes::fresh(&[1; 500], 0, 10_000_000);
    assert!(users(&many, 499).0.checked_add(users(&many, 499).1).is_some());
}

#[test]
fn a_hand_over_names_an_arrival_ahead() {
    let mut lanes = Lanes::fresh(&[1], 0, 10);
    assert_eq!(lanes.join(1, &at(5000)), 1);
    assert_eq!(parts(&lanes, 0), [(512, 0, None), (512, 0, Some(600))]);
    assert_eq!(parts(&lanes, 1), []);
    let revision = lanes.share(0).0;
    lanes.follows(0, revision - 1, &at(5200));
    lanes.follows(0, revision + 1, &at(5200));
    assert_eq!(parts(&lanes, 1), [], "not confirmed");
    lanes.follows(0, revision, &at(5300));
    assert_eq!(parts(&lanes, 1), [(512, 600, None)]);
    assert_eq!(parts(&lanes, 0), [(512, 0, None), (512, 0, Some(600))], "it still runs what comes before");
    assert!(!lanes.has_gaps());
    // Confirmed late: what is due meanwhile is missed.
    let mut late = Lanes::fresh(&[1], 0, 10);
    late.join(1, &at(5000));
    late.follows(0, late.share(0).0, &at(7000));
    assert_eq!(parts(&late, 1), [(512, 700, None)]);
    assert!(late.has_gaps());
}

#[test]
fn the_lanes_of_a_lost_worker_go_on_from_the_next_arrival() {
    let mut lanes = Lanes::fresh(&[1, 1], 0, 10);
    lanes.lose(0, &at(5000));
    assert_eq!(parts(&lanes, 1), [(512, 0, None), (512, 500, None)]);
    lanes.back(0, &at(6000));
    assert_eq!(parts(&lanes, 0), []);
    lanes.tick(&at(35_999));
    assert_eq!(parts(&lanes, 0), []);
    lanes.tick(&at(36_000));
    lanes.follows(1, lanes.share(1).0, &at(36_500));
    assert_eq!(parts(&lanes, 0), [(512, 3700, None)]);
    assert_eq!(lanes.next_tick(), None);
}

#[test]
fn what_a_lost_worker_would_have_run_up_to_a_hand_over_is_its_successors() {
    let mut lanes = Lanes::fresh(&[1], 0, 10);
    lanes.join(1, &at(5000));
    lanes.follows(0, lanes.share(0).0, &at(5100));
    lanes.lose(0, &at(5200));
    assert_eq!(parts(&lanes, 1), [(1024, 520, None)]);
    // And a successor that is lost leaves what is before it to the one that runs it.
    let mut lanes = Lanes::fresh(&[1], 0, 10);
    lanes.join(1, &at(5000));
    lanes.follows(0, lanes.share(0).0, &at(5100));
    lanes.lose(1, &at(5200));
    assert_eq!(parts(&lanes, 0), [(512, 0, None), (512, 0, Some(600)), (512, 600, None)]);
}

#[derive(Default)]
struct Worker {
    inbox: VecDeque<(u64, OpenShare)>,
    revision: u64,
    /// For each lane, what of it is this worker's.
    mine: Vec<Vec<(u64, Option<u64>)>>,
    /// It has not followed its first share since it came, or came back: it runs nothing.
    fenced: bool,
    is: Is,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Is {
    #[default]
    There,
    Leaving,
    Lost,
    Left,
}

impl Is {
    fn heard(self) -> bool {
        matches!(self, Is::There | Is::Leaving)
    }
}

impl Worker {
    fn runs(&self, arrival: u64) -> bool {
        let lane = usize::try_from(arrival % LANE_COUNT).unwrap();
        let within = |(from, until): &(u64, Option<u64>)| {
            *from <= arrival && until.is_none_or(|until| arrival < until)
        };
        !self.fenced && self.mine.get(lane).is_some_and(|parts| parts.iter().any(within))
    }

    fn take(&mut self, (revision, share): (u64, OpenShare)) {
        assert!(revision > self.revision, "a share that the worker would ignore");
        self.revision = revision;
        self.mine = vec![Vec::new(); usize::from(LANES)];
        for part in &share.lanes {
            for lane in part.lanes.iter() {
                self.mine[lane as usize].push((part.from, part.until));
            }
        }
        self.fenced = false;
    }
}

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Send,
    Deliver(usize),
    Heartbeat(usize),
    Join(u32),
    Lose(usize),
    Back(usize),
    Leave(usize),
    Gone(usize),
    Settle,
}

struct History {
    lanes: Lanes,
    workers: Vec<Worker>,
    /// Arrivals until then have come.
    now: u64,
    missed: u64,
}

impl History {
    fn new(capacities: &[u32]) -> Self {
        let workers = capacities.iter().map(|_| Worker::default()).collect();
        let mut history = Self { lanes: Lanes::fresh(capacities, 0, 100), workers, now: 0, missed: 0 };
        history.send();
        (0..capacities.len()).for_each(|seat| history.deliver(seat));
        history
    }

    /// Orders take effect 50 ms after a decision.
    fn moment(&self) -> Arriving<'static> {
        at(self.now + 50)
    }

    fn wait(&mut self, millis: u64) {
        let [first, end] = [self.now, self.now + millis].map(|t| due_before(Duration::from_millis(t)));
        for arrival in first..end {
            let runs = self.workers.iter().filter(|worker| worker.runs(arrival)).count();
            assert!(runs <= 1, "arrival {arrival} is run {runs} times");
            self.missed += u64::from(runs == 0);
        }
        self.now += millis;
        self.lanes.tick(&self.moment());
    }

    fn send(&mut self) {
        for seat in self.lanes.changed() {
            assert!(self.workers[seat].is.heard());
            self.workers[seat].inbox.push_back(self.lanes.share(seat));
        }
    }

    fn deliver(&mut self, seat: usize) {
        if let Some(worker) = self.workers.get_mut(seat)
            && let Some(share) = worker.inbox.pop_front()
        {
            worker.take(share);
        }
    }

    fn heartbeat(&mut self, seat: usize) {
        let m = self.moment();
        if let Some(worker) = self.workers.get(seat).filter(|worker| !worker.fenced) {
            self.lanes.follows(seat, worker.revision, &m);
        }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Wait(millis) => self.wait(*millis),
            Step::Send => self.send(),
            Step::Deliver(seat) => self.deliver(*seat),
            Step::Heartbeat(seat) => self.heartbeat(*seat),
            Step::Join(capacity) if self.workers.len() < 8 => {
                assert_eq!(self.lanes.join(*capacity, &self.moment()), self.workers.len());
                self.workers.push(Worker { fenced: true, ..Worker::default() });
            }
            Step::Lose(seat) | Step::Back(seat) | Step::Leave(seat) | Step::Gone(seat)
                if *seat < self.workers.len() =>
            {
                self.member_step(step, *seat);
            }
            Step::Settle => self.settle(),
            _ => {}
        }
        self.check();
    }

    fn member_step(&mut self, step: &Step, seat: usize) {
        let m = self.moment();
        let worker = &mut self.workers[seat];
        match step {
            Step::Lose(_) if worker.is.heard() => {
                (worker.is, worker.fenced) = (Is::Lost, true);
                worker.inbox.clear();
                self.lanes.lose(seat, &m);
            }
            Step::Back(_) if worker.is == Is::Lost => {
                worker.is = Is::There;
                self.lanes.back(seat, &m);
            }
            Step::Leave(_) if worker.is.heard() => {
                worker.is = Is::Leaving;
                self.lanes.leave(seat, &m);
            }
            // It goes when all that it has is over.
            Step::Gone(_) if worker.is == Is::Leaving && worker.inbox.is_empty() => {
                let next = due_before(Duration::from_millis(self.now));
                let over = |part: &(u64, Option<u64>)| part.1.is_some_and(|until| until <= next);
                if worker.mine.iter().flatten().all(over) {
                    (worker.is, worker.fenced) = (Is::Left, true);
                    self.lanes.gone(seat, &m);
                }
            }
            _ => {}
        }
    }

    /// Everybody hears and confirms, twice within half a second, and half a minute passes.
    fn settle(&mut self) {
        for _ in 0..4 {
            self.send();
            for seat in 0..self.workers.len() {
                while !self.workers[seat].inbox.is_empty() {
                    self.deliver(seat);
                }
                self.heartbeat(seat);
            }
            self.wait(100);
        }
        self.wait(1500);
    }

    /// No lane is two workers' for one arrival to come, by the shares as they would be told now; and where somebody is there
    /// each lane is somebody's in the end.
    fn check(&self) {
        let mut end = vec![0; usize::from(LANES)];
        let mut parts = Vec::new();
        for seat in (0..self.workers.len()).filter(|seat| self.workers[*seat].is.heard()) {
            for part in self.lanes.share(seat).1.lanes {
                for lane in part.lanes.iter() {
                    parts.push((lane, part.from, part.until.unwrap_or(u64::MAX)));
                    end[lane as usize] += usize::from(part.until.is_none());
                }
            }
        }
        parts.sort_unstable();
        for pair in parts.windows(2) {
            assert!(pair[0].0 != pair[1].0 || pair[0].2 <= pair[1].1, "{pair:?}");
        }
        assert!(end.iter().all(|owners| *owners <= 1));
    }

    fn everybody_has_a_part(&mut self) {
        (0..2).for_each(|_| self.take(&Step::Wait(31_000)));
        self.take(&Step::Settle);
        let is_there = |seat: &usize| self.workers[*seat].is == Is::There;
        let there: Vec<_> = (0..self.workers.len()).filter(is_there).collect();
        let missed = self.missed;
        self.take(&Step::Wait(11_000));
        if there.is_empty() {
            return;
        }
        assert_eq!(self.missed, missed, "arrivals are missed although all is settled");
        for part in there.iter().map(|seat| self.lanes.share(*seat).1) {
            assert!(!part.lanes.is_empty());
        }
        let users: u32 = (0..self.workers.len()).map(|seat| self.lanes.share(seat).1.max_users).sum();
        assert_eq!(users, 100);
    }
}

fn step() -> impl Strategy<Value = Step> {
    let seat = 0_usize..8;
    prop_oneof![
        4 => (1_u64..2500).prop_map(Step::Wait),
        6 => Just(Step::Send),
        8 => seat.clone().prop_map(Step::Deliver),
        8 => seat.clone().prop_map(Step::Heartbeat),
        2 => (1_u32..4).prop_map(Step::Join),
        2 => seat.clone().prop_map(Step::Lose),
        2 => seat.clone().prop_map(Step::Back),
        1 => seat.clone().prop_map(Step::Leave),
        2 => seat.prop_map(Step::Gone),
        1 => Just(Step::Settle),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_arrival_is_run_twice_in_any_history(
        capacities in prop::collection::vec(1_u32..5, 0..4),
        steps in prop::collection::vec(step(), 0..40),
    ) {
        let mut history = History::new(&capacities);
        for step in &steps {
            history.take(step);
        }
        history.everybody_has_a_part();
    }

    #[test]
    fn nothing_is_missed_where_everybody_is_prompt_and_polite(
        steps in prop::collection::vec((0_usize..6, any::<bool>(), 1_u32..4), 0..12),
    ) {
        let mut history = History::new(&[1, 2]);
        for (seat, leaves, capacity) in steps {
            let others = |other: &(usize, &Worker)| other.0 != seat && other.1.is == Is::There;
            let remain = history.workers.iter().enumerate().filter(others).count() > 0;
            if leaves && remain {
                history.take(&Step::Leave(seat));
                history.take(&Step::Settle);
                history.take(&Step::Gone(seat));
            } else {
                history.take(&Step::Join(capacity));
            }
            history.take(&Step::Settle);
        }
        history.everybody_has_a_part();
        prop_assert_eq!(history.missed, 0);
    }
}
