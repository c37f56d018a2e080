//! What is wrong with a scenario: every problem at once, each with its place, a caret and a hint.
//!
//! Problems are collected as plain data by whoever finds them and rendered here in the style of rustc. Where they are shown,
//! and which exit code follows, is for the binaries to say.

use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, normalize_untrusted_str};

use crate::plan::Place;
use crate::source::Source;

/// Further problems are counted but not shown.
const MOST_SHOWN: usize = 50;
/// Longer lines (a whole scenario in one line of JSON) are cut around the place.
const LONGEST_LINE: usize = 160;
/// Places more bytes apart are shown as two pieces of the file.
const FARTHEST_TOGETHER: usize = 16_384;

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
        let message = one_line(&problem.message);
        let label = problem.label.as_deref().map(one_line);
        let hint = problem.hint.as_deref().map(one_line);
        let name = one_line(&self.source.name);
        let places: Vec<(AnnotationKind, Place, Option<String>)> = problem
            .place
            .map(|place| (AnnotationKind::Primary, place, label))
            .into_iter()
            .chain(
                problem
                    .notes
                    .iter()
                    .map(|note| (AnnotationKind::Context, note.place, Some(one_line(&note.text)))),
            )
            .collect();
        let windows = self.windows(places);
        let mut group = Group::with_title(Level::ERROR.primary_title(message));
        for window in &windows {
            let marks = window
                .marks
                .iter()
                .map(|mark| mark.kind.span(mark.span.clone()).label(mark.label.as_deref()));
            group = group.element(
                Snippet::source(window.text.as_str())
                    .line_start(window.line)
                    .path(name.as_str())
                    .annotations(marks),
            );
        }
        if let Some(hint) = hint {
            group = group.element(Level::HELP.message(hint));
        }
        renderer.render(&[group])
    }

    /// The lines that are shown: together where they are near each other, so that they are read from top to bottom.
    fn windows(&self, places: Vec<(AnnotationKind, Place, Option<String>)>) -> Vec<Window> {
        if places.is_empty() {
            return Vec::new();
        }
        let text = &self.source.text;
        let lines: Vec<Range<usize>> = places.iter().map(|(_, place, _)| self.line(*place)).collect();
        let first = lines.iter().map(|line| line.start).min().unwrap_or(0);
        let last = lines.iter().map(|line| line.end).max().unwrap_or(0);
        let apart = places.len() > 1 && last - first > FARTHEST_TOGETHER;
        if apart || lines.iter().any(|line| line.len() > LONGEST_LINE) {
            return places.into_iter().zip(lines).map(|(place, line)| self.window(place, line)).collect();
        }
        let line = places.iter().map(|(_, place, _)| line_number(*place)).min().unwrap_or(1);
        let marks = places.into_iter().zip(lines).map(|((kind, place, label), line)| {
            let start = floor(text, place.start).clamp(line.start, line.end);
            Mark { kind, span: start - first..floor(text, place.end).clamp(start, line.end) - first, label }
        });
        vec![Window { text: text[first..last].to_owned(), line, marks: marks.collect() }]
    }

    /// One line by itself, cut around the place if it is long.
    fn window(
        &self,
        (kind, place, label): (AnnotationKind, Place, Option<String>),
        line: Range<usize>,
    ) -> Window {
        let text = &self.source.text;
        let start = floor(text, place.start).clamp(line.start, line.end);
        let from = floor(text, start.saturating_sub(LONGEST_LINE / 2).max(line.start));
        let until = floor(text, (from + LONGEST_LINE).min(line.end));
        let end = floor(text, place.end).clamp(start, until.max(start));
        let mark = Mark { kind, span: start - from..end - from, label };
        Window { text: text[from..until.max(end)].to_owned(), line: line_number(place), marks: vec![mark] }
    }

    /// The bytes of the line a place begins in, without the end of the line: a caret under a whole block would say less.
    fn line(&self, place: Place) -> Range<usize> {
        let text = &self.source.text;
        let start = floor(text, place.start);
        let first = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let last = text[start..].find('\n').map_or(text.len(), |at| start + at);
        first..first + text[first..last].trim_end_matches('\r').len()
    }
}

fn line_number(place: Place) -> usize {
    usize::try_from(place.line).unwrap_or(1).max(1)
}

/// Lines as they are shown, with what is marked in them.
struct Window {
    text: String,
    line: usize,
    marks: Vec<Mark>,
}

/// Marked bytes of a window.
struct Mark {
    kind: AnnotationKind,
    span: Range<usize>,
    label: Option<String>,
}

/// Text from the file may hold control characters that a terminal would obey.
fn one_line(text: &str) -> String {
    normalize_untrusted_str(&text.replace('\n', "\\n").replace('\r', "\\r"))
}

/// The last character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
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
