//! Lines that `log` steps write: so many a second on a load thread, so that a test of thousands of users is not about its log.

use std::cell::Cell;
use std::time::Duration;

use tracing::info;

/// The target of these lines: they are shown where the log shows only warnings, too.
const LOG_TARGET: &str = "scenario";

/// Lines a second.
const LINES: u32 = 20;

/// Longest line, in bytes.
const LONGEST: usize = 2000;

/// What a thread's users have written.
#[derive(Debug, Default)]
pub(super) struct LogLines {
    second: Cell<u64>,
    /// Written in this second.
    written: Cell<u32>,
    /// Left out since somebody was told of that.
    left_out: Cell<u64>,
}

impl LogLines {
    /// Writes a line at run time `now`, unless there were too many in its second.
    pub(super) fn say(&self, now: Duration, class: &str, task: &str, text: &str) {
        self.look(now);
        if self.written.get() == LINES {
            self.left_out.set(self.left_out.get() + 1);
            return;
        }
        self.written.set(self.written.get() + 1);
        let mut end = text.len().min(LONGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        info!(target: LOG_TARGET, "{class}, {task}: {}", clean(&text[..end]));
    }

    /// Time has passed: says how many lines were left out.
    pub(super) fn look(&self, now: Duration) {
        if self.second.replace(now.as_secs()) == now.as_secs() {
            return;
        }
        self.written.set(0);
        let left_out = self.left_out.take();
        if left_out > 0 {
            info!(
                target: LOG_TARGET,
                "{left_out} more lines of `log` steps were left out: a load thread writes {LINES} a second"
            );
        }
    }
}

/// Without what moves the cursor of whoever reads it.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_lines_and_the_rest_is_counted() {
        let lines = LogLines::default();
        let at = Duration::from_millis;
        for _ in 0..50 {
            lines.say(at(1500), "v", "t", "x");
        }
        assert_eq!((lines.written.get(), lines.left_out.get()), (LINES, 30));
        lines.look(at(1900));
        assert_eq!(lines.left_out.get(), 30, "they are told of with the next second");
        lines.say(at(2000), "v", "t", "x");
        assert_eq!((lines.written.get(), lines.left_out.get()), (1, 0));
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(clean("a\nb\u{1b}[2Jc\u{fc}"), "a b [2Jc\u{fc}");
        // A long one is cut between two characters.
        LogLines::default().say(Duration::ZERO, "v", "t", &"\u{fc}".repeat(LONGEST));
    }
}
