//! The text of an expression, read: `minijinja` parses it, `build.rs` makes our tree of what it found.
//!
//! Its parser is used through an interface without promises, which is why its version is pinned. It recurses, and so do we, so
//! what is too long or has too many signs is refused before it sees it.

use minijinja::machinery::{Span, parse_expr};

use super::build::Builder;
use super::cx::Cx;
use super::eval::Scope;
use crate::diagnostics::Diagnostic;
use crate::expression::Node;
use crate::plan::Place;

/// Bytes of an expression at most.
const LONGEST: usize = 10_000;
/// Signs and words that an expression can nest by.
const MOST_SIGNS: usize = 200;

/// Where the `}` of a `${` stands, counted from behind the `${`; braces in quotes and in pairs do not count.
pub(super) fn end_of(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0_u32, None, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) => quote = if c == open { None } else { Some(open) },
            (None, '\'' | '"') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => return Some(at),
            (None, '}') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

/// Reads an expression that stands at `place`, which may be a little more than it; `None` after a report.
pub(super) fn read(text: &str, place: Place, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Node> {
    if let Some(problem) = refused(text, place) {
        cx.report(problem);
        return None;
    }
    let spot = Spot { text, place, cx };
    match parse_expr(text) {
        Ok(expr) => Builder { scope, spot, cx }.node(&expr, false),
        Err(error) => {
            let detail = error.detail().unwrap_or("it cannot be read");
            let at = error.range().map_or(place, |range| spot.part(range.start, range.end));
            cx.report(syntax(text, detail, at));
            None
        }
    }
}

fn refused(text: &str, place: Place) -> Option<Diagnostic> {
    if text.trim().is_empty() {
        return Some(
            Diagnostic::at(place, "nothing stands between `${` and `}`")
                .hint("write a name or an expression, or `$${` for a literal `${`"),
        );
    }
    if text.len() > LONGEST || signs(text) > MOST_SIGNS {
        return Some(
            Diagnostic::at(place, "this expression is too long")
                .hint("compute a part of it first, with `vars` or a step `set`"),
        );
    }
    None
}

/// What an expression can nest by: signs outside of quotes other than commas, and words that join.
fn signs(text: &str) -> usize {
    let (mut count, mut quote, mut escaped) = (0, None, false);
    let mut outside = String::with_capacity(text.len());
    for c in text.chars() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(c),
            (None, c) => {
                let is_sign = !c.is_alphanumeric() && !c.is_whitespace() && !matches!(c, ',' | '_' | ':');
                count += usize::from(is_sign);
                outside.push(c);
            }
        }
    }
    let words = outside.split(|c: char| !c.is_alphanumeric() && c != '_');
    count + words.filter(|word| matches!(*word, "not" | "and" | "or" | "if" | "is" | "in")).count()
}

/// The parser's own words, and what people who come from other languages write.
fn syntax(text: &str, detail: &str, place: Place) -> Diagnostic {
    if detail.contains("recursion") {
        return Diagnostic::at(place, "this expression is nested too deeply")
            .hint("compute a part of it first, with `vars` or a step `set`");
    }
    let problem = Diagnostic::at(place, format!("this is not an expression: {detail}"));
    let hints = [
        ("&&", "`and` is written as a word"),
        ("||", "`or` is written as a word"),
        ("===", "equal is `==`"),
        ("?", "a choice is written `'a' if n > 3 else 'b'`"),
        ("!", "`not` is written as a word; not equal is `!=`"),
        ("${", "names stand as they are inside `${…}`"),
    ];
    let other_than_unequal = text.replace("!=", "");
    match hints.iter().find(|(sign, _)| other_than_unequal.contains(sign)) {
        Some((_, hint)) => problem.hint(*hint),
        None if text.matches(['\'', '"']).count() % 2 == 1 => problem.hint("a quote is never closed"),
        None => {
            problem.hint("for example `price * 2`, `a and not b`, `'x' if n > 3 else 'y'`, `items | length`")
        }
    }
}

/// Where an expression stands in the file.
#[derive(Clone, Copy)]
pub(super) struct Spot<'a> {
    text: &'a str,
    place: Place,
    cx: &'a Cx<'a>,
}

impl Spot<'_> {
    /// The place of a part of it; of the whole, if that is all there is or the file writes it in another way.
    pub(super) fn of(&self, span: Span) -> Place {
        self.part(span.start_offset as usize, span.end_offset as usize)
    }

    fn part(&self, from: usize, to: usize) -> Place {
        let is_all = |from: usize, to: usize| {
            self.text
                .get(from..to)
                .is_none_or(|part| part.trim() == self.text.trim() || part.trim().is_empty())
        };
        match self.cx.slice(self.place).find(self.text) {
            Some(at) if !is_all(from, to) => self.cx.within(self.place, at + from, at + to),
            _ => self.place,
        }
    }

    /// What stands at a part of it.
    pub(super) fn written(&self, span: Span) -> &str {
        self.text.get(span.start_offset as usize..span.end_offset as usize).unwrap_or("").trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closing_brace_is_found() {
        assert_eq!(end_of("a} b"), Some(1));
        assert_eq!(end_of("'}' ~ \"}\"}"), Some(9));
        assert_eq!(end_of("{a}}"), Some(3));
        assert_eq!(end_of("a"), None);
        assert_eq!(end_of("'a}"), None);
    }

    #[test]
    fn what_nests_is_counted() {
        assert_eq!(signs("not a and (b or -c)"), 6);
        assert_eq!(signs("['a', 'not (', x_1]"), 2);
    }
}
