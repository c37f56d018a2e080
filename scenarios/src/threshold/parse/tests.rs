//! Rules as they are written, and what is none.

use super::*;

#[test]
fn rules_are_read_and_written_the_same() {
    for text in [
        "p95 < 500ms",
        "p99.9 of \"GET /products/:sku\" <= 1m30s",
        "avg of ok < 0.2s for 30s",
        "max of \"/any method\" < 2s",
        "ttfb.p50 of each < 80ms",
        "service.min >= 1ms",
        "rps > 100/s",
        "rps of group \"check out\" > 6000/m",
        "failures_per_s == 0",
        "ttfb.p95 of class shopper < 100ms",
        "rps of class \"a b\" > 5 for 10s",
        "error_rate < 50% for 10s or stop",
        "requests >= 1000",
        "dropped == 0",
        "iteration_error_rate <= 0.01 or stop",
        "p95 within 10% of baseline",
        "ttfb.avg of class shopper within 2.5% of baseline for 10s or stop",
        "requests within 0% of baseline",
        "dropped within 200% of baseline",
    ] {
        assert_eq!(parse(text).map(|rule| rule.to_string()).as_deref(), Ok(text));
    }
    let rule = parse("p95 of 'GET  /a'<1.5s").expect("no spaces are needed");
    assert_eq!((rule.value(), rule.scope), (Some(1500.0), Scope::Endpoint(Some("GET".into()), "/a".into())));
    assert_eq!(parse("error_rate < 50%").map(|rule| rule.value()), Ok(Some(0.5)));
    assert_eq!(parse("rps > 300/m").map(|rule| rule.value()), Ok(Some(5.0)));
}

#[test]
fn what_is_no_rule_is_answered_with_its_part_and_a_hint() {
    let texts = [
        "",
        "p95",
        "p95 <",
        "p95 < 500",
        "p101 < 1s",
        "px < 1s",
        "median < 1s",
        "p95 = 1s",
        "p95 < 1s and p50 < 1s",
        "p95 of < 1s",
        "p95 of GET /cart < 1s",
        "p95 of \"GET /cart < 1s",
        "p95 of class < 1s",
        "iteration_error_rate of class shopper < 1%",
        "rps of ok > 5",
        "dropped of \"GET /\" < 5",
        "error_rate < 5",
        "error_rate < x%",
        "requests > many",
        "rps > -3/s",
        "p95 < 1s for 0.5s",
        "p95 < 1s for 1h",
        "p95 < 1s or die",
        "requests > 10 or stop",
        "p95 within 10",
        "p95 within 10% of the baseline",
        "p95 within 10% of",
        "p95 of each within 10% of baseline",
        "rps within 100% of baseline",
        "requests within 10% of baseline for 10s",
        "p95 < within 10% of baseline",
        "\"p95\" < 1s",
    ];
    let told = texts.map(|text| {
        let error = parse(text).expect_err(text);
        let (from, to) = error.at;
        assert!(text.get(from..to).is_some(), "{text}: {from}..{to}");
        format!("{text}\n    {}: {error}\n    {}", &text[from..to], error.hint)
    });
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn limits_and_margins() {
    let less = parse("p95 < 500ms").expect("a rule");
    assert!(less.holds(499.9) && !less.holds(500.0));
    assert_eq!((less.margin(400.0), less.margin(600.0), less.worse(3.0, 4.0)), (Some(0.2), Some(-0.2), 4.0));
    let more = parse("rps >= 100").expect("a rule");
    assert!(more.holds(100.0) && !more.holds(99.0));
    assert_eq!((more.margin(150.0), more.worse(3.0, 4.0)), (Some(0.5), 3.0));
    let none = parse("dropped == 0").expect("a rule");
    assert!(none.holds(0.0) && !none.holds(1.0));
    assert_eq!((none.margin(1.0), none.worse(0.0, 3.0)), (None, 3.0));
}

#[test]
fn a_baseline_allows_so_much_worse_and_anything_better() {
    let mut times = parse("p95 within 10% of baseline").expect("a rule");
    assert!(times.is_of_baseline() && !times.holds(1.0), "nobody has looked into it");
    assert_eq!((times.value(), times.margin(1.0)), (None, None));
    times.set_base(200.0);
    assert!(times.holds(219.0) && times.holds(1.0) && !times.holds(221.0));
    let mut rates = parse("rps within 25% of baseline").expect("a rule");
    rates.set_base(400.0);
    assert_eq!(rates.value(), Some(300.0));
    assert!(rates.holds(300.0) && rates.holds(9000.0) && !rates.holds(299.0));
    let mut none = parse("error_rate within 10% of baseline").expect("a rule");
    none.set_base(0.0);
    assert!(none.holds(0.0) && !none.holds(0.001));
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in "[a-z0-9.<>=!%\"' /é]{0,40}") {
        if let Ok(rule) = parse(&text) {
            proptest::prop_assert_eq!(parse(&rule.to_string()), Ok(rule));
        }
    }
}
