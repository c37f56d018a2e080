//! Variables that come from responses: numbered for each class, needed and looked at as the steps say, written with their types.

use stampede_scenarios::compile::compile;
use stampede_scenarios::contents::{Contents, ResponseView};
use stampede_scenarios::draw::Draw;
use stampede_scenarios::extract::extract;
use stampede_scenarios::plan::{BodyPlan, ClassPlan, Op, Plan, RequestPlan};
use stampede_scenarios::source::{Overrides, Source};
use stampede_scenarios::template::{RenderContext, Template};
use stampede_scenarios::variables::Variables;

fn plan(text: &str) -> Plan {
    compile(&Source::new("test.yaml", text), &Overrides::default(), &|_| None, 7)
        .unwrap_or_else(|problems| panic!("{problems}"))
}

fn whole() -> Plan {
    plan(include_str!("valid/extract.yaml"))
}

fn request(class: &ClassPlan, op: usize) -> &RequestPlan {
    match &class.tasks[0].program.ops[op] {
        Op::Request(request) => request,
        _ => panic!("no request"),
    }
}

fn rendered(template: &Template, variables: &mut Variables) -> String {
    let (mut out, mut draw) = (String::new(), Draw::from_seed(1));
    let mut cx = RenderContext {
        user_id: 0,
        life: 0,
        class: "c",
        iteration: 0,
        arrival: None,
        loop_index: 0,
        rows: stampede_scenarios::data::RowView::default(),
        response: &stampede_scenarios::response::NONE,
        draw: &mut draw,
        variables,
        around: &stampede_scenarios::template::NOWHERE,
    };
    template.render_into(&mut out, &mut cx).expect("it can be computed");
    out
}

fn body(request: &RequestPlan, variables: &mut Variables) -> String {
    match &request.body {
        BodyPlan::Text { content, .. } => rendered(content, variables),
        other => panic!("{other:?}"),
    }
}

fn names(class: &ClassPlan) -> Vec<&str> {
    class.variables.iter().map(|variable| variable.name.as_str()).collect()
}

fn needs(request: &RequestPlan) -> Vec<String> {
    request.needs().into_iter().map(|(_, name)| name.into()).collect()
}

#[test]
fn each_class_has_its_own_numbers() {
    let plan = whole();
    assert_eq!(
        names(&plan.classes[0]),
        ["token", "price", "sku", "ids", "order", "where", "session", "state"]
    );
    assert_eq!(names(&plan.classes[1]), ["token"]);
    let initial: Vec<_> =
        plan.classes[0].variables.iter().filter_map(|variable| variable.initial.as_ref()).collect();
    assert_eq!(initial.len(), 1, "only `state` has a value in `vars`; `greeting` is set by nobody");
}

#[test]
fn a_request_knows_what_it_needs_and_looks_at() {
    let plan = whole();
    let class = &plan.classes[0];
    let Op::Request(login) = &class.on_start.ops[0] else { panic!("a request") };
    assert_eq!(needs(login), [""; 0], "its `authorization` is removed");
    assert_eq!(needs(request(class, 0)), ["token"]);
    assert_eq!(needs(request(class, 1)), ["token", "price", "sku", "ids", "where"]);
    assert_eq!(needs(request(class, 2)), ["token", "order"]);
    assert_eq!(needs(request(class, 3)), ["token", "session", "state"]);
    let looks = |request: &RequestPlan| {
        (request.looks_at_body(), request.looks_at_head(), request.looks_at_cookies())
    };
    assert_eq!(looks(login), (true, false, false));
    assert_eq!(looks(request(class, 0)), (true, true, true));
    assert_eq!(looks(request(class, 1)), (false, false, false));
    let header = self::plan(
        "target: http://h\nusers: {v: {tasks: {t: {steps: [{get: /, extract: {a: {header: x}}}]}}}}",
    );
    assert_eq!(looks(request(&header.classes[0], 0)), (false, true, false));
}

#[test]
fn values_are_written_as_their_place_needs_them() {
    let plan = whole();
    let class = &plan.classes[0];
    let mut variables = Variables::new(&class.variables);
    let view = ResponseView {
        head: b"location: /a b\r\n",
        body: br#"{"items": [{"price": 9.50, "sku": "s\"1", "id": 1}, {"price": 20, "sku": "x", "id": "b&"}], "order": "order-12 order-13"}"#,
        cookies: b"sid=abc",
    };
    let mut draw = Draw::from_seed(1);
    extract(&request(class, 0).extract, &mut Contents::new(view), &mut variables, &mut draw)
        .expect("all is there");
    let cart = request(class, 1);
    assert_eq!(rendered(&cart.url, &mut variables), "http://h/cart/s\"1?where=%2Fa%20b&page=1&id=1&id=b%26");
    assert_eq!(
        body(cart, &mut variables),
        r#"{"price":9.50,"text":"costs 9.50","ids":[1,"b&"],"greeting":"hello"}"#
    );
    assert_eq!(rendered(&request(class, 2).url, &mut variables), "http://h/state?of=13");
    assert_eq!(body(request(class, 3), &mut variables), "state=&a=1");
    let nothing =
        ResponseView { body: br#"{"items": [{"price": 9, "sku": "x", "id": 1}], "o": "order-1"}"#, ..view };
    let nothing = ResponseView { head: b"", ..nothing };
    extract(&request(class, 0).extract, &mut Contents::new(nothing), &mut variables, &mut draw)
        .expect("defaults");
    assert_eq!(rendered(&cart.url, &mut variables), "http://h/cart/x?page=1&id=1");
}

#[test]
fn a_class_with_pipelining_takes_nothing_out() {
    let text = "target: http://h\ndefaults: {pipeline: 5}\nusers: {v: {tasks: {t: {steps: [{get: /, extract: {a: $.a}}]}}}}";
    let problems = compile(&Source::new("test.yaml", text), &Overrides::default(), &|_| None, 7);
    let problems = problems.expect_err("refused").to_string();
    assert!(problems.contains("nothing is taken out of a response"), "{problems}");
}
