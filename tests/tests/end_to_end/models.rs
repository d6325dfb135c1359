//! Models that plugins ask through the gateway itself.

use serde_json::{Value, json};
use sluicegate::key::Draft;
use sluicegate::limits::{Budget, Limits};
use sluicegate_tests::{
    Answer, EMAIL, Gateway, Installed, Log, Model as _, Provider, Reply, chat, completion, gentle, key_of, standard,
};

/// A gateway in front of a provider, with another one that only plugins ask. Its answers cost a tenth of a cent.
async fn gateway(
    plugins: impl IntoIterator<Item = Installed>,
    judge: &Provider,
    settings: &str,
) -> (Provider, Gateway) {
    let provider = provider("answer", 0).await;
    let of_judge = format!(
        "[providers.judge]\ndialect = 'openai'\nbase_url = '{}'\n[targets.judge]\nprovider = 'judge'\nfor_plugins = true\n\
         model = 'judge-1'\nprices = {{ input = '0', output = '10' }}",
        judge.base_url()
    );
    let setup = Gateway::with_plugins(plugins).upstream(&provider).settings(&of_judge).settings(settings);
    (provider, setup.start().await)
}

fn asks(grant: &str) -> Installed {
    gentle("asks").set("grants = { clock = {}, kv = {}, http = {}, embedding = {} }").set(grant)
}

const JUDGE: &str = "grants.model.targets = ['judge']";

async fn judge(says: &str) -> Provider {
    provider(says, 100).await
}

async fn provider(says: &str, tokens: u32) -> Provider {
    let mut answer: Value = serde_json::from_str(&completion(says)).unwrap();
    answer["usage"] = json!({"prompt_tokens": 7, "completion_tokens": tokens, "total_tokens": 7 + tokens});
    Provider::saying(Reply::json(answer.to_string())).await
}

fn used(answer: &Answer, name: &str) -> Option<String> {
    answer.receipts().into_iter().find_map(|receipt| receipt.get(name).map(str::to_owned))
}

#[tokio::test]
async fn a_plugin_asks_a_target_that_is_granted_and_what_that_costs_is_on_the_bill() {
    let log = Log::begin();
    let judge = judge("high").await;
    let (_provider, gateway) = gateway([asks(JUDGE)], &judge, "").await;
    let answer = gateway.ask(chat("model judge 10 How is the tide?")).receipts().await;
    assert_eq!(answer.content(), "high");
    let asked = json!({
        "model": "judge-1",
        "messages": [{"role": "user", "content": "How is the tide?"}],
        "max_completion_tokens": 10,
    });
    assert_eq!(serde_json::from_str::<Value>(&judge.body()).unwrap(), asked);
    let said = ["model.calls", "model.bytes", "model.usd"].map(|name| used(&answer, name));
    assert_eq!(said.map(Option::unwrap_or_default), ["1", "25", "0.001"]);
    assert_eq!(answer.header("x-sluicegate-cost-usd"), Some("0.001"));
    let ended = log.saying("exchange ended");
    let [inner, outer] = &*ended else { panic!("{ended:?}") };
    assert!(outer.contains("plugins_usd=0.001") && !outer.contains("cost_usd"), "{outer}");
    let exchange = answer.header("x-sluicegate-exchange").unwrap();
    for part in [&*format!("within=\"{exchange}\""), "asked_by=\"asks\"", "cost_usd=0.001", "target=\"judge\""] {
        assert!(inner.contains(part), "{part}: {inner}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_targets_tokens_bytes_and_time_have_their_bounds() {
    let silent = Provider::saying(Reply::nothing().stalls()).await;
    let grant = "grants.model = { targets = ['judge', 'none'], calls_max = 2, bytes_max = 20, answer_tokens_max = 10, wait_ms = 50 }";
    let (_provider, gateway) = gateway([asks(grant)], &silent, "").await;
    for (asked, told) in [
        ("model judge 10 high?", "the model did not answer in time"),
        ("model target-1 10 high?", "the target is not granted"),
        ("model none 10 high?", "the model could not be asked, or may not say that: upstream_unreachable"),
        ("model judge 11 high?", "an answer may have 10 tokens, and no more"),
        ("model judge 10 how high is it now?", "more than 20 bytes in a call"),
    ] {
        assert_eq!(gateway.ask(chat(asked)).await.content(), format!("no answer: {told}"), "{asked}");
    }
    let lines = "model none 1 a\nmodel none 1 a\nmodel none 1 a";
    let answer = gateway.ask(chat(lines)).await;
    assert!(answer.content().ends_with("more than 2 calls of `model` in an exchange"), "{}", answer.content());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_not_as_it_must_be_is_none() {
    for (says, told) in [
        ("true", "true"),
        ("7", "no answer: the answer does not satisfy the schema"),
        ("yes", "no answer: the answer is not JSON"),
    ] {
        let judge = judge(says).await;
        let (_provider, gateway) = gateway([asks(JUDGE)], &judge, "").await;
        assert_eq!(gateway.ask(chat("model-json judge 5 Is it high?")).await.content(), told);
        let asked: Value = serde_json::from_str(&judge.body()).unwrap();
        assert_eq!(asked["messages"][0], json!({"role": "system", "content": "In JSON."}));
        assert_eq!(asked["response_format"]["json_schema"]["schema"], json!({"type": "boolean"}));
    }
    let failing = Provider::saying(Reply::json(r#"{"error":{"message":"no"}}"#).status(400)).await;
    let (_provider, gateway) = gateway([asks(JUDGE)], &failing, "").await;
    let answer = gateway.ask(chat("model judge 5 Is it high?")).await;
    assert_eq!(answer.content(), "no answer: the model has answered with the status 400");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_asks_and_is_told_passes_the_guardrails() {
    let judge = judge("It is forbidden.").await;
    let (_provider, gateway) = gateway([asks(JUDGE), standard("pii"), gentle("deny-word")], &judge, "").await;
    let answer = gateway.ask(chat("hello")).await;
    assert_eq!(answer.content(), "what?");
    let answer = gateway.ask(chat(&format!("model judge 5 Who is {EMAIL}?"))).await;
    assert!(!judge.body().contains(EMAIL), "{}", judge.body());
    assert_eq!(answer.content(), "no answer: the model could not be asked, or may not say that: test.denied");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_asks_models_is_not_asked_about_what_it_asks() {
    for (says, status) in [("fine", 200), ("bad", 400)] {
        let judge = judge(says).await;
        let both = [gentle("judge").set(JUDGE), gentle("judge").set(JUDGE).named("judge-too")];
        let (provider, gateway) = gateway(both, &judge, "").await;
        let answer = gateway.ask(chat("How is the tide?")).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        // One call for each of them, as long as none has refused.
        assert_eq!((judge.received().len(), provider.received().len()), if says == "fine" { (2, 1) } else { (1, 0) });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_judge_that_cannot_be_asked_has_not_said_yes() {
    let judge = Provider::absent().await;
    let (provider, gateway) = gateway([gentle("judge").set(JUDGE)], &judge, "").await;
    let answer = gateway.ask(chat("How is the tide?")).await;
    assert_eq!((answer.status, provider.received().len()), (503, 0), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_asks_takes_money_and_tokens_and_is_no_request() {
    let judge = judge("fine").await;
    let settings =
        "models.m.targets = ['target-1']\ntargets.target-1.prices = { input = '0', output = '0' }\nstore.path = 's.db'";
    let (_provider, gateway) = gateway([gentle("judge").set(JUDGE)], &judge, settings).await;
    let limits = Limits { concurrent: Some(1), requests_per_minute: Some(9), ..Limits::default() };
    let budget = Budget { total: Some("0.0025".parse().unwrap()), ..Budget::default() };
    let key = gateway.new_key(Draft { limits, budget, ..key_of("blue") }).await;
    let ask = || gateway.ask(chat("How is the tide?")).header("x-api-key", &key);
    for _ in 0..3 {
        let answer = ask().await;
        assert_eq!((answer.status, answer.header("x-sluicegate-cost-usd")), (200, Some("0.001")), "{}", answer.text());
    }
    // The judge has spent what was left, and is not asked for what is refused.
    let answer = ask().await;
    assert_eq!((answer.status, judge.received().len()), (429, 3), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_ask_no_more_has_no_model_asked_by_plugins() {
    let judge = judge("fine").await;
    let settings = "models.m.targets = ['target-1']\nstore.path = 's.db'";
    let (_provider, gateway) = gateway([gentle("judge").set(JUDGE)], &judge, settings).await;
    let limits = Limits { requests_per_minute: Some(1), ..Limits::default() };
    let key = gateway.new_key(Draft { limits, ..key_of("blue") }).await;
    for status in [200, 429, 429] {
        let answer = gateway.ask(chat("How is the tide?")).header("x-api-key", &key).await;
        assert_eq!((answer.status, judge.received().len()), (status, 1), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_known_to_the_last_cent_is_not_said_to_be() {
    let unpriced = Provider::saying(Reply::json(completion("high"))).await;
    let stalled = Provider::saying(Reply::nothing().stalls()).await;
    let asks = || asks("grants.model = { targets = ['judge'], wait_ms = 100 }");
    for judge in [unpriced, stalled] {
        let (_provider, gateway) = gateway([asks()], &judge, "").await;
        let answer = gateway.ask(chat("model judge 10 How is the tide?")).await;
        assert_eq!((answer.status, answer.header("x-sluicegate-cost-usd")), (200, None), "{}", answer.content());
    }
}

#[tokio::test]
async fn what_a_grant_cannot_be_used_for_is_said_when_the_plugin_is_loaded() {
    let log = Log::begin();
    let judge = judge("fine").await;
    let grant = "grants.model = { targets = ['judge', 'juge'] }\nlimits.wall_ms = 50";
    let (_provider, _gateway) = gateway([gentle("judge").set(grant)], &judge, "plugins.chain_ms = 9").await;
    let said = log.saying("good to know of an installation").join("\n");
    for note in
        ["there is no target \\\"juge\\\"", "limits.wall_ms is 50, and ends a call before", "plugins.chain_ms is 9,"]
    {
        assert!(said.contains(note), "{note}: {said}");
    }
    assert!(!said.contains("\\\"judge\\\""), "{said}");
}
