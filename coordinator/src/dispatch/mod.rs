//! Who runs which slot and which lane, over a whole run: workers join, leave, are lost and come back.
//!
//! Pure: time comes as a [`Moment`], what workers say as [`follows`](Dispatch::follows), and out come [`Share`]s. Three rules
//! carry it. A slot never moves at once: it is taken back, its owner says that it is released, then it is granted anew. Of the
//! slots that run, only those of a worker that is gone move; a join takes no more than evenness asks for. What is taken over
//! starts at the spawn rate.

mod deal;
mod even;
mod lanes;
mod level;
mod members;
mod seats;
mod shares;
mod slots;
mod takeover;

#[cfg(test)]
mod history_tests;
#[cfg(test)]
mod lanes_tests;
#[cfg(test)]
mod tests;

pub use lanes::{Arriving, Lanes};
pub use seats::Seat;
pub use shares::Share;
pub use slots::{Counts, Dispatch, Moment};
