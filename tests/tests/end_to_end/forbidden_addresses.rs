//! Where the gateway does not go: where a provider sends it, and where a name leads that the operator did not mean.

use sluicegate_tests::{Answer, Gateway, Model, Provider, Reply, chat, completion, streamed};

fn is_broken(answer: &Answer) -> bool {
    (answer.status, answer.code().as_str()) == (502, "upstream_broken")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    let elsewhere = Provider::saying(Reply::json(completion("from elsewhere"))).await;
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "sk-of-the-operator").unwrap();
    let settings = format!("providers.target-1.api_key.file = '{}'", key.path().display());
    for status in [300, 301, 302, 303, 304, 305, 307, 308] {
        let location = format!("{}/chat/completions", elsewhere.base_url());
        let reply = Reply::json(completion("here")).status(status).header("location", &location);
        let provider = Provider::saying(reply.header("refresh", &format!("0; url={location}"))).await;
        let gateway = Gateway::without_plugins().upstream(&provider).settings(&settings).start().await;
        for call in [gateway.ask(chat("x")), gateway.ask(streamed("x")), gateway.call("GET", "/v1/models")] {
            let answer = call.await;
            assert!(is_broken(&answer), "{status}: {} {}", answer.status, answer.text());
            let shown = format!("{:?} {}", answer.headers, answer.text());
            assert!(!shown.contains("sk-of") && !shown.contains(&location) && !shown.contains("here"), "{shown}");
        }
        assert_eq!(provider.received().len(), 3, "{status}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_redirect_the_next_target_is_asked() {
    let redirect = Reply::json("{}").status(307).header("location", "http://169.254.169.254/latest/meta-data/");
    let (first, second) = (Provider::saying(redirect).await, Provider::saying(Reply::json(completion("second"))).await);
    let gateway = Gateway::without_plugins().upstream(&first).upstream(&second).start().await;
    assert_eq!(gateway.ask(chat("x")).await.content(), "second");
}

/// A provider under another name.
struct Named(String);

impl Model for Named {
    fn base_url(&self) -> String {
        self.0.clone()
    }
}

/// These are names, as they are no addresses in the form that is the only one; the system looks them up, and they are
/// this machine.
const NAMES: [&str; 4] = ["127.1", "2130706433", "0x7f.1", "0"];

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_this_machine_is_refused_unless_the_operator_says_so() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let at = |name: &str| Named(format!("http://{name}:{}/v1", provider.address.port()));
    for name in NAMES {
        let gateway = Gateway::without_plugins().upstream(&at(name)).start().await;
        for call in [gateway.ask(chat("x")), gateway.call("GET", "/v1/models")] {
            let answer = call.await;
            let expected = (502, "upstream_unreachable");
            assert_eq!((answer.status, answer.code().as_str()), expected, "{name}: {}", answer.text());
            assert!(!answer.text().contains("127.0.0.1"), "the caller learns of the inside: {}", answer.text());
        }
    }
    assert_eq!(provider.connections(), 0);

    let allowed = Gateway::without_plugins().upstream(&at("127.1")).settings("upstream.local_hosts = ['127.1']");
    assert_eq!(allowed.start().await.ask(chat("x")).await.content(), "hello");
    // What is written as an address, and `localhost`, need no permission.
    for name in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]"] {
        let gateway = Gateway::without_plugins().upstream(&at(name)).start().await;
        assert_eq!(gateway.ask(chat("x")).await.content(), "hello", "{name}");
    }
}
