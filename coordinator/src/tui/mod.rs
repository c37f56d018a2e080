//! The full-screen terminal UI: the newest [`crate::view::RunView`] comes in through a `watch`, [`Command`]s go out.
//!
//! `key → action → update → draw(&screen, &view)`: `keys` names what a key means, `state` decides without I/O, `layout`
//! deals out the space, one file per panel draws and changes nothing. Only `terminal` and `event_loop` touch the terminal.

mod charts;
mod draw;
mod endpoints;
mod event_loop;
mod failures;
mod footer;
mod header;
mod help;
mod keys;
mod layout;
mod notices;
mod plot;
mod state;
mod table;
mod terminal;
pub(crate) mod text;
mod theme;
mod waiting;
mod workers;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod snapshot_tests;

pub use draw::picture;
pub use event_loop::run;
pub use state::Command;
