//! The head of an HTTP/1.x response: what it says about framing, and the few lines anybody wants. Pure.
//!
//! The rules are those of RFC 9112, 6.3, in the reading of hyper, so that both clients see the same responses.

use std::mem::MaybeUninit;

use httparse::{Header, ParserConfig};

use super::super::{Options, Response, redirect};
use super::reader::ReadError;

/// Header lines of a response at most.
pub(super) const MAX_LINES: usize = 128;

/// How the body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
    /// With the connection.
    UntilClose,
}

/// What a head says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// Its length in bytes.
    pub(super) length: usize,
    /// Another head follows.
    pub(super) interim: bool,
    pub(super) framing: Framing,
    /// Whether the connection may be used again.
    pub(super) keep_alive: bool,
}

/// Reads a head from the beginning of `input` into `response`; `None` while it is not whole.
pub(super) fn read(
    input: &[u8],
    answers_head: bool,
    options: &Options,
    response: &mut Response,
) -> Result<Option<Head>, ReadError> {
    let mut lines = [const { MaybeUninit::uninit() }; MAX_LINES];
    let mut parsed = httparse::Response::new(&mut []);
    let status = ParserConfig::default()
        .parse_response_with_uninit_headers(&mut parsed, input, &mut lines)
        .map_err(|error| match error {
        httparse::Error::TooManyHeaders => ReadError::HeadTooLarge,
        error => ReadError::Malformed(error),
    })?;
    let httparse::Status::Complete(length) = status else { return Ok(None) };
    let code = parsed.code.unwrap_or_default();
    if code < 100 {
        return Err(ReadError::Malformed(httparse::Error::Status));
    }
    response.status = code;
    let interim = (100..200).contains(&code) && code != 101;
    if interim {
        return Ok(Some(Head { length, interim, framing: Framing::Length(0), keep_alive: true }));
    }
    let mut said = Said::default();
    for line in &*parsed.headers {
        said.line(line, options, response);
    }
    if options.keep_head {
        keep(parsed.headers, response);
    }
    let http11 = parsed.version == Some(1);
    let framing = said.framing(code, answers_head, http11)?;
    // Behind a body without an end of its own nothing can follow; what was switched to is not HTTP any more.
    let keep_alive = said.keep_alive(http11) && framing != Framing::UntilClose && code != 101;
    Ok(Some(Head { length, interim, framing, keep_alive }))
}

/// What the lines say about framing.
#[derive(Debug, Default)]
struct Said {
    length: Option<u64>,
    /// There is one that is no number, or not the same as another: an error if it is what the body ends by.
    bad_length: bool,
    /// There is a transfer encoding, and whether `chunked` is the last of it.
    transfer: Option<bool>,
    close: bool,
    stay: bool,
}

impl Said {
    fn line(&mut self, line: &Header<'_>, options: &Options, response: &mut Response) {
        let is = |name: &str| line.name.eq_ignore_ascii_case(name);
        // Most lines are told apart by their length alone.
        match line.name.len() {
            8 if redirect::is_redirect(response.status) && response.location.is_none() && is("location") => {
                response.location = Some(text(line.value));
            }
            10 if is("connection") => {
                for token in tokens(line.value) {
                    self.close |= token.eq_ignore_ascii_case(b"close");
                    self.stay |= token.eq_ignore_ascii_case(b"keep-alive");
                }
            }
            10 if options.cookies && is("set-cookie") => response.set_cookies.push(line.value.into()),
            14 if is("content-length") => match self.content_length(line.value) {
                Some(length) => self.length = Some(length),
                None => self.bad_length = true,
            },
            16 if options.keep_body && is("content-encoding") => response.coding = Some(text(line.value)),
            17 if is("transfer-encoding") => {
                let last = tokens(line.value).last().unwrap_or_default();
                self.transfer = Some(last.eq_ignore_ascii_case(b"chunked"));
            }
            _ => {}
        }
    }

    /// One number, or the same one several times; `None` for anything else.
    fn content_length(&self, value: &[u8]) -> Option<u64> {
        let mut known = self.length;
        for part in tokens(value) {
            if part.is_empty() || !part.iter().all(u8::is_ascii_digit) {
                return None;
            }
            let length: u64 = std::str::from_utf8(part).ok()?.parse().ok()?;
            if known.is_some_and(|known| known != length) {
                return None;
            }
            known = Some(length);
        }
        known
    }

    fn framing(&self, code: u16, answers_head: bool, http11: bool) -> Result<Framing, ReadError> {
        if answers_head || matches!(code, 101 | 204 | 304) {
            return Ok(Framing::Length(0));
        }
        match (self.transfer, self.length) {
            (Some(_), _) if !http11 => Err(ReadError::OldTransferEncoding),
            (Some(true), _) => Ok(Framing::Chunked),
            (None, _) if self.bad_length => Err(ReadError::BadLength),
            (Some(false), _) | (None, None) => Ok(Framing::UntilClose),
            (None, Some(length)) => Ok(Framing::Length(length)),
        }
    }

    fn keep_alive(&self, http11: bool) -> bool {
        !self.close && (http11 || self.stay)
    }
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

fn text(value: &[u8]) -> Box<str> {
    String::from_utf8_lossy(value).into()
}

fn keep(lines: &[Header<'_>], response: &mut Response) {
    for line in lines {
        response.head.extend_from_slice(line.name.as_bytes());
        response.head.extend_from_slice(b": ");
        response.head.extend_from_slice(line.value);
        response.head.extend_from_slice(b"\r\n");
    }
}
