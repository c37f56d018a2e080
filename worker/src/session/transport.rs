//! How bytes get to the coordinator: a dialer, TCP or in memory. The session does not know which.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use hyper_util::rt::TokioIo;
use stampede_proto::MAX_MESSAGE;
use stampede_proto::v1::fleet_client::FleetClient;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tonic::transport::{Channel, Endpoint, Uri};

/// A connection.
pub trait Io: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + 'static> Io for T {}

type Dialed = BoxFuture<'static, io::Result<Box<dyn Io>>>;

/// Makes connections to the coordinator.
#[derive(Clone)]
pub struct Dialer(Arc<dyn Fn() -> Dialed + Send + Sync>);

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialer")
    }
}

impl Dialer {
    /// Dials by `dial`.
    pub fn new(dial: impl Fn() -> Dialed + Send + Sync + 'static) -> Self {
        Self(Arc::new(dial))
    }

    /// Dials `address` (`host:port`) over TCP.
    pub fn tcp(address: String) -> Self {
        Self::new(move || {
            let address = address.clone();
            Box::pin(async move {
                let stream = TcpStream::connect(&address).await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream) as Box<dyn Io>)
            })
        })
    }

    /// A client over a connection of its own.
    pub(super) async fn client(&self) -> Result<FleetClient<Channel>, tonic::transport::Error> {
        let dial = Arc::clone(&self.0);
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
        Ok(FleetClient::new(channel)
            .max_decoding_message_size(MAX_MESSAGE)
            .max_encoding_message_size(MAX_MESSAGE))
    }
}
