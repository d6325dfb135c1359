//! Where one target fails, the next one answers, as long as nothing was released.

use serde_json::json;
use sluicegate::ledger::Did;
use sluicegate_tests::{
    DONE, Gateway, Provider, Reply, chat, chunk, completion, delta, finish, gentle, standard, streamed,
};

use crate::ledger::entry;

const KEPT: &str = "ledger.enabled = true";

fn second() -> Reply {
    Reply::events([chunk("second"), finish(0, "stop"), DONE.into()])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_target_answers() {
    let role = delta(0, &json!({"role": "assistant", "content": ""}));
    let failures = [
        ("it is overloaded", Reply::json("{}").status(503)),
        ("it has broken down", Reply::json("{}").status(500)),
        ("it has had too many requests", Reply::json("{}").status(429)),
        ("it has waited too long", Reply::json("{}").status(408)),
        ("it hangs up", Reply::hangs_up()),
        ("it never answers", Reply::nothing()),
        ("its answer is cut short", Reply::json("{\"choices\":[").dies()),
        ("its answer makes no sense", Reply::json("no sense")),
        ("its answer is too long", Reply::json(completion(&"x".repeat(2000)))),
        ("its stream is empty", Reply::events([""])),
        ("its stream dies before the first word", Reply::events([role.clone()]).dies()),
        ("its stream ends before the first word", Reply::events([role.clone()])),
        ("its stream stalls before the first word", Reply::events([role.clone()]).stalls()),
        ("its stream is reset before the first word", Reply::events([role.clone()]).resets()),
        ("its stream says that it has failed", Reply::events([role.clone(), overloaded()])),
        ("its stream says so behind words that are held back", Reply::events([chunk("so") + &overloaded()])),
        ("its stream makes no sense", Reply::events([role, "data: no sense\n\n".into()])),
    ];
    let first = Provider::saying_in_turn(failures.clone().map(|(_, reply)| reply)).await;
    let other = Provider::saying(second()).await;
    let gateway = Gateway::with_plugins([standard("no-op")])
        .upstream_as(&first, "model-a")
        .upstream_as(&other, "model-b")
        .settings("upstream = { first_token_ms = 100, idle_ms = 100, answer_bytes_max = 1024 }")
        .start()
        .await;
    for (index, (why, _)) in failures.iter().enumerate() {
        let answer = gateway.ask(streamed("hello?")).await;
        let expected = [chunk("second"), finish(0, "stop"), DONE.into()].concat();
        assert_eq!((answer.status, answer.text()), (200, &*expected), "{why}");
        assert!(first.received()[index].text().contains("\"model-a\""), "{why}");
        assert!(other.received()[index].text().contains("\"model-b\""), "{why}");
    }
}

/// The event in which a provider says that it cannot go on.
fn overloaded() -> String {
    format!("data: {}\n\n", json!({"error": {"message": "overloaded", "type": "server_error"}}))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_stream_says_is_wrong_with_the_request_is_wrong_everywhere() {
    let error = json!({"error": {"message": "too long", "type": "invalid_request_error"}});
    let first = Provider::saying(Reply::events([format!("data: {error}\n\n")])).await;
    let other = Provider::saying(second()).await;
    let settings = "upstream = { retries_max = 2, retry_ms = 1 }";
    let gateway = Gateway::without_plugins().upstream(&first).upstream(&other).settings(settings).start().await;
    assert!(gateway.ask(streamed("hello?")).await.text().contains("too long"));
    assert_eq!((first.received().len(), other.received().len()), (1, 0));
}

/// Half an answer is none that an answer guardrail could judge.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_withheld_is_followed_by_the_next_target_too() {
    let first = Provider::saying(Reply::events([chunk("no"), overloaded()])).await;
    let other = Provider::saying(Reply::events([chunk("please"), finish(0, "stop"), DONE.into()])).await;
    let picky = gentle("answer-require").set("stream = 'withhold'");
    let gateway = Gateway::with_plugins([picky]).upstream(&first).upstream(&other).start().await;
    let answer = gateway.ask(streamed("hello?")).await;
    assert_eq!(answer.content(), "please", "{}", answer.text());
    assert_eq!((first.received().len(), other.received().len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_all_streams_fail_at_once_the_last_word_of_one_is_told() {
    let role = delta(0, &json!({"role": "assistant", "content": ""}));
    let stream = [role, overloaded()];
    let (first, other) = (Provider::saying(Reply::events(stream.clone())).await, Provider::absent().await);
    let settings = "upstream = { retries_max = 1, retry_ms = 1 }";
    let gateway = Gateway::without_plugins().upstream(&other).upstream(&first).settings(settings).start().await;
    let answer = gateway.ask(streamed("hello?")).receipts().await;
    assert!(answer.text().starts_with(&stream.concat()), "{}", answer.text());
    assert_eq!(first.received().len(), 2);
    let attempts = answer.header("x-sluicegate-attempts").unwrap_or_default();
    assert_eq!(attempts.matches("target-1;error=upstream_unreachable").count(), 2, "{attempts}");
    assert_eq!(attempts.matches("target-2;error=upstream_failed").count(), 2, "{attempts}");
    // Once words are out, it is the end.
    let begun = Provider::saying(Reply::events([chunk("so")]).pauses().then([overloaded()])).await;
    let gateway = Gateway::without_plugins().upstream(&begun).settings(settings).start().await;
    let mut open = gateway.ask(streamed("hello?")).open().await;
    open.until("so").await;
    begun.proceed();
    assert!(open.rest().await.text().contains("overloaded"));
    assert_eq!(begun.received().len(), 1);
}

/// Some say that they have failed in what should be an answer.
#[tokio::test(flavor = "multi_thread")]
async fn an_error_with_the_status_of_an_answer_is_an_error() {
    let error = |kind: &str| json!({"error": {"message": "no tide today", "type": kind}}).to_string();
    let failing = Provider::saying(Reply::json(error("server_error"))).await;
    let other = Provider::saying(Reply::json(completion("second"))).await;
    let gateway = Gateway::without_plugins().upstream(&failing).upstream(&other).start().await;
    let answer = gateway.ask(chat("hello?")).receipts().await;
    assert_eq!((answer.status, answer.content()), (200, "second".to_owned()));
    assert_eq!(
        answer.header("x-sluicegate-attempts").map(|said| said.contains("target-1;error=upstream_failed")),
        Some(true)
    );
    // Where nobody else can be asked the caller is told, in its own dialect.
    let gateway = Gateway::without_plugins().upstream(&failing).settings(KEPT).start().await;
    let told = gateway.ask(chat("hello?")).await;
    assert_eq!((told.status, told.text()), (502, &*error("server_error")));
    assert_eq!(entry(&gateway, told.header("x-sluicegate-exchange")).await.outcome, "provider_error");
    let body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello?"}]});
    let told = gateway.call("POST", "/v1/messages").body(body).await;
    assert_eq!((told.status, &told.json()["error"]["message"]), (502, &json!("no tide today")));
    // What it says that it has used it may want money for.
    let prices = "targets.target-1.prices = { input = '1', output = '1' }";
    let used =
        json!({"error": {"message": "no tide today"}, "usage": {"prompt_tokens": 600, "completion_tokens": 400}});
    let failing = Provider::saying(Reply::json(used.to_string())).await;
    let gateway = Gateway::without_plugins().upstream(&failing).settings(prices).start().await;
    assert_eq!(gateway.ask(chat("hello?")).await.header("x-sluicegate-cost-usd"), Some("0.001"));
    // What is wrong with the request is wrong everywhere.
    let refusing = Provider::saying(Reply::json(error("invalid_request_error"))).await;
    let gateway = Gateway::without_plugins().upstream(&refusing).upstream(&other).start().await;
    assert_eq!((gateway.ask(chat("hello?")).await.status, other.received().len()), (400, 1));
}

/// Of whom nobody says that it has answered.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_with_an_error_is_not_answered() {
    for (last, outcome, failed) in [
        (Reply::events([chunk("so")]).pauses().then([overloaded()]), "provider_error", "upstream_failed"),
        (Reply::events([chunk("so")]).pauses().dies(), "upstream_broken", "upstream_broken"),
        (Reply::events([overloaded()]), "provider_error", "upstream_failed"),
    ] {
        let provider = Provider::saying(last).await;
        let gateway =
            Gateway::without_plugins().upstream(&provider).settings(KEPT).settings("upstream.retries_max = 0");
        let gateway = gateway.start().await;
        let open = gateway.ask(streamed("hello?")).open().await;
        provider.proceed();
        let answer = open.rest().await;
        let entry = entry(&gateway, answer.header("x-sluicegate-exchange")).await;
        assert_eq!((&*entry.outcome, entry.has_failed(), entry.status), (outcome, true, Some(200)));
        let asked = entry.details.steps.iter().find_map(|step| match &step.did {
            Did::Attempt(asked) => Some(asked),
            _ => None,
        });
        assert_eq!(asked.unwrap().failed.as_deref(), Some(failed), "{outcome}");
        assert_eq!(entry.first_text.is_some(), answer.text().contains("so"), "an error is no text of an answer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_is_not_there_is_passed_over() {
    let (absent, other) = (Provider::absent().await, Provider::saying(Reply::json(completion("second"))).await);
    let gateway = Gateway::without_plugins().upstream(&absent).upstream(&other).start().await;
    assert_eq!(gateway.ask(chat("hello?")).await.content(), "second");
    let gateway = Gateway::without_plugins().upstream(&absent).start().await;
    let answer = gateway.ask(chat("hello?")).await;
    assert_eq!((answer.status, answer.code().as_str()), (502, "upstream_unreachable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_request_is_wrong_everywhere() {
    let replies = [400, 401, 403, 404, 422].map(|status| Reply::json("{}").status(status));
    let first = Provider::saying_in_turn(replies).await;
    let other = Provider::saying(second()).await;
    let gateway = Gateway::without_plugins().upstream(&first).upstream(&other).start().await;
    for status in [400, 401, 403, 404, 422] {
        assert_eq!(gateway.ask(chat("hello?")).await.status, status);
    }
    assert!(other.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_targets_error_is_the_callers() {
    let first = Provider::saying(Reply::json("{\"first\":1}").status(503)).await;
    let last = Provider::saying(Reply::json("{\"last\":1}").status(529)).await;
    let gateway = Gateway::without_plugins().upstream(&first).upstream(&last).start().await;
    let answer = gateway.ask(chat("hello?")).await;
    assert_eq!((answer.status, answer.text()), (529, "{\"last\":1}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_first_release_nobody_else_is_asked() {
    let first = Provider::saying(Reply::events([chunk("first")]).dies()).await;
    let other = Provider::saying(second()).await;
    let gateway = Gateway::with_plugins([standard("no-op")]).upstream(&first).upstream(&other).start().await;
    let answer = gateway.ask(streamed("hello?")).await;
    assert_eq!((answer.content().as_str(), answer.code().as_str()), ("first", "upstream_broken"));
    assert!(other.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_is_nobodys_failure() {
    let first = Provider::saying(Reply::json(completion("ada@example.com"))).await;
    let other = Provider::saying(Reply::json(completion("hello"))).await;
    let plugins = [standard("pii").config("email = 'block'")];
    let gateway = Gateway::with_plugins(plugins).upstream(&first).upstream(&other).start().await;
    assert_eq!(gateway.ask(chat("hello?")).await.code(), "pii.blocked");
    assert!(other.received().is_empty());
}
