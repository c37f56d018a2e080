//! Text with values in it, compiled: literals and numbered sources, each with the encoding of the place it stands in.
//!
//! Whatever is known when the file is read is already part of a literal. Rendering appends to a buffer and allocates nothing of
//! its own. How `${…}` is read is in `compile/`.

mod encoding;
mod pair;
mod source;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

pub use encoding::Encoding;
pub use pair::PairsOf;

pub(crate) use encoding::encode_base64;

use crate::data::{Cell, RowView};
use crate::draw::Draw;
use crate::expression::{Computed, EvaluateError, hidden};
use crate::response::LastResponse;
use crate::value::Value;
use crate::variables::{VariableId, Variables};

/// A compiled text. Literals are never empty and never stand side by side.
#[derive(Clone, PartialEq, Default)]
pub struct Template {
    segments: Vec<Segment>,
    /// As outputs may show it, where that is something else: what comes from a secret is only named.
    shown: Option<Vec<Segment>>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Segment {
    /// Text that is always the same, already encoded.
    Literal(String),
    /// A value that is known when a request is made.
    Value {
        /// Where it comes from.
        source: ValueSource,
        /// How it is written.
        encoding: Encoding,
    },
    /// A pair of a query or a form whose value may be anything: left out if it is null, repeated if it is a list.
    Pair {
        /// What it is part of.
        of: PairsOf,
        /// Its name, encoded.
        name: String,
        /// Where the value comes from: a variable, or what is computed.
        source: ValueSource,
    },
    /// What goes before a pair behind such a one.
    Separator(PairsOf),
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq)]
pub enum ValueSource {
    /// `user.id`: the slot, unique in the whole test, from 0.
    UserId,
    /// `user.life`: 0 for the first user of a slot, a greater number for each later one.
    UserLife,
    /// `user.class`.
    UserClass,
    /// `iteration`: of this user, from 0.
    Iteration,
    /// `random.int(lo, hi)`, both ends included; one draw.
    RandomInt {
        /// The smallest number.
        lo: i64,
        /// The greatest number.
        hi: i64,
    },
    /// One of the user's own variables; nothing if it has no value.
    Variable {
        /// Its number.
        id: VariableId,
        /// Its name, for messages.
        name: Box<str>,
    },
    /// A value of the user's row of a feeder.
    Row(Box<Cell>),
    /// Base64 (RFC 4648, 4) of a text that is not known sooner.
    Base64(Template),
    /// What an expression comes to.
    Computed(Box<Computed>),
}

/// What a template may look at.
#[derive(Debug)]
pub struct RenderContext<'a> {
    /// The slot of the user.
    pub user_id: u64,
    /// Which of the slot's users it is.
    pub life: u32,
    /// The name of the user's class.
    pub class: &'a str,
    /// Of this user, from 0.
    pub iteration: u64,
    /// The number of the arrival that the iteration runs; `None` in the closed model.
    pub arrival: Option<u64>,
    /// The pass of the innermost loop, from 0.
    pub loop_index: u64,
    /// The user's last response, where the class looks at it.
    pub response: &'a LastResponse,
    /// The user's rows of feeders.
    pub rows: RowView<'a>,
    /// The generator of this iteration; draws happen in the order of the segments.
    pub draw: &'a mut Draw,
    /// The user's own variables.
    pub variables: &'a mut Variables,
    /// Where it runs.
    pub around: &'a Around,
}

/// What is the same for all that a worker renders.
#[derive(Debug, Clone)]
pub struct Around {
    /// The worker's name: `worker`, in the log.
    pub worker: Cow<'static, str>,
    /// The wall clock, as the time since the beginning of 1970 (UTC): `now`.
    pub now: fn() -> Duration,
}

/// Around what runs nowhere: a worker without a name, a clock that stands at 1970.
pub static NOWHERE: Around = Around { worker: Cow::Borrowed(""), now: || Duration::ZERO };

impl Template {
    /// A text that is always the same, taken as it is.
    pub fn literal(text: impl Into<String>) -> Self {
        let mut template = Self::default();
        template.push_encoded(&text.into());
        template
    }

    /// The pieces, in order.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The pieces as outputs may show them.
    pub fn shown_segments(&self) -> &[Segment] {
        self.shown.as_deref().unwrap_or(&self.segments)
    }

    /// The text, if it is always the same.
    pub fn as_static(&self) -> Option<&str> {
        match self.segments.as_slice() {
            [] => Some(""),
            [Segment::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// As outputs may show it, if that is always the same.
    pub fn shown_static(&self) -> Option<&str> {
        match self.shown_segments() {
            [] => Some(""),
            [Segment::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether a part of it comes from a secret.
    pub fn is_secret(&self) -> bool {
        self.shown.is_some()
    }

    /// Appends the text with its values to `out`.
    ///
    /// # Errors
    /// When a value cannot be computed; `out` has a part of the text then.
    pub fn render_into(&self, out: &mut String, cx: &mut RenderContext<'_>) -> Result<(), EvaluateError> {
        render(&self.segments, out, cx)
    }

    /// Appends the text as outputs may show it: what comes from a secret is only named, as `‹name›`.
    ///
    /// # Errors
    /// When a value cannot be computed.
    pub fn render_shown_into(
        &self,
        out: &mut String,
        cx: &mut RenderContext<'_>,
    ) -> Result<(), EvaluateError> {
        render(self.shown_segments(), out, cx)
    }

    /// Adds the user's variables that it needs in any case to `list`, with their names.
    pub fn add_variables(&self, list: &mut Vec<(VariableId, Box<str>)>) {
        for segment in &self.segments {
            if let Segment::Value { source, .. } | Segment::Pair { source, .. } = segment {
                source.add_variables(list);
            }
        }
    }

    /// Appends text that needs no encoding any more.
    pub(crate) fn push_encoded(&mut self, text: &str) {
        push_literal(&mut self.segments, text);
        if let Some(shown) = &mut self.shown {
            push_literal(shown, text);
        }
    }

    /// Appends a text, encoded.
    pub(crate) fn push_text(&mut self, text: &str, encoding: Encoding) {
        let mut out = String::new();
        encoding.write_text(text, &mut out);
        self.push_encoded(&out);
    }

    /// Appends a value that is known now.
    pub(crate) fn push_value(&mut self, value: &Value, encoding: Encoding) {
        self.push_encoded(&written(value, encoding));
    }

    /// Appends a value that is known now, and not to be shown.
    pub(crate) fn push_secret(&mut self, value: &Value, name: &str, encoding: Encoding) {
        self.push_shown_as(name, |segments| push_literal(segments, &written(value, encoding)));
    }

    /// Appends a value that is known only later; with the secret it comes from, if it does.
    pub(crate) fn push_source(&mut self, source: ValueSource, secret: Option<&str>, encoding: Encoding) {
        self.push_segment(Segment::Value { source, encoding }, secret);
    }

    fn push_segment(&mut self, segment: Segment, secret: Option<&str>) {
        match (secret, &mut self.shown) {
            (Some(name), _) => self.push_shown_as(name, |segments| segments.push(segment)),
            (None, shown) => {
                if let Some(shown) = shown {
                    shown.push(segment.clone());
                }
                self.segments.push(segment);
            }
        }
    }

    fn push_shown_as(&mut self, name: &str, push: impl FnOnce(&mut Vec<Segment>)) {
        let shown = self.shown.get_or_insert_with(|| self.segments.clone());
        push_literal(shown, &hidden(name));
        push(&mut self.segments);
    }

    /// Appends the base64 of a text.
    pub(crate) fn push_base64(&mut self, text: Self) {
        let secret = text.is_secret().then_some("base64");
        let Some(known) = text.as_static() else {
            self.push_source(ValueSource::Base64(text), secret, Encoding::Raw);
            return;
        };
        let mut encoded = String::new();
        encode_base64(known.as_bytes(), &mut encoded);
        match secret {
            Some(name) => self.push_shown_as(name, |segments| push_literal(segments, &encoded)),
            None => self.push_encoded(&encoded),
        }
    }

    /// Appends another template.
    pub(crate) fn push_template(&mut self, other: &Self) {
        if self.shown.is_some() || other.shown.is_some() {
            let shown = self.shown.get_or_insert_with(|| self.segments.clone());
            push_segments(shown, other.shown_segments());
        }
        push_segments(&mut self.segments, &other.segments);
    }

    /// The same, of which outputs show nothing but a name.
    pub(crate) fn hidden_as(self, name: &str) -> Self {
        Self { shown: Some(vec![Segment::Literal(hidden(name))]), ..self }
    }
}

impl fmt::Debug for Template {
    /// As it may be shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template").field("segments", &self.shown_segments()).finish()
    }
}

fn render(segments: &[Segment], out: &mut String, cx: &mut RenderContext<'_>) -> Result<(), EvaluateError> {
    let from = out.len();
    for segment in segments {
        match segment {
            Segment::Literal(text) => out.push_str(text),
            Segment::Value { source, encoding } => source.render_into(*encoding, out, cx)?,
            Segment::Pair { of, name, source } => of.write(name, source, out, from, cx)?,
            Segment::Separator(of) => of.separate(out, from),
        }
    }
    Ok(())
}

fn push_literal(segments: &mut Vec<Segment>, text: &str) {
    if text.is_empty() {
        return;
    }
    if let Some(Segment::Literal(last)) = segments.last_mut() {
        last.push_str(text);
    } else {
        segments.push(Segment::Literal(text.to_owned()));
    }
}

fn push_segments(segments: &mut Vec<Segment>, others: &[Segment]) {
    for other in others {
        match other {
            Segment::Literal(text) => push_literal(segments, text),
            later => segments.push(later.clone()),
        }
    }
}

fn written(value: &Value, encoding: Encoding) -> String {
    let mut out = String::new();
    encoding.write_value(value, &mut out);
    out
}

impl From<Segment> for Template {
    fn from(segment: Segment) -> Self {
        Self { segments: vec![segment], shown: None }
    }
}

#[cfg(test)]
mod tests;
