//! Which row of a feeder a user has: arithmetic over who asks, the same on every worker.
//!
//! - `unique`: the row of the user's rank among all users of the feeder, for all its lives. In the open model, where users are
//!   made as arrivals need them, it is the user's number.
//! - `sequential`, `shuffled`: position m = iteration · users + rank, with the users of the feeder at the profile's peak; in the
//!   open model the number of the arrival among those of the classes that use the feeder. Sequential takes row m, shuffled the
//!   row at place m of an order that is drawn anew for each round through the table.
//! - `random`: drawn for each iteration, from a stream of its own.
//!
//! With 3 users and 5 rows, `sequential` gives user 1 the rows 1, 4, 2 (position 7, recycled), 0, …

use std::sync::Arc;

use super::ranks::UserRanks;
use super::shuffle::shuffled;
use super::table::Table;
use crate::draw::Draw;
use crate::plan::Place;

/// Index into [`Plan::feeders`](crate::plan::Plan::feeders).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FeederId(pub u32);

/// In which order rows are given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RowOrder {
    /// A row for each user, for its life, never in two hands at once.
    Unique,
    /// One after the other over all iterations of the test.
    #[default]
    Sequential,
    /// Any, for each iteration.
    Random,
    /// Likewise to sequential, each round in an order of its own.
    Shuffled,
}

impl RowOrder {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unique => "unique",
            Self::Sequential => "sequential",
            Self::Random => "random",
            Self::Shuffled => "shuffled",
        }
    }
}

/// What happens when all rows have been used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AtEnd {
    /// It begins anew.
    #[default]
    Recycle,
    /// The user that finds no row ends, and its slot stays empty.
    StopUser,
    /// The run ends.
    StopRun,
}

/// A feeder: a table, and how its rows are given out.
#[derive(Debug, Clone)]
pub struct FeederPlan {
    /// Its name in the file.
    pub name: String,
    /// What its rows come from, in words: `users.csv`.
    pub origin: String,
    /// In which order.
    pub order: RowOrder,
    /// What happens behind the last row.
    pub at_end: AtEnd,
    /// The rows; at least one.
    pub table: Arc<Table>,
    /// The users of the classes that use it, counted; arrivals likewise.
    pub ranks: UserRanks,
    /// How many users use it at the peak; in the open model as many as there may be. At least 1.
    pub users: u64,
    /// Whether arrivals are what makes iterations.
    pub is_open: bool,
    /// Where it stands.
    pub place: Place,
}

/// The feeders of a class.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClassFeeders {
    /// All of them, in ascending order: a user has a row of each from its beginning.
    pub all: Vec<FeederId>,
    /// Those that tasks use: each iteration has a row of them, anew unless they are `unique`.
    pub tasks: Vec<FeederId>,
}

/// Who asks for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    /// The run seed.
    pub seed: u64,
    /// The slot of the user.
    pub slot: u64,
    /// Which of the slot's users it is.
    pub life: u32,
    /// The user's iteration, from 0.
    pub iteration: u64,
    /// The arrival that the iteration runs; `None` in the closed model and in `on_start` and `on_stop`.
    pub arrival: Option<u64>,
}

impl FeederPlan {
    /// The rank of the user of `slot` among the users of the feeder.
    pub fn rank(&self, slot: u64) -> u64 {
        if self.is_open { slot } else { self.ranks.before(slot) }
    }

    /// The row of a user of this rank; `None` behind the last one. `id` is the feeder's own number.
    pub fn row(&self, id: FeederId, rank: u64, who: &Who) -> Option<u64> {
        let rows = self.table.len();
        let position = || match who.arrival {
            Some(number) => self.ranks.before(number),
            None => who.iteration.saturating_mul(self.users).saturating_add(rank),
        };
        match self.order {
            RowOrder::Unique => (rank < rows).then_some(rank),
            RowOrder::Random => {
                let mut draw = match who.arrival {
                    Some(number) => Draw::arrival_row(who.seed, number, id.0),
                    None => Draw::row(who.seed, who.slot, who.life, who.iteration, id.0),
                };
                let last = i64::try_from(rows.checked_sub(1)?).unwrap_or(i64::MAX);
                u64::try_from(draw.int(0, last)).ok()
            }
            RowOrder::Sequential => self.within(position()).map(|(_, row)| row),
            RowOrder::Shuffled => {
                let (round, index) = self.within(position())?;
                Some(shuffled(index, rows, &mut Draw::shuffle(who.seed, id.0, round)))
            }
        }
    }

    /// A position as round and place in it; `None` where there is only one round and this is beyond it.
    fn within(&self, position: u64) -> Option<(u64, u64)> {
        let rows = self.table.len();
        let (round, index) = (position.checked_div(rows)?, position.checked_rem(rows)?);
        (round == 0 || self.at_end == AtEnd::Recycle).then_some((round, index))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::sequence::{ClassSequence, ClassShare};
    use crate::value::Value;

    fn feeder(rows: i64, order: RowOrder, at_end: AtEnd, sequence: &ClassSequence, users: u64) -> FeederPlan {
        let of: Vec<bool> = (0..sequence.classes()).map(|class| class != 1).collect();
        let ranks = UserRanks::new(sequence, &of);
        FeederPlan {
            name: "f".into(),
            origin: "a list".into(),
            order,
            at_end,
            table: Arc::new(Table::list((0..rows).map(Value::Int).collect())),
            users: ranks.before(users).max(1),
            ranks,
            is_open: false,
            place: Place::default(),
        }
    }

    fn one_class() -> ClassSequence {
        ClassSequence::new(&[ClassShare::Weight(1)])
    }

    fn who(slot: u64, iteration: u64) -> Who {
        Who { seed: 7, slot, life: 0, iteration, arrival: None }
    }

    #[test]
    fn sequential_goes_through_the_table_and_begins_anew() {
        let sequential = feeder(5, RowOrder::Sequential, AtEnd::Recycle, &one_class(), 3);
        let of_user_1: Vec<_> = (0..4).map(|i| sequential.row(FeederId(0), 1, &who(1, i))).collect();
        assert_eq!(of_user_1, [Some(1), Some(4), Some(2), Some(0)]);
        let once = FeederPlan { at_end: AtEnd::StopUser, ..sequential };
        let of_user_1: Vec<_> = (0..3).map(|i| once.row(FeederId(0), 1, &who(1, i))).collect();
        assert_eq!(of_user_1, [Some(1), Some(4), None]);
    }

    #[test]
    fn a_unique_row_is_kept_for_all_lives_and_iterations() {
        let unique = feeder(3, RowOrder::Unique, AtEnd::StopUser, &one_class(), 3);
        for (life, iteration) in [(0, 0), (4, 0), (1, 99)] {
            let who = Who { life, iteration, ..who(2, 0) };
            assert_eq!(unique.row(FeederId(0), unique.rank(2), &who), Some(2));
        }
        assert_eq!(unique.row(FeederId(0), unique.rank(3), &who(3, 0)), None);
    }

    #[test]
    fn random_rows_and_shuffled_orders_never_change() {
        let random = feeder(1000, RowOrder::Random, AtEnd::Recycle, &one_class(), 3);
        let rows: Vec<_> = (0..4).filter_map(|i| random.row(FeederId(2), 1, &who(1, i))).collect();
        let shuffled = FeederPlan { order: RowOrder::Shuffled, ..random };
        let in_order: Vec<_> = (0..4).filter_map(|i| shuffled.row(FeederId(2), 1, &who(1, i))).collect();
        assert_eq!((rows, in_order), (vec![401, 777, 356, 423], vec![394, 239, 265, 274]));
        let arrival = Who { arrival: Some(5), ..who(9, 9) };
        assert_eq!(shuffled.row(FeederId(2), 9, &arrival), shuffled.row(FeederId(2), 5, &who(5, 0)));
    }

    proptest! {
        #[test]
        fn each_round_gives_every_row_once(
            rows in 1_i64..60, users in 1_u64..20, shuffled in any::<bool>(), seed in any::<u64>(),
        ) {
            let order = if shuffled { RowOrder::Shuffled } else { RowOrder::Sequential };
            let feeder = feeder(rows, order, AtEnd::Recycle, &one_class(), users);
            let count = u64::try_from(rows).expect("positive");
            let mut rounds = vec![HashSet::new(); 3];
            for position in 0..3 * count {
                let (slot, iteration) = (position % users, position / users);
                let row = feeder.row(FeederId(0), feeder.rank(slot), &Who { seed, ..who(slot, iteration) });
                let round = usize::try_from(position / count).expect("small");
                rounds[round].insert(row.expect("there is one"));
            }
            prop_assert!(rounds.iter().all(|round| round.len() as u64 == count));
        }

        /// However slots are dealt: a row follows from the slot alone, and no two slots of users of the feeder have the same.
        #[test]
        fn no_unique_row_has_two_users(weights in proptest::collection::vec(1_u64..9, 1..5), users in 1_u64..200) {
            let shares: Vec<ClassShare> = weights.into_iter().map(ClassShare::Weight).collect();
            let sequence = ClassSequence::new(&shares);
            let feeder = feeder(200, RowOrder::Unique, AtEnd::Recycle, &sequence, users);
            let mine = sequence.iter().take(usize::try_from(users).expect("small")).filter(|slot| slot.class != 1);
            let rows: Vec<u64> = mine
                .filter_map(|slot| feeder.row(FeederId(0), feeder.rank(slot.slot), &who(slot.slot, 3)))
                .collect();
            prop_assert!(rows.iter().copied().eq(0..rows.len() as u64), "{:?}", rows);
        }
    }
}
