//! `--journal DIR`: what of the command line a journal has to say, so that `resume DIR` needs nothing else.

use std::path::{Path, PathBuf};

use tokio::time::Instant;

use super::args::RunArgs;
use super::exit::Error;
use super::prepare::Test;
use crate::fleet::Door;
use crate::journal::{Anchor, Folder, Head, Journal};

/// Makes the journal of a run that is about to begin. Must be called within a runtime.
pub(super) fn begin(dir: &Path, args: &RunArgs, test: &Test, door: Option<&Door>) -> Result<Journal, Error> {
    // It may be resumed from somewhere else.
    let from_root = |path: &PathBuf| std::path::absolute(path);
    let reports: Result<_, _> = args.reports.iter().map(from_root).collect();
    let (epoch, anchor) = (Instant::now(), Anchor::now());
    let bind = door.and_then(|door| door.listener.local_addr().ok());
    let head = Head {
        prepare: test.prepare.clone(),
        anchor,
        expected: args.expect_workers,
        expect_timeout: args.expect_timeout,
        lease: args.lease,
        bind: bind.map(|address| address.to_string()),
        token: door.is_some_and(|door| door.token.is_some()),
        tls: door.is_some_and(|door| door.tls.is_some()),
        mutual: door.is_some_and(|door| door.tls.as_ref().is_some_and(|tls| tls.mutual)),
        labels: args.labels.by_key()?,
        reports: reports.map_err(|error| Error::System(format!("no current folder: {error}")))?,
        json: args.json,
        summary: args.summary,
        exit_code_on_error: args.exit_code_on_error,
        threads: args.threads,
        source_ips: args.source_ip.clone(),
    };
    let folder = Folder::create(dir, &head, &test.assets)?;
    journal(folder, epoch)
}

/// Begins to write in `folder`.
pub(super) fn journal(folder: Folder, epoch: Instant) -> Result<Journal, Error> {
    Journal::new(folder, epoch).map_err(|error| Error::System(format!("no journal: {error}")))
}
