//! Fairway's side of the admin socket.

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Door, Limits, Prepare, Release, Service, SetSplit, Slot, Split, Target, TargetError};

/// A host that does not answer within this time is away.
const PATIENCE: Duration = Duration::from_secs(5);

/// Speaks with `fairway host`. A connection a question: it is a local socket.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    /// To the host with this admin socket. Nothing is asked yet.
    pub fn new(socket: PathBuf) -> Client {
        Client { socket }
    }

    /// Which limits it can hold releases to; `None`: it is older than such limits.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn limits(&self) -> Result<Option<Limits>, TargetError> {
        self.ask(Method::GET, "/v1/limits".to_owned(), None::<&()>).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: String,
        body: Option<&impl Serialize>,
    ) -> Result<Option<T>, TargetError> {
        let away = |error: &dyn std::fmt::Display| TargetError::Away(format!("{}: {error}", self.socket.display()));
        let body = body.map(serde_json::to_vec).transpose().map_err(|e| away(&e))?.unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "fairway")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|e| away(&e))?;
        let exchange = async {
            let stream = tokio::net::UnixStream::connect(&self.socket).await.map_err(|e| away(&e))?;
            let (mut sender, connection) =
                hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| away(&e))?;
            let work = async {
                let reply = sender.send_request(request).await.map_err(|e| away(&e))?;
                let status = reply.status();
                let bytes = reply.into_body().collect().await.map_err(|e| away(&e))?.to_bytes();
                Ok((status, bytes))
            };
            tokio::select! {
                answer = work => answer,
                ended = connection => Err(away(&ended.err().map_or_else(|| "it hung up".to_owned(), |e| e.to_string()))),
            }
        };
        let (status, bytes) =
            tokio::time::timeout(PATIENCE, exchange).await.map_err(|_| away(&"it does not answer"))??;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            StatusCode::NO_CONTENT => Ok(None),
            status if status.is_success() => serde_json::from_slice(&bytes).map(Some).map_err(|e| away(&e)),
            _ => Err(serde_json::from_slice(&bytes).unwrap_or_else(|_| away(&String::from_utf8_lossy(&bytes)))),
        }
    }
}

fn path(service: &str, rest: &str) -> String {
    format!("/v1/services/{}{rest}", utf8_percent_encode(service, NON_ALPHANUMERIC))
}

impl Target for Client {
    fn observe<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<Option<Service>, TargetError>> {
        Box::pin(self.ask(Method::GET, path(service, ""), None::<&()>))
    }

    fn prepare<'a>(
        &'a self,
        service: &'a str,
        door: &'a Door,
        release: &'a Release,
    ) -> BoxFuture<'a, Result<(), TargetError>> {
        Box::pin(async move {
            let body = Prepare { door: door.clone(), release: release.clone() };
            self.ask::<()>(Method::PUT, path(service, "/release"), Some(&body)).await.map(drop)
        })
    }

    fn split<'a>(
        &'a self,
        service: &'a str,
        generation: u64,
        split: &'a Split,
    ) -> BoxFuture<'a, Result<(), TargetError>> {
        Box::pin(async move {
            let body = SetSplit { generation, split: split.clone() };
            self.ask::<()>(Method::PUT, path(service, "/split"), Some(&body)).await.map(drop)
        })
    }

    fn probe<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), TargetError>> {
        Box::pin(async move { self.ask::<()>(Method::POST, path(service, "/probe"), None::<&()>).await.map(drop) })
    }

    fn retire<'a>(&'a self, service: &'a str, slot: Slot) -> BoxFuture<'a, Result<(), TargetError>> {
        let slot = if slot == Slot::A { "a" } else { "b" };
        Box::pin(async move {
            self.ask::<()>(Method::DELETE, path(service, &format!("/slots/{slot}")), None::<&()>).await.map(drop)
        })
    }

    fn keep<'a>(&'a self, service: &'a str, kept: &'a [String]) -> BoxFuture<'a, Result<(), TargetError>> {
        Box::pin(async move { self.ask::<()>(Method::PUT, path(service, "/keep"), Some(&kept)).await.map(drop) })
    }
}
