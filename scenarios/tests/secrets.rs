//! Secrets are sent and never shown: neither by themselves, nor what is computed from them, nor what is computed from that.

use stampede_scenarios::compile::compile;
use stampede_scenarios::describe::describe;
use stampede_scenarios::draw::Draw;
use stampede_scenarios::plan::{BodyPlan, NamePlan, Op, Plan};
use stampede_scenarios::source::{Overrides, Source};
use stampede_scenarios::template::{NOWHERE, RenderContext, Template};
use stampede_scenarios::variables::Variables;

const FILE: &str = r#"
target: http://h
secrets: {api_key: "${env.API_KEY}", pair: {user: anna, password: hunter2secret}}
vars: {greeting: hello, bearer: "Bearer ${api_key}"}
users:
  v:
    vars: {signature: "", plain: x}
    tasks:
      t:
        steps:
          - set: {signature: "${sha256(api_key ~ user.id)}", copy: "${signature | upper}", plain: "${greeting}"}
          - get: /a/${user.id}?k=${api_key}
            name: key ${api_key} of ${user.id}
            headers: {authorization: "${bearer}", x-sign: "${copy}", x-plain: "${plain}", x-part: "${pair.password}"}
            query: {sign: "${signature}", page: "${iteration}", key: "${api_key}"}
          - post: /login
            name: fixed ${api_key}
            auth: {basic: {user: "${user.id}", password: open-sesame-1}}
            json: {key: "${api_key}", half: "${api_key[:4]}", plain: "${plain}", signed: "${signature}"}
            expect: {body: {contains: "${api_key}", not: {contains: "${bearer}"}}}
          - log: "key ${api_key}, sign ${copy}, ${greeting} ${plain}"
          - fail: "not with ${bearer}"
"#;

const KEY: &str = "k3y-0123456789";

fn compiled(file: &str, overrides: &Overrides) -> Result<Plan, String> {
    let env = |name: &str| (name == "API_KEY").then(|| KEY.to_owned());
    compile(&Source::new("t.yaml", file), overrides, &env, 7).map_err(|problems| problems.render(false))
}

fn plan() -> Plan {
    compiled(FILE, &Overrides::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// What is sent of a template, and what is shown of it.
fn both(plan: &Plan, template: &Template) -> (String, String) {
    let (mut sent, mut shown) = (String::new(), String::new());
    for (out, is_shown) in [(&mut sent, false), (&mut shown, true)] {
        let (mut draw, mut variables) = (Draw::from_seed(1), Variables::new(&plan.classes[0].variables));
        let mut cx = RenderContext {
            rows: stampede_scenarios::data::RowView::default(),
            user_id: 17,
            life: 0,
            class: "v",
            iteration: 3,
            arrival: None,
            loop_index: 0,
            response: &stampede_scenarios::response::NONE,
            draw: &mut draw,
            variables: &mut variables,
            around: &NOWHERE,
        };
        for op in &plan.classes[0].tasks[0].program.ops {
            if let Op::Set(set) = op {
                let value = set.value.evaluate(&mut cx).expect("it can be computed");
                cx.variables.set(set.variable, &value);
            }
        }
        let rendered = if is_shown {
            template.render_shown_into(out, &mut cx)
        } else {
            template.render_into(out, &mut cx)
        };
        rendered.expect("it can be computed");
    }
    (sent, shown)
}

#[test]
fn what_is_shown_only_names_them() {
    let plan = plan();
    let mut lines = Vec::new();
    for op in &plan.classes[0].tasks[0].program.ops {
        match op {
            Op::Request(request) => {
                let mut show = |what: &str, template: &Template| {
                    let (sent, shown) = both(&plan, template);
                    lines.push(format!("{what}\n  sent  {sent}\n  shown {shown}"));
                };
                show("url", &request.url);
                if let NamePlan::PerValue(name) = &request.name {
                    show("name", name);
                }
                request.headers.iter().for_each(|(name, value)| show(name, value));
                if let BodyPlan::Text { content, .. } = &request.body {
                    show("body", content);
                }
            }
            Op::Log { text, .. } => lines.push(format!("log {}", both(&plan, text).1)),
            Op::Fail(fail) => lines.push(format!("fail {}", both(&plan, &fail.message).1)),
            _ => {}
        }
    }
    let names: Vec<&str> = plan.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    lines.push(format!("rows {}", names.join(", ")));
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn no_output_has_them() {
    let plan = plan();
    for text in [format!("{plan:?}"), format!("{plan:#?}"), describe(&plan)] {
        for secret in [KEY, "hunter2", "open-sesame", "b3Blbi1zZXNhbWUtMQ"] {
            assert!(!text.contains(secret), "`{secret}` is in {text}");
        }
    }
}

#[test]
fn flags_and_messages_keep_them() {
    let given = |name: &str, value: &str| Overrides {
        vars: vec![(name.to_owned(), value.to_owned())],
        ..Overrides::default()
    };
    let refused = compiled(FILE, &given("api_key", "sent-by-flag")).expect_err("a flag sets no secret");
    assert!(refused.contains("`--var api_key=…` would set a secret"), "{refused}");
    assert!(!refused.contains("sent-by-flag"), "{refused}");
    // What a flag puts in the place of something secret is taken to be as secret.
    let replaced = compiled(FILE, &given("bearer", "Bearer sent-by-flag")).expect("it compiles").replaced;
    assert_eq!(replaced, ["`--var bearer=…` replaced `bearer: …`"]);
    let twice = FILE.replace("greeting: hello", "api_key: other");
    let problems = compiled(&twice, &Overrides::default()).expect_err("one name, one place");
    assert!(problems.contains("`api_key` is defined a second time"), "{problems}");
    // A mistake in computing with one does not show it.
    let wrong = FILE.replace("${greeting}", "${api_key * 2}").replace("${user.id}?k", "${pair.pasword}?k");
    let problems = compiled(&wrong, &Overrides::default()).expect_err("it cannot be computed");
    assert!(!problems.contains(KEY) && !problems.contains("hunter2secret\"\n"), "{problems}");
}

#[test]
fn the_secret_itself_is_what_is_sent() {
    let plan = plan();
    let Op::Request(request) = &plan.classes[0].tasks[0].program.ops[3] else { panic!("a request") };
    let (sent, shown) = both(&plan, &request.url);
    assert!(sent.starts_with(&format!("http://h/a/17?k={KEY}&sign=")), "{sent}");
    assert!(!shown.contains(KEY), "{shown}");
}
