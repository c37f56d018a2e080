//! TLS of the fleet port: what the coordinator shows, whom it trusts, and what a failed handshake means in words.
//!
//! The words are for the person in front of the coordinator; the worker has its own for the same failure.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{AlertDescription, CertificateError, RootCertStore, ServerConfig};

/// TLS of the fleet port.
#[derive(Clone)]
pub struct FleetTls {
    pub(super) config: Arc<ServerConfig>,
    /// Whether workers have to show a certificate.
    pub mutual: bool,
}

impl fmt::Debug for FleetTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetTls").field("mutual", &self.mutual).finish_non_exhaustive()
    }
}

/// A certificate or key that cannot be used. What is in a file is never repeated.
#[derive(Debug, thiserror::Error)]
pub enum FleetTlsError {
    /// A file that cannot be read.
    #[error("{flag} {}: {source}", path.display())]
    Read {
        /// The flag that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file without what it should hold.
    #[error("{flag} {}: {why}", path.display())]
    Content {
        /// The flag that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// In words.
        why: String,
    },
    /// A certificate and a key that do not go together, or an authority that TLS does not take.
    #[error("--fleet-cert with --fleet-key: {0}")]
    Setup(String),
}

impl FleetTls {
    /// Shows the certificate in `cert` with its `key`; with `client_ca` only workers whose certificate comes from there get in.
    ///
    /// # Errors
    /// When a file cannot be read or used.
    pub fn read(cert: &Path, key: &Path, client_ca: Option<&Path>) -> Result<Self, FleetTlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let setup = |error: &dyn fmt::Display| FleetTlsError::Setup(error.to_string());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| setup(&error))?;
        let builder = match client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let roots = Arc::new(authorities("--fleet-client-ca", path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                builder.with_client_cert_verifier(verifier.build().map_err(|error| setup(&error))?)
            }
        };
        let (chain, key) = (certificates("--fleet-cert", cert)?, private_key("--fleet-key", key)?);
        let mut config = builder.with_single_cert(chain, key).map_err(|error| setup(&error))?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self { config: Arc::new(config), mutual: client_ca.is_some() })
    }
}

fn read(flag: &'static str, path: &Path) -> Result<Vec<u8>, FleetTlsError> {
    fs::read(path).map_err(|source| FleetTlsError::Read { flag, path: path.to_owned(), source })
}

pub(crate) fn certificates(
    flag: &'static str,
    path: &Path,
) -> Result<Vec<CertificateDer<'static>>, FleetTlsError> {
    let content = |why: String| FleetTlsError::Content { flag, path: path.to_owned(), why };
    let pem = read(flag, path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let all = all.map_err(|error| content(error.to_string()))?;
    if all.is_empty() {
        return Err(content("no certificate in the file; PEM is expected".to_owned()));
    }
    Ok(all)
}

pub(crate) fn authorities(flag: &'static str, path: &Path) -> Result<RootCertStore, FleetTlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(flag, path)? {
        roots.add(certificate).map_err(|error| FleetTlsError::Content {
            flag,
            path: path.to_owned(),
            why: error.to_string(),
        })?;
    }
    Ok(roots)
}

pub(crate) fn private_key(flag: &'static str, path: &Path) -> Result<PrivateKeyDer<'static>, FleetTlsError> {
    PrivateKeyDer::from_pem_slice(&read(flag, path)?).map_err(|_| FleetTlsError::Content {
        flag,
        path: path.to_owned(),
        why: "no private key in the file; PEM is expected".to_owned(),
    })
}

/// Why a handshake failed, for the person in front of the coordinator. `None` where the peer just went away.
pub(super) fn in_words(error: &io::Error) -> Option<String> {
    use AlertDescription as Alert;
    use rustls::Error;

    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        return (error.kind() == io::ErrorKind::TimedOut)
            .then(|| "it began TLS and went no further".to_owned());
    };
    Some(match error {
        Error::NoCertificatesPresented => "it shows no certificate, and --fleet-client-ca wants one; \
             start that worker with --fleet-cert and --fleet-key"
            .to_owned(),
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "its certificate is not from the authority in --fleet-client-ca".to_owned()
        }
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "its certificate has expired; `coordinator certs` makes new ones".to_owned()
        }
        Error::InvalidCertificate(other) => format!("its certificate is not valid: {other}"),
        Error::AlertReceived(Alert::UnknownCA | Alert::DecryptError) => {
            "it does not know the authority of this coordinator's certificate; \
             give it that authority's certificate with --fleet-ca"
                .to_owned()
        }
        Error::AlertReceived(Alert::CertificateExpired) => {
            "this coordinator's certificate has expired; `coordinator certs` makes new ones".to_owned()
        }
        Error::AlertReceived(Alert::BadCertificate | Alert::CertificateUnknown) => {
            "it does not take this coordinator's certificate, perhaps because it was made for another name"
                .to_owned()
        }
        Error::AlertReceived(alert) => format!("it ended the TLS handshake ({alert:?})"),
        Error::InvalidMessage(_) => "it does not speak TLS".to_owned(),
        other => format!("no TLS with it: {other}"),
    })
}
