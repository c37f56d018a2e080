//! Reads one response from bytes as they come, whatever way they are split. Pure.
//!
//! The usual response is whole in one read: its head is parsed where it lies and its body only counted. What a head lacks is
//! kept until more comes; bodies are never held back.

use std::time::Instant;

use super::super::{MAX_HEAD, MAX_KEPT_BODY, Options, Response};
use super::chunked::Chunked;
use super::head::{self, Framing};

/// Bytes that are not a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The head is not HTTP.
    #[error("not HTTP: {0}")]
    Malformed(httparse::Error),
    /// The head, or the number of its lines, is over the limit.
    #[error("the response's head is too large")]
    HeadTooLarge,
    /// `content-length` is no number, or several.
    #[error("not HTTP: invalid content-length")]
    BadLength,
    /// A transfer encoding in an HTTP/1.0 response.
    #[error("not HTTP: a transfer-encoding in HTTP/1.0")]
    OldTransferEncoding,
    /// The chunked coding is broken.
    #[error("not HTTP: invalid chunk")]
    BadChunk,
    /// The trailers are not header lines.
    #[error("not HTTP: invalid trailers")]
    BadTrailers,
    /// Extensions and trailers are over the limit.
    #[error("the response's trailers are too large")]
    TrailersTooLarge,
    /// The connection ended before the response did.
    #[error("connection closed before the response was whole")]
    Closed,
}

/// Where in the response the input stands.
#[derive(Debug, Clone, Copy)]
enum At {
    Head,
    Fixed(u64),
    Chunks(Chunked),
    UntilClose,
    Over,
}

/// Reads one response.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each says another thing of the response")]
pub struct Reader {
    at: At,
    answers_head: bool,
    keep_body: bool,
    /// A head that is not whole; then trailers.
    partial: Vec<u8>,
    /// Whether the latest bytes held the end of an interim (1xx) head.
    was_interim: bool,
    keep_alive: bool,
    too_large: bool,
    response: Box<Response>,
}

impl Reader {
    /// For the response to a request; `answers_head` if its method is HEAD. `kept` is an empty response whose buffers are used.
    pub fn new(answers_head: bool, options: &Options, kept: Box<Response>) -> Self {
        Self {
            at: At::Head,
            answers_head,
            keep_body: options.keep_body,
            partial: Vec::new(),
            was_interim: false,
            keep_alive: false,
            too_large: false,
            response: kept,
        }
    }

    /// Reads from `input`. Returns how much of it belongs to the response: all of it, until that is over.
    ///
    /// # Errors
    /// When it is not a response; it must not be given more then.
    pub fn read(&mut self, input: &[u8], options: &Options) -> Result<usize, ReadError> {
        let mut used = 0;
        while matches!(self.at, At::Head) && used < input.len() {
            used += self.head(&input[used..], options)?;
        }
        if used < input.len() {
            used += self.body(&input[used..])?;
        }
        self.response.wire_len += used as u64;
        Ok(used)
    }

    /// As [`Reader::read`], for bytes that came at `now`. Keeps in `first_byte` when the first byte of the final response came:
    /// interim ones (1xx) are not what was asked for.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn read_at(
        &mut self,
        input: &[u8],
        options: &Options,
        now: Instant,
        first_byte: &mut Option<Instant>,
    ) -> Result<usize, ReadError> {
        first_byte.get_or_insert(now);
        let used = self.read(input, options)?;
        if std::mem::take(&mut self.was_interim) {
            let has_begun = !matches!(self.at, At::Head) || !self.partial.is_empty();
            *first_byte = has_begun.then_some(now);
        }
        Ok(used)
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// When the response had not.
    pub fn end(&mut self) -> Result<(), ReadError> {
        match self.at {
            At::UntilClose | At::Over => {
                self.at = At::Over;
                Ok(())
            }
            At::Head if !self.partial.is_empty() => {
                // Behind its last line there may be what no head has.
                let partial = std::mem::take(&mut self.partial);
                head::read(&partial, self.answers_head, &Options::default(), &mut self.response)?;
                Err(ReadError::Closed)
            }
            At::Head | At::Fixed(_) | At::Chunks(_) => Err(ReadError::Closed),
        }
    }

    /// Whether the response is whole.
    pub fn is_over(&self) -> bool {
        matches!(self.at, At::Over)
    }

    /// Whether its head said that the connection ends with it.
    pub fn closes(&self) -> bool {
        !matches!(self.at, At::Head) && !self.keep_alive
    }

    /// Whether the connection may be used for another request.
    pub fn keeps_alive(&self) -> bool {
        self.keep_alive
    }

    /// Whether its body was too large to be kept.
    pub fn is_too_large(&self) -> bool {
        self.too_large
    }

    /// The response, once it is whole.
    pub fn take(self) -> Box<Response> {
        self.response
    }

    /// What comes of a head depends on its first [`MAX_HEAD`] bytes alone, whatever way they are split.
    fn head(&mut self, input: &[u8], options: &Options) -> Result<usize, ReadError> {
        let before = self.partial.len();
        let seen = &input[..input.len().min(MAX_HEAD - before)];
        let is_all = seen.len() == input.len();
        // Only a line's end can complete a head; without one there is nothing to parse again.
        if before > 0 && is_all && !seen.contains(&b'\n') {
            self.partial.extend_from_slice(seen);
            return Ok(seen.len());
        }
        let mut partial = std::mem::take(&mut self.partial);
        let head = if before == 0 {
            head::read(seen, self.answers_head, options, &mut self.response)?
        } else {
            partial.extend_from_slice(seen);
            self.forget_lines();
            head::read(&partial, self.answers_head, options, &mut self.response)?
        };
        if let Some(head) = head {
            self.begin_body(head);
            return Ok(head.length - before);
        }
        if !is_all {
            return Err(ReadError::HeadTooLarge);
        }
        if before == 0 {
            partial.extend_from_slice(seen);
        }
        self.partial = partial;
        Ok(seen.len())
    }

    /// What was taken from a head that is read again.
    fn forget_lines(&mut self) {
        self.response.location = None;
        self.response.coding = None;
        self.response.set_cookies.clear();
        self.response.head.clear();
    }

    fn begin_body(&mut self, head: head::Head) {
        if head.interim {
            self.was_interim = true;
            self.forget_lines();
            return;
        }
        self.keep_alive = head.keep_alive;
        self.at = match head.framing {
            Framing::Length(0) => At::Over,
            Framing::Length(length) => At::Fixed(length),
            Framing::Chunked => At::Chunks(Chunked::new()),
            Framing::UntilClose => At::UntilClose,
        };
    }

    fn body(&mut self, input: &[u8]) -> Result<usize, ReadError> {
        match &mut self.at {
            At::Head | At::Over => Ok(0),
            At::UntilClose => {
                self.take_data(input);
                Ok(input.len())
            }
            At::Fixed(left) => {
                let take = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= take as u64;
                if *left == 0 {
                    self.at = At::Over;
                }
                self.take_data(&input[..take]);
                Ok(take)
            }
            At::Chunks(chunked) => {
                let mut chunked = *chunked;
                let mut trailers = std::mem::take(&mut self.partial);
                let used = chunked.read(input, &mut trailers, |data| self.take_data(data))?;
                self.partial = trailers;
                self.at = if chunked.is_over() { At::Over } else { At::Chunks(chunked) };
                Ok(used)
            }
        }
    }

    fn take_data(&mut self, data: &[u8]) {
        self.response.body_len += data.len() as u64;
        if self.keep_body {
            self.too_large |= self.response.body.len() + data.len() > MAX_KEPT_BODY;
            if !self.too_large {
                self.response.body.extend_from_slice(data);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_first_byte_is_that_of_the_final_response() {
        let begin = Instant::now();
        let at = |piece: u64| begin + Duration::from_millis(piece);
        // (what comes, when the first byte is there after each of the pieces)
        for (pieces, first) in [
            (["HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 2", "04 None\r\n\r\n"], [None, Some(1), Some(1)]),
            (
                ["HTTP/1.1 103 Ea", "rly Hints\r\n\r\nHTTP/1.1 2", "04 None\r\n\r\n"],
                [Some(0), Some(1), Some(1)],
            ),
            (["HTTP/1.1 100 Continue\r\n\r\nHTTP", "/1.1 204 None\r\n", "\r\n"], [Some(0), Some(0), Some(0)]),
        ] {
            let options = Options::default();
            let mut reader = Reader::new(false, &options, Box::default());
            let mut first_byte = None;
            for ((number, piece), first) in (0..).zip(pieces).zip(first) {
                let read = reader.read_at(piece.as_bytes(), &options, at(number), &mut first_byte);
                assert_eq!(read, Ok(piece.len()), "{pieces:?}");
                assert_eq!(first_byte, first.map(at), "{pieces:?}, after piece {number}");
            }
            assert!(reader.is_over(), "{pieces:?}");
        }
    }

    #[test]
    fn every_byte_of_a_response_is_counted_and_none_behind_it() {
        let response = "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n\
                        5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nx: y\r\n\r\n";
        let input = format!("{response}HTTP/1.1 200 OK\r\n");
        for split in 0..response.len() {
            let options = Options::default();
            let mut reader = Reader::new(false, &options, Box::default());
            let used = reader.read(&input.as_bytes()[..split], &options).expect("a response");
            assert_eq!(used, split);
            reader.read(&input.as_bytes()[split..], &options).expect("a response");
            let whole = reader.take();
            assert_eq!((whole.wire_len, whole.body_len), (response.len() as u64, 6), "split at {split}");
        }
    }
}
