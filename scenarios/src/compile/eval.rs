//! What a name inside `${…}` means: a variable, the environment, the user, or a draw.
//!
//! Whatever is known when the file is read becomes a value here; the rest becomes a source that is asked for each request.

use super::cx::Cx;
use super::expr::{self, Expr, ExprError};
use super::own::Own;
use super::vars::Vars;
use crate::diagnostics::{Diagnostic, closest};
use crate::plan::Place;
use crate::template::ValueSource;
use crate::value::Value;

/// What this version computes, in one sentence.
const COMPUTED: &str = "this version computes only variables, `user.id`, `user.life`, `user.class`, `iteration`, \
                        `random.int(1, 9)`, `env.NAME` and `env('NAME', 'default')`";
/// Names of the format's language that are not there yet.
const LATER_NAMES: [&str; 5] = ["loop_index", "arrival", "response", "worker", "t"];
const LATER_CALLS: [&str; 24] = [
    "uuid",
    "random.float",
    "random.string",
    "random.pick",
    "random.normal",
    "now.unix",
    "now.millis",
    "now.iso",
    "base64",
    "hex",
    "urlencode",
    "sha256",
    "hmac_sha256",
    "json",
    "file",
    "sin",
    "cos",
    "sqrt",
    "floor",
    "ceil",
    "min",
    "max",
    "abs",
    "round",
];
/// Names a variable cannot have, because the language has them.
pub(super) const RESERVED: [&str; 22] = [
    "user",
    "iteration",
    "env",
    "random",
    "now",
    "response",
    "loop_index",
    "arrival",
    "worker",
    "true",
    "false",
    "none",
    "True",
    "False",
    "None",
    "not",
    "and",
    "or",
    "if",
    "else",
    "in",
    "is",
];

/// Which names can be seen.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The file's variables.
    pub(super) file: &'a Vars,
    /// The class's variables.
    pub(super) class: Option<&'a Vars>,
    /// What each user of the class has for itself.
    pub(super) own: Option<&'a Own>,
    /// Whether the environment may be read.
    pub(super) env: bool,
    /// Whether there is a user: in a step, but not in `load`.
    pub(super) user: bool,
}

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Evaluated {
    /// Known now.
    Known(Value),
    /// Known for each request.
    Later(ValueSource),
}

impl<'a> Scope<'a> {
    /// What can be seen everywhere in the file.
    pub(super) fn of_file(file: &'a Vars) -> Self {
        Self { file, class: None, own: None, env: false, user: false }
    }
}

impl Scope<'_> {
    /// Evaluates the text between `${` and `}`; `None` after a report.
    pub(super) fn evaluate(&self, text: &str, place: Place, cx: &Cx<'_>) -> Option<Evaluated> {
        let expr = match expr::parse(text) {
            Ok(expr) => expr,
            Err(error) => {
                cx.report(refused(&error, place));
                return None;
            }
        };
        let result = match &expr {
            Expr::Literal(value) => Ok(Evaluated::Known(value.clone())),
            Expr::Path(path) => self.path(path, place, cx),
            Expr::Call(path, arguments) => self.call(&path.join("."), arguments, place, cx),
        };
        match result {
            Ok(evaluated) => Some(evaluated),
            Err(problem) => {
                if let Some(problem) = problem {
                    cx.report(*problem);
                }
                None
            }
        }
    }

    fn path(&self, path: &[String], place: Place, cx: &Cx<'_>) -> Answer {
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match names.as_slice() {
            ["user", "id"] => self.of_user(ValueSource::UserId, "user.id", place),
            ["user", "life"] => self.of_user(ValueSource::UserLife, "user.life", place),
            ["user", "class"] => self.of_user(ValueSource::UserClass, "user.class", place),
            ["iteration"] => self.of_user(ValueSource::Iteration, "iteration", place),
            ["user"] => problem(
                place,
                "`user` is not a value by itself",
                "write `user.id`, `user.life` or `user.class`",
            ),
            ["user", other] => problem(
                place,
                format!("a user has no `{other}`"),
                "there are `user.id`, `user.life` and `user.class`",
            ),
            ["env", name] => self.env(name, None, place, cx),
            ["env"] => problem(
                place,
                "`env` is not a value by itself",
                "write `env.NAME` or `env('NAME', 'default')`",
            ),
            ["random" | "now", ..] => problem(
                place,
                format!("`{}` is a function", names.join(".")),
                "write it with its arguments: `random.int(1, 9)`",
            ),
            [first, rest @ ..] => self.variable(first, rest, place),
            [] => problem(place, "nothing stands between `${` and `}`", COMPUTED),
        }
    }

    fn of_user(&self, source: ValueSource, name: &str, place: Place) -> Answer {
        if self.user {
            return Ok(Evaluated::Later(source));
        }
        problem(
            place,
            format!("`{name}` is known only while a user runs"),
            "it can stand in paths, names, headers, queries and bodies of requests",
        )
    }

    fn variable(&self, name: &str, attributes: &[&str], place: Place) -> Answer {
        if let Some(id) = self.own.and_then(|own| own.get(name)) {
            return match attributes {
                [] => self.of_user(ValueSource::Variable { id, name: name.into() }, name, place),
                [part, ..] => problem(
                    place,
                    format!("`{name}` comes from a response, and this version cannot take a part of it here"),
                    format!("`extract` the part itself, as in `{part}: $.{name}.{part}`"),
                ),
            };
        }
        let found = self.class.and_then(|vars| vars.get(name)).or_else(|| self.file.get(name));
        let Some(found) = found else { return Err(Some(Box::new(self.unknown(name, place)))) };
        // A variable that could not be read has been reported where it stands.
        let mut value = found.value.as_ref().ok_or(None)?;
        for attribute in attributes {
            let inner = match value {
                Value::Map(entries) => {
                    entries.iter().find(|(key, _)| key == attribute).map(|(_, value)| value)
                }
                _ => None,
            };
            let Some(inner) = inner else {
                let message = format!("`{name}` has no `{attribute}`");
                return Err(Some(Box::new(
                    Diagnostic::at(place, message)
                        .note(found.place, format!("`{name}` is {}", value.found())),
                )));
            };
            value = inner;
        }
        Ok(Evaluated::Known(value.clone()))
    }

    fn unknown(&self, name: &str, place: Place) -> Diagnostic {
        if LATER_NAMES.contains(&name) {
            return Diagnostic::at(
                place,
                format!("`{name}` is part of the scenario format, but this version cannot compute it yet"),
            )
            .hint(COMPUTED);
        }
        let vars = self.class.into_iter().flat_map(Vars::names).chain(self.file.names());
        let vars = vars.chain(self.own.into_iter().flat_map(Own::names));
        let known = vars.chain(["iteration", "user.id", "user.life", "user.class"]);
        let problem = Diagnostic::at(place, format!("nothing defines `{name}`"));
        match closest(name, known) {
            Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
            None if self.user => problem
                .hint("define it in `vars`, `extract` it from a response, or write `$${` for a literal `${`"),
            None => problem.hint("define it in `vars`, or write `$${` for a literal `${`"),
        }
    }

    fn env(&self, name: &str, default: Option<&Value>, place: Place, cx: &Cx<'_>) -> Answer {
        if !self.env {
            let var = name.to_lowercase();
            return problem(
                place,
                "the environment can be read only in `vars`, `target`, `load`, `tls` and `proxy`",
                format!("add `vars: {{{var}: \"${{env.{name}}}\"}}` and write `${{{var}}}` here"),
            );
        }
        match (cx.env(name), default) {
            (Some(value), _) => Ok(Evaluated::Known(Value::Text(value))),
            (None, Some(default)) => Ok(Evaluated::Known(default.clone())),
            (None, None) => problem(
                place,
                format!("the environment variable `{name}` is not set"),
                format!("set it, or give a default: `env('{name}', 'default')`"),
            ),
        }
    }

    fn call(&self, name: &str, arguments: &[Value], place: Place, cx: &Cx<'_>) -> Answer {
        match (name, arguments) {
            ("env", [Value::Text(name)]) => self.env(name, None, place, cx),
            ("env", [Value::Text(name), default]) => self.env(name, Some(default), place, cx),
            ("env", _) => {
                problem(place, "`env` takes a name and a default", "for example `env('REGION', 'eu')`")
            }
            ("random.int", [Value::Int(lo), Value::Int(hi)]) if lo <= hi => {
                self.of_user(ValueSource::RandomInt { lo: *lo, hi: *hi }, "random.int", place)
            }
            ("random.int", [Value::Int(lo), Value::Int(hi)]) => problem(
                place,
                format!("`random.int({lo}, {hi})` has no number to choose: the smaller one comes first"),
                format!("write `random.int({hi}, {lo})`"),
            ),
            ("random.int", _) => problem(
                place,
                "`random.int` takes two whole numbers, the smallest and the greatest",
                "for example `random.int(1, 9)`",
            ),
            (name, _) if LATER_CALLS.contains(&name) => problem(
                place,
                format!("`{name}()` is part of the scenario format, but this version cannot compute it yet"),
                COMPUTED,
            ),
            (name, _) => match closest(name, LATER_CALLS.into_iter().chain(["random.int", "env"])) {
                Some(meant) => problem(
                    place,
                    format!("there is no function `{name}`"),
                    format!("did you mean `{meant}`?"),
                ),
                None => problem(place, format!("there is no function `{name}`"), COMPUTED),
            },
        }
    }
}

/// What was found, or a problem, or nothing more to say.
type Answer = Result<Evaluated, Option<Box<Diagnostic>>>;

fn problem(place: Place, message: impl Into<String>, hint: impl Into<String>) -> Answer {
    Err(Some(Box::new(Diagnostic::at(place, message).hint(hint))))
}

fn refused(error: &ExprError, place: Place) -> Diagnostic {
    let message = match error {
        ExprError::Empty => "nothing stands between `${` and `}`".to_owned(),
        ExprError::OpenQuote => "a quote in this expression is never closed".to_owned(),
        ExprError::Beyond(sign) => {
            format!("this expression goes beyond what this version can compute, at `{sign}`")
        }
    };
    Diagnostic::at(place, message).hint(COMPUTED)
}
