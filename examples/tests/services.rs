//! The routes that the longer examples need, over a real socket: the shop, jobs, pages, GraphQL, OAuth, tenants, a limit.

mod common;

use std::time::{Duration, Instant};

use common::{Client, Reply, quick, start};
use demo_target::DemoTarget;
use serde_json::{Value, json};

type Headers<'a> = &'a [(&'a str, &'a str)];

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn open() -> (DemoTarget, Client) {
    let target = start(quick());
    let client = Client::new(target.addr());
    (target, client)
}

fn post(client: &mut Client, path: &str, headers: Headers<'_>, body: &Value) -> Reply {
    let headers = [&[JSON], headers].concat();
    client.request("POST", path, &headers, body.to_string().as_bytes())
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("{key} in {value}"))
}

/// `authorization` of somebody who has logged in.
fn login(client: &mut Client, user: &str) -> String {
    format!("Bearer {}", text(&post(client, "/login", &[], &json!({"user": user})).json(), "token"))
}

#[test]
fn a_login_takes_the_csrf_of_its_form_and_no_other() {
    let (_target, mut client) = open();
    let page = client.get("/login");
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let csrf = page.text().split_once("name=\"csrf\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
    let csrf = csrf.expect("a hidden field").0.to_owned();
    assert_ne!(client.get("/login").text(), page.text(), "each form has its own");
    let reply = client.request("POST", "/login", &[FORM], format!("user=ann&csrf={csrf}").as_bytes());
    assert_eq!(reply.status, 200);
    let token = text(&reply.json(), "token").to_owned();
    assert!(reply.header("set-cookie").is_some_and(|cookie| cookie.contains(&token)));
    let reply = client.request("GET", "/me", &[("authorization", &format!("Bearer {token}"))], b"");
    assert_eq!((reply.status, reply.text()), (200, "ann"));
    assert_eq!(client.request("GET", "/me", &[("authorization", &token)], b"").status, 401);
    assert_eq!(
        client.request("POST", "/login", &[FORM], format!("user=ann&csrf={csrf}0").as_bytes()).status,
        403
    );
    assert_eq!(post(&mut client, "/login", &[], &json!({"user": "ann", "csrf": ""})).status, 403);
}

#[test]
fn products_by_page_and_by_sku() {
    let (_target, mut client) = open();
    let (mut next, mut skus) = (Some("/products".to_owned()), Vec::new());
    while let Some(path) = next {
        let reply = client.get(&path);
        let page = reply.json();
        skus.extend(
            page["items"].as_array().expect("a list").iter().map(|item| text(item, "sku").to_owned()),
        );
        next = page["next"].as_str().map(str::to_owned);
        assert_eq!(
            reply.header("link").map(str::to_owned),
            next.as_ref().map(|n| format!("<{n}>; rel=\"next\""))
        );
    }
    assert_eq!((skus.len(), skus[0].as_str(), skus[49].as_str()), (50, "sku-01", "sku-50"));
    let one = client.get("/products/sku-07").json();
    assert_eq!((&one["sku"], &one["price"], &one["stock"]), (&json!("sku-07"), &json!(19.99), &json!(10)));
    for path in ["/products?page=0", "/products?page=6", "/products/sku-51", "/products/7"] {
        assert_eq!(client.get(path).status, 404, "{path}");
    }
    assert_eq!(client.get("/products?page=x").status, 400);
}

#[test]
fn a_purchase_from_cart_to_order() {
    let (_target, mut client) = open();
    let ann = login(&mut client, "ann");
    let ann: Headers<'_> = &[("authorization", &ann)];
    assert_eq!(post(&mut client, "/checkout/pay", ann, &json!({})).status, 409, "nothing to pay");
    assert_eq!(post(&mut client, "/cart", ann, &json!({"sku": "sku-07"})).status, 201);
    let cart = post(&mut client, "/cart", ann, &json!({"sku": "sku-07", "count": 2})).json();
    assert_eq!(cart, json!({"items": [{"sku": "sku-07", "count": 3}], "total": 59.97}));
    assert_eq!(client.request("GET", "/cart", ann, b"").json(), cart);
    let first = post(&mut client, "/checkout/pay", ann, &json!({"card": "4242"})).json();
    assert_eq!(first["amount"], 59.97);
    post(&mut client, "/cart", ann, &json!({"sku": "sku-01"}));
    assert_eq!(
        post(&mut client, "/checkout/confirm", ann, &first).status,
        409,
        "paid before something was added"
    );
    assert_eq!(client.request("GET", "/cart", ann, b"").json()["items"].as_array().map(Vec::len), Some(2));
    let payment = post(&mut client, "/checkout/pay", ann, &json!({})).json();
    let order = post(&mut client, "/checkout/confirm", ann, &payment);
    assert_eq!((order.status, text(&order.json(), "order")), (201, "order-1"));
    assert_eq!(client.request("GET", "/cart", ann, b"").json(), json!({"items": [], "total": 0.0}));
    assert_eq!(post(&mut client, "/checkout/confirm", ann, &payment).status, 409, "bought only once");
}

#[test]
fn carts_need_a_login_and_belong_to_a_name() {
    let (_target, mut client) = open();
    for (method, path) in
        [("GET", "/cart"), ("POST", "/cart"), ("POST", "/checkout/pay"), ("POST", "/checkout/confirm")]
    {
        assert_eq!(client.request(method, path, &[JSON], b"{}").status, 401, "{method} {path}");
    }
    let (ann, bob) = (login(&mut client, "ann"), login(&mut client, "bob"));
    let (ann, bob): (Headers<'_>, Headers<'_>) = (&[("authorization", &ann)], &[("authorization", &bob)]);
    post(&mut client, "/cart", ann, &json!({"sku": "sku-02"}));
    assert_eq!(client.request("GET", "/cart", bob, b"").json()["items"], json!([]));
    let bad = [
        (json!({"sku": "sku-99"}), 404),
        (json!({}), 400),
        (json!({"sku": 7}), 400),
        (json!({"sku": "sku-02", "count": -1}), 400),
        (json!({"sku": "sku-02", "count": 0}), 413),
        (json!({"sku": "sku-02", "count": 10_000}), 413),
    ];
    for (body, status) in bad {
        assert_eq!(post(&mut client, "/cart", ann, &body).status, status, "{body}");
    }
    assert_eq!(client.request("GET", "/cart", ann, b"").json()["items"][0]["count"], 1);
}

#[test]
fn a_job_is_done_after_some_looks() {
    let (_target, mut client) = open();
    let mut states = |submit: &str, looks: usize| {
        let reply = client.request("POST", submit, &[], b"");
        assert_eq!((reply.status, &reply.json()["state"]), (202, &json!("queued")));
        let path = reply.header("location").expect("where it is").to_owned();
        (0..looks).map(|_| text(&client.get(&path).json(), "state").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(states("/jobs", 5), ["queued", "running", "running", "done", "done"]);
    assert_eq!(states("/jobs?looks=2", 2), ["queued", "done"]);
    assert_eq!(states("/jobs?looks=0", 1), ["done"]);
    assert_eq!(client.get("/jobs/1").json(), json!({"id": 1, "state": "done", "result": 1}));
    assert_eq!((client.get("/jobs/4").status, client.get("/jobs/0").status), (404, 404));
}

#[test]
fn events_by_cursor_are_each_seen_once() {
    let (_target, mut client) = open();
    for (limit, pages) in [("", 5), ("limit=50", 2), ("limit=33", 4)] {
        let (mut cursor, mut ids, mut seen) = (String::new(), Vec::new(), 0);
        loop {
            let page = client.get(&format!("/events?{limit}{cursor}")).json();
            ids.extend(page["items"].as_array().expect("a list").iter().map(|item| item["id"].as_u64()));
            seen += 1;
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(ids, (0..100).map(Some).collect::<Vec<_>>());
        assert_eq!(seen, pages, "{limit}");
    }
    for query in ["limit=0", "limit=51", "limit=x", "cursor=", "cursor=20", "cursor=c0064", "cursor=c14"] {
        assert_eq!(client.get(&format!("/events?{query}")).status, 400, "{query}");
    }
}

#[test]
fn graphql_answers_by_operation() {
    let (_target, mut client) = open();
    let mut run = |query: &str, variables: Value| {
        let reply = post(&mut client, "/graphql", &[], &json!({"query": query, "variables": variables}));
        assert_eq!(reply.status, 200);
        reply.json()
    };
    let product = run("query Product($sku: ID!) { product(sku: $sku) { price } }", json!({"sku": "sku-07"}));
    assert_eq!(product["data"]["product"]["price"], 19.99);
    let products = run("query Products { products { sku } }", Value::Null);
    assert_eq!(products["data"]["products"].as_array().map(Vec::len), Some(10));
    assert_eq!(run("query Products { x }", json!({"first": 3}))["data"]["products"][2]["sku"], "sku-03");
    let review = run("mutation AddReview { x }", json!({"sku": "sku-01", "stars": 5}));
    assert_eq!(review, json!({"data": {"addReview": {"id": 1, "sku": "sku-01", "stars": 5}}}));
    let wrong = [
        ("query Product { x }", json!({"sku": "nothing"}), "`sku`"),
        ("query Products { x }", json!({"first": 51}), "`first`"),
        ("mutation AddReview { x }", json!({"sku": "sku-01", "stars": 6}), "`stars`"),
        ("query Orders { x }", json!({}), "no such operation"),
        ("{ products }", json!({}), "needs a name"),
    ];
    for (query, variables, said) in wrong {
        let answer = run(query, variables);
        assert!(answer["data"].is_null());
        assert!(text(&answer["errors"][0], "message").contains(said), "{answer}");
    }
    let named = json!({"query": "", "operationName": "Products"});
    assert!(post(&mut client, "/graphql", &[], &named).json()["errors"].is_null());
    assert_eq!(client.request("POST", "/graphql", &[JSON], b"{").status, 400);
}

#[test]
fn a_token_is_good_ten_times_and_can_be_refreshed() {
    let (_target, mut client) = open();
    let mut ask = |form: &str| client.request("POST", "/oauth/token", &[FORM], form.as_bytes());
    let who = "client_id=a&client_secret=demo-secret";
    let first = ask(&format!("grant_type=client_credentials&{who}"));
    assert_eq!((first.status, first.header("cache-control")), (200, Some("no-store")));
    let first = first.json();
    assert_eq!(text(&first, "token_type"), "Bearer");
    let refresh = format!("grant_type=refresh_token&refresh_token={}&{who}", text(&first, "refresh_token"));
    let second = ask(&refresh).json();
    let denied = [
        ("grant_type=client_credentials&client_id=a&client_secret=x".to_owned(), 401, "invalid_client"),
        ("grant_type=client_credentials&client_secret=demo-secret".to_owned(), 401, "invalid_client"),
        (format!("grant_type=password&{who}"), 400, "unsupported_grant_type"),
        (format!("grant_type=refresh_token&{who}"), 400, "invalid_request"),
        (format!("{refresh}0").replace(&format!("&{who}0"), &format!("0&{who}")), 400, "invalid_grant"),
        (who.to_owned(), 400, "invalid_request"),
    ];
    for (form, status, error) in denied {
        let reply = ask(&form);
        assert_eq!((reply.status, text(&reply.json(), "error")), (status, error), "{form}");
    }
    for granted in [&first, &second] {
        let token = format!("Bearer {}", text(granted, "access_token"));
        let mut read = || client.request("GET", "/oauth/data", &[("authorization", &token)], b"");
        for left in (0..10).rev() {
            assert_eq!(read().json()["uses_left"], left);
        }
        let reply = read();
        assert_eq!(reply.status, 401);
        assert_eq!(reply.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    }
    let token = format!("Bearer {}", text(&first, "refresh_token"));
    assert_eq!(client.request("GET", "/oauth/data", &[("authorization", &token)], b"").status, 401);
    assert_eq!(client.get("/oauth/data").status, 401);
}

#[test]
fn tenants_are_told_apart_and_counted() {
    let (_target, mut client) = open();
    for (name, requests) in [("acme", 1), ("initech", 1), ("acme", 2)] {
        let reply = client.request("GET", "/tenant", &[("x-tenant", name)], b"");
        assert_eq!(reply.json(), json!({"tenant": name, "requests": requests}));
    }
    let long = "x".repeat(65);
    for headers in [&[][..], &[("x-tenant", "")], &[("x-tenant", long.as_str())]] {
        assert_eq!(client.request("GET", "/tenant", headers, b"").status, 400);
    }
    assert_eq!(client.get("/tenants").json(), json!({"acme": 2, "initech": 1}));
}

#[test]
fn a_limit_makes_its_requests_queue() {
    let (target, mut client) = open();
    let begin = Instant::now();
    let mut others: Vec<_> = (0..4).map(|_| Client::new(target.addr())).collect();
    for other in &mut others {
        other.send("GET", "/limited?rps=20", &[], b"");
    }
    for other in &mut others {
        assert_eq!(other.reply(false).status, 200);
    }
    assert!(begin.elapsed() >= Duration::from_millis(155), "three waited 50 ms for each before, and 5 ms");
    assert_eq!((client.get("/limited?rps=0").status, client.get("/limited?rps=100001").status), (400, 400));
    assert_eq!(client.get("/limited").status, 200);
}

#[test]
fn every_number_below_a_million_has_a_value() {
    let (_target, mut client) = open();
    assert_eq!(client.get("/kv/0").text(), "value of 0\n");
    assert_eq!(client.get("/kv/999999").status, 200);
    assert_eq!((client.get("/kv/1000000").status, client.get("/kv/007").status), (404, 404));
    assert_eq!(client.request("PUT", "/kv/7", &[], b"mine").status, 201);
    assert_eq!(client.request("PUT", "/kv/7", &[], b"mine too").status, 200);
    assert_eq!(client.get("/kv/7").text(), "mine too");
}
