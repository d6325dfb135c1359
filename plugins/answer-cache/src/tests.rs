//! The cache as the gateway asks it, natively.

use std::time::Duration;

use serde_json::{Value, json};
use sluicegate_plugin::{Cache as _, Exchange, ToolDefinition};

use super::*;

fn cache(config: Value) -> AnswerCache {
    AnswerCache::configure(serde_json::from_value(config).unwrap()).unwrap()
}

fn usual() -> AnswerCache {
    cache(json!({}))
}

fn segment(role: Role, channel: Channel, text: &str) -> Segment {
    Segment { id: 0, role, channel, choice: 0, name: None, text: text.to_owned() }
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
    let segments = said.iter().map(|(role, text)| segment(*role, Channel::Content, text)).collect();
    Request { exchange, segments, tools: Vec::new(), answer_schema: None, tokens_estimate: 100 }
}

fn asks(text: &str) -> Request {
    conversation(&[(Role::System, "You are kind."), (Role::User, text)])
}

fn finding(rule: &str) -> Finding {
    Finding { rule: rule.to_owned(), span: None, score: 1.0 }
}

fn lookup(cache: &AnswerCache, request: &Request) -> Option<Lookup> {
    match cache.plan(request, &[]).unwrap() {
        Intention::Bypass => None,
        Intention::LookUp(lookup) => Some(lookup),
    }
}

fn key_of(request: &Request) -> String {
    lookup(&usual(), request).unwrap().key
}

fn text_of(cache: &AnswerCache, request: &Request) -> Option<String> {
    lookup(cache, request).and_then(|lookup| lookup.by_meaning).map(|by_meaning| by_meaning.text)
}

fn answer(segments: Vec<Segment>, finish: Finish) -> Answer {
    Answer { target: "t".to_owned(), segments, finish, usage: None }
}

fn says(text: &str) -> Answer {
    answer(vec![segment(Role::Assistant, Channel::Content, text)], Finish::Stop)
}

const QUESTION: &str = "How do I reset my password?";

#[test]
fn blanks_do_not_make_another_question_and_anything_else_does() {
    let key = key_of(&asks(QUESTION));
    assert_eq!(key.len(), 64);
    assert_eq!(key_of(&asks("  How do\u{a0}I reset  my password? ")), key);
    // The host keeps system prompts apart.
    assert_eq!(key_of(&conversation(&[(Role::User, QUESTION)])), key);
    for other in ["how do I reset my password?", "How do I reset my password", "How do I reset my passwords?"] {
        assert_ne!(key_of(&asks(other)), key, "{other}");
    }
    // Indentation matters in code.
    assert_ne!(key_of(&asks("if x:\n  y\n  z")), key_of(&asks("if x:\n  y\nz")));
}

#[test]
fn who_said_what_in_which_order_is_part_of_the_key() {
    let said = |said: &[(Role, &str)]| key_of(&conversation(said));
    let key = said(&[(Role::User, "a"), (Role::Assistant, "b"), (Role::User, "c")]);
    for other in [
        &[(Role::User, "a"), (Role::Assistant, "c"), (Role::User, "b")][..],
        &[(Role::User, "a"), (Role::User, "b"), (Role::User, "c")],
        &[(Role::User, "a"), (Role::Assistant, "b")],
        &[(Role::User, "ab"), (Role::Assistant, ""), (Role::User, "c")],
    ] {
        assert_ne!(said(other), key, "{other:?}");
    }
    let mut named = asks(QUESTION);
    named.segments[1].name = Some("Ada".to_owned());
    assert_ne!(key_of(&named), key_of(&asks(QUESTION)));
    let mut elsewhere = asks(QUESTION);
    elsewhere.segments[1].channel = Channel::ToolResult;
    assert_ne!(key_of(&elsewhere), key_of(&asks(QUESTION)));
}

#[test]
fn one_short_question_is_looked_for_by_its_meaning() {
    let found = lookup(&usual(), &asks(" How do I reset my password? ")).unwrap();
    let by_meaning = found.by_meaning.unwrap();
    assert_eq!((by_meaning.text.as_str(), by_meaning.threshold), (QUESTION, 0.8));
    assert_eq!(found.age_ms_max, u64::MAX);
}

#[test]
fn what_is_more_than_a_question_is_looked_for_by_its_words_alone() {
    let tool = ToolDefinition { name: "f".to_owned(), description: String::new(), parameters: "{}".to_owned() };
    let mut named = asks(QUESTION);
    named.segments[1].name = Some("Ada".to_owned());
    let mut passage = asks(QUESTION);
    passage.segments.push(segment(Role::User, Channel::Passage, "Passwords are kept for a year."));
    let mut beside = asks(QUESTION);
    beside.segments.push(segment(Role::System, Channel::Passage, "Passwords are kept for a year."));
    assert_ne!(key_of(&beside), key_of(&asks(QUESTION)));
    for request in [
        beside,
        conversation(&[(Role::User, QUESTION), (Role::Assistant, "So."), (Role::User, QUESTION)]),
        conversation(&[(Role::User, QUESTION), (Role::User, QUESTION)]),
        conversation(&[(Role::Tool, QUESTION)]),
        Request { tools: vec![tool], ..asks(QUESTION) },
        Request { answer_schema: Some("{}".to_owned()), ..asks(QUESTION) },
        named,
        passage,
        asks("Wie kann ich das Passwort ändern?"),
    ] {
        assert_eq!(text_of(&usual(), &request), None, "{request:?}");
        assert!(lookup(&usual(), &request).is_some());
    }
    assert_eq!(text_of(&cache(json!({"by_meaning": false})), &asks(QUESTION)), None);
}

#[test]
fn a_long_question_is_looked_for_by_its_words_alone() {
    let cache = cache(json!({"question_bytes_max": QUESTION.len()}));
    assert!(text_of(&cache, &asks(QUESTION)).is_some());
    assert_eq!(text_of(&cache, &asks(&format!("{QUESTION}?"))), None);
}

#[test]
fn what_a_guardrail_found_something_in_is_looked_for_by_its_words_alone() {
    let by_meaning = |cache: &AnswerCache, rule: &str| match cache.plan(&asks(QUESTION), &[finding(rule)]).unwrap() {
        Intention::LookUp(lookup) => lookup.by_meaning.is_some(),
        Intention::Bypass => panic!("it is looked for"),
    };
    assert!(!by_meaning(&usual(), "email"));
    let cache = cache(json!({"findings_allowed": ["topic", "jailbreak.*"]}));
    for (rule, is_looked_for) in [("topic", true), ("topics", false), ("jailbreak.role-play", true), ("email", false)] {
        assert_eq!(by_meaning(&cache, rule), is_looked_for, "{rule}");
    }
}

#[test]
fn what_depends_on_the_time_is_not_looked_for() {
    for text in [
        "What is the weather like in Rome?",
        "Is the office open now?",
        "Who won the match last night?",
        "Who is the current president?",
        "What is the latest version of Rust?",
        "What time is it?",
        "What's the date?",
        "What happened in the last 24 hours?",
    ] {
        assert!(lookup(&usual(), &asks(text)).is_none(), "{text}");
    }
    for text in [
        "How do I open a current account?",
        "What time does the pharmacy close?",
        "How many people live in Rome?",
        "What is known of Homer?",
        "How long does a date take to ripen?",
    ] {
        assert!(text_of(&usual(), &asks(text)).is_some(), "{text}");
    }
    assert!(lookup(&cache(json!({"volatile": ["(?i)\\bmenu\\b"]})), &asks("What is on the menu?")).is_none());
}

/// What was said long ago does not make the last question one of today.
#[test]
fn only_what_was_said_last_can_depend_on_the_time() {
    let earlier = conversation(&[(Role::User, "Good day today"), (Role::Assistant, "Yes."), (Role::User, QUESTION)]);
    assert!(lookup(&usual(), &earlier).is_some());
    let last = conversation(&[(Role::User, QUESTION), (Role::Assistant, "So."), (Role::User, "And today?")]);
    assert!(lookup(&usual(), &last).is_none());
}

#[test]
fn what_depends_on_who_asks_is_looked_for_by_its_words_alone() {
    for text in ["Where is my order?", "What's my balance?", "Has my parcel arrived?", "Show me all my invoices"] {
        assert_eq!(text_of(&usual(), &asks(text)), None, "{text}");
        assert!(lookup(&usual(), &asks(text)).is_some(), "{text}");
    }
    for text in [QUESTION, "Why does my bread not rise?", "Can I bring my dog to the hotel?"] {
        assert!(text_of(&usual(), &asks(text)).is_some(), "{text}");
    }
    assert_eq!(text_of(&cache(json!({"personal": ["password"]})), &asks(QUESTION)), None);
}

#[test]
fn only_the_models_that_are_named_are_kept_for() {
    assert!(lookup(&cache(json!({"models": ["m"]})), &asks(QUESTION)).is_some());
    assert!(lookup(&cache(json!({"models": ["other"]})), &asks(QUESTION)).is_none());
}

#[test]
fn an_answer_may_be_no_older_than_is_said() {
    let found = lookup(&cache(json!({"age_s_max": 60})), &asks(QUESTION)).unwrap();
    assert_eq!(found.age_ms_max, 60_000);
}

#[test]
fn a_stored_answer_is_served_where_the_facts_agree() {
    let accept = |request: &Request, question: &str| {
        let candidate =
            Candidate { question: question.to_owned(), answer: says("So."), similarity: 0.99, age_ms: 1_000 };
        usual().accept(request, &candidate).unwrap()
    };
    assert!(accept(&asks(QUESTION), "What do I have to do to reset my password?"));
    assert!(!accept(&asks(QUESTION), "How do I reset my pin?"));
    assert!(!accept(&asks(QUESTION), ""));
    // It was not to be looked for like that.
    assert!(!accept(&asks("Where is my order?"), "Where is my order?"));
}

#[test]
fn whole_answers_of_text_alone_are_kept() {
    let admitted = |answer: &Answer| usual().admit(&asks(QUESTION), answer, &[]).unwrap().map(|it| it.ttl_ms);
    assert_eq!(admitted(&says("Like this.")), Some(86_400_000));
    let with = |channel: Channel, choice: u32| {
        let mut answer = says("Like this.");
        answer.segments.push(Segment { choice, ..segment(Role::Assistant, channel, "x") });
        answer
    };
    assert!(admitted(&with(Channel::Reasoning, 0)).is_some());
    for refused in [
        says("  "),
        answer(Vec::new(), Finish::Stop),
        answer(vec![segment(Role::Assistant, Channel::Reasoning, "x")], Finish::Stop),
        with(Channel::Content, 1),
        with(Channel::Refusal, 0),
        with(Channel::ToolArguments, 0),
        with(Channel::Other, 0),
    ] {
        assert_eq!(admitted(&refused), None, "{refused:?}");
    }
    for finish in [Finish::Length, Finish::ToolCalls, Finish::ContentFilter, Finish::Other] {
        assert_eq!(admitted(&Answer { finish, ..says("Like this.") }), None, "{finish:?}");
    }
}

#[test]
fn an_answer_that_a_guardrail_found_something_in_is_not_kept() {
    let admit =
        |cache: AnswerCache| cache.admit(&asks(QUESTION), &says("Ask a@b.example."), &[finding("email")]).unwrap();
    assert!(admit(usual()).is_none());
    let kept = admit(cache(json!({"findings_allowed": ["email"], "ttl_s": 60})));
    assert_eq!(kept.map(|it| Duration::from_millis(it.ttl_ms)), Some(Duration::from_secs(60)));
}

#[test]
fn an_expression_that_is_none_is_refused() {
    for field in ["volatile", "personal"] {
        let config = serde_json::from_value(json!({field: ["("]})).unwrap();
        assert!(AnswerCache::configure(config).unwrap_err().contains(field));
    }
}
