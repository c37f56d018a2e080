//! Data feeders: tables of rows, and which row a user has in which iteration.
//!
//! A table is read once per process and shared; a row is a place in it, found by arithmetic from who asks. Reading `data:` of a
//! scenario is the compiler's business (`compile/data.rs`), opening files that of `files.rs`.

mod cells;
mod csv;
mod describe;
mod pattern;
mod pick;
mod ranks;
mod rows;
mod shuffle;
mod table;

pub use cells::CellKind;
pub(crate) use describe::{describe, files_of_rows};
pub(crate) use pattern::{Part, is_shown};
pub use pattern::{Pattern, PatternError};
pub use pick::{AtEnd, ClassFeeders, FeederId, FeederPlan, RowOrder, Who};
pub use ranks::UserRanks;
pub use rows::{Cell, Exhausted, RowView, UserRows};
pub use table::{Column, FileRow, Table, TableError};
