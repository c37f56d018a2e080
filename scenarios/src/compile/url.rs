//! Targets and the URLs of requests.
//!
//! A relative URL is the target with the path behind it, as written: `https://shop.test/api` and `/cart` are
//! `https://shop.test/api/cart`. Nothing is normalised beyond the `/` that a URL without a path needs.

use ::url::{ParseError, Url};

use super::cx::Cx;
use super::eval::Scope;
use super::texts;
use crate::diagnostics::Diagnostic;
use crate::plan::Place;
use crate::template::{Encoding, PairsOf, Segment, Template};
use crate::tree::Node;

/// What relative URLs begin with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// There is none, which is a mistake only if a relative URL needs it.
    Missing,
    /// It cannot be used, which has been reported.
    Bad,
    /// Without a `/` at the end.
    Base(String),
}

impl Target {
    /// A `target` of the file.
    pub(super) fn read(node: &Node, scope: &Scope<'_>, cx: &Cx<'_>) -> Self {
        let scope = Scope { env: true, user: false, ..*scope };
        let Some(text) = scope.text(node, "a URL such as `https://shop.test`", cx) else { return Self::Bad };
        Self::check(&text).unwrap_or_else(|problem| {
            cx.report(Diagnostic { place: Some(node.place), ..*problem });
            Self::Bad
        })
    }

    /// The target of `--host`.
    pub(super) fn of_flag(host: &str, cx: &Cx<'_>) -> Self {
        Self::check(host).unwrap_or_else(|problem| {
            cx.report(Diagnostic { message: format!("--host: {}", problem.message), ..*problem });
            Self::Bad
        })
    }

    fn check(text: &str) -> Result<Self, Box<Diagnostic>> {
        let text = text.trim();
        check_absolute(text)?;
        if text.contains('?') {
            return Err(Box::new(
                Diagnostic::anywhere("a target has no query").hint("put it into the requests, under `query`"),
            ));
        }
        let mut encoded = String::new();
        Encoding::Url.write_text(text.trim_end_matches('/'), &mut encoded);
        Ok(Self::Base(encoded))
    }

    /// The base URL, if there is a good one.
    pub(super) fn base(&self) -> Option<&str> {
        match self {
            Self::Base(base) => Some(base),
            _ => None,
        }
    }
}

/// The URL of a request, without what `query` adds: absolute, or, where it begins with a value of the moment, with what it
/// follows if that turns out to be no absolute one.
pub(super) fn of_request(
    node: &Node,
    scope: &Scope<'_>,
    target: &Target,
    cx: &Cx<'_>,
) -> Option<(Template, Option<String>)> {
    let written = node.text().unwrap_or_default();
    let path = texts::assemble(&scope.pieces(written, node.place, cx)?, Encoding::Url);
    if literals(&path).any(|text| text.contains('#')) {
        cx.report(
            Diagnostic::at(node.place, "what stands behind a `#` is never sent to a server")
                .hint("leave it out; a `#` that is meant is written `%23`"),
        );
        return None;
    }
    if !matches!(path.segments().first(), None | Some(Segment::Literal(_))) {
        return Some((path, target.base().map(str::to_owned)));
    }
    let first = literals(&path).next().unwrap_or_default();
    let url = if has_scheme(first) { with_path(&path) } else { relative(&path, target, node.place, cx)? };
    let sample = |value: &str| -> String {
        let of = |segment: &Segment| match segment {
            Segment::Literal(text) => text.clone(),
            _ => value.to_owned(),
        };
        url.segments().iter().map(of).collect()
    };
    // A value behind a host may be its port, a part of its name, or the path.
    let checked =
        check_absolute(&sample("0")).or_else(|problem| check_absolute(&sample("/0")).map_err(|_| problem));
    match checked {
        Ok(()) => Some((url, None)),
        Err(problem) => {
            cx.report(Diagnostic { place: Some(node.place), ..*problem });
            None
        }
    }
}

/// The URL with a query behind it.
pub(super) fn with_query(url: &mut Template, parts: &[(String, Template)]) {
    if !parts.is_empty() && !matches!(url.segments().first(), None | Some(Segment::Literal(_))) {
        // It may turn out to have a query of its own: that is seen when it is written.
        url.push_template(&Template::from(Segment::Separator(PairsOf::Query)));
        url.push_pairs(PairsOf::Query, "", parts);
        return;
    }
    let separator = match literals(url).any(|text| text.contains('?')) {
        false => "?",
        true if literals(url).last().is_some_and(|text| text.ends_with(['?', '&'])) => "",
        true => "&",
    };
    url.push_pairs(PairsOf::Query, separator, parts);
}

fn relative(path: &Template, target: &Target, place: Place, cx: &Cx<'_>) -> Option<Template> {
    let base = match target {
        Target::Base(base) => base,
        Target::Bad => return None,
        Target::Missing => {
            if !cx.target_missed.replace(true) {
                cx.report(
                    Diagnostic::at(
                        place,
                        "this URL is relative, and there is no `target` for it to be relative to",
                    )
                    .hint("add `target: http://127.0.0.1:8080` at the top of the file, or run with `--host`"),
                );
            }
            return None;
        }
    };
    let has_path = base.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    let first = match path.segments().first() {
        Some(Segment::Literal(text)) => text.as_str(),
        _ => "",
    };
    let mut url = Template::literal(base.clone());
    if !(first.starts_with('/')
        || (first.starts_with('?') && has_path)
        || (path.segments().is_empty() && has_path))
    {
        url.push_encoded("/");
    }
    url.push_template(path);
    Some(url)
}

/// A URL such as `http://a?b` gets the `/` that a request line needs.
fn with_path(url: &Template) -> Template {
    let mut out = Template::default();
    for (index, segment) in url.segments().iter().enumerate() {
        let Segment::Literal(text) = segment else {
            out.push_template(&Template::from(segment.clone()));
            continue;
        };
        let behind = text.find("://").map_or(0, |at| at + 3);
        match text[behind..].find(['/', '?']) {
            Some(at) if index == 0 && text[behind + at..].starts_with('?') => {
                out.push_encoded(&text[..behind + at]);
                out.push_encoded("/");
                out.push_encoded(&text[behind + at..]);
            }
            None if index == 0 && url.segments().len() == 1 => {
                out.push_encoded(text);
                out.push_encoded("/");
            }
            _ => out.push_encoded(text),
        }
    }
    out
}

fn literals(template: &Template) -> impl Iterator<Item = &str> {
    template.segments().iter().filter_map(|segment| match segment {
        Segment::Literal(text) => Some(text.as_str()),
        _ => None,
    })
}

/// `localhost:8080/a` is a host with a port and not a scheme, so only `://` counts.
fn has_scheme(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| {
        !scheme.is_empty()
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

fn check_absolute(text: &str) -> Result<(), Box<Diagnostic>> {
    let problem = |message: String, hint: String| Err(Box::new(Diagnostic::anywhere(message).hint(hint)));
    if !has_scheme(text) {
        return problem(format!("`{text}` is not an absolute URL"), format!("did you mean `http://{text}`?"));
    }
    let url = match Url::parse(text) {
        Ok(url) => url,
        Err(error) => {
            let reason = match error {
                ParseError::EmptyHost => "it has no host".to_owned(),
                ParseError::InvalidPort => "the port is none; ports go from 1 to 65535".to_owned(),
                ParseError::InvalidIpv4Address => "that is no IPv4 address".to_owned(),
                other => other.to_string(),
            };
            return problem(
                format!("`{text}` is not a URL: {reason}"),
                "write `http://host:port/path`".to_owned(),
            );
        }
    };
    if !matches!(url.scheme(), "http" | "https") {
        return problem(
            format!("`{}` is not a scheme that can be tested", url.scheme()),
            "only `http://` and `https://` work".to_owned(),
        );
    }
    if !url.username().is_empty() || url.password().is_some() {
        return problem(
            "a URL with a user and a password in it is not supported".to_owned(),
            "send them with `auth: {basic: {user: …, password: …}}`".to_owned(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_go_behind_the_target() {
        let cx = Cx::new("", &|_| None);
        for (target, path, url) in [
            ("http://h", "/", "http://h/"),
            ("http://h/", "/a", "http://h/a"),
            ("http://h/api/", "/a", "http://h/api/a"),
            ("http://h/api", "a", "http://h/api/a"),
            ("http://h/api", "?b=1", "http://h/api?b=1"),
            ("http://h", "?b=1", "http://h/?b=1"),
            ("http://h", "", "http://h/"),
            ("http://h/api", "", "http://h/api"),
        ] {
            let target = Target::check(target).expect("a target");
            let made = relative(&Template::literal(path), &target, Place::default(), &cx).expect("a URL");
            assert_eq!(made.as_static(), Some(url));
        }
        for (written, url) in [
            ("http://h", "http://h/"),
            ("http://h?a=b/c", "http://h/?a=b/c"),
            ("http://h/a?b", "http://h/a?b"),
            ("http://h:80/", "http://h:80/"),
        ] {
            assert_eq!(with_path(&Template::literal(written)).as_static(), Some(url));
        }
    }

    #[test]
    fn queries_join_what_is_there() {
        for (url, whole) in [
            ("http://h/", "http://h/?a=1"),
            ("http://h/?b", "http://h/?b&a=1"),
            ("http://h/?", "http://h/?a=1"),
        ] {
            let mut url = Template::literal(url);
            with_query(&mut url, &[("a".into(), Template::literal("1"))]);
            assert_eq!(url.as_static(), Some(whole));
        }
    }
}
