//! Nothing waits for ever.

use std::net::SocketAddr;

use sluicegate_tests::{Gateway, Model, Provider, Reply, chat, chunk, completion, streamed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

/// An address where connections are neither accepted nor refused.
struct Deaf {
    address: SocketAddr,
    _full: Vec<tokio::task::JoinHandle<std::io::Result<TcpStream>>>,
    _listener: tokio::net::TcpListener,
}

impl Model for Deaf {
    fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

async fn deaf() -> Deaf {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // The kernel keeps two for the queue of one; what comes after waits for a place.
    let mut full = Vec::new();
    for _ in 0..2 {
        full.push(TcpStream::connect(address).await.unwrap());
    }
    let full = full.into_iter().map(|stream| tokio::spawn(async { Ok(stream) })).collect();
    Deaf { address, _full: full, _listener: listener }
}

#[tokio::test(flavor = "multi_thread")]
async fn to_connect() {
    let deaf = deaf().await;
    let gateway = Gateway::without_plugins().upstream(&deaf).settings("upstream.connect_ms = 100").start().await;
    let answer = gateway.ask(chat("hello?")).await;
    assert_eq!((answer.status, answer.code().as_str()), (502, "upstream_unreachable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn for_the_first_token() {
    let provider = Provider::saying(Reply::nothing()).await;
    let gateway =
        Gateway::without_plugins().upstream(&provider).settings("upstream.first_token_ms = 100").start().await;
    let answer = gateway.ask(chat("hello?")).await;
    assert_eq!((answer.status, answer.code().as_str()), (504, "upstream_timeout"));
    provider.has_lost(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn between_two_pieces() {
    let whole = completion("hello");
    let replies = [
        Reply::json(whole[..20].to_owned()).stalls(),
        Reply::events([chunk("hello")]).stalls(),
        Reply::events([""]).stalls(),
    ];
    let provider = Provider::saying_in_turn(replies).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings("upstream.idle_ms = 100").start().await;
    let answer = gateway.ask(chat("hello?")).await;
    assert_eq!((answer.status, answer.code().as_str()), (504, "upstream_timeout"));
    let answer = gateway.ask(streamed("hello?")).await;
    assert_eq!((answer.status, answer.content().as_str(), answer.code().as_str()), (200, "hello", "upstream_timeout"));
    assert!(!answer.is_done());
    let answer = gateway.ask(streamed("hello?")).await;
    assert_eq!((answer.status, answer.code().as_str()), (504, "upstream_timeout"));
    provider.has_lost(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_all() {
    let sandbox = Gateway::sandbox().await;
    let gateway = Gateway::without_plugins().upstream(&sandbox).settings("upstream.total_ms = 200").start().await;
    let answer = gateway.ask(streamed("slow 10\nlong 10000")).await;
    assert_eq!((answer.status, answer.code().as_str()), (200, "timeout"));
    assert!(answer.content().len() > 10 && !answer.is_done());
    let answer = gateway.ask(chat("stall")).await;
    assert_eq!((answer.status, answer.code().as_str()), (504, "timeout"));
    sandbox.wait_until(|state| state.cancelled == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_callers_body() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings("server.body_ms = 100").start().await;
    let mut stream = gateway.connect().await;
    let head =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 100\r\n\r\n{\"model\":";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 408 ") && said.contains("\"code\":\"body_too_slow\""), "{said}");
    assert!(provider.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_callers_head() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings("server.header_ms = 100").start().await;
    for begun in ["", "POST /v1/chat", "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n", "PRI * HTTP/2.0\r\n\r\nSM"]
    {
        let mut stream = gateway.connect().await;
        stream.write_all(begun.as_bytes()).await.unwrap();
        let mut said = Vec::new();
        let read = tokio::time::timeout(std::time::Duration::from_secs(20), stream.read_to_end(&mut said)).await;
        assert!(read.is_ok(), "the connection stays open after {begun:?}");
    }
    assert!(provider.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn for_a_caller_who_takes_no_more_of_its_answer() {
    // More than the windows of HTTP/2 and the buffers on the way take.
    let much = chunk(&"the river ".repeat(1_000));
    let provider = Provider::saying(Reply::events(vec![much; 3_000]).stalls()).await;
    let bounds = "upstream.total_ms = 300\nserver.write_ms = 100";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(bounds).start().await;
    // The connection is alive: its PINGs are answered.
    let mut open = gateway.ask(streamed("hello?")).http2().open().await;
    provider.has_lost(1).await;
    open.connection_has_ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn for_the_next_request_of_a_connection() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings("server.header_ms = 100").start().await;
    for http2 in [false, true] {
        let call = gateway.ask(chat("hello?"));
        let mut open = if http2 { call.http2() } else { call }.open().await;
        open.until("hello").await;
        open.connection_has_ended().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_stream_that_moves_is_left_alone() {
    let sandbox = Gateway::sandbox().await;
    let bounds = "upstream = { idle_ms = 400, first_token_ms = 400 }\nserver = { header_ms = 200, body_ms = 200 }";
    let gateway = Gateway::without_plugins().upstream(&sandbox).settings(bounds).start().await;
    let answer = gateway.ask(streamed("slow 60\nlong 20")).await;
    assert!(answer.is_done(), "{}", answer.text());
    assert_eq!(answer.content().split(' ').count(), 20);
}
