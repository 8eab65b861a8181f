//! A rollout's place at the host: what its service is called, what is seen there, and what is done to it.

use std::collections::BTreeMap;

use crate::context::Context;
use crate::domain::ids::short;
use crate::domain::release::RolloutSpec;
use crate::domain::rollout::{Counts, Health, Observation, Weight};
use crate::host::{Door, Release, Service, Split, Target, TargetError};
use crate::store::RolloutRow;
use crate::worker::verdict::JobError;
use crate::worker::{rolled, secrets};

/// Names that do not change while a rollout is on its way.
pub struct Place {
    service: String,
    release: String,
    salt: String,
    slow_ms: Option<i64>,
}

impl Place {
    /// Of this rollout.
    pub fn of(row: &RolloutRow, spec: &RolloutSpec) -> Place {
        Place {
            service: rolled::service(row.repo_id, &row.environment),
            release: release(spec),
            salt: row.id.to_string(),
            slow_ms: spec.environment.slow_ms,
        }
    }

    /// What is to be seen of it.
    pub async fn observe(&self, target: &dyn Target, now: i64) -> Result<(Observation, Service), TargetError> {
        let service = target.observe(&self.service).await?.unwrap_or_default();
        let slot = service.slot_of(&self.release);
        let weight = slot.map(|slot| match (service.split.stable, service.split.candidate) {
            (Some(stable), _) if stable == slot => Weight::ALL,
            (_, Some(candidate)) if candidate == slot => Weight::of(service.split.weight),
            _ => Weight::ZERO,
        });
        let counts = |release: &str| service.counts.get(release).copied().unwrap_or_default();
        let stable = service.split.stable.and_then(|slot| service.slots.get(&slot));
        let health = slot.and_then(|slot| service.slots.get(&slot)).map(|held| held.health.clone());
        let seen = Observation {
            now,
            weight,
            boot: service.boot.clone(),
            health: health.unwrap_or(Health::Starting),
            candidate: counts(&self.release),
            stable: stable
                .filter(|held| held.release != self.release)
                .map_or_else(Counts::default, |held| counts(&held.release)),
            probed: service.probed,
            slow_ms: service.split.slow_ms,
        };
        Ok((seen, service))
    }

    /// Has it run, without traffic. The inner error is the host's.
    pub async fn prepare(
        &self,
        ctx: &Context,
        target: &dyn Target,
        spec: &RolloutSpec,
    ) -> Result<Result<(), TargetError>, JobError> {
        let environment = &spec.environment;
        let door = match (&environment.domain, environment.port) {
            (Some(domain), _) => Door::Domain(domain.clone()),
            (None, port) => Door::Port(port.unwrap_or_default()),
        };
        let Some(dir) = ctx.engine.kept(&spec.version.release) else {
            return Ok(Err(TargetError::Refused("its files are not on this machine any more".to_owned())));
        };
        let merged = spec.version.merged;
        let secrets = secrets::for_release(ctx, &spec.repo, (&environment.name, merged), &environment.secrets).await?;
        let mut env: BTreeMap<String, String> = environment.env.clone();
        env.extend(secrets.into_iter().map(|(name, value)| (name, value.reveal().to_owned())));
        env.insert("FAIRWAY_ENVIRONMENT".to_owned(), environment.name.clone());
        env.insert("FAIRWAY_SHA".to_owned(), spec.version.sha.clone());
        let release = Release {
            id: self.release.clone(),
            version: short(&spec.version.sha).to_owned(),
            dir,
            start: environment.start.clone(),
            env,
            health: environment.health.clone(),
            processes: environment.processes,
            memory: environment.memory,
            cpu: environment.cpu,
            trusted: merged,
        };
        Ok(target.prepare(&self.service, &door, &release).await)
    }

    /// Gives it this share.
    pub async fn write(&self, target: &dyn Target, seen: &Service, weight: Weight) -> Result<(), TargetError> {
        let Some(slot) = seen.slot_of(&self.release).filter(|slot| seen.split.stable != Some(*slot)) else {
            return Ok(());
        };
        let split = Split {
            stable: seen.split.stable,
            candidate: Some(slot),
            weight: weight.basis_points(),
            salt: self.salt.clone(),
            slow_ms: self.slow_ms,
        };
        target.split(&self.service, seen.generation, &split).await
    }

    /// Asks both versions for themselves, once.
    pub async fn probe(&self, target: &dyn Target) -> Result<(), TargetError> {
        target.probe(&self.service).await
    }

    /// It is stable now; what was, may go.
    pub async fn adopt(&self, target: &dyn Target, seen: &Service) -> Result<(), TargetError> {
        let Some(slot) = seen.slot_of(&self.release) else { return Ok(()) };
        if seen.split.stable != Some(slot) {
            let (salt, slow_ms) = (self.salt.clone(), self.slow_ms);
            let split = Split { stable: Some(slot), candidate: None, weight: 0, salt, slow_ms };
            target.split(&self.service, seen.generation, &split).await?;
        }
        target.retire(&self.service, slot.other()).await
    }

    /// It has no traffic any more and may go.
    pub async fn retire(&self, target: &dyn Target, seen: &Service) -> Result<(), TargetError> {
        match seen.slot_of(&self.release).filter(|slot| seen.split.stable != Some(*slot)) {
            Some(slot) => target.retire(&self.service, slot).await,
            None => Ok(()),
        }
    }
}

/// A release is a commit, what it exported, and what it is started with: the same again, as in a rollback, is still there
/// while it is warm. Two commits may export the very same; the one that is live is still not the one that is to come.
fn release(spec: &RolloutSpec) -> String {
    format!("{}{}", rolled::release_begins(&spec.version), spec.environment.digest())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Repo;
    use crate::domain::project::Environment;
    use crate::domain::release::{Kind, Version};

    fn spec(sha: &str) -> RolloutSpec {
        let repo =
            Repo { installation: 1, id: 1, owner: "acme".into(), name: "shop".into(), default_branch: "main".into() };
        let version =
            Version { sha: sha.into(), release: "same".into(), pull: None, merged: true, definition: String::new() };
        RolloutSpec {
            repo,
            environment: Environment::default(),
            kind: Kind::Planned,
            version,
            base: None,
            hold_at: None,
            by: String::new(),
            fixes: None,
            approvals: Vec::new(),
            pull: None,
            built_at: 0,
            excused: false,
        }
    }

    #[test]
    fn two_commits_that_export_the_same_are_two_releases() {
        assert_ne!(release(&spec("a")), release(&spec("b")));
        assert_eq!(release(&spec("a")), release(&spec("a")));
    }
}
