//! `extract`: values taken out of a response into a user's variables.
//!
//! What is looked for is compiled when the scenario is read; here a response is looked at. A simple JSONPath is followed through
//! the body's text; for the others the body becomes a tree, once for all of them. It does not know how responses come in, nor
//! what becomes of a request that fails here.

use regex::bytes::Regex;
use serde_json::Value as Json;

use crate::contents::{Contents, ResponseView};
use crate::draw::Draw;
use crate::head::{headers, sent_cookie, set_cookie};
use crate::json::{self, Found, Malformed, Path, Query};
use crate::page::{Css, Tangled};
use crate::value::{Value, write_json_inside};
use crate::variables::{VariableId, Variables};

/// One value to take.
#[derive(Debug, Clone)]
pub struct ExtractPlan {
    /// What it is kept in.
    pub variable: VariableId,
    /// The variable's name, for messages.
    pub name: String,
    /// Where it is looked for.
    pub from: ExtractFrom,
    /// Which one, if there are several.
    pub take: Take,
    /// What the variable is when nothing is found. Without it the request has failed.
    pub default: Option<Value>,
}

/// Where a value is looked for.
#[derive(Debug, Clone)]
pub enum ExtractFrom {
    /// In a JSON body.
    Json(Path),
    /// In any body: the first group, or the whole match where there is none.
    Regex(Regex),
    /// In a header, named in lower case.
    Header(String),
    /// In a cookie: the user's own, or one that this response sets.
    Cookie(String),
    /// In the elements of an HTML page.
    Css(Css),
}

/// Which of several values is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// The first.
    First,
    /// The last.
    Last,
    /// Any; takes one draw, whatever the response.
    Random,
    /// All of them as a list, which may be empty.
    All,
}

/// A value that is not there and has no default. The text names the variable and where it was looked for, never what was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtractFailure {
    /// Nothing is there.
    #[error("{name}: nothing at {path}")]
    Nothing {
        /// The variable.
        name: String,
        /// Where it was looked for.
        path: String,
    },
    /// The page is too large, or its elements are nested too deeply.
    #[error("{name}: nothing at {path}, the page is too large or nested too deeply")]
    Tangled {
        /// The variable.
        name: String,
        /// Where it was looked for.
        path: String,
    },
    /// The body is not JSON, at least not up to there.
    #[error("{name}: nothing at {path}, the body is not JSON")]
    NotJson {
        /// The variable.
        name: String,
        /// Where it was looked for.
        path: String,
    },
}

/// Takes what `plans` say out of a response. All of them are tried; the error is the first that failed.
pub fn extract(
    plans: &[ExtractPlan],
    response: &mut Contents<'_>,
    variables: &mut Variables,
    draw: &mut Draw,
) -> Result<(), ExtractFailure> {
    let mut result = Ok(());
    for plan in plans {
        let roll = plan.roll(draw);
        let found = plan.find(response, roll, variables);
        if found != Ok(true)
            && !plan.fall_back(variables)
            && let Err(failure) = plan.failed(found)
        {
            result = result.and(Err(failure));
        }
    }
    result
}

/// What becomes of the variables when there is no response to look at: their defaults, or no value.
pub fn extract_nothing(plans: &[ExtractPlan], variables: &mut Variables, draw: &mut Draw) {
    for plan in plans {
        plan.roll(draw);
        plan.fall_back(variables);
    }
}

impl ExtractPlan {
    /// The number a random choice is made with: drawn in any case, so that the draws behind it stay the same.
    fn roll(&self, draw: &mut Draw) -> u64 {
        if self.take == Take::Random { draw.next_u64() } else { 0 }
    }

    /// Whether there is a default, which the variable then has; else it has no value.
    fn fall_back(&self, variables: &mut Variables) -> bool {
        match &self.default {
            Some(value) => variables.set(self.variable, value),
            None => variables.unset(self.variable),
        }
        self.default.is_some()
    }

    /// Looks for the value and keeps it; whether it was there.
    fn find(
        &self,
        response: &mut Contents<'_>,
        roll: u64,
        variables: &mut Variables,
    ) -> Result<bool, Unreadable> {
        let ResponseView { head, body, cookies } = response.view;
        match &self.from {
            ExtractFrom::Json(path) => Ok(self.json(path, response, roll, variables)?),
            ExtractFrom::Regex(regex) if regex.captures_len() > 1 => {
                let group = |found: regex::bytes::Captures<'_>| found.get(1).map(|group| group.range());
                let ranges = regex.captures_iter(body).filter_map(group);
                Ok(self.texts(ranges.map(|range| &body[range]), roll, variables))
            }
            ExtractFrom::Regex(regex) => {
                let texts = regex.find_iter(body).map(|found| found.as_bytes());
                Ok(self.texts(texts, roll, variables))
            }
            ExtractFrom::Header(name) => Ok(self.texts(headers(head, name), roll, variables)),
            ExtractFrom::Cookie(name) => {
                let cookie = sent_cookie(cookies, name).or_else(|| set_cookie(head, name));
                Ok(self.texts(cookie.into_iter(), roll, variables))
            }
            ExtractFrom::Css(css) => {
                let found = response.page()?.find(css);
                if self.take == Take::All {
                    let texts = found.texts()?;
                    return Ok(self.texts(texts.iter().map(String::as_bytes), roll, variables));
                }
                let text = match self.take {
                    Take::Last => found.last(),
                    Take::Random => found.one(|count| one_of(count, roll)),
                    Take::First | Take::All => found.first(),
                };
                Ok(self.texts(text.iter().map(String::as_bytes), roll, variables))
            }
        }
    }

    /// Keeps one of some texts, or all of them; whether there was one.
    fn texts<'t>(
        &self,
        mut texts: impl Iterator<Item = &'t [u8]>,
        roll: u64,
        variables: &mut Variables,
    ) -> bool {
        let text = match self.take {
            Take::First => texts.next(),
            Take::Last => texts.last(),
            Take::Random => {
                let all: Vec<&[u8]> = texts.collect();
                all.get(one_of(all.len(), roll)).copied()
            }
            Take::All => {
                let write = |text: &[u8], out: &mut String| {
                    out.push('"');
                    write_json_inside(&String::from_utf8_lossy(text), out);
                    out.push('"');
                    Ok(())
                };
                return self.list(texts, write, variables) == Ok(true);
            }
        };
        if let Some(text) = text {
            variables.set_text(self.variable, text);
        }
        text.is_some()
    }

    /// Keeps all of them as a list. An empty one counts as found unless there is a default for it.
    fn list<T>(
        &self,
        items: impl Iterator<Item = T>,
        write: impl Fn(T, &mut String) -> Result<(), Malformed>,
        variables: &mut Variables,
    ) -> Result<bool, Malformed> {
        let mut items = items.peekable();
        if items.peek().is_none() && self.default.is_some() {
            return Ok(false);
        }
        variables.write(self.variable, true, |out| {
            out.push('[');
            for (index, item) in items.enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
            Ok(())
        })?;
        Ok(true)
    }

    fn json(
        &self,
        path: &Path,
        response: &mut Contents<'_>,
        roll: u64,
        variables: &mut Variables,
    ) -> Result<bool, Malformed> {
        let path = match path.query() {
            Query::Singular(steps) => {
                let found = json::find(response.view.body, steps)?;
                if self.take == Take::All {
                    return self.list(found.into_iter(), write_found, variables);
                }
                return match found {
                    Some(found) => keep(self.variable, found, variables),
                    None => Ok(false),
                };
            }
            Query::Any(path) => path,
        };
        let nodes = path.query(response.tree()?).all();
        let node = match self.take {
            Take::First => nodes.first(),
            Take::Last => nodes.last(),
            Take::Random => nodes.get(one_of(nodes.len(), roll)),
            Take::All => {
                let write = |node: &Json, out: &mut String| {
                    out.push_str(&node.to_string());
                    Ok(())
                };
                return self.list(nodes.into_iter(), write, variables);
            }
        };
        let Some(node) = node else { return Ok(false) };
        if let Json::String(text) = node {
            variables.set_text(self.variable, text.as_bytes());
        } else {
            variables.write(self.variable, true, |out| {
                out.push_str(&node.to_string());
                Ok::<_, Malformed>(())
            })?;
        }
        Ok(true)
    }

    /// Why there is no value.
    fn failed(&self, found: Result<bool, Unreadable>) -> Result<(), ExtractFailure> {
        let name = self.name.clone();
        let path = match &self.from {
            ExtractFrom::Json(path) => path.text().to_owned(),
            ExtractFrom::Regex(regex) => format!("regex {}", regex.as_str()),
            ExtractFrom::Header(header) => format!("header {header}"),
            ExtractFrom::Cookie(cookie) => format!("cookie {cookie}"),
            ExtractFrom::Css(css) => format!("css {css}"),
        };
        match found {
            Ok(true) => Ok(()),
            Ok(false) => Err(ExtractFailure::Nothing { name, path }),
            Err(Unreadable::Json) => Err(ExtractFailure::NotJson { name, path }),
            Err(Unreadable::Page) => Err(ExtractFailure::Tangled { name, path }),
        }
    }
}

/// Why nothing can be looked for in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unreadable {
    Json,
    Page,
}

impl From<Malformed> for Unreadable {
    fn from(_: Malformed) -> Self {
        Self::Json
    }
}

impl From<Tangled> for Unreadable {
    fn from(_: Tangled) -> Self {
        Self::Page
    }
}

/// Keeps what the scanner found.
fn keep(variable: VariableId, found: Found<'_>, variables: &mut Variables) -> Result<bool, Malformed> {
    let is_json = !matches!(found, Found::Text(_));
    variables.write(variable, is_json, |out| match found {
        Found::Text(quoted) => json::decode(quoted, out),
        Found::Plain(text) => {
            out.push_str(text);
            Ok(())
        }
        Found::Nested(text) => {
            json::minify(text, out);
            Ok(())
        }
    })?;
    Ok(true)
}

/// Writes what the scanner found as JSON.
fn write_found(found: Found<'_>, out: &mut String) -> Result<(), Malformed> {
    match found {
        Found::Text(quoted) => {
            let mut text = String::new();
            json::decode(quoted, &mut text)?;
            out.push('"');
            write_json_inside(&text, out);
            out.push('"');
        }
        Found::Plain(text) => out.push_str(text),
        Found::Nested(text) => json::minify(text, out),
    }
    Ok(())
}

/// One of so many, evenly.
fn one_of(count: usize, roll: u64) -> usize {
    let (index, _) = crate::draw::scale(roll, count as u128);
    usize::try_from(index).unwrap_or(0)
}

#[cfg(test)]
#[path = "extract_tests.rs"]
mod tests;
