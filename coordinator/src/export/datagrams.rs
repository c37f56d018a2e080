//! Lines over UDP: as many in a datagram as fit into one that no network on the way splits.
//!
//! Nobody says whether a datagram arrived. What can be known is that there is nobody to take it: the system says so when the
//! next one is sent, or when it is asked.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{UdpSocket, lookup_host};
use tokio::time::timeout;

use super::delivery::Receiver;
use super::feed::Tick;
use super::{influx, statsd};

/// What fits into a frame of Ethernet, with room for the headers of tunnels.
const MAX_DATAGRAM: usize = 1432;

/// How long the system may take to accept a datagram.
const PATIENCE: Duration = Duration::from_secs(1);

/// What lines are made.
#[derive(Debug, Clone)]
pub(super) enum Language {
    Statsd { dialect: statsd::Dialect, before: Option<Arc<Tick>> },
    Influx,
}

/// A receiver of datagrams.
#[derive(Debug)]
pub(super) struct Datagrams {
    socket: UdpSocket,
    language: Language,
}

impl Datagrams {
    /// To `address` (`host:port`).
    pub(super) async fn to(address: &str, language: Language) -> io::Result<Self> {
        let no_address = || io::Error::new(io::ErrorKind::NotFound, "no such host");
        let to = lookup_host(address).await?.next().ok_or_else(no_address)?;
        let any: SocketAddr = match to {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any).await?;
        socket.connect(to).await?;
        Ok(Self { socket, language })
    }

    fn lines(&mut self, tick: &Arc<Tick>) -> Vec<String> {
        match &mut self.language {
            Language::Influx => influx::lines(tick),
            Language::Statsd { dialect, before } => {
                // What could not be sent is not sent again: a part of it may have arrived.
                let last =
                    before.replace(Arc::clone(tick)).or_else(|| tick.resumed.then(|| Arc::clone(tick)));
                statsd::lines(&tick.figures, last.as_ref().map(|tick| &tick.figures), *dialect)
            }
        }
    }
}

impl Receiver for Datagrams {
    async fn deliver(&mut self, tick: &Arc<Tick>) -> Result<(), String> {
        let mut failed = None;
        for datagram in pack(&self.lines(tick)) {
            match timeout(PATIENCE, self.socket.send(datagram.as_bytes())).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => failed = Some(plainly(&error)),
                Err(_) => failed = Some("the system does not take datagrams".to_owned()),
            }
        }
        if let Ok(Some(error)) | Err(error) = self.socket.take_error() {
            failed = Some(plainly(&error));
        }
        failed.map_or(Ok(()), Err)
    }
}

/// Without the number that the system has for it.
pub(super) fn plainly(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        _ => error.to_string(),
    }
}

/// Lines as datagrams: each ends with a line break, and only a line that is longer by itself makes a longer one.
pub(super) fn pack(lines: &[String]) -> Vec<String> {
    let mut datagrams: Vec<String> = Vec::new();
    for line in lines {
        match datagrams.last_mut() {
            Some(last) if last.len() + line.len() < MAX_DATAGRAM => {
                last.push_str(line);
                last.push('\n');
            }
            _ => datagrams.push(format!("{line}\n")),
        }
    }
    datagrams
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_line_is_in_one_datagram_and_none_is_too_long(
            lengths in prop::collection::vec(1usize..MAX_DATAGRAM, 0..40),
        ) {
            let lines: Vec<_> = lengths.iter().map(|length| "x".repeat(*length)).collect();
            let packed = pack(&lines);
            prop_assert!(packed.iter().all(|datagram| datagram.len() <= MAX_DATAGRAM));
            let unpacked: Vec<_> = packed.iter().flat_map(|datagram| datagram.lines()).collect();
            prop_assert_eq!(unpacked, lines);
        }
    }
}
