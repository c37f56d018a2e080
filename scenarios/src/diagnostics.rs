//! What is wrong with a scenario: every problem at once, each with its place, a caret and a hint.
//!
//! Problems are collected as plain data by whoever finds them and rendered here in the style of rustc. Where they are shown,
//! and which exit code follows, is for the binaries to say.

use std::fmt;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};

use crate::plan::Place;
use crate::source::Source;

/// Further problems are counted but not shown.
const MOST_SHOWN: usize = 50;
/// Longer lines (a whole scenario in one line of JSON) are cut around the place.
const LONGEST_LINE: usize = 160;

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// Where; `None` if it is not in the file, as with a flag.
    pub place: Option<Place>,
    /// A few words beside the caret.
    pub label: Option<String>,
    /// How to put it right.
    pub hint: Option<String>,
    /// Other places that belong to it, such as the first of two definitions.
    pub notes: Vec<Note>,
}

/// Another place that belongs to a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// What stands there.
    pub text: String,
    /// Where.
    pub place: Place,
}

impl Diagnostic {
    /// A problem at a place of the file.
    pub fn at(place: Place, message: impl Into<String>) -> Self {
        Self { place: Some(place), ..Self::anywhere(message) }
    }

    /// A problem that stands nowhere in the file.
    pub fn anywhere(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None, label: None, hint: None, notes: Vec::new() }
    }

    /// Adds the words beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds how to put it right.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds another place that belongs to it.
    #[must_use]
    pub fn note(mut self, place: Place, text: impl Into<String>) -> Self {
        self.notes.push(Note { text: text.into(), place });
        self
    }
}

/// All problems of one scenario, with the text needed to show them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics {
    source: Source,
    list: Vec<Diagnostic>,
}

impl Diagnostics {
    /// The problems of `source`, in any order; they are sorted by place, and one that was found twice is kept once.
    pub fn new(source: &Source, mut list: Vec<Diagnostic>) -> Self {
        list.sort_by_key(|problem| problem.place.map(|place| (place.start, place.end)));
        let mut kept: Vec<Diagnostic> = Vec::with_capacity(list.len());
        for problem in list {
            // The same line is read once for each class (file-level defaults) or use (an alias).
            let twice = |old: &&Diagnostic| old.place == problem.place;
            if !kept.iter().rev().take_while(twice).any(|old| old.message == problem.message) {
                kept.push(problem);
            }
        }
        Self { source: source.clone(), list: kept }
    }

    /// The problems, by place; those without one come first.
    pub fn list(&self) -> &[Diagnostic] {
        &self.list
    }

    /// Everything as text for a terminal, with or without colours.
    pub fn render(&self, color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        let mut parts: Vec<String> =
            self.list.iter().take(MOST_SHOWN).map(|problem| self.render_one(&renderer, problem)).collect();
        let more = self.list.len().saturating_sub(MOST_SHOWN);
        if more > 0 {
            parts.push(format!("… and {more} more"));
        }
        parts.join("\n\n")
    }

    fn render_one(&self, renderer: &Renderer, problem: &Diagnostic) -> String {
        // Text from the file may hold control characters that a terminal would obey.
        let message = normalize_untrusted_str(&problem.message);
        let label = problem.label.as_deref().map(normalize_untrusted_str);
        let hint = problem.hint.as_deref().map(normalize_untrusted_str);
        let name = normalize_untrusted_str(&self.source.name);
        let places: Vec<(AnnotationKind, Place, Option<String>)> =
            problem
                .place
                .map(|place| (AnnotationKind::Primary, place, label))
                .into_iter()
                .chain(problem.notes.iter().map(|note| {
                    (AnnotationKind::Context, note.place, Some(normalize_untrusted_str(&note.text)))
                }))
                .collect();
        let windows: Vec<Window> = places.iter().map(|(_, place, _)| self.window(*place)).collect();
        let mut group = Group::with_title(Level::ERROR.primary_title(message));
        for ((kind, place, label), window) in places.into_iter().zip(&windows) {
            group = group.element(
                Snippet::source(window.text.as_str())
                    .line_start(usize::try_from(place.line).unwrap_or(1).max(1))
                    .path(name.as_str())
                    .annotation(kind.span(window.span.clone()).label(label)),
            );
        }
        if let Some(hint) = hint {
            group = group.element(Level::HELP.message(hint));
        }
        renderer.render(&[group])
    }

    /// The one line that is shown for a place, and the place within it: a caret under a whole block would say less.
    fn window(&self, place: Place) -> Window {
        let text = &self.source.text;
        let start = floor(text, place.start.min(text.len()));
        let end = floor(text, place.end.clamp(start, text.len()));
        let first = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let last = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let line = text[first..last].trim_end_matches('\r');
        let (from, to) = (start - first, (end.min(last) - first).min(line.len()));
        if line.len() <= LONGEST_LINE {
            return Window { text: line.to_owned(), span: from.min(line.len())..to };
        }
        let cut = floor(line, from.saturating_sub(LONGEST_LINE / 2).min(line.len()));
        let until = floor(line, (cut + LONGEST_LINE).min(line.len()));
        let shown = line[cut..until].to_owned();
        let length = shown.len();
        Window {
            text: shown,
            span: (from - cut).min(length)..to.saturating_sub(cut).clamp((from - cut).min(length), length),
        }
    }
}

/// A line as it is shown, and the marked bytes of it.
struct Window {
    text: String,
    span: std::ops::Range<usize>,
}

/// The last character boundary at or before `at`.
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Diagnostics {}

/// The one of `known` that `written` was probably meant to be.
pub(crate) fn closest<'a>(written: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let written = written.to_lowercase();
    let allowed = if written.chars().count() <= 3 { 1 } else { 1 + written.chars().count() / 4 };
    known
        .into_iter()
        .map(|name| (edits(&written, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters must be put in, taken out, changed or swapped with their neighbour (optimal string alignment).
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = above[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(above[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_key_that_was_meant() {
        let keys = ["weight", "wait", "get", "steps", "spawn_rate"];
        for (written, meant) in [
            ("wieght", Some("weight")),
            ("GET", Some("get")),
            ("gte", Some("get")),
            ("step", Some("steps")),
            ("spawn-rate", Some("spawn_rate")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(closest(written, keys), meant, "{written}");
        }
    }

    #[test]
    fn more_than_fifty_are_counted() {
        let source = Source::new("a.yaml", "a\n");
        let list = (0..60).map(|i| Diagnostic::anywhere(format!("problem {i}"))).collect();
        let text = Diagnostics::new(&source, list).to_string();
        assert!(text.ends_with("… and 10 more"), "{text}");
    }

    #[test]
    fn a_place_outside_the_text_does_no_harm() {
        let source = Source::new("a.yaml", "ä: ö");
        let place = Place { start: 1, end: 99, line: 1, column: 1 };
        let text = Diagnostics::new(&source, vec![Diagnostic::at(place, "no")]).to_string();
        assert!(text.contains("a.yaml"), "{text}");
    }
}
