//! Escalations are told to the operators' own system, each until it takes it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::sleep;
use tracing::{info, warn};

use super::{Desk, Escalation, Facts, State};
use crate::config::{self, Settings};
use crate::moment::Moment;
use crate::store::{Error, Unannounced};
use crate::upstream::Upstream;
use crate::webhook;

/// The longest time between two looks: the settings may have changed, and another gateway may have put something into the
/// same file.
const LOOK: Duration = Duration::from_secs(60);
/// Escalations that are announced at the same time.
const BATCH: usize = 8;
/// How often it is looked for what is to be forgotten.
const FORGET: Duration = Duration::from_secs(3_600);

/// What a webhook's body says. Nothing of the conversation: whoever reads it asks the admin port.
#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: Facts<'a>,
}

impl Desk {
    /// Announce what is to be announced, and forget what is over for long. Never ends.
    pub async fn keep_up(self: &Arc<Self>, settings: impl Fn() -> Arc<Settings>, upstream: &Upstream) {
        let (mut webhook, mut forgot) = (None, None::<Instant>);
        loop {
            let settings = settings().escalations.clone();
            if forgot.is_none_or(|forgot| forgot.elapsed() >= FORGET) {
                forgot = Some(Instant::now());
                let keep = settings.keep;
                let forgetting = self.with_existing(move |store| store.forget(Moment::now().before(keep))).await;
                told(forgetting.map(drop));
            }
            // Whoever was away may be back since the last process ended, and another address may be the right one.
            if settings.webhook != webhook {
                let again = self.with_existing(|store| store.try_all_again(Moment::now())).await;
                webhook = if told(again.map(drop)) { settings.webhook.clone() } else { None };
            }
            let round = self.round(&settings, upstream).await;
            let wait = round.unwrap_or_else(|why| {
                told(Err(why));
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
        let Some(webhook) = &settings.webhook else { return Ok(LOOK) };
        let due = self.with_existing(|store| store.unannounced(Moment::now(), BATCH)).await?.unwrap_or_default();
        if due.is_empty() {
            let next = self.with_existing(|store| store.next_try()).await?.flatten();
            return Ok(next.map_or(LOOK, |next| Moment::now().until(next).min(LOOK)));
        }
        // Together, so that one that hangs keeps no other waiting for long.
        let all = due.into_iter().map(|Unannounced { escalation, tries }| async move {
            let next_try = self.announce(webhook, upstream, &escalation, tries).await;
            self.with_existing(move |store| store.tried(&escalation.reference, next_try)).await
        });
        for noted in join_all(all).await {
            noted?;
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
        // From when it failed: that may have taken as long as the pause.
        Some(Moment::now().after(pause))
    }
}

/// Tell the operator what the store did not do; says whether it did.
fn told(done: Result<(), Error>) -> bool {
    if let Err(why) = &done {
        warn!(%why, "escalations cannot be announced: the store failed");
    }
    done.is_ok()
}

fn body(escalation: &Escalation) -> Bytes {
    let timestamp = escalation.created.to_string();
    let event = Event { kind: "escalation.created", timestamp, data: escalation.into() };
    serde_json::to_vec(&event).unwrap_or_default().into()
}
