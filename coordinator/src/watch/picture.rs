//! A picture of a run as bytes: made by the coordinator, read by whoever watches. Pure.
//!
//! It is the [`RunView`] as JSON, deflated. Whoever reads it trusts nobody: sizes are limited before anything is unpacked, and
//! every list, text and number in it afterwards, whatever it is called; what is drawn from it is escaped and cut as on the
//! coordinator's own screen.

use std::io::{self, Read, Write};

use bytes::Bytes;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde_json::Value;
use stampede_proto::MAX_VIEW;

use crate::view::RunView;

/// Largest picture when it is unpacked, in bytes: that of ten thousand workers has half of it.
const MAX_JSON: u64 = 32 << 20;

/// Most entries of one list: more workers than there may be.
const MAX_ENTRIES: usize = 100_000;

/// Bytes of one text.
const MAX_TEXT: usize = 64 << 10;

/// Numbers beyond this are none that is measured; below it sums and conversions of them stay in range.
const MAX_NUMBER: f64 = 1e15;

/// A picture that cannot be made or taken.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It cannot be packed.
    #[error("it cannot be packed: {0}")]
    Pack(#[source] io::Error),
    /// It is no packed picture.
    #[error("it cannot be unpacked: {0}")]
    Unpack(#[source] io::Error),
    /// Too large.
    #[error("it is too large")]
    Size,
    /// It is not a view.
    #[error("it is no picture of a run: {0}")]
    Content(#[from] serde_json::Error),
    /// Something in it cannot be.
    #[error("something in it cannot be: {0}")]
    Limit(&'static str),
}

/// Packs a view.
///
/// # Errors
/// When it is too large to be sent.
pub fn pack(view: &RunView) -> Result<Bytes, PictureError> {
    // What changes little from one picture to the next packs well at any level; the lowest costs least.
    let mut deflate = DeflateEncoder::new(Vec::new(), Compression::fast());
    serde_json::to_writer(&mut deflate, view)?;
    deflate.flush().map_err(PictureError::Pack)?;
    let packed = deflate.finish().map_err(PictureError::Pack)?;
    if packed.len() > MAX_VIEW { Err(PictureError::Size) } else { Ok(packed.into()) }
}

/// Unpacks a view.
///
/// # Errors
/// When it is not one, or one that cannot be.
pub fn unpack(packed: &[u8]) -> Result<RunView, PictureError> {
    if packed.len() > MAX_VIEW {
        return Err(PictureError::Size);
    }
    let mut json = Vec::new();
    let mut inflate = DeflateDecoder::new(packed).take(MAX_JSON + 1);
    inflate.read_to_end(&mut json).map_err(PictureError::Unpack)?;
    if json.len() as u64 > MAX_JSON {
        return Err(PictureError::Size);
    }
    let value: Value = serde_json::from_slice(&json)?;
    within_limits(&value)?;
    Ok(serde_json::from_value(value)?)
}

/// Looks at everything in it. `serde_json` has seen to its depth.
fn within_limits(value: &Value) -> Result<(), PictureError> {
    match value {
        Value::Null | Value::Bool(_) => Ok(()),
        Value::Number(number) if number.as_f64().is_some_and(|number| number.abs() <= MAX_NUMBER) => Ok(()),
        Value::Number(_) => Err(PictureError::Limit("a number out of range")),
        Value::String(text) if text.len() <= MAX_TEXT => Ok(()),
        Value::String(_) => Err(PictureError::Limit("a text that is too long")),
        Value::Array(list) if list.len() <= MAX_ENTRIES => list.iter().try_for_each(within_limits),
        Value::Array(_) => Err(PictureError::Limit("a list that is too long")),
        Value::Object(fields) => fields.values().try_for_each(within_limits),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::tui::samples;
    use crate::view::{EndpointRow, WorkerRow};

    fn packed(json: &[u8]) -> Vec<u8> {
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::fast());
        deflate.write_all(json).expect("to memory");
        deflate.finish().expect("to memory")
    }

    /// But for the last bit of a number, which reading a text quickly may cost.
    fn same(one: &Value, other: &Value) -> bool {
        match (one, other) {
            (Value::Number(a), Value::Number(b)) => {
                let (a, b) = (a.as_f64().expect("a number"), b.as_f64().expect("a number"));
                (a - b).abs() <= a.abs() * 1e-12
            }
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
            }
            (Value::Object(a), Value::Object(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((ka, a), (kb, b))| ka == kb && same(a, b))
            }
            (a, b) => a == b,
        }
    }

    #[test]
    fn a_picture_arrives_as_it_was() {
        let all = [
            samples::waiting(),
            samples::preparing(),
            samples::ramping(),
            samples::running(),
            samples::failing(),
            samples::arriving(),
            samples::worker_lost(),
            samples::draining(),
            samples::finished(),
        ];
        for view in all {
            let arrived = unpack(&pack(&view).expect("packs")).expect("unpacks");
            let value = |view: &RunView| serde_json::to_value(view).expect("values");
            assert!(same(&value(&arrived), &value(&view)), "{arrived:?}\n{view:?}");
        }
    }

    #[test]
    fn the_picture_of_a_large_run_is_small_enough_for_five_a_second() {
        let mut view = samples::running();
        let worker = view.workers[0].clone();
        let workers = (0..1000).map(|number: u32| {
            let number_f = f64::from(number);
            let rps = 1000.0 + (number_f * 7.3) % 211.0;
            WorkerRow { name: format!("w{number}"), rps, rtt: Some(0.1 + number_f * 0.013), ..worker.clone() }
        });
        view.workers = Arc::new(workers.collect());
        let row = view.endpoints[0].clone();
        let endpoints = (0..50).map(|number| EndpointRow { name: format!("/items/{number}"), ..row.clone() });
        view.endpoints = Arc::new(endpoints.collect());
        let json = serde_json::to_vec(&view).expect("packs").len();
        let packed = pack(&view).expect("packs").len();
        assert!(packed < 64 << 10, "{packed} bytes, {json} unpacked");
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let said = |bytes: &[u8]| unpack(bytes).expect_err("refused").to_string();
        assert!(said(b"\xff\xff\xff").starts_with("it cannot be unpacked"));
        assert!(said(&packed(b"{")).starts_with("it is no picture of a run"));
        assert!(said(&packed(b"{\"scenario\": 1}")).starts_with("it is no picture of a run"));
        assert!(said(&packed(&[b'['; 4096])).starts_with("it is no picture of a run"), "nor a deep one");
        assert_eq!(said(&vec![0; MAX_VIEW + 1]), "it is too large");
        let bomb = packed(&vec![b' '; 40 << 20]);
        assert!(bomb.len() < MAX_VIEW, "{}", bomb.len());
        assert_eq!(said(&bomb), "it is too large");
    }

    #[test]
    fn a_picture_that_cannot_be_is_refused() {
        let refused = |change: &dyn Fn(&mut RunView)| {
            let mut view = samples::running();
            change(&mut view);
            unpack(&pack(&view).expect("packs")).is_err()
        };
        assert!(!refused(&|_| {}));
        assert!(refused(&|view| view.rps = 1e300));
        assert!(refused(&|view| view.rps = f64::NAN));
        assert!(refused(&|view| view.in_flight = u64::MAX));
        assert!(refused(&|view| view.elapsed = Duration::MAX));
        assert!(refused(&|view| view.scenario = "x".repeat(MAX_TEXT + 1)));
        assert!(refused(&|view| view.notices = Arc::new(vec![String::new(); MAX_ENTRIES + 1])));
    }
}
