//! One TLS configuration for all clients: the system's certificates, ring, sessions resumed, HTTP/2 by agreement.

use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;

use super::ClientError;

/// The configuration. It reads the system's certificates, which takes a while: once for each process.
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
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
