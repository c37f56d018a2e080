//! Drawn expressions: they come to what `minijinja` makes of them, and nothing drawn is a panic.

use proptest::prelude::*;
use stampede_scenarios::value::Value;

use crate::{OWN, evaluated, plan, run, scenario};

/// Expressions of the part of the language in which both agree.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("a".to_owned()),
        Just("b".to_owned()),
        Just("n".to_owned()),
        Just("zero".to_owned()),
        Just("yes".to_owned()),
        Just("word".to_owned()),
        Just("digits".to_owned()),
        Just("ids".to_owned()),
        Just("map".to_owned()),
        Just("map.list".to_owned()),
        Just("map.part.net".to_owned()),
        Just("none_left".to_owned()),
        (0..20_i64).prop_map(|number| number.to_string()),
        Just("0.5".to_owned()),
        Just("'b'".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let operators = prop::sample::select(vec![
            "+", "-", "*", "/", "//", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or", "in", "not in",
        ]);
        let filters = prop::sample::select(vec![
            "length", "first", "last", "upper", "abs", "int", "reverse", "sum", "sort", "unique",
        ]);
        prop_oneof![
            (inner.clone(), operators, inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            (inner.clone(), filters).prop_map(|(a, filter)| format!("({a} | {filter})")),
            inner.clone().prop_map(|a| format!("(not {a})")),
            inner.clone().prop_map(|a| format!("(-{a})")),
            (inner.clone(), inner.clone(), inner.clone())
                .prop_map(|(a, b, c)| format!("({a} if {b} else {c})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("[{a}, {b}]")),
            (inner.clone(), -3..3_i64).prop_map(|(a, at)| format!("({a})[{at}]")),
            (inner, -3..3_i64, -3..3_i64).prop_map(|(a, from, to)| format!("({a})[{from}:{to}]")),
        ]
    })
}

fn theirs(expression: &str) -> Result<Value, String> {
    let mut jinja = minijinja::Environment::new();
    jinja.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    let context = minijinja::context! {
        a => 7, b => 2.5, n => -3, zero => 0, yes => true, word => "abc", digits => "12",
        ids => vec![4, 5, 6], none_left => Vec::<i64>::new(),
        map => minijinja::context! {
            part => minijinja::context! { net => 9 },
            list => vec![minijinja::Value::from(1), minijinja::Value::from("x")],
        },
    };
    let result = jinja.compile_expression(expression).and_then(|compiled| compiled.eval(context));
    ours(&result.map_err(|error| error.to_string())?)
        .ok_or_else(|| "it is undefined, or too large".to_owned())
}

fn ours(value: &minijinja::Value) -> Option<Value> {
    use minijinja::value::ValueKind;
    Some(match value.kind() {
        ValueKind::None => Value::Null,
        ValueKind::Bool => Value::Bool(value.is_true()),
        ValueKind::Number if value.is_integer() => Value::Int(value.as_i64()?),
        ValueKind::Number => {
            Value::Float(f64::try_from(value.clone()).ok().filter(|number| number.is_finite())?)
        }
        ValueKind::String => Value::Text(value.as_str()?.to_owned()),
        ValueKind::Seq | ValueKind::Iterable => {
            Value::List(value.try_iter().ok()?.map(|item| ours(&item)).collect::<Option<_>>()?)
        }
        ValueKind::Map => {
            let mut entries = Vec::new();
            for key in value.try_iter().ok()? {
                entries.push((key.to_string(), ours(&value.get_item(&key).ok()?)?));
            }
            Value::Map(entries)
        }
        _ => return None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    /// What we compute is what `minijinja` computes. Where we refuse and it does not, we mean to.
    #[test]
    fn it_agrees_with_minijinja(expression in expression()) {
        let mine = match plan(&scenario(OWN, &expression)) {
            Ok(plan) => evaluated(&plan, 1).map_err(|error| error.to_string()),
            Err(problems) => Err(problems),
        };
        match (mine, theirs(&expression)) {
            (Ok(mine), Ok(theirs)) => prop_assert_eq!(mine.to_json(), theirs.to_json(), "{}", expression),
            (Ok(mine), Err(error)) => {
                // A text has items here.
                let of_text = expression.contains("word") || expression.contains("digits") || expression.contains("'b'");
                prop_assert!(of_text, "{expression}: {mine:?}, theirs: {error}");
            }
            (Err(why), Ok(theirs)) => {
                let meant = ["have no order", "does not go with", "too large", "is text", "needs a whole number", "has no value", "whole number is needed",
                    "has no items", "has no length", "has no parts", "key of a map", "cannot be used", "less than no times"];
                prop_assert!(meant.iter().any(|part| why.contains(part)), "{expression}: {why}, theirs: {theirs:?}");
            }
            (Err(_), Err(_)) => {}
        }
    }

    /// Whatever is written there, it is an answer and not a panic.
    #[test]
    fn nothing_panics(text in "[a-z0-9'\"(){}\\[\\]|.,:+*/%~<>=! _-]{0,60}") {
        let _ = run(&text);
    }

    /// Words of the language in any order.
    #[test]
    fn no_words_panic(words in prop::collection::vec(prop::sample::select(vec![
        "a", "ids", "map", "word", "unset", "head", "known", "1", "-2.5", "'x'", "(", ")", "[", "]", "{", "}", ":", ",", "|", ".", "+", "*",
        "**", "//", "~", "<", "==", "in", "not", "and", "or", "if", "else", "is", "defined", "default", "random", "int",
        "response", "header", "user", "id", "length", "range", "format", "batch", "slice", "groupby", "map", "replace", "9999999999",
    ]), 0..14)) {
        let _ = run(&words.join(" "));
        let _ = run(&words.concat());
    }
}
