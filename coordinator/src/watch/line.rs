//! The watcher's way to the coordinator: TCP, with TLS where that is asked for, and the token with every call.
//!
//! As a worker's: only the authorities that were given count. What no second attempt can change is told apart from a line that
//! just broke.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, ClientConfig};
use stampede_proto::MAX_VIEW;
use stampede_proto::token::Token;
use stampede_proto::v1::watch_client::WatchClient;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Request, Status};

use crate::fleet::{FleetTlsError, authorities, certificates, private_key};

/// Bytes of one call that may be on their way: a picture or two of a large run. On a slow line more would be pictures of the past.
const WINDOW: u32 = 128 << 10;

/// What a message may have beside its picture, in bytes.
const REST: usize = 1 << 10;

/// A connection.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

type Dialed = BoxFuture<'static, io::Result<Box<dyn Io>>>;

/// A client of the coordinator that is watched.
pub(super) type Client = WatchClient<InterceptedService<Channel, Shown>>;

/// Makes connections to the coordinator.
#[derive(Clone)]
pub struct Line {
    dial: Arc<dyn Fn() -> Dialed + Send + Sync>,
    shown: Shown,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

/// What is shown with every call.
#[derive(Debug, Clone, Default)]
pub(super) struct Shown(Option<Token>);

impl Interceptor for Shown {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            token.show(request.metadata_mut());
        }
        Ok(request)
    }
}

impl Line {
    /// Dials by `dial`.
    pub fn new(dial: impl Fn() -> Dialed + Send + Sync + 'static) -> Self {
        Self { dial: Arc::new(dial), shown: Shown::default() }
    }

    /// The same, showing `token` with every call.
    #[must_use]
    pub fn showing(self, token: Option<Token>) -> Self {
        Self { shown: Shown(token), ..self }
    }

    /// Dials `address` (`host:port`), and speaks TLS where there is some.
    pub fn to(address: String, tls: Option<Tls>) -> Self {
        Self::new(move || {
            let (address, tls) = (address.clone(), tls.clone());
            Box::pin(async move {
                let stream = TcpStream::connect(&address).await?;
                stream.set_nodelay(true)?;
                match tls {
                    Some(tls) => tls.secure(stream).await,
                    None => Ok(Box::new(stream) as Box<dyn Io>),
                }
            })
        })
    }

    /// A client over a connection of its own.
    pub(super) async fn client(&self) -> Result<Client, tonic::transport::Error> {
        let dial = Arc::clone(&self.dial);
        // The authority is only a name here: the dialer knows where to go.
        let channel = Endpoint::from_static("http://coordinator")
            .connect_timeout(Duration::from_secs(5))
            .http2_keep_alive_interval(Duration::from_secs(10))
            .keep_alive_timeout(Duration::from_secs(5))
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .connect_with_connector(tower::service_fn(move |_: Uri| {
                let dialed = dial();
                async move { dialed.await.map(TokioIo::new) }
            }))
            .await?;
        let client = WatchClient::with_interceptor(channel, self.shown.clone());
        Ok(client.max_decoding_message_size(MAX_VIEW + REST))
    }
}

/// TLS towards one coordinator.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("name", &self.name).finish_non_exhaustive()
    }
}

/// TLS that cannot be had from what was given.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that cannot be used.
    #[error(transparent)]
    File(#[from] FleetTlsError),
    /// A host that cannot stand in a certificate.
    #[error("{0}: this cannot be the name of a certificate")]
    Name(String),
    /// A certificate and a key that do not go together.
    #[error("--fleet-cert with --fleet-key: {0}")]
    Setup(#[source] rustls::Error),
}

impl Tls {
    /// Trusts the authorities in `ca` for the host of `address` (`host:port`), and shows a certificate where there is one.
    ///
    /// # Errors
    /// When a file cannot be read or used.
    pub fn read(address: &str, ca: &Path, identity: Option<(&Path, &Path)>) -> Result<Self, TlsError> {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::Name(host.to_owned()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_root_certificates(authorities("--fleet-ca", ca)?);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some((cert, key)) => {
                let (chain, key) = (certificates("--fleet-cert", cert)?, private_key("--fleet-key", key)?);
                builder.with_client_auth_cert(chain, key).map_err(TlsError::Setup)?
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self { config: Arc::new(config), name })
    }

    async fn secure(&self, stream: TcpStream) -> io::Result<Box<dyn Io>> {
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let stream = connector.connect(self.name.clone(), stream).await.map_err(in_words)?;
        // With TLS 1.3 the other side judges our certificate when our part of the handshake is over; its first bytes tell.
        let mut stream = BufReader::new(stream);
        if stream.fill_buf().await.map_err(in_words)?.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Box::new(stream))
    }
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
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            "its certificate is not from the authority in --fleet-ca".to_owned()
        }
        Error::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }) => {
            "its certificate has expired; `coordinator certs` makes new ones".to_owned()
        }
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => "its certificate is for other names than this one; connect by one of those".to_owned(),
        Error::InvalidCertificate(other) => format!("its certificate is not valid: {other}"),
        Error::InvalidMessage(_) => "it does not speak TLS; leave out --fleet-ca".to_owned(),
        Error::AlertReceived(Alert::CertificateRequired) => {
            "it wants a certificate; give --fleet-cert and --fleet-key".to_owned()
        }
        Error::AlertReceived(
            Alert::UnknownCA | Alert::BadCertificate | Alert::CertificateUnknown | Alert::DecryptError,
        ) => "it does not take the certificate in --fleet-cert; that has to come from the authority in its \
              --fleet-client-ca"
            .to_owned(),
        Error::AlertReceived(alert) => format!("it ended the TLS handshake ({alert:?})"),
        other => format!("no TLS with it: {other}"),
    };
    io::Error::new(error.kind(), Mismatch(why))
}
