//! What other systems are told of exchanges: spans at a collector, metrics at the admin port.

mod collector;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

// The crate calls all of GenAI's deprecated, since they have moved to a repository of their own; the names are the same.
#[allow(deprecated)]
use opentelemetry_semantic_conventions::attribute as convention;
use serde_json::{Value, json};
use sluicegate_tests::guests::TRIGGER;
use sluicegate_tests::{
    DONE, EMAIL, Gateway, Model as _, Provider, Reply, Setup, chat, chunk, completion, finish, gentle, hostile, key_of,
    standard, streamed,
};

use self::collector::{Collector, PATIENCE, Seen, said};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ADMIN: &str = "admin.listen = '127.0.0.1:0'";

/// An answer for which a provider wants something.
fn answer(text: &str) -> Reply {
    let mut answer: Value = serde_json::from_str(&completion(text)).unwrap();
    answer["usage"] = json!({"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18});
    Reply::json(answer.to_string())
}

/// Name, kind and failure of each span.
fn outline(spans: &[Seen]) -> Vec<(String, i32, Option<String>)> {
    spans.iter().map(|span| (span.0.name.clone(), span.0.kind, span.says("error.type"))).collect()
}

const INTERNAL: i32 = 1;
const SERVER: i32 = 2;
const CLIENT: i32 = 3;

#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_is_a_span_of_its_callers_trace_with_a_child_for_each_step() {
    for collector in [Collector::http().await, Collector::grpc().await] {
        let broken = Provider::saying(Reply::json("{}").status(503)).await;
        let provider = Provider::saying(answer("low tide")).await;
        let plugins = [standard("pii").config("email = 'mask'"), gentle("cache")];
        let setup = Gateway::with_plugins(plugins).upstream(&broken).upstream(&provider);
        let gateway = setup.settings(&collector.settings()).start().await;
        let asked = gateway.ask(chat(&format!("I am {EMAIL}, when is the tide?")));
        let answer = asked.header("traceparent", PARENT).header("tracestate", "vendor=1").await;
        let spans = collector.spans_of(&gateway, answer.header("x-sluicegate-exchange")).await;
        let mut all = outline(&spans);
        all[1..].sort();
        let of = |name: &str, kind, failure: Option<&str>| (name.to_owned(), kind, failure.map(str::to_owned));
        assert_eq!(
            all,
            [
                of("chat m", SERVER, None),
                of("cache cache", INTERNAL, None),
                of("cache cache", INTERNAL, None),
                of("cache look-up", INTERNAL, None),
                of("chat m", CLIENT, None),
                of("chat m", CLIENT, Some("503")),
                of("text-guardrail pii", INTERNAL, None),
                of("text-guardrail pii", INTERNAL, None),
            ]
        );
        let own = &spans[0];
        assert_eq!((own.trace().as_str(), own.parent().as_str()), (&PARENT[3..35], &PARENT[36..52]));
        assert_eq!(own.0.trace_state, "vendor=1");
        for (key, value) in [
            ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "openai"),
            ("gen_ai.request.model", "m"),
            ("gen_ai.response.id", "c-1"),
            ("gen_ai.response.model", "m"),
            ("gen_ai.response.finish_reasons", "stop"),
            ("gen_ai.usage.input_tokens", "11"),
            ("gen_ai.usage.output_tokens", "7"),
            ("http.response.status_code", "200"),
            ("sluicegate.tenant", "default"),
            ("sluicegate.outcome", "answered"),
            ("sluicegate.verdict", "edit"),
            ("sluicegate.cache", "miss"),
        ] {
            assert_eq!(own.says(key).as_deref(), Some(value), "{key}");
        }
        let (began, ended) = (own.0.start_time_unix_nano, own.0.end_time_unix_nano);
        for span in &spans[1..] {
            assert_eq!((span.trace(), span.parent()), (own.trace(), own.id()));
            assert!(began <= span.0.start_time_unix_nano && span.0.start_time_unix_nano <= span.0.end_time_unix_nano);
        }
        assert!(began < ended);
        let attempt = spans.iter().find(|span| span.0.kind == CLIENT && span.is_failed()).unwrap();
        assert_eq!(attempt.says("server.address").as_deref(), Some("127.0.0.1"));
        assert_eq!(attempt.says("server.port"), Some(broken.address.port().to_string()));
        let ids: BTreeSet<String> = spans.iter().map(Seen::id).collect();
        assert_eq!(ids.len(), spans.len(), "no two have the same id");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_names_are_those_of_the_conventions() {
    #[allow(deprecated)]
    let known = [
        convention::GEN_AI_OPERATION_NAME,
        convention::GEN_AI_PROVIDER_NAME,
        convention::GEN_AI_REQUEST_MODEL,
        convention::GEN_AI_REQUEST_STREAM,
        convention::GEN_AI_RESPONSE_TIME_TO_FIRST_CHUNK,
        convention::GEN_AI_RESPONSE_ID,
        convention::GEN_AI_RESPONSE_MODEL,
        convention::GEN_AI_RESPONSE_FINISH_REASONS,
        convention::GEN_AI_USAGE_INPUT_TOKENS,
        convention::GEN_AI_USAGE_OUTPUT_TOKENS,
        convention::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS,
        convention::GEN_AI_USAGE_CACHE_CREATION_INPUT_TOKENS,
        convention::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS,
        convention::ERROR_TYPE,
        convention::SERVER_ADDRESS,
        convention::SERVER_PORT,
        convention::HTTP_RESPONSE_STATUS_CODE,
    ];
    let collector = Collector::http().await;
    let usage = json!({"choices": [], "usage": {
        "prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }});
    let events = [chunk("low tide"), finish(0, "stop"), format!("data: {usage}\n\n"), DONE.to_owned()];
    let replies = [Reply::json("{}").status(503), Reply::events(events)];
    let provider = Provider::saying_in_turn(replies).await;
    let setup = Gateway::with_plugins([standard("no-op")]).upstream(&provider).upstream(&provider);
    let settings = "telemetry.service_name = 'gate'";
    let gateway = setup.settings(&collector.settings()).settings(settings).start().await;
    let answer = gateway.ask(streamed("when is the tide?")).await;
    let spans = collector.spans_of(&gateway, answer.header("x-sluicegate-exchange")).await;
    let names: BTreeSet<&str> = spans.iter().flat_map(Seen::names).collect();
    let (ours, theirs): (Vec<&str>, Vec<&str>) = names.into_iter().partition(|name| name.starts_with("sluicegate."));
    assert_eq!(theirs.into_iter().collect::<BTreeSet<&str>>(), BTreeSet::from(known));
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || b"._".contains(&byte));
    assert!(ours.iter().all(|name| is_name(name)), "{ours:?}");
    let message = collector.messages().remove(0).0;
    let resource = message.resource_spans[0].resource.as_ref().unwrap();
    assert_eq!(said(&resource.attributes, "service.name").as_deref(), Some("gate"));
    assert_eq!(said(&resource.attributes, "service.version").as_deref(), Some(env!("CARGO_PKG_VERSION")));
    assert!(said(&resource.attributes, "service.instance.id").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_knows_the_trace_also_where_nobody_collects_spans() {
    let provider = Provider::saying(answer("low tide")).await;
    let gateway = Gateway::without_plugins().upstream(&provider).settings("ledger.enabled = true").start().await;
    let answer = gateway.ask(chat("hello")).header("traceparent", PARENT).await;
    let id = answer.header("x-sluicegate-exchange").unwrap();
    let ledger = gateway.host.observers.ledger.as_ref().unwrap();
    let look = async {
        loop {
            assert!(gateway.host.observers.all_told(PATIENCE).await);
            if let Some(entry) = ledger.find(id).await.unwrap() {
                return entry;
            }
            tokio::task::yield_now().await;
        }
    };
    let entry = tokio::time::timeout(PATIENCE, look).await.expect("the exchange is written");
    assert_eq!(entry.trace.as_deref(), Some(&PARENT[3..35]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_recorded_is_not_sent() {
    let collector = Collector::http().await;
    let provider = Provider::saying(answer("low tide")).await;
    let setup = Gateway::without_plugins().upstream(&provider).settings(&collector.settings());
    let gateway = setup.settings("telemetry.sample_ratio = 0.0").start().await;
    gateway.ask(chat("not recorded, as none are that begin here")).await;
    gateway.ask(chat("not recorded")).header("traceparent", &PARENT.replace("-01", "-00")).await;
    let answer = gateway.ask(chat("recorded")).header("traceparent", PARENT).await;
    collector.spans_of(&gateway, answer.header("x-sluicegate-exchange")).await;
    let exchanges = collector.spans().iter().filter(|span| span.0.kind == SERVER).count();
    assert_eq!(exchanges, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_not_let_in_has_no_span() {
    let collector = Collector::http().await;
    let provider = Provider::saying(answer("low tide")).await;
    let setup = Gateway::without_plugins().upstream(&provider).settings(&collector.settings());
    let gateway = setup.settings(ADMIN).start().await;
    let key = gateway.new_key(key_of("blue")).await;
    assert_eq!(gateway.ask(chat("hello")).header("traceparent", PARENT).await.status, 401);
    let answer = gateway.ask(chat("hello")).header("x-api-key", &key).await;
    let spans = collector.spans_of(&gateway, answer.header("x-sluicegate-exchange")).await;
    assert_eq!(spans[0].says("sluicegate.tenant").as_deref(), Some("blue"));
    assert!(collector.spans().iter().all(|span| span.trace() != PARENT[3..35]));
    assert!(page(&gateway).await.contains("outcome=\"invalid_api_key\""), "it is counted all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_is_told_of_the_trace_only_if_the_operator_wants_it() {
    let collector = Collector::http().await;
    let provider = Provider::saying(answer("low tide")).await;
    let other = Provider::saying(answer("low tide")).await;
    let setup = |provider| Gateway::without_plugins().upstream(provider).settings(&collector.settings());
    let silent = setup(&other).start().await;
    let open = setup(&provider).settings("providers.target-1.trace_context = true").start().await;
    silent.ask(chat("hello")).header("traceparent", PARENT).header("tracestate", "vendor=1").await;
    assert_eq!((other.only().header("traceparent"), other.only().header("tracestate")), (None, None));
    let answer = open.ask(chat("hello")).header("traceparent", PARENT).header("tracestate", "vendor=1").await;
    let spans = collector.spans_of(&open, answer.header("x-sluicegate-exchange")).await;
    let attempt = spans.iter().find(|span| span.0.kind == CLIENT).unwrap();
    let told = format!("00-{}-{}-01", &PARENT[3..35], attempt.id());
    let received = provider.only();
    assert_eq!((received.header("traceparent"), received.header("tracestate")), (Some(&*told), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plugin_asks_a_model_is_a_child_of_its_exchange() {
    let collector = Collector::http().await;
    let (provider, judge) = (Provider::saying(answer("answer")).await, Provider::saying(answer("high")).await);
    let of_judge = format!(
        "[providers.judge]\ndialect = 'openai'\nbase_url = '{}'\n[targets.judge]\nprovider = 'judge'\nfor_plugins = true\n\
         model = 'judge-1'",
        judge.base_url()
    );
    let asks = gentle("asks").set("grants = { clock = {}, kv = {}, http = {}, embedding = {} }");
    let setup = Gateway::with_plugins([asks.set("grants.model.targets = ['judge']")]).upstream(&provider);
    let gateway = setup.settings(&of_judge).settings(&collector.settings()).start().await;
    let answer = gateway.ask(chat("model judge 10 How is the tide?")).await;
    let spans = collector.spans_of(&gateway, answer.header("x-sluicegate-exchange")).await;
    let inner = spans.iter().find(|span| span.0.kind == SERVER && span.0.name == "chat judge-1");
    let inner = inner.unwrap_or_else(|| panic!("{:?}", outline(&spans)));
    assert_eq!(inner.says("sluicegate.asked_by").as_deref(), Some("asks"));
    let below: Vec<Seen> = collector.spans().into_iter().filter(|span| span.parent() == inner.id()).collect();
    assert_eq!(outline(&below), [("chat judge-1".to_owned(), CLIENT, None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_said_by_whom_they_concern() {
    let collector = Collector::http().await;
    let provider = Provider::saying(answer("low tide")).await;
    let plugins = [standard("pii").config("email = 'block'"), hostile("trap-inspect")];
    let setup = Gateway::with_plugins(plugins).upstream(&provider).settings(&collector.settings());
    let gateway = setup.start().await;
    for (text, outcome, is_ours) in [(EMAIL, "denied", false), (TRIGGER, "guardrail_failed", true)] {
        let answer = gateway.ask(chat(text)).await;
        let spans = collector.spans_of(&gateway, answer.header("x-sluicegate-exchange")).await;
        let own = &spans[0];
        assert_eq!((own.says("error.type").as_deref(), own.is_failed()), (Some(outcome), is_ours), "{text}");
        let failed = spans[1..].iter().filter(|span| span.is_failed()).count();
        assert_eq!(failed, usize::from(is_ours), "a plugin that refuses has not failed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_an_exchange_is_in_a_span() {
    let collector = Collector::http().await;
    let provider = Provider::saying(answer("the low tide of evening")).await;
    let plugins = [standard("pii").config("email = 'restore'"), gentle("cache")];
    let setup = Gateway::with_plugins(plugins).upstream(&provider).settings(&collector.settings());
    let gateway = setup.settings("[tenants.'*']\ncapture = true").start().await;
    let body =
        json!({"model": "words of a prompt", "messages": [{"role": "user", "content": format!("I am {EMAIL}")}]});
    let answer = gateway.ask(body).await;
    let spans = collector.spans_of(&gateway, answer.header("x-sluicegate-exchange")).await;
    let all = format!("{spans:?}");
    for text in [EMAIL, "ada", "tide", "evening", "I am", "words of"] {
        assert!(!all.contains(text), "{text}: {all}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_windows_of_a_stream_are_one_span_for_each_plugin() {
    let collector = Collector::http().await;
    let words = (0..40).map(|number| chunk(&format!("word {number} of the tide tables, and more. ")));
    let provider = Provider::saying(Reply::events(words.chain([finish(0, "stop"), DONE.to_owned()]))).await;
    let settings = "[stream]\nwindow_bytes = 1\nwindow_ms = 1\n";
    let setup = Gateway::with_plugins([standard("pii")]).upstream(&provider).settings(settings);
    let gateway = setup.settings(&collector.settings()).start().await;
    let answer = gateway.ask(streamed("tide")).await;
    let spans = collector.spans_of(&gateway, answer.header("x-sluicegate-exchange")).await;
    let calls: Vec<&Seen> = spans.iter().filter(|span| span.0.name == "text-guardrail pii").collect();
    let phases: BTreeSet<String> = calls.iter().filter_map(|span| span.says("sluicegate.plugin.phase")).collect();
    assert_eq!((calls.len(), phases), (2, BTreeSet::from(["answer".to_owned(), "request".to_owned()])));
    let first = spans[0].says("gen_ai.response.time_to_first_chunk");
    assert!(first.is_some_and(|first| first.parse::<f64>().unwrap() > 0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_for_the_collector_are_secrets_from_where_secrets_are() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "Bearer of-a-collector\n").unwrap();
    let header = format!("telemetry.headers.authorization.file = '{}'", folder.path().join("token").display());
    for collector in [Collector::http().await, Collector::grpc().await] {
        let provider = Provider::saying(answer("low tide")).await;
        let setup = Gateway::without_plugins().upstream(&provider).settings(&collector.settings()).settings(&header);
        let gateway = setup.start().await;
        let answer = gateway.ask(chat("hello")).await;
        collector.spans_of(&gateway, answer.header("x-sluicegate-exchange")).await;
        assert_eq!(collector.messages()[0].1.as_deref(), Some("Bearer of-a-collector"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_is_nobodys_trouble() {
    let provider = Provider::saying(answer("low tide")).await;
    let silent = Provider::saying(Reply::nothing()).await;
    for collector in [Provider::absent().await, silent] {
        let endpoint = format!("telemetry.endpoint = 'http://{}'", collector.address);
        let setup = Gateway::without_plugins().upstream(&provider).settings(&endpoint).settings(ADMIN);
        let mut gateway = setup.start().await;
        let began = Instant::now();
        for _ in 0..20 {
            assert_eq!(gateway.ask(chat("hello")).await.status, 200);
        }
        assert!(began.elapsed() < PATIENCE, "no exchange waits for it");
        let waiting = value(&page(&gateway).await, "sluicegate_spans_waiting");
        assert!(waiting.is_some_and(|waiting| waiting > 0.0), "{waiting:?}");
        assert!(gateway.stop().await);
        assert!(
            !gateway.host.observers.all_told(Duration::from_millis(10)).await,
            "and a stop waits no longer than it may"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_not_taken_is_sent_again_if_that_may_help() {
    let provider = Provider::saying(answer("low tide")).await;
    for (status, sent, dropped) in [(503, 1.0, 0.0), (400, 0.0, 1.0)] {
        let replies = [Reply::json("{}").status(status), Reply::whole("application/x-protobuf", "")];
        let collector = Provider::saying_in_turn(replies).await;
        let endpoint = format!("telemetry.endpoint = 'http://{}'", collector.address);
        let setup = Gateway::without_plugins().upstream(&provider).settings(&endpoint).settings(ADMIN);
        let gateway = setup.start().await;
        gateway.ask(chat("hello")).await;
        gateway.until(|host| host.observers.spans.as_ref().unwrap().told().waiting > 0).await;
        assert!(gateway.host.observers.all_told(PATIENCE).await);
        let page = page(&gateway).await;
        let counts = ["sluicegate_spans_sent_total", "sluicegate_spans_dropped_total"].map(|name| value(&page, name));
        assert_eq!(counts, [Some(sent), Some(dropped)], "{status}");
    }
}

/// The metrics, as Prometheus gets them.
async fn page(gateway: &Gateway) -> String {
    let page = gateway.admin("GET", "/metrics").await;
    assert_eq!(page.status, 200);
    let kind = page.header("content-type");
    assert_eq!(kind, Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    page.text().to_owned()
}

/// What a series says.
fn value(page: &str, series: &str) -> Option<f64> {
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '))?;
    Some(line.parse().unwrap())
}

/// Wait until so many exchanges are over.
async fn settled(gateway: &Gateway, exchanges: f64) -> String {
    let look = async {
        loop {
            let page = page(gateway).await;
            let over = page.lines().filter(|line| line.starts_with("sluicegate_exchanges_total{"));
            let over: f64 = over.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()).sum();
            if over >= exchanges {
                return page;
            }
        }
    };
    tokio::time::timeout(PATIENCE, look).await.expect("the exchanges end")
}

fn priced(setup: Setup) -> Setup {
    let target = "[targets.target-2]\nmodel = 'model-2'\nprices = { input = '1000', output = '10000' }";
    setup.settings(ADMIN).settings(target)
}

#[tokio::test(flavor = "multi_thread")]
async fn exchanges_are_counted_and_measured() {
    let broken = Provider::saying(Reply::json("{}").status(503)).await;
    let provider = Provider::saying(answer("low tide")).await;
    let plugins = [standard("pii").config("email = 'block'\nphone = 'mask'"), gentle("cache")];
    let setup = Gateway::with_plugins(plugins).upstream(&broken).upstream(&provider);
    let gateway = priced(setup).start().await;
    for text in ["when is the tide?", "when is the tide?", EMAIL, "call +1 202-555-0143"] {
        gateway.ask(json!({"model": "model-2", "messages": [{"role": "user", "content": text}]})).await;
    }
    let page = settled(&gateway, 4.0).await;
    let of = "task=\"converse\",model=\"model-2\"";
    for (series, expected) in [
        (format!("sluicegate_exchanges_total{{{of},tenant=\"default\",outcome=\"answered\"}}"), 3.0),
        (format!("sluicegate_exchanges_total{{{of},tenant=\"default\",outcome=\"denied\"}}"), 1.0),
        (format!("sluicegate_exchange_duration_seconds_count{{{of}}}"), 4.0),
        (format!("sluicegate_exchange_duration_seconds_bucket{{le=\"+Inf\",{of}}}"), 4.0),
        ("sluicegate_exchanges_in_flight".to_owned(), 0.0),
        ("sluicegate_tokens_total{model=\"model-2\",tenant=\"default\",kind=\"input\"}".to_owned(), 22.0),
        ("sluicegate_tokens_total{model=\"model-2\",tenant=\"default\",kind=\"output\"}".to_owned(), 14.0),
        ("sluicegate_cost_dollars_total{model=\"model-2\",tenant=\"default\",spent_on=\"provider\"}".to_owned(), 0.162),
        ("sluicegate_attempts_total{target=\"target-1\",result=\"503\"}".to_owned(), 2.0),
        ("sluicegate_attempts_total{target=\"target-2\",result=\"answered\"}".to_owned(), 2.0),
        ("sluicegate_plugin_findings_total{plugin=\"pii\"}".to_owned(), 2.0),
        ("sluicegate_cache_exchanges_total{state=\"hit\"}".to_owned(), 1.0),
        ("sluicegate_cache_exchanges_total{state=\"miss\"}".to_owned(), 2.0),
        ("sluicegate_cache_saved_dollars_total".to_owned(), 0.081),
        ("sluicegate_cache_kept_total".to_owned(), 2.0),
        ("sluicegate_plugin_taken_out{plugin=\"pii\"}".to_owned(), 0.0),
        ("sluicegate_target_resting{target=\"target-1\"}".to_owned(), 0.0),
        ("sluicegate_pool_calls".to_owned(), 0.0),
        ("sluicegate_pool_places".to_owned(), 256.0),
        ("sluicegate_reloads_total{result=\"succeeded\"}".to_owned(), 0.0),
        (format!("sluicegate_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1.0),
    ] {
        let found = value(&page, &series);
        assert!(found.is_some_and(|found| (found - expected).abs() < 1e-9), "{series}: {found:?}\n{page}");
    }
    let verdict = |verdict: &str, phase: &str| {
        let of = format!("plugin=\"pii\",export=\"text-guardrail\",phase=\"{phase}\",verdict=\"{verdict}\"");
        value(&page, &format!("sluicegate_plugin_verdicts_total{{{of}}}")).unwrap_or_default()
    };
    assert_eq!([verdict("deny", "request"), verdict("edit", "request")], [1.0, 1.0]);
    assert!(value(&page, "sluicegate_plugin_fuel_total{plugin=\"pii\"}").unwrap() > 0.0);
    assert!(page.ends_with("# EOF\n") && page.matches("# EOF").count() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_callers_choose_are_one_series() {
    let provider = Provider::saying(answer("low tide")).await;
    let setup = Gateway::without_plugins().upstream(&provider).settings(ADMIN);
    let models = "[models.known]\ntargets = ['target-1']\n[models.'*']\ntargets = ['target-1']\n[tenants.blue]\n";
    let gateway = setup.settings(models).start().await;
    let mut keys = Vec::new();
    for tenant in ["blue", "red", "green"] {
        keys.push(gateway.new_key(key_of(tenant)).await);
    }
    for number in 0..12 {
        let model = if number % 4 == 0 { "known".to_owned() } else { format!("invented-{number}") };
        let body = json!({"model": model, "messages": [{"role": "user", "content": "hello"}]});
        gateway.ask(body).header("x-api-key", &keys[number % 3]).await;
    }
    let page = settled(&gateway, 12.0).await;
    assert!(!page.contains("invented") && !page.contains("green"), "{page}");
    let series = |name: &str| {
        let lines = page.lines().filter(|line| line.starts_with("sluicegate_exchanges_total{task=\"converse\""));
        lines
            .filter(|line| line.contains(name))
            .map(|line| line.rsplit(' ').next().unwrap().parse::<u32>().unwrap())
            .sum()
    };
    let counts: [u32; 4] = ["model=\"known\"", "model=\"other\"", "tenant=\"blue\"", "tenant=\"other\""].map(series);
    assert_eq!(counts, [3, 9, 4, 8]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metrics_are_for_operators_alone() {
    let folder = tempfile::tempdir().unwrap();
    let token = "0123456789abcdef0123456789abcdef";
    std::fs::write(folder.path().join("token"), token).unwrap();
    let provider = Provider::saying(answer("low tide")).await;
    let settings = format!("{ADMIN}\nadmin.token.file = '{}'", folder.path().join("token").display());
    let gateway = Gateway::without_plugins().upstream(&provider).settings(&settings).start().await;
    assert_eq!(gateway.call("GET", "/metrics").await.status, 404, "nothing of it is on the public port");
    assert_eq!(gateway.admin("GET", "/metrics").await.status, 401);
    let bearer = format!("Bearer {token}");
    assert_eq!(gateway.admin("GET", "/metrics").header("authorization", &bearer).await.status, 200);
    assert_eq!(gateway.admin("POST", "/metrics").header("authorization", &bearer).await.status, 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_reloaded_and_what_cannot_be_is_counted() {
    let provider = Provider::saying(answer("low tide")).await;
    let mut gateway = Gateway::without_plugins().upstream(&provider).settings(ADMIN).start().await;
    gateway.install(&standard("no-op"));
    gateway.until(|host| host.generation().plugins.len() == 1).await;
    gateway.install(&gentle("mask-word").config("word = ''"));
    gateway.until(|host| !host.broken().is_empty()).await;
    let page = page(&gateway).await;
    let loads =
        ["succeeded", "failed"].map(|word| value(&page, &format!("sluicegate_reloads_total{{result=\"{word}\"}}")));
    assert_eq!(loads, [Some(1.0), Some(1.0)]);
    assert_eq!(value(&page, "sluicegate_plugins_broken"), Some(1.0));
    gateway.reconfigure("upstream.nonsense = 1");
    let look = async {
        while value(&self::page(&gateway).await, "sluicegate_reloads_total{result=\"failed\"}") != Some(2.0) {}
    };
    tokio::time::timeout(PATIENCE, look).await.expect("the mistake is counted");
}
