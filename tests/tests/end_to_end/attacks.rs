//! What somebody tried who meant it: text on ways that nobody walks, and the work of others made to wait.

use std::time::Duration;

use serde_json::{Value, json};
use sluicegate_tests::{
    DONE, Gateway, Provider, Reply, chat, chunk, completion, delta, finish, gentle, standard, streamed,
};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

const CARD: &str = "4111 1111 1111 1111";
const SOON: Duration = Duration::from_secs(20);

fn event(data: &Value) -> String {
    format!("data: {data}\n\n")
}

/// The events, and then the usual end.
fn stream(events: impl IntoIterator<Item = String>) -> Reply {
    Reply::events(events.into_iter().chain([finish(0, "stop"), DONE.to_owned()]).collect::<Vec<_>>())
}

/// Whatever comes again with each event is not a piece of a longer text.
#[tokio::test(flavor = "multi_thread")]
async fn what_each_event_says_anew_is_looked_at_by_itself() {
    let again: [fn(&str) -> Value; 4] = [
        |text| json!({"choices": [{"index": 0, "delta": {"content": "a "}}], "citations": [text]}),
        |text| json!({"choices": [{"index": 0, "delta": {"content": "a ", "note": text}}]}),
        |text| json!({"choices": [{"index": 0, "delta": {"annotations": [{"url_citation": {"title": text}}]}}]}),
        |text| json!({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0, "function": {"name": text}}]}}]}),
    ];
    for again in again {
        for others in [CARD, "7 things", "x"] {
            let events = [CARD, others, others, CARD].map(|text| event(&again(text)));
            let provider = Provider::saying(stream(events)).await;
            let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
            let answer = gateway.ask(streamed("hello")).await;
            assert!(!answer.text().contains(CARD), "{}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_that_two_readers_would_read_differently_end_the_stream() {
    let events: [fn(&str) -> String; 5] = [
        |text| {
            format!(
                "data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"xx\",\"content\":\"{text}\"}}}}]}}\n\n"
            )
        },
        |text| event(&json!({"choices": [{"index": 0, "text": "xx", "delta": {"content": text}}]})),
        |text| event(&json!({"choices": [{"index": 0, "message": {"content": "xx"}, "delta": {"content": text}}]})),
        |text| format!("data: {{\"choices\":[{{\"index\":1.0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"),
        |text| {
            let call = json!({"index": 0, "custom": {"input": "xx"}, "function": {"arguments": text}});
            event(&json!({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}))
        },
    ];
    for event in events {
        let provider = Provider::saying(stream(["4111 ", "1111 ", "1111 ", "1111"].map(event))).await;
        let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
        let answer = gateway.ask(streamed("hello")).await;
        assert_eq!((answer.status, answer.code().as_str()), (502, "upstream_broken"), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_behind_the_end_of_a_choice_is_still_strung_together() {
    let late = ["mail ada", "@exam", "ple.com and ", " 4111", " 1111", " 1111", " 1111 x"];
    let late = late.map(|text| delta(0, &json!({"note": text})));
    let events = [chunk("a"), finish(0, "stop"), delta(1, &json!({"content": "b"}))].into_iter().chain(late);
    let provider = Provider::saying(stream(events.chain([finish(1, "stop")]))).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let answer = gateway.ask(streamed("hello")).await;
    assert!(!answer.text().contains("@exam") && !answer.text().contains(" 1111"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn random_letters_in_each_event_do_not_hold_the_stream_up() {
    let events = |from: u32| {
        (from..from + 3).map(|n| {
            let text = format!("word{n} ");
            event(&json!({"choices": [{"index": 0, "delta": {"content": text}}], "obfuscation": format!("aZ{n}kQ")}))
        })
    };
    let reply = Reply::events(events(0).collect::<Vec<_>>()).pauses();
    let provider =
        Provider::saying(reply.then(events(3).chain([finish(0, "stop"), DONE.into()]).collect::<Vec<_>>())).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let mut answer = gateway.ask(streamed("hello")).open().await;
    // The first words are there while the provider still waits.
    timeout(SOON, answer.until("word1")).await.expect("it flows");
    provider.proceed();
}

#[tokio::test(flavor = "multi_thread")]
async fn logprobs_go_from_the_first_edit_on() {
    let tokens = json!({"content": [{"token": "ada@example.com"}]});
    let later = event(&json!({"choices": [{"index": 0, "delta": {}, "logprobs": tokens}]}));
    let provider = Provider::saying(stream([chunk("mail ada@example.com end"), later])).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let answer = gateway.ask(streamed("hello")).await;
    assert_eq!(answer.content(), "mail [EMAIL] end");
    assert!(!answer.text().contains("ada@"), "{}", answer.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_inside_a_call_are_text_too() {
    let attack = "mail ada@example.com";
    let call = json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}", attack: 1}});
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "hi"}, {"role": "assistant", "tool_calls": [call]},
    ]});
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    assert_eq!(gateway.ask(body).await.status, 200);
    assert!(!provider.body().contains("ada@"), "{}", provider.body());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_charset_that_nobody_inspected_does_not_pass() {
    let words = r#"{"error":{"message":"mail ada@example.com"}}"#;
    let wide: Vec<u8> = words.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for kind in ["application/json; charset=utf-16le", "application/json"] {
        let provider = Provider::saying(Reply::whole(kind, wide.clone()).status(400)).await;
        let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
        let answer = gateway.ask(chat("hello")).await;
        assert_eq!((answer.status, answer.code().as_str()), (502, "upstream_broken"), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_provider_is_told_what_the_body_was_read_as() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let call = gateway.ask(chat("hello")).header("content-type", "application/json; charset=utf-7");
    assert_eq!(call.await.status, 200);
    assert_eq!(provider.only().header("content-type"), Some("application/json"));
}

/// A name goes with each text of its message: a long one, many texts.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_name_is_not_handed_out_with_each_text() {
    let body = json!({"model": "m", "messages": [
        {"role": "user", "name": "a ".repeat(100_000), "content": vec!["a"; 5_000]},
    ]});
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway =
        Gateway::with_plugins([gentle("request-edit").set("on_failure = 'open'")]).upstream(&provider).start().await;
    // A hundred of them would need hundreds of gigabytes if each text had the whole name.
    for _ in 0..5 {
        assert_eq!(timeout(SOON, gateway.ask(body.clone()).into_future()).await.expect("it ends").status, 200);
    }
}

/// Names for originals that avoid those that somebody wrote: hundreds of each must not make others wait.
#[tokio::test(flavor = "multi_thread")]
async fn many_originals_and_many_names_in_the_text_cost_little() {
    let people: String = (0..600).map(|n| format!("p{n}@example.com ")).collect();
    let names: String = (1..=600).map(|n| format!("[EMAIL_{n}] ")).collect();
    let filler = "the river is long, ".repeat(20_000);
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": people}, {"role": "user", "content": format!("{filler}{names}")},
    ]});
    let provider = Provider::saying(Reply::json(completion("hello [EMAIL_601]"))).await;
    let pii = standard("pii").config("email = 'restore'").set("limits.wall_ms = 5_000");
    let gateway = Gateway::with_plugins([pii]).upstream(&provider).settings("plugins.chain_ms = 20_000").start().await;
    let answer = timeout(SOON, gateway.ask(body).into_future()).await.expect("it ends");
    assert_eq!(answer.content(), "hello p0@example.com");
}

/// An address that stood in JSON with escapes, as Python writes it.
#[tokio::test(flavor = "multi_thread")]
async fn an_original_from_json_comes_back_as_a_person_would_write_it() {
    let arguments = r#"{"to": "andr\u00e9@example.com"}"#;
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "write to him"},
        {"role": "assistant", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": arguments}},
        ]},
        {"role": "tool", "tool_call_id": "a", "content": "done"},
    ]});
    let provider = Provider::saying(Reply::json(completion("I wrote to [EMAIL_1]."))).await;
    let pii = standard("pii").config("email = 'restore'");
    let gateway = Gateway::with_plugins([pii]).upstream(&provider).start().await;
    let answer = gateway.ask(body).await;
    assert!(!provider.body().contains("@example.com"), "{}", provider.body());
    assert_eq!(answer.content(), "I wrote to andré@example.com.");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_holds_back_too_much_has_failed_on_its_receipt_too() {
    for (mode, verdict) in [("closed", "failed"), ("open", "not-inspected")] {
        let provider = Provider::saying(stream(["a".repeat(300), "b".repeat(300)].map(|text| chunk(&text)))).await;
        let holds = gentle("hold-all").set(&format!("on_failure = '{mode}'"));
        let gateway =
            Gateway::with_plugins([holds]).upstream(&provider).settings("stream.hold_bytes_max = 64").start().await;
        let answer = gateway.ask(streamed("hello")).receipts().await;
        let told = answer.receipts().into_iter().any(|receipt| receipt.get("verdict") == Some(verdict));
        assert!(told, "{mode}: {}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_with_little_memory_loads_or_says_why() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway =
        Gateway::with_plugins([standard("pii").set("limits.memory_bytes = 262_144")]).upstream(&provider).start().await;
    assert_eq!(gateway.ask(chat("Write to ann@example.com.")).await.status, 200);
    assert!(provider.body().contains("[EMAIL]"));
}

/// Tables and logs are ordinary text, and every place in them may begin something.
#[tokio::test(flavor = "multi_thread")]
async fn dense_text_is_within_the_fuel_of_the_standard_plugins() {
    let numbers: String = (0..12_000).map(|n| format!("{} ", 1_000 + n * 7_919 % 9_000)).collect();
    let texts = ["2024-05-03 12:33:11\n".repeat(6_000), numbers, "password ".repeat(7_000), "a:b:c:d ".repeat(8_000)];
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let plugins = [standard("pii"), standard("secrets")].map(|plugin| plugin.set("limits.wall_ms = 5_000"));
    let gateway =
        Gateway::with_plugins(plugins).upstream(&provider).settings("plugins.chain_ms = 20_000").start().await;
    for text in texts {
        let answer = gateway.ask(chat(&text)).await;
        assert_eq!(answer.status, 200, "{}: {}", text.get(..20).unwrap(), answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_originals_than_can_be_restored_are_refused_and_do_not_pass() {
    let people: String = (0..1_001).map(|n| format!("p{n}@example.com ")).collect();
    for mode in ["closed", "open"] {
        let provider = Provider::saying(Reply::json(completion("hello"))).await;
        let pii =
            standard("pii").config("email = 'restore'").set(&format!("limits.wall_ms = 5_000\non_failure = '{mode}'"));
        let gateway =
            Gateway::with_plugins([pii]).upstream(&provider).settings("plugins.chain_ms = 20_000").start().await;
        let answer = gateway.ask(chat(&people)).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, "too_many_originals"), "{mode}");
        assert_eq!(provider.received().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_reads_nothing_is_cut_off() {
    // More than the buffers of both ends hold.
    let provider = Provider::saying(Reply::json(completion(&"the river ".repeat(1_500_000)))).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings("server.write_ms = 50").start().await;
    let mut caller = TcpStream::connect(gateway.address).await.unwrap();
    let body = chat("hello").to_string();
    let head = format!("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    caller.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    // It is noticed by the next words, which nobody takes any more.
    let cut_off = async {
        while caller.write_all(b" ").await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, cut_off).await.expect("it is cut off");
}
