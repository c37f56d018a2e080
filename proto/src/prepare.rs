//! A test as it travels: the scenario's text, what flags replaced, and the list of its files.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use stampede_scenarios::rate::Rate;
use stampede_scenarios::source::{Overrides, Source, Trial};

use crate::{WireError, v1};

/// Most files a scenario can name.
const MAX_ASSETS: usize = 65_536;

/// Most bytes that the files of one test may have together: a worker keeps them in memory.
const MAX_ASSET_BYTES: u64 = 8 << 30;

/// What a worker needs to compile the same plan as the coordinator.
#[derive(Clone, PartialEq)]
pub struct Prepare {
    /// The run it is for.
    pub run: String,
    /// The scenario's name and text.
    pub source: Source,
    /// What flags replaced.
    pub overrides: Overrides,
    /// The coordinator's environment, as far as the scenario read it.
    pub env: BTreeMap<String, String>,
    /// The run seed.
    pub seed: u64,
    /// The files, in the order of the plan's assets.
    pub assets: Vec<AssetInfo>,
    /// Which client makes the requests.
    pub client: ClientChoice,
}

impl fmt::Debug for Prepare {
    /// Without what may be secret: the text, variables and the environment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepare")
            .field("run", &self.run)
            .field("source", &self.source.name)
            .field("assets", &self.assets)
            .finish_non_exhaustive()
    }
}

/// Which HTTP client makes the requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientChoice {
    /// Native; reqwest for requests through a proxy.
    #[default]
    Auto,
    /// Native, always.
    Native,
    /// reqwest, always.
    Reqwest,
}

/// A file of the scenario, by content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetInfo {
    /// As written in the scenario.
    pub path: String,
    /// SHA-256 of its content.
    pub sha256: [u8; 32],
    /// Bytes.
    pub size: u64,
    /// The last part of its path.
    pub file_name: String,
}

/// To the wire.
pub fn to_wire(prepare: &Prepare) -> v1::Prepare {
    v1::Prepare {
        run: prepare.run.clone(),
        source_name: prepare.source.name.clone(),
        source_text: prepare.source.text.clone(),
        overrides: Some(overrides_to_wire(&prepare.overrides)),
        env: prepare.env.clone().into_iter().collect(),
        seed: prepare.seed,
        assets: prepare
            .assets
            .iter()
            .map(|asset| v1::Asset {
                path: asset.path.clone(),
                sha256: asset.sha256.to_vec(),
                size: asset.size,
                file_name: asset.file_name.clone(),
            })
            .collect(),
        client: client_to_wire(prepare.client).into(),
    }
}

fn client_to_wire(client: ClientChoice) -> v1::HttpClient {
    match client {
        ClientChoice::Auto => v1::HttpClient::Auto,
        ClientChoice::Native => v1::HttpClient::Native,
        ClientChoice::Reqwest => v1::HttpClient::Reqwest,
    }
}

fn client_from_wire(client: i32) -> Result<ClientChoice, WireError> {
    match v1::HttpClient::try_from(client) {
        Ok(v1::HttpClient::Auto) => Ok(ClientChoice::Auto),
        Ok(v1::HttpClient::Native) => Ok(ClientChoice::Native),
        Ok(v1::HttpClient::Reqwest) => Ok(ClientChoice::Reqwest),
        Err(_) => Err(WireError::invalid("client", "not known")),
    }
}

/// From the wire.
///
/// # Errors
/// When a rate is zero, a hash has the wrong length, there are too many files or they are too large together, or the client is not known.
pub fn from_wire(wire: v1::Prepare) -> Result<Prepare, WireError> {
    if wire.assets.len() > MAX_ASSETS {
        return Err(WireError::invalid("assets", "too many"));
    }
    let bytes = wire.assets.iter().fold(0, |sum: u64, asset| sum.saturating_add(asset.size));
    if bytes > MAX_ASSET_BYTES {
        return Err(WireError::invalid("assets", "too large together"));
    }
    let assets = wire
        .assets
        .into_iter()
        .map(|asset| {
            let sha256 = asset.sha256.try_into().map_err(|_| WireError::invalid("sha256", "not 32 bytes"))?;
            Ok(AssetInfo { path: asset.path, sha256, size: asset.size, file_name: asset.file_name })
        })
        .collect::<Result<_, WireError>>()?;
    Ok(Prepare {
        run: wire.run,
        source: Source::new(wire.source_name, wire.source_text),
        overrides: overrides_from_wire(wire.overrides.unwrap_or_default())?,
        env: wire.env.into_iter().collect(),
        seed: wire.seed,
        assets,
        client: client_from_wire(wire.client)?,
    })
}

/// A rate to the wire.
pub fn rate_to_wire(rate: Rate) -> v1::Rate {
    v1::Rate { num: rate.num(), den: rate.den() }
}

/// A rate from the wire.
///
/// # Errors
/// When it is zero or divides by zero.
pub fn rate_from_wire(rate: v1::Rate) -> Result<Rate, WireError> {
    Rate::new(rate.num, rate.den).ok_or(WireError::invalid("rate", "zero"))
}

/// A duration to the wire, in ns.
pub fn ns(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn overrides_to_wire(overrides: &Overrides) -> v1::Overrides {
    v1::Overrides {
        users: overrides.users,
        spawn_rate: overrides.spawn_rate.map(rate_to_wire),
        rate: overrides.rate.map(rate_to_wire),
        max_users: overrides.max_users,
        run_time_ns: overrides.run_time.map(ns),
        iterations: overrides.iterations,
        stop_timeout_ns: overrides.stop_timeout.map(ns),
        host: overrides.host.clone(),
        vars: overrides
            .vars
            .iter()
            .map(|(name, value)| v1::Var { name: name.clone(), value: value.clone() })
            .collect(),
        tags: overrides.tags.clone(),
        exclude_tags: overrides.exclude_tags.clone(),
        class: overrides.class.clone(),
        thresholds: overrides.thresholds.clone(),
        baseline: overrides.baseline.clone(),
        trial: overrides
            .trial
            .as_ref()
            .map(|trial| v1::Trial { class: trial.class.clone(), task: trial.task.clone() }),
    }
}

fn overrides_from_wire(wire: v1::Overrides) -> Result<Overrides, WireError> {
    if wire.baseline.iter().any(|value| !value.is_finite()) {
        return Err(WireError::invalid("baseline", "no number"));
    }
    Ok(Overrides {
        users: wire.users,
        spawn_rate: wire.spawn_rate.map(rate_from_wire).transpose()?,
        rate: wire.rate.map(rate_from_wire).transpose()?,
        max_users: wire.max_users,
        run_time: wire.run_time_ns.map(Duration::from_nanos),
        iterations: wire.iterations,
        stop_timeout: wire.stop_timeout_ns.map(Duration::from_nanos),
        host: wire.host,
        // The seed travels resolved, in `Prepare::seed`.
        seed: None,
        vars: wire.vars.into_iter().map(|var| (var.name, var.value)).collect(),
        tags: wire.tags,
        exclude_tags: wire.exclude_tags,
        class: wire.class,
        thresholds: wire.thresholds,
        baseline: wire.baseline,
        trial: wire.trial.map(|trial| Trial { class: trial.class, task: trial.task }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_arrives_as_it_was_sent() {
        let prepare = Prepare {
            run: "r1".into(),
            source: Source::new("a.yaml", "target: x"),
            overrides: Overrides {
                users: Some(9),
                spawn_rate: Rate::new(1, 2),
                rate: Rate::new(1500, 1),
                max_users: Some(50),
                run_time: Some(Duration::from_millis(1500)),
                iterations: Some(3),
                stop_timeout: Some(Duration::ZERO),
                host: Some("http://h".into()),
                seed: None,
                vars: vec![("a".into(), "1".into()), ("a".into(), "2".into())],
                tags: vec!["checkout".into(), "smoke".into()],
                exclude_tags: vec!["slow".into()],
                class: vec!["shopper".into()],
                thresholds: vec!["p95 < 1s".into(), "rps of class shopper > 5".into()],
                baseline: vec![131.7, 0.0],
                trial: Some(Trial { class: Some("shopper".into()), task: None }),
            },
            env: BTreeMap::from([("K".into(), "v".into())]),
            seed: 42,
            assets: vec![AssetInfo {
                path: "i/dog.jpg".into(),
                sha256: [7; 32],
                size: 3,
                file_name: "dog.jpg".into(),
            }],
            client: ClientChoice::Native,
        };
        for client in [ClientChoice::Auto, ClientChoice::Native, ClientChoice::Reqwest] {
            let prepare = Prepare { client, ..prepare.clone() };
            assert_eq!(from_wire(to_wire(&prepare)), Ok(prepare));
        }

        let wire = v1::Prepare { client: 3, ..to_wire(&prepare) };
        assert!(from_wire(wire).is_err());
        let mut wire = to_wire(&prepare);
        wire.assets[0].sha256.pop();
        assert!(from_wire(wire).is_err());
        let mut wire = to_wire(&prepare);
        wire.assets = vec![v1::Asset { size: u64::MAX, ..wire.assets[0].clone() }; 3];
        assert!(from_wire(wire).is_err());
        let mut wire = to_wire(&prepare);
        wire.overrides.as_mut().expect("set").baseline.push(f64::NAN);
        assert!(from_wire(wire).is_err());
        let mut wire = to_wire(&prepare);
        wire.overrides.as_mut().expect("set").spawn_rate = Some(v1::Rate { num: 1, den: 0 });
        assert!(from_wire(wire).is_err());
    }
}
