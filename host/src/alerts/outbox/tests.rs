use std::cell::RefCell;

use bytes::Bytes;
use tokio::time::timeout;

use super::*;
use crate::config::Secret;

fn message(alert: &str, number: u32) -> Message {
    let id = format!("{alert}-{number}").into();
    Message { id, alert: alert.into(), rule: "r".to_owned(), body: Bytes::new() }
}

fn webhook() -> Option<Webhook> {
    Some(Webhook { url: "https://pager.example".parse().unwrap(), secret: Secret::new("x") })
}

/// Which messages are tried within this time, and after how many seconds, by a webhook that answers like this.
async fn tried<S: Future<Output = Result<(), String>>>(
    outbox: &Outbox,
    time: Duration,
    answer: impl Fn(String) -> S,
) -> Vec<(String, u64)> {
    let (tried, begin) = (RefCell::new(Vec::new()), Instant::now());
    let send = |_: Webhook, message: Message| {
        tried.borrow_mut().push((message.id.to_string(), begin.elapsed().as_secs()));
        answer(message.id.to_string())
    };
    let _ = timeout(time, outbox.deliver(webhook, send)).await;
    tried.into_inner()
}

fn count(outbox: &Outbox, outcome: &str) -> u64 {
    outbox.told().into_iter().find(|(word, _)| *word == outcome).unwrap().1
}

const DAY: Duration = Duration::from_secs(86_400);

#[tokio::test(start_paused = true)]
async fn what_is_taken_is_sent_once() {
    let outbox = Outbox::default();
    ["a", "b"].map(|alert| outbox.put(message(alert, 1)));
    let tried = tried(&outbox, DAY, |_| async { Ok(()) }).await;
    assert_eq!(tried, [("a-1".to_owned(), 0), ("b-1".to_owned(), 0)]);
    assert_eq!((count(&outbox, "delivered"), outbox.len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_is_tried_again_under_the_same_id_with_pauses_and_an_end() {
    let outbox = Outbox::default();
    outbox.put(message("a", 1));
    let tried = tried(&outbox, DAY, |_| async { Err("no".to_owned()) }).await;
    let times: Vec<u64> = tried.iter().map(|(_, second)| *second).collect();
    assert_eq!(times, [0, 5, 305, 2_105, 9_305]);
    assert!(tried.iter().all(|(id, _)| id == "a-1"), "{tried:?}");
    assert_eq!((count(&outbox, "failed"), count(&outbox, "given-up"), outbox.len()), (5, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_is_told_of_one_alert_comes_in_order_and_no_other_waits_for_it() {
    let outbox = Outbox::default();
    for (alert, number) in [("a", 1), ("a", 2), ("b", 1)] {
        outbox.put(message(alert, number));
    }
    let first = RefCell::new(true);
    let answer = |id: String| {
        let fails = id == "a-1" && first.replace(false);
        async move { if fails { Err("no".to_owned()) } else { Ok(()) } }
    };
    let tried = tried(&outbox, DAY, answer).await;
    let ids: Vec<&str> = tried.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["a-1", "b-1", "a-1", "a-2"]);
    assert_eq!(tried[1].1, 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_hangs_keeps_no_other_alert_waiting() {
    let outbox = Outbox::default();
    ["a", "b", "c"].map(|alert| outbox.put(message(alert, 1)));
    let answer = |id: String| async move { if id == "a-1" { std::future::pending().await } else { Ok(()) } };
    tried(&outbox, Duration::from_secs(1), answer).await;
    assert_eq!((count(&outbox, "delivered"), outbox.len()), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn no_more_are_under_way_than_may_be() {
    let outbox = Outbox::default();
    (0..20).for_each(|alert| outbox.put(message(&alert.to_string(), 1)));
    let tried = tried(&outbox, Duration::from_secs(60), |_| std::future::pending()).await;
    assert_eq!(tried.len(), UNDER_WAY_MAX);
}

#[tokio::test(start_paused = true)]
async fn at_most_so_many_wait() {
    let outbox = Outbox::default();
    (0..WAITING_MAX).for_each(|alert| outbox.put(message(&alert.to_string(), 1)));
    assert_eq!((outbox.len(), count(&outbox, "dropped")), (WAITING_MAX, 0));
    outbox.put(message("more", 1));
    assert_eq!((outbox.len(), count(&outbox, "dropped")), (WAITING_MAX, 1));
}

#[tokio::test(start_paused = true)]
async fn another_address_is_tried_at_once_and_none_is_told_nothing() {
    let outbox = Outbox::default();
    outbox.put(message("a", 1));
    let (address, tried) = (RefCell::new(webhook()), RefCell::new(Vec::new()));
    let send = |to: Webhook, _: Message| {
        tried.borrow_mut().push(to.url.to_string());
        async { Err("no".to_owned()) }
    };
    let delivering = async { timeout(DAY, outbox.deliver(|| address.borrow().clone(), send)).await };
    let changing = async {
        tokio::time::sleep(Duration::from_secs(100)).await;
        address.borrow_mut().as_mut().unwrap().url = "https://other.example".parse().unwrap();
        tokio::time::sleep(Duration::from_secs(10)).await;
        address.replace(None);
    };
    let _ = tokio::join!(delivering, changing);
    let first = "https://pager.example/";
    assert_eq!(tried.borrow().as_slice(), [first, first, "https://other.example/"]);
    assert_eq!((outbox.len(), count(&outbox, "dropped")), (0, 1));
}
