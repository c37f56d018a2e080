//! The table of routes and what they share.

mod body;
mod catalogue;
mod echo;
mod events;
mod faults;
mod graphql;
mod jobs;
mod kv;
mod limited;
mod oauth;
mod predict;
mod recent;
mod session;
mod shop;
mod signer;
mod tenants;
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
    shop: shop::Shop,
    jobs: jobs::Jobs,
    tokens: oauth::Tokens,
    tenants: tenants::Tenants,
    reviews: graphql::Reviews,
    queues: limited::Queues,
    signer: signer::Signer,
}

impl App {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            ledger: Ledger::new(config.record_log),
            predict: predict::Model::new(config),
            store: kv::Store::new(kv::LIMITS),
            sessions: session::Sessions::new(config.seed),
            shop: shop::Shop::default(),
            jobs: jobs::Jobs::new(),
            tokens: oauth::Tokens::new(),
            tenants: tenants::Tenants::default(),
            reviews: graphql::Reviews::default(),
            queues: limited::Queues::default(),
            signer: signer::Signer::new(config.seed),
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
        .route("/kv/{key}", get(kv::read).post(kv::write).put(kv::write))
        .route("/login", get(session::form).post(session::login))
        .route("/logout", post(session::logout))
        .route("/me", get(session::me))
        .route("/products", get(catalogue::list))
        .route("/products/{sku}", get(catalogue::show))
        .route("/cart", get(shop::show).post(shop::add))
        .route("/checkout/pay", post(shop::pay))
        .route("/checkout/confirm", post(shop::confirm))
        .route("/jobs", post(jobs::submit))
        .route("/jobs/{id}", get(jobs::show))
        .route("/events", get(events::list))
        .route("/graphql", post(graphql::run))
        .route("/oauth/token", post(oauth::token))
        .route("/oauth/data", get(oauth::data))
        .route("/tenant", get(tenants::show))
        .route("/tenants", get(tenants::list))
        .route("/limited", get(limited::limited))
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
