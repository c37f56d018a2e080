//! The native client's parser by itself: whatever bytes come, in whatever pieces, it makes the same of them and never panics.
//!
//! The corpus is every case of this suite; each is changed at every place in every way that has a meaning in HTTP.

use proptest::prelude::*;
use proptest::sample::Index;
use stampede_worker::http::native::reader::{ReadError, Reader};
use stampede_worker::http::{MAX_HEAD, Options};

use super::framing::DELIMITED;
use super::malformed::MALFORMED;

/// What became of the bytes: a response and how much of them it took, or why not.
type Read = Result<(u16, Vec<u8>, usize, bool, Vec<Vec<u8>>), ReadError>;

/// Reads `pieces`, then the end of the connection.
fn read<'a>(answers_head: bool, pieces: impl IntoIterator<Item = &'a [u8]>) -> Read {
    let options = Options { keep_body: true, keep_head: true, ..Options::default() };
    let mut reader = Reader::new(answers_head, &options, Box::default());
    let mut used = 0;
    for piece in pieces {
        let took = reader.read(piece, &options)?;
        used += took;
        if reader.is_over() {
            break;
        }
        assert_eq!(took, piece.len(), "all of it belongs to a response that is not over");
    }
    if !reader.is_over() {
        reader.end()?;
    }
    let keeps_alive = reader.keeps_alive();
    let response = reader.take();
    assert_eq!(response.body_len, response.body.len() as u64);
    let mut kept = vec![response.head];
    kept.extend(response.set_cookies.into_iter().map(<[u8]>::into_vec));
    kept.extend(response.location.map(|location| location.as_bytes().to_vec()));
    Ok((response.status, response.body, used, keeps_alive, kept))
}

fn at_once(answers_head: bool, input: &[u8]) -> Read {
    read(answers_head, [input])
}

fn byte_by_byte(answers_head: bool, input: &[u8]) -> Read {
    read(answers_head, input.chunks(1))
}

fn corpus() -> impl Iterator<Item = (bool, &'static [u8])> {
    DELIMITED.iter().chain(MALFORMED).map(|case| (case.method == "HEAD", case.response))
}

/// Bytes that mean something somewhere.
const TELLING: &[u8] = b"\r\n:, ;0a9-\0\x80";

#[test]
fn what_changes_at_any_place_reads_the_same_in_any_pieces() {
    let mut failed = 0_u32;
    let mut read = 0_u32;
    let mut check = |answers_head, input: &[u8]| {
        let whole = at_once(answers_head, input);
        assert_eq!(byte_by_byte(answers_head, input), whole, "{:?}", String::from_utf8_lossy(input));
        *(if whole.is_ok() { &mut read } else { &mut failed }) += 1;
    };
    for (answers_head, response) in corpus() {
        check(answers_head, response);
        for at in 0..response.len() {
            let (before, rest) = response.split_at(at);
            let behind = &rest[1..];
            check(answers_head, before);
            check(answers_head, &[before, behind].concat());
            check(answers_head, &[before, &rest[..1], rest].concat());
            for telling in TELLING.chunks(1) {
                check(answers_head, &[before, telling, behind].concat());
                check(answers_head, &[before, telling, rest].concat());
            }
        }
    }
    // The changes are such that much is still HTTP, and much is not.
    assert!(read > 10_000 && failed > 10_000, "{read} read, {failed} failed");
}

#[test]
fn lines_may_be_left_out_doubled_and_moved() {
    for (answers_head, response) in corpus() {
        let lines: Vec<&[u8]> = response.split_inclusive(|byte| *byte == b'\n').collect();
        for from in 0..lines.len() {
            for to in 0..=lines.len() {
                let mut moved = lines.clone();
                moved.insert(to, lines[from]);
                let doubled = moved.concat();
                assert_eq!(byte_by_byte(answers_head, &doubled), at_once(answers_head, &doubled));
                moved.remove(if from < to { from } else { from + 1 });
                let moved = moved.concat();
                assert_eq!(byte_by_byte(answers_head, &moved), at_once(answers_head, &moved));
            }
        }
    }
}

#[test]
fn the_limit_of_a_head_does_not_depend_on_its_pieces() {
    let head = |length: usize, end: &[u8]| {
        let mut head = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: ".to_vec();
        head.resize(length - end.len(), b'y');
        [&head, end].concat()
    };
    for (length, end, expected) in [
        (MAX_HEAD, &b"\r\n\r\n"[..], Ok(200)),
        (MAX_HEAD + 1, b"\r\n\r\n", Err(ReadError::HeadTooLarge)),
        (MAX_HEAD + 100, b"\0\r\n\r\n", Err(ReadError::HeadTooLarge)),
        (MAX_HEAD, b"", Err(ReadError::Closed)),
        (MAX_HEAD + 1, b"", Err(ReadError::HeadTooLarge)),
        (MAX_HEAD - 1, b"\0", Err(ReadError::Malformed(httparse::Error::HeaderValue))),
    ] {
        let input = head(length, end);
        for pieces in [1, 7, 1000, MAX_HEAD - 1, MAX_HEAD, MAX_HEAD + 1, usize::MAX] {
            let seen = read(false, input.chunks(pieces)).map(|(status, ..)| status);
            assert_eq!(seen, expected, "{length} bytes in pieces of {pieces}");
        }
    }
}

fn changed() -> impl Strategy<Value = (bool, Vec<u8>)> {
    let change = (any::<Index>(), prop_oneof![prop::sample::select(TELLING), any::<u8>()], 0..3_u8);
    let case = prop::sample::select(corpus().collect::<Vec<_>>());
    (case, proptest::collection::vec(change, 0..6)).prop_map(|((answers_head, response), changes)| {
        let mut response = response.to_vec();
        for (at, byte, how) in changes {
            let at = at.index(response.len());
            match how {
                0 => response[at] = byte,
                1 => response.insert(at, byte),
                _ if response.len() > 1 => drop(response.remove(at)),
                _ => {}
            }
        }
        (answers_head, response)
    })
}

proptest! {
    #[test]
    fn any_pieces_give_the_same(
        (answers_head, input) in changed(),
        cuts in proptest::collection::vec(any::<Index>(), 0..5),
    ) {
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(input.len())).collect();
        cuts.sort_unstable();
        let mut from = 0;
        let mut pieces = Vec::new();
        for cut in cuts.into_iter().chain([input.len()]) {
            pieces.push(&input[from..cut]);
            from = cut;
        }
        let pieces = pieces.into_iter().filter(|piece| !piece.is_empty());
        prop_assert_eq!(read(answers_head, pieces), at_once(answers_head, &input));
    }

    #[test]
    fn bytes_do_no_harm(answers_head: bool, input: Vec<u8>, is_body: bool) {
        let head: &[u8] = if is_body { b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" } else { b"" };
        let input = [head, &input].concat();
        prop_assert_eq!(byte_by_byte(answers_head, &input), at_once(answers_head, &input));
    }
}
