//! Every route, over a real socket.

mod common;

use std::time::{Duration, Instant};

use common::{BOUNDARY, Client, multipart, quick, start};
use demo_target::{Config, DemoTarget};
use serde_json::json;

fn open(config: Config) -> (DemoTarget, Client) {
    let target = start(config);
    let client = Client::new(target.addr());
    (target, client)
}

type Headers<'a> = &'a [(&'a str, &'a str)];

const JSON: (&str, &str) = ("content-type", "application/json");
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

#[test]
fn index_and_what_is_not_there() {
    let (_target, mut client) = open(quick());
    assert!(client.get("/").text().contains("Demo target"));
    assert_eq!(client.request("HEAD", "/", &[], b"").status, 200);
    assert_eq!(client.get("/nowhere").status, 404);
    assert_eq!(client.request("DELETE", "/", &[], b"").status, 405);
}

#[test]
fn predict_takes_multipart_and_json() {
    let (_target, mut client) = open(Config::default());
    let dog = include_bytes!("../dog.jpg");
    let reply = client.request("POST", "/predict", &[BOUNDARY], &multipart("file", dog));
    assert_eq!(reply.status, 200, "{}", reply.text());
    let answer = reply.json();
    assert_eq!((&answer["label"], &answer["bytes"]), (&json!("dog"), &json!(dog.len())));
    assert!((0.5..1.0).contains(&answer["score"].as_f64().expect("a number")));

    let reply = client.request("POST", "/predict", &[JSON], br#"{"image": "aGk="}"#);
    assert_eq!((reply.status, &reply.json()["bytes"]), (200, &json!(17)));
}

#[test]
fn predict_refuses_what_it_cannot_read_and_keeps_the_connection() {
    let (_target, mut client) = open(quick());
    let whole = multipart("file", b"picture");
    let nameless = multipart("picture", b"picture");
    let cases: [(Headers<'_>, &[u8], u16); 9] = [
        (&[BOUNDARY], &whole[..whole.len() - 8], 400),
        (&[BOUNDARY], &whole[..30], 400),
        (&[BOUNDARY], b"no parts at all", 400),
        (&[BOUNDARY], b"", 400),
        (&[BOUNDARY], &nameless, 400),
        (&[("content-type", "multipart/form-data")], &whole, 400),
        (&[JSON], b"{", 400),
        (&[("content-type", "image/jpeg")], b"picture", 415),
        (&[], b"", 415),
    ];
    for (headers, body, status) in cases {
        let reply = client.request("POST", "/predict", headers, body);
        assert_eq!(reply.status, status, "{:?}: {}", String::from_utf8_lossy(body), reply.text());
    }
    assert_eq!(client.get("/predict").status, 405);
    assert_eq!(client.request("POST", "/predict", &[BOUNDARY], &whole).status, 200);
}

#[test]
fn predict_takes_bodies_of_many_megabytes_and_not_of_any_size() {
    let (_target, mut client) = open(quick());
    let picture = vec![7; 31 << 20];
    let reply = client.request("POST", "/predict", &[BOUNDARY], &multipart("file", &picture));
    assert_eq!((reply.status, &reply.json()["bytes"]), (200, &json!(picture.len())));
    let picture = vec![7; 33 << 20];
    let reply = client.request("POST", "/predict", &[BOUNDARY], &multipart("file", &picture));
    assert_eq!(reply.status, 413);
    assert_eq!(client.get("/").status, 200, "the connection goes on");
}

#[test]
fn predict_takes_its_time() {
    let (_target, mut client) = open(Config {
        predict_time: Duration::from_millis(30),
        predict_jitter: Duration::ZERO,
        ..Config::default()
    });
    let begin = Instant::now();
    assert_eq!(client.request("POST", "/predict", &[JSON], b"1").status, 200);
    assert!(begin.elapsed() >= Duration::from_millis(30));
}

#[test]
fn kv_keeps_values_and_refuses_large_ones() {
    let (_target, mut client) = open(quick());
    assert_eq!(client.get("/kv/a").status, 404);
    assert_eq!(client.request("POST", "/kv/a", &[JSON], b"{\"n\": 1}").status, 201);
    let reply = client.get("/kv/a");
    assert_eq!(
        (reply.status, reply.text(), reply.header("content-type")),
        (200, "{\"n\": 1}", Some("application/json"))
    );
    assert_eq!(client.request("POST", "/kv/a", &[], b"two").status, 200);
    assert_eq!(client.get("/kv/a").text(), "two");
    assert_eq!(client.request("POST", "/kv/b", &[], &vec![1; 64 << 10]).status, 201);
    assert_eq!(client.request("POST", "/kv/c", &[], &vec![1; (64 << 10) + 1]).status, 413);
    assert_eq!(client.get("/kv/c").status, 404);
}

#[test]
fn a_session_lasts_from_login_to_logout() {
    let (_target, mut client) = open(quick());
    assert_eq!(client.get("/me").status, 401);
    for (headers, body) in [(JSON, &br#"{"user": "ann b"}"#[..]), (FORM, b"user=ann+b&password=x")] {
        let reply = client.request("POST", "/login", &[headers], body);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let cookie =
            reply.header("set-cookie").and_then(|c| c.split(';').next()).expect("a cookie").to_owned();
        let reply = client.request("GET", "/me", &[("cookie", &format!("theme=dark; {cookie}"))], b"");
        assert_eq!((reply.status, reply.text()), (200, "ann b"));
        let reply = client.request("GET", "/me", &[("cookie", &format!("{cookie}0"))], b"");
        assert_eq!(reply.status, 401);
    }
    for (headers, body) in [(JSON, &b"{}"[..]), (JSON, br#"{"user": ""}"#), (JSON, b"{"), (FORM, b"name=ann")]
    {
        assert_eq!(client.request("POST", "/login", &[headers], body).status, 400);
    }
    let reply = client.request("POST", "/logout", &[], b"");
    assert_eq!(reply.header("set-cookie"), Some("session=; Path=/; Max-Age=0"));
}

#[test]
fn status_answers_with_any_code() {
    let (_target, mut client) = open(quick());
    for code in [200, 201, 204, 304, 400, 404, 418, 429, 500, 503, 599, 999] {
        for method in ["GET", "POST", "PATCH", "PURGE"] {
            let reply = client.request(method, &format!("/status/{code}"), &[], b"");
            assert_eq!(reply.status, code, "{method}");
        }
    }
    assert_eq!(client.get("/status/302").header("location"), Some("/"));
    assert_eq!(client.get("/status/307?location=/echo%3Fa=1").header("location"), Some("/echo?a=1"));
    assert_eq!(client.get("/status/200?location=/echo").header("location"), None);
    for path in ["/status/100", "/status/99", "/status/1000", "/status/x", "/status/302?location=%0A"] {
        assert_eq!(client.get(path).status, 400, "{path}");
    }
}

#[test]
fn redirect_leads_home_in_n_steps() {
    let (_target, mut client) = open(quick());
    let mut path = "/redirect/3".to_owned();
    for _ in 0..3 {
        let reply = client.get(&path);
        assert_eq!(reply.status, 302);
        path = reply.header("location").expect("a location").to_owned();
    }
    assert_eq!(path, "/");
    assert_eq!(client.get("/redirect/0").status, 200);
}

#[test]
fn delay_is_never_too_short() {
    let (_target, mut client) = open(quick());
    for ms in [0, 1, 2, 5, 30] {
        let begin = Instant::now();
        assert_eq!(client.get(&format!("/delay/{ms}")).status, 200);
        assert!(begin.elapsed() >= Duration::from_millis(ms), "{:?} instead of {ms} ms", begin.elapsed());
    }
    assert_eq!(client.get("/delay/60001").status, 400);
    assert_eq!(client.get("/delay/-1").status, 400);
}

#[test]
fn bytes_has_the_length_asked_for() {
    let (_target, mut client) = open(quick());
    for n in [0, 1, 65_535, 65_536, 65_537, 1_000_000, 64 << 20] {
        let reply = client.get(&format!("/bytes/{n}"));
        assert_eq!((reply.status, reply.header("content-length")), (200, Some(n.to_string().as_str())));
        assert_eq!(reply.body.len(), n);
    }
    assert_eq!(client.request("HEAD", "/bytes/77", &[], b"").header("content-length"), Some("77"));
    assert_eq!(client.get("/bytes/67108865").status, 400);
}

#[test]
fn echo_shows_what_arrived() {
    let (_target, mut client) = open(quick());
    let headers = [("X-One", "1"), ("x-two", "a"), ("x-two", "b"), ("content-type", "text/plain")];
    let echo = client.request("POST", "/echo?q=a%20b&q=c", &headers, "grüße".as_bytes()).json();
    assert_eq!(echo["method"], "POST");
    assert_eq!((&echo["path"], &echo["query"]), (&json!("/echo"), &json!("q=a%20b&q=c")));
    assert_eq!(echo["body"], "grüße");
    assert_eq!((&echo["headers"]["x-one"], &echo["headers"]["x-two"]), (&json!("1"), &json!("a, b")));
    let echo = client.get("/echo").json();
    assert_eq!((&echo["method"], &echo["query"], &echo["body"]), (&json!("GET"), &json!(""), &json!("")));
}

#[test]
fn close_sends_nothing_at_all() {
    let (target, mut client) = open(quick());
    assert_eq!(client.get("/").status, 200);
    client.send("GET", "/close", &[], b"");
    assert_eq!(client.rest().expect("an end and not a reset"), b"");
    assert_eq!(target.counts()["GET /close"], 1);
}

#[test]
fn hang_ends_with_its_client() {
    let (target, mut client) = open(quick());
    client.send("GET", "/hang", &[], b"");
    client.end();
    assert_eq!(client.rest().expect("an end and not a reset"), b"", "no answer before it left");
    assert_eq!(target.counts()["GET /hang"], 1);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let (target, mut client) = open(quick());
    let requests = (200..250).map(|code| format!("GET /status/{code} HTTP/1.1\r\nhost: t\r\n\r\n"));
    let burst = requests.collect::<Vec<_>>().concat();
    client.raw(burst.as_bytes());
    for code in 200..250 {
        assert_eq!(client.reply(false).status, code);
    }
    assert_eq!(target.counts().values().sum::<u64>(), 50);
}
