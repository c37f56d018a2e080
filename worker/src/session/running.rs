//! What there is of a test while its engine runs: users on threads, intervals that come back from them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use stampede_proto::assign::{Assign, Grant, OpenShare};
use stampede_scenarios::sequence::SlotIndex;
use stampede_stats::collect::Collector;
use stampede_stats::interval::Interval;
use tokio::sync::mpsc;

use super::Settings;
use super::room::Room;
use super::share::{Assigned, Share};
use crate::engine::arrivals::LaneGrant;
use crate::engine::prepared::Prepared;
use crate::engine::{Command, Engine, Event, StopWish};
use crate::lanes::LaneDeal;
use crate::outbox::Outbox;
use crate::permits::IterationPool;
use crate::slots::SlotGrant;

/// What there is while the engine runs.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) prepared: Arc<Prepared>,
    pub(super) engine: Engine,
    pub(super) events: mpsc::Receiver<Event>,
    pub(super) pool: Option<Arc<IterationPool>>,
    collector: Collector,
    pub(super) ended: usize,
    pub(super) share: Share,
    /// Run time since which its assignment has been empty, but for the last arrivals of lanes that go to others.
    pub(super) empty_since: Option<Duration>,
    lanes: LaneDeal,
    /// Why users want the run to end.
    pub(super) stop_wish: Option<StopWish>,
    /// From class and rank to the slot, of so many slots.
    index: Option<(u32, SlotIndex)>,
}

impl Running {
    pub(super) fn new(
        prepared: Arc<Prepared>,
        engine: Engine,
        events: mpsc::Receiver<Event>,
        pool: Option<Arc<IterationPool>>,
    ) -> Self {
        let threads = engine.threads();
        Self {
            prepared,
            engine,
            events,
            pool,
            collector: Collector::new(threads),
            ended: 0,
            share: Share::new(threads),
            empty_since: None,
            lanes: LaneDeal::new(threads),
            stop_wish: None,
            index: None,
        }
    }

    pub(super) fn take(&mut self, thread: usize, mut interval: Box<Interval>, outbox: &mut Outbox) {
        self.collector.add(thread, &interval);
        interval.reset(0, 0);
        self.engine.give_back(thread, interval);
        self.collect(outbox);
    }

    /// `thread` has ended: the others' last seconds do not wait for it.
    pub(super) fn end(&mut self, thread: usize, outbox: &mut Outbox) {
        self.collector.end(thread);
        self.collect(outbox);
    }

    /// Passes on what is whole by now.
    fn collect(&mut self, outbox: &mut Outbox) {
        while let Some(snapshot) = self.collector.next_complete() {
            outbox.push(snapshot);
        }
    }

    pub(super) async fn assign(&mut self, assign: Assign, settings: &Settings) -> Result<(), String> {
        let users = self.users(&assign)?;
        let threads = self.engine.threads();
        let room = Room { prepared: &self.prepared, threads, settings };
        if let Err(shortage) = room.holds(users.values().map(|user| user.grant.class), assign.open.as_ref()) {
            if self.share.is_new() {
                return Err(shortage.to_string());
            }
            // A run that is under way is not ended for users somebody asked for by hand.
            (settings.say)(&format!("more users than there is room for: {shortage}"));
        }
        let Assign { revision, cut, .. } = assign;
        let steer = assign.steer;
        let shares = self.share.lay(revision, &users);
        let profile = Arc::new(assign.profile);
        let open =
            assign.open.map(|share| self.lanes.deal(&lanes(&share), share.first_user, share.max_users));
        let grant = |thread: usize| open.as_ref().and_then(|grants| grants.get(thread).cloned());
        self.engine
            .command(|thread| Command::Assign {
                revision,
                profile: Arc::clone(&profile),
                grants: shares[thread].clone(),
                open: grant(thread),
                cut,
                steer: steer.clone(),
            })
            .await;
        Ok(())
    }

    /// The users of an assignment by slot, each with its rank.
    fn users(&mut self, assign: &Assign) -> Result<BTreeMap<u32, Assigned>, String> {
        let peak = assign.profile.peak();
        if self.index.as_ref().is_none_or(|(known, _)| *known < peak) {
            // It takes a while for a million users; later assignments mostly find it there.
            self.index = Some((peak, self.prepared.plan.load.sequence.index(peak)));
        }
        let Some((_, index)) = &self.index else { return Ok(BTreeMap::new()) };
        let mut users = BTreeMap::new();
        for grant in &assign.grants {
            for (nth, rank) in grant.ranks.iter().enumerate() {
                let slot = index
                    .slot_of(grant.class, rank)
                    .and_then(|slot| u32::try_from(slot).ok())
                    .ok_or_else(|| format!("class {} has no user {rank}", grant.class))?;
                let not_before = not_before(grant, nth);
                let grant = SlotGrant { slot, class: grant.class, life: grant.life, not_before };
                users.insert(slot, Assigned { rank, grant });
            }
        }
        Ok(users)
    }
}

fn lanes(share: &OpenShare) -> Vec<LaneGrant> {
    let lanes = share.lanes.iter().flat_map(|share| {
        let lanes = share.lanes.iter().filter_map(|lane| u16::try_from(lane).ok());
        lanes.map(|lane| LaneGrant { lane, from: share.from, until: share.until })
    });
    lanes.collect()
}

fn not_before(grant: &Grant, nth: usize) -> Duration {
    let later = grant.rate.map_or(Duration::ZERO, |rate| rate.time_of(nth as u64));
    // A coordinator may name any rate; what lies beyond all time never comes.
    grant.from.saturating_add(later)
}

#[cfg(test)]
mod tests {
    use stampede_scenarios::ranks::RankSet;
    use stampede_scenarios::rate::Rate;

    use super::*;

    #[test]
    fn a_start_beyond_all_time_never_comes() {
        let grant = Grant {
            class: 0,
            ranks: RankSet::from_sorted(vec![0, 1]),
            life: 0,
            from: Duration::from_secs(3),
            rate: Rate::new(1, u64::MAX),
        };
        assert_eq!(not_before(&grant, 0), Duration::from_secs(3));
        assert_eq!(not_before(&grant, usize::MAX), Duration::MAX);
    }
}
