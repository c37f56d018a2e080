//! Makes a test ready: fetches its files by their hashes and compiles its text, away from the control task.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};
use stampede_proto::prepare::{AssetInfo, Prepare};
use stampede_proto::v1::AssetRequest;
use stampede_scenarios::compile::compile;
use stampede_scenarios::source::FilesAtHand;
use tokio_stream::StreamExt;

use super::transport::Client;
use crate::engine::prepared::Prepared;
use crate::http::allow::Allow;

/// Files by the hash of their content.
pub type Assets = HashMap<[u8; 32], Bytes>;

/// Largest file, in bytes.
const MAX_ASSET: u64 = 512 << 20;

/// What preparing gives: the plan ready to run, and its files for the next time.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) prepared: Arc<Prepared>,
    pub(super) assets: Assets,
}

/// Prepares. The error is for the person at the coordinator.
pub(super) async fn prepare(
    prepare: Prepare,
    session: u64,
    data: Client,
    known: Assets,
    allow: Arc<Allow>,
    name: String,
) -> Result<Ready, String> {
    let mut assets = Assets::new();
    let mut in_order = Vec::with_capacity(prepare.assets.len());
    for info in &prepare.assets {
        let bytes = match assets.get(&info.sha256).or_else(|| known.get(&info.sha256)) {
            Some(bytes) => bytes.clone(),
            None => fetch(info, session, data.clone()).await?,
        };
        assets.insert(info.sha256, bytes.clone());
        in_order.push(bytes);
    }
    // Hashing large files and compiling are not for a task that has heartbeats to send.
    let compiled = tokio::task::spawn_blocking(move || {
        for (info, bytes) in prepare.assets.iter().zip(&in_order) {
            if Sha256::digest(bytes).as_slice() != info.sha256 {
                return Err(format!("`{}` arrived damaged", info.path));
            }
        }
        let by_path = prepare.assets.iter().zip(&in_order);
        let files = FilesAtHand::new(by_path.map(|(info, bytes)| (info.path.clone(), bytes.clone())));
        let source = prepare.source.with_files(Arc::new(files));
        let env = |name: &str| prepare.env.get(name).cloned();
        let plan = compile(&source, &prepare.overrides, &env, prepare.seed)
            .map_err(|errors| format!("the scenario does not compile here: {errors}"))?;
        let mut plan = plan;
        plan.seed = prepare.seed;
        let prepared = Prepared::new(plan, &in_order, prepare.client).map_err(|error| error.to_string())?;
        let prepared = prepared.on_worker(&name);
        prepared.within(allow).map_err(|error| error.to_string())
    })
    .await;
    let prepared = compiled.map_err(|error| format!("preparing failed: {error}"))??;
    Ok(Ready { prepared: Arc::new(prepared), assets })
}

async fn fetch(info: &AssetInfo, session: u64, mut data: Client) -> Result<Bytes, String> {
    let failed = |why: String| format!("cannot fetch `{}`: {why}", info.path);
    if info.size > MAX_ASSET {
        return Err(failed("too large".into()));
    }
    let request = AssetRequest { session, sha256: info.sha256.to_vec() };
    let mut chunks =
        data.fetch_asset(request).await.map_err(|status| failed(status.message().to_owned()))?.into_inner();
    let mut bytes = BytesMut::new();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|status| failed(status.message().to_owned()))?;
        if (bytes.len() + chunk.data.len()) as u64 > info.size {
            return Err(failed("more than was announced".into()));
        }
        bytes.extend_from_slice(&chunk.data);
    }
    Ok(bytes.freeze())
}
