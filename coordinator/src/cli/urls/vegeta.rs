//! vegeta's lists of targets: `METHOD URL` with header lines and `@file` below, or a JSON object to a line.
//!
//! Nothing is added to what the list says: vegeta sends no content type of its own either.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use stampede_scenarios::diagnostics::Diagnostic;

use super::lines::Line;
use super::made::has_host;
use super::{Asked, AskedBody};

/// Whether a line begins a target: a method in capitals and a URL.
pub(super) fn is_target(text: &str) -> bool {
    let Some((method, url)) = text.split_once(char::is_whitespace) else { return false };
    is_method(method) && url.contains("://")
}

fn is_method(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Reads targets as text; what cannot be read goes to `problems`.
pub(super) fn text(lines: &[Line<'_>], problems: &mut Vec<Diagnostic>) -> Vec<Asked> {
    let mut list: Vec<Asked> = Vec::new();
    // A blank line ends a target: what follows is none of its headers.
    let mut open = false;
    for line in lines {
        if line.text.is_empty() {
            open = false;
        } else if line.text.starts_with('#') {
            // A comment may stand among the headers.
        } else if is_target(line.text) {
            match target(line) {
                Ok(asked) => list.push(asked),
                Err(problem) => problems.push(*problem),
            }
            open = true;
        } else {
            match list.last_mut().filter(|_| open) {
                None => {
                    let problem = line.problem("a method and a URL are expected here");
                    problems.push(problem.hint("for example `GET http://127.0.0.1:8080/`"));
                    open = true;
                }
                Some(asked) => {
                    if let Err(problem) = detail(asked, line) {
                        problems.push(*problem);
                    }
                }
            }
        }
    }
    list
}

fn target(line: &Line<'_>) -> Result<Asked, Box<Diagnostic>> {
    let (method, url) = line.text.split_once(char::is_whitespace).unwrap_or((line.text, ""));
    let url = url.trim();
    if !has_host(url) || url.contains(char::is_whitespace) {
        return Err(Box::new(line.problem(format!("`{url}` is not a URL that can be tested"))));
    }
    let (method, url) = (method.to_owned(), url.to_owned());
    Ok(Asked { method, url, headers: Vec::new(), body: AskedBody::Nothing })
}

/// A header, or the file that is sent.
fn detail(asked: &mut Asked, line: &Line<'_>) -> Result<(), Box<Diagnostic>> {
    if let Some(path) = line.text.strip_prefix('@') {
        if path.trim().is_empty() {
            return Err(Box::new(line.problem("the name of a file is expected behind `@`")));
        }
        asked.body = AskedBody::File(path.trim().to_owned());
        return Ok(());
    }
    match line.text.split_once(':') {
        Some((name, value)) if !name.trim().is_empty() && !name.trim().contains(' ') => {
            asked.headers.push((name.trim().to_owned(), value.trim().to_owned()));
            Ok(())
        }
        _ => {
            let problem = line.problem("a header or a body is expected here");
            let hint = "`name: value`, or `@file`; a blank line stands between two targets";
            Err(Box::new(problem.hint(hint)))
        }
    }
}

/// A target in JSON.
#[derive(Debug, Deserialize)]
struct Target {
    #[serde(default = "get")]
    method: String,
    url: String,
    /// In base64.
    #[serde(default)]
    body: String,
    #[serde(default)]
    header: BTreeMap<String, Vec<String>>,
}

fn get() -> String {
    "GET".to_owned()
}

/// Reads targets in JSON, one to a line; what cannot be read goes to `problems`.
pub(super) fn json(lines: &[Line<'_>], problems: &mut Vec<Diagnostic>) -> Vec<Asked> {
    let mut list = Vec::new();
    for line in lines.iter().filter(|line| !line.says_nothing()) {
        match json_target(line) {
            Ok(asked) => list.push(asked),
            Err(problem) => problems.push(*problem),
        }
    }
    list
}

fn json_target(line: &Line<'_>) -> Result<Asked, Box<Diagnostic>> {
    let read = serde_json::from_str::<Target>(line.text);
    let target = read.map_err(|error| {
        // Its line is that of the one line it was given.
        let error = error.to_string();
        let what = error.split(" at line ").next().unwrap_or_default();
        let problem = line.problem(format!("this is no target in JSON: {what}"));
        problem.hint(r#"for example `{"method": "GET", "url": "http://127.0.0.1:8080/"}`"#)
    })?;
    if !has_host(&target.url) {
        return Err(Box::new(line.problem(format!("`{}` is not a URL that can be tested", target.url))));
    }
    let body = STANDARD.decode(&target.body).map_err(|_| line.problem("the `body` is not base64"))?;
    let body = String::from_utf8(body).map_err(|_| {
        let problem = line.problem("the `body` is not text");
        problem.hint("put it into a file, and name that with `@file` in a list of `METHOD URL` lines")
    })?;
    let headers = target.header.into_iter();
    let headers =
        headers.flat_map(|(name, values)| values.into_iter().map(move |value| (name.clone(), value)));
    Ok(Asked {
        method: target.method.to_ascii_uppercase(),
        url: target.url,
        headers: headers.collect(),
        body: if body.is_empty() { AskedBody::Nothing } else { AskedBody::Text(body) },
    })
}
