//! What an exchange costs: on whole answers, on streams whose callers did and did not ask for their usage, translated and
//! not, over several attempts.

use serde_json::{Value, json};
use sluicegate_tests::{
    Answer, DONE, EMAIL, Gateway, Log, Provider, Reply, chat, chunk, completion, finish, gentle, standard, streamed,
};

const COST: &str = "x-sluicegate-cost-usd";

/// Dollars for a million tokens of the first target.
const PRICES: &str =
    "targets.target-1.prices = { input = '2', cached_input = '0.5', cache_write = '2.5', output = '8' }";

/// 1,000 tokens in, 400 of them cached, 100 out: 600 × 2 + 400 × 0.5 + 100 × 8 = 2,200 millionths of a dollar.
fn usage() -> Value {
    json!({"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100,
        "prompt_tokens_details": {"cached_tokens": 400}})
}

const USED: &str = "0.0022";

fn answer(text: &str) -> String {
    let mut answer: Value = serde_json::from_str(&completion(text)).unwrap();
    answer["usage"] = usage();
    answer.to_string()
}

/// Anthropic's way to say the same, with 100 of the tokens written to the cache: 500 × 2 + 400 × 0.5 + 100 × 2.5 + 100 × 8.
fn message(text: &str) -> String {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": text}],
        "usage": {"input_tokens": 500, "cache_read_input_tokens": 400, "cache_creation_input_tokens": 100,
            "output_tokens": 100}})
    .to_string()
}

const USED_WITH_A_WRITE: &str = "0.00225";

fn messages(stream: bool) -> Value {
    json!({"model": "m", "max_tokens": 100, "stream": stream, "messages": [{"role": "user", "content": "hello?"}]})
}

/// What a caller sees of a stream that it has not asked the usage of.
fn stream() -> Vec<String> {
    vec![":\n\n".to_owned(), chunk("hel"), chunk("lo"), finish(0, "stop"), DONE.to_owned()]
}

/// The same as the provider writes it to one who has asked: with a null in each event, and an event more.
fn stream_with_usage() -> Vec<String> {
    let null = |event: &String| event.replace("}\n\n", ",\"usage\":null}\n\n");
    let mut events: Vec<String> = stream().iter().map(null).collect();
    let extra = json!({"id": "c-1", "object": "chat.completion.chunk", "choices": [], "usage": usage()});
    events.insert(events.len() - 1, format!("data: {extra}\n\n"));
    events
}

/// What the comment at the end of a stream says that it cost.
fn cost_of_stream(answer: &Answer) -> Option<String> {
    let text = answer.text().to_owned();
    text.lines().find_map(|line| line.strip_prefix(": x-sluicegate-cost-usd: ")).map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_answer_carries_its_cost() {
    let provider = Provider::saying(Reply::json(answer("hello"))).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings(PRICES).start().await;
    let answer = gateway.ask(chat("hello?")).await;
    assert_eq!((answer.status, answer.header(COST)), (200, Some(USED)));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_something_is_not_known_nothing_is_said() {
    let provider = Provider::saying(Reply::json(answer("hello"))).await;
    let gateway = Gateway::without_plugins().upstream(&provider).start().await;
    assert_eq!(gateway.ask(chat("hello?")).await.header(COST), None);
    // A price, and no usage.
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings(PRICES).start().await;
    assert_eq!(gateway.ask(chat("hello?")).await.header(COST), None);
    // Providers want no money for errors.
    let provider = Provider::saying(Reply::json(json!({"error": {"message": "no"}}).to_string()).status(400)).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings(PRICES).start().await;
    assert_eq!(gateway.ask(chat("hello?")).await.header(COST), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_of_the_table_is_priced_by_whoever_sells_it() {
    let provider = Provider::saying(Reply::json(answer("hello"))).await;
    let settings = "providers.target-1.prices_as = 'openai'";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(settings).start().await;
    let asked = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "hello?"}]});
    // 600 × 0.25 + 400 × 0.025 + 100 × 2.
    assert_eq!(gateway.ask(asked("gpt-5-mini-2025-08-07")).await.header(COST), Some("0.00036"));
    assert_eq!(gateway.ask(asked("gpt-5-maxi")).await.header(COST), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sandbox_costs_nothing() {
    let text = "providers.s.dialect = 'sandbox'\ntargets.t.provider = 's'\nmodels.'*'.targets = ['t']";
    let settings = sluicegate::config::parse("x", text, std::path::Path::new("")).unwrap();
    let prices = settings.prices_of(settings.any_model.targets().next().unwrap(), "anything").unwrap();
    assert_eq!(prices.estimate(1_000_000, 1_000_000).nanodollars(), 0);
    assert_eq!(settings.notes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_did_not_ask_for_the_usage_sees_what_it_would_have_seen() {
    for plugins in [vec![], vec![standard("no-op")], vec![standard("pii")]] {
        let cuts = [1, 2, 7, 50, 10_000];
        let reply = |cut| Reply::events([stream_with_usage().concat()]).cut(cut);
        let provider = Provider::saying_in_turn(cuts.map(reply)).await;
        let gateway = Gateway::with_plugins(plugins).upstream(&provider).settings(PRICES).start().await;
        for cut in cuts {
            let answer = gateway.ask(streamed("hello?")).await;
            assert_eq!((answer.text(), answer.torn), (&*stream().concat(), false), "cut every {cut} bytes");
        }
        let answer = gateway.ask(streamed("hello?")).receipts().await;
        assert_eq!(cost_of_stream(&answer).as_deref(), Some(USED));
        assert_eq!(answer.header(COST), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_waits_for_an_event_that_goes_nowhere() {
    let provider = Provider::saying(
        Reply::events(stream_with_usage()[..2].to_vec())
            .pauses()
            .then(stream_with_usage()[2..5].to_vec())
            .pauses()
            .then([DONE]),
    )
    .await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings(PRICES).start().await;
    let mut open = gateway.ask(streamed("hello?")).open().await;
    open.until("hel").await;
    provider.proceed();
    open.until("\"stop\"").await;
    provider.proceed();
    assert!(open.rest().await.is_done());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_body_that_asks_for_the_usage_is_the_callers_otherwise() {
    let body = |options: &str| {
        format!(
            "{{ \"messages\":[ {{\"role\":\"user\",\"content\":\"hi {EMAIL}\"}}],\"stream\" : true{options}, \"model\":\"m\",\"x\":1.0 }}"
        )
    };
    let asks = ",\"stream_options\":{\"include_usage\":true}";
    for (sent, came) in [
        ("", asks),
        (",\"stream_options\":{\"include_usage\":false}", asks),
        (",\"stream_options\":{\"y\":0}", ",\"stream_options\":{\"include_usage\":true,\"y\":0}"),
        (asks, asks),
    ] {
        let provider = Provider::saying(Reply::events(stream_with_usage())).await;
        let gateway = Gateway::with_plugins([standard("pii")]).upstream_as(&provider, "large").start().await;
        let answer = gateway.ask(&*body(sent)).await;
        let expected = body(came).replace(EMAIL, "[EMAIL]").replace("\"m\"", "\"large\"");
        assert_eq!(provider.body(), expected, "{sent}");
        // Who asked has the nulls and the event, who did not has neither.
        let seen = if sent == asks { stream_with_usage() } else { stream() };
        assert_eq!(answer.text(), seen.concat(), "{sent}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_the_question_is_not_asked() {
    let provider = Provider::saying(Reply::events(stream())).await;
    let settings = format!("{PRICES}\nproviders.target-1.stream_usage = false");
    let gateway = Gateway::without_plugins().upstream(&provider).settings(&settings).start().await;
    let body = streamed("hello?").to_string();
    let answer = gateway.ask(&*body).receipts().await;
    assert!(answer.text().starts_with(&stream().concat()), "{}", answer.text());
    assert_eq!(cost_of_stream(&answer), None);
    // Nor in the name of a caller of another dialect.
    gateway.call("POST", "/v1/messages").body(messages(true)).await;
    let received = provider.received();
    assert_eq!(received[0].text(), body);
    assert!(!received[1].text().contains("stream_options"), "{}", received[1].text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_anthropic_counts_apart_counts_once() {
    let events = [
        json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "m",
            "content": [], "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 500,
            "cache_read_input_tokens": 400, "cache_creation_input_tokens": 100, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null},
            "usage": {"input_tokens": 500, "output_tokens": 100}}),
        json!({"type": "message_stop"}),
    ];
    let events = events.map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()));
    for (path, whole, streaming) in [
        ("/v1/messages", messages(false), messages(true)),
        ("/v1/chat/completions", chat("hello?"), streamed("hello?")),
    ] {
        let replies = [Reply::json(message("hello")), Reply::events(events.clone())];
        let provider = Provider::saying_in_turn(replies).await;
        let gateway = Gateway::without_plugins().upstream_in("anthropic", &provider).settings(PRICES).start().await;
        let answer = gateway.call("POST", path).body(whole).await;
        assert_eq!(answer.header(COST), Some(USED_WITH_A_WRITE), "{path}: {}", answer.text());
        let answer = gateway.call("POST", path).body(streaming).receipts().await;
        assert_eq!(cost_of_stream(&answer).as_deref(), Some(USED_WITH_A_WRITE), "{path}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_openai_costs_the_same_in_another_dialect() {
    let replies = [Reply::json(answer("hello")), Reply::events(stream_with_usage())];
    let provider = Provider::saying_in_turn(replies).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings(PRICES).start().await;
    let answer = gateway.call("POST", "/v1/messages").body(messages(false)).await;
    assert_eq!(answer.header(COST), Some(USED), "{}", answer.text());
    let answer = gateway.call("POST", "/v1/messages").body(messages(true)).receipts().await;
    assert_eq!(cost_of_stream(&answer).as_deref(), Some(USED), "{}", answer.text());
    assert!(answer.text().contains("\"cache_read_input_tokens\":400"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_a_guardrail_refuses_has_cost_something_too() {
    let provider = Provider::saying(Reply::json(answer(EMAIL))).await;
    let plugins = [standard("pii").config("email = 'block'")];
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).settings(PRICES).start().await;
    let answer = gateway.ask(chat("hello?")).await;
    assert_eq!((answer.status, answer.header(COST)), (400, Some(USED)));
}

#[tokio::test(flavor = "multi_thread")]
async fn all_attempts_add_up() {
    // The first answer is not what the guardrail wants, and the model is asked once more.
    let provider = Provider::saying_in_turn([Reply::json(answer("no")), Reply::json(answer("no"))]).await;
    let plugins = [gentle("answer-require").set("on_failure = 'open'")];
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).settings(PRICES).start().await;
    let answer = gateway.ask(chat("hello?")).await;
    assert_eq!((provider.received().len(), answer.header(COST)), (2, Some("0.0044")), "{}", answer.text());
}

/// What a provider may have charged for, and has not told, is not free.
#[tokio::test]
async fn what_broke_off_is_not_all_that_was_used() {
    let told = json!({"choices": [], "usage": {"prompt_tokens": 1_000, "completion_tokens": 0}});
    let failures = [
        // 1,000 × 2 of the first, and the second.
        ("0.0042", Reply::events([format!("data: {told}\n\n")]).dies()),
        ("0.0022", Reply::json(answer("hello")).dies()),
        ("0.0022", Reply::json("no sense")),
    ];
    for (least, failure) in failures {
        let log = Log::begin();
        let (failing, provider) =
            (Provider::saying(failure).await, Provider::saying(Reply::json(answer("hello"))).await);
        let settings = format!("{PRICES}\n{}", PRICES.replace("target-1", "target-2"));
        let setup = Gateway::without_plugins().upstream(&failing).upstream(&provider);
        let gateway = setup.settings(&settings).start().await;
        let answer = gateway.ask(streamed("hello?")).await;
        assert_eq!((answer.status, answer.header(COST)), (200, None), "{}", answer.text());
        let ends = log.saying("exchange ended");
        assert!(ends[0].contains(&format!("cost_usd={least} priced=false")), "{ends:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_that_makes_no_sense_is_none() {
    let said = |usage: Value| {
        let mut body: Value = serde_json::from_str(&completion("hello")).unwrap();
        body["usage"] = usage;
        Reply::json(body.to_string())
    };
    let of = |input: Value, output: Value| json!({"prompt_tokens": input, "completion_tokens": output});
    for (usage, cost) in [
        (of(json!(1_000), json!(100)), Some("0.0028")),
        (of(json!(1_000.0), json!(100)), Some("0.0028")),
        (of(json!("1000"), json!("100")), None),
        (of(json!(-1), json!(100)), None),
        (of(json!(1_000.5), json!(100)), None),
        (of(json!(10_000_000_000_000_u64), json!(100)), None),
        (json!({"prompt_tokens": 1_000}), None),
        (json!({}), None),
        // Parts are no more than what they are parts of.
        (
            json!({"prompt_tokens": 1_000, "completion_tokens": 100, "prompt_tokens_details": {"cached_tokens": 9_000}}),
            Some("0.0013"),
        ),
    ] {
        let provider = Provider::saying(said(usage.clone())).await;
        let gateway = Gateway::without_plugins().upstream(&provider).settings(PRICES).start().await;
        assert_eq!(gateway.ask(chat("hello?")).await.header(COST), cost, "{usage}");
    }
}

#[tokio::test]
async fn the_log_says_what_an_exchange_cost_and_what_is_not_known() {
    let log = Log::begin();
    let provider = Provider::saying(Reply::json(answer("hello"))).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings(PRICES).start().await;
    gateway.ask(chat("hello?")).await;
    let gateway = Gateway::without_plugins().upstream(&provider).start().await;
    gateway.ask(chat("hello?")).await;
    let ends = log.saying("exchange ended");
    let [priced, unpriced] = ends.as_slice() else { panic!("{}", log.text()) };
    assert!(priced.contains("cost_usd=0.0022 priced=true"), "{priced}");
    assert!(unpriced.contains("priced=false") && !unpriced.contains("cost_usd"), "{unpriced}");
}

/// Nobody's budget would ever be used up by them.
#[tokio::test(flavor = "multi_thread")]
async fn models_without_a_price_are_not_for_callers_with_a_budget() {
    let unpriced = Provider::saying(Reply::json(answer("for nothing"))).await;
    let priced = Provider::saying(Reply::json(answer("hello"))).await;
    let budget = "tenants.default.budget.total = '1'\nstore.path = 's.db'";
    let gateway = Gateway::without_plugins().upstream(&unpriced).settings(budget).start().await;
    let refused = gateway.ask(chat("hello?")).await;
    assert_eq!((refused.status, &*refused.code()), (403, "price_unknown"), "{}", refused.text());
    assert_eq!(unpriced.received().len(), 0);
    // Another target may have one.
    let setup = Gateway::without_plugins().upstream(&unpriced).upstream(&priced);
    let gateway = setup.settings(&PRICES.replace("target-1", "target-2")).settings(budget).start().await;
    assert_eq!(gateway.ask(chat("hello?")).await.content(), "hello");
    // Limits of requests and tokens are kept without one.
    let limit = "tenants.default.limits.tokens_per_day = 100_000\nstore.path = 's.db'";
    let gateway = Gateway::without_plugins().upstream(&unpriced).settings(limit).start().await;
    assert_eq!(gateway.ask(chat("hello?")).await.content(), "for nothing");
}

fn notes(text: &str) -> String {
    let settings = sluicegate::config::parse("sluicegate.toml", text, std::path::Path::new("")).unwrap();
    settings.notes().join("\n")
}

#[test]
fn providers_that_share_a_callers_credential_are_noted() {
    let text = |key: &str| {
        let provider = |name: &str| {
            format!(
                "[providers.{name}]\ndialect = 'openai'\nbase_url = 'https://{name}.example/v1'\n{key}[targets.{name}]\n\
                     provider = '{name}'\nprices = {{ input = '0', output = '0' }}\n"
            )
        };
        provider("one") + &provider("other") + "[models.m]\ntargets = ['one', 'other']"
    };
    insta::assert_snapshot!(
        notes(&text("")),
        @"models.m: the providers one, other have no api_key, so whichever is asked is sent the caller's own credential"
    );
    assert_eq!(notes(&text("api_key = { env = 'CARGO_PKG_NAME' }\n")), "");
}

#[test]
fn a_target_without_a_price_is_noted() {
    let target = |base_url: &str, rest: &str| {
        format!(
            "[providers.p]\ndialect = 'openai'\nbase_url = '{base_url}'\n[targets.t]\nprovider = 'p'\n{rest}\n[models.m]\ntargets = ['t', 't']\n"
        )
    };
    insta::assert_snapshot!(
        notes(&target("https://p.example/v1", "")),
        @r#"targets.t: no prices of provider "p" are known, so its exchanges have no cost, and callers with a budget are refused; write [targets.t.prices] with input and output"#
    );
    insta::assert_snapshot!(
        notes(&target("https://api.openai.com/v1", "model = 'gpt-0'")),
        @r#"targets.t: no price of "gpt-0" is known, so its exchanges have no cost, and callers with a budget are refused; write [targets.t.prices] with input and output"#
    );
    assert_eq!(notes(&target("https://api.openai.com/v1", "model = 'gpt-5-mini'")), "");
    assert_eq!(notes(&target("https://api.openai.com/v1", "")), "");
    assert_eq!(notes(&target("https://p.example/v1", "prices = { input = '1', output = '2' }")), "");
    let small = "model = 'gpt-5-mini'\n[tenants.blue.limits]\ntokens_per_minute = 4_096\n[tenants.'*'.limits]\ntokens_per_day = 5_000";
    insta::assert_snapshot!(
        notes(&target("https://api.openai.com/v1", small)),
        @"tenants.blue.limits.tokens_per_minute: 4096 has no room for a request that does not say max_tokens, for whose answer reservation.answer_tokens (4096) are reserved"
    );
}
