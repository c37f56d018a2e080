//! A user's own variables: what a class's `vars` begin with and what is extracted from responses.
//!
//! They are numbered for each class when the scenario is read, so that a user holds a plain list. A value is kept in the form in
//! which it is written: text as it is, everything else as JSON. Its memory is used again by the next value.

use std::fmt;

use crate::template::Encoding;
use crate::value::{Value, write_json_inside};

/// Index into [`ClassPlan::variables`](crate::plan::ClassPlan::variables) and into a user's [`Variables`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VariableId(pub u32);

/// A variable that each user of a class has for itself.
#[derive(Clone, PartialEq)]
pub struct VariablePlan {
    /// Its name in the file.
    pub name: String,
    /// What it is when the user starts; `None`: it has no value before something sets it.
    pub initial: Option<Value>,
    /// Whether `setup` gives it its value, the same for all users.
    pub is_shared: bool,
}

impl fmt::Debug for VariablePlan {
    /// Without the value, which may come from a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let initial = self.initial.as_ref().map(Value::found);
        f.debug_struct("VariablePlan")
            .field("name", &self.name)
            .field("initial", &initial)
            .field("is_shared", &self.is_shared)
            .finish()
    }
}

/// The variables of one user. Numbers that the class does not have are never set.
#[derive(Debug, Clone, Default)]
pub struct Variables(Box<[Variable]>);

#[derive(Debug, Clone, Default)]
struct Variable {
    kind: Kind,
    text: String,
}

/// What `text` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    /// Nothing: there is no value.
    #[default]
    Unset,
    /// The value itself.
    Text,
    /// The value as JSON without spaces, anything but a text.
    Json,
}

impl Variables {
    /// Those of a new user.
    pub fn new(plan: &[VariablePlan]) -> Self {
        let variable = |plan: &VariablePlan| {
            let mut variable = Variable::default();
            if let Some(value) = &plan.initial {
                variable.set(value);
            }
            variable
        };
        Self(plan.iter().map(variable).collect())
    }

    /// Variables with these values, each as [`to_json`](Self::to_json) wrote it. What is no JSON is no value.
    pub fn from_json(values: &[Option<String>]) -> Self {
        let variable = |json: &Option<String>| {
            let mut variable = Variable::default();
            match json {
                Some(json) if json.starts_with('"') => variable.set(&crate::json::value_of(json)),
                Some(json) if crate::json::is_json(json) => {
                    (variable.kind, variable.text) = (Kind::Json, json.clone());
                }
                _ => {}
            }
            variable
        };
        Self(values.iter().map(variable).collect())
    }

    /// Gives it the value that it has in `from`; where it has none there, it stays as it is.
    pub fn copy(&mut self, id: VariableId, from: &Self) {
        if let (Some(own), Some(other)) = (self.get_mut(id), from.get(id))
            && other.kind != Kind::Unset
        {
            own.clone_from(other);
        }
    }

    /// Whether it has a value.
    pub fn is_set(&self, id: VariableId) -> bool {
        self.get(id).is_some_and(|variable| variable.kind != Kind::Unset)
    }

    /// Its value; `None` if it has none, or is nested too deeply to be one.
    pub fn value(&self, id: VariableId) -> Option<Value> {
        let Variable { kind, text } = self.get(id)?;
        match kind {
            Kind::Unset => None,
            Kind::Text => Some(Value::Text(text.clone())),
            Kind::Json => crate::json::try_value_of(text),
        }
    }

    /// Takes the values that have changed in a copy of them: between `before`, as the copy was made, and `after`.
    pub fn join(&mut self, before: &Self, after: Self) {
        for ((own, old), new) in self.0.iter_mut().zip(&before.0).zip(after.0) {
            let is_same = old.kind == new.kind && (new.kind == Kind::Unset || old.text == new.text);
            if !is_same {
                *own = new;
            }
        }
    }

    /// Takes its value away.
    pub fn unset(&mut self, id: VariableId) {
        if let Some(variable) = self.get_mut(id) {
            variable.kind = Kind::Unset;
        }
    }

    /// Gives it a value.
    pub fn set(&mut self, id: VariableId, value: &Value) {
        if let Some(variable) = self.get_mut(id) {
            variable.set(value);
        }
    }

    /// Gives it a text; what is no UTF-8 of it becomes `U+FFFD`.
    pub fn set_text(&mut self, id: VariableId, text: &[u8]) {
        let Some(variable) = self.get_mut(id) else { return };
        variable.kind = Kind::Text;
        variable.text.clear();
        variable.text.push_str(&String::from_utf8_lossy(text));
    }

    /// Gives it what `write` appends to an empty text: the value itself, or its JSON without spaces if `is_json`. It has no
    /// value if that fails.
    pub(crate) fn write<E>(
        &mut self,
        id: VariableId,
        is_json: bool,
        write: impl FnOnce(&mut String) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(variable) = self.get_mut(id) else { return Ok(()) };
        variable.kind = Kind::Unset;
        variable.text.clear();
        write(&mut variable.text)?;
        variable.kind = if is_json { Kind::Json } else { Kind::Text };
        Ok(())
    }

    /// Appends its value as a place needs it; nothing if it has none.
    pub(crate) fn render(&self, id: VariableId, encoding: Encoding, out: &mut String) {
        let Some(Variable { kind, text }) = self.get(id) else { return };
        match (kind, encoding) {
            (Kind::Unset, _) => {}
            (Kind::Json, Encoding::JsonValue) => out.push_str(text),
            (Kind::Json | Kind::Text, encoding) => encoding.write_text(text, out),
        }
    }

    /// Calls `with` for each text its value stands for where a value may be left out or repeated: for null and no value never,
    /// for a list with each of its values but null.
    pub fn each(&self, id: VariableId, mut with: impl FnMut(&str)) {
        let Some(Variable { kind, text }) = self.get(id) else { return };
        match kind {
            Kind::Unset => {}
            Kind::Json if text == "null" => {}
            Kind::Json if text.starts_with('[') => {
                let items: Vec<serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
                for item in items {
                    match item {
                        serde_json::Value::Null => {}
                        serde_json::Value::String(text) => with(&text),
                        other => with(&other.to_string()),
                    }
                }
            }
            Kind::Json | Kind::Text => with(text),
        }
    }

    /// Its value as JSON, for a message or a test; `None` if it has none.
    pub fn to_json(&self, id: VariableId) -> Option<String> {
        let variable = self.get(id)?;
        match variable.kind {
            Kind::Unset => None,
            Kind::Json => Some(variable.text.clone()),
            Kind::Text => {
                let mut out = String::from("\"");
                write_json_inside(&variable.text, &mut out);
                out.push('"');
                Some(out)
            }
        }
    }

    fn get(&self, id: VariableId) -> Option<&Variable> {
        self.0.get(usize::try_from(id.0).ok()?)
    }

    fn get_mut(&mut self, id: VariableId) -> Option<&mut Variable> {
        self.0.get_mut(usize::try_from(id.0).ok()?)
    }
}

impl Variable {
    fn set(&mut self, value: &Value) {
        self.text.clear();
        self.kind = match value {
            Value::Text(text) => {
                self.text.push_str(text);
                Kind::Text
            }
            other => {
                other.write_json(&mut self.text);
                Kind::Json
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(initial: Option<Value>) -> VariablePlan {
        VariablePlan { name: "v".into(), initial, is_shared: false }
    }

    fn rendered(variables: &Variables, encoding: Encoding) -> String {
        let mut out = String::new();
        variables.render(VariableId(0), encoding, &mut out);
        out
    }

    #[test]
    fn a_value_is_written_as_its_place_needs_it() {
        let text = |text: &str| Value::Text(text.into());
        for (value, raw, component, json) in [
            (text("a\"b"), "a\"b", "a%22b", "\"a\\\"b\""),
            (text("null"), "null", "null", "\"null\""),
            (Value::Int(3), "3", "3", "3"),
            (Value::Null, "null", "null", "null"),
            (Value::List(vec![text("a"), Value::Int(1)]), "[\"a\",1]", "%5B%22a%22%2C1%5D", "[\"a\",1]"),
        ] {
            let variables = Variables::new(&[plan(Some(value.clone()))]);
            assert_eq!(rendered(&variables, Encoding::Raw), raw);
            assert_eq!(rendered(&variables, Encoding::Component), component);
            assert_eq!(rendered(&variables, Encoding::JsonValue), json);
            assert_eq!(variables.to_json(VariableId(0)).as_deref(), Some(json));
        }
    }

    #[test]
    fn null_stands_for_no_text_and_a_list_for_several() {
        let text = |text: &str| Value::Text(text.into());
        for (value, expected) in [
            (Value::Null, vec![]),
            (text("null"), vec!["null"]),
            (text("[1]"), vec!["[1]"]),
            (Value::List(vec![text("a"), Value::Null, Value::List(vec![Value::Int(1)])]), vec!["a", "[1]"]),
            (Value::List(vec![]), vec![]),
            (Value::Float(1.5), vec!["1.5"]),
        ] {
            let mut seen = Vec::new();
            Variables::new(&[plan(Some(value))]).each(VariableId(0), |text| seen.push(text.to_owned()));
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn each_user_begins_anew_and_a_value_can_go() {
        let plans = [plan(Some(Value::Int(1))), plan(None)];
        let mut one = Variables::new(&plans);
        assert_eq!((one.is_set(VariableId(0)), one.is_set(VariableId(1))), (true, false));
        one.set_text(VariableId(0), b"a\xffb");
        assert_eq!(rendered(&one, Encoding::Raw), "a\u{fffd}b");
        one.set(VariableId(1), &Value::Bool(true));
        assert_eq!(one.to_json(VariableId(1)).as_deref(), Some("true"));
        one.unset(VariableId(0));
        assert_eq!((one.is_set(VariableId(0)), one.to_json(VariableId(0))), (false, None));
        assert_eq!(rendered(&one, Encoding::Raw), "");
        assert_eq!(Variables::new(&plans).to_json(VariableId(0)).as_deref(), Some("1"));
    }

    #[test]
    fn values_that_are_told_as_json_stay_as_they_were_written() {
        let json = ["1.10", "12345678901234567890", "\"a\\\"b\"", "[1.0,{\"a\":null}]"]
            .map(|json| Some(json.to_owned()));
        let told = Variables::from_json(&json);
        let mut own = Variables::new(&[(); 4].map(|()| plan(Some(Value::Int(7)))));
        for (number, json) in (0..).map(VariableId).zip(&json) {
            own.copy(number, &told);
            assert_eq!(own.to_json(number), *json);
        }
        assert_eq!(own.value(VariableId(2)), Some(Value::Text("a\"b".into())));
        own.copy(VariableId(0), &Variables::from_json(&[None]));
        own.copy(VariableId(1), &Variables::from_json(&[None, Some("no JSON".into())]));
        assert_eq!(own.to_json(VariableId(0)), json[0], "no value takes none away");
        assert_eq!(own.to_json(VariableId(1)), json[1]);
    }

    #[test]
    fn a_value_that_could_not_be_written_is_none() {
        let mut variables = Variables::new(&[plan(Some(Value::Int(1)))]);
        let failed = variables.write(VariableId(0), true, |out| {
            out.push_str("[1");
            Err(())
        });
        assert_eq!((failed, variables.is_set(VariableId(0))), (Err(()), false));
    }

    #[test]
    fn a_number_that_the_class_does_not_have_does_no_harm() {
        let mut variables = Variables::new(&[]);
        variables.set_text(VariableId(7), b"a");
        variables.set(VariableId(7), &Value::Null);
        variables.unset(VariableId(7));
        assert!(!variables.is_set(VariableId(7)));
    }
}
