//! `/tenant`: one service for many customers, told apart by the header `x-tenant`; it counts what each of them asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::App;
use crate::ledger::lock;

/// Tenants that are known; a further one is turned away.
const MAX_TENANTS: usize = 10_000;

/// Bytes of a tenant's name.
const MAX_NAME: usize = 64;

/// Requests of each tenant.
#[derive(Debug, Default)]
pub(super) struct Tenants(Mutex<BTreeMap<String, u64>>);

#[derive(Debug, Serialize)]
struct Shown {
    tenant: String,
    /// Of this tenant, this one included.
    requests: u64,
}

/// `GET /tenant` for whom `x-tenant` names; 400 without the header.
pub(super) async fn show(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let name = headers.get("x-tenant").and_then(|name| name.to_str().ok()).unwrap_or_default();
    if name.is_empty() || name.len() > MAX_NAME {
        return (StatusCode::BAD_REQUEST, "say who you are: `x-tenant: acme`, 1 to 64 bytes").into_response();
    }
    let mut tenants = lock(&app.tenants.0);
    if tenants.len() >= MAX_TENANTS && !tenants.contains_key(name) {
        return (StatusCode::FORBIDDEN, "there is no room for another tenant").into_response();
    }
    let requests = tenants.entry(name.to_owned()).or_default();
    *requests += 1;
    Json(Shown { tenant: name.to_owned(), requests: *requests }).into_response()
}

/// `GET /tenants`: the requests of each.
pub(super) async fn list(State(app): State<Arc<App>>) -> Json<BTreeMap<String, u64>> {
    Json(lock(&app.tenants.0).clone())
}
