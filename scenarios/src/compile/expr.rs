//! The expressions inside `${…}`, as text: a strict subset of Jinja's.
//!
//! Names with attributes, calls with literal arguments, and literals. Everything else of the language is recognised as such and
//! refused by name; the rest of it is meant to grow here without a second grammar. What a name means is not known here.

use crate::value::Value;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    /// `'text'`, `3`, `true`.
    Literal(Value),
    /// `region`, `user.id`.
    Path(Vec<String>),
    /// `random.int(1, 9)`.
    Call(Vec<String>, Vec<Value>),
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ExprError {
    /// Nothing between the braces.
    Empty,
    /// A quote that is never closed.
    OpenQuote,
    /// Something of the language beyond the subset, or of no language: what stands there.
    Beyond(String),
}

/// One sign or word.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Literal(Value),
    Sign(char),
}

/// Where the `}` of a `${` stands, counted from behind the `${`; braces in quotes and in pairs do not count.
pub(super) fn end_of(text: &str) -> Option<usize> {
    let (mut depth, mut quote, mut escaped) = (0_u32, None, false);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) => quote = if c == open { None } else { Some(open) },
            (None, '\'' | '"') => quote = Some(c),
            (None, '{') => depth += 1,
            (None, '}') if depth == 0 => return Some(at),
            (None, '}') => depth -= 1,
            (None, _) => {}
        }
    }
    None
}

/// Reads an expression.
pub(super) fn parse(text: &str) -> Result<Expr, ExprError> {
    let tokens = tokens(text)?;
    let mut rest = tokens.as_slice();
    let expr = match rest.split_first() {
        None => return Err(ExprError::Empty),
        Some((Token::Literal(value), tail)) => {
            rest = tail;
            Expr::Literal(value.clone())
        }
        Some((Token::Sign('-'), [Token::Literal(value), tail @ ..])) => {
            rest = tail;
            Expr::Literal(negative(value)?)
        }
        Some((Token::Name(first), tail)) => {
            rest = tail;
            path_or_call(first, &mut rest)?
        }
        Some((Token::Sign(sign), _)) => return Err(ExprError::Beyond(sign.to_string())),
    };
    match rest.first() {
        None => Ok(expr),
        Some(token) => Err(ExprError::Beyond(token.shown())),
    }
}

fn path_or_call(first: &str, rest: &mut &[Token]) -> Result<Expr, ExprError> {
    if matches!(first, "not" | "and" | "or" | "if" | "else" | "in" | "is") {
        return Err(ExprError::Beyond(first.to_owned()));
    }
    let mut path = vec![first.to_owned()];
    while let [Token::Sign('.'), Token::Name(name), tail @ ..] = rest {
        path.push(name.clone());
        *rest = tail;
    }
    let [Token::Sign('('), tail @ ..] = rest else { return Ok(Expr::Path(path)) };
    *rest = tail;
    let mut arguments = Vec::new();
    loop {
        match rest {
            [Token::Sign(')'), tail @ ..] => {
                *rest = tail;
                return Ok(Expr::Call(path, arguments));
            }
            [Token::Sign(','), tail @ ..]
                if !arguments.is_empty() && !matches!(tail.first(), Some(Token::Sign(','))) =>
            {
                *rest = tail;
            }
            [Token::Literal(value), tail @ ..] => {
                arguments.push(value.clone());
                *rest = tail;
            }
            [Token::Sign('-'), Token::Literal(value), tail @ ..] => {
                arguments.push(negative(value)?);
                *rest = tail;
            }
            [token, ..] => return Err(ExprError::Beyond(token.shown())),
            [] => return Err(ExprError::Beyond("(".to_owned())),
        }
    }
}

fn negative(value: &Value) -> Result<Value, ExprError> {
    match value {
        Value::Int(number) => Ok(Value::Int(-number)),
        Value::Float(number) => Ok(Value::Float(-number)),
        _ => Err(ExprError::Beyond("-".to_owned())),
    }
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Self::Name(name) => name.clone(),
            Self::Literal(value) => value.to_json(),
            Self::Sign(sign) => sign.to_string(),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, ExprError> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        let (token, length) = if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            (word(&rest[..length]), length)
        } else if first.is_ascii_digit() {
            number(rest)?
        } else if matches!(first, '\'' | '"') {
            quoted(rest, first)?
        } else {
            (Token::Sign(first), first.len_utf8())
        };
        out.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(out)
}

fn word(name: &str) -> Token {
    match name {
        "true" | "True" => Token::Literal(Value::Bool(true)),
        "false" | "False" => Token::Literal(Value::Bool(false)),
        "none" | "None" => Token::Literal(Value::Null),
        name => Token::Name(name.to_owned()),
    }
}

fn number(text: &str) -> Result<(Token, usize), ExprError> {
    let whole = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let fraction = text[whole..].strip_prefix('.').map_or(0, |tail| {
        let digits = tail.find(|c: char| !c.is_ascii_digit()).unwrap_or(tail.len());
        if digits == 0 { 0 } else { digits + 1 }
    });
    let (written, length) = (&text[..whole + fraction], whole + fraction);
    let value = if fraction == 0 {
        written.parse().ok().map(Value::Int)
    } else {
        written.parse().ok().map(Value::Float)
    };
    value.map(|value| (Token::Literal(value), length)).ok_or_else(|| ExprError::Beyond(written.to_owned()))
}

fn quoted(text: &str, quote: char) -> Result<(Token, usize), ExprError> {
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, 't')) => value.push('\t'),
                Some((_, other)) => value.push(other),
                None => return Err(ExprError::OpenQuote),
            },
            c if c == quote => return Ok((Token::Literal(Value::Text(value)), at + 1)),
            c => value.push(c),
        }
    }
    Err(ExprError::OpenQuote)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_subset_is_read() {
        for (text, expr) in [
            ("region", Expr::Path(path(&["region"]))),
            (" user . id ", Expr::Path(path(&["user", "id"]))),
            ("3", Expr::Literal(Value::Int(3))),
            ("-3.5", Expr::Literal(Value::Float(-3.5))),
            ("'a}\\'b'", Expr::Literal(Value::Text("a}'b".into()))),
            ("random.int(-1, 9)", Expr::Call(path(&["random", "int"]), vec![Value::Int(-1), Value::Int(9)])),
            (
                "env('A', \"b\")",
                Expr::Call(path(&["env"]), vec![Value::Text("A".into()), Value::Text("b".into())]),
            ),
            ("uuid()", Expr::Call(path(&["uuid"]), vec![])),
        ] {
            assert_eq!(parse(text), Ok(expr), "{text}");
        }
    }

    #[test]
    fn the_rest_is_named() {
        for (text, sign) in [
            ("price * 2", "*"),
            ("a and b", "and"),
            ("not a", "not"),
            ("x[0]", "["),
            ("f(a)", "a"),
            ("f(", "("),
            ("a | b", "|"),
        ] {
            assert_eq!(parse(text), Err(ExprError::Beyond(sign.to_owned())), "{text}");
        }
        assert_eq!(parse(" "), Err(ExprError::Empty));
        assert_eq!(parse("'a"), Err(ExprError::OpenQuote));
    }

    #[test]
    fn the_closing_brace_is_found() {
        assert_eq!(end_of("a} b"), Some(1));
        assert_eq!(end_of("'}' ~ \"}\"}"), Some(9));
        assert_eq!(end_of("{a}}"), Some(3));
        assert_eq!(end_of("a"), None);
        assert_eq!(end_of("'a}"), None);
    }
}
