//! Feeders, from `data:` to the rows of users.

use std::sync::Arc;

use bytes::Bytes;
use stampede_scenarios::compile::compile;
use stampede_scenarios::data::{AtEnd, Exhausted, FeederId, UserRows, Who};
use stampede_scenarios::describe::describe;
use stampede_scenarios::diagnostics::Diagnostics;
use stampede_scenarios::draw::Draw;
use stampede_scenarios::plan::{BodyPlan, Op, Plan};
use stampede_scenarios::response::NONE;
use stampede_scenarios::source::{FilesAtHand, Overrides, Source};
use stampede_scenarios::template::{NOWHERE, RenderContext};
use stampede_scenarios::variables::Variables;

const FILES: [(&str, &str); 8] = [
    ("users.csv", "email,age,first name\nann@x,7,Ann\nbob@x,30,\"Bob, \"\"B\"\"\"\ncy@x,,Cy\n"),
    ("semi.csv", "a;b\n1;2\n"),
    ("bad.csv", "a,b\n1,2\n3\n"),
    ("none.csv", "a,b\n"),
    ("skus.jsonl", "{\"sku\": \"a 1\", \"price\": {\"eur\": 1.5}}\n{\"sku\": \"b\"}\n"),
    ("words.txt", "one\ntwo\n"),
    ("images/a.jpg", "AAAA"),
    ("images/b.png", "BB"),
];

fn source(data: &str, steps: &str, load: &str) -> Source {
    let text = format!(
        "target: http://h\ndata:\n{data}\nusers:\n  v: {{tasks: {{t: {{steps: [{steps}]}}}}}}\n  w: {{tasks: {{t: {{steps: [get: /]}}}}}}\nload: {{{load}}}\n"
    );
    let files = FILES.map(|(path, content)| (path.to_owned(), Bytes::from_static(content.as_bytes())));
    Source::new("test.yaml", text).with_files(Arc::new(FilesAtHand::new(files)))
}

fn read(source: &Source) -> Result<Plan, Diagnostics> {
    compile(source, &Overrides::default(), &|_| None, 7)
}

fn plan(data: &str, steps: &str, load: &str) -> Plan {
    read(&source(data, steps, load)).unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn wrong(data: &str, steps: &str) -> String {
    read(&source(data, steps, "users: 4")).expect_err("it is wrong").to_string()
}

/// What the only request of the first class sends: its URL, and its body where that is text.
fn sent(plan: &Plan, slot: u64, iteration: u64) -> Result<String, Exhausted> {
    let class = &plan.classes[0];
    let mut rows = UserRows::new(&plan.feeders, &class.feeders.all, slot);
    let who = Who { seed: plan.seed, slot, life: 0, iteration, arrival: None };
    rows.choose(&class.feeders.tasks, &who)?;
    let Some(Op::Request(request)) = class.tasks[0].program.ops.first() else { panic!("a request") };
    let (mut draw, mut variables) = (Draw::from_seed(1), Variables::default());
    let mut render = RenderContext {
        user_id: slot,
        life: 0,
        class: "v",
        iteration,
        arrival: None,
        loop_index: 0,
        rows: rows.view(),
        response: &NONE,
        draw: &mut draw,
        variables: &mut variables,
        around: &NOWHERE,
    };
    let mut out = String::new();
    request.url.render_into(&mut out, &mut render).expect("it can be computed");
    if let BodyPlan::Text { content, .. } = &request.body {
        out.push(' ');
        content.render_into(&mut out, &mut render).expect("it can be computed");
    }
    Ok(out)
}

#[test]
fn rows_go_into_requests_with_their_types() {
    let accounts = "  accounts: {csv: users.csv, types: {age: number}}";
    let steps = r#"{post: "/u/${accounts.email}", json: {age: "${accounts.age}", text: "<${accounts.age}>", all: "${accounts}"}}"#;
    let plan = plan(accounts, steps, "users: 2");
    // Two users, of which one is of the class: iteration i of it takes row i.
    let all = [(0, 7, "7", "\"Ann\""), (1, 30, "30", "\"Bob, \\\"B\\\"\"")];
    for (iteration, age, text, name) in all {
        let email = ["ann@x", "bob@x"][usize::try_from(iteration).expect("small")];
        assert_eq!(
            sent(&plan, 0, iteration),
            Ok(format!(
                "http://h/u/{email} {{\"age\":{age},\"text\":\"<{text}>\",\"all\":{{\"email\":\"{email}\",\"age\":{age},\"first name\":{name}}}}}"
            ))
        );
    }
    assert!(sent(&plan, 0, 2).is_ok_and(|sent| sent.contains("{\"age\":null,\"text\":\"<null>\"")));
    assert_eq!(sent(&plan, 0, 3), sent(&plan, 0, 0));
}

#[test]
fn every_source_has_rows() {
    for (data, step, expected) in [
        ("  d: {jsonl: skus.jsonl}", "get: \"/${d.sku}/${d.price.eur}\"", "http://h/a%201/1.5"),
        (
            "  d: {jsonl: skus.jsonl}",
            "{post: /, body: \"${d}\"}",
            "http://h/ {\"sku\":\"a 1\",\"price\":{\"eur\":1.5}}",
        ),
        ("  d: {lines: words.txt}", "get: \"/${d}\"", "http://h/one"),
        ("  d: {csv: semi.csv, delimiter: \";\"}", "get: \"/${d.a}-${d.b}\"", "http://h/1-2"),
        ("  d: {list: [3, b]}", "{post: /, json: [\"${d}\"]}", "http://h/ [3]"),
        ("  d: {list: [{id: 5}]}", "get: \"/${d.id}\"", "http://h/5"),
        (
            "  d: {files: \"images/*\"}",
            "get: \"/${d.name}/${d.type}/${d.size}\"",
            "http://h/a.jpg/image/jpeg/4",
        ),
    ] {
        assert_eq!(sent(&plan(data, step, "users: 1"), 0, 0), Ok(expected.to_owned()), "{data}");
    }
}

#[test]
fn the_end_of_the_rows_is_what_at_end_says() {
    let ends = |more: &str| {
        let plan = plan(&format!("  d: {{list: [a, b, c], {more}}}"), "get: \"/${d}\"", "users: 4");
        let end = (0..9).find_map(|iteration| sent(&plan, 0, iteration).err().map(|end| (iteration, end)));
        end.map(|(iteration, Exhausted { feeder, at_end })| (iteration, feeder, at_end))
    };
    assert_eq!(ends("order: sequential"), None);
    // Two of the four users are of the class: the rows are used up within its second iterations.
    assert_eq!(ends("order: sequential, at_end: stop_user"), Some((2, FeederId(0), AtEnd::StopUser)));
    assert_eq!(ends("order: shuffled, at_end: stop_run"), Some((2, FeederId(0), AtEnd::StopRun)));
    assert_eq!(ends("order: random"), None);
    assert_eq!(ends("order: unique"), None);
    let few = plan("  d: {list: [a], order: unique, at_end: stop_user}", "get: \"/${d}\"", "users: 4");
    assert_eq!(sent(&few, 0, 8), Ok("http://h/a".to_owned()));
    assert_eq!(sent(&few, 2, 0), Err(Exhausted { feeder: FeederId(0), at_end: AtEnd::StopUser }));
}

#[test]
fn arrivals_take_rows_by_their_number() {
    let plan = plan("  d: {list: [0, 1, 2]}", "get: \"/${d}\"", "rate: 10/s");
    let mut rows = UserRows::new(&plan.feeders, &plan.classes[0].feeders.all, 900);
    let mut taken = Vec::new();
    // Every second arrival is of the class.
    for number in [0, 2, 4, 6, 8] {
        let who = Who { seed: 7, slot: 900, life: 3, iteration: 55, arrival: Some(number) };
        rows.choose(&[FeederId(0)], &who).expect("they begin anew");
        taken.push(rows.view().value_of(FeederId(0)).map(|value| value.to_plain()));
    }
    assert_eq!(taken, ["0", "1", "2", "0", "1"].map(|row| Some(row.to_owned())));
}

#[test]
fn unique_rows_for_arrivals_are_enough_for_all_users_there_may_be() {
    let unique = "  d: {list: [a, b, c], order: unique, at_end: stop_user}";
    let wrong = read(&source(unique, "get: \"/${d}\"", "rate: 1/s, max_users: 4")).expect_err("too few");
    insta::assert_snapshot!(wrong);
    assert_eq!(
        sent(&plan(unique, "get: \"/${d}\"", "rate: 1/s, max_users: 3"), 2, 0),
        Ok("http://h/c".to_owned())
    );
}

#[test]
fn on_start_uses_up_no_rows() {
    let text = "
target: http://h
data: {d: {list: [a], at_end: stop_user}, e: {list: [x, y], at_end: stop_user}}
users: {v: {on_start: [get: '/${d}'], tasks: {t: {steps: [get: '/${e}']}}}}
";
    let plan = read(&Source::new("t.yaml", text)).unwrap_or_else(|wrong| panic!("{wrong}"));
    let feeders = &plan.classes[0].feeders;
    assert_eq!(
        (feeders.all.as_slice(), feeders.tasks.as_slice()),
        (&[FeederId(0), FeederId(1)][..], &[FeederId(1)][..])
    );
    assert_eq!((sent(&plan, 0, 1), sent(&plan, 0, 2).is_err()), (Ok("http://h/y".to_owned()), true));
}

#[test]
fn defaults_and_called_flows_use_rows_as_well() {
    let text = "
target: http://h
data: {a: {list: [1]}, b: {list: [1]}, c: {list: [1]}, d: {list: [1]}}
flows:
  login: [get: '/${b}']
  idle: [get: '/${d}']
users:
  v: {defaults: {headers: {x: '${a}'}}, on_start: [call: login], tasks: {t: {steps: [get: /]}}}
  w: {tasks: {t: {steps: [get: '/${c}']}}}
";
    let plan = read(&Source::new("t.yaml", text)).unwrap_or_else(|wrong| panic!("{wrong}"));
    let [v, w] = plan.classes.as_slice() else { panic!("two classes") };
    assert_eq!(
        (v.feeders.all.as_slice(), v.feeders.tasks.as_slice()),
        (&[FeederId(0), FeederId(1)][..], &[FeederId(0)][..])
    );
    assert_eq!(w.feeders.all, [FeederId(2)]);
    let aside = text.replace("users:", "setup: [get: '/${a}']\nusers:");
    let wrong = read(&Source::new("t.yaml", aside)).expect_err("no user").to_string();
    assert!(
        wrong.contains("a row of `a` belongs to a user, and what stands beside the users has none"),
        "{wrong}"
    );
}

#[test]
fn check_says_what_rows_there_are() {
    let data = "  accounts: {csv: users.csv, order: unique}\n  words: {lines: words.txt, order: random}\n  images: {files: \"images/*\", order: shuffled, at_end: stop_run}\n  rest: {list: [1]}";
    let steps = "{get: \"/${accounts.email}/${words}\"}, {post: /, body_file: \"${images.path}\"}, {post: /, multipart: {f: {path: \"${images.path}\"}}}";
    insta::assert_snapshot!(describe(&plan(data, steps, "users: 4")));
}

#[test]
fn mistakes_are_told_with_their_place() {
    let all: Vec<String> = [
        ("  accounts: {csv: users.csv}", "get: \"/${accounts.emial}\""),
        ("  words: {lines: words.txt}", "get: \"/${words.x}\""),
        (
            "  accounts: {csv: users.csv, order: unique}\n  x: {csv: semi.csv, order: uniqe}",
            "get: \"/${acounts}\"",
        ),
        ("  accounts: {list: [1], order: unique}", "get: \"/${accounts}\""),
        (
            "  x: {csv: gone.csv}\n  y: {csv: bad.csv}\n  z: {csv: none.csv}\n  q: {files: \"gone/*\"}",
            "get: \"/${x.a}\"",
        ),
        ("  x: {csv: users.csv, types: {age: int, email: number, nmae: text}}", "get: /"),
        ("  x: {csv: users.csv, types: {email: int}}", "get: /"),
        ("  x: {list: [1], order: random, at_end: stop_run}\n  y: {list: 5}\n  z: {}", "get: /"),
        ("  x: {list: [1], lines: words.txt, types: {a: int}}\n  y: {cvs: users.csv}", "get: /"),
        ("  x: {list: [1]}", "{get: /, extract: {x: $.a}}"),
        ("  x: {csv: users.csv}", "get: \"/${x.email.part}\""),
        ("  x: [1]", "get: /"),
    ]
    .iter()
    .map(|(data, steps)| wrong(data, steps))
    .collect();
    insta::assert_snapshot!(all.join("\n---\n"));
}

#[test]
fn a_list_may_have_variables_in_it_and_no_secrets() {
    let with_vars = |data: &str| {
        let mut source = source(data, "get: \"/${s}\"", "users: 2");
        let vars = "secrets: {key: hush}\nvars: {region: eu, both: \"${region}-west\"}\n";
        source.text = format!("{vars}{}", source.text);
        read(&source)
    };
    let plan =
        with_vars("  s: {list: [\"${region}\", \"${both}\"]}").unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!(plan.feeders.len(), 1, "what reads an expression before does not make `data` forgotten");
    assert_eq!(
        [0, 1].map(|slot| sent(&plan, slot, 0)),
        ["http://h/eu", "http://h/eu-west"].map(|path| Ok(path.to_owned()))
    );
    let wrong = with_vars("  s: {list: [\"${key}\", b]}").expect_err("a secret").to_string();
    assert!(wrong.contains("`key` is a secret") && !wrong.contains("nothing defines"), "{wrong}");
}
