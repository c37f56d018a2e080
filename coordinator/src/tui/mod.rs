//! The full-screen terminal UI: the newest [`crate::view::RunView`] comes in through a `watch`, wishes of the person go out.
//!
//! `key → action → update → draw(&screen, &view)`: `keys` names what a key means, `state` decides without I/O, `layout`
//! deals out the space, one file per panel draws and changes nothing. Only `terminal` and `event_loop` touch the terminal.
//! Nothing here knows where the views come from: the same screen shows a run of this process and one of another ([`Mode`]).

mod action;
mod alarms;
mod charts;
mod detail;
mod distribution;
mod draw;
mod endpoints;
mod event_loop;
mod failures;
mod footer;
mod header;
mod help;
mod keys;
mod layout;
mod load;
mod log;
mod order;
mod phases;
mod plot;
mod state;
mod strip;
mod table;
mod tabs;
mod terminal;
pub(crate) mod text;
mod theme;
mod thresholds;
mod waiting;
mod workers;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod snapshot_tests;

pub use action::Mode;
pub use draw::picture;
pub use event_loop::{Setup, run};
pub use theme::Theme;
