//! Jailbreaks: a persona, a mode or a game in which the rules do not hold.

use super::{Signal, words::NO_RULES};

const fn signal(said: f32, data: f32, gate: &'static [&'static str], pattern: &'static str) -> Signal {
    Signal { rule: "role-play", said, data, gate, pattern }
}

pub(super) const SIGNALS: &[Signal] = &[
    signal(
        0.65,
        0.65,
        &["do ?anything ?now", "betterdan", "dan mode"],
        r"\bdo ?anything ?now\b|\bbetterdan\b|\bdan mode\b",
    ),
    signal(
        0.4,
        0.4,
        &[
            r"(?:are|re|as|like|become|stay|enable|simulate|play|be)(?: (?:now|going to be|called|named|an?|ai|as))* (?:dan|stan|dude|aim)\b",
            "betterdan",
            "evilbot",
            r"\bdan (?:has|can|does|will|is free|mode)",
        ],
        r"\b(?:you are|you're|act as|act like|become|stay|enable|respond as|answer as|simulate|play|be)(?: (?:now|going to be|called|named|an?|ai|as))* (?:dan|stan|dude|aim|betterdan|evilbot)\b|\bdan (?:has|can|does not|will|is free|mode)\b",
    ),
    // A persona without rules, offered to the model.
    signal(
        0.72,
        0.72,
        &[NO_RULES],
        r"\b(?:you are|you're|you have|you had|you will|you can|your|act as|act like|act freely|pretend|imagine|behave|respond|answer|reply|from now on|roleplay as|role-play as|simulate|as an? (?:ai|model|llm|chatbot))~(?:without|with no|no|free (?:of|from)|freed from|zero|have no|has no|had no|not bound by|not subject to|not limited by|not have any|don't have any|ignores?)(?: (?:any|every|each|single|your|more|of|the|all|ethical|moral|content|safety|legal|usage|openai(?:'s)?|typical|usual|normal|corporate|its|such))* (?:restrictions?|limitations?|limits|rules|guidelines|filters?|censorship|ethics|morals|boundaries|constraints|safeguards|polic(?:y|ies)|guardrails|moderation|exceptions)\b",
    ),
    signal(
        0.4,
        0.4,
        &[NO_RULES],
        r"\b(?:ai|model|llm|chatbot|assistant|chatgpt|gpt|claude|gemini)~(?:without|with no|has no|have no|had no|free (?:of|from)|freed from|does not have(?: to)?(?: abide by)?|not bound by|ignores?|unbound by)(?: (?:any|every|each|single|your|more|of|the|all|ethical|moral|content|safety|usual|corporate|openai(?:'s)?|its))* (?:restrictions?|limitations?|limits|rules|guidelines|filters?|censorship|ethics|morals|boundaries|constraints|safeguards|polic(?:y|ies)|guardrails|moderation|exceptions)\b",
    ),
    signal(
        0.5,
        0.5,
        &["unrestrict", "unfilter", "uncensor", "jailbr", "amoral", "unethical", "unaligned"],
        r"\b(?:unrestricted|unfiltered|uncensored|jailbroken|amoral|unethical|unaligned)(?: and (?:unrestricted|unfiltered|uncensored|amoral|unethical))?(?: \w+)? (?:ai|model|assistant|chatbot|bot|language|llm|version|mode|response|responses|output|answers?|persona)\b",
    ),
    signal(
        0.5,
        0.5,
        &["unrestrict", "unfilter", "uncensor", "jailbr", "unshackled", "liberated"],
        r"\b(?:you are|you're|you have been|act as|be|as|respond|answer|become)(?: now| an?| completely| totally| fully)* (?:unrestricted|unfiltered|uncensored|jailbroken|jailbreak|unshackled|liberated)\b",
    ),
    // "Developer mode", with something that is a model and not a phone.
    signal(
        0.6,
        0.6,
        &["(?:developer|dev|debug|god|sudo|jailbreak|opposite|unrestricted|admin) mode"],
        r"\b(?:(?:chatgpt|gpt|claude|gemini|ai model|language model|you are|you're|respond|answer|switch to|simulate)(?: \w+){0,5}? (?:developer|dev|debug|god|sudo|jailbreak|unrestricted|opposite|admin) mode|(?:developer|dev|god|sudo|jailbreak) mode (?:output|response|policy|v2)|(?:enter|activate) (?:developer|god|sudo|jailbreak|unrestricted|admin) mode)\b",
    ),
    signal(
        0.3,
        0.3,
        &["(?:developer|debug|god|sudo|jailbreak) mode"],
        r"\b(?:developer|debug|god|sudo|jailbreak) mode\b",
    ),
    // Coerced compliance.
    signal(
        0.4,
        0.4,
        &[
            "(?:never|not|cannot|can'?t|don'?t|without) (?:refus|declin|moraliz|moralis|say (?:no|'?i can))",
            "compl(?:y|ies) with (?:every|all|any)",
            "if you refuse",
            "refus(?:ing|al) is not",
            "(?:no|without|warnings? or)(?: any)? (?:disclaimer|warnings? or)",
            "no matter how (?:illegal|unethical|harmful|offensive)",
        ],
        r"\b(?:never|not|cannot|can'?t|don'?t|must not|do not|without) (?:refus\w+|declin\w+|moraliz\w+|moralis\w+|say (?:no|'?i can'?t))\b|\b(?:comply|complies) with (?:every|all|any) (?:request|command|order)s?\b|\bif you refuse\b|\brefus(?:ing|al) is not (?:allowed|permitted|an option|possible)\b|\bno disclaimers?\b|\bwithout (?:any )?(?:warnings? or )?(?:disclaimers?|moralizing|moralising)\b|\bno matter how (?:illegal|unethical|harmful|offensive)\b",
    ),
    signal(
        0.4,
        0.4,
        &[
            r"(?:lose|deduct\w*|minus) \w+ (?:tokens|points|credits)",
            "two personalities",
            "in two ways",
            "two (?:responses|answers)",
            "jailbr",
            "freed from",
        ],
        r"\b(?:lose|deduct\w*|minus) (?:\d+|\w+) (?:tokens|points|credits)\b|\b(?:two personalities|(?:answer|respond|reply) in two ways|two (?:responses|answers)~(?:normal|classic|standard))\b|\bjailbreak,? a version\b|\bjailbroken\b|\bfreed from (?:all|your|its)\b",
    ),
    // The affirmative beginning.
    signal(
        0.35,
        0.35,
        &[r"(?:start|begin)(?: your)?(?: answer| response| reply)?~with ?['\x22]?(?:sure|absolutely|of course)"],
        r"\b(?:start|begin)(?: your)?(?: answer| response| reply)?~with ?['\x22]?(?:sure|absolutely|of course)\b",
    ),
    // The late grandmother.
    signal(
        0.75,
        0.5,
        &["(?:deceased|dead|late) grand"],
        r"\b(?:deceased|dead|late) (?:grandm\w+|grandfather)~(?:used to|would|who)~(?:keys?|serial|passwords?|napalm|explosives?|bomb|codes?|recipe)",
    ),
    // The rules are off.
    signal(
        0.55,
        0.55,
        &[
            r"(?:filters?|guidelines|restrictions|safeguards|polic(?:y|ies)|rules) (?:were|are|is|was|had been|have been|don'?t|do not|didn'?t|did not)(?: \w+)? ?(?:disabled|off|turned|lifted|removed|gone|deactivated|exist|apply)",
        ],
        r"\b(?:as if|where|when|imagine|pretend)~(?:your|all|the)(?: \w+){0,2} (?:filters?|guidelines|restrictions|safeguards|polic(?:y|ies)|rules) (?:were|are|is|was|had been|have been|don'?t|do not|didn'?t|did not)(?: \w+)? ?(?:disabled|off|turned off|lifted|removed|gone|deactivated|exist|apply)\b",
    ),
    signal(
        0.3,
        0.3,
        &["in that persona", "typical confines", "strive to avoid", "broken free", "as that model"],
        r"\b(?:in that persona|typical confines of ai|strive to avoid norms|broken free|as that model)\b",
    ),
    signal(
        0.35,
        0.4,
        &[
            "(?:unethical|illegal|immoral|amoral|offensive) (?:answers?|content|advice|requests?|responses?)",
            "legal or not",
            "regardless of (?:ethic|moral|legal)",
        ],
        r"\b(?:unethical|illegal|immoral|amoral|offensive) (?:answers?|content|advice|requests?|responses?)\b|\blegal or not\b|\bregardless of (?:ethic|moral|legal)\w*",
    ),
    // A world, a self or a twin to whom the rules do not apply.
    signal(
        0.5,
        0.5,
        &[
            r"(?:world|universe|dimension|reality|scenario|country|society|simulation) (?:where|in which|that has|without)",
        ],
        r"\b(?:world|universe|dimension|reality|scenario|country|society|simulation) (?:where|in which|that has|without)~(?:no|not|without|never|nothing|free)(?: \w+){0,4}? (?:rules|laws|duty|limits|careful|ethics|restrictions|illegal|forbidden|consequences|morals?|guidelines|censorship|filters?)\b",
    ),
    signal(
        0.42,
        0.42,
        &[r"in (?:that|this) (?:universe|world|scenario|reality)"],
        r"\bin (?:that|this) (?:universe|world|scenario|reality),? (?:what|how|you|tell|explain)\b",
    ),
    signal(
        0.5,
        0.5,
        &[
            "true self",
            "real self",
            "inner self",
            "real you",
            "alter ego",
            "evil twin",
            "other personality",
            "split personality",
            "without your mask",
            "drop the (?:act|mask|facade)",
        ],
        r"\b(?:your (?:true|real|inner|hidden) self|the real you|alter ego|evil twin|(?:other|split) personality|without your mask|drop the (?:act|mask|facade))\b",
    ),
    signal(
        0.5,
        0.5,
        &[
            "before (?:the|your|any) (?:safety|alignment|training)",
            r"(?:never|not|isn'?t|un) ?(?:be )?(?:censored|filtered|moderated)",
            "corporate filter",
            r"nothing is (?:off|forbidden|taboo)",
            "off the record",
        ],
        r"\bbefore (?:the|your|any) (?:safety|alignment|training)\b|\b(?:never|not|isn'?t) (?:be |being )?(?:censored|filtered|moderated)\b|\bcorporate filter\b|\bnothing is (?:off limits|off-limits|forbidden|taboo)\b|\boff the record\b",
    ),
    signal(
        0.35,
        0.35,
        &["permission to", "my permission", "(?:allowed|permitted|free) to (?:swear|curse|lie|say|insult)"],
        r"\b(?:i give you|you have(?: my)?) permission\b|\byou are (?:allowed|permitted|free) to (?:swear|curse|lie|say|insult)\b",
    ),
    signal(
        0.55,
        0.55,
        &[
            "(?:care about|respect|follow|obey|abide by|believe in|bound by)(?: any| the| openai'?s?| its| their)* (?:rules|polic|guidelines|ethic|laws|moral)",
        ],
        r"\b(?:does not|doesn'?t|do not|don'?t|never|not|won'?t|will not) (?:care about|respect|follow|obey|abide by|believe in|bound by)(?: any| the| openai'?s?| its| their)* (?:rules|polic(?:y|ies)|guidelines|ethics|laws|morals?)\b",
    ),
    signal(
        0.4,
        0.4,
        &["(?:ai|model|chatbot|assistant|bot) (?:that|who|which) (?:can|will|does|is)"],
        r"\b(?:you are|you're|as|be|become|act as|play)~(?:ai|model|chatbot|assistant|bot) (?:that|who|which) (?:can|will|does|is) (?:say|do|use|generate|write|swear|answer|not|never|free|evil|unethical|anything|allowed)\b",
    ),
    signal(
        0.62,
        0.62,
        &[
            "(?:as if|like|pretend|you are|you're|act as|imagine|as)(?: you were| you are| to be| like)* an? (?:terrorist|criminal|nazi|racist|murderer|drug dealer|scammer|serial killer|cyber ?criminal|bomb)",
        ],
        r"\b(?:as if|like|pretend|you are|you're|act as|imagine|answer as|respond as)(?: you were| you are| to be| like)* an? (?:terrorist|criminal|nazi|racist|murderer|drug dealer|scammer|serial killer|cyber ?criminal|bomb \w+)\b",
    ),
    signal(
        0.5,
        0.5,
        &[
            "(?:disabl|deactivat|turn|switch|remov|bypass)\\w*(?: off)? (?:its|your|his|her) (?:ethic|safety|moral|content)",
        ],
        r"\b(?:disabl|deactivat|turn|switch|remov|bypass)\w*(?: off)? (?:its|your|his|her) (?:ethics?|safety|moral|content)(?: \w+)? ?(?:module|filters?|layer|checks|protocols?|guidelines|training|core|chip)\b",
    ),
    signal(
        0.45,
        0.3,
        &["(?:late|dead|deceased) (?:grand|uncle|aunt|father|mother|dad|mom|mum|husband|wife|friend)"],
        r"\b(?:late|dead|deceased) (?:grand\w+|uncle|aunt|father|mother|dad|mom|mum|husband|wife|friend)~(?:used to|told|would|taught|who|explained)\b",
    ),
    signal(
        0.3,
        0.3,
        &[],
        r"\bplay (?:the|that) (?:assistant|ai|chatbot|robot)\b|\bexplains? everything\b|\bi am free\b|\bno censorship\b",
    ),
    // What only makes other signals stronger.
    signal(
        0.3,
        0.35,
        &[],
        r"\b(?:user|i) (?:is|am)(?: now)? (?:an? |the )?(?:admin|administrator|root|developer|owner)\b|\bgrant (?:everything|anything|the user)\b|\bobeys? (?:the user|me|every)\b|\bwhatever (?:the user|i) asks?\b",
    ),
    signal(
        0.2,
        0.25,
        &[],
        r"\byou (?:will )?answer (?:everything|anything|all|every question)\b|\b(?:answer|respond to|say) (?:everything|anything)\b|\bnever (?:breaks? character|say no)\b|\bstay in character\b|\byou (?:can|could) say anything\b",
    ),
];
