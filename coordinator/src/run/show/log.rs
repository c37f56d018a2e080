//! What happened, line by line, with its run time: for the screen. Bounded; the oldest lines go, those that are only lines first.

use std::collections::VecDeque;
use std::time::Duration;

use crate::run::input::Effect;
use crate::run::state::Run;
use crate::view::{LogKind, LogRow, Phase};

/// Lines kept.
const MAX_LINES: usize = 500;

/// The lines.
#[derive(Debug, Default)]
pub(in crate::run) struct RunLog {
    rows: VecDeque<LogRow>,
    changed: bool,
}

impl RunLog {
    /// Adds a line.
    pub(in crate::run) fn push(&mut self, at: Duration, kind: LogKind, text: String) {
        if self.rows.len() == MAX_LINES {
            // A talkative scenario does not drive out what happened to the run.
            let plain = self.rows.iter().position(|row| row.kind == LogKind::Line);
            self.rows.remove(plain.unwrap_or(0));
        }
        self.rows.push_back(LogRow { at, kind, text });
        self.changed = true;
    }

    /// All of it, if anything has been added since it was asked for last.
    pub(super) fn changed(&mut self) -> Option<Vec<LogRow>> {
        std::mem::take(&mut self.changed).then(|| self.rows.iter().cloned().collect())
    }
}

impl Run {
    /// A line of this process's own log, for the screen.
    pub fn log_line(&mut self, text: String, now: Duration) {
        self.log.push(self.run_time(now), LogKind::Line, text);
        self.shown.mark();
    }

    /// Writes down what has come of an input: the lines for the log, and the phase where that is another than `before`.
    pub(in crate::run) fn keep_log(&mut self, before: Phase, effects: &[Effect], now: Duration) {
        let at = self.run_time(now);
        for effect in effects {
            if let Effect::Log(text) = effect {
                let noticed = self.notices.iter().rev().take(effects.len()).any(|notice| notice == text);
                let kind = if noticed { LogKind::Notice } else { LogKind::Line };
                self.log.push(at, kind, text.clone());
            }
        }
        if self.phase != before {
            self.log.push(at, LogKind::Phase, self.phase.as_str().to_owned());
            self.shown.mark();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_lines_go_and_nothing_is_copied_while_nothing_comes() {
        let mut log = RunLog::default();
        assert_eq!(log.changed(), None);
        log.push(Duration::ZERO, LogKind::Notice, "kept".to_owned());
        for n in 0..MAX_LINES + 3 {
            log.push(Duration::from_secs(1), LogKind::Line, n.to_string());
        }
        let rows = log.changed().expect("new lines");
        assert_eq!((rows.len(), rows[0].text.as_str(), rows[1].text.as_str()), (MAX_LINES, "kept", "4"));
        assert_eq!(log.changed(), None);
    }
}
