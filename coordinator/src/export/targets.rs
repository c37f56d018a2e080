//! Where figures go, as it is given on the command line, and as it is shown: without users, passwords and queries, which may be
//! secrets.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

use super::statsd::Dialect;

/// What cannot be exported to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// No `http://` or `https://`.
    #[error("write it as a URL, for example {0}")]
    NoUrl(&'static str),
    /// No `host:port`.
    #[error("write it as HOST:PORT, for example {0}")]
    NoAddress(&'static str),
    /// Timestamps are in nanoseconds.
    #[error("precision={0}: timestamps are sent in nanoseconds; leave it out")]
    Precision(String),
}

/// A URL that is pushed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpTarget(pub Url);

impl FromStr for HttpTarget {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        http(text).map(Self).ok_or(TargetError::NoUrl("http://127.0.0.1:9090/api/v1/write"))
    }
}

impl fmt::Display for HttpTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        shown(&self.0, f)
    }
}

/// A receiver of StatsD lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatsdTarget {
    /// `host:port`.
    pub address: String,
    /// How lines are written.
    pub dialect: Dialect,
}

impl FromStr for StatsdTarget {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let (dialect, address) = match text.split_once("://") {
            Some(("dogstatsd", address)) => (Dialect::Dog, address),
            Some(("statsd", address)) => (Dialect::Plain, address),
            _ => (Dialect::Plain, text),
        };
        let example = "127.0.0.1:8125 or dogstatsd://127.0.0.1:8125";
        let address = address_of(address).ok_or(TargetError::NoAddress(example))?;
        Ok(Self { address, dialect })
    }
}

impl fmt::Display for StatsdTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.dialect == Dialect::Dog { "dogstatsd://" } else { "" };
        write!(f, "{scheme}{}", self.address)
    }
}

/// A receiver of the line protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InfluxTarget {
    /// By requests.
    Http(Url),
    /// By datagrams to this `host:port`.
    Udp(String),
}

impl FromStr for InfluxTarget {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if let Some(address) = text.strip_prefix("udp://") {
            let example = "udp://127.0.0.1:8089";
            return address_of(address).map(Self::Udp).ok_or(TargetError::NoAddress(example));
        }
        let url = http(text).ok_or(TargetError::NoUrl("http://127.0.0.1:8086/write?db=stampede"))?;
        let precision = url.query_pairs().find(|(name, _)| name == "precision").map(|(_, value)| value);
        match precision {
            Some(precision) if precision != "ns" && precision != "n" => {
                Err(TargetError::Precision(precision.into_owned()))
            }
            _ => Ok(Self::Http(url)),
        }
    }
}

impl fmt::Display for InfluxTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(url) => shown(url, f),
            Self::Udp(address) => write!(f, "udp://{address}"),
        }
    }
}

/// A user without a password in a URL is a token.
pub fn token_of(url: &Url) -> Option<String> {
    let (user, none) = (url.username(), url.password().is_none());
    (none && !user.is_empty()).then(|| decoded(user))
}

fn http(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

fn address_of(text: &str) -> Option<String> {
    let (host, port) = text.rsplit_once(':')?;
    let port: u16 = port.parse().ok()?;
    let plain = !host.is_empty() && !host.contains(['/', '@', ' ']);
    (plain && port > 0).then(|| text.to_owned())
}

fn shown(url: &Url, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or_default())?;
    if let Some(port) = url.port() {
        write!(f, ":{port}")?;
    }
    f.write_str(url.path())
}

/// Percent-encoding undone.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = (*first == b'%').then(|| after.get(..2)).flatten();
        let code = code.and_then(|digits| std::str::from_utf8(digits).ok());
        let code = code.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        bytes.push(code.unwrap_or(*first));
        rest = if code.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_shown_without_secrets() {
        let shown = |target: Result<HttpTarget, _>| target.map(|target| target.to_string());
        let url = "https://me:secret@h.test:9090/api/v1/write?token=secret#secret";
        assert_eq!(shown(url.parse()), Ok("https://h.test:9090/api/v1/write".to_owned()));
        for wrong in ["h:9090", "ftp://h/", "h", "", "http://"] {
            assert!(wrong.parse::<HttpTarget>().is_err(), "{wrong}");
        }
        let statsd = |text: &str| text.parse::<StatsdTarget>();
        let plain = StatsdTarget { address: "h:1".to_owned(), dialect: Dialect::Plain };
        assert_eq!((statsd("h:1"), statsd("statsd://h:1")), (Ok(plain.clone()), Ok(plain)));
        let dog = statsd("dogstatsd://[::1]:8125").expect("an address");
        assert_eq!((dog.dialect, dog.to_string()), (Dialect::Dog, "dogstatsd://[::1]:8125".to_owned()));
        for wrong in ["h", "h:", "h:0", "h:99999", ":1", "http://h:1", "h:1/x", ""] {
            assert!(statsd(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn influx_is_told_nanoseconds_and_its_token_is_decoded() {
        let influx = |text: &str| text.parse::<InfluxTarget>();
        assert_eq!(influx("udp://h:8089"), Ok(InfluxTarget::Udp("h:8089".to_owned())));
        assert!(influx("http://h/write?db=x&precision=ns").is_ok());
        assert_eq!(influx("http://h/write?precision=s"), Err(TargetError::Precision("s".to_owned())));
        let token = |text: &str| token_of(&Url::parse(text).expect("a URL"));
        assert_eq!(token("http://a%3D%zz@h/").as_deref(), Some("a=%zz"));
        assert_eq!((token("http://a:b@h/"), token("http://h/")), (None, None));
    }
}
