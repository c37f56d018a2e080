//! Undoes the content codings of a body: gzip, deflate, br and zstd, one after the other if several were applied. Pure.
//!
//! Only bodies that somebody looks at come here. A body that was cut short, or is not what its coding says, is an error and
//! never a shorter body; what it grows to is limited, so that a small response cannot fill the memory.

use std::io::{self, Read};

use flate2::bufread::GzDecoder;
use flate2::{Decompress, FlushDecompress, Status};
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use stampede_stats::outcome::FailureKind;

use super::Failure;

/// Codings that are undone at most for one body. Nobody means more; each could blow up what the one before gave.
const MAX_CODINGS: usize = 4;

/// Bytes by which a body grows at once while it is decoded.
const STEP: usize = 16 << 10;

/// A body that cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A coding that nobody here knows.
    #[error("the body's content-encoding is not known: {0}")]
    Unknown(Box<str>),
    /// More codings than anybody means.
    #[error("the body has too many content-encodings")]
    TooMany,
    /// The body is not what its coding says.
    #[error("the body is not valid {0}, or not whole")]
    Invalid(&'static str),
    /// Decoded, it is over the limit.
    #[error("the body is too large when it is decoded")]
    TooLarge,
}

impl From<DecodeError> for Failure {
    fn from(error: DecodeError) -> Self {
        let kind = match error {
            DecodeError::TooLarge => FailureKind::TooLarge,
            DecodeError::Unknown(_) | DecodeError::TooMany | DecodeError::Invalid(_) => FailureKind::Protocol,
        };
        Self { kind, message: error.to_string().into() }
    }
}

/// Undoes `codings`, the value of `content-encoding`, on `body`; the result has at most `most` bytes. An empty body is empty
/// whatever its coding: there is nothing behind `content-encoding: gzip` in the answer to a HEAD.
///
/// # Errors
/// When a coding is not known, the body is not valid, or it would be over the limit.
pub fn decode(codings: &str, body: Vec<u8>, most: usize) -> Result<Vec<u8>, DecodeError> {
    if body.is_empty() {
        return Ok(body);
    }
    let named = || codings.split(',').map(str::trim).filter(|coding| !coding.is_empty());
    if named().count() > MAX_CODINGS {
        return Err(DecodeError::TooMany);
    }
    let mut body = body;
    // The one applied last stands last.
    for coding in named().collect::<Vec<_>>().into_iter().rev() {
        body = one(coding, body, most)?;
    }
    if body.len() > most { Err(DecodeError::TooLarge) } else { Ok(body) }
}

fn one(coding: &str, body: Vec<u8>, most: usize) -> Result<Vec<u8>, DecodeError> {
    let is = |known: &str| coding.eq_ignore_ascii_case(known);
    if is("identity") {
        Ok(body)
    } else if is("gzip") || is("x-gzip") {
        gzip(&body, most)
    } else if is("deflate") {
        deflate(&body, most)
    } else if is("br") {
        let mut out = Vec::new();
        let reader = brotli_decompressor::Decompressor::new(body.as_slice(), STEP);
        append(reader, &mut out, most, "brotli").map(|()| out)
    } else if is("zstd") {
        zstd(&body, most)
    } else {
        Err(DecodeError::Unknown(coding.to_ascii_lowercase().into()))
    }
}

/// Appends what `reader` gives, to its end.
fn append(
    reader: impl Read,
    out: &mut Vec<u8>,
    most: usize,
    coding: &'static str,
) -> Result<(), DecodeError> {
    let left = u64::try_from(most.saturating_sub(out.len())).unwrap_or(u64::MAX);
    let invalid = |_: io::Error| DecodeError::Invalid(coding);
    reader.take(left.saturating_add(1)).read_to_end(out).map_err(invalid)?;
    if out.len() > most { Err(DecodeError::TooLarge) } else { Ok(()) }
}

/// RFC 1952: one member or several. What follows and is no member is filling.
fn gzip(body: &[u8], most: usize) -> Result<Vec<u8>, DecodeError> {
    let mut out = Vec::new();
    let mut rest = body;
    loop {
        let mut member = GzDecoder::new(rest);
        append(&mut member, &mut out, most, "gzip")?;
        rest = member.into_inner();
        if rest.first() != Some(&0x1f) {
            return Ok(out);
        }
    }
}

/// The name means zlib (RFC 9110, 8.4.1.2); some servers send deflate without it, and everybody takes both.
fn deflate(body: &[u8], most: usize) -> Result<Vec<u8>, DecodeError> {
    let is_zlib = |body: &[u8]| {
        let &[first, second, ..] = body else { return false };
        first & 0x0f == 8 && (u16::from(first) << 8 | u16::from(second)).is_multiple_of(31)
    };
    if is_zlib(body) {
        match inflate(body, true, most) {
            // The first two bytes of plain deflate may look so as well.
            Err(DecodeError::Invalid(_)) => {}
            decoded => return decoded,
        }
    }
    inflate(body, false, most)
}

fn inflate(body: &[u8], zlib: bool, most: usize) -> Result<Vec<u8>, DecodeError> {
    const INVALID: DecodeError = DecodeError::Invalid("deflate");
    let mut stream = Decompress::new(zlib);
    let mut out = Vec::new();
    loop {
        let used = usize::try_from(stream.total_in()).unwrap_or(usize::MAX);
        let rest = body.get(used..).ok_or(INVALID)?;
        let before = out.len();
        out.reserve(STEP);
        let status = stream.decompress_vec(rest, &mut out, FlushDecompress::None).map_err(|_| INVALID)?;
        if out.len() > most {
            return Err(DecodeError::TooLarge);
        }
        let stuck = out.len() == before && stream.total_in() == used as u64;
        match status {
            Status::StreamEnd => return Ok(out),
            Status::Ok | Status::BufError if stuck => return Err(INVALID),
            Status::Ok | Status::BufError => {}
        }
    }
}

/// RFC 8878: one frame or several, some to be skipped.
fn zstd(body: &[u8], most: usize) -> Result<Vec<u8>, DecodeError> {
    const INVALID: DecodeError = DecodeError::Invalid("zstd");
    let mut out = Vec::new();
    let mut rest = body;
    let mut decoder = FrameDecoder::new();
    while !rest.is_empty() {
        match decoder.init(&mut rest) {
            Ok(()) => frame(&mut decoder, &mut rest, &mut out, most)?,
            Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                length, ..
            })) => {
                let length = usize::try_from(length).unwrap_or(usize::MAX);
                rest = rest.get(length..).ok_or(INVALID)?;
            }
            Err(_) => return Err(INVALID),
        }
    }
    Ok(out)
}

fn frame(
    decoder: &mut FrameDecoder,
    rest: &mut &[u8],
    out: &mut Vec<u8>,
    most: usize,
) -> Result<(), DecodeError> {
    const INVALID: DecodeError = DecodeError::Invalid("zstd");
    while !decoder.is_finished() {
        decoder.decode_blocks(&mut *rest, BlockDecodingStrategy::UptoBytes(STEP)).map_err(|_| INVALID)?;
        append(&mut *decoder, out, most, "zstd")?;
    }
    append(&mut *decoder, out, most, "zstd")?;
    match decoder.get_checksum_from_data() {
        Some(said) if decoder.get_calculated_checksum() != Some(said) => Err(INVALID),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    const MOST: usize = 1 << 20;

    fn hex(text: &str) -> Vec<u8> {
        let pairs = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16));
        pairs.collect::<Result<_, _>>().expect("hex")
    }

    fn text() -> Vec<u8> {
        ("hello hello hello hello, how are you? ".repeat(3) + "bye").into_bytes()
    }

    /// (coding, `text()` in it), as gzip, zlib, brotli and zstd themselves write it.
    fn vectors() -> [(&'static str, Vec<u8>); 6] {
        [
            (
                "gzip",
                "1f8b0800000000000003cb48cdc9c957c84027751432f2cb15128b52152af34bed31e529509554990a006317d45775000000",
            ),
            ("deflate", "789ccb48cdc9c957c84027751432f2cb15128b52152af34bed31e529509554990a00aef429bb"),
            ("deflate", "cb48cdc9c957c84027751432f2cb15128b52152af34bed31e529509554990a00"),
            (
                "br",
                "1b7400f8457778bdf377fc5d77313a6244126cc089788649e60bdf011c30420de662b7e031940e31c46b3da5987c02",
            ),
            (
                "zstd",
                "28b52ffd24752d0100b868656c6c6f202c20686f772061726520796f753f62796504004aea00c080a13c95b914011170aa0a",
            ),
            (
                "zstd",
                "28b52ffd20752d0100b868656c6c6f202c20686f772061726520796f753f62796504004aea00c080a13c95b91401",
            ),
        ]
        .map(|(coding, digits)| (coding, hex(digits)))
    }

    /// A mebibyte of zeros.
    fn bombs() -> [(&'static str, Vec<u8>); 4] {
        let zeros = vec![0; MOST];
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&zeros).expect("in memory");
        let gzip = gzip.finish().expect("in memory");
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
        zlib.write_all(&zeros).expect("in memory");
        let zlib = zlib.finish().expect("in memory");
        let zstd = "28b52ffd04585400001000000100fbff39c0020200100002001000020010\
            0002001000020010000200100003001000f13e16e1";
        [("gzip", gzip), ("deflate", zlib), ("br", hex("5bffff8f7f02201e0b0472ef1f00")), ("zstd", hex(zstd))]
    }

    #[test]
    fn every_coding_is_undone() {
        for (coding, body) in vectors() {
            assert_eq!(decode(coding, body, MOST), Ok(text()), "{coding}");
        }
        for coding in ["identity", "", " , Identity ,"] {
            assert_eq!(decode(coding, text(), MOST), Ok(text()), "{coding}");
        }
        let [(_, gzip), (_, zlib), ..] = vectors();
        assert_eq!(decode("X-GZIP", gzip.clone(), MOST), Ok(text()));
        assert_eq!(decode(" deflate ,", zlib.clone(), MOST), Ok(text()));
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&zlib).expect("in memory");
        let both = encoder.finish().expect("in memory");
        assert_eq!(
            decode("deflate, gzip", both.clone(), MOST),
            Ok(text()),
            "the last one applied is undone first"
        );
        assert_eq!(decode("gzip, deflate", both, MOST), Err(DecodeError::Invalid("deflate")));
    }

    #[test]
    fn a_body_may_come_in_several_parts() {
        let [(_, gzip), .., (_, zstd)] = vectors();
        let twice = [text(), text()].concat();
        assert_eq!(decode("gzip", [&gzip[..], &gzip].concat(), MOST), Ok(twice.clone()));
        assert_eq!(decode("gzip", [&gzip[..], &[0; 9]].concat(), MOST), Ok(text()), "filling");
        assert_eq!(
            decode("gzip", [&gzip[..], &gzip[..20]].concat(), MOST),
            Err(DecodeError::Invalid("gzip")),
            "the second is cut short"
        );
        let skipped = hex("502a4d1803000000aabbcc");
        assert_eq!(decode("zstd", [&zstd[..], &skipped, &zstd].concat(), MOST), Ok(twice));
        assert_eq!(
            decode("zstd", [&zstd[..], &skipped[..9]].concat(), MOST),
            Err(DecodeError::Invalid("zstd"))
        );
    }

    #[test]
    fn a_body_cut_short_is_an_error_wherever_it_is_cut() {
        for (coding, body) in vectors() {
            assert_eq!(decode(coding, Vec::new(), MOST), Ok(Vec::new()), "no body has no coding");
            for cut in 1..body.len() {
                let decoded = decode(coding, body[..cut].to_vec(), MOST);
                assert!(
                    matches!(decoded, Err(DecodeError::Invalid(_))),
                    "{coding} cut at {cut}: {decoded:?}"
                );
            }
        }
    }

    #[test]
    fn checksums_are_looked_at() {
        for (number, from_end) in [(0, 8), (1, 1), (4, 1)] {
            let (coding, mut body) = vectors()[number].clone();
            let at = body.len() - from_end;
            body[at] ^= 1;
            assert!(matches!(decode(coding, body, MOST), Err(DecodeError::Invalid(_))), "{coding}");
        }
    }

    #[test]
    fn what_grows_over_the_limit_is_given_up() {
        for (coding, body) in bombs() {
            assert!(body.len() < 3000, "{coding} is small");
            let decoded = decode(coding, body.clone(), MOST);
            assert!(decoded.is_ok_and(|zeros| zeros == vec![0; MOST]), "{coding}");
            assert_eq!(decode(coding, body, MOST - 1), Err(DecodeError::TooLarge), "{coding}");
        }
        assert_eq!(decode("identity", vec![0; 10], 9), Err(DecodeError::TooLarge));
        assert_eq!(decode("gzip,gzip,gzip,gzip,gzip", vec![0], 9), Err(DecodeError::TooMany));
    }

    #[test]
    fn errors_become_failures_in_plain_words() {
        let failure =
            |coding, body: &[u8]| Failure::from(decode(coding, body.to_vec(), 9).expect_err("wrong"));
        for (coding, kind, message) in [
            ("compress", FailureKind::Protocol, "the body's content-encoding is not known: compress"),
            ("gzip", FailureKind::Protocol, "the body is not valid gzip, or not whole"),
            ("br", FailureKind::Protocol, "the body is not valid brotli, or not whole"),
            ("identity", FailureKind::TooLarge, "the body is too large when it is decoded"),
        ] {
            let failure = failure(coding, b"plain text");
            assert_eq!((failure.kind, &*failure.message), (kind, message), "{coding}");
        }
    }

    proptest! {
        #[test]
        fn bytes_do_no_harm(coding in "gzip|deflate|br|zstd", body: Vec<u8>) {
            let decoded = decode(&coding, body, 4096);
            prop_assert!(decoded.map_or(true, |body| body.len() <= 4096));
        }

        #[test]
        fn broken_bodies_do_no_harm(
            which in 0..6_usize,
            changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let (coding, mut body) = vectors()[which].clone();
            for (at, byte) in changes {
                let at = at.index(body.len());
                body[at] = byte;
            }
            let decoded = decode(coding, body, 4096);
            prop_assert!(decoded.map_or(true, |body| body.len() <= 4096));
        }
    }
}
