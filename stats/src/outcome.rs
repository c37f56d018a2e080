//! How a request ended, and the closed list of ways in which it can fail.

use std::fmt;
use std::str::FromStr;

/// Why a request failed. The names are part of the report's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum FailureKind {
    /// The host name did not resolve.
    Dns = 1,
    /// No connection: refused, unreachable, timed out while connecting.
    Connect = 2,
    /// The TLS handshake failed.
    Tls = 3,
    /// The request's timeout passed after it had a connection.
    Timeout = 4,
    /// The peer closed the connection before the response was whole.
    Closed = 5,
    /// The peer reset the connection.
    Reset = 6,
    /// What came back is not HTTP.
    Protocol = 7,
    /// A status that `expect.status` does not allow.
    Status = 8,
    /// An `expect` other than the status did not hold.
    Expect = 9,
    /// An `extract` found nothing.
    Extract = 10,
    /// A value could not be computed.
    Template = 11,
    /// A response beyond the size limits.
    TooLarge = 12,
    /// A `fail` step.
    Fail = 13,
    /// None of the above.
    Other = 14,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Timeout,
        Self::Closed,
        Self::Reset,
        Self::Protocol,
        Self::Status,
        Self::Expect,
        Self::Extract,
        Self::Template,
        Self::TooLarge,
        Self::Fail,
        Self::Other,
    ];

    /// As it stands in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Protocol => "protocol",
            Self::Status => "status",
            Self::Expect => "expect",
            Self::Extract => "extract",
            Self::Template => "template",
            Self::TooLarge => "too_large",
            Self::Fail => "fail",
            Self::Other => "other",
        }
    }

    /// Its number on the wire.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The kind with this number on the wire.
    pub fn from_code(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| u32::from(kind.code()) == code)
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that names no failure kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownKind;

impl FromStr for FailureKind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or(UnknownKind)
    }
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// A whole response that was what the step expected.
    Ok,
    /// Anything else, with what a person should read about it.
    Failed {
        /// The class of failure.
        kind: FailureKind,
        /// The text of its row in the list of failures: the same for the same cause.
        message: &'a str,
    },
    /// Given up by this program at the end of the drain.
    Cancelled,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_round_trip_by_name_and_number() {
        for kind in FailureKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            assert_eq!(FailureKind::from_code(u32::from(kind.code())), Some(kind));
        }
        assert_eq!(FailureKind::from_code(0), None);
        assert_eq!("nope".parse::<FailureKind>(), Err(UnknownKind));
    }
}
