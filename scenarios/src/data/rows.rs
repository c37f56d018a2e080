//! The rows that one user has now, and what `${feeder.column}` is in them.

use std::sync::Arc;

use super::pick::{AtEnd, FeederId, FeederPlan, Who};
use super::table::FileRow;
use crate::json::Step;
use crate::template::Encoding;
use crate::value::Value;

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// Of which feeder.
    pub feeder: FeederId,
    /// As it is written, for messages: `accounts.email`.
    pub name: Box<str>,
    /// Whether it is always a text.
    pub(crate) is_text: bool,
    /// The number of its column; `None`: the row itself.
    pub(crate) column: Option<usize>,
    /// From the row, or from the column's cell where columns have numbers, to the value.
    pub(crate) path: Box<[Step]>,
}

/// The rows of one user. One word for a user that has none.
#[derive(Debug, Clone, Default)]
pub struct UserRows(Option<Box<Rows>>);

#[derive(Debug, Clone)]
struct Rows {
    feeders: Arc<[FeederPlan]>,
    /// By the number of the feeder.
    chosen: Box<[Chosen]>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Chosen {
    /// The user's rank among the users of the feeder.
    rank: u64,
    row: Option<u64>,
}

/// A feeder has no row left for a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exhausted {
    /// Which.
    pub feeder: FeederId,
    /// What is to happen; never [`AtEnd::Recycle`].
    pub at_end: AtEnd,
}

impl UserRows {
    /// For the user of `slot`, which uses the feeders `used`. Without any it holds nothing.
    pub fn new(feeders: &Arc<[FeederPlan]>, used: &[FeederId], slot: u64) -> Self {
        if used.is_empty() {
            return Self::default();
        }
        let chosen = (0..).map(FeederId).zip(feeders.iter()).map(|(id, feeder)| {
            let rank = if used.contains(&id) { feeder.rank(slot) } else { 0 };
            Chosen { rank, row: None }
        });
        Self(Some(Box::new(Rows { chosen: chosen.collect(), feeders: Arc::clone(feeders) })))
    }

    /// Chooses its rows of the feeders `which` for what it is about to do.
    ///
    /// # Errors
    /// When one of them has none left: the first such. The others are chosen all the same.
    pub fn choose(&mut self, which: &[FeederId], who: &Who) -> Result<(), Exhausted> {
        let Some(rows) = &mut self.0 else { return Ok(()) };
        let mut chosen = Ok(());
        for id in which {
            let index = id.0 as usize;
            let (Some(own), Some(feeder)) = (rows.chosen.get_mut(index), rows.feeders.get(index)) else {
                continue;
            };
            own.row = feeder.row(*id, own.rank, who);
            if own.row.is_none() && chosen.is_ok() {
                // A user that came on top of those the rows were counted for has none to share with another.
                let at_end = if feeder.at_end == AtEnd::Recycle { AtEnd::StopUser } else { feeder.at_end };
                chosen = Err(Exhausted { feeder: *id, at_end });
            }
        }
        chosen
    }

    /// What templates look at.
    pub fn view(&self) -> RowView<'_> {
        RowView(self.0.as_deref())
    }
}

/// The rows of a user, to look at. Without any there is no value in them.
#[derive(Debug, Clone, Copy, Default)]
pub struct RowView<'a>(Option<&'a Rows>);

impl<'a> RowView<'a> {
    /// What a cell is; `None` if there is no row.
    pub fn value(self, cell: &Cell) -> Option<Value> {
        let (feeder, row) = self.row(cell.feeder)?;
        Some(feeder.table.value(row, cell.column, &cell.path))
    }

    /// Appends what a cell is, written for its place. Whether there is a row.
    pub fn write(self, cell: &Cell, encoding: Encoding, out: &mut String) -> bool {
        let Some((feeder, row)) = self.row(cell.feeder) else { return false };
        feeder.table.write(row, cell.column, &cell.path, encoding, out);
        true
    }

    /// A feeder's row itself; `None` if there is none.
    pub fn value_of(self, feeder: FeederId) -> Option<Value> {
        let (feeder, row) = self.row(feeder)?;
        Some(feeder.table.value(row, None, &[]))
    }

    /// The file that the row of a `files` feeder is.
    pub fn file(self, feeder: FeederId) -> Option<&'a FileRow> {
        let (feeder, row) = self.row(feeder)?;
        feeder.table.file(row)
    }

    fn row(self, feeder: FeederId) -> Option<(&'a FeederPlan, u64)> {
        let (rows, index) = (self.0?, feeder.0 as usize);
        Some((rows.feeders.get(index)?, rows.chosen.get(index)?.row?))
    }
}
