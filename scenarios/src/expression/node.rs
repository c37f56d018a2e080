//! An expression as a tree: names are resolved, what was known is a value.
//!
//! Made in `compile/expr.rs`, evaluated in `evaluate.rs`.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::evaluate::Scene;
use super::functions::Function;
use super::{EvaluateError, hidden};
use crate::plan::AssetId;
use crate::template::{RenderContext, ValueSource};
use crate::value::Value;
use crate::variables::VariableId;

/// An expression that has to be computed each time.
#[derive(Debug, Clone, PartialEq)]
pub struct Computed {
    node: Node,
    secret: Option<Box<str>>,
    written: Box<str>,
}

impl Computed {
    pub(crate) fn new(node: Node, secret: Option<Box<str>>, written: &str) -> Self {
        Self { node, secret, written: written.trim().into() }
    }

    /// As the file has it.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Its value now.
    pub fn value(&self, cx: &mut RenderContext<'_>) -> Result<Value, EvaluateError> {
        self.look(cx).map(Cow::into_owned)
    }

    /// The secret it is computed from.
    pub fn secret(&self) -> Option<&str> {
        self.secret.as_deref()
    }

    pub(crate) fn look(&self, cx: &mut RenderContext<'_>) -> Result<Cow<'_, Value>, EvaluateError> {
        self.node.value(&mut Scene::of(cx))
    }

    /// Adds the user's variables that it needs in any case.
    pub(crate) fn add_variables(&self, list: &mut Vec<(VariableId, Box<str>)>) {
        self.node.add_variables(list);
    }
}

/// The text of a file that `file('path')` names. It is put in when the files of the scenario are there.
#[derive(Debug, Clone)]
pub struct FileText {
    /// Which of the scenario's files.
    pub asset: AssetId,
    path: Box<str>,
    text: Arc<OnceLock<String>>,
}

impl FileText {
    pub(crate) fn new(asset: AssetId, path: &str) -> Self {
        Self { asset, path: path.into(), text: Arc::default() }
    }

    /// Puts the text in, once; whether `content` is a text (UTF-8).
    pub fn fill(&self, content: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(content) else { return false };
        self.text.get_or_init(|| text.to_owned());
        true
    }

    /// As written in the scenario.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn text(&self) -> Result<&str, EvaluateError> {
        let missing = || EvaluateError::cannot(format!("the file `{}` has not been read", self.path));
        self.text.get().map(String::as_str).ok_or_else(missing)
    }
}

impl PartialEq for FileText {
    fn eq(&self, other: &Self) -> bool {
        (self.asset, &self.path) == (other.asset, &other.path)
    }
}

/// A part of an expression.
#[derive(Clone, PartialEq)]
pub(crate) enum Node {
    Known(Value),
    /// Known, and not to be shown.
    Secret {
        value: Value,
        name: Box<str>,
    },
    Source(ValueSource),
    Arrival,
    LoopIndex,
    Worker,
    Response(ResponsePart),
    /// `response.header['x']`.
    Header(Box<Node>),
    /// `t` of a load's shape.
    Time,
    File(FileText),
    List(Box<[Node]>),
    Map(Box<[(Node, Node)]>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<(Node, Node)>),
    Or(Box<(Node, Node)>),
    Calculate(Operator, Box<(Node, Node)>),
    /// `a < b <= c`.
    Compare(Box<Node>, Box<[(Comparison, Node)]>),
    /// `then if condition else otherwise`.
    Choose {
        condition: Box<Node>,
        then: Box<Node>,
        otherwise: Option<Box<Node>>,
    },
    Attribute(Box<Node>, Box<str>),
    Item(Box<(Node, Node)>),
    Slice(Box<Node>, Box<[Option<Node>; 3]>),
    Filter(&'static str, Box<Arguments>),
    Test(&'static str, Box<Arguments>),
    Call(Function, Box<[Node]>),
}

/// What a filter or a test is given: first what stands before it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Arguments {
    pub(crate) values: Box<[Node]>,
    pub(crate) named: Box<[(Box<str>, Node)]>,
}

/// Parts of `response`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponsePart {
    Status,
    Url,
    Time,
    Size,
    Failed,
}

impl ResponsePart {
    /// The part of a name.
    pub(crate) fn find(name: &str) -> Option<Self> {
        Some(match name {
            "status" => Self::Status,
            "url" => Self::Url,
            "time_ms" => Self::Time,
            "size" => Self::Size,
            "failed" => Self::Failed,
            _ => return None,
        })
    }

    /// Whether it is a text.
    pub(crate) fn is_text(self) -> bool {
        self == Self::Url
    }
}

/// Two values to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
    Join,
}

/// Two values to true or false.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

impl Comparison {
    /// Whether it asks for an order.
    pub(crate) fn is_order(self) -> bool {
        matches!(self, Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual)
    }
}

impl Node {
    /// Whether it is always the same, so that its value can take its place.
    pub(crate) fn is_known(&self) -> bool {
        matches!(self, Self::Known(_) | Self::Secret { .. })
    }

    /// Whether it has a value as soon as all its parts have, without a user.
    pub(crate) fn is_composite(&self) -> bool {
        match self {
            Self::Call(function, _) => function.is_pure(),
            Self::Known(_)
            | Self::Secret { .. }
            | Self::Source(_)
            | Self::Arrival
            | Self::LoopIndex
            | Self::Worker
            | Self::Response(_)
            | Self::Header(_)
            | Self::Time
            | Self::File(_) => false,
            _ => true,
        }
    }

    /// What it was written as, as far as it is a path, for a message.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Source(ValueSource::Variable { name, .. }) => name.to_string(),
            Self::Source(ValueSource::Row(cell)) => cell.name.to_string(),
            Self::Attribute(of, name) => format!("{}.{name}", of.path()),
            Self::Item(pair) => match &pair.1 {
                Self::Known(key) => format!("{}[{}]", pair.0.path(), key.to_json()),
                _ => format!("{}[…]", pair.0.path()),
            },
            Self::Header(_) => "response.header".to_owned(),
            Self::Filter(name, arguments) => {
                format!("{} | {name}", arguments.values.first().map(Self::path).unwrap_or_default())
            }
            Self::Arrival => "arrival".to_owned(),
            _ => "…".to_owned(),
        }
    }

    /// Its parts, in order.
    pub(crate) fn parts(&self, with: &mut dyn FnMut(&Node)) {
        match self {
            Self::Header(of) | Self::Not(of) | Self::Negate(of) | Self::Attribute(of, _) => with(of),
            Self::And(pair) | Self::Or(pair) | Self::Calculate(_, pair) | Self::Item(pair) => {
                with(&pair.0);
                with(&pair.1);
            }
            Self::Compare(first, others) => {
                with(first);
                others.iter().for_each(|(_, other)| with(other));
            }
            Self::Choose { condition, then, otherwise } => {
                with(condition);
                with(then);
                if let Some(otherwise) = otherwise {
                    with(otherwise);
                }
            }
            Self::Slice(of, ends) => {
                with(of);
                ends.iter().flatten().for_each(with);
            }
            Self::List(items) | Self::Call(_, items) => items.iter().for_each(with),
            Self::Map(entries) => entries.iter().for_each(|(key, value)| {
                with(key);
                with(value);
            }),
            Self::Filter(_, arguments) | Self::Test(_, arguments) => {
                arguments.values.iter().for_each(&mut *with);
                arguments.named.iter().for_each(|(_, node)| with(node));
            }
            _ => {}
        }
    }

    /// The parts that are evaluated whatever the others are. What `default` and `is defined` look at may be missing, so it is not
    /// among them.
    fn certain(&self, with: &mut dyn FnMut(&Node)) {
        match self {
            Self::And(pair) | Self::Or(pair) => with(&pair.0),
            Self::Compare(first, others) => {
                with(first);
                others.iter().take(1).for_each(|(_, second)| with(second));
            }
            Self::Choose { condition, .. } => with(condition),
            Self::Filter("default" | "d", _) | Self::Test("defined" | "undefined", _) => {}
            other => other.parts(with),
        }
    }

    /// Adds the user's variables that it needs in any case.
    pub(crate) fn add_variables(&self, list: &mut Vec<(VariableId, Box<str>)>) {
        if let Self::Source(source) = self {
            source.add_variables(list);
        }
        self.certain(&mut |part| part.add_variables(list));
    }
}

impl fmt::Debug for Node {
    /// Secrets are only named: a plan's debug output ends up in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(value) => f.debug_tuple("Known").field(value).finish(),
            Self::Secret { name, .. } => f.write_str(&hidden(name)),
            Self::Source(source) => f.debug_tuple("Source").field(source).finish(),
            Self::Arrival => f.write_str("Arrival"),
            Self::LoopIndex => f.write_str("LoopIndex"),
            Self::Worker => f.write_str("Worker"),
            Self::Time => f.write_str("Time"),
            Self::Response(part) => f.debug_tuple("Response").field(part).finish(),
            Self::Header(name) => f.debug_tuple("Header").field(name).finish(),
            Self::File(file) => f.debug_tuple("File").field(&file.path).finish(),
            Self::List(items) => f.debug_tuple("List").field(items).finish(),
            Self::Map(entries) => f.debug_tuple("Map").field(entries).finish(),
            Self::Not(of) => f.debug_tuple("Not").field(of).finish(),
            Self::Negate(of) => f.debug_tuple("Negate").field(of).finish(),
            Self::And(pair) => f.debug_tuple("And").field(pair).finish(),
            Self::Or(pair) => f.debug_tuple("Or").field(pair).finish(),
            Self::Calculate(operator, pair) => {
                f.debug_tuple("Calculate").field(operator).field(pair).finish()
            }
            Self::Compare(first, others) => f.debug_tuple("Compare").field(first).field(others).finish(),
            Self::Choose { condition, then, otherwise } => {
                f.debug_tuple("Choose").field(condition).field(then).field(otherwise).finish()
            }
            Self::Attribute(of, name) => f.debug_tuple("Attribute").field(of).field(name).finish(),
            Self::Item(pair) => f.debug_tuple("Item").field(pair).finish(),
            Self::Slice(of, ends) => f.debug_tuple("Slice").field(of).field(ends).finish(),
            Self::Filter(name, arguments) => f.debug_tuple("Filter").field(name).field(arguments).finish(),
            Self::Test(name, arguments) => f.debug_tuple("Test").field(name).field(arguments).finish(),
            Self::Call(function, arguments) => {
                f.debug_tuple("Call").field(function).field(arguments).finish()
            }
        }
    }
}
