//! A request step: its method, URL, name, headers, body and what is expected of the answer.

use super::bodies;
use super::class::ClassCx;
use super::cx::Cx;
use super::eval::Scope;
use super::extract;
use super::scalars::expected;
use super::schema::{Fields, Schema, listed};
use super::settings::{self, is_token};
use super::url;
use crate::diagnostics::{Diagnostic, closest};
use crate::plan::{NamePlan, OnFailure, RequestPlan};
use crate::template::{Encoding, Template};
use crate::tree::{Entry, Kind, Node, Scalar};

/// The verbs that are methods.
pub(super) const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

pub(super) const REQUEST: Schema = Schema {
    what: "a request",
    keys: &[
        "name",
        "headers",
        "query",
        "json",
        "form",
        "multipart",
        "body",
        "body_file",
        "timeout",
        "redirects",
        "cookies",
        "decompress",
        "http",
        "connection",
        "proxy",
        "auth",
        "expect",
        "extract",
        "on_failure",
        "get",
        "post",
        "put",
        "patch",
        "delete",
        "head",
        "options",
        "request",
    ],
};

/// Compiles a request; `None` after a report.
pub(super) fn read(
    verb: &Entry,
    fields: Fields<'_>,
    class: &ClassCx<'_>,
    cx: &Cx<'_>,
) -> Option<RequestPlan> {
    // Everything is read before anything is given up, so that all problems of the step come out.
    let line = method_and_path(verb, cx);
    let url = line.as_ref().and_then(|(_, path)| url::of_request(path, &class.scope, class.target, cx));
    let name = line.as_ref().and_then(|(method, path)| read_name(method, path, fields, class, cx));
    let query = match fields.get("query") {
        Some(node) => bodies::pairs(node, "query", &class.scope, cx),
        None => Some(Vec::new()),
    };
    let body = bodies::read(fields, &class.scope, class.names, cx);
    let mut settings = class.settings.clone();
    settings.apply(fields, &class.scope, cx);
    let extract = match fields.get("extract") {
        Some(node) => extract::read(node, &class.scope, cx),
        None => Some(Vec::new()),
    };
    let on_failure = match fields.get("on_failure") {
        Some(node) => read_on_failure(node, &class.scope, cx)?,
        // A test is not to begin on what was not set up.
        None if class.aside == Some("setup") => OnFailure::StopRun,
        None => OnFailure::Continue,
    };
    let ((method, _), (mut url, base), name, query, body) = (line?, url?, name?, query?, body?);
    url::with_query(&mut url, &query);
    Some(RequestPlan {
        method,
        name,
        url,
        base,
        headers: settings.headers,
        body,
        timeouts: settings.timeouts,
        redirects: settings.redirects,
        decompress: settings.decompress,
        http: settings.http,
        connection: settings.connection,
        proxy: settings.proxy,
        cookies: settings.cookies,
        expect: settings.expect,
        on_failure,
        extract: extract?,
        place: verb.key_place,
    })
}

/// The method in capitals, and the path with its place.
fn method_and_path(verb: &Entry, cx: &Cx<'_>) -> Option<(String, Node)> {
    let node = &verb.value;
    let scalar =
        match &node.kind {
            Kind::Scalar(scalar) if !node.is_null() => scalar,
            Kind::Map(_) => {
                cx.report(expected(node, "a path such as `/products`", "a map").hint(format!(
                    "options stand beside the verb: `{{{}: /products, timeout: 2s}}`",
                    verb.key
                )));
                return None;
            }
            _ => {
                cx.report(expected(node, "a path such as `/products`", node.found()));
                return None;
            }
        };
    if verb.key != "request" {
        if let Some((method, path)) = scalar.text.split_once(' ')
            && METHODS.contains(&method.to_ascii_lowercase().as_str())
        {
            cx.report(
                Diagnostic::at(
                    node.place,
                    format!("the verb says the method, and this says `{method}` again"),
                )
                .hint(format!("write `{}: {}`", method.to_ascii_lowercase(), path.trim())),
            );
            return None;
        }
        return Some((verb.key.to_ascii_uppercase(), node.clone()));
    }
    let Some((method, path)) = scalar.text.trim().split_once(char::is_whitespace) else {
        cx.report(
            Diagnostic::at(node.place, "a method and a path are expected here")
                .hint("for example `request: PURGE /cache`"),
        );
        return None;
    };
    let path = path.trim_start();
    let method = method.to_ascii_uppercase();
    if !is_token(&method) || matches!(method.as_str(), "CONNECT" | "GROUP" | "TASK") {
        cx.report(
            Diagnostic::at(node.place, format!("`{method}` is not a method that can be sent"))
                .hint("for example `request: PURGE /cache`"),
        );
        return None;
    }
    let scalar = Scalar { text: path.to_owned(), plain: scalar.plain };
    Some((method, Node { place: node.place, kind: Kind::Scalar(scalar) }))
}

const ON_FAILURE: [(&str, OnFailure); 5] = [
    ("continue", OnFailure::Continue),
    ("stop_task", OnFailure::StopTask),
    ("restart_user", OnFailure::RestartUser),
    ("stop_user", OnFailure::StopUser),
    ("stop_run", OnFailure::StopRun),
];

fn read_on_failure(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<OnFailure> {
    let names = ON_FAILURE.map(|(name, _)| name);
    let text = scope.text(node, &format!("one of {}", listed(&names)), cx)?;
    let found = ON_FAILURE.iter().find(|(name, _)| *name == text);
    if found.is_none() {
        let problem = Diagnostic::at(node.place, format!("`{text}` is nothing that can be done on failure"));
        cx.report(match closest(&text, names) {
            Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
            None => problem.hint(format!("one of {} is expected here", listed(&names))),
        });
    }
    found.map(|(_, what)| *what)
}

/// An unnamed request is called what its path looks like in the file, whatever values it has.
fn read_name(
    method: &str,
    path: &Node,
    fields: Fields<'_>,
    class: &ClassCx<'_>,
    cx: &Cx<'_>,
) -> Option<NamePlan> {
    let Some(node) = fields.get("name") else {
        let written = path.text().unwrap_or_default();
        let written = if written.is_empty() { "/" } else { written };
        return Some(NamePlan::Static(class.row(method, written)));
    };
    if node.is_null() || node.text().is_some_and(|text| text.trim().is_empty()) {
        cx.report(expected(node, "a name", "an empty text"));
        return None;
    }
    let template: Template = class.scope.template(node, Encoding::Raw, cx)?;
    if settings::has_control_characters(&template) {
        cx.report(Diagnostic::at(node.place, "a request's name is one line of text"));
        return None;
    }
    Some(match template.shown_static() {
        Some(name) => NamePlan::Static(class.row(method, name)),
        None if class.aside.is_some() => {
            cx.report(
                Diagnostic::at(node.place, "the name of a request that is made once is always the same")
                    .hint("leave the values out of it"),
            );
            return None;
        }
        None => NamePlan::PerValue(template),
    })
}
