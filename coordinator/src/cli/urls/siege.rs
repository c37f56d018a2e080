//! siege's `urls.txt`: a URL to a line, behind it perhaps a method and what is sent; `NAME = value`, used as `$(NAME)`.
//!
//! As in siege a URL without a scheme is an `http://` one, and `<file` sends the content of a file.

use std::collections::BTreeMap;

use stampede_scenarios::diagnostics::Diagnostic;

use super::lines::Line;
use super::made::has_host;
use super::{Asked, AskedBody};

/// Reads the lines; what cannot be read goes to `problems`.
pub(super) fn read(lines: &[Line<'_>], problems: &mut Vec<Diagnostic>) -> Vec<Asked> {
    let mut variables = BTreeMap::new();
    let mut list = Vec::new();
    for line in lines.iter().filter(|line| !line.says_nothing()) {
        let text = match expand(line, &variables) {
            Ok(text) => text,
            Err(problem) => {
                problems.push(*problem);
                continue;
            }
        };
        if let Some((name, value)) = variable(&text) {
            variables.insert(name.to_owned(), value.to_owned());
            continue;
        }
        match request(line, &text) {
            Ok(asked) => list.push(asked),
            Err(problem) => problems.push(*problem),
        }
    }
    list
}

/// `NAME = value`.
fn variable(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.split_once('=')?;
    let name = name.trim();
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| (name, value.trim()))
}

/// Puts in the variables. `${…}` of a name that the list does not set stays: the scenario may know what it means.
fn expand(line: &Line<'_>, variables: &BTreeMap<String, String>) -> Result<String, Box<Diagnostic>> {
    let mut out = String::new();
    let mut rest = line.text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let close = match from.as_bytes().get(1) {
            Some(b'(') => ')',
            Some(b'{') => '}',
            _ => {
                out.push('$');
                rest = &from[1..];
                continue;
            }
        };
        let Some((name, behind)) = from[2..].split_once(close) else {
            out.push_str(from);
            return Ok(out);
        };
        match variables.get(name.trim()) {
            Some(value) => out.push_str(value),
            None if close == ')' => {
                let problem = line.problem(format!("`$({name})` is used, and nothing above sets it"));
                return Err(Box::new(
                    problem.hint(format!("write `{} = value` in a line above", name.trim())),
                ));
            }
            None => {
                out.push_str("${");
                out.push_str(name);
                out.push('}');
            }
        }
        rest = behind;
    }
    out.push_str(rest);
    Ok(out)
}

fn request(line: &Line<'_>, text: &str) -> Result<Asked, Box<Diagnostic>> {
    let (url, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    if !has_host(&url) {
        let problem = line.problem(format!("`{url}` is not a URL that can be tested"));
        return Err(Box::new(problem.hint("for example `http://127.0.0.1:8080/`")));
    }
    let (method, content) = rest.trim().split_once(char::is_whitespace).unwrap_or((rest.trim(), ""));
    if !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        let problem = line.problem(format!("`{method}` stands where a method is expected"));
        return Err(Box::new(problem.hint("for example `http://127.0.0.1:8080/login POST user=anna`")));
    }
    let method = if method.is_empty() { "GET" } else { method };
    let content = content.trim();
    let body = match content.strip_prefix('<').map(str::trim) {
        Some("") => return Err(Box::new(line.problem("the name of a file is expected behind `<`"))),
        Some(path) => AskedBody::File(path.to_owned()),
        None if content.is_empty() => AskedBody::Nothing,
        None => AskedBody::Text(content.to_owned()),
    };
    let asked = Asked { method: method.to_owned(), url, headers: Vec::new(), body };
    Ok(asked.with_content_type())
}
