//! No endpoint without its guard point: forbidden text is sent both ways through all of the table.

use http::Method;
use serde_json::{Value, json};
use sluicegate::endpoint::{Dialect, Does, ENDPOINTS, Endpoint};
use sluicegate::sandbox::made_up;
use sluicegate_tests::{
    Answer, DONE, Gateway, Provider, Reply, chat, chunk, completion, finish, gentle, standard, streamed,
};

use crate::ledger::{KEPT, ledger};

/// What is sent with a text in it, and what a provider answers with the same text in it.
struct Case {
    /// Nothing where a caller sends no text.
    asks: Option<Value>,
    answers: Reply,
}

/// Whoever adds a kind of endpoint says here how text gets through it, in either direction.
fn case(endpoint: &Endpoint, text: &str, stream: bool) -> Case {
    match endpoint.does {
        Does::Converse => {
            Case { asks: Some(asks(endpoint.dialect, text, stream)), answers: says(endpoint.dialect, text, stream) }
        }
        // Vectors and numbers are no text; what may stand beside them is.
        Does::Embed => Case {
            asks: Some(json!({"model": "m", "input": text})),
            answers: Reply::json(
                json!({"object": "list", "model": "m", "note": text, "usage": {"prompt_tokens": 1, "total_tokens": 1},
                    "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -0.5]}]})
                .to_string(),
            ),
        },
        Does::CountTokens => Case {
            asks: Some(asks(endpoint.dialect, text, false)),
            answers: Reply::json(json!({"input_tokens": 3, "note": text}).to_string()),
        },
        // A caller says nothing by it: no body is read. What a provider says of its models is text all the same.
        Does::ListModels => Case { asks: None, answers: lists(endpoint.dialect, text) },
        Does::ReadEscalation | Does::GiveFeedback => unreachable!("no provider answers it"),
    }
}

/// How an endpoint's answers come.
fn manners(endpoint: &Endpoint) -> Vec<bool> {
    match (endpoint.does, endpoint.streaming) {
        (_, Some(streaming)) => vec![streaming],
        (Does::Converse, None) => vec![false, true],
        (Does::Embed | Does::CountTokens | Does::ListModels, None) => vec![false],
        (Does::ReadEscalation | Does::GiveFeedback, None) => vec![false],
    }
}

fn asks(dialect: Dialect, text: &str, stream: bool) -> Value {
    match dialect {
        Dialect::OpenAi if stream => streamed(text),
        Dialect::OpenAi => chat(text),
        Dialect::Anthropic => {
            json!({"model": "m", "max_tokens": 9, "stream": stream, "messages": [{"role": "user", "content": text}]})
        }
        Dialect::Gemini => json!({"contents": [{"role": "user", "parts": [{"text": text}]}]}),
        Dialect::Responses => json!({"model": "m", "input": text, "stream": stream}),
        Dialect::Completions => json!({"model": "m", "prompt": text, "stream": stream}),
    }
}

fn says(dialect: Dialect, text: &str, stream: bool) -> Reply {
    let message = json!({"id": "m-1", "type": "message", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": text, "annotations": []}]});
    let response = |output: Value, status: &str| {
        json!({"id": "r-1", "object": "response", "created_at": 1,
        "model": "m", "status": status, "output": output})
    };
    let candidate = |reason: Value| {
        json!({"candidates": [{"index": 0, "finishReason": reason,
        "content": {"role": "model", "parts": [{"text": text}]}}]})
    };
    let completion_of = |text: &str, reason: Value| {
        json!({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "text": text, "logprobs": null, "finish_reason": reason}]})
    };
    match (dialect, stream) {
        (Dialect::OpenAi, false) => Reply::json(completion(text)),
        (Dialect::OpenAi, true) => Reply::events([chunk(text), finish(0, "stop"), DONE.to_owned()]),
        (Dialect::Anthropic, false) => Reply::json(
            json!({"id": "m-1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
                "content": [{"type": "text", "text": text}], "usage": {"input_tokens": 1, "output_tokens": 1}})
            .to_string(),
        ),
        (Dialect::Anthropic, true) => named([
            json!({"type": "message_start", "message": {"id": "m-1", "type": "message", "role": "assistant",
                "model": "m", "content": [], "stop_reason": null, "usage": {"input_tokens": 1, "output_tokens": 1}}}),
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
            json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}),
            json!({"type": "content_block_stop", "index": 0}),
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}),
            json!({"type": "message_stop"}),
        ]),
        (Dialect::Gemini, false) => Reply::json(candidate(json!("STOP")).to_string()),
        (Dialect::Gemini, true) => Reply::events([format!("data: {}\r\n\r\n", candidate(json!("STOP")))]),
        (Dialect::Responses, false) => Reply::json(response(json!([message]), "completed").to_string()),
        (Dialect::Responses, true) => named([
            json!({"type": "response.created", "sequence_number": 0, "response": response(json!([]), "in_progress")}),
            json!({"type": "response.output_text.delta", "sequence_number": 1, "item_id": "m-1", "output_index": 0,
                "content_index": 0, "delta": text}),
            json!({"type": "response.completed", "sequence_number": 2,
                "response": response(json!([message]), "completed")}),
        ]),
        (Dialect::Completions, false) => Reply::json(completion_of(text, json!("stop")).to_string()),
        (Dialect::Completions, true) => Reply::events([
            format!("data: {}\n\n", completion_of(text, Value::Null)),
            format!("data: {}\n\n", completion_of("", json!("stop"))),
            DONE.to_owned(),
        ]),
    }
}

/// How a provider is configured that speaks this.
fn provider_of(dialect: Dialect) -> (&'static str, &'static str) {
    match dialect {
        Dialect::OpenAi | Dialect::Anthropic | Dialect::Gemini | Dialect::Responses => (dialect.word(), ""),
        Dialect::Completions => ("openai", "providers.target-1.completions = true"),
    }
}

/// A stream of events that carry their name twice, as Anthropic's and those of Responses do.
fn named(events: impl IntoIterator<Item = Value>) -> Reply {
    let event = |event: Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    Reply::events(events.into_iter().map(event))
}

fn lists(dialect: Dialect, text: &str) -> Reply {
    let list = match dialect {
        Dialect::OpenAi | Dialect::Responses | Dialect::Completions => {
            json!({"object": "list", "data": [{"id": "a", "owned_by": text}]})
        }
        Dialect::Anthropic => json!({"data": [{"type": "model", "id": "a", "display_name": text}], "has_more": false}),
        Dialect::Gemini => json!({"models": [{"name": "models/a", "description": text}]}),
    };
    Reply::json(list.to_string())
}

async fn call(gateway: &Gateway, endpoint: &Endpoint, asks: Option<Value>) -> Answer {
    let query = if endpoint.streaming == Some(true) { "?alt=sse" } else { "" };
    let path = format!("{}{query}", endpoint.path.replace("{model}", "m"));
    let call = gateway.call(endpoint.method.as_str(), &path);
    let call = endpoint.header.into_iter().fold(call, |call, header| call.header(header.as_str(), "2023-06-01"));
    match asks {
        Some(body) => call.body(body).await,
        None => call.await,
    }
}

/// A caller says nothing by it but a name, and what it is told comes from a person.
async fn forbidden_text_of_a_person_does_not_pass(endpoint: &Endpoint, card: &str) {
    let gateway = Gateway::with_plugins([gentle("route-person"), standard("pii").config("card = 'block'")]);
    let provider = Provider::absent().await;
    let gateway = gateway.upstream(&provider).settings("admin.listen = '127.0.0.1:0'").start().await;
    for (text, status) in [(format!("the card is {card}."), 400), ("hi".to_owned(), 200)] {
        let asked = gateway.ask(chat("a refund, please")).await;
        let reference = asked.header("x-sluicegate-escalation").unwrap().to_owned();
        let answer = json!({"by": "ann", "text": text});
        let answered = gateway.admin("POST", &format!("/api/escalations/{reference}/answer")).body(answer).await;
        assert_eq!(answered.status, 200, "{}", answered.text());
        let path = endpoint.path.replace("{reference}", &reference);
        let read = gateway.call(endpoint.method.as_str(), &path).await;
        assert_eq!(read.status, status, "{}", read.text());
        assert!(!read.text().contains(card), "{}", read.text());
    }
}

/// Nothing comes back of it but a name.
async fn forbidden_text_is_not_kept(endpoint: &Endpoint, forbidden: &str) {
    let provider = Provider::saying(Reply::json(completion("hi"))).await;
    let gateway = Gateway::with_plugins([standard("pii").config("card = 'block'")]).upstream(&provider);
    let gateway = gateway.settings(KEPT).start().await;
    let asked = gateway.ask(chat("hi")).await;
    let exchange = asked.header("x-sluicegate-exchange").unwrap();
    for field in ["comment", "corrected"] {
        for (text, status) in [(forbidden, 400), ("hi", 200)] {
            let answer = gateway.call("POST", endpoint.path).body(json!({"exchange": exchange, field: text})).await;
            assert_eq!(answer.status, status, "{field}: {}", answer.text());
        }
    }
    let kept = ledger(&gateway).feedback_of(exchange).await.unwrap();
    assert_eq!(kept.len(), 2);
    assert!(kept.iter().all(|one| !format!("{one:?}").contains(forbidden)));
}

#[tokio::test(flavor = "multi_thread")]
async fn forbidden_text_passes_through_none_of_them_in_either_direction() {
    let card = made_up("card").unwrap();
    let forbidden = format!("the card is {card}.");
    for endpoint in &ENDPOINTS {
        match endpoint.does {
            Does::ReadEscalation => {
                forbidden_text_of_a_person_does_not_pass(endpoint, &card).await;
                continue;
            }
            Does::GiveFeedback => {
                forbidden_text_is_not_kept(endpoint, &forbidden).await;
                continue;
            }
            Does::Converse | Does::Embed | Does::CountTokens | Does::ListModels => {}
        }
        for stream in manners(endpoint) {
            let about = format!("{} {} ({:?}), streamed: {stream}", endpoint.method, endpoint.path, endpoint.header);
            let (Case { asks, answers }, harmless) = (case(endpoint, &forbidden, stream), case(endpoint, "hi", stream));
            let provider = Provider::saying(answers).await;
            let gateway = Gateway::with_plugins([standard("pii").config("card = 'block'")]);
            let (spoken, settings) = provider_of(endpoint.dialect);
            let gateway = gateway.upstream_in(spoken, &provider).settings(settings).start().await;

            assert_eq!(asks.is_some(), endpoint.method == Method::POST, "{about}: what is posted has text in it");
            if asks.is_some() {
                let answer = call(&gateway, endpoint, asks).await;
                assert_eq!((answer.status, answer.code().as_str()), (400, "pii.blocked"), "{about}");
                assert!(provider.received().is_empty(), "{about}: it reached the provider");
            }
            let answer = call(&gateway, endpoint, harmless.asks.clone()).await;
            assert_eq!(answer.code(), "pii.blocked", "{about}: {}", answer.text());
            assert!(!answer.text().contains(&card), "{about}: it reached the caller: {}", answer.text());
            assert_eq!(provider.received().len(), 1, "{about}");

            // It is the text that is refused, and not the endpoint that is out of order.
            provider.now_says([harmless.answers]);
            let answer = call(&gateway, endpoint, harmless.asks).await;
            assert_eq!(answer.status, 200, "{about}: {}", answer.text());
            assert!(answer.text().contains("hi"), "{about}: {}", answer.text());
        }
    }
}
