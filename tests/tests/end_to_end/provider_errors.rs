//! What a provider answers when it does not answer.

use serde_json::json;
use sluicegate_tests::{EMAIL, Gateway, Provider, Reply, chat, standard, streamed};

fn error(message: &str) -> String {
    format!(
        "{{ \"error\" :{{\"message\":\"{message}\",\"type\":\"x\",\"param\":null,\"code\":\"y\\u002e\",\"n\":1.0}}}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_reaches_the_caller_as_it_is() {
    let html = "<html><body><h1>It is the proxy's fault</h1></body></html>\n".to_owned();
    let cases = [
        (400, "application/json", error("bad")),
        (401, "application/json", error("who are you?")),
        (403, "application/json", error("not you")),
        (404, "application/json", error("no such model")),
        (409, "application/json", "\"just words\"".to_owned()),
        (422, "application/json", "{\"detail\":[{\"loc\":[\"body\"],\"msg\":\"field required\"}]}".to_owned()),
        (429, "application/json", error("slow down")),
        (500, "application/json", error("oh")),
        (500, "application/json", String::new()),
        (502, "text/html; charset=utf-8", html),
        (503, "text/plain", "overloaded".to_owned()),
        (529, "application/json", "{not json".to_owned()),
        (400, "application/json", error(&"very ".repeat(200_000))),
        (400, "text/event-stream", "data: {\"error\":{\"message\":\"x\"}}\n\n".to_owned()),
    ];
    for plugins in [vec![], vec![standard("no-op")]] {
        let reply = |(status, kind, body): &(u16, &str, String)| Reply::whole(kind, body.clone()).status(*status);
        let provider = Provider::saying_in_turn(cases.iter().flat_map(|case| [reply(case), reply(case)])).await;
        let gateway = Gateway::with_plugins(plugins).upstream(&provider).start().await;
        for (status, kind, body) in &cases {
            for request in [chat("hello"), streamed("hello")] {
                let answer = gateway.ask(request).await;
                assert_eq!((answer.status, answer.header("content-type")), (*status, Some(*kind)));
                assert!(answer.text() == body, "{status} {kind}: {}", answer.text());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guardrails_read_errors_too() {
    let bodies = [
        ("application/json", error(&format!("{EMAIL} has no money"))),
        ("application/json", json!({EMAIL: [EMAIL]}).to_string()),
        ("application/json", format!("{{\"half\": \"{EMAIL}\"")),
        ("text/html", format!("<p>{EMAIL}</p>")),
        ("text/event-stream", format!("data: {}\n\n", json!({"error": {"message": EMAIL}}))),
    ];
    let reply = |(kind, body): &(&str, String)| Reply::whole(kind, body.clone()).status(402);
    let provider = Provider::saying_in_turn(bodies.iter().map(reply)).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    for (_, body) in &bodies {
        let answer = gateway.ask(chat("hello")).await;
        assert_eq!((answer.status, answer.text()), (402, &*body.replace(EMAIL, "[EMAIL]")));
    }
    let plugins = [standard("pii").config("email = 'block'")];
    let provider = Provider::saying_in_turn(bodies.iter().map(reply)).await;
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).start().await;
    for _ in &bodies {
        let answer = gateway.ask(chat("hello")).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "pii.blocked"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_quotes_the_callers_own_words() {
    let body = error("cannot write to [EMAIL_1]");
    let provider = Provider::saying(Reply::json(body.clone()).status(400)).await;
    let plugins = [standard("pii").config("email = 'restore'")];
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).start().await;
    assert_eq!(gateway.ask(chat(EMAIL)).await.text(), body.replace("[EMAIL_1]", EMAIL));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_to_try_again_is_passed_on() {
    let reply = Reply::json(error("slow down")).status(429);
    let headers = [
        ("retry-after", "7"),
        ("retry-after-ms", "7000"),
        ("x-should-retry", "true"),
        ("x-request-id", "req_1"),
        ("x-ratelimit-remaining-requests", "0"),
        ("openai-processing-ms", "3"),
    ];
    let reply = headers.iter().fold(reply, |reply, (name, value)| reply.header(name, value));
    let provider = Provider::saying(reply).await;
    let gateway = Gateway::with_plugins([standard("no-op")]).upstream(&provider).start().await;
    let answer = gateway.ask(chat("hello")).await;
    for (name, value) in headers {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_does_not_pass() {
    let cases = [
        ("compressed", Reply::json("{}").header("content-encoding", "gzip")),
        ("a compressed error", Reply::json("{}").status(400).header("content-encoding", "br")),
        ("a compressed stream", Reply::events(["data: {}\n\n"]).header("content-encoding", "gzip")),
        ("not JSON", Reply::json("{\"choices\": ")),
        ("empty", Reply::json("")),
        ("HTML", Reply::whole("text/html", "<p>secret</p>")),
        ("not UTF-8", Reply::json(&b"{\"x\":\"\xff secret\"}"[..])),
        ("an error that is not UTF-8", Reply::whole("text/plain", &b"\xff secret"[..]).status(404)),
        ("two values", Reply::json("{} {\"secret\":1}")),
        ("half of it", Reply::json("{\"choices\":[]").dies()),
        ("nothing", Reply::hangs_up()),
    ];
    let provider = Provider::saying_in_turn(cases.clone().map(|(_, reply)| reply)).await;
    let gateway = Gateway::without_plugins().upstream(&provider).start().await;
    for (what, _) in cases {
        let answer = gateway.ask(chat("hello")).await;
        assert_eq!((answer.status, answer.code().as_str()), (502, "upstream_broken"), "{what}");
        assert!(!answer.text().contains("secret"), "{what}: {}", answer.text());
    }
}
