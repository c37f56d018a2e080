//! What a journal says of its run before anything has happened, and where its clock stands in the world.
//!
//! No secret of the fleet stands here: whoever resumes has to show the token again. What the scenario read from the environment
//! does stand here, because without it there is no test; the folder is its owner's alone.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::IpAddr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use stampede_proto::prepare::{self, Prepare, ns};
use stampede_proto::{VERSION, WireError, v1};

use crate::report::Style;

/// An instant on every clock that another process can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Wall clock.
    pub wall: Timestamp,
    /// Since the system was started.
    pub boot: Duration,
    /// Which start of the system that was; empty where it does not say.
    pub boot_id: String,
}

impl Anchor {
    /// Now.
    pub fn now() -> Self {
        let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self { wall: Timestamp::now(), boot: since_boot(), boot_id: boot_id.trim().to_owned() }
    }

    /// How long ago `earlier` was: by the clock that nobody sets, or by the wall clock when the system was started anew.
    pub fn since(&self, earlier: &Self) -> Duration {
        if !self.boot_id.is_empty() && self.boot_id == earlier.boot_id {
            return self.boot.saturating_sub(earlier.boot);
        }
        // A clock that was set back says less than nothing.
        Duration::try_from(self.wall.duration_since(earlier.wall)).unwrap_or_default()
    }
}

#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    // Neither is ever negative.
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// Where the system's starts cannot be told apart, time is taken from the wall clock.
#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    Duration::ZERO
}

/// What a journal begins with.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Head {
    /// The test as workers get it, run and seed included.
    pub prepare: Prepare,
    /// Zero of the coordinator's clock.
    pub anchor: Anchor,
    /// Remote workers to wait for; `None`: one embedded worker.
    pub expected: Option<u32>,
    /// How long to wait for them.
    pub expect_timeout: Duration,
    /// A worker not heard for this long is lost.
    pub lease: Duration,
    /// Where workers come in; `None`: nowhere.
    pub bind: Option<String>,
    /// Whether they show a token.
    pub token: bool,
    /// Whether they speak TLS.
    pub tls: bool,
    /// Whether they show certificates.
    pub mutual: bool,
    /// What somebody calls the run, by key.
    pub labels: BTreeMap<String, String>,
    /// Where reports go, from the root.
    pub reports: Vec<PathBuf>,
    /// Whether the JSON report goes to stdout.
    pub json: bool,
    /// In whose layout the end is printed; `None`: in our own.
    pub summary: Option<Style>,
    /// Exit code when requests failed.
    pub exit_code_on_error: u8,
    /// Load threads of the embedded worker; `None`: one for each core.
    pub threads: Option<u32>,
    /// Addresses it connects from.
    pub source_ips: Vec<IpAddr>,
}

/// Why a head cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    /// Another program would decide otherwise at the same point.
    #[error("it was written by coordinator {theirs}, and this is {VERSION}; resume it with the same version")]
    Version {
        /// Who wrote it.
        theirs: String,
    },
    /// A field that cannot be.
    #[error("its head cannot be: {0}")]
    Wire(#[from] WireError),
    /// A field that is not there, or says what cannot be.
    #[error("its head has no sound `{0}`")]
    Missing(&'static str),
}

/// As it is written.
pub(super) fn to_wire(head: &Head) -> v1::JournalHead {
    v1::JournalHead {
        version: VERSION.to_owned(),
        prepare: Some(prepare::to_wire(&head.prepare)),
        wall_ns: i64::try_from(head.anchor.wall.as_nanosecond()).unwrap_or(i64::MAX),
        boot_ns: ns(head.anchor.boot),
        boot_id: head.anchor.boot_id.clone(),
        expected: head.expected,
        expect_timeout_ns: ns(head.expect_timeout),
        lease_ns: ns(head.lease),
        bind: head.bind.clone().unwrap_or_default(),
        token: head.token,
        tls: head.tls,
        mutual: head.mutual,
        labels: head.labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        reports: head.reports.iter().map(|path| path.as_os_str().as_bytes().to_vec()).collect(),
        json: head.json,
        summary: head.summary.map(|style| style.as_str().to_owned()).unwrap_or_default(),
        exit_code_on_error: u32::from(head.exit_code_on_error),
        threads: head.threads.unwrap_or(0),
        source_ips: head.source_ips.iter().map(ToString::to_string).collect(),
    }
}

/// As it is read.
///
/// # Errors
/// When another version wrote it, or it says what cannot be.
pub(super) fn from_wire(wire: v1::JournalHead) -> Result<Head, HeadError> {
    if wire.version != VERSION {
        return Err(HeadError::Version { theirs: wire.version });
    }
    let prepare = prepare::from_wire(wire.prepare.ok_or(HeadError::Missing("prepare"))?)?;
    let wall =
        Timestamp::from_nanosecond(i128::from(wire.wall_ns)).map_err(|_| HeadError::Missing("wall_ns"))?;
    let source_ips = wire.source_ips.iter().map(|ip| ip.parse()).collect::<Result<_, _>>();
    Ok(Head {
        prepare,
        anchor: Anchor { wall, boot: Duration::from_nanos(wire.boot_ns), boot_id: wire.boot_id },
        expected: wire.expected,
        expect_timeout: Duration::from_nanos(wire.expect_timeout_ns),
        lease: Duration::from_nanos(wire.lease_ns),
        bind: Some(wire.bind).filter(|bind| !bind.is_empty()),
        token: wire.token,
        tls: wire.tls,
        mutual: wire.mutual,
        labels: wire.labels.into_iter().collect(),
        reports: wire.reports.into_iter().map(|path| OsString::from_vec(path).into()).collect(),
        json: wire.json,
        summary: Some(wire.summary)
            .filter(|name| !name.is_empty())
            .map(|name| name.parse())
            .transpose()
            .map_err(|_| HeadError::Missing("summary"))?,
        exit_code_on_error: u8::try_from(wire.exit_code_on_error).unwrap_or(1),
        threads: Some(wire.threads).filter(|threads| *threads > 0),
        source_ips: source_ips.map_err(|_| HeadError::Missing("source_ips"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(wall_s: i64, boot_s: u64, boot_id: &str) -> Anchor {
        let wall = Timestamp::from_second(wall_s).expect("in range");
        Anchor { wall, boot: Duration::from_secs(boot_s), boot_id: boot_id.to_owned() }
    }

    #[test]
    fn time_passes_by_the_clock_that_nobody_sets() {
        let before = anchor(1000, 50, "a");
        assert_eq!(anchor(2000, 60, "a").since(&before), Duration::from_secs(10), "the wall clock was set");
        assert_eq!(
            anchor(1200, 5, "b").since(&before),
            Duration::from_secs(200),
            "the system was started anew"
        );
        assert_eq!(anchor(1200, 60, "").since(&anchor(1000, 50, "")), Duration::from_secs(200));
        assert_eq!(anchor(900, 5, "b").since(&before), Duration::ZERO);
    }
}
