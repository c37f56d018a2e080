//! What a name inside `${…}` means: a variable, the environment, the user, the last response.
//!
//! Whatever is known when the file is read becomes a value here; the rest becomes a source that is asked each time.

use super::cx::Cx;
use super::data::Row;
use super::expr;
use super::names::Names;
use super::own::Own;
use super::vars::{Var, Vars};
use crate::diagnostics::{Diagnostic, closest};
use crate::expression::{Computed, Expression, Node, ResponsePart, ShapeExpression};
use crate::plan::Place;
use crate::template::ValueSource;
use crate::value::Value;

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
    /// The file's variables and secrets.
    pub(super) file: &'a Vars,
    /// The class's variables.
    pub(super) class: Option<&'a Vars>,
    /// What each user of the class has for itself.
    pub(super) own: Option<&'a Own>,
    /// The files of the scenario, where one can be named.
    pub(super) names: Option<&'a Names>,
    /// Whether the environment may be read.
    pub(super) env: bool,
    /// Whether there is a user: in a step, but not in `load`.
    pub(super) user: bool,
    /// Where something can be named that is known nowhere else.
    pub(super) at: At,
}

/// Places that see more than others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum At {
    /// They do not.
    Elsewhere,
    /// A `log` may name the worker.
    Log,
    /// The shape of a load has `t`.
    Shape,
}

/// The secret that a value comes from.
pub(super) type Secret = Option<Box<str>>;

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Evaluated {
    /// Known now.
    Known(Value),
    /// Known now, and not to be shown.
    Secret(Value, Box<str>),
    /// Known for each evaluation.
    Later(ValueSource, Secret),
}

impl Evaluated {
    /// As something to evaluate.
    pub(super) fn into_expression(self) -> Expression {
        let computed = |node, secret: Box<str>| {
            let written = secret.clone();
            Expression::Source(ValueSource::Computed(Box::new(Computed::new(node, Some(secret), &written))))
        };
        match self {
            Self::Known(value) => Expression::Known(value),
            Self::Secret(value, name) => computed(Node::Secret { value, name: name.clone() }, name),
            Self::Later(source @ ValueSource::Computed(_), _) | Self::Later(source, None) => {
                Expression::Source(source)
            }
            Self::Later(source, Some(secret)) => computed(Node::Source(source), secret),
        }
    }
}

/// What a name is, and how many of the parts behind it that has used.
pub(super) struct Root {
    pub(super) node: Node,
    pub(super) taken: usize,
}

/// What was found, or a problem, or nothing more to say.
pub(super) type Answer = Result<Root, Option<Box<Diagnostic>>>;

impl<'a> Scope<'a> {
    /// What can be seen everywhere in the file.
    pub(super) fn of_file(file: &'a Vars) -> Self {
        Self { file, class: None, own: None, names: None, env: false, user: false, at: At::Elsewhere }
    }
}

impl Scope<'_> {
    /// Evaluates the text between `${` and `}`; `None` after a report.
    pub(super) fn evaluate(&self, text: &str, place: Place, cx: &Cx<'_>) -> Option<Evaluated> {
        Some(match expr::read(text, place, self, cx)? {
            Node::Known(value) => Evaluated::Known(value),
            Node::Secret { value, name } => Evaluated::Secret(value, name),
            node => {
                let secret = secret_of(&node, cx);
                match node {
                    Node::Source(source) => Evaluated::Later(source, secret),
                    node => {
                        let computed = Computed::new(node, secret.clone(), text);
                        Evaluated::Later(ValueSource::Computed(Box::new(computed)), secret)
                    }
                }
            }
        })
    }

    /// An expression of the time, `t`, bare or in `${ }`; `None` after a report.
    pub(super) fn shape(&self, text: &str, place: Place, cx: &Cx<'_>) -> Option<ShapeExpression> {
        let text = text.trim();
        let inside = text.strip_prefix("${").filter(|inside| expr::end_of(inside) == Some(inside.len() - 1));
        let text = inside.map_or(text, |inside| &inside[..inside.len() - 1]);
        expr::read(text, place, &Self { at: At::Shape, ..*self }, cx).map(ShapeExpression::new)
    }

    /// The meaning of a name with names behind it.
    pub(super) fn root(
        &self,
        name: &str,
        parts: &[&str],
        guarded: bool,
        place: Place,
        cx: &Cx<'_>,
    ) -> Answer {
        let source = |source, written: &str| self.of_user(Node::Source(source), 1, written, place);
        match (name, parts) {
            ("user" | "iteration" | "arrival", _) if cx.is_aside.get() => problem(
                place,
                format!("there is no `{name}` in `setup` and `teardown`: they run once, beside all users"),
                "in `defaults` it concerns them too: move it to the `defaults` of the user classes",
            ),
            ("user", ["id", ..]) => source(ValueSource::UserId, "user.id"),
            ("user", ["life", ..]) => source(ValueSource::UserLife, "user.life"),
            ("user", ["class", ..]) => source(ValueSource::UserClass, "user.class"),
            ("user", []) => problem(
                place,
                "`user` is not a value by itself",
                "write `user.id`, `user.life` or `user.class`",
            ),
            ("user", [other, ..]) => problem(
                place,
                format!("a user has no `{other}`"),
                "there are `user.id`, `user.life` and `user.class`",
            ),
            ("iteration", _) => self.of_user(Node::Source(ValueSource::Iteration), 0, name, place),
            ("loop_index", _) if self.user && cx.loops.get() == 0 => problem(
                place,
                "`loop_index` is known only inside a loop",
                "it counts the passes of the innermost `repeat`, `for`, `while`, `until` or `during`, from 0",
            ),
            ("loop_index", _) => self.of_user(Node::LoopIndex, 0, name, place),
            ("arrival", _) => {
                cx.arrival.set(cx.arrival.get().or(Some(place)));
                self.of_user(Node::Arrival, 0, name, place)
            }
            ("worker", _) if self.at == At::Log => Ok(Root { node: Node::Worker, taken: 0 }),
            ("worker", _) => problem(
                place,
                "`worker` is known only in `log`",
                "what a test does must not depend on where its users run; `user.id` is the same everywhere",
            ),
            ("t", []) if self.at == At::Shape => Ok(Root { node: Node::Time, taken: 0 }),
            ("response", _) => self.response(parts, place, cx),
            ("env", [name, ..]) => {
                self.env(name, None, place, cx).map(|node| Root { node, taken: 1 }).map_err(Some)
            }
            ("env", []) => problem(
                place,
                "`env` is not a value by itself",
                "write `env.NAME` or `env('NAME', 'default')`",
            ),
            ("random" | "now", _) => {
                let written: Vec<&str> = std::iter::once(name).chain(parts.iter().copied()).collect();
                let example = if name == "random" { "`random.int(1, 9)`" } else { "`now.unix()`" };
                problem(
                    place,
                    format!("`{}` is a function", written.join(".")),
                    format!("write it with its arguments: {example}"),
                )
            }
            _ => self.variable(name, parts, guarded, place, cx),
        }
    }

    fn response(&self, parts: &[&str], place: Place, cx: &Cx<'_>) -> Answer {
        const PARTS: &str =
            "there are `response.status`, `.url`, `.time_ms`, `.size`, `.failed` and `.header['location']`";
        cx.looks_at_response.set(true);
        match parts {
            ["header", name, ..] => {
                let name = Box::new(Node::Known(Value::Text((*name).to_owned())));
                self.of_user(Node::Header(name), 2, "response.header", place)
            }
            ["header"] => problem(
                place,
                "`response.header` is not a value by itself",
                "name one of them: `response.header['content-type']`",
            ),
            [name, ..] => match ResponsePart::find(name) {
                Some(part) => self.of_user(Node::Response(part), 1, "response", place),
                None => problem(place, format!("a response has no `{name}`"), PARTS),
            },
            [] => problem(place, "`response` is not a value by itself", PARTS),
        }
    }

    fn of_user(&self, node: Node, taken: usize, name: &str, place: Place) -> Answer {
        if self.user {
            return Ok(Root { node, taken });
        }
        let (message, hint) = self.without_user(name);
        problem(place, message, hint)
    }

    /// What is said of what only a user has, where there is none.
    pub(super) fn without_user(&self, name: &str) -> (String, String) {
        let hint = if self.at == At::Shape {
            "the shape of a load is an expression of `t` and of `vars`"
        } else {
            "it can stand in paths, names, headers, queries and bodies of requests"
        };
        (format!("`{name}` is known only while a user runs"), hint.to_owned())
    }

    /// One's own first, then columns of `data`, the class's and the file's.
    fn variable(&self, name: &str, parts: &[&str], guarded: bool, place: Place, cx: &Cx<'_>) -> Answer {
        if let Some(id) = self.own.and_then(|own| own.get(name)) {
            let source = ValueSource::Variable { id, name: name.into() };
            return self.of_user(Node::Source(source), 0, name, place);
        }
        match cx.feeders().row(name, parts, place) {
            Some(Row::Cell(cell)) => {
                let written = cell.name.clone();
                let source = ValueSource::Row(Box::new(cell));
                return self.of_user(Node::Source(source), parts.len(), &written, place);
            }
            Some(Row::Reported) => return Err(None),
            Some(Row::Wrong(problem)) => return Err(Some(problem)),
            None => {}
        }
        let found = self.class.and_then(|vars| vars.get(name)).or_else(|| self.file.get(name));
        match found {
            Some(found) => known(name, found, parts, guarded, place),
            None => Err(Some(Box::new(self.unknown(name, place, cx)))),
        }
    }

    fn unknown(&self, name: &str, place: Place, cx: &Cx<'_>) -> Diagnostic {
        let vars = self.class.into_iter().flat_map(Vars::names).chain(self.file.names());
        let vars = vars.chain(self.own.into_iter().flat_map(Own::names));
        let ours = ["iteration", "user.id", "user.life", "user.class", "response.status", "loop_index"];
        let problem = Diagnostic::at(place, format!("nothing defines `{name}`"));
        match closest(name, vars.chain(cx.feeders().names()).chain(ours)) {
            Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
            None if self.user => problem
                .hint("define it in `vars`, `extract` it from a response, or write `$${` for a literal `${`"),
            None => problem.hint("define it in `vars`, or write `$${` for a literal `${`"),
        }
    }

    /// A variable of the environment.
    pub(super) fn env(
        &self,
        name: &str,
        default: Option<&Node>,
        place: Place,
        cx: &Cx<'_>,
    ) -> Result<Node, Box<Diagnostic>> {
        if !self.env {
            let var = name.to_lowercase();
            return Err(Box::new(
                Diagnostic::at(
                    place,
                    "the environment can be read only in `vars`, `secrets`, `target`, `load`, `tls` and `proxy`",
                )
                .hint(format!("add `vars: {{{var}: \"${{env.{name}}}\"}}` and write `${{{var}}}` here")),
            ));
        }
        match (cx.env(name), default) {
            (Some(value), _) => Ok(Node::Known(Value::Text(value))),
            (None, Some(default)) => Ok(default.clone()),
            (None, None) => Err(Box::new(
                Diagnostic::at(place, format!("the environment variable `{name}` is not set"))
                    .hint(format!("set it, or give a default: `env('{name}', 'default')`")),
            )),
        }
    }
}

/// A part of a value that is known.
fn known(name: &str, found: &Var, parts: &[&str], guarded: bool, place: Place) -> Answer {
    // A variable that could not be read has been reported where it stands.
    let mut value = found.value.as_ref().ok_or(None)?;
    let node = |value: &Value| match &found.secret {
        Some(name) => Node::Secret { value: value.clone(), name: name.clone() },
        None => Node::Known(value.clone()),
    };
    for (taken, part) in parts.iter().enumerate() {
        let inner = match value {
            Value::Map(entries) => entries.iter().find(|(key, _)| key == part).map(|(_, value)| value),
            _ => None,
        };
        value = match inner {
            Some(inner) => inner,
            None if guarded => return Ok(Root { node: node(value), taken }),
            None => {
                let message = format!("`{name}` has no `{part}`");
                return Err(Some(Box::new(
                    Diagnostic::at(place, message)
                        .note(found.place, format!("`{name}` is {}", value.found())),
                )));
            }
        };
    }
    Ok(Root { node: node(value), taken: parts.len() })
}

/// The first secret that an expression comes from.
fn secret_of(node: &Node, cx: &Cx<'_>) -> Secret {
    match node {
        Node::Secret { name, .. } => return Some(name.clone()),
        Node::Source(ValueSource::Variable { name, .. }) => return cx.secret_of(name),
        _ => {}
    }
    let mut found = None;
    node.parts(&mut |part| {
        if found.is_none() {
            found = secret_of(part, cx);
        }
    });
    found
}

fn problem(place: Place, message: impl Into<String>, hint: impl Into<String>) -> Answer {
    Err(Some(Box::new(Diagnostic::at(place, message).hint(hint))))
}
