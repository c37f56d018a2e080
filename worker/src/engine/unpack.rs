//! Undoes the content coding of a body that a step looks at.

use super::prepared::PreparedRequest;
use crate::http::decode::decode;
use crate::http::{Failure, MAX_KEPT_BODY, Response};

/// Unpacks the body of `response`, if somebody looks at it and wants it unpacked. The time it takes is in no latency.
pub(super) fn unpack(request: &PreparedRequest, response: &mut Response) -> Result<(), Failure> {
    if !request.decompress || !request.options.keep_body {
        return Ok(());
    }
    let Some(coding) = response.coding.take() else { return Ok(()) };
    let packed = std::mem::take(&mut response.body);
    response.body = decode(&coding, packed, MAX_KEPT_BODY)?;
    Ok(())
}
