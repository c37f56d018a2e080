//! The scanner against `serde_json_path` on documents made up, by hand where they are odd, and against arbitrary bytes.

use proptest::prelude::*;
use serde_json::Value;
use serde_json_path::JsonPath;

use super::super::path::{Path, Query};
use super::*;

fn steps(path: &str) -> Box<[Step]> {
    match Path::parse(path).expect("a path").query() {
        Query::Singular(steps) => steps.clone(),
        Query::Any(_) => panic!("{path} is not simple"),
    }
}

/// What is found, as a value.
fn value(found: Found<'_>) -> Value {
    match found {
        Found::Text(quoted) => {
            let mut text = String::new();
            decode(quoted, &mut text).expect("a good text");
            Value::String(text)
        }
        Found::Plain(text) | Found::Nested(text) => serde_json::from_str(text).expect("JSON"),
    }
}

fn shown(document: &[u8], path: &str) -> String {
    match find(document, &steps(path)) {
        Ok(Some(Found::Text(quoted))) => {
            let mut text = String::new();
            match decode(quoted, &mut text) {
                Ok(()) => format!("text {text}"),
                Err(Malformed) => "malformed".to_owned(),
            }
        }
        Ok(Some(Found::Plain(text))) => format!("plain {text}"),
        Ok(Some(Found::Nested(text))) => {
            let mut out = String::new();
            minify(text, &mut out);
            format!("nested {out}")
        }
        Ok(None) => "nothing".to_owned(),
        Err(Malformed) => "malformed".to_owned(),
    }
}

#[test]
fn odd_documents() {
    for (document, path, expected) in [
        (r#" {"a" : { "b" : [ 1 , 2.50 ] } } "#, "$.a.b[1]", "plain 2.50"),
        (r#"{"a": [ "x y" , {"b" : null} ]}"#, "$.a", r#"nested ["x y",{"b":null}]"#),
        (r#"{"x": "}]\"\\", "a": 3}"#, "$.a", "plain 3"),
        (r#"{"x": {"a": 1}, "a": 2}"#, "$.a", "plain 2"),
        (r#"{"a": 1, "a": 2}"#, "$.a", "plain 1"),
        (r#"{"\u0061": 1}"#, "$.a", "plain 1"),
        (r#"{"a": "\u00fc\ud83d\ude00\n\/"}"#, "$.a", "text ü😀\n/"),
        (r#"{"a": "\ud83d"}"#, "$.a", "malformed"),
        (r#"{"a": "\udc00\ud83d"}"#, "$.a", "malformed"),
        (r#"{"a": "\u+123"}"#, "$.a", "malformed"),
        ("{\"a\": \"\n\"}", "$.a", "malformed"),
        ("[10, 20, 30]", "$[-1]", "plain 30"),
        ("[10, 20, 30]", "$[-3]", "plain 10"),
        ("[10, 20, 30]", "$[-4]", "nothing"),
        ("[10, 20, 30]", "$[3]", "nothing"),
        ("[]", "$[0]", "nothing"),
        ("[]", "$[-1]", "nothing"),
        ("{}", "$.a", "nothing"),
        ("[{}]", "$.a", "nothing"),
        ("3", "$.a", "nothing"),
        ("\u{feff}{\"a\": true}", "$.a", "plain true"),
        ("12345678901234567890123", "$", "plain 12345678901234567890123"),
        ("", "$.a", "malformed"),
        ("<html>", "$.a", "malformed"),
        (r#"{"a": tru}"#, "$.a", "malformed"),
        (r#"{"a": 01}"#, "$.a", "malformed"),
        (r#"{"a": [1,]}"#, "$.a", "malformed"),
        (r#"{"a": [1}"#, "$.a", "malformed"),
        (r#"{"a": [1]"#, "$.a", "nested [1]"),
        (r#"{"b": [1}, "a": 2}"#, "$.a", "malformed"),
        (r#"{"b": 1 2, "a": 2}"#, "$.a", "malformed"),
        (r#"{"b": 1, }"#, "$.a", "malformed"),
        (r#"{"b": "x"#, "$.a", "malformed"),
        (r#"{"b": "x\"#, "$.a", "malformed"),
        ("[1, 2", "$[-1]", "malformed"),
        (r"{b: 1}", "$.a", "malformed"),
    ] {
        assert_eq!(shown(document.as_bytes(), path), expected, "{path} of {document}");
    }
}

#[test]
fn depth_is_bounded_as_in_the_other_way() {
    for depth in [100, 127, 128, 100_000] {
        let document = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let tree = serde_json::from_str::<Value>(&document).is_ok();
        assert_eq!(find(document.as_bytes(), &steps("$")).is_ok(), tree, "{depth}");
    }
}

#[test]
fn spaces_go_and_texts_stay() {
    let mut out = String::from("x");
    minify("{ \"a \\\" b\" :\t[ 1 ,\r\n 2 ] }", &mut out);
    assert_eq!(out, r#"x{"a \" b":[1,2]}"#);
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e6..1e6).prop_map(Value::from),
        "\\PC{0,6}".prop_map(Value::String),
        "[\"\\\\/\n\t\u{1}{}\\[\\],: a\u{1f600}]{0,6}".prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map("[a-d]|\\PC{0,3}|[\"\\\\\n]{1,2}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A path that follows the document for as long as `turns` lead somewhere, and then perhaps one step too far.
fn path_in(document: &Value, turns: &[prop::sample::Index], astray: Option<Step>) -> Vec<Step> {
    let (mut here, mut path) = (document, Vec::new());
    for turn in turns {
        match here {
            Value::Object(map) if !map.is_empty() => {
                let (key, inner) = map.iter().nth(turn.index(map.len())).expect("it is there");
                path.push(Step::Key(key.as_str().into()));
                here = inner;
            }
            Value::Array(items) if !items.is_empty() => {
                let at = turn.index(items.len());
                let index = i64::try_from(at).expect("small");
                let length = i64::try_from(items.len()).expect("small");
                path.push(Step::Index(if turn.index(2) == 0 { index } else { index - length }));
                here = &items[at];
            }
            _ => break,
        }
    }
    path.extend(astray);
    path
}

/// The same path for the other way.
fn written(path: &[Step]) -> String {
    let step = |step: &Step| match step {
        Step::Key(key) => format!("[{}]", Value::String(key.to_string())),
        Step::Index(index) => format!("[{index}]"),
    };
    format!("${}", path.iter().map(step).collect::<String>())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1000) })]

    #[test]
    fn both_ways_find_the_same(
        document in document(),
        turns in prop::collection::vec(any::<prop::sample::Index>(), 0..5),
        astray in prop::option::of(prop_oneof!["[a-d]".prop_map(|key| Step::Key(key.into())), (-4..4_i64).prop_map(Step::Index)]),
        pretty: bool,
    ) {
        let path = path_in(&document, &turns, astray);
        let text = if pretty { serde_json::to_string_pretty(&document) } else { serde_json::to_string(&document) };
        let text = text.expect("JSON");
        let tree: Value = serde_json::from_str(&text).expect("JSON");
        let other = JsonPath::parse(&written(&path)).expect("a path");
        let expected = other.query(&tree).exactly_one().ok().cloned();
        let found = find(text.as_bytes(), &path);
        prop_assert_eq!(found.map(|found| found.map(value)), Ok(expected));
    }

    #[test]
    fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), index in -3..3_i64) {
        for path in [vec![], vec![Step::Key("a".into())], vec![Step::Index(index), Step::Key("a".into())]] {
            if let Ok(Some(Found::Text(text))) = find(&bytes, &path) {
                let _ = decode(text, &mut String::new());
            }
        }
    }

    #[test]
    fn neither_does_broken_json(text in "[\\[\\]{},:\"\\\\ aut0-9e.\\-\n]{0,40}", index in -3..3_i64) {
        for path in [vec![], vec![Step::Key("a".into())], vec![Step::Index(index)], vec![Step::Key("a".into()), Step::Index(index)]] {
            let found = find(text.as_bytes(), &path);
            if serde_json::from_str::<Value>(&text).is_ok() {
                prop_assert!(found.is_ok(), "{text}");
            }
            match found {
                Ok(Some(Found::Text(text))) => drop(decode(text, &mut String::new())),
                Ok(Some(Found::Plain(text) | Found::Nested(text))) => {
                    let mut out = String::new();
                    minify(text, &mut out);
                    prop_assert!(is_number(text.as_bytes()) || serde_json::from_str::<Value>(&out).is_ok());
                }
                _ => {}
            }
        }
    }
}
