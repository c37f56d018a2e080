//! TLS towards targets: ring, the certificates the test trusts and shows, HTTP/2 by agreement where the scenario leaves it open.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use stampede_scenarios::plan::{AssetId, TlsPlan};
use stampede_stats::outcome::FailureKind;
use tokio_rustls::TlsConnector;

use super::run::RunHttp;
use super::verify::Verifier;
use super::{Failure, Version};

/// Sessions that a user keeps; eight for each of its targets.
const SESSIONS: usize = 64;

/// A certificate or key that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that was not sent along.
    #[error("`tls.{0}`: the file is missing")]
    Missing(&'static str),
    /// A file that is not PEM, or holds something else.
    #[error("`tls.{key}`: {why}")]
    Pem {
        /// The key of the scenario that names it.
        key: &'static str,
        /// In words.
        why: String,
    },
    /// A certificate and a key that TLS does not take.
    #[error("`tls.cert` with `tls.key`: {0}")]
    Identity(rustls::Error),
    /// A name that cannot stand in a certificate.
    #[error("`tls.server_name`: `{0}` cannot be the name of a certificate")]
    ServerName(String),
    /// The cipher suites.
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}

/// A test's TLS.
#[derive(Debug)]
pub(super) struct Tls {
    trust: Trust,
    identity: Option<Identity>,
    server_name: Option<ServerName<'static>>,
    resumption: bool,
    /// Made when it is first needed: reading the system's certificates takes a while.
    config: OnceLock<Result<ClientConfig, String>>,
}

#[derive(Debug)]
enum Trust {
    System,
    These(Vec<CertificateDer<'static>>),
    Anything,
}

struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Identity({} certificates)", self.chain.len())
    }
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            trust: Trust::System,
            identity: None,
            server_name: None,
            resumption: false,
            config: OnceLock::new(),
        }
    }
}

impl Tls {
    /// As the plan wants it.
    ///
    /// # Errors
    /// When a file or name cannot be used.
    pub(super) fn new(plan: &TlsPlan, assets: &[Bytes]) -> Result<Self, TlsError> {
        let trust = match plan.ca {
            _ if plan.insecure => Trust::Anything,
            Some(ca) => Trust::These(authorities(file(assets, ca, "ca")?)?),
            None => Trust::System,
        };
        let identity = match plan.identity {
            Some(files) => {
                Some(identity(file(assets, files.cert, "cert")?, file(assets, files.key, "key")?)?)
            }
            None => None,
        };
        let server_name = match &plan.server_name {
            Some(name) => {
                Some(ServerName::try_from(name.clone()).map_err(|_| TlsError::ServerName(name.clone()))?)
            }
            None => None,
        };
        let tls = Self { trust, identity, server_name, resumption: plan.resumption, config: OnceLock::new() };
        if tls.identity.is_some() {
            // Whether key and certificate go together is said before the test begins.
            tls.build()?;
        }
        Ok(tls)
    }

    /// Reads now what would be read at the first connection.
    pub(super) fn warm_up(&self) {
        // What is wrong with it the first connection will tell.
        let _ = self.config();
    }

    /// The configuration, offering HTTP/2 and HTTP/1.1.
    pub(super) fn config(&self) -> Result<&ClientConfig, Failure> {
        let made = self.config.get_or_init(|| self.build().map_err(|error| error.to_string()));
        made.as_ref().map_err(|why| Failure { kind: FailureKind::Tls, message: why.clone().into() })
    }

    /// A configuration that shares no sessions with another one.
    pub(super) fn for_user(&self, version: Version) -> Result<ClientConfig, Failure> {
        let mut config = self.config()?.clone();
        config.alpn_protocols = protocols(version);
        if self.resumption {
            config.resumption = Resumption::in_memory_sessions(SESSIONS);
        }
        Ok(config)
    }

    /// Whether a user's handshakes may resume its earlier ones.
    pub(super) fn resumes(&self) -> bool {
        self.resumption
    }

    /// The name the target's certificate is to have.
    pub(super) fn server_name(&self, host: &str) -> Result<ServerName<'static>, Failure> {
        match &self.server_name {
            Some(name) => Ok(name.clone()),
            None => ServerName::try_from(host.to_owned())
                .map_err(|_| Failure::new(FailureKind::Tls, "the host cannot be the name of a certificate")),
        }
    }

    fn build(&self) -> Result<ClientConfig, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = || {
            let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
            builder.with_safe_default_protocol_versions().map_err(TlsError::Setup)
        };
        let verified = match &self.trust {
            Trust::These(certificates) => {
                let verifier = Verifier::trusting(certificates, &provider)
                    .map_err(|why| TlsError::Pem { key: "ca", why })?;
                builder()?.dangerous().with_custom_certificate_verifier(Arc::new(verifier))
            }
            Trust::Anything => {
                let verifier = Arc::new(Verifier::any(&provider));
                builder()?.dangerous().with_custom_certificate_verifier(verifier)
            }
            Trust::System => match builder()?.with_platform_verifier() {
                Ok(verified) => verified,
                Err(error) => {
                    // A container without certificates can still test plain HTTP; HTTPS will say what is missing.
                    tracing::warn!(
                        "the system has no certificates to verify targets by ({error}); HTTPS will fail"
                    );
                    builder()?.with_root_certificates(RootCertStore::empty())
                }
            },
        };
        let mut config = match &self.identity {
            Some(Identity { chain, key }) => {
                verified.with_client_auth_cert(chain.clone(), key.clone_key()).map_err(TlsError::Identity)?
            }
            None => verified.with_no_client_auth(),
        };
        // Each user has sessions of its own, if any.
        config.resumption = Resumption::disabled();
        config.alpn_protocols = protocols(Version::Auto);
        Ok(config)
    }
}

fn file<'a>(
    assets: &'a [Bytes],
    id: AssetId,
    key: &'static str,
) -> Result<(&'a [u8], &'static str), TlsError> {
    let bytes = usize::try_from(id.0).ok().and_then(|index| assets.get(index));
    bytes.map(|bytes| (&**bytes, key)).ok_or(TlsError::Missing(key))
}

fn certificates((pem, key): (&[u8], &'static str)) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let certificates = read.map_err(|error| TlsError::Pem { key, why: error.to_string() })?;
    if certificates.is_empty() {
        return Err(TlsError::Pem { key, why: "no certificate in the file; PEM is expected".to_owned() });
    }
    Ok(certificates)
}

/// The certificates of a file, each of which can be trusted.
fn authorities(file: (&[u8], &'static str)) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates = certificates(file)?;
    let mut roots = RootCertStore::empty();
    for certificate in &certificates {
        let added = roots.add(certificate.clone());
        added.map_err(|error| TlsError::Pem { key: file.1, why: error.to_string() })?;
    }
    Ok(certificates)
}

fn identity(cert: (&[u8], &'static str), key: (&[u8], &'static str)) -> Result<Identity, TlsError> {
    let chain = certificates(cert)?;
    let key = PrivateKeyDer::from_pem_slice(key.0).map_err(|error| {
        // The error names what kind of PEM was found, never its content.
        TlsError::Pem { key: key.1, why: format!("no private key: {error}") }
    })?;
    Ok(Identity { chain, key })
}

/// TLS of a load thread, or of a user that resumes sessions: configurations of its own, one for each version of HTTP that was
/// asked for.
#[derive(Debug, Default)]
pub(super) struct Connectors(RefCell<Vec<(Version, Arc<ClientConfig>)>>);

impl Connectors {
    /// What connects for `version`.
    pub(super) fn get(&self, run: &RunHttp, version: Version) -> Result<TlsConnector, Failure> {
        let mut made = self.0.borrow_mut();
        if let Some((_, config)) = made.iter().find(|(known, _)| *known == version) {
            return Ok(TlsConnector::from(Arc::clone(config)));
        }
        let config = Arc::new(run.tls.for_user(version)?);
        made.push((version, Arc::clone(&config)));
        Ok(TlsConnector::from(config))
    }
}

/// What is offered, best first.
fn protocols(version: Version) -> Vec<Vec<u8>> {
    let (h1, h2) = (b"http/1.1".to_vec(), b"h2".to_vec());
    match version {
        Version::Auto => vec![h2, h1],
        Version::H1 => vec![h1],
        Version::H2 => vec![h2],
    }
}
