//! `auth`: who a request says it is. It becomes the `authorization` header.
//!
//! What it sends is secret: no message repeats it.

use super::cx::Cx;
use super::eval::{Evaluated, Scope};
use super::scalars::expected;
use super::schema::{Fields, Schema};
use super::settings::has_control_characters;
use super::texts::{self, Piece};
use crate::diagnostics::Diagnostic;
use crate::template::{Encoding, Segment, Template};
use crate::tree::{Entry, Kind, Node};
use crate::value::Value;

const AUTH: Schema = Schema { what: "`auth`", keys: &["bearer", "basic"] };
const BASIC: Schema = Schema { what: "`basic`", keys: &["user", "password"] };
const EXAMPLE: &str =
    "for example `auth: {bearer: \"${token}\"}` or `auth: {basic: {user: anna, password: x}}`";

/// What an `auth` does to the `authorization` of the settings around it.
pub(super) enum Auth {
    /// Nobody in particular (`auth: null`).
    Removed,
    /// The value of the header.
    Given(Template),
}

/// The `auth` among these fields; `None` if there is none, or after a report.
pub(super) fn read(fields: Fields<'_>, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Auth> {
    let entry = fields.entry("auth")?;
    if entry.value.is_null() {
        return Some(Auth::Removed);
    }
    if let Some(header) = fields.get("headers").and_then(explicit) {
        cx.report(
            Diagnostic::at(entry.key_place, "`auth` and an `authorization` header say the same thing twice")
                .note(header.key_place, "the header is here")
                .hint("`auth` is sent as the `authorization` header; keep one of them"),
        );
        return None;
    }
    let known = AUTH.open(&entry.value, cx)?;
    match (known.entry("bearer"), known.entry("basic")) {
        (Some(bearer), None) => token(&bearer.value, scope, cx).map(hidden),
        (None, Some(basic)) => pair(&basic.value, scope, cx).map(hidden),
        (Some(first), Some(second)) => {
            let (first, second) =
                if first.key_place < second.key_place { (first, second) } else { (second, first) };
            cx.report(
                Diagnostic::at(second.key_place, "`auth` is `bearer` or `basic`, not both")
                    .note(first.key_place, "the other one is here"),
            );
            None
        }
        (None, None) => {
            if !known.misspelt("bearer") && !known.misspelt("basic") {
                cx.report(
                    Diagnostic::at(entry.value.place, "`auth` needs `bearer` or `basic`").hint(EXAMPLE),
                );
            }
            None
        }
    }
}

/// Whatever it sends is secret.
fn hidden(value: Template) -> Auth {
    Auth::Given(value.hidden_as("auth"))
}

fn explicit(headers: &Node) -> Option<&Entry> {
    let Kind::Map(entries) = &headers.kind else { return None };
    entries.iter().find(|entry| entry.key.eq_ignore_ascii_case("authorization"))
}

fn token(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Template> {
    let token = text(node, "a token", scope, cx)?;
    if token.as_static().is_some_and(|token| token.trim().is_empty()) {
        cx.report(expected(node, "a token", "an empty text"));
        return None;
    }
    if has_control_characters(&token) {
        cx.report(Diagnostic::at(node.place, "a token is one line of text"));
        return None;
    }
    let mut value = Template::literal("Bearer ");
    value.push_template(&token);
    Some(value)
}

/// RFC 7617, 2.
fn pair(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Template> {
    let fields = BASIC.open(node, cx)?;
    let part = |key: &str| {
        let Some(node) = fields.get(key) else {
            if !fields.misspelt(key) {
                cx.report(Diagnostic::at(node.place, format!("`basic` has no `{key}`")).hint(
                    "both are needed: `basic: {user: anna, password: x}`; a `password` may be empty: `\"\"`",
                ));
            }
            return None;
        };
        text(node, "text", scope, cx)
    };
    let (user, password) = (part("user"), part("password"));
    let (mut both, password) = (user?, password?);
    let colon = |segment: &Segment| matches!(segment, Segment::Literal(text) if text.contains(':'));
    if both.segments().iter().any(colon) {
        let place = fields.get("user").map_or(node.place, |node| node.place);
        cx.report(
            Diagnostic::at(place, "the user of `basic` cannot have a `:`, which ends it")
                .hint("what stands behind the `:` is the `password`"),
        );
        return None;
    }
    both.push_encoded(":");
    both.push_template(&password);
    let mut value = Template::literal("Basic ");
    value.push_base64(both);
    Some(value)
}

/// One text; not a list, a map or nothing, also not by way of a variable.
fn text(node: &Node, what: &str, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Template> {
    let Kind::Scalar(scalar) = &node.kind else {
        cx.report(expected(node, what, node.found()));
        return None;
    };
    if node.is_null() {
        cx.report(expected(node, what, "nothing"));
        return None;
    }
    let pieces = scope.pieces(&scalar.text, node.place, cx)?;
    if let [Piece::Computed(Evaluated::Known(value) | Evaluated::Secret(value, _), _)] = pieces.as_slice()
        && matches!(value, Value::Null | Value::List(_) | Value::Map(_))
    {
        cx.report(expected(node, what, value.found()));
        return None;
    }
    Some(texts::assemble(&pieces, Encoding::Raw))
}
