//! From what the parser found to our tree: names resolved, what is known computed, mistakes reported at their place.

use std::borrow::Cow;

use minijinja::machinery::Span;
use minijinja::machinery::ast::{BinOp, BinOpKind, Compare, CompareOpKind, Expr, Slice, UnaryOpKind};

use super::checks;
use super::cx::Cx;
use super::eval::{Root, Scope};
use super::expr::Spot;
use crate::diagnostics::Diagnostic;
use crate::expression::{Comparison, EvaluateError, Node, Operator, Scene, known_value};
use crate::value::Value;

/// What one expression is built with.
pub(super) struct Builder<'a> {
    pub(super) scope: &'a Scope<'a>,
    pub(super) spot: Spot<'a>,
    pub(super) cx: &'a Cx<'a>,
}

impl Builder<'_> {
    /// The node of an expression; `None` after a report. What is `guarded` may be missing.
    pub(super) fn node(&self, expr: &Expr<'_>, guarded: bool) -> Option<Node> {
        let span = span_of(expr);
        let node = match expr {
            Expr::Var(var) => return self.root(var.id, &[], guarded, span),
            Expr::Const(known) => match known_value(&known.value) {
                Ok(value) => return Some(Node::Known(value)),
                Err(error) => return self.refuse(span, error.to_string(), ""),
            },
            Expr::GetAttr(_) | Expr::GetItem(_) => return self.part(expr, guarded),
            Expr::Call(call) => return self.call(call, span),
            Expr::Filter(filter) => self.filter(filter, guarded, span)?,
            Expr::Test(test) => self.test(test, span)?,
            Expr::UnaryOp(operation) => {
                let of = Box::new(self.node(&operation.expr, false)?);
                match operation.op {
                    UnaryOpKind::Not => Node::Not(of),
                    UnaryOpKind::Neg => {
                        self.check(checks::negate(&of, self.cx), span_of(&operation.expr))?;
                        Node::Negate(of)
                    }
                }
            }
            Expr::BinOp(operation) => self.operation(operation, span)?,
            Expr::Compare(compare) => self.comparison(compare)?,
            Expr::IfExpr(choice) => {
                let (condition, then) =
                    (self.node(&choice.test_expr, false), self.node(&choice.true_expr, guarded));
                let otherwise = match &choice.false_expr {
                    Some(expr) => Some(Box::new(self.node(expr, guarded)?)),
                    None => None,
                };
                Node::Choose { condition: Box::new(condition?), then: Box::new(then?), otherwise }
            }
            Expr::Slice(slice) => self.slice(slice)?,
            Expr::List(list) => Node::List(self.all(&list.items)?),
            Expr::Tuple(tuple) => Node::List(self.all(&tuple.items)?),
            Expr::Map(map) => {
                let (keys, values) = (self.all(&map.keys), self.all(&map.values));
                Node::Map(keys?.into_iter().zip(values?).collect())
            }
        };
        self.fold(node, guarded, span)
    }

    /// All of them, so that every mistake is told.
    pub(super) fn all(&self, exprs: &[Expr<'_>]) -> Option<Box<[Node]>> {
        let nodes: Vec<Option<Node>> = exprs.iter().map(|expr| self.node(expr, false)).collect();
        nodes.into_iter().collect()
    }

    /// A name with what is taken of it: `token.part`, `ids[0]`, `response.header['x']`.
    fn part(&self, expr: &Expr<'_>, guarded: bool) -> Option<Node> {
        let span = span_of(expr);
        let mut names = Vec::new();
        let mut at = expr;
        while let Expr::GetAttr(get) = at {
            names.push(get.name);
            at = &get.expr;
        }
        if let Expr::Var(var) = at {
            names.reverse();
            return self.root(var.id, &names, guarded, span);
        }
        match expr {
            Expr::GetAttr(get) => {
                let of = self.node(&get.expr, guarded)?;
                self.fold(Node::Attribute(Box::new(of), get.name.into()), guarded, span)
            }
            Expr::GetItem(get) => {
                let key = self.node(&get.subscript_expr, false);
                if is_header(&get.expr) {
                    self.response_is_there(span)?;
                    return Some(Node::Header(Box::new(key?)));
                }
                let of = self.node(&get.expr, guarded);
                self.fold(Node::Item(Box::new((of?, key?))), guarded, span)
            }
            _ => None,
        }
    }

    fn root(&self, name: &str, parts: &[&str], guarded: bool, span: Span) -> Option<Node> {
        match self.scope.root(name, parts, guarded, self.spot.of(span), self.cx) {
            Ok(Root { mut node, taken }) => {
                for part in &parts[taken..] {
                    node = Node::Attribute(Box::new(node), (*part).into());
                }
                Some(node)
            }
            Err(problem) => {
                if let Some(problem) = problem {
                    self.cx.report(*problem);
                }
                None
            }
        }
    }

    fn response_is_there(&self, span: Span) -> Option<()> {
        self.root("response", &["status"], false, span).map(|_| ())
    }

    fn operation(&self, operation: &BinOp<'_>, span: Span) -> Option<Node> {
        let (left, right) = (self.node(&operation.left, false), self.node(&operation.right, false));
        let (left, right) = (left?, right?);
        let calculated = |operator| match checks::calculate(operator, &left, &right, self.cx) {
            None => Ok(operator),
            Some(problem) => Err(problem),
        };
        let compared = |comparison| match checks::compare(comparison, &left, &right, self.cx) {
            None => Ok(comparison),
            Some(problem) => Err(problem),
        };
        let made = match operation.op {
            BinOpKind::ScAnd => return Some(Node::And(Box::new((left, right)))),
            BinOpKind::ScOr => return Some(Node::Or(Box::new((left, right)))),
            BinOpKind::Add => calculated(Operator::Add).map(Made::Number),
            BinOpKind::Sub => calculated(Operator::Subtract).map(Made::Number),
            BinOpKind::Mul => calculated(Operator::Multiply).map(Made::Number),
            BinOpKind::Div => calculated(Operator::Divide).map(Made::Number),
            BinOpKind::FloorDiv => calculated(Operator::FloorDivide).map(Made::Number),
            BinOpKind::Rem => calculated(Operator::Remainder).map(Made::Number),
            BinOpKind::Pow => calculated(Operator::Power).map(Made::Number),
            BinOpKind::Concat => Ok(Made::Number(Operator::Join)),
            BinOpKind::Eq => compared(Comparison::Equal).map(Made::Truth),
            BinOpKind::Ne => compared(Comparison::NotEqual).map(Made::Truth),
            BinOpKind::Lt => compared(Comparison::Less).map(Made::Truth),
            BinOpKind::Lte => compared(Comparison::LessOrEqual).map(Made::Truth),
            BinOpKind::Gt => compared(Comparison::Greater).map(Made::Truth),
            BinOpKind::Gte => compared(Comparison::GreaterOrEqual).map(Made::Truth),
            BinOpKind::In => Ok(Made::Truth(Comparison::In)),
        };
        match made {
            Ok(Made::Number(operator)) => Some(Node::Calculate(operator, Box::new((left, right)))),
            Ok(Made::Truth(comparison)) => {
                Some(Node::Compare(Box::new(left), Box::new([(comparison, right)])))
            }
            Err(problem) => {
                self.check(Some(problem), span)?;
                None
            }
        }
    }

    /// `1 < a <= 5`.
    fn comparison(&self, compare: &Compare<'_>) -> Option<Node> {
        let first = self.node(&compare.expr, false)?;
        let mut others: Vec<(Comparison, Node)> = Vec::with_capacity(compare.ops.len());
        for step in &compare.ops {
            let comparison = match step.op {
                CompareOpKind::Eq => Comparison::Equal,
                CompareOpKind::Ne => Comparison::NotEqual,
                CompareOpKind::Lt => Comparison::Less,
                CompareOpKind::Lte => Comparison::LessOrEqual,
                CompareOpKind::Gt => Comparison::Greater,
                CompareOpKind::Gte => Comparison::GreaterOrEqual,
                CompareOpKind::In => Comparison::In,
                CompareOpKind::NotIn => Comparison::NotIn,
            };
            let right = self.node(&step.expr, false)?;
            let left = others.last().map_or(&first, |(_, node)| node);
            self.check(checks::compare(comparison, left, &right, self.cx), span_of(&step.expr))?;
            others.push((comparison, right));
        }
        Some(Node::Compare(Box::new(first), others.into()))
    }

    fn slice(&self, slice: &Slice<'_>) -> Option<Node> {
        let of = self.node(&slice.expr, false);
        let end = |expr: &Option<Expr<'_>>| match expr {
            None => Some(None),
            Some(expr) => self.node(expr, false).map(Some),
        };
        let ends = [end(&slice.start)?, end(&slice.stop)?, end(&slice.step)?];
        Some(Node::Slice(Box::new(of?), Box::new(ends)))
    }

    /// Computes it now if all its parts are known.
    pub(super) fn fold(&self, node: Node, guarded: bool, span: Span) -> Option<Node> {
        let (mut known, mut secret) = (node.is_composite(), None);
        node.parts(&mut |part| {
            known &= part.is_known();
            if let (None, Node::Secret { name, .. }) = (&secret, part) {
                secret = Some(name.clone());
            }
        });
        if !known {
            return Some(node);
        }
        match node.value(&mut Scene::bare(0.0)).map(Cow::into_owned) {
            Ok(value) => Some(match secret {
                Some(name) => Node::Secret { value, name },
                None => Node::Known(value),
            }),
            Err(EvaluateError::Missing(_)) if guarded => Some(node),
            Err(EvaluateError::Missing(_)) => {
                let written = self.spot.written(span).to_owned();
                self.refuse(
                    span,
                    format!("`{written}` has no value"),
                    "a default is written `… | default(0)`",
                )
            }
            Err(EvaluateError::Cannot(what)) => self.refuse(span, what, ""),
        }
    }

    /// Reports a mistake, if there is one.
    pub(super) fn check(&self, problem: Option<(String, String)>, span: Span) -> Option<()> {
        let Some((message, hint)) = problem else { return Some(()) };
        self.cx.report(Diagnostic::at(self.spot.of(span), message).hint(hint));
        None
    }

    pub(super) fn refuse<T>(
        &self,
        span: Span,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Option<T> {
        let (problem, hint) = (Diagnostic::at(self.spot.of(span), message.into()), hint.into());
        self.cx.report(if hint.is_empty() { problem } else { problem.hint(hint) });
        None
    }
}

/// Where it stands. The parser lets what is taken of a value begin at the sign for that (`.part`, `[0]`), not at the value.
pub(super) fn span_of(expr: &Expr<'_>) -> Span {
    let mut first = expr;
    while let Some(inner) = match first {
        Expr::GetAttr(get) => Some(&get.expr),
        Expr::GetItem(get) => Some(&get.expr),
        Expr::Slice(slice) => Some(&slice.expr),
        Expr::Call(call) => Some(&call.expr),
        Expr::Filter(filter) => filter.expr.as_ref(),
        Expr::Test(test) => Some(&test.expr),
        Expr::BinOp(operation) => Some(&operation.left),
        Expr::Compare(compare) => Some(&compare.expr),
        Expr::IfExpr(choice) => Some(&choice.true_expr),
        _ => None,
    } {
        first = inner;
    }
    let start = first.span().start_offset.min(expr.span().start_offset);
    Span { start_offset: start, ..expr.span() }
}

/// What an operator is to us.
enum Made {
    Number(Operator),
    Truth(Comparison),
}

/// `response.header`.
fn is_header(expr: &Expr<'_>) -> bool {
    let Expr::GetAttr(get) = expr else { return false };
    get.name == "header" && matches!(&get.expr, Expr::Var(var) if var.id == "response")
}

/// A text that stands in the expression itself.
pub(super) fn literal(node: &Node) -> Option<&str> {
    match node {
        Node::Known(Value::Text(text)) => Some(text),
        _ => None,
    }
}
