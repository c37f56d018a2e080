//! `/__counts` and `/__log`: the ledger as JSON. Neither is in the ledger itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use super::App;
use crate::ledger::LogEntry;

#[derive(Debug, Serialize)]
pub(super) struct Truth {
    requests: BTreeMap<String, u64>,
    connections: u64,
}

pub(super) async fn counts(State(app): State<Arc<App>>) -> Json<Truth> {
    Json(Truth { requests: app.ledger.counts(), connections: app.ledger.connections() })
}

pub(super) async fn reset(State(app): State<Arc<App>>) -> StatusCode {
    app.ledger.reset();
    StatusCode::NO_CONTENT
}

pub(super) async fn log(State(app): State<Arc<App>>) -> Result<Json<Vec<LogEntry>>, StatusCode> {
    app.ledger.log().map(Json).ok_or(StatusCode::NOT_FOUND)
}
