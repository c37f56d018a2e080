//! Every way to take a value, what is taken of several, and what happens when there is none.

use proptest::prelude::*;

use super::*;
use crate::variables::VariablePlan;

const BODY: &str =
    r#"{"price": 9.50, "name": "a \"b\"", "none": null, "items": [{"id": 1}, {"id": 2}, {"id": 3}]}"#;
const HEAD: &str = "Location: /next\r\nset-cookie: a=1; Path=/\r\nx-y:\r\nSET-COOKIE: a=2; path=/\r\nset-cookie: gone=x; Max-Age=0\r\nx-z: 1\r\nx-z:2\r\n";

fn path(text: &str) -> ExtractFrom {
    ExtractFrom::Json(Path::parse(text).expect("a path"))
}

fn regex(text: &str) -> ExtractFrom {
    ExtractFrom::Regex(Regex::new(text).expect("a regex"))
}

fn header(name: &str) -> ExtractFrom {
    ExtractFrom::Header(name.into())
}

fn cookie(name: &str) -> ExtractFrom {
    ExtractFrom::Cookie(name.into())
}

fn plan(from: ExtractFrom, take: Take, default: Option<Value>) -> ExtractPlan {
    ExtractPlan { variable: VariableId(0), name: "v".into(), from, take, default }
}

fn variables() -> Variables {
    // Something is left from before, which must not stay.
    Variables::new(&[VariablePlan {
        name: "v".into(),
        initial: Some(Value::Text("old".into())),
        is_shared: false,
    }])
}

/// What the variable then is as JSON, or what failed.
fn taken(plan: ExtractPlan, body: &str) -> String {
    let view =
        ResponseView { head: HEAD.as_bytes(), body: body.as_bytes(), cookies: b"s=abc; t=\"x\"; s=second" };
    let (mut variables, mut draw) = (variables(), Draw::from_seed(3));
    let result = extract(&[plan], &view, &mut variables, &mut draw);
    let value = variables.to_json(VariableId(0));
    match (result, value) {
        (Ok(()), Some(value)) => value,
        (Err(failure), None) => format!("failed: {failure}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_source_and_every_choice() {
    use Take::{All, First, Last};
    for (from, take, expected) in [
        (path("$.price"), First, "9.50"),
        (path("$.name"), First, r#""a \"b\"""#),
        (path("$.none"), First, "null"),
        (path("$.items[1]"), First, r#"{"id":2}"#),
        (path("$.items[-1].id"), Last, "3"),
        (path("$.items[*].id"), First, "1"),
        (path("$.items[*].id"), Last, "3"),
        (path("$.items[*].id"), All, "[1,2,3]"),
        (path("$.items[?@.id > 1]"), All, r#"[{"id":2},{"id":3}]"#),
        (path("$..id"), Last, "3"),
        (path("$.name"), All, r#"["a \"b\""]"#),
        (path("$.nope"), All, "[]"),
        (path("$.nope[*]"), All, "[]"),
        (path("$.nope"), First, "failed: v: nothing at $.nope"),
        (path("$.nope[*]"), First, "failed: v: nothing at $.nope[*]"),
        (regex(r#""id": (\d)"#), First, r#""1""#),
        (regex(r#""id": (\d)"#), Last, r#""3""#),
        (regex(r#""id": (\d)"#), All, r#"["1","2","3"]"#),
        (regex(r"id. \d|x"), First, "failed: v: nothing at regex id. \\d|x"),
        (regex(r"9\.\d+"), First, r#""9.50""#),
        (regex(r"(x)?price"), First, "failed: v: nothing at regex (x)?price"),
        (regex("zzz"), All, "[]"),
        (header("location"), First, r#""/next""#),
        (header("x-y"), First, r#""""#),
        (header("x-z"), First, r#""1""#),
        (header("x-z"), Last, r#""2""#),
        (header("x-z"), All, r#"["1","2"]"#),
        (header("x"), First, "failed: v: nothing at header x"),
        (cookie("s"), First, r#""abc""#),
        (cookie("t"), First, r#""\"x\"""#),
        (cookie("a"), First, r#""2""#),
        (cookie("gone"), First, "failed: v: nothing at cookie gone"),
    ] {
        let shown = format!("{from:?} {take:?}");
        assert_eq!(taken(plan(from, take, None), BODY), expected, "{shown}");
    }
}

#[test]
fn a_default_takes_the_place_of_nothing_only() {
    let default = || Some(Value::Int(7));
    for (from, take, body, expected) in [
        (path("$.nope"), Take::First, BODY, "7"),
        (path("$.nope"), Take::All, BODY, "7"),
        (path("$.nope[*]"), Take::All, BODY, "7"),
        (path("$.none"), Take::First, BODY, "null"),
        (path("$.a"), Take::First, "<html>", "7"),
        (path("$..a"), Take::First, "<html>", "7"),
        (regex("zzz"), Take::All, BODY, "7"),
        (header("x"), Take::Random, BODY, "7"),
    ] {
        assert_eq!(taken(plan(from, take, default()), body), expected);
    }
}

#[test]
fn a_body_that_is_no_json_is_said_to_be_none() {
    for (from, take) in [(path("$.a"), Take::First), (path("$..a"), Take::Last), (path("$.a"), Take::All)] {
        let shown = format!("{from:?}");
        let answer = taken(plan(from, take, None), "<html>");
        assert!(
            answer.starts_with("failed: v: nothing at $") && answer.ends_with("the body is not JSON"),
            "{shown}: {answer}"
        );
    }
    assert_eq!(
        taken(plan(path("$.a"), Take::First, None), "{\"a\": \"\\ud800\"}"),
        "failed: v: nothing at $.a, the body is not JSON"
    );
}

#[test]
fn all_are_tried_and_the_first_failure_is_told() {
    let plans: Vec<ExtractPlan> = ["$.a", "$.price", "$.b", "$.name"]
        .iter()
        .zip(0..)
        .map(|(text, number)| ExtractPlan {
            variable: VariableId(number),
            name: format!("v{number}"),
            ..plan(path(text), Take::First, None)
        })
        .collect();
    let names =
        (0..4).map(|number| VariablePlan { name: format!("v{number}"), initial: None, is_shared: false });
    let mut variables = Variables::new(&names.collect::<Vec<_>>());
    let view = ResponseView { body: BODY.as_bytes(), ..ResponseView::default() };
    let result = extract(&plans, &view, &mut variables, &mut Draw::from_seed(1));
    assert_eq!(result.map_err(|failure| failure.to_string()), Err("v0: nothing at $.a".to_owned()));
    let set: Vec<bool> = (0..4).map(|number| variables.is_set(VariableId(number))).collect();
    assert_eq!(set, [false, true, false, true]);
}

#[test]
fn a_random_choice_takes_one_draw_and_reaches_all() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..50 {
        for from in [path("$.items[*].id"), regex(r"\d\}"), header("x-z")] {
            let plans = [plan(from, Take::Random, None)];
            let view = ResponseView { head: HEAD.as_bytes(), body: BODY.as_bytes(), cookies: b"" };
            let (mut variables, mut draw, mut other) =
                (variables(), Draw::from_seed(seed), Draw::from_seed(seed));
            extract(&plans, &view, &mut variables, &mut draw).expect("it is there");
            seen.insert(variables.to_json(VariableId(0)).expect("set"));
            other.next_u64();
            assert_eq!(draw, other);
            extract_nothing(&plans, &mut variables, &mut draw);
            other.next_u64();
            assert_eq!((draw, variables.is_set(VariableId(0))), (other, false));
        }
    }
    let expected = ["\"1\"", "\"1}\"", "\"2\"", "\"2}\"", "\"3}\"", "1", "2", "3"];
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}

proptest! {
    #[test]
    fn no_response_makes_it_panic(
        head in prop::collection::vec(any::<u8>(), 0..40),
        body in prop::collection::vec(any::<u8>(), 0..60),
        cookies in "[a=; \"]{0,20}",
        seed: u64,
    ) {
        let froms = [path("$"), path("$.a[-1]"), path("$..*"), regex("(a)|b"), regex(".*"), header("a"), cookie("a")];
        let mut plans = Vec::new();
        for from in froms {
            for take in [Take::First, Take::Last, Take::Random, Take::All] {
                plans.push(plan(from.clone(), take, None));
            }
        }
        let view = ResponseView { head: &head, body: &body, cookies: cookies.as_bytes() };
        let (mut variables, mut draw) = (variables(), Draw::from_seed(seed));
        let _ = extract(&plans, &view, &mut variables, &mut draw);
        for plan in plans {
            let result = extract(std::slice::from_ref(&plan), &view, &mut variables, &mut draw);
            prop_assert_eq!(result.is_ok(), variables.is_set(VariableId(0)));
            if let Some(value) = variables.to_json(VariableId(0)) {
                prop_assert!(serde_json::from_str::<Json>(&value).is_ok() || matches!(plan.from, ExtractFrom::Json(_)), "{}", value);
            }
        }
    }
}
