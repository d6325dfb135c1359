//! Every limit: at it, and one past it.

use std::future::IntoFuture;

use serde_json::json;
use sluicegate_tests::{DONE, Gateway, Provider, Reply, chat, chunk, completion, finish, standard, streamed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// `make` padded so that it has this many bytes.
fn padded(bytes: usize, make: impl Fn(&str) -> String) -> String {
    make(&"x".repeat(bytes - make("").len()))
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_a_request() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings("server.body_bytes_max = 2000").start().await;
    let request = |bytes| padded(bytes, |text| chat(text).to_string());
    assert_eq!(gateway.ask(request(2000)).await.status, 200);
    let answer = gateway.ask(request(2001)).await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
    assert_eq!(provider.received().len(), 1);

    let body = request(2001);
    let chunks: String = body
        .as_bytes()
        .chunks(100)
        .map(|part| format!("{:x}\r\n{}\r\n", part.len(), String::from_utf8_lossy(part)))
        .collect();
    let head =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let said = gateway.send_raw(format!("{head}{chunks}0\r\n\r\n").as_bytes()).await;
    assert!(said.starts_with("HTTP/1.1 413 "), "{said}");
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_an_answer() {
    let answer = |bytes| padded(bytes, completion);
    let whole = |bytes| Reply::json(answer(bytes));
    let unannounced = |bytes| Reply::events([answer(bytes)]).header("content-type", "application/json").cut(300);
    let replies = [whole(2000), whole(2001), unannounced(2000), unannounced(2001), whole(2001).status(400)];
    let provider = Provider::saying_in_turn(replies).await;
    let gateway =
        Gateway::without_plugins().upstream(&provider).settings("upstream.answer_bytes_max = 2000").start().await;
    for (status, code) in
        [(200, ""), (502, "answer_too_large"), (200, ""), (502, "answer_too_large"), (502, "answer_too_large")]
    {
        let said = gateway.ask(chat("hello?")).await;
        assert_eq!(said.status, status);
        if status == 200 {
            assert_eq!(said.text(), answer(2000));
        } else {
            assert_eq!(said.code(), code);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_an_event() {
    let stream = |bytes| [chunk("a"), padded(bytes, chunk), finish(0, "stop"), DONE.to_owned()].concat();
    let one_past = Reply::events([chunk("a")]).pauses().then([stream(2001)]).cut(100);
    let endless = Reply::events([chunk("a")]).pauses().then(["data: ".to_owned() + &"x".repeat(5000)]).stalls();
    let provider = Provider::saying_in_turn([Reply::events([stream(2000)]).cut(100), one_past, endless]).await;
    let gateway =
        Gateway::without_plugins().upstream(&provider).settings("upstream.event_bytes_max = 2000").start().await;
    assert_eq!(gateway.ask(streamed("hello?")).await.text(), stream(2000));
    for _ in 0..2 {
        let mut open = gateway.ask(streamed("hello?")).open().await;
        open.until("\"a\"").await;
        provider.proceed();
        let answer = open.rest().await;
        assert_eq!(answer.code(), "answer_too_large");
        assert!(!answer.text().contains("xxx") && !answer.is_done(), "{}", answer.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_a_request() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway =
        Gateway::without_plugins().upstream(&provider).settings("server.header_bytes_max = 10_000").start().await;
    let body = chat("hello?").to_string();
    let request = |headers: String| {
        let start = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close";
        format!("{start}\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
    };
    let many = |count: usize| (0..count - 3).map(|number| format!("x-{number}: 1\r\n")).collect::<String>();
    assert!(gateway.send_raw(request(many(100)).as_bytes()).await.starts_with("HTTP/1.1 200 "));
    assert!(gateway.send_raw(request(many(101)).as_bytes()).await.starts_with("HTTP/1.1 431 "));
    assert!(
        gateway.send_raw(request(format!("x: {}\r\n", "y".repeat(9000))).as_bytes()).await.starts_with("HTTP/1.1 200 ")
    );
    let long = gateway.send_raw(request(format!("x: {}\r\n", "y".repeat(30_000))).as_bytes()).await;
    assert!(long.starts_with("HTTP/1.1 431 ") || long.is_empty(), "{long}");
    assert_eq!(provider.received().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_a_request() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::without_plugins().upstream(&provider).start().await;
    let request = |count: usize| json!({"model": "m", "messages": [{"role": "user", "content": vec!["x"; count]}]});
    assert_eq!(gateway.ask(request(100_000)).await.status, 200);
    let answer = gateway.ask(request(100_001)).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_request"));
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_of_a_request() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::without_plugins().upstream(&provider).start().await;
    let request = |depth: usize| {
        let deep = format!("{}\"x\"{}", "[".repeat(depth), "]".repeat(depth));
        format!("{{\"model\":\"m\",\"messages\":[{{\"role\":\"user\",\"content\":\"x\"}}],\"new\":{deep}}}")
    };
    assert_eq!(gateway.ask(request(48)).await.status, 200);
    assert_eq!(gateway.ask(request(49)).await.status, 400);
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_to_restore() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway =
        Gateway::with_plugins([standard("pii").config("email = 'restore'").set("limits.fuel = 1_000_000_000")])
            .upstream(&provider)
            .start()
            .await;
    let request = |count: usize| chat(&(0..count).map(|number| format!("a{number}@example.com ")).collect::<String>());
    let answer = gateway.ask(request(1000)).receipts().await;
    assert_eq!(answer.status, 200, "{:?}", answer.receipts());
    assert!(provider.body().contains("[EMAIL_1000]"));
    assert_eq!(gateway.ask(request(1001)).await.code(), "too_many_originals");
    assert_eq!(provider.received().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_does_not_read_is_not_fetched() {
    let event = chunk(&"x".repeat(10_000));
    let events = std::iter::repeat_n(event.clone(), 10_000).chain([finish(0, "stop"), DONE.to_owned()]);
    let provider = Provider::saying_in_turn([Reply::events(events), Reply::json(completion("hello"))]).await;
    let gateway = Gateway::with_plugins([standard("no-op")]).upstream(&provider).start().await;
    let open = gateway.ask(streamed("hello?")).open().await;
    provider.has_written(1 << 20).await;
    for _ in 0..50 {
        gateway.ask(chat("hello?")).await;
    }
    // What the kernel keeps for two connections, and no hundred megabytes.
    assert!(provider.written() < 30 << 20, "{} bytes were fetched for nobody", provider.written());
    drop(open);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_at_the_same_time() {
    let provider =
        Provider::saying(Reply::events([chunk("hello")]).pauses().then([finish(0, "stop"), DONE.into()])).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings("server.connections_max = 2").start().await;
    let (mut first, mut second) = (gateway.ask(streamed("1")).open().await, gateway.ask(streamed("2")).open().await);
    first.until("hello").await;
    second.until("hello").await;
    let third = tokio::spawn(gateway.ask(streamed("3")).into_future());
    // The third is connected, but nobody reads it. A fourth would find the same: there is nothing to wait for here.
    let mut fourth = gateway.connect().await;
    fourth.write_all(b"GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    assert_eq!(provider.received().len(), 2);
    (0..4).for_each(|_| provider.proceed());
    assert!(first.rest().await.is_done() && second.rest().await.is_done());
    assert!(third.await.unwrap().is_done());
    let mut said = String::new();
    fourth.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 "), "{said}");
}
