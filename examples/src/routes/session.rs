//! `/login`, `/me`, `/logout`: a session cookie, for tests of cookie jars. It protects nothing: there is no
//! password, and the cookie is checked by a plain hash.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::App;
use super::body::{self, BodyError};

/// Bytes of a login's body. The user's name travels in a cookie, and cookies are small.
const MAX_LOGIN: usize = 1 << 10;

/// Makes and checks cookies. They carry the user's name and a hash of it, so nothing is stored, however many
/// users log in.
#[derive(Debug)]
pub(super) struct Sessions {
    key: u64,
}

/// Who logs in, and who is.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct User {
    user: String,
}

/// Why nobody was logged in.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoginError {
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("send a form or a JSON object with a non-empty `user`")]
    NoUser,
}

impl IntoResponse for LoginError {
    fn into_response(self) -> Response {
        match self {
            Self::Body(error) => error.into_response(),
            Self::NoUser => (StatusCode::BAD_REQUEST, self.to_string()).into_response(),
        }
    }
}

impl Sessions {
    pub(super) fn new(key: u64) -> Self {
        Self { key }
    }

    /// The name in hexadecimal digits, a dot, its hash.
    fn token(&self, user: &str) -> String {
        use std::fmt::Write;
        let mut token = String::with_capacity(user.len() * 2 + 17);
        for byte in user.bytes() {
            // Writing to a `String` does not fail.
            let _ = write!(token, "{byte:02x}");
        }
        let mut hasher = DefaultHasher::new();
        (self.key, user).hash(&mut hasher);
        let _ = write!(token, ".{:016x}", hasher.finish());
        token
    }

    /// The user of a token that is exactly as [`Sessions::token`] made it.
    fn user(&self, token: &str) -> Option<String> {
        let (name, _) = token.split_once('.')?;
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
        let bytes = name.as_bytes().chunks(2).map(byte).collect::<Option<Vec<u8>>>()?;
        let user = String::from_utf8(bytes).ok()?;
        (self.token(&user) == token).then_some(user)
    }
}

pub(super) async fn login(State(app): State<Arc<App>>, request: Request) -> Result<Response, LoginError> {
    let (parts, body) = request.into_parts();
    let body = body::read(body, MAX_LOGIN).await?;
    let user = if body::is_type(&parts.headers, "application/json") {
        serde_json::from_slice(&body).map_err(|_| LoginError::NoUser)?
    } else {
        let form = Request::from_parts(parts, Body::from(body));
        axum::Form::<User>::from_request(form, &()).await.map_err(|_| LoginError::NoUser)?.0
    };
    if user.user.is_empty() {
        return Err(LoginError::NoUser);
    }
    let cookie = format!("session={}; Path=/; HttpOnly", app.sessions.token(&user.user));
    Ok(([(SET_COOKIE, cookie)], Json(user)).into_response())
}

pub(super) async fn me(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let user = cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().strip_prefix("session="))
        .find_map(|token| app.sessions.user(token));
    match user {
        Some(user) => {
            ([(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))], user).into_response()
        }
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// Tells the client to forget its cookie; a copy of it stays good.
pub(super) async fn logout() -> Response {
    (StatusCode::NO_CONTENT, [(SET_COOKIE, "session=; Path=/; Max-Age=0")]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_tokens_are_good() {
        let sessions = Sessions::new(1);
        for user in ["ann", "Jürgen; x=\"1\"", "a.b"] {
            assert_eq!(sessions.user(&sessions.token(user)).as_deref(), Some(user));
        }
        let ann = sessions.token("ann");
        let bad = [
            "",
            ".",
            "616e6e",
            "616e6e.0",
            "61x.0",
            "é.0",
            "6.0",
            &ann[..ann.len() - 1],
            &ann.to_uppercase(),
        ];
        for token in bad {
            assert_eq!(sessions.user(token), None, "{token}");
        }
        assert_eq!(Sessions::new(2).user(&ann), None);
    }
}
