//! An answer on its way to the caller: who waits for it too is told, and it is kept if it may be.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::stream::unfold;
use http::{Response, StatusCode};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use tokio::sync::mpsc;

use super::asked::answer;
use super::flight::Leading;
use super::{Cache, Joined, Question};
use crate::chat::Phase;
use crate::config::Mode;
use crate::dialect::{KEPT, Listener, Translation, Wire, kept_whole};
use crate::exchange::Exchange;
use crate::plugin::Inspected;
use crate::reply::Body;
use crate::store::answers::{About, Kept, Meaning, Purge};

/// A question that a model is asked.
#[derive(Debug)]
pub(crate) struct Asking {
    question: Question,
    /// For others who wait for the same; nothing once it is not for them.
    leading: Option<Leading>,
}

/// Pieces of an answer that wait for a caller who reads slowly.
const PIECES_MAX: usize = 32;

impl Cache {
    /// Ask the question for all who ask the same, or wait for who does already. Whoever wants a model to be asked does not wait.
    pub(crate) fn join(&self, x: &Exchange, question: &Question) -> Joined {
        match question.is_anew {
            true => Joined::Leads(self.flights.lead(question.flight(x))),
            false => self.flights.join(question.flight(x)),
        }
    }

    /// Ask the question in any case, for all who ask the same from now on.
    pub(crate) fn ask(&self, x: &Exchange, question: Question) -> Asking {
        let leading = self.flights.lead(question.flight(x));
        Asking::new(question, leading)
    }
}

impl Asking {
    pub(crate) fn new(question: Question, leading: Leading) -> Self {
        Self { question, leading: Some(leading) }
    }
}

/// Listen to a response on its way to the caller. Nothing of it is changed.
pub(crate) async fn listen(
    cache: &Arc<Cache>,
    x: &Arc<Exchange>,
    asking: Asking,
    response: Response<Body>,
) -> Response<Body> {
    if response.status() != StatusCode::OK {
        return response;
    }
    let (head, body) = response.into_parts();
    let (cache, x) = (cache.clone(), x.clone());
    if body.size_hint().exact().is_none() {
        let (sender, receiver) = mpsc::channel(PIECES_MAX);
        tokio::spawn(pump(cache, x, asking, body, sender));
        let pieces = unfold(receiver, |mut receiver| async move {
            let piece: Bytes = receiver.recv().await?;
            Some((Ok::<_, Infallible>(Frame::data(piece)), receiver))
        });
        return Response::from_parts(head, StreamBody::new(pieces).boxed_unsync());
    }
    let Ok(collected) = body.collect().await;
    let body = collected.to_bytes();
    let whole = body.clone();
    tokio::spawn(async move {
        let model = &asking.question.request.model;
        // What was not looked at is for nobody else.
        let kept = kept_whole(x.dialect, model, &whole).filter(|_| !x.is_partly_inspected());
        if let Some(kept) = kept {
            if let Some(leading) = &asking.leading {
                leading.says(events(&kept, model).unwrap_or_default());
                leading.ends(Some(kept.clone()), x.cost().whole());
            }
            keep(&cache, &x, &asking, kept).await;
        }
    });
    Response::from_parts(head, Full::new(body).boxed_unsync())
}

/// A whole answer as events, for those who want it as a stream.
fn events(kept: &Bytes, model: &str) -> Option<Bytes> {
    let Wire::Dialect(caller) = KEPT else { return None };
    Translation::back_from(KEPT, caller, model, true).answer_as_events(kept, &mut Vec::new()).ok()
}

/// Pass a stream on, piece by piece. Goes on without the caller as long as others wait for it, and does not keep them waiting
/// for a caller who reads slowly.
async fn pump(cache: Arc<Cache>, x: Arc<Exchange>, mut asking: Asking, mut body: Body, caller: mpsc::Sender<Bytes>) {
    let mut listener = Some(Listener::new(x.dialect, &asking.question.request.model));
    let heard_max = cache.entry_bytes_max.saturating_mul(EVENTS_FACTOR);
    let mut heard = 0_usize;
    // What the caller has not taken yet.
    let mut behind = VecDeque::new();
    let mut behind_bytes = 0_usize;
    loop {
        let nobody_waits = async {
            caller.closed().await;
            if let Some(leading) = &asking.leading {
                leading.is_alone().await;
            }
        };
        let is_followed = asking.leading.as_ref().is_some_and(|leading| leading.followers() > 0);
        let goes_on = behind.is_empty() || (is_followed && behind_bytes < BEHIND_MAX) || caller.is_closed();
        let frame = tokio::select! {
            frame = body.frame(), if goes_on => frame,
            Ok(place) = caller.reserve(), if !behind.is_empty() => {
                let piece: Bytes = behind.pop_front().unwrap_or_default();
                behind_bytes = behind_bytes.saturating_sub(piece.len());
                place.send(piece);
                continue;
            }
            () = nobody_waits => return,
        };
        let Some(Ok(frame)) = frame else { break };
        let Ok(piece) = frame.into_data() else { continue };
        if let Some(listening) = &mut listener {
            let events = listening.hear(&piece);
            heard = heard.saturating_add(events.len());
            // What was not looked at is for nobody else.
            if listening.is_lost() || heard > heard_max || x.is_partly_inspected() {
                (listener, asking.leading) = (None, None);
            } else if let Some(leading) = &asking.leading {
                leading.says(events);
            }
        }
        if !caller.is_closed() {
            behind_bytes = behind_bytes.saturating_add(piece.len());
            behind.push_back(piece);
        }
    }
    tokio::spawn(async move {
        for piece in behind {
            if caller.send(piece).await.is_err() {
                return;
            }
        }
    });
    let Some(mut listener) = listener.filter(|_| !x.is_partly_inspected()) else { return };
    let last = listener.end();
    if listener.is_lost() {
        return;
    }
    let is_whole = listener.is_whole();
    let whole = listener.whole(x.usage());
    if let Some(leading) = asking.leading.as_ref().filter(|_| is_whole) {
        leading.says(last);
        leading.ends(whole.clone(), x.cost().whole());
    }
    if let Some(whole) = whole {
        keep(&cache, &x, &asking, whole).await;
    }
}

/// Bytes that a caller may be behind those who wait for the same; then all wait for it.
const BEHIND_MAX: usize = 4 << 20;
/// An answer as events is some times as long as it is whole: each of them says what it belongs to.
const EVENTS_FACTOR: usize = 64;

/// Whether another gateway has purged answers since this was asked; also where that is not known.
async fn is_purged_elsewhere(cache: &Cache, question: &Question) -> bool {
    match cache.answers.since_purge().await {
        // The server's answer took its time, which is on the safe side.
        Ok(since) => since.is_some_and(|since| since <= question.asked.elapsed()),
        Err(_) => true,
    }
}

/// Keep an answer, all of which was looked at, if the policy lets it be kept, and unless somebody wanted a newer one since it
/// was asked for.
async fn keep(cache: &Cache, x: &Exchange, asking: &Asking, whole: Bytes) {
    let Asking { question, leading } = asking;
    let findings = [question.findings.clone(), x.findings(Phase::Answer)].concat();
    let may_be_shared = question.is_clean && x.is_clean(Phase::Answer);
    let is_purged = cache.purges.load(Ordering::Relaxed) != question.purges;
    if is_purged || whole.len() > cache.entry_bytes_max || (question.plugin.installation.cache.shared && !may_be_shared)
    {
        return;
    }
    let now = cache.clock.now();
    let mut kept = Kept {
        key: question.digests.key,
        about: About {
            partition: question.digests.partition,
            tenant: question.tenant.clone(),
            model: question.request.model.as_str().into(),
            created: now,
            kept_until: now,
        },
        fresh_until: now,
        question: question.lookup.by_meaning.as_ref().map(|(text, _)| text.clone()).unwrap_or_default(),
        answer: whole,
        cost: x.cost().whole(),
        exchange: x.id.clone(),
    };
    let Some(answer) = answer(&kept) else { return };
    let calling = x.calling(Phase::Answer);
    let asked = x.runtime.keep(&question.plugin, calling, &question.request, &answer, &findings).await;
    let Inspected { said, mut receipt } = asked;
    receipt.observed = question.plugin.installation.mode == Mode::Observe;
    let (exchange, plugin) = (&*x.id, &*question.plugin.name);
    let (verdict, fuel) = (receipt.decision.word(), receipt.fuel);
    tracing::info!(exchange, plugin, verdict, fuel, "the cache was offered an answer");
    x.receipt(receipt);
    let Ok(Some(time)) = said else { return };
    if !leading.as_ref().is_none_or(Leading::is_newest) {
        return;
    }
    kept.fresh_until = now.after(time);
    kept.about.kept_until = kept.fresh_until.after(question.plugin.installation.cache.stale);
    let about = kept.about.clone();
    match cache.answers.put(Arc::new(kept)).await {
        Ok(()) => drop(cache.totals.kept.fetch_add(1, Ordering::Relaxed)),
        Err(failure) => cache.has_failed(&x.id, "keeping an answer", &failure),
    }
    if let Ok(Some((vector, identity))) = cache.vector(x, question).await {
        let about = About { partition: question.meanings(&identity), ..about };
        if let Err(failure) = cache.meanings.put(Arc::new(Meaning { key: question.digests.key, about, vector })).await {
            cache.has_failed(&x.id, "keeping what a question means", &failure);
        }
    }
    // A purge meanwhile may have come too early for it.
    if cache.purges.load(Ordering::Relaxed) != question.purges || is_purged_elsewhere(cache, question).await {
        let purge = Purge { key: Some(question.digests.key), ..Purge::default() };
        let _ = cache.forget(purge).await;
    }
}
