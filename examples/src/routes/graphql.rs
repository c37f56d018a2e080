//! `POST /graphql`: answers by the name of the operation, over the shop's products. The fields that are asked for are not
//! read, every operation answers with all it has: what is tested here is the client.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{App, body, catalogue};

/// Bytes of an operation with its variables.
const MAX_BODY: usize = 64 << 10;

/// The reviews that were written. They are counted and not kept.
#[derive(Debug, Default)]
pub(super) struct Reviews(AtomicU64);

#[derive(Debug, Deserialize)]
struct Operation {
    query: String,
    #[serde(rename = "operationName")]
    name: Option<String>,
    #[serde(default)]
    variables: Value,
}

/// What GraphQL puts beside `data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum Wrong {
    #[error("the operation needs a name: query Product, query Products or mutation AddReview")]
    NoName,
    #[error("there is no such operation: Product, Products and AddReview are known")]
    Unknown,
    #[error("the variable `sku` names no product")]
    Sku,
    #[error("the variable `first` is a number from 1 to 50")]
    First,
    #[error("the variable `stars` is a number from 1 to 5")]
    Stars,
}

impl Operation {
    /// `operationName`, or what stands behind `query` or `mutation`.
    fn name(&self) -> Result<&str, Wrong> {
        if let Some(name) = &self.name {
            return Ok(name);
        }
        let query = self.query.trim_start();
        let rest =
            query.strip_prefix("query ").or_else(|| query.strip_prefix("mutation ")).unwrap_or_default();
        let rest = rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        if end == 0 { Err(Wrong::NoName) } else { Ok(&rest[..end]) }
    }

    fn run(&self, reviews: &Reviews) -> Result<Value, Wrong> {
        let number = |name: &str, most: u64| self.variables[name].as_u64().filter(|n| (1..=most).contains(n));
        match self.name()? {
            "Product" => Ok(json!({"product": catalogue::product(self.product()?)})),
            "Products" => {
                let first = match &self.variables["first"] {
                    Value::Null => Some(10),
                    _ => number("first", u64::from(catalogue::PRODUCTS)),
                };
                let first = first.and_then(|first| u32::try_from(first).ok()).ok_or(Wrong::First)?;
                Ok(json!({"products": (1..=first).map(catalogue::product).collect::<Vec<_>>()}))
            }
            "AddReview" => {
                let (product, stars) = (self.product()?, number("stars", 5).ok_or(Wrong::Stars)?);
                let id = reviews.0.fetch_add(1, Ordering::Relaxed) + 1;
                Ok(json!({"addReview": {"id": id, "sku": catalogue::sku(product), "stars": stars}}))
            }
            _ => Err(Wrong::Unknown),
        }
    }

    fn product(&self) -> Result<u32, Wrong> {
        self.variables["sku"].as_str().and_then(catalogue::number).ok_or(Wrong::Sku)
    }
}

/// What cannot be read is a 400; what cannot be done is a 200 with `errors`, as GraphQL has it.
pub(super) async fn run(State(app): State<Arc<App>>, body: Body) -> Response {
    let body = match body::read(body, MAX_BODY).await {
        Ok(body) => body,
        Err(error) => return error.into_response(),
    };
    let operation: Operation = match serde_json::from_slice(&body) {
        Ok(operation) => operation,
        Err(error) => {
            let errors = json!({"errors": [{"message": error.to_string()}]});
            return (StatusCode::BAD_REQUEST, Json(errors)).into_response();
        }
    };
    Json(match operation.run(&app.reviews) {
        Ok(data) => json!({ "data": data }),
        Err(wrong) => json!({"data": null, "errors": [{"message": wrong.to_string()}]}),
    })
    .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_operation() {
        let name = |query: &str| {
            let operation = Operation { query: query.to_owned(), name: None, variables: Value::Null };
            operation.name().map(str::to_owned)
        };
        assert_eq!(name("query Product($sku: ID!) { x }").as_deref(), Ok("Product"));
        assert_eq!(name("\n  mutation  AddReview{x}").as_deref(), Ok("AddReview"));
        for nameless in ["", "{ products { sku } }", "query { x }", "query", "subscription S { x }"] {
            assert_eq!(name(nameless), Err(Wrong::NoName), "{nameless}");
        }
    }
}
