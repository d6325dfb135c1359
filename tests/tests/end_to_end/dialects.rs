//! Callers and providers of different dialects, and of the same: what passes as it came, what is translated, and that
//! guardrails see the same text whichever way it is written.

use serde_json::{Value, json};
use sluicegate::sandbox::made_up;
use sluicegate_tests::{Answer, EMAIL, Gateway, Provider, Reply, standard};

/// A wire format, as callers and providers know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wire {
    OpenAi,
    Anthropic,
    Gemini,
    Responses,
}

use Wire::{Anthropic, Gemini, OpenAi, Responses};

const WIRES: [Wire; 4] = [OpenAi, Anthropic, Gemini, Responses];

impl Wire {
    fn dialect(self) -> &'static str {
        match self {
            OpenAi => "openai",
            Anthropic => "anthropic",
            Gemini => "gemini",
            Responses => "responses",
        }
    }

    /// Where a question is asked whose answer is to stream or not.
    fn path(self, stream: bool) -> &'static str {
        match self {
            OpenAi => "/v1/chat/completions",
            Anthropic => "/v1/messages",
            Gemini if stream => "/v1beta/models/m:streamGenerateContent?alt=sse",
            Gemini => "/v1beta/models/m:generateContent",
            Responses => "/v1/responses",
        }
    }

    /// A question, with a tool that may be called.
    fn asks(self, text: &str, stream: bool) -> Value {
        let schema = json!({"type": "object", "properties": {"to": {"type": "string"}}});
        let messages = json!([{"role": "user", "content": text}]);
        match self {
            OpenAi => json!({"model": "m", "stream": stream, "messages": messages, "tools": [
                {"type": "function", "function": {"name": "mail", "description": "sends mail", "parameters": schema}}]}),
            Anthropic => json!({"model": "m", "stream": stream, "max_tokens": 1000, "messages": messages, "tools": [
                {"name": "mail", "description": "sends mail", "input_schema": schema}]}),
            Gemini => json!({"contents": [{"role": "user", "parts": [{"text": text}]}], "tools": [
                {"functionDeclarations": [{"name": "mail", "description": "sends mail", "parameters":
                    {"type": "OBJECT", "properties": {"to": {"type": "STRING"}}}}]}]}),
            Responses => json!({"model": "m", "stream": stream, "input": text, "tools": [
                {"type": "function", "name": "mail", "description": "sends mail", "parameters": schema}]}),
        }
    }

    /// A conversation in which the tool has answered this.
    fn reports(self, result: &str, arguments: &Value, stream: bool) -> Value {
        match self {
            OpenAi => json!({"model": "m", "stream": stream, "messages": [
                {"role": "user", "content": "mail it"},
                {"role": "assistant", "content": null, "tool_calls": [{"id": "call_1", "type": "function",
                    "function": {"name": "mail", "arguments": arguments.to_string()}}]},
                {"role": "tool", "tool_call_id": "call_1", "content": result}]}),
            Anthropic => json!({"model": "m", "stream": stream, "max_tokens": 1000, "messages": [
                {"role": "user", "content": "mail it"},
                {"role": "assistant", "content": [
                    {"type": "tool_use", "id": "call_1", "name": "mail", "input": arguments}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "call_1", "content": result}]}]}),
            Gemini => json!({"contents": [
                {"role": "user", "parts": [{"text": "mail it"}]},
                {"role": "model", "parts": [{"functionCall": {"name": "mail", "args": arguments}}]},
                {"role": "user", "parts": [
                    {"functionResponse": {"name": "mail", "response": {"output": result}}}]}]}),
            Responses => json!({"model": "m", "stream": stream, "input": [
                {"role": "user", "content": "mail it"},
                {"type": "function_call", "call_id": "call_1", "name": "mail", "arguments": arguments.to_string()},
                {"type": "function_call_output", "call_id": "call_1", "output": result}]}),
        }
    }

    /// What an answer says.
    fn content(self, answer: &Answer) -> String {
        match (self, answer.header("content-type").unwrap_or_default().starts_with("text/event-stream")) {
            (OpenAi, _) => answer.content(),
            (Anthropic, false) => texts(&answer.json()["content"], "text"),
            (Anthropic, true) => {
                answer.chunks().iter().filter_map(|event| event["delta"]["text"].as_str()).collect::<String>()
            }
            (Gemini, _) => parts(answer).iter().filter_map(|part| part["text"].as_str()).collect(),
            (Responses, false) => {
                let output = answer.json()["output"].clone();
                let messages = output.as_array().unwrap().iter().filter(|item| item["type"] == "message");
                messages.map(|item| texts(&item["content"], "text")).collect()
            }
            (Responses, true) => deltas(answer, "response.output_text.delta"),
        }
    }

    /// The arguments of the one tool call of an answer, as JSON.
    fn arguments(self, answer: &Answer) -> Value {
        let is_stream = answer.header("content-type").unwrap_or_default().starts_with("text/event-stream");
        let text = match (self, is_stream) {
            (OpenAi, false) => {
                let call = &answer.json()["choices"][0]["message"]["tool_calls"][0]["function"];
                call["arguments"].as_str().unwrap_or_default().to_owned()
            }
            (OpenAi, true) => {
                let call = |event: &Value| {
                    let call = &event["choices"][0]["delta"]["tool_calls"][0]["function"];
                    call["arguments"].as_str().map(str::to_owned)
                };
                answer.chunks().iter().filter_map(call).collect()
            }
            (Anthropic, false) => {
                let blocks = answer.json()["content"].clone();
                let call = blocks.as_array().unwrap().iter().find(|block| block["type"] == "tool_use").cloned();
                call.unwrap_or_else(|| panic!("no call: {}", answer.text()))["input"].to_string()
            }
            (Anthropic, true) => {
                answer.chunks().iter().filter_map(|event| event["delta"]["partial_json"].as_str()).collect()
            }
            (Gemini, _) => {
                let calls = parts(answer).into_iter().map(|part| part["functionCall"].clone());
                let call = calls.into_iter().find(|call| !call.is_null());
                call.unwrap_or_else(|| panic!("no call: {}", answer.text()))["args"].to_string()
            }
            (Responses, false) => {
                let output = answer.json()["output"].clone();
                let call = output.as_array().unwrap().iter().find(|item| item["type"] == "function_call").cloned();
                word(&call.unwrap_or_else(|| panic!("no call: {}", answer.text()))["arguments"])
            }
            (Responses, true) => deltas(answer, "response.function_call_arguments.delta"),
        };
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?} in {}", answer.text()))
    }

    /// Why an answer ended, in the words of its dialect.
    fn finish(self, answer: &Answer) -> String {
        let is_stream = answer.header("content-type").unwrap_or_default().starts_with("text/event-stream");
        match (self, is_stream) {
            (OpenAi, true) => answer.finishes().join(" "),
            (OpenAi, false) => word(&answer.json()["choices"][0]["finish_reason"]),
            (Anthropic, false) => word(&answer.json()["stop_reason"]),
            (Anthropic, true) => {
                answer.chunks().iter().map(|event| word(&event["delta"]["stop_reason"])).collect::<String>()
            }
            (Gemini, _) => answers(answer).iter().map(|one| word(&one["candidates"][0]["finishReason"])).collect(),
            (Responses, _) => {
                let response = match is_stream {
                    false => answer.json(),
                    true => {
                        let chunks = answer.chunks();
                        let last = chunks.iter().rfind(|event| !event["response"].is_null());
                        last.map(|event| event["response"].clone()).unwrap_or_default()
                    }
                };
                let reason = &response["incomplete_details"]["reason"];
                word(if reason.is_null() { &response["status"] } else { reason })
            }
        }
    }

    /// The words for an answer that is complete, and for one that ends with calls.
    fn finishes(self) -> [&'static str; 2] {
        match self {
            OpenAi => ["stop", "tool_calls"],
            Anthropic => ["end_turn", "tool_use"],
            Gemini => ["STOP", "STOP"],
            Responses => ["completed", "completed"],
        }
    }
}

/// What a provider speaks: what some callers do too, or what none does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spoken {
    As(Wire),
    Azure,
    Bedrock,
}

/// All that providers speak.
fn spoken() -> impl Iterator<Item = Spoken> {
    WIRES.map(Spoken::As).into_iter().chain([Spoken::Azure, Spoken::Bedrock])
}

impl Spoken {
    fn dialect(self) -> &'static str {
        match self {
            Self::As(wire) => wire.dialect(),
            Self::Azure => "azure",
            Self::Bedrock => "bedrock",
        }
    }

    /// Where it is asked for an answer that is to stream or not.
    fn path(self, stream: bool) -> &'static str {
        match self {
            Self::As(wire) => wire.path(stream),
            Self::Azure => "/openai/v1/chat/completions",
            Self::Bedrock if stream => "/model/m/converse-stream",
            Self::Bedrock => "/model/m/converse",
        }
    }
}

/// The answers of Gemini's API of which one consists.
fn answers(answer: &Answer) -> Vec<Value> {
    let is_stream = answer.header("content-type").unwrap_or_default().starts_with("text/event-stream");
    if is_stream { answer.chunks() } else { vec![answer.json()] }
}

/// The parts of an answer of Gemini's API.
fn parts(answer: &Answer) -> Vec<Value> {
    let parts = |one: &Value| one["candidates"][0]["content"]["parts"].as_array().cloned().unwrap_or_default();
    answers(answer).iter().flat_map(parts).collect()
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What the events of this type add up to.
fn deltas(answer: &Answer, kind: &str) -> String {
    answer.chunks().iter().filter(|event| event["type"] == kind).map(|event| word(&event["delta"])).collect()
}

fn texts(blocks: &Value, field: &str) -> String {
    blocks.as_array().unwrap().iter().filter_map(|block| block[field].as_str()).collect()
}

/// Each pair of a caller's and a provider's wire format, streamed and not.
fn matrix() -> Vec<(Wire, Spoken, bool)> {
    let pairs = WIRES.into_iter().flat_map(|caller| spoken().map(move |provider| (caller, provider)));
    pairs.flat_map(|(caller, provider)| [false, true].map(|stream| (caller, provider, stream))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn any_caller_talks_to_any_provider_and_originals_come_back() {
    for (caller, provider, stream) in matrix() {
        let sandbox = Gateway::sandbox().await;
        let plugins = [standard("pii").config("email = 'restore'")];
        let gateway = Gateway::with_plugins(plugins).upstream_in(provider.dialect(), &sandbox).start().await;
        let about = format!("{caller:?} to {provider:?}, streamed: {stream}");
        let ask = caller.asks(&format!("chunks of 3\nI am {EMAIL}."), stream);
        let answer = gateway.call("POST", caller.path(stream)).body(ask).await;
        assert_eq!(answer.status, 200, "{about}: {}", answer.text());
        assert_eq!(caller.content(&answer), format!("You said: I am {EMAIL}."), "{about}: {}", answer.text());
        let seen = sandbox.seen();
        assert_eq!(seen.len(), 1, "{about}");
        assert_eq!(seen[0].path, provider.path(stream), "{about}");
        assert!(seen[0].text().contains("I am [EMAIL_1].") && !seen[0].text().contains(EMAIL), "{about}");
        assert_eq!(caller.finish(&answer), caller.finishes()[0], "{about}: {}", answer.text());
        let is_open_ai_stream = caller == OpenAi && stream;
        assert!(!is_open_ai_stream || answer.is_done(), "{about}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn any_caller_gets_tool_calls_of_any_provider() {
    for (caller, provider, stream) in matrix() {
        let sandbox = Gateway::sandbox().await;
        let plugins = [standard("pii").config("email = 'restore'")];
        let gateway = Gateway::with_plugins(plugins).upstream_in(provider.dialect(), &sandbox).start().await;
        let about = format!("{caller:?} to {provider:?}, streamed: {stream}");
        let ask = caller.asks(&format!("chunks of 3\ncall mail {{\"to\": \"{EMAIL}\", \"n\": 1.50}}"), stream);
        let answer = gateway.call("POST", caller.path(stream)).body(ask).await;
        assert_eq!(answer.status, 200, "{about}: {}", answer.text());
        assert_eq!(caller.arguments(&answer), json!({"to": EMAIL, "n": 1.5}), "{about}");
        assert_eq!(caller.finish(&answer), caller.finishes()[1], "{about}: {}", answer.text());
        let report = caller.reports(&format!("sent to {EMAIL}"), &json!({"to": EMAIL}), stream);
        let answer = gateway.call("POST", caller.path(stream)).body(report).await;
        let said = caller.content(&answer);
        assert_eq!(said, format!("mail answered: sent to {EMAIL}"), "{about}: {}", answer.text());
        assert!(sandbox.seen().iter().all(|seen| !seen.text().contains(EMAIL)), "{about}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_plugin_refuses_the_same_text_everywhere() {
    let card = made_up("card").unwrap();
    for (caller, provider, stream) in matrix() {
        let sandbox = Gateway::sandbox().await;
        let plugins = [standard("pii").config("card = 'block'")];
        let gateway = Gateway::with_plugins(plugins).upstream_in(provider.dialect(), &sandbox).start().await;
        let result = caller.reports(&format!("it is {card}"), &json!({}), stream);
        let number = caller.reports("done", &json!({"card": card}), stream);
        let cases = [
            ("in the question", caller.asks(&format!("it is {card}"), stream)),
            ("in a tool's result", result),
            ("in a tool's arguments", number),
            ("in the answer", caller.asks("leak card", stream)),
        ];
        for (what, ask) in cases {
            let about = format!("{caller:?} to {provider:?}, streamed: {stream}, {what}");
            let answer = gateway.call("POST", caller.path(stream)).body(ask).await;
            assert_eq!(answer.code(), "pii.blocked", "{about}: {}", answer.text());
            assert!(!answer.text().contains(&card), "{about}: {}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_has_the_shape_of_the_callers_dialect() {
    let sandbox = Gateway::sandbox().await;
    let plugins = [standard("pii").config("card = 'block'")];
    let gateway = Gateway::with_plugins(plugins).upstream(&sandbox).start().await;
    let card = made_up("card").unwrap();
    let answer = gateway.call("POST", "/v1/messages").body(Anthropic.asks(&card, false)).await;
    let body = answer.json();
    assert_eq!(
        (answer.status, &body["type"], &body["error"]["type"]),
        (400, &json!("error"), &json!("invalid_request_error"))
    );
    assert_eq!(answer.code(), "pii.blocked");
    // In the middle of a stream: the reason to stop, then the error.
    for provider in spoken() {
        let gateway = Gateway::with_plugins([standard("pii").config("card = 'block'")])
            .upstream_in(provider.dialect(), &sandbox)
            .start()
            .await;
        let ask = Anthropic.asks("slow 30\nchunks of 4\nleak card", true);
        let answer = gateway.call("POST", "/v1/messages").body(ask).await;
        assert_eq!(answer.status, 200, "{provider:?}: {}", answer.text());
        assert_eq!(Anthropic.finish(&answer), "refusal", "{provider:?}: {}", answer.text());
        assert_eq!(answer.code(), "pii.blocked", "{provider:?}: {}", answer.text());
        assert!(!answer.text().contains("message_stop"), "{provider:?}: {}", answer.text());
        // The kind is the same as of an error that is the whole answer, whatever the provider speaks.
        for (caller, kind) in [
            (OpenAi, "\"type\":\"guardrail_denied\""),
            (Responses, "\"type\":\"guardrail_denied\""),
            (Anthropic, "\"type\":\"invalid_request_error\""),
            (Gemini, "\"status\":\"INVALID_ARGUMENT\""),
        ] {
            let ask = caller.asks("slow 30\nchunks of 4\nleak card", true);
            let answer = gateway.call("POST", caller.path(true)).body(ask).await;
            assert!(answer.text().contains(kind), "{caller:?} of {provider:?}: {}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_dialect_on_both_sides_is_the_same_bytes() {
    let request = "{ \"messages\" : [ {\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"h\\u0069\", \
                   \"cache_control\":{\"type\":\"ephemeral\"}}]} ],\n\"max_tokens\":1e2, \"brand_new\":{\"b\":1.0,\"a\":2}, \
                   \"model\":\"m\", \"stream\":false }";
    let answer = "{ \"id\":\"msg_1\", \"type\":\"message\",\"role\":\"assistant\", \"content\":[{\"type\":\"thinking\",\
                  \"thinking\":\"h\\u0069\",\"signature\":\"c2ln\"},{\"text\":\"ok\",\"type\":\"text\"},{\"type\":\"tool_use\",\
                  \"id\":\"toolu_1\",\"name\":\"f\",\"input\":{ \"a\" : 1.50 }}],\"stop_reason\":\"tool_use\",\
                  \"usage\":{\"input_tokens\":1,\"output_tokens\":2},\"brand_new\":[] }";
    let events = [
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"content\":[],\"usage\":{\"input_tokens\":3}}}\n\n",
        "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        "event: ping\ndata: {\"type\": \"ping\"}\n\n",
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"h\\u0065llo\"}}\n\n",
        "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
        "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":5}}\n\n",
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    ];
    let provider = Provider::saying_in_turn([Reply::json(answer), Reply::events(events)]).await;
    let gateway =
        Gateway::with_plugins([standard("pii"), standard("secrets")]).upstream_in("anthropic", &provider).start().await;
    let ask = || gateway.call("POST", "/v1/messages").body(request).header("x-api-key", "sk-ant").receipts();
    let whole = ask().header("anthropic-beta", "x-2026").await;
    assert_eq!(whole.text(), answer);
    assert!(whole.not_inspected().contains("sealed-thinking"), "{}", whole.not_inspected());
    let streamed = ask().await;
    assert!(streamed.text().starts_with(&events.concat()), "{}", streamed.text());
    for received in provider.received() {
        assert_eq!(received.text(), request);
        assert_eq!(received.header("x-api-key"), Some("sk-ant"));
        assert_eq!(received.header("anthropic-version"), Some("2023-06-01"));
    }
    assert_eq!(provider.received()[0].header("anthropic-beta"), Some("x-2026"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_goes_to_a_provider_of_its_kind_alone() {
    let provider = Provider::saying(Reply::json("{}")).await;
    let gateway = Gateway::without_plugins().upstream_in("anthropic", &provider).start().await;
    let ask = OpenAi.asks("hi", false);
    let _ = gateway.ask(ask).header("authorization", "Bearer sk-of-openai").header("openai-organization", "o").await;
    let received = provider.received();
    assert!(
        !received[0].head.contains("sk-of-openai") && !received[0].head.contains("openai-"),
        "{}",
        received[0].head
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_text_of_a_request_is_looked_at() {
    let provider = Provider::saying(Reply::json("{}")).await;
    let plugins = [standard("pii").config("email = 'mask'")];
    let gateway = Gateway::with_plugins(plugins).upstream_in("anthropic", &provider).start().await;
    let with = |text: &str| {
        json!({"model": "m", "max_tokens": 9, "system": [{"type": "text", "text": text}], "metadata": {"user_id": text},
            "tools": [{"name": "f", "description": text, "input_schema": {"properties": {"x": {"description": text}}}}],
            "stop_sequences": [text], "brand_new": {"deep": [text]},
            "messages": [
                {"role": "user", "content": text},
                {"role": "assistant", "content": [{"type": "thinking", "thinking": text, "signature": "c2ln"},
                    {"type": "text", "text": text}, {"type": "tool_use", "id": "t", "name": "f", "input": {"to": [text]}}]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "text", "text": text}]},
                    {"type": "document", "title": text, "source": {"type": "text", "media_type": "text/plain", "data": text}},
                    {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": text}]}},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                    {"type": "brand_new", "words": text}]}]})
    };
    let answer = gateway.call("POST", "/v1/messages").body(with(EMAIL)).receipts().await;
    assert_eq!(provider.body(), with("[EMAIL]").to_string(), "{}", answer.text());
    assert!(answer.not_inspected().contains("image"), "{}", answer.not_inspected());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_other_side_cannot_say_is_refused_or_left_out_as_the_operator_wants() {
    let sandbox = Gateway::sandbox().await;
    let mut ask = Anthropic.asks("hi", false);
    ask["top_k"] = json!(4);
    let gateway = Gateway::without_plugins().upstream(&sandbox).start().await;
    let answer = gateway.call("POST", "/v1/messages").body(ask.clone()).await;
    assert_eq!((answer.status, &*answer.code()), (400, "untranslatable"), "{}", answer.text());
    assert!(word(&answer.error()["message"]).starts_with("top_k: "), "{}", answer.text());
    assert!(sandbox.seen().is_empty(), "nothing reaches the provider");
    let allowed = Gateway::without_plugins().upstream(&sandbox).settings("translation.leave_out = ['top_k']");
    let gateway = allowed.start().await;
    let answer = gateway.call("POST", "/v1/messages").body(ask).await;
    assert_eq!((answer.status, answer.header("x-sluicegate-left-out")), (200, Some("top_k")), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_providers_error_is_one_of_the_callers_dialect() {
    for (caller, provider, stream) in matrix() {
        let sandbox = Gateway::sandbox().await;
        let gateway = Gateway::without_plugins().upstream_in(provider.dialect(), &sandbox).start().await;
        let about = format!("{caller:?} to {provider:?}, streamed: {stream}");
        let ask = caller.asks("fail 429 retry-after 7: too many", stream);
        let answer = gateway.call("POST", caller.path(stream)).body(ask).await;
        assert_eq!((answer.status, answer.header("retry-after")), (429, Some("7")), "{about}: {}", answer.text());
        let error = answer.json();
        assert!(word(&error["error"]["message"]).contains("too many"), "{about}: {error}");
        if caller == Anthropic {
            assert_eq!(
                (&error["type"], &error["error"]["type"]),
                (&json!("error"), &json!("rate_limit_error")),
                "{about}"
            );
        }
        if caller == Gemini {
            assert_eq!(
                (&error["error"]["code"], &error["error"]["status"]),
                (&json!(429), &json!("RESOURCE_EXHAUSTED")),
                "{about}"
            );
        }
        // One that dies in the middle is an error event, never a clean end.
        if stream {
            // One of its own: the other may be leaving the provider alone, as it was asked to.
            let gateway = Gateway::without_plugins().upstream_in(provider.dialect(), &sandbox).start().await;
            let answer = gateway.call("POST", caller.path(true)).body(caller.asks("die after 5\nlong 100", true)).await;
            for clean in ["message_stop", "[DONE]", "response.completed"] {
                assert!(!answer.text().contains(clean), "{about}");
            }
            assert!(caller != Gemini || caller.finish(&answer).is_empty(), "{about}: {}", answer.text());
            assert_eq!(answer.code(), "upstream_broken", "{about}: {}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn models_are_listed_in_the_callers_dialect() {
    for provider in [OpenAi, Gemini] {
        models_of(provider).await;
    }
}

async fn models_of(provider: Wire) {
    let sandbox = Gateway::sandbox().await;
    let gateway = Gateway::without_plugins().upstream_in(provider.dialect(), &sandbox).start().await;
    let open_ai = gateway.call("GET", "/v1/models").await.json();
    let anthropic = gateway.call("GET", "/v1/models").header("anthropic-version", "2023-06-01").await.json();
    let names =
        |list: &Value| list["data"].as_array().unwrap().iter().map(|model| word(&model["id"])).collect::<Vec<_>>();
    assert_eq!(names(&open_ai), names(&anthropic));
    assert_eq!((&open_ai["object"], &anthropic["has_more"]), (&json!("list"), &json!(false)));
    assert_eq!(anthropic["data"][0]["type"], "model");
    let gemini = gateway.call("GET", "/v1beta/models").await.json();
    let gemini = gemini["models"].as_array().unwrap().iter().map(|model| word(&model["name"]));
    let bare: Vec<String> = gemini.map(|name| name.strip_prefix("models/").unwrap().to_owned()).collect();
    assert_eq!(bare, names(&open_ai));
}
