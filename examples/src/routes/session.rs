//! `/login`, `/me`, `/logout`: a session by cookie or by bearer token, for tests of cookie jars, forms and tokens. It
//! protects nothing: there is no password, and the token is checked by a plain hash.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequest, Request, State};
use axum::http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::body::{self, BodyError};
use super::{App, oauth};

/// Bytes of a login's body. The user's name travels in a cookie, and cookies are small.
const MAX_LOGIN: usize = 1 << 10;

/// Makes and checks cookies. They carry the user's name and a hash of it, so nothing is stored, however many
/// users log in.
#[derive(Debug)]
pub(super) struct Sessions {
    key: u64,
    /// Forms that were given out.
    forms: AtomicU64,
}

/// Who logs in.
#[derive(Debug, Deserialize)]
struct Login {
    user: String,
    /// From the page with the form. Who sends one must send a good one; programs that post JSON have none.
    csrf: Option<String>,
}

/// Who is logged in, and how to go on.
#[derive(Debug, Serialize)]
struct LoggedIn {
    user: String,
    /// The same as the cookie, for `authorization: Bearer …`.
    token: String,
}

/// Why nobody was logged in.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoginError {
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("send a form or a JSON object with a non-empty `user`")]
    NoUser,
    #[error("that `csrf` was not given out by GET /login")]
    Csrf,
}

impl IntoResponse for LoginError {
    fn into_response(self) -> Response {
        match self {
            Self::Body(error) => error.into_response(),
            Self::NoUser => (StatusCode::BAD_REQUEST, self.to_string()).into_response(),
            Self::Csrf => (StatusCode::FORBIDDEN, self.to_string()).into_response(),
        }
    }
}

impl Sessions {
    pub(super) fn new(key: u64) -> Self {
        Self { key, forms: AtomicU64::new(0) }
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

/// The page with the form.
pub(super) async fn form(State(app): State<Arc<App>>) -> Html<String> {
    let csrf = app.signer.sign("csrf", app.sessions.forms.fetch_add(1, Ordering::Relaxed));
    Html(format!(
        "<!doctype html>\n<title>Log in</title>\n<form method=\"post\" action=\"/login\">\n\
         <input type=\"hidden\" name=\"csrf\" value=\"{csrf}\">\n<input name=\"user\">\n\
         <input type=\"password\" name=\"password\">\n<button>Log in</button>\n</form>\n"
    ))
}

pub(super) async fn login(State(app): State<Arc<App>>, request: Request) -> Result<Response, LoginError> {
    let (parts, body) = request.into_parts();
    let body = body::read(body, MAX_LOGIN).await?;
    let login: Login = if body::is_type(&parts.headers, "application/json") {
        serde_json::from_slice(&body).map_err(|_| LoginError::NoUser)?
    } else {
        let form = Request::from_parts(parts, Body::from(body));
        axum::Form::from_request(form, &()).await.map_err(|_| LoginError::NoUser)?.0
    };
    if login.user.is_empty() {
        return Err(LoginError::NoUser);
    }
    if login.csrf.is_some_and(|csrf| app.signer.number("csrf", &csrf).is_none()) {
        return Err(LoginError::Csrf);
    }
    let token = app.sessions.token(&login.user);
    let cookie = format!("session={token}; Path=/; HttpOnly");
    Ok(([(SET_COOKIE, cookie)], Json(LoggedIn { user: login.user, token })).into_response())
}

/// Who is logged in, by cookie or else by bearer token.
pub(super) fn user(app: &App, headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().strip_prefix("session="))
        .chain(oauth::bearer(headers))
        .find_map(|token| app.sessions.user(token))
}

pub(super) async fn me(State(app): State<Arc<App>>, headers: HeaderMap) -> Response {
    match user(&app, &headers) {
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
