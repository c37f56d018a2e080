//! Which load thread walks which of a worker's lanes, and which users it may start for them. Pure.
//!
//! A lane stays with the thread it came to first, for the whole run: threads hear of an assignment at different moments, so an
//! arrival of a lane that moved between them could be run by both or by neither. For the same reason a thread's users have every
//! n-th number of the worker's range, whose length may change.

use stampede_scenarios::arrivals::LANES;

use crate::engine::arrivals::{LaneGrant, OpenGrant};

/// A worker's lanes on its threads.
#[derive(Debug)]
pub struct LaneDeal {
    threads: usize,
    /// By lane, the thread it came to.
    thread_of: Vec<Option<usize>>,
}

impl LaneDeal {
    /// For `threads` load threads, at least one.
    pub fn new(threads: usize) -> Self {
        Self { threads: threads.max(1), thread_of: vec![None; usize::from(LANES)] }
    }

    /// Deals a worker's part of the open model: `lanes`, and users of the numbers from `first_user` on, `max_users` of them.
    pub fn deal(&mut self, lanes: &[LaneGrant], first_user: u32, max_users: u32) -> Vec<OpenGrant> {
        let mut shares: Vec<Vec<LaneGrant>> = vec![Vec::new(); self.threads];
        let mut new = Vec::new();
        for grant in lanes {
            match self.thread_of.get(usize::from(grant.lane)) {
                Some(Some(thread)) => shares[*thread].push(*grant),
                Some(None) => new.push(*grant),
                None => {}
            }
        }
        for grant in new {
            let known = self.thread_of[usize::from(grant.lane)];
            let least = (0..self.threads).min_by_key(|thread| shares[*thread].len()).unwrap_or(0);
            let thread = known.unwrap_or(least);
            self.thread_of[usize::from(grant.lane)] = Some(thread);
            shares[thread].push(grant);
        }
        let threads = u32::try_from(self.threads).unwrap_or(u32::MAX);
        let grant = |(thread, lanes): (u32, Vec<LaneGrant>)| OpenGrant {
            lanes,
            first_user: first_user.saturating_add(thread),
            step: threads,
            max_users: max_users / threads + u32::from(thread < max_users % threads),
        };
        (0..threads).zip(shares).map(grant).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn whole(lanes: impl Iterator<Item = u16>) -> Vec<LaneGrant> {
        lanes.map(|lane| LaneGrant { lane, from: 0, until: None }).collect()
    }

    #[test]
    fn threads_share_lanes_and_users_and_leave_nothing() {
        let lanes = whole((0..LANES).step_by(3));
        for threads in 1..6 {
            let grants = LaneDeal::new(threads).deal(&lanes, 20, 11);
            let mut dealt: Vec<u16> =
                grants.iter().flat_map(|grant| &grant.lanes).map(|grant| grant.lane).collect();
            dealt.sort_unstable();
            assert!(dealt.into_iter().eq((0..LANES).step_by(3)));
            let counts = || grants.iter().map(|grant| grant.lanes.len());
            assert!(counts().max() <= counts().min().map(|fewest| fewest + 1));
            let mut users: Vec<u32> = grants
                .iter()
                .flat_map(|grant| (0..grant.max_users).map(|nth| grant.first_user + nth * grant.step))
                .collect();
            users.sort_unstable();
            assert!(users.into_iter().eq(20..31));
        }
    }

    #[test]
    fn a_lane_never_moves_between_threads() {
        let mut deal = LaneDeal::new(3);
        let mut seen = HashMap::new();
        let sets = [whole(0..100), whole(50..700), whole(0..20), whole(600..LANES), whole(0..LANES)];
        for lanes in sets {
            for (thread, grant) in deal.deal(&lanes, 0, 9).iter().enumerate() {
                for lane in &grant.lanes {
                    assert_eq!(*seen.entry(lane.lane).or_insert(thread), thread);
                }
            }
        }
        assert_eq!(seen.len(), usize::from(LANES));
    }

    #[test]
    fn both_ends_of_a_lane_stay_together() {
        let ends =
            |lane| [LaneGrant { lane, from: 0, until: Some(7) }, LaneGrant { lane, from: 90, until: None }];
        let lanes: Vec<LaneGrant> = (0..10).flat_map(ends).collect();
        let grants = LaneDeal::new(4).deal(&lanes, 0, 1);
        for grant in grants {
            for lane in &grant.lanes {
                assert_eq!(grant.lanes.iter().filter(|other| other.lane == lane.lane).count(), 2);
            }
        }
    }
}
