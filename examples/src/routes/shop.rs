//! The part of the shop that needs a login: cart and checkout. A cart belongs to the name that logged in, so two clients
//! of one name share it, and one may find what the other has just bought.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::body::{self, BodyError};
use super::{App, catalogue, session};
use crate::ledger::lock;

/// Carts that are kept, for that many names.
const MAX_CARTS: usize = 100_000;

/// Pieces of a cart, so that one that is never bought does not grow for ever.
const MAX_PIECES: u32 = 10_000;

/// Bytes of a body here.
const MAX_BODY: usize = 4 << 10;

/// Carts by name, and how many payments and orders there were.
#[derive(Debug, Default)]
pub(super) struct Shop(Mutex<Carts>);

#[derive(Debug, Default)]
struct Carts {
    by_name: HashMap<String, Cart>,
    payments: u64,
    orders: u64,
}

/// What somebody is about to buy.
#[derive(Debug, Default)]
struct Cart {
    /// Product and pieces, in the order in which they came.
    lines: Vec<(u32, u32)>,
    /// The payment that waits to be confirmed.
    payment: Option<u64>,
}

/// A piece of the cart, as it is asked for and as it is shown.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    sku: String,
    #[serde(default = "one")]
    count: u32,
}

#[derive(Debug, Serialize)]
struct Shown {
    items: Vec<Line>,
    total: f64,
}

#[derive(Debug, Serialize)]
struct Paid {
    payment: String,
    amount: f64,
}

#[derive(Debug, Deserialize)]
struct Confirm {
    payment: String,
}

#[derive(Debug, Serialize)]
struct Order {
    order: String,
    total: f64,
}

/// Why the shop does not do it.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refused {
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error("send a JSON object: {0}")]
    Json(#[from] serde_json::Error),
    #[error("log in first: POST /login")]
    NoLogin,
    #[error("there is no such product")]
    NoProduct,
    #[error("the cart is empty")]
    Empty,
    #[error("that is not the payment of this cart")]
    NotPaid,
    #[error("a cart holds 1 to 10000 pieces, the shop 100000 carts")]
    Full,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Body(error) => return error.into_response(),
            Self::Json(_) => StatusCode::BAD_REQUEST,
            Self::NoLogin => StatusCode::UNAUTHORIZED,
            Self::NoProduct => StatusCode::NOT_FOUND,
            Self::Empty | Self::NotPaid => StatusCode::CONFLICT,
            Self::Full => StatusCode::PAYLOAD_TOO_LARGE,
        };
        (status, self.to_string()).into_response()
    }
}

fn one() -> u32 {
    1
}

impl Shop {
    fn carts(&self) -> MutexGuard<'_, Carts> {
        lock(&self.0)
    }
}

impl Carts {
    fn add(&mut self, user: String, product: u32, pieces: u32) -> Result<Shown, Refused> {
        let full = self.by_name.len() >= MAX_CARTS;
        if full && !self.by_name.contains_key(&user) {
            return Err(Refused::Full);
        }
        let cart = self.by_name.entry(user).or_default();
        cart.add(product, pieces)?;
        Ok(cart.shown())
    }

    fn pay(&mut self, user: &str) -> Result<(u64, u64), Refused> {
        let cart = self.by_name.get_mut(user).filter(|cart| !cart.lines.is_empty()).ok_or(Refused::Empty)?;
        self.payments += 1;
        cart.payment = Some(self.payments);
        Ok((self.payments, cart.total()))
    }

    fn confirm(&mut self, user: &str, payment: u64) -> Result<(u64, u64), Refused> {
        if self.by_name.get(user).is_none_or(|cart| cart.payment != Some(payment)) {
            return Err(Refused::NotPaid);
        }
        self.orders += 1;
        let total = self.by_name.remove(user).map_or(0, |cart| cart.total());
        Ok((self.orders, total))
    }
}

impl Cart {
    /// A payment is for what is in the cart: what is added later needs another.
    fn add(&mut self, product: u32, pieces: u32) -> Result<(), Refused> {
        let have: u32 = self.lines.iter().map(|(_, pieces)| pieces).sum();
        if pieces == 0 || pieces > MAX_PIECES - have {
            return Err(Refused::Full);
        }
        match self.lines.iter_mut().find(|line| line.0 == product) {
            Some(line) => line.1 += pieces,
            None => self.lines.push((product, pieces)),
        }
        self.payment = None;
        Ok(())
    }

    /// In cents.
    fn total(&self) -> u64 {
        self.lines
            .iter()
            .map(|&(product, pieces)| u64::from(catalogue::cents(product)) * u64::from(pieces))
            .sum()
    }

    fn shown(&self) -> Shown {
        let line = |&(product, count): &(u32, u32)| Line { sku: catalogue::sku(product), count };
        Shown { items: self.lines.iter().map(line).collect(), total: catalogue::price(self.total()) }
    }
}

fn user(app: &App, headers: &HeaderMap) -> Result<String, Refused> {
    session::user(app, headers).ok_or(Refused::NoLogin)
}

/// `POST /cart {"sku": "sku-07", "count": 2}`.
pub(super) async fn add(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let body = body::read(body, MAX_BODY).await?;
    let user = user(&app, &headers)?;
    let line: Line = serde_json::from_slice(&body)?;
    let product = catalogue::number(&line.sku).ok_or(Refused::NoProduct)?;
    let shown = app.shop.carts().add(user, product, line.count)?;
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

/// `GET /cart`.
pub(super) async fn show(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Refused> {
    let user = user(&app, &headers)?;
    let carts = app.shop.carts();
    Ok(Json(carts.by_name.get(&user).unwrap_or(&Cart::default()).shown()).into_response())
}

/// `POST /checkout/pay`: a payment to confirm; what the body says is not looked at.
pub(super) async fn pay(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    body::read(body, MAX_BODY).await?;
    let user = user(&app, &headers)?;
    let (payment, cents) = app.shop.carts().pay(&user)?;
    let payment = app.signer.sign("payment", payment);
    Ok(Json(Paid { payment, amount: catalogue::price(cents) }).into_response())
}

/// `POST /checkout/confirm {"payment": …}`: an order, and an empty cart.
pub(super) async fn confirm(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refused> {
    let body = body::read(body, MAX_BODY).await?;
    let user = user(&app, &headers)?;
    let confirm: Confirm = serde_json::from_slice(&body)?;
    let payment = app.signer.number("payment", &confirm.payment).ok_or(Refused::NotPaid)?;
    let (order, cents) = app.shop.carts().confirm(&user, payment)?;
    let order = Order { order: format!("order-{order}"), total: catalogue::price(cents) };
    Ok((StatusCode::CREATED, Json(order)).into_response())
}
