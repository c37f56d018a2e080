//! `coordinator watch ADDR`: looks at a run that another coordinator conducts.
//!
//! Leaving never stops that run: `q`, Ctrl-C and SIGTERM end the watcher alone.

use std::io::stderr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args as ClapArgs};
use stampede_proto::token::{Token, TokenText};
use stampede_proto::watch::Wish;
use tokio::sync::{mpsc, watch};

use super::exit::{Error, Outcome};
use super::fleet::read;
use super::interface::{on_terminal, say};
use super::log::Log;
use crate::run::input::Person;
use crate::view::RunView;
use crate::watch::{Attached, Line, Tls, WatchError};
use crate::{progress, tui};

/// Where a coordinator listens unless told otherwise.
const DEFAULT_PORT: u16 = 5557;

/// Wishes that may wait.
const WISHES: usize = 32;

/// What `watch` takes.
#[derive(Debug, ClapArgs)]
pub(super) struct WatchArgs {
    /// Where the coordinator listens (its --bind)
    #[arg(value_parser = address)]
    address: String,

    /// What the coordinator wants to see; better as a variable or in a file: flags stand in the list of processes
    #[arg(long, value_name = "T", env = "STAMPEDE_TOKEN", hide_env_values = true)]
    token: Option<TokenText>,

    /// The same, read from a file
    #[arg(long, value_name = "FILE", env = "STAMPEDE_TOKEN_FILE")]
    token_file: Option<PathBuf>,

    /// Speak TLS, and trust a coordinator whose certificate is from this authority (PEM)
    #[arg(long, value_name = "FILE", env = "STAMPEDE_FLEET_CA")]
    fleet_ca: Option<PathBuf>,

    /// The certificate to show (PEM)
    #[arg(long, value_name = "FILE", env = "STAMPEDE_FLEET_CERT", requires_all = ["fleet_key", "fleet_ca"])]
    fleet_cert: Option<PathBuf>,

    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", env = "STAMPEDE_FLEET_KEY", requires = "fleet_cert")]
    fleet_key: Option<PathBuf>,

    /// No full-screen terminal UI, a line a second instead [default where there is no terminal, or CI is set]
    #[arg(long, env = "STAMPEDE_HEADLESS", value_parser = FalseyValueParser::new())]
    headless: bool,

    /// Write the log here instead of to stderr
    #[arg(long, value_name = "FILE", env = "STAMPEDE_LOG")]
    log: Option<PathBuf>,

    /// Log more; twice: much more
    #[arg(short, action = ArgAction::Count)]
    verbose: u8,
}

/// Watches until the run is over, or somebody leaves.
pub(super) fn watch(args: &WatchArgs) -> Result<Outcome, Error> {
    let log = Log::start(args.log.as_deref(), args.verbose)?;
    let line = Line::to(args.address.clone(), args.tls()?).showing(args.token()?);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Error::System(format!("no runtime: {error}")))?;
    let full_screen = on_terminal() && !args.headless;
    let watched = runtime.block_on(async {
        let (left, leave) = watch::channel(false);
        let signals = tokio::spawn(signals(left));
        let mut before = leave.clone();
        let attached = tokio::select! {
            attached = Attached::to(line, &args.address) => attached?,
            _ = before.wait_for(|left| *left) => return Ok(()),
        };
        let (attached, view) = attached;
        let watched = if full_screen {
            screen(attached, view, leave, &log).await
        } else {
            lines(attached, view, leave).await
        };
        signals.abort();
        watched
    });
    log.release();
    runtime.shutdown_timeout(Duration::from_millis(200));
    watched?;
    Ok(Outcome::default())
}

impl WatchArgs {
    fn token(&self) -> Result<Option<Token>, Error> {
        // A variable that is set to nothing says nothing.
        let given = self.token.as_ref().filter(|text| !text.is_empty());
        let text = match (given, &self.token_file) {
            (Some(_), Some(_)) => {
                let text = "a token is given twice, by --token (or STAMPEDE_TOKEN) and by --token-file; give it once";
                return Err(Error::Usage(text.to_owned()));
            }
            (None, Some(path)) => read(path)?,
            (Some(text), None) => text.clone(),
            (None, None) => return Ok(None),
        };
        Token::new(&text).map(Some).map_err(|error| Error::Usage(error.to_string()))
    }

    fn tls(&self) -> Result<Option<Tls>, Error> {
        let identity = self.fleet_cert.as_deref().zip(self.fleet_key.as_deref());
        let tls = self.fleet_ca.as_deref().map(|ca| Tls::read(&self.address, ca, identity));
        tls.transpose().map_err(|error| Error::Usage(error.to_string()))
    }
}

/// `host:port`, the port left out where it is the usual one.
fn address(text: &str) -> Result<String, String> {
    let says = || "write host:port, for example 127.0.0.1:5557".to_owned();
    // `[::1]` ends with no port; what is behind the last colon of anything else is one.
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !text.ends_with(']') => (host, port.parse().map_err(|_| says())?),
        _ => (text, DEFAULT_PORT),
    };
    if host.is_empty() || host.contains('/') || (host.contains(':') && !host.starts_with('[')) {
        return Err(says());
    }
    Ok(format!("{host}:{port}"))
}

/// The same screen as the coordinator's own. Its last picture stays until a key is pressed.
async fn screen(
    attached: Attached,
    view: watch::Receiver<RunView>,
    mut leave: watch::Receiver<bool>,
    log: &Log,
) -> Result<(), WatchError> {
    let (commands, mut pressed) = mpsc::channel(WISHES);
    let (wish, wishes) = mpsc::channel(WISHES);
    let (left, stay) = watch::channel(false);
    let (gone, mut is_gone) = watch::channel(false);
    let mode = tui::Mode::Watching { control: attached.control() };
    let pass_on = async {
        while let Some(command) = pressed.recv().await {
            let Some(wanted) = wanted(command) else { return };
            // A coordinator that answers nothing is not sent more.
            let _ = wish.try_send(wanted);
        }
        // The screen is gone, or stays with its last picture and asks for nothing.
        std::future::pending::<()>().await;
    };
    let follow = async {
        let followed = tokio::select! {
            followed = attached.follow(wishes) => followed.map(|()| true),
            () = pass_on => Ok(false),
            _ = leave.wait_for(|left| *left) => Ok(false),
            // The person has left.
            _ = is_gone.wait_for(|gone| *gone) => Ok(false),
        };
        if !matches!(followed, Ok(true)) {
            left.send_replace(true);
        }
        followed.map(drop)
    };
    let show = async {
        log.hold();
        let theme = tui::Theme::chosen(None, |name| std::env::var_os(name));
        let shown = tui::run(view.clone(), commands, tui::Setup { theme, mode, stay: Some(stay) }).await;
        log.release();
        if let Err(error) = shown {
            say(&format!("no full-screen terminal UI ({error}); going on with lines"));
            if let Err(error) = progress::run(view, stderr()).await {
                tracing::warn!("progress cannot be shown: {error}");
            }
        }
        gone.send_replace(true);
    };
    let (followed, ()) = tokio::join!(follow, show);
    followed
}

/// What a key wants of the run; `None` leaves.
fn wanted(person: Person) -> Option<Wish> {
    match person {
        Person::Quit | Person::Interrupt => None,
        Person::ChangeUsers(by) => Some(Wish::ChangeUsers(by)),
        Person::More => Some(Wish::More),
        Person::Less => Some(Wish::Less),
        Person::Pause => Some(Wish::Pause),
        Person::NextStage => Some(Wish::NextStage),
    }
}

/// The lines of a run without a screen.
async fn lines(
    attached: Attached,
    view: watch::Receiver<RunView>,
    mut leave: watch::Receiver<bool>,
) -> Result<(), WatchError> {
    // Nobody wishes anything.
    let (_, wishes) = mpsc::channel(1);
    let both = async { tokio::join!(attached.follow(wishes), progress::run(view, stderr())) };
    tokio::select! {
        (followed, shown) = both => {
            if let Err(error) = shown {
                tracing::warn!("progress cannot be shown: {error}");
            }
            followed
        }
        _ = leave.wait_for(|left| *left) => Ok(()),
    }
}

/// Ctrl-C or SIGTERM.
async fn signals(left: watch::Sender<bool>) {
    use tokio::signal::unix::{SignalKind, signal};

    let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = (interrupt, terminate) else { return };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    left.send_replace(true);
    // Whoever holds the other end hears of it even when it was not listening yet.
    left.closed().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_leave_out_the_port() {
        assert_eq!(address("host").as_deref(), Ok("host:5557"));
        assert_eq!(address("[::1]").as_deref(), Ok("[::1]:5557"));
        assert_eq!(address("[::1]:99").as_deref(), Ok("[::1]:99"));
        assert_eq!(address("192.0.2.1:99").as_deref(), Ok("192.0.2.1:99"));
        for wrong in ["", ":99", "host:http", "http://host", "::1", "host:99999"] {
            assert!(address(wrong).is_err(), "{wrong}");
        }
    }
}
