//! Processes that are stopped and go on: a task runs only while its gate is open, as after SIGSTOP and SIGCONT.
//!
//! What others sent meanwhile waits for it, and its clocks have gone on.

use std::pin::pin;

use tokio::sync::watch;

/// Runs `task` while `open` says so. Whoever opens and closes being gone means open.
pub(crate) async fn gated<F: Future>(task: F, mut open: watch::Receiver<bool>) -> F::Output {
    let (mut task, mut closing) = (pin!(task), open.clone());
    loop {
        let _ = open.wait_for(|open| *open).await;
        tokio::select! {
            biased;
            Ok(_) = closing.wait_for(|open| !*open) => {}
            output = &mut task => return output,
        }
    }
}
