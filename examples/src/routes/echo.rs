//! `/echo`: what arrived, as JSON, for tests of what a client sends.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Request;
use serde::Serialize;

use super::body::{self, BodyError};
use crate::ledger::joined;

#[derive(Debug, Serialize)]
pub(super) struct Echo {
    method: String,
    path: String,
    /// Empty when there is none.
    query: String,
    /// Names in lower case; a repeated one joined by `, `.
    headers: BTreeMap<String, String>,
    /// As text; what is not UTF-8 is replaced by U+FFFD.
    body: String,
}

pub(super) async fn echo(request: Request) -> Result<Json<Echo>, BodyError> {
    let (parts, body) = request.into_parts();
    let body = body::read(body, body::MAX_BODY).await?;
    Ok(Json(Echo {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: joined(&parts.headers, |_| true),
        body: String::from_utf8_lossy(&body).into_owned(),
    }))
}
