//! Providers, or whoever is between, that do not keep to HTTP: what they say is nobody's answer, and above all not the
//! answer to the next request.

use sluicegate_tests::{Gateway, Provider, Reply, chat, completion};

fn answer(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}\r\n{body}")
}

fn whole(text: &str) -> String {
    let body = completion(text);
    answer(&format!("content-length: {}\r\n", body.len()), &body)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_answer_is_none() {
    let body = completion("hello");
    let length = body.len();
    let good = format!("content-length: {length}\r\n");
    let cases = [
        ("no HTTP", "hello, I am not a web server\r\n\r\n".to_owned()),
        ("a body without a head", body.clone()),
        ("two lengths", answer(&format!("content-length: 3\r\n{good}"), &body)),
        ("two lengths in one", answer(&format!("content-length: {length}, 3\r\n"), &body)),
        ("a length with a sign", answer(&format!("content-length: +{length}\r\n"), &body)),
        ("a length that is too long to be one", answer("content-length: 18446744073709551617\r\n", &body)),
        ("a length that is longer than the body", answer(&format!("content-length: {}\r\n", length + 1), &body)),
        ("a broken chunk", answer("transfer-encoding: chunked\r\n", &format!("zz\r\n{body}\r\n0\r\n\r\n"))),
        ("a chunk without end", answer("transfer-encoding: chunked\r\n", &format!("ffffffffffffffff\r\n{body}"))),
        ("a line that goes on", answer(&format!("x-request-id: a\r\n b\r\n{good}"), &body)),
        ("a bare carriage return", answer(&format!("x-request-id: a\rset-cookie: b\r\n{good}"), &body)),
        ("a null byte", answer(&format!("x-request-id: a\0b\r\n{good}"), &body)),
        ("a space before the colon", answer(&format!("x-request-id : a\r\n{good}"), &body)),
        ("more headers than are read", answer(&format!("{}{good}", "x: y\r\n".repeat(500)), &body)),
        ("a head that is longer than is read", answer(&format!("x: {}\r\n{good}", "y".repeat(2_000_000)), &body)),
        ("another protocol", "HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n".to_owned()),
    ];
    for (what, bytes) in cases {
        let provider = Provider::saying(Reply::raw(bytes).hangs_up_afterwards()).await;
        let gateway = Gateway::without_plugins().upstream(&provider).start().await;
        let answer = gateway.ask(chat("hi")).await;
        assert_eq!((answer.status, answer.code().as_str()), (502, "upstream_broken"), "{what}: {}", answer.text());
        assert!(!answer.text().contains("hello"), "{what}: {}", answer.text());
        assert!(answer.header("x-request-id").is_none() && answer.header("set-cookie").is_none(), "{what}");
    }
}

/// A second answer behind the first belongs to nobody.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_not_split_into_two() {
    let body = completion("hello");
    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let (forged, both) = (whole("forged"), body.len() + whole("forged").len());
    let cases = [
        ("behind a length", format!("{}{forged}", whole("hello"))),
        ("behind chunks", answer("transfer-encoding: chunked\r\n", &format!("{chunks}{forged}"))),
        (
            "behind chunks that have a length too",
            answer(&format!("transfer-encoding: chunked\r\ncontent-length: {both}\r\n"), &format!("{chunks}{forged}")),
        ),
        (
            "behind a length that has chunks too",
            answer(&format!("content-length: {both}\r\ntransfer-encoding: chunked\r\n"), &format!("{chunks}{forged}")),
        ),
    ];
    for (what, bytes) in cases {
        let provider = Provider::saying(Reply::raw(bytes)).await;
        let gateway = Gateway::without_plugins().upstream(&provider).start().await;
        for _ in 0..20 {
            let answer = gateway.ask(chat("hi")).await;
            assert_eq!((answer.status, answer.content().as_str()), (200, "hello"), "{what}: {}", answer.text());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_before_the_answer_are_none_and_end_with_the_time() {
    let early = "HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\nset-cookie: a=b\r\n\r\n";
    let provider = Provider::saying(Reply::raw(format!("{}{}", early.repeat(5), whole("hello")))).await;
    let gateway = Gateway::without_plugins().upstream(&provider).start().await;
    let answer = gateway.ask(chat("hi")).await;
    assert_eq!((answer.status, answer.content().as_str()), (200, "hello"));
    assert!(answer.header("link").is_none() && answer.header("set-cookie").is_none());

    let provider = Provider::saying(Reply::raw("").floods(early.repeat(100))).await;
    let settings = "upstream.first_token_ms = 200";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(settings).start().await;
    let answer = gateway.ask(chat("hi")).await;
    assert_eq!((answer.status, answer.code().as_str()), (504, "upstream_timeout"), "{}", answer.text());
    // Nobody goes on listening to it.
    provider.has_lost(1).await;
}
