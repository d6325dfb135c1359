//! Pretending that the user's text has ended and another speaker begins; markup that carries data out.

use super::{Signal, words::PRECIOUS};

const fn signal(said: f32, data: f32, gate: &'static [&'static str], pattern: &'static str) -> Signal {
    Signal { rule: "delimiter", said, data, gate, pattern }
}

pub(super) const SIGNALS: &[Signal] = &[
    signal(
        0.65,
        0.65,
        &[r"<\|[a-z]", "<(?:start|end)_of_turn>"],
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext|end|end_of_turn|start_header_id|end_header_id|eot_id|begin_of_text|endofprompt|channel|message|start)\|>|<(?:start|end)_of_turn>",
    ),
    signal(
        0.6,
        0.6,
        &[r"<\|[a-z]", "<start_of_turn>"],
        r"(?:<\|im_start\|>|<\|start_header_id\|>|<\|start\|>)\s*(?:system|developer)|<\|(?:im_end|eot_id)\|>\s*<\||<start_of_turn>(?:model|system)",
    ),
    signal(0.6, 0.6, &[r"\[/?inst\]", "<</?sys>>"], r"\[/?inst\]|<</?sys>>"),
    signal(0.5, 0.5, &[r"\[inst\]", "<</?sys>>"], r"\[inst\]\s*<<sys>>|<</sys>>"),
    signal(
        0.5,
        0.5,
        &[
            r"#{2,4}\x20?(?:system|admin|developer)(?:\x20(?:prompt|message))?:",
            r"#{2,4}\x20?(?:instruction|response):",
        ],
        r"#{2,4}\x20?(?:system|admin|developer)(?: (?:prompt|message))?:|#{2,4}\x20?(?:instruction|response):",
    ),
    signal(
        0.35,
        0.45,
        &[
            r"(?:^|[\n>])[\x20\-*=\[(#]*(?:system|admin|administrator|developer)(?:[\x20_](?:prompt|message|override|note|notice|alert|instructions?))?\x20?:",
        ],
        r"(?:^|[\n>])[\x20\-*=\[(#]*(?:system|admin|administrator|developer)(?: (?:prompt|message|override|note|notice|alert|instructions?))? ?:",
    ),
    signal(
        0.5,
        0.5,
        &[r"#{2,4}\x20?(?:system|admin|developer)(?:\x20(?:prompt|message))?:"],
        r"#{2,4}\x20?(?:system|admin|developer)(?: (?:prompt|message))?: ?\n?(?:you|ignore|the user|from now|new|always|print|never|disregard|reveal)\b",
    ),
    signal(
        0.45,
        0.45,
        &[r#""role"\s*:\s*"(?:sys|dev)"#],
        r#"[\]}"]{2,}\s*,?\s*\{\s*"role"\s*:\s*"(?:system|developer)""#,
    ),
    signal(0.25, 0.25, &[], r"\n#{2,4}\x20?(?:user|assistant|human|input):"),
    // One element of the application's template closes, another opens.
    signal(
        0.75,
        0.75,
        &[
            r"</(?:user|context|document|data|input|query|message|question|tool_result|task|prompt|instructions?)[a-z_]*>\s*<(?:system|admin|instr|assistant|developer)",
        ],
        r"</(?:user|context|document|data|input|query|message|question|tool_result|task|prompt|instructions?)[a-z_]*>\s*<(?:system|admin|instructions?|assistant|developer)\b",
    ),
    signal(
        0.45,
        0.5,
        &["<(?:system|system_prompt|system_message|admin|important|secret_instructions)>"],
        r"<(?:system|system_prompt|system_message|admin|important|secret_instructions)>",
    ),
    // A message in the wire format of the providers. Honest code is full of the first; a break-out is not.
    signal(0.25, 0.3, &[r#""role"\s*:\s*"(?:sys|dev)"#], r#""role"\s*:\s*"(?:system|developer)""#),
    signal(
        0.55,
        0.55,
        &[r#""role"\s*:\s*"(?:sys|dev)"#],
        r#"[a-z?!.]"\s*\},\s*\{\s*"role"\s*:\s*"(?:system|developer)"\s*,\s*"content"[\x00-\x21\x23-\x7f]{0,4}"(?:[\x00-\x21\x23-\x7f]{0,80})(?:restrict|obey|ignore|reveal|must|rules)"#,
    ),
    signal(
        0.45,
        0.45,
        &[r#""role"\s*:\s*"(?:sys|dev)"#],
        r#""role"\s*:\s*"(?:system|developer)"\s*,\s*"content"\s*:\s*"[a-z\x20,.']{0,60}(?:no restrictions|obey|ignore|reveal|disregard|unrestricted|always comply|never refuse)"#,
    ),
    // Comments and hidden elements that speak to a model.
    signal(
        0.4,
        0.55,
        &["<!--"],
        r"<!--[\x00-\x2c\x2e-\x7f]{0,60}\b(?:instructions? (?:to|for)|assistant|ai|llm|chatbot|language model|system prompt|ignore (?:all|your|previous))\b",
    ),
    signal(
        0.35,
        0.5,
        &[
            r"display\s?:?\s?none",
            r"font-size\s?:?\s?0",
            r"visibility\s?:?\s?hidden",
            r"color\s?:?\s?(?:white|#fff)",
            r"opacity\s?:?\s?0",
        ],
        r"(?:display ?:? ?none|font-size ?:? ?0|visibility ?:? ?hidden|color ?:? ?(?:white|#fff)|opacity ?:? ?0)[a-z0-9\x20;:'\x22#.%]{0,40}>[\x00-\x3b\x3d-\x7f]{0,60}\b(?:ai|assistant|llm|language model|instructions?|ignore|chatbot|prompt)\b",
    ),
    // The end of something that has no end.
    signal(
        0.4,
        0.45,
        &[
            "end (?:of )?(?:the )?(?:user |system )?(?:input|prompt|instructions?|context|message|document|text|data|file|conversation)",
            "begin (?:system |admin |new )?(?:prompt|instructions?|message)",
        ],
        r"\bend (?:of )?(?:the )?(?:user |system )?(?:input|prompt|instructions?|context|message)\b|-{3,} ?\n? ?end of (?:the )?(?:document|text|data|file|conversation)\b|\bbegin (?:system|admin|new) (?:prompt|instructions?|message)\b|\b(?:begin|end) message(?: to agent)?\b",
    ),
    signal(
        0.35,
        0.3,
        &[r"\[system\]\(#", r"\n\s?assistant:"],
        r"\[system\]\(#|\n\s?human:[\x00-\x7f]{0,120}\n\s?assistant:[\x00-\x7f]{0,80}(?:ignore|guidelines|disabled|no restrictions|comply)",
    ),
    signal(
        0.55,
        0.5,
        &[r"(?:assistant:|response:|_of_turn>model)\s*(?:sure|ok|understood|of course|yes)"],
        r"(?:assistant:|response:|_of_turn>model)\s*(?:sure|ok|okay|understood|of course|yes)[a-z\x20,.!']{0,40}(?:ignore|disabled|no restrictions|unrestricted|without|guidelines|filters)",
    ),
    signal(
        0.45,
        0.55,
        &[
            "(?:system|assistant|ai|agent|llm|admin)[_\\x20-](?:directive|instruction|command|override|prompt)s?[\\x20]?:",
            r"[{\[<]{1,3}[#/\x20]{0,2}(?:system|assistant|admin|developer)[~\x20]{0,2}[}\]>]{1,3}",
        ],
        r"[\[({<]{1,2}(?:assistant|ai|system|agent|llm|admin)[_\-\x20](?:directive|instruction|command|note|message|prompt|override)s? ?:?|[{\[<]{2}[#/\x20]{0,2}(?:system|assistant|admin|developer)[~\x20]{0,2}[}\]>]{2}|\[/?(?:system|assistant|admin)\]",
    ),
    signal(
        0.45,
        0.5,
        &[
            "(?:message|order|note|notice|instruction)s? from (?:the |your )?(?:administrator|admin|system|developer|operator|openai|anthropic|management)",
        ],
        r"\b(?:message|order|note|notice|instruction)s? from (?:the |your )?(?:administrator|admin|system|developer|operator|openai|anthropic|management)\b",
    ),
    signal(
        0.25,
        0.3,
        &[],
        r"\bunlock (?:all|every|the)\b|\bhelpful without\b|\b(?:highest|high|top) ?priority\b|priority=['\x22]?high",
    ),
    // Carrying data out.
    Signal {
        rule: "exfiltration",
        said: 0.75,
        data: 0.8,
        gate: &[r"!\[[\x00-\x5c\x5e-\x7f]{0,80}\]\(https?:"],
        pattern: r"!\[[\x00-\x5c\x5e-\x7f]{0,80}\]\(https?://[\x21-\x28\x2a-\x7f]{1,200}[?&][a-z_]{1,20}=(?:\)|\{|\[|<|%s|\$|\.\.\.|(?:your|the|user|secret|data|conversation|chat|history|insert|base64|encoded|summary)\b)",
    },
    Signal {
        rule: "exfiltration",
        said: 0.6,
        data: 0.7,
        gate: &[PRECIOUS],
        pattern: r"\b(?:append|include|insert|put|encode|embed|add|print|followed by)~(?:conversation|chat ?history|api keys?|passwords?|secrets?|credit card|system prompt)~(?:urls?|query|image|parameters?|https?)\b",
    },
    Signal {
        rule: "exfiltration",
        said: 0.35,
        data: 0.5,
        gate: &[r"\?[a-z_]{1,12}=(?:\x20|$|\n|\)|\[|\{|<)"],
        pattern: r"https?://[\x21-\x7e]{1,120}\?[a-z_]{1,12}=(?:\x20|$|\n|\)|\[|\{|<)",
    },
    Signal {
        rule: "exfiltration",
        said: 0.2,
        data: 0.6,
        gate: &[PRECIOUS],
        pattern: r"\b(?:send|forward|post|upload|exfiltrate|e?mail|leak|transmit|add|include)\b~(?:conversation|chat ?history|api keys?|passwords?|credentials|env(?:ironment)? variables|id_rsa|private keys?|inbox|unread e?mails?|all e?mails?|cookies|secrets|user(?:'s)? data|daten|donnees du client|contents? of|its contents?|notes)~(?:https?|to [a-z]+@|a public|@|attacker|in your response|to)",
    },
    Signal {
        rule: "exfiltration",
        said: 0.2,
        data: 0.55,
        gate: &["id_rsa", r"\.env\b", r"mcp\.json", r"\.(?:aws|ssh|cursor)/", "/etc/passwd"],
        pattern: r"\b(?:read|open|cat|collect|pass|include|send|get)~(?:id_rsa|\.env|\.ssh|mcp\.json|\.aws|/etc/passwd)|\x7e/?\.(?:ssh|aws|cursor)/",
    },
];
