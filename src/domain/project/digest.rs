//! One short name for what a pipeline does, so that two files that do the same count as the same definition.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::pipeline::{Pipeline, Report, Service};

/// Field order is part of the digest: a change here makes every stored result stale, so bump `v`.
#[derive(Serialize)]
struct Canonical<'p> {
    v: u8,
    image: &'p Option<String>,
    run: &'p [String],
    needs: Vec<&'p String>,
    env: &'p BTreeMap<String, String>,
    secrets: Vec<&'p String>,
    services: &'p BTreeMap<String, Service>,
    cache: Vec<&'p String>,
    timeout_ms: i64,
    report: Vec<&'p Report>,
    export: &'p Option<String>,
    dagger: &'p Option<String>,
    publish: &'p Option<String>,
}

/// SHA-256, in hex, of what the pipeline runs. Comments, formatting, its name, `on` and `paths` do not count,
/// because they change when it runs and not what; the order counts only in `run`.
pub fn digest(pipeline: &Pipeline) -> String {
    let canonical = Canonical {
        v: 1,
        image: &pipeline.image,
        run: &pipeline.run,
        needs: sorted(&pipeline.needs),
        env: &pipeline.env,
        secrets: sorted(&pipeline.secrets),
        services: &pipeline.services,
        cache: sorted(&pipeline.cache),
        timeout_ms: pipeline.timeout_ms,
        report: sorted(&pipeline.report),
        export: &pipeline.export,
        dagger: &pipeline.dagger,
        publish: &pipeline.publish,
    };
    // Cannot fail: strings, numbers and maps with string keys only.
    let bytes = serde_json::to_vec(&canonical).unwrap_or_default();
    hex::encode(Sha256::digest(bytes))
}

fn sorted<T: Ord>(items: &[T]) -> Vec<&T> {
    let mut items: Vec<&T> = items.iter().collect();
    items.sort();
    items.dedup();
    items
}
