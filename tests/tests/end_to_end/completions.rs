//! OpenAI's older completions: what passes as it came, what becomes of it at a provider that knows conversations alone, and
//! what nobody could look into.

use serde_json::{Value, json};
use sluicegate::sandbox::made_up;
use sluicegate_tests::{
    Answer, Call, DONE, EMAIL, Gateway, Provider, Reply, Setup, completion, gentle, hostile, standard,
};

const PATH: &str = "/v1/completions";
const SPEAKS: &str = "providers.target-1.completions = true";

fn masking() -> Setup {
    Gateway::with_plugins([standard("pii").config("email = 'restore'\ncard = 'block'")])
}

fn ask(gateway: &Gateway, body: Value) -> Call {
    gateway.call("POST", PATH).body(body)
}

fn asks(prompt: &str, stream: bool) -> Value {
    json!({"model": "m", "prompt": prompt, "stream": stream})
}

fn event(text: &str, finish: Option<&str>) -> String {
    let choice = json!({"text": text, "index": 0, "logprobs": null, "finish_reason": finish});
    let event = json!({"id": "cmpl-1", "object": "text_completion", "created": 1, "choices": [choice], "model": "m"});
    format!("data: {event}\n\n")
}

fn whole(text: &str) -> String {
    let choice = json!({"text": text, "index": 0, "logprobs": null, "finish_reason": "stop"});
    let usage = json!({"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100});
    json!({"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "choices": [choice], "usage": usage})
        .to_string()
}

/// What the first choice says, whole or streamed.
fn said(answer: &Answer) -> String {
    let is_stream = answer.header("content-type").unwrap_or_default().starts_with("text/event-stream");
    let bodies = if is_stream { answer.chunks() } else { vec![answer.json()] };
    bodies.iter().filter_map(|body| body["choices"][0]["text"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_dialect_on_both_sides_is_the_same_bytes() {
    let request = "{ \"prompt\" : [ \"h\\u0069\", \"two\" ], \"max_tokens\":1e1, \"logit_bias\":{\"50256\":-100.0},\n\
                   \"suffix\":\" end\", \"echo\":true, \"best_of\":3,\"n\":2, \"model\":\"m\", \"stream\":false,\"new\":{\"b\":1.0,\"a\":2} }";
    let answer = "{ \"id\":\"cmpl-1\", \"choices\":[{\"finish_reason\":\"stop\",\"text\":\"h\\u0069\",\"index\":0,\
                  \"logprobs\":{\"tokens\":[\"hi\"],\"token_logprobs\":[-1.50]}}],\"usage\":{\"prompt_tokens\":1},\"new\":[] }";
    let events = [event("h\u{e9}llo", None), event(" you", None), event("", Some("stop")), DONE.to_owned()];
    let provider = Provider::saying_in_turn([Reply::json(answer), Reply::events(events.clone())]).await;
    let gateway = Gateway::with_plugins([standard("pii"), standard("secrets"), hostile("calm")])
        .upstream(&provider)
        .settings(SPEAKS)
        .settings("providers.target-1.stream_usage = false")
        .start()
        .await;
    let ask = |body: &str| gateway.call("POST", PATH).body(body).header("authorization", "Bearer sk");
    let got = ask(request).receipts().await;
    assert_eq!(got.text(), answer);
    assert!(got.not_inspected().contains("logprobs"), "{}", got.not_inspected());
    let streaming = request.replace("\"stream\":false", "\"stream\":true");
    assert_eq!(ask(&streaming).await.text(), events.concat());
    let received = provider.received();
    assert_eq!([received[0].text(), received[1].text()], [request, &*streaming]);
    for received in received {
        assert!(received.head.starts_with("POST /v1/completions "), "{}", received.head);
        assert_eq!(received.header("authorization"), Some("Bearer sk"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_prompt_is_looked_at_and_what_is_restored_comes_back() {
    let provider = Provider::saying_in_turn([
        Reply::json(whole("mail [EMAIL_1] then")),
        Reply::events([event("mail [EMA", None), event("IL_1] then", None), event("", Some("stop")), DONE.to_owned()]),
    ])
    .await;
    let gateway = masking().upstream(&provider).settings(SPEAKS).start().await;
    for stream in [false, true] {
        let body = json!({"model": "m", "prompt": ["hi", format!("to {EMAIL}")], "suffix": EMAIL, "stream": stream});
        let answer = ask(&gateway, body).await;
        assert_eq!(said(&answer), format!("mail {EMAIL} then"), "{}", answer.text());
        assert!(!stream || answer.is_done(), "{}", answer.text());
    }
    for received in provider.received() {
        let sent: Value = serde_json::from_slice(&received.body).unwrap();
        assert_eq!((&sent["prompt"], &sent["suffix"]), (&json!(["hi", "to [EMAIL_1]"]), &json!("[EMAIL_1]")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_denied_is_denied_in_openais_shape() {
    let card = made_up("card").unwrap();
    let provider = Provider::saying_in_turn([
        Reply::json(whole(&card)),
        Reply::events([event("it is ", None), event(&card, None), event("", Some("stop")), DONE.to_owned()]),
    ])
    .await;
    let gateway = masking().upstream(&provider).settings(SPEAKS).start().await;
    for body in [asks(&card, false), asks(&card, true), json!({"model": "m", "prompt": ["a", card]})] {
        let answer = ask(&gateway, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "pii.blocked"));
        assert_eq!(answer.json()["error"]["type"], "guardrail_denied");
    }
    assert_eq!(provider.received().len(), 0);
    let answer = ask(&gateway, asks("hi", false)).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "pii.blocked"));
    let answer = ask(&gateway, asks("hi", true)).await;
    assert_eq!((answer.status, answer.code().as_str()), (200, "pii.blocked"), "{}", answer.text());
    let end = answer.chunks().into_iter().find(|event| event["choices"][0]["finish_reason"] == "content_filter");
    let end = end.unwrap_or_else(|| panic!("no end: {}", answer.text()));
    assert_eq!((&end["object"], &end["choices"][0]["text"]), (&json!("text_completion"), &json!("")));
    assert!(!answer.text().contains(&card) && !answer.is_done(), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn any_provider_goes_on_with_a_text() {
    let sandbox = Gateway::sandbox().await;
    for dialect in ["openai", "anthropic", "gemini", "responses"] {
        let gateway = masking().upstream_in(dialect, &sandbox).start().await;
        for stream in [false, true] {
            let prompt = format!("chunks of 1\nI am {EMAIL}");
            let mut body =
                json!({"model": "m", "prompt": [prompt], "stream": stream, "max_tokens": 50, "temperature": 0.5});
            if stream {
                body["stream_options"] = json!({"include_usage": true});
            }
            let answer = ask(&gateway, body).await;
            assert_eq!(said(&answer), format!("You said: I am {EMAIL}"), "{dialect}: {}", answer.text());
            let last = match stream {
                true => answer.chunks().pop().unwrap(),
                false => answer.json(),
            };
            assert_eq!(last["object"], "text_completion", "{dialect}");
            assert!(last["usage"]["total_tokens"].as_u64().unwrap() > 0, "{dialect}: {last}");
            if stream {
                assert!(answer.is_done(), "{dialect}");
                assert_eq!(answer.finishes(), ["stop"], "{dialect}");
            } else {
                assert_eq!(last["choices"][0]["finish_reason"], "stop", "{dialect}");
            }
        }
        let answer = ask(&gateway, asks("fail 429: no luck", false)).await;
        assert_eq!(answer.status, 429, "{dialect}");
        assert!(
            answer.json()["error"]["message"].as_str().unwrap().contains("no luck"),
            "{dialect}: {}",
            answer.text()
        );
        let sent = sandbox.seen().pop().unwrap();
        assert!(!sent.path.ends_with("/v1/completions") && !sent.text().contains(EMAIL), "{dialect}: {}", sent.path);
    }
    // The sandbox model speaks it too.
    let gateway = masking().upstream(&sandbox).settings(SPEAKS).start().await;
    for stream in [false, true] {
        let answer = ask(&gateway, asks(&format!("I am {EMAIL}"), stream)).await;
        assert_eq!(said(&answer), format!("You said: I am {EMAIL}"), "{}", answer.text());
        assert_eq!(sandbox.seen().pop().unwrap().path, "/v1/completions");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_conversation_has_no_word_for_is_refused_or_told() {
    let sandbox = Gateway::sandbox().await;
    let gateway = Gateway::without_plugins().upstream_in("anthropic", &sandbox).start().await;
    let cases = [
        ("prompt", json!(["hi", "ho"])),
        ("suffix", json!("end")),
        ("echo", json!(true)),
        ("best_of", json!(3)),
        ("logprobs", json!(1)),
        ("logit_bias", json!({"50256": -100})),
        ("n", json!(2)),
    ];
    let with = |field: &str, value: &Value| {
        let mut body = asks("hi", false);
        body[field] = value.clone();
        body
    };
    for (field, value) in &cases {
        let answer = ask(&gateway, with(field, value)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "untranslatable"), "{field}");
        assert_eq!(answer.json()["error"]["param"], *field);
    }
    assert_eq!(sandbox.state().received, 0);
    let settings = "translation.leave_out = ['*']";
    let gateway = Gateway::without_plugins().upstream_in("anthropic", &sandbox).settings(settings).start().await;
    for (field, value) in &cases {
        let answer = ask(&gateway, with(field, value)).await;
        assert_eq!(answer.header("x-sluicegate-left-out"), Some(*field), "{}", answer.text());
        assert_eq!(said(&answer), "You said: hi", "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_tokens_go_nowhere() {
    let provider = Provider::saying(Reply::json(whole("hi"))).await;
    let gateway = masking().upstream(&provider).settings(SPEAKS).start().await;
    for prompt in [json!([464, 2068]), json!([[464], [2068]]), json!(["a", [2068]])] {
        let answer = ask(&gateway, json!({"model": "m", "prompt": prompt})).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"), "{prompt}");
        assert_eq!(answer.json()["error"]["param"], "prompt");
    }
    assert_eq!(provider.received().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_and_costs_count() {
    let usage = json!({"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100});
    let extra =
        format!("data: {}\n\n", json!({"id": "cmpl-1", "object": "text_completion", "choices": [], "usage": usage}));
    let events = [event("hi", None), event("", Some("stop")), extra.clone(), DONE.to_owned()];
    let provider = Provider::saying_in_turn([Reply::json(whole("hi")), Reply::events(events.clone())]).await;
    let gateway = Gateway::without_plugins()
        .upstream(&provider)
        .settings(SPEAKS)
        .settings("targets.target-1.prices = { input = '2', output = '8' }")
        .settings("tenants.default.limits.requests_per_minute = 2")
        .start()
        .await;
    let answer = ask(&gateway, asks("hi", false)).await;
    assert_eq!(answer.header("x-sluicegate-cost-usd"), Some("0.0028"), "{}", answer.text());
    // A stream is asked for its usage, of which a caller who has not asked is told nothing.
    let answer = ask(&gateway, asks("hi", true)).receipts().await;
    assert!(answer.text().contains(": x-sluicegate-cost-usd: 0.0028"), "{}", answer.text());
    assert!(!answer.text().contains("usage"), "{}", answer.text());
    assert!(provider.received()[1].text().contains("\"include_usage\":true"), "{}", provider.received()[1].text());
    let answer = ask(&gateway, asks("hi", false)).await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "rate_limit_exceeded"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guardrail_may_have_one_text_gone_on_with_and_not_several() {
    for speaks in [true, false] {
        let replies = match speaks {
            true => [whole("no"), whole("please do")].map(Reply::json),
            false => [completion("no"), completion("please do")].map(Reply::json),
        };
        let provider = Provider::saying_in_turn(replies).await;
        let settings = format!("providers.target-1.completions = {speaks}");
        let gateway = Gateway::with_plugins([gentle("answer-require")]).upstream(&provider).settings(&settings);
        let gateway = gateway.start().await;
        let answer = ask(&gateway, asks("do it", false)).await;
        assert_eq!(said(&answer), "please do", "{}", answer.text());
        let again: Value = serde_json::from_slice(&provider.received()[1].body).unwrap();
        let prompt = if speaks { &again["prompt"] } else { &again["messages"][0]["content"] };
        assert_eq!(prompt, "do it\n\nno\n\nsay please");
    }
    let provider = Provider::saying(Reply::json(whole("no"))).await;
    let gateway = Gateway::with_plugins([gentle("answer-require")]).upstream(&provider).settings(SPEAKS).start().await;
    let answer = ask(&gateway, json!({"model": "m", "prompt": ["do it", "do that"]})).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "guardrail_failed"), "{}", answer.text());
    assert_eq!(provider.received().len(), 1);
}
