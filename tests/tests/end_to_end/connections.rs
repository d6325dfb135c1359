//! HTTP on both sides: versions, and connections that are kept.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use sluicegate_tests::{DONE, EMAIL, Gateway, Provider, Reply, chat, chunk, completion, finish, standard, streamed};

#[tokio::test(flavor = "multi_thread")]
async fn answers_streams_and_errors_over_http2() {
    let stream = [chunk("hello"), finish(0, "stop"), DONE.into()];
    let provider = Provider::saying_in_turn([Reply::json(completion("hello")), Reply::events(stream.clone())]).await;
    let plugins = [standard("pii").config("email = 'block'")];
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).start().await;
    assert_eq!(gateway.ask(chat("hello?")).http2().await.text(), completion("hello"));
    let streamed = gateway.ask(streamed("hello?")).http2().receipts().await;
    assert!(streamed.text().starts_with(&stream.concat()) && !streamed.receipts().is_empty());
    let denied = gateway.ask(chat(EMAIL)).http2().await;
    assert_eq!((denied.status, denied.code().as_str()), (400, "pii.blocked"));
    assert_eq!(gateway.call("GET", "/nowhere").http2().await.status, 404);
    assert_eq!(provider.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_the_provider_are_kept() {
    let stream = [chunk("hello"), finish(0, "stop"), DONE.into()];
    let replies = [Reply::json(completion("hello")), Reply::events(stream), Reply::json("{}").status(400)];
    let provider = Provider::saying_in_turn(replies).await;
    let gateway = Gateway::without_plugins().upstream(&provider).start().await;
    for _ in 0..10 {
        gateway.ask(chat("hello?")).await;
    }
    // One that is asked for a moment before the last one is free again is made anew, and kept too.
    let connections = provider.connections();
    assert!(provider.received().len() == 10 && connections <= 3, "{connections} connections for 10 requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_connection_that_was_closed_costs_no_answer() {
    let provider = Provider::saying(Reply::json(completion("hello")).hangs_up_afterwards()).await;
    let gateway = Gateway::without_plugins().upstream(&provider).start().await;
    for number in 1..=20 {
        let answer = gateway.ask(chat("hello?")).await;
        assert_eq!(answer.status, 200, "number {number}: {}", answer.text());
        // Whoever asks while it is being closed cannot know whether it was asked in vain, and must not ask twice.
        provider.has_closed(number).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_asks_before_it_sends_is_told_to_go_on() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::without_plugins().upstream(&provider).start().await;
    let body = chat("hello?").to_string();
    let mut stream = gateway.connect().await;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut said = [0; 21];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"HTTP/1.1 100 Continue");
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert!(said.contains("HTTP/1.1 200 ") && said.ends_with(&completion("hello")), "{said}");
}
