//! The flags about the way to the coordinator: what this worker shows, and whom it trusts.

use std::path::{Path, PathBuf};

use clap::Args as ClapArgs;
use stampede_proto::token::{Token, TokenError, TokenText};

use crate::session::{Dialer, FleetTls, FleetTlsError};

/// Largest file with a token, in bytes.
const TOKEN_FILE: u64 = 64 << 10;

/// About the way to the coordinator.
#[derive(Debug, ClapArgs)]
pub(super) struct FleetArgs {
    /// What the coordinator wants to see; better as a variable or in a file: flags stand in the list of processes
    #[arg(long, value_name = "T", env = "STAMPEDE_TOKEN", hide_env = true, hide_env_values = true)]
    token: Option<TokenText>,

    /// The same, read from a file
    #[arg(long, value_name = "FILE", env = "STAMPEDE_TOKEN_FILE", hide_env = true)]
    token_file: Option<PathBuf>,

    /// Speak TLS, and trust a coordinator whose certificate is from this authority (PEM)
    #[arg(long, value_name = "FILE", env = "STAMPEDE_FLEET_CA", hide_env = true)]
    fleet_ca: Option<PathBuf>,

    /// The certificate this worker shows (PEM)
    #[arg(long, value_name = "FILE", env = "STAMPEDE_FLEET_CERT", hide_env = true, requires_all = ["fleet_key", "fleet_ca"])]
    fleet_cert: Option<PathBuf>,

    /// Its private key (PEM)
    #[arg(long, value_name = "FILE", env = "STAMPEDE_FLEET_KEY", hide_env = true, requires = "fleet_cert")]
    fleet_key: Option<PathBuf>,
}

/// Flags that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum FleetArgsError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("a token is given twice, by --token (or STAMPEDE_TOKEN) and by --token-file; give it once")]
    TwoTokens,
    #[error("--token-file {}: {why}", path.display())]
    TokenFile { path: PathBuf, why: String },
    #[error(transparent)]
    Tls(#[from] FleetTlsError),
}

impl FleetArgs {
    /// What dials `address` (`host:port`).
    ///
    /// # Errors
    /// When a file or the token cannot be used.
    pub(super) fn dialer(&self, address: &str) -> Result<Dialer, FleetArgsError> {
        let identity = self.fleet_cert.as_deref().zip(self.fleet_key.as_deref());
        let dialer = match &self.fleet_ca {
            Some(ca) => Dialer::tls(address.to_owned(), FleetTls::read(address, ca, identity)?),
            None => Dialer::tcp(address.to_owned()),
        };
        Ok(dialer.showing(self.token()?))
    }

    fn token(&self) -> Result<Option<Token>, FleetArgsError> {
        // A variable that is set to nothing says nothing.
        let given = self.token.as_ref().filter(|text| !text.is_empty());
        let text = match (given, &self.token_file) {
            (Some(_), Some(_)) => return Err(FleetArgsError::TwoTokens),
            (None, Some(path)) => read(path)?,
            (Some(text), None) => text.clone(),
            (None, None) => return Ok(None),
        };
        Ok(Some(Token::new(&text)?))
    }
}

fn read(path: &Path) -> Result<TokenText, FleetArgsError> {
    let failed = |why: String| FleetArgsError::TokenFile { path: path.to_owned(), why };
    let size = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?.len();
    if size > TOKEN_FILE {
        return Err(failed("too large for a token".to_owned()));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    Ok(TokenText::new(text))
}
