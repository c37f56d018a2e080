//! What a measurement is: samples become intervals, intervals become deltas, deltas become totals and a timeline.
//!
//! Pure: instants are run time handed in by the caller, nothing reads a clock. **Percentiles come only from histograms, and
//! only histograms merge**; no function here takes two percentiles.

mod buckets;
pub mod collect;
pub mod counts;
pub mod endpoint;
pub mod histogram;
pub mod interval;
pub mod names;
pub mod outcome;
pub mod packed;
pub mod point_times;
pub mod recorder;
mod sample;
pub mod snapshot;
pub mod statuses;
pub mod timeline;
pub mod totals;
