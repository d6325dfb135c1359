//! Nothing is kept from one call for the next.

use std::future::IntoFuture as _;

use sluicegate::plugin::Pool;
use sluicegate_tests::guests::HOSTILE;
use sluicegate_tests::{DONE, Gateway, Installed, Provider, Reply, chat, chunk, finish, hostile, streamed};
use tokio::task::JoinSet;

/// All guests that try to keep something. Each denies an exchange in which it finds something again.
fn keepers() -> Vec<Installed> {
    let names = HOSTILE.iter().map(|guest| guest.name).filter(|name| name.starts_with("state-"));
    names.map(hostile).collect()
}

/// A whole answer and a stream, for whoever asks for which.
fn stream() -> Reply {
    let texts: Vec<String> = (0..5).map(|number| chunk(&format!("part {number} "))).collect();
    Reply::events(texts).then([finish(0, "stop"), DONE.to_owned()])
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_exchanges_at_once_find_nothing_of_each_other() {
    let provider = Provider::saying(stream()).await;
    let settings = "plugins.memo_bytes = 0\nstream.window_bytes = 1";
    let gateway = Gateway::with_plugins(keepers()).upstream(&provider).settings(settings).start().await;
    let mut exchanges = JoinSet::new();
    for number in 0..200 {
        let call = gateway.ask(streamed(&format!("secret {number}"))).receipts();
        exchanges.spawn(call.into_future());
    }
    let mut answered = 0;
    while let Some(answer) = exchanges.join_next().await {
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.is_done()), (200, true), "{}", answer.text());
        assert_eq!(answer.content(), "part 0 part 1 part 2 part 3 part 4 ");
        assert!(
            answer.receipts().iter().all(|receipt| receipt.get("verdict") == Some("allow")),
            "{:?}",
            answer.receipts()
        );
        answered += 1;
    }
    assert_eq!(answered, 200);
    gateway.until(|host| host.runtime.pool() == Pool::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_hundred_exchanges_in_a_row_find_nothing_either() {
    let provider = Provider::saying(Reply::json(sluicegate_tests::completion("hello"))).await;
    let gateway = Gateway::with_plugins(keepers()).upstream(&provider).settings("plugins.memo_bytes = 0").start().await;
    for number in 0..300 {
        let answer = gateway.ask(chat(&format!("secret {number}"))).receipts().await;
        assert_eq!(answer.content(), "hello", "exchange {number}: {}", answer.text());
    }
    assert_eq!(gateway.host.runtime.pool(), Pool::default());
}
