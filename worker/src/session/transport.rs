//! How bytes get to the coordinator: a dialer, TCP or in memory. The session does not know which.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper_util::rt::TokioIo;
use stampede_proto::MAX_MESSAGE;
use stampede_proto::token::Token;
use stampede_proto::v1::fleet_client::FleetClient;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Request, Status};

use super::secure::FleetTls;

/// A connection.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

type Dialed = BoxFuture<'static, io::Result<Box<dyn Io>>>;

/// A client of the coordinator: every call of it shows the token, where there is one.
pub(super) type Client = FleetClient<InterceptedService<Channel, Shown>>;

/// Makes connections to the coordinator.
#[derive(Clone)]
pub struct Dialer {
    dial: Arc<dyn Fn() -> Dialed + Send + Sync>,
    shown: Shown,
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

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialer")
    }
}

impl Dialer {
    /// Dials by `dial`.
    pub fn new(dial: impl Fn() -> Dialed + Send + Sync + 'static) -> Self {
        Self { dial: Arc::new(dial), shown: Shown::default() }
    }

    /// The same, showing `token` with every call.
    #[must_use]
    pub fn showing(self, token: Option<Token>) -> Self {
        Self { shown: Shown(token), ..self }
    }

    /// Dials `address` (`host:port`) over TCP.
    pub fn tcp(address: String) -> Self {
        Self::to(address, None)
    }

    /// Dials `address` (`host:port`) over TCP, and speaks TLS.
    pub fn tls(address: String, tls: FleetTls) -> Self {
        Self::to(address, Some(tls))
    }

    fn to(address: String, tls: Option<FleetTls>) -> Self {
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
            .keep_alive_while_idle(true)
            .connect_with_connector(tower::service_fn(move |_: Uri| {
                let dialed = dial();
                async move { dialed.await.map(TokioIo::new) }
            }))
            .await?;
        Ok(FleetClient::with_interceptor(channel, self.shown.clone())
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE))
    }
}
