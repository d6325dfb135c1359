//! Stopping: nobody new comes in, those who are in may finish.

use std::future::IntoFuture;

use sluicegate_tests::{DONE, Gateway, Provider, Reply, chat, chunk, completion, finish, streamed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Wait until nobody listens there any more.
async fn is_closed(gateway: &Gateway) {
    while TcpStream::connect(gateway.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn open_streams_end_within_the_grace() {
    let provider =
        Provider::saying(Reply::events([chunk("hello")]).pauses().then([finish(0, "stop"), DONE.into()])).await;
    let mut gateway = Gateway::without_plugins().upstream(&provider).start().await;
    let mut over_1 = gateway.ask(streamed("hello?")).open().await;
    let mut over_2 = gateway.ask(streamed("hello?")).http2().open().await;
    over_1.until("hello").await;
    over_2.until("hello").await;
    gateway.tell_to_stop();
    is_closed(&gateway).await;
    provider.proceed();
    provider.proceed();
    assert!(over_1.rest().await.is_done() && over_2.rest().await.is_done());
    assert!(gateway.stop().await, "all have ended within the grace");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_grace_it_stops_all_the_same() {
    let provider = Provider::saying(Reply::events([chunk("hello")]).stalls()).await;
    let mut gateway = Gateway::without_plugins().upstream(&provider).settings("server.drain_ms = 100").start().await;
    let mut open = gateway.ask(streamed("hello?")).open().await;
    open.until("hello").await;
    assert!(!gateway.stop().await, "one has not ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn idle_connections_hold_nothing_up() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let mut gateway = Gateway::without_plugins().upstream(&provider).settings("server.drain_ms = 20_000").start().await;
    let mut idle = gateway.connect().await;
    let body = chat("hello?").to_string();
    let head = format!("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    idle.write_all(head.as_bytes()).await.unwrap();
    let mut answered = Vec::new();
    while !String::from_utf8_lossy(&answered).contains(&completion("hello")) {
        assert!(idle.read_buf(&mut answered).await.unwrap() > 0);
    }
    let fresh = gateway.connect().await;
    let began = std::time::Instant::now();
    assert!(gateway.stop().await);
    assert!(began.elapsed().as_secs() < 10, "an idle connection held it up");
    drop((idle, fresh));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_under_way_is_still_answered() {
    let provider = Provider::saying(
        Reply::events([""]).header("content-type", "application/json").pauses().then([completion("hello")]),
    )
    .await;
    let mut gateway = Gateway::without_plugins().upstream(&provider).start().await;
    let asked = tokio::spawn(gateway.ask(chat("hello?")).into_future());
    provider.has_received(1).await;
    gateway.tell_to_stop();
    is_closed(&gateway).await;
    provider.proceed();
    assert_eq!(asked.await.unwrap().content(), "hello");
    assert!(gateway.stop().await);
}
