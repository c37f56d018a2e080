//! Frames of a journal's file: length, checksum, payload. Pure.
//!
//! A process that dies while it writes leaves a frame that is cut off or, where the system wrote blocks in another order, has
//! holes. Length and checksum tell both; everything before the first frame that is not whole is good.

use std::io::{self, Read};

/// Bytes before a payload: its length and its CRC32C, both little-endian.
pub(super) const HEADER: usize = 8;

/// Largest payload, in bytes. A record holds what came in a quarter of a second, or while the disk was slow.
const MAX_PAYLOAD: usize = 1 << 30;

/// Bytes read at once, so that a length that was never written takes no memory.
const CHUNK: usize = 1 << 20;

/// CRC32C (Castagnoli, reflected), byte by byte: a table of 1 KiB made by the compiler.
const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = if value & 1 == 1 { (value >> 1) ^ 0x82F6_3B78 } else { value >> 1 };
            bit += 1;
        }
        table[index] = value;
        index += 1;
    }
    table
};

fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| (crc >> 8) ^ TABLE[usize::from(crc.to_le_bytes()[0] ^ byte)];
    !bytes.iter().fold(u32::MAX, step)
}

/// `payload` as a frame; `None` when it is too large for one.
pub(super) fn frame(payload: &[u8]) -> Option<Vec<u8>> {
    let length = u32::try_from(payload.len()).ok().filter(|_| payload.len() <= MAX_PAYLOAD)?;
    let mut frame = Vec::with_capacity(HEADER + payload.len());
    frame.extend(length.to_le_bytes());
    frame.extend(crc32c(payload).to_le_bytes());
    frame.extend(payload);
    Some(frame)
}

/// The payload of the next frame; `None` at the end, and where no whole frame follows.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn next(from: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let Some(header) = whole(from, HEADER)? else { return Ok(None) };
    let (length, crc) = header.split_at(4);
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
    let length = number(length) as usize;
    // A block of zeros is a whole frame of nothing by its checksum, and was never written.
    if length == 0 || length > MAX_PAYLOAD {
        return Ok(None);
    }
    Ok(whole(from, length)?.filter(|payload| crc32c(payload) == number(crc)))
}

/// Exactly `length` bytes, or `None` when there are fewer.
fn whole(from: &mut impl Read, length: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::with_capacity(length.min(CHUNK));
    from.take(length as u64).read_to_end(&mut bytes)?;
    Ok((bytes.len() == length).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(mut bytes: &[u8]) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| next(&mut bytes).expect("memory can be read")).collect()
    }

    #[test]
    fn the_checksum_is_crc32c() {
        // RFC 3720, B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8A91_36AA);
        assert_eq!(crc32c(&[0xFF; 32]), 0x62A8_AB43);
        assert_eq!(crc32c(b"123456789"), 0xE306_9283);
    }

    #[test]
    fn zeros_are_no_frames() {
        assert!(all(&[0; 64]).is_empty());
        let mut bytes = frame(b"a").expect("small");
        bytes.extend([0; 4096]);
        assert_eq!(all(&bytes), [b"a"]);
    }

    proptest! {
        #[test]
        fn cut_anywhere_the_whole_frames_before_are_left(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 1..10),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = Vec::new();
            let mut ends = Vec::new();
            for payload in &payloads {
                bytes.extend(frame(payload).expect("small"));
                ends.push(bytes.len());
            }
            let cut = cut.index(bytes.len() + 1);
            let left = ends.iter().filter(|end| **end <= cut).count();
            prop_assert_eq!(all(&bytes[..cut]), &payloads[..left]);
        }

        #[test]
        fn a_changed_bit_is_found(
            payload in prop::collection::vec(any::<u8>(), 1..40),
            at in any::<prop::sample::Index>(),
            bit in 0..8,
        ) {
            let mut bytes = frame(&payload).expect("small");
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            prop_assert!(all(&bytes).is_empty());
        }
    }
}
