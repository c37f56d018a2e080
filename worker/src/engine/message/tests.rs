//! Requests as they go on the wire: what varies in them, what a value may bring in, and that buffers keep nothing for the next.
//!
//! Made from scenarios, as a load thread makes them; nothing is sent.

use std::time::Duration;

use stampede_scenarios::compile::compile;
use stampede_scenarios::data::{UserRows, Who};
use stampede_scenarios::draw::Draw;
use stampede_scenarios::source::{FilesAtHand, Overrides, Source};
use stampede_scenarios::variables::{VariableId, Variables};

use super::super::prepared::{Prepared, boundary};
use super::super::steps::Step;
use super::*;
use crate::http::auto::ClientChoice;
use crate::http::{Options, Version};

fn prepared(steps: &str) -> Prepared {
    let text = format!(
        "target: http://a:81\nusers: {{v: {{tasks: {{main: {{steps: [{steps}]}}}}}}}}\nload: {{users: 1}}"
    );
    let plan = compile(&Source::new("t.yaml", text), &Overrides::default(), &|_| None, 7)
        .unwrap_or_else(|wrong| panic!("{wrong}"));
    Prepared::new(plan, &[], ClientChoice::Auto).unwrap_or_else(|wrong| panic!("{wrong}"))
}

/// The requests of a scenario's only task, as they go on the wire: method, origin, path, header lines, cookies, body.
fn rendered(steps: &str) -> Vec<[String; 6]> {
    let prepared = prepared(steps);
    let (pool, jar, mut draw) = (BufferPool::default(), Jar::default(), Draw::from_seed(1));
    let mut variables = Variables::default();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    prepared.classes[0].tasks[0]
        .iter()
        .map(|step| {
            let Step::Request(request) = step else { panic!("a request") };
            let mut cx = RenderContext {
                user_id: 5,
                life: 0,
                class: "v",
                iteration: 3,
                arrival: None,
                loop_index: 0,
                rows: stampede_scenarios::data::RowView::default(),
                response: &stampede_scenarios::response::NONE,
                draw: &mut draw,
                variables: &mut variables,
                around: &stampede_scenarios::template::NOWHERE,
            };
            let mut lent = (!request.is_fixed()).then(|| pool.lend());
            lent.as_mut().map_or(Ok(()), |lent| lent.render(request, &jar, &mut cx)).expect("can be made");
            let message = Message::new(request, lent.as_ref());
            let origin = message.origin.to_string();
            let (headers, cookies, body) = (message.headers, message.cookies, message.body);
            let path = message.path.to_owned();
            [message.method.to_string(), origin, path, text(headers), text(cookies), text(body)]
        })
        .collect()
}

#[test]
fn a_file_that_is_a_row_is_the_body_or_a_part() {
    let text = "
target: http://a:81
data: {f: {files: 'x/*'}}
users:
  v:
    tasks:
      main:
        steps:
          - {post: /, body_file: '${f.path}'}
          - {post: /, multipart: {a: {path: '${f.path}'}, b: two}}
          - {post: /, multipart: {a: {path: '${f.path}', type: '${f.type}', filename: n}}}
";
    let files =
        [("x/a.jpg", "AAA"), ("x/b", "B")].map(|(path, content)| (path.to_owned(), Bytes::from(content)));
    let assets = files.clone().map(|(_, bytes)| bytes);
    let source = Source::new("t.yaml", text).with_files(Arc::new(FilesAtHand::new(files)));
    let plan =
        compile(&source, &Overrides::default(), &|_| None, 7).unwrap_or_else(|wrong| panic!("{wrong}"));
    let prepared = Prepared::new(plan, &assets, ClientChoice::Auto).unwrap_or_else(|wrong| panic!("{wrong}"));
    let mut bodies = Vec::new();
    for iteration in 0..2 {
        let (feeders, which) = (&prepared.plan.feeders, &prepared.plan.classes[0].feeders.all);
        let mut rows = UserRows::new(feeders, which, 0);
        let who = Who { seed: 7, slot: 0, life: 0, iteration, arrival: None };
        rows.choose(which, &who).expect("rows");
        for step in &prepared.classes[0].tasks[0] {
            let Step::Request(request) = step else { panic!("a request") };
            let (pool, mut draw, mut variables) =
                (BufferPool::default(), Draw::from_seed(1), Variables::default());
            let mut cx = RenderContext {
                user_id: 0,
                life: 0,
                class: "v",
                iteration,
                arrival: None,
                loop_index: 0,
                rows: rows.view(),
                response: &stampede_scenarios::response::NONE,
                draw: &mut draw,
                variables: &mut variables,
                around: &stampede_scenarios::template::NOWHERE,
            };
            let mut lent = pool.lend();
            lent.render(request, &Jar::default(), &mut cx).expect("can be made");
            let body = String::from_utf8_lossy(Message::new(request, Some(&lent)).body).into_owned();
            bodies.push(body.replace(&boundary(7), "BOUNDARY"));
        }
    }
    let part = |name: &str, kind: &str, content: &str| {
        format!(
            "--BOUNDARY\r\nContent-Disposition: form-data; name=\"a\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n{content}\r\n"
        )
    };
    let two = "--BOUNDARY\r\nContent-Disposition: form-data; name=\"b\"\r\n\r\ntwo\r\n";
    let end = "--BOUNDARY--\r\n";
    let stream = "application/octet-stream";
    assert_eq!(
        bodies,
        [
            "AAA".to_owned(),
            part("a.jpg", "image/jpeg", "AAA") + two + end,
            part("n", "image/jpeg", "AAA") + end,
            "B".to_owned(),
            part("b", stream, "B") + two + end,
            part("n", stream, "B") + end,
        ]
    );
}

#[test]
fn buffers_of_one_request_leave_nothing_to_the_next() {
    let all = rendered(
        r#"{post: "/x/${user.id}", body: "i${iteration}", headers: {cookie: "c=${user.id}"}}, {get: /y, headers: {x-i: "${iteration}"}}, {get: /z}"#,
    );
    let part = |index: usize| all.iter().map(|parts| parts[index].as_str()).collect::<Vec<_>>();
    assert_eq!(part(1), ["http://a:81"; 3]);
    assert_eq!(part(2), ["/x/5", "/y", "/z"]);
    assert_eq!(part(4), ["c=5", "", ""]);
    assert_eq!(part(5), ["i3", "", ""]);
    assert!(all[1][3].starts_with("x-i: 3\r\naccept: */*\r\nuser-agent: stampede/"), "{}", all[1][3]);
    assert!(!all[2][3].contains("x-i"), "{}", all[2][3]);
}

#[test]
fn a_url_that_is_a_value_is_absolute_or_follows_the_target() {
    let all = rendered(
        r#"{get: "${'http://h:' ~ (80 + user.id) ~ '/x'}"}, {get: "${'/p/' ~ user.id}"}, {get: "${user.class}"}, {get: "${'?q=' ~ user.id}", query: {r: 1}}, {get: "${'/n/' ~ user.id}", query: {r: 1}}, {get: "http://b:1${'/p' ~ user.id}"}"#,
    );
    let places: Vec<String> = all.iter().map(|parts| format!("{}{}", parts[1], parts[2])).collect();
    assert_eq!(
        places,
        [
            "http://h:85/x",
            "http://a:81/p/5",
            "http://a:81/v",
            "http://a:81/?q=5&r=1",
            "http://a:81/n/5?r=1",
            "http://b:1/p5"
        ]
    );
}

#[test]
fn what_a_value_brings_into_a_url_is_encoded() {
    let all = rendered(r#"{get: "/${user.class}/../ä b/${user.id}"}, {get: "http://h${user.id}/p"}"#);
    assert_eq!(all[0][2], "/%C3%A4%20b/5");
    assert_eq!([&all[1][1], &all[1][2]], ["http://h5", "/p"]);
}

#[test]
fn who_a_request_says_it_is_may_be_known_only_when_it_is_made() {
    let all = rendered(
        r#"{get: /, auth: {basic: {user: "u${user.id}", password: p}}}, {get: /, auth: {bearer: "t${iteration}"}}"#,
    );
    assert!(all[0][3].starts_with("authorization: Basic dTU6cA==\r\n"), "{}", all[0][3]);
    assert!(all[1][3].starts_with("authorization: Bearer t3\r\n"), "{}", all[1][3]);
}

#[test]
fn the_client_is_told_how_the_step_wants_it() {
    let prepared = prepared(
        "{get: /}, {get: /, timeout: {connect: 1s, first_byte: 2s, total: 3s}, http: h2, connection: per_request, cookies: false}",
    );
    let options = |index: usize| match &prepared.classes[0].tasks[0][index] {
        // Where the step stands is another matter.
        Step::Request(request) => Options { step: 0, ..request.options },
        _ => panic!("a request"),
    };
    assert_eq!(options(0), Options::default());
    let own = Options {
        connect_timeout: Some(Duration::from_secs(1)),
        first_byte_timeout: Some(Duration::from_secs(2)),
        total_timeout: Duration::from_secs(3),
        version: Version::H2,
        closes: true,
        cookies: false,
        ..Options::default()
    };
    assert_eq!(options(1), own);
}

#[test]
fn a_user_in_a_url_that_a_response_gave_is_who_the_request_says_it_is() {
    let prepared = prepared(
        r#"{get: /, extract: {link: $.link}}, {get: "http://${link}"}, {get: "http://${link}", auth: {bearer: t}}"#,
    );
    let (pool, jar, mut draw) = (BufferPool::default(), Jar::default(), Draw::from_seed(1));
    let mut variables = Variables::new(&prepared.plan.classes[0].variables);
    let mut headers = |link: &str, step: usize| {
        variables.set_text(VariableId(0), link.as_bytes());
        let Step::Request(request) = &prepared.classes[0].tasks[0][step] else { panic!("a request") };
        let (draw, variables) = (&mut draw, &mut variables);
        let mut cx = RenderContext {
            user_id: 0,
            life: 0,
            class: "v",
            iteration: 0,
            arrival: None,
            loop_index: 0,
            rows: stampede_scenarios::data::RowView::default(),
            response: &stampede_scenarios::response::NONE,
            draw,
            variables,
            around: &stampede_scenarios::template::NOWHERE,
        };
        let mut lent = pool.lend();
        lent.render(request, &jar, &mut cx).expect("can be made");
        let message = Message::new(request, Some(&lent));
        assert_eq!((message.origin.to_string().as_str(), message.path), ("http://h", "/x"));
        String::from_utf8_lossy(message.headers).into_owned()
    };
    let own = headers("u5:p%20w@h/x", 1);
    assert!(own.starts_with("accept: */*\r\nauthorization: Basic dTU6cCB3\r\nuser-agent: "), "{own}");
    let scenarios = headers("u5:p%20w@h/x", 2);
    assert!(scenarios.starts_with("authorization: Bearer t\r\n"), "{scenarios}");
    assert_eq!(scenarios.matches("authorization").count(), 1, "{scenarios}");
    // Nothing of the one before is left.
    assert!(!headers("h/x", 1).contains("authorization"));
}
