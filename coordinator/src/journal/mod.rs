//! The journal of a run: everything its state was told, in order, on disk, so that another process can go on with it.
//!
//! `docs/design/journal.md` has the reasons. In: what the conductor tells the state. Out: what may be said to workers because
//! the reason for it is on disk; and, after a crash, the state itself.

mod entry;
mod folder;
mod frame;
mod head;
mod ink;
mod replay;

pub use entry::EntryError;
pub use folder::{Folder, FolderError, Opened};
pub use head::{Anchor, Head, HeadError};
pub(crate) use ink::written;
pub use ink::{Journal, Outgoing};
pub use replay::{ReplayError, Replayed};

#[cfg(test)]
mod tests;
