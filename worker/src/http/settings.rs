//! What a worker itself settles for its HTTP clients: the addresses they connect from.
//!
//! Which client makes the requests is a question of the test and travels with it.

use std::io;
use std::net::{IpAddr, TcpListener};

/// Local addresses to connect from, each of them this machine's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources(Vec<IpAddr>);

/// An address that connections cannot come from.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// It is not this machine's.
    #[error("this machine has no address {0}; `ip address` lists those it has")]
    NotHere(IpAddr),
    /// It stands for others.
    #[error("{0} is not an address of a machine; name one that this machine has")]
    NotOne(IpAddr),
    /// The system refuses it for another reason.
    #[error("cannot connect from {address}: {error}")]
    Refused {
        /// Which.
        address: IpAddr,
        /// Why.
        error: io::Error,
    },
}

impl Sources {
    /// Checks that each address can be bound to. One that is named twice counts once.
    ///
    /// # Errors
    /// The first that cannot.
    pub fn new(addresses: &[IpAddr]) -> Result<Self, SourceError> {
        let mut known = Vec::with_capacity(addresses.len());
        for address in addresses {
            if address.is_unspecified() || address.is_multicast() {
                return Err(SourceError::NotOne(*address));
            }
            if let Err(error) = TcpListener::bind((*address, 0)) {
                return Err(match error.kind() {
                    io::ErrorKind::AddrNotAvailable => SourceError::NotHere(*address),
                    _ => SourceError::Refused { address: *address, error },
                });
            }
            if !known.contains(address) {
                known.push(*address);
            }
        }
        Ok(Self(known))
    }

    /// The addresses; none leaves the choice to the system.
    pub fn addresses(&self) -> &[IpAddr] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(addresses: &[&str]) -> Result<Sources, String> {
        let addresses: Vec<IpAddr> =
            addresses.iter().map(|address| address.parse().expect("an address")).collect();
        Sources::new(&addresses).map_err(|error| error.to_string())
    }

    #[test]
    fn only_addresses_of_this_machine_are_taken() {
        let own = sources(&["127.0.0.1", "127.0.0.2", "127.0.0.1"]).expect("loopback");
        assert_eq!(own.addresses().len(), 2);
        assert_eq!(sources(&[]), Ok(Sources::default()));
        let wrong = ["192.0.2.1", "0.0.0.0", "224.0.0.1"].map(|address| sources(&[address]).unwrap_err());
        insta::assert_snapshot!(wrong.join("\n"), @r#"
        this machine has no address 192.0.2.1; `ip address` lists those it has
        0.0.0.0 is not an address of a machine; name one that this machine has
        224.0.0.1 is not an address of a machine; name one that this machine has
        "#);
    }
}
