//! `expect`: when a response counts as ok. What each rule asks is read in `rules.rs`.

use super::cx::Cx;
use super::eval::Scope;
use super::extract::path_at;
use super::rules::{About, Subject, read_matcher};
use super::schema::Schema;
use super::settings::is_token;
use crate::diagnostics::Diagnostic;
use crate::expect::Expect;
use crate::json::Path;
use crate::matcher::Matcher;
use crate::tree::{Entry, Kind, Node};

const EXPECT: Schema =
    Schema { what: "`expect`", keys: &["status", "header", "json", "body", "time", "size"] };

/// 2xx and 3xx, and nothing about the rest.
pub(super) fn default_expect() -> Expect {
    Expect {
        status: vec![(200, 299), (300, 399)],
        headers: Vec::new(),
        json: Vec::new(),
        body: None,
        size: None,
        time_ms: None,
    }
}

/// Puts an `expect` on top of another, key by key, also those of `header` and `json`; null removes a rule.
pub(super) fn apply(expect: &mut Expect, node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) {
    if let Kind::Scalar(_) | Kind::List(_) = &node.kind {
        let message = format!("`expect` is a map of what to look at, and this is {}", node.found());
        cx.report(Diagnostic::at(node.place, message).hint("for example `expect: {status: 200}`"));
        return;
    }
    let Some(fields) = EXPECT.open(node, cx) else { return };
    if let Some(node) = fields.get("status")
        && let Some(status) = read_status(node, &Scope { user: false, ..*scope }, cx)
    {
        expect.status = status;
    }
    if let Some(node) = fields.get("header") {
        put_each(&mut expect.headers, node, &HEADERS, scope, cx);
    }
    if let Some(node) = fields.get("json") {
        put_each(&mut expect.json, node, &VALUES, scope, cx);
    }
    for (key, about, matcher) in [
        ("body", About::Body, &mut expect.body),
        ("time", About::Time, &mut expect.time_ms),
        ("size", About::Size, &mut expect.size),
    ] {
        match fields.get(key) {
            None => {}
            Some(node) if node.is_null() => *matcher = None,
            // One that cannot be read leaves it as it was.
            Some(node) => {
                let read = read_matcher(node, Subject { about, name: key }, scope, cx);
                *matcher = read.or_else(|| matcher.take());
            }
        }
    }
}

/// A part of `expect` that has rules by name.
struct Named<K> {
    key: &'static str,
    about: About,
    example: &'static str,
    /// Reads a name; `None` after a report.
    read: fn(&Entry, &Cx<'_>) -> Option<K>,
    /// The name as it is told from others.
    text: fn(&K) -> &str,
}

const HEADERS: Named<String> = Named {
    key: "header",
    about: About::Header,
    example: "for example `header: {content-type: {contains: json}}`",
    read: header_name,
    text: |name| name.as_str(),
};

const VALUES: Named<Path> = Named {
    key: "json",
    about: About::Json,
    example: "for example `json: {$.stock: {gt: 0}}`",
    read: |entry, cx| path_at(&entry.key, entry.key_place, cx),
    text: |path| path.text(),
};

/// Puts rules by name on top of others.
fn put_each<K>(list: &mut Vec<(K, Matcher)>, node: &Node, named: &Named<K>, scope: &Scope<'_>, cx: &Cx<'_>) {
    if node.is_null() {
        list.clear();
        return;
    }
    let Kind::Map(entries) = &node.kind else {
        let message = format!("`{}` is a map of names and rules, and this is {}", named.key, node.found());
        cx.report(Diagnostic::at(node.place, message).hint(named.example));
        return;
    };
    for entry in entries {
        let Some(name) = (named.read)(entry, cx) else { continue };
        let at = list.iter().position(|(old, _)| (named.text)(old) == (named.text)(&name));
        if entry.value.is_null() {
            match at {
                Some(at) => drop(list.remove(at)),
                None => cx.report(nothing_to_remove(entry, named.about)),
            }
            continue;
        }
        let label = format!("{} {}", named.key, (named.text)(&name));
        let subject = Subject { about: named.about, name: &label };
        let Some(matcher) = read_matcher(&entry.value, subject, scope, cx) else { continue };
        match at {
            Some(at) => list[at].1 = matcher,
            None => list.push((name, matcher)),
        }
    }
}

/// Nothing would be done without a word.
fn nothing_to_remove(entry: &Entry, about: About) -> Diagnostic {
    let message = format!("null removes a rule of `defaults`, and there is none for `{}`", entry.key);
    Diagnostic::at(entry.value.place, message).hint(match about {
        About::Json => {
            "a value that is null is expected with `{eq: null}`, one that is not there with `{exists: false}`"
        }
        _ => "a header that is not there is expected with `{exists: false}`",
    })
}

fn header_name(entry: &Entry, cx: &Cx<'_>) -> Option<String> {
    if is_token(&entry.key) {
        return Some(entry.key.to_ascii_lowercase());
    }
    cx.report(
        Diagnostic::at(entry.key_place, format!("`{}` cannot be the name of a header", entry.key))
            .hint(HEADERS.example),
    );
    None
}

fn read_status(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<Vec<(u16, u16)>> {
    if node.is_null() {
        return Some(vec![(100, 599)]);
    }
    let items = match &node.kind {
        Kind::List(items) if items.is_empty() => {
            cx.report(
                Diagnostic::at(node.place, "an empty list of statuses allows no response at all")
                    .hint("`status: null` allows every one"),
            );
            return None;
        }
        Kind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    let read: Vec<Option<(u16, u16)>> = items.iter().map(|item| read_pattern(item, scope, cx)).collect();
    read.into_iter().collect()
}

fn read_pattern(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Option<(u16, u16)> {
    let text = scope.setting(node, "a status such as `200` or `2xx`", cx)?;
    let lower = text.trim().to_ascii_lowercase();
    if let Some(class) = lower.strip_suffix("xx")
        && let Ok(class @ 1..=5) = class.parse::<u16>()
    {
        return Some((class * 100, class * 100 + 99));
    }
    if let Ok(status @ 100..=599) = lower.parse::<u16>() {
        return Some((status, status));
    }
    cx.report(
        Diagnostic::at(node.place, format!("`{text}` is not a status"))
            .hint("write a number from 100 to 599 or a class such as `2xx`; several as a list: `[200, 3xx]`"),
    );
    None
}
