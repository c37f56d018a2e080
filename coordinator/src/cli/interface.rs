//! What a person sees of a run, and what they can do to it: the screen or progress lines, keys and signals.

use std::io::{IsTerminal, stderr};

use tokio::sync::{mpsc, watch};

use super::log::Log;
use crate::conduct::{Conducted, Conductor};
use crate::run::input::Person;
use crate::tui::Theme;
use crate::view::RunView;
use crate::{progress, tui};

/// Requests of people that may wait.
const REQUESTS: usize = 32;

/// How the run is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Show {
    /// On the whole terminal, instead of in lines.
    pub(super) full_screen: bool,
    /// The last picture stays until a key is pressed.
    pub(super) stay: bool,
    /// The looks of the screen.
    pub(super) theme: Theme,
}

/// Whether somebody sits at a terminal, and no CI does.
pub(super) fn on_terminal() -> bool {
    let in_ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
    std::io::stdout().is_terminal() && std::io::stdin().is_terminal() && !in_ci
}

/// Conducts the run with somebody watching.
pub(super) async fn accompany(
    conductor: Conductor,
    view: watch::Receiver<RunView>,
    how: Show,
    log: &Log,
) -> Conducted {
    let conductor = match log.lines() {
        Some(lines) => conductor.with_log(lines),
        None => conductor,
    };
    let (people, requests) = mpsc::channel(REQUESTS);
    // A signal that no run takes any more is for the screen that stayed.
    let (left, leave) = watch::channel(false);
    let signals = tokio::spawn(watch_signals(people.clone(), left));
    let show = async {
        if how.full_screen {
            log.hold();
            let setup =
                tui::Setup { theme: how.theme, mode: tui::Mode::Own, stay: how.stay.then_some(leave) };
            let shown = tui::run(view.clone(), people, setup).await;
            log.release();
            match shown {
                Ok(()) => return,
                // No screen is no reason to stop a run: lines do as well.
                Err(error) => say(&format!("no full-screen terminal UI ({error}); going on with lines")),
            }
        }
        if let Err(error) = progress::run(view, stderr()).await {
            tracing::warn!("progress cannot be shown: {error}");
        }
    };
    let (conducted, ()) = tokio::join!(conductor.conduct(requests), show);
    signals.abort();
    conducted
}

/// Ctrl-C and SIGTERM, each time.
async fn watch_signals(people: mpsc::Sender<Person>, left: watch::Sender<bool>) {
    use tokio::signal::unix::{SignalKind, signal};

    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else {
        tracing::warn!("signals cannot be watched; Ctrl-C ends the program without a report");
        return;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if people.send(Person::Interrupt).await.is_err() {
            left.send_replace(true);
        }
    }
}

/// Says something to the person at the terminal, beside the log.
#[expect(clippy::print_stderr, reason = "said to the person who started the program")]
pub(super) fn say(text: &str) {
    eprintln!("{text}");
}
