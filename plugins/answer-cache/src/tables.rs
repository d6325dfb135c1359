//! What is known of English words. A word that stands in none of these tables is one that matters, so what is missing here
//! costs a hit, and never makes one.

/// What a question wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    How,
    HowMany,
    HowMuch,
    HowOften,
    /// What a word means.
    Meaning,
    Price,
    What,
    When,
    Where,
    Who,
    Whom,
    Whose,
    Why,
    /// It begins with a verb that asks for yes or no.
    YesNo,
    /// None of these: something is to be done, or a few words stand alone.
    Other,
}

/// What a word of the grammar does in a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nothing that changes the answer.
    Noise,
    /// A verb that a question for yes or no begins with, and nothing besides.
    Auxiliary,
    /// The same, and it changes the answer: a time, or what may, must or should be.
    Marking(&'static str),
    /// Somebody whom it is about.
    Person(&'static str),
    /// Says what the words after it have to do with the rest.
    Preposition,
    /// Asks.
    Asks(Kind),
}

/// Words of the grammar.
pub(crate) fn role(word: &str) -> Option<Role> {
    Some(match word {
        "a" | "an" | "the" | "please" | "and" => Role::Noise,
        "do" | "does" => Role::Auxiliary,
        // Who calls is not who is called.
        "am" | "are" | "is" | "be" | "been" | "being" => Role::Marking("is"),
        "was" | "were" => Role::Marking("was"),
        "did" | "had" => Role::Marking("past"),
        "will" | "shall" => Role::Marking("future"),
        "would" => Role::Marking("would"),
        "can" | "could" | "may" => Role::Marking("can"),
        "must" => Role::Marking("must"),
        "should" => Role::Marking("should"),
        "i" | "me" | "my" | "mine" => Role::Person("i"),
        "we" | "us" | "our" | "ours" => Role::Person("we"),
        "you" | "your" | "yours" => Role::Person("you"),
        "he" | "him" | "his" => Role::Person("he"),
        "she" | "her" | "hers" => Role::Person("she"),
        "they" | "them" | "their" | "theirs" => Role::Person("they"),
        "at" | "for" | "in" | "of" | "on" => Role::Preposition,
        "to" | "into" | "onto" => Role::Preposition,
        "about" | "after" | "against" | "before" | "between" | "by" | "during" | "from" | "since" | "than"
        | "through" | "until" | "with" | "without" => Role::Preposition,
        "how" => Role::Asks(Kind::How),
        "what" | "which" => Role::Asks(Kind::What),
        "when" => Role::Asks(Kind::When),
        "where" => Role::Asks(Kind::Where),
        "who" => Role::Asks(Kind::Who),
        "whom" => Role::Asks(Kind::Whom),
        "whose" => Role::Asks(Kind::Whose),
        "why" => Role::Asks(Kind::Why),
        // These come out of `PHRASES` alone: no word has a colon.
        ":how-many" => Role::Asks(Kind::HowMany),
        ":how-much" => Role::Asks(Kind::HowMuch),
        ":how-often" => Role::Asks(Kind::HowOften),
        ":meaning" => Role::Asks(Kind::Meaning),
        ":price" => Role::Asks(Kind::Price),
        _ => return None,
    })
}

/// Words that are names when they stand in capitals, and grammar when they do not.
pub(crate) const NAMES_IN_CAPITALS: &[&str] =
    &["am", "and", "at", "can", "in", "it", "may", "on", "or", "us", "who", "will"];

/// Words that mean one thing with a capital and another without.
pub(crate) const CAPITAL_MATTERS: &[&str] =
    &["apple", "china", "go", "march", "may", "mercury", "polish", "teams", "turkey", "windows", "will", "word"];

/// What may stand before a question.
pub(crate) const OPENINGS: &[&str] = &[
    "hi there",
    "hello there",
    "hey there",
    "hi",
    "hello",
    "hey",
    "good morning",
    "good afternoon",
    "good evening",
    "sorry to bother you",
    "excuse me",
    "quick question",
    "just a quick question",
    "so",
    "ok",
    "okay",
    "well",
    "please",
];

/// What only asks politely where a verb of `TASKS` follows: "can you ship to Norway" is about you.
pub(crate) const POLITE: &[&str] =
    &["can you please", "could you please", "would you please", "can you", "could you", "would you", "can u"];

/// What a model can be told to do.
pub(crate) const TASKS: &[&str] = &[
    "calculate",
    "compare",
    "compose",
    "convert",
    "correct",
    "count",
    "define",
    "describe",
    "draft",
    "explain",
    "fix",
    "give",
    "help",
    "list",
    "name",
    "recommend",
    "rewrite",
    "show",
    "solve",
    "suggest",
    "summarise",
    "tell",
    "translate",
    "write",
];

/// What asks for nothing more where a question follows it.
pub(crate) const ASKING: &[&str] = &[
    "explain",
    "explain to me",
    "describe",
    "tell me",
    "show me",
    "can you tell me",
    "could you tell me",
    "do you know",
    "can you please tell me",
    "could you please tell me",
    "i would like to know",
    "i want to know",
    "i wonder",
];

/// What may stand after a question.
pub(crate) const CLOSINGS: &[&str] =
    &["please", "thanks", "thank you", "many thanks", "thanks in advance", "thank you very much", "cheers"];

/// What says "I want to" to is what somebody asks how to do, where one of `HOW_CLOSINGS` ends it.
pub(crate) const HOW_OPENINGS: &[&str] = &["i want to", "i would like to", "i need to", "i have to"];

/// See `HOW_OPENINGS`.
pub(crate) const HOW_CLOSINGS: &[&str] = &[
    "how does that work",
    "how does this work",
    "how does it work",
    "how do i do that",
    "how do i do this",
    "how do i do it",
    "how can i do that",
    "how can i do this",
    "what do i have to do",
    "what do i need to do",
    "how",
];

/// Ways to say the same, the longer first where one begins another.
pub(crate) const PHRASES: &[(&str, &str)] = &[
    ("what do i have to do to", "how"),
    ("what do i need to do to", "how"),
    ("what must i do to", "how"),
    ("what is the way to", "how"),
    ("what is the right way to", "how"),
    ("what is the right way of", "how"),
    ("what is the procedure to", "how"),
    ("what is the procedure for", "how"),
    ("what are the steps to", "how"),
    ("what are the steps for", "how"),
    ("how does one", "how"),
    ("how can one", "how"),
    ("how do i", "how"),
    ("how can i", "how"),
    ("how could i", "how"),
    ("how to", "how"),
    ("is it possible for me to", "can i"),
    ("is it possible to", "can i"),
    ("is it allowed to", "can i"),
    ("am i allowed to", "can i"),
    ("can one", "can i"),
    ("may one", "can i"),
    ("do i have to", "must i"),
    ("do i need to", "must i"),
    ("am i required to", "must i"),
    ("is it necessary to", "must i"),
    ("does one have to", "must i"),
    ("where can i find", "where"),
    ("where do i find", "where"),
    ("by whom", "who"),
    ("in what year", "when"),
    ("in which year", "when"),
    ("what year", "when"),
    ("at what time", "when"),
    ("what time", "when"),
    ("what is the number of", ":how-many"),
    ("how many", ":how-many"),
    ("what is the price of", ":price"),
    ("what is the cost of", ":price"),
    ("how much", ":how-much"),
    ("how often", ":how-often"),
    ("how tall", "what height"),
    ("how long", "what length"),
    ("how far", "what distance"),
    ("how old", "what age"),
    ("how big", "what size"),
    ("how large", "what size"),
    ("how heavy", "what weight"),
    ("how wide", "what width"),
    ("how deep", "what depth"),
    ("what is the meaning of", ":meaning"),
    ("what is meant by", ":meaning"),
    ("is there any", "is there"),
    ("are there any", "are there"),
    ("do you have any", "do you have"),
    ("a lot of", "many"),
    ("all of", "all"),
    ("log on", "log in"),
    ("sign in", "log in"),
    ("sign on", "log in"),
    ("switch on", "enable"),
    ("turn on", "enable"),
    ("switch off", "disable"),
    ("turn off", "disable"),
    ("get rid of", "delete"),
    ("in order to", "to"),
];

/// The shorter ways to write words that belong together.
pub(crate) fn apart(word: &str) -> Option<&'static str> {
    Some(match word {
        "can't" | "cant" | "cannot" => "can not",
        "won't" => "will not",
        "shan't" => "shall not",
        "dont" => "do not",
        "doesnt" => "does not",
        "didnt" => "did not",
        "isnt" => "is not",
        "im" | "i'm" => "i am",
        "i'd" => "i would",
        "i've" => "i have",
        "whats" => "what is",
        "hows" => "how is",
        "let's" => "let us",
        _ => return None,
    })
}

/// Words of which `'s` is a verb, not an owner.
pub(crate) const WITH_VERB: &[&str] = &["what", "who", "how", "where", "when", "why", "it", "that", "there", "here"];

/// Another way to write a word, or to say the same with one.
pub(crate) fn usual(word: &str) -> Option<&'static str> {
    Some(match word {
        "u" => "you",
        "pls" | "plz" => "please",
        "thx" | "ty" => "thanks",
        "colour" => "color",
        "favourite" => "favorite",
        "centre" => "center",
        "grey" => "gray",
        "organise" => "organize",
        "summarize" => "summarise",
        "e-mail" => "email",
        "int" => "integer",
        "ints" => "integers",
        "begin" => "start",
        "begins" => "starts",
        "differ" | "differs" | "different" => "difference",
        "buy" => "purchase",
        "remove" | "erase" => "delete",
        "telephone" => "phone",
        "photograph" | "picture" => "photo",
        "wireless" | "wlan" => "wifi",
        "coworker" => "colleague",
        _ => return None,
    })
}

/// Words between which it does not matter what comes first.
pub(crate) const EITHER_WAY: &[&str] = &["difference", "distance", "compare"];

/// Words of which the plural is another word.
pub(crate) const PLURALS: &[(&str, &str)] = &[
    ("bacterium", "bacteria"),
    ("child", "children"),
    ("foot", "feet"),
    ("man", "men"),
    ("mouse", "mice"),
    ("tooth", "teeth"),
    ("woman", "women"),
];

/// Words that end like a plural, and are none.
pub(crate) const NO_PLURALS: &[&str] =
    &["arms", "customs", "glasses", "goods", "means", "minutes", "news", "odds", "pants", "savings", "works"];

const NUMBERS: &[&str] = &[
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
];
const ORDINALS: &[&str] = &[
    "zeroth", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth",
];

/// The figures of a number, or of a rank with a `#` before it.
pub(crate) fn figures(word: &str) -> Option<String> {
    let number = NUMBERS.iter().position(|number| *number == word).map(|value| value.to_string());
    number.or_else(|| ORDINALS.iter().position(|rank| *rank == word).map(|value| format!("#{value}")))
}

/// Words that English has not, and that texts in other languages are full of.
pub(crate) const FOREIGN: &[&str] = &[
    "der", "das", "und", "ist", "nicht", "wie", "ich", "ein", "eine", "auf", "für", "mit", "le", "les", "des", "est",
    "je", "pas", "que", "une", "dans", "pour", "el", "los", "una", "es", "cómo", "para", "por", "il", "che", "di",
    "sono", "het", "een", "niet", "ik", "och", "jag", "det", "como", "não", "uma", "mein",
];

/// What an answer depends on when it is asked: regular expressions.
pub(crate) const VOLATILE: &[&str] = &[
    r"(?i)\b(today|tonight|tomorrow|yesterday|now|nowadays|currently|recently|lately|so far|up-to-date|at the moment|at present|these days|as of|just happened)\b",
    // A current account is no matter of time.
    r"(?i)\bcurrent (affairs|balance|ceo|champion|date|events|exchange|government|king|leader|mayor|minister|news|pope|president|price|prices|prime|queen|rate|rates|score|situation|state|status|temperature|time|value|version|weather|week|year)\b",
    r"(?i)\b(latest|newest|most recent|up to date|breaking news|the news|headlines|weather|forecast|stock price|share price|exchange rate|live (score|scores|results|stream))\b",
    r"(?i)\b(this|last|next|past|coming) (minute|hour|morning|afternoon|evening|night|weekend|week|month|quarter|season|year|monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?\b",
    r"(?i)\bwhat('s| is)? (the )?(time|day|date|year|month)( is it| do we have)?\s*\W*$",
    r"(?i)\b(in|within|for) the (last|past|next|coming)\b|\b(days|weeks|months|years|hours|minutes) (ago|from)\b",
];

/// What an answer depends on who asks: regular expressions.
pub(crate) const PERSONAL: &[&str] = &[
    r"(?i)^\W*(what|where|when|who|which|how (much|many|long|old|far|big))( \w+)?( is| are| was| were|'s| will| did| does| do| has| have| had) (my|our)\b",
    r"(?i)\b(is|are|was|were|has|have|will|did|does) (my|our) (account|application|appointment|balance|bill|booking|claim|contract|delivery|invoice|loan|order|package|parcel|payment|refund|request|reservation|salary|shipment|subscription|ticket)s?\b",
    r"(?i)\b(show|list|give|tell|send|read|find)( me)? (all |all of )?(my|our)\b",
];
