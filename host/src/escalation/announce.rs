//! Escalations are told to the operators' own system, each until it takes it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use tokio::time::sleep;
use tracing::{info, warn};

use super::{Desk, Escalation, State};
use crate::config::{self, Settings};
use crate::moment::Moment;
use crate::store::{Error, Unannounced};
use crate::upstream::Upstream;
use crate::webhook;

/// The longest time between two looks: the settings may have changed, and another gateway may have put something into the
/// same file.
const LOOK: Duration = Duration::from_secs(60);
/// Escalations that are read at once.
const BATCH: usize = 100;

/// What a webhook's body says. Nothing of the conversation: whoever reads it asks the admin port.
#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    reference: &'a str,
    queue: &'a str,
    tenant: &'a str,
    exchange: &'a str,
    model: &'a str,
    created: String,
    expires: String,
}

impl Desk {
    /// Announce what is to be announced, and forget what is over for long. Never ends.
    pub async fn keep_up(self: &Arc<Self>, settings: impl Fn() -> Arc<Settings>, upstream: &Upstream) {
        // Whoever was away may be back since the last process ended.
        let again = self.with_existing(|store| store.try_all_again(Moment::now())).await;
        if let Err(why) = again {
            warn!(%why, "escalations cannot be announced: the store failed");
        }
        loop {
            let settings = settings().escalations.clone();
            let wait = self.round(&settings, upstream).await.unwrap_or_else(|why| {
                warn!(%why, "escalations cannot be announced: the store failed");
                LOOK
            });
            tokio::select! {
                () = self.news.notified() => {}
                () = sleep(wait) => {}
            }
        }
    }

    /// One look; says how long it is to the next.
    async fn round(self: &Arc<Self>, settings: &config::Escalations, upstream: &Upstream) -> Result<Duration, Error> {
        let keep = settings.keep;
        self.with_existing(move |store| store.forget(Moment::now().before(keep))).await?;
        let Some(webhook) = &settings.webhook else { return Ok(LOOK) };
        let due = self.with_existing(|store| store.unannounced(Moment::now(), BATCH)).await?.unwrap_or_default();
        if due.is_empty() {
            let next = self.with_existing(|store| store.next_try()).await?.flatten();
            return Ok(next.map_or(LOOK, |next| Moment::now().until(next).min(LOOK)));
        }
        for Unannounced { escalation, tries } in due {
            let next_try = self.announce(webhook, upstream, &escalation, tries).await;
            self.with_existing(move |store| store.tried(&escalation.reference, next_try)).await?;
        }
        // There may be more.
        Ok(Duration::ZERO)
    }

    /// Announce one; says when to try again, if at all.
    async fn announce(
        &self,
        webhook: &config::Webhook,
        upstream: &Upstream,
        escalation: &Escalation,
        tries: u32,
    ) -> Option<Moment> {
        let (reference, queue) = (&*escalation.reference, &*escalation.queue);
        let now = Moment::now();
        // Nobody needs to hear of it any more.
        if matches!(escalation.state(now), State::Answered | State::Expired) {
            return None;
        }
        let message = webhook::Message { id: reference, at: now, body: body(escalation) };
        let Err(why) = webhook::deliver(upstream, webhook, message).await else {
            info!(reference, queue, "escalation announced");
            return None;
        };
        let pause = webhook::pause(tries);
        let next_ms = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
        warn!(reference, queue, why, next_ms, "an escalation could not be announced; it is tried again");
        Some(now.after(pause))
    }
}

fn body(escalation: &Escalation) -> Bytes {
    let Escalation { reference, queue, tenant, exchange, model, created, expires, .. } = escalation;
    let data =
        Data { reference, queue, tenant, exchange, model, created: created.to_string(), expires: expires.to_string() };
    let event = Event { kind: "escalation.created", timestamp: created.to_string(), data };
    serde_json::to_vec(&event).unwrap_or_default().into()
}
