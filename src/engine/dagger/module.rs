//! The repository's own Dagger module: its checks, or one of its functions, loaded from the commit and never from a
//! directory of this machine, whose `.env` could run commands as the session's user.

use dagger_sdk::{Container, Directory, File, Id, Query};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::base::{Result, Run, Stopped};
use super::client::{Trace, Trouble};
use super::signature::{Function, Module, Wanted, quoted};
use super::words;
use crate::domain::project::{Arg, Call, check_name};
use crate::engine::{Outcome, RunEvent, StepExit, harvest};

/// The longest text that is shown in a check, in characters.
const ANSWER: usize = 20_000;
/// Asks for the module's checks, without running them.
const CHECKS: &str = "checks{list{id name}}";
/// Asks for everything that a call of a function needs to know.
const DESCRIBE: &str = "name objects{asObject{name constructor{args{ARG}} functions{name args{ARG} returnType{KIND asList{elementTypeDef{KIND}}}}}}";
const ARGUMENT: &str = "name defaultValue typeDef{KIND asList{elementTypeDef{KIND}}}";
const KIND: &str = "kind optional asObject{name} asEnum{name}";

/// How the one step of a call ended: with a value, or as a command ends.
enum Done<T> {
    Value(T),
    Exit(i32),
}

impl Run<'_> {
    /// Does what the pipeline asks of the module; that is one step.
    pub async fn call(&self, call: &Call) -> Result<Outcome> {
        // Under a trace of its own: what git prints is not the step's log.
        let tree = self.source(&self.session.api(Trace::new())).await?;
        let trace = Trace::new();
        self.pump.expect(trace, 0);
        let api = self.session.api(trace);
        self.tell(RunEvent::StepStarted { index: 0 }).await;
        let begin = Instant::now();
        let done = match call {
            Call::Checks => self.find(trace, &tree).await,
            Call::Check(name) => self.check(trace, &tree, name).await,
            Call::Function { constructor, name, args } => {
                self.function((trace, &api), &tree, (constructor, name, args)).await
            }
        };
        let took = begin.elapsed();
        self.pump.settle().await;
        let exit = match &done {
            Ok(Done::Value(_)) => StepExit::Code(0),
            Ok(Done::Exit(code)) => StepExit::Code(*code),
            Err(Stopped::Time) => StepExit::TimedOut,
            Err(Stopped::Cancel) => StepExit::Cancelled,
            Err(Stopped::Outcome(_)) => return done.map(|_| Outcome::Failed),
        };
        self.tell(RunEvent::StepFinished { index: 0, exit, millis: took.as_millis() as i64, cached: false }).await;
        Ok(match done? {
            Done::Value(outcome) => outcome,
            Done::Exit(_) => Outcome::Failed,
        })
    }

    /// An answer about the module. What the module itself got wrong ends the step and stands in its log.
    async fn about<T: for<'d> Deserialize<'d>>(&self, trace: Trace, tree: &Id, ask: &str) -> Result<Done<T>> {
        let query = format!("{{node(id:{}){{... on Directory{{asModule{{{ask}}}}}}}}}", quoted(&tree.0));
        let answer = match self.asked(trace, &query).await? {
            Done::Exit(code) => return Ok(Done::Exit(code)),
            Done::Value(answer) => answer,
        };
        let module = answer.pointer("/node/asModule").cloned().unwrap_or_default();
        self.understood(module).map(Done::Value)
    }

    fn understood<T: for<'d> Deserialize<'d>>(&self, value: Value) -> Result<T> {
        serde_json::from_value(value)
            .map_err(|error| Stopped::Outcome(words::engine(&Trouble::Strange(error.to_string()))))
    }

    async fn asked(&self, trace: Trace, query: &str) -> Result<Done<Value>> {
        match self.wait(self.session.ask(trace, query)).await? {
            Ok(answer) => Ok(Done::Value(answer)),
            Err(trouble) => self.fault(trouble).await.map(Done::Exit),
        }
    }

    /// What a module's own fault is for its step: an exit code, and words in the log.
    async fn fault(&self, trouble: Trouble) -> Result<i32> {
        match trouble {
            // What the command printed has come by itself.
            Trouble::Exec { exit, .. } => Ok(exit),
            Trouble::Said(_) => {
                let bytes = format!("{}\n", trouble.words()).into_bytes();
                self.tell(RunEvent::Log { step: 0, bytes }).await;
                Ok(1)
            }
            Trouble::Gone(_) | Trouble::Strange(_) => Err(Stopped::Outcome(words::engine(&trouble))),
        }
    }

    /// Finds the module's checks without running them.
    async fn find(&self, trace: Trace, tree: &Id) -> Result<Done<Outcome>> {
        let found = match self.about::<Checks>(trace, tree, CHECKS).await? {
            Done::Exit(code) => return Ok(Done::Exit(code)),
            Done::Value(found) => found.checks.list,
        };
        let (good, bad): (Vec<String>, Vec<String>) = found.into_iter().map(|c| c.name).partition(|n| check_name(n));
        if !bad.is_empty() {
            let note = format!("{} checks have names that cannot be typed and were left out.", bad.len());
            self.tell(RunEvent::Note(note)).await;
        }
        if good.is_empty() {
            return Ok(Done::Value(Outcome::Impossible(
                "the repository's Dagger module has no checks; mark a function as one, or name a function in `dagger`"
                    .to_owned(),
            )));
        }
        let each = if good.len() == 1 { "It is a check run" } else { "Each is a check run" };
        let note = format!("{}. {each} of its own.", good.join(", "));
        self.tell(RunEvent::Note(note)).await;
        self.tell(RunEvent::Found(good)).await;
        Ok(Done::Value(Outcome::Success))
    }

    async fn check(&self, trace: Trace, tree: &Id, name: &str) -> Result<Done<Outcome>> {
        let found = match self.about::<Checks>(trace, tree, CHECKS).await? {
            Done::Exit(code) => return Ok(Done::Exit(code)),
            Done::Value(found) => found.checks.list,
        };
        let Some(check) = found.iter().find(|check| check.name == name) else {
            let known: Vec<&str> = found.iter().map(|check| check.name.as_str()).collect();
            return Ok(Done::Value(Outcome::Impossible(format!(
                "the repository's Dagger module has no check `{name}`; it has: {}",
                known.join(", ")
            ))));
        };
        let query = format!(
            "{{node(id:{}){{... on Check{{run{{passed error{{message values{{name value}}}}}}}}}}}}",
            quoted(&check.id)
        );
        let answer = match self.asked(trace, &query).await? {
            Done::Exit(code) => return Ok(Done::Exit(code)),
            Done::Value(answer) => answer,
        };
        let ran: Ran = self.understood(answer.pointer("/node/run").cloned().unwrap_or_default())?;
        let Some(error) = ran.error.filter(|_| !ran.passed) else {
            return Ok(if ran.passed { Done::Value(Outcome::Success) } else { Done::Exit(1) });
        };
        let exit = error.values.iter().find(|value| value.name == "exitCode").and_then(|v| v.value.parse().ok());
        match exit {
            Some(code) => Ok(Done::Exit(code)),
            None => self.fault(Trouble::Said(error.message)).await.map(Done::Exit),
        }
    }

    async fn function(
        &self,
        (trace, api): (Trace, &Query),
        tree: &Id,
        (constructor, name, args): (&[Arg], &str, &[Arg]),
    ) -> Result<Done<Outcome>> {
        let describe = DESCRIBE.replace("ARG", ARGUMENT).replace("KIND", KIND);
        let module = match self.about::<Module>(trace, tree, &describe).await? {
            Done::Exit(code) => return Ok(Done::Exit(code)),
            Done::Value(module) => module,
        };
        let impossible = |why: String| Stopped::Outcome(Outcome::Impossible(why));
        let (object, function) = module.find(name).map_err(impossible)?;
        function.promises(self.spec).map_err(impossible)?;
        let own = object.constructor(constructor).map_err(impossible)?;
        let own = self.arguments(api, tree, own).await?;
        let given = self.arguments(api, tree, function.wanted(args).map_err(impossible)?).await?;
        if let Done::Exit(code) = self.about::<Value>(trace, tree, "serve").await? {
            return Ok(Done::Exit(code));
        }
        let root = object.root();
        let select = if function.is_object() { "{id}" } else { "" };
        let query = format!("{{{root}{own}{{{}{given}{select}}}}}", function.name);
        let answer = match self.asked(trace, &query).await? {
            Done::Exit(code) => return Ok(Done::Exit(code)),
            Done::Value(answer) => answer,
        };
        let value = answer.pointer(&format!("/{root}/{}", function.name)).cloned().unwrap_or_default();
        self.take(api, function, value).await
    }

    /// Arguments as GraphQL writes them: `(a:1,b:"x")`, or nothing.
    async fn arguments(&self, api: &Query, tree: &Id, wanted: Vec<(String, Wanted)>) -> Result<String> {
        let mut parts = Vec::new();
        for (name, wanted) in wanted {
            let value = match wanted {
                Wanted::Plain(value) => value,
                Wanted::Objects { list, values } => {
                    let mut ids = Vec::new();
                    for value in &values {
                        ids.push(quoted(&self.object(api, tree, value).await?.0));
                    }
                    if list { format!("[{}]", ids.join(",")) } else { ids.concat() }
                }
            };
            parts.push(format!("{name}:{value}"));
        }
        Ok(if parts.is_empty() { String::new() } else { format!("({})", parts.join(",")) })
    }

    async fn object(&self, api: &Query, tree: &Id, (kind, text): &(String, String)) -> Result<Id> {
        let source = || api.r#ref::<Directory>(tree.clone());
        let path = text.trim_start_matches("./").trim_end_matches('/');
        let inside = || {
            let out = text.starts_with('/') || text.split('/').any(|part| part == "..");
            let why = format!("`{text}` leads out of the repository; give a path inside it");
            if out { Err(Stopped::Outcome(Outcome::Impossible(why))) } else { Ok(path) }
        };
        let missing = |trouble: Trouble| match trouble {
            Trouble::Said(_) => {
                Stopped::Outcome(Outcome::Impossible(format!("there is no `{text}` in the repository")))
            }
            other => Stopped::Outcome(words::engine(&other)),
        };
        match kind.as_str() {
            "Directory" if matches!(inside()?, "" | ".") => Ok(tree.clone()),
            "Directory" => {
                let id = self.must(source().directory(inside()?).id()).await?;
                let directory = api.r#ref::<Directory>(id.clone());
                self.wait(directory.entries()).await?.map_err(missing)?;
                Ok(id)
            }
            "File" => {
                let id = self.must(source().file(inside()?).id()).await?;
                let file = api.r#ref::<File>(id.clone());
                self.wait(file.size()).await?.map_err(missing)?;
                Ok(id)
            }
            "Secret" => {
                let name = text.strip_prefix("env://").or_else(|| text.strip_prefix("env:")).unwrap_or(text);
                let Some(value) = self.spec.secrets.get(name) else {
                    return Err(Stopped::Outcome(Outcome::Impossible(format!(
                        "there is no secret `{name}` for this run; name it in `secrets`, and store it: fairway secrets set {} {name}",
                        self.spec.repo
                    ))));
                };
                self.must(api.set_secret(self.secret_name(name, value.reveal()), value.reveal()).id()).await
            }
            _ => self.must(self.login(api, text).await?.from(text.as_str()).id()).await,
        }
    }

    /// Takes what the function returned.
    async fn take(&self, api: &Query, function: &Function, value: Value) -> Result<Done<Outcome>> {
        let id = || value.get("id").and_then(Value::as_str).map(|id| Id(id.to_owned()));
        let what = self.spec.export.as_deref();
        let to = self.home.join("export");
        let place = to.join(what.unwrap_or_default().trim_end_matches('/').trim_start_matches("./"));
        let place = place.display().to_string();
        let brought = match (function.object(), id()) {
            (Some("Directory"), Some(id)) => {
                let directory = api.r#ref::<Directory>(id);
                match what {
                    Some(_) => self.wait(directory.export(place)).await?.map(drop),
                    None => self.wait(directory.sync()).await?.map(drop),
                }
            }
            (Some("File"), Some(id)) => {
                let file = api.r#ref::<File>(id);
                match what {
                    Some(_) => self.wait(file.export(place)).await?.map(drop),
                    None => self.wait(file.sync()).await?.map(drop),
                }
            }
            (Some("Container"), Some(id)) => match self.wait(api.r#ref::<Container>(id.clone()).sync()).await? {
                Ok(_) => return Ok(Done::Value(self.publish(api, &id).await?)),
                Err(trouble) => Err(trouble),
            },
            (Some(_), _) => Ok(()),
            (None, _) => {
                if let Some(text) = shown(&value) {
                    self.tell(RunEvent::Answer(text)).await;
                }
                Ok(())
            }
        };
        if let Err(trouble) = brought {
            return self.fault(trouble).await.map(Done::Exit);
        }
        Ok(Done::Value(match what {
            Some(what) => harvest::keep_export((&to, what), self.data, self.events).await,
            None => Outcome::Success,
        }))
    }
}

#[derive(Deserialize)]
struct Checks {
    checks: List,
}

#[derive(Deserialize)]
struct List {
    list: Vec<Check>,
}

#[derive(Deserialize)]
struct Check {
    id: String,
    name: String,
}

#[derive(Deserialize)]
struct Ran {
    passed: bool,
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    message: String,
    #[serde(default)]
    values: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
    value: String,
}

fn shown(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().filter_map(shown).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    };
    Some(text.chars().take(ANSWER).collect())
}
