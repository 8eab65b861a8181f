//! One pipeline on one session: source, container, services, steps, reports, export. One query a step, and its answer is
//! the verdict.

use std::path::Path;
use std::time::Duration;

use dagger_sdk::{
    Container, ContainerAsServiceOpts, ContainerWithExecOpts, DirectoryFilterOpts, Id, Query, ReturnType, Service,
};
use tokio::time::Instant;

use super::base::{Result, Run, SOURCE, Stopped};
use super::client::{Trace, Trouble};
use super::image;
use super::patterns;
use super::pump::Was;
use super::words;
use crate::engine::{Outcome, RunEvent, StepExit, harvest};

/// How long a service may take to answer on its port.
const SERVICE: Duration = Duration::from_secs(60);

impl Run<'_> {
    /// Runs it all.
    pub async fn perform(&self) -> Outcome {
        match self.all().await {
            Ok(outcome) => outcome,
            Err(stopped) => stopped.into(),
        }
    }

    async fn all(&self) -> Result<Outcome> {
        if let Some(call) = &self.spec.call {
            return self.call(call).await;
        }
        let api = self.session.api(Trace::new());
        let (source, base) = tokio::join!(self.source(&api), self.base(&api));
        let (source, base) = (source?, base?);
        let services = self.services(&api).await?;
        let ready = self.dress(&api, (base, source), &services).await?;
        let (outcome, last) = self.steps(ready).await?;
        match self.harvest(&api, &last, outcome).await? {
            Outcome::Success => self.publish(&api, &self.packed(&api, &last).await?).await,
            other => Ok(other),
        }
    }

    async fn base(&self, api: &Query) -> Result<Id> {
        let image = self.spec.image.as_deref().unwrap_or(self.default_image);
        let base = self.wait(self.login(api, image).await?.from(image).id()).await?;
        base.map_err(|trouble| Stopped::Outcome(words::image(image, &trouble)))
    }

    /// Starts the services; each lives as long as the session.
    async fn services(&self, api: &Query) -> Result<Vec<(String, Id)>> {
        let mut started = Vec::new();
        for (name, service) in &self.spec.services {
            let mut container = self.login(api, &service.image).await?.from(&service.image);
            for (key, value) in &service.env {
                container = container.with_env_variable(key, value);
            }
            if let Some(port) = service.port {
                container = container.with_exposed_port(isize::try_from(port).unwrap_or_default());
            }
            let bad = |trouble: &Trouble| Stopped::Outcome(words::service((name, service), trouble));
            let id = self.wait(container.as_service_opts(entrypoint()).id()).await?.map_err(|t| bad(&t))?;
            let start = api.r#ref::<Service>(id.clone());
            match self.wait(in_time(SERVICE, start.start())).await? {
                Ok(_) => started.push((name.clone(), id)),
                Err(trouble) => return Err(bad(&trouble)),
            }
        }
        Ok(started)
    }

    /// The container as the first step finds it.
    async fn dress(&self, api: &Query, (base, source): (Id, Id), services: &[(String, Id)]) -> Result<Id> {
        let spec = self.spec;
        let mut container: Container = api.r#ref(base);
        container = container.with_mounted_directory(SOURCE, source).with_workdir(SOURCE);
        let own = [("CI", "true"), ("FAIRWAY", "true"), ("FAIRWAY_CACHE_SCOPE", spec.cache_scope.as_str())];
        let env = spec.env.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        for (key, value) in own.into_iter().chain(env) {
            container = container.with_env_variable(key, value);
        }
        for (name, value) in spec.secrets.iter().filter(|(name, _)| !image::LOGIN.contains(&name.as_str())) {
            let secret = api.set_secret(self.secret_name(name, value.reveal()), value.reveal());
            let id = self.must(secret.id()).await?;
            container = container.with_secret_variable(name, id);
        }
        for cache in &spec.caches {
            let volume = self.must(api.cache_volume(format!("fairway/{}/{cache}", spec.cache_scope)).id()).await?;
            let path = if cache.starts_with('/') { cache.clone() } else { format!("{SOURCE}/{cache}") };
            container = container.with_mounted_cache(path, volume);
        }
        for (name, id) in services {
            container = container.with_service_binding(name, id.clone());
        }
        self.must(container.id()).await
    }

    /// The steps in order, up to the first that does not pass. Gives the container as it was left.
    async fn steps(&self, mut at: Id) -> Result<(Outcome, Id)> {
        for (index, line) in self.spec.steps.iter().enumerate() {
            let asked = self.spec.fresh.as_ref().filter(|(from, _)| *from == index).map(|(_, nonce)| nonce.clone());
            self.tell(RunEvent::StepStarted { index }).await;
            let mut step = self.step((at.clone(), index), line, asked).await;
            // A failure that the engine remembers comes without its log, so it is had again.
            if !matches!(step.code, Ok(Ok(0)) | Err(_)) && self.pump.silent(index, step.took) {
                step = self.step((at.clone(), index), line, Some(uuid::Uuid::new_v4().to_string())).await;
            }
            let exit = match &step.code {
                Ok(Ok(code)) => StepExit::Code(i32::try_from(*code).unwrap_or(-1)),
                Ok(Err(Trouble::Exec { exit, .. })) => StepExit::Code(*exit),
                Ok(Err(trouble)) => return Err(Stopped::Outcome(words::engine(trouble))),
                Err(Stopped::Time) => StepExit::TimedOut,
                Err(_) => StepExit::Cancelled,
            };
            let (millis, cached) = (step.took.as_millis() as i64, step.cached);
            self.tell(RunEvent::StepFinished { index, exit, millis, cached }).await;
            let last = index + 1 == self.spec.steps.len();
            match step.code? {
                // What nobody reads need not be asked for.
                Ok(0) if last && !self.leaves() => return Ok((Outcome::Success, at)),
                Ok(0) => at = self.must(step.next.id()).await?,
                Ok(_) if self.spec.reports.is_empty() => return Ok((Outcome::Failed, at)),
                Ok(_) => return Ok((Outcome::Failed, self.must(step.next.id()).await?)),
                // With an exit code from 128 on the engine keeps no container, so there is nothing to read reports from.
                Err(Trouble::Exec { exit: 128.., .. }) => return Err(Stopped::Outcome(Outcome::Failed)),
                Err(trouble) => return Err(Stopped::Outcome(words::start((line, self.spec), &trouble))),
            }
        }
        Ok((Outcome::Success, at))
    }

    /// Whether anything is taken from the container after the last step.
    fn leaves(&self) -> bool {
        !self.spec.reports.is_empty() || self.spec.export.is_some() || self.spec.publish.is_some()
    }

    /// One step. With a word of its own it runs, whatever the engine remembers.
    async fn step(&self, (at, index): (Id, usize), line: &str, nonce: Option<String>) -> Step {
        let trace = Trace::new();
        self.pump.expect(trace, index);
        let mut container: Container = self.session.api(trace).r#ref(at);
        let ran = nonce.is_some();
        if let Some(nonce) = nonce {
            container = container.with_env_variable("FAIRWAY_TRY", nonce);
        }
        let begin = Instant::now();
        let next = container.with_exec_opts(vec!["/bin/sh", "-e", "-c", line], any_exit());
        let code = self.wait(next.exit_code()).await;
        let took = begin.elapsed();
        let was = match code {
            Ok(Ok(0)) | Err(_) => Was::Passed,
            Ok(_) => Was::Failed,
        };
        self.pump.drain(index, (took, if ran { Was::Run } else { was })).await;
        Step { next, code, took, cached: !ran && self.pump.cached(index, took) }
    }

    /// Reports are read whether or not the steps passed; an export is kept only when they did.
    async fn harvest(&self, api: &Query, last: &Id, outcome: Outcome) -> Result<Outcome> {
        let spec = self.spec;
        if !spec.reports.is_empty() {
            let wanted: Vec<String> = spec.reports.iter().flat_map(|report| patterns::of_glob(&report.path)).collect();
            let to = self.home.join("reports");
            match self.bring(api, last, (&wanted, &to)).await? {
                Ok(()) => harvest::tell_reports(spec, (&to, SOURCE), self.events).await,
                Err(trouble) => {
                    self.tell(RunEvent::Note(format!("The reports could not be read: {}.", trouble.words()))).await;
                }
            }
        }
        let Some(what) = spec.export.as_deref().filter(|_| outcome == Outcome::Success) else { return Ok(outcome) };
        let plain = patterns::of_name(what.trim_end_matches('/').trim_start_matches("./"));
        let to = self.home.join("export");
        let below = format!("{plain}/**");
        let brought = self.bring(api, last, (&[plain, below], &to)).await?;
        brought.map_err(|trouble| Stopped::Outcome(words::engine(&trouble)))?;
        Ok(harvest::keep_export((&to, what), self.data, self.events).await)
    }

    /// Brings the files that match out of a container, to a directory of ours.
    async fn bring(
        &self,
        api: &Query,
        from: &Id,
        (wanted, to): (&[String], &Path),
    ) -> Result<std::result::Result<(), Trouble>> {
        let container: Container = api.r#ref(from.clone());
        let wanted = wanted.iter().map(String::as_str).collect();
        let only = DirectoryFilterOpts { exclude: None, gitignore: None, include: Some(wanted) };
        let directory = container.directory(SOURCE).filter_opts(only);
        Ok(self.wait(directory.export(to.display().to_string())).await?.map(drop))
    }
}

/// What came of a step.
struct Step {
    next: Container,
    code: Result<std::result::Result<isize, Trouble>>,
    took: Duration,
    cached: bool,
}

async fn in_time<T>(
    most: Duration,
    work: impl Future<Output = std::result::Result<T, dagger_sdk::errors::DaggerError>>,
) -> std::result::Result<T, Trouble> {
    match tokio::time::timeout(most, work).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err(Trouble::Said(format!("nothing answered within {} s", most.as_secs()))),
    }
}

fn entrypoint() -> ContainerAsServiceOpts<'static> {
    ContainerAsServiceOpts {
        args: None,
        expand: None,
        experimental_privileged_nesting: None,
        insecure_root_capabilities: None,
        no_init: None,
        use_entrypoint: Some(true),
    }
}

/// A step that fails is an answer, not an error, so that what it left behind can still be read.
fn any_exit() -> ContainerWithExecOpts<'static> {
    ContainerWithExecOpts {
        expand: None,
        expect: Some(ReturnType::Any),
        experimental_privileged_nesting: None,
        insecure_root_capabilities: None,
        no_init: None,
        redirect_stderr: None,
        redirect_stdin: None,
        redirect_stdout: None,
        stdin: None,
        use_entrypoint: None,
    }
}
