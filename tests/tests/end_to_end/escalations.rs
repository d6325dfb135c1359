//! Exchanges that a router hands over to people.

use http::HeaderMap;
use serde_json::{Value, json};
use sluicegate::escalation::{Conversation, Escalation};
use sluicegate::moment::Moment;
use sluicegate::sandbox::made_up;
use sluicegate_tests::{
    Answer, Gateway, Installed, Log, Model as _, Process, Provider, Received, Reply, chat, completion, gentle, key_of,
    standard,
};
use standardwebhooks::Webhook;
use tempfile::TempDir;

use crate::budgets::TO_BE_KILLED;
use crate::routing::{dialects, said};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A gateway with an admin port, and a model that is not to be asked.
async fn gateway(plugins: impl IntoIterator<Item = Installed>, settings: &str) -> (Provider, Gateway) {
    let provider = Provider::saying(Reply::json(completion("the model"))).await;
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).settings("admin.listen = '127.0.0.1:0'");
    let gateway = gateway.settings("store.path = 's.db'").settings(settings).start().await;
    (provider, gateway)
}

fn reference(answer: &Answer) -> String {
    answer.header("x-sluicegate-escalation").unwrap_or_else(|| panic!("no reference: {}", answer.text())).to_owned()
}

async fn read(gateway: &Gateway, reference: &str) -> Answer {
    gateway.call("GET", &format!("/v1/escalations/{reference}")).await
}

async fn listed(gateway: &Gateway, query: &str) -> Vec<Value> {
    let listed = gateway.admin("GET", &format!("/api/escalations{query}")).await;
    assert_eq!(listed.status, 200, "{}", listed.text());
    listed.json()["escalations"].as_array().unwrap().clone()
}

async fn does(gateway: &Gateway, reference: &str, what: &str, body: Value) -> Answer {
    gateway.admin("POST", &format!("/api/escalations/{reference}/{what}")).body(body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_gets_a_reference_and_later_the_answer_of_a_person() {
    let (provider, gateway) = gateway([gentle("route-person")], "").await;
    let asked = gateway.ask(chat("a refund, please")).receipts().await;
    let reference = reference(&asked);
    assert_eq!((asked.status, asked.content()), (200, format!("A person sees to it.\n\nReference: {reference}")));
    assert!(asked.header("x-sluicegate-plugins").unwrap().contains("verdict=escalate"), "{asked:?}");

    let waits = read(&gateway, &reference).await;
    assert_eq!(
        (waits.status, &waits.json()["state"], &waits.json()["queue"]),
        (200, &json!("waiting"), &json!("billing"))
    );
    assert_eq!(waits.json().get("answer"), None);

    let [one] = &*listed(&gateway, "?queue=billing&state=waiting").await else { panic!("it is not in the queue") };
    assert_eq!((&one["reference"], &one["tenant"]), (&json!(reference), &json!("default")));
    assert_eq!(one["exchange"], json!(asked.header("x-sluicegate-exchange").unwrap()));
    let seen = gateway.admin("GET", &format!("/api/escalations/{reference}")).await.json();
    let texts = json!([{"role": "user", "text": "a refund, please"}]);
    assert_eq!(seen["escalation"]["conversation"], json!({"left_out": 0, "texts": texts}));

    let taken = does(&gateway, &reference, "take", json!({"by": "ann"})).await;
    assert_eq!(taken.json()["escalation"]["state"], "taken");
    assert_eq!(read(&gateway, &reference).await.json()["state"], "waiting", "who has it is nothing to its caller");
    let refused = does(&gateway, &reference, "answer", json!({"by": "bob", "text": "no"})).await;
    assert_eq!((refused.status, &*refused.code()), (409, "escalation_taken"));
    let released = gateway.admin("POST", &format!("/api/escalations/{reference}/release")).await;
    assert_eq!(released.json()["escalation"]["state"], "waiting");
    let answered =
        does(&gateway, &reference, "answer", json!({"by": "bob", "text": "You get it back. \u{1f600}"})).await;
    assert_eq!((answered.status, &answered.json()["escalation"]["answered"]["by"]), (200, &json!("bob")));
    let again = does(&gateway, &reference, "answer", json!({"by": "ann", "text": "or not"})).await;
    assert_eq!((again.status, &*again.code()), (409, "escalation_answered"));

    let read = read(&gateway, &reference).await.json();
    assert_eq!((&read["state"], &read["answer"]), (&json!("answered"), &json!("You get it back. \u{1f600}")));
    assert_eq!(
        (listed(&gateway, "?state=waiting").await.len(), listed(&gateway, "?state=answered").await.len()),
        (0, 1)
    );
    assert!(provider.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_of_every_dialect_are_handed_over_and_told_where_the_text_says_it() {
    let (provider, gateway) = gateway([gentle("route-named")], "").await;
    for (path, body, place) in dialects("refund") {
        let asked = gateway.call("POST", path).body(body).await;
        let text = format!("Ask for {}, the secret one.", reference(&asked));
        assert_eq!((asked.status, said(&asked, place)), (200, text), "{path}: {}", asked.text());
        assert_eq!(read(&gateway, &reference(&asked)).await.json()["state"], "waiting");
    }
    assert_eq!(listed(&gateway, "").await.len(), dialects("").len());
    assert!(provider.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_is_told_of_it() {
    let (_provider, gateway) = gateway([gentle("route-person")], "").await;
    let (blue, also_blue, red) = (
        gateway.new_key(key_of("blue")).await,
        gateway.new_key(key_of("blue")).await,
        gateway.new_key(key_of("red")).await,
    );
    let asked = gateway.ask(chat("refund")).header("x-api-key", &blue).await;
    let path = format!("/v1/escalations/{}", reference(&asked));
    let as_one = |key: String| gateway.call("GET", &path).header("x-api-key", &key);
    assert_eq!((as_one(blue).await.status, as_one(also_blue).await.status), (200, 200));
    let other = as_one(red).await;
    assert_eq!((other.status, &*other.code()), (404, "escalation_not_found"));
    assert_eq!(gateway.call("GET", &path).await.status, 401);
    for wrong in ["esc_", "esc_aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "x'--", "%2e%2e"] {
        assert_eq!(gateway.call("GET", &format!("/v1/escalations/{wrong}")).await.status, 401, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_reference_is_not_there() {
    let (_provider, gateway) = gateway([], "").await;
    for wrong in ["esc_", "esc_aaaaaaaaaaaaaaaaaaaaaaaaaaaa", "x'--", "%2e%2e", "esc_%00"] {
        let answer = read(&gateway, wrong).await;
        assert_eq!((answer.status, &*answer.code()), (404, "escalation_not_found"), "{wrong}");
        let answer = gateway.admin("GET", &format!("/api/escalations/{wrong}")).await;
        assert_eq!((answer.status, &*answer.code()), (404, "escalation_not_found"), "{wrong}");
    }
    assert_eq!(listed(&gateway, "?state=waiting").await, [json!(null); 0]);
    assert_eq!(gateway.admin("GET", "/api/escalations?state=lost").await.status, 400);
    assert_eq!(gateway.admin("DELETE", "/api/escalations").await.status, 405);
    assert!(!gateway.files().join("s.db").exists(), "a look makes no file");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_guardrail_forbids_is_neither_told_nor_queued() {
    let masks = gentle("mask-word").set("phases = ['answer']");
    let (_provider, gateway) = gateway([gentle("route-named"), masks], "").await;
    let asked = gateway.ask(chat("refund")).await;
    assert!(!asked.content().contains("secret") && asked.content().contains(&reference(&asked)), "{}", asked.text());

    let (_provider, gateway) = self::gateway([gentle("route-named"), gentle("answer-deny")], "").await;
    let asked = gateway.ask(chat("refund")).await;
    assert_eq!((asked.status, asked.header("x-sluicegate-escalation")), (400, None), "{}", asked.text());
    assert_eq!(listed(&gateway, "").await, [json!(null); 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_standard_guardrails_let_a_reference_pass_and_people_see_what_they_masked() {
    let plugins = ["pii", "secrets", "prompt-injection"].map(standard);
    let (_provider, gateway) = gateway(plugins.into_iter().chain([gentle("route-person")]), "").await;
    let email = made_up("email").unwrap();
    for _ in 0..20 {
        let asked = gateway.ask(chat(&format!("a refund for {email}"))).await;
        assert!(asked.content().contains(&reference(&asked)), "{}", asked.text());
        let seen = gateway.admin("GET", &format!("/api/escalations/{}", reference(&asked))).await;
        assert!(seen.text().contains("a refund for") && !seen.text().contains(&email), "{}", seen.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_observes_hands_nothing_over() {
    let (provider, gateway) = gateway([gentle("route-person").set("mode = 'observe'")], "").await;
    assert_eq!(gateway.ask(chat("refund")).await.content(), "the model");
    assert_eq!((listed(&gateway, "").await.len(), provider.received().len()), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_full_queue_the_caller_is_told() {
    let (_provider, gateway) = gateway([gentle("route-person")], "escalations.open_max = 1").await;
    let first = gateway.ask(chat("refund")).await;
    let second = gateway.ask(chat("refund")).await;
    assert_eq!((second.status, &*second.code()), (503, "escalation_unavailable"), "{}", second.text());
    assert_eq!(second.header("x-sluicegate-escalation"), None);
    does(&gateway, &reference(&first), "answer", json!({"by": "ann", "text": "done"})).await;
    assert_eq!(gateway.ask(chat("refund")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_store_cannot_be_written_nobody_is_told_that_a_person_sees_to_it() {
    let (_provider, gateway) = gateway([gentle("route-person")], "").await;
    std::fs::create_dir(gateway.files().join("s.db")).unwrap();
    let asked = gateway.ask(chat("refund")).await;
    assert_eq!((asked.status, &*asked.code()), (503, "escalation_unavailable"), "{}", asked.text());
    assert!(!asked.text().contains("s.db"), "{}", asked.text());
    assert_eq!(read(&gateway, "esc_aaaaaaaaaaaaaaaaaaaaaaaaaaaa").await.status, 503);
    assert_eq!(gateway.admin("GET", "/api/escalations").await.status, 500);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_too_late_for_an_answer_once_it_has_expired() {
    let (_provider, gateway) = gateway([], "").await;
    let now = Moment::now();
    let one = Escalation {
        reference: "esc_aaaaaaaaaaaaaaaaaaaaaaaaaaaa".to_owned(),
        queue: "billing".to_owned(),
        tenant: "default".to_owned(),
        exchange: "x".to_owned(),
        model: "m".to_owned(),
        conversation: Conversation::default(),
        created: now,
        expires: now,
        taken: None,
        answered: None,
    };
    gateway.host.escalations.put(one.clone(), 9).await.unwrap();
    assert_eq!(read(&gateway, &one.reference).await.json()["state"], "expired");
    for what in ["take", "answer"] {
        let mut body = json!({"by": "ann", "text": "x"});
        if what == "take" {
            body.as_object_mut().unwrap().remove("text");
        }
        let late = does(&gateway, &one.reference, what, body).await;
        assert_eq!((late.status, &*late.code()), (409, "escalation_expired"), "{what}");
    }
    assert_eq!(listed(&gateway, "?state=expired").await.len(), 1);
}

/// What a message says, if it is signed as it should be.
fn checked(message: &Received) -> Value {
    let mut headers = HeaderMap::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        headers.insert(name, message.header(name).unwrap().parse().unwrap());
    }
    Webhook::new(SECRET).unwrap().verify(&message.body, &headers).unwrap();
    let said: Value = serde_json::from_str(message.text()).unwrap();
    assert_eq!(message.header("webhook-id"), said["data"]["reference"].as_str());
    said
}

fn webhook(url: &str) -> String {
    format!("escalations.webhook = {{ url = '{url}/escalated', secret = {{ file = 'webhook.key' }} }}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_webhook_announces_it_without_a_word_of_the_conversation() {
    let hook = Provider::saying(Reply::json("{}").status(202)).await;
    let (_provider, mut gateway) = gateway([gentle("route-person")], "").await;
    std::fs::write(gateway.files().join("webhook.key"), SECRET).unwrap();
    let before = gateway.generation();
    gateway.reconfigure(&webhook(&hook.base_url()));
    gateway.until(|host| host.generation().number > before).await;
    let asked = gateway.ask(chat("a refund, please")).await;
    hook.has_received(1).await;
    let message = hook.only();
    assert!(message.head.starts_with("POST /v1/escalated HTTP/1.1"), "{}", message.head);
    let said = checked(&message);
    assert_eq!((&said["type"], &said["data"]["reference"]), (&json!("escalation.created"), &json!(reference(&asked))));
    assert_eq!((&said["data"]["queue"], &said["data"]["tenant"]), (&json!("billing"), &json!("default")));
    assert!(!message.text().contains("please"), "{}", message.text());
}

#[tokio::test]
async fn the_log_says_what_was_handed_over_and_to_whom() {
    let (_provider, gateway) = gateway([gentle("route-person")], "").await;
    let log = Log::begin();
    let asked = gateway.ask(chat("refund")).await;
    let ends = log.saying("exchange ended");
    let expected = format!("routed=\"escalate\" escalation=\"{}\" queue=\"billing\"", reference(&asked));
    assert!(matches!(ends.as_slice(), [end] if end.contains(&expected)), "{ends:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_loses_none_and_announces_them_when_it_is_back() {
    let folder = TempDir::new().unwrap();
    let (config, plugins) = (folder.path().join("sluicegate.toml"), folder.path().join("plugins"));
    std::fs::create_dir(&plugins).unwrap();
    gentle("route-person").put_into(&plugins);
    std::fs::write(folder.path().join("webhook.key"), SECRET).unwrap();
    let hook = Provider::saying(Reply::json("{}").status(503)).await;
    let text = |hook: &Provider| {
        format!(
            "[server]\nlisten = '127.0.0.1:0'\n[providers.p]\ndialect = 'sandbox'\n[targets.t]\nprovider = 'p'\n[models.'*']\n\
         targets = ['t']\n[plugins]\ndirectory = 'plugins'\n[store]\npath = 's.db'\n[escalations.webhook]\n\
         url = '{}'\nsecret = {{ file = 'webhook.key' }}",
            hook.base_url()
        )
    };
    std::fs::write(&config, text(&hook)).unwrap();
    let mut references = Vec::new();
    for round in 1..=3 {
        let gateway = Process::start(TO_BE_KILLED, &config).await;
        for _ in 0..3 {
            // The reference is told, and at once there is nobody any more.
            references.push(reference(&gateway.ask(chat("refund")).await));
        }
        hook.has_received(round).await;
        gateway.kill().await;
    }
    let takes_them = Provider::saying(Reply::json("{}")).await;
    std::fs::write(&config, text(&takes_them)).unwrap();
    let gateway = Process::start(TO_BE_KILLED, &config).await;
    takes_them.has_received(references.len()).await;
    let received = takes_them.received();
    let announced = received.iter().map(|message| checked(message)["data"]["reference"].as_str().unwrap().to_owned());
    let mut announced: Vec<String> = announced.collect();
    references.sort();
    announced.sort();
    assert_eq!(announced, references);
    for reference in &references {
        let read = gateway.call("GET", &format!("/v1/escalations/{reference}")).await;
        assert_eq!(read.json()["state"], "waiting");
    }
    gateway.kill().await;
}
