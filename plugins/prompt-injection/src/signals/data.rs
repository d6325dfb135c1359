//! Instructions in data: text that speaks to the model from where nobody should.

use super::{Signal, words::ADDRESS};

const fn signal(said: f32, data: f32, gate: &'static [&'static str], pattern: &'static str) -> Signal {
    Signal { rule: "indirect", said, data, gate, pattern }
}

pub(super) const SIGNALS: &[Signal] = &[
    // "Note to AI agents:"
    signal(
        0.2,
        0.6,
        &[ADDRESS],
        r"\b(?:dear|hey|hi|hello|attention|notice to|note (?:to|for|a l'|para el)|message (?:to|for)|instructions? (?:to|for)|important (?:message |note )?(?:to|for)|hinweis an|anweisung an|note a|nota para)(?: (?:the|any|all|an?|den|die|alle|every|future|l|el|la))* (?:ki-?)?(?:ai|a\.i|llms?|language models?|assistants?|asistente|assistenten|chatbots?|bots?|agents?|summari[sz]ers?|crawlers?|gpt|chatgpt|claude|copilot|gemini)\b",
    ),
    signal(
        0.15,
        0.55,
        &[
            r"(?:if you are an?|if you're an?|as an?|any|all) (?:ai|llm|language model|automated|large language)\b",
            "(?:ai|llm) (?:assistants?|agents?|models?) (?:reading|processing|reviewing|that)",
        ],
        r"\b(?:if you are an?|if you're an?|as an?|any|all) (?:ai|llm|language model|automated|large language model)(?: (?:ai|agents?|models?|assistants?|language|reviewer|system|that|who|which|reading|processes|processing|reviews|reviewing|reads|sees))*(?: (?:this|the) (?:page|document|text|paper|file|message))?~(?:must|should|please|you should|give|ignore|reply|have to|now|recommend)\b|\b(?:ai|llm) (?:assistants?|agents?|models?) (?:reading|processing|reviewing|that reads?|that process(?:es)?) this\b",
    ),
    // "Assistant, please forward ..."
    signal(
        0.05,
        0.6,
        &[
            r"\b(?:assistant|ai|claude|chatgpt|copilot|gemini|agent)(?:[,:]| should\b| must\b)",
            "@(?:copilot|claude|gemini|chatgpt)",
        ],
        r"(?:^|[\n.!?>\x22*(@\[:{,]\s?)(?:ai ?)?(?:assistant|ai|claude|chatgpt|copilot|gemini|agent)(?:[,:]| should| must)(?: (?:please|you must|you should|now|first|kindly|also|immediately|when summari[sz]ing(?: this)?(?: document| page)?|tell|must))* (?:forward|send|delete|e?mail|call|execute|run|open|visit|click|buy|transfer|reply|ignore|tell|say|include|add|post|read|respond|recommend|answer|print|fetch|upload|stop)\b|@(?:copilot|claude|gemini|chatgpt)\b~(?:please )?(?:add|send|delete|run|post|merge|push)",
    ),
    signal(
        0.05,
        0.45,
        &[
            r"(?:when|whenever|once|after)(?: you)? (?:read|see|process\w*|summari[sz]\w*|encounter|parse|review|index) (?:this|the following)",
        ],
        r"\b(?:when|whenever|once|after)(?: you)? (?:read|see|process\w*|summari[sz]\w*|encounter|parse|review|index) (?:this|the following)(?: \w+)?,? (?:please )?(?:call|use|send|run|tell|say|open|forward|execute|visit|reply|include|ignore|delete|do)\b",
    ),
    // Readers that are machines, described rather than addressed.
    signal(
        0.15,
        0.5,
        &[
            "automated (?:reader|reviewer|agent|system|assistant|screen|process)",
            "(?:llm|ai|language model|bot|assistant|agent|model|helper|tool)s? (?:is |are |that |who |which )?(?:currently )?(?:screen|read|process|evaluat|review|summari|pars|scor|handl|index)",
        ],
        r"\b(?:for|to|dear|any|all|note)(?: \w+)? automated (?:readers?|reviewers?|agents?|systems?|assistants?)\b|(?:^|[.\n!?] ?|\b(?:if|when|any|every|whichever|the|all) )(?:an? |any )?(?:llm|ai|language model|bot|assistant|agent|helper|ai system|ai tool)s?(?: is| are| that| who| which)*(?: currently)? (?:screening|reading|processing|evaluating|reviewing|summari[sz]ing|parsing|scoring|handling|reads?|processe?s?|summari[sz]es?|scores?) (?:this|it|these|the)\b",
    ),
    signal(
        0.05,
        0.35,
        &[],
        r"(?:^|[\n.!?] ?)(?:ai|assistant|agent|llm|claude|copilot|gpt|bot) ?:|\b(?:should|must|needs to|has to|shall|kindly|also)(?: also)? (?:score|rate|rank|give|say|answer|reply|recommend|approve|add|include|mail|send|open|visit|type)\b",
    ),
    signal(
        0.1,
        0.45,
        &[
            "full marks",
            "10/10",
            "(?:top|perfect|highest|maximum) (?:score|rating|grade|mark)",
            "to your (?:verdict|answer|summary|review|response|output)",
            "replace (?:the|your) (?:summary|answer|response|output)",
            "instead of (?:a|the) summary",
        ],
        r"\bfull marks\b|\b10/10\b|\b(?:top|perfect|highest|maximum) (?:score|rating|grade|marks?)\b|\bto your (?:verdict|answer|summary|review|response|output)\b|\breplace (?:the|your) (?:summary|answer|response|output)\b|\binstead of (?:a|the) summary\b",
    ),
    signal(
        0.15,
        0.45,
        &[
            "keep (?:quiet|silent|this|it) ?",
            "say nothing",
            "between us",
            "without (?:telling|asking|informing|notifying|approval|confirmation)",
            "skip (?:the |all )?(?:checks?|verification|review|confirmation)",
        ],
        r"\bkeep (?:quiet|silent|(?:this|it) (?:secret|quiet|hidden|between))\b|\bsay nothing about\b|\bwithout (?:telling|asking|informing|notifying) (?:anyone|anybody|the|them|him|her)\b|\bwithout (?:approval|confirmation)\b|\bskip (?:the |all )?(?:checks?|verification|review|confirmation)\b",
    ),
    signal(
        0.05,
        0.35,
        &[
            "open the link",
            "click (?:the|this|on)",
            "navigate to",
            "session cookie",
            r"push (?:directly |straight )?to (?:main|master|prod)",
            "(?:type in|submit|enter|provide) (?:the|your|their) (?:session|cookie|token|credential|otp|pin)",
        ],
        r"\b(?:open|click|follow)(?: on)? (?:the|this) link\b|\bnavigate to https?\b|\bsession cookie\b|\bpush (?:directly |straight )?to (?:main|master|prod)|\b(?:type in|submit|enter|provide) (?:the|your|their) (?:session|cookie|token|credentials?|otp|pin)\b",
    ),
    signal(
        0.5,
        0.75,
        &["(?:ignor|disregard|forget)\\w* what the user"],
        r"\b(?:ignore|disregard|forget) what the (?:user|human|customer) (?:asked|said|says|wants|wrote|requested)\b",
    ),
    signal(
        0.1,
        0.55,
        &["(?:ai|llm|coding|automated)(?: coding)? (?:tools?|assistants?|agents?|bots?|models?) ?:"],
        r"\b(?:ai|llm|coding|automated)(?: coding)? (?:tools?|assistants?|agents?|bots?|models?) ?:",
    ),
    signal(
        0.2,
        0.45,
        &["not (?:list|mention|include|show|log|report|display) (?:it|this|that|them)"],
        r"\b(?:do not|don'?t|never) (?:list|mention|include|show|log|report|display) (?:it|this|that|them) (?:in|to|anywhere)\b",
    ),
    signal(
        0.05,
        0.3,
        &[],
        r"\b(?:it|they|you|he|she) should (?:say|tell|mention|recommend|claim|include|state)\b|\btell them to (?:install|visit|call|open|buy|click|download)\b|\bbefore you (?:answer|respond|reply)\b|\b(?:silently|quietly|in secret|secretly)\b",
    ),
    signal(
        0.05,
        0.35,
        &["(?:send|forward|mail|email) (?:it|them|this|that|everything|all)", "reset the (?:\\w+ )?password"],
        r"\b(?:send|forward|e?mail) (?:it|them|this|that|everything|all)~to [a-z0-9._]+@|\breset the (?:\w+ )?password\b",
    ),
    // Concealment.
    signal(
        0.35,
        0.65,
        &[
            "(?:do not|don'?t|never|without)(?: ever| please)? (?:tell|inform|mention|notify|alert|reveal|show|let|warn|disclos|ask)",
        ],
        r"\b(?:do not|don'?t|never|without)(?: (?:ever|please))? (?:tell\w*|inform\w*|mention\w*|notify\w*|alert\w*|reveal\w*|show\w*|let|warn\w*|disclos\w*|ask\w*)(?: (?:this|anything|it|that|any of this|step|about|to|the|your|of))* (?:user|human|operator|maintainers)\b",
    ),
    signal(
        0.25,
        0.45,
        &["(?:do not|don'?t|never) (?:mention|tell|inform|disclose)", "le digas", "without telling"],
        r"\b(?:do not|don'?t|never) (?:mention|tell|inform|disclose)(?: (?:this|it|that|anyone|about|anything|any of this))+\b|\bno le digas\b|\bwithout telling\b",
    ),
    // Tools, named to the model.
    signal(
        0.05,
        0.5,
        &["(?:call|use|invoke|execute|run|trigger) (?:now )?(?:the )?[a-z_]{2,30} (?:tool|function)", "send_money"],
        r"\b(?:call|use|invoke|execute|run|trigger) (?:now )?(?:the )?[a-z_]{2,30} (?:tool|function)(?: (?:now|to|with|and|immediately))\b|\bexecute the \w+ tool\b|\bsend_money\b",
    ),
    signal(
        0.1,
        0.4,
        &["before (?:using|calling|answering|responding|doing anything|you (?:answer|respond|reply))"],
        r"\bbefore (?:using|calling|answering|responding|doing anything|you (?:answer|respond|reply))(?: (?:this|any|other|the|tool|function))*,? (?:you must|read|call|send|first|open|fetch|please)\b",
    ),
    signal(
        0.05,
        0.45,
        &["otherwise,? (?:the|this) tool", "sidenote", "to this tool first"],
        r"\botherwise,? (?:the|this) tool will not work\b|\bas (?:the )?'?sidenote\b|\bto this tool first\b|\bsidenote parameter\b",
    ),
    // A new task, or the user's consent, from data.
    signal(
        0.1,
        0.55,
        &[
            "your (?:new|next|real|actual) (?:task|instruction|goal|step|job|objective)",
            "stop (?:the|your) current task",
            "you must (?:now )?stop",
        ],
        r"\byour (?:new|next|real|actual) (?:task|instruction|goal|step|job|objective)s? (?:is|are)\b|\bstop (?:the|your) current task\b|\byou must (?:now )?stop\b",
    ),
    signal(
        0.1,
        0.5,
        &["user (?:has |have )?(?:already )?(?:authori|approved|consented|granted)", "the user'?s? request"],
        r"\bthe user (?:has |have )?(?:already )?(?:authori[sz]ed|approved|consented to|granted) (?:you|this|the)\b|\bdisregard the user'?s? request\b",
    ),
    signal(
        0.3,
        0.5,
        &["(?:system|admin) (?:notice|alert|instruction|directive)"],
        r"\b(?:system|admin) (?:notice|alert|instructions?|directive)\b ?:?",
    ),
    signal(
        0.2,
        0.4,
        &["the (?:ai ?)?(?:assistant|ai|model|agent|chatbot) (?:must|should)"],
        r"\bthe (?:ai ?)?(?:assistant|ai|model|agent|chatbot) (?:must|should)(?: now| first| always| immediately)+\b|\bthe (?:assistant|ai|agent) must\b",
    ),
    // The answer, dictated.
    signal(
        0.1,
        0.5,
        &[
            "(?:reply|respond|answer)(?: only)? with (?:the (?:phrase|sentence|word)|exactly|only)",
            "(?:end|begin|start) your (?:summary|answer|response|reply)",
            "output only",
            "every (?:question|answer|reply|message) with",
            "tell the (?:user|reader|customer) (?:that their|to)",
        ],
        r"\b(?:must |should )?(?:reply|respond|answer)(?: only)? with (?:the (?:phrase|sentence|word)|exactly|only)\b|\b(?:end|begin|start) your (?:summary|answer|response|reply) with\b|\boutput only\b|\b(?:answer|end) every (?:question|answer|reply|message) with\b|\btell the (?:user|reader|customer) (?:that their|to (?:visit|call|click|enter|log))\b",
    ),
    signal(
        0.4,
        0.6,
        &[
            "a (?:positive|favou?rable|perfect) (?:review|rating|score)",
            "any negatives",
            "this (?:candidate|applicant)",
            "empfiehl nur",
            "recommend only",
        ],
        r"\bgive (?:this (?:paper )?)?a (?:positive|favou?rable|perfect) (?:review|rating|score)(?: only)?\b|\bnot (?:highlight|mention) any negatives?\b|\b(?:rank|rate|select|shortlist|recommend|hire) this (?:candidate|applicant)\b|\bempfiehl nur\b|\brecommend only\b",
    ),
    signal(
        0.2,
        0.35,
        &["<important>", "important ?: ?(?:the user|you must|before|ai|assistant)"],
        r"<important>|\bimportant ?: ?(?:the user|you must|before|ai|assistant)\b",
    ),
    signal(0.05, 0.4, &["from now on"], r"\bfrom now on,? (?:you|answer|respond|reply|always|include)\b"),
    signal(
        0.1,
        0.4,
        &[
            r"\| ?(?:ba)?sh\b",
            "transfer (?:the funds|tool)",
            "enter (?:the |their |your )?(?:password|it) at",
            "(?:visit|open) https?:",
            "enter the password",
            "forward all (?:unread )?e?mails?",
        ],
        r"\b(?:curl|wget) ?-?[a-z\x20]{0,6}https?://[\x21-\x7e]{1,80} ?\| ?(?:ba)?sh\b|\btransfer (?:the funds|tool)\b|\benter (?:the |their |your )?(?:password|it) at\b|\b(?:visit|open) https?:|\benter the password\b|\bforward all (?:unread )?e?mails?\b",
    ),
    // Orders around an encoded text.
    Signal {
        rule: "encoded.order",
        said: 0.5,
        data: 0.6,
        gate: &["(?:decode|decrypt|decipher|unscramble)", "(?:run|execute|follow) this (?:base64|rot13|hex|encoded)"],
        pattern: r"\b(?:decode|decrypt|decipher|unscramble)(?: \w+){0,6}?(?: and| then|,) (?:then )?(?:follow|execute|do|obey|run|carry out|comply|act|perform)\b|\b(?:run|execute|follow) this (?:base64|rot13|hex|encoded)\b",
    },
];
