//! Runs of agents: which exchanges are steps of the same one, and where one ends.

use std::path::Path;

use serde_json::{Value, json};
use sluicegate::ledger::{Ledger, Place, Session};
use sluicegate::sandbox::Sandbox;
use sluicegate::store::ledger::{Database, Durable, Sqlite, Statement};
use sluicegate_tests::{Answer, Gateway, Provider, Reply, Setup, chat, chunk, completion, streamed};

use crate::ledger::entry;

const KEPT: &str = "ledger.enabled = true";

/// The sessions, when so many exchanges are written.
async fn sessions(gateway: &Gateway, written: u64) -> Vec<Session> {
    let ledger: &Ledger = gateway.host.observers.ledger.as_ref().unwrap();
    gateway.until(|host| host.observers.ledger.as_ref().is_some_and(|ledger| ledger.told().written >= written)).await;
    ledger.sessions(None, 1, &Place::newest(), 10).await.unwrap()
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, answer.json()["error"]["code"].as_str().unwrap_or_default().to_owned())
}

/// A gateway in front of the built-in model, in which each session of everybody has these limits.
async fn limited(session: &str) -> (Sandbox, Gateway) {
    let sandbox = Gateway::sandbox().await;
    let prices = "targets.target-1.prices = { input = '1000', output = '1000' }";
    let setup = Gateway::without_plugins().upstream(&sandbox).settings(prices).settings(KEPT);
    let gateway = setup.settings(&format!("[tenants.'*'.session]\n{session}")).start().await;
    (sandbox, gateway)
}

async fn step(gateway: &Gateway, session: &str) -> Answer {
    gateway.ask(chat("hello")).header("x-sluicegate-session", session).await
}

/// A conversation in which tools were called: the names, the arguments and the results.
fn conversation(calls: &[(&str, &str, &str)]) -> Value {
    let mut messages = vec![json!({"role": "user", "content": "look it up"})];
    for (number, (tool, arguments, result)) in calls.iter().enumerate() {
        let id = format!("call_{number}");
        let function = json!({"name": tool, "arguments": arguments});
        messages.push(json!({"role": "assistant", "content": null,
            "tool_calls": [{"id": id, "type": "function", "function": function}]}));
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": result}));
    }
    json!({"model": "m", "messages": messages})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_steps_and_the_agent_is_told() {
    let (_sandbox, gateway) = limited("steps_max = 2").await;
    assert_eq!((step(&gateway, "a").await.status, step(&gateway, "a").await.status), (200, 200));
    let third = step(&gateway, "a").await;
    assert_eq!(code(&third), (429, "session_limit_exceeded".to_owned()));
    let words = "this session has taken all of its 2 steps; finish with what you have, or begin another session";
    assert_eq!(third.json()["error"]["message"], words);
    assert_eq!(third.header("x-should-retry"), Some("false"));
    assert_eq!(step(&gateway, "b").await.status, 200, "another session");
    assert_eq!(gateway.ask(chat("hello")).await.status, 200, "none at all");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_its_tokens_and_its_money() {
    for limit in ["tokens_max = 3", "usd_max = '0.003'"] {
        let (_sandbox, gateway) = limited(limit).await;
        assert_eq!(step(&gateway, "a").await.status, 200, "{limit}");
        // What the first has taken is known when it is over.
        gateway.until(|host| host.observers.ledger.as_ref().is_some_and(|ledger| ledger.told().written > 0)).await;
        assert_eq!(code(&step(&gateway, "a").await), (429, "session_limit_exceeded".to_owned()), "{limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_and_what_only_counts_is_no_step() {
    let sandbox = Gateway::sandbox().await;
    let limits = "[tenants.default.limits]\nrequests_per_minute = 2\n[tenants.default.session]\nsteps_max = 3";
    let gateway = Gateway::without_plugins().upstream(&sandbox).settings("store.path = 's.db'").settings(limits);
    let gateway = gateway.start().await;
    let mut codes = Vec::new();
    for _ in 0..6 {
        codes.push(code(&step(&gateway, "a").await).1);
    }
    let refused = vec!["rate_limit_exceeded".to_owned(); 4];
    assert_eq!(codes, [vec![String::new(); 2], refused].concat(), "an agent that comes back later has a step left");
    let counted = Reply::json("{\"input_tokens\":3}");
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "hello"}], "usage": {"input_tokens": 3, "output_tokens": 1}});
    let provider = Provider::saying_in_turn([counted.clone(), counted, Reply::json(message.to_string())]).await;
    let setup = Gateway::without_plugins().upstream_in("anthropic", &provider);
    let gateway = setup.settings("[tenants.'*'.session]\nsteps_max = 1").start().await;
    let body = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]});
    for path in ["/v1/messages/count_tokens", "/v1/messages/count_tokens", "/v1/messages"] {
        let answer = gateway.call("POST", path).body(body.clone()).header("x-sluicegate-session", "a").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_early_has_taken_what_has_come() {
    for limit in ["tokens_max = 100", "usd_max = '0.05'"] {
        let provider = Provider::saying(Reply::events([chunk(&"so it goes ".repeat(100))]).stalls()).await;
        let prices = "targets.target-1.prices = { input = '1000', output = '1000' }";
        let setup = Gateway::without_plugins().upstream(&provider).settings(prices).settings(KEPT);
        let gateway = setup.settings(&format!("[tenants.'*'.session]\n{limit}")).start().await;
        let ask = || gateway.ask(streamed("hello")).header("x-sluicegate-session", "a");
        let mut left = ask().open().await;
        left.until("goes").await;
        drop(left);
        provider.has_lost(1).await;
        sessions(&gateway, 1).await;
        assert_eq!(code(&ask().await), (429, "session_limit_exceeded".to_owned()), "{limit}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_with_a_bound_on_money_asks_for_nothing_without_a_price() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let limit = "[tenants.'*'.session]\nusd_max = '1'";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(limit).start().await;
    assert_eq!(code(&step(&gateway, "a").await), (403, "price_unknown".to_owned()));
    assert_eq!(gateway.ask(chat("hello")).await.status, 200, "it is in no session");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_ended_at_the_same_time_are_all_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("l.db");
    let sandbox = Gateway::sandbox().await;
    let setup = Gateway::without_plugins().upstream(&sandbox).settings(KEPT);
    let gateway = setup.settings(&format!("ledger.path = '{}'", path.display())).start().await;
    let names: Vec<String> = (10..20).map(|number| format!("run-{number}")).collect();
    for name in &names {
        step(&gateway, name).await;
    }
    sessions(&gateway, 10).await;
    change(&path, "UPDATE sessions SET last = 5").await;
    let ledger = gateway.host.observers.ledger.as_ref().unwrap();
    let (mut place, mut found) = (Place::newest(), Vec::new());
    while let Some(session) = ledger.sessions(None, 1, &place, 1).await.unwrap().pop() {
        place = session.place();
        found.push(session.name);
    }
    found.sort_unstable();
    assert_eq!(found, names);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_name_of_a_session_is_refused() {
    let (_sandbox, gateway) = limited("steps_max = 1").await;
    for wrong in ["", "two words", &"x".repeat(129)] {
        let answer = step(&gateway, wrong).await;
        assert_eq!(code(&answer), (400, "invalid_request".to_owned()), "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_goes_round_in_circles_is_ended_before_the_model_is_asked() {
    let provider = Provider::saying(Reply::json(completion("done"))).await;
    let limits = "[tenants.'*'.session]\nrepeats_max = 3";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(KEPT).settings(limits).start().await;
    let same = ("read", "{\"file\":\"a\"}", "no such file");
    assert_eq!(gateway.ask(conversation(&[same, same])).await.status, 200);
    let asked = provider.received().len();
    let circle = gateway.ask(conversation(&[same, ("list", "{}", "b"), same, same]));
    let circle = circle.header("x-sluicegate-session", "run").await;
    assert_eq!(code(&circle), (400, "session_loop".to_owned()));
    assert_eq!(
        entry(&gateway, circle.header("x-sluicegate-exchange")).await.session.as_deref(),
        Some("run"),
        "who looks at the run sees why it ended"
    );
    let said = circle.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(said.contains("the tool \"read\" was called with the same arguments 3 times"), "{said}");
    assert_eq!(provider.received().len(), asked);
    // What gives something else each time is no circle.
    let waits = [("poll", "{}", "1 %"), ("poll", "{}", "50 %"), ("poll", "{}", "99 %")];
    assert_eq!(gateway.ask(conversation(&waits)).await.status, 200);
    let says = |text: &str| json!({"role": "assistant", "content": text});
    let user = json!({"role": "user", "content": "go on"});
    let again = json!({"model": "m", "messages": [user, says("I am done."), user, says("I am done."), user, says("I am done."), user]});
    assert_eq!(code(&gateway.ask(again).await), (400, "session_loop".to_owned()));
}

/// What each dialect says of a call of a tool, whole and streamed.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_call_of_a_tool_ties_its_steps_together() {
    let sandbox = Gateway::sandbox().await;
    for stream in [false, true] {
        let gateway = Gateway::without_plugins().upstream(&sandbox).settings(KEPT).start().await;
        let tools = json!([{"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}]);
        let mut messages = vec![json!({"role": "user", "content": "call search {\"q\":\"tides\"}"})];
        let first = gateway.ask(json!({"model": "m", "stream": stream, "messages": messages, "tools": tools})).await;
        let bodies = if stream { first.chunks() } else { vec![first.json()] };
        let part = if stream { "delta" } else { "message" };
        let id = bodies.iter().find_map(|body| body["choices"][0][part]["tool_calls"][0]["id"].as_str()).unwrap();
        let function = json!({"name": "search", "arguments": "{\"q\":\"tides\"}"});
        messages.push(json!({"role": "assistant", "content": null,
            "tool_calls": [{"id": id, "type": "function", "function": function}]}));
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": "at noon"}));
        gateway.ask(json!({"model": "m", "stream": stream, "messages": messages, "tools": tools})).await;
        let found = sessions(&gateway, 2).await;
        assert_eq!(found.len(), 1, "{found:#?}");
        let name = found[0].name.as_str();
        assert!(name.starts_with(&format!("{id}-")) && found[0].steps == 2, "{found:#?}");
        let ledger = gateway.host.observers.ledger.as_ref().unwrap();
        let steps = ledger.steps_of("default", name).await.unwrap();
        assert_eq!(steps[0].details.tools, ["search"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_call_ties_steps_together_in_geminis_words_too() {
    let sandbox = Gateway::sandbox().await;
    for method in ["generateContent", "streamGenerateContent?alt=sse"] {
        let gateway = Gateway::without_plugins().upstream(&sandbox).settings(KEPT).start().await;
        let tools = json!([{"functionDeclarations": [{"name": "search", "parametersJsonSchema": {"type": "object"}}]}]);
        let mut contents = vec![json!({"role": "user", "parts": [{"text": "call search {\"q\":\"tides\"}"}]})];
        let ask = |contents: &[Value]| {
            let body = json!({"contents": contents, "tools": tools});
            gateway.call("POST", &format!("/v1beta/models/m:{method}")).body(body)
        };
        let first = ask(&contents).await;
        let bodies = if method.ends_with("sse") { first.chunks() } else { vec![first.json()] };
        let call = bodies.iter().find_map(|body| {
            body["candidates"][0]["content"]["parts"].as_array()?.iter().find_map(|part| part.get("functionCall"))
        });
        let call = call.unwrap().clone();
        let response = json!({"id": call["id"], "name": "search", "response": {"output": "at noon"}});
        contents.push(json!({"role": "model", "parts": [{"functionCall": call}]}));
        contents.push(json!({"role": "user", "parts": [{"functionResponse": response}]}));
        ask(&contents).await;
        let found = sessions(&gateway, 2).await;
        assert_eq!(found.iter().map(|session| session.steps).collect::<Vec<_>>(), [2], "{found:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_callers_trace_ties_steps_together_where_nothing_else_does() {
    let sandbox = Gateway::sandbox().await;
    let gateway = Gateway::without_plugins().upstream(&sandbox).settings(KEPT).start().await;
    let (trace, other) = ("4bf92f3577b34da6a3ce929d0e0e4736", "5bf92f3577b34da6a3ce929d0e0e4736");
    let ask = |trace: &str, span: &str, body: Value| {
        gateway.ask(body).header("traceparent", &format!("00-{trace}-{span}-01"))
    };
    ask(trace, "00f067aa0ba902b7", chat("hello")).await;
    ask(trace, "00f067aa0ba902b8", chat("and then?")).await;
    gateway.ask(chat("hello")).await;
    // A client may trace each call by itself; the conversation is one all the same.
    let calls = [("list", "{}", "a"), ("read", "{}", "b")];
    ask(other, "00f067aa0ba902b9", conversation(&calls[..1])).await;
    ask(trace, "00f067aa0ba902ba", conversation(&calls)).await;
    let found = sessions(&gateway, 5).await;
    let mut found: Vec<(&str, u64)> = found.iter().map(|session| (session.name.as_str(), session.steps)).collect();
    found.sort_unstable();
    let [traced, (called, 2)] = &*found else { panic!("{found:?}") };
    assert_eq!(*traced, (trace, 2));
    assert!(called.starts_with("call_0-"), "{called}");
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_that_number_their_calls_alike_are_not_one() {
    let (_sandbox, gateway) = limited("steps_max = 1").await;
    for question in ["when is the tide?", "where is the gate?", "who looks after it?"] {
        let mut body = conversation(&[("look", "{}", question)]);
        body["messages"][0]["content"] = json!(question);
        assert_eq!(gateway.ask(body.clone()).await.status, 200, "{question}");
        assert_eq!(code(&gateway.ask(body).await).0, 429, "{question}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_starts_anew_goes_on_with_what_a_session_has_taken() {
    let folder = tempfile::tempdir().unwrap();
    let path = format!("ledger.path = '{}'", folder.path().join("l.db").display());
    let sandbox = Gateway::sandbox().await;
    let start = async || {
        let setup: Setup = Gateway::without_plugins().upstream(&sandbox).settings(KEPT).settings(&path);
        setup.settings("[tenants.'*'.session]\nsteps_max = 2").start().await
    };
    let gateway = start().await;
    assert_eq!((step(&gateway, "a").await.status, step(&gateway, "a").await.status), (200, 200));
    assert_eq!(sessions(&gateway, 2).await[0].steps, 2);
    drop(gateway);
    let gateway = start().await;
    assert_eq!(step(&gateway, "a").await.status, 429);
    gateway.until(|host| host.observers.ledger.as_ref().is_some_and(|ledger| ledger.told().written >= 1)).await;
    drop(gateway);
    // After a day without a step it begins anew, and it has done so also for the gateway that comes after that.
    change(&folder.path().join("l.db"), "UPDATE exchanges SET began = began - 2 * 86400000").await;
    for status in [200, 200, 429] {
        let gateway = start().await;
        assert_eq!(step(&gateway, "a").await.status, status);
        gateway.until(|host| host.observers.ledger.as_ref().is_some_and(|ledger| ledger.told().written >= 1)).await;
    }
}

/// Change what the ledger has.
async fn change(path: &Path, sql: &'static str) {
    Sqlite::new(path).write(vec![Statement::new(sql, Vec::new())], Durable::Process).await.unwrap();
}
