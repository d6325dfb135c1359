//! The notation that the signals are written in, and the lists of words that several of them share.

/// What separates two words: a blank in the notation.
const SEPARATOR: &str = r#"(?:[\x20\n"'`*_,;:()\[\]>/+\-]{1,4}|%20)"#;

/// Some words between two others: `~` in the notation.
const GAP: &str = r#"[a-z0-9\x20\n,'"`*_()/:;&#@%$\-]{0,40}?"#;

/// Words that stand between "ignore" and "instructions": `FILL` in the notation. Not `my` and `our`: what people
/// take back of their own is no attack.
const FILL: &str = r"(?: (?:a(?:ll|ii)|any|every|each|of|the|these|those|this|that|ur|your|you|were|was|have|been|are|got|given|received|previous(?:ly)?|prior|above|earlier|preceding|former|past|existing|initial|original|current|old|system(?:'s)?|safety|security|ethical|moral|content|usage|core|single|programmed|developers?(?:'s)?|creators?(?:'s)?|and|or|other|everything|entirely|completely|totally|about|from|set|built|in|internal|default|openai(?:'s)?|anthropic(?:'s)?|google(?:'s)?|company|gave|it|before|ai|model))*";

/// What is to be ignored: `NOUN` in the notation.
const NOUN: &str = r"(?:instructions?|prompts?|directives?|directions|guidelines?|ru[li]es?|commands?|programming|training|constraints?|restrictions?|protocols?|polic(?:y|ies)|filters?|limitations?|guardrails?|safeguards?|system messages?)";

/// The same two lists for German: `WORTE` and `ANWEISUNGEN` in the notation.
const WORTE: &str = r"(?: (?:sie|bitte|jetzt|nun|einfach|alle|alles|samtliche|jegliche|die|der|den|das|deiner?|deinen|ihre|ihren|bisherig\w*|vorherig\w*|vorig\w*|fruher\w*|vorangegangen\w*|obig\w*|zuvor|gegeben\w*|bestehend\w*|ursprunglich\w*|erhalten\w*|initial\w*|und|von|was|du|dir|oben))+";
const ANWEISUNGEN: &str = r"(?:anweisung\w*|instruktion\w*|vorgaben?|regeln|befehle|anordnung\w*|prompts?|systemprompts?|richtlinien|einschrankung\w*)";

/// Turn the notation into an expression. Without `(?u)` it is matched as ASCII, which keeps the automata small.
pub(crate) fn expand(pattern: &str) -> String {
    let lists =
        [("FILL", FILL), ("NOUN", NOUN), ("WORTE", WORTE), ("ANWEISUNGEN", ANWEISUNGEN), ("~", GAP), (" ", SEPARATOR)];
    let words = lists.iter().fold(pattern.to_owned(), |text, (sign, list)| text.replace(sign, list));
    if pattern.starts_with("(?u)") { words } else { format!("(?-u){words}") }
}

/// First pass: "... no longer apply", "... have been cancelled".
pub(super) const NOT_IN_FORCE: &str = r"(?:instructions?|prompts?|directives?|directions|guidelines?|rules?|commands?|programming|training|constraints?|restrictions?|protocols?|polic(?:y|ies)|filters?|limitations?|guardrails?|safeguards?|messages?|orders)(?: (?:above|you|were|given|got|that|have|has|been|are|is|was|now|all|hereby|no longer|do not|don'?t|does not)){1,6} (?:void|cancell?ed|null|obsolete|superseded|revoked|apply|valid|exist|overridden|overwritten|suspended|lifted|replaced|disabled)";

/// First pass: "... without any restrictions".
pub(super) const NO_RULES: &str = r"(?:without|with no|no|free (?:of|from)|freed from|zero|not bound by|not subject to|not limited by|not have any|don't have any|ignores?|does not have(?: to)?(?: abide by)?|unbound by)(?: (?:any|every|each|single|your|more|of|the|all|ethical|moral|content|safety|legal|usage|openai(?:'s)?|typical|usual|normal|corporate|its|such))* (?:restrictions?|limitations?|limits|rules|guidelines|filters?|censorship|ethics|morals|boundaries|constraints|safeguards|polic(?:y|ies)|guardrails|moderation|exceptions)\b";

/// First pass: "system prompt", "initial instructions".
pub(super) const PRIVATE: &str = r"(?:system|initial|original|hidden|secret|confidential|internal|developer|pre|base|starting|underlying|first|preset)[\x20_-]?(?:system |internal )?(?:prompt|instruction|message|directive|configuration|guideline|rules|context|setup)";

/// First pass: what somebody would carry out of a conversation.
pub(super) const PRECIOUS: &str = r"(?:conversation (?:history|summary|so far)|(?:append|include|insert|put|encode|embed|add|send|forward|post|upload|print)(?: the| this| whole| entire| user's)* (?:conversation|contents?|notes|user data|its contents?)|chat ?history|api keys?|id_rsa|credentials|environment variables|private keys?|inbox|unread|all e?mails|credit card|password|secrets|its (?:contents|notes|context|memory)|cookies|donn)";

/// First pass: a text that turns to a model.
pub(super) const ADDRESS: &str = r"(?:dear|hey|hi|hello|attention|notice to|note (?:to|for)|message (?:to|for)|instructions? (?:to|for)|important (?:message |note )?(?:to|for)|hinweis an|anweisung an|note a l'|nota para)(?: (?:the|any|all|an?|den|die|alle|every|future|l|el|la))* ?(?:ki-?)?(?:ai|a\.i|llms?|language models?|assistants?|asistente|assistenten|chatbots?|bots?|agents?|summari[sz]ers?|crawlers?|gpt|chatgpt|claude|copilot|gemini)\b";
