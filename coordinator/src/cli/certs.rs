//! `coordinator certs DIR`: makes certificates for both ends and says what to type with them.

use std::collections::BTreeSet;
use std::io::Write;

use jiff::Timestamp;

use super::args::CertsArgs;
use super::exit::Error;
use crate::certs::make;

/// Makes them.
pub(super) fn certs(args: &CertsArgs) -> Result<(), Error> {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let own = ["localhost", "127.0.0.1", "::1", &host].map(str::to_owned);
    // A machine may have a name that cannot stand in a certificate; one that was asked for must.
    let own = own.into_iter().filter(|name| rustls::pki_types::ServerName::try_from(name.as_str()).is_ok());
    let names: BTreeSet<String> = own.chain(args.names.iter().cloned()).collect();
    let names: Vec<String> = names.into_iter().collect();
    make(&args.dir, &names, Timestamp::now())?;
    let at = args.names.first().unwrap_or(&host);
    let bracketed = if at.contains(':') { format!("[{at}]") } else { at.clone() };
    let dir = args.dir.display();
    // A closed pipe (`| head`) is the reader's wish.
    let _ = writeln!(
        std::io::stdout(),
        "Made in {dir}: ca.pem, and a certificate with its key for each end.\n\
         The coordinator's is for {}.\n\n\
         Here:\n  \
         STAMPEDE_TOKEN=… coordinator FILE --bind 0.0.0.0:5557 --expect-workers 1 --fleet-cert {dir}/coordinator.pem \
         --fleet-key {dir}/coordinator.key --fleet-client-ca {dir}/ca.pem\n\
         On each worker, with ca.pem, worker.pem and worker.key copied there:\n  \
         STAMPEDE_TOKEN=… worker --connect {bracketed}:5557 --fleet-ca ca.pem --fleet-cert worker.pem --fleet-key worker.key\n\n\
         Keep ca.key to yourself: who has it can make certificates that both ends trust.",
        names.join(", ")
    );
    Ok(())
}
