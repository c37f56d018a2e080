//! `expect` as the file has it: rules put over each other, values of the user in them, and what is said when one does not hold.

use stampede_scenarios::compile::compile;
use stampede_scenarios::contents::{Contents, ResponseView};
use stampede_scenarios::draw::Draw;
use stampede_scenarios::expect::Numbers;
use stampede_scenarios::extract::extract;
use stampede_scenarios::plan::{Op, Plan, RequestPlan};
use stampede_scenarios::source::{Overrides, Source};
use stampede_scenarios::template::RenderContext;
use stampede_scenarios::variables::Variables;

const HEAD: &str = "content-type: application/json\r\nvary: accept\r\nx-user: 5\r\n";
const BODY: &str = r#"{"stock": 3, "name": "Lamp", "tags": ["a", 2.0, null], "id": 77,
    "note": "user 5 of json", "nothing": null, "items": [{"ok": true}]}"#;

fn plan(text: &str) -> Plan {
    compile(&Source::new("test.yaml", text), &Overrides::default(), &|_| None, 7)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

/// A user of the first class, who has seen what is left from the last response.
struct User {
    plan: Plan,
    variables: Variables,
}

impl User {
    fn new(text: &str) -> Self {
        let plan = plan(text);
        let variables = Variables::new(&plan.classes[0].variables);
        Self { plan, variables }
    }

    fn request(&self, op: usize) -> &RequestPlan {
        match &self.plan.classes[0].tasks[0].program.ops[op] {
            Op::Request(request) => request,
            other => panic!("{other:?}"),
        }
    }

    /// Judges a response, then takes its values.
    fn answer(&mut self, op: usize, head: &str, body: &str) -> Result<(), String> {
        let request = self.request(op).clone();
        let view = ResponseView { head: head.as_bytes(), body: body.as_bytes(), cookies: b"" };
        let (mut contents, mut draw) = (Contents::new(view), Draw::from_seed(1));
        let size = u64::try_from(body.len()).expect("short");
        let numbers = Numbers { status: 200, size, time_ms: 1.0 };
        let mut cx = RenderContext {
            rows: stampede_scenarios::data::RowView::default(),
            user_id: 5,
            life: 0,
            class: "c",
            iteration: 0,
            arrival: None,
            loop_index: 0,
            response: &stampede_scenarios::response::NONE,
            draw: &mut draw,
            variables: &mut self.variables,
            around: &stampede_scenarios::template::NOWHERE,
        };
        let verdict = request.expect.check(&numbers, &mut contents, Some(&mut cx));
        let _ = extract(&request.extract, &mut contents, &mut self.variables, &mut draw);
        verdict.map_err(|unmet| unmet.to_string())
    }
}

fn whole() -> User {
    User::new(&include_str!("valid/expect.yaml").replace("seen: null", "seen: 77"))
}

#[test]
fn all_rules_of_all_levels_hold_at_once() {
    let mut user = whole();
    assert_eq!(user.answer(0, HEAD, BODY), Ok(()));
    assert_eq!(user.answer(1, "", "ok"), Ok(()), "null removed what the defaults ask");
    assert_eq!(user.answer(1, "", "no"), Err("body: eq \"ok\"".to_owned()));
}

#[test]
fn each_rule_is_told_as_it_is_written() {
    let mut user = whole();
    let long = format!("{BODY}{}", " ".repeat(70_000));
    for (head, body, told) in [
        (HEAD.replace("json", "xml"), BODY.to_owned(), "header content-type: contains ${kind}"),
        (HEAD.replace("accept", "*"), BODY.to_owned(), "header vary: not contains \"*\""),
        (HEAD.replace("x-user: 5", "x-user: 6"), BODY.to_owned(), "header x-user: eq ${user.id}"),
        (HEAD.to_owned(), BODY.replace("77", "78"), "json $.id: eq ${seen}"),
        (HEAD.to_owned(), BODY.replace('{', "{\"error\": 1,"), "json $.error: exists false"),
        (HEAD.to_owned(), BODY.replace("true", "1"), "json $.items[*].ok: eq true"),
        (HEAD.to_owned(), BODY.replace("3,", "0,"), "json $.stock: gt ${least}"),
        (HEAD.to_owned(), BODY.replace("3,", "101,"), "json $.stock: le 100"),
        (HEAD.to_owned(), BODY.replace("Lamp", "lamp"), "json $.name: matches \"^[A-Z]\""),
        (HEAD.to_owned(), BODY.replace("2.0", "\"2\""), "json $.tags: eq [\"a\",2,null]"),
        (HEAD.to_owned(), BODY.replace("user 5", "user 6"), "json $.note: eq user ${user.id} of ${kind}"),
        (HEAD.to_owned(), "<html>".to_owned(), "json $.error: exists false, the body is not JSON"),
        (HEAD.to_owned(), long, "size: lt 64KiB"),
    ] {
        let mut user = User { plan: user.plan.clone(), variables: user.variables.clone() };
        assert_eq!(user.answer(0, &head, &body), Err(told.to_owned()));
    }
    assert_eq!(user.answer(0, HEAD, BODY), Ok(()));
}

#[test]
fn a_rule_compares_with_what_the_user_had_before_the_response() {
    let mut user = whole();
    let next = BODY.replace("77", "78");
    assert_eq!(user.answer(0, HEAD, &next), Err("json $.id: eq ${seen}".to_owned()));
    assert_eq!(user.answer(0, HEAD, &next), Ok(()), "the extract has set it all the same");
}

#[test]
fn a_value_that_is_compared_with_is_needed() {
    let text = "target: http://h\nusers: {v: {tasks: {t: {steps: [{get: /, extract: {id: {header: x}}}, {get: /, expect: {json: {$.id: \"${id}\"}}}]}}}}";
    let user = User::new(text);
    let needs: Vec<_> = user.request(1).needs().into_iter().map(|(_, name)| name).collect();
    assert_eq!(needs, ["id".into()]);
    assert!(user.request(1).looks_at_body() && !user.request(1).looks_at_head());
    assert!(user.request(0).looks_at_head() && !user.request(0).looks_at_body());
}

#[test]
fn values_are_taken_from_pages() {
    let mut user = whole();
    let page = r#"<title> Shop </title><input name=csrf value="t0k&quot;"><a class=next href=/2>x<a class=next href=/3>y"#;
    assert!(user.answer(0, HEAD, page).is_err());
    let value = |name: &str| {
        let at = user.plan.classes[0].variables.iter().position(|variable| variable.name == name);
        let id = u32::try_from(at.expect("there")).expect("few");
        user.variables.to_json(stampede_scenarios::variables::VariableId(id))
    };
    assert_eq!(value("csrf").as_deref(), Some(r#""t0k\"""#));
    assert_eq!(value("title").as_deref(), Some("\"Shop\""));
    assert_eq!(value("links").as_deref(), Some(r#"["/2","/3"]"#));
    assert_eq!(value("any").as_deref(), Some("\"none\""));
}

#[test]
fn with_pipelining_what_is_expected_is_known_beforehand() {
    let text = "target: http://h\ndefaults: {pipeline: 5}\nusers: {v: {tasks: {t: {steps: [{get: /, expect: {header: {x: \"${user.id}\"}}}]}}}}";
    let problems = compile(&Source::new("test.yaml", text), &Overrides::default(), &|_| None, 7);
    let problems = problems.expect_err("refused").to_string();
    assert!(problems.contains("what is expected must be known beforehand"), "{problems}");
}
