//! The router as the gateway asks it, natively.

use serde_json::{Value, json};
use sluicegate_plugin::router::{Decision, Escalation, Target};
use sluicegate_plugin::{Exchange, Request, Role, Router as _};

use super::*;

fn router(config: Value) -> IntentRouter {
    IntentRouter::configure(serde_json::from_value(config).unwrap()).unwrap()
}

/// Small talk, code, and questions about bills.
fn usual() -> IntentRouter {
    router(json!({"intents": [
        {"name": "small-talk", "words_max": 6, "patterns": ["(?i)^\\s*(hi|hello|hey|good (morning|evening))\\b"],
         "unless": ["\\?"], "answer": "Hello! What can I do for you?"},
        {"name": "code", "targets": ["strong", "big"], "patterns": [
            "```", {"pattern": "(?i)\\b(function|compile|stack trace)\\b", "score": 0.4},
            {"pattern": "(?i)\\b(python|rust|javascript)\\b", "score": 0.4}]},
        {"name": "billing", "targets": ["nobody"], "patterns": ["(?i)\\binvoice\\b"]},
    ]}))
}

fn segment(role: Role, text: &str) -> Segment {
    Segment { id: 0, role, channel: Channel::Content, choice: 0, name: None, text: text.to_owned() }
}

fn conversation(said: &[(Role, &str)]) -> Request {
    let exchange = Exchange {
        id: "x".to_owned(),
        tenant: "t".to_owned(),
        user: None,
        session: None,
        step: 0,
        model: "m".to_owned(),
        streaming: false,
        attributes: Vec::new(),
    };
    let segments = said.iter().map(|(role, text)| segment(*role, text)).collect();
    Request { exchange, segments, tools: Vec::new(), answer_schema: None, tokens_estimate: 1_000 }
}

fn asks(text: &str) -> Request {
    conversation(&[(Role::System, "You are kind, and say hello."), (Role::User, text)])
}

fn target(name: &str, tags: &[&str], context_tokens: Option<u32>) -> Target {
    Target {
        name: name.to_owned(),
        provider: "p".to_owned(),
        model: "m".to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        healthy: true,
        in_flight: 0,
        first_token_ms: None,
        input_dollars_per_million: None,
        output_dollars_per_million: None,
        context_tokens,
    }
}

fn targets() -> Vec<Target> {
    vec![
        target("small", &[], None),
        target("big", &["strong"], None),
        target("short", &["strong"], Some(999)),
        target("other", &["strong"], Some(1_000)),
    ]
}

fn decision(router: &IntentRouter, request: &Request) -> (Decision, Option<String>) {
    let routing = router.route(request, &targets()).unwrap();
    (routing.decision, routing.intent)
}

#[test]
fn what_a_request_is_about_decides_who_answers() {
    let router = usual();
    let hello =
        Decision::Answer(sluicegate_plugin::router::CannedAnswer { text: "Hello! What can I do for you?".into() });
    let small_talk = (hello, Some("small-talk".to_owned()));
    let code = (Decision::Targets(vec![1, 3]), Some("code".to_owned()));
    let nothing = (Decision::Unchanged, None);
    for (text, expected) in [
        ("Hello there", &small_talk),
        ("  good evening!", &small_talk),
        ("Hello, what is the tide?", &nothing),
        ("Hello, tell me all that you know about ships", &nothing),
        ("Say hello", &nothing),
        ("```\nlet x = 1;\n```", &code),
        ("Why does this Python function fail", &code),
        ("I have seen a python", &nothing),
        ("", &nothing),
    ] {
        assert_eq!(decision(&router, &asks(text)), *expected, "{text:?}");
    }
}

#[test]
fn people_are_asked_where_an_intent_says_so_but_not_in_the_middle_of_a_task() {
    let router = router(json!({"intents": [
        {"name": "refund", "patterns": ["refund"], "queue": "billing", "answer": "One of us sees to it."}]}));
    let escalation = Escalation { queue: "billing".to_owned(), text: "One of us sees to it.".to_owned() };
    let expected = (Decision::Escalate(escalation), Some("refund".to_owned()));
    let asked = asks("I want a refund");
    assert_eq!(decision(&router, &asked), expected);
    let by_schema = Request { answer_schema: Some("{}".to_owned()), ..asked };
    assert_eq!(decision(&router, &by_schema), expected);
    let said = [(Role::User, "a refund"), (Role::Assistant, "I look."), (Role::Tool, "12.50")];
    assert_eq!(decision(&router, &conversation(&said)).0, Decision::Unchanged);
}

#[test]
fn only_what_was_said_last_counts() {
    let router = usual();
    let said = [(Role::User, "```x```"), (Role::Assistant, "It fails."), (Role::User, "Hello "), (Role::User, "again")];
    assert_eq!(decision(&router, &conversation(&said)).1.as_deref(), Some("small-talk"));
}

/// An agent asks with each result of a tool, and its model is to stay the same.
#[test]
fn a_task_stays_with_who_has_begun_it() {
    let router = usual();
    let chosen = Decision::Targets(vec![1, 3]);
    let said = [(Role::User, "fix ```x```"), (Role::Assistant, "I look."), (Role::Tool, "it is 7")];
    for length in 1..=3 {
        assert_eq!(decision(&router, &conversation(&said[..length])).0, chosen, "{length}");
    }
    // A greeting that was answered is not answered again.
    let said = [(Role::User, "hello"), (Role::Assistant, "I look who it is."), (Role::Tool, "Ada")];
    assert_eq!(decision(&router, &conversation(&said)), (Decision::Unchanged, Some("small-talk".to_owned())));
}

#[test]
fn it_says_which_patterns_spoke_for_it() {
    let router = usual();
    let why = |text: &str| {
        let routing = router.route(&asks(text), &targets()).unwrap();
        let why = routing.findings.iter().map(|f| format!("{} {} {:?}", f.rule, f.score, f.span.map(Span::range)));
        (routing.intent, why.collect::<Vec<_>>())
    };
    let expected = vec!["code.pattern-3 0.4 Some(9..15)".to_owned(), "code.pattern-2 0.4 Some(16..24)".to_owned()];
    assert_eq!(why("Does the python function compile"), (Some("code".to_owned()), expected));
    // Not enough, and yet worth a line.
    let expected = vec!["code.pattern-3 0.4 Some(0..4)".to_owned()];
    assert_eq!(why("rust on my car"), (None, expected));
}

#[test]
fn where_the_caller_may_use_none_of_the_targets_all_stays_as_it_is() {
    let routing = usual().route(&asks("where is my invoice"), &targets()).unwrap();
    assert_eq!((routing.decision, routing.intent.as_deref()), (Decision::Unchanged, Some("billing")));
    assert!(routing.findings.iter().any(|finding| finding.rule == "billing.no-target"));
}

#[test]
fn an_answer_of_a_certain_form_is_left_to_a_model() {
    let request = Request { answer_schema: Some("{}".to_owned()), ..asks("hello") };
    assert_eq!(decision(&usual(), &request), (Decision::Unchanged, Some("small-talk".to_owned())));
}

#[test]
fn the_surest_intent_counts_and_of_two_the_first() {
    let intent = |name: &str, score: f32| json!({"name": name, "targets": ["small"], "patterns": [{"pattern": "x", "score": score}]});
    for (intents, expected) in
        [(vec![intent("a", 0.6), intent("b", 0.9)], "b"), (vec![intent("a", 0.9), intent("b", 0.9)], "a")]
    {
        let router = router(json!({"intents": intents}));
        assert_eq!(decision(&router, &asks("x")).1.as_deref(), Some(expected));
    }
}

#[test]
fn without_intents_nothing_changes() {
    assert_eq!(decision(&router(json!({})), &asks("hello")), (Decision::Unchanged, None));
}

#[test]
fn an_expression_that_is_none_is_refused() {
    let config = json!({"intents": [{"name": "a", "patterns": ["("], "targets": ["small"]}]});
    assert!(IntentRouter::configure(serde_json::from_value(config).unwrap()).is_err());
}

/// Native vectors are those of the words.
fn by_examples() -> IntentRouter {
    router(json!({"intents": [
        {"name": "refund", "targets": ["strong"], "patterns": ["(?i)\\brefund\\b"],
         "examples": ["I want my money back", "give me my money back please"]},
        {"name": "hours", "targets": ["small"], "unless": ["(?i)holiday"],
         "examples": ["when do you open", "when are you open on Sunday"]},
    ]}))
}

#[test]
fn what_is_like_the_examples_is_taken_for_the_intent_whatever_its_patterns() {
    let router = by_examples();
    for (text, intent) in [
        ("may I have my money back?", Some("refund")),
        ("a refund, please", Some("refund")),
        ("are you open today, and when do you close", Some("hours")),
        ("are you open on this holiday", None),
        ("tell me a story", None),
        ("", None),
    ] {
        assert_eq!(decision(&router, &asks(text)).1.as_deref(), intent, "{text}");
    }
}

#[test]
fn the_receipt_says_which_example_it_is_like() {
    let routing = by_examples().route(&asks("I want my money back"), &targets()).unwrap();
    let finding = &routing.findings[0];
    assert_eq!((finding.rule.as_str(), finding.span), ("refund.example-1", None));
    assert!(finding.score > 0.9, "{finding:?}");
    // Where a pattern is sure, nothing is compared.
    let routing = by_examples().route(&asks("I want my money back: a refund"), &targets()).unwrap();
    let rules: Vec<_> = routing.findings.iter().map(|finding| finding.rule.as_str()).collect();
    assert_eq!(rules, ["refund.pattern-1"]);
}
