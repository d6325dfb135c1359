//! Plays a case: calls the plugin with what is given, and says in the words of cases what it has said.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use toml::Value;

use super::Stage;
use super::case::{Case, Message};
use super::compare::Said;
use crate::chat::{
    self, Action, Answer, Candidate, Channel, Denial, Edit, Finding, Finish, Intention, Phase, Request, Role,
    RouteDecision, RouteTarget, Segment, WholeAction, WholeVerdict, Window, apply,
};
use crate::dialect::{Address, Dialect};
use crate::error::Error;
use crate::exchange::Exchange;
use crate::guard::stream;
use crate::plugin::{Anatomy, Failure, Inspected, Receipt};

/// What came of a case.
#[derive(Debug)]
pub struct Played {
    /// What the plugin has said.
    pub said: Said,
    /// What it took: fuel, time and the peak of memory, of all calls.
    pub took: Took,
}

/// What the calls of a case took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Took {
    /// Fuel.
    pub fuel: u64,
    /// Time on the clock.
    pub time: Duration,
    /// The largest peak of all memories and tables of a call, in bytes.
    pub memory_bytes: usize,
}

impl Took {
    fn add(&mut self, receipt: &Receipt) {
        self.fuel += receipt.fuel;
        self.time += receipt.time;
        self.memory_bytes = self.memory_bytes.max(receipt.memory_bytes);
    }
}

/// What each kind says.
const TEXT: &[&str] =
    &["verdict", "text", "texts", "edits", "findings", "hold", "released", "code", "reason", "detail", "failure"];
const WHOLE: &[&str] = &["verdict", "texts", "edits", "findings", "correction", "code", "reason", "detail", "failure"];
const ROUTER: &[&str] = &[
    "verdict",
    "targets",
    "on_rejection",
    "intent",
    "answer",
    "queue",
    "findings",
    "code",
    "reason",
    "detail",
    "failure",
];
const CACHE: &[&str] = &["verdict", "key", "by_meaning", "age_ms_max", "ttl_ms", "failure"];

/// All of them.
#[cfg(test)]
pub(super) const WORDS: [&[&str]; 4] = [TEXT, WHOLE, ROUTER, CACHE];

/// What may be expected of a plugin of this kind.
fn words(kind: &str) -> &'static [&'static str] {
    match kind {
        "text-guardrail" => TEXT,
        "request-guardrail" | "answer-guardrail" => WHOLE,
        "router" => ROUTER,
        _ => CACHE,
    }
}

/// Which of a plugin's exports is called.
///
/// # Errors
/// When it has none of that name, or several and none is named.
pub fn kind(anatomy: &Anatomy, named: Option<&str>) -> Result<&'static str, String> {
    let exported: Vec<&'static str> = anatomy.kinds().collect();
    match (named, exported.as_slice()) {
        (_, []) => {
            Err("it exports none of the kinds of plugins: `sluicegate plugin check` says what it exports".to_owned())
        }
        (None, [only]) => Ok(only),
        (None, several) => Err(format!(
            "the plugin exports several kinds, {}: say at the top of the file which is meant, as kind = {:?}",
            several.join(", "),
            several.first().copied().unwrap_or_default()
        )),
        (Some(named), exported) => {
            let found = exported.iter().copied().find(|kind| *kind == named);
            found.ok_or_else(|| format!("the plugin exports no {named:?}, but {}", exported.join(", ")))
        }
    }
}

/// Look whether a case can be played on a plugin of this kind, and can fail: before anything is compiled.
///
/// # Errors
/// What is wrong with it.
pub fn check(kind: &str, case: &Case) -> Result<(), String> {
    let is_text = kind == "text-guardrail";
    let given = [
        ("text", case.text.is_some()),
        ("pieces", case.pieces.is_some()),
        ("messages", case.messages.is_some()),
        ("request", case.request.is_some()),
        ("answer", case.answer.is_some() && is_text && case.request.is_none()),
        ("candidate", case.candidate.is_some() && case.answer.is_some()),
        ("answer", case.candidate.is_some() && case.answer.is_some()),
    ];
    let given: Vec<&str> = given.iter().filter(|(_, is_given)| *is_given).map(|(field, _)| *field).collect();
    if let [.., one, other] = given.as_slice() {
        return Err(format!("`{one}` and `{other}` are both given, of which only one would count"));
    }
    let of_kinds: [(&str, bool, &[&str]); 6] = [
        ("pieces", case.pieces.is_some(), &["text-guardrail"]),
        ("phase", case.phase.is_some(), &["text-guardrail"]),
        ("answer", case.answer.is_some(), &["text-guardrail", "answer-guardrail", "cache"]),
        ("targets", !case.targets.is_empty(), &["router"]),
        ("findings", !case.findings.is_empty(), &["cache"]),
        ("candidate", case.candidate.is_some(), &["cache"]),
    ];
    if let Some((field, _, kinds)) = of_kinds.iter().find(|(_, is_given, kinds)| *is_given && !kinds.contains(&kind)) {
        return Err(format!(
            "`{field}` is for plugins of the kind {}, and this one is called as a {kind}",
            kinds.join(", ")
        ));
    }
    match kind {
        "text-guardrail" if case.pieces.is_some() => drop(piece(case)?),
        "text-guardrail" => drop(segments(case)?),
        "answer-guardrail" => drop((request(case)?, answer(case)?)),
        "cache" if case.answer.is_some() => drop((request(case)?, answer(case)?)),
        _ => drop(request(case)?),
    }
    let words = words(kind);
    match case.expect.keys().find(|key| !words.contains(&key.as_str())) {
        _ if case.expect.is_empty() => Err("it expects nothing: say what in [case.expect]".to_owned()),
        Some(key) => Err(format!("nothing is said of `{key}`; expected one of {}", words.join(", "))),
        None => Ok(()),
    }
}

impl Stage {
    /// Play a case.
    ///
    /// # Errors
    /// When what is given is none of this kind, or not to be understood.
    pub async fn play(&self, kind: &str, number: usize, case: &Case) -> Result<Played, String> {
        let x = self.exchange(number, &case.mocks).await?;
        match kind {
            "text-guardrail" => match &case.pieces {
                Some(pieces) => self.stream(&x, case, pieces).await,
                None => self.texts(&x, case).await,
            },
            "request-guardrail" => self.request(&x, case).await,
            "answer-guardrail" => self.answer(&x, case).await,
            "router" => self.route(&x, case).await,
            _ => self.cache(&x, case).await,
        }
    }

    async fn texts(&self, x: &Arc<Exchange>, case: &Case) -> Result<Played, String> {
        let (phase, segments) = segments(case)?;
        let windows: Vec<Window<'_>> = segments
            .iter()
            .map(|segment| Window {
                phase,
                role: segment.role,
                channel: segment.channel,
                text: segment.text.as_str().into(),
                context: 0,
                is_final: true,
                facts: None,
            })
            .collect();
        let inspected = self.runtime.inspect(&self.plugin, x.calling(phase), phase, &windows).await;
        let (mut said, took) = begun(&inspected);
        if let Ok(verdicts) = &inspected.said {
            let mut edits = Vec::new();
            let mut findings = Vec::new();
            let mut texts = Vec::new();
            for ((index, verdict), segment) in verdicts.iter().enumerate().zip(&segments) {
                let found = verdict.findings.iter().map(|found| finding_in(index, &segment.text, found));
                findings.extend(found.map(Value::from));
                let mut text = segment.text.clone();
                match &verdict.action {
                    Action::Allow => {}
                    Action::Edit(changes) => {
                        edits.extend(changes.iter().map(|change| edit(index, change, &segment.text)));
                        text = apply(&text, changes);
                    }
                    Action::Deny(denial) => denied(&mut said, denial),
                }
                texts.push(Value::from(text));
            }
            if let [only] = texts.as_slice() {
                said.insert("text".to_owned(), only.clone());
            }
            said.insert("texts".to_owned(), texts.into());
            said.insert("edits".to_owned(), edits.into());
            said.insert("findings".to_owned(), findings.into());
            let hold = verdicts.iter().map(|verdict| verdict.hold).max().unwrap_or_default();
            said.insert("hold".to_owned(), number(hold));
        }
        Ok(Played { said, took })
    }

    async fn stream(&self, x: &Arc<Exchange>, case: &Case, pieces: &[String]) -> Result<Played, String> {
        let (role, channel) = piece(case)?;
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        let released = stream::pieces(x, std::slice::from_ref(&self.plugin), (role, channel), &pieces).await;
        let mut said = Said::new();
        let mut took = Took::default();
        let mut findings = Vec::new();
        for receipt in x.receipts() {
            took.add(&receipt);
            said.insert("verdict".to_owned(), receipt.decision.word().into());
            // Where it stands in a window says nothing of the text.
            let found = receipt.findings.iter().map(|found| finding(&Finding { span: None, ..found.finding.clone() }));
            findings.extend(found.map(Value::from));
        }
        // What is found in a window that is held back is found again in the next.
        findings.dedup();
        match released {
            Ok(released) => {
                let text = released.concat();
                let changed = text != pieces.concat();
                said.insert("verdict".to_owned(), if changed { "edit" } else { "allow" }.into());
                said.insert("text".to_owned(), text.into());
                said.insert("released".to_owned(), released.into());
            }
            Err(Error::Denied { denial, .. }) => {
                said.insert("verdict".to_owned(), "deny".into());
                denied(&mut said, &denial);
            }
            Err(error) => {
                said.insert("failure".to_owned(), error.message().into_owned().into());
            }
        }
        said.insert("findings".to_owned(), findings.into());
        Ok(Played { said, took })
    }

    async fn request(&self, x: &Arc<Exchange>, case: &Case) -> Result<Played, String> {
        let request = request(case)?;
        let inspected = self.runtime.check_request(&self.plugin, x.calling(Phase::Request), &request).await;
        Ok(whole(&inspected, &request.segments))
    }

    async fn answer(&self, x: &Arc<Exchange>, case: &Case) -> Result<Played, String> {
        let (request, answer) = (request(case)?, answer(case)?);
        let calling = x.calling(Phase::Answer);
        let inspected = self.runtime.check_answer(&self.plugin, calling, &request, &answer).await;
        Ok(whole(&inspected, &answer.segments))
    }

    async fn route(&self, x: &Arc<Exchange>, case: &Case) -> Result<Played, String> {
        let (request, targets) = (request(case)?, targets(case));
        let calling = x.calling(Phase::Request);
        let inspected = self.runtime.route(&self.plugin, calling, &request, &targets).await;
        let (mut said, took) = begun(&inspected);
        if let Ok(routing) = &inspected.said {
            let names = |indices: &[usize]| -> Value {
                let names = indices.iter().filter_map(|index| targets.get(*index));
                names.map(|target| Value::from(target.name.clone())).collect::<Vec<_>>().into()
            };
            match &routing.decision {
                RouteDecision::Unchanged => {}
                RouteDecision::Targets(chosen) => drop(said.insert("targets".to_owned(), names(chosen))),
                RouteDecision::Answer(text) => drop(said.insert("answer".to_owned(), text.clone().into())),
                RouteDecision::Escalate { queue, text } => {
                    said.insert("queue".to_owned(), queue.clone().into());
                    said.insert("answer".to_owned(), text.clone().into());
                }
                RouteDecision::Deny(denial) => denied(&mut said, denial),
            }
            said.insert("on_rejection".to_owned(), names(&routing.on_rejection));
            if let Some(intent) = &routing.intent {
                said.insert("intent".to_owned(), intent.clone().into());
            }
            let findings: Vec<Value> = routing.findings.iter().map(|found| finding(found).into()).collect();
            said.insert("findings".to_owned(), findings.into());
        }
        Ok(Played { said, took })
    }

    async fn cache(&self, x: &Arc<Exchange>, case: &Case) -> Result<Played, String> {
        let request = request(case)?;
        let found = |rule: &String| Finding { rule: rule.clone(), span: None, score: 1.0 };
        let findings: Vec<Finding> = case.findings.iter().map(found).collect();
        let calling = x.calling(Phase::Request);
        let (said, took) = if let Some(kept) = &case.candidate {
            let answer = spoken(&kept.answer, Finish::Stop);
            let candidate = Candidate {
                question: &kept.question,
                answer: &answer,
                similarity: kept.similarity.unwrap_or(1.0),
                age: Duration::from_millis(kept.age_ms),
            };
            begun(&self.runtime.accept(&self.plugin, calling, &request, candidate).await)
        } else if case.answer.is_some() {
            let answer = answer(case)?;
            let calling = x.calling(Phase::Answer);
            let inspected = self.runtime.keep(&self.plugin, calling, &request, &answer, &findings).await;
            let (mut said, took) = begun(&inspected);
            if let Ok(Some(time)) = inspected.said {
                said.insert("ttl_ms".to_owned(), milliseconds(time));
            }
            (said, took)
        } else {
            let inspected = self.runtime.plan(&self.plugin, calling, &request, &findings).await;
            let (mut said, took) = begun(&inspected);
            if let Ok(Intention::LookUp(lookup)) = &inspected.said {
                said.insert("key".to_owned(), lookup.key.clone().into());
                said.insert("age_ms_max".to_owned(), milliseconds(lookup.age_max));
                if let Some((text, threshold)) = &lookup.by_meaning {
                    let text = ("text".to_owned(), Value::from(text.clone()));
                    let threshold = ("threshold".to_owned(), f64::from(*threshold).into());
                    said.insert("by_meaning".to_owned(), toml::Table::from_iter([text, threshold]).into());
                }
            }
            (said, took)
        };
        Ok(Played { said, took })
    }
}

/// What is said of any call: its verdict, or how it failed.
fn begun<T>(Inspected { said, receipt }: &Inspected<T>) -> (Said, Took) {
    let mut took = Took::default();
    took.add(receipt);
    let said = match said {
        Ok(_) => Said::from_iter([("verdict".to_owned(), receipt.decision.word().into())]),
        Err(Failure { outcome, detail, .. }) => {
            Said::from_iter([("failure".to_owned(), format!("{}: {detail}", outcome.word()).into())])
        }
    };
    (said, took)
}

fn whole(inspected: &Inspected<WholeVerdict>, segments: &[Segment]) -> Played {
    let (mut said, took) = begun(inspected);
    if let Ok(verdict) = &inspected.said {
        let mut texts: Vec<String> = segments.iter().map(|segment| segment.text.clone()).collect();
        match &verdict.action {
            WholeAction::Allow => {}
            WholeAction::Retry(words) => drop(said.insert("correction".to_owned(), words.clone().into())),
            WholeAction::Deny(denial) => denied(&mut said, denial),
            WholeAction::Edit(edits) => {
                let mut shown = Vec::new();
                for (index, text) in texts.iter_mut().enumerate() {
                    let own: Vec<Edit> =
                        edits.iter().filter(|(of, _)| *of == index).map(|(_, edit)| edit.clone()).collect();
                    shown.extend(own.iter().map(|change| edit(index, change, text)));
                    *text = apply(text, &own);
                }
                said.insert("edits".to_owned(), shown.into());
            }
        }
        said.insert("texts".to_owned(), texts.into());
        let findings: Vec<Value> = verdict.findings.iter().map(|found| finding(found).into()).collect();
        said.insert("findings".to_owned(), findings.into());
    }
    Played { said, took }
}

fn denied(said: &mut Said, denial: &Denial) {
    said.insert("code".to_owned(), denial.code.clone().into());
    said.insert("reason".to_owned(), denial.reason.clone().into());
    if let Some(detail) = &denial.detail {
        said.insert("detail".to_owned(), detail.clone().into());
    }
}

fn finding(found: &Finding) -> toml::Table {
    let mut said = toml::Table::new();
    said.insert("rule".to_owned(), found.rule.clone().into());
    said.insert("score".to_owned(), f64::from(found.score).into());
    if let Some(span) = &found.span {
        said.insert("span".to_owned(), vec![number(span.start), number(span.end)].into());
    }
    said
}

/// One that was found in a segment, of which it is known what stands there.
fn finding_in(segment: usize, text: &str, found: &Finding) -> toml::Table {
    let mut said = finding(found);
    if let Some(span) = &found.span {
        said.insert("segment".to_owned(), number(segment));
        said.insert("text".to_owned(), text.get(span.clone()).unwrap_or_default().into());
    }
    said
}

fn edit(segment: usize, edit: &Edit, text: &str) -> Value {
    let span = vec![number(edit.span.start), number(edit.span.end)];
    toml::Table::from_iter([
        ("segment".to_owned(), number(segment)),
        ("span".to_owned(), span.into()),
        ("text".to_owned(), text.get(edit.span.clone()).unwrap_or_default().into()),
        ("replacement".to_owned(), edit.replacement.clone().into()),
        ("restore".to_owned(), edit.restore.into()),
    ])
    .into()
}

fn number(count: usize) -> Value {
    i64::try_from(count).unwrap_or(i64::MAX).into()
}

fn milliseconds(time: Duration) -> Value {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).into()
}

/// One of some words, or what is usual.
fn word<T: Copy>(
    what: &str,
    given: Option<&str>,
    usual: T,
    all: &[T],
    said: fn(T) -> &'static str,
) -> Result<T, String> {
    let Some(given) = given else { return Ok(usual) };
    let named = all.iter().copied().find(|one| said(*one) == given);
    named.ok_or_else(|| {
        let all: Vec<&str> = all.iter().map(|one| said(*one)).collect();
        format!("there is no {what} {given:?}; expected one of {}", all.join(", "))
    })
}

const PHASES: &[Phase] = &[Phase::Request, Phase::Answer];
const ROLES: &[Role] = &[Role::System, Role::User, Role::Assistant, Role::Tool];
const CHANNELS: &[Channel] = &[
    Channel::Content,
    Channel::Reasoning,
    Channel::Refusal,
    Channel::ToolArguments,
    Channel::ToolResult,
    Channel::Passage,
    Channel::ToolDefinition,
    Channel::Name,
    Channel::Other,
];
const FINISHES: &[Finish] = &[Finish::Stop, Finish::Length, Finish::ToolCalls, Finish::ContentFilter, Finish::Other];

fn phase(case: &Case) -> Result<Phase, String> {
    word("phase", case.phase.as_deref(), Phase::Request, PHASES, Phase::word)
}

/// Who says a text, and what kind of text it is.
fn place(role: Option<&str>, channel: Option<&str>, usual: Role) -> Result<(Role, Channel), String> {
    let role = word("role", role, usual, ROLES, Role::word)?;
    Ok((role, word("channel", channel, Channel::Content, CHANNELS, Channel::word)?))
}

/// What a text guardrail is given as a whole.
fn segments(case: &Case) -> Result<(Phase, Vec<Segment>), String> {
    let given = phase(case)?;
    let segments = match (&case.text, &case.answer) {
        (Some(text), _) => {
            let usual = if given == Phase::Answer { Role::Assistant } else { Role::User };
            vec![segment(place(case.role.as_deref(), case.channel.as_deref(), usual)?, None, text)]
        }
        (None, Some(_)) => answer(case)?.segments,
        (None, None) => request(case)?.segments,
    };
    let is_answer = case.phase.is_none() && case.answer.is_some();
    Ok((if is_answer { Phase::Answer } else { given }, segments))
}

/// Who says the text that is given in pieces, and what kind of text it is.
fn piece(case: &Case) -> Result<(Role, Channel), String> {
    place(case.role.as_deref(), case.channel.as_deref(), Role::Assistant)
}

fn segment((role, channel): (Role, Channel), name: Option<String>, text: &str) -> Segment {
    Segment { role, channel, choice: 0, name, text: text.to_owned(), is_json: false }
}

fn dialect(case: &Case) -> Result<Dialect, String> {
    let word = case.dialect.as_deref().unwrap_or("openai");
    Dialect::named(word).ok_or_else(|| format!("there is no dialect {word:?}"))
}

/// The request that is given, whole or by its texts.
fn request(case: &Case) -> Result<Request, String> {
    let model = case.model.clone().unwrap_or_else(|| "model".to_owned());
    if let Some(whole) = &case.request {
        let address = Address { model: Some(model), ..Address::default() };
        let asked = dialect(case)?.read_request(address, Bytes::from(whole.clone()));
        return asked.map(|asked| asked.request).map_err(|wrong| format!("the request: {}", wrong.message));
    }
    let messages = match (&case.messages, &case.text) {
        (Some(messages), _) => messages.clone(),
        (None, Some(text)) => {
            vec![Message { role: case.role.clone(), channel: case.channel.clone(), name: None, text: text.clone() }]
        }
        (None, None) if case.answer.is_some() => Vec::new(),
        (None, None) => return Err("nothing is given: a `text`, `messages` or a `request`".to_owned()),
    };
    let spoken = |message: &Message| {
        let place = place(message.role.as_deref(), message.channel.as_deref(), Role::User)?;
        Ok::<_, String>(segment(place, message.name.clone(), &message.text))
    };
    let tool = |tool: &super::case::Tool| chat::ToolDefinition {
        name: tool.name.clone(),
        description: tool.description.clone(),
        parameters: tool.parameters.clone(),
    };
    Ok(Request {
        model,
        segments: messages.iter().map(spoken).collect::<Result<_, _>>()?,
        tools: case.tools.iter().map(tool).collect(),
        ..Request::default()
    })
}

/// The answer that is given, whole or by its text.
fn answer(case: &Case) -> Result<Answer, String> {
    let Some(given) = &case.answer else { return Err("no `answer` is given".to_owned()) };
    if case.request.is_some() || case.dialect.is_some() {
        let read = dialect(case)?.read_answer(chat::Task::Converse, Bytes::from(given.clone()));
        return read.map(|(answer, ..)| answer).map_err(|wrong| format!("the answer: {}", wrong.message));
    }
    let finish = word("finish", case.finish.as_deref(), Finish::Stop, FINISHES, finish_word)?;
    Ok(spoken(given, finish))
}

fn finish_word(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::ToolCalls => "tool-calls",
        Finish::ContentFilter => "content-filter",
        Finish::Other => "other",
    }
}

fn spoken(text: &str, finish: Finish) -> Answer {
    let segments = vec![segment((Role::Assistant, Channel::Content), None, text)];
    Answer { target: "target".to_owned(), segments, finish, ..Answer::default() }
}

fn targets(case: &Case) -> Vec<RouteTarget> {
    let target = |target: &super::case::Target| RouteTarget {
        name: target.name.clone(),
        provider: target.provider.clone().unwrap_or_else(|| "provider".to_owned()),
        model: target.model.clone().unwrap_or_else(|| target.name.clone()),
        tags: target.tags.clone(),
        healthy: target.healthy.unwrap_or(true),
        in_flight: target.in_flight,
        first_token: target.first_token_ms.map(Duration::from_millis),
        dollars: target.input_dollars.zip(target.output_dollars),
        context_tokens: target.context_tokens,
    };
    case.targets.iter().map(target).collect()
}
