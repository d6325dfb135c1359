//! Runs guardrails in order and combines their verdicts. Only here and in [`stream`] text becomes [`Admitted`] and
//! [`Released`]: there is no other way to a provider or to a caller.

mod restore;
pub mod shared;
pub mod stream;
mod tagged;

use std::borrow::Cow;
use std::panic::resume_unwind;
use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use tokio::task::spawn_blocking;

use crate::chat::{self, Action, Answer, Edit, Phase, Request, Role, Segment, SegmentFacts, Task, WholeAction, Window};
use crate::config::{Mode, OnFailure, StreamMode, Target};
use crate::dialect::{
    Address, Asked, Dialect, Document, KEPT, Translation, Wire, frame, is_json, own_answer, read_words,
};
use crate::error::{Error, Malformed};
use crate::exchange::{Exchange, NotInspected};
use crate::plugin::{Calling, Decision, Failure, Inspected, Outcome, Plugin};
use restore::{NotRemembered, RESTORATIONS_MAX, Restorations, Written, unspelt};

/// Why an edit cannot be carried out.
const NO_JSON_LEFT: &str = "its edits leave something that is not JSON where JSON has to stand";

/// A request that every guardrail in force has let through.
#[derive(Clone, Debug)]
pub struct Admitted {
    asked: Arc<Asked>,
    /// The request with the guardrails' edits.
    request: Arc<Request>,
    restorations: Arc<Restorations>,
    /// What an answer guardrail had added to the conversation.
    added: Vec<(Role, String)>,
}

impl Admitted {
    /// What to send to a target, in its dialect.
    ///
    /// # Errors
    /// When the target's dialect has no word for something that the request says.
    pub(crate) fn outgoing(&self, x: &Exchange, target: &Target) -> Result<Outgoing, Error> {
        let added: Vec<(Role, &str)> = self.added.iter().map(|(role, text)| (*role, text.as_str())).collect();
        let model = target.model.as_deref();
        let segments = &self.request.segments;
        let body = match self.asks_for_usage(x.dialect, target) {
            true => self.asked.body_for_usage(segments, model, &added),
            false => self.asked.body(segments, model, &added),
        };
        let task = self.request.task;
        let address = Address {
            task,
            model: Some(model.unwrap_or(&self.request.model).to_owned()),
            streaming: Some(self.request.streaming),
        };
        let dialect = target.dialect_for(x.dialect, task);
        if !dialect.has(task) {
            return Err(Error::NotThere { dialect, task });
        }
        if Wire::Dialect(x.dialect) == dialect {
            return Ok(Outgoing { body, address, dialect, translation: None });
        }
        let mut losses = Vec::new();
        let translated = Translation::of_request(x.dialect, dialect, &body, &address, &mut losses);
        x.loses(losses, dialect)?;
        let (translation, mut body) = translated.map_err(|wrong| Error::Malformed(Malformed::from(wrong)))?;
        if !target.stream_usage {
            body = dialect.without_usage_asked(body);
        }
        Ok(Outgoing { body, address, dialect, translation: Some(translation) })
    }

    /// Whether the gateway asks this target for the usage of a stream in the name of a caller who has not, and who is
    /// then told nothing of it.
    fn asks_for_usage(&self, caller: Dialect, target: &Target) -> bool {
        let wire = target.dialect_for(caller, self.request.task);
        Wire::Dialect(caller) == wire && target.stream_usage && self.asked.leaves_usage_out()
    }

    /// The way to the caller for an answer in OpenAI's form that comes from no provider.
    pub(crate) fn way_back(&self, x: &Exchange) -> Translation {
        let streams_usage = !self.asked.leaves_usage_out();
        Translation::back_from(Wire::Dialect(Dialect::OpenAi), x.dialect, &self.request.model, streams_usage)
    }

    /// How often the model may be asked once more: not at all where nothing can be said behind what was said, or what was done
    /// for it would be done twice.
    pub(crate) fn retries(&self, most: u32) -> u32 {
        if self.asked.can_go_on() && !self.request.acts { most } else { 0 }
    }

    /// Whether an answer to it can be an answer to another request too: nothing is in it that no guardrail can look into, the
    /// provider does and keeps nothing for it, and nothing is put back into the answer.
    pub(crate) fn can_be_kept(&self) -> bool {
        let Request { opaque, acts, is_tied, answers, .. } = &*self.request;
        opaque.is_empty() && !acts && !is_tied && answers.unwrap_or(1) == 1 && self.restorations.is_empty()
    }

    /// The body with the guardrails' edits, as the caller's dialect has it.
    pub(crate) fn body(&self) -> Bytes {
        self.asked.body(&self.request.segments, None, &[])
    }

    /// What it says beside the words of the conversation, as a digest.
    pub(crate) fn frame(&self, x: &Exchange) -> [u8; 32] {
        let body = self.body();
        let Request { task, model, streaming, .. } = &*self.request;
        let address = Address { task: *task, model: Some(model.clone()), streaming: Some(*streaming) };
        frame(x.dialect, &body, &address)
    }

    /// The same as [`request`](Self::request), for whoever keeps it.
    pub(crate) fn shared_request(&self) -> Arc<Request> {
        self.request.clone()
    }

    /// The request with the guardrails' edits.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// The same conversation, continued with what the model said and what a guardrail wants instead.
    fn corrected(&self, answer: &Answer, words: String) -> Self {
        let said = answer.segments.iter().filter(|s| s.choice == 0 && s.channel == chat::Channel::Content);
        let said: String = said.map(|segment| segment.text.as_str()).collect();
        let mut added = self.added.clone();
        if !said.is_empty() {
            added.push((Role::Assistant, said));
        }
        added.push((Role::User, words));
        Self { added, ..self.clone() }
    }
}

/// An admitted request as a target understands it.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) body: Bytes,
    /// What the target's dialect says in the path rather than in the body.
    pub(crate) address: Address,
    pub(crate) dialect: Wire,
    /// The way back to the caller's dialect, if it is not the target's.
    pub(crate) translation: Option<Translation>,
}

/// Text of an answer that every guardrail in force has let through, or words of the gateway itself.
#[derive(Clone, Debug)]
pub struct Released(Bytes);

impl Released {
    /// No text at all.
    pub(crate) fn nothing() -> Self {
        Self(Bytes::new())
    }

    /// The bytes for the caller.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// What guardrails made of an answer.
#[derive(Debug)]
pub enum Judged {
    /// It may go to the caller.
    Released(Released),
    /// The model is to be asked once more.
    Retry(Box<Admitted>),
    /// It is none: the provider says in it that it has failed.
    Failed {
        /// It says that the request is wrong.
        blames_request: bool,
    },
}

/// Pass a request through every guardrail in force.
///
/// # Errors
/// A denial, or a failure of a plugin whose failure mode is `closed`.
pub(crate) async fn admit(x: &Exchange, asked: Asked) -> Result<Admitted, Error> {
    let calling = x.calling(Phase::Request);
    let mut draft = Draft::new(asked.request.clone());
    x.opaque(Phase::Request, &draft.request.opaque);
    for plugin in x.generation.in_force(Phase::Request) {
        if plugin.inspects_text() {
            inspect_request(x, calling, plugin, &mut draft).await?;
        }
        if plugin.checks_requests() {
            check_request(x, calling, plugin, &mut draft).await?;
        }
    }
    Ok(Admitted {
        asked: Arc::new(asked),
        request: Arc::new(draft.request),
        restorations: Arc::new(draft.restorations),
        added: Vec::new(),
    })
}

/// Pass texts that a caller leaves here, and that go to no model, through the text guardrails for requests.
///
/// # Errors
/// As [`admit`].
pub(crate) async fn admit_texts<const COUNT: usize>(
    x: &Exchange,
    texts: [Option<String>; COUNT],
) -> Result<[Option<String>; COUNT], Error> {
    let segment = |text: &String| Segment {
        role: Role::User,
        channel: chat::Channel::Content,
        choice: 0,
        name: None,
        text: text.clone(),
        is_json: false,
    };
    let segments = texts.iter().flatten().map(segment).collect();
    let mut draft = Draft::new(Request { segments, ..Request::default() });
    let calling = x.calling(Phase::Request);
    for plugin in x.generation.in_force(Phase::Request).filter(|plugin| plugin.inspects_text()) {
        inspect_request(x, calling, plugin, &mut draft).await?;
    }
    let mut passed = draft.request.segments.into_iter().map(|segment| segment.text);
    Ok(texts.map(|text| text.and_then(|_| passed.next())))
}

/// A request on its way through the guardrails.
struct Draft {
    request: Request,
    /// One for each segment.
    facts: Vec<SegmentFacts>,
    restorations: Restorations,
    written: Written,
}

impl Draft {
    fn new(request: Request) -> Self {
        let facts = vec![SegmentFacts::default(); request.segments.len()];
        Self { request, facts, restorations: Restorations::default(), written: Written::default() }
    }
}

async fn inspect_request(
    x: &Exchange,
    calling: Calling<'_>,
    plugin: &Arc<Plugin>,
    draft: &mut Draft,
) -> Result<(), Error> {
    let windows = windows(Phase::Request, &draft.request.segments, &draft.facts);
    if windows.is_empty() {
        return Ok(());
    }
    let inspected = x.runtime.inspect(plugin, calling, Phase::Request, &windows).await;
    let count = windows.len();
    let Some(verdicts) = rule(x, plugin, inspected, || segments(count))? else { return Ok(()) };
    for (index, verdict) in verdicts.iter().enumerate() {
        match &verdict.action {
            Action::Allow => {}
            Action::Deny(denial) => return Err(denied(plugin, denial)),
            Action::Edit(edits) => {
                let edits: Vec<(usize, Edit)> = edits.iter().map(|edit| (index, edit.clone())).collect();
                edit_request(x, plugin, draft, &edits)?;
            }
        }
    }
    Ok(())
}

async fn check_request(
    x: &Exchange,
    calling: Calling<'_>,
    plugin: &Arc<Plugin>,
    draft: &mut Draft,
) -> Result<(), Error> {
    let inspected = x.runtime.check_request(plugin, calling, &draft.request).await;
    let Some(verdict) = rule(x, plugin, inspected, || "the request as a whole".to_owned())? else { return Ok(()) };
    match verdict.action {
        WholeAction::Allow => Ok(()),
        WholeAction::Deny(denial) => Err(denied(plugin, &denial)),
        WholeAction::Edit(edits) => edit_request(x, plugin, draft, &edits),
        // The contract does not let a request guardrail say this.
        WholeAction::Retry(_) => Ok(()),
    }
}

/// Apply edits of one plugin; where an original is to be restored, remember it under a name of its own.
fn edit_request(x: &Exchange, plugin: &Plugin, draft: &mut Draft, edits: &[(usize, Edit)]) -> Result<(), Error> {
    let Draft { request, facts, restorations, written } = draft;
    // What the plugin itself writes counts as written too, before the first name is chosen.
    let fixed: Vec<&str> =
        edits.iter().filter(|(_, edit)| !edit.restore).map(|(_, edit)| edit.replacement.as_str()).collect();
    for group in edits.chunk_by(|(a, _), (b, _)| a == b) {
        let Some((index, _)) = group.first() else { continue };
        let Some(text) = request.segments.get(*index).map(|segment| segment.text.clone()) else { continue };
        let mut resolved = Vec::with_capacity(group.len());
        for (_, edit) in group {
            let mut edit = edit.clone();
            if edit.restore {
                let texts = request.segments.iter().map(|segment| segment.text.as_str()).chain(fixed.iter().copied());
                let original = text.get(edit.span.clone()).unwrap_or_default();
                let original = request.segments.get(*index).map(|segment| unspelt(original, segment));
                let original = original.unwrap_or_default();
                match restorations.remember(&edit.replacement, &original, written, texts) {
                    Ok(replacement) => edit.replacement = replacement,
                    // Whatever the plugin's failure mode is: it has found what must not pass.
                    Err(NotRemembered::Full) => return Err(Error::TooManyOriginals(RESTORATIONS_MAX)),
                    Err(NotRemembered::Wrong(wrong)) => {
                        match failed(x, plugin, Phase::Request, wrong, &format!("segment {index}")) {
                            Some(error) => return Err(error),
                            None => continue,
                        }
                    }
                }
            }
            resolved.push(edit);
        }
        if let Some(segment) = request.segments.get_mut(*index) {
            let edited = chat::apply(&text, &resolved);
            if segment.is_json && !is_json(&edited) {
                match failed(x, plugin, Phase::Request, NO_JSON_LEFT.to_owned(), &format!("segment {index}")) {
                    Some(error) => return Err(error),
                    None => continue,
                }
            }
            segment.text = edited;
        }
        if let Some(stale) = facts.get_mut(*index) {
            *stale = SegmentFacts::default();
        }
    }
    Ok(())
}

/// Pass a complete body of a provider through every guardrail in force: an answer, or its words about an error.
///
/// # Errors
/// A denial, a failure of a plugin whose failure mode is `closed`, or an answer that cannot be read.
pub(crate) async fn release(
    x: &Exchange,
    admitted: &Admitted,
    target: &Target,
    dialect: Wire,
    status: StatusCode,
    body: Bytes,
    retries_left: u32,
) -> Result<Judged, Error> {
    let (is_answer, task) = (status.is_success(), admitted.request.task);
    let read = move |body| if is_answer { dialect.read_answer(task, body) } else { read_words(body) };
    let (mut answer, document, opaque) = match aside(body.clone(), read).await {
        Ok(read) => read,
        Err(wrong) if is_answer => return Err(Error::Broken(wrong.message)),
        // Proxies in between report errors in HTML or plain text. That is text too.
        Err(_) => return release_plain(x, &body).await.map(Judged::Released),
    };
    if let Some(blames_request) = answer.blames_request.filter(|_| is_answer && task == Task::Converse) {
        // What it says that it has used it may want money for.
        x.used(answer.usage);
        x.is_whole();
        return Ok(Judged::Failed { blames_request });
    }
    target.name.clone_into(&mut answer.target);
    if let Some(call) = answer.call.take() {
        x.is_to_call(call);
    }
    // To count costs nothing.
    if is_answer && task != Task::CountTokens {
        x.begins_to_charge();
        x.received(answer.segments.iter().map(|segment| segment.text.len()).sum());
        x.used(answer.usage);
        x.is_named(&answer.names);
        x.finishes(0, answer.finish);
        x.is_whole();
    }
    x.opaque(Phase::Answer, &opaque);
    // Nothing else is an answer of a model, of which a guardrail could want another.
    let is_said = is_answer && task == Task::Converse;
    Ok(match pass(x, admitted, &mut answer, &document, is_said.then_some(retries_left)).await? {
        Passed::Released(released) => Judged::Released(released),
        Passed::Retry(words) => Judged::Retry(Box::new(admitted.corrected(&answer, words))),
    })
}

/// What became of a whole answer.
enum Passed {
    /// It may go to the caller.
    Released(Released),
    /// The model is to be asked once more, with these words.
    Retry(String),
}

/// A whole answer through every guardrail in force: those of texts, and those of answers where one may be asked for again so
/// many times; then what was taken out of the request is put back.
async fn pass(
    x: &Exchange,
    admitted: &Admitted,
    answer: &mut Answer,
    document: &Document,
    retries_left: Option<u32>,
) -> Result<Passed, Error> {
    let before = answer.segments.clone();
    inspect_answer(x, &mut answer.segments).await?;
    if let Some(retries_left) = retries_left
        && let Some(words) = check_answer(x, admitted, answer, retries_left, false).await?
    {
        return Ok(Passed::Retry(words));
    }
    note_said(x, &answer.segments);
    restore_all(admitted, &mut answer.segments);
    x.says_all(&answer.segments);
    Ok(Passed::Released(Released(written(document, &before, &answer.segments))))
}

/// Pass words that a plugin says in a model's place through every guardrail in force, as if a model had said them. They
/// come in OpenAI's form, for [`Admitted::way_back`] to bring them to the caller.
///
/// # Errors
/// As [`release`].
pub(crate) async fn release_own(
    x: &Exchange,
    admitted: &Admitted,
    plugin: &str,
    text: &str,
) -> Result<Released, Error> {
    let body = own_answer(&x.id, &admitted.request.model, text).map_err(|wrong| Error::Unsayable(wrong.message))?;
    let read = Wire::Dialect(Dialect::OpenAi).read_answer(Task::Converse, body);
    let (mut answer, document, _) = read.map_err(|wrong| Error::Broken(wrong.message))?;
    plugin.clone_into(&mut answer.target);
    // The plugin would say the same again.
    match pass(x, admitted, &mut answer, &document, Some(0)).await? {
        Passed::Released(released) => Ok(released),
        Passed::Retry(_) => Err(Error::NotContent { plugin: plugin.to_owned() }),
    }
}

/// Pass an answer that is kept, and was released before, to another caller: through the guardrails that may say something else
/// this time. Those that look at texts alone, and say the same of the same, are the same ones as then: the cache keeps
/// apart what others have released. Nothing if one of them is not content with it.
///
/// # Errors
/// As [`release`].
pub(crate) async fn release_again(x: &Exchange, admitted: &Admitted, kept: &Bytes) -> Result<Option<Released>, Error> {
    if x.generation.says_the_same_again() {
        if x.is_captured()
            && let Ok((answer, _, _)) = KEPT.read_answer(Task::Converse, kept.clone())
        {
            x.captures_answer(&answer.segments);
            x.finishes(0, answer.finish);
        }
        return Ok(Some(Released(kept.clone())));
    }
    let read = KEPT.read_answer(Task::Converse, kept.clone());
    let (mut answer, document, _) = read.map_err(|wrong| Error::Broken(wrong.message))?;
    x.finishes(0, answer.finish);
    match pass(x, admitted, &mut answer, &document, Some(1)).await? {
        Passed::Released(released) => Ok(Some(released)),
        Passed::Retry(_) => Ok(None),
    }
}

/// Note what is said as the guardrails let it pass.
fn note_said(x: &Exchange, segments: &[Segment]) {
    let calls = segments.iter().filter(|segment| segment.channel == chat::Channel::ToolArguments);
    calls.filter_map(|call| call.name.as_deref()).for_each(|tool| x.calls_tool(tool));
    x.captures_answer(segments);
}

fn written(document: &Document, before: &[Segment], after: &[Segment]) -> Bytes {
    document.write(before, after, Vec::new())
}

/// A body that is not JSON is one text.
async fn release_plain(x: &Exchange, body: &Bytes) -> Result<Released, Error> {
    let text =
        std::str::from_utf8(body).map_err(|_| Error::Broken("the answer is neither JSON nor text".to_owned()))?;
    if text.contains('\0') {
        return Err(Error::Broken("the answer is neither JSON nor text".to_owned()));
    }
    release_text(x, chat::Channel::Other, text).await
}

/// Pass words of a provider that are not an answer, such as its list of models, through the text guardrails.
///
/// # Errors
/// As [`release`].
pub(crate) async fn release_words(x: &Exchange, body: Bytes) -> Result<Released, Error> {
    let Ok((mut words, document, _)) = aside(body.clone(), read_words).await else {
        return release_plain(x, &body).await;
    };
    let before = words.segments.clone();
    inspect_answer(x, &mut words.segments).await?;
    Ok(Released(written(&document, &before, &words.segments)))
}

/// Pass one text, such as the words of a person, through the text guardrails.
///
/// # Errors
/// As [`release`].
pub(crate) async fn release_text(x: &Exchange, channel: chat::Channel, text: &str) -> Result<Released, Error> {
    let mut segments =
        vec![Segment { role: Role::Assistant, channel, choice: 0, name: None, text: text.to_owned(), is_json: false }];
    inspect_answer(x, &mut segments).await?;
    Ok(Released(segments.pop().map(|segment| segment.text).unwrap_or_default().into()))
}

/// Every text guardrail in force, on whole texts of an answer.
async fn inspect_answer(x: &Exchange, segments: &mut [Segment]) -> Result<(), Error> {
    let calling = x.calling(Phase::Answer);
    let mut facts = vec![SegmentFacts::default(); segments.len()];
    for plugin in x.generation.in_force(Phase::Answer).filter(|plugin| plugin.inspects_text()) {
        let windows = windows(Phase::Answer, segments, &facts);
        if windows.is_empty() {
            return Ok(());
        }
        let inspected = x.runtime.inspect(plugin, calling, Phase::Answer, &windows).await;
        let count = windows.len();
        let Some(verdicts) = rule(x, plugin, inspected, || self::segments(count))? else { continue };
        for ((segment, stale), verdict) in segments.iter_mut().zip(&mut facts).zip(&verdicts) {
            match &verdict.action {
                Action::Allow => {}
                Action::Deny(denial) => return Err(denied(plugin, denial)),
                Action::Edit(edits) => {
                    edit_answer(x, plugin, segment, edits)?;
                    *stale = SegmentFacts::default();
                }
            }
        }
    }
    Ok(())
}

/// Every answer guardrail in force. Gives words of correction if the model is to be asked once more; when it was asked
/// often enough, the failure mode of the plugin that is still not content decides.
async fn check_answer(
    x: &Exchange,
    admitted: &Admitted,
    answer: &mut Answer,
    retries_left: u32,
    streamed: bool,
) -> Result<Option<String>, Error> {
    let calling = x.calling(Phase::Answer);
    for plugin in x.generation.in_force(Phase::Answer).filter(|plugin| plugin.checks_answers()) {
        let inspected = x.runtime.check_answer(plugin, calling, admitted.request(), answer).await;
        let flows = streamed && plugin.installation.stream == StreamMode::Observe;
        let observed = flows || plugin.installation.mode == Mode::Observe;
        let what = || "the answer as a whole".to_owned();
        let Some(verdict) = rule_as(x, plugin, inspected, observed, what)? else { continue };
        match verdict.action {
            WholeAction::Allow => {}
            WholeAction::Deny(denial) => return Err(denied(plugin, &denial)),
            WholeAction::Retry(words) if retries_left > 0 => return Ok(Some(words)),
            WholeAction::Retry(_) => {
                if plugin.installation.on_failure == OnFailure::Closed {
                    return Err(Error::NotContent { plugin: plugin.name.to_string() });
                }
                let (exchange, plugin) = (&*x.id, &*plugin.name);
                tracing::warn!(exchange, plugin, "not content with the answer after the last try; it passes");
            }
            WholeAction::Edit(edits) => {
                for group in edits.chunk_by(|(a, _), (b, _)| a == b) {
                    let Some((index, _)) = group.first() else { continue };
                    let edits: Vec<Edit> = group.iter().map(|(_, edit)| edit.clone()).collect();
                    if let Some(segment) = answer.segments.get_mut(*index) {
                        edit_answer(x, plugin, segment, &edits)?;
                    }
                }
            }
        }
    }
    Ok(None)
}

fn edit_answer(x: &Exchange, plugin: &Plugin, segment: &mut Segment, edits: &[Edit]) -> Result<(), Error> {
    let edited = chat::apply(&segment.text, &in_answer(edits));
    if segment.is_json && !is_json(&edited) {
        let error = failed(x, plugin, Phase::Answer, NO_JSON_LEFT.to_owned(), "the arguments of a tool call");
        return error.map_or(Ok(()), Err);
    }
    segment.text = edited;
    Ok(())
}

/// What a model wrote has no original to be restored: a template's number is just left out.
fn in_answer(edits: &[Edit]) -> Vec<Edit> {
    let numberless = |edit: &Edit| match edit.restore {
        true => Edit { replacement: edit.replacement.replace("{n}", ""), restore: false, ..edit.clone() },
        false => edit.clone(),
    };
    edits.iter().map(numberless).collect()
}

fn restore_all(admitted: &Admitted, segments: &mut [Segment]) {
    for segment in segments {
        if let Some(restored) = admitted.restorations.restore(&segment.text, segment.channel) {
            segment.text = restored;
        }
    }
}

fn windows<'a>(phase: Phase, segments: &'a [Segment], facts: &'a [SegmentFacts]) -> Vec<Window<'a>> {
    segments.iter().zip(facts).map(|(segment, facts)| window(phase, segment, facts)).collect()
}

fn window<'a>(phase: Phase, segment: &'a Segment, facts: &'a SegmentFacts) -> Window<'a> {
    Window {
        phase,
        role: segment.role,
        channel: segment.channel,
        text: Cow::Borrowed(&segment.text),
        context: 0,
        is_final: true,
        facts: Some(facts),
    }
}

fn segments(count: usize) -> String {
    match count {
        1 => "segment 0".to_owned(),
        _ => format!("segments 0 to {}", count.saturating_sub(1)),
    }
}

fn denied(plugin: &Plugin, denial: &chat::Denial) -> Error {
    Error::Denied { plugin: plugin.name.to_string(), denial: denial.clone() }
}

/// What the operator makes of what a plugin said: its verdict if it counts, nothing if the exchange goes on without
/// it, an error if the exchange is refused. The receipt is written here.
fn rule<T>(
    x: &Exchange,
    plugin: &Plugin,
    inspected: Inspected<T>,
    what: impl FnOnce() -> String,
) -> Result<Option<T>, Error> {
    rule_as(x, plugin, inspected, plugin.installation.mode == Mode::Observe, what)
}

/// The same for a plugin of which is known whether it only observes.
fn rule_as<T>(
    x: &Exchange,
    plugin: &Plugin,
    inspected: Inspected<T>,
    observed: bool,
    what: impl FnOnce() -> String,
) -> Result<Option<T>, Error> {
    let Inspected { said, mut receipt } = inspected;
    receipt.observed = observed;
    let failure = match said {
        Ok(said) => {
            x.receipt(receipt);
            return Ok((!observed).then_some(said));
        }
        Err(failure) => failure,
    };
    let Failure { outcome, detail, .. } = failure;
    let open = observed || plugin.installation.on_failure == OnFailure::Open;
    receipt.decision = if open { Decision::NotInspected } else { Decision::Failed };
    let phase = receipt.phase;
    x.receipt(receipt);
    if !open {
        return Err(Error::GuardFailed { plugin: plugin.name.to_string(), outcome, detail });
    }
    let reason = format!("the plugin failed: {}", outcome.word());
    x.not_inspected(NotInspected { phase, what: what(), plugin: Some(plugin.name.to_string()), reason });
    Ok(None)
}

/// A verdict that cannot be carried out, which shows only after the call: the error, or nothing if the exchange goes on.
fn failed(x: &Exchange, plugin: &Plugin, phase: Phase, detail: String, what: &str) -> Option<Error> {
    failed_as(x, plugin, phase, Outcome::Malformed, detail, what)
}

fn failed_as(
    x: &Exchange,
    plugin: &Plugin,
    phase: Phase,
    outcome: Outcome,
    detail: String,
    what: &str,
) -> Option<Error> {
    let closed = plugin.installation.on_failure == OnFailure::Closed;
    let decision = if closed { Decision::Failed } else { Decision::NotInspected };
    x.turned_out(&plugin.name, phase, decision, outcome, &detail);
    if closed {
        return Some(Error::GuardFailed { plugin: plugin.name.to_string(), outcome, detail });
    }
    x.not_inspected(NotInspected {
        phase,
        what: what.to_owned(),
        plugin: Some(plugin.name.to_string()),
        reason: format!("the plugin failed: {}: {detail}", outcome.word()),
    });
    None
}

/// Read what a caller sent. Here, because [`Admitted`] is made of nothing else.
///
/// # Errors
/// What is wrong with which field.
pub(crate) async fn read(dialect: Dialect, address: Address, body: Bytes) -> Result<Asked, Error> {
    let read = aside(body, move |body| dialect.read_request(address, body)).await;
    read.map_err(|wrong| Error::Malformed(Malformed::from(wrong)))
}

/// Bytes of a body that are read in about a millisecond.
const READ_AT_ONCE: usize = 256 << 10;

/// Read a body; a large one on a thread of its own, where it keeps nobody waiting.
async fn aside<T: Send + 'static>(body: Bytes, read: impl FnOnce(Bytes) -> T + Send + 'static) -> T {
    if body.len() <= READ_AT_ONCE {
        return read(body);
    }
    match spawn_blocking(move || read(body)).await {
        Ok(read) => read,
        Err(panicked) => resume_unwind(panicked.into_panic()),
    }
}
