//! No input makes the compiler panic, and what is wrong is always said.

use proptest::prelude::*;
use stampede_scenarios::compile::compile;
use stampede_scenarios::describe::describe;
use stampede_scenarios::source::{Overrides, Source};

const GOOD: [&str; 10] = [
    include_str!("valid/absolute.yaml"),
    include_str!("valid/arrivals-poisson.yaml"),
    include_str!("valid/everything.yaml"),
    include_str!("valid/expect.yaml"),
    include_str!("valid/extract.yaml"),
    include_str!("valid/json.json"),
    include_str!("valid/merge.yaml"),
    include_str!("valid/rate-stages.yaml"),
    include_str!("valid/steps.yaml"),
    include_str!("valid/transport.yaml"),
];

fn try_it(text: &str) {
    let source = Source::new("test.yaml", text);
    match compile(&source, &Overrides::default(), &|_| Some("api.test".to_owned()), 1) {
        Ok(plan) => assert!(!describe(&plan).is_empty()),
        Err(problems) => {
            assert!(!problems.list().is_empty(), "an error without a reason");
            assert!(!problems.render(true).is_empty());
            for place in problems.list().iter().filter_map(|problem| problem.place) {
                assert!(text.get(place.start..place.end).is_some(), "{place:?} of {text:?}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        try_it(&text);
    }

    #[test]
    fn any_text_of_yaml_signs(text in "[-:{}\\[\\],&*!|>'\"%@`#?<$ \t\r\na-c0-9\u{feff}é]{0,120}") {
        try_it(&text);
    }

    #[test]
    fn good_files_with_a_piece_replaced(
        which in 0..GOOD.len(), at in any::<prop::sample::Index>(), length in 0..30_usize, piece in "\\PC{0,10}|[-:{}\\[\\],&*$\n\t '\"]{0,6}",
    ) {
        let chars: Vec<char> = GOOD[which].chars().collect();
        let from = at.index(chars.len());
        let until = (from + length).min(chars.len());
        let text: String = chars[..from].iter().copied().chain(piece.chars()).chain(chars[until..].iter().copied()).collect();
        try_it(&text);
    }

    #[test]
    fn good_files_with_one_value_replaced(which in 0..GOOD.len(), line in 0..80_usize, value in "[-0-9.a-z{}\\[\\] ,:\"$/%]{0,12}") {
        let replaced = |(index, text): (usize, &str)| match text.split_once(": ") {
            Some((key, _)) if index == line => format!("{key}: {value}"),
            _ => text.to_owned(),
        };
        let lines: Vec<String> = GOOD[which].lines().enumerate().map(replaced).collect();
        try_it(&lines.join("\n"));
    }
}

#[test]
fn nesting_size_and_aliases_are_bounded() {
    try_it(&"[".repeat(100_000));
    try_it(&"{a: ".repeat(100_000));
    try_it(&"- ".repeat(10_000));
    try_it(&format!("a: {}x{}", "[".repeat(200), "]".repeat(200)));
    try_it(&"x".repeat(9 << 20));
    let large = compile(&Source::new("large.yaml", "x".repeat(9 << 20)), &Overrides::default(), &|_| None, 1);
    let told = large.expect_err("too large").to_string();
    assert!(told.contains("larger than 8 MiB") && told.contains("`body_file`"), "{told}");
    let line = |i: usize| format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 10].join(", "));
    try_it(&format!("a0: &a0 [xxxxxxxxxx]\n{}", (1..40).map(line).collect::<String>()));
}

#[test]
fn a_byte_order_mark_and_foreign_line_ends_do_no_harm() {
    let text = "\u{feff}target: http://h\r\nusers:\r\n  v:\r\n    tasks: {t: {steps: [get: /]}}\r\n    wieght: 3\r\n";
    let problems =
        compile(&Source::new("test.yaml", text), &Overrides::default(), &|_| None, 1).expect_err("a slip");
    insta::assert_snapshot!(problems.to_string(), @r"
    error: unknown key `wieght` in a user class
     --> test.yaml:5:5
      |
    5 |     wieght: 3
      |     ^^^^^^
      |
      = help: did you mean `weight`?
    ");
}
