//! OpenAI's Responses: what passes as it came, that texts which a stream says twice are edited twice, and what needs a
//! provider that keeps state.

use serde_json::{Value, json};
use sluicegate::sandbox::made_up;
use sluicegate_tests::{Answer, Call, EMAIL, Gateway, Provider, Reply, Setup, hostile, standard};

const PATH: &str = "/v1/responses";

fn masking() -> Setup {
    Gateway::with_plugins([standard("pii").config("email = 'mask'\ncard = 'block'")])
}

fn ask(gateway: &Gateway, body: Value) -> Call {
    gateway.call("POST", PATH).body(body)
}

/// The events of a stream in which these items are said, with texts in pieces and as a whole, as the reference has them.
fn events(pieces: &[&str], whole: &str) -> Vec<String> {
    let message = |text: &[&str]| {
        let content: Vec<Value> = text
            .iter()
            .map(|text| json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text}))
            .collect();
        json!({"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": content})
    };
    let response = |status: &str, output: Value| {
        json!({"id": "resp_1", "object": "response", "created_at": 1_741_476_777, "status": status, "model": "m",
            "error": null, "incomplete_details": null, "instructions": "be kind", "output": output,
            "usage": {"input_tokens": 3, "output_tokens": 5, "total_tokens": 8}})
    };
    let at = json!({"item_id": "msg_1", "output_index": 0, "content_index": 0});
    let with = |mut at: Value, name: &str, value: Value| {
        at[name] = value;
        at
    };
    let part = |text: &str| json!({"type": "output_text", "annotations": [], "text": text});
    let mut all = vec![
        ("response.created", json!({"response": response("in_progress", json!([]))})),
        ("response.in_progress", json!({"response": response("in_progress", json!([]))})),
        ("response.output_item.added", json!({"output_index": 0, "item": message(&[])})),
        ("response.content_part.added", with(at.clone(), "part", part(""))),
    ];
    all.extend(pieces.iter().map(|piece| ("response.output_text.delta", with(at.clone(), "delta", json!(piece)))));
    all.extend([
        ("response.output_text.done", with(at.clone(), "text", json!(whole))),
        ("response.content_part.done", with(at, "part", part(whole))),
        ("response.output_item.done", json!({"output_index": 0, "item": message(&[whole])})),
        ("response.completed", json!({"response": response("completed", json!([message(&[whole])]))})),
    ]);
    let event = |(number, (kind, mut fields)): (usize, (&str, Value))| {
        fields["type"] = kind.into();
        fields["sequence_number"] = number.into();
        format!("event: {kind}\ndata: {fields}\n\n")
    };
    all.into_iter().enumerate().map(event).collect()
}

/// All that a stream says of the text of its first item, as a whole.
fn wholes(answer: &Answer) -> Vec<String> {
    let texts = ["/text", "/part/text", "/item/content/0/text", "/response/output/0/content/0/text"];
    let chunks = answer.chunks();
    let said = chunks.iter().flat_map(|event| texts.iter().filter_map(move |at| event.pointer(at)?.as_str()));
    said.filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

fn deltas(answer: &Answer) -> String {
    let chunks = answer.chunks();
    let deltas = chunks.iter().filter(|event| event["type"] == "response.output_text.delta");
    deltas.filter_map(|event| event["delta"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_dialect_on_both_sides_is_the_same_bytes() {
    let request = "{ \"input\" : [ {\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":\"h\\u0069\"}]},\n\
                   {\"type\":\"reasoning\",\"id\":\"rs_1\",\"summary\":[],\"encrypted_content\":\"c2VhbA==\"} ],\n\
                   \"max_output_tokens\":1e2, \"previous_response_id\":\"resp_0\", \"brand_new\":{\"b\":1.0,\"a\":2}, \
                   \"model\":\"m\", \"stream\":false }";
    let answer = "{ \"id\":\"resp_1\", \"object\":\"response\",\"status\":\"completed\", \"output\":[{\"type\":\"reasoning\",\
                  \"id\":\"rs_2\",\"summary\":[{\"type\":\"summary_text\",\"text\":\"h\\u0069\"}]},{\"content\":[{\"text\":\
                  \"ok\",\"type\":\"output_text\"}],\"type\":\"message\"},{\"type\":\"function_call\",\"name\":\"f\",\
                  \"call_id\":\"c\",\"arguments\":\"{ \\\"a\\\" : 1.50 }\"}],\"usage\":{\"input_tokens\":1},\"new\":[] }";
    let events = events(&["h\u{e9}", "llo you", " there"], "h\u{e9}llo you there");
    for provider_is in ["dialect", "setting"] {
        let provider = Provider::saying_in_turn([Reply::json(answer), Reply::events(events.clone())]).await;
        let plugins = Gateway::with_plugins([standard("pii"), standard("secrets"), hostile("calm")]);
        let gateway = match provider_is {
            "dialect" => plugins.upstream_in("responses", &provider),
            _ => plugins.upstream(&provider).settings("providers.target-1.responses = true"),
        };
        let gateway = gateway.start().await;
        let ask = || gateway.call("POST", PATH).body(request).header("authorization", "Bearer sk").receipts();
        let whole = ask().header("openai-organization", "o").await;
        assert_eq!(whole.text(), answer, "{provider_is}");
        assert!(whole.not_inspected().contains("sealed-thinking"), "{}", whole.not_inspected());
        let streamed = ask().await;
        assert!(streamed.text().starts_with(&events.concat()), "{provider_is}: {}", streamed.text());
        for received in provider.received() {
            assert_eq!(received.text(), request);
            assert!(received.head.starts_with("POST /v1/responses "), "{}", received.head);
            assert_eq!(received.header("authorization"), Some("Bearer sk"));
        }
        assert_eq!(provider.received()[0].header("openai-organization"), Some("o"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stream_says_again_is_edited_as_it_was_the_first_time() {
    let pieces = ["I am ada.", "lovelace@exam", "ple.com, and ", "you?"];
    let provider = Provider::saying(Reply::events(events(&pieces, &pieces.concat()))).await;
    let gateway = masking().upstream_in("responses", &provider).start().await;
    let answer = ask(&gateway, json!({"model": "m", "stream": true, "input": "hi"})).await;
    let expected = "I am [EMAIL], and you?";
    assert_eq!(deltas(&answer), expected, "{}", answer.text());
    assert_eq!(wholes(&answer), [expected; 4], "{}", answer.text());
    assert!(!answer.text().contains("lovelace"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stream_says_at_its_end_alone_is_looked_at_too() {
    // No deltas; deltas that say something else; and one that goes on when all was said.
    for pieces in [&[] as &[&str], &["something else"], &["I am ada"]] {
        let whole = format!("I am {EMAIL}");
        let provider = Provider::saying(Reply::events(events(pieces, &whole))).await;
        let gateway = masking().upstream_in("responses", &provider).start().await;
        let answer = ask(&gateway, json!({"model": "m", "stream": true, "input": "hi"})).await;
        assert_eq!(wholes(&answer), ["I am [EMAIL]"; 4], "{}", answer.text());
        let card = made_up("card").unwrap();
        let provider = Provider::saying(Reply::events(events(pieces, &card))).await;
        let gateway = masking().upstream_in("responses", &provider).start().await;
        let answer = ask(&gateway, json!({"model": "m", "stream": true, "input": "hi"})).await;
        assert_eq!(answer.code(), "pii.blocked", "{}", answer.text());
        assert!(!answer.text().contains(&card), "{}", answer.text());
    }
    let mut events = events(&["all"], "all");
    let more = events[4].clone();
    events.insert(6, more);
    let provider = Provider::saying(Reply::events(events)).await;
    let gateway = masking().upstream_in("responses", &provider).start().await;
    let answer = ask(&gateway, json!({"model": "m", "stream": true, "input": "hi"})).await;
    assert_eq!(answer.code(), "upstream_broken", "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_a_stream_is_bounded() {
    // In pieces, so that the limit is that of the text as a whole and not of one event.
    let pieces = ["word "; 1000];
    let events = |last: &str| {
        let mut all = events(&[&pieces[..], &[last]].concat(), "");
        all.truncate(4 + 1001);
        all
    };
    for (last, code) in [("12345", "upstream_broken"), ("123456", "answer_too_large")] {
        let provider = Provider::saying(Reply::events(events(last))).await;
        let settings = "upstream.answer_bytes_max = 5005";
        let gateway = Gateway::without_plugins().upstream_in("responses", &provider).settings(settings).start().await;
        let answer = ask(&gateway, json!({"model": "m", "stream": true, "input": "hi"})).await;
        assert_eq!(answer.code(), code, "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_of_a_request_is_looked_at() {
    let provider = Provider::saying(Reply::json("{}")).await;
    let gateway = masking().upstream_in("responses", &provider).start().await;
    let with = |text: &str| {
        json!({"model": "m", "instructions": text, "metadata": {"a": text}, "user": text, "brand_new": {"deep": [text]},
            "tools": [{"type": "function", "name": "f", "description": text,
                "parameters": {"properties": {"x": {"description": text}}}}, {"type": "mcp", "server_label": text}],
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {"description": text}}},
            "prompt": {"id": "pmpt_1", "variables": {"who": text, "what": {"type": "input_text", "text": text}}},
            "input": [
                {"role": "user", "content": text},
                {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text},
                    {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "auto"},
                    {"type": "input_file", "filename": text, "file_data": "data:application/pdf;base64,aGk="}]},
                {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": text}],
                    "content": [{"type": "reasoning_text", "text": text}], "encrypted_content": "c2VhbA=="},
                {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [
                    {"type": "output_text", "text": text, "annotations": [{"type": "url_citation", "title": text}]},
                    {"type": "refusal", "refusal": text}]},
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": format!("{{\"to\":\"{text}\"}}")},
                {"type": "function_call_output", "call_id": "c", "output": text},
                {"type": "function_call_output", "call_id": "d", "output": [{"type": "input_text", "text": text}]},
                {"type": "web_search_call", "id": "ws_1", "action": {"type": "search", "query": text}},
                {"type": "brand_new", "words": text}]})
    };
    let answer = ask(&gateway, with(EMAIL)).receipts().await;
    assert_eq!(provider.body(), with("[EMAIL]").to_string(), "{}", answer.text());
    for opaque in ["image", "file", "sealed-thinking"] {
        assert!(answer.not_inspected().contains(opaque), "{opaque}: {}", answer.not_inspected());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_translated_stream_has_every_event_that_the_reference_names() {
    let sandbox = Gateway::sandbox().await;
    for dialect in ["openai", "anthropic", "responses"] {
        let gateway = Gateway::without_plugins().upstream_in(dialect, &sandbox).start().await;
        let text = "reason: let me see\nchunks of 100\nhello";
        let answer = ask(&gateway, json!({"model": "m", "stream": true, "input": text})).await;
        let events = answer.chunks();
        let kinds: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
        let expected = [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.reasoning_summary_part.added",
            "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.done",
            "response.reasoning_summary_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ];
        assert_eq!(kinds, expected, "{dialect}: {}", answer.text());
        let numbers: Vec<u64> = events.iter().filter_map(|event| event["sequence_number"].as_u64()).collect();
        assert_eq!(numbers, (0..15).collect::<Vec<u64>>(), "{dialect}");
        let last = &events[14]["response"];
        assert_eq!(last["output"][0]["summary"][0]["text"], "let me see", "{dialect}: {last}");
        assert_eq!(last["output"][1]["content"][0]["text"], "You said: hello", "{dialect}: {last}");
        assert!(last["usage"]["output_tokens"].as_u64() > Some(0), "{dialect}: {last}");
        assert_eq!(wholes(&answer).len(), 5, "{dialect}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_in_the_middle_of_a_stream_is_an_incomplete_response_and_an_error() {
    let sandbox = Gateway::sandbox().await;
    for dialect in ["openai", "anthropic", "responses"] {
        let gateway = masking().upstream_in(dialect, &sandbox).start().await;
        let text = "slow 30\nchunks of 4\nleak card";
        let answer = ask(&gateway, json!({"model": "m", "stream": true, "input": text})).await;
        assert_eq!((answer.status, &*answer.code()), (200, "pii.blocked"), "{dialect}: {}", answer.text());
        let events = answer.chunks();
        let [.., incomplete, error] = &*events else { panic!("{}", answer.text()) };
        assert_eq!(incomplete["type"], "response.incomplete", "{dialect}: {incomplete}");
        assert_eq!(incomplete["response"]["incomplete_details"]["reason"], "content_filter", "{dialect}: {incomplete}");
        assert_eq!(incomplete["response"]["id"], events[0]["response"]["id"], "{dialect}");
        assert_eq!((&error["type"], &error["code"]), (&json!("error"), &json!("pii.blocked")), "{dialect}: {error}");
        assert!(error["sequence_number"].as_u64() > incomplete["sequence_number"].as_u64(), "{dialect}");
        // A provider that dies: the response has failed.
        let answer =
            ask(&gateway, json!({"model": "m", "stream": true, "input": "slow 30\ndie after 9\nlong 100"})).await;
        let events = answer.chunks();
        let [.., failed, error] = &*events else { panic!("{}", answer.text()) };
        assert_eq!(failed["type"], "response.failed", "{dialect}: {failed}");
        assert_eq!(failed["response"]["error"]["code"], "upstream_broken", "{dialect}: {failed}");
        assert_eq!(error["code"], "upstream_broken", "{dialect}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_would_have_to_be_fetched_later_is_refused() {
    let provider = Provider::saying(Reply::json("{}")).await;
    let gateway = Gateway::without_plugins().upstream_in("responses", &provider).start().await;
    let answer = ask(&gateway, json!({"model": "m", "input": "hi", "background": true})).await;
    assert_eq!((answer.status, answer.error()["param"].as_str()), (400, Some("background")), "{}", answer.text());
    assert_eq!(provider.received().len(), 0);
    drop(ask(&gateway, json!({"model": "m", "input": "hi", "background": true, "stream": true})).await);
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_state_is_refused_where_nothing_keeps_it_and_the_rest_as_the_operator_wants() {
    let sandbox = Gateway::sandbox().await;
    let allow = "translation.leave_out = ['*']";
    let strict = Gateway::without_plugins().upstream(&sandbox).start().await;
    let lax = Gateway::without_plugins().upstream(&sandbox).settings(allow).start().await;
    for (field, value) in [
        ("previous_response_id", json!("resp_1")),
        ("conversation", json!("conv_1")),
        ("background", json!(true)),
        ("prompt", json!({"id": "pmpt_1"})),
        ("input", json!([{"type": "item_reference", "id": "msg_1"}])),
    ] {
        let mut body = json!({"model": "m", "input": "hi"});
        body[field] = value;
        for gateway in [&strict, &lax] {
            let answer = ask(gateway, body.clone()).await;
            assert_eq!((answer.status, &*answer.code()), (400, "invalid_request"), "{field}: {}", answer.text());
            assert!(answer.error()["param"].as_str().unwrap().starts_with(field), "{field}: {}", answer.text());
        }
    }
    for (field, value) in [
        ("store", json!(true)),
        ("truncation", json!("auto")),
        ("max_tool_calls", json!(3)),
        ("tools[0].type", json!([{"type": "web_search"}])),
    ] {
        let mut body = json!({"model": "m", "input": "hi"});
        body[field.split('[').next().unwrap()] = value;
        let answer = ask(&strict, body.clone()).await;
        assert_eq!((answer.status, &*answer.code()), (400, "untranslatable"), "{field}: {}", answer.text());
        assert_eq!(answer.error()["param"], field, "{}", answer.text());
        let answer = ask(&lax, body).await;
        assert_eq!((answer.status, answer.header("x-sluicegate-left-out")), (200, Some(field)), "{}", answer.text());
    }
    let usual = json!({"model": "m", "input": "hi", "store": false, "background": false, "truncation": "disabled",
        "include": ["reasoning.encrypted_content"], "text": {"format": {"type": "text"}, "verbosity": "medium"}});
    let answer = ask(&strict, usual).await;
    assert_eq!((answer.status, answer.header("x-sluicegate-left-out")), (200, None), "{}", answer.text());
}
