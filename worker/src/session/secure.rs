//! TLS to the coordinator: whom the worker trusts, what it shows, and what a failed handshake means in words.
//!
//! Only the authorities that were given count, never the system's: the coordinator is one machine that the person at both ends
//! knows. What no second attempt can change is told apart from a line that just broke.

use std::error::Error;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::transport::Io;

/// What is read at once before the stream is handed on.
const FIRST_READ: usize = 8 << 10;

/// TLS towards one coordinator.
#[derive(Clone)]
pub struct FleetTls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl fmt::Debug for FleetTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetTls").field("name", &self.name).finish_non_exhaustive()
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
    /// A host that cannot stand in a certificate.
    #[error("--connect {0}: this cannot be the name of a certificate")]
    Name(String),
    /// A certificate and a key that do not go together.
    #[error("--fleet-cert with --fleet-key: {0}")]
    Setup(rustls::Error),
}

impl FleetTls {
    /// Trusts the authorities in `ca` for the host of `address` (`host:port`), and shows a certificate where there is one.
    ///
    /// # Errors
    /// When a file cannot be read or used.
    pub fn read(address: &str, ca: &Path, identity: Option<(&Path, &Path)>) -> Result<Self, FleetTlsError> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned()).map_err(|_| FleetTlsError::Name(host.to_owned()))?;
        let mut roots = RootCertStore::empty();
        for certificate in certificates("--fleet-ca", ca)? {
            roots.add(certificate).map_err(|error| FleetTlsError::Content {
                flag: "--fleet-ca",
                path: ca.to_owned(),
                why: error.to_string(),
            })?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(FleetTlsError::Setup)?
            .with_root_certificates(roots);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => {
                let (chain, key) = (certificates("--fleet-cert", cert)?, private_key("--fleet-key", key)?);
                builder.with_client_auth_cert(chain, key).map_err(FleetTlsError::Setup)?
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self { config: Arc::new(config), name })
    }

    /// Makes TLS over a connection that stands.
    pub(super) async fn secure(&self, stream: TcpStream) -> io::Result<Box<dyn Io>> {
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let stream = connector.connect(self.name.clone(), stream).await.map_err(in_words)?;
        // With TLS 1.3 the other side judges our certificate after our part of the handshake is over. Its first bytes, which
        // HTTP/2 lets it send unasked, tell what it thinks; nothing of ours is on its way before.
        let mut stream = BufReader::with_capacity(FIRST_READ, stream);
        if stream.fill_buf().await.map_err(in_words)?.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Box::new(stream))
    }
}

fn read(flag: &'static str, path: &Path) -> Result<Vec<u8>, FleetTlsError> {
    fs::read(path).map_err(|source| FleetTlsError::Read { flag, path: path.to_owned(), source })
}

fn certificates(flag: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, FleetTlsError> {
    let content = |why: String| FleetTlsError::Content { flag, path: path.to_owned(), why };
    let pem = read(flag, path)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let all = all.map_err(|error| content(error.to_string()))?;
    if all.is_empty() {
        return Err(content("no certificate in the file; PEM is expected".to_owned()));
    }
    Ok(all)
}

fn private_key(flag: &'static str, path: &Path) -> Result<PrivateKeyDer<'static>, FleetTlsError> {
    PrivateKeyDer::from_pem_slice(&read(flag, path)?).map_err(|_| FleetTlsError::Content {
        flag,
        path: path.to_owned(),
        why: "no private key in the file; PEM is expected".to_owned(),
    })
}

/// A handshake that will fail the next time too.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Mismatch(String);

/// Why the coordinator cannot be spoken to, if trying again would not help.
pub(super) fn mismatch(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(Mismatch(why)) = inner.and_then(|inner| inner.downcast_ref()) {
            return Some(why.clone());
        }
        next = error.source();
    }
    None
}

fn in_words(error: io::Error) -> io::Error {
    use AlertDescription as Alert;
    use rustls::Error;

    let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else { return error };
    let why = match tls {
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => "its certificate is not from the authority in \
             --fleet-ca; give the ca.pem that its certificate was made with"
            .to_owned(),
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "its certificate has expired; `coordinator certs` makes new ones".to_owned()
        }
        Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "its certificate is not valid yet; compare the clocks of both machines".to_owned(),
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for other names than the one in --connect; connect by one of those, or make one for \
              this name with `coordinator certs DIR --name HOST`"
            .to_owned(),
        Error::InvalidCertificate(other) => format!("its certificate is not valid: {other}"),
        Error::InvalidMessage(_) => "it does not speak TLS; start it with --fleet-cert and --fleet-key, or leave out \
             --fleet-ca here"
            .to_owned(),
        Error::AlertReceived(Alert::CertificateRequired) => {
            "it wants a certificate of this worker; give --fleet-cert and --fleet-key".to_owned()
        }
        Error::AlertReceived(Alert::CertificateExpired) => {
            "this worker's certificate has expired; `coordinator certs` makes new ones".to_owned()
        }
        Error::AlertReceived(
            Alert::UnknownCA | Alert::BadCertificate | Alert::CertificateUnknown | Alert::DecryptError,
        ) => "it does not take this worker's certificate; that has to come from the authority in the coordinator's \
              --fleet-client-ca"
            .to_owned(),
        Error::AlertReceived(alert) => format!("it ended the TLS handshake ({alert:?})"),
        other => format!("no TLS with it: {other}"),
    };
    io::Error::new(error.kind(), Mismatch(why))
}
