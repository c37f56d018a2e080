//! What a plan holds: values folded and encoded for their place, defaults merged, flags put over the file.

use std::time::Duration;

use stampede_scenarios::arrivals;
use stampede_scenarios::compile::compile;
use stampede_scenarios::contents::{Contents, ResponseView};
use stampede_scenarios::diagnostics::Diagnostics;
use stampede_scenarios::draw::Draw;
use stampede_scenarios::expect::Numbers;
use stampede_scenarios::plan::{
    BodyPlan, Connection, HttpVersion, NamePlan, Op, PartContent, Plan, RequestPlan, Timeouts, TlsPlan,
};
use stampede_scenarios::source::{Overrides, Source};
use stampede_scenarios::template::{RenderContext, Template};
use stampede_scenarios::units::parse_rate;
use stampede_scenarios::variables::Variables;

fn compiled(text: &str, overrides: &Overrides) -> Result<Plan, Diagnostics> {
    let env = |name: &str| (name == "API_HOST").then(|| "api.test".to_owned());
    compile(&Source::new("test.yaml", text), overrides, &env, 7)
}

fn plan(text: &str) -> Plan {
    compiled(text, &Overrides::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn everything() -> Plan {
    plan(include_str!("valid/everything.yaml"))
}

/// A scenario around one step.
fn step(step: &str) -> Plan {
    plan(&format!(
        "target: http://h\nvars: {{n: 3, list: [a, b], nil: null, text: 'a b&c'}}\nusers:\n  v:\n    tasks:\n      t:\n        steps:\n          - {step}\n"
    ))
}

fn request(plan: &Plan, class: usize, task: usize, op: usize) -> &RequestPlan {
    match &plan.classes[class].tasks[task].program.ops[op] {
        Op::Request(request) => request,
        _ => panic!("a pause"),
    }
}

fn rendered(template: &Template) -> String {
    let (mut out, mut draw) = (String::new(), Draw::from_seed(1));
    template
        .render_into(
            &mut out,
            &mut RenderContext {
                user_id: 5,
                life: 3,
                class: "shopper",
                iteration: 2,
                arrival: None,
                loop_index: 0,
                rows: stampede_scenarios::data::RowView::default(),
                response: &stampede_scenarios::response::NONE,
                draw: &mut draw,
                variables: &mut Variables::default(),
                around: &stampede_scenarios::template::NOWHERE,
            },
        )
        .expect("it can be computed");
    out
}

fn text_body(request: &RequestPlan) -> (String, Option<&'static str>) {
    match &request.body {
        BodyPlan::Text { content, content_type } => (rendered(content), *content_type),
        other => panic!("{other:?}"),
    }
}

fn name(plan: &Plan, request: &RequestPlan) -> String {
    match &request.name {
        NamePlan::Static(id) => plan.endpoints[id.0 as usize].name.clone(),
        NamePlan::PerValue(template) => format!("per value: {}", rendered(template)),
    }
}

#[test]
fn a_body_keeps_types_and_encodes_text() {
    let plan = everything();
    let (body, content_type) = text_body(request(&plan, 0, 1, 0));
    assert_eq!(content_type, Some("application/json"));
    assert_eq!(
        body,
        r#"{"sku":"s2","user":5,"limits":{"cheap":10,"dear":99.5},"class":"shopper","text":"hello eu \"quoted\"","yes":"NO","zip":"01234"}"#
    );
    serde_json::from_str::<serde_json::Value>(&body).expect("JSON");
    let Op::Request(login) = &plan.classes[0].on_start.ops[0] else { panic!("a request") };
    assert_eq!(
        text_body(login),
        ("user=u5&tag=a&tag=b&a%20b=c%26d".to_owned(), Some("application/x-www-form-urlencoded"))
    );
    assert_eq!(text_body(request(&plan, 0, 1, 2)), ("plain ${text} 2".to_owned(), None));
}

#[test]
fn urls_are_absolute_and_encoded() {
    let plan = everything();
    let url = |task, op| rendered(&request(&plan, 0, task, op).url);
    assert_eq!(url(0, 0), "http://api.test/v1/index");
    assert_eq!(url(1, 0), "http://api.test/v1/cart?page=2&tag=x&tag=y&q=a%20b%26c");
    assert_eq!(url(1, 2), "http://other.test/?x=1");
    assert_eq!(url(1, 3), "http://api.test/v1/upload");
    assert_eq!(rendered(&request(&plan, 1, 0, 0).url), "https://api.shop.test/health");
    assert_eq!(plan.target, "http://api.test/v1");
    let one = step("{get: '/a b/${text}?x=${n}', query: {list: '${list}', nil: '${nil}', t: '${text}'}}");
    assert_eq!(
        request(&one, 0, 0, 0).url.as_static(),
        Some("http://h/a%20b/a%20b&c?x=3&list=a&list=b&t=a%20b%26c")
    );
}

#[test]
fn names_are_the_path_as_written_or_the_name() {
    let plan = everything();
    let named = |class, task, op| name(&plan, request(&plan, class, task, op));
    assert_eq!(named(0, 0, 0), "${home}");
    assert_eq!(named(0, 0, 1), "/products/:id");
    assert_eq!(named(0, 1, 0), "per value: cart of shopper eu");
    // The same method and name is the same row, also in two classes.
    let gets: Vec<_> =
        plan.endpoints.iter().filter(|endpoint| endpoint.method == "GET" && endpoint.name == "/").collect();
    assert_eq!(gets.len(), 1);
    let one = step("{get: '/${user.id}', name: 'item ${n}'}");
    assert_eq!(name(&one, request(&one, 0, 0, 0)), "item 3");
    let per_user = step("{get: /, name: 'user ${user.id}, life ${user.life}'}");
    assert_eq!(name(&per_user, request(&per_user, 0, 0, 0)), "per value: user 5, life 3");
}

#[test]
fn the_nearest_setting_wins_and_null_removes() {
    let plan = everything();
    let browse = request(&plan, 0, 0, 0);
    let headers: Vec<_> =
        browse.headers.iter().map(|(name, value)| format!("{name}={}", rendered(value))).collect();
    assert_eq!(headers, ["accept=application/json", "x-region=eu"]);
    assert_eq!((browse.timeouts.total, browse.redirects), (Duration::from_secs(5), 3));
    let checked = |request: &RequestPlan, status: u16, time_ms: f64, body: &[u8]| {
        let mut contents = Contents::new(ResponseView { body, ..ResponseView::default() });
        let numbers = Numbers { status, size: 0, time_ms };
        request.expect.check(&numbers, &mut contents, None).map_err(|unmet| unmet.to_string())
    };
    assert_eq!(checked(browse, 399, 499.0, b"fine"), Ok(()));
    assert_eq!(checked(browse, 404, 1.0, b"fine"), Err("status 404".to_owned()));
    assert_eq!(checked(browse, 200, 1.0, b"an error"), Err("body: not contains \"error\"".to_owned()));
    assert_eq!(checked(browse, 200, 500.0, b""), Err("time: lt 500ms".to_owned()));

    let cart = request(&plan, 0, 1, 0);
    assert!(cart.expect.body.is_none(), "removed by null");
    assert_eq!(cart.expect.status, [(200, 200), (300, 399)]);
    assert_eq!(checked(cart, 200, 0.5, b"an error"), Err("time: ge 1ms".to_owned()));
    assert_eq!(checked(cart, 200, 2_000.1, b""), Err("time: le 2s".to_owned()));
    let purge = request(&plan, 0, 1, 2);
    assert_eq!(purge.headers.iter().filter(|(name, _)| name == "x").count(), 2);
    assert!(!browse.cookies && !request(&plan, 1, 0, 0).cookies);
}

#[test]
fn files_are_named_once_and_typed_by_their_ending() {
    let plan = everything();
    assert_eq!(
        plan.assets.iter().map(|asset| asset.path.as_str()).collect::<Vec<_>>(),
        ["data.bin", "img/dog.jpg"]
    );
    let BodyPlan::Multipart(parts) = &request(&plan, 0, 1, 4).body else { panic!("multipart") };
    let shown: Vec<_> = parts
        .iter()
        .map(|part| (part.name.as_str(), part.file_name.as_deref(), part.content_type.as_deref()))
        .collect();
    assert_eq!(
        shown,
        [
            ("file", Some("dog.jpg"), Some("image/jpeg")),
            ("raw", Some("x.dat"), Some("application/octet-stream")),
            ("caption", None, None)
        ]
    );
    assert!(matches!(&parts[2].content, PartContent::Text(text) if rendered(text) == "text 2"));
}

#[test]
fn what_was_asked_of_the_environment_is_written_down() {
    let plan = everything();
    assert_eq!(plan.env.into_iter().collect::<Vec<_>>(), [("API_HOST".to_owned(), "api.test".to_owned())]);
}

#[test]
fn flags_replace_what_the_file_says() {
    let overrides = Overrides {
        users: Some(3),
        spawn_rate: Some(parse_rate("1/s").expect("a rate")),
        rate: None,
        max_users: None,
        run_time: Some(Duration::from_secs(60)),
        iterations: Some(5),
        stop_timeout: Some(Duration::ZERO),
        host: Some("http://127.0.0.1:1/".to_owned()),
        seed: Some(9),
        vars: vec![("region".into(), "us".into()), ("limits".into(), "[1, 2]".into())],
        ..Overrides::default()
    };
    let plan = compiled(include_str!("valid/everything.yaml"), &overrides).expect("compiles");
    assert_eq!((plan.load.profile.peak(), plan.seed, plan.load.iterations), (3, 9, Some(5)));
    assert_eq!(
        rendered(&request(&plan, 1, 0, 0).url),
        "http://127.0.0.1:1/health",
        "classes have no target of their own"
    );
    insta::assert_snapshot!(plan.replaced.join("\n"), @r#"
    `--var region=us` replaced `region: eu`
    `--var limits=[1, 2]` replaced `limits: {"cheap":10,"dear":99.5}`
    `--host http://127.0.0.1:1/` replaced `target: http://${env.API_HOST}/v1/`
    `--host http://127.0.0.1:1/` replaced `target: https://api.shop.test` of `api`
    `--users 3` replaced `users: 12`
    `--spawn-rate 1/s` replaced `spawn_rate: 2/s`
    `--run-time 1m` replaced `run_time: 1h30m`
    `--iterations 5` replaced `iterations: 100`
    `--stop-timeout 0s` replaced `stop_timeout: 500ms`
    "#);
}

#[test]
fn a_variable_that_sounds_secret_is_not_repeated() {
    for (name, hidden) in [("api_token", true), ("PASSWORD", true), ("apiKey", true), ("region", false)] {
        let text = format!(
            "target: http://a.test\nvars: {{{name}: first}}\nusers: {{u: {{tasks: {{t: {{steps: [get: /]}}}}}}}}\n"
        );
        let overrides = Overrides { vars: vec![(name.into(), "second".into())], ..Overrides::default() };
        let said = compiled(&text, &overrides).expect("compiles").replaced.join("\n");
        assert!(said.contains(name), "{said}");
        assert_eq!(!said.contains("first") && !said.contains("second"), hidden, "{said}");
    }
}

#[test]
fn flags_can_be_wrong_too() {
    let overrides = Overrides {
        users: Some(0),
        host: Some("localhost:80".into()),
        vars: vec![("n".into(), "[1".into()), ("lsit".into(), "1".into())],
        ..Overrides::default()
    };
    let text = "vars: {n: 3, list: []}\nusers: {v: {tasks: {t: {steps: [get: /]}}}}\n";
    let problems = compiled(text, &overrides).expect_err("wrong").to_string();
    insta::assert_snapshot!(problems, @r"
    error: the value of `--var n=[1` cannot be read: this `[` is never closed

    error: `--var lsit=…` sets a variable that `vars` does not have
     |
     = help: did you mean `list`?

    error: --host: `localhost:80` is not an absolute URL
     |
     = help: did you mean `http://localhost:80`?

    error: `--users` must be greater than 0
    ");
}

const CLASSES: &str = "target: http://h\nusers:\n  a: {weight: 3, wait: 5s, tasks: {t: {steps: [get: /]}}}\n  b: {tasks: {t: {steps: [get: /b]}}}\n";

fn flags(rate: Option<&str>, users: Option<u32>, spawn_rate: Option<&str>) -> Overrides {
    let read = |text: &str| parse_rate(text).expect("a rate");
    Overrides { rate: rate.map(read), users, spawn_rate: spawn_rate.map(read), ..Overrides::default() }
}

#[test]
fn the_flag_for_arrivals_replaces_users_and_the_one_for_users_arrivals() {
    let closed = format!("{CLASSES}load: {{users: 40, spawn_rate: 10}}\n");
    let plan = compiled(&closed, &flags(Some("1500/s"), Some(7), None)).expect("compiles");
    let open = plan.load.open.as_ref().expect("arrivals");
    assert_eq!((open.users, open.max_users, plan.load.profile.peak()), (7, 10_000, 7));
    assert_eq!(plan.load.profile.users_at(Duration::ZERO), 7, "beforehand");
    assert_eq!(arrivals::count_until(&plan, Duration::from_secs(30)), 45_000);
    insta::assert_snapshot!(plan.replaced.join("\n"), @"`--rate 1500/s` replaced `users: 40, spawn_rate: 10/s`");

    let arrivals = format!("{CLASSES}load: {{rate: 500/s, max_users: 9}}\n");
    let plan = compiled(&arrivals, &flags(None, Some(3), None)).expect("compiles");
    assert!(plan.load.open.is_none() && plan.load.profile.peak() == 3);
    insta::assert_snapshot!(plan.replaced.join("\n"), @"`--users 3` replaced the arrival rate of the file by users");
    let most = Overrides { max_users: Some(50), ..flags(Some("2/s"), None, None) };
    let plan = compiled(&arrivals, &most).expect("compiles");
    assert_eq!(plan.load.open.map(|open| open.max_users), Some(50));
    insta::assert_snapshot!(plan.replaced.join("\n"), @r"
    `--rate 2/s` replaced `rate: 500/s`
    `--max-users 50` replaced `max_users: 9`
    ");
}

#[test]
fn flags_replace_whole_profiles_and_times_only_bound_them() {
    let stages =
        format!("{CLASSES}load: {{stages: [{{to: 40, over: 1m}}, {{to: 40, over: 1m}}], hold: 1m}}\n");
    let plan = compiled(&stages, &flags(None, Some(3), None)).expect("compiles");
    let (ramp, second) = (plan.load.profile.settled_at(), Duration::from_secs(1));
    assert_eq!((plan.load.profile.peak(), ramp, plan.load.run_time), (3, second * 2, Some(second * 62)));
    assert!(plan.load.ends_with_profile && plan.load.parts.len() == 1);
    insta::assert_snapshot!(plan.replaced.join("\n"), @"`--users 3` replaced the stages of the file by a plain ramp");

    let plan = compiled(&stages, &flags(None, None, Some("4/s"))).expect("compiles");
    assert_eq!(
        (plan.load.profile.peak(), plan.load.profile.users_at(second * 2)),
        (40, 9),
        "as many as the stages have"
    );

    let shorter = Overrides { run_time: Some(second * 70), ..Overrides::default() };
    let plan = compiled(&stages, &shorter).expect("compiles");
    assert_eq!((plan.load.profile.users_at(second * 65), plan.load.run_time), (40, Some(second * 70)));
    assert!(!plan.load.ends_with_profile);
    insta::assert_snapshot!(plan.replaced.join("\n"), @"`--run-time 1m10s` replaced `hold: 1m`");

    let list =
        format!("{CLASSES}load: [{{users: 5, run_time: 1m}}, {{users: 0, spawn_rate: 5, hold: 5s}}]\n");
    let plan = compiled(&list, &Overrides::default()).expect("compiles");
    assert_eq!(
        (plan.load.run_time, plan.load.ends_with_profile),
        (Some(Duration::from_millis(65_800)), true)
    );
    assert_eq!([59, 60, 61].map(|t| plan.load.profile.users_at(second * t)), [5, 4, 0]);
    let rate = compiled(&list, &flags(Some("7/s"), None, None)).expect("compiles");
    assert_eq!((rate.load.run_time, rate.load.open.is_some()), (None, true));
    let users = compiled(&list, &flags(None, Some(9), Some("3/s"))).expect("compiles");
    assert_eq!((users.load.run_time, users.load.profile.peak()), (None, 9));
    let said = [rate, users].map(|plan| plan.replaced.join("\n")).join("\n");
    insta::assert_snapshot!(said, @r"
    `--rate 7/s` replaced the list of profiles of the file
    `--users 9` replaced the list of profiles of the file by a plain ramp
    ");
}

#[test]
fn flags_of_two_models_are_told_apart() {
    let both = compiled(CLASSES, &flags(Some("5/s"), None, Some("2/s"))).expect_err("two models").to_string();
    let alone = Overrides { max_users: Some(5), ..Overrides::default() };
    let alone = compiled(CLASSES, &alone).expect_err("no rate").to_string();
    let counted = CLASSES.replace("weight: 3", "count: 3");
    let counted = compiled(&counted, &flags(Some("5/s"), None, None)).expect_err("a count").to_string();
    insta::assert_snapshot!([both, alone, counted].join("\n"));
}

#[test]
fn the_schedule_is_made_of_all_lanes_and_bounded_by_iterations() {
    let text = format!("{CLASSES}load: {{stages: [{{to: 700/s, over: 2s}}, {{to: 0, over: 3s}}]}}\n");
    let plan = plan(&text);
    let end = Duration::from_secs(5);
    assert_eq!(
        (plan.load.run_time, plan.load.open.is_some(), plan.load.ends_with_profile),
        (Some(end), true, true)
    );
    let all: Vec<_> = arrivals::schedule(&plan).expect("arrivals").collect();
    assert_eq!(all.len(), 1750);
    assert_eq!(all.len() as u64, arrivals::count_until(&plan, end));
    assert!(all.is_sorted_by_key(|arrival| (arrival.due, arrival.number)));
    assert!(all.iter().all(|arrival| arrival.lane < arrivals::LANES));
    // Whoever has whichever lanes: every class comes to each of them in turn.
    for workers in [2, 3, 7] {
        for class in 0..2 {
            let mut counts = vec![0_u32; workers];
            all.iter()
                .filter(|arrival| arrival.class == class)
                .for_each(|arrival| counts[arrivals::owner(arrival.lane, workers)] += 1);
            let (least, most) = (counts.iter().min(), counts.iter().max());
            assert!(most.zip(least).is_some_and(|(most, least)| most - least <= 2), "{counts:?}");
        }
    }
    let few = compiled(&text, &Overrides { iterations: Some(3), ..Overrides::default() }).expect("compiles");
    assert_eq!(arrivals::schedule(&few).expect("arrivals").count(), 3);
    assert_eq!(arrivals::last_due(&few), all.get(2).map(|arrival| arrival.due));
}

#[test]
fn the_rest_has_its_defaults() {
    let plan = plan("target: http://h\nusers: {a: {count: 4, tasks: {t: {steps: [get: /]}}}}\n");
    assert_eq!((plan.name.as_str(), plan.seed, plan.load.profile.peak()), ("test", 7, 4));
    assert_eq!((plan.load.run_time, plan.load.stop_timeout), (None, Duration::from_secs(10)));
    let request = request(&plan, 0, 0, 0);
    assert_eq!((request.timeouts, request.redirects), (Timeouts::default(), 10));
    let limits = request.timeouts;
    assert_eq!((limits.connect, limits.first_byte, limits.total), (None, None, Duration::from_secs(30)));
    assert!(request.cookies && request.decompress && request.proxy.is_none() && request.headers.is_empty());
    assert_eq!((request.http, request.connection), (HttpVersion::Auto, Connection::PerUser));
    assert_eq!((plan.classes[0].pipeline, plan.tls.clone()), (1, TlsPlan::default()));
    assert!(plan.resolve.is_empty() && plan.needs_reqwest().is_none());
}

#[test]
fn five_mistakes_are_all_reported() {
    let problems =
        compiled(include_str!("invalid/five-mistakes.yaml"), &Overrides::default()).expect_err("wrong");
    assert!(problems.list().len() >= 5, "{problems}");
}
