//! `POST /predict`: a model server as small services have them. Reads an image, queues for a worker, takes
//! its time, answers; and when the queue is full, hangs up.

use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::body::Body;
use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::IgnoredAny;

use super::body::{self, BodyError};
use super::{App, CloseConnection};
use crate::config::Config;
use crate::gate::Gate;
use crate::service_time::ServiceTime;
use crate::timer;

/// The model and the workers that run it.
#[derive(Debug)]
pub(super) struct Model {
    gate: Gate,
    time: ServiceTime,
}

impl Model {
    pub(super) fn new(config: &Config) -> Self {
        Self { gate: Gate::new(config), time: ServiceTime::new(config) }
    }
}

/// It has only ever been shown dogs; how sure it is follows from the size.
#[derive(Debug, Serialize)]
struct Prediction {
    label: &'static str,
    score: f64,
    bytes: usize,
}

/// Why an input is refused.
#[derive(Debug, thiserror::Error)]
pub(super) enum InputError {
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("send multipart/form-data with a field `file`, or application/json")]
    Type,
    #[error("not a multipart body: {0}")]
    Boundary(#[from] MultipartRejection),
    #[error("malformed multipart body: {0}")]
    Multipart(#[from] MultipartError),
    #[error("the multipart body has no field `file`")]
    NoFile,
    #[error("malformed JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl IntoResponse for InputError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Body(error) => return error.into_response(),
            Self::Type => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Boundary(_) | Self::Multipart(_) | Self::NoFile | Self::Json(_) => StatusCode::BAD_REQUEST,
        };
        (status, self.to_string()).into_response()
    }
}

pub(super) async fn predict(State(app): State<Arc<App>>, request: Request) -> Result<Response, InputError> {
    // The input first: who is turned away has sent everything, so the close reaches the client as an end of
    // the stream and not, now and then, as a reset.
    let bytes = input_size(request).await?;
    let Some(_worker) = app.predict.gate.enter().await else { return Ok(CloseConnection::response()) };
    timer::wait_until(Instant::now() + app.predict.time.draw()).await;
    let score = 0.5 + (bytes % 50) as f64 / 100.0;
    Ok(Json(Prediction { label: "dog", score, bytes }).into_response())
}

/// Bytes of the field `file`, or of the JSON text.
async fn input_size(request: Request) -> Result<usize, InputError> {
    let (parts, body) = request.into_parts();
    let body = body::read(body, body::MAX_BODY).await?;
    if body::is_type(&parts.headers, "multipart/form-data") {
        file_size(parts, body).await
    } else if body::is_type(&parts.headers, "application/json") {
        serde_json::from_slice::<IgnoredAny>(&body)?;
        Ok(body.len())
    } else {
        Err(InputError::Type)
    }
}

async fn file_size(parts: Parts, body: Vec<u8>) -> Result<usize, InputError> {
    let mut multipart = Multipart::from_request(Request::from_parts(parts, Body::from(body)), &()).await?;
    let mut size = None;
    // To the last field, also when the file has been found: a body without its end is malformed.
    while let Some(mut field) = multipart.next_field().await? {
        let is_file = field.name() == Some("file");
        let mut length = 0;
        while let Some(chunk) = field.chunk().await? {
            length += chunk.len();
        }
        if is_file {
            size = Some(length);
        }
    }
    size.ok_or(InputError::NoFile)
}
