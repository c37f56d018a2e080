//! Two saved runs side by side: what changed, and whether that is more than noise.
//!
//! Two [`Report`](crate::report::Report)s come in, a [`Comparison`] goes out; `text` makes it readable. Pure:
//! the resampling takes its randomness from a fixed seed, so that the same two files always give the same answer. How
//! it decides, and why, is in `docs/design/compare.md`.

mod change;
mod course;
mod fit;
mod noise;
mod quantile;
#[cfg(test)]
mod tests;
mod text;
mod whole;

pub use change::{Change, Judgement, Metric};
pub use fit::{Unlike, unlike};
pub use text::{markdown, stdout};
pub use whole::{Comparison, RowChange, compare};
