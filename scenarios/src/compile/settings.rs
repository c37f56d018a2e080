//! What stands in `defaults`, in a class's `defaults` and beside a request: headers, `auth`, `expect`, and how the request is made.
//!
//! The nearest wins; `headers`, `timeout` and `expect` key by key, and null removes one.

use super::auth::{self, Auth};
use super::cx::Cx;
use super::eval::Scope;
use super::expect::{self, default_expect};
use super::schema::{Fields, Schema};
use super::texts;
use super::transport::{self, Pipelining};
use crate::diagnostics::Diagnostic;
use crate::plan::{Connection, Expect, HttpVersion, ProxyUrl, Timeouts};
use crate::template::{Encoding, Segment, Template};
use crate::tree::{Entry, Kind, Node};

/// For all requests of the test.
pub(super) const DEFAULTS: Schema = Schema {
    what: "`defaults`",
    keys: &[
        "headers",
        "timeout",
        "redirects",
        "cookies",
        "decompress",
        "http",
        "connection",
        "proxy",
        "auth",
        "expect",
        "pipeline",
        "resolve",
    ],
};
/// For those of one class: `resolve` is for the whole test.
pub(super) const CLASS_DEFAULTS: Schema = Schema {
    what: "the `defaults` of a class",
    keys: &[
        "headers",
        "timeout",
        "redirects",
        "cookies",
        "decompress",
        "http",
        "connection",
        "proxy",
        "auth",
        "expect",
        "pipeline",
    ],
};

/// Set by the client, because they say how the message is framed.
const FRAMING: [&str; 4] = ["content-length", "transfer-encoding", "connection", "upgrade"];

/// The settings a request is made with.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) headers: Vec<(String, Template)>,
    pub(super) timeouts: Timeouts,
    pub(super) redirects: u32,
    pub(super) cookies: bool,
    pub(super) decompress: bool,
    pub(super) http: HttpVersion,
    pub(super) connection: Connection,
    pub(super) proxy: Option<ProxyUrl>,
    pub(super) expect: Expect,
    /// Of the class as a whole.
    pub(super) pipeline: Option<Pipelining>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            headers: Vec::new(),
            timeouts: Timeouts::default(),
            redirects: 10,
            cookies: true,
            decompress: true,
            http: HttpVersion::default(),
            connection: Connection::default(),
            proxy: None,
            expect: default_expect(),
            pipeline: None,
        }
    }
}

impl Settings {
    /// Puts a `defaults` on top.
    pub(super) fn apply_defaults(&mut self, node: &Node, schema: &Schema, scope: &Scope<'_>, cx: &Cx<'_>) {
        let Some(fields) = schema.open(node, cx) else { return };
        self.apply(fields, scope, cx);
        if let Some(pipeline) = fields.get("pipeline").and_then(|node| transport::pipeline(node, scope, cx)) {
            self.pipeline = Some(pipeline);
        }
    }

    /// Puts the settings among these fields on top; problems are reported and leave the setting as it was.
    pub(super) fn apply(&mut self, fields: Fields<'_>, scope: &Scope<'_>, cx: &Cx<'_>) {
        match auth::read(fields, scope, cx) {
            None => {}
            Some(Auth::Removed) => self.put_header("authorization", Vec::new()),
            Some(Auth::Given(value)) => self.put_header("authorization", vec![value]),
        }
        if let Some(node) = fields.get("headers") {
            self.apply_headers(node, scope, cx);
        }
        if let Some(node) = fields.get("timeout") {
            transport::apply_timeout(&mut self.timeouts, node, scope, cx);
        }
        let redirects = fields.get("redirects").and_then(|node| scope.whole(node, "`redirects`", 0, 100, cx));
        if let Some(redirects) = redirects.and_then(|number| u32::try_from(number).ok()) {
            self.redirects = redirects;
        }
        for (key, flag) in [("cookies", &mut self.cookies), ("decompress", &mut self.decompress)] {
            if let Some(wanted) = fields.get(key).and_then(|node| scope.boolean(node, cx)) {
                *flag = wanted;
            }
        }
        if let Some(http) = fields.get("http").and_then(|node| transport::version(node, scope, cx)) {
            self.http = http;
        }
        if let Some(kind) = fields.get("connection").and_then(|node| transport::connection(node, scope, cx)) {
            self.connection = kind;
        }
        if let Some(node) = fields.get("proxy") {
            transport::apply_proxy(&mut self.proxy, node, scope, cx);
        }
        if let Some(node) = fields.get("expect") {
            expect::apply(&mut self.expect, node, scope, cx);
        }
    }

    /// In the place of the one it replaces, so that the order of the file is kept.
    fn put_header(&mut self, name: &str, values: Vec<Template>) {
        let at = self.headers.iter().position(|(old, _)| old == name).unwrap_or(self.headers.len());
        self.headers.retain(|(old, _)| old != name);
        let at = at.min(self.headers.len());
        self.headers.splice(at..at, values.into_iter().map(|value| (name.to_owned(), value)));
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
            self.put_header(&name, values);
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
pub(in crate::compile) fn has_control_characters(template: &Template) -> bool {
    template.segments().iter().any(|segment| match segment {
        Segment::Literal(text) => text.chars().any(|c| c.is_control() && c != '\t'),
        _ => false,
    })
}
