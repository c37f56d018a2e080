//! A user's life in the open model: it runs the arrivals that it is handed, and nothing of its own in between.

use std::rc::Rc;
use std::time::Duration;

use stampede_scenarios::draw::Draw;

use super::arrivals::Handed;
use super::guard::IterationGuard;
use super::program::Then;
use super::scope::{Drawn, Of};
use super::user::{Begun, User};
use super::{StopWish, order};
use crate::http::HttpClient;

impl<C: HttpClient> User<C> {
    /// Lives in the open model: runs the arrivals it is handed. Dropped before its end, it books what was under way as
    /// cancelled.
    pub(super) async fn serve(mut self: Box<Self>) {
        let context = Rc::clone(&self.context);
        let class = usize::from(self.grant.class);
        let (plan, steps) = (&context.prepared.plan.classes[class], &context.prepared.classes[class]);
        let born = context.clock.now();
        // Rows are used up by arrivals, not by users: one that has none for `on_start` does without.
        let _ = self.pick_rows(&plan.feeders.all, None);
        let mut then = self.lifecycle(plan, &steps.on_start, false).await;
        let mut ready = Some(context.clock.now());
        let mut has_arrived = false;
        loop {
            match then {
                Then::GoOn => {}
                Then::RestartUser => {
                    if !Box::pin(self.begin_anew(plan)).await {
                        return;
                    }
                    then = self.lifecycle(plan, &steps.on_start, false).await;
                    continue;
                }
                Then::StopUser => {
                    self.signals.has_left.set(true);
                    break;
                }
                // Others go on until everybody is told to finish.
                Then::StopRun => context.wish_stop(StopWish::Scenario),
            }
            if has_arrived {
                context.push_free(self.grant.class, self.grant.slot);
            }
            let Some(Handed { number, nth, due, part }) = self.signals.next_arrival().await else { break };
            has_arrived = true;
            // What the first arrival had to wait for `on_start` is the user's business, not the target's.
            let apart = ready.take().map_or(Duration::ZERO, |ready| ready.saturating_sub(born.max(due)));
            let guard = IterationGuard::take_over(&context, part);
            // There are rows, or the arrival would have been dropped.
            let _ = self.pick_rows(&plan.feeders.tasks, Some(number));
            let seed = context.prepared.plan.seed;
            let (mut draw, think) = (Draw::arrival(seed, number), Draw::arrival_think(seed, number));
            let round = |round| Draw::arrival_round(seed, self.grant.class, round);
            let task = order::task(plan, steps, nth, &mut draw, round);
            let drawn = Drawn { draw, think, of: Of::Arrival(number) };
            let mut begun = Begun { guard: Some(guard), drawn, task };
            then = self.pass(&context, plan, steps, &mut begun, Some(due + apart)).await.then;
            self.iteration += 1;
        }
        self.lifecycle(plan, &steps.on_stop, true).await;
    }
}
