//! Text with `${…}` in it: split into pieces, each with its place, and put together as a template or as a known value.
//!
//! `$${` is a literal `${`. A text that is nothing but one `${…}` keeps the type of its value.

use super::cx::Cx;
use super::eval::{Evaluated, Scope, Secret};
use super::expr;
use crate::diagnostics::Diagnostic;
use crate::plan::Place;
use crate::template::{Encoding, Template};
use crate::tree::{Entry, Kind, Node};
use crate::value::Value;

/// A part of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Piece {
    /// As it stands there.
    Text(String),
    /// What an expression came to, and where it stands.
    Computed(Evaluated, Place),
}

impl Scope<'_> {
    /// The pieces of a text; `None` if one of them has been reported.
    pub(super) fn pieces(&self, text: &str, place: Place, cx: &Cx<'_>) -> Option<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        let mut good = true;
        // The text in the file may differ from the text it means (escapes, folding), so each expression is looked up in it.
        let (written, mut cursor) = (cx.slice(place), 0);
        while let Some(at) = rest.find("${") {
            if rest[..at].ends_with('$') {
                literal.push_str(&rest[..at - 1]);
                literal.push_str("${");
                rest = &rest[at + 2..];
                continue;
            }
            literal.push_str(&rest[..at]);
            let inside = &rest[at + 2..];
            let Some(end) = expr::end_of(inside) else {
                cx.report(
                    Diagnostic::at(place, "this `${` is never closed")
                        .hint("write `}` behind the name, or `$${` for a literal `${`"),
                );
                return None;
            };
            let whole = &rest[at..=at + 2 + end];
            let here = written.get(cursor..).and_then(|tail| tail.find(whole)).map(|found| {
                let from = cursor + found;
                cursor = from + whole.len();
                cx.within(place, from, cursor)
            });
            let here = here.unwrap_or(place);
            match self.evaluate(&inside[..end], here, cx) {
                Some(evaluated) => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Computed(evaluated, here));
                }
                None => good = false,
            }
            rest = &inside[end + 1..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Text(literal));
        }
        good.then_some(pieces)
    }

    /// A scalar as a template, written for its place; `None` after a report, also for lists and maps.
    pub(super) fn template(&self, node: &Node, encoding: Encoding, cx: &Cx<'_>) -> Option<Template> {
        let Kind::Scalar(scalar) = &node.kind else {
            cx.report(Diagnostic::at(node.place, format!("text is expected here, not {}", node.found())));
            return None;
        };
        Some(assemble(&self.pieces(&scalar.text, node.place, cx)?, encoding))
    }

    /// A value that must be known when the file is read, with everything inside it computed.
    pub(super) fn known(&self, node: &Node, cx: &Cx<'_>) -> Option<Value> {
        self.known_or_secret(node, cx).map(|(value, _)| value)
    }

    /// Likewise, with the secret that it comes from, if it does.
    pub(super) fn known_or_secret(&self, node: &Node, cx: &Cx<'_>) -> Option<(Value, Secret)> {
        match &node.kind {
            Kind::List(items) => {
                let read: Vec<_> = items.iter().map(|item| self.known_or_secret(item, cx)).collect();
                let read = read.into_iter().collect::<Option<Vec<_>>>()?;
                let (values, secrets): (Vec<Value>, Vec<Secret>) = read.into_iter().unzip();
                Some((Value::List(values), secrets.into_iter().flatten().next()))
            }
            Kind::Map(entries) => {
                let one = |entry: &Entry| {
                    let (value, secret) = self.known_or_secret(&entry.value, cx)?;
                    Some(((entry.key.clone(), value), secret))
                };
                let read: Vec<_> = entries.iter().map(one).collect();
                let read = read.into_iter().collect::<Option<Vec<_>>>()?;
                let (entries, secrets): (Vec<(String, Value)>, Vec<Secret>) = read.into_iter().unzip();
                Some((Value::Map(entries), secrets.into_iter().flatten().next()))
            }
            Kind::Scalar(scalar) if scalar.is_too_long() => {
                cx.report(too_long(node.place));
                None
            }
            Kind::Scalar(scalar) if !scalar.text.contains("${") => Some((scalar.value(), None)),
            Kind::Scalar(scalar) => self.known_text(&scalar.text, node.place, cx),
        }
    }

    fn known_text(&self, text: &str, place: Place, cx: &Cx<'_>) -> Option<(Value, Secret)> {
        let pieces = self.pieces(text, place, cx)?;
        let (mut out, mut secret) = (String::new(), None);
        for piece in &pieces {
            let (value, from) = match piece {
                Piece::Text(text) => {
                    out.push_str(text);
                    continue;
                }
                Piece::Computed(Evaluated::Known(value), _) => (value, None),
                Piece::Computed(Evaluated::Secret(value, name), _) => (value, Some(name.clone())),
                Piece::Computed(Evaluated::Later(..), here) => {
                    cx.report(
                        Diagnostic::at(
                            *here,
                            "this must be known when the file is read, and the value is not",
                        )
                        .hint("it can be written into paths, headers, queries and bodies of requests"),
                    );
                    return None;
                }
            };
            secret = secret.or(from);
            if pieces.len() == 1 {
                return Some((value.clone(), secret));
            }
            value.write_plain(&mut out);
        }
        Some((Value::Text(out), secret))
    }
}

/// For a number that would otherwise lose digits, or its type, without a word.
pub(super) fn too_long(place: Place) -> Diagnostic {
    Diagnostic::at(place, "this number has more digits than can be kept (19 at most)")
        .hint("in quotes it is kept as text")
}

/// Puts pieces together.
pub(super) fn assemble(pieces: &[Piece], encoding: Encoding) -> Template {
    let mut template = Template::default();
    for piece in pieces {
        match piece {
            Piece::Text(text) => template.push_text(text, encoding),
            Piece::Computed(Evaluated::Known(value), _) => template.push_value(value, encoding),
            Piece::Computed(Evaluated::Secret(value, name), _) => template.push_secret(value, name, encoding),
            Piece::Computed(Evaluated::Later(source, secret), _) => {
                template.push_source(source.clone(), secret.as_deref(), encoding);
            }
        }
    }
    template
}
