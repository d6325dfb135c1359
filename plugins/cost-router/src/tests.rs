//! The router as the gateway asks it, natively.

use serde_json::{Value, json};
use sluicegate_plugin::router::{Decision, Target};
use sluicegate_plugin::{Channel, Exchange, Request, Role, Router as _, Segment, ToolDefinition};

use super::*;

fn router(config: Value) -> CostRouter {
    CostRouter::configure(serde_json::from_value(config).unwrap()).unwrap()
}

fn asks(text: &str) -> Request {
    let exchange = Exchange {
        id: "x".to_owned(),
        tenant: "t".to_owned(),
        user: None,
        session: None,
        step: 0,
        model: "auto".to_owned(),
        streaming: false,
        attributes: Vec::new(),
    };
    let segment = |role, text: &str| Segment {
        id: 0,
        role,
        channel: Channel::Content,
        choice: 0,
        name: None,
        text: text.to_owned(),
    };
    let segments = vec![segment(Role::System, "Prove all that you say, step by step."), segment(Role::User, text)];
    Request { exchange, segments, tools: Vec::new(), answer_schema: None, tokens_estimate: 1_000 }
}

fn target(name: &str, tags: &[&str], dollars: Option<(f64, f64)>) -> Target {
    Target {
        name: name.to_owned(),
        provider: "p".to_owned(),
        model: "m".to_owned(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        healthy: true,
        in_flight: 0,
        first_token_ms: None,
        input_dollars_per_million: dollars.map(|(input, _)| input),
        output_dollars_per_million: dollars.map(|(_, output)| output),
        context_tokens: None,
    }
}

fn targets() -> Vec<Target> {
    vec![
        target("large", &["strong", "tools"], Some((2.0, 8.0))),
        target("small", &["tools"], Some((0.25, 2.0))),
        target("tiny", &[], Some((0.1, 0.4))),
        target("huge", &["strong"], Some((15.0, 75.0))),
        target("unpriced", &[], None),
    ]
}

const EASY: &str = "What is the capital of Portugal?";
const HARD: &str = "Prove that there are infinitely many primes.";

/// The names of the targets that are chosen, in order.
fn chosen(router: &CostRouter, request: &Request, targets: &[Target]) -> Vec<String> {
    match router.route(request, targets).unwrap().decision {
        Decision::Targets(indices) => {
            indices.into_iter().map(|index| targets[usize::try_from(index).unwrap()].name.clone()).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn easy_questions_go_to_the_cheapest_and_hard_ones_to_the_cheapest_strong_target() {
    let router = router(json!({}));
    assert_eq!(chosen(&router, &asks(EASY), &targets()), ["tiny", "small", "large", "huge", "unpriced"]);
    assert_eq!(chosen(&router, &asks(HARD), &targets()), ["large", "huge", "tiny", "small", "unpriced"]);
    let routing = router.route(&asks(HARD), &targets()).unwrap();
    assert_eq!(routing.intent.as_deref(), Some("hard"));
    let rules: Vec<_> = routing.findings.iter().map(|finding| finding.rule.as_str()).collect();
    assert_eq!(rules, ["difficulty", "signal.mathematics", "signal.proof"]);
    assert!(routing.findings[0].score > 0.5);
}

#[test]
fn a_rejected_answer_to_an_easy_question_is_asked_of_the_strong_ones() {
    let routing = router(json!({})).route(&asks(EASY), &targets()).unwrap();
    assert_eq!(routing.on_rejection, [0, 3]);
    let routing = router(json!({})).route(&asks(HARD), &targets()).unwrap();
    assert!(routing.on_rejection.is_empty());
}

#[test]
fn a_target_that_rests_comes_last() {
    let mut targets = targets();
    targets[2].healthy = false;
    assert_eq!(chosen(&router(json!({})), &asks(EASY), &targets), ["small", "large", "huge", "unpriced", "tiny"]);
}

#[test]
fn what_cannot_answer_is_left_out() {
    let mut targets = targets();
    targets[2].context_tokens = Some(1_499);
    targets[1].context_tokens = Some(1_500);
    assert_eq!(chosen(&router(json!({})), &asks(EASY), &targets)[0], "small");

    let config = json!({"tools_tag": "tools", "schema_tag": "json"});
    let tool = ToolDefinition { name: "f".to_owned(), description: String::new(), parameters: "{}".to_owned() };
    let with_tool = Request { tools: vec![tool], ..asks(EASY) };
    assert_eq!(chosen(&router(config.clone()), &with_tool, &targets), ["small", "large"]);
    let with_schema = Request { answer_schema: Some("{}".to_owned()), ..asks(EASY) };
    let routing = router(config).route(&with_schema, &targets).unwrap();
    assert_eq!((routing.decision, routing.findings[0].rule.as_str()), (Decision::Unchanged, "no-target"));

    let among = json!({"among": ["small", "strong"]});
    assert_eq!(chosen(&router(among), &asks(EASY), &targets), ["small", "large", "huge"]);
}

#[test]
fn without_a_strong_target_hard_questions_stay_where_the_operator_has_put_them() {
    let routing = router(json!({"strong": ["none"]})).route(&asks(HARD), &targets()).unwrap();
    assert_eq!((routing.decision, routing.findings[0].rule.as_str()), (Decision::Unchanged, "no-strong-target"));
}

#[test]
fn requests_for_other_models_are_left_alone() {
    let routing = router(json!({"models": ["cheap"]})).route(&asks(EASY), &targets()).unwrap();
    assert_eq!((routing.decision, routing.intent, routing.findings.len()), (Decision::Unchanged, None, 0));
}

#[test]
fn only_what_the_person_says_last_counts_and_signals_of_the_operator_do() {
    let config = json!({"signals": {"tax": {"pattern": "(?i)\\btax\\b", "weight": 6.0}}});
    let hard = |router: &CostRouter, text: &str| router.estimate(&asks(text)).hard;
    let (usual, own) = (router(json!({})), router(config));
    assert!(hard(&usual, "What is the tax on books?") < 0.5);
    assert!(hard(&own, "What is the tax on books?") > 0.5);
    assert!(hard(&usual, "") < 0.5);
}
