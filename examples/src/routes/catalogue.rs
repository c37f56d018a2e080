//! What the shop sells: 50 products, always the same, by page and by number. There is no stock to run out of: what is
//! said of it is a constant, so that a test can buy for as long as it likes.

use axum::Json;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::http::header::LINK;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// Products of the shop, numbered from 1.
pub(super) const PRODUCTS: u32 = 50;

/// Products of a page.
const PAGE: u32 = 10;

/// One product.
#[derive(Debug, Serialize)]
pub(super) struct Product {
    pub(super) sku: String,
    pub(super) name: String,
    /// In the shop's currency, with cents.
    pub(super) price: f64,
    pub(super) stock: u32,
}

/// A page of products.
#[derive(Debug, Serialize)]
struct Shelf {
    page: u32,
    pages: u32,
    items: Vec<Product>,
    /// Where the next page is; null on the last one.
    next: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    page: Option<u32>,
}

/// The price of a product in cents, 1.99 to 99.99.
pub(super) fn cents(product: u32) -> u32 {
    199 + (product * 37 % PRODUCTS) * 200
}

/// Cents as they are shown.
pub(super) fn price(cents: u64) -> f64 {
    cents as f64 / 100.0
}

/// The number of a product by its `sku-07`.
pub(super) fn number(sku: &str) -> Option<u32> {
    let number = sku.strip_prefix("sku-")?.parse().ok().filter(|number| (1..=PRODUCTS).contains(number))?;
    (self::sku(number) == sku).then_some(number)
}

/// `sku-07`.
pub(super) fn sku(number: u32) -> String {
    format!("sku-{number:02}")
}

/// Everything about a product.
pub(super) fn product(number: u32) -> Product {
    Product {
        sku: sku(number),
        name: format!("Product {number}"),
        price: price(u64::from(cents(number))),
        stock: 1 + number * 7 % 40,
    }
}

/// `GET /products?page=N`, from 1; the next page also as a `link` header.
pub(super) async fn list(Query(wanted): Query<Wanted>) -> Response {
    let (page, pages) = (wanted.page.unwrap_or(1), PRODUCTS / PAGE);
    if !(1..=pages).contains(&page) {
        return (StatusCode::NOT_FOUND, "there is no such page").into_response();
    }
    let items = ((page - 1) * PAGE + 1..=page * PAGE).map(product).collect();
    let next = (page < pages).then(|| format!("/products?page={}", page + 1));
    let link = next.as_ref().map(|next| [(LINK, format!("<{next}>; rel=\"next\""))]);
    let body = Json(Shelf { page, pages, items, next });
    match link {
        Some(link) => (link, body).into_response(),
        None => body.into_response(),
    }
}

/// `GET /products/{sku}`.
pub(super) async fn show(Path(sku): Path<String>) -> Response {
    match number(&sku) {
        Some(number) => Json(product(number)).into_response(),
        None => (StatusCode::NOT_FOUND, "there is no such product").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_product_is_found_by_its_sku_and_costs_something_else() {
        let mut prices: Vec<_> = (1..=PRODUCTS).map(cents).collect();
        prices.sort_unstable();
        prices.dedup();
        assert_eq!((prices.len(), prices[0], prices[49]), (50, 199, 9999));
        for number in 1..=PRODUCTS {
            assert_eq!(self::number(&sku(number)), Some(number));
        }
        for bad in ["", "sku-", "sku-0", "sku-00", "sku-51", "sku-7", "sku-007", "sku-+7", "7"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
