//! `/oauth`: a token endpoint (RFC 6749, client credentials and refresh tokens) and something to read with a token. A
//! token ends after a number of uses and not after a time, so a test of refreshing gives the same counts everywhere.

use std::sync::{Arc, Mutex};

use axum::Json;
use axum::body::Body;
use axum::extract::FromRequest;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::App;
use super::body::{self, BodyError};
use super::recent::Recent;
use crate::ledger::lock;

/// How often a token is good.
const USES: u32 = 10;

/// Tokens that are remembered.
const MAX_TOKENS: usize = 100_000;

/// What every client must know.
const SECRET: &str = "demo-secret";

/// Bytes of a form here.
const MAX_BODY: usize = 4 << 10;

/// How often each token may still be used.
#[derive(Debug)]
pub(super) struct Tokens(Mutex<Recent<u32>>);

impl Tokens {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Recent::new(MAX_TOKENS)))
    }
}

#[derive(Debug, Deserialize)]
struct Asked {
    grant_type: String,
    client_id: Option<String>,
    client_secret: Option<String>,
    refresh_token: Option<String>,
}

#[derive(Debug, Serialize)]
struct Granted {
    access_token: String,
    token_type: &'static str,
    /// A client that goes by the time alone learns of the end from a 401.
    expires_in: u32,
    refresh_token: String,
}

#[derive(Debug, Serialize)]
struct Data {
    data: &'static str,
    /// How often the token may still be used.
    uses_left: u32,
}

/// The errors of RFC 6749, 5.2.
#[derive(Debug, thiserror::Error)]
pub(super) enum Denied {
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("invalid_request")]
    Request,
    #[error("unsupported_grant_type")]
    GrantType,
    #[error("invalid_client")]
    Client,
    #[error("invalid_grant")]
    Grant,
}

#[derive(Debug, Serialize)]
struct ErrorBody {
    error: String,
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Body(error) => return error.into_response(),
            Self::Client => StatusCode::UNAUTHORIZED,
            Self::Request | Self::GrantType | Self::Grant => StatusCode::BAD_REQUEST,
        };
        (status, Json(ErrorBody { error: self.to_string() })).into_response()
    }
}

/// `POST /oauth/token`: a form with `grant_type`, and what that needs.
pub(super) async fn token(State(app): State<Arc<App>>, request: Request) -> Result<Response, Denied> {
    let (parts, body) = request.into_parts();
    let body = body::read(body, MAX_BODY).await?;
    let form = Request::from_parts(parts, Body::from(body));
    let asked = axum::Form::<Asked>::from_request(form, &()).await.map_err(|_| Denied::Request)?.0;
    let known =
        asked.client_secret.as_deref() == Some(SECRET) && asked.client_id.is_some_and(|id| !id.is_empty());
    match asked.grant_type.as_str() {
        _ if !known => return Err(Denied::Client),
        "client_credentials" => {}
        "refresh_token" => {
            let refresh = asked.refresh_token.ok_or(Denied::Request)?;
            app.signer.number("refresh", &refresh).ok_or(Denied::Grant)?;
        }
        _ => return Err(Denied::GrantType),
    }
    let number = lock(&app.tokens.0).add(USES);
    let granted = Granted {
        access_token: app.signer.sign("access", number),
        token_type: "Bearer",
        expires_in: 3600,
        refresh_token: app.signer.sign("refresh", number),
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(granted)).into_response())
}

/// `GET /oauth/data`: with a token that has uses left, else a 401.
pub(super) async fn data(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let number = bearer(&headers).and_then(|token| app.signer.number("access", token));
    let Some(uses_left) = number.and_then(|number| spend(&app.tokens, number)) else {
        let why = [(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")];
        return (StatusCode::UNAUTHORIZED, why).into_response();
    };
    Json(Data { data: "something to read", uses_left }).into_response()
}

/// One use of a token; what is left of it, `None` when nothing was.
fn spend(tokens: &Tokens, number: u64) -> Option<u32> {
    let mut tokens = lock(&tokens.0);
    let uses = tokens.get_mut(number)?;
    *uses = uses.checked_sub(1)?;
    Some(*uses)
}

/// The token of an `authorization: Bearer …`.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")
}
