//! What is kept of exchanges: with which steps, of whom with texts, and what becomes of it when the database fails.

use std::future::IntoFuture as _;
use std::time::Duration;

use serde_json::json;
use sluicegate::ledger::{Did, Entry, Filter, Ledger};
use sluicegate::store::ledger::{Durable, Statement};
use sluicegate_tests::{
    DONE, EMAIL, Gateway, Log, Postgres, Process, Provider, Reply, chat, chunk, completion, finish, gentle, standard,
};

pub(crate) const KEPT: &str = "[ledger]\nenabled = true\n";

use crate::budgets::TO_BE_KILLED;

/// Far more than writing takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn ledger(gateway: &Gateway) -> &Ledger {
    gateway.host.observers.ledger.as_ref().expect("the ledger is enabled")
}

/// The exchange that an answer says it is of, once it is written.
pub(crate) async fn entry(gateway: &Gateway, id: Option<&str>) -> Entry {
    let id = id.expect("each response says its exchange");
    let look = async {
        loop {
            assert!(ledger(gateway).all_written(PATIENCE).await);
            if let Some(entry) = ledger(gateway).find(id).await.unwrap() {
                return entry;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.expect("the exchange is written")
}

fn words(entry: &Entry) -> Vec<String> {
    let word = |did: &Did| match did {
        Did::Plugin(call) => format!("{} {} {}", call.plugin, call.export, call.verdict),
        Did::Attempt(asked) => format!("{} {}", asked.target, asked.failed.as_deref().unwrap_or("answered")),
        Did::Lookup { found } => format!("look-up {found}"),
        Did::Embedding { .. } => "embedding".to_owned(),
        Did::Wait => "waiting".to_owned(),
    };
    entry.details.steps.iter().map(|step| word(&step.did)).collect()
}

/// Both databases, as far as there is a PostgreSQL, and the settings for each.
pub(crate) async fn databases() -> Vec<(Option<Postgres>, String)> {
    let shared = Postgres::start().await.map(|postgres| {
        let settings = postgres.settings();
        (Some(postgres), settings)
    });
    [Some((None, String::new())), shared].into_iter().flatten().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_is_kept_with_its_steps() {
    for (_postgres, settings) in databases().await {
        let broken = Provider::saying(Reply::json("{}").status(503)).await;
        let usage = json!({"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18});
        let mut said: serde_json::Value = serde_json::from_str(&completion("low tide")).unwrap();
        said["usage"] = usage;
        let provider = Provider::saying(Reply::json(said.to_string())).await;
        let plugins = [standard("pii").config("email = 'mask'"), gentle("cache")];
        let setup = Gateway::with_plugins(plugins).upstream(&broken).upstream(&provider);
        let gateway = setup.settings(KEPT).settings(&settings).start().await;
        let answer = gateway.ask(chat(&format!("I am {EMAIL}, when is the tide?"))).await;
        let entry = entry(&gateway, answer.header("x-sluicegate-exchange")).await;
        let steps = words(&entry);
        assert_eq!(
            steps,
            [
                "pii text-guardrail edit",
                "cache cache look-up",
                "look-up miss",
                "target-1 503",
                "target-2 answered",
                "pii text-guardrail allow",
                "cache cache keep",
            ]
        );
        assert_eq!((&*entry.outcome, entry.status, entry.cache.as_deref()), ("answered", Some(200), Some("miss")));
        assert_eq!((entry.verdict.as_deref(), entry.findings), (Some("edit"), 1));
        assert_eq!((entry.target.as_deref(), entry.attempts), (Some("target-2"), 2));
        assert_eq!(entry.usage.map(|usage| (usage.input_tokens, usage.output_tokens)), Some((11, 7)));
        let Did::Plugin(pii) = &entry.details.steps[0].did else { panic!("{steps:?}") };
        let at = "I am ".len();
        assert_eq!((pii.edits[0].segment, pii.edits[0].span), (Some(0), (at, at + EMAIL.len())));
        assert_eq!(pii.findings[0].rule, "email");
        assert!(pii.fuel > 0 && pii.memory > 0 && pii.calls == 1);
        // Each step lies within the exchange, in the order in which they began.
        let began: Vec<u64> = entry.details.steps.iter().map(|step| step.at_us).collect();
        assert!(began.is_sorted(), "{began:?}");
        let all = serde_json::to_string(&entry.details).unwrap();
        assert!(!all.contains(EMAIL) && !all.contains("tide"), "findings hold no text: {all}");
        assert_eq!(
            ledger(&gateway).texts(&entry.id).await.unwrap(),
            None,
            "no text is kept unless somebody wants that"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_many_that_are_written_together_is_kept_as_it_was() {
    for (_postgres, settings) in databases().await {
        let sandbox = Gateway::sandbox().await;
        let setup = Gateway::without_plugins().upstream(&sandbox).settings(KEPT).settings(&settings);
        let gateway = setup.start().await;
        let model = |number: usize| format!("model-{number}");
        let calls = (0..40).map(|number| {
            let chat = json!({"model": model(number), "messages": [{"role": "user", "content": "hello"}]});
            tokio::spawn(gateway.ask(chat).into_future())
        });
        for (number, call) in calls.collect::<Vec<_>>().into_iter().enumerate() {
            let kept = entry(&gateway, call.await.unwrap().header("x-sluicegate-exchange")).await;
            assert_eq!((&*kept.model, kept.status, kept.attempts), (&*model(number), Some(200), 1));
        }
        assert_eq!(ledger(&gateway).list(&Filter::default(), 50).await.unwrap().entries.len(), 40);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_kept_where_the_operator_wants_it_and_as_the_guardrails_let_them_pass() {
    for (_postgres, settings) in databases().await {
        let sandbox = Gateway::sandbox().await;
        let setup = Gateway::with_plugins([standard("pii").config("email = 'restore'")]).upstream(&sandbox);
        let setup = setup.settings("[tenants.'*']\ncapture = true");
        let gateway = setup.settings(KEPT).settings(&settings).start().await;
        for stream in [false, true] {
            let text = format!("I am {EMAIL}");
            let body = json!({"model": "m", "stream": stream, "messages": [{"role": "user", "content": text}]});
            let answer = gateway.ask(body).await;
            assert!(answer.text().contains("ada") || answer.text().contains(EMAIL), "{}", answer.text());
            let entry = entry(&gateway, answer.header("x-sluicegate-exchange")).await;
            let texts = ledger(&gateway).texts(&entry.id).await.unwrap().expect("it is kept");
            let request = texts.request.unwrap();
            assert!(request.contains("I am [EMAIL_1]") && !request.contains(EMAIL), "{request}");
            let said: Vec<&str> = texts.answer.iter().map(|said| said.text.as_str()).collect();
            assert_eq!(said, ["You said: I am [EMAIL_1]"], "stream: {stream}");
            assert!(!texts.is_cut);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_of_a_stream_are_summed_up() {
    let words: Vec<String> =
        (0..40).map(|number| chunk(&format!("word {number} of the tide tables, and more. "))).collect();
    let events = words.into_iter().chain([finish(0, "stop"), DONE.to_owned()]);
    let provider = Provider::saying(Reply::events(events)).await;
    let settings = format!("{KEPT}[stream]\nwindow_bytes = 1\nwindow_ms = 1\n");
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).settings(&settings).start().await;
    let body = json!({"model": "m", "stream": true, "messages": [{"role": "user", "content": "tide"}]});
    let answer = gateway.ask(body).await;
    let entry = entry(&gateway, answer.header("x-sluicegate-exchange")).await;
    let steps: Vec<&Did> = entry.details.steps.iter().map(|step| &step.did).collect();
    let [Did::Plugin(_), Did::Attempt(asked), Did::Plugin(of_answer)] = steps[..] else { panic!("{steps:?}") };
    assert!(asked.answered_us.is_some());
    assert_eq!((asked.answer.as_deref(), asked.answered_by.as_deref()), (Some("c-1"), Some("m")));
    assert_eq!(asked.finishes, ["stop"]);
    assert!(of_answer.windows >= 1, "{of_answer:?}");
    assert!(entry.first_text.is_some_and(|first| first <= entry.took), "{entry:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn exchanges_are_found_by_what_they_are() {
    for (_postgres, settings) in databases().await {
        let sandbox = Gateway::sandbox().await;
        let plugins = [standard("pii").config("email = 'block'\nphone = 'mask'")];
        let setup = Gateway::with_plugins(plugins).upstream(&sandbox);
        let gateway = setup.settings(KEPT).settings(&settings).start().await;
        for (model, text) in [("a", "hello"), ("b", "hello"), ("a", EMAIL), ("b", "call +1 202-555-0143")] {
            let body = json!({"model": model, "messages": [{"role": "user", "content": text}]});
            let answer = gateway.ask(body).await;
            entry(&gateway, answer.header("x-sluicegate-exchange")).await;
        }
        let found = async |filter: Filter| -> Vec<(String, String)> {
            let found = ledger(&gateway).list(&filter, 10).await.unwrap();
            assert_eq!(found.looked_up_to, None);
            found.entries.into_iter().map(|entry| (entry.model.into(), entry.outcome.into())).collect()
        };
        let of = |model: &str, outcome: &str| (model.to_owned(), outcome.to_owned());
        let is = |text: &str| Some(text.to_owned());
        let all = [of("b", "answered"), of("a", "denied"), of("b", "answered"), of("a", "answered")];
        assert_eq!(found(Filter::default()).await, all);
        assert_eq!(found(Filter { model: is("a"), ..Filter::default() }).await, [all[1].clone(), all[3].clone()]);
        assert_eq!(found(Filter { outcome: is("unanswered"), ..Filter::default() }).await, all[1..2]);
        assert_eq!(found(Filter { outcome: is("denied"), model: is("b"), ..Filter::default() }).await, []);
        assert_eq!(found(Filter { verdict: is("edit"), ..Filter::default() }).await, all[0..1]);
        assert_eq!(found(Filter { rule: is("phone"), ..Filter::default() }).await, all[0..1]);
        assert_eq!(found(Filter { plugin: is("pii"), model: is("a"), ..Filter::default() }).await, all[1..2]);
        assert_eq!(found(Filter { target: is("target-1"), tenant: is("default"), ..Filter::default() }).await.len(), 3);
        assert_eq!(found(Filter { until_ms: Some(1), ..Filter::default() }).await, []);
        assert_eq!(found(Filter { since_ms: Some(1), ..Filter::default() }).await.len(), 4);
        let two = ledger(&gateway).list(&Filter::default(), 2).await.unwrap();
        let behind = Filter { before: two.looked_up_to, ..Filter::default() };
        assert_eq!(found(behind).await, all[2..]);
    }
}

/// A configuration file in this folder, and the sandbox behind it.
pub(crate) fn configuration(folder: &std::path::Path, base_url: &str) -> std::path::PathBuf {
    let config = folder.join("sluicegate.toml");
    let text = format!(
        "server.listen = '127.0.0.1:0'\nadmin.listen = '127.0.0.1:0'\n[providers.p]\ndialect = 'openai'\n\
         base_url = '{base_url}'\n[targets.t]\nprovider = 'p'\n[models.'*']\ntargets = ['t']\n"
    );
    std::fs::write(&config, text).unwrap();
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_loses_a_second_of_exchanges_at_most() {
    let sandbox = Gateway::sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), &sandbox.base_url());
    let gateway = Process::start(TO_BE_KILLED, &config).await;
    let began = std::time::Instant::now();
    let mut asked = Vec::new();
    while began.elapsed() < Duration::from_secs(3) {
        let answer = gateway.ask(chat("hello")).await;
        asked.push((began.elapsed(), answer.header("x-sluicegate-exchange").unwrap().to_owned()));
    }
    let killed = began.elapsed();
    gateway.kill().await;
    let store = sluicegate::store::ledger::Sqlite::new(&folder.path().join("sluicegate-ledger.db"));
    let rows = store_ids(&store).await;
    let lost: Vec<_> = asked.iter().filter(|(_, id)| !rows.contains(id)).collect();
    let oldest = lost.first().map_or(Duration::ZERO, |(at, _)| killed - *at);
    assert!(oldest < Duration::from_secs(1), "{} of {} are lost, the oldest {oldest:?} old", lost.len(), asked.len());
    assert!(!rows.is_empty());
    // The file is whole, and another gateway goes on with it.
    let gateway = Process::start(TO_BE_KILLED, &config).await;
    assert_eq!(gateway.ask(chat("hello")).await.status, 200);
    assert_eq!(gateway.admin("GET", "/console/exchanges").await.status, 200);
    gateway.kill().await;
}

async fn store_ids(store: &sluicegate::store::ledger::Sqlite) -> std::collections::BTreeSet<String> {
    use sluicegate::store::ledger::Database as _;
    let rows = store.read(Statement::new("SELECT id FROM exchanges", Vec::new())).await.unwrap();
    rows.into_iter().filter_map(|mut row| row.text()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_stops_recording_and_not_serving_and_is_seen() {
    let sandbox = Gateway::sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    let config = configuration(folder.path(), &sandbox.base_url());
    let gateway = Process::start_on_a_small_disk(TO_BE_KILLED, &config, 400 << 10).await;
    let seen = async {
        loop {
            assert_eq!(gateway.ask(chat("hello")).await.status, 200);
            let page = gateway.admin("GET", "/console").await;
            if page.text().contains("Exchanges are not recorded at the moment, and served all the same") {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), seen).await.expect("it is seen");
    for _ in 0..20 {
        assert_eq!(gateway.ask(chat("hello")).await.status, 200);
    }
    gateway.kill().await;
}

#[tokio::test]
async fn what_cannot_be_written_now_is_written_later_and_said_once() {
    let log = Log::begin();
    let sandbox = Gateway::sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    // Where its folder should be, there is a file.
    let place = folder.path().join("place");
    std::fs::write(&place, "").unwrap();
    let settings = format!("ledger.path = '{}'", place.join("ledger.db").display());
    let gateway = Gateway::without_plugins().upstream(&sandbox).settings(KEPT).settings(&settings).start().await;
    let first = gateway.ask(chat("hello")).await;
    gateway.until(|host| host.observers.ledger.as_ref().is_some_and(|ledger| ledger.told().trouble.is_some())).await;
    let second = gateway.ask(chat("hello")).await;
    assert_eq!(second.status, 200);
    std::fs::remove_file(&place).unwrap();
    std::fs::create_dir(&place).unwrap();
    for answer in [first, second] {
        entry(&gateway, answer.header("x-sluicegate-exchange")).await;
    }
    let told = ledger(&gateway).told();
    assert_eq!((told.written, told.dropped, told.trouble), (2, 0, None));
    assert_eq!(log.saying("the ledger cannot be written").len(), 1);
    assert_eq!(log.saying("the ledger is written again").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_is_counted_and_nobody_waits() {
    let sandbox = Gateway::sandbox().await;
    let folder = tempfile::tempdir().unwrap();
    let settings = format!("ledger.path = '{}/none/l.db'\nledger.queue_bytes_max = 1_048_576", folder.path().display());
    let gateway = Gateway::without_plugins().upstream(&sandbox).settings(KEPT).settings(&settings).start().await;
    let calls = (0..800).map(|_| async { gateway.ask(chat("hello")).await.status });
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await);
    }
    assert!(statuses.iter().all(|status| *status == 200));
    gateway.until(|host| host.observers.ledger.as_ref().is_some_and(|ledger| ledger.told().dropped > 0)).await;
    let told = ledger(&gateway).told();
    assert!(told.waiting <= 512 && told.waiting + told.dropped == 800, "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_goes_with_the_oldest_first() {
    for (_postgres, settings) in databases().await {
        let sandbox = Gateway::sandbox().await;
        let setup = Gateway::without_plugins().upstream(&sandbox).settings(KEPT).settings(&settings);
        let gateway = setup.start().await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            let answer = gateway.ask(chat("hello")).await;
            ids.push(entry(&gateway, answer.header("x-sluicegate-exchange")).await.id);
        }
        let old = Statement::new("UPDATE exchanges SET began = 1 WHERE id = $1", vec![ids[0].as_str().into()]);
        ledger(&gateway).database().write(vec![old], Durable::Process).await.unwrap();
        ledger(&gateway).sweep().await.unwrap();
        assert_eq!(ledger(&gateway).find(&ids[0]).await.unwrap(), None);
        assert!(ledger(&gateway).find(&ids[1]).await.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_not_let_in_pushes_nobody_out() {
    let sandbox = Gateway::sandbox().await;
    let setup = Gateway::without_plugins().upstream(&sandbox).settings(KEPT).settings("auth.required = true");
    let gateway = setup.start().await;
    assert_eq!(gateway.ask(chat("hello")).await.status, 401);
    assert!(ledger(&gateway).all_written(PATIENCE).await);
    assert_eq!(ledger(&gateway).list(&Filter::default(), 10).await.unwrap().entries, []);
}
