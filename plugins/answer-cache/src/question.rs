//! What a question says, as far as two of them can be compared: what kind it is, who and what it is about, when, and what the
//! words have to do with each other. Two questions are the same if no fact of one is another in the other. A word of which
//! nothing is known is a fact, so where knowledge ends, a model is asked.

use std::collections::BTreeSet;

use crate::tables::{
    ASKING, CAPITAL_MATTERS, CLOSINGS, EITHER_WAY, FOREIGN, HOW_CLOSINGS, HOW_OPENINGS, Kind, NO_PLURALS, OPENINGS,
    PHRASES, PLURALS, POLITE, Role, TASKS, role,
};
use crate::words::{Word, words};

/// Words that matter in a question; of two with more, the comparison would take too long.
const CONTENT_MAX: usize = 48;

/// The facts of a question.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    kind: Kind,
    /// Times, and what can, must or should be.
    marks: BTreeSet<&'static str>,
    /// Whom it is about, in the order in which they come.
    persons: Vec<&'static str>,
    /// The words that matter.
    content: Vec<Content>,
    is_english: bool,
    /// Whether it is written with capitals, so that a small letter says something.
    has_capitals: bool,
}

/// A word that matters.
#[derive(Clone, Debug)]
struct Content {
    word: Word,
    /// The preposition before it.
    governor: Option<String>,
}

impl Question {
    pub(crate) fn read(text: &str) -> Self {
        let mut words = words(text);
        let is_english = is_english(text, &words);
        let has_capitals = text.contains(char::is_uppercase);
        without_courtesy(&mut words);
        ask_how(&mut words);
        let words = in_usual_phrases(&words);
        let mut question = Self {
            kind: Kind::Other,
            marks: BTreeSet::new(),
            persons: Vec::new(),
            content: Vec::new(),
            is_english,
            has_capitals,
        };
        question.take(&words);
        // "What does it cost", and not "what is the cost centre".
        question.name_kind(words.iter().any(|word| word.is("do") || word.is("does")));
        question
    }

    /// Whether enough is known of it to compare it with another.
    pub(crate) fn is_comparable(&self) -> bool {
        self.is_english && !self.content.is_empty() && self.content.len() <= CONTENT_MAX
    }

    /// Whether an answer to the one answers the other.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        self.is_comparable()
            && other.is_comparable()
            && self.kind == other.kind
            && self.marks == other.marks
            && self.persons == other.persons
            && self.has_same_content_as(other)
    }

    /// Whether the same words matter, and have the same to do with each other.
    fn has_same_content_as(&self, other: &Self) -> bool {
        if self.content.len() != other.content.len() {
            return false;
        }
        let is_either_way = self.content.len() <= 3
            && self.content.iter().any(|content| EITHER_WAY.contains(&content.word.text.as_str()));
        // "What is rust?" is not about Rust. In longer questions the other words tell.
        let is_alone = self.content.len() == 1 && self.has_capitals && other.has_capitals;
        // Who and which is asked for is another question when it is several.
        let may_be_several = is_either_way || matches!(self.kind, Kind::How | Kind::Why | Kind::When | Kind::Where);
        let mut left: Vec<(usize, &Content)> = other.content.iter().enumerate().collect();
        let mut pairs: Vec<Pair<'_>> = Vec::with_capacity(left.len());
        for (index, one) in self.content.iter().enumerate() {
            // "The way of doing it" is how to do it; what comes after that is as it is said.
            let may_be_gerund = self.kind == Kind::How && index == 0;
            let is_it = |(place, other): &(usize, &Content)| {
                one.is_same_as(other, may_be_several, may_be_gerund && *place == 0)
                    && !(is_alone && differ_in_case(one, other))
            };
            let Some(at) = left.iter().position(is_it) else { return false };
            let (place, other) = left.remove(at);
            pairs.push(Pair { place, one, other });
        }
        is_either_way || (pairs.iter().all(Pair::is_governed_alike) && are_in_order(&pairs))
    }

    /// Sort the words by what they do.
    fn take(&mut self, words: &[Word]) {
        let mut asks: Option<Kind> = None;
        // The preposition before, and whether a word that matters has come since.
        let (mut governor, mut is_within): (Option<&Word>, bool) = (None, false);
        // Whether it has been said of whom or what it is asked, so that "do" is something that is done.
        let mut has_subject = false;
        for word in words {
            let is_month = word.is("may") && governor.is_some() && !is_within;
            let is_done = word.is("do") && has_subject;
            let role = if word.is_fixed || is_month || is_done { None } else { role(&word.text) };
            let belongs = match role {
                Some(Role::Noise | Role::Person(_)) => !is_within,
                // "To be" and "to do" as "to see".
                Some(Role::Auxiliary | Role::Marking(_)) => !is_within && governor.is_some_and(|word| word.is("to")),
                None => true,
                Some(Role::Asks(_) | Role::Preposition) => false,
            };
            if word.is_first || !belongs {
                self.strand(governor.filter(|_| !is_within));
                governor = None;
            }
            let begins = word.is_first
                && (matches!(role, Some(Role::Auxiliary | Role::Marking(_))) || word.is("have") || word.is("has"));
            if asks.is_none() && begins {
                asks = Some(Kind::YesNo);
            }
            match role {
                Some(Role::Asks(kind)) if asks.is_none() => {
                    asks = Some(kind);
                    has_subject = false;
                }
                Some(Role::Preposition) => (governor, is_within) = (Some(word), false),
                Some(Role::Marking(mark)) => {
                    self.marks.insert(mark);
                }
                Some(Role::Person(person)) => {
                    if self.persons.last() != Some(&person) {
                        self.persons.push(person);
                    }
                    has_subject = true;
                }
                Some(Role::Noise | Role::Auxiliary) => {}
                Some(Role::Asks(_)) | None => {
                    let preposition = if word.is_owner { Some("of") } else { governor.map(|word| word.text.as_str()) };
                    let governor = preposition.map(|text| if matches!(text, "into" | "onto") { "to" } else { text });
                    self.content.push(Content { word: word.clone(), governor: governor.map(str::to_owned) });
                    (is_within, has_subject) = (true, true);
                }
            }
        }
        self.strand(governor.filter(|_| !is_within));
        self.kind = asks.unwrap_or(Kind::Other);
    }

    /// A preposition after which nothing comes that matters does so itself: "without", as in "can I go without".
    fn strand(&mut self, preposition: Option<&Word>) {
        if let Some(word) = preposition.filter(|word| !word.is("to")) {
            self.content.push(Content { word: word.clone(), governor: None });
        }
    }

    /// What only the words together tell; `is_verb` says that "cost" and "mean" are verbs, if they are there.
    fn name_kind(&mut self, is_verb: bool) {
        let place = |text: &str| self.content.iter().position(|content| content.word.is(text));
        match (self.kind, place("cost"), place("mean"), place("difference")) {
            (Kind::HowMuch | Kind::What, Some(at), ..) if at > 0 && is_verb => {
                self.content.remove(at);
                self.kind = Kind::Price;
            }
            (Kind::What, _, Some(at), _) if at > 0 && is_verb => {
                self.content.remove(at);
                self.kind = Kind::Meaning;
            }
            (Kind::How | Kind::What, .., Some(_)) => {
                self.marks.remove("is");
                self.kind = Kind::What;
            }
            _ => {}
        }
        // Whoever asks how something is done wants to do it, or says "to" instead.
        let is_about_me = self.persons.iter().all(|person| *person == "i");
        if is_about_me && matches!(self.kind, Kind::How | Kind::Other) {
            self.persons.clear();
        }
    }
}

impl Content {
    /// Whether it is the same word, or one in another form.
    fn is_same_as(&self, other: &Self, may_be_several: bool, may_be_gerund: bool) -> bool {
        let (one, two) = (&self.word, &other.word);
        if one.text == two.text {
            return !(differ_in_case(self, other) && CAPITAL_MATTERS.contains(&one.text.as_str()));
        }
        let is_form =
            |one: &str, two: &str| may_be_several && is_plural(one, two) || may_be_gerund && is_gerund(one, two);
        !one.is_fixed && !two.is_fixed && (is_form(&one.text, &two.text) || is_form(&two.text, &one.text))
    }
}

/// Whether one begins with a capital and the other does not, where that says something.
fn differ_in_case(one: &Content, other: &Content) -> bool {
    one.word.is_capital.zip(other.word.is_capital).is_some_and(|(one, other)| one != other)
}

/// A word of one question, and that of the other which is the same.
struct Pair<'a> {
    /// Where it stands in the other.
    place: usize,
    one: &'a Content,
    other: &'a Content,
}

impl Pair<'_> {
    /// Whether the same preposition stands before both. Of a thing and to do it are said in other ways too.
    fn is_governed_alike(&self) -> bool {
        let can_be_left_out =
            |governor: &Option<String>| governor.as_deref().is_none_or(|governor| matches!(governor, "of" | "to"));
        let (one, other) = (&self.one.governor, &self.other.governor);
        one == other || can_be_left_out(one) && can_be_left_out(other)
    }

    /// Whether a preposition says in both questions what it has to do with the rest, so that its place does not have to.
    fn is_anchored(&self) -> bool {
        self.one.governor.is_some() && self.one.governor == self.other.governor
    }
}

/// Whether the words come in the same order, but for those of which a preposition says what their order would.
fn are_in_order(pairs: &[Pair<'_>]) -> bool {
    pairs.iter().enumerate().all(|(index, first)| {
        let mut after = pairs.iter().skip(index + 1);
        after.all(|second| {
            let are_told_apart = first.one.governor != second.one.governor;
            first.place < second.place || are_told_apart && (first.is_anchored() || second.is_anchored())
        })
    })
}

/// Whether the second is the plural of the first.
fn is_plural(one: &str, several: &str) -> bool {
    if NO_PLURALS.contains(&several) {
        return false;
    }
    if PLURALS.contains(&(one, several)) {
        return true;
    }
    let Some(stem) = several.strip_suffix('s').filter(|_| one.len() >= 3) else { return false };
    stem == one
        || stem.strip_suffix("ie").is_some_and(|stem| one.strip_suffix('y') == Some(stem))
        || stem.strip_suffix('e') == Some(one) && one.ends_with(['s', 'x', 'h', 'o'])
}

/// Whether the second is the first with `ing`.
fn is_gerund(verb: &str, gerund: &str) -> bool {
    let Some(stem) = gerund.strip_suffix("ing") else { return false };
    let last = verb.chars().next_back();
    let is_doubled = || stem.strip_prefix(verb).is_some_and(|more| more.chars().eq(last));
    verb.len() >= 3 && (stem == verb || verb.strip_suffix('e') == Some(stem) || is_doubled())
}

/// Whether it can be read with the tables of English.
fn is_english(text: &str, words: &[Word]) -> bool {
    let (letters, others) = text
        .chars()
        .filter(|c| c.is_alphabetic())
        .fold((0_usize, 0_usize), |(all, others), c| (all + 1, others + usize::from(!c.is_ascii())));
    let foreign: BTreeSet<&str> =
        words.iter().map(|word| word.text.as_str()).filter(|word| FOREIGN.contains(word)).collect();
    others * 10 <= letters && foreign.len() < 2
}

/// How many words the phrase has, if they begin with it.
fn begins_with(words: &[Word], phrase: &str) -> Option<usize> {
    let mut count = 0;
    for expected in phrase.split(' ') {
        words.get(count).filter(|word| word.is(expected))?;
        count += 1;
    }
    Some(count)
}

/// The same from the end.
fn ends_with(words: &[Word], phrase: &str) -> Option<usize> {
    let count = phrase.split(' ').count();
    let start = words.len().checked_sub(count)?;
    begins_with(words.get(start..)?, phrase)
}

fn longest(words: &[Word], phrases: &[&str]) -> Option<usize> {
    phrases.iter().filter_map(|phrase| begins_with(words, phrase)).max()
}

/// Leave out greetings, thanks, and asking to be told.
fn without_courtesy(words: &mut Vec<Word>) {
    // Some of it comes before other, and none of it is all there is.
    while let Some(count) = opening(words).filter(|count| *count < words.len()) {
        words.drain(..count);
        if let Some(first) = words.first_mut() {
            first.is_first = true;
        }
    }
    while let Some(count) = CLOSINGS.iter().filter_map(|closing| ends_with(words, closing)).max() {
        if count >= words.len() {
            break;
        }
        words.truncate(words.len() - count);
    }
}

fn opening(words: &[Word]) -> Option<usize> {
    let after = |count: usize| words.get(count..).and_then(|after| after.first());
    let is_task = |count: &usize| after(*count).is_some_and(|word| TASKS.iter().any(|task| word.is(task)));
    let asks = |count: &usize| {
        after(*count).is_some_and(|word| !word.is_fixed && matches!(role(&word.text), Some(Role::Asks(_))))
    };
    longest(words, OPENINGS)
        .or_else(|| longest(words, POLITE).filter(is_task))
        .or_else(|| longest(words, ASKING).filter(asks))
}

/// "I want to do it. How does that work?" is "How do I do it?"
fn ask_how(words: &mut Vec<Word>) {
    let Some(opening) = longest(words, HOW_OPENINGS) else { return };
    let Some(closing) = HOW_CLOSINGS.iter().filter_map(|closing| ends_with(words, closing)).max() else { return };
    if opening + closing < words.len() {
        words.truncate(words.len() - closing);
        words.splice(..opening, [Word { is_first: true, ..Word::plain("how") }]);
    }
}

/// What can be said in several ways, in one of them.
fn in_usual_phrases(words: &[Word]) -> Vec<Word> {
    let (mut usual, mut rest) = (Vec::with_capacity(words.len()), words);
    while let [first, after @ ..] = rest {
        let matching = PHRASES.iter().filter_map(|(phrase, same)| Some((begins_with(rest, phrase)?, *same)));
        let Some((count, same)) = matching.max_by_key(|(count, _)| *count) else {
            usual.push(first.clone());
            rest = after;
            continue;
        };
        let mut is_first = first.is_first;
        for word in same.split(' ') {
            usual.push(Word { is_first, ..Word::plain(word) });
            is_first = false;
        }
        rest = rest.get(count..).unwrap_or_default();
    }
    usual
}

#[cfg(test)]
mod tests;
