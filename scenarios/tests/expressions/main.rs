//! What stands between `${` and `}`: what it comes to, what is refused when it is read, and that it agrees with `minijinja`.

mod agreement;

use std::time::Duration;

use stampede_scenarios::compile::compile;
use stampede_scenarios::draw::Draw;
use stampede_scenarios::expression::EvaluateError;
use stampede_scenarios::plan::{Op, Plan, SetPlan};
use stampede_scenarios::response::LastResponse;
use stampede_scenarios::source::{Overrides, Source};
use stampede_scenarios::template::{Around, RenderContext};
use stampede_scenarios::value::Value;
use stampede_scenarios::variables::Variables;

/// Variables that every user has for itself, so that nothing about them is known when the file is read.
pub(crate) const OWN: &str = "{a: 7, b: 2.5, n: -3, zero: 0, yes: true, word: abc, digits: \"12\", empty: \"\", nothing: null, \
                   ids: [4, 5, 6], map: {part: {net: 9}, list: [1, x]}, none_left: []}";

pub(crate) fn scenario(vars: &str, expression: &str) -> String {
    let quoted = serde_json::to_string(&format!("${{{expression}}}")).expect("a text");
    // Whatever is set is one's own, and of no type that is known.
    let own = ["a", "b", "n", "zero", "yes", "word", "digits", "empty", "nothing", "ids", "map", "none_left"];
    let sets: String = own.map(|name| format!("{name}: \"${{{name}}}\", ")).concat();
    format!(
        "target: http://h\nvars: {{known: [1, {{x: 2}}], region: eu}}\nusers:\n  v:\n    vars: {vars}\n    tasks:\n      t:\n        \
         steps:\n          - set: {{result: {quoted}}}\n          - set: {{{sets} unset: 1}}\n          \
         - {{get: /, extract: {{head: {{header: x}}}}}}\n"
    )
}

pub(crate) fn plan(text: &str) -> Result<Plan, String> {
    compile(&Source::new("t.yaml", text), &Overrides::default(), &|_| None, 7)
        .map_err(|problems| problems.render(false))
}

fn result_of(plan: &Plan) -> &SetPlan {
    match &plan.classes[0].tasks[0].program.ops[0] {
        Op::Set(set) => set,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn evaluated(plan: &Plan, seed: u64) -> Result<Value, EvaluateError> {
    let class = &plan.classes[0];
    let (mut draw, mut variables) = (Draw::from_seed(seed), Variables::new(&class.variables));
    let number = class.variables.iter().position(|variable| variable.name == "unset").expect("it is there");
    variables.unset(stampede_scenarios::variables::VariableId(u32::try_from(number).expect("few")));
    let response = LastResponse {
        status: 201,
        url: "http://h/a".into(),
        time_ms: 12.5,
        size: 99,
        failed: false,
        head: b"Content-Type: text/html\r\nx-id:  7 \r\n".to_vec(),
    };
    let around = Around { worker: "w".into(), now: || Duration::from_millis(1_795_275_919_123) };
    let mut cx = RenderContext {
        rows: stampede_scenarios::data::RowView::default(),
        user_id: 17,
        life: 1,
        class: "v",
        iteration: 4,
        arrival: None,
        loop_index: 0,
        response: &response,
        draw: &mut draw,
        variables: &mut variables,
        around: &around,
    };
    result_of(plan).value.evaluate(&mut cx)
}

/// What an expression comes to, as JSON; or why it does not.
pub(crate) fn run(expression: &str) -> Result<String, String> {
    let plan = plan(&scenario(OWN, expression))?;
    evaluated(&plan, 1).map(|value| value.to_json()).map_err(|error| error.to_string())
}

/// Expressions, and what they come to as JSON.
const CASES: &[(&str, &str)] = &[
    // Numbers.
    ("a + 1", "8"),
    ("a * b", "17.5"),
    ("a / 2", "3.5"),
    ("8 / 2", "4"),
    ("a // 2", "3"),
    ("n // 2", "-2"),
    ("n % 2", "1"),
    ("a % 3", "1"),
    ("2 ** 10", "1024"),
    ("2 ** -1", "0.5"),
    ("-a", "-7"),
    ("-b - 1", "-3.5"),
    ("1 + 2 * 3", "7"),
    ("(1 + 2) * 3", "9"),
    ("digits | int + 1", "13"),
    ("'2.5' | float * 2", "5"),
    ("b | int", "2"),
    ("'x' | int(5)", "5"),
    ("yes + 1", "2"),
    // Truth.
    ("a > 3 and not yes", "false"),
    ("a == 7.0", "true"),
    ("digits == 12", "false"),
    ("1 < a <= 7", "true"),
    ("word in ['abc', 'd']", "true"),
    ("word not in 'xabcx'", "false"),
    ("'part' in map", "true"),
    ("'x' if a > 9 else 'y'", "\"y\""),
    ("empty or 'other'", "\"other\""),
    ("nothing is none", "true"),
    ("a is odd and word is string", "true"),
    ("ids == [4, 5.0, 6]", "true"),
    ("word < 'abd'", "true"),
    // Texts.
    ("word ~ '-' ~ a", "\"abc-7\""),
    ("word ~ yes ~ nothing ~ b", "\"abctruenull2.5\""),
    ("word | upper", "\"ABC\""),
    ("word[1]", "\"b\""),
    ("word[-1]", "\"c\""),
    ("word[::-1]", "\"cba\""),
    ("'ab' * 3", "\"ababab\""),
    ("word | replace('b', '--')", "\"a--c\""),
    ("'%05d' | format(a)", "\"00007\""),
    ("'a,b' | split(',')", "[\"a\",\"b\"]"),
    ("ids | join('-')", "\"4-5-6\""),
    ("[yes, 2.0] | join(',')", "\"true,2\""),
    // Lists and maps.
    ("ids | length", "3"),
    ("ids[0] + ids[-1]", "10"),
    ("ids[1:]", "[5,6]"),
    ("ids[::2]", "[4,6]"),
    ("ids + [7]", "[4,5,6,7]"),
    ("ids | first", "4"),
    ("none_left | first | default('none')", "\"none\""),
    ("ids | sum", "15"),
    ("ids | max", "6"),
    ("[3, 1, 2] | sort", "[1,2,3]"),
    ("ids | map('string') | list", "[\"4\",\"5\",\"6\"]"),
    ("ids | select('odd') | list", "[5]"),
    ("map.part.net", "9"),
    ("map['list'][1]", "\"x\""),
    ("map.list | length", "2"),
    ("{'k': a, 'l': [b]}", "{\"k\":7,\"l\":[2.5]}"),
    ("{'k': {'l': 1}}.k.l", "1"),
    ("map.no | default(3)", "3"),
    ("map.no.deeper | default(3)", "3"),
    ("map.no is defined", "false"),
    ("unset | default('d')", "\"d\""),
    ("unset is undefined", "true"),
    ("empty | default('d', true)", "\"d\""),
    ("map | tojson", "\"{\\\"part\\\":{\\\"net\\\":9},\\\"list\\\":[1,\\\"x\\\"]}\""),
    ("range(3)", "[0,1,2]"),
    ("range(10, 0, -4)", "[10,6,2]"),
    // Known when the file is read.
    ("known[1].x + 1", "3"),
    ("region ~ '!'", "\"eu!\""),
    ("{'a': {'b': [1, 2]}}['a'].b[1]", "2"),
    // The user and its last response.
    ("user.id * 2", "34"),
    ("user.class ~ user.life", "\"v1\""),
    ("iteration % 3", "1"),
    ("response.status == 201 and not response.failed", "true"),
    ("response.size + response.time_ms", "111.5"),
    ("response.header['content-type']", "\"text/html\""),
    ("response.header['X-Id'] | int", "7"),
    ("response.header['no'] | default('-')", "\"-\""),
    // Functions.
    ("base64('user:' ~ word)", "\"dXNlcjphYmM=\""),
    ("word | base64", "\"YWJj\""),
    ("hex('az')", "\"617a\""),
    ("urlencode('a b&c')", "\"a%20b%26c\""),
    ("sha256('abc')[:8]", "\"ba7816bf\""),
    ("hmac_sha256('Jefe', 'what do ya want for nothing?')[:8]", "\"5bdcc146\""),
    ("json(ids)", "\"[4,5,6]\""),
    ("sqrt(16)", "4"),
    ("floor(b) + ceil(b)", "5"),
    ("round(b)", "3"),
    ("round(2.345, 1)", "2.3"),
    ("min(a, b) ~ max(ids)", "\"2.56\""),
    ("abs(n)", "3"),
    ("cos(0) + sin(0)", "1"),
    ("now.unix()", "1795275919"),
    ("now.millis()", "1795275919123"),
    ("now.iso()", "\"2026-11-21T15:45:19.123Z\""),
    ("random.pick(['only'])", "\"only\""),
    ("random.string(12) | length", "12"),
    ("random.int(a, 7)", "7"),
];

#[test]
fn expressions_come_to_this() {
    for (expression, json) in CASES {
        assert_eq!(run(expression).as_deref(), Ok(*json), "{expression}");
    }
}

#[test]
fn what_cannot_be_computed_is_said_without_values() {
    for (expression, why) in [
        ("a / zero", "division by zero"),
        ("a // zero", "division by zero"),
        ("a % zero", "division by zero"),
        ("zero ** -1", "division by zero"),
        (
            "word + 1",
            "`+` does not go with text and a number; write `… | int` or `… | float` to make a number of it",
        ),
        (
            "word > 3",
            "text and a number have no order; write `… | int` or `… | float` to make a number of it",
        ),
        ("a * 9223372036854775807", "the result is too large for a number"),
        ("b ** 9999", "the result is too large for a number"),
        ("n ** 0.5", "the result is too large for a number"),
        ("map.no", "`map.no` has no value"),
        ("ids[9]", "`ids[9]` has no value"),
        ("unset", "`unset` has no value"),
        ("unset + 1", "`unset` has no value"),
        ("a.b", "`a.b` has no value"),
        ("none_left | first", "`none_left | first` has no value"),
        ("word | int", "the filter `int` cannot be used on this value"),
        ("1 if a > 9", "the condition is false and there is no `else`"),
        ("nothing[0]", "nothing has no items"),
        ("1 in a", "nothing can be `in` a number"),
        ("random.pick(none_left)", "`random.pick` cannot choose from an empty list"),
        ("random.int(a, 1)", "`random.int` needs the smaller number first"),
        ("word * 99999999", "the result is longer than 16 MiB"),
        ("ids * 99999999", "the result has more than 1000000 items"),
        ("range(a * 10 ** 12)", "the result has more than 1000000 items"),
        ("(word * 9999) | replace('a', (word * 9999))", "the result is longer than 16 MiB"),
        ("word | indent(a * 10 ** 9)", "`indent` takes numbers up to 10000"),
        ("'%999999999d' | format(a)", "`format` takes widths of at most four digits"),
        ("ids | map('replace', '', word) | list", "`map` cannot use `replace`; a `for` loop can"),
    ] {
        assert_eq!(run(expression), Err(why.to_owned()), "{expression}");
    }
}

#[test]
fn mistakes_are_answered_when_the_file_is_read() {
    let all = [
        "pirce * 2",
        "price > 100 && yes",
        "a || b",
        "!yes",
        "a ? b : a",
        "a +",
        "(a",
        "a b",
        "head > 3",
        "head * 2",
        "head == 200",
        "-head",
        "head + 1",
        "1 / 0",
        "'a' < 1",
        "region.part",
        "known[7]",
        "known.x.y",
        "word.upper()",
        "word | uper",
        "a is numbr",
        "unknown()",
        "sha265(word)",
        "uuid(1)",
        "sin()",
        "min()",
        "random.int(1, 'x')",
        "random",
        "now.unix",
        "response",
        "response.code",
        "response.header",
        "loop_index",
        "arrival",
        "worker",
        "env.HOME",
        "t + 1",
        "file(word)",
        "base64(x=1)",
        "max(*ids)",
        "99999999999999999999",
    ];
    let mut out = String::new();
    for expression in all {
        let Err(problems) = plan(&scenario(OWN, expression)) else {
            panic!("{expression} should be refused")
        };
        let told: Vec<&str> = problems
            .lines()
            .filter(|line| line.starts_with("error") || line.contains("= help") || line.contains('^'))
            .map(str::trim)
            .collect();
        out.push_str(&[expression, &told.join("\n    "), ""].join("\n    "));
        out.push('\n');
    }
    insta::assert_snapshot!(out);
}

#[test]
fn what_is_too_deep_is_refused() {
    for expression in [
        "(".repeat(5_000),
        "[".repeat(5_000),
        "not ".repeat(5_000) + "a",
        "-".repeat(5_000) + "1",
        "1".to_owned() + &"+1".repeat(5_000),
        "a".to_owned() + &"|abs".repeat(5_000),
        "a".to_owned() + &".b".repeat(5_000),
        "a".to_owned() + &" if a else a".repeat(5_000),
        "'".to_owned() + &"x".repeat(20_000) + "'",
    ] {
        let problems = plan(&scenario(OWN, &expression)).expect_err("too long");
        assert!(problems.contains("this expression is too long"), "{problems}");
    }
    let problems = plan(&scenario(OWN, &"(".repeat(150))).expect_err("too deep");
    assert!(problems.contains("this expression is nested too deeply"), "{problems}");
    // Up to the limit there is stack enough for it.
    let nested = "(".repeat(45) + "a" + &")".repeat(45);
    assert_eq!(run(&nested).as_deref(), Ok("7"));
    assert_eq!(run(&("not ".repeat(190) + "yes")).as_deref(), Ok("true"));
}

#[test]
fn draws_are_the_users_and_repeat() {
    let plan = plan(&scenario(OWN, "[uuid(), random.float(1, 2), random.normal(0, 1), random.string(5)]"));
    let plan = plan.unwrap_or_else(|problems| panic!("{problems}"));
    let value = |seed| evaluated(&plan, seed).expect("it can be computed").to_json();
    assert_eq!(value(1), value(1));
    assert_ne!(value(1), value(2));
    let Ok(Value::List(items)) = evaluated(&plan, 1) else { panic!("a list") };
    let Value::Text(uuid) = &items[0] else { panic!("a text") };
    let parts: Vec<usize> = uuid.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12]);
    assert_eq!(&uuid[14..15], "4", "the version");
    assert!("89ab".contains(&uuid[19..20]), "the variant");
}

#[test]
fn a_condition_is_true_or_false() {
    let steps = |condition: &str| {
        format!(
            "target: http://h\nusers: {{v: {{vars: {{a: 1}}, tasks: {{t: {{steps: [{{if: \"{condition}\", then: [{{get: /}}]}}, \
             {{set: {{a: 2}}}}]}}}}}}}}\n"
        )
    };
    let outcome = |condition: &str| {
        let plan = plan(&steps(condition)).unwrap_or_else(|problems| panic!("{problems}"));
        let class = &plan.classes[0];
        let (mut draw, mut variables) = (Draw::from_seed(1), Variables::new(&class.variables));
        let mut cx = RenderContext {
            rows: stampede_scenarios::data::RowView::default(),
            user_id: 0,
            life: 0,
            class: "v",
            iteration: 0,
            arrival: None,
            loop_index: 0,
            response: &stampede_scenarios::response::NONE,
            draw: &mut draw,
            variables: &mut variables,
            around: &stampede_scenarios::template::NOWHERE,
        };
        let Op::JumpUnless { condition, .. } = &class.tasks[0].program.ops[0] else { panic!("a condition") };
        condition.evaluate_bool(&mut cx).map_err(|error| error.to_string())
    };
    assert_eq!(outcome("a > 0"), Ok(true));
    assert_eq!(outcome("${ a > 1 }"), Ok(false));
    let why = "a condition is true or false, and this is a number; compare it, as in `… > 0`";
    assert_eq!(outcome("a"), Err(why.to_owned()));
    assert_eq!(outcome("a and a + 1"), Err(why.to_owned()));
}
