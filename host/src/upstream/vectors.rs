//! Vectors that the gateway itself asks a target for.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request};
use tokio::task::spawn_blocking;

use super::{CallFailure, Upstream, credential, place, signature};
use crate::chat::Task;
use crate::config::{Platform, Target};
use crate::dialect::{Address, Dialect, Translation, Wire, Wrong, embeddings};
use crate::error::Error;

/// Bytes of an answer for each text: 4,096 numbers of 20 digits have half of it.
const VECTOR_BYTES: usize = 256 << 10;
/// Bytes of any answer.
const ANSWER_BYTES_MAX: usize = 32 << 20;

impl Upstream {
    /// The vectors of some texts by a target's model, and the tokens that it has read.
    ///
    /// # Errors
    /// When it does not answer in time, or answers something else.
    pub(crate) async fn embed(
        &self,
        target: &Target,
        texts: &[String],
        dimensions: Option<u32>,
        time: Duration,
    ) -> Result<(Vec<Vec<f32>>, u32), CallFailure> {
        let unavailable = |why: &dyn std::fmt::Display| CallFailure::Unavailable(why.to_string());
        let unreadable = |wrong: Wrong| CallFailure::Unavailable(format!("{} {}", wrong.field, wrong.message));
        let model = target.model.as_deref().unwrap_or_default();
        let wire = target.dialect_for(Dialect::OpenAi, Task::Embed);
        let address = Address { task: Task::Embed, model: target.model.clone(), streaming: None };
        let mut body = embeddings::ask(model, texts, dimensions).map_err(unreadable)?;
        let mut translation = None;
        if wire != Wire::Dialect(Dialect::OpenAi) {
            let translated = Translation::of_request(Dialect::OpenAi, wire, &body, &address, &mut Vec::new());
            let (back, translated) = translated.map_err(unreadable)?;
            (translation, body) = (Some(back), translated);
        }
        let request = request(target, wire, &address, body).map_err(|error| unavailable(&error.label()))?;
        let bytes_max = VECTOR_BYTES.saturating_mul(texts.len()).min(ANSWER_BYTES_MAX);
        let answer = self.call(request, bytes_max, time).await?;
        if !answer.status().is_success() {
            return Err(unavailable(&format!("it answers with {}", answer.status().as_u16())));
        }
        let (head, told) = answer.into_parts();
        // Megabytes of numbers keep nobody waiting.
        let read = spawn_blocking(move || match translation {
            Some(back) => embeddings::vectors(&back.answer(head.status, &head.headers, &told, &mut Vec::new())?),
            None => embeddings::vectors(&told),
        });
        let read = read.await;
        // What stands there instead may be anything, and is for no log.
        read.ok().and_then(Result::ok).ok_or_else(|| unavailable(&"it answers with something else than vectors"))
    }
}

fn request(target: &Target, wire: Wire, address: &Address, body: Bytes) -> Result<Request<Bytes>, Error> {
    let mut request = Request::new(body.clone());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = place(target, wire, address)?;
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.extend(credential(wire, target)?);
    if let Platform::Aws(keys) = &target.platform {
        signature::sign(&mut request, &body, keys, SystemTime::now())?;
    }
    Ok(request)
}
