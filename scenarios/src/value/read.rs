//! Values from JSON: without a tree in between, and with maps in the order in which they were written.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::Value;

impl<'de> Deserialize<'de> for Value {
    /// A whole number beyond 64 bits becomes a fraction; of two members with one name the last counts.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, it: bool) -> Result<Value, E> {
        Ok(Value::Bool(it))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or(Value::Float(number as f64), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Value::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        let mut several = false;
        while let Some(entry) = map.next_entry::<String, Value>()? {
            several |= entries.len() < 16 && entries.iter().any(|(key, _)| *key == entry.0);
            entries.push(entry);
        }
        if several || entries.len() > 16 {
            entries = last_of_each(entries);
        }
        Ok(Value::Map(entries))
    }
}

/// At the place of the first of a name what its last one says.
fn last_of_each(entries: Vec<(String, Value)>) -> Vec<(String, Value)> {
    let mut places = std::collections::HashMap::with_capacity(entries.len());
    let mut kept: Vec<(String, Value)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        if let Some((_, old)) = places.get(&key).and_then(|at: &usize| kept.get_mut(*at)) {
            *old = value;
        } else {
            places.insert(key.clone(), kept.len());
            kept.push((key, value));
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_becomes_values() {
        let many: String =
            (0..20).map(|number| format!("\"k{number}\": {number}, ")).collect::<Vec<_>>().concat();
        for (json, again) in [
            (
                r#"{"b": [1, -2.5, null], "a": {"c": true}}"#.to_owned(),
                r#"{"b":[1,-2.5,null],"a":{"c":true}}"#.to_owned(),
            ),
            (r#"{"a": 1, "b": 2, "a": 3}"#.to_owned(), r#"{"a":3,"b":2}"#.to_owned()),
            ("18446744073709551615".to_owned(), "1.8446744073709552e19".to_owned()),
            (
                format!("{{{many}\"k3\": \"x\"}}"),
                format!("{{{}}}", many.replace(": 3,", ": \"x\",").replace(' ', "").trim_end_matches(',')),
            ),
        ] {
            let value: Value = serde_json::from_str(&json).expect("JSON");
            assert_eq!(value.to_json(), again);
        }
    }
}
