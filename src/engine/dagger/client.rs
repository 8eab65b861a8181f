//! The SDK's way to a session: one request a query, with the trace that its log lines will carry.
//!
//! The SDK's own client cannot send a trace and cannot read the errors of a query that does not parse.

use std::sync::Arc;

use async_trait::async_trait;
use dagger_sdk::core::gql_client::{GraphQLErrorMessage, GraphQlExtension};
use dagger_sdk::core::graphql_client::{GraphQLClient, GraphQLError};
use dagger_sdk::errors::DaggerError;
use dagger_sdk::{Query, Selection};
use serde::Deserialize;
use serde_json::{Value, json};

use super::session::Session;

/// What an engine answered instead of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A command in a container ended badly.
    Exec {
        /// What was being done, in the engine's words.
        message: String,
        /// Its exit code.
        exit: i32,
        /// The end of its error output.
        stderr: String,
    },
    /// The engine's refusal, in its words.
    Said(String),
    /// The session or its engine is gone.
    Gone(String),
    /// An answer that cannot be understood.
    Strange(String),
}

impl Trouble {
    /// The engine's words, without the trace that it appends.
    pub fn words(&self) -> String {
        let text = match self {
            Trouble::Exec { message, .. } => message,
            Trouble::Said(words) | Trouble::Gone(words) | Trouble::Strange(words) => words,
        };
        let text = text.split(" [traceparent:").next().unwrap_or_default();
        text.chars().filter(|c| !c.is_control() || *c == '\n').take(600).collect()
    }
}

impl From<DaggerError> for Trouble {
    fn from(error: DaggerError) -> Trouble {
        match error {
            DaggerError::Query(GraphQLError::HttpError(words)) => Trouble::Gone(words),
            DaggerError::Query(GraphQLError::DomainError { message, fields }) => {
                let exec = fields.into_iter().find_map(|field| match field.extensions {
                    Some(GraphQlExtension::ExecError { exit_code, stderr, .. }) => Some((exit_code, stderr)),
                    _ => None,
                });
                match exec {
                    Some((exit, stderr)) => Trouble::Exec { message, exit, stderr },
                    None => Trouble::Said(message),
                }
            }
            other => Trouble::Strange(format!("{other:#}")),
        }
    }
}

/// The trace of one piece of work: its log lines and spans carry it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Trace(pub u128);

impl Trace {
    /// One that nobody else has.
    pub fn new() -> Trace {
        Trace(uuid::Uuid::new_v4().as_u128())
    }

    fn header(self) -> String {
        format!("00-{:032x}-{:016x}-01", self.0, (self.0 as u64) | 1)
    }
}

struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
    trace: Trace,
}

#[derive(Deserialize)]
struct Reply {
    data: Option<Value>,
    #[serde(default)]
    errors: Option<Vec<Value>>,
}

#[async_trait]
impl GraphQLClient for Client {
    async fn query(&self, query: &str) -> Result<Option<Value>, GraphQLError> {
        let gone = |error: reqwest::Error| GraphQLError::HttpError(without_address(&error));
        let request = self.http.post(&self.url).basic_auth(&self.token, Some(""));
        let request = request.header("traceparent", self.trace.header()).json(&json!({ "query": query }));
        let reply = request.send().await.map_err(gone)?;
        let status = reply.status();
        let text = reply.text().await.map_err(gone)?;
        // When the engine is gone the session answers 502 in plain text.
        let Ok(reply) = serde_json::from_str::<Reply>(&text) else {
            let words: String = text.chars().take(300).collect();
            return Err(GraphQLError::HttpError(format!("{status}: {words}")));
        };
        if let Some(errors) = reply.errors.filter(|errors| !errors.is_empty()) {
            let message =
                errors[0].get("message").and_then(Value::as_str).unwrap_or("an error without words").to_owned();
            return Err(GraphQLError::DomainError { message, fields: errors.into_iter().filter_map(field).collect() });
        }
        // The SDK panics on a reply without data.
        match reply.data {
            Some(data) => Ok(Some(data)),
            None => Err(GraphQLError::HttpError(format!("{status}: an answer without data"))),
        }
    }
}

/// The SDK cannot read extensions that do not say their type.
fn field(mut error: Value) -> Option<GraphQLErrorMessage> {
    let typed = error.get("extensions").is_some_and(|extensions| extensions.get("_type").is_some());
    if !typed && let Some(object) = error.as_object_mut() {
        object.remove("extensions");
    }
    serde_json::from_value(error).ok()
}

/// The address holds no secret, but its port means nothing to a reader.
fn without_address(error: &reqwest::Error) -> String {
    use std::error::Error as _;
    let mut words = "the session does not answer".to_owned();
    let mut source = error.source();
    while let Some(cause) = source {
        words = cause.to_string();
        source = cause.source();
    }
    words
}

impl Session {
    fn client(&self, trace: Trace) -> Client {
        Client { http: self.http.clone(), url: self.url("/query"), token: self.params.session_token.clone(), trace }
    }

    /// Asks in GraphQL's own words, for what the typed API does not have: modules, and answers that may be null.
    pub async fn ask(&self, trace: Trace, query: &str) -> Result<Value, Trouble> {
        let answer = self.client(trace).query(query).await;
        Ok(answer.map_err(DaggerError::Query)?.unwrap_or_default())
    }

    /// The root of the typed API; what it starts is logged under `trace`.
    pub fn api(&self, trace: Trace) -> Query {
        Query { proc: None, selection: Selection::default(), graphql_client: Arc::new(self.client(trace)) }
    }
}
