//! Whole reports, from samples to text.
//!
//! Small pieces are tested beside their code; here stands what only shows when everything is put together.

mod files;
pub(crate) mod fixtures;
mod formats;
mod html;
mod properties;
mod snapshots;
mod traced;
