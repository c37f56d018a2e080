//! The chunked transfer coding of RFC 9112, 7.1, one byte after the other. Pure.
//!
//! Extensions are read over, trailers looked at only for being some. The input may end anywhere; nothing is held back for later
//! but a number, and the trailers of the few responses that have any.

use super::head::MAX_LINES;
use super::reader::ReadError;

/// Bytes of extensions and trailers of a response at most: they are nothing anybody asked for.
const MAX_EXTRA: u32 = 16 << 10;

/// Where in the coding the input stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    /// Before the first digit of a size.
    Start,
    /// Behind a digit of a size.
    Size,
    /// In white space behind a size.
    Space,
    /// In an extension.
    Extension,
    /// Before the line feed behind a size.
    SizeLf,
    /// In a chunk's data.
    Data,
    /// Before the line end behind a chunk's data.
    DataCr,
    DataLf,
    /// At the beginning of a trailer line, or of the last line.
    Line,
    /// In a trailer line.
    Trailer,
    TrailerLf,
    EndLf,
    End,
}

/// Decodes a chunked body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunked {
    at: At,
    /// Of the chunk: while its size is read what was read of it, then what is left.
    left: u64,
    extra: u32,
}

impl Chunked {
    pub(super) fn new() -> Self {
        Self { at: At::Start, left: 0, extra: 0 }
    }

    /// Whether the last line was read.
    pub(super) fn is_over(&self) -> bool {
        self.at == At::End
    }

    /// Reads from `input`; data goes to `sink`, trailers to `trailers` until they are whole. Returns how much of it belongs to
    /// the body.
    pub(super) fn read(
        &mut self,
        input: &[u8],
        trailers: &mut Vec<u8>,
        mut sink: impl FnMut(&[u8]),
    ) -> Result<usize, ReadError> {
        let mut used = 0;
        while used < input.len() && self.at != At::End {
            if self.at == At::Data {
                let rest = &input[used..];
                let take = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest.len());
                sink(&rest[..take]);
                used += take;
                self.left -= take as u64;
                if self.left == 0 {
                    self.at = At::DataCr;
                }
            } else {
                if matches!(self.at, At::Line | At::Trailer | At::TrailerLf | At::EndLf) {
                    trailers.push(input[used]);
                }
                self.at = self.step(input[used])?;
                used += 1;
            }
        }
        // The line that ends them is two bytes.
        if self.at == At::End && trailers.len() > 2 {
            look_at(trailers)?;
        }
        Ok(used)
    }

    fn step(&mut self, byte: u8) -> Result<At, ReadError> {
        Ok(match (self.at, byte) {
            (At::Start | At::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                let size = self.left.checked_mul(16).and_then(|size| size.checked_add(u64::from(digit)));
                self.left = size.ok_or(ReadError::BadChunk)?;
                At::Size
            }
            (At::Size | At::Space, b' ' | b'\t') => At::Space,
            (At::Size | At::Space, b';') => At::Extension,
            (At::Size | At::Space | At::Extension, b'\r') => At::SizeLf,
            (At::Extension, byte) if byte != b'\n' => self.extra(At::Extension)?,
            (At::SizeLf, b'\n') if self.left == 0 => At::Line,
            (At::SizeLf, b'\n') => At::Data,
            (At::DataCr, b'\r') => At::DataLf,
            (At::DataLf, b'\n') => At::Start,
            (At::Line, b'\r') => At::EndLf,
            (At::Trailer, b'\r') => At::TrailerLf,
            (At::Line | At::Trailer, _) => self.extra(At::Trailer)?,
            (At::TrailerLf, b'\n') => At::Line,
            (At::EndLf, b'\n') => At::End,
            _ => return Err(ReadError::BadChunk),
        })
    }

    fn extra(&mut self, at: At) -> Result<At, ReadError> {
        self.extra += 1;
        if self.extra > MAX_EXTRA { Err(ReadError::TrailersTooLarge) } else { Ok(at) }
    }
}

#[cold]
fn look_at(trailers: &[u8]) -> Result<(), ReadError> {
    // Without the empty line. A line feed alone ends none here, so that there must not be more than these.
    let count = trailers.windows(2).filter(|pair| pair == b"\r\n").count().saturating_sub(1);
    let mut lines = [httparse::EMPTY_HEADER; MAX_LINES];
    let lines = lines.get_mut(..count).ok_or(ReadError::TrailersTooLarge)?;
    match httparse::parse_headers(trailers, lines) {
        Ok(httparse::Status::Complete(_)) => Ok(()),
        Ok(httparse::Status::Partial) | Err(_) => Err(ReadError::BadTrailers),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(input: &[u8]) -> Result<(Vec<u8>, usize, bool), ReadError> {
        let (mut chunked, mut data) = (Chunked::new(), Vec::new());
        let used = chunked.read(input, &mut Vec::new(), |bytes| data.extend_from_slice(bytes))?;
        Ok((data, used, chunked.is_over()))
    }

    #[test]
    fn bodies_are_put_together() {
        for (input, data) in [
            (&b"0\r\n\r\n"[..], &b""[..]),
            (b"3\r\nabc\r\n0\r\n\r\n", b"abc"),
            (b"3 \t;x=\"y\"\r\nabc\r\n00A\r\n0123456789\r\n000\r\nt: 1\r\nu: 2\r\n\r\n", b"abc0123456789"),
        ] {
            assert_eq!(decode(input), Ok((data.to_vec(), input.len(), true)));
            let mut behind = input.to_vec();
            behind.extend_from_slice(b"HTTP/1.1");
            assert_eq!(decode(&behind).map(|(_, used, _)| used), Ok(input.len()), "what is behind stays");
            for cut in 0..input.len() {
                let (mut chunked, mut got, mut trailers) = (Chunked::new(), Vec::new(), Vec::new());
                for part in [&input[..cut], &input[cut..]] {
                    chunked.read(part, &mut trailers, |bytes| got.extend_from_slice(bytes)).expect("valid");
                }
                assert_eq!((got.as_slice(), chunked.is_over()), (data, true), "cut at {cut}");
            }
        }
    }

    #[test]
    fn what_is_not_chunked_is_told() {
        for input in [
            &b"\r\n"[..],
            b"x\r\n",
            b"-1\r\n",
            b"3\nabc\r\n",
            b"3;x\nabc\r\n",
            b"3\r\nabcd",
            b"11111111111111111\r\n",
            b"0\r\n\rx",
        ] {
            assert_eq!(decode(input), Err(ReadError::BadChunk), "{}", String::from_utf8_lossy(input));
        }
        for input in
            [&b"0\r\nt\r\n\r\n"[..], b"0\r\n: u\r\n\r\n", b"0\r\nt: \0\r\n\r\n", b"0\r\nt: u\nv: w\r\n\r\n"]
        {
            assert_eq!(decode(input), Err(ReadError::BadTrailers), "{}", String::from_utf8_lossy(input));
        }
        let mut long = b"0\r\nt: ".to_vec();
        long.resize(20_000, b'x');
        assert_eq!(decode(&long), Err(ReadError::TrailersTooLarge));
    }
}
