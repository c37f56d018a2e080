//! Every rule against every kind of thing it can look at.

use super::*;
use crate::draw::Draw;
use crate::template::ValueSource;
use crate::variables::{VariablePlan, Variables};

fn holds(test: &Test, seen: Seen<'_>) -> bool {
    let rule = Rule { label: "rule".into(), test: test.clone() };
    Matcher::new(vec![rule]).check(seen, &mut None) == Ok(())
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn eq(value: Value) -> Test {
    Test::Eq(Operand::Known(value))
}

fn order(order: Order, limit: f64) -> Test {
    Test::Order(order, Operand::Known(Value::Float(limit)))
}

fn has(value: Value) -> Test {
    Test::Contains(Operand::Known(value))
}

fn regex(text: &str) -> Test {
    Test::Matches(Regex::new(text).expect("a regex"))
}

#[test]
fn bodies_and_headers() {
    for (test, body, expected) in [
        (eq(text("ok")), "ok", true),
        (eq(text("ok")), "ok\n", false),
        (eq(Value::Int(3)), " 3.0\n", true),
        (eq(Value::Bool(true)), "true", true),
        (has(text("rr")), "error", true),
        (has(text("x")), "error", false),
        (has(text("")), "error", true),
        (has(Value::Int(404)), "status 404", true),
        (regex("^e.*r$"), "error", true),
        (order(Order::Ge, 3.0), "3", true),
        (order(Order::Gt, 3.0), "three", false),
        (Test::Not(vec![regex("rr")]), "error", false),
        (Test::Not(vec![regex("rr"), regex("x")]), "error", true),
    ] {
        for seen in [Seen::Body(body.as_bytes()), Seen::Text(body.as_bytes())] {
            assert_eq!(holds(&test, seen), expected, "{test:?} of {body}");
        }
    }
    assert!(holds(&regex("(?-u)^\\xff"), Seen::Body(b"\xff\xfe")), "a body may be no text");
}

#[test]
fn what_exists() {
    for (seen, there) in [
        (Seen::Nothing, false),
        (Seen::Body(b""), false),
        (Seen::Body(b"x"), true),
        (Seen::Text(b""), true),
        (Seen::Json(&Value::Null), true),
        (Seen::Number(0.0), true),
    ] {
        assert_eq!(holds(&Test::Exists(true), seen), there, "{seen:?}");
        assert_eq!(holds(&Test::Exists(false), seen), !there, "{seen:?}");
    }
    for test in [eq(text("")), order(Order::Lt, 3.0), has(text("")), regex("")] {
        assert!(!holds(&test, Seen::Nothing), "{test:?} of nothing");
        assert!(holds(&Test::Not(vec![test.clone()]), Seen::Nothing), "not {test:?} of nothing");
    }
}

#[test]
fn values_of_json() {
    let json = |text: &str| crate::json::value_of(text);
    for (test, found, expected) in [
        (eq(Value::Int(3)), "3.0", true),
        (eq(Value::Int(3)), "\"3\"", false),
        (eq(text("3")), "3", false),
        (eq(text("3")), "\"3\"", true),
        (eq(Value::Int(9_007_199_254_740_993)), "9007199254740992", false),
        (eq(Value::Float(0.0)), "-0.0", true),
        (eq(Value::Null), "null", true),
        (eq(Value::Null), "0", false),
        (eq(json("[1, \"a\", {\"b\": 2}]")), "[1.0, \"a\", {\"b\": 2}]", true),
        (eq(json("[1, 2]")), "[2, 1]", false),
        (eq(json("{\"a\": 1, \"b\": null}")), "{\"b\": null, \"a\": 1}", true),
        (eq(json("{\"a\": 1}")), "{\"b\": 1}", false),
        (order(Order::Gt, 9.0), "9.5", true),
        (order(Order::Gt, 9.0), "\"9.5\"", true),
        (order(Order::Gt, 9.0), "true", false),
        (order(Order::Le, 9.0), "[1]", false),
        (has(text("b")), "\"abc\"", true),
        (has(text("b")), "[\"a\", \"b\"]", true),
        (has(text("b")), "[\"abc\"]", false),
        (has(Value::Int(2)), "[1, 2.0]", true),
        (has(Value::Int(2)), "[\"2\"]", false),
        (has(text("b")), "{\"b\": 1}", true),
        (has(text("b")), "{\"a\": \"b\"}", false),
        (has(Value::Int(2)), "123", true),
        (has(text("u")), "null", false),
        (regex("^a"), "\"abc\"", true),
        (regex("^\\[1,"), "[1, 2]", true),
    ] {
        assert_eq!(holds(&test, Seen::Json(&json(found))), expected, "{test:?} of {found}");
    }
}

#[test]
fn values_of_the_user_are_computed_for_each_response() {
    let later =
        || Operand::Later(Expression::Source(ValueSource::Variable { id: VariableId(0), name: "id".into() }));
    let check = |test: Test, value: Option<Value>, found: &Value| {
        let mut variables =
            Variables::new(&[VariablePlan { name: "id".into(), initial: value, is_shared: false }]);
        let mut draw = Draw::from_seed(1);
        let mut cx = RenderContext {
            rows: crate::data::RowView::default(),
            user_id: 0,
            life: 0,
            class: "c",
            iteration: 0,
            arrival: None,
            loop_index: 0,
            response: &crate::response::NONE,
            draw: &mut draw,
            variables: &mut variables,
            around: &crate::template::NOWHERE,
        };
        let matcher = Matcher::new(vec![Rule { label: "json $.id: eq ${id}".into(), test }]);
        assert!(!matcher.is_known());
        let mut needs = Vec::new();
        matcher.add_variables(&mut needs);
        assert_eq!(needs, [(VariableId(0), "id".into())]);
        match matcher.check(Seen::Json(found), &mut Some(&mut cx)) {
            Ok(()) => "ok".to_owned(),
            Err(Broken::Rule(rule)) => rule.to_owned(),
            Err(Broken::Computing(error)) => error,
        }
    };
    let seven = Value::Int(7);
    assert_eq!(check(Test::Eq(later()), Some(Value::Int(7)), &seven), "ok");
    assert_eq!(check(Test::Eq(later()), Some(text("7")), &seven), "ok", "from a header it is text");
    assert_eq!(check(Test::Eq(later()), Some(Value::Int(7)), &text("7")), "ok");
    assert_eq!(check(Test::Eq(later()), Some(Value::Int(8)), &seven), "json $.id: eq ${id}");
    assert_eq!(check(Test::Order(Order::Gt, later()), Some(text("6")), &seven), "ok");
    assert_eq!(
        check(Test::Order(Order::Gt, later()), Some(text("six")), &seven),
        "a number is needed to compare with, not text"
    );
    assert_eq!(
        check(Test::Not(vec![Test::Contains(later())]), Some(Value::Int(7)), &seven),
        "json $.id: eq ${id}"
    );
    assert_eq!(check(Test::Eq(later()), None, &seven), "`id` has no value");
}

#[test]
fn the_answer_is_the_rule_and_not_the_number() {
    let label = "time: lt 500ms";
    let matcher = Matcher::new(vec![Rule { label: label.into(), test: order(Order::Lt, 500.0) }]);
    assert_eq!(matcher.check(Seen::Number(499.9), &mut None), Ok(()));
    assert_eq!(matcher.check(Seen::Number(500.0), &mut None), Err(Broken::Rule(label)));
    assert_eq!(matcher.check(Seen::Number(70_000.0), &mut None), Err(Broken::Rule(label)));
}
