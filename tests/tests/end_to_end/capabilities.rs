//! What plugins may ask the host for where their installation grants it.

use std::time::{SystemTime, UNIX_EPOCH};

use sluicegate_tests::{Gateway, Installed, Model as _, Provider, Redis, Reply, chat, gentle, key_of};

const NO_NUMBER: &str = "unavailable: what is kept under this key is no number, or would be too large";

async fn gateway(plugins: impl IntoIterator<Item = Installed>, settings: &str) -> Gateway {
    let provider = Provider::absent().await;
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).settings("store.path = 's.db'");
    gateway.settings(settings).start().await
}

/// The guest that asks for what it is told to, with all granted, and bounds as these.
fn asks(grants: &str) -> Installed {
    gentle("asks")
        .set("grants = { clock = {}, kv = {}, http = {}, embedding = {}, model.targets = ['judge'] }")
        .set(grants)
}

/// Why a plugin is refused at load.
pub(super) async fn refusal(plugin: Installed, settings: &str) -> String {
    let provider = Provider::absent().await;
    let broken = Gateway::with_plugins([plugin])
        .upstream(&provider)
        .settings(settings)
        .try_start()
        .await
        .err()
        .unwrap_or_default();
    broken.into_iter().map(|broken| broken.reason).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_imported_and_not_granted_is_refused_with_its_mend() {
    const ALL: [&str; 5] = ["clock", "kv", "http", "embedding", "model"];
    let granted = |granted: &&str| match *granted {
        "model" => "[grants.model]\ntargets = ['judge']\n".to_owned(),
        other => format!("[grants.{other}]\n"),
    };
    for missing in ALL {
        let granted: String = ALL.iter().filter(|granted| **granted != missing).map(granted).collect();
        let said = refusal(gentle("asks").set(&granted), "").await;
        let expected =
            format!("it imports `{missing}`, which is not granted: add the table [grants.{missing}] to its NAME.toml");
        assert_eq!(said, expected);
    }
    let said = refusal(gentle("asks").set("[grants.files]"), "").await;
    assert_eq!(
        said,
        "asks.toml:5: grants.files: there is no field `files`; expected one of `clock`, `kv`, `http`, `embedding`, `model`"
    );
    let said = refusal(asks("grants.kv.calls_max = 0"), "").await;
    assert!(said.contains("grants.kv.calls_max: must be from 1 to 1000000; the default is 20"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_keeps_is_there_for_the_next_exchange_and_for_no_other_plugin() {
    let other = asks("").named("other").set("order = 200");
    let mut gateway = gateway([asks(""), other], "").await;
    let answer = gateway.ask(chat("kv get a\nkv set a blue\nkv get a")).receipts().await;
    assert_eq!(answer.content(), "nothing\nkept\nblue");
    let receipts = answer.receipts();
    let used = |name| receipts[0].get(name).and_then(|value| value.parse::<u64>().ok());
    assert_eq!((used("kv.calls"), used("kv.bytes")), (Some(3), Some(11)), "{receipts:?}");
    assert!(used("kv.us").is_some() && used("clock.calls").is_none());
    assert_eq!(
        gateway.ask(chat("kv get a\nkv add n 2\nkv add n -5\nkv delete a\nkv get a")).await.content(),
        "blue\n2\n-3\ngone\nnothing"
    );

    // The other one decides now.
    let before = gateway.generation();
    gateway.install(&asks("").set("mode = 'off'"));
    gateway.until(|host| host.generation().number > before).await;
    assert_eq!(gateway.ask(chat("kv get n")).await.content(), "nothing");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_see_nothing_of_each_other() {
    // With a name, so that the list of models is there without the provider.
    let gateway = gateway([asks("")], "models.m.targets = ['target-1']").await;
    let (blue, red) = (gateway.new_key(key_of("blue")).await, gateway.new_key(key_of("red")).await);
    let says = |key: &str, text: &str| gateway.ask(chat(text)).header("x-api-key", key);
    assert_eq!(says(&blue, "kv set a blue").await.content(), "kept");
    assert_eq!(says(&red, "kv get a\nkv set a red").await.content(), "nothing\nkept");
    assert_eq!(says(&blue, "kv get a").await.content(), "blue");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_values_and_all_that_is_kept_have_their_bounds() {
    let grants = "grants.kv = { calls_max = 3, value_bytes_max = 100, bytes_max = 278 }";
    let gateway = gateway([asks(grants)], "").await;
    let lines = "kv get a\nkv get a\nkv get a\nkv get a";
    let said = gateway.ask(chat(lines)).await.content();
    assert_eq!(said, "nothing\nnothing\nnothing\nunavailable: more than 3 calls of `kv` in an exchange");
    assert_eq!(
        gateway.ask(chat("kv fill a 101\nkv fill a 100\nkv fill b 49")).await.content(),
        "too large\nkept\nquota exceeded"
    );
    let long = "k".repeat(513);
    assert_eq!(gateway.ask(chat(&format!("kv get {long}"))).await.content(), "too large");
    assert_eq!(gateway.ask(chat("kv set a x\nkv add a 1")).await.content(), format!("kept\n{NO_NUMBER}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_calls_ends_like_any_other_loop() {
    let gateway = gateway([asks("")], "").await;
    let provider_is_asked = gateway.ask(chat("kv flood")).receipts().await;
    let receipt = provider_is_asked.header("x-sluicegate-plugins").unwrap_or_default();
    assert!(receipt.contains("outcome=out-of-fuel") && receipt.contains("kv.calls=20"), "{receipt}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_never_stops_calling_the_host_is_out_of_time_and_keeps_nobody_waiting() {
    let plugin = asks("limits = { fuel = 1_000_000_000_000, wall_ms = 300 }");
    let other = gentle("route-answer").set("order = 1");
    let gateway = gateway([plugin, other], "").await;
    // More of them than there are threads.
    let floods: Vec<_> =
        (0..8).map(|_| tokio::spawn(gateway.ask(chat("log flood")).receipts().into_future())).collect();
    assert_eq!(gateway.ask(chat("hello")).await.content(), "Hello to you.");
    for flood in floods {
        let flood = flood.await.unwrap();
        let receipt = flood.header("x-sluicegate-plugins").unwrap_or_default();
        assert!(receipt.contains("outcome=timed-out"), "{receipt}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_away_is_gone_also_for_an_older_version_that_stays() {
    let service = Provider::saying(Reply::json("[1]")).await;
    let (_folder, plugin) = calls(&service, "");
    let mut gateway = gateway([plugin], "").await;
    let asked = chat("kv set a blue\nhttp GET crm /");
    assert_eq!(gateway.ask(asked.clone()).await.content(), "kept\n200 [1] ");
    for (installed, expected) in [
        (
            "grants = { clock = {}, kv = {}, embedding = {}, model.targets = ['judge'] }",
            "kept\nunavailable: `http` is not granted",
        ),
        ("grants = {}", "unavailable: `kv` is not granted\nunavailable: `http` is not granted"),
    ] {
        let before = gateway.generation();
        gateway.install(&gentle("asks").set(installed));
        gateway.until(|host| host.generation().number > before).await;
        assert_eq!(gateway.ask(asked.clone()).await.content(), expected);
        assert_eq!(gateway.host.broken().len(), 1);
    }
    // It cannot be loaded so, and is off all the same.
    let before = gateway.generation();
    gateway.install(&gentle("asks").set("mode = 'off'"));
    gateway.until(|host| host.generation().number > before).await;
    assert_eq!(gateway.ask(asked.clone()).await.status, 502, "the provider is asked, who is not there");
    // Nor can one whose component is not there.
    let before = gateway.generation();
    gateway.install(&asks("").set("component = 'none.wasm'").set("grants.kv.calls_max = 1"));
    gateway.until(|host| host.generation().number > before).await;
    let said = gateway.ask(chat("kv get a\nkv get a")).await.content();
    assert_eq!(
        said, "unavailable: `kv` is not granted\nunavailable: `kv` is not granted",
        "what was lost is not given back"
    );
    let before = gateway.generation();
    gateway.install(&asks(""));
    gateway.until(|host| host.generation().number > before).await;
    assert_eq!(gateway.ask(chat("kv get a")).await.content(), "blue");
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_is_told_in_an_exchange_and_not_while_a_plugin_is_configured() {
    let now = || u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let granted = || asks("grants.clock.calls_max = 2");
    let gateway = gateway([granted()], "").await;
    let before = now();
    let answer = gateway.ask(chat("clock\nclock")).receipts().await;
    let told: Vec<u64> = answer.content().lines().map(|line| line.parse().unwrap()).collect();
    assert!(told.iter().all(|told| (before..=now()).contains(told)), "{told:?}");
    assert!(answer.header("x-sluicegate-plugins").unwrap().contains(";clock.calls=2"));
    let too_often = gateway.ask(chat("clock\nclock\nclock")).receipts().await;
    assert!(too_often.header("x-sluicegate-plugins").unwrap().contains("verdict=failed"), "{too_often:?}");

    let said = refusal(granted().config("asks = 'clock'"), "").await;
    assert!(said.contains("there is no exchange that this could be for"), "{said}");
    let said = refusal(granted().config("asks = 'kv set a b'"), "").await;
    assert!(said.contains("unavailable: there is no exchange that this could be for"), "{said}");
}

/// A plugin that may call this service as `crm`, with a credential that it does not know.
fn calls(service: &Provider, more: &str) -> (tempfile::TempDir, Installed) {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, "Bearer the-key").unwrap();
    let destination = format!(
        "[grants.http.destinations.crm]\nurl = '{}'\nmethods = ['GET', 'POST']\n\
         headers = {{ authorization = {{ file = '{}' }} }}",
        service.base_url(),
        key.display()
    );
    (folder, asks(&destination).set(more))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_called_by_its_name_with_the_operators_credential() {
    let service = Provider::saying(Reply::json("[1]")).await;
    let (_folder, plugin) = calls(&service, "");
    let gateway = gateway([plugin], "").await;
    let answer = gateway.ask(chat("http GET crm /customers?id=7 x-a=b authorization=forged")).receipts().await;
    assert_eq!(answer.content(), "200 [1] ");
    let asked = service.only();
    assert!(asked.head.starts_with("GET /v1/customers?id=7 HTTP/1.1"), "{}", asked.head);
    assert_eq!((asked.header("authorization"), asked.header("x-a")), (Some("Bearer the-key"), Some("b")));
    let receipt = answer.header("x-sluicegate-plugins").unwrap();
    assert!(receipt.contains(";http.calls=1;http.bytes=87;http.us="), "{receipt}");

    service.now_says([
        Reply::json("{}").status(404),
        Reply::json("").status(302).header("location", "http://127.0.0.1:1/"),
    ]);
    let said = gateway.ask(chat("http POST crm /a\nhttp GET crm /b")).await.content();
    assert_eq!(said, "404 {} \n302  http://127.0.0.1:1/", "a redirect is an answer like any other");
    let posted = &service.received()[1];
    assert_eq!((posted.text(), posted.header("content-length")), ("a body", Some("6")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_granted_of_a_service_is_not_called() {
    let service = Provider::saying(Reply::json("[1]")).await;
    let (_folder, plugin) = calls(&service, "");
    let gateway = gateway([plugin], "").await;
    let lines = [
        ("http GET other /", "unknown destination"),
        ("http DELETE crm /", "unavailable: this method is not granted"),
        ("http GET crm /../x", "unavailable: the path must begin with / or ? or be empty, and not lead upwards"),
        (
            "http GET crm @other.example/",
            "unavailable: the path must begin with / or ? or be empty, and not lead upwards",
        ),
        ("http GET crm / host=other.example", "unavailable: the header host is the gateway's business"),
    ];
    for (asked, said) in lines {
        assert_eq!(gateway.ask(chat(asked)).await.content(), said, "{asked}");
    }
    assert!(service.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_of_services_have_their_bounds() {
    let service = Provider::saying(Reply::whole("text/plain", "x".repeat(101))).await;
    let bounds = "grants.http = { calls_max = 2, request_bytes_max = 5, response_bytes_max = 100, wait_ms = 100 }";
    let (_folder, plugin) = calls(&service, bounds);
    let gateway = gateway([plugin], "").await;
    assert_eq!(gateway.ask(chat("http GET crm /\nhttp POST crm /")).await.content(), "too large\ntoo large");
    assert_eq!(service.received().len(), 1, "what is too long to be sent is not sent");
    service.now_says([Reply::nothing()]);
    let said = gateway.ask(chat("http GET crm /\nhttp GET crm /\nhttp GET crm /")).await.content();
    assert_eq!(said, "timeout\ntimeout\nunavailable: more than 2 calls of `http` in an exchange");
    service.now_says([Reply::whole("text/plain", "ok"), Reply::hangs_up(), Reply::raw("nonsense\r\n\r\n")]);
    assert_eq!(gateway.ask(chat("http GET crm /")).await.content(), "200 ok ");
    for _ in 0..2 {
        let said = gateway.ask(chat("http GET crm /")).await.content();
        assert!(said.starts_with("unavailable: "), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_name_of_a_service_leads_to_this_machine() {
    let service = Provider::saying(Reply::json("[1]")).await;
    let (_folder, plugin) = calls(&service, "");
    // A name, as it is no address in the form that is the only one; the system looks it up, and it is this machine.
    let url = format!("http://127.1:{}", service.address.port());
    let gateway = gateway([plugin.set(&format!("grants.http.destinations.crm.url = '{url}'"))], "").await;
    let said = gateway.ask(chat("http GET crm /")).await.content();
    assert!(said.starts_with("unavailable: "), "{said}");
    assert_eq!(service.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_asked_is_said_to_the_plugin_and_no_exchange_fails_for_it() {
    let gateway = gateway([asks("")], "").await;
    std::fs::create_dir(gateway.files().join("s.db")).unwrap();
    let answer = gateway.ask(chat("kv get a")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.content().starts_with("unavailable: "), "{}", answer.content());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_on_one_redis_keep_the_same_values() {
    let redis = Redis::start().await;
    let plugin = || asks("grants.kv = { bytes_max = 406, value_bytes_max = 406 }");
    let settings = format!("{}\nstore.wait_ms = 20_000", redis.settings());
    let (one, other) = (gateway([plugin()], &settings).await, gateway([plugin()], &settings).await);
    assert_eq!(one.ask(chat("kv set a blue\nkv add n 2")).await.content(), "kept\n2");
    let said = other.ask(chat("kv get a\nkv add n 3\nkv add a 1")).await.content();
    assert_eq!(said, format!("blue\n5\n{NO_NUMBER}"));
    let said = one.ask(chat("kv fill b 150\nkv delete a\nkv get a\nkv get n")).await.content();
    assert_eq!(said, "quota exceeded\ngone\nnothing\n5");
    let said = one.ask(chat("kv fill b 148\nkv fill b 147\nkv add m 1\nkv get m\nkv add n 1")).await.content();
    assert_eq!(said, "quota exceeded\nkept\nquota exceeded\nnothing\n6");
    // What is added has its time from when it was made.
    assert_eq!(one.ask(chat("kv delete b\nkv add t 1 300")).await.content(), "gone\n1");
    while other.ask(chat("kv add t 1 300000")).await.content() != "1" {}
    for key in redis.ask("KEYS *").await.lines().filter(|line| line.contains("sluicegate")) {
        let left = redis.ask(&format!("PTTL {key}")).await;
        assert!(left.trim_start_matches(':').trim().parse::<i64>().unwrap() > 0, "{key} has a time to live: {left}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_gone_is_said_to_the_plugin() {
    let mut redis = Redis::start().await;
    let gateway = gateway([asks("")], &redis.settings()).await;
    assert_eq!(gateway.ask(chat("kv set a blue")).await.content(), "kept");
    redis.kill();
    let answer = gateway.ask(chat("kv get a")).await;
    assert_eq!(answer.status, 200);
    assert!(answer.content().starts_with("unavailable: "), "{}", answer.content());
    redis.start_again().await;
    while gateway.ask(chat("kv set b red")).await.content() != "kept" {}
}
