//! Much text and many texts.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use sluicegate_tests::{DONE, Gateway, Model, Provider, Reply, chunk, delta, finish, gentle, standard, streamed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

#[tokio::test(flavor = "multi_thread")]
async fn five_megabytes_flow_in_a_quarter_of_one() {
    const EVENTS: usize = 1_280;
    let text = "the quick brown fox keeps its secret. ".repeat(108);
    let event = chunk(&text);
    assert!(event.len() * EVENTS > 5_000_000);
    let events = std::iter::repeat_n(event, EVENTS).chain([finish(0, "stop"), DONE.to_owned()]);
    let provider = Provider::saying(Reply::events(events)).await;
    // What waits to be decided counts against the limit, so it is never more than that.
    let settings = "upstream.answer_bytes_max = 262_144\nstream.window_bytes = 4_096";
    let plugins = [gentle("mask-word"), standard("no-op")];
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).settings(settings).start().await;
    let answer = gateway.ask(streamed("hello?")).await;
    assert!(answer.is_done());
    assert!(answer.content() == text.replace("secret", "[x]").repeat(EVENTS));
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_one_answer() {
    for (texts, passes) in [(1_000, true), (1_001, false)] {
        let events: Vec<String> = (0..texts).map(|choice| delta(choice, &json!({"content": "x"}))).collect();
        let ends: Vec<String> = (0..texts).map(|choice| finish(choice, "stop")).collect();
        let provider = Provider::saying(Reply::events([events.concat(), ends.concat() + DONE])).await;
        let gateway = Gateway::with_plugins([standard("no-op")]).upstream(&provider).start().await;
        let answer = gateway.ask(streamed("hello?")).await;
        match passes {
            true => assert_eq!(answer.text(), [events.concat(), ends.concat(), DONE.to_owned()].concat()),
            false => assert_eq!(answer.code(), "upstream_broken"),
        }
    }
}

/// However little they say: each takes its place.
#[tokio::test(flavor = "multi_thread")]
async fn events_that_say_nothing() {
    let silent = "data: {\"choices\":[]}\n\n";
    for (events, passes) in [(300, true), (400, false)] {
        let stream = silent.repeat(events) + &chunk("hello") + &finish(0, "stop") + DONE;
        let provider = Provider::saying(Reply::events([stream.clone()])).await;
        let settings = "upstream.answer_bytes_max = 100_000";
        let gateway = Gateway::without_plugins().upstream(&provider).settings(settings).start().await;
        let answer = gateway.ask(streamed("hello?")).await;
        match passes {
            true => assert_eq!(answer.text(), stream),
            false => assert_eq!(answer.code(), "answer_too_large"),
        }
    }
}

/// The address of a provider that this file makes itself.
struct At(SocketAddr);

impl Model for At {
    fn base_url(&self) -> String {
        format!("http://{}/v1", self.0)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_does_not_read_stops_the_provider() {
    const ALL: usize = 256 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gateway =
        Gateway::with_plugins([standard("no-op")]).upstream(&At(listener.local_addr().unwrap())).start().await;
    let written = Arc::new(AtomicUsize::new(0));
    let count = written.clone();
    let provider = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.read_buf(&mut Vec::new()).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n").await.unwrap();
        let event = chunk(&"word ".repeat(10_000));
        while count.load(Ordering::Relaxed) < ALL {
            stream.write_all(event.as_bytes()).await.unwrap();
            count.fetch_add(event.len(), Ordering::Relaxed);
        }
    });
    let mut open = gateway.ask(streamed("hello?")).open().await;
    open.until("word").await;
    // Until nothing was written for a while. Where the machine is too busy to write, that is too early, and passes.
    let last = Mutex::new((0, Instant::now()));
    let is_still = |_: &_| {
        let (now, mut last) = (written.load(Ordering::Relaxed), last.lock().unwrap());
        if now != last.0 {
            *last = (now, Instant::now());
        }
        last.1.elapsed() > Duration::from_millis(300)
    };
    gateway.until(is_still).await;
    // The kernel's buffers of two connections hold some megabytes.
    let written = written.load(Ordering::Relaxed);
    assert!(written < ALL / 4, "{written} bytes were written for a caller who reads none");
    provider.abort();
}
