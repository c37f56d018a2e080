//! `/jobs`: work that takes a while, for clients that poll. How far a job is follows from how often it was looked at and
//! not from the clock, so a test of polling gives the same counts on any machine.

use std::sync::{Arc, Mutex};

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::App;
use super::recent::Recent;
use crate::ledger::lock;

/// Jobs that are remembered.
const MAX_JOBS: usize = 100_000;

/// The look that finds a job done, unless the client says another.
const LOOKS: u32 = 4;

/// The jobs.
#[derive(Debug)]
pub(super) struct Jobs(Mutex<Recent<Job>>);

#[derive(Debug, Clone, Copy)]
struct Job {
    /// The look that finds it done.
    done_at: u32,
    looks: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Stage {
    Queued,
    Running,
    Done,
}

#[derive(Debug, Serialize)]
struct Shown {
    id: u64,
    state: Stage,
    /// What came out; null until it is done.
    result: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    looks: Option<u32>,
}

impl Jobs {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Recent::new(MAX_JOBS)))
    }
}

impl Job {
    /// One more look at it.
    fn look(&mut self) -> Stage {
        self.looks = self.looks.saturating_add(1);
        match self.looks {
            looks if looks >= self.done_at => Stage::Done,
            1 => Stage::Queued,
            _ => Stage::Running,
        }
    }
}

/// `POST /jobs`, or `/jobs?looks=N` for one that is found done by the N-th look.
pub(super) async fn submit(State(app): State<Arc<App>>, Query(wanted): Query<Wanted>) -> Response {
    let id = lock(&app.jobs.0).add(Job { done_at: wanted.looks.unwrap_or(LOOKS), looks: 0 });
    let shown = Shown { id, state: Stage::Queued, result: None };
    (StatusCode::ACCEPTED, [(LOCATION, format!("/jobs/{id}"))], Json(shown)).into_response()
}

/// `GET /jobs/{id}`.
pub(super) async fn show(State(app): State<Arc<App>>, Path(id): Path<u64>) -> Response {
    match lock(&app.jobs.0).get_mut(id).map(Job::look) {
        Some(state) => {
            Json(Shown { id, state, result: (state == Stage::Done).then_some(id % 1000) }).into_response()
        }
        None => (StatusCode::NOT_FOUND, "there is no such job, or it was long ago").into_response(),
    }
}
