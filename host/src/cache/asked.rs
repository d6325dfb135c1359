//! What is looked for, and whether it is there.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::HeaderMap;
use http::header::{CACHE_CONTROL, PRAGMA};
use tokio::time::{Instant, timeout};

use super::plans::Plan;
use super::question::{Digests, said_in_headers};
use super::{Cache, Question, Served, State};
use crate::capability::{Capability, Use, Used};
use crate::chat::{Answer, Candidate, Intention, Phase, Task};
use crate::config::Mode;
use crate::dialect::{Dialect, KEPT};
use crate::exchange::{Exchange, Sought};
use crate::guard::Admitted;
use crate::plugin::Inspected;
use crate::store::answers::{Digest, Failure, Kept, Vector};

/// Similar questions that a policy is asked about.
const CANDIDATES_MAX: usize = 4;

/// A kept answer to a question.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) kept: Arc<Kept>,
    pub(crate) age: Duration,
    /// A fresh one is to be asked for.
    pub(crate) is_stale: bool,
}

impl Found {
    fn state(&self) -> State {
        if self.is_stale { State::Stale } else { State::Hit }
    }

    /// What the exchange has of it.
    pub(crate) fn served(&self) -> Served {
        Served {
            state: self.state(),
            key: Some(self.kept.key),
            age: self.age,
            saved: self.kept.cost.unwrap_or_default(),
        }
    }
}

/// Ask the policies in force, one after the other until one of them wants what is kept to be looked through. Nothing if none
/// of them does, or nothing may be kept of such an exchange.
pub(crate) async fn plan(cache: &Cache, x: &Exchange, headers: &HeaderMap, admitted: &Admitted) -> Option<Question> {
    if admitted.request().task != Task::Converse || x.generation.caches().next().is_none() {
        return None;
    }
    let question = planned(cache, x, headers, admitted).await;
    if question.is_none() {
        x.is_served(Served::so_far(State::Bypass, None));
    }
    question
}

async fn planned(cache: &Cache, x: &Exchange, headers: &HeaderMap, admitted: &Admitted) -> Option<Question> {
    let wishes = Wishes::of(headers);
    // A text that is gone on with has an answer in a form of its own, which is not the one that answers are kept in.
    let is_text = x.dialect == Dialect::Completions;
    if wishes.keeps_nothing || is_text || !admitted.can_be_kept() || x.is_partly_inspected() {
        return None;
    }
    let findings = x.findings(Phase::Request);
    let purges = cache.purges.load(Ordering::Relaxed);
    let said_in_headers = said_in_headers(x, headers);
    let mut is_first = true;
    // They share a deadline.
    let calling = x.calling(Phase::Request);
    for plugin in x.generation.caches() {
        // What others have said before it is not remembered with it.
        let is_remembered =
            std::mem::take(&mut is_first) && plugin.is_pure() && plugin.installation.mode == Mode::Enforce;
        let fingerprint = is_remembered.then(|| cache.plans.fingerprint(x, admitted, &said_in_headers, &findings));
        if let Some(plan) = fingerprint.as_ref().and_then(|known| cache.plans.get(known)) {
            x.receipt(x.runtime.planned_before(plugin, admitted.request()));
            return Some(Question::new(x, plugin, admitted, plan, findings, wishes.is_anew, purges));
        }
        let Inspected { said, mut receipt } = x.runtime.plan(plugin, calling, admitted.request(), &findings).await;
        receipt.observed = plugin.installation.mode == Mode::Observe;
        let counts = !receipt.observed;
        x.receipt(receipt);
        if let Ok(Intention::LookUp(lookup)) = said
            && counts
        {
            let digests = Digests::new(x, plugin, &said_in_headers, admitted, &lookup.key);
            let plan = Plan { lookup, digests };
            if let Some(fingerprint) = fingerprint {
                cache.plans.put(fingerprint, plan.clone());
            }
            return Some(Question::new(x, plugin, admitted, plan, findings, wishes.is_anew, purges));
        }
    }
    None
}

/// What a caller wants of caches.
struct Wishes {
    /// Nothing of it is to be looked for or kept.
    keeps_nothing: bool,
    /// A model is to be asked.
    is_anew: bool,
}

impl Wishes {
    /// As RFC 9111 has it, section 5.2.1.
    fn of(headers: &HeaderMap) -> Self {
        let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
        let said: Vec<String> =
            values.flat_map(|value| value.split(',')).map(|word| word.trim().to_ascii_lowercase()).collect();
        let says = |word: &str| said.iter().any(|said| said == word);
        // What counted before `cache-control`, and without it still does.
        let is_old = said.is_empty() && headers.get(PRAGMA).is_some_and(|value| value == "no-cache");
        Self { keeps_nothing: says("no-store"), is_anew: says("no-cache") || says("max-age=0") || is_old }
    }
}

/// The answer to a question, if there is one; otherwise it is noted how the exchange stands.
pub(crate) async fn find(cache: &Cache, x: &Exchange, question: &Question) -> Option<Found> {
    let began = Instant::now();
    let found = if question.is_anew { Ok(None) } else { looked_up(cache, x, question).await };
    let state = match &found {
        Ok(Some(found)) => found.state(),
        Ok(None) => State::Miss,
        Err(HasFailed) => State::Bypass,
    };
    if !question.is_anew {
        x.looked_for(Sought::Answer(state), began);
    }
    if let Ok(Some(found)) = found {
        return Some(found);
    }
    x.is_served(Served::so_far(state, Some(question.digests.key)));
    None
}

/// A store has failed, and that is noted.
pub(super) struct HasFailed;

async fn looked_up(cache: &Cache, x: &Exchange, question: &Question) -> Result<Option<Found>, HasFailed> {
    match cache.kept(x, question, question.digests.key).await? {
        Some(found) => Ok(Some(found)),
        None => cache.similar(x, question).await,
    }
}

impl Cache {
    /// The answer with this key, if it is one of those that are compared with the question, and not too old for it.
    async fn kept(&self, x: &Exchange, question: &Question, key: Digest) -> Result<Option<Found>, HasFailed> {
        let kept = self.answers.get(key).await;
        let kept = kept.map_err(|failure| self.is_of_no_help(x, "looking for an answer", &failure))?;
        let is_it = |kept: &Arc<Kept>| kept.key == key && kept.about.partition == question.digests.partition;
        Ok(kept.filter(is_it).and_then(|kept| self.as_fresh(question, kept)))
    }

    fn is_of_no_help(&self, x: &Exchange, doing: &'static str, failure: &Failure) -> HasFailed {
        self.has_failed(&x.id, doing, failure);
        HasFailed
    }

    /// A kept answer, if it is not too old for the question.
    fn as_fresh(&self, question: &Question, kept: Arc<Kept>) -> Option<Found> {
        let now = self.clock.now();
        let age = kept.about.created.until(now);
        let past = kept.fresh_until.until(now).max(age.saturating_sub(question.lookup.age_max));
        let is_stale = now >= kept.fresh_until || age > question.lookup.age_max;
        (!is_stale || past < question.plugin.installation.cache.stale).then_some(Found { kept, age, is_stale })
    }

    /// The nearest answer to a similar question that the policy takes for an answer to this one too.
    async fn similar(&self, x: &Exchange, question: &Question) -> Result<Option<Found>, HasFailed> {
        let Some((_, least)) = &question.lookup.by_meaning else { return Ok(None) };
        let Some((vector, identity)) = self.vector(x, question).await? else { return Ok(None) };
        let near = self.meanings.nearest(question.meanings(&identity), vector, *least, CANDIDATES_MAX).await;
        let near = near.map_err(|failure| self.is_of_no_help(x, "looking for similar questions", &failure))?;
        let calling = x.calling(Phase::Request);
        for near in near {
            let found = self.kept(x, question, near.key).await?;
            let Some(found) = found.filter(|found| !found.is_stale) else { continue };
            let Some(answer) = answer(&found.kept) else { continue };
            let candidate = Candidate {
                question: &found.kept.question,
                answer: &answer,
                similarity: near.similarity.clamp(-1.0, 1.0),
                age: found.age,
            };
            let Inspected { said, receipt } =
                x.runtime.accept(&question.plugin, calling, &question.request, candidate).await;
            x.receipt(receipt);
            if said.unwrap_or_default() {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// What a question means, where it is to be compared by that; and what tells the embedder from others.
    pub(super) async fn vector(
        &self,
        x: &Exchange,
        question: &Question,
    ) -> Result<Option<(Vector, String)>, HasFailed> {
        let wanted = question.plugin.installation.cache.embedder.as_deref();
        let (Some(wanted), Some((text, _))) = (wanted, &question.lookup.by_meaning) else { return Ok(None) };
        let began = Instant::now();
        let embedder = self.embedders.find(Some(wanted)).map_err(|why| self.no_vector(x, &why))?;
        let embedded = timeout(self.embedding_wait, embedder.embed(&question.tenant, vec![text.clone()])).await;
        x.looked_for(Sought::Meaning(matches!(embedded, Ok(Ok(_)))), began);
        let embedded = embedded.map_err(|_| self.no_vector(x, "the embedder did not answer in time"))?;
        let embedded = embedded.map_err(|failure| self.no_vector(x, &format!("{failure:?}")))?;
        let bytes = u64::try_from(text.len()).unwrap_or(u64::MAX);
        let mut used = Used::default();
        used.add(
            Capability::Embedding,
            Use { calls: 1, bytes, time: began.elapsed(), cost: embedded.cost, ..Use::default() },
        );
        x.used_for(&question.plugin.name, &used);
        Ok(embedded.vectors.into_iter().next().map(|vector| (vector, embedder.identity().to_owned())))
    }

    fn no_vector(&self, x: &Exchange, why: &str) -> HasFailed {
        self.is_of_no_help(x, "turning a question into a vector", &Failure::Unavailable(why.to_owned()))
    }
}

/// What a kept answer says; nothing if it is none.
pub(super) fn answer(kept: &Kept) -> Option<Answer> {
    KEPT.read_answer(Task::Converse, kept.answer.clone()).ok().map(|(answer, _, _)| answer)
}
