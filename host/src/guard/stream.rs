//! Windows over a streaming answer.
//!
//! Text comes in pieces, a few bytes in each event. For each lane (choice, channel, tool call) the pieces are strung
//! together again and pass the text guardrails one behind the other, each in windows: what it saw before, what it
//! held back, what is new. What all of them have decided goes back into the events that it came in, and an event
//! leaves when all its texts are decided. So an event none of whose text was edited leaves as it came. Events leave in the
//! order in which they came, but that a text whose end is held back does not hold up others (`order`).

mod again;
mod lane;
mod order;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::tagged::{PieceId, Tagged};
use super::{Admitted, Released, check_answer, inspect_answer, restore_all};
use crate::chat::{Answer, Channel, Finish, Phase, Role, Segment, Usage};
use crate::config::{Mode, StreamMode, Target};
use crate::dialect::{Cutter, Dialect, Event, EventReader, Lane, Unit, Wire};
use crate::error::Error;
use crate::exchange::Exchange;
use crate::plugin::Plugin;
use crate::upstream;
use again::Said;
use lane::LaneState;
use order::Waiting;

/// A streaming answer on its way through the guardrails.
#[derive(Debug)]
pub(crate) struct StreamGuard {
    x: Arc<Exchange>,
    admitted: Admitted,
    target: String,
    /// It has begun to answer, and may want money for that.
    is_charging: bool,
    body: upstream::Body,
    cutter: Cutter,
    reader: EventReader,
    lanes: BTreeMap<Lane, LaneState>,
    /// Events that have not left, by number.
    queue: BTreeMap<u64, Queued>,
    /// Texts that nobody strings together, and that have to be looked at by themselves.
    alone: Vec<Alone>,
    /// What lanes have said, in a dialect that says it all again at their end.
    said: Option<Said>,
    /// Choices of which the caller has seen other text than the model wrote.
    edited: BTreeSet<u32>,
    /// The number of the next event.
    number: u64,
    queued_bytes: usize,
    /// There has been an event with which the answer may begin.
    may_begin: bool,
    text_guardrails: Arc<[Arc<Plugin>]>,
    withheld: bool,
    observed_whole: bool,
    /// What is said is kept.
    is_captured: bool,
    retries_left: u32,
    finish: BTreeMap<u32, Finish>,
    /// Choices that have finished, and of which no more text may follow.
    over: BTreeSet<u32>,
    /// Parts of an answer that are at an end, and of which no more text may follow.
    closed: BTreeSet<String>,
    /// The caller's dialect, unlike the provider's, has one part of an answer behind the other, or the provider's has no
    /// numbers for them, or for its events: they leave in the order in which they came.
    in_order: bool,
    /// There, thoughts that are followed by something else: what is held back of them is decided, lest all that follows
    /// waits for it.
    settled: BTreeSet<Lane>,
    /// Choices of which the caller has seen the end.
    ended: BTreeSet<u32>,
    usage: Option<Usage>,
    /// The provider has said that it has failed.
    has_failed: bool,
    state: State,
}

/// How far the stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No text was released yet: another target could still answer.
    Unbegun,
    /// Text was released.
    Begun,
    /// The provider has said its last word; what is ready still has to go out.
    Complete,
    /// Nothing will come any more.
    Over,
}

/// Texts of a lane that are to be looked at one by one.
#[derive(Debug)]
struct Alone {
    lane: Lane,
    pieces: Vec<(PieceId, String)>,
    /// No more text follows in the lane.
    is_final: bool,
    /// They are JSON, and an edit must leave them so.
    is_json: bool,
}

/// An event that waits for its texts.
#[derive(Debug)]
struct Queued {
    event: Event,
    texts: Vec<Option<String>>,
}

impl Queued {
    fn is_ready(&self) -> bool {
        self.texts.iter().all(Option::is_some)
    }
}

/// The next part of a guarded stream.
#[derive(Debug)]
pub(crate) enum Next {
    /// Bytes for the caller.
    Released(Released),
    /// The answer was withheld, and the model is to be asked once more.
    Retry(Box<Admitted>),
    /// That was all.
    End,
}

/// Lanes of one stream: choices times channels times tool calls.
const LANES_MAX: usize = 1_000;
/// What an event that waits takes beside its own bytes, at least.
const EVENT_BYTES: usize = 256;

impl StreamGuard {
    pub(crate) fn new(
        x: &Arc<Exchange>,
        admitted: &Admitted,
        target: &Target,
        dialect: Wire,
        body: upstream::Body,
        retries_left: u32,
    ) -> Self {
        let in_force = || x.generation.in_force(Phase::Answer);
        // Of another answer nothing has reached the caller.
        x.captures_answer(&[]);
        x.says_all(&[]);
        let waits = |plugin: &&Arc<Plugin>| {
            plugin.installation.mode == Mode::Enforce && plugin.installation.stream == StreamMode::Withhold
        };
        Self {
            x: x.clone(),
            admitted: admitted.clone(),
            target: target.name.clone(),
            is_charging: false,
            body,
            cutter: Cutter::new(x.generation.settings.upstream.event_bytes_max),
            reader: EventReader::new(dialect).stripped(admitted.asks_for_usage(x.dialect, target)),
            lanes: BTreeMap::new(),
            queue: BTreeMap::new(),
            alone: Vec::new(),
            said: (dialect == Wire::Dialect(Dialect::Responses)).then(Said::default),
            edited: BTreeSet::new(),
            number: 0,
            queued_bytes: 0,
            may_begin: false,
            text_guardrails: in_force().filter(|plugin| plugin.inspects_text()).cloned().collect(),
            withheld: in_force().filter(|plugin| plugin.checks_answers()).any(|plugin| waits(&plugin)),
            is_captured: x.is_captured(),
            observed_whole: in_force().any(|plugin| plugin.checks_answers()),
            retries_left,
            finish: BTreeMap::new(),
            over: BTreeSet::new(),
            closed: BTreeSet::new(),
            in_order: Wire::Dialect(x.dialect) != dialect || dialect.is_in_order(),
            settled: BTreeSet::new(),
            ended: BTreeSet::new(),
            usage: None,
            has_failed: false,
            state: State::Unbegun,
        }
    }

    /// Whether the provider has said that it has failed, and not that the request is wrong. With the first bytes, that is before anything has left.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// The next bytes that may go to the caller, as soon as there are some.
    ///
    /// # Errors
    /// A denial, a failure of a plugin whose failure mode is `closed`, or a provider that broke off. Nothing comes
    /// after an error.
    pub(crate) async fn next(&mut self) -> Result<Next, Error> {
        loop {
            if let Some(released) = self.flush() {
                return Ok(Next::Released(released));
            }
            match self.state {
                State::Over => return Ok(Next::End),
                State::Complete => {
                    self.state = State::Over;
                    let calls = self.lanes.iter().filter(|(lane, _)| lane.channel == Channel::ToolArguments);
                    calls.filter_map(|(_, call)| call.name.as_deref()).for_each(|tool| self.x.calls_tool(tool));
                    if self.withheld && self.has_failed {
                        // There is no whole answer to judge, and nothing of it has left.
                        return Err(Error::Broken("the provider says in its stream that it has failed".to_owned()));
                    }
                    if self.observed_whole
                        && let Some(admitted) = self.judge_whole().await?
                    {
                        return Ok(Next::Retry(admitted));
                    }
                }
                State::Unbegun | State::Begun => {
                    if let Err(error) = self.advance().await {
                        self.body.is_judged(&error);
                        // The last window is final even when the provider dies: what it said is decided.
                        let decided = match error.is_the_targets() {
                            true => self.pump(true).await,
                            false => Ok(()),
                        };
                        self.state = State::Over;
                        return Err(decided.err().unwrap_or(error));
                    }
                }
            }
        }
    }

    /// Wait for more from the provider or for a window's time, and pass on what that decides.
    async fn advance(&mut self) -> Result<(), Error> {
        let wake = self.lanes.values().filter_map(|lane| lane.wake(&self.x.generation.settings.stream)).min();
        let frame = match wake {
            None => self.body.frame(&self.x).await,
            Some(wake) => tokio::select! {
                biased;
                frame = self.body.frame(&self.x) => frame,
                () = sleep_until(wake) => return self.pump(false).await,
            },
        };
        match frame? {
            Some(bytes) => self.read(&bytes).await,
            None => self.end_of_body().await,
        }
    }

    async fn read(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.cutter.push(bytes);
        let mut done = false;
        loop {
            let raw = self.cutter.next().map_err(|_| self.too_large());
            let Some(raw) = raw? else { break };
            // What comes behind the last word is nothing.
            done = self.take_event(&raw)?;
            if done {
                break;
            }
        }
        self.pump(done).await?;
        if done {
            self.state = State::Complete;
        }
        Ok(())
    }

    fn too_large(&self) -> Error {
        Error::AnswerTooLarge(self.x.generation.settings.upstream.event_bytes_max)
    }

    async fn end_of_body(&mut self) -> Result<(), Error> {
        let rest = self.cutter.rest();
        let whole = rest.is_empty() || self.take_event(&rest).is_ok();
        self.pump(true).await?;
        // Some servers leave the last word out; a stream whose every choice has finished is whole all the same.
        let choices: BTreeSet<u32> = self.lanes.keys().map(|lane| lane.choice).collect();
        let ended = !self.finish.is_empty() && choices.iter().all(|choice| self.finish.contains_key(choice));
        if whole && ended {
            self.x.is_whole();
            self.state = State::Complete;
            return Ok(());
        }
        Err(Error::Broken("the stream ended without an end".to_owned()))
    }

    /// Put an event into the queue and its texts into their lanes. Says whether it is the last.
    fn take_event(&mut self, raw: &Bytes) -> Result<bool, Error> {
        let mut event = self.reader.read(raw).map_err(|wrong| Error::Broken(wrong.message))?;
        if !event.pieces.is_empty() || !event.finished.is_empty() {
            self.body.has_begun(&self.x);
        }
        if let Some(call) = event.call.take() {
            self.x.is_to_call(call);
        }
        let number = self.number;
        for (index, piece) in event.pieces.iter().enumerate() {
            // Fields that the dialect does not know say something about an answer even when it is over.
            if self.over.contains(&piece.lane.choice) && piece.lane.channel != Channel::Other {
                return Err(Error::Broken("a choice went on behind its end".to_owned()));
            }
            let id = (number, index);
            let mut lane = Cow::Borrowed(&piece.lane);
            let mut is_over = self.closed.contains(&piece.lane.part);
            if let Some(said) = &mut self.said {
                let bytes_max = self.x.generation.settings.upstream.answer_bytes_max;
                match piece.unit {
                    Unit::Again if said.again(id, &piece.lane, &piece.text) => continue,
                    // It is another text than before.
                    Unit::Again => lane.to_mut().part.push_str(" again"),
                    Unit::Piece => {
                        is_over |= said.is_over(&piece.lane);
                        if !said.came(&piece.lane, &piece.text, bytes_max) {
                            return Err(Error::AnswerTooLarge(bytes_max));
                        }
                    }
                    Unit::Whole | Unit::Either => {}
                }
            }
            if is_over {
                return Err(Error::Broken("a part of the answer went on behind its end".to_owned()));
            }
            if !self.lanes.contains_key(&*lane) {
                if self.lanes.len() >= LANES_MAX {
                    return Err(Error::Broken(format!("the answer has more than {LANES_MAX} texts")));
                }
                self.lanes.insert(lane.clone().into_owned(), LaneState::new(piece.role, &self.text_guardrails));
            }
            if self.in_order {
                settle(&mut self.settled, &self.lanes, &lane);
            }
            let repeats = |lane: &mut LaneState| lane.repeats(&piece.text);
            let unit = match piece.unit {
                Unit::Either if self.lanes.get_mut(&*lane).is_some_and(repeats) => Unit::Whole,
                unit => unit,
            };
            match unit {
                Unit::Whole | Unit::Again => self.alone.push(Alone {
                    lane: lane.into_owned(),
                    pieces: vec![(id, piece.text.clone())],
                    is_final: true,
                    is_json: piece.is_json,
                }),
                Unit::Piece | Unit::Either => {
                    if let Some(lane) = self.lanes.get_mut(&piece.lane) {
                        lane.either |= piece.unit == Unit::Either;
                        lane.add(id, piece.name.as_deref(), &piece.text);
                    }
                }
            }
        }
        if let Some((_, part)) = &event.closes
            && self.closed.len() < LANES_MAX
        {
            self.closed.insert(part.clone());
        }
        self.go_on_without_the_finished(&event);
        self.finish.extend(event.finished.iter().copied());
        event.finished.iter().for_each(|(choice, finish)| self.x.finishes(*choice, *finish));
        self.x.is_named(&event.names);
        self.usage = event.usage.or(self.usage);
        if !event.is_comment() {
            if !std::mem::replace(&mut self.is_charging, true) {
                self.x.begins_to_charge();
            }
            let new = event.pieces.iter().filter(|piece| piece.unit != Unit::Again);
            self.x.received(new.map(|piece| piece.text.len()).sum());
            self.x.used(event.usage);
        }
        if event.is_unasked {
            return Ok(false);
        }
        self.x.opaque(Phase::Answer, &event.opaque);
        self.queued_bytes += raw.len() + EVENT_BYTES;
        let had_begun = self.may_begin;
        self.may_begin |= event.begins();
        let bytes_max = self.x.generation.settings.upstream.answer_bytes_max;
        if self.queued_bytes > bytes_max {
            return Err(Error::AnswerTooLarge(bytes_max));
        }
        if event.failed {
            // It has not begun to answer, and nobody charges for that. Otherwise what it has told so far is not all.
            if !had_begun {
                self.x.was_free();
                self.x.is_whole();
            }
            self.x.target_tells(event.blames_request);
            // What is wrong with the request is wrong everywhere.
            if !event.blames_request {
                self.body.is_broken();
                self.has_failed = true;
            }
        }
        // An error that the provider reports in the stream is its last word too.
        let done = event.done || event.failed;
        if event.done && !event.failed {
            self.x.is_whole();
        }
        event.done = done;
        let texts = vec![None; event.pieces.len()];
        self.queue.insert(number, Queued { event, texts });
        self.number += 1;
        Ok(done)
    }

    /// A choice's reason to finish is not taken for its last word: some providers give it with each event, and what a
    /// guardrail holds back would pass. It is over when the stream is, or goes on with another choice.
    fn go_on_without_the_finished(&mut self, event: &Event) {
        if !event.pieces.is_empty() {
            let silent = |choice: &&u32| event.pieces.iter().all(|piece| piece.lane.choice != **choice);
            self.over.extend(self.finish.keys().filter(silent).copied());
        }
    }

    /// Call the guardrails on the lanes that are due, and put what is decided back into its events. With `all`, no
    /// more text follows.
    async fn pump(&mut self, all: bool) -> Result<(), Error> {
        let stream = self.x.generation.settings.stream;
        let bytes_max = self.x.generation.settings.upstream.answer_bytes_max;
        let now = Instant::now();
        let is_final = |lane: &Lane| {
            let is_over = self.over.contains(&lane.choice) && lane.channel != Channel::Other;
            let is_said = self.said.as_ref().is_some_and(|said| said.is_over(lane));
            all || is_over || is_said || self.closed.contains(&lane.part) || self.settled.contains(lane)
        };
        let mut due: Vec<(&Lane, &mut LaneState, bool)> = self
            .lanes
            .iter_mut()
            .map(|(lane, state)| (lane, is_final(lane), state))
            .filter(|(_, is_final, state)| state.is_due(now, &stream, *is_final, self.text_guardrails.is_empty()))
            .map(|(lane, is_final, state)| (lane, state, is_final))
            .collect();
        if due.is_empty() && self.alone.is_empty() {
            return Ok(());
        }
        if !due.is_empty() {
            lane::inspect(&self.x, &self.text_guardrails, &mut due, now).await?;
        }
        let mut decided: Vec<(Lane, Tagged, bool)> = Vec::new();
        for (lane, state, is_final) in &mut due {
            match state.either {
                false => decided.push(((*lane).clone(), state.decided(), *is_final)),
                true => {
                    let pieces = state.decided_pieces(*is_final);
                    self.alone.push(Alone { lane: (*lane).clone(), pieces, is_final: *is_final, is_json: false });
                }
            }
        }
        decided.extend(self.inspect_alone().await?);
        let mut ready = Vec::new();
        for (lane, text, is_final) in decided {
            let Some(state) = self.lanes.get_mut(&lane) else { continue };
            if self.observed_whole {
                state.keep(&text, bytes_max);
            }
            if self.is_captured && !self.withheld {
                let segment = || segment_of(&lane, state);
                self.x.captures_piece(&lane, &text.text, segment);
            }
            match self.withheld {
                true => state.withhold(text),
                false => {
                    let restored = state.restore(&self.admitted.restorations, lane.channel, text, is_final);
                    restored.iter().for_each(|(_, text)| self.x.says_more(&lane, text));
                    ready.extend(restored);
                }
            }
        }
        self.put_back(ready);
        Ok(())
    }

    /// Texts that some or all readers take by themselves pass the guardrails by themselves.
    async fn inspect_alone(&mut self) -> Result<Vec<(Lane, Tagged, bool)>, Error> {
        let alone = std::mem::take(&mut self.alone);
        let segment = |alone: &Alone, text: &str| Segment {
            role: Role::Assistant,
            channel: alone.lane.channel,
            choice: alone.lane.choice,
            name: None,
            text: text.to_owned(),
            is_json: alone.is_json,
        };
        let texts = alone.iter().flat_map(|alone| alone.pieces.iter().map(|(_, text)| segment(alone, text)));
        let mut segments: Vec<Segment> = texts.filter(|segment| !segment.text.is_empty()).collect();
        if !segments.is_empty() {
            inspect_answer(&self.x, &mut segments).await?;
        }
        let mut segments = segments.into_iter();
        let decided = alone.into_iter().map(|Alone { lane, pieces, is_final, .. }| {
            let mut decided = Tagged::default();
            for (id, text) in pieces {
                let inspected = if text.is_empty() { None } else { segments.next() };
                decided.push(id, &inspected.map(|segment| segment.text).unwrap_or_default());
            }
            (lane, decided, is_final)
        });
        Ok(decided.collect())
    }

    fn put_back(&mut self, decided: Vec<(PieceId, String)>) {
        for ((event, index), text) in decided {
            let Some(queued) = self.queue.get_mut(&event) else { continue };
            if let (Some(said), Some(piece)) = (&mut self.said, queued.event.pieces.get(index))
                && piece.unit == Unit::Piece
            {
                said.left(&piece.lane, &text);
            }
            if let Some(slot) = queued.texts.get_mut(index) {
                *slot = Some(text);
            }
        }
    }

    /// What is said again is edited as it was the first time.
    fn say_again(&mut self) {
        for ((event, index), text) in self.said.as_mut().map(Said::ready).unwrap_or_default() {
            if let Some(slot) = self.queue.get_mut(&event).and_then(|queued| queued.texts.get_mut(index)) {
                *slot = Some(text);
            }
        }
    }

    /// The events that are decided and need not wait for others. Before any text is released, events without text wait
    /// with it, so that another target can still begin anew.
    fn flush(&mut self) -> Option<Released> {
        if self.withheld && self.state != State::Over {
            return None;
        }
        // A provider may send any number of events before it says anything.
        if self.state == State::Unbegun && !self.may_begin {
            return None;
        }
        self.say_again();
        let mut waiting = Waiting::default();
        let mut leaving: Vec<u64> = Vec::new();
        for (place, (number, queued)) in self.queue.iter().enumerate() {
            let is_next = !self.in_order || leaving.len() == place;
            match is_next && queued.is_ready() && !waiting.stops(&queued.event) {
                true => leaving.push(*number),
                false => waiting.add(&queued.event),
            }
        }
        let begins = |number: &u64| self.queue.get(number).is_some_and(|queued| queued.event.begins());
        if leaving.is_empty() || (self.state == State::Unbegun && !leaving.iter().any(begins)) {
            return None;
        }
        if self.state == State::Unbegun {
            self.state = State::Begun;
        }
        let mut out: Option<Vec<u8>> = None;
        let mut first = Bytes::new();
        for queued in leaving.iter().filter_map(|number| self.queue.remove(number)) {
            let texts: Vec<String> = queued.texts.into_iter().flatten().collect();
            self.edited.extend(queued.event.edited(&texts));
            let bytes = queued.event.write(&texts, &self.edited);
            self.reader.has_left(&queued.event);
            self.ended.extend(queued.event.finished.iter().map(|(choice, _)| *choice));
            self.queued_bytes = self.queued_bytes.saturating_sub(queued.event.raw_len() + EVENT_BYTES);
            match &mut out {
                None if first.is_empty() => first = bytes,
                None => out = Some([&*first, &*bytes].concat()),
                Some(out) => out.extend_from_slice(&bytes),
            }
        }
        Some(Released(out.map_or(first, Bytes::from)))
    }

    /// The answer is complete: pass it through the answer guardrails. If it was withheld, their verdicts count and
    /// its events are ready afterwards; otherwise they are noted.
    async fn judge_whole(&mut self) -> Result<Option<Box<Admitted>>, Error> {
        let lanes: Vec<Lane> =
            self.lanes.iter().filter(|(_, state)| !state.said().is_empty()).map(|(lane, _)| lane.clone()).collect();
        let segment = |lane: &Lane| {
            let state = self.lanes.get(lane)?;
            Some(Segment { text: state.said().to_owned(), ..segment_of(lane, state) })
        };
        let mut answer = Answer {
            target: self.target.clone(),
            segments: lanes.iter().filter_map(segment).collect(),
            finish: self.finish.values().next().copied().unwrap_or_default(),
            usage: self.usage,
            ..Answer::default()
        };
        if !self.withheld {
            // What is out cannot be called back: a denial is on the receipt, and ends nothing.
            return check_answer(&self.x, &self.admitted, &mut answer, 0, true).await.map(|_| None).or(Ok(None));
        }
        if let Some(words) = check_answer(&self.x, &self.admitted, &mut answer, self.retries_left, true).await? {
            return Ok(Some(Box::new(self.admitted.corrected(&answer, words))));
        }
        self.x.captures_answer(&answer.segments);
        restore_all(&self.admitted, &mut answer.segments);
        self.x.says_all(&answer.segments);
        let mut decided = Vec::new();
        for (lane, segment) in lanes.iter().zip(answer.segments) {
            if let Some(state) = self.lanes.get_mut(lane) {
                decided.extend(state.rewritten(&segment.text));
            }
        }
        for state in self.lanes.values_mut() {
            decided.extend(state.rewritten(""));
        }
        self.put_back(decided);
        Ok(None)
    }

    /// How a stream ends that was begun and cannot go on.
    pub(crate) fn ending(&mut self, error: &Error) -> Released {
        let message = error.message();
        let words = error.words(&message);
        let mut bytes = self.flush_decided();
        if matches!(error, Error::Denied { .. }) {
            let open: BTreeSet<u32> =
                self.lanes.keys().map(|lane| lane.choice).filter(|choice| !self.ended.contains(choice)).collect();
            let open: Vec<u32> = open.into_iter().collect();
            bytes.extend_from_slice(&self.reader.denied_events(&open, words));
        } else {
            bytes.extend_from_slice(&self.reader.error_event(words));
        }
        Released(bytes.into())
    }

    /// Whole events that are decided already may go out before the bad news.
    fn flush_decided(&mut self) -> Vec<u8> {
        if self.withheld {
            return Vec::new();
        }
        self.flush().map(|released| released.0.to_vec()).unwrap_or_default()
    }
}

/// Pass one text of an answer through text guardrails in pieces, as those of a stream that each makes a window of; gives what is
/// released behind each.
///
/// # Errors
/// A denial, or a failure of a plugin whose failure mode is `closed`.
pub(crate) async fn pieces(
    x: &Exchange,
    guardrails: &[Arc<Plugin>],
    (role, channel): (Role, Channel),
    pieces: &[&str],
) -> Result<Vec<String>, Error> {
    let lane = Lane { choice: 0, channel, part: String::new() };
    let mut state = LaneState::new(role, guardrails);
    let mut released = Vec::with_capacity(pieces.len());
    for (number, piece) in pieces.iter().enumerate() {
        state.add((0, number), None, piece);
        let is_final = number + 1 == pieces.len();
        lane::inspect(x, guardrails, &mut [(&lane, &mut state, is_final)], Instant::now()).await?;
        released.push(state.decided().text);
    }
    Ok(released)
}

/// Text goes on in `lane`: thoughts of its choice in other lanes are at an end, as far as one can know.
fn settle(settled: &mut BTreeSet<Lane>, lanes: &BTreeMap<Lane, LaneState>, lane: &Lane) {
    if lane.channel == Channel::Reasoning {
        settled.remove(lane);
        return;
    }
    // Fields that the dialect does not know may come with each event.
    if lane.channel == Channel::Other {
        return;
    }
    let thoughts = lanes.keys().filter(|other| other.choice == lane.choice && other.channel == Channel::Reasoning);
    settled.extend(thoughts.cloned());
}

/// What a lane says, without its text.
fn segment_of(lane: &Lane, state: &LaneState) -> Segment {
    let (name, text) = (state.name.clone(), String::new());
    Segment { role: state.role, channel: lane.channel, choice: lane.choice, name, text, is_json: false }
}

/// Text whose pieces are known, edited as a whole: what changed is laid over the pieces.
fn lay_over(mut tagged: Tagged, new: &str) -> Vec<(PieceId, String)> {
    if tagged.text != new {
        let edits = difference(&tagged.text, new);
        tagged.edit(&edits);
    }
    tagged.last_pieces()
}

/// The one edit that makes `new` of `old`.
fn difference(old: &str, new: &str) -> Vec<crate::chat::Edit> {
    let common = |a: &mut dyn Iterator<Item = char>, b: &mut dyn Iterator<Item = char>| -> usize {
        a.zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
    };
    let prefix = common(&mut old.chars(), &mut new.chars());
    let (old_rest, new_rest) = (old.get(prefix..).unwrap_or_default(), new.get(prefix..).unwrap_or_default());
    let suffix = common(&mut old_rest.chars().rev(), &mut new_rest.chars().rev());
    vec![crate::chat::Edit {
        span: prefix..old.len() - suffix,
        replacement: new_rest.get(..new_rest.len() - suffix).unwrap_or_default().to_owned(),
        restore: false,
    }]
}
