//! Pairs of a query or a form whose value is a variable of the user: null leaves the pair out, a list repeats it.
//!
//! What stands before such a pair, and before those behind it, depends on the values. So it is decided when they are written,
//! by what has been written so far.

use super::{Encoding, RenderContext, Segment, Template, ValueSource};
use crate::expression::EvaluateError;

/// What pairs are part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PairsOf {
    /// The query of a URL, which stands before them in the same text.
    Query,
    /// A form, which is the whole text.
    Form,
}

impl PairsOf {
    /// Appends what goes before a pair to a text that begins at `from` in `out`.
    pub(super) fn separate(self, out: &mut String, from: usize) {
        let before = out.get(from..).unwrap_or("");
        match self {
            Self::Query if !before.contains('?') => out.push('?'),
            Self::Query if before.ends_with(['?', '&']) => {}
            Self::Form if before.is_empty() => {}
            Self::Query | Self::Form => out.push('&'),
        }
    }

    /// Appends the pair once for each value it has.
    pub(super) fn write(
        self,
        name: &str,
        source: &ValueSource,
        out: &mut String,
        from: usize,
        cx: &mut RenderContext<'_>,
    ) -> Result<(), EvaluateError> {
        source.each(cx, |value| {
            self.separate(out, from);
            out.push_str(name);
            out.push('=');
            Encoding::Component.write_text(value, out);
        })?;
        Ok(())
    }
}

impl Template {
    /// If it is nothing but one variable or one computed value: calls `with` for each text that this stands for where a value may
    /// be left out or repeated (for null never, for a list with each of its values but null). Whether it is.
    pub fn each(&self, cx: &mut RenderContext<'_>, with: impl FnMut(&str)) -> Result<bool, EvaluateError> {
        match self.segments() {
            [Segment::Value { source, .. }] => source.each(cx, with),
            _ => Ok(false),
        }
    }

    /// Appends pairs, their values encoded; `first` goes before the first one if that is known.
    pub(crate) fn push_pairs(&mut self, of: PairsOf, first: &str, pairs: &[(String, Self)]) {
        let mut separator = Some(first);
        for (name, value) in pairs {
            let mut encoded = String::new();
            Encoding::Component.write_text(name, &mut encoded);
            if let [Segment::Value { source, .. }] = value.segments()
                && matches!(
                    source,
                    ValueSource::Variable { .. } | ValueSource::Row(_) | ValueSource::Computed(_)
                )
            {
                let shown = value.shown_static();
                let pair = Segment::Pair { of, name: encoded.clone(), source: source.clone() };
                match shown {
                    Some(secret) => self.push_hidden_pair(pair, of, &format!("{encoded}={secret}")),
                    None => self.push_segment(pair, None),
                }
                separator = None;
                continue;
            }
            match separator {
                Some(text) => self.push_encoded(text),
                None => self.push_segment(Segment::Separator(of), None),
            }
            self.push_encoded(&encoded);
            self.push_encoded("=");
            self.push_template(value);
            separator = separator.map(|_| "&");
        }
    }

    fn push_hidden_pair(&mut self, pair: Segment, of: PairsOf, written: &str) {
        let shown = self.shown.get_or_insert_with(|| self.segments.clone());
        shown.push(Segment::Separator(of));
        shown.push(Segment::Literal(written.to_owned()));
        self.segments.push(pair);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Draw;
    use crate::template::NOWHERE;
    use crate::value::Value;
    use crate::variables::{VariableId, VariablePlan, Variables};

    fn pairs() -> Vec<(String, Template)> {
        let variable = |id| {
            let source = ValueSource::Variable { id: VariableId(id), name: "v".into() };
            Template::from(Segment::Value { source, encoding: Encoding::Component })
        };
        let fixed = || Template::literal("1");
        vec![
            ("a b".into(), variable(0)),
            ("x".into(), fixed()),
            ("y".into(), variable(1)),
            ("z".into(), fixed()),
        ]
    }

    fn written(of: PairsOf, before: &str, first: &str, values: [Value; 2]) -> String {
        let plans =
            values.map(|value| VariablePlan { name: "v".into(), initial: Some(value), is_shared: false });
        let mut template = Template::literal(before);
        template.push_pairs(of, first, &pairs());
        // Something else stands in the buffer already.
        let (mut out, mut draw) = (String::from("?&"), Draw::from_seed(1));
        let mut variables = Variables::new(&plans);
        let mut cx = RenderContext {
            user_id: 0,
            life: 0,
            class: "c",
            iteration: 0,
            arrival: None,
            loop_index: 0,
            rows: crate::data::RowView::default(),
            response: &crate::response::NONE,
            draw: &mut draw,
            variables: &mut variables,
            around: &NOWHERE,
        };
        template.render_into(&mut out, &mut cx).expect("it can be computed");
        out.split_off(2)
    }

    #[test]
    fn null_leaves_out_and_a_list_repeats() {
        let text = |text: &str| Value::Text(text.into());
        let list = || Value::List(vec![text("a&"), Value::Null, Value::Int(2)]);
        for (values, query) in [
            ([text("i"), text("j")], "a%20b=i&x=1&y=j&z=1"),
            ([Value::Null, Value::Null], "x=1&z=1"),
            ([list(), Value::List(vec![])], "a%20b=a%26&a%20b=2&x=1&z=1"),
            ([Value::Null, list()], "x=1&y=a%26&y=2&z=1"),
            ([Value::Bool(true), text("")], "a%20b=true&x=1&y=&z=1"),
        ] {
            let of = |of, before, first| written(of, before, first, values.clone());
            assert_eq!(of(PairsOf::Query, "http://h/", "?"), format!("http://h/?{query}"));
            assert_eq!(of(PairsOf::Query, "http://h/?", ""), format!("http://h/?{query}"));
            assert_eq!(of(PairsOf::Query, "http://h/?k", "&"), format!("http://h/?k&{query}"));
            assert_eq!(of(PairsOf::Form, "", ""), query);
        }
    }

    #[test]
    fn with_nothing_there_is_no_query() {
        let mut template = Template::literal("http://h/");
        template.push_pairs(PairsOf::Query, "?", &pairs()[..1]);
        let (mut out, mut draw) = (String::new(), Draw::from_seed(1));
        let mut variables = Variables::new(&[VariablePlan {
            name: "v".into(),
            initial: Some(Value::Null),
            is_shared: false,
        }]);
        let mut cx = RenderContext {
            user_id: 0,
            life: 0,
            class: "c",
            iteration: 0,
            arrival: None,
            loop_index: 0,
            rows: crate::data::RowView::default(),
            response: &crate::response::NONE,
            draw: &mut draw,
            variables: &mut variables,
            around: &NOWHERE,
        };
        template.render_into(&mut out, &mut cx).expect("it can be computed");
        assert_eq!(out, "http://h/");
    }
}
