//! The rows of feeders that a user has: chosen before each thing it does, by arithmetic from who it is.
//!
//! Which row that is says `stampede_scenarios::data`. Here is what follows when there is none left.

use stampede_scenarios::data::{AtEnd, FeederId, Who};

use super::StopWish;
use super::context::Context;
use super::program::Then;
use super::user::User;
use crate::http::HttpClient;

impl<C: HttpClient> User<C> {
    /// Chooses its rows of the feeders `which` for its next iteration. What is to follow: where there is no row left, the user
    /// or the run ends.
    pub(super) fn choose_rows(&mut self, which: &[FeederId]) -> Then {
        match self.pick_rows(which, None) {
            Ok(()) => Then::GoOn,
            Err(AtEnd::StopRun) => {
                self.context.wish_stop(StopWish::Data);
                Then::StopRun
            }
            Err(AtEnd::Recycle | AtEnd::StopUser) => {
                self.signals.has_left.set(true);
                Then::StopUser
            }
        }
    }

    /// Chooses its rows of the feeders `which`, for `arrival` where that is what it runs.
    ///
    /// # Errors
    /// When there is none left of one of them.
    pub(super) fn pick_rows(&mut self, which: &[FeederId], arrival: Option<u64>) -> Result<(), AtEnd> {
        if which.is_empty() {
            return Ok(());
        }
        let (seed, slot, life) = self.seed();
        let iteration = self.signals.rows_from.get() + self.iteration;
        let who = Who { seed, slot, life, iteration, arrival };
        self.rows.choose(which, &who).map_err(|none| none.at_end)
    }
}

impl Context {
    /// Whether arrival `number` of a class finds rows of all feeders that its tasks use. Where that is to end the run, it is
    /// wished here.
    pub(super) fn has_rows(&self, class: u16, number: u64) -> bool {
        let plan = &self.prepared.plan;
        let Some(class) = plan.classes.get(usize::from(class)) else { return true };
        // Who it is does not matter to the rows of arrivals, and those of users are there as long as they live.
        let who = Who { seed: plan.seed, slot: 0, life: 0, iteration: 0, arrival: Some(number) };
        let mut feeders =
            class.feeders.tasks.iter().filter_map(|id| Some((*id, plan.feeders.get(id.0 as usize)?)));
        let Some((_, none)) = feeders.find(|(id, feeder)| feeder.row(*id, 0, &who).is_none()) else {
            return true;
        };
        if none.at_end == AtEnd::StopRun {
            self.wish_stop(StopWish::Data);
        }
        false
    }
}
