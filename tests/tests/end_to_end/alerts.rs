//! What operators are told of as it happens: on real traffic, by a signed webhook.

use std::path::Path;

use clap::Parser;
use http::HeaderMap;
use serde_json::{Value, json};
use sluicegate::cli::Cli;
use sluicegate::key::Draft;
use sluicegate::limits::Budget;
use sluicegate_tests::{
    Answer, Gateway, Installed, Model as _, PATIENCE, Provider, Received, Reply, chat, completion, gentle, key_of,
};
use standardwebhooks::Webhook;
use tempfile::TempDir;
use tokio::time::timeout;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A model that answers with this, a webhook that answers with that, and a gateway between them with these alerts.
async fn watched(
    reply: Reply,
    hook: Reply,
    plugins: impl IntoIterator<Item = Installed>,
    settings: &str,
) -> (Provider, Provider, Gateway) {
    let (provider, hook) = (Provider::saying(reply).await, Provider::saying(hook).await);
    let setup = Gateway::with_plugins(plugins).upstream(&provider).settings("admin.listen = '127.0.0.1:0'");
    let setup = setup.settings("store.path = 's.db'\nalerts.look_ms = 10\nplugins.breaker_failures = 0");
    let mut gateway = setup.settings(settings).start().await;
    std::fs::write(gateway.files().join("webhook.key"), SECRET).unwrap();
    reconfigured(&mut gateway, &webhook(&hook)).await;
    (provider, hook, gateway)
}

/// Without the standard rules.
const ALONE: &str = "alerts.standard_rules = false";

fn webhook(hook: &Provider) -> String {
    format!("alerts.webhook = {{ url = '{}/alerts', secret = {{ file = 'webhook.key' }} }}", hook.base_url())
}

async fn reconfigured(gateway: &mut Gateway, settings: &str) {
    let before = gateway.generation();
    gateway.reconfigure(settings);
    gateway.until(|host| host.generation().number > before).await;
}

fn good() -> Reply {
    let mut answer: Value = serde_json::from_str(&completion("low tide")).unwrap();
    answer["usage"] = json!({"prompt_tokens": 0, "completion_tokens": 100, "total_tokens": 100});
    Reply::json(answer.to_string())
}

fn taken() -> Reply {
    Reply::json("{}").status(202)
}

fn bad() -> Reply {
    Reply::json("{}").status(503)
}

/// What a message says, if it is signed as it should be.
fn checked(message: &Received) -> Value {
    let mut headers = HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, message.header(name).unwrap().parse().unwrap());
    }
    Webhook::new(SECRET).unwrap().verify(&message.body, &headers).unwrap();
    assert!(message.head.starts_with("POST /v1/alerts HTTP/1.1"), "{}", message.head);
    assert!(!message.text().contains("tide"), "{}", message.text());
    serde_json::from_str(message.text()).unwrap()
}

/// The message with this number, from 1.
fn told(hook: &Provider, number: usize) -> Value {
    checked(&hook.received()[number - 1])
}

/// Ask for this, with a number behind it that makes each text another one, until the webhook has been told so often.
async fn ask_until_told(gateway: &Gateway, text: &str, hook: &Provider, count: usize) {
    let asking = async {
        for number in 0.. {
            if hook.received().len() >= count {
                return;
            }
            gateway.ask(chat(&format!("{text} {number}, when is the tide?"))).await;
        }
    };
    timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("the webhook is told: {:?}", hook.received()));
}

/// What the admin port says once it is as wanted.
async fn listed_when(gateway: &Gateway, wanted: impl Fn(&Value) -> bool) -> Value {
    let look = async {
        loop {
            let listed = gateway.admin("GET", "/api/alerts").await;
            assert_eq!(listed.status, 200, "{}", listed.text());
            if wanted(&listed.json()) {
                return listed.json();
            }
        }
    };
    timeout(PATIENCE, look).await.expect("the rules stand as wanted")
}

/// What the admin port says of the only rule, once there is one.
async fn standing(gateway: &Gateway) -> Value {
    listed_when(gateway, |listed| listed["rules"] != json!([])).await["rules"][0].clone()
}

#[track_caller]
fn assert_told(said: &Value, kind: &str, rule: &str, subject: Value) {
    assert_eq!((&said["type"], &said["data"]["rule"]), (&json!(kind), &json!(rule)), "{said}");
    assert_eq!(said["data"]["subject"], subject, "{said}");
    assert_eq!(said["data"].get("test"), None, "{said}");
}

/// The webhook was told that this began, and why it was over.
#[track_caller]
fn assert_began_and_ended(hook: &Provider, rule: &str, subject: Value, reason: &str) {
    let (fired, over) = (told(hook, 1), told(hook, 2));
    assert_told(&fired, "alert.fired", rule, subject.clone());
    assert_told(&over, "alert.resolved", rule, subject);
    assert_eq!((fired["data"].get("reason"), &over["data"]["reason"]), (None, &json!(reason)));
    assert_eq!((&fired["data"]["alert"], &fired["data"]["since"]), (&over["data"]["alert"], &over["data"]["since"]));
    let ids: Vec<String> = hook.received().iter().map(|one| one.header("webhook-id").unwrap().to_owned()).collect();
    assert_ne!(ids[0], ids[1], "these are two messages");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_fails_is_told_of_and_so_is_its_recovery() {
    let rule = "alerts.rules.errors = { when = 'target-errors', threshold = 0.5, clear = 0.25, window_seconds = 1, \
                count_min = 5, target = 'target-1' }";
    let (provider, hook, gateway) = watched(bad(), taken(), [], &format!("{ALONE}\n{rule}")).await;
    assert_eq!(standing(&gateway).await["worst"][0]["state"], "quiet");
    ask_until_told(&gateway, "hello", &hook, 1).await;
    let fired = told(&hook, 1)["data"].clone();
    assert_eq!((&fired["when"], &fired["window_seconds"]), (&json!("target-errors"), &json!(1)));
    assert_eq!((&fired["value"], &fired["threshold"], &fired["clear"]), (&json!(1.0), &json!(0.5), &json!(0.25)));
    let listed = standing(&gateway).await;
    assert_eq!((&listed["active"], &listed["worst"][0]["state"]), (&json!(1), &json!("active")));
    assert_eq!((&listed["worst"][0]["alert"], &listed["worst"][0]["since"]), (&fired["alert"], &fired["since"]));
    let metrics = gateway.admin("GET", "/metrics").await;
    assert!(metrics.text().contains("sluicegate_alerts_active{rule=\"errors\"} 1"), "{}", metrics.text());
    let console = gateway.admin("GET", "/console/keys").await;
    assert!(console.text().contains("Alert errors: target target-1"), "{}", console.text());

    provider.now_says([good()]);
    ask_until_told(&gateway, "hello", &hook, 2).await;
    assert_began_and_ended(&hook, "errors", json!({"target": "target-1"}), "recovered");
    gateway
        .until(|host| host.observers.metrics.text(host, None).contains("deliveries_total{outcome=\"delivered\"} 2"))
        .await;
    assert_eq!(standing(&gateway).await["active"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_fails_is_told_of() {
    let rule = "alerts.rules.broken = { when = 'plugin-failures', threshold = 0.5, window_seconds = 1, count_min = 5 }";
    let plugins = [gentle("request-fail"), gentle("allow")];
    let (_provider, hook, gateway) = watched(good(), taken(), plugins, &format!("{ALONE}\n{rule}")).await;
    ask_until_told(&gateway, "attack", &hook, 1).await;
    ask_until_told(&gateway, "hello", &hook, 2).await;
    assert_began_and_ended(&hook, "broken", json!({"plugin": "request-fail"}), "recovered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_slow_is_told_of_until_nobody_asks_it_any_more() {
    // Nobody answers within a microsecond.
    let rule = "alerts.rules.slow = { when = 'target-latency', threshold = 0.000001, window_seconds = 1, for_seconds = 0, \
                count_min = 5 }";
    let (_provider, hook, gateway) = watched(good(), taken(), [], &format!("{ALONE}\n{rule}")).await;
    ask_until_told(&gateway, "hello", &hook, 1).await;
    hook.has_received(2).await;
    assert_began_and_ended(&hook, "slow", json!({"target": "target-1"}), "no-data");
}

#[tokio::test(flavor = "multi_thread")]
async fn denials_that_rise_are_told_of_once_it_is_known_what_is_usual() {
    let rule = "alerts.rules.attack = { when = 'denials', threshold = 2, window_seconds = 1, baseline_seconds = 1, count_min = 5 }";
    let plugins = [gentle("deny-word")];
    let (_provider, hook, gateway) = watched(good(), taken(), plugins, &format!("{ALONE}\n{rule}")).await;
    assert_eq!(gateway.ask(chat("forbidden")).await.status, 400);
    listed_when(&gateway, |listed| listed["rules"][0]["worst"][0]["value"].is_number()).await;
    assert_eq!(hook.received().len(), 0);
    ask_until_told(&gateway, "forbidden", &hook, 1).await;
    hook.has_received(2).await;
    assert_began_and_ended(&hook, "attack", json!({"plugin": "deny-word"}), "recovered");
}

/// Ten dollars for a million tokens of an answer, and nothing for those of a question.
const PRICES: &str = "targets.target-1.prices = { input = '0', output = '10' }";

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_is_told_of_at_its_share_and_over_when_it_is_raised() {
    let settings =
        "alerts.rules.budget = { when = 'budget', tenant = 'default' }\ntenants.default.limits.tokens_per_day = 125";
    let (_provider, hook, mut gateway) = watched(good(), taken(), [], &format!("{ALONE}\n{settings}")).await;
    let mut request = chat("");
    request["max_tokens"] = 10.into();
    // A hundred of 125 tokens are used, which is the share itself.
    assert_eq!(gateway.ask(request).await.status, 200);
    hook.has_received(1).await;
    assert_eq!(told(&hook, 1)["data"]["value"], json!(0.8));
    reconfigured(&mut gateway, "tenants.default.limits.tokens_per_day = 1_000").await;
    hook.has_received(2).await;
    assert_began_and_ended(&hook, "budget", json!({"tenant": "default", "budget": "tokens_per_day"}), "recovered");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_budget_of_a_key_is_told_of_without_the_key() {
    let settings = format!("{ALONE}\n{PRICES}\nalerts.rules.budget = {{ when = 'budget' }}");
    let (_provider, hook, gateway) = watched(good(), taken(), [], &settings).await;
    let budget = Budget { total: Some("0.00125".parse().unwrap()), ..Budget::default() };
    let key = gateway.new_key(Draft { budget, ..key_of("blue") }).await;
    let mut request = chat("");
    request["max_tokens"] = 100.into();
    assert_eq!(gateway.ask(request).header("x-api-key", &key).await.status, 200);
    hook.has_received(1).await;
    let id = key.split('-').nth(1).unwrap();
    let subject = json!({"key": id, "tenant": "blue", "budget": "money_in_all"});
    assert_told(&told(&hook, 1), "alert.fired", "budget", subject);
    assert!(!hook.only().text().contains(&key), "{}", hook.only().text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_alone_gives_the_standard_rules_and_one_that_is_removed_ends_its_alerts() {
    let (_provider, hook, mut gateway) = watched(bad(), taken(), [], "").await;
    let listed = listed_when(&gateway, |listed| listed["rules"] != json!([])).await;
    let rules = listed["rules"].as_array().unwrap();
    let names: Vec<&str> = rules.iter().map(|rule| rule["rule"].as_str().unwrap()).collect();
    assert_eq!(names, ["budget", "denials", "plugin-failures", "target-errors", "target-latency"]);
    assert_eq!(listed["webhook"], json!({"configured": true, "waiting": 0}));
    for _ in 0..20 {
        assert_eq!(gateway.ask(chat("when is the tide?")).await.status, 503);
    }
    hook.has_received(1).await;
    // Another rule is no reason to begin anew.
    reconfigured(&mut gateway, "alerts.rules.another = { when = 'denials' }").await;
    reconfigured(&mut gateway, ALONE).await;
    hook.has_received(2).await;
    assert_began_and_ended(&hook, "target-errors", json!({"target": "target-1"}), "rule-removed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_hangs_holds_up_neither_exchanges_nor_other_alerts() {
    let rule =
        |name: &str| format!("alerts.rules.{name} = {{ when = 'target-errors', window_seconds = 60, count_min = 5 }}");
    let settings = format!("{ALONE}\n{}\n{}", rule("one"), rule("other"));
    let (provider, hook, gateway) = watched(bad(), Reply::nothing(), [], &settings).await;
    for _ in 0..5 {
        assert_eq!(gateway.ask(chat("hello")).await.status, 503);
    }
    hook.has_received(2).await;
    let rules: Vec<Value> = (1..=2).map(|number| told(&hook, number)["data"]["rule"].clone()).collect();
    assert!(rules.contains(&json!("one")) && rules.contains(&json!("other")), "{rules:?}");
    provider.now_says([good()]);
    for _ in 0..20 {
        assert_eq!(gateway.ask(chat("hello")).await.status, 200);
    }
    let listed = gateway.admin("GET", "/api/alerts").await.json();
    assert_eq!(listed["webhook"], json!({"configured": true, "waiting": 2}));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_rules_there_is_nothing_to_see_and_nothing_to_change() {
    let provider = Provider::saying(good()).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings("admin.listen = '127.0.0.1:0'").start().await;
    let listed: Answer = gateway.admin("GET", "/api/alerts").await;
    assert_eq!(listed.json(), json!({"rules": [], "webhook": {"configured": false, "waiting": 0}}));
    assert_eq!(gateway.admin("POST", "/api/alerts").await.status, 405);
    assert_eq!(gateway.admin("GET", "/api/alerts/errors").await.status, 404);
}

/// Run `sluicegate alerts test` with this configuration.
async fn tries(config: &Path, arguments: &[&str]) -> Result<(), String> {
    let all = ["sluicegate", "alerts", "test", "--config", config.to_str().unwrap()];
    let cli = Cli::parse_from(all.into_iter().chain(arguments.iter().copied()));
    tokio::task::spawn_blocking(move || cli.run()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_webhook_can_be_tried() {
    let (folder, hook) = (TempDir::new().unwrap(), Provider::saying(taken()).await);
    let config = folder.path().join("sluicegate.toml");
    let model = "providers.p.dialect = 'sandbox'\ntargets.t.provider = 'p'\nmodels.'*'.targets = ['t']";
    std::fs::write(folder.path().join("webhook.key"), SECRET).unwrap();
    std::fs::write(&config, format!("{model}\nalerts.rules.mine = {{ when = 'denials', tenant = 'blue' }}")).unwrap();
    let without = tries(&config, &[]).await.unwrap_err();
    assert!(without.starts_with("alerts.webhook is not configured"), "{without}");

    let rule = "alerts.rules.mine = { when = 'denials', tenant = 'blue' }";
    std::fs::write(&config, format!("{model}\n{rule}\n{}", webhook(&hook))).unwrap();
    tries(&config, &["mine"]).await.unwrap();
    let sample = checked(&hook.only());
    assert_eq!((&sample["type"], &sample["data"]["test"]), (&json!("alert.fired"), &json!(true)));
    assert_eq!(sample["data"]["subject"], json!({"tenant": "blue"}));
    tries(&config, &[]).await.unwrap();
    assert_eq!(hook.received().len(), 1 + 6, "the standard rules and this one");
    let unknown = tries(&config, &["yours"]).await.unwrap_err();
    assert!(
        unknown.starts_with("there is no rule \"yours\" for alerts; there are: budget, denials, mine"),
        "{unknown}"
    );

    hook.now_says([bad()]);
    let refused = tries(&config, &[]).await.unwrap_err();
    assert!(refused.starts_with("6 of 6 were not taken by http://127.0.0.1"), "{refused}");
    drop(hook);
    let refused = tries(&config, &["mine"]).await.unwrap_err();
    assert!(refused.starts_with("1 of 1 were not taken"), "{refused}");
}
