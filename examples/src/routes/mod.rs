//! The table of routes and what they share.

mod body;
mod echo;
mod faults;
mod kv;
mod predict;
mod session;
mod truth;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::response::{Html, Response};
use axum::routing::{any, get, post};

use crate::config::Config;
use crate::ledger::Ledger;

/// What the handlers work on.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) ledger: Ledger,
    predict: predict::Model,
    store: kv::Store,
    sessions: session::Sessions,
}

impl App {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            ledger: Ledger::new(config.record_log),
            predict: predict::Model::new(config),
            store: kv::Store::new(kv::MAX_KEYS, kv::MAX_VALUE),
            sessions: session::Sessions::new(config.seed),
        }
    }
}

/// Marks an answer that must not be sent: `server` closes the connection instead. An extension, because a
/// handler of axum cannot fail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CloseConnection;

impl CloseConnection {
    fn response() -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(Self);
        response
    }
}

/// Every route of the target.
pub(crate) fn router(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/predict", post(predict::predict))
        .route("/kv/{key}", get(kv::read).post(kv::write))
        .route("/login", post(session::login))
        .route("/logout", post(session::logout))
        .route("/me", get(session::me))
        .route("/echo", any(echo::echo))
        .route("/status/{code}", any(faults::status))
        .route("/redirect/{n}", any(faults::redirect))
        .route("/delay/{ms}", get(faults::delay))
        .route("/bytes/{n}", get(faults::bytes))
        .route("/close", get(faults::close))
        .route("/hang", get(faults::hang))
        .route("/__counts", get(truth::counts).delete(truth::reset))
        .route("/__log", get(truth::log))
        // Bodies are bounded where they are read, each route by its own limit.
        .layer(DefaultBodyLimit::disable())
        .with_state(app)
}

async fn index() -> Html<&'static str> {
    Html("<!doctype html>\n<title>Demo target</title>\n<h1>Demo target</h1>\n<p>Something to aim at.</p>\n")
}
