//! Rules on the command line: read at once, so that what is wrong with one is said before anything else is done.

use stampede_scenarios::threshold::parse;

/// A rule as it was typed, if it is one; else with the part of it that is wrong marked.
pub(super) fn rule(text: &str) -> Result<String, String> {
    let text = text.trim();
    let Err(error) = parse(text) else { return Ok(text.to_owned()) };
    let columns = |to: usize| text.get(..to).unwrap_or(text).chars().count();
    let (from, to) = (columns(error.at.0), columns(error.at.1));
    let mark = "^".repeat((to - from).max(1));
    Err(format!("{error}\n\n  {text}\n  {:from$}{mark}\n  {}", "", error.hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_marked() {
        assert_eq!(rule(" p95 < 500ms "), Ok("p95 < 500ms".to_owned()));
        let told = ["p95 of \"GET /é\" < 5", "p95 <", "error_rate < 1% or die"]
            .map(|text| rule(text).expect_err(text));
        insta::assert_snapshot!(told.join("\n\n"));
    }
}
