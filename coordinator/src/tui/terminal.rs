//! Takes the terminal and gives it back, whatever happens in between.
//!
//! [`Guard`] puts it into raw mode and on the alternate screen; dropping it undoes as much as was done, also when set-up
//! failed halfway. A panic on any thread undoes it first, so that its message can be read, and ends the screen for good:
//! nothing draws over the message. The hook stands before the terminal is touched.

use std::io;
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use crossterm::cursor::{Hide, Show};
use crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use crossterm::execute;
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};

/// Nothing was changed.
const UNTOUCHED: u8 = 0;
/// Keys come one by one, Ctrl-C as a key.
const RAW: u8 = 1;
/// And the alternate screen is shown.
const SCREEN: u8 = 2;

/// What is to be undone. A static, because a panic hook sees nothing else; there is one terminal.
static DONE: AtomicU8 = AtomicU8::new(UNTOUCHED);
/// A panic gave the terminal back.
static PANICKED: AtomicBool = AtomicBool::new(false);
/// The terminal tells what the mouse does.
static MOUSE: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// Holds the terminal; gives it back when dropped.
#[derive(Debug)]
pub(super) struct Guard(());

impl Guard {
    /// Takes the terminal.
    ///
    /// # Errors
    ///
    /// What the terminal said; it is as before then.
    pub(super) fn enter() -> io::Result<Self> {
        HOOK.call_once(install_hook);
        PANICKED.store(false, Ordering::SeqCst);
        enable_raw_mode()?;
        DONE.store(RAW, Ordering::SeqCst);
        // From here on every way out passes the guard.
        let guard = Self(());
        DONE.store(SCREEN, Ordering::SeqCst);
        execute!(io::stdout(), EnterAlternateScreen, Hide)?;
        Ok(guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Whether a panic has taken the screen away.
pub(super) fn is_lost() -> bool {
    PANICKED.load(Ordering::SeqCst)
}

/// Leaves raw mode but not the screen: where keys cannot be read, Ctrl-C must become a signal again.
pub(super) fn cook() {
    if DONE.load(Ordering::SeqCst) != UNTOUCHED {
        // Without a terminal that answers there is nothing left to try.
        let _ = disable_raw_mode();
    }
}

/// Has the terminal tell what the mouse does, or leaves it to the terminal, which marks text with it.
///
/// # Errors
/// What the terminal said.
pub(super) fn take_mouse(take: bool) -> io::Result<()> {
    if DONE.load(Ordering::SeqCst) != SCREEN {
        return Ok(());
    }
    MOUSE.store(take, Ordering::SeqCst);
    if take {
        execute!(io::stdout(), EnableMouseCapture)
    } else {
        execute!(io::stdout(), DisableMouseCapture)
    }
}

fn install_hook() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if restore() {
            PANICKED.store(true, Ordering::SeqCst);
        }
        before(info);
    }));
}

/// Undoes what was done, once. Errors are left alone: this runs while something worse may be going on.
fn restore() -> bool {
    let done = DONE.swap(UNTOUCHED, Ordering::SeqCst);
    if MOUSE.swap(false, Ordering::SeqCst) {
        let _ = execute!(io::stdout(), DisableMouseCapture);
    }
    if done == SCREEN {
        let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    }
    if done != UNTOUCHED {
        let _ = disable_raw_mode();
    }
    done != UNTOUCHED
}
