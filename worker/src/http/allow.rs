//! What a worker may aim at, whatever the coordinator says: the patterns of `--allow-host`. Pure.
//!
//! A name pattern is about the host as it stands in the URL, and holds where this machine's own resolver says which address
//! that is. An address that the scenario puts in place of the resolver's, and one that stands in a URL itself, has to be allowed
//! as an address. Patterns are looked at when a connection is made, never for a request on one that stands.

use core::net::IpAddr;
use std::fmt;
use std::str::FromStr;

use url::Host;

/// The targets a worker may aim at; without patterns every one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allow(Vec<Pattern>);

/// One of them: `host`, `*.domain`, an address or a network in CIDR notation, each with or without `:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    what: What,
    port: Option<u16>,
    /// As it was written.
    text: Box<str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum What {
    Name(Box<str>),
    /// Every name that ends so; with its dot.
    Below(Box<str>),
    /// Addresses whose first bits are these.
    Net(IpAddr, u8),
}

/// A text that is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// A URL.
    #[error("write the host alone: shop.test, shop.test:8443, *.shop.test, 192.0.2.7 or 10.0.0.0/8")]
    Url,
    /// A port that is none.
    #[error("`{0}` is not a port")]
    Port(String),
    /// A network that is none.
    #[error("`{0}` is not a network; one is written 10.0.0.0/8 or [fd00::/8]:443")]
    Net(String),
    /// A host that is none.
    #[error(
        "`{0}` is neither a host name nor an address; a `*` stands for the beginning of a name: *.shop.test"
    )]
    Host(String),
}

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let text = text.trim();
        if text.contains("://") || text.contains('@') {
            return Err(PatternError::Url);
        }
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, rest)) => {
                (host, Some(rest.strip_prefix(':').ok_or_else(|| PatternError::Host(text.to_owned()))?))
            }
            // More than one colon without brackets is an IPv6 address.
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (text, None),
            },
        };
        let number = |port: &str| match port.parse() {
            Ok(0) | Err(_) => Err(PatternError::Port(port.to_owned())),
            Ok(port) => Ok(port),
        };
        Ok(Self { what: what(host)?, port: port.map(number).transpose()?, text: text.into() })
    }
}

fn what(text: &str) -> Result<What, PatternError> {
    if let Some((address, bits)) = text.split_once('/') {
        let net = || PatternError::Net(text.to_owned());
        let address: IpAddr = address.parse().map_err(|_| net())?;
        let bits: u8 = bits.parse().map_err(|_| net())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        return if bits <= most { Ok(What::Net(address, bits)) } else { Err(net()) };
    }
    if let Ok(address) = text.parse::<IpAddr>() {
        let address = address.to_canonical();
        return Ok(What::Net(address, if address.is_ipv4() { 32 } else { 128 }));
    }
    let none = || PatternError::Host(text.to_owned());
    let (below, name) = match text.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, text),
    };
    // As URLs have it: in lower case, other scripts in their ASCII form, addresses in odd spellings as addresses.
    match Host::parse(name).map_err(|_| none())? {
        Host::Domain(name) if name.contains('*') => Err(none()),
        Host::Domain(name) if below => Ok(What::Below(format!(".{}", name.trim_end_matches('.')).into())),
        Host::Domain(name) => Ok(What::Name(name.trim_end_matches('.').into())),
        Host::Ipv4(address) if !below => Ok(What::Net(address.into(), 32)),
        _ => Err(none()),
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Display for Allow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<_> = self.0.iter().map(|pattern| &*pattern.text).collect();
        f.write_str(&texts.join(", "))
    }
}

impl Allow {
    /// What these patterns allow; none of them allow everything.
    pub fn new(patterns: Vec<Pattern>) -> Self {
        Self(patterns)
    }

    /// Whether everything is allowed.
    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `host` at `port` may be connected to because it is called so, or is an address that may be.
    pub fn host(&self, host: &str, port: u16) -> bool {
        if let Ok(address) = host.parse() {
            return self.address(address, port);
        }
        let name = host.trim_end_matches('.');
        self.any(port, |what| match what {
            What::Name(known) => name.eq_ignore_ascii_case(known),
            What::Below(end) => {
                let begin = name.len().checked_sub(end.len()).filter(|begin| *begin > 0);
                begin.and_then(|begin| name.get(begin..)).is_some_and(|own| own.eq_ignore_ascii_case(end))
            }
            What::Net(..) => false,
        })
    }

    /// Whether `address` at `port` may be connected to whatever it is called.
    pub fn address(&self, address: IpAddr, port: u16) -> bool {
        let address = address.to_canonical();
        self.any(port, |what| match what {
            What::Net(net, bits) => same_bits(address, *net, *bits),
            _ => false,
        })
    }

    /// Whether a name that is not allowed itself may have an address at `port` that is.
    pub fn may_have_address(&self, port: u16) -> bool {
        self.any(port, |what| matches!(what, What::Net(..)))
    }

    fn any(&self, port: u16, fits: impl Fn(&What) -> bool) -> bool {
        let fits = |pattern: &Pattern| pattern.port.is_none_or(|own| own == port) && fits(&pattern.what);
        self.is_everything() || self.0.iter().any(fits)
    }
}

/// Whether the first `bits` are the same.
fn same_bits(one: IpAddr, other: IpAddr, bits: u8) -> bool {
    let first = |number: u128, of: u32| if bits == 0 { 0 } else { number >> (of - u32::from(bits).min(of)) };
    match (one, other) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            first(one.to_bits().into(), 32) == first(other.to_bits().into(), 32)
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => first(one.to_bits(), 128) == first(other.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(patterns: &[&str]) -> Allow {
        Allow::new(patterns.iter().map(|text| text.parse().expect("a pattern")).collect())
    }

    #[test]
    fn patterns_and_the_hosts_they_allow() {
        for (pattern, host, port, allowed) in [
            ("shop.test", "shop.test", 80, true),
            ("Shop.Test", "shop.test.", 8443, true),
            ("shop.test", "www.shop.test", 80, false),
            ("shop.test", "shop.test.evil.test", 80, false),
            ("shop.test", "evilshop.test", 80, false),
            ("shop.test:443", "shop.test", 443, true),
            ("shop.test:443", "shop.test", 80, false),
            ("*.shop.test", "www.shop.test", 80, true),
            ("*.shop.test", "a.b.shop.test", 80, true),
            ("*.shop.test", "shop.test", 80, false),
            ("*.shop.test", "evilshop.test", 80, false),
            ("*.shop.test", ".shop.test", 80, false),
            ("*.shop.test:81", "www.shop.test", 80, false),
            ("bücher.test", "xn--bcher-kva.test", 80, true),
            ("127.0.0.1", "127.0.0.1", 80, true),
            ("127.0.0.1:80", "127.0.0.1", 81, false),
            ("127.0.0.1", "::ffff:127.0.0.1", 80, true),
            ("127.0.0.1", "localhost", 80, false),
            ("10.0.0.0/8", "10.255.0.1", 80, true),
            ("10.1.2.3/8", "10.255.0.1", 80, true),
            ("10.0.0.0/8", "11.0.0.1", 80, false),
            ("10.0.0.0/8:443", "10.0.0.1", 80, false),
            ("10.0.0.0/8", "fd00::1", 80, false),
            ("0.0.0.0/0", "192.0.2.1", 80, true),
            ("::1", "::1", 80, true),
            ("[::1]:80", "::1", 81, false),
            ("fd00::/8", "fdff::1", 80, true),
            ("[fd00::/8]:443", "fdff::1", 443, true),
            ("fd00::/8", "fe00::1", 80, false),
        ] {
            assert_eq!(allow(&[pattern]).host(host, port), allowed, "{pattern} {host} {port}");
        }
    }

    #[test]
    fn none_allow_everything_and_several_are_taken_together() {
        let all = Allow::default();
        assert!(all.host("any.test", 1) && all.address([192, 0, 2, 1].into(), 1));
        let two = allow(&["a.test", "10.0.0.0/8:80"]);
        assert!(two.host("a.test", 9) && two.address([10, 0, 0, 1].into(), 80) && !two.host("b.test", 80));
        assert!(two.may_have_address(80) && !two.may_have_address(443));
        assert!(!allow(&["a.test"]).address([10, 0, 0, 1].into(), 80), "a name allows no address");
        assert_eq!(two.to_string(), "a.test, 10.0.0.0/8:80");
    }

    #[test]
    fn what_is_no_pattern_is_answered_with_what_is() {
        let wrong = [
            "",
            "http://a.test",
            "u@a.test",
            "a.test:http",
            "a.test:0",
            "a test",
            "*",
            "a.*.test",
            "10.0.0.0/33",
            "a/8",
            "*.10.0.0.1",
            "[::1]x",
        ];
        let said = wrong.map(|text| match text.parse::<Pattern>() {
            Ok(pattern) => panic!("{pattern:?}"),
            Err(error) => format!("{text:?}: {error}"),
        });
        insta::assert_snapshot!(said.join("\n"));
    }
}
