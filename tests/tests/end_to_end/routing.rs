//! Routers: they choose among the targets that a caller may use, answer themselves, refuse, or leave all as it is.

use serde_json::{Value, json};
use sluicegate::key::{Draft, Models};
use sluicegate_tests::{
    Answer, DONE, Gateway, Installed, Log, Provider, Reply, chat, chunk, completion, finish, gentle, key_of, streamed,
};

/// Two targets for any model, which say which one they are.
async fn two_targets(plugins: impl IntoIterator<Item = Installed>, settings: &str) -> (Provider, Provider, Gateway) {
    let first = Provider::saying(Reply::json(completion("first"))).await;
    let second = Provider::saying(Reply::json(completion("second"))).await;
    let setup = Gateway::with_plugins(plugins).upstream(&first).upstream_as(&second, "strong-1");
    let gateway = setup.settings(settings).start().await;
    (first, second, gateway)
}

/// Verdict, outcome and intent of each router's receipt.
fn routings(answer: &Answer) -> Vec<String> {
    let receipts = answer.receipts().into_iter().filter(|receipt| receipt.get("export") == Some("router"));
    let said = |name: &str, receipt: &sluicegate_tests::Receipt| receipt.get(name).unwrap_or("-").to_owned();
    receipts.map(|receipt| ["verdict", "outcome", "intent"].map(|name| said(name, &receipt)).join(" ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_chooses_who_answers_and_others_are_asked_as_configured() {
    let (_first, second, gateway) = two_targets([gentle("route-second")], "").await;
    let answer = gateway.ask(chat("please do")).receipts().await;
    assert_eq!(answer.content(), "second");
    assert_eq!(routings(&answer), ["targets said test"]);
    assert!(second.body().contains("\"strong-1\""), "{}", second.body());
    let answer = gateway.ask(chat("do")).receipts().await;
    assert_eq!(answer.content(), "first");
    assert_eq!(routings(&answer), ["unchanged said -"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_a_router_is_the_order_of_failover_and_no_other_target_is_asked() {
    let (first, second, gateway) = two_targets([gentle("route-both")], "").await;
    second.now_says([Reply::json("{}").status(503)]);
    assert_eq!(gateway.ask(chat("please do")).await.content(), "first");
    assert_eq!((first.received().len(), second.received().len()), (1, 1));

    let (first, second, gateway) = two_targets([gentle("route-second")], "").await;
    second.now_says([Reply::json("{}").status(503)]);
    assert_eq!(gateway.ask(chat("please do")).await.status, 503);
    assert_eq!((first.received().len(), second.received().len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_guardrail_rejects_an_answer_those_are_asked_whom_the_router_names_for_that() {
    let rejects = || gentle("answer-deny").config("answer = { do = 'deny', word = 'first' }");
    let wants = || gentle("answer-require").config("answer = { do = 'require', word = 'second', say = 'say second' }");
    for guardrail in [rejects(), wants()] {
        let (first, second, gateway) = two_targets([gentle("route-rejected"), guardrail], "").await;
        let answer = gateway.ask(chat("please do")).receipts().await;
        assert_eq!((answer.status, &*answer.content()), (200, "second"), "{}", answer.text());
        let attempts = answer.header("x-sluicegate-attempts").unwrap();
        assert!(attempts.contains("target-1;error=") && attempts.ends_with(" target-2"), "{attempts}");
        // One that wants another answer has the same model asked again first, as often as that may be.
        assert!(!first.received().is_empty() && second.received().len() == 1);

        // Streams are withheld until the guardrail has seen all of them.
        let stream = |text| Reply::events([chunk(text), finish(0, "stop"), DONE.to_owned()]);
        first.now_says([stream("first")]);
        second.now_says([stream("second")]);
        let answer = gateway.ask(streamed("please do")).await;
        assert_eq!(answer.content(), "second", "{}", answer.text());
    }

    // Nobody else has a better answer, or can be asked: the caller learns why.
    let (first, second, gateway) = two_targets([gentle("route-rejected"), rejects()], "").await;
    second.now_says([Reply::json(completion("first again"))]);
    let answer = gateway.ask(chat("please do")).await;
    assert_eq!((answer.status, &*answer.code()), (400, "test.denied"), "{}", answer.text());
    assert_eq!((first.received().len(), second.received().len()), (1, 1));
    // Those who fail have no say: what the guardrail has said stands.
    second.now_says([Reply::json("{}").status(500)]);
    let answer = gateway.ask(chat("please do")).await;
    assert_eq!((answer.status, &*answer.code()), (400, "test.denied"), "{}", answer.text());
    // Without a router that names others there are none.
    let answer = gateway.ask(chat("do")).await;
    assert_eq!((answer.status, &*answer.code()), (400, "test.denied"));
    assert_eq!((first.received().len(), second.received().len()), (3, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_fails_or_makes_no_sense_leaves_what_is_configured() {
    for (name, outcome) in [
        ("route-fail", "refused"),
        ("route-none", "malformed"),
        ("route-beyond", "malformed"),
        ("route-twice", "malformed"),
    ] {
        let (first, _second, gateway) = two_targets([gentle(name)], "").await;
        let answer = gateway.ask(chat("attack")).receipts().await;
        assert_eq!((answer.status, &*answer.content()), (200, "first"), "{name}");
        assert_eq!(routings(&answer), [format!("failed {outcome} -")], "{name}");
        assert_eq!(first.received().len(), 1, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_router_that_says_something_decides() {
    let plugins = || [gentle("route-nothing").set("order = 1"), gentle("route-answer"), gentle("route-both")];
    for (order, content) in [(2, "Hello to you."), (1000, "second")] {
        let [nothing, answers, both] = plugins();
        let plugins = [nothing, answers.set(&format!("order = {order}")), both];
        let (_first, _second, gateway) = two_targets(plugins, "").await;
        assert_eq!(gateway.ask(chat("hello, please")).await.content(), content, "{order}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_observes_or_is_off_changes_nothing() {
    for (mode, seen) in [("observe", vec!["answer said test"]), ("off", vec![])] {
        let (first, _second, gateway) =
            two_targets([gentle("route-answer").set(&format!("mode = '{mode}'"))], "").await;
        let answer = gateway.ask(chat("hello")).receipts().await;
        assert_eq!(answer.content(), "first", "{mode}");
        if mode == "observe" {
            assert_eq!(routings(&answer), seen);
        }
        assert_eq!(first.received().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_refuses() {
    let (first, _second, gateway) = two_targets([gentle("route-deny")], "").await;
    for ask in [chat("attack"), streamed("attack")] {
        let answer = gateway.ask(ask).await;
        assert_eq!((answer.status, &*answer.code()), (400, "test.refused"));
    }
    assert!(first.received().is_empty());
}

/// How callers of each dialect ask this, at which path, and where the text of an answer stands, streamed and not.
pub(crate) fn dialects(text: &str) -> Vec<(&'static str, Value, &'static str)> {
    let messages = json!([{"role": "user", "content": text}]);
    let gemini = json!({"contents": [{"role": "user", "parts": [{"text": text}]}]});
    let chat = |stream| json!({"model": "m", "stream": stream, "messages": messages});
    let anthropic = |stream| json!({"model": "m", "stream": stream, "max_tokens": 9, "messages": messages});
    let responses = |stream| json!({"model": "m", "stream": stream, "input": text});
    let completions = |stream| json!({"model": "m", "stream": stream, "prompt": text});
    vec![
        ("/v1/chat/completions", chat(false), "/choices/0/message/content"),
        ("/v1/chat/completions", chat(true), "/choices/0/delta/content"),
        ("/v1/messages", anthropic(false), "/content/0/text"),
        ("/v1/messages", anthropic(true), "/delta/text"),
        ("/v1/responses", responses(false), "/output/0/content/0/text"),
        ("/v1/responses", responses(true), "/delta"),
        ("/v1/completions", completions(false), "/choices/0/text"),
        ("/v1/completions", completions(true), "/choices/0/text"),
        ("/v1beta/models/m:generateContent", gemini.clone(), "/candidates/0/content/parts/0/text"),
        ("/v1beta/models/m:streamGenerateContent?alt=sse", gemini, "/candidates/0/content/parts/0/text"),
    ]
}

/// The text of an answer, wherever it stands.
pub(crate) fn said(answer: &Answer, place: &str) -> String {
    if answer.header("content-type") != Some("text/event-stream") {
        return answer.json().pointer(place).and_then(Value::as_str).unwrap_or_default().to_owned();
    }
    let data = answer.text().lines().filter_map(|line| line.strip_prefix("data: "));
    let events = data.filter_map(|data| serde_json::from_str::<Value>(data).ok());
    events.filter_map(|event| event.pointer(place).and_then(Value::as_str).map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_a_router_reaches_callers_of_every_dialect_and_no_model_is_asked() {
    let (first, second, gateway) = two_targets([gentle("route-answer")], "").await;
    for (path, body, place) in dialects("hello") {
        let answer = gateway.call("POST", path).body(body.clone()).await;
        assert_eq!((answer.status, &*said(&answer, place)), (200, "Hello to you."), "{path} {body} {}", answer.text());
        let streams = body["stream"] == true || path.contains("stream");
        assert_eq!(answer.header("content-type") == Some("text/event-stream"), streams, "{path}");
    }
    assert!(first.received().is_empty() && second.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_a_router_passes_the_guardrails_of_answers() {
    for (path, body, place) in dialects("hello") {
        let masks = gentle("mask-word").set("phases = ['answer']");
        let (_first, _second, gateway) = two_targets([gentle("route-secret"), masks], "").await;
        let answer = gateway.call("POST", path).body(body.clone()).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.text().contains("secret") && said(&answer, place).contains("is out."), "{}", answer.text());

        let (_first, _second, gateway) = two_targets([gentle("route-answer"), gentle("answer-deny")], "").await;
        let answer = gateway.call("POST", path).body(body).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
        assert!(!answer.text().contains("Hello") && answer.text().contains("test.denied"), "{}", answer.text());
    }
}

/// The router would say the same again.
#[tokio::test(flavor = "multi_thread")]
async fn a_guardrail_that_wants_another_answer_of_a_router_is_not_content() {
    let (first, _second, gateway) = two_targets([gentle("route-answer"), gentle("answer-require")], "").await;
    let answer = gateway.ask(chat("hello")).await;
    assert_eq!((answer.status, &*answer.code()), (503, "guardrail_failed"), "{}", answer.text());
    assert!(first.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_a_router_is_a_request_and_costs_nothing() {
    let limits = "tenants.default = { limits = { requests_per_day = 2, tokens_per_day = 100000 }, budget = { day = '1' } }\n\
                  store.path = 's.db'";
    let (first, _second, gateway) = two_targets([gentle("route-answer")], limits).await;
    for left in ["1", "0"] {
        let answer = gateway.ask(chat("hello")).await;
        assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some(left));
        assert_eq!(answer.header("x-ratelimit-remaining-tokens"), Some("100000"));
    }
    assert_eq!(gateway.ask(chat("hello")).await.status, 429);
    assert!(first.received().is_empty());
}

/// Two models with a target each, which say which one they are.
async fn two_models(settings: &str) -> (Provider, Provider, Gateway) {
    let first = Provider::saying(Reply::json(completion("first"))).await;
    let second = Provider::saying(Reply::json(completion("second"))).await;
    let plugins = [gentle("route-strong"), gentle("route-tell")];
    let gateway = Gateway::with_plugins(plugins).upstream_as(&first, "small-1").upstream_as(&second, "strong-1");
    let gateway = gateway.settings(settings).start().await;
    (first, second, gateway)
}

const MODELS: &str = "
    providers.target-1.api_key = { file = 'key' }
    providers.target-2.api_key = { file = 'key' }
    targets.target-1.tags = ['small']
    targets.target-2 = { tags = ['strong', 'code'], context_tokens = 400000, prices = { input = '1.25', output = '10' } }
    models.fast.targets = ['target-1']
    models.slow.targets = ['target-2']
";

#[tokio::test(flavor = "multi_thread")]
async fn a_router_may_choose_targets_of_other_models_and_is_told_what_is_known_of_them() {
    let (_first, _second, gateway) = two_models(MODELS).await;
    let asks = |text: &str| {
        let mut ask = chat(text);
        ask["model"] = "fast".into();
        ask
    };
    assert_eq!(gateway.ask(asks("write code")).await.content(), "second");
    let told = gateway.ask(asks("tell")).await.content();
    let told: Vec<&str> = told.lines().collect();
    assert_eq!(
        told,
        [
            "target-1 target-1 small-1 [\"small\"] true [None, None] None 0",
            "target-2 target-2 strong-1 [\"strong\", \"code\"] true [Some(1.25), Some(10.0)] Some(400000) 0",
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_sees_no_target_that_the_key_may_not_use() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let setup = Gateway::with_plugins([gentle("route-tell")]);
    let gateway = setup.upstream_as(&provider, "small-1").upstream_as(&provider, "strong-1").settings(MODELS);
    let gateway = gateway.start().await;
    for (models, sees) in [(vec!["fast"], vec!["target-1"]), (vec!["fast", "slow"], vec!["target-1", "target-2"])] {
        let models = Models::from_names(models.into_iter().map(str::to_owned));
        let key = gateway.new_key(Draft { models, ..key_of("blue") }).await;
        let mut ask = chat("tell");
        ask["model"] = "fast".into();
        let answer = gateway.ask(ask).header("authorization", &format!("Bearer {key}")).await;
        let said = answer.content();
        let seen: Vec<&str> = said.lines().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(seen, sees);
    }
}

/// It is meant for the provider of the model that the caller asks for.
#[tokio::test(flavor = "multi_thread")]
async fn the_credential_of_a_caller_goes_to_no_provider_that_only_a_router_chooses() {
    let models =
        "targets.target-2.tags = ['strong']\nmodels.fast.targets = ['target-1']\nmodels.slow.targets = ['target-2']";
    let (first, second, gateway) = two_models(models).await;
    for (text, said) in [("write code", "first"), ("tell", "target-1 target-1 small-1 [] true [None, None] None 0")] {
        let mut ask = chat(text);
        ask["model"] = "fast".into();
        let answer = gateway.ask(ask).header("authorization", "Bearer sk-of-the-caller").await;
        assert_eq!(answer.content(), said);
    }
    assert_eq!(first.only().header("authorization"), Some("Bearer sk-of-the-caller"));
    assert!(second.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_on_from_what_a_provider_keeps_stays_there() {
    let (first, second, gateway) = two_targets([gentle("route-answer"), gentle("route-second")], "").await;
    for (field, value) in [("previous_response_id", json!("resp_1")), ("conversation", json!("conv_1"))] {
        let mut ask = json!({"model": "m", "input": "hello, please"});
        ask[field] = value;
        let answer = gateway.call("POST", "/v1/responses").body(ask).receipts().await;
        assert_eq!(answer.header("x-sluicegate-plugins"), Some(""), "{}", answer.text());
    }
    assert!(second.received().is_empty() && first.received().is_empty(), "the dialect has no word for it there");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_is_told_which_targets_rest_and_they_are_not_asked() {
    let settings = "upstream = { breaker_failures = 1, breaker_ms = 60000 }";
    let (_first, second, gateway) = two_targets([gentle("route-second"), gentle("route-tell")], settings).await;
    second.now_says([Reply::json("{}").status(503)]);
    assert_eq!(gateway.ask(chat("please")).await.status, 503);
    let told = gateway.ask(chat("tell")).await.content();
    assert!(told.contains("target-1 target-1 m [] true") && told.contains("strong-1 [] false"), "{told}");
    let answer = gateway.ask(chat("please")).await;
    assert_eq!((answer.status, &*answer.code(), second.received().len()), (503, "upstream_resting", 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_and_counts_are_not_routed() {
    let (first, _second, gateway) = two_targets([gentle("route-answer"), gentle("route-second")], "").await;
    let vectors = json!({"object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [1.0]}],
        "usage": {"prompt_tokens": 1, "total_tokens": 1}});
    first.now_says([Reply::json(vectors.to_string())]);
    let ask = json!({"model": "m", "input": "hello, please"});
    let answer = gateway.call("POST", "/v1/embeddings").body(ask).receipts().await;
    assert_eq!((answer.status, first.received().len()), (200, 1), "{}", answer.text());
    assert_eq!(answer.header("x-sluicegate-plugins"), Some(""));
}

#[tokio::test]
async fn the_log_says_what_a_router_decided_and_why() {
    let (_first, _second, gateway) = two_targets([gentle("route-answer")], "").await;
    let log = Log::begin();
    assert_eq!(gateway.ask(chat("hello")).await.status, 200);
    let ends = log.saying("exchange ended");
    assert!(matches!(ends.as_slice(), [end] if end.contains("intent=\"test\" routed=\"answer\"")), "{ends:?}");
    assert_eq!(gateway.ask(chat("do")).await.status, 200);
    let ends = log.saying("exchange ended");
    assert!(matches!(ends.as_slice(), [_, end] if !end.contains("routed")), "{ends:?}");
}
