//! Makes a connection: name, address, TLS, and which HTTP is spoken over it. The cold path of a request.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use stampede_stats::outcome::FailureKind;
use stampede_stats::recorder::Connected;
use tokio::net::{TcpSocket, TcpStream};

use super::super::origin::Origin;
use super::super::probe::Probe;
use super::super::tls::Connectors;
use super::super::{Failure, Options, Version, classify};
use super::h2::Session;
use super::io::Io;
use super::shared::Shared;

/// The failure for a target that was asked for HTTP/2 and has only HTTP/1.1.
const NO_H2: Failure = Failure::new(FailureKind::Protocol, "the target does not speak HTTP/2");

/// The failure for a target without an address of a family that this worker may connect from.
const NO_SOURCE: Failure =
    Failure::new(FailureKind::Connect, "no address of the target is of the same family as a --source-ip");

/// How long an address may be silent before the next one is tried as well (RFC 8305, 5).
const STAGGER: Duration = Duration::from_millis(250);

/// What is spoken over a connection.
#[derive(Debug)]
pub(super) enum Line {
    H1(Io),
    H2(Box<Session>),
}

/// Connects to `origin` for a request that has `timeout` left at `begin`.
pub(super) async fn connect(
    shared: &Shared,
    tls: &Connectors,
    probe: &Probe,
    origin: &Origin,
    options: &Options,
    begin: Instant,
    timeout: Duration,
) -> Result<Line, Failure> {
    let limit = options.connect_timeout.filter(|limit| *limit < timeout);
    let time = limit.unwrap_or(timeout);
    let deadline = tokio::time::Instant::from_std(begin + time);
    match tokio::time::timeout_at(deadline, line(shared, tls, probe, origin, options, time)).await {
        Ok(line) => line,
        Err(_) => Err(classify::timed_out(false, limit.unwrap_or(options.total_timeout))),
    }
}

async fn line(
    shared: &Shared,
    tls: &Connectors,
    probe: &Probe,
    origin: &Origin,
    options: &Options,
    time: Duration,
) -> Result<Line, Failure> {
    let (mut addresses, dns) = shared
        .run
        .cache
        .addresses(origin.host(), origin.port())
        .await
        .map_err(|error| Failure::from(&error))?;
    let has_any = !addresses.is_empty();
    addresses.retain(|address| shared.reaches(*address));
    if has_any && addresses.is_empty() {
        return Err(NO_SOURCE);
    }
    let begin = Instant::now();
    let stagger = STAGGER.min(time / u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX));
    let stream =
        any(shared, &addresses, stagger).await.map_err(|error| classify::io_failure(&error, true))?;
    let mut connected = Connected { dns, connect: Some(begin.elapsed()), tls: None };
    let line = if origin.is_tls() {
        let begin = Instant::now();
        let line = secured(shared, tls, origin, options.version, stream).await?;
        connected.tls = Some(begin.elapsed());
        line
    } else if options.version == Version::H2 {
        Line::H2(Box::new(Session::begin(Io::Plain(stream)).await?))
    } else {
        Line::H1(Io::Plain(stream))
    };
    probe.made(origin.address(), connected);
    Ok(line)
}

/// Connects to the first address that answers. They are tried in the resolver's order, the next one when one has failed or has
/// not answered for `stagger`; those before it go on (RFC 8305).
async fn any(shared: &Shared, addresses: &[SocketAddr], stagger: Duration) -> io::Result<TcpStream> {
    if let [address] = addresses {
        return tcp(shared.source(*address), *address).await;
    }
    let mut last = io::ErrorKind::AddrNotAvailable.into();
    let mut left = addresses.iter();
    let mut attempts = FuturesUnordered::new();
    loop {
        if let Some(address) = left.next() {
            attempts.push(tcp(shared.source(*address), *address));
        }
        let ended = if left.len() == 0 {
            attempts.next().await
        } else {
            match tokio::time::timeout(stagger, attempts.next()).await {
                Ok(ended) => ended,
                Err(_) => continue,
            }
        };
        match ended {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(error)) => last = error,
            None => return Err(last),
        }
    }
}

async fn tcp(source: Option<IpAddr>, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source {
        // The port is taken now, before the peer is known: each source has one range of ports for all targets together.
        socket.bind(SocketAddr::new(source, 0))?;
    }
    socket.set_nodelay(true)?;
    socket.connect(address).await
}

async fn secured(
    shared: &Shared,
    tls: &Connectors,
    origin: &Origin,
    version: Version,
    stream: TcpStream,
) -> Result<Line, Failure> {
    let failed = |error: &io::Error| {
        if version == Version::H2 && classify::has_no_common_protocol(error) {
            return NO_H2;
        }
        let message = classify::tls_text(error).unwrap_or_else(|| classify::io_failure(error, false).message);
        Failure { kind: FailureKind::Tls, message }
    };
    let connector = tls.get(&shared.run, version)?;
    let name = shared.run.tls.server_name(origin.host())?;
    let stream = connector.connect(name, stream).await.map_err(|error| failed(&error))?;
    let speaks_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = Io::Tls(Box::new(stream));
    if speaks_h2 {
        Ok(Line::H2(Box::new(Session::begin(io).await?)))
    } else if version == Version::H2 {
        Err(NO_H2)
    } else {
        Ok(Line::H1(io))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::net::TcpListener;

    use super::*;

    /// Far longer than it takes, and shorter than the system tries a silent address for.
    const PATIENCE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn an_address_that_is_silent_does_not_keep_others_from_being_tried() {
        // Nobody accepts, and there is room for two that wait for it: the third is not answered.
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a free port");
        let full = socket.listen(1).expect("listening");
        let silent = full.local_addr().expect("bound");
        let mut waiting = Vec::new();
        for _ in 0..2 {
            waiting.push(TcpStream::connect(silent).await.expect("room"));
        }
        let good = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let good = (good.local_addr().expect("bound"), good);
        let refusing = {
            let gone = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            gone.local_addr().expect("bound")
        };
        let shared = Shared::new(Arc::default(), Vec::new());
        for addresses in
            [vec![silent, good.0], vec![silent, silent, good.0], vec![refusing, good.0], vec![good.0, silent]]
        {
            let found = any(&shared, &addresses, Duration::from_millis(10));
            let found =
                tokio::time::timeout(PATIENCE, found).await.expect("the silent one is not waited for");
            let stream = found.expect("one of them listens");
            assert_eq!(stream.peer_addr().expect("connected"), good.0, "{addresses:?}");
        }
        let refused = any(&shared, &[refusing, refusing], STAGGER).await.expect_err("nobody listens");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    }
}
