//! A provider's embeddings endpoint.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use tokio::runtime::Handle;

use super::{Computed, Embedder, Failure};
use crate::config::Target;
use crate::upstream::{CallFailure, Upstream};

/// Time for an answer, unless whoever asks has less.
const TIME: Duration = Duration::from_secs(10);

/// Asks a target.
#[derive(Debug)]
pub struct Remote {
    identity: String,
    upstream: Upstream,
    target: Arc<Target>,
    dimensions: Option<u32>,
    /// Where connections live: who asks may run elsewhere, and not for long, as a plugin that is loaded.
    runtime: Option<Handle>,
}

impl Remote {
    /// Vectors of a target's model, with so many dimensions if it can.
    #[must_use]
    pub fn new(upstream: Upstream, target: Arc<Target>, dimensions: Option<u32>) -> Self {
        let model = target.model.as_deref().unwrap_or_default();
        let identity = format!("{}\n{model}\n{}", target.base_url, dimensions.unwrap_or_default());
        Self { identity, upstream, target, dimensions, runtime: Handle::try_current().ok() }
    }
}

impl Embedder for Remote {
    fn embed(&self, texts: Vec<String>) -> BoxFuture<'static, Result<Computed, Failure>> {
        let (upstream, target, dimensions) = (self.upstream.clone(), self.target.clone(), self.dimensions);
        let Some(runtime) = self.runtime.clone() else {
            return ready(Err(Failure::Unavailable("nothing runs that could ask a provider".to_owned()))).boxed();
        };
        async move {
            let asking = async move { upstream.embed(&target, &texts, dimensions, TIME).await };
            let asked = runtime
                .spawn(asking)
                .await
                .unwrap_or_else(|broken| Err(CallFailure::Unavailable(format!("asking ended: {broken}"))));
            let (vectors, tokens) = asked.map_err(|failure| match failure {
                CallFailure::Timeout => Failure::Timeout,
                CallFailure::TooLarge => Failure::Unavailable("the answer is too long".to_owned()),
                CallFailure::Unavailable(why) => Failure::Unavailable(why),
            })?;
            Ok(Computed { vectors, tokens })
        }
        .boxed()
    }

    fn identity(&self) -> &str {
        &self.identity
    }
}
