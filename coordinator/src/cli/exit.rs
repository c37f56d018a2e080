//! How the program ends: every way with its exit code, in one place.

use std::path::PathBuf;
use std::process::ExitCode;

use stampede_scenarios::diagnostics::Diagnostics;
use stampede_scenarios::files::ReadError;

use crate::baseline::BaselineError;
use crate::certs::CertsError;
use crate::export::ExportError;
use crate::fleet::{FleetTlsError, ListenError};
use crate::journal::{FolderError, ReplayError};
use crate::report::ReportError;
use crate::watch::WatchError;

/// Why there was no run, or nothing to say about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Wrong usage.
    #[error("{0}")]
    Usage(String),
    /// A scenario file that is not there, or not readable.
    #[error("{0}")]
    NoScenario(#[from] ReadError),
    /// A report that could not be written in the end; said before the start.
    #[error("{0}")]
    ReportTarget(#[source] ReportError),
    /// A saved run that cannot be read.
    #[error("{0}")]
    SavedRun(#[source] ReportError),
    /// An earlier run that the test was to be compared with, and cannot be.
    #[error("--baseline: {0}")]
    Baseline(#[from] BaselineError),
    /// The log cannot be written.
    #[error("cannot write the log to {}: {source}", path.display())]
    Log {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The scenario has errors.
    #[error("{0}")]
    Scenario(#[from] Diagnostics),
    /// A certificate or key of the fleet port that cannot be used.
    #[error("{0}")]
    FleetTls(#[from] FleetTlsError),
    /// Certificates that cannot be made.
    #[error("{0}")]
    Certs(#[from] CertsError),
    /// A journal that cannot be made or gone on with.
    #[error("{0}")]
    Journal(#[from] FolderError),
    /// A journal whose records cannot be replayed.
    #[error("{0}")]
    Replay(#[from] ReplayError),
    /// Cannot listen.
    #[error("{0}")]
    Listen(#[from] ListenError),
    /// Nothing to watch, or no more.
    #[error("{0}")]
    Watch(#[from] WatchError),
    /// An exporter cannot be started.
    #[error("{0}")]
    Export(#[from] ExportError),
    /// The demo target cannot start.
    #[error("the demo target cannot start: {0}")]
    Demo(String),
    /// Not enough workers came.
    #[error("{0}")]
    Workers(String),
    /// The system does not give what every program needs.
    #[error("{0}")]
    System(String),
}

impl Error {
    fn code(&self) -> u8 {
        match self {
            Self::Usage(_)
            | Self::NoScenario(_)
            | Self::ReportTarget(_)
            | Self::SavedRun(_)
            | Self::Baseline(_)
            | Self::Log { .. }
            | Self::FleetTls(_)
            | Self::Export(ExportError::File { .. })
            | Self::Journal(_)
            | Self::Replay(_)
            | Self::Certs(_) => 2,
            Self::Scenario(_) => 10,
            Self::Listen(_) | Self::Watch(_) | Self::Export(_) | Self::Demo(_) | Self::System(_) => 11,
            Self::Workers(_) => 12,
        }
    }
}

/// What a run came to, as far as the exit code is concerned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and several can hold at once")]
pub struct Outcome {
    /// A second Ctrl-C stopped it at once.
    pub aborted: bool,
    /// A rule does not hold, or no rate was found.
    pub broken: bool,
    /// Samples are missing, or every worker was lost.
    pub incomplete: bool,
    /// A report could not be written.
    pub report_failed: bool,
    /// It failed: a request or iteration failed, or no request was made.
    pub failed: bool,
    /// Instead of 1.
    pub code_on_failure: u8,
}

impl Outcome {
    /// The exit code: the first that applies.
    pub fn code(self) -> ExitCode {
        ExitCode::from(self.number())
    }

    fn number(self) -> u8 {
        match self {
            Self { aborted: true, .. } => 130,
            Self { broken: true, .. } => 99,
            Self { incomplete: true, .. } => 13,
            Self { report_failed: true, .. } => 14,
            Self { failed: true, code_on_failure, .. } => code_on_failure,
            _ => 0,
        }
    }
}

/// Says why, and ends.
#[expect(clippy::print_stderr, reason = "the last word of the program")]
pub(super) fn fail(error: &Error) -> ExitCode {
    match error {
        Error::Scenario(diagnostics) => {
            use std::io::IsTerminal;
            let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            eprintln!("{}", diagnostics.render(color).trim_end());
        }
        other => eprintln!("error: {other}"),
    }
    ExitCode::from(error.code())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_the_first_in_the_table_counts() {
        let all = Outcome {
            aborted: true,
            broken: true,
            incomplete: true,
            report_failed: true,
            failed: true,
            code_on_failure: 7,
        };
        assert_eq!(all.number(), 130);
        assert_eq!(Outcome { aborted: false, ..all }.number(), 99);
        let all = Outcome { broken: false, ..all };
        assert_eq!(Outcome { aborted: false, ..all }.number(), 13);
        assert_eq!(Outcome { aborted: false, incomplete: false, ..all }.number(), 14);
        let failed = Outcome { aborted: false, incomplete: false, report_failed: false, ..all };
        assert_eq!(failed.number(), 7);
        assert_eq!(Outcome::default().number(), 0);
    }
}
