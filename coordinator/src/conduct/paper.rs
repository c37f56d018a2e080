//! What a run's task does about its journal: what is on disk may be said, and a journal that cannot be written is given up.

use std::io;

use super::Conductor;
use crate::run::input::Input;

impl Conductor {
    /// A record is on disk, or will never be.
    pub(super) fn written(&mut self, written: io::Result<()>) {
        if let Err(error) = written {
            return self.break_off(&error);
        }
        let now = self.now();
        let Some(journal) = &mut self.journal else { return };
        let released = journal.released();
        journal.write_if_due(now);
        for outgoing in released {
            self.send(outgoing);
        }
    }

    /// A test that runs for hours is worth more than the chance to resume it: it goes on without its journal.
    fn break_off(&mut self, error: &io::Error) {
        let Some(journal) = self.journal.take() else { return };
        let released = journal.break_off();
        let second = self.run.started().map_or(0, |start| self.now().saturating_sub(start).as_secs());
        let text = format!(
            "the journal cannot be written since second {second} ({error}); the test goes on and cannot be resumed"
        );
        self.handle(Input::Noted { text });
        for outgoing in released {
            self.send(outgoing);
        }
    }

    /// The end is written down before it is told.
    pub(super) async fn settle(&mut self) {
        let Some(journal) = &mut self.journal else { return };
        let settled = journal.settle().await;
        self.written(settled);
    }
}
