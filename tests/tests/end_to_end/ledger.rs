//! What is kept of exchanges: with which steps, of whom with texts, and what becomes of it when the database fails.

use std::time::Duration;

use serde_json::json;
use sluicegate::ledger::{Did, Entry, Filter, Ledger};
use sluicegate_tests::{
    DONE, EMAIL, Gateway, Postgres, Provider, Reply, chat, chunk, completion, finish, gentle, standard,
};

const KEPT: &str = "[ledger]\nenabled = true\n";

/// Far more than writing takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn ledger(gateway: &Gateway) -> &Ledger {
    gateway.host.observers.ledger.as_ref().expect("the ledger is enabled")
}

/// The exchange that an answer says it is of, once it is written.
async fn entry(gateway: &Gateway, id: Option<&str>) -> Entry {
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
    };
    entry.details.steps.iter().map(|step| word(&step.did)).collect()
}

/// Both databases, as far as there is a PostgreSQL, and the settings for each.
async fn databases() -> Vec<(Option<Postgres>, String)> {
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
        assert_eq!(
            (entry.outcome.as_str(), entry.status, entry.cache.as_deref()),
            ("answered", Some(200), Some("miss"))
        );
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
            found.entries.into_iter().map(|entry| (entry.model, entry.outcome)).collect()
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
