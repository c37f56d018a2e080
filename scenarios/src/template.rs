//! Text with values in it, compiled: literals and numbered sources, each with the encoding of the place it stands in.
//!
//! Whatever is known when the file is read is already part of a literal. Rendering appends to a buffer and allocates nothing of
//! its own. How `${…}` is read is in `compile/`.

mod pair;

use std::fmt::Write;

pub use pair::PairsOf;

use crate::data::{Cell, RowView};
use crate::draw::Draw;
use crate::response::LastResponse;
use crate::value::{Value, write_json_inside};
use crate::variables::{VariableId, Variables};

/// A compiled text. Literals are never empty and never stand side by side.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Template {
    segments: Vec<Segment>,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// A pair of a query or a form whose value is a variable of the user: left out if that is null, repeated if a list.
    Pair {
        /// What it is part of.
        of: PairsOf,
        /// Its name, encoded.
        name: String,
        /// The variable's number.
        id: VariableId,
        /// The variable's name, for messages.
        variable: Box<str>,
    },
    /// What goes before a pair behind such a one.
    Separator(PairsOf),
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Raw,
    /// In a URL: spaces and control characters percent-encoded, nothing else.
    Url,
    /// A component of a query or a form: everything but letters, digits and `-._~` percent-encoded.
    Component,
    /// Between the quotes of a JSON string.
    JsonInside,
    /// A whole JSON value that keeps its type.
    JsonValue,
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
}

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

    /// The text, if it is always the same.
    pub fn as_static(&self) -> Option<&str> {
        match self.segments.as_slice() {
            [] => Some(""),
            [Segment::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Appends the text with its values to `out`.
    pub fn render_into(&self, out: &mut String, cx: &mut RenderContext<'_>) {
        let from = out.len();
        for segment in &self.segments {
            match segment {
                Segment::Literal(text) => out.push_str(text),
                Segment::Value { source, encoding } => source.render_into(*encoding, out, cx),
                Segment::Pair { of, name, id, .. } => of.write(name, *id, out, from, cx.variables),
                Segment::Separator(of) => of.separate(out, from),
            }
        }
    }

    /// Adds the user's variables that it writes to `list`, with their names.
    pub(crate) fn add_variables(&self, list: &mut Vec<(VariableId, Box<str>)>) {
        for segment in &self.segments {
            match segment {
                Segment::Value { source: ValueSource::Variable { id, name }, .. } => {
                    list.push((*id, name.clone()));
                }
                Segment::Pair { id, variable, .. } => list.push((*id, variable.clone())),
                Segment::Value { source: ValueSource::Base64(inner), .. } => inner.add_variables(list),
                _ => {}
            }
        }
    }

    /// Appends text that needs no encoding any more.
    pub(crate) fn push_encoded(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        if let Some(Segment::Literal(last)) = self.segments.last_mut() {
            last.push_str(text);
        } else {
            self.segments.push(Segment::Literal(text.to_owned()));
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
        match (encoding, value) {
            (Encoding::JsonValue, value) => self.push_encoded(&value.to_json()),
            (encoding, value) => self.push_text(&value.to_plain(), encoding),
        }
    }

    /// Appends a value that is known only later.
    pub(crate) fn push_source(&mut self, source: ValueSource, encoding: Encoding) {
        self.segments.push(Segment::Value { source, encoding });
    }

    /// Appends the base64 of a text.
    pub(crate) fn push_base64(&mut self, text: Self) {
        let Some(known) = text.as_static() else {
            self.push_source(ValueSource::Base64(text), Encoding::Raw);
            return;
        };
        let mut encoded = known.to_owned();
        encode_base64(&mut encoded, 0);
        self.push_encoded(&encoded);
    }

    /// Appends another template.
    pub(crate) fn push_template(&mut self, other: &Self) {
        for segment in &other.segments {
            match segment {
                Segment::Literal(text) => self.push_encoded(text),
                later => self.segments.push(later.clone()),
            }
        }
    }
}

impl From<Segment> for Template {
    fn from(segment: Segment) -> Self {
        Self { segments: vec![segment] }
    }
}

impl ValueSource {
    fn render_into(&self, encoding: Encoding, out: &mut String, cx: &mut RenderContext<'_>) {
        // Digits and a minus sign are the same in every encoding, and writing to a String cannot fail.
        let _ = match self {
            Self::UserId => write!(out, "{}", cx.user_id),
            Self::UserLife => write!(out, "{}", cx.life),
            Self::Iteration => write!(out, "{}", cx.iteration),
            Self::RandomInt { lo, hi } => write!(out, "{}", cx.draw.int(*lo, *hi)),
            Self::UserClass => {
                encoding.write_text(cx.class, out);
                Ok(())
            }
            Self::Variable { id, .. } => {
                cx.variables.render(*id, encoding, out);
                Ok(())
            }
            Self::Row(cell) => {
                cx.rows.write(cell, encoding, out);
                Ok(())
            }
            Self::Base64(inner) => {
                let start = out.len();
                inner.render_into(out, cx);
                encode_base64(out, start);
                if encoding != Encoding::Raw {
                    let text = out.split_off(start);
                    encoding.write_text(&text, out);
                }
                Ok(())
            }
        };
    }
}

impl Encoding {
    /// Appends a text as this place needs it.
    pub(crate) fn write_text(self, text: &str, out: &mut String) {
        match self {
            Self::Raw => out.push_str(text),
            Self::Url => percent(text, out, |b| b > 0x20 && b != 0x7f),
            Self::Component => {
                percent(text, out, |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~'));
            }
            Self::JsonInside => write_json_inside(text, out),
            Self::JsonValue => {
                out.push('"');
                write_json_inside(text, out);
                out.push('"');
            }
        }
    }
}

/// Puts the base64 of what stands behind `start` in its place, without a buffer in between.
fn encode_base64(out: &mut String, start: usize) {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let end = out.len();
    for at in (start..end).step_by(3) {
        let group = &out.as_bytes()[at..end.min(at + 3)];
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let signs = group.len() + 1;
        for index in 0..4 {
            let sign = SIGNS[((bits >> (18 - 6 * index)) & 63) as usize];
            out.push(if index < signs { char::from(sign) } else { '=' });
        }
    }
    out.drain(start..end);
}

/// Appends `text`, with every byte that is not kept as `%XX`, and what lies between those in one piece. Of a character of several
/// bytes all are kept or none.
fn percent(text: &str, out: &mut String, keep: impl Fn(u8) -> bool) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| !keep(byte)) {
        let (kept, others) = rest.split_at(at);
        let end = others.bytes().position(&keep).unwrap_or(others.len());
        let (others, behind) = others.split_at(end);
        out.push_str(kept);
        for byte in others.bytes() {
            out.push('%');
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
        rest = behind;
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_has_its_encoding() {
        for (encoding, written) in [
            (Encoding::Raw, "a b&ü\"\n"),
            (Encoding::Url, "a%20b&ü\"%0A"),
            (Encoding::Component, "a%20b%26%C3%BC%22%0A"),
            (Encoding::JsonInside, "a b&ü\\\"\\n"),
            (Encoding::JsonValue, "\"a b&ü\\\"\\n\""),
        ] {
            let mut out = String::new();
            encoding.write_text("a b&ü\"\n", &mut out);
            assert_eq!(out, written);
        }
    }

    #[test]
    fn base64_is_that_of_the_rfc() {
        // RFC 4648, 10.
        for (text, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
            ("ü?>", "w7w/Pg=="),
        ] {
            let mut template = Template::default();
            template.push_base64(Template::literal(text));
            assert_eq!(template.as_static(), Some(encoded));
        }
        let mut pair = Template::literal("u");
        pair.push_source(ValueSource::UserId, Encoding::Raw);
        pair.push_encoded(":p>?");
        let mut written = Template::literal("Basic ");
        written.push_base64(pair.clone());
        written.push_source(ValueSource::Base64(pair), Encoding::Component);
        let (mut out, mut draw) = (String::from("before "), Draw::from_seed(7));
        written.render_into(
            &mut out,
            &mut RenderContext {
                user_id: 12,
                life: 0,
                class: "c",
                iteration: 0,
                arrival: None,
                loop_index: 0,
                rows: RowView::default(),
                response: &crate::response::NONE,
                draw: &mut draw,
                variables: &mut Variables::default(),
            },
        );
        assert_eq!(out, "before Basic dTEyOnA+Pw==dTEyOnA%2BPw%3D%3D");
    }

    #[test]
    fn literals_merge_and_draws_follow_the_segments() {
        let mut template = Template::default();
        template.push_encoded("a");
        template.push_encoded("");
        template.push_value(&Value::Int(1), Encoding::Raw);
        template.push_source(ValueSource::RandomInt { lo: 0, hi: 1_000_000 }, Encoding::Raw);
        template.push_encoded("-");
        template.push_source(ValueSource::RandomInt { lo: 0, hi: 1_000_000 }, Encoding::Raw);
        assert_eq!(template.segments().len(), 4);
        let mut expected = Draw::from_seed(7);
        let (first, second) = (expected.int(0, 1_000_000), expected.int(0, 1_000_000));
        let (mut out, mut draw) = (String::new(), Draw::from_seed(7));
        template.render_into(
            &mut out,
            &mut RenderContext {
                user_id: 0,
                life: 0,
                class: "c",
                iteration: 0,
                arrival: None,
                loop_index: 0,
                rows: RowView::default(),
                response: &crate::response::NONE,
                draw: &mut draw,
                variables: &mut Variables::default(),
            },
        );
        assert_eq!(out, format!("a1{first}-{second}"));
    }
}
