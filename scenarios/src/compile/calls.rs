//! Functions, filters and tests in expressions: whether they exist, and whether they are given what they take.

use minijinja::machinery::Span;
use minijinja::machinery::ast::{Call, CallArg, Expr, Filter, Test};

use super::build::{Builder, literal, span_of};
use crate::diagnostics::closest;
use crate::expression::{Arguments, FILTERS, Function, Node, TESTS};
use crate::template::ValueSource;
use crate::value::Value;

impl Builder<'_> {
    pub(super) fn call(&self, call: &Call<'_>, span: Span) -> Option<Node> {
        let name = match &call.expr {
            Expr::Var(var) => var.id.to_owned(),
            Expr::GetAttr(get) => match &get.expr {
                Expr::Var(var) if matches!(var.id, "random" | "now" | "env") => {
                    format!("{}.{}", var.id, get.name)
                }
                of => {
                    let (of, name) = (self.spot.written(span_of(of)).to_owned(), get.name);
                    let hint = if FILTERS.contains(&name) {
                        format!("a filter does it: `{of} | {name}`")
                    } else {
                        "filters work on values: `name | upper`".to_owned()
                    };
                    return self.refuse(span, format!("a value has no functions such as `.{name}()`"), hint);
                }
            },
            _ => return self.refuse(span, "only a function can be called", "for example `uuid()`"),
        };
        let values = self.values(&call.args, &name, span)?;
        match name.as_str() {
            "env" => return self.env(&values, span),
            "file" => return self.file(&values, span),
            _ => {}
        }
        let Some((function, fewest, most, example)) = Function::find(&name) else {
            return self.no_function(&name, span);
        };
        if !(fewest..=most).contains(&values.len()) {
            let message = match (function, fewest) {
                (Function::RandomInt, _) => {
                    "`random.int` takes two whole numbers, the smallest and the greatest".to_owned()
                }
                (_, _) if fewest != most => format!("`{name}` takes {fewest} to {most} values"),
                (_, 0) => format!("`{name}` takes nothing between its parentheses"),
                (_, 1) => format!("`{name}` takes one value"),
                (_, number) => format!("`{name}` takes {number} values"),
            };
            return self.refuse(span, message, format!("for example `{example}`"));
        }
        self.function(function, &name, values, span)
    }

    fn function(&self, function: Function, name: &str, values: Box<[Node]>, span: Span) -> Option<Node> {
        if !function.is_pure() && !self.scope.user {
            self.check(Some(self.scope.without_user(name)), span)?;
        }
        if function == Function::RandomInt {
            match &*values {
                [Node::Known(Value::Int(lo)), Node::Known(Value::Int(hi))] if lo <= hi => {
                    return Some(Node::Source(ValueSource::RandomInt { lo: *lo, hi: *hi }));
                }
                [Node::Known(Value::Int(lo)), Node::Known(Value::Int(hi))] => {
                    return self.refuse(
                        span,
                        format!(
                            "`random.int({lo}, {hi})` has no number to choose: the smaller one comes first"
                        ),
                        format!("write `random.int({hi}, {lo})`"),
                    );
                }
                [lo, hi] if wrong_int(lo) || wrong_int(hi) => {
                    return self.refuse(
                        span,
                        "`random.int` takes two whole numbers, the smallest and the greatest",
                        "for example `random.int(1, 9)`",
                    );
                }
                _ => {}
            }
        }
        self.fold(Node::Call(function, values), false, span)
    }

    fn no_function(&self, name: &str, span: Span) -> Option<Node> {
        let names = Function::names().chain(["env", "file"]);
        let hint = match closest(name, names) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None if FILTERS.contains(&name) => format!("it is a filter: `value | {name}`"),
            None => format!("there are {}", super::schema::listed(&Function::names().collect::<Vec<_>>())),
        };
        self.refuse(span, format!("there is no function `{name}`"), hint)
    }

    fn env(&self, values: &[Node], span: Span) -> Option<Node> {
        let (name, default) = match values {
            [name] => (literal(name), None),
            [name, default] => (literal(name), Some(default)),
            _ => (None, None),
        };
        let Some(name) = name else {
            return self.refuse(
                span,
                "`env` takes a name and a default",
                "for example `env('REGION', 'eu')`",
            );
        };
        match self.scope.env(name, default, self.spot.of(span), self.cx) {
            Ok(node) => Some(node),
            Err(problem) => {
                self.cx.report(*problem);
                None
            }
        }
    }

    fn file(&self, values: &[Node], span: Span) -> Option<Node> {
        let ([path], Some(names)) = (values, self.scope.names.filter(|_| self.scope.user)) else {
            let hint = "for example `body: \"${file('body.json')}\"`";
            return self.refuse(span, "`file` takes one path, and stands in requests and `set`", hint);
        };
        let Some(path) = literal(path) else {
            return self.refuse(
                span,
                "the path of a file is known when the scenario is read",
                "for files that vary use `data` with `files`",
            );
        };
        let place = self.spot.of(span);
        Some(Node::File(names.file(path, place)))
    }

    pub(super) fn filter(&self, filter: &Filter<'_>, guarded: bool, span: Span) -> Option<Node> {
        let is_default = matches!(filter.name, "default" | "d");
        let Some(subject) = &filter.expr else {
            return self.refuse(span, "a filter needs a value before it", "for example `name | upper`");
        };
        let subject = self.node(subject, guarded || is_default);
        let arguments = self.arguments(&filter.args, filter.name, span);
        let (subject, (mut values, named)) = (subject?, arguments?);
        values.insert(0, subject);
        if let Some(name) = FILTERS.iter().find(|name| **name == filter.name) {
            return Some(Node::Filter(
                name,
                Box::new(Arguments { values: values.into(), named: named.into() }),
            ));
        }
        match Function::find(filter.name) {
            Some((function, 1, _, _)) if function.is_filter() && values.len() == 1 && named.is_empty() => {
                Some(Node::Call(function, values.into()))
            }
            _ => {
                let hint = match closest(filter.name, FILTERS) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("there are {}", super::schema::listed(&FILTERS)),
                };
                self.refuse(span, format!("there is no filter `{}`", filter.name), hint)
            }
        }
    }

    pub(super) fn test(&self, test: &Test<'_>, span: Span) -> Option<Node> {
        let looks = matches!(test.name, "defined" | "undefined");
        let subject = self.node(&test.expr, looks);
        let arguments = self.arguments(&test.args, test.name, span);
        let (subject, (mut values, named)) = (subject?, arguments?);
        values.insert(0, subject);
        let Some(name) = TESTS.iter().find(|name| **name == test.name) else {
            let hint = match closest(test.name, TESTS) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("there are {}; equal is `==`", super::schema::listed(&TESTS)),
            };
            return self.refuse(span, format!("there is no test `{}`", test.name), hint);
        };
        Some(Node::Test(name, Box::new(Arguments { values: values.into(), named: named.into() })))
    }

    fn values(&self, args: &[CallArg<'_>], name: &str, span: Span) -> Option<Box<[Node]>> {
        let (values, named) = self.arguments(args, name, span)?;
        if let Some((named, _)) = named.first() {
            return self.refuse(
                span,
                format!("`{name}` takes its values without names"),
                format!("leave `{named}=` out"),
            );
        }
        Some(values.into())
    }

    #[expect(clippy::type_complexity, reason = "the two parts of `Arguments`, before they are one")]
    fn arguments(
        &self,
        args: &[CallArg<'_>],
        name: &str,
        span: Span,
    ) -> Option<(Vec<Node>, Vec<(Box<str>, Node)>)> {
        let (mut values, mut named, mut good) = (Vec::new(), Vec::new(), true);
        for arg in args {
            match arg {
                CallArg::Pos(expr) => match self.node(expr, false) {
                    Some(node) => values.push(node),
                    None => good = false,
                },
                CallArg::Kwarg(name, expr) => match self.node(expr, false) {
                    Some(node) => named.push(((*name).into(), node)),
                    None => good = false,
                },
                CallArg::PosSplat(_) | CallArg::KwargSplat(_) => {
                    let hint = "write the values one by one";
                    return self.refuse(span, format!("`{name}` cannot take a list apart with `*`"), hint);
                }
            }
        }
        good.then_some((values, named))
    }
}

/// Whether it is known, and no whole number.
fn wrong_int(node: &Node) -> bool {
    matches!(node, Node::Known(value) if !matches!(value, Value::Int(_)))
}
