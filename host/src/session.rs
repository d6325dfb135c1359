//! Sessions: the exchanges of one run of an agent, as its steps. What belongs together is said by the caller
//! (`x-sluicegate-session`), by the conversation itself (its name at the provider, or the id of the first call of a tool in it,
//! which each later step repeats), or by the trace that the caller says it is part of.
//!
//! What a session has taken is counted in memory, and begins with what the ledger has of it. A step that has begun is never cut
//! off; the next one is refused, before anybody is asked.

mod repeats;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use highway::{HighwayHash, HighwayHasher, Key};
use http::HeaderMap;
use http::header::HeaderName;
use quick_cache::sync::Cache;
use tokio::time::timeout;

use crate::chat::{Channel, Request, Role, Segment, Task};
use crate::config::SessionLimits;
use crate::error::{Error, Malformed};
use crate::exchange::{Exchange, Over};
use crate::hashing::in_parts;
use crate::ledger::Ledger;
use crate::meter;
use crate::moment::Moment;
use crate::money::Money;

/// What a caller names a session in.
const HEADER: HeaderName = HeaderName::from_static("x-sluicegate-session");
/// Bytes of its name.
const NAME_BYTES_MAX: usize = 128;
/// Sessions that are known at the same time; of those that nobody has gone on with for the longest time, less is known then.
const KNOWN_MAX: usize = 100_000;
/// How long a session waits for its next step. One that goes on after that begins anew.
pub(crate) const IDLE: Duration = Duration::from_secs(24 * 3_600);
/// The longest that the first step of a session in this process waits for what the ledger has of it.
const LOOK: Duration = Duration::from_millis(50);

/// The sessions that go on.
#[derive(Debug)]
pub struct Sessions {
    known: Cache<Id, Arc<State>>,
    /// Sessions by the ids of calls that were made in them.
    calls: Cache<Id, Arc<str>>,
}

/// A session: its tenant, and its name.
type Id = (Arc<str>, Arc<str>);

/// What a session has taken so far.
#[derive(Debug)]
struct State {
    /// Seconds since 1970.
    began: u64,
    last: AtomicU64,
    steps: AtomicU64,
    tokens: AtomicU64,
    nanodollars: AtomicU64,
}

/// What the ledger has of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// When it began, in seconds since 1970.
    pub began: u64,
    /// When its last step began.
    pub last: u64,
    /// Its steps.
    pub steps: u64,
    /// Tokens of requests and answers.
    pub tokens: u64,
    /// What they cost.
    pub cost: Money,
}

/// A limit of a session that leaves no room for another step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reached {
    /// So many steps.
    Steps(u64),
    /// So many tokens.
    Tokens(u64),
    /// So much money.
    Money(Money),
    /// So much time.
    Time(Duration),
    /// The same call of a tool with the same arguments and the same result, so often.
    Call {
        /// The tool.
        tool: String,
        /// How often.
        times: u64,
    },
    /// The same answer, so often.
    Answer(u64),
}

impl Reached {
    /// Whether the conversation goes round in circles, as opposed to being at an end of what it may take.
    #[must_use]
    pub fn is_a_loop(&self) -> bool {
        matches!(self, Self::Call { .. } | Self::Answer(_))
    }

    /// Words for the caller, which an agent can act on.
    #[must_use]
    pub fn message(&self) -> String {
        const END: &str = "finish with what you have, or begin another session";
        match self {
            Self::Steps(most) => format!("this session has taken all of its {most} steps; {END}"),
            Self::Tokens(most) => format!("this session has taken all of its {most} tokens; {END}"),
            Self::Money(most) => format!("this session has spent all of its {most} dollars; {END}"),
            Self::Time(most) => format!("this session has taken all of its {} s; {END}", most.as_secs()),
            Self::Call { tool, times } => format!(
                "this conversation goes round in circles: the tool {tool:?} was called with the same arguments {times} times and \
                 gave the same result; do something else, or finish with what you have"
            ),
            Self::Answer(times) => format!(
                "this conversation goes round in circles: the model has said the same {times} times; do something else, or finish \
                 with what you have"
            ),
        }
    }

    /// What has been reached, for the operator: no text of the conversation.
    #[must_use]
    pub fn detail(&self) -> String {
        let most = match self {
            Self::Steps(most) | Self::Tokens(most) | Self::Answer(most) | Self::Call { times: most, .. } => {
                most.to_string()
            }
            Self::Money(most) => most.to_string(),
            Self::Time(most) => most.as_secs().to_string(),
        };
        format!("{} = {most}", self.word())
    }

    /// The limit, as the configuration calls it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Steps(_) => "steps_max",
            Self::Tokens(_) => "tokens_max",
            Self::Money(_) => "usd_max",
            Self::Time(_) => "seconds_max",
            Self::Call { .. } | Self::Answer(_) => "repeats_max",
        }
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self { known: Cache::new(KNOWN_MAX), calls: Cache::new(KNOWN_MAX) }
    }
}

impl Sessions {
    /// Take an exchange for the next step of its session, if it belongs to one.
    ///
    /// # Errors
    /// When the header names none, or a limit of the session leaves no room for another step.
    pub(crate) async fn goes_on(
        &self,
        x: &Exchange,
        ledger: Option<&Ledger>,
        headers: &HeaderMap,
        request: &Request,
    ) -> Result<(), Error> {
        let limits = x.generation.settings.tenants.session(&x.tenant);
        let named = named(headers)?;
        // Whoever numbers calls anew in each conversation calls the first of them alike: what its user has said tells them apart.
        let is_of_tools =
            |segment: &Segment| matches!(segment.channel, Channel::ToolDefinition | Channel::ToolArguments);
        let opening = match request.segments.iter().any(is_of_tools) || request.call.is_some() {
            true => opening(&request.segments),
            // Nothing can be called, and so nothing has to be told apart.
            false => 0,
        };
        let call = request.call.as_deref().map(|call| self.of_call(&x.tenant, &named_by(call, opening)));
        let conversation = request.conversation.as_deref().map(Arc::from);
        // Clients that trace each call by itself say another trace at each step: what the conversation says counts before.
        let trace = x.trace.parent.map(|_| x.trace.id.to_string().into());
        x.opens_with(opening);
        let name = named.or(conversation).or(call).or(trace);
        if let Some(name) = &name {
            x.is_step_of(name.clone());
        }
        if let Some(reached) = limits.repeats_max.and_then(|most| repeats::reached(request, most)) {
            return Err(Error::SessionLimit(reached));
        }
        // To count is no step.
        let Some(name) = name.filter(|_| request.task != Task::CountTokens) else { return Ok(()) };
        if limits.is_bounded() {
            x.is_thought_to_have(meter::input_tokens(request));
        }
        let state = self.state((x.tenant.clone(), name), ledger.filter(|_| limits.is_bounded())).await;
        match state.step(limits) {
            None => {
                x.is_a_step();
                Ok(())
            }
            Some(reached) => Err(Error::SessionLimit(reached)),
        }
    }

    /// The session in which a tool was called with this id; one that begins with it, if none is known.
    fn of_call(&self, tenant: &Arc<str>, call: &str) -> Arc<str> {
        let call: Arc<str> = call.into();
        self.calls.get(&(tenant.clone(), call.clone())).unwrap_or(call)
    }

    async fn state(&self, id: Id, ledger: Option<&Ledger>) -> Arc<State> {
        let now = Moment::now().seconds();
        if let Some(known) = self.known.get(&id) {
            if known.is_going_on(now) {
                return known;
            }
            self.known.remove(&id);
        }
        let taken = match ledger {
            // Nobody waits long for it: what it does not say in time was not taken.
            Some(ledger) => timeout(LOOK, ledger.session(&id.0, &id.1)).await.ok().and_then(Result::ok).flatten(),
            None => None,
        };
        let taken = taken.filter(|taken| now.saturating_sub(taken.last) < IDLE.as_secs());
        let new = || Ok::<_, std::convert::Infallible>(Arc::new(State::new(taken.unwrap_or_default(), now)));
        let Ok(state) = self.known.get_or_insert_with(&id, new);
        state
    }

    /// Count what a step has taken; and know its session by the call of a tool that it ends with.
    pub(crate) fn is_over(&self, over: &Over) {
        let Some(session) = &over.session else { return };
        let tenant = &over.caller.tenant;
        let call = over.first_call();
        let begins_it = call.as_deref() == Some(&**session);
        if let Some(call) = call.filter(|_| !begins_it) {
            self.calls.insert((tenant.clone(), call.into()), session.clone());
        }
        if !over.record.is_step && !begins_it {
            return;
        }
        // What begins with the call at its end was the first step.
        let first = Taken { steps: 1, ..Taken::default() };
        let new = || Ok::<_, std::convert::Infallible>(Arc::new(State::new(first, Moment::now().seconds())));
        let Ok(state) = self.known.get_or_insert_with(&(tenant.clone(), session.clone()), new);
        let (tokens, cost) = over.record.taken();
        state.tokens.fetch_add(tokens, Ordering::Relaxed);
        state.nanodollars.fetch_add(cost.nanodollars(), Ordering::Relaxed);
        if over.record.is_step && !is_a_step(over.is_answered(), over.record.attempts.len()) {
            state.gives_back();
        }
    }
}

impl State {
    fn new(taken: Taken, now: u64) -> Self {
        Self {
            began: if taken.began == 0 { now } else { taken.began },
            last: AtomicU64::new(now),
            steps: AtomicU64::new(taken.steps),
            tokens: AtomicU64::new(taken.tokens),
            nanodollars: AtomicU64::new(taken.cost.nanodollars()),
        }
    }

    fn is_going_on(&self, now: u64) -> bool {
        now.saturating_sub(self.last.load(Ordering::Relaxed)) < IDLE.as_secs()
    }

    /// A step has come to nothing.
    fn gives_back(&self) {
        let less = |steps: u64| Some(steps.saturating_sub(1));
        let _ = self.steps.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }

    /// Take a step, unless one of the limits leaves no room for it.
    fn step(&self, limits: &SessionLimits) -> Option<Reached> {
        let now = Moment::now().seconds();
        self.last.store(now, Ordering::Relaxed);
        let spent = Money::from_nanodollars(self.nanodollars.load(Ordering::Relaxed));
        let tokens = self.tokens.load(Ordering::Relaxed);
        let took = Duration::from_secs(now.saturating_sub(self.began));
        let reached = limits
            .tokens_max
            .filter(|most| tokens >= *most)
            .map(Reached::Tokens)
            .or_else(|| limits.money_max.filter(|most| spent >= *most).map(Reached::Money))
            .or_else(|| limits.time_max.filter(|most| took >= *most).map(Reached::Time));
        if reached.is_some() {
            return reached;
        }
        let Some(most) = limits.steps_max else {
            self.steps.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        let step = |steps: u64| (steps < most).then_some(steps + 1);
        let taken = self.steps.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step);
        taken.err().map(|_| Reached::Steps(most))
    }
}

/// Whether an exchange is a step of its session: it was answered, or a target was asked. What was refused before that is none,
/// as the same may be asked again.
pub(crate) fn is_a_step(is_answered: bool, attempts: usize) -> bool {
    is_answered || attempts > 0
}

/// What users have said before a tool was called for the first time, as a number that is the same in each process.
fn opening(segments: &[Segment]) -> u64 {
    let mut hasher = HighwayHasher::new(Key([0; 4]));
    let before = segments.iter().take_while(|segment| segment.channel != Channel::ToolArguments);
    let said = before.filter(|segment| segment.role == Role::User && segment.channel == Channel::Content);
    in_parts(said.map(|segment| segment.text.as_bytes()), |bytes| hasher.append(bytes));
    hasher.finalize64()
}

/// The name of a session by the id of its first call of a tool, and what was said before.
pub(crate) fn named_by(call: &str, opening: u64) -> String {
    format!("{call}-{:08x}", opening >> 32)
}

/// What the caller names the session.
fn named(headers: &HeaderMap) -> Result<Option<Arc<str>>, Error> {
    let mut given = headers.get_all(&HEADER).iter();
    let Some(first) = given.next() else { return Ok(None) };
    let name = first.to_str().map(str::trim).unwrap_or_default();
    let is_name = !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_name || given.next().is_some() {
        return Err(Error::Malformed(Malformed {
            field: HEADER.as_str().to_owned(),
            message: format!("must be one name of 1 to {NAME_BYTES_MAX} visible ASCII characters"),
        }));
    }
    Ok(Some(name.into()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn state(steps: u64, tokens: u64, nanodollars: u64, began: u64) -> State {
        let cost = Money::from_nanodollars(nanodollars);
        let now = Moment::now().seconds();
        State::new(Taken { began: now - began, last: now, steps, tokens, cost }, now)
    }

    #[test]
    fn each_limit_lets_the_last_step_pass_that_it_has_room_for() {
        let no = SessionLimits::default();
        let steps = state(1, 0, 0, 0);
        let two = SessionLimits { steps_max: Some(2), ..no };
        assert_eq!((steps.step(&two), steps.step(&two)), (None, Some(Reached::Steps(2))));
        assert_eq!(steps.steps.load(Ordering::Relaxed), 2, "what was refused is no step");
        let tokens = SessionLimits { tokens_max: Some(100), ..no };
        assert_eq!(state(0, 99, 0, 0).step(&tokens), None);
        assert_eq!(state(0, 100, 0, 0).step(&tokens), Some(Reached::Tokens(100)));
        let money = SessionLimits { money_max: Some(Money::from_nanodollars(5)), ..no };
        assert_eq!(state(0, 0, 4, 0).step(&money), None);
        assert!(matches!(state(0, 0, 5, 0).step(&money), Some(Reached::Money(_))));
        let time = SessionLimits { time_max: Some(Duration::from_secs(60)), ..no };
        assert_eq!(state(0, 0, 0, 50).step(&time), None);
        assert!(matches!(state(0, 0, 0, 60).step(&time), Some(Reached::Time(_))));
    }

    #[test]
    fn a_name_is_one_word() {
        let with = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            values.iter().for_each(|value| {
                headers.append(HEADER, HeaderValue::from_static(value));
            });
            named(&headers)
        };
        assert_eq!(with(&["run-1"]).unwrap().as_deref(), Some("run-1"));
        assert_eq!(with(&[]).unwrap(), None);
        for wrong in [&["a b"][..], &[""], &["a", "b"]] {
            assert!(with(wrong).is_err(), "{wrong:?}");
        }
        let long = HeaderMap::from_iter([(HEADER, HeaderValue::from_str(&"x".repeat(NAME_BYTES_MAX + 1)).unwrap())]);
        assert!(named(&long).is_err());
        let longest = HeaderMap::from_iter([(HEADER, HeaderValue::from_str(&"x".repeat(NAME_BYTES_MAX)).unwrap())]);
        assert!(named(&longest).is_ok());
    }
}
