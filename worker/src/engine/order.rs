//! Which task comes next, where that is not drawn by weight anew each time.

use stampede_scenarios::draw::Draw;
use stampede_scenarios::plan::{ClassPlan, TaskOrder};

use super::prepared::PreparedClass;

/// The task of an iteration that is the `nth`, from 0, of those that go through the tasks together: a user's own, in the open
/// model the arrivals of its class. `draw` is the iteration's generator, `round` makes that of a round.
pub(super) fn task(
    plan: &ClassPlan,
    class: &PreparedClass,
    nth: u64,
    draw: &mut Draw,
    round: impl FnOnce(u64) -> Draw,
) -> usize {
    let tasks = &class.in_turn;
    let count = tasks.len().max(1) as u64;
    let at = usize::try_from(nth % count).unwrap_or(0);
    match plan.order {
        TaskOrder::Weighted => plan.task_table.sample(draw),
        TaskOrder::Sequential => tasks.get(at).copied().unwrap_or(0),
        TaskOrder::Shuffled => shuffled(tasks, at, round(nth / count)),
    }
}

/// What stands at `at` when `tasks` are shuffled: Fisher and Yates as far as that.
fn shuffled(tasks: &[usize], at: usize, mut draw: Draw) -> usize {
    let mut tasks = tasks.to_vec();
    for place in 0..=at.min(tasks.len().saturating_sub(1)) {
        let left = i64::try_from(tasks.len() - place).unwrap_or(1);
        let other = place + usize::try_from(draw.int(0, left - 1)).unwrap_or(0);
        tasks.swap(place, other);
    }
    tasks.get(at).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_round_has_every_task_once_and_all_orders_are_as_likely() {
        let mut seen: BTreeMap<Vec<usize>, u32> = BTreeMap::new();
        for round in 0..6000 {
            let order: Vec<_> =
                (0..3).map(|at| shuffled(&[1, 2, 5], at, Draw::round(7, 3, 0, round))).collect();
            *seen.entry(order).or_default() += 1;
        }
        assert_eq!(seen.len(), 6, "{seen:?}");
        for (order, count) in seen {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, [1, 2, 5]);
            assert!(count.abs_diff(1000) < 150, "{order:?} came {count} times");
        }
    }
}
