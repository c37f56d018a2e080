//! The gRPC health service of a worker, for those who look after processes: it lives, and whether it has a coordinator.
//!
//! The worker as a whole serves as long as it lives; `stampede.v1.Worker` only while the line to a coordinator stands. Nothing
//! else is told, so nothing has to be shown.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic_health::ServingStatus;

/// What stands for the line to a coordinator.
const WORKER: &str = "stampede.v1.Worker";

/// Calls under way on one connection.
const STREAMS: u32 = 8;

/// Connections that nobody uses any more go after this.
const AGE: Duration = Duration::from_secs(300);

/// Listens on `address`, and answers from then on; `line` says whether there is a coordinator.
///
/// # Errors
/// When the address cannot be had.
pub async fn serve(address: SocketAddr, mut line: watch::Receiver<bool>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let (reporter, service) = tonic_health::server::health_reporter();
    let told = reporter.clone();
    told.set_service_status(WORKER, status(*line.borrow_and_update())).await;
    tokio::spawn(async move {
        while line.changed().await.is_ok() {
            let stands = *line.borrow_and_update();
            reporter.set_service_status(WORKER, status(stands)).await;
        }
    });
    let server = Server::builder()
        .max_concurrent_streams(STREAMS)
        .max_connection_age(AGE)
        .http2_keepalive_interval(Some(Duration::from_secs(10)))
        .http2_keepalive_timeout(Some(Duration::from_secs(5)))
        .add_service(service);
    // It ends with the runtime.
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    Ok(address)
}

fn status(stands: bool) -> ServingStatus {
    if stands { ServingStatus::Serving } else { ServingStatus::NotServing }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;
    use tonic::transport::Endpoint;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;

    use super::*;

    #[tokio::test]
    async fn it_follows_the_line() {
        let (stands, line) = watch::channel(false);
        let address = serve(([127, 0, 0, 1], 0).into(), line).await.expect("a free port");
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("a URL");
        let mut client = HealthClient::new(endpoint.connect().await.expect("a line"));
        let whole = client.check(HealthCheckRequest::default()).await.expect("an answer").into_inner();
        assert_eq!(whole.status, ServingStatus::Serving as i32);
        let asked = HealthCheckRequest { service: WORKER.to_owned() };
        let mut watched = client.watch(asked).await.expect("an answer").into_inner();
        for expected in [ServingStatus::NotServing, ServingStatus::Serving, ServingStatus::NotServing] {
            let seen = watched.next().await.expect("a state").expect("a state");
            assert_eq!(seen.status, expected as i32);
            stands.send_modify(|stands| *stands = !*stands);
        }
    }
}
