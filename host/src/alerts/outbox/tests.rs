use bytes::Bytes;

use super::*;

fn message(alert: &str, number: u32) -> Message {
    let id = format!("{alert}-{number}").into();
    Message { id, alert: alert.into(), rule: "r".to_owned(), body: Bytes::new() }
}

const DAY: Duration = Duration::from_secs(86_400);

/// Which messages are tried within this time, and after how many seconds, by a webhook that answers like this, or hangs.
fn tried(
    outbox: &Outbox,
    time: Duration,
    mut answer: impl FnMut(&str) -> Option<Result<(), String>>,
) -> Vec<(String, u64)> {
    let begin = Instant::now();
    let (mut now, mut under_way, mut tried) = (begin, 0, Vec::new());
    while now < begin + time {
        for message in outbox.due(UNDER_WAY_MAX - under_way, now) {
            tried.push((message.id.to_string(), (now - begin).as_secs()));
            match answer(&message.id) {
                Some(sent) => outbox.was_sent(&message.id, sent, now),
                None => under_way += 1,
            }
        }
        now += outbox.until_due(under_way, now);
    }
    tried
}

fn refused() -> Option<Result<(), String>> {
    Some(Err("no".to_owned()))
}

fn count(outbox: &Outbox, outcome: &str) -> u64 {
    outbox.told().into_iter().filter(|(word, _)| *word == outcome).map(|(_, count)| count).sum()
}

#[test]
fn what_is_taken_is_sent_once() {
    let outbox = Outbox::default();
    ["a", "b"].into_iter().for_each(|alert| outbox.put(message(alert, 1)));
    assert_eq!(tried(&outbox, DAY, |_| Some(Ok(()))), [("a-1".to_owned(), 0), ("b-1".to_owned(), 0)]);
    assert_eq!((count(&outbox, "delivered"), outbox.len()), (2, 0));
}

#[test]
fn what_is_not_taken_is_tried_again_under_the_same_id_with_pauses_and_an_end() {
    let outbox = Outbox::default();
    outbox.put(message("a", 1));
    let tried = tried(&outbox, DAY, |_| refused());
    let times: Vec<u64> = tried.iter().map(|(_, second)| *second).collect();
    assert_eq!(times, [0, 5, 305, 2_105, 9_305]);
    assert!(tried.iter().all(|(id, _)| id == "a-1"), "{tried:?}");
    assert_eq!((count(&outbox, "failed"), count(&outbox, "given-up"), outbox.len()), (5, 1, 0));
}

#[test]
fn what_is_told_of_one_alert_comes_in_order_and_no_other_waits_for_it() {
    let outbox = Outbox::default();
    for (alert, number) in [("a", 1), ("a", 2), ("b", 1)] {
        outbox.put(message(alert, number));
    }
    let mut is_first = true;
    let tried = tried(&outbox, DAY, |_| if std::mem::take(&mut is_first) { refused() } else { Some(Ok(())) });
    let of = |id: &str, second| (id.to_owned(), second);
    assert_eq!(tried, [of("a-1", 0), of("b-1", 0), of("a-1", 5), of("a-2", 5)]);
}

#[test]
fn one_that_hangs_keeps_no_other_alert_waiting() {
    let outbox = Outbox::default();
    for (alert, number) in [("a", 1), ("a", 2), ("b", 1), ("c", 1)] {
        outbox.put(message(alert, number));
    }
    tried(&outbox, DAY, |id| (id != "a-1").then_some(Ok(())));
    assert_eq!((count(&outbox, "delivered"), outbox.len()), (2, 2));
}

#[test]
fn no_more_are_under_way_than_may_be() {
    let outbox = Outbox::default();
    (0..20).for_each(|alert| outbox.put(message(&alert.to_string(), 1)));
    assert_eq!(tried(&outbox, DAY, |_| None).len(), UNDER_WAY_MAX);
}

#[test]
fn at_most_so_many_wait() {
    let outbox = Outbox::default();
    (0..WAITING_MAX).for_each(|alert| outbox.put(message(&alert.to_string(), 1)));
    assert_eq!((outbox.len(), count(&outbox, "dropped")), (WAITING_MAX, 0));
    outbox.put(message("more", 1));
    assert_eq!((outbox.len(), count(&outbox, "dropped")), (WAITING_MAX, 1));
}

#[test]
fn another_address_is_tried_at_once_and_none_is_told_nothing() {
    let outbox = Outbox::default();
    outbox.put(message("a", 1));
    let second = Duration::from_secs(1);
    assert_eq!(tried(&outbox, second, |_| refused()).len(), 1);
    assert_eq!(tried(&outbox, second, |_| refused()).len(), 0, "it waits for its pause");
    outbox.try_all_again(Instant::now());
    assert_eq!(tried(&outbox, second, |_| refused()).len(), 1);
    outbox.forget_all();
    assert_eq!((outbox.len(), count(&outbox, "dropped")), (0, 1));
}
