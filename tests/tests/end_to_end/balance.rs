//! Who is asked first among several targets of a model.

use sluicegate_tests::{DONE, Gateway, Provider, Reply, chat, chunk, completion, finish, streamed};

async fn providers() -> [Provider; 3] {
    [
        Provider::saying(Reply::json(completion("one"))).await,
        Provider::saying(Reply::json(completion("two"))).await,
        Provider::saying(Reply::json(completion("three"))).await,
    ]
}

async fn gateway(providers: &[Provider], model: &str) -> Gateway {
    let setup = providers.iter().fold(Gateway::without_plugins(), |setup, provider| setup.upstream(provider));
    setup.settings(&format!("models.'*' = {{ {model} }}")).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn by_weight() {
    let providers = providers().await;
    let model = "balance = 'weight', targets = [{ target = 'target-1', weight = 3 }, 'target-2', \
                 { target = 'target-3', priority = 2, weight = 100 }]";
    let gateway = gateway(&providers, model).await;
    for _ in 0..200 {
        assert_eq!(gateway.ask(chat("hello?")).await.status, 200);
    }
    let [one, two, three] = providers.map(|provider| provider.received().len());
    assert_eq!((one + two, three), (200, 0), "a lower priority is for when the others have failed");
    // 150 on average; less than 110 or more than 190 in one of a billion runs.
    assert!((110..=190).contains(&one), "{one} of 200");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_latency_and_by_those_who_wait() {
    let pauses = Reply::events([chunk("hello")]).pauses().then([finish(0, "stop"), DONE.into()]);
    let providers = [Provider::saying(pauses.clone()).await, Provider::saying(pauses).await];
    let gateway = gateway(&providers, "balance = 'latency', targets = ['target-1', 'target-2']").await;
    // One of them is in the middle of an answer, so the next caller goes to the other.
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut answer = gateway.ask(streamed("hello?")).open().await;
        answer.until("hello").await;
        open.push(answer);
    }
    assert_eq!(providers.each_ref().map(|provider| provider.received().len()), [1, 1]);
    providers.iter().for_each(Provider::proceed);
    for answer in open {
        assert!(answer.rest().await.is_done());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn by_priority_when_the_others_fail() {
    let last = Provider::saying(Reply::json(completion("last"))).await;
    let providers = [Provider::absent().await, Provider::absent().await, last];
    let model = "balance = 'latency', targets = [{ target = 'target-3', priority = 7 }, 'target-1', 'target-2']";
    let gateway = gateway(&providers, model).await;
    let answer = gateway.ask(chat("hello?")).receipts().await;
    assert_eq!(answer.content(), "last", "{} {}", answer.status, answer.text());
    let attempts = answer.header("x-sluicegate-attempts").unwrap_or_default();
    assert!(
        attempts.ends_with(", target-3") && attempts.contains("target-1;") && attempts.contains("target-2;"),
        "{attempts}"
    );
}
