//! From the command line to a checked test: which scenario, what flags replace, its files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use stampede_proto::prepare::{AssetInfo, ClientChoice, Prepare};
use stampede_scenarios::compile::compile;
use stampede_scenarios::diagnostics::Diagnostics;
use stampede_scenarios::files::{Asset, Folder, hash, read_assets, read_scenario};
use stampede_scenarios::plan::Plan;
use stampede_scenarios::source::{Overrides, Source};

use super::args::LoadArgs;
use super::exit::Error;
use crate::demo;
use crate::fleet::Assets;

/// A scenario that was chosen.
#[derive(Debug)]
pub(super) struct Chosen {
    pub(super) source: Source,
    /// Where its files are; `None` for the built-in demo.
    pub(super) folder: Option<PathBuf>,
    /// Made from a URL and flags, so that the load of the flags stands in it already.
    pub(super) made: bool,
}

impl Chosen {
    /// The scenario in `path`.
    pub(super) fn file(path: &Path) -> Result<Self, Error> {
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        let source = read_scenario(path)?.with_files(Folder::new(&folder));
        Ok(Self { source, folder: Some(folder), made: false })
    }

    /// The built-in one.
    pub(super) fn demo() -> Self {
        Self { source: demo::scenario(), folder: None, made: false }
    }

    /// One that was made from a URL or a list of them; its files lie where the program was started.
    pub(super) fn made(source: Source) -> Self {
        Self { source, folder: Some(PathBuf::new()), made: true }
    }

    /// What flags put over it.
    pub(super) fn overrides(&self, load: &LoadArgs) -> Overrides {
        let all = overrides(load);
        if !self.made {
            return all;
        }
        // The load of the flags is the scenario's own, so nothing was replaced.
        Overrides {
            host: all.host,
            seed: all.seed,
            vars: all.vars,
            tags: all.tags,
            exclude_tags: all.exclude_tags,
            class: all.class,
            thresholds: all.thresholds,
            ..Overrides::default()
        }
    }
}

/// A test that is ready to be conducted.
#[derive(Debug)]
pub(super) struct Test {
    pub(super) plan: Arc<Plan>,
    pub(super) prepare: Prepare,
    pub(super) assets: Assets,
}

/// What flags put over the scenario.
pub(super) fn overrides(load: &LoadArgs) -> Overrides {
    Overrides {
        users: load.users,
        spawn_rate: load.spawn_rate,
        rate: load.rate,
        max_users: load.max_users,
        run_time: load.run_time,
        iterations: load.iterations,
        stop_timeout: load.stop_timeout,
        host: load.host.clone(),
        seed: load.seed,
        vars: load.vars.clone(),
        tags: load.tags.clone(),
        exclude_tags: load.exclude_tags.clone(),
        class: load.class.clone(),
        thresholds: load.thresholds.clone(),
        baseline: Vec::new(),
        trial: None,
    }
}

/// Compiles the scenario with what flags put over it.
pub(super) fn compiled(chosen: &Chosen, overrides: &Overrides) -> Result<Plan, Diagnostics> {
    // 32 bits are enough for a seed, and can be typed again.
    let mut drawn = [0; 4];
    if let Err(error) = getrandom::getrandom(&mut drawn) {
        tracing::warn!("no random bytes from the system ({error}); the seed is 0");
    }
    let env = |name: &str| std::env::var(name).ok();
    compile(&chosen.source, overrides, &env, u64::from(u32::from_ne_bytes(drawn)))
}

/// Reads the files the plan names.
pub(super) fn files(plan: &Plan, chosen: &Chosen) -> Result<Vec<Asset>, Diagnostics> {
    match &chosen.folder {
        Some(folder) => read_assets(plan, folder, &chosen.source),
        None => Ok(plan
            .assets
            .iter()
            .filter_map(|asset| {
                let bytes: Bytes = demo::file(&asset.path)?;
                let path = asset.path.clone();
                Some(Asset { file_name: path.clone(), path, sha256: hash(&bytes), bytes })
            })
            .collect()),
    }
}

/// Compiles, reads the files, and makes what travels to the workers.
pub(super) fn test(
    chosen: &Chosen,
    overrides: &Overrides,
    client: ClientChoice,
    run: &str,
) -> Result<Test, Error> {
    let plan = compiled(chosen, overrides)?;
    super::client::check(&plan, client)?;
    let files = files(&plan, chosen)?;
    let info = |asset: &Asset| AssetInfo {
        path: asset.path.clone(),
        sha256: asset.sha256,
        size: asset.bytes.len() as u64,
        file_name: asset.file_name.clone(),
    };
    let prepare = Prepare {
        run: run.to_owned(),
        source: chosen.source.clone(),
        overrides: overrides.clone(),
        env: plan.env.clone(),
        seed: plan.seed,
        assets: files.iter().map(info).collect(),
        client,
    };
    let assets = files.into_iter().map(|asset| (asset.sha256, asset.bytes)).collect();
    Ok(Test { plan: Arc::new(plan), prepare, assets })
}
