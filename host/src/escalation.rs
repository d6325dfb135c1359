//! Exchanges that a router hands over to people: what people are told of them, and what becomes of them.

mod announce;
mod desk;
mod exchange;

use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::chat::{Channel, Request, Segment};
use crate::moment::Moment;

pub use desk::Desk;
pub(crate) use exchange::{body, find, hand_over};

/// Bytes of a conversation's text that are kept: people read the end of it. What is left out is counted.
const CONVERSATION_BYTES_MAX: usize = 256 << 10;
/// What each text counts for beside its own bytes.
const TEXT_BYTES: usize = 64;
/// Stands in front of a text whose beginning is not kept.
const CUT: &str = "[...] ";
/// Bytes of the name of whoever answers.
const NAME_BYTES_MAX: usize = 128;
/// Where a router's text has the reference, if it says where.
const REFERENCE: &str = "{reference}";

/// An exchange that waits for a person, or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// What its caller comes back with: nobody can guess it.
    pub reference: String,
    /// Which people it is for.
    pub queue: String,
    /// Whose it is: nobody else is told of it.
    pub tenant: String,
    /// The exchange, as its caller and the log call it.
    pub exchange: String,
    /// The model that was asked for.
    pub model: String,
    /// What was said, as the guardrails let it pass.
    pub conversation: Conversation,
    /// When it was handed over.
    pub created: Moment,
    /// When it is too late for an answer.
    pub expires: Moment,
    /// Who is at it.
    pub taken: Option<Taken>,
    /// What a person has answered.
    pub answered: Option<Answered>,
}

/// What operators are told of each, wherever they are told of it.
#[derive(Serialize)]
pub(crate) struct Facts<'a> {
    reference: &'a str,
    queue: &'a str,
    tenant: &'a str,
    exchange: &'a str,
    model: &'a str,
    created: String,
    expires: String,
}

impl<'a> From<&'a Escalation> for Facts<'a> {
    fn from(one: &'a Escalation) -> Self {
        let Escalation { reference, queue, tenant, exchange, model, created, expires, .. } = one;
        let (created, expires) = (created.to_string(), expires.to_string());
        Self { reference, queue, tenant, exchange, model, created, expires }
    }
}

/// A conversation as people read it.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Conversation {
    /// How many of the oldest texts are not here, as all of them together are too long.
    pub left_out: usize,
    /// The others, the oldest first.
    pub texts: Vec<Said>,
}

/// One text of a conversation.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Said {
    /// Who says it: `user`.
    pub role: String,
    /// What kind of text it is, if it is not the content of a message: `tool-result`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// The text.
    pub text: String,
}

/// Who is at an escalation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The person's name, as the operators' own system has it.
    pub by: String,
    /// Since when.
    pub at: Moment,
}

/// The answer of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// What is answered.
    pub text: String,
    /// By whom.
    pub by: String,
    /// When.
    pub at: Moment,
}

/// How far an escalation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody is at it.
    Waiting,
    /// Somebody is.
    Taken,
    /// There is an answer.
    Answered,
    /// There was none in time.
    Expired,
}

impl State {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Taken, Self::Answered, Self::Expired];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Taken => "taken",
            Self::Answered => "answered",
            Self::Expired => "expired",
        }
    }
}

/// Why a person cannot take or answer an escalation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It has an answer, and keeps it.
    Answered,
    /// It is too late.
    Expired,
    /// Somebody else is at it.
    TakenBy(String),
    /// A field cannot be, and why.
    Wrong(&'static str, &'static str),
}

impl Escalation {
    /// How far it has come by now.
    #[must_use]
    pub fn state(&self, now: Moment) -> State {
        match (&self.answered, &self.taken) {
            (Some(_), _) => State::Answered,
            (None, _) if self.expires <= now => State::Expired,
            (None, Some(_)) => State::Taken,
            (None, None) => State::Waiting,
        }
    }

    /// Somebody sees to it. Who has it may take it again.
    ///
    /// # Errors
    /// When it is too late, or somebody else has it.
    pub fn take(&mut self, by: &str, now: Moment) -> Result<(), Refused> {
        self.is_open_for(by, now)?;
        self.taken = Some(Taken { by: by.to_owned(), at: now });
        Ok(())
    }

    /// Whoever is at it leaves it to others.
    ///
    /// # Errors
    /// When it is too late.
    pub fn release(&mut self, now: Moment) -> Result<(), Refused> {
        self.is_open(now)?;
        self.taken = None;
        Ok(())
    }

    /// Somebody answers it, who need not have taken it before. Who has answered may mend that: a guardrail may keep the
    /// answer from whoever asked.
    ///
    /// # Errors
    /// When it is too late, somebody else has or has answered it, or the answer is empty.
    pub fn answer(&mut self, text: &str, by: &str, now: Moment) -> Result<(), Refused> {
        if self.answered.as_ref().is_none_or(|answered| answered.by != by) {
            self.is_open_for(by, now)?;
        }
        if text.trim().is_empty() {
            return Err(Refused::Wrong("text", "is empty"));
        }
        self.answered = Some(Answered { text: text.to_owned(), by: by.to_owned(), at: now });
        Ok(())
    }

    fn is_open(&self, now: Moment) -> Result<(), Refused> {
        match self.state(now) {
            State::Answered => Err(Refused::Answered),
            State::Expired => Err(Refused::Expired),
            State::Waiting | State::Taken => Ok(()),
        }
    }

    fn is_open_for(&self, by: &str, now: Moment) -> Result<(), Refused> {
        if by.trim().is_empty() || by.len() > NAME_BYTES_MAX || by.contains(char::is_control) {
            return Err(Refused::Wrong("by", "must be a name of at most 128 bytes"));
        }
        self.is_open(now)?;
        match &self.taken {
            Some(taken) if taken.by != by => Err(Refused::TakenBy(taken.by.clone())),
            Some(_) | None => Ok(()),
        }
    }
}

impl Conversation {
    /// What a request says, without definitions of tools and names: what people need to answer it.
    #[must_use]
    pub fn of(request: &Request) -> Self {
        let said: Vec<&Segment> = request.segments.iter().filter(|segment| is_for_people(segment)).collect();
        let mut bytes_left = CONVERSATION_BYTES_MAX;
        let mut texts = Vec::new();
        for segment in said.iter().rev() {
            let bytes = segment.text.len() + TEXT_BYTES;
            if bytes <= bytes_left {
                texts.push(Said::from(*segment));
                bytes_left -= bytes;
                continue;
            }
            // The end of what is too long says more than nothing.
            let room = bytes_left.saturating_sub(TEXT_BYTES);
            let begins = segment.text.ceil_char_boundary(segment.text.len().saturating_sub(room));
            let end = segment.text.get(begins..).unwrap_or_default();
            if !end.is_empty() {
                texts.push(Said { text: format!("{CUT}{end}"), ..Said::from(*segment) });
            }
            break;
        }
        texts.reverse();
        Self { left_out: said.len() - texts.len(), texts }
    }
}

fn is_for_people(segment: &Segment) -> bool {
    match segment.channel {
        Channel::Content
        | Channel::Reasoning
        | Channel::Refusal
        | Channel::ToolArguments
        | Channel::ToolResult
        | Channel::Passage => !segment.text.is_empty(),
        Channel::ToolDefinition | Channel::Name | Channel::Other => false,
    }
}

impl From<&Segment> for Said {
    fn from(segment: &Segment) -> Self {
        let Segment { role, channel, text, .. } = segment;
        let channel = (*channel != Channel::Content).then(|| channel.word().to_owned());
        Self { role: role.word().to_owned(), channel, text: text.clone() }
    }
}

/// Letters of a reference: 26 to the power of 28 are more than 128 bits. Letters alone, as a guardrail could take digits for
/// a number of somebody.
const LETTERS: usize = 28;
const PREFIX: &str = "esc_";

/// Whether a text is a reference, of whatever escalation.
pub(crate) fn is_reference(text: &str) -> bool {
    let letters = text.strip_prefix(PREFIX).filter(|letters| letters.len() == LETTERS);
    letters.is_some_and(|letters| letters.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// A new reference, as `esc_kqhzbvweoxyunmdtrplajcfgismh`.
pub(crate) fn new_reference() -> String {
    let mut rng = rand::rng();
    let letters = (0..LETTERS).map(|_| char::from(rng.random_range(b'a'..=b'z')));
    PREFIX.chars().chain(letters).collect()
}

/// What a caller is told: a router's text with the reference where it says `{reference}`, or else below it.
pub(crate) fn with_reference(text: &str, reference: &str) -> String {
    if text.contains(REFERENCE) {
        return text.replace(REFERENCE, reference);
    }
    format!("{text}\n\nReference: {reference}")
}

/// One that waits for a hundred seconds.
#[cfg(test)]
pub(crate) fn sample(reference: &str, created: u64) -> Escalation {
    let said = Said { role: "user".to_owned(), channel: None, text: "help \u{1f600}".to_owned() };
    Escalation {
        reference: reference.to_owned(),
        queue: "billing".to_owned(),
        tenant: "blue".to_owned(),
        exchange: "x-1".to_owned(),
        model: "m".to_owned(),
        conversation: Conversation { left_out: 1, texts: vec![said] },
        created: Moment::from_seconds(created),
        expires: Moment::from_seconds(created + 100),
        taken: None,
        answered: None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::chat::Role;

    fn at(seconds: u64) -> Moment {
        Moment::from_seconds(seconds)
    }

    fn escalation() -> Escalation {
        sample("r", 0)
    }

    #[test]
    fn it_is_taken_by_one_and_answered_by_one() {
        let mut one = escalation();
        assert_eq!(one.state(at(99)), State::Waiting);
        one.take("ann", at(1)).unwrap();
        assert_eq!(one.state(at(2)), State::Taken);
        assert_eq!(one.take("bob", at(2)), Err(Refused::TakenBy("ann".to_owned())));
        assert_eq!(one.answer("hi", "bob", at(2)), Err(Refused::TakenBy("ann".to_owned())));
        one.release(at(3)).unwrap();
        assert_eq!(one.answer(" ", "bob", at(4)), Err(Refused::Wrong("text", "is empty")));
        one.answer("hi", "bob", at(4)).unwrap();
        assert_eq!(one.answer("ho", "ann", at(5)), Err(Refused::Answered));
        one.answer("ho", "bob", at(500)).unwrap();
        assert_eq!(one.answered.as_ref().unwrap().text, "ho", "who has answered may mend it");
        assert_eq!(one.state(at(1000)), State::Answered, "an answer stays");
    }

    #[test]
    fn it_expires_and_stays_so() {
        let mut one = escalation();
        one.take("ann", at(1)).unwrap();
        assert_eq!(one.state(at(100)), State::Expired);
        assert_eq!(one.answer("hi", "ann", at(100)), Err(Refused::Expired));
        assert_eq!(one.take("ann", at(100)), Err(Refused::Expired));
        assert_eq!(one.release(at(100)), Err(Refused::Expired));
    }

    #[test]
    fn whoever_answers_has_a_name() {
        for wrong in ["", " ", "a\nb", &"x".repeat(NAME_BYTES_MAX + 1)] {
            assert!(matches!(escalation().take(wrong, at(1)), Err(Refused::Wrong("by", _))), "{wrong:?}");
        }
    }

    #[test]
    fn a_reference_is_new_and_stands_where_the_text_wants_it() {
        let [one, other] = [new_reference(), new_reference()];
        assert_ne!(one, other);
        assert!(is_reference(&one), "{one}");
        for wrong in ["", "esc_", &one[..31], &one.to_uppercase(), &format!("{one}a"), &one.replacen('_', "-", 1)] {
            assert!(!is_reference(wrong), "{wrong}");
        }
        assert_eq!(with_reference("We call you: {reference}.", "esc_a"), "We call you: esc_a.");
        assert_eq!(with_reference("We call you.", "esc_a"), "We call you.\n\nReference: esc_a");
    }

    #[test]
    fn of_a_long_conversation_the_end_is_kept() {
        let said = |role, channel, text: String| Segment { role, channel, choice: 0, name: None, text, is_json: false };
        let long = "\u{e9}".repeat(CONVERSATION_BYTES_MAX);
        let segments = vec![
            said(Role::System, Channel::Content, "be brief".to_owned()),
            said(Role::User, Channel::Content, long),
            said(Role::Tool, Channel::ToolDefinition, "a tool".to_owned()),
            said(Role::Tool, Channel::ToolResult, "1".to_owned()),
        ];
        let kept = Conversation::of(&Request { segments, ..Request::default() });
        assert_eq!(kept.left_out, 1);
        let [user, tool] = &*kept.texts else { panic!("{} texts", kept.texts.len()) };
        assert_eq!((&*user.role, &user.channel), ("user", &None));
        let end = user.text.strip_prefix(CUT).unwrap();
        assert!(end.len() > CONVERSATION_BYTES_MAX - 200 && end.chars().all(|c| c == '\u{e9}'), "{}", end.len());
        assert_eq!((&*tool.role, tool.channel.as_deref(), &*tool.text), ("tool", Some("tool-result"), "1"));
    }
}
