//! TLS towards targets: ring, the system's certificates, and HTTP/2 by agreement where the scenario leaves it open.

use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use stampede_stats::outcome::FailureKind;
use tokio_rustls::TlsConnector;

use super::{ClientError, Failure, Version};

/// The configuration of a process, made when it is first needed: reading the system's certificates takes a while.
#[derive(Debug, Default)]
pub(super) struct Tls(OnceLock<Result<ClientConfig, String>>);

impl Tls {
    /// The configuration.
    pub(super) fn config(&self) -> Result<&ClientConfig, Failure> {
        let made = self.0.get_or_init(|| config().map_err(|error| error.to_string()));
        made.as_ref().map_err(|why| Failure { kind: FailureKind::Tls, message: why.clone().into() })
    }
}

/// A load thread's TLS: configurations of its own, one for each version of HTTP that was asked for.
#[derive(Debug)]
pub(super) struct Connectors {
    tls: Arc<Tls>,
    made: RefCell<Vec<(Version, Arc<ClientConfig>)>>,
}

impl Connectors {
    pub(super) fn new(tls: Arc<Tls>) -> Self {
        Self { tls, made: RefCell::default() }
    }

    /// What connects for `version`.
    pub(super) fn get(&self, version: Version) -> Result<TlsConnector, Failure> {
        let mut made = self.made.borrow_mut();
        if let Some((_, config)) = made.iter().find(|(known, _)| *known == version) {
            return Ok(TlsConnector::from(Arc::clone(config)));
        }
        let mut config = self.tls.config()?.clone();
        config.alpn_protocols = protocols(version);
        let config = Arc::new(config);
        made.push((version, Arc::clone(&config)));
        Ok(TlsConnector::from(config))
    }
}

/// The name the target's certificate is to have.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, Failure> {
    ServerName::try_from(host.to_owned())
        .map_err(|_| Failure::new(FailureKind::Tls, "the host cannot be the name of a certificate"))
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

/// Reads the system's certificates.
pub(super) fn config() -> Result<ClientConfig, ClientError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = || {
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        builder.with_safe_default_protocol_versions().map_err(ClientError::Tls)
    };
    let mut config = match builder()?.with_platform_verifier() {
        Ok(verified) => verified.with_no_client_auth(),
        Err(error) => {
            // A container without certificates can still test plain HTTP; HTTPS will say what is missing.
            tracing::warn!("the system has no certificates to verify targets by ({error}); HTTPS will fail");
            builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    };
    config.alpn_protocols = protocols(Version::Auto);
    Ok(config)
}
