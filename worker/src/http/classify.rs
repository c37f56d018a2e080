//! From an error of the HTTP stack to a failure's kind and the words a report shows.
//!
//! Words are the same for the same cause: no addresses, no ports, no byte counts, or every failure would be a row of its own.

use std::borrow::Cow;
use std::error::Error;
use std::io;
use std::time::Duration;

use rustls::AlertDescription;
use stampede_stats::outcome::FailureKind;

use super::resolve::LookupError;
use super::{Failure, MAX_KEPT_BODY};

/// The failure for a request that took too long.
pub fn timed_out(connected: bool, timeout: Duration) -> Failure {
    if connected {
        Failure {
            kind: FailureKind::Timeout,
            message: format!("no whole response within {timeout:?}").into(),
        }
    } else {
        Failure { kind: FailureKind::Connect, message: format!("no connection within {timeout:?}").into() }
    }
}

/// The failure for a response that did not begin in time.
pub fn no_first_byte(connected: bool, limit: Duration) -> Failure {
    if connected {
        Failure { kind: FailureKind::Timeout, message: format!("no first byte within {limit:?}").into() }
    } else {
        timed_out(false, limit)
    }
}

/// The failure for a body that a step looks at and that is too large to be kept.
pub fn body_too_large() -> Failure {
    Failure {
        kind: FailureKind::TooLarge,
        message: format!("a body over {} MiB, which the step looks at", MAX_KEPT_BODY >> 20).into(),
    }
}

/// The failure for a head that is too large.
pub const HEAD_TOO_LARGE: Failure = Failure::new(FailureKind::TooLarge, "the response's head is too large");

/// The failure for a connection that ended before the response did.
pub const CLOSED: Failure =
    Failure::new(FailureKind::Closed, "connection closed before the response was whole");

/// The failure behind reqwest's `error`.
pub fn reqwest(error: &reqwest::Error) -> Failure {
    let causes = || causes(error);
    if let Some(error) = causes().find_map(|cause| cause.downcast_ref::<LookupError>()) {
        return error.into();
    }
    if let Some(tls) = causes().find_map(tls_error) {
        return Failure { kind: FailureKind::Tls, message: tls };
    }
    if let Some(io) = causes().filter_map(io_error).last() {
        return io_failure(io, error.is_connect());
    }
    if error.is_connect() {
        return Failure { kind: FailureKind::Connect, message: "cannot connect".into() };
    }
    match causes().find_map(|cause| cause.downcast_ref::<hyper::Error>()) {
        Some(error) => of_hyper(error),
        None => Failure { kind: FailureKind::Other, message: innermost(error).into() },
    }
}

/// The failure behind an error of hyper's own client.
pub fn hyper(error: &hyper::Error) -> Failure {
    match sources(error).filter_map(io_error).last() {
        Some(io) => io_failure(io, false),
        None => of_hyper(error),
    }
}

fn of_hyper(error: &hyper::Error) -> Failure {
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return CLOSED;
    }
    if error.is_parse_too_large() {
        return HEAD_TOO_LARGE;
    }
    if error.is_parse() {
        return Failure { kind: FailureKind::Protocol, message: format!("not HTTP: {error}").into() };
    }
    // What HTTP/2 peers say when they end a stream or a connection.
    let h2 = sources(error).last().map(ToString::to_string);
    match h2 {
        Some(why) => Failure { kind: FailureKind::Protocol, message: format!("HTTP/2: {why}").into() },
        None => Failure { kind: FailureKind::Other, message: error.to_string().into() },
    }
}

fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    sources(error)
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = error.source();
    std::iter::from_fn(move || {
        let cause = next?;
        next = cause.source();
        Some(cause)
    })
}

fn io_error<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    cause.downcast_ref::<io::Error>()
}

fn tls_error(cause: &(dyn Error + 'static)) -> Option<Cow<'static, str>> {
    let tls = match cause.downcast_ref::<rustls::Error>() {
        Some(tls) => tls,
        None => within(cause.downcast_ref::<io::Error>()?)?,
    };
    Some(of_tls(tls))
}

/// The TLS error in an I/O error, which may be wrapped in others: their `source` leaves out what they wrap.
fn within(mut error: &io::Error) -> Option<&rustls::Error> {
    loop {
        let inner = error.get_ref()?;
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        error = inner.downcast_ref::<io::Error>()?;
    }
}

/// The failure behind an I/O error, while connecting or later.
pub fn io_failure(io: &io::Error, connecting: bool) -> Failure {
    use io::ErrorKind as Kind;
    if connecting {
        let message = match io.kind() {
            Kind::ConnectionRefused => "connection refused".into(),
            Kind::TimedOut => "connecting timed out".into(),
            Kind::HostUnreachable => "host unreachable".into(),
            Kind::NetworkUnreachable => "network unreachable".into(),
            Kind::AddrNotAvailable => "no local port left to connect from".into(),
            _ => os_text(io),
        };
        return Failure { kind: FailureKind::Connect, message };
    }
    match io.kind() {
        Kind::ConnectionReset => {
            Failure { kind: FailureKind::Reset, message: "connection reset by the peer".into() }
        }
        Kind::BrokenPipe | Kind::UnexpectedEof | Kind::ConnectionAborted | Kind::NotConnected => CLOSED,
        Kind::TimedOut => Failure { kind: FailureKind::Timeout, message: "the connection timed out".into() },
        // hyper says the second of chunks that are none.
        Kind::InvalidData | Kind::InvalidInput => {
            Failure { kind: FailureKind::Protocol, message: os_text(io) }
        }
        _ => Failure { kind: FailureKind::Other, message: os_text(io) },
    }
}

/// What TLS has to say in an I/O error of a handshake.
pub fn tls_text(error: &io::Error) -> Option<Cow<'static, str>> {
    Some(of_tls(within(error)?))
}

/// Whether a handshake ended because the target speaks nothing of what it was offered.
pub fn has_no_common_protocol(error: &io::Error) -> bool {
    matches!(within(error), Some(rustls::Error::AlertReceived(AlertDescription::NoApplicationProtocol)))
}

/// The words for an error of TLS: without the instant at which it was found.
fn of_tls(error: &rustls::Error) -> Cow<'static, str> {
    use rustls::CertificateError as Wrong;
    match error {
        rustls::Error::InvalidCertificate(Wrong::Expired | Wrong::ExpiredContext { .. }) => {
            "invalid peer certificate: it has expired".into()
        }
        rustls::Error::InvalidCertificate(Wrong::NotValidYet | Wrong::NotValidYetContext { .. }) => {
            "invalid peer certificate: it is not valid yet".into()
        }
        other => other.to_string().into(),
    }
}

fn os_text(io: &io::Error) -> Cow<'static, str> {
    let text = io.to_string();
    // `Too many open files (os error 24)`: the number says nothing more.
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_owned().into()
}

fn innermost(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn io_errors_become_the_kinds_of_the_report() {
        let cases = [
            (io::ErrorKind::ConnectionRefused, true, FailureKind::Connect),
            (io::ErrorKind::ConnectionReset, false, FailureKind::Reset),
            (io::ErrorKind::ConnectionReset, true, FailureKind::Connect),
            (io::ErrorKind::BrokenPipe, false, FailureKind::Closed),
            (io::ErrorKind::UnexpectedEof, false, FailureKind::Closed),
            (io::ErrorKind::InvalidData, false, FailureKind::Protocol),
            (io::ErrorKind::InvalidInput, false, FailureKind::Protocol),
        ];
        for (kind, connecting, expected) in cases {
            assert_eq!(io_failure(&kind.into(), connecting).kind, expected, "{kind:?} {connecting}");
        }
    }

    #[test]
    fn tls_is_found_however_deep_it_is() {
        let mut error = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        for _ in 0..3 {
            assert_eq!(tls_error(&error).as_deref(), Some("cannot decrypt peer's message"));
            error = io::Error::other(error);
        }
        assert_eq!(tls_error(&io::Error::other("else")), None);
    }

    #[test]
    fn messages_carry_no_numbers_of_the_moment() {
        let error = io::Error::from_raw_os_error(24);
        assert_eq!(os_text(&error), "Too many open files");
        assert_eq!(timed_out(true, Duration::from_secs(2)).message, "no whole response within 2s");
    }
}
