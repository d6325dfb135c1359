//! What a conversation shows by itself: the same asked again, so the answer was not good enough; or gone on with another answer
//! than the one that was given, so somebody has mended it.
//!
//! Nothing of a conversation is kept for that but digests, in memory, with a key that nobody outside knows. White space at
//! the ends of a text does not count, nor at the ends of an answer's lines, nor where it is broken into lines: clients trim it.
//! Where it cannot be told who asks, or what was answered, nothing is said: many people behind one key ask the same, and none of
//! them because of an answer.

use std::mem;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use highway::{HighwayHash, HighwayHasher, Key};
use indexmap::IndexMap;
use smallvec::SmallVec;
use uuid::Uuid;

use crate::chat::{Channel, Request, Role, Segment, Task};
use crate::exchange::{Exchange, Over};
use crate::hashing::{in_parts, random_key};
use crate::moment::Moment;
use crate::observe::Observers;

/// Places of a generation: so many are known at least, of those to which an answer came last, and twice as many at most.
const KNOWN: usize = 50_000;
/// Answers that are known of one place; where more are given, nobody can tell which of them was changed.
const ANSWERS_MAX: usize = 8;
/// How soon the same has to be asked again, to be asked because of the answer.
const AGAIN: Duration = Duration::from_secs(3_600);
/// How soon a conversation has to go on, for its last answer to be compared.
const GOES_ON: Duration = Duration::from_secs(24 * 3_600);

/// With a key that nobody knows, so many digests are hardly ever of two things.
type Digest = u64;

/// What was answered at which place of whose conversations.
#[derive(Debug)]
pub(crate) struct Conversations {
    key: Key,
    known: Mutex<Known>,
}

/// The answers at each place. Those to which none was added while some were at [`KNOWN`] others are forgotten together. Every
/// exchange comes here, and finds little of it in the processor's caches: so there is no order to be mended of who came last,
/// and what is added lies behind what was added before.
#[derive(Debug)]
struct Known {
    young: IndexMap<Digest, Answers>,
    old: IndexMap<Digest, Answers>,
}

/// Nearly always it is one.
type Answers = SmallVec<[Told; 1]>;

/// One answer.
#[derive(Clone, Copy, Debug)]
struct Told {
    exchange: Uuid,
    said: Option<NonZeroU64>,
    at: Moment,
}

/// A place in a conversation.
#[derive(Clone, Copy, Debug)]
struct Place {
    digest: Digest,
    /// It is one conversation's, and not that of all who begin alike.
    is_known: bool,
}

/// Where an exchange stands in its conversation, and what its caller is told: two thirds of a kilobyte, which nobody needs
/// any more when the exchange is over.
#[derive(Debug)]
pub(crate) struct Conversation {
    turns: Turns,
    pub(crate) said: Said,
}

/// Where a request stands in a conversation.
#[derive(Debug)]
pub(crate) struct Turns {
    key: Key,
    /// Behind all that was said before the answer that is wanted.
    asked: Place,
    /// The last answer in it.
    last: Option<Last>,
}

#[derive(Debug)]
struct Last {
    /// Behind all that was said before it.
    asked: Place,
    said: NonZeroU64,
    /// Its texts in the request.
    segments: Vec<usize>,
}

/// An answer in a request.
struct Answer<'a> {
    /// All that was said before it.
    before: HighwayHasher,
    is_known: bool,
    /// Its texts, and which segments they are.
    texts: Vec<(usize, &'a str)>,
}

/// What an answer says, as its caller is told it, so far.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    key: Key,
    hasher: HighwayHasher,
    /// The same before the space that it ends with, which may be the end of a line.
    before_space: Option<HighwayHasher>,
    is_line_begun: bool,
    is_empty: bool,
    /// It begins with a tag, as `<think>`, that clients take out before they go on.
    begins_with_a_tag: bool,
}

/// What a conversation has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Recognised {
    /// The answer of this exchange was asked for once more.
    Regenerated(Arc<str>),
    /// The answer of this exchange was changed; to what, where texts are kept.
    Edited(Arc<str>, Option<String>),
}

impl Recognised {
    /// Bytes of its text.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Regenerated(_) | Self::Edited(_, None) => 0,
            Self::Edited(_, Some(text)) => text.len(),
        }
    }
}

/// Where a request stands in its conversation, if that can be said.
pub(crate) fn turns(observers: &Observers, x: &Exchange, request: &Request) -> Option<Turns> {
    let conversations = observers.ledger.as_ref()?.conversations();
    // What is kept at the provider is not all here, pictures are not compared, of several answers one may be gone on with, and
    // what a plugin asks is nobody's conversation.
    let Request { task, is_tied, opaque, answers, names_user, .. } = request;
    let can_be_said =
        *task == Task::Converse && !is_tied && opaque.is_empty() && answers.unwrap_or(1) == 1 && x.within.is_none();
    let user = x.caller.user.as_deref();
    let (key, names_user) = (x.caller.key.as_deref(), *names_user);
    let whose = Whose { tenant: &x.tenant, key, user, names_user, model: &request.model };
    can_be_said.then(|| conversations.turns(whose, &request.segments)).flatten()
}

/// Who asks, and whom.
#[derive(Clone, Copy, Debug)]
struct Whose<'a> {
    tenant: &'a str,
    key: Option<&'a str>,
    user: Option<&'a str>,
    /// The request says in a field of its own which user it is for.
    names_user: bool,
    model: &'a str,
}

impl Default for Conversations {
    fn default() -> Self {
        Self { key: random_key(), known: Mutex::default() }
    }
}

/// With room for all: nobody waits for it to grow.
impl Default for Known {
    fn default() -> Self {
        Self { young: IndexMap::with_capacity(KNOWN), old: IndexMap::with_capacity(KNOWN) }
    }
}

impl Known {
    fn at(&self, place: Digest) -> Option<&Answers> {
        self.young.get(&place).or_else(|| self.old.get(&place))
    }

    fn add(&mut self, place: Digest, told: Told) {
        if self.young.len() >= KNOWN {
            mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        let all = self.young.entry(place).or_insert_with(|| self.old.swap_remove(&place).unwrap_or_default());
        // One more than can be told apart says that there were more.
        if all.len() > ANSWERS_MAX {
            all.remove(0);
        }
        all.push(told);
    }
}

impl Conversations {
    fn turns(&self, whose: Whose<'_>, segments: &[Segment]) -> Option<Turns> {
        let Whose { tenant, key, user, names_user, model } = whose;
        let mut hasher = HighwayHasher::new(self.key);
        let names = [Some(tenant), key, user, Some(model)].map(|name| name.unwrap_or_default().as_bytes());
        // Among them are the user's name, and the tools.
        let fields = segments.iter().filter(|segment| is_a_field(segment));
        in_parts(names.into_iter().chain(fields.map(|field| field.text.as_bytes())), |bytes| hasher.append(bytes));
        // Of the first question of a conversation nobody knows otherwise whose it is.
        let mut is_known = user.is_some() || names_user;
        // The answer that is being read, and the last one that something was said to.
        let mut answer: Option<Answer> = None;
        let mut last = None;
        let mut is_asked = false;
        for (index, segment) in segments.iter().enumerate().filter(|(_, segment)| is_of_the_conversation(segment)) {
            match segment.role {
                Role::Assistant => {
                    let answer =
                        answer.get_or_insert_with(|| Answer { before: hasher.clone(), is_known, texts: Vec::new() });
                    if segment.channel == Channel::Content {
                        answer.texts.push((index, segment.text.as_str()));
                    }
                }
                Role::System | Role::User | Role::Tool => {
                    is_asked |= segment.role != Role::System;
                    if let Some(answer) = answer.take() {
                        is_known |= answer.says_something();
                        last = Some(answer);
                    }
                }
            }
            hasher.append(&[segment.role as u8, segment.channel as u8]);
            in_parts([segment.text.trim().as_bytes()], |bytes| hasher.append(bytes));
        }
        let last = last.and_then(|answer| answer.compared(self.key));
        is_asked.then(|| Turns { key: self.key, asked: Place::of(hasher, is_known), last })
    }

    /// What a request shows of the answers before it.
    fn recognise(&self, turns: &Turns, now: Moment) -> Vec<Recognised> {
        let mut recognised = Vec::new();
        if !turns.asked.is_known && turns.last.is_none() {
            return recognised;
        }
        let mut known = self.known();
        let soon = |told: &Told, within: Duration| told.at.until(now) <= within;
        if turns.asked.is_known
            && let Some(told) = known.at(turns.asked.digest)
            && let Some(told) = told.last().filter(|told| soon(told, AGAIN))
        {
            recognised.push(Recognised::Regenerated(told.id()));
        }
        if let Some(last) = &turns.last
            && let Some(told) = known.at(last.asked.digest)
            && told.len() <= if last.asked.is_known { ANSWERS_MAX } else { 1 }
            && let Some(latest) = told.last().filter(|told| told.said.is_some() && soon(told, GOES_ON))
            && told.iter().all(|told| told.said != Some(last.said))
        {
            recognised.push(Recognised::Edited(latest.id(), None));
            // Each step that follows says the same of it.
            let as_mended = Told { said: Some(last.said), ..*latest };
            known.add(last.asked.digest, as_mended);
        }
        recognised
    }

    /// Know an answer that is over.
    pub(crate) fn is_over(&self, over: &Over, conversation: &Conversation) {
        if over.is_answered()
            && let Ok(exchange) = Uuid::try_parse(&over.id)
        {
            let told = Told { exchange, said: conversation.said.digest(), at: Moment::now() };
            self.known().add(conversation.turns.asked.digest, told);
        }
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// The id of the exchange, as others write it.
    fn id(&self) -> Arc<str> {
        (&*self.exchange.simple().encode_lower(&mut Uuid::encode_buffer())).into()
    }
}

impl Answer<'_> {
    fn says_something(&self) -> bool {
        let said = self.texts.iter().map(|(_, text)| text.trim_start()).find(|text| !text.is_empty());
        said.is_some_and(|text| !text.starts_with(TAG))
    }

    fn compared(self, key: Key) -> Option<Last> {
        let mut said = Said::new(key);
        self.texts.iter().for_each(|(_, text)| said.says(text));
        let segments = self.texts.into_iter().map(|(index, _)| index).collect();
        Some(Last { said: said.digest()?, asked: Place::of(self.before, self.is_known), segments })
    }
}

impl Place {
    fn of(hasher: HighwayHasher, is_known: bool) -> Self {
        Self { digest: hasher.finalize64(), is_known }
    }
}

impl Turns {
    /// The conversation, with the answer that begins here.
    pub(crate) fn begins(self) -> Box<Conversation> {
        let said = Said::new(self.key);
        Box::new(Conversation { turns: self, said })
    }

    /// What this shows of the answers before it, with the words that were put in place of one, if so many bytes of them may be
    /// kept: as the guardrails let them pass.
    pub(crate) fn recognised(&self, observers: &Observers, bytes_max: usize, segments: &[Segment]) -> Vec<Recognised> {
        let Some(ledger) = &observers.ledger else { return Vec::new() };
        let mut all = ledger.conversations().recognise(self, Moment::now());
        for one in &mut all {
            if let (Recognised::Edited(_, text), Some(last)) = (one, &self.last) {
                let texts = last.segments.iter().filter_map(|index| Some(segments.get(*index)?.text.as_str()));
                let texts: Vec<&str> = texts.collect();
                let bytes: usize = texts.iter().map(|text| text.len() + 1).sum();
                *text = (bytes <= bytes_max).then(|| texts.join("\n"));
            }
        }
        all
    }
}

impl Said {
    fn new(key: Key) -> Self {
        let hasher = HighwayHasher::new(key);
        Self { key, hasher, before_space: None, is_line_begun: false, is_empty: true, begins_with_a_tag: false }
    }

    /// It is another answer.
    pub(crate) fn begins_anew(&mut self) {
        *self = Self::new(self.key);
    }

    /// It goes on.
    pub(crate) fn says(&mut self, text: &str) {
        for (index, piece) in text.split('\n').enumerate() {
            if index > 0 {
                self.breaks();
            }
            let piece = if self.is_line_begun { piece } else { piece.trim_start() };
            let (said, space) = piece.split_at(piece.trim_end().len());
            if !said.is_empty() {
                self.begins_with_a_tag |= self.is_empty && said.starts_with(TAG);
                (self.is_empty, self.is_line_begun, self.before_space) = (false, true, None);
                self.hasher.append(said.as_bytes());
            }
            if self.is_line_begun && !space.is_empty() {
                self.before_space.get_or_insert_with(|| self.hasher.clone());
                self.hasher.append(space.as_bytes());
            }
        }
    }

    fn breaks(&mut self) {
        if let Some(before) = self.before_space.take() {
            self.hasher = before;
        }
        self.is_line_begun = false;
    }

    /// What it says; nothing if that is nothing, or cannot be compared.
    fn digest(&self) -> Option<NonZeroU64> {
        let said = self.before_space.as_ref().unwrap_or(&self.hasher);
        let can_be_compared = !self.is_empty && !self.begins_with_a_tag;
        can_be_compared.then(|| said.clone().finalize64()).and_then(NonZeroU64::new)
    }
}

/// What an answer begins with of which clients take a part out.
const TAG: &str = "<";

/// What clients repeat when a conversation goes on. Of what the model thinks, and what tools are there, many say nothing.
fn is_of_the_conversation(segment: &Segment) -> bool {
    match segment.channel {
        Channel::Content | Channel::Refusal | Channel::ToolArguments | Channel::ToolResult | Channel::Passage => true,
        Channel::Reasoning | Channel::ToolDefinition | Channel::Name | Channel::Other => false,
    }
}

/// What else a request says: not the same is asked with other tools, or for another user.
fn is_a_field(segment: &Segment) -> bool {
    matches!(segment.channel, Channel::ToolDefinition | Channel::Other)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const ANN: Whose<'_> = Whose { tenant: "blue", key: Some("key"), user: Some("ann"), names_user: false, model: "m" };
    /// Nobody knows which of them.
    const ANYBODY: Whose<'_> = Whose { user: None, ..ANN };

    fn said(role: Role, text: &str) -> Segment {
        let channel = if role == Role::Tool { Channel::ToolResult } else { Channel::Content };
        Segment { role, channel, choice: 0, name: None, text: text.to_owned(), is_json: false }
    }

    fn user(text: &str) -> Segment {
        said(Role::User, text)
    }

    fn model(text: &str) -> Segment {
        said(Role::Assistant, text)
    }

    /// The id of an exchange with this number.
    fn id(number: &str) -> Arc<str> {
        format!("{number:0>32}").into()
    }

    fn regenerated(number: &str) -> Recognised {
        Recognised::Regenerated(id(number))
    }

    fn edited(number: &str) -> Recognised {
        Recognised::Edited(id(number), None)
    }

    /// Ask, look what that shows, and be answered.
    fn goes_on(
        conversations: &Conversations,
        (exchange, whose, seconds): (&str, Whose<'_>, u64),
        segments: &[Segment],
        answer: &[&str],
    ) -> Vec<Recognised> {
        let Some(turns) = conversations.turns(whose, segments) else { return Vec::new() };
        let shown = conversations.recognise(&turns, Moment::from_seconds(seconds));
        let mut said = Said::new(turns.key);
        answer.iter().for_each(|piece| said.says(piece));
        let exchange = Uuid::try_parse(&id(exchange)).unwrap();
        let told = Told { exchange, said: said.digest(), at: Moment::from_seconds(seconds) };
        conversations.known().add(turns.asked.digest, told);
        shown
    }

    #[test]
    fn the_same_asked_again_is_about_the_answer_before() {
        let conversations = Conversations::default();
        let ask = |exchange, whose, at| goes_on(&conversations, (exchange, whose, at), &[user("tide?")], &["noon"]);
        assert_eq!(ask("1", ANN, 0), []);
        assert_eq!(ask("2", ANN, 10), [regenerated("1")]);
        assert_eq!(ask("3", ANN, 20), [regenerated("2")]);
        assert_eq!(ask("4", Whose { user: Some("bob"), ..ANN }, 30), [], "somebody else may ask the same");
        assert_eq!(ask("4", Whose { tenant: "red", ..ANN }, 30), []);
        assert_eq!(ask("4", Whose { model: "other", ..ANN }, 30), []);
        assert_eq!([ask("4", ANYBODY, 30), ask("5", ANYBODY, 30)], [[], []], "or many");
        assert_eq!(ask("6", ANN, 20 + AGAIN.as_secs()), [regenerated("3")]);
        assert_eq!(ask("7", ANN, 21 + 2 * AGAIN.as_secs()), [], "another day, another answer");
    }

    #[test]
    fn another_answer_in_the_place_of_the_one_that_was_given_was_mended() {
        let conversations = Conversations::default();
        let first = [user("tide?")];
        goes_on(&conversations, ("1", ANN, 0), &first, &["at ", "noon\n"]);
        let as_it_was = [user("tide?"), model("at noon"), user("and then?")];
        assert_eq!(goes_on(&conversations, ("2", ANN, 1), &as_it_was, &["at six"]), []);
        let mended = [user("tide?"), model("at one"), user("and then?")];
        assert_eq!(goes_on(&conversations, ("3", ANN, 2), &mended, &["at seven"]), [edited("1")]);
        let further = [&mended[..], &[model("at seven"), user("thanks")]].concat();
        assert_eq!(goes_on(&conversations, ("4", ANN, 3), &further, &["you are welcome"]), []);
        let again = [user("tide?"), model("at one"), user("why?")];
        assert_eq!(goes_on(&conversations, ("5", ANN, 4), &again, &["the moon"]), [], "that was said already");
    }

    #[test]
    fn of_those_who_begin_alike_it_is_not_known_whose_answer_was_changed() {
        let conversations = Conversations::default();
        let mended = [user("hi"), model("good day"), user("and then?")];
        goes_on(&conversations, ("1", ANYBODY, 0), &[user("hi")], &["hello"]);
        assert_eq!(goes_on(&conversations, ("2", ANYBODY, 1), &mended, &["x"]), [edited("1")]);
        let conversations = Conversations::default();
        goes_on(&conversations, ("1", ANYBODY, 0), &[user("hi")], &["hello"]);
        goes_on(&conversations, ("2", ANYBODY, 1), &[user("hi")], &["hi there"]);
        assert_eq!(goes_on(&conversations, ("3", ANYBODY, 2), &mended, &["x"]), []);
        // Further on a conversation is like no other.
        assert_eq!(goes_on(&conversations, ("4", ANYBODY, 3), &mended, &["x"]), [regenerated("3")]);
    }

    #[test]
    fn what_clients_take_out_of_an_answer_was_not_changed() {
        let conversations = Conversations::default();
        goes_on(&conversations, ("1", ANN, 0), &[user("tide?")], &["<thi", "nk>hm</think>", "noon\u{a0}"]);
        let without = [user("tide?"), model("noon"), user("sure?")];
        assert_eq!(goes_on(&conversations, ("2", ANN, 1), &without, &["yes\u{a0}"]), []);
        let further = [&without[..], &[model("yes"), user("thanks")]].concat();
        assert_eq!(goes_on(&conversations, ("3", ANN, 2), &further, &["x"]), []);
    }

    #[test]
    fn where_an_answer_is_broken_and_how_far_its_lines_are_set_in_does_not_count() {
        let digest = |pieces: &[&str]| {
            let mut said = Said::new(Key([1; 4]));
            pieces.iter().for_each(|piece| said.says(piece));
            said.digest()
        };
        let whole = digest(&["at noon the tide turns"]);
        for same in [
            &["\n at noon", " ", "", "the tide turns", "\u{a0}\n"][..],
            &["at noo", "n the ti", "de turns", " ", " \n\n"],
            &["  ", "at noon t", "\r\n\t", "he tide turns"],
        ] {
            assert_eq!(digest(same), whole, "{same:?}");
        }
        for other in [&["at noon", "the tide turns"][..], &["at noon the  tide turns"], &["at noon the tide turns."]] {
            assert_ne!(digest(other), whole, "{other:?}");
        }
        assert_eq!([digest(&[" \n "]), digest(&[])], [None, None]);
    }

    #[test]
    fn whoever_goes_on_with_the_first_of_two_answers_has_mended_none() {
        let conversations = Conversations::default();
        goes_on(&conversations, ("1", ANN, 0), &[user("tide?")], &["noon"]);
        goes_on(&conversations, ("2", ANN, 1), &[user("tide?")], &["midnight"]);
        let first = [user("tide?"), model("noon"), user("sure?")];
        assert_eq!(goes_on(&conversations, ("3", ANN, 2), &first, &["yes"]), []);
    }

    #[test]
    fn what_cannot_be_compared_shows_nothing() {
        let conversations = Conversations::default();
        assert!(conversations.turns(ANN, &[said(Role::System, "be brief")]).is_none(), "nobody has asked");
        goes_on(&conversations, ("1", ANN, 0), &[user("list")], &[]);
        let call = Segment { channel: Channel::ToolArguments, ..model("{\"path\": \"/\"}") };
        let tool = [user("list"), call, said(Role::Tool, "a b")];
        assert_eq!(goes_on(&conversations, ("2", ANN, 1), &tool, &["two files"]), [], "an answer without a text");
        let unknown = [user("hello"), model("hi"), user("list")];
        assert_eq!(goes_on(&conversations, ("3", ANN, 2), &unknown, &["x"]), [], "it began elsewhere");
    }

    #[test]
    fn what_stands_at_the_end_of_a_request_is_a_beginning_of_the_answer() {
        let conversations = Conversations::default();
        goes_on(&conversations, ("1", ANN, 0), &[user("tide?")], &["noon"]);
        let begun = [user("tide?"), model("The tide is")];
        assert_eq!(goes_on(&conversations, ("2", ANN, 1), &begun, &["high"]), []);
    }

    #[test]
    fn of_one_place_a_few_answers_are_known_and_of_more_nothing_is_said() {
        let conversations = Conversations::default();
        for number in 0..2 * ANSWERS_MAX {
            let answer = number.to_string();
            goes_on(&conversations, (&answer, ANN, 0), &[user("tide?")], &[&answer]);
        }
        let turns = conversations.turns(ANN, &[user("tide?")]).unwrap();
        assert_eq!(conversations.known().at(turns.asked.digest).unwrap().len(), ANSWERS_MAX + 1);
        let first = [user("tide?"), model("0"), user("sure?")];
        assert_eq!(goes_on(&conversations, ("99", ANN, 1), &first, &["yes"]), [], "it is forgotten");
    }

    #[test]
    fn the_places_are_forgotten_to_which_no_answer_came_for_the_longest_time() {
        let last = u64::try_from(3 * KNOWN).unwrap();
        let told = Told { exchange: Uuid::nil(), said: None, at: Moment::from_seconds(0) };
        let mut known = Known::default();
        known.add(0, told);
        for place in 1..=last {
            known.add(place, told);
            if place.is_multiple_of(last / 6) {
                known.add(0, told);
            }
        }
        assert_eq!(known.at(0).unwrap().len(), 7, "one came to it all the time");
        let count = (1..=last).filter(|place| known.at(*place).is_some()).count();
        assert!((KNOWN..2 * KNOWN).contains(&count), "{count}");
        assert!(known.at(1).is_none() && known.at(last).is_some());
    }
}
