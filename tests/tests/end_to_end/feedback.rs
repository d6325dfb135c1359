//! What people think of answers: as applications send it, and as conversations show it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use sluicegate::feedback::{Feedback, Opinion, Score, Source};
use sluicegate::store::ledger::{Database as _, Durable, Sqlite, Statement};
use sluicegate_tests::{
    Answer, DONE, EMAIL, Gateway, Process, Provider, Reply, Setup, chat, chunk, completion, finish, key_of, standard,
    streamed,
};

use crate::budgets::TO_BE_KILLED;
use crate::ledger::{KEPT, PATIENCE, configuration, databases, entry, ledger};

async fn give(gateway: &Gateway, body: Value) -> Answer {
    gateway.call("POST", "/v1/feedback").body(body).await
}

fn id(answer: &Answer) -> String {
    answer.header("x-sluicegate-exchange").expect("each response says its exchange").to_owned()
}

/// What is kept of an exchange's answer, once so much is.
async fn said(gateway: &Gateway, exchange: &str, count: usize) -> Vec<Feedback> {
    let look = async {
        loop {
            assert!(ledger(gateway).all_written(PATIENCE).await);
            let all = ledger(gateway).feedback_of(exchange).await.unwrap();
            if all.len() >= count {
                return all;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.expect("it is written")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_application_says_of_an_answer_is_kept_with_it() {
    for (_postgres, settings) in databases().await {
        let sandbox = Gateway::sandbox().await;
        let setup = Gateway::with_plugins([standard("pii").config("email = 'mask'")]).upstream(&sandbox);
        let gateway = setup.settings(KEPT).settings(&settings).start().await;
        let (one, other) = (id(&gateway.ask(chat("hello")).await), id(&gateway.ask(chat("hello there")).await));
        // It may come before the exchange is written.
        let body = json!({"exchange": one, "score": 0.25, "comment": format!("ask {EMAIL}"), "corrected": "Good day.",
            "preferred_over": other, "regenerated": true});
        let answer = give(&gateway, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let told = answer.json();
        assert_eq!((told["object"].as_str(), told["exchange"].as_str()), (Some("feedback"), Some(&*one)));
        let kept = said(&gateway, &one, 1).await;
        let opinion = Opinion {
            score: Score::new(0.25),
            comment: Some("ask [EMAIL]".to_owned()),
            is_corrected: true,
            corrected: Some("Good day.".to_owned()),
            preferred_over: Some(other.clone()),
            is_regenerated: true,
            regenerated_by: None,
        };
        assert_eq!((kept[0].id.as_str(), kept[0].source), (told["id"].as_str().unwrap(), Source::Caller));
        assert_eq!(kept[0].opinion, opinion, "as the guardrails let it pass");
        // It is an exchange too, without a model.
        let itself = entry(&gateway, answer.header("x-sluicegate-exchange")).await;
        assert_eq!((&*itself.task, itself.verdict.as_deref()), ("give-feedback", Some("edit")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_sent_again_is_the_same_and_something_else_under_its_name_is_refused() {
    for (_postgres, settings) in databases().await {
        let sandbox = Gateway::sandbox().await;
        let gateway = Gateway::without_plugins().upstream(&sandbox).settings(KEPT).settings(&settings).start().await;
        let one = id(&gateway.ask(chat("hello")).await);
        let body = |thumbs: &str| json!({"exchange": one, "id": "f-1", "thumbs": thumbs});
        let first = give(&gateway, body("up")).await;
        let again = give(&gateway, body("up")).await;
        assert_eq!((first.status, again.status), (200, 200), "{}", again.text());
        assert_eq!(first.json(), again.json());
        let header = gateway.call("POST", "/v1/feedback").header("idempotency-key", "f-1");
        let named = header.body(json!({"exchange": one, "thumbs": "up"})).await;
        assert_eq!(first.json(), named.json());
        let another = give(&gateway, body("down")).await;
        assert_eq!((another.status, &*another.code()), (409, "feedback_conflict"), "{}", another.text());
        assert_eq!(another.header("x-should-retry"), Some("false"));
        let kept = said(&gateway, &one, 1).await;
        assert_eq!((kept.len(), kept[0].opinion.score), (1, Some(Score::UP)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_tenant_of_an_exchange_may_say_something_of_it() {
    let sandbox = Gateway::sandbox().await;
    let gateway = Gateway::without_plugins().upstream(&sandbox).settings(KEPT).start().await;
    let (blue, also_blue) = (gateway.new_key(key_of("blue")).await, gateway.new_key(key_of("blue")).await);
    let red = gateway.new_key(key_of("red")).await;
    let asked = gateway.ask(chat("hello")).header("x-api-key", &blue).header("x-sluicegate-session", "run-1").await;
    let others = id(&gateway.ask(chat("hello")).header("x-api-key", &red).await);
    let one = id(&asked);
    let as_one = |key: &str, body: Value| gateway.call("POST", "/v1/feedback").header("x-api-key", key).body(body);
    let session = json!({"session": "run-1", "thumbs": "down", "id": "as-a-whole"});
    for body in [json!({"exchange": one, "thumbs": "up"}), session.clone()] {
        assert_eq!(as_one(&also_blue, body.clone()).await.status, 200);
        let refused = as_one(&red, body.clone()).await;
        assert_eq!((refused.status, &*refused.code()), (404, "exchange_not_found"), "{body}");
        assert_eq!(gateway.call("POST", "/v1/feedback").body(body).await.status, 401);
    }
    let compared = as_one(&blue, json!({"exchange": one, "preferred_over": others})).await;
    assert_eq!((compared.status, &*compared.code()), (404, "exchange_not_found"));
    // Names are each tenant's own.
    assert_eq!(as_one(&red, json!({"exchange": others, "thumbs": "up", "id": "as-a-whole"})).await.status, 200);
    let all = ledger(&gateway).feedback_of_session("blue", "run-1").await.unwrap();
    let mut scores: Vec<_> = all.iter().filter_map(|one| one.opinion.score).collect();
    scores.sort();
    assert_eq!(scores, [Score::DOWN, Score::UP], "of the session, and of its step");
    assert_eq!(ledger(&gateway).feedback_of_session("red", "run-1").await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_kept_is_refused_with_a_reason() {
    let log = sluicegate_tests::Log::begin();
    let sandbox = Gateway::sandbox().await;
    let of_answers = standard("pii").named("pii-answer").config("email = 'block'").set("phases = ['answer']");
    let of_requests = standard("pii").config("card = 'block'\nemail = 'off'");
    let setup = Gateway::with_plugins([of_requests, of_answers]).upstream(&sandbox);
    let gateway = setup.settings(KEPT).start().await;
    let one = id(&gateway.ask(chat("hello")).await);
    let about = |more: Value| {
        let mut body = json!({"exchange": one});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let unknown = one.chars().rev().collect::<String>();
    for (body, status, code) in [
        (json!({"exchange": unknown, "thumbs": "up"}), 404, "exchange_not_found"),
        (json!({"session": "unknown", "thumbs": "up"}), 404, "exchange_not_found"),
        (about(json!({"thumbs": "sideways"})), 400, "invalid_request"),
        (about(json!({})), 400, "invalid_request"),
        (about(json!({"comment": "my card is 4111 1111 1111 1111"})), 400, "pii.blocked"),
        (about(json!({"corrected": "my card is 4111 1111 1111 1111"})), 400, "pii.blocked"),
        (about(json!({"corrected": "ask ada.lovelace@example.com"})), 400, "pii.blocked"),
    ] {
        let answer = give(&gateway, body.clone()).await;
        assert_eq!((answer.status, &*answer.code()), (status, code), "{body}: {}", answer.text());
    }
    assert_eq!(said(&gateway, &one, 0).await, []);
    assert!(log.saying("sideways").is_empty() && log.saying("4111").is_empty(), "no text is in the log");
    for number in 0..50 {
        let answer = give(&gateway, about(json!({"thumbs": "up", "id": format!("f-{number}")}))).await;
        assert_eq!(answer.status, 200, "{number}: {}", answer.text());
    }
    let more = give(&gateway, about(json!({"thumbs": "up"}))).await;
    assert_eq!((more.status, &*more.code()), (400, "too_much_feedback"));
    let again = give(&gateway, about(json!({"thumbs": "up", "id": "f-49"}))).await;
    assert_eq!(again.status, 200, "it is kept already: {}", again.text());
    // Of an opinion there is none.
    let itself = json!({"exchange": again.header("x-sluicegate-exchange").unwrap(), "thumbs": "up"});
    assert_eq!(give(&gateway, itself).await.code(), "exchange_not_found");
    let deaf = Gateway::without_plugins().upstream(&sandbox).start().await;
    let answer = give(&deaf, about(json!({"thumbs": "up"}))).await;
    assert_eq!((answer.status, &*answer.code()), (503, "feedback_unavailable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn feedback_counts_as_a_request() {
    let sandbox = Gateway::sandbox().await;
    let limits = "tenants.default.limits.requests_per_minute = 2";
    let gateway = Gateway::without_plugins().upstream(&sandbox).settings(KEPT).settings(limits).start().await;
    let one = id(&gateway.ask(chat("hello")).await);
    let body = json!({"exchange": one, "thumbs": "up"});
    assert_eq!(give(&gateway, body.clone()).await.status, 200);
    assert_eq!(give(&gateway, body).await.status, 429);
}

fn keeping() -> Setup {
    let plugins = [standard("pii").config("email = 'restore'")];
    Gateway::with_plugins(plugins).settings(KEPT).settings("[tenants.'*']\ncapture = true")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_asked_again_is_noticed() {
    for (_postgres, settings) in databases().await {
        let sandbox = Gateway::sandbox().await;
        let gateway = keeping().upstream(&sandbox).settings(&settings).start().await;
        let (ann, bob) = (gateway.new_key(key_of("blue")).await, gateway.new_key(key_of("blue")).await);
        let ask_as = async |key: &str, user: Option<&str>, text: &str| {
            let mut body = chat(text);
            body["user"] = json!(user);
            let answer = gateway.ask(body).header("x-api-key", key).await;
            entry(&gateway, answer.header("x-sluicegate-exchange")).await.id
        };
        let ask = async |key: &str, text: &str| ask_as(key, Some("u-1"), text).await;
        let first = ask(&ann, "when is the tide?").await;
        ask(&bob, "when is the tide?").await;
        ask(&ann, "and the next?").await;
        ask_as(&ann, Some("u-2"), "when is the tide?").await;
        let anybody = ask_as(&ann, None, "when is the tide?").await;
        ask_as(&ann, None, "when is the tide?").await;
        assert_eq!(said(&gateway, &anybody, 0).await, [], "many may ask that with this key");
        assert_eq!(said(&gateway, &first, 0).await, []);
        let second = ask(&ann, " when is the tide? \n").await;
        let kept = said(&gateway, &first, 1).await;
        let opinion = Opinion { is_regenerated: true, regenerated_by: Some(second.into()), ..Opinion::default() };
        assert_eq!((kept.len(), kept[0].source, &kept[0].opinion), (1, Source::Traffic, &opinion));
    }
}

/// The path, and the request that goes on behind this answer.
fn conversations(answer: &str, stream: bool) -> Vec<(&'static str, Value)> {
    let (first, next) = (format!("I am {EMAIL}"), "go on");
    let messages = json!([
        {"role": "user", "content": first}, {"role": "assistant", "content": answer}, {"role": "user", "content": next}
    ]);
    let items = json!([
        {"role": "user", "content": first},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": answer, "annotations": []}]},
        {"role": "user", "content": next}
    ]);
    let contents = json!([
        {"role": "user", "parts": [{"text": first}]}, {"role": "model", "parts": [{"text": answer}]},
        {"role": "user", "parts": [{"text": next}]}
    ]);
    let gemini = match stream {
        true => "/v1beta/models/m:streamGenerateContent?alt=sse",
        false => "/v1beta/models/m:generateContent",
    };
    vec![
        ("/v1/chat/completions", json!({"model": "m", "stream": stream, "messages": messages})),
        ("/v1/messages", json!({"model": "m", "max_tokens": 99, "stream": stream, "messages": messages})),
        ("/v1/responses", json!({"model": "m", "stream": stream, "input": items})),
        (gemini, json!({"contents": contents})),
    ]
}

/// The first of three turns alone.
fn first_of(mut body: Value) -> Value {
    for list in ["messages", "input", "contents"] {
        if let Some(turns) = body[list].as_array_mut() {
            turns.truncate(1);
        }
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_changed_is_noticed_in_each_dialect_and_one_that_was_not_is_not() {
    // What the sandbox says has the original in it, as the caller is told it; what is kept has not.
    let told = format!("You said: I am {EMAIL}");
    for stream in [false, true] {
        let (as_told, changed) = (conversations(&told, stream), conversations("You are Ada.", stream));
        for ((path, as_told), (_, changed)) in as_told.into_iter().zip(changed) {
            let sandbox = Gateway::sandbox().await;
            let gateway = keeping().upstream(&sandbox).start().await;
            let ask = async |body: Value| {
                let answer = gateway.call("POST", path).body(body).await;
                assert_eq!(answer.status, 200, "{path}: {}", answer.text());
                entry(&gateway, answer.header("x-sluicegate-exchange")).await.id
            };
            let first = ask(first_of(as_told.clone())).await;
            ask(as_told).await;
            assert_eq!(said(&gateway, &first, 0).await, [], "{path}, streamed: {stream}");
            ask(changed).await;
            let kept = said(&gateway, &first, 1).await;
            let opinion =
                Opinion { is_corrected: true, corrected: Some("You are Ada.".to_owned()), ..Opinion::default() };
            assert_eq!((kept.len(), &kept[0].opinion), (1, &opinion), "{path}, streamed: {stream}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_what_an_answer_was_changed_to_nothing_is_kept_where_no_texts_are() {
    let events = [chunk("low "), chunk("tide"), finish(0, "stop"), DONE.to_owned()];
    let provider = Provider::saying_in_turn([Reply::events(events), Reply::json(completion("noon"))]).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings(KEPT).start().await;
    let first = gateway.ask(streamed("what is it?")).await;
    let first = entry(&gateway, first.header("x-sluicegate-exchange")).await.id;
    let messages = json!([
        {"role": "user", "content": "what is it?"}, {"role": "assistant", "content": "a secret"},
        {"role": "user", "content": "when?"}
    ]);
    let second = gateway.ask(json!({"model": "m", "messages": messages})).await;
    assert_eq!(second.status, 200);
    entry(&gateway, second.header("x-sluicegate-exchange")).await;
    let kept = said(&gateway, &first, 1).await;
    assert_eq!((kept[0].opinion.is_corrected, &kept[0].opinion.corrected), (true, &None));
}

#[tokio::test(flavor = "multi_thread")]
async fn its_texts_go_before_the_rest_of_it() {
    for (_postgres, settings) in databases().await {
        let sandbox = Gateway::sandbox().await;
        let gateway = Gateway::without_plugins().upstream(&sandbox).settings(KEPT).settings(&settings).start().await;
        let one = id(&gateway.ask(chat("hello")).await);
        let body = json!({"exchange": one, "thumbs": "up", "comment": "good", "corrected": "Good day."});
        assert_eq!(give(&gateway, body).await.status, 200);
        let sweep = async |change: &'static str| {
            let change = Statement::new(change, Vec::new());
            ledger(&gateway).database().write(vec![change], Durable::Process).await.unwrap();
            ledger(&gateway).sweep().await.unwrap();
            ledger(&gateway).feedback_of(&one).await.unwrap()
        };
        let kept = sweep("UPDATE feedback SET at = at").await;
        assert_eq!(kept[0].opinion.comment.as_deref(), Some("good"));
        let kept = sweep("UPDATE feedback SET expires = 1").await;
        let opinion = Opinion { score: Some(Score::UP), is_corrected: true, ..Opinion::default() };
        assert_eq!(kept[0].opinion, opinion);
        assert_eq!(sweep("UPDATE feedback SET at = 1").await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_feedback_is_lost_that_was_acknowledged() {
    let sandbox = Gateway::sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), &sandbox.base_url());
    let gateway = Process::start(TO_BE_KILLED, &config).await;
    let one = id(&gateway.ask(chat("hello")).await);
    let (mut acknowledged, began) = (BTreeSet::new(), std::time::Instant::now());
    // Others ask meanwhile.
    while began.elapsed() < Duration::from_secs(2) && acknowledged.len() < 45 {
        let name = format!("f-{}", acknowledged.len());
        let feedback = gateway.call("POST", "/v1/feedback");
        let feedback = async { feedback.body(json!({"exchange": one, "thumbs": "up", "id": name})).await };
        let (feedback, asked) = tokio::join!(feedback, async { gateway.ask(chat("hello")).await });
        assert_eq!((feedback.status, asked.status), (200, 200), "{}", feedback.text());
        acknowledged.insert(name);
    }
    gateway.kill().await;
    let store = Sqlite::new(&folder.path().join("sluicegate-ledger.db"));
    let rows = store.read(Statement::new("SELECT id FROM feedback", Vec::new()));
    let kept: BTreeSet<String> = rows.await.unwrap().into_iter().filter_map(|mut row| row.text()).collect();
    assert!(!acknowledged.is_empty() && acknowledged.is_subset(&kept), "{acknowledged:?} {kept:?}");
}
