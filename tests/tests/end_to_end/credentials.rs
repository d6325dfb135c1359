//! Whose credentials go where: each provider sees its own key and nobody else's, and nobody else sees any.

use http::HeaderMap;
use sluicegate_tests::{Gateway, Log, Provider, Received, Reply, Setup, chat, chunk, completion, streamed};
use tempfile::{NamedTempFile, TempDir};

/// Every header in which one of the dialects' callers, or a browser or a cloud of theirs, sends a secret.
const SECRETS: [&str; 10] = [
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "cookie",
    "x-amz-security-token",
    "x-goog-iam-authorization-token",
    "ocp-apim-subscription-key",
    "x-auth-token",
];

/// A gateway in front of these providers, in this order, each with the key `sk-of-DIALECT-N`.
fn setup(providers: &[(&'static str, &Provider)]) -> (Setup, TempDir) {
    let keys = TempDir::new().unwrap();
    let mut setup = Gateway::without_plugins();
    for (number, (dialect, provider)) in providers.iter().enumerate() {
        let (number, file) = (number + 1, keys.path().join(format!("{number}")));
        std::fs::write(&file, format!("sk-of-{dialect}-{number}")).unwrap();
        let settings = format!("providers.target-{number}.api_key.file = '{}'", file.display());
        setup = setup.upstream_in(dialect, *provider).settings(&settings);
    }
    (setup, keys)
}

/// The values of all headers with anything of a secret in them.
fn secrets(request: &Received) -> Vec<(String, String)> {
    let lines = request.head.lines().skip(1).filter_map(|line| line.split_once(": "));
    let secret = lines.filter(|(_, value)| value.contains("sk-of-") || value.contains("of-the-caller"));
    secret.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn unavailable() -> Reply {
    Reply::json("{\"error\":{\"message\":\"down\"}}").status(503)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_provider_sees_its_own_key_and_nothing_of_the_callers() {
    let wires = [
        ("openai", "authorization", "Bearer "),
        ("anthropic", "x-api-key", ""),
        ("gemini", "x-goog-api-key", ""),
        ("responses", "authorization", "Bearer "),
    ];
    let mut providers = Vec::new();
    // Each dialect twice: a second provider of the same is another one.
    for wire in wires.iter().chain(&wires) {
        providers.push((*wire, Provider::saying(unavailable()).await));
    }
    let asked: Vec<_> = providers.iter().map(|((dialect, ..), provider)| (*dialect, provider)).collect();
    let (setup, _keys) = setup(&asked);
    let gateway = setup.start().await;
    let contents = serde_json::json!({"contents": [{"role": "user", "parts": [{"text": "x"}]}]});
    let response = serde_json::json!({"model": "m", "input": "x"});
    let message = serde_json::json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]});
    let calls = [
        gateway.ask(chat("x")),
        gateway.ask(streamed("x")),
        gateway.call("POST", "/v1/messages").body(message),
        gateway.call("POST", "/v1/responses").body(response),
        gateway.call("POST", "/v1beta/models/m:generateContent?key=of-the-caller").body(contents),
    ];
    for call in calls {
        let call = SECRETS.iter().fold(call, |call, name| call.header(name, "Bearer of-the-caller"));
        let answer = call.await;
        assert_eq!(answer.status, 503, "{}", answer.text());
        let shown = format!("{:?} {}", answer.headers, answer.text());
        assert!(!shown.contains("sk-of-") && !shown.contains("of-the-caller"), "{shown}");
    }
    for (number, ((dialect, name, scheme), provider)) in providers.iter().enumerate() {
        let received = provider.received();
        assert_eq!(received.len(), 5, "{dialect}");
        for request in received {
            let own = ((*name).to_owned(), format!("{scheme}sk-of-{dialect}-{}", number + 1));
            assert_eq!(secrets(&request), [own], "{}", request.head);
            assert!(!request.head.contains("of-the-caller"), "{}", request.head);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_of_the_operators_only_the_dialects_own_headers_pass_and_only_within_it() {
    let first = Provider::saying(unavailable()).await;
    let second = Provider::saying(unavailable()).await;
    let gateway = Gateway::without_plugins().upstream(&first).upstream_in("anthropic", &second).start().await;
    let call = SECRETS.iter().fold(gateway.ask(chat("x")), |call, name| call.header(name, "Bearer of-the-caller"));
    call.await;
    let names: Vec<String> = secrets(&first.only()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["authorization", "x-api-key"]);
    assert_eq!(secrets(&second.only()), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_says_the_key_back_says_it_to_the_gateway_alone() {
    const KEY: &str = "sk-of-openai-1";
    let (half, _) = KEY.split_at(7);
    let said = chunk(&format!("your key is {KEY}"));
    let (beginning, end) = said.split_at(said.find(half).unwrap() + half.len());
    let error = |status| Reply::json(format!("{{\"error\":{{\"message\":\"no: {KEY}\"}}}}")).status(status);
    let told = [
        (error(400).header("x-request-id", KEY), 400, "{\"error\":{\"message\":\"no: ***\"}}"),
        (error(500), 500, "{\"error\":{\"message\":\"no: ***\"}}"),
        (Reply::whole("text/html", format!("<p>{KEY}</p>")).status(404), 404, "<p>***</p>"),
        (error(401), 502, "upstream_credential_refused"),
        (Reply::json(completion(&format!("your key is {KEY}"))).header("openai-version", KEY), 200, "your key is ***"),
        (Reply::events([said.clone()]), 502, "upstream_broken"),
        (Reply::events([beginning.to_owned(), end.to_owned()]), 502, "upstream_broken"),
    ];
    for (reply, status, text) in told {
        let provider = Provider::saying(reply).await;
        let (setup, _keys) = setup(&[("openai", &provider)]);
        let answer = setup.start().await.ask(chat("x")).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.text().contains(text), "{}", answer.text());
        let shown = format!("{:?} {}", answer.headers, answer.text());
        assert!(!shown.contains(half), "{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_says_about_the_operators_key_is_not_for_callers() {
    let google = "{\"error\":{\"code\":400,\"message\":\"not valid\",\"details\":[{\"reason\":\"API_KEY_INVALID\"}]}}";
    let refusals = [
        ("openai", Reply::json("{\"error\":{\"message\":\"not valid\"}}").status(401)),
        ("openai", Reply::json("{\"error\":{\"message\":\"not valid\"}}").status(402)),
        ("anthropic", Reply::json("{\"error\":{\"message\":\"not valid\"}}").status(403)),
        ("gemini", Reply::json(google).status(400)),
    ];
    for (dialect, reply) in refusals {
        let provider = Provider::saying(reply).await;
        let (setup, _keys) = setup(&[(dialect, &provider)]);
        let gateway = setup.start().await;
        for call in [gateway.ask(chat("x")), gateway.call("GET", "/v1/models")] {
            let answer = call.await;
            assert_eq!((answer.status, &*answer.code()), (502, "upstream_credential_refused"), "{}", answer.text());
            assert_eq!(answer.header("x-should-retry"), Some("false"));
            assert!(!answer.text().contains("not valid"), "{}", answer.text());
        }
        // Whoever has brought the key is told.
        let own = Gateway::without_plugins().upstream_in(dialect, &provider).start().await;
        let answer = own.ask(chat("x")).await;
        assert!((400..404).contains(&answer.status) && answer.text().contains("not valid"), "{}", answer.text());
    }
}

/// The token of the admin port.
const ADMIN: &str = "sk-of-the-admin-who-is-an-operator-too";

/// On one thread, so that all of it is logged here.
#[tokio::test]
async fn a_key_is_in_nothing_that_is_shown_however_much_is_shown() {
    let log = Log::begin_with_all();

    let first = Provider::saying_in_turn([
        unavailable(),
        Reply::json("{}").status(401),
        Reply::json("{}").status(307).header("location", "http://192.0.2.1/"),
        Reply::raw("no HTTP\r\n\r\n").hangs_up_afterwards(),
        Reply::hangs_up(),
        Reply::events(["data: {not json\n\n"]),
    ])
    .await;
    let second = Provider::saying(Reply::json(completion("hello"))).await;
    let token = NamedTempFile::new().unwrap();
    std::fs::write(token.path(), ADMIN).unwrap();
    let (setup, _keys) = setup(&[("openai", &first), ("anthropic", &second)]);
    let admin = format!("[admin]\nlisten = '127.0.0.1:0'\ntoken = {{ file = '{}' }}", token.path().display());
    let gateway = setup.settings(&admin).start().await;
    let mut shown = String::new();
    let show = |headers: &HeaderMap, text: &str| format!("{headers:?} {text}\n");
    for _ in 0..6 {
        let call = SECRETS.iter().fold(gateway.ask(chat("x")), |call, name| call.header(name, "of-the-caller"));
        let answer = call.receipts().await;
        shown.push_str(&show(&answer.headers, answer.text()));
    }
    for (path, token) in [("/healthz", ADMIN), ("/api/keys", ADMIN), ("/api/keys", "wrong")] {
        let answer = gateway.admin("GET", path).header("authorization", &format!("Bearer {token}")).await;
        shown.push_str(&show(&answer.headers, answer.text()));
    }
    shown.push_str(&format!("{:?} {:#?}", gateway.host, gateway.host.generation().settings));
    assert!(first.received().len() >= 6 && !second.received().is_empty(), "both were asked");

    let log = log.text();
    assert!(log.contains("exchange ended") && log.contains(" TRACE "), "nothing is logged: {log}");
    for secret in ["sk-of-", "of-the-caller"] {
        for text in [&log, &shown] {
            let found = text.lines().find(|line| line.contains(secret));
            assert!(found.is_none(), "{found:?}");
        }
    }
}
