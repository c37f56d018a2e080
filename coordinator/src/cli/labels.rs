//! `--label KEY=VALUE`: what somebody calls a run, so that its reports and metrics can be told from those of others.
//!
//! Labels are words of the user's own: nothing is read from them. Where they are shown they are escaped like any text from
//! outside.

use std::collections::BTreeMap;

use clap::Args as ClapArgs;

use super::exit::Error;

/// Labels of a run at most: each stands in every report, and beside every number that is exported.
const MAX_LABELS: usize = 64;

/// Bytes of a label, key and value together, at most.
const MAX_BYTES: usize = 1024;

/// What a run is called.
#[derive(Debug, Clone, Default, ClapArgs)]
pub(super) struct LabelArgs {
    /// Write this label into every report, for example commit=3f2a91c; repeatable
    #[arg(long = "label", value_name = "KEY=VALUE", env = "STAMPEDE_LABEL", value_delimiter = '\n',
          value_parser = label)]
    labels: Vec<(String, String)>,
}

impl LabelArgs {
    /// By key.
    ///
    /// # Errors
    /// When a key is given twice, or there are more labels than anything downstream takes.
    pub(super) fn by_key(&self) -> Result<BTreeMap<String, String>, Error> {
        let mut labels = BTreeMap::new();
        for (key, value) in &self.labels {
            if let Some(before) = labels.insert(key.clone(), value.clone()) {
                let text = format!("--label {key} is given twice: {key}={before} and {key}={value}");
                return Err(Error::Usage(text));
            }
        }
        if labels.len() > MAX_LABELS {
            let text = format!("{} labels are given, and there can be {MAX_LABELS}", labels.len());
            return Err(Error::Usage(text));
        }
        Ok(labels)
    }

    /// As they were given before.
    pub(super) fn of(labels: &BTreeMap<String, String>) -> Self {
        Self { labels: labels.iter().map(|(key, value)| (key.clone(), value.clone())).collect() }
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let Some((key, value)) = text.split_once('=') else {
        return Err("write KEY=VALUE, for example --label commit=3f2a91c".to_owned());
    };
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() {
        return Err("it has no key before the `=`; write KEY=VALUE".to_owned());
    }
    if text.len() > MAX_BYTES {
        return Err(format!("a label has {MAX_BYTES} bytes at most"));
    }
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(texts: &[&str]) -> LabelArgs {
        LabelArgs { labels: texts.iter().map(|text| label(text).expect("a label")).collect() }
    }

    #[test]
    fn a_label_is_a_key_and_whatever_follows() {
        assert_eq!(label("env=staging"), Ok(("env".into(), "staging".into())));
        assert_eq!(label(" env = a=b "), Ok(("env".into(), "a=b".into())));
        assert_eq!(label("env="), Ok(("env".into(), String::new())));
        assert!(label("env").is_err_and(|text| text.contains("KEY=VALUE")));
        assert!(label(" =x").is_err_and(|text| text.contains("no key")));
        assert!(label(&format!("k={}", "x".repeat(MAX_BYTES))).is_err());
    }

    #[test]
    fn a_key_stands_once() {
        let labels = given(&["b=2", "a=1"]).by_key().expect("two labels");
        assert_eq!(
            labels.into_iter().collect::<Vec<_>>(),
            [("a".into(), "1".into()), ("b".into(), "2".into())]
        );
        let twice = given(&["a=1", "a=1"]).by_key().expect_err("twice").to_string();
        assert_eq!(twice, "--label a is given twice: a=1 and a=1");
        let many: Vec<_> = (0..=MAX_LABELS).map(|number| (format!("k{number}"), String::new())).collect();
        assert!(LabelArgs { labels: many }.by_key().is_err());
    }
}
