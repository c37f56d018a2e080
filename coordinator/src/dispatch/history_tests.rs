//! Thousands of random histories against workers that are played: they hear late, are slow to let users go, freeze, come
//! back, leave and die. After every step the laws are checked.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use proptest::prelude::*;
use stampede_proto::assign::Held;
use stampede_scenarios::ranks::RankSet;
use stampede_scenarios::rate::Rate;
use stampede_scenarios::sequence::{ClassSequence, ClassShare};

use super::seats::Standing;
use super::{Dispatch, Moment, Share};

mod checks;

type User = (u16, u32);

/// A worker as it would behave.
#[derive(Default)]
struct Worker {
    inbox: VecDeque<Share>,
    /// Its newest share: revision, and for each user its life and start.
    revision: u64,
    named: BTreeMap<User, (u32, Duration)>,
    alive: BTreeMap<User, u32>,
    /// Its session is dead at the coordinator, or it has not followed its first share since: no request begins.
    fenced: bool,
    lost: bool,
    left: bool,
}

impl Worker {
    fn is_through(&self) -> bool {
        !self.lost && self.alive.is_empty() && self.inbox.is_empty() && self.named.is_empty()
    }
}

#[derive(Debug, Clone)]
enum Step {
    Wait(u64),
    Send,
    Deliver(usize),
    End(usize, u8),
    Heartbeat(usize),
    Join(u32),
    Lose(usize),
    Back(usize),
    Leave(usize),
    Gone(usize),
    Grow(u32),
    Lower(u32),
    Settle,
}

fn step() -> impl Strategy<Value = Step> {
    let seat = 0_usize..12;
    prop_oneof![
        4 => (1_u64..4000).prop_map(Step::Wait),
        6 => Just(Step::Send),
        8 => seat.clone().prop_map(Step::Deliver),
        4 => (seat.clone(), 1_u8..).prop_map(|(seat, which)| Step::End(seat, which)),
        8 => seat.clone().prop_map(Step::Heartbeat),
        2 => (1_u32..4).prop_map(Step::Join),
        2 => seat.clone().prop_map(Step::Lose),
        2 => seat.clone().prop_map(Step::Back),
        1 => seat.clone().prop_map(Step::Leave),
        1 => seat.prop_map(Step::Gone),
        1 => (1_u32..20).prop_map(Step::Grow),
        1 => (1_u32..20).prop_map(Step::Lower),
        2 => Just(Step::Settle),
    ]
}

struct History {
    dispatch: Dispatch,
    workers: Vec<Worker>,
    table: Vec<User>,
    weights: Vec<ClassShare>,
    now: Duration,
    rate: Rate,
    equal: bool,
    /// Users wanted; they came at the rate from the start, and later changes are at once.
    wanted: u32,
    ever: u32,
    /// The number of users was never lowered: evenness is promised.
    never_lowered: bool,
    /// What was started where.
    started: BTreeMap<(User, u32), usize>,
    newest_life: BTreeMap<User, u32>,
    told: Vec<BTreeMap<User, (u32, Duration)>>,
}

impl History {
    fn new(capacities: &[u32], equal: bool, weights: &[u64], wanted: u32, rate: u64) -> Self {
        let capacities: Vec<u32> =
            capacities.iter().map(|capacity| if equal { 1 } else { *capacity }).collect();
        let weights: Vec<_> = weights.iter().map(|weight| ClassShare::Weight(*weight)).collect();
        let mut history = Self {
            dispatch: Dispatch::fresh(&capacities, std::iter::empty()),
            workers: capacities.iter().map(|_| Worker::default()).collect(),
            table: Vec::new(),
            weights,
            now: Duration::ZERO,
            rate: Rate::new(rate, 1).unwrap(),
            equal,
            wanted,
            ever: 0,
            never_lowered: true,
            started: BTreeMap::new(),
            newest_life: BTreeMap::new(),
            told: Vec::new(),
        };
        history.extend_table(wanted);
        history.dispatch = Dispatch::fresh(&capacities, history.table.iter().copied());
        history
    }

    fn extend_table(&mut self, slots: u32) -> Vec<User> {
        let table: Vec<User> = ClassSequence::new(&self.weights)
            .table(slots)
            .iter()
            .map(|slot| (slot.class, slot.rank))
            .collect();
        let more = table[self.table.len().min(table.len())..].to_vec();
        self.table.extend(&more);
        more
    }

    fn running(&self, at: Duration) -> u32 {
        u32::try_from(self.rate.count_by(at)).unwrap_or(u32::MAX).min(self.wanted)
    }

    /// Orders take effect 50 ms after a decision.
    fn moment(&mut self) -> Moment {
        let at = self.now + Duration::from_millis(50);
        let running = self.running(at);
        self.ever = self.ever.max(running);
        Moment { at, running, ahead: self.wanted, ever: self.ever, rate: self.rate }
    }

    fn take(&mut self, step: &Step) {
        let m = self.moment();
        let before = self.dispatch.clone();
        match step {
            Step::Wait(millis) => {
                self.now += Duration::from_millis(*millis);
                self.moment();
                let m = self.moment();
                self.dispatch.tick(&m);
            }
            Step::Send => self.send(),
            Step::Deliver(seat) => self.deliver(*seat),
            Step::End(seat, which) => self.end(*seat, *which),
            Step::Heartbeat(seat) => self.heartbeat(*seat),
            Step::Settle => self.settle(),
            Step::Join(capacity) if self.workers.len() < 12 => {
                let capacity = if self.equal { 1 } else { *capacity };
                assert_eq!(self.dispatch.join(capacity, &m), self.workers.len());
                self.workers.push(Worker::default());
            }
            Step::Grow(more) => {
                self.wanted += more;
                let users = self.extend_table(self.wanted);
                self.ever = self.ever.max(self.wanted);
                let m = self.moment();
                self.dispatch.grow(users.into_iter(), &m);
            }
            Step::Lower(less) => {
                self.wanted = self.wanted.saturating_sub(*less).max(1);
                self.never_lowered = false;
                self.dispatch.renew();
            }
            Step::Lose(seat) | Step::Back(seat) | Step::Leave(seat) | Step::Gone(seat) => {
                if *seat < self.workers.len() {
                    self.member_step(step, *seat, &m);
                }
            }
            Step::Join(_) => {}
        }
        self.run_workers();
        self.check(&before, step);
    }

    fn member_step(&mut self, step: &Step, seat: usize, m: &Moment) {
        let worker = &mut self.workers[seat];
        match step {
            Step::Lose(_) if !worker.lost && !worker.left => {
                (worker.lost, worker.fenced) = (true, true);
                worker.inbox.clear();
                self.dispatch.lose(seat, m);
            }
            Step::Back(_) if worker.lost => {
                worker.lost = false;
                self.dispatch.back(seat, m);
            }
            Step::Leave(_) if !worker.lost && !worker.left => self.dispatch.leave(seat, m),
            // It is through when it has left before and nobody is alive there.
            Step::Gone(_)
                if self.dispatch.chairs[seat].standing == Standing::Leaving && worker.is_through() =>
            {
                worker.left = true;
                self.dispatch.gone(seat, m);
            }
            _ => {}
        }
    }

    fn send(&mut self) {
        let changed = self.dispatch.changed();
        for (seat, share) in self.dispatch.shares(&changed, self.now) {
            assert_eq!(share, self.dispatch.share(seat, self.now));
            assert!(!self.workers[seat].lost && !self.workers[seat].left);
            self.workers[seat].inbox.push_back(share);
        }
    }

    fn deliver(&mut self, seat: usize) {
        let Some(worker) = self.workers.get_mut(seat).filter(|worker| !worker.lost) else { return };
        let Some(share) = worker.inbox.pop_front() else { return };
        assert!(share.revision > worker.revision, "a share that the worker would ignore");
        worker.revision = share.revision;
        worker.named = expand(&share);
        if share.cut {
            let named = &worker.named;
            worker.alive.retain(|user, life| named.get(user).is_some_and(|(named, _)| named == life));
        }
        worker.fenced = false;
        for (user, life) in &worker.alive {
            let same = worker.named.get(user).is_none_or(|(named, _)| named == life);
            assert!(same, "a user is named anew while the old one is still held");
        }
    }

    /// Users that are not named end, some of them; so do those that are not wanted.
    fn end(&mut self, seat: usize, which: u8) {
        let running = self.running(self.now) as usize;
        let wanted: BTreeSet<User> = self.table.iter().take(running).copied().collect();
        let Some(worker) = self.workers.get_mut(seat).filter(|worker| !worker.fenced) else { return };
        let (named, mut turn) = (&worker.named, 0_u32);
        worker.alive.retain(|user, _| {
            turn += 1;
            let stays = named.contains_key(user) && wanted.contains(user);
            stays || which >> (turn % 8) & 1 == 0
        });
    }

    fn heartbeat(&mut self, seat: usize) {
        let m = self.moment();
        let Some(worker) = self.workers.get(seat).filter(|worker| !worker.lost && !worker.left) else {
            return;
        };
        if worker.fenced {
            return;
        }
        let mut held: BTreeMap<u16, Vec<u32>> = BTreeMap::new();
        for (class, rank) in worker.alive.keys().filter(|user| !worker.named.contains_key(user)) {
            held.entry(*class).or_default().push(*rank);
        }
        let held: Vec<_> = held
            .into_iter()
            .map(|(class, ranks)| Held { class, ranks: RankSet::from_sorted(ranks) })
            .collect();
        self.dispatch.follows(seat, worker.revision, &held, &m);
    }

    /// Starts what is due everywhere.
    fn run_workers(&mut self) {
        let running = self.running(self.now) as usize;
        for (seat, worker) in self.workers.iter_mut().enumerate().filter(|(_, worker)| !worker.fenced) {
            for user in self.table.iter().take(running) {
                let Some((life, start)) = worker.named.get(user) else { continue };
                if *start > self.now || worker.alive.contains_key(user) {
                    continue;
                }
                worker.alive.insert(*user, *life);
                let before = self.started.insert((*user, *life), seat);
                assert!(before.is_none_or(|before| before == seat), "{user:?} life {life} twice");
                let newest = self.newest_life.entry(*user).or_insert(*life);
                assert!(*newest <= *life, "{user:?}: life {life} after {newest}");
                *newest = *life;
            }
        }
        let mut at_work = BTreeSet::new();
        for worker in self.workers.iter().filter(|worker| !worker.fenced) {
            for user in worker.alive.keys() {
                assert!(at_work.insert(*user), "{user:?} runs at two workers");
            }
        }
    }

    /// Everybody hears, follows, lets go and says so, until nothing changes; half a minute passes.
    fn settle(&mut self) {
        self.now += Duration::from_secs(31);
        let m = self.moment();
        self.dispatch.tick(&m);
        for _ in 0..4 {
            self.send();
            for seat in 0..self.workers.len() {
                while !self.workers[seat].lost && !self.workers[seat].inbox.is_empty() {
                    self.deliver(seat);
                }
                self.end(seat, u8::MAX);
                self.heartbeat(seat);
                self.run_workers();
            }
        }
        // At one a second all that was taken over has started by then.
        self.now += Duration::from_secs(100_000);
        self.run_workers();
        self.check_settled();
    }
}

fn expand(share: &Share) -> BTreeMap<User, (u32, Duration)> {
    let mut users = BTreeMap::new();
    for grant in &share.grants {
        for (i, rank) in (0..).zip(grant.ranks.iter()) {
            let start = grant.from + grant.rate.map_or(Duration::ZERO, |rate| rate.time_of(i));
            let before = users.insert((grant.class, rank), (grant.life, start));
            assert!(before.is_none(), "granted twice in one share");
        }
    }
    users
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_in_every_history(
        capacities in prop::collection::vec(1_u32..5, 0..6),
        equal: bool,
        weights in prop::collection::vec(1_u64..6, 1..4),
        wanted in 1_u32..60,
        rate in 1_u64..30,
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut history = History::new(&capacities, equal, &weights, wanted, rate);
        for step in &steps {
            history.take(step);
        }
        history.take(&Step::Settle);
        history.take(&Step::Join(1));
        history.take(&Step::Settle);
    }
}
