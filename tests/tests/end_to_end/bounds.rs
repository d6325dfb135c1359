//! The bounds of a plugin call: at each of them, and one past it.

use std::future::IntoFuture as _;
use std::time::Duration;

use sluicegate::plugin::{Pool, TEXT_UNIT_BYTES, ceiling};
use sluicegate_tests::guests::{TRIGGER, written};
use sluicegate_tests::{
    Answer, Gateway, Installed, Log, Provider, Receipt, Reply, chat, completion, gentle, hostile, standard,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

/// Far longer than anything here takes, and far shorter than what is not bounded.
const SOON: Duration = Duration::from_secs(15);

/// Nothing is remembered, and nobody is taken out: each call is a call.
const EACH_CALL: &str = "plugins.memo_bytes = 0\nplugins.breaker_failures = 0";

/// A gateway whose plugins see requests alone, in front of a provider that says hello.
async fn gateway(plugins: impl IntoIterator<Item = Installed>) -> (Gateway, Provider) {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let plugins = plugins.into_iter().map(|plugin| plugin.set("phases = ['request']"));
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).settings(EACH_CALL).start().await;
    (gateway, provider)
}

/// A guest that does this to a text with the word `attack`.
fn attacking(name: &str, own: &str) -> Installed {
    Installed::new(name, written(name, own))
}

/// The first receipt.
fn receipt(answer: &Answer) -> Receipt {
    answer.receipts().swap_remove(0)
}

fn number(receipt: &Receipt, name: &str) -> u64 {
    receipt.get(name).unwrap().parse().unwrap()
}

/// What a plugin with these limits makes of a text: the outcome, the fuel and the memory on its receipt.
async fn with(plugin: &Installed, limits: &str, text: &str) -> (String, u64, u64) {
    let (gateway, _provider) = gateway([plugin.clone().set(&format!("[limits]\n{limits}"))]).await;
    let receipt = receipt(&gateway.ask(chat(text)).receipts().await);
    let outcome = receipt.get("outcome").unwrap().to_owned();
    (outcome, number(&receipt, "fuel"), number(&receipt, "memory"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_call_burns_the_same_fuel_everywhere() {
    let text = "Write to ada@example.com or call +44 20 7946 0958. ".repeat(40);
    for plugin in [standard("pii"), standard("prompt-injection"), gentle("mask-word"), hostile("calm")] {
        let mut burnt = Vec::new();
        for _ in 0..2 {
            let (gateway, _provider) = gateway([plugin.clone()]).await;
            for _ in 0..3 {
                burnt.push(number(&receipt(&gateway.ask(chat(&text)).receipts().await), "fuel"));
            }
        }
        assert!(burnt[0] > 0 && burnt.iter().all(|fuel| *fuel == burnt[0]), "{plugin:?}: {burnt:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_needs_the_fuel_on_its_receipt_and_not_less() {
    let text = "Write to ada@example.com or call +44 20 7946 0958. ".repeat(40);
    for plugin in [standard("pii"), standard("prompt-injection"), gentle("mask-word")] {
        let (outcome, fuel, _) = with(&plugin, "", &text).await;
        assert_eq!(outcome, "said");
        assert_eq!(with(&plugin, &format!("fuel = {fuel}"), &text).await.0, "said", "{fuel} of {fuel}");
        let (outcome, burnt, _) = with(&plugin, &format!("fuel = {}", fuel - 1), &text).await;
        assert_eq!((&*outcome, burnt), ("out-of-fuel", fuel - 1), "one less than {fuel}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fuel_is_for_each_started_64_kib_of_text() {
    let plugin = hostile("loop-inspect");
    let fuel = 5_000_000;
    for (bytes, units) in [(TEXT_UNIT_BYTES, 1), (TEXT_UNIT_BYTES + 1, 2), (3 * TEXT_UNIT_BYTES, 3)] {
        let text = format!("attack{}", "x".repeat(bytes - 6));
        let (outcome, burnt, _) = with(&plugin, &format!("fuel = {fuel}"), &text).await;
        assert_eq!((&*outcome, burnt), ("out-of-fuel", units * fuel), "{bytes} bytes");
    }
}

/// Grows its table by 100 elements and its memory by 3 pages.
const GROWS: &str = "
(table $t 10 funcref)
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (if (i32.eq (table.grow $t (ref.null func) (i32.const 100)) (i32.const -1)) (then (unreachable)))
  (if (i32.eq (memory.grow (i32.const 3)) (i32.const -1)) (then (unreachable))))";

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_summed_over_memories_and_tables() {
    let plugin = attacking("grows", GROWS);
    let (outcome, _, memory) = with(&plugin, "", TRIGGER).await;
    assert_eq!((&*outcome, memory), ("said", 4 * 65_536 + 110 * 8));
    assert_eq!(with(&plugin, &format!("memory_bytes = {memory}"), TRIGGER).await.0, "said");
    assert_eq!(with(&plugin, &format!("memory_bytes = {}", memory - 1), TRIGGER).await.0, "out-of-memory");
}

/// Takes memory, has the host refuse more than a memory can ever have, and takes again, a thousand times. It stops
/// when it gets no more.
const REFUNDED: &str = "
(func $attack (param $window i32) (param $verdict i32) (param $said i32) (local $times i32)
  (loop $more
    (if (i32.eq (memory.grow (i32.const 8)) (i32.const -1)) (then (unreachable)))
    (drop (memory.grow (i32.const 65536)))
    (local.set $times (i32.add (local.get $times) (i32.const 1)))
    (br_if $more (i32.lt_u (local.get $times) (i32.const 1000)))))";

#[tokio::test(flavor = "multi_thread")]
async fn memory_that_was_taken_is_not_given_back_for_memory_that_was_refused() {
    let (outcome, _, memory) = with(&attacking("refunded", REFUNDED), "memory_bytes = 1_048_576", TRIGGER).await;
    assert_eq!(outcome, "out-of-memory");
    assert!(memory <= 1_048_576, "{memory}");
}

/// As many findings, edits, bytes of a denial's reason or code as the text has bytes.
const FINDINGS: &str = "
(func $attack (param $window i32) (param $verdict i32) (param $said i32) (local $first i32) (local $at i32) (local $left i32)
  (local.set $left (call $length (local.get $window)))
  (i32.store offset=36 (local.get $verdict) (i32.const 0))
  (local.set $first (call $finding (local.get $verdict) (i32.const 0) (i32.const 1) (f32.const 0.5)))
  (i32.store offset=36 (local.get $verdict) (local.get $left))
  (loop $next
    (local.set $at (call $alloc (i32.const 24)))
    (memory.copy (local.get $at) (local.get $first) (i32.const 24))
    (local.set $left (i32.sub (local.get $left) (i32.const 1)))
    (br_if $next (i32.gt_u (local.get $left) (i32.const 1)))))";
const EDITS: &str = "
(func $attack (param $window i32) (param $verdict i32) (param $said i32) (local $at i32)
  (loop $next
    (call $edit (local.get $verdict) (local.get $at) (i32.add (local.get $at) (i32.const 1)))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $at) (call $length (local.get $window))))))";
const REASON: &str = "
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (memory.fill (i32.const 1024) (i32.const 0x72) (i32.const 3000))
  (call $deny (local.get $verdict) (i32.const 4) (call $length (local.get $window))))";
const CODE: &str = "
(func $attack (param $window i32) (param $verdict i32) (param $said i32)
  (memory.fill (i32.const 1024) (i32.const 0x63) (i32.const 3000))
  (call $deny (local.get $verdict) (call $length (local.get $window)) (i32.const 4)))";
const RULE: &str = "
(func $attack (param $window i32) (param $verdict i32) (param $said i32) (local $finding i32)
  (memory.fill (i32.const 1024) (i32.const 0x72) (i32.const 3000))
  (local.set $finding (call $finding (local.get $verdict) (i32.const 0) (i32.const 1) (f32.const 0.5)))
  (i32.store offset=0 (local.get $finding) (i32.const 1024))
  (i32.store offset=4 (local.get $finding) (call $length (local.get $window))))";

#[tokio::test(flavor = "multi_thread")]
async fn what_a_verdict_may_hold() {
    let cases = [
        ("findings", FINDINGS, 1_000, "allow"),
        ("edits", EDITS, 10_000, "edit"),
        ("reason", REASON, 2_048, "deny"),
        ("code", CODE, 128, "deny"),
        ("rule", RULE, 128, "allow"),
    ];
    for (name, own, most, verdict) in cases {
        let (gateway, _provider) = gateway([attacking(name, own)]).await;
        for (bytes, expected) in [(most, [verdict, "said"]), (most + 1, ["failed", "malformed"])] {
            let text = format!("attack{}", "x".repeat(bytes - 6));
            let receipt = receipt(&gateway.ask(chat(&text)).receipts().await);
            assert_eq!([receipt.get("verdict"), receipt.get("outcome")], expected.map(Some), "{bytes} of {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_of_a_result() {
    let (gateway, _provider) = gateway([gentle("grow").set("limits.result_bytes = 10_000")]).await;
    // Each edit has five bytes of replacement, and a record of its own.
    let fits = async |edits: usize| {
        let receipt = receipt(&gateway.ask(chat(&"x".repeat(edits))).receipts().await);
        match receipt.get("outcome").unwrap() {
            "said" => true,
            other => {
                assert_eq!(other, "malformed");
                false
            }
        }
    };
    let (mut most, mut least_too_many) = (1, 2_000);
    assert!(fits(most).await && !fits(least_too_many).await);
    while least_too_many - most > 1 {
        let middle = (most + least_too_many) / 2;
        if fits(middle).await { most = middle } else { least_too_many = middle }
    }
    assert!((100..=2_000).contains(&most), "{most} edits are counted as 10,000 bytes");
    assert!(fits(most).await && !fits(most + 1).await, "the same again");
}

/// What is logged while `during` runs, on this thread alone.
async fn logged<T>(during: impl Future<Output = T>) -> (T, Vec<String>) {
    let log = Log::begin();
    let said = during.await;
    (said, log.text().lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn log_lines_are_few_short_and_escaped() {
    for (name, count) in [("log-flood", 16), ("log-forged", 1), ("log-long-line", 1)] {
        let (gateway, _provider) = gateway([hostile(name)]).await;
        let (_, lines) = logged(gateway.ask(chat(TRIGGER)).into_future()).await;
        let plugins: Vec<&String> = lines.iter().filter(|line| line.contains("plugin says")).collect();
        assert_eq!(plugins.len(), count, "{name}: {lines:#?}");
        assert!(plugins.iter().all(|line| line.len() < 1_000), "{name}: {plugins:#?}");
        assert!(lines.iter().all(|line| !line.contains('\u{1b}')), "{name}: {lines:#?}");
        // Whoever reads lines sees none that the plugin made up.
        assert!(lines.iter().all(|line| !line.starts_with("2026-01-01")), "{name}: {lines:#?}");
        if name == "log-forged" {
            assert!(plugins[0].contains(r"fine\n2026-01-01T00:00:00Z ERROR forged\u{1b}[2J"), "{}", plugins[0]);
        }
        let dropped = lines.iter().any(|line| line.contains("too many lines"));
        assert_eq!(dropped, name == "log-flood", "{name}: {lines:#?}");
        assert!(
            lines.iter().all(|line| !line.contains("sluices")),
            "{name} has text of the exchange in the log: {lines:#?}"
        );
    }
}

#[tokio::test]
async fn a_panic_is_told_in_the_log_also_by_what_is_forked_from_a_snapshot() {
    let (gateway, _provider) = gateway([gentle("allow").config("do = 'panic'\nword = 'river'")]).await;
    let (answer, lines) = logged(gateway.ask(chat("a river")).into_future()).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "guardrail_failed"));
    let told = lines.iter().find(|line| line.contains("panicked at ")).expect("a line of the plugin");
    assert!(told.contains("src/lib.rs:") && told.contains(": on purpose"), "{told}");
    gateway.until(|host| host.generation().plugins.iter().all(|plugin| plugin.not_forked.is_none())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guardrails_of_a_phase_share_a_deadline() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let endless = |name: &str| {
        let plugin = hostile("loop-inspect").named(name).set("on_failure = 'open'\nphases = ['request']");
        plugin.set("limits.fuel = 1_000_000_000_000")
    };
    let gateway = Gateway::with_plugins(["one", "two", "three"].map(endless)).upstream(&provider);
    let gateway = gateway.settings("plugins.chain_ms = 500").start().await;
    let began = Instant::now();
    let answer = timeout(SOON, gateway.ask(chat(TRIGGER)).receipts().into_future()).await.expect("the chain ends");
    // Each of them alone could take 20 s.
    assert!((Duration::from_millis(500)..SOON).contains(&began.elapsed()), "{:?}", began.elapsed());
    assert_eq!(answer.content(), "hello");
    let outcomes: Vec<String> = answer.receipts().iter().map(Receipt::brief).collect();
    let expected = ["one", "three", "two"].map(|name| format!("{name} request not-inspected timed-out"));
    assert_eq!(outcomes, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_pool_makes_calls_wait_and_then_fail_within_their_time() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    // The first is what waits for a place; its failures do not count, so that all attacks get to the second.
    let waits = hostile("calm").set("order = 1\non_failure = 'open'\nphases = ['request']\nlimits.wall_ms = 300");
    let fills = hostile("loop-inspect").set("order = 2\nphases = ['request']");
    let fills = fills.set("[limits]\nfuel = 1_000_000_000_000\nwall_ms = 300_000");
    let gateway = Gateway::with_plugins([waits, fills]).upstream(&provider);
    let gateway = gateway.settings(EACH_CALL).settings("plugins.chain_ms = 300_000").start().await;
    let places = ceiling::INSTANCES as usize;
    let mut attacks = JoinSet::new();
    for _ in 0..places {
        attacks.spawn(gateway.ask(chat(TRIGGER)).into_future());
    }
    gateway.until(|host| host.runtime.pool().calls == places && host.runtime.pool().instances == places).await;
    let late = tokio::spawn(gateway.ask(chat("hello?")).receipts().into_future());
    // It waits for the first plugin in vain, goes on, and waits for the second until the attackers hang up.
    tokio::time::sleep(Duration::from_millis(400)).await;
    attacks.shutdown().await;
    let late = timeout(SOON, late).await.expect("it gets a place").unwrap();
    let outcomes: Vec<String> = late.receipts().iter().map(Receipt::brief).collect();
    assert_eq!(outcomes, ["calm request not-inspected timed-out", "loop-inspect request allow said"]);
    gateway.until(|host| host.runtime.pool() == Pool::default()).await;
    for _ in 0..places + 44 {
        assert_eq!(gateway.ask(chat("hello?")).await.status, 200);
    }
    assert_eq!(gateway.host.runtime.pool(), Pool::default());
}
