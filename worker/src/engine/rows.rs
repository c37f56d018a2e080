//! The rows of feeders that a user has: chosen before each thing it does, by arithmetic from who it is.
//!
//! Which row that is says `stampede_scenarios::data`. Here is what follows when there is none left.

use stampede_scenarios::data::{AtEnd, FeederId, Who};
use stampede_scenarios::plan::Plan;

use super::user::User;
use crate::http::HttpClient;

impl<C: HttpClient> User<C> {
    /// Chooses its rows of the feeders `which` for its next iteration, of `arrival` where that is one.
    ///
    /// # Errors
    /// When there is none left: whether it or the run is to end.
    pub(super) fn choose_rows(&mut self, which: &[FeederId], arrival: Option<u64>) -> Result<(), AtEnd> {
        if which.is_empty() {
            return Ok(());
        }
        let (seed, slot, life) = self.seed();
        let who = Who { seed, slot, life, iteration: self.iteration, arrival };
        self.rows.choose(which, &who).map_err(|none| none.at_end)
    }
}

/// Whether arrival `number` of a class finds rows of all feeders that its tasks use; else what is to follow.
pub(super) fn for_arrival(plan: &Plan, class: u16, number: u64) -> Result<(), AtEnd> {
    let Some(class) = plan.classes.get(usize::from(class)) else { return Ok(()) };
    // Who it is does not matter to the rows of arrivals, and those of users are there as long as they live.
    let who = Who { seed: plan.seed, slot: 0, life: 0, iteration: 0, arrival: Some(number) };
    for id in &class.feeders.tasks {
        let Some(feeder) = plan.feeders.get(id.0 as usize) else { continue };
        if feeder.row(*id, 0, &who).is_none() {
            return Err(feeder.at_end);
        }
    }
    Ok(())
}
