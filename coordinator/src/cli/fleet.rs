//! The flags about workers elsewhere: who may come, over what, and for how long one may be silent.
//!
//! A port that other machines can reach is never open by accident: it wants a token, or a person who says that it needs none.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args as ClapArgs;
use clap::builder::FalseyValueParser;
use stampede_proto::token::{Token, TokenText};
use stampede_scenarios::units::parse_duration;

use super::exit::Error;
use crate::fleet::{Door, FleetTls};

/// Shortest and longest lease. Below, a busy machine is taken for a dead one; above, a dead one is noticed too late for a test.
const LEASES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// Largest file with a token, in bytes.
const TOKEN_FILE: u64 = 64 << 10;

/// About workers elsewhere.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct FleetArgs {
    /// What workers must show to be let in; better as a variable or in a file: flags stand in the list of processes
    #[arg(long, value_name = "T", env = "STAMPEDE_TOKEN", hide_env_values = true)]
    token: Option<TokenText>,

    /// The same, read from a file
    #[arg(long, value_name = "FILE", env = "STAMPEDE_TOKEN_FILE")]
    token_file: Option<PathBuf>,

    /// Let in whoever reaches the port: they can read the scenario with its files and take part with made-up numbers
    #[arg(long, env = "STAMPEDE_NO_TOKEN", value_parser = FalseyValueParser::new())]
    no_token: bool,

    /// Speak TLS to workers, with this certificate (PEM); `coordinator certs` makes one
    #[arg(long, value_name = "FILE", env = "STAMPEDE_FLEET_CERT", requires = "fleet_key")]
    fleet_cert: Option<PathBuf>,

    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", env = "STAMPEDE_FLEET_KEY", requires = "fleet_cert")]
    fleet_key: Option<PathBuf>,

    /// Take only workers that show a certificate of this authority (PEM)
    #[arg(long, value_name = "FILE", env = "STAMPEDE_FLEET_CLIENT_CA", requires = "fleet_cert")]
    fleet_client_ca: Option<PathBuf>,

    /// Let who watches this test with `coordinator watch` change its load and stop it too
    #[arg(long, env = "STAMPEDE_ALLOW_CONTROL", value_parser = FalseyValueParser::new())]
    allow_control: bool,
}

/// Who may come, and over what.
#[derive(Debug, Default)]
pub(super) struct Access {
    pub(super) token: Option<Token>,
    pub(super) tls: Option<FleetTls>,
}

impl FleetArgs {
    /// Whether those who watch may change the load.
    pub(super) fn allows_control(&self) -> bool {
        self.allow_control
    }

    /// What holds for a port at `address`.
    ///
    /// # Errors
    /// When it can be reached from elsewhere and nobody said who may come, or a file cannot be used.
    pub(super) fn access(&self, address: SocketAddr) -> Result<Access, Error> {
        let token = self.token()?;
        let local = address.ip().to_canonical().is_loopback();
        if !local && token.is_none() && !self.no_token {
            return Err(Error::Usage(open_port(address)));
        }
        let tls = match (&self.fleet_cert, &self.fleet_key) {
            (Some(cert), Some(key)) => Some(FleetTls::read(cert, key, self.fleet_client_ca.as_deref())?),
            _ => None,
        };
        if !local && tls.is_none() {
            tracing::info!(
                "workers are spoken to in plain: who is on the way can read everything, the token too; \
                 --fleet-cert and --fleet-key change that"
            );
        }
        Ok(Access { token, tls })
    }

    /// Whether workers of a run that showed a token, or spoke TLS, find the same here.
    ///
    /// # Errors
    /// When they would not, and nobody said that they need not.
    pub(super) fn fits(&self, token: bool, tls: bool, mutual: bool) -> Result<(), Error> {
        if token && self.token()?.is_none() && !self.no_token {
            let text = "the workers of this run show a token, and a journal never holds it; \
                        give it again as STAMPEDE_TOKEN or with --token-file, or say --no-token";
            return Err(Error::Usage(text.to_owned()));
        }
        if tls && self.fleet_cert.is_none() {
            let text = "the workers of this run speak TLS; give --fleet-cert and --fleet-key again";
            return Err(Error::Usage(text.to_owned()));
        }
        if mutual && self.fleet_client_ca.is_none() {
            let text = "the workers of this run show certificates; give --fleet-client-ca again";
            return Err(Error::Usage(text.to_owned()));
        }
        Ok(())
    }

    fn token(&self) -> Result<Option<Token>, Error> {
        // A variable that is set to nothing asks for nothing.
        let given = self.token.as_ref().filter(|text| !text.is_empty());
        let said = [given.is_some(), self.token_file.is_some(), self.no_token];
        if said.iter().filter(|said| **said).count() > 1 {
            let text =
                "one of --token (or STAMPEDE_TOKEN), --token-file and --no-token; more than one is given";
            return Err(Error::Usage(text.to_owned()));
        }
        let text = match (given, &self.token_file) {
            (_, Some(path)) => read(path)?,
            (Some(text), None) => text.clone(),
            (None, None) => return Ok(None),
        };
        Token::new(&text).map(Some).map_err(|error| Error::Usage(error.to_string()))
    }
}

/// What stands in a --token-file.
pub(super) fn read(path: &Path) -> Result<TokenText, Error> {
    let failed = |why: String| Error::Usage(format!("--token-file {}: {why}", path.display()));
    let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if size > TOKEN_FILE {
        return Err(failed("too large for a token".to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    Ok(TokenText::new(text))
}

fn open_port(address: SocketAddr) -> String {
    format!(
        "--bind {address} can be reached from other machines, and nothing says who may come. Three ways on:\n  \
         STAMPEDE_TOKEN=… coordinator …    workers show the same token; `openssl rand -hex 16` makes one\n  \
         --token-file FILE                 the same, from a file\n  \
         --no-token                        whoever reaches the port may read the scenario and take part"
    )
}

pub(super) fn lease(text: &str) -> Result<Duration, String> {
    let lease = parse_duration(text).map_err(|error| error.to_string())?;
    if lease < LEASES.0 || lease > LEASES.1 {
        return Err("a lease is between 1s and 5m".to_owned());
    }
    Ok(lease)
}

/// What to type on another machine. Where this one listens on all its addresses, its name stands for them; a token is never
/// shown.
pub(super) fn join_command(door: Option<&Door>) -> String {
    let Some((door, address)) = door.and_then(|door| Some((door, door.listener.local_addr().ok()?))) else {
        return "worker --connect".to_owned();
    };
    let token = if door.token.is_some() { "STAMPEDE_TOKEN=•••• " } else { "" };
    let tls = match &door.tls {
        None => "",
        Some(tls) if tls.mutual => " --fleet-ca ca.pem --fleet-cert worker.pem --fleet-key worker.key",
        Some(_) => " --fleet-ca ca.pem",
    };
    if address.ip().is_unspecified() {
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        return format!("{token}worker --connect {name}:{}{tls}", address.port());
    }
    format!("{token}worker --connect {address}{tls}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(args: &FleetArgs, address: &str) -> Result<bool, String> {
        let access = args.access(address.parse().expect("an address"));
        access.map(|access| access.token.is_some()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_port_beyond_loopback_wants_a_token_or_a_word() {
        let none = FleetArgs::default();
        assert_eq!(access(&none, "127.0.0.1:0"), Ok(false));
        assert_eq!(access(&none, "[::1]:0"), Ok(false));
        assert_eq!(access(&none, "[::ffff:127.0.0.1]:0"), Ok(false));
        for open in ["0.0.0.0:5557", "[::]:5557", "192.0.2.1:5557", "[::ffff:192.0.2.1]:1"] {
            assert!(access(&none, open).is_err_and(|text| text.contains("--no-token")), "{open}");
        }
        let waved = FleetArgs { no_token: true, ..FleetArgs::default() };
        assert_eq!(access(&waved, "0.0.0.0:5557"), Ok(false));
        let empty = FleetArgs { token: Some(TokenText::new("")), ..FleetArgs::default() };
        assert!(access(&empty, "0.0.0.0:5557").is_err());
        assert_eq!(access(&FleetArgs { no_token: true, ..empty }, "0.0.0.0:5557"), Ok(false));
        let both = FleetArgs {
            token: Some(TokenText::new("correct-horse")),
            no_token: true,
            ..FleetArgs::default()
        };
        assert!(access(&both, "127.0.0.1:0").is_err_and(|text| text.contains("more than one is given")));
        let token = FleetArgs { token: Some(TokenText::new("correct-horse")), ..FleetArgs::default() };
        assert_eq!((access(&token, "0.0.0.0:5557"), access(&token, "127.0.0.1:1")), (Ok(true), Ok(true)));
        assert!(!format!("{token:?}").contains("horse"));
    }

    #[test]
    fn a_run_that_goes_on_keeps_its_door() {
        let none = FleetArgs { no_token: true, ..FleetArgs::default() };
        assert!(none.fits(true, false, false).is_ok(), "it was said");
        assert!(FleetArgs::default().fits(true, false, false).is_err());
        let tls =
            FleetArgs { fleet_cert: Some("c.pem".into()), fleet_key: Some("c.key".into()), ..none.clone() };
        assert!(none.fits(false, true, false).is_err() && tls.fits(false, true, false).is_ok());
        assert!(
            tls.fits(false, true, true).is_err_and(|error| error.to_string().contains("--fleet-client-ca"))
        );
    }

    #[test]
    fn a_lease_has_bounds() {
        assert_eq!(lease("1s"), Ok(Duration::from_secs(1)));
        assert_eq!(lease("5m"), Ok(Duration::from_secs(300)));
        assert!(lease("999ms").is_err() && lease("301s").is_err() && lease("5").is_err());
    }
}
