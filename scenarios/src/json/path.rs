//! A JSONPath (RFC 9535), read once, before the run.
//!
//! A path that can lead to one value only (`$.a.b[0]`, `$['a'][-1]`) becomes plain steps for the scanner. Every other one is kept
//! as `serde_json_path` reads it, and needs the body as a tree. That crate also says what a path is at all.

use serde_json_path::JsonPath;

/// Longer paths are refused: nobody writes them by hand.
const LONGEST: usize = 1000;
/// Deeper brackets are refused: reading them takes twice as long with each level.
const DEEPEST: usize = 6;
/// Deeper parentheses are refused: reading them takes stack.
const DEEPEST_GROUP: usize = 20;

/// A path with its text.
#[derive(Debug, Clone)]
pub struct Path {
    text: String,
    query: Query,
}

/// How a path is followed.
#[derive(Debug, Clone)]
pub(crate) enum Query {
    /// To one value, by the scanner.
    Singular(Box<[Step]>),
    /// To any number of values, through the tree.
    Any(Box<JsonPath>),
}

/// From a value to one of its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The member of this name.
    Key(Box<str>),
    /// The element at this place, from 0; from the end if negative.
    Index(i64),
}

/// Why a text is no path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PathError {
    /// It does not begin as one.
    #[error("it does not begin with `$`")]
    NoRoot,
    /// It goes on as none.
    #[error("it cannot be read from `{rest}` on")]
    Sign {
        /// What is left there.
        rest: String,
    },
    /// It ends too early.
    #[error("something is missing at its end")]
    Open,
    /// It is too long.
    #[error("it has more than {LONGEST} characters")]
    Long,
    /// It is nested too deep.
    #[error("its brackets are nested too deep")]
    Deep,
}

impl Path {
    /// Reads a path.
    pub(crate) fn parse(text: &str) -> Result<Self, PathError> {
        if !text.starts_with('$') {
            return Err(PathError::NoRoot);
        }
        if text.len() > LONGEST {
            return Err(PathError::Long);
        }
        if depth(text, '[', ']') > DEEPEST || depth(text, '(', ')') > DEEPEST_GROUP {
            return Err(PathError::Deep);
        }
        let path = JsonPath::parse(text).map_err(|error| {
            let rest = text.get(error.position()..).unwrap_or("").trim();
            if rest.is_empty() { PathError::Open } else { PathError::Sign { rest: rest.to_owned() } }
        })?;
        let query = singular(text).map_or_else(|| Query::Any(Box::new(path)), Query::Singular);
        Ok(Self { text: text.to_owned(), query })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn query(&self) -> &Query {
        &self.query
    }
}

/// How deep brackets of a kind go, those in quotes aside.
fn depth(text: &str, opening: char, closing: char) -> usize {
    let (mut depth, mut deepest, mut quote, mut escaped) = (0_usize, 0, None, false);
    for c in text.chars() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, c) if c == opening => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (None, c) if c == closing => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The steps of a path that is known to be one, if it leads to one value at most. Names with escapes are left to the other way.
fn singular(text: &str) -> Option<Box<[Step]>> {
    let mut rest = text.strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        rest = blank(rest);
        let behind = if let Some(tail) = rest.strip_prefix('.') {
            let end = tail.find(|c: char| !is_name(c)).unwrap_or(tail.len());
            if end == 0 {
                return None;
            }
            steps.push(Step::Key(tail[..end].into()));
            &tail[end..]
        } else {
            let tail = blank(rest.strip_prefix('[')?);
            let (step, tail) = selector(tail)?;
            steps.push(step);
            blank(tail).strip_prefix(']')?
        };
        rest = behind;
    }
    Some(steps.into())
}

/// A quoted name or a number, and what stands behind it.
fn selector(text: &str) -> Option<(Step, &str)> {
    if let Some(quote) = text.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        let (name, tail) = text[1..].split_once(quote)?;
        return (!name.contains('\\')).then(|| (Step::Key(name.into()), tail));
    }
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(text.len());
    Some((Step::Index(text[..end].parse().ok()?), &text[end..]))
}

/// RFC 9535, 2.1.1.
fn blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Step {
        Step::Key(name.into())
    }

    #[test]
    fn simple_paths_become_steps() {
        for (text, steps) in [
            ("$", vec![]),
            ("$.price", vec![key("price")]),
            ("$.items[0].id", vec![key("items"), Step::Index(0), key("id")]),
            ("$['a b'][\"c'd\"]", vec![key("a b"), key("c'd")]),
            ("$ [ -1 ] .ä_1", vec![Step::Index(-1), key("ä_1")]),
        ] {
            match Path::parse(text).expect("a path").query {
                Query::Singular(read) => assert_eq!(&*read, steps, "{text}"),
                Query::Any(_) => panic!("{text} is simple"),
            }
        }
    }

    #[test]
    fn the_others_are_kept() {
        for text in
            ["$.*", "$..id", "$.a[0,1]", "$[1:]", "$[?@.a == 1].b", "$['a\\'b']", "$[?match(@.a, 'x.*')]"]
        {
            let path = Path::parse(text).expect("a path");
            assert!(matches!(path.query, Query::Any(_)), "{text}");
            assert_eq!(path.text(), text);
        }
    }

    #[test]
    fn what_is_no_path_is_told_with_its_place() {
        let sign = |rest: &str| PathError::Sign { rest: rest.into() };
        for (text, error) in [
            ("price", PathError::NoRoot),
            ("", PathError::NoRoot),
            ("$.a b", sign("b")),
            ("$.a[01]", sign("1]")),
            ("$.a[", sign("[")),
            ("$..", PathError::Open),
            (&format!("${}", "[?@".repeat(7)), PathError::Deep),
            (&format!("$[?{}", "(".repeat(900)), PathError::Deep),
            (&format!("$.{}", "a".repeat(LONGEST)), PathError::Long),
        ] {
            assert_eq!(Path::parse(text).map(|path| path.text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn brackets_in_quotes_are_no_brackets() {
        let depth = |text| depth(text, '[', ']');
        assert_eq!((depth("$['[[[[['][0]"), depth("$[?@['a\\'[']]")), (1, 2));
    }
}
