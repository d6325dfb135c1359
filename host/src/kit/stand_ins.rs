//! What answers a plugin in place of the world: a case says what.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::case::{self, Mocks};
use crate::capability::model::{Models, Origin, Prompt};
use crate::embed::{Computed, Embedder, Failure};

/// Numbers of a vector that stands for a text which a case says nothing of.
const DIMENSIONS: usize = 64;

/// What the case that is played says.
#[derive(Debug, Default)]
pub(super) struct Script(Mutex<Lines>);

#[derive(Debug, Default)]
struct Lines {
    http: VecDeque<case::Response>,
    model: VecDeque<String>,
    embedding: std::collections::BTreeMap<String, Vec<f32>>,
}

impl Script {
    /// From now on, say what this case says.
    pub(super) fn is(&self, mocks: &Mocks) {
        let Mocks { http, model, embedding, kv: _, clock_ms: _ } = mocks.clone();
        *self.lines() = Lines { http: http.into(), model: model.into(), embedding };
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of one length, and near each other where texts have the same pairs of letters.
    fn vector(&self, text: &str) -> Vec<f32> {
        if let Some(vector) = self.lines().embedding.get(text) {
            return vector.clone();
        }
        let mut vector = vec![0.0; DIMENSIONS];
        let letters: Vec<char> = text.to_lowercase().chars().collect();
        for pair in letters.windows(2) {
            let hash = pair.iter().fold(7_usize, |hash, letter| hash.wrapping_mul(31).wrapping_add(*letter as usize));
            if let Some(number) = vector.get_mut(hash % DIMENSIONS) {
                *number += 1.0;
            }
        }
        // No vector is zero.
        if let Some(first) = vector.first_mut() {
            *first += 0.01;
        }
        vector
    }
}

/// Turns texts into vectors.
#[derive(Debug)]
pub(super) struct StandInEmbedder(pub(super) Arc<Script>);

impl Embedder for StandInEmbedder {
    fn embed(&self, texts: Vec<String>) -> BoxFuture<'static, Result<Computed, Failure>> {
        let vectors = texts.iter().map(|text| self.0.vector(text)).collect();
        ready(Ok(Computed { vectors, tokens: 0 })).boxed()
    }

    fn identity(&self) -> &'static str {
        "stand-in"
    }
}

/// Answers for all models.
#[derive(Debug)]
pub(super) struct StandInModels(pub(super) Arc<Script>);

impl Models for StandInModels {
    fn ask(
        self: Arc<Self>,
        _origin: Origin,
        prompt: Prompt,
        _wait: Duration,
    ) -> BoxFuture<'static, Result<String, String>> {
        let answer = self.0.lines().model.pop_front();
        let none = || format!("the case has no answer of {:?} in its mocks", prompt.target);
        ready(answer.ok_or_else(none)).boxed()
    }
}

/// Answers for all services, on loopback. It ends when it is dropped.
#[derive(Debug)]
pub(super) struct Services {
    pub(super) port: u16,
    serving: JoinHandle<()>,
}

impl Services {
    pub(super) async fn start(script: Arc<Script>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let script = script.clone();
                let service = service_fn(move |_| ready(Ok::<_, Infallible>(answer(&script))));
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { port, serving })
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn answer(script: &Script) -> Response<Full<Bytes>> {
    let said = script.lines().http.pop_front();
    let response = said.map(|said| {
        let mut response = Response::builder().status(said.status.unwrap_or(200));
        for (name, value) in &said.headers {
            response = response.header(name, value);
        }
        response.body(Full::from(said.body))
    });
    match response {
        Some(Ok(response)) => response,
        // What a case does not say, or says wrongly, is what a plugin has to live with as well.
        Some(Err(_)) | None => {
            let mut nothing = Response::new(Full::from("the case has no such answer in its mocks"));
            *nothing.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            nothing
        }
    }
}
