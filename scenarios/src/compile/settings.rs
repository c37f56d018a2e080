//! What stands in `defaults`, in a class's `defaults` and beside a request: headers, timeout, redirects, cookies, `expect`.
//!
//! The nearest wins; `headers` and `expect` key by key, and null removes one.

use std::time::Duration;

use super::cx::Cx;
use super::eval::Scope;
use super::expect::{self, default_expect};
use super::schema::{Fields, Schema};
use super::texts;
use crate::diagnostics::Diagnostic;
use crate::plan::Expect;
use crate::template::{Encoding, Segment, Template};
use crate::tree::{Entry, Kind, Node};

pub(super) const DEFAULTS: Schema = Schema {
    what: "`defaults`",
    keys: &["headers", "timeout", "redirects", "cookies", "expect"],
    later: &["decompress", "http", "pipeline", "connection", "resolve", "proxy", "auth"],
};
const TIMEOUT: Schema = Schema { what: "`timeout`", keys: &["total"], later: &["connect", "first_byte"] };

/// Set by the client, because they say how the message is framed.
const FRAMING: [&str; 4] = ["content-length", "transfer-encoding", "connection", "upgrade"];

/// The settings a request is made with.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) headers: Vec<(String, Template)>,
    pub(super) timeout: Duration,
    pub(super) redirects: u32,
    pub(super) cookies: bool,
    pub(super) expect: Expect,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            headers: Vec::new(),
            timeout: Duration::from_secs(30),
            redirects: 10,
            cookies: true,
            expect: default_expect(),
        }
    }
}

impl Settings {
    /// Puts a `defaults` on top.
    pub(super) fn apply_defaults(&mut self, node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) {
        if let Some(fields) = DEFAULTS.open(node, cx) {
            self.apply(fields, scope, cx);
        }
    }

    /// Puts the settings among these fields on top; problems are reported and leave the setting as it was.
    pub(super) fn apply(&mut self, fields: Fields<'_>, scope: &Scope<'_>, cx: &Cx<'_>) {
        if let Some(node) = fields.get("headers") {
            self.apply_headers(node, scope, cx);
        }
        if let Some(timeout) = fields.get("timeout").and_then(|node| read_timeout(node, scope, cx)) {
            self.timeout = timeout;
        }
        let redirects = fields.get("redirects").and_then(|node| scope.whole(node, "`redirects`", 0, 100, cx));
        if let Some(redirects) = redirects.and_then(|number| u32::try_from(number).ok()) {
            self.redirects = redirects;
        }
        if let Some(cookies) = fields.get("cookies").and_then(|node| scope.boolean(node, cx)) {
            self.cookies = cookies;
        }
        if let Some(node) = fields.get("expect") {
            expect::apply(&mut self.expect, node, scope, cx);
        }
    }

    fn apply_headers(&mut self, node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) {
        let Kind::Map(entries) = &node.kind else {
            cx.report(
                Diagnostic::at(
                    node.place,
                    format!("`headers` is a map of names and values, and this is {}", node.found()),
                )
                .hint("for example `headers: {accept: application/json}`"),
            );
            return;
        };
        for entry in entries {
            let name = entry.key.to_ascii_lowercase();
            if !check_header_name(&name, entry, cx) {
                continue;
            }
            let Some(values) = values(&entry.value, Encoding::Raw, scope, cx) else { continue };
            if values.iter().any(has_control_characters) {
                cx.report(Diagnostic::at(entry.value.place, "a header's value is one line of text"));
                continue;
            }
            // In the place of the one it replaces, so that the order of the file is kept.
            let at = self.headers.iter().position(|(old, _)| *old == name).unwrap_or(self.headers.len());
            self.headers.retain(|(old, _)| *old != name);
            let at = at.min(self.headers.len());
            self.headers.splice(at..at, values.into_iter().map(|value| (name.clone(), value)));
        }
    }
}

/// The texts of a value of `headers`, `query` or `form`: a list gives several, null gives none. `None` after a report.
pub(super) fn values(
    node: &Node,
    encoding: Encoding,
    scope: &Scope<'_>,
    cx: &Cx<'_>,
) -> Option<Vec<Template>> {
    use super::eval::Evaluated::Known;
    use super::texts::Piece::Computed;
    use crate::value::Value;
    match &node.kind {
        _ if node.is_null() => Some(Vec::new()),
        Kind::List(items) => {
            let read: Vec<Option<Vec<Template>>> =
                items.iter().map(|item| values(item, encoding, scope, cx)).collect();
            read.into_iter().collect::<Option<Vec<_>>>().map(|lists| lists.into_iter().flatten().collect())
        }
        Kind::Map(_) => {
            cx.report(
                Diagnostic::at(node.place, "text or a list of texts is expected here, not a map")
                    .hint("maps can be sent with `json`"),
            );
            None
        }
        Kind::Scalar(scalar) => {
            let pieces = scope.pieces(&scalar.text, node.place, cx)?;
            let one = |value: &Value| {
                let mut template = Template::default();
                template.push_value(value, encoding);
                template
            };
            Some(match pieces.as_slice() {
                [Computed(Known(Value::Null), _)] => Vec::new(),
                [Computed(Known(Value::List(items)), _)] => {
                    items.iter().filter(|item| **item != Value::Null).map(one).collect()
                }
                pieces => vec![texts::assemble(pieces, encoding)],
            })
        }
    }
}

fn check_header_name(name: &str, entry: &Entry, cx: &Cx<'_>) -> bool {
    let problem = if name.is_empty() || !is_token(name) {
        Diagnostic::at(entry.key_place, format!("`{}` cannot be the name of a header", entry.key))
            .hint("a name has letters, digits and hyphens; the value stands behind the colon")
    } else if FRAMING.contains(&name) {
        Diagnostic::at(entry.key_place, format!("`{name}` is set by the client itself and cannot be given"))
    } else {
        return true;
    };
    cx.report(problem);
    false
}

/// RFC 9110, 5.6.2.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// Whether the part of a text that is always the same is more than one line.
pub(super) fn has_control_characters(template: &Template) -> bool {
    template.segments().iter().any(|segment| match segment {
        Segment::Literal(text) => text.chars().any(|c| c.is_control() && c != '\t'),
        Segment::Value { .. } => false,
    })
}

fn read_timeout(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Duration> {
    let why = "a request needs some time; leave `timeout` out for 30s";
    if matches!(node.kind, Kind::Map(_)) {
        return scope.some_duration(TIMEOUT.open(node, cx)?.get("total")?, why, cx);
    }
    scope.some_duration(node, why, cx)
}
