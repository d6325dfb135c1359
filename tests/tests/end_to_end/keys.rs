//! Virtual keys: who is let in with them, what they show, and that no provider ever sees one.

use std::sync::Arc;
use std::time::Duration;

use sluicegate::config;
use sluicegate::gateway::Gateway as Host;
use sluicegate::key::{Draft, Models, secret};
use sluicegate::plugin::Runtime;
use sluicegate::store::issue;
use sluicegate::store::sqlite::Sqlite;
use sluicegate_tests::{Answer, Gateway, Log, Provider, Reply, chat, completion, key_of};

fn draft(models: &[&str]) -> Draft {
    Draft { models: Models::from_names(models.iter().map(|name| (*name).to_owned())), ..key_of("blue") }
}

async fn gateway(settings: &str) -> (Provider, Gateway) {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let models = "[models]\nsmall = { targets = ['target-1'] }\nlarge = { targets = ['target-1'] }\n'*' = { targets = ['target-1'] }";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(models).settings(settings).start().await;
    (provider, gateway)
}

fn store(gateway: &Gateway) -> Sqlite {
    Sqlite::open(&gateway.files().join("sluicegate.db")).unwrap()
}

fn is_unknown(answer: &Answer) -> bool {
    (answer.status, answer.code().as_str()) == (401, "invalid_api_key")
}

#[tokio::test(flavor = "multi_thread")]
async fn from_the_first_key_on_only_who_has_one_is_let_in() {
    let (provider, gateway) = gateway("").await;
    assert_eq!(gateway.ask(chat("x")).await.status, 200);
    let key = gateway.new_key(draft(&["*"])).await;
    assert_eq!(gateway.ask(chat("x")).header("authorization", &format!("Bearer {key}")).await.status, 200);
    let refused = gateway.ask(chat("x")).await;
    assert!(is_unknown(&refused), "{}", refused.text());
    assert_eq!(
        (refused.header("www-authenticate"), refused.error()["type"].as_str()),
        (Some("Bearer"), Some("invalid_request_error"))
    );
    assert_eq!(provider.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_taken_wherever_sdks_send_it_and_no_provider_sees_it() {
    let (provider, gateway) = gateway("").await;
    let key = gateway.new_key(draft(&["*"])).await;
    let bearer = format!("Bearer {key}");
    let ways = [
        ("authorization", &*bearer),
        ("x-api-key", &*key),
        ("x-goog-api-key", &*key),
        ("api-key", &*key),
        ("authorization", &format!("bearer  {key} ")),
    ];
    for (name, value) in ways {
        let call = gateway.ask(chat("x")).header(name, value).header("user-agent", &format!("sdk/1 {key}"));
        let call = call.header("openai-organization", &key).header("x-client-request-id", &key[..20]);
        assert_eq!(call.await.status, 200, "{name}");
    }
    let received = provider.received();
    assert_eq!(received.len(), ways.len());
    for request in received {
        assert!(!request.head.contains("sg-"), "{}", request.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_else_an_identified_caller_sends_as_a_credential_is_for_nobody() {
    let (provider, gateway) = gateway("").await;
    let key = gateway.new_key(draft(&["*"])).await;
    let call = gateway.ask(chat("x")).header("x-api-key", &key).header("authorization", "Bearer of-the-caller");
    assert_eq!(call.await.status, 200);
    assert_eq!(provider.only().header("authorization"), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_wrong_with_a_key_looks_alike() {
    let (_provider, gateway) = gateway("").await;
    let (expired, revoked) = (gateway.new_key(draft(&["*"])).await, gateway.new_key(draft(&["*"])).await);
    let good = gateway.new_key(draft(&["*"])).await;
    let store = store(&gateway);
    gateway
        .host
        .auth
        .with_store({
            let id = secret::id_of(&expired).unwrap().to_owned();
            move |store| {
                store.change(&id, &mut |key| {
                    key.expires = Some(key.created);
                    Ok(())
                })
            }
        })
        .await
        .unwrap();
    issue::revoke(&store, secret::id_of(&revoked).unwrap()).unwrap();
    gateway.until_status(&revoked, 401).await;
    let other_secret = secret::new_text(secret::id_of(&good).unwrap()).unwrap();
    let unknown = secret::new_text("abcdefghij").unwrap();
    let shown = |answer: &Answer| answer.text().to_owned();
    let nothing = gateway.ask(chat("x")).await;
    for wrong in [&*expired, &revoked, other_secret.reveal(), unknown.reveal(), &good[..72], "sg-", "sg-é"] {
        let answer = gateway.ask(chat("x")).header("api-key", wrong).await;
        assert!(is_unknown(&answer), "{wrong}: {}", answer.text());
        assert_eq!(shown(&answer), shown(&nothing), "{wrong}");
    }
    let two = gateway.ask(chat("x")).header("api-key", &good).header("x-api-key", unknown.reveal()).await;
    assert!(is_unknown(&two));
    assert_eq!(gateway.ask(chat("x")).header("api-key", &good).header("x-api-key", &good).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_the_callers_dialect() {
    let (_provider, gateway) = gateway("auth.required = true").await;
    let answer = gateway.call("POST", "/v1/messages").body("{}").await;
    assert_eq!((answer.status, answer.error()["type"].as_str()), (401, Some("authentication_error")));
    assert!(is_unknown(&gateway.call("GET", "/v1/models").await));
    // Who is not let in does not learn what there is.
    assert!(is_unknown(&gateway.call("GET", "/nothing").await));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_let_in_before_the_body_is_read() {
    let (_provider, gateway) = gateway("auth.required = true").await;
    let said = gateway
        .send_raw(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1000000\r\n\r\n",
        )
        .await;
    assert!(said.starts_with("HTTP/1.1 401 "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_opens_the_models_that_it_names_and_shows_no_other() {
    let (provider, gateway) = gateway("").await;
    let key = gateway.new_key(draft(&["small", "gpt-9"])).await;
    let ask = |model: &str| {
        let mut body = chat("x");
        body["model"] = model.into();
        gateway.ask(body).header("x-api-key", &key)
    };
    assert_eq!(ask("small").await.status, 200);
    assert_eq!(ask("gpt-9").await.status, 200);
    let (there, nowhere) = (ask("large").await, ask("never").await);
    assert_eq!((there.status, there.code().as_str()), (404, "model_not_found"));
    assert_eq!(there.text().replace("large", "never"), nowhere.text());
    assert_eq!(provider.received().len(), 2);

    let listed = gateway.call("GET", "/v1/models").header("x-api-key", &key).await.json();
    let ids: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["gpt-9", "small"]);
    let all = gateway.new_key(draft(&["*"])).await;
    let listed = gateway.call("GET", "/v1/models").header("x-api-key", &all).await;
    assert!(listed.text().contains("\"large\"") && listed.text().contains("\"small\""), "{}", listed.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_leads_nowhere_is_not_listed() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let models = "[models]\nsmall = { targets = ['target-1'] }";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(models).start().await;
    let key = gateway.new_key(draft(&["small", "gone"])).await;
    let listed = gateway.call("GET", "/v1/models").header("x-api-key", &key).await.json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_secrets_of_a_rotated_key_work_for_a_while() {
    let (_provider, gateway) = gateway("").await;
    let older = gateway.new_key(draft(&["*"])).await;
    let store = store(&gateway);
    let id = secret::id_of(&older).unwrap();
    let (_, newer) = issue::rotate(&store, id, Duration::from_secs(3600)).unwrap();
    gateway.until_status(newer.reveal(), 200).await;
    gateway.until_status(&older, 200).await;
    let (_, newest) = issue::rotate(&store, id, Duration::ZERO).unwrap();
    gateway.until_status(newest.reveal(), 200).await;
    gateway.until_status(newer.reveal(), 401).await;
    gateway.until_status(&older, 401).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_decides_whether_a_key_is_needed() {
    let (provider, mut gateway) = gateway("auth.required = true").await;
    assert!(is_unknown(&gateway.ask(chat("x")).await));
    let key = gateway.new_key(draft(&["*"])).await;
    let before = gateway.generation();
    gateway.reconfigure("auth.required = false");
    gateway.until(|host| host.generation().number > before).await;
    assert_eq!(gateway.ask(chat("x")).header("authorization", "Bearer mine").await.status, 200);
    assert_eq!(provider.received().last().unwrap().header("authorization"), Some("Bearer mine"));
    assert_eq!(gateway.ask(chat("x")).header("api-key", &key).await.status, 200);
    // Whoever says who they are must be right also where nobody has to.
    assert!(is_unknown(&gateway.ask(chat("x")).header("api-key", &key[..72]).await));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_others_reach_the_port_it_is_not_opened_without_knowing_who_calls() {
    let folder = tempfile::tempdir().unwrap();
    let start = |auth: &str, listen: &str| {
        let text = format!(
            "providers.s.dialect = 'sandbox'\ntargets.t.provider = 's'\nmodels.'*'.targets = ['t']\n\
             server.listen = '{listen}'\n{auth}"
        );
        let settings = config::parse("x", &text, folder.path()).unwrap();
        Host::new(settings, Arc::new(Runtime::new(0).unwrap()))
    };
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8080"] {
        let said = start("", listen).unwrap_err();
        assert!(said.starts_with("refusing to listen on ") && said.contains("sluicegate keys create"), "{said}");
        start("auth.required = false", listen).unwrap();
        start("auth.required = true", listen).unwrap();
    }
    for listen in ["127.0.0.1:0", "127.8.8.8:0", "[::1]:0", "[::ffff:127.0.0.1]:0"] {
        start("", listen).unwrap();
    }
    issue::create(&Sqlite::open(&folder.path().join("sluicegate.db")).unwrap(), draft(&["*"])).unwrap();
    start("", "0.0.0.0:0").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_read_opens_nothing() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sluicegate.db"), "this is no store, and nothing else that is known").unwrap();
    let text = "providers.s.dialect = 'sandbox'\ntargets.t.provider = 's'\nmodels.'*'.targets = ['t']";
    let settings = config::parse("x", text, folder.path()).unwrap();
    let said = Host::new(settings, Arc::new(Runtime::new(0).unwrap())).unwrap_err();
    assert!(said.contains("file is not a database"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_in_nothing_that_is_shown() {
    let (_provider, gateway) = gateway("").await;
    let key = gateway.new_key(draft(&["*"])).await;
    let answer = gateway.ask(chat("x")).header("api-key", &key).await;
    let wrong = gateway.ask(chat("x")).header("api-key", &key[..72]).await;
    let shown = format!("{:?} {answer:?} {wrong:?}", gateway.host);
    assert!(!shown.contains(&key[14..66]));
}

/// On one thread, so that all of it is logged here.
#[tokio::test]
async fn the_log_says_whose_key_it_was_and_what_its_tags_are() {
    let (_provider, gateway) = gateway("").await;
    let tags = vec!["team=search".to_owned(), "canary".to_owned()];
    let key = gateway.new_key(Draft { tags, ..draft(&["*"]) }).await;
    let log = Log::begin();
    assert_eq!(gateway.ask(chat("x")).header("authorization", &format!("Bearer {key}")).await.status, 200);
    let ends = log.saying("exchange ended");
    let id = secret::id_of(&key).unwrap();
    let expected = format!("tenant=\"blue\" key=\"{id}\" tags=\"team=search,canary\"");
    assert!(matches!(ends.as_slice(), [end] if end.contains(&expected)), "{ends:?}");
}
