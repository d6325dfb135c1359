//! Several gateways on one Redis: they keep to one limit, and what becomes of it when one of them or the Redis is gone.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use sluicegate::config::Secret;
use sluicegate::limits::{Account, Amounts, Budget, Limits};
use sluicegate::money::Money;
use sluicegate::store::counters::{Counters, Hold, LEASE, Refusal, Reserved, Shared, Standing};
use sluicegate_tests::{DONE, Gateway, Provider, Redis, Reply, chat, chunk, completion, finish, streamed};

fn used(tokens: u32) -> String {
    let mut answer: Value = serde_json::from_str(&completion("hello")).unwrap();
    answer["usage"] = json!({"prompt_tokens": 0, "completion_tokens": tokens, "total_tokens": tokens});
    answer.to_string()
}

fn at_most(tokens: u32) -> Value {
    let mut request = chat("");
    request["max_tokens"] = tokens.into();
    request
}

async fn gateway(redis: &Redis, provider: &Provider, settings: &str) -> Gateway {
    // No test is about the time that a busy machine takes.
    let patient = format!("{}\nstore.wait_ms = 20_000", redis.settings());
    Gateway::without_plugins().upstream(provider).settings(&patient).settings(settings).start().await
}

fn counters(redis: &Redis, lease: Duration) -> Shared {
    let url = std::fs::read_to_string(redis.url_file()).unwrap();
    Shared::new(&Secret::new(url.trim()), Duration::from_secs(20), lease).unwrap()
}

fn account(limits: Limits, budget: Budget) -> Arc<[Account]> {
    [Account { name: "key:k".into(), limits, budget }].into()
}

fn amounts(tokens: u64, nanodollars: u64) -> Amounts {
    Amounts { requests: 1, tokens, money: Money::from_nanodollars(nanodollars) }
}

async fn take(counters: &Shared, accounts: &Arc<[Account]>, amounts: Amounts) -> Result<(Hold, Standing), Refusal> {
    match counters.reserve(accounts, amounts).await.unwrap() {
        Reserved::Granted(hold, standing) => Ok((hold, standing)),
        Reserved::Refused(refusal, _) => Err(refusal),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_keep_to_one_limit() {
    let redis = Redis::start().await;
    let provider = Provider::saying(Reply::json(used(1))).await;
    let limits = "tenants.default.limits.requests_per_day = 50";
    let gateways = [gateway(&redis, &provider, limits).await, gateway(&redis, &provider, limits).await];
    let calls: Vec<_> = (0..200).map(|n| tokio::spawn(gateways[n % 2].ask(at_most(9)).into_future())).collect();
    let mut passed = 0;
    for call in calls {
        let answer = call.await.unwrap();
        assert!(matches!(answer.status, 200 | 429), "{}: {}", answer.status, answer.text());
        passed += usize::from(answer.status == 200);
    }
    assert_eq!((passed, provider.received().len()), (50, 50));
    for gateway in &gateways {
        gateway.host.counters.all_written().await;
    }
    let keys = redis.ask("KEYS *").await;
    assert!(keys.contains("{sluicegate}:tenant:default:requests_per_day:"), "{keys}");
    for key in keys.lines().filter(|line| line.starts_with('{')) {
        let left = redis.ask(&format!("PTTL {key}")).await;
        assert!(left.starts_with(':') && !left.starts_with(":-"), "{key} lives for ever: {left}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn places_of_all_gateways_are_counted_together() {
    let redis = Redis::start().await;
    let provider =
        Provider::saying(Reply::events([chunk("hello")]).pauses().then([finish(0, "stop"), DONE.into()])).await;
    let limits = "tenants.default.limits.concurrent = 2";
    let (one, other) = (gateway(&redis, &provider, limits).await, gateway(&redis, &provider, limits).await);
    let (mut first, mut second) = (one.ask(streamed("1")).open().await, other.ask(streamed("2")).open().await);
    first.until("hello").await;
    second.until("hello").await;
    assert_eq!(one.ask(streamed("3")).await.status, 429);
    assert_eq!(other.ask(streamed("3")).await.status, 429);
    provider.proceed();
    provider.proceed();
    assert!(first.rest().await.is_done() && second.rest().await.is_done());
    one.host.counters.all_written().await;
    let mut third = other.ask(streamed("3")).open().await;
    third.until("hello").await;
    assert_eq!(third.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn both_stores_say_the_same() {
    let redis = Redis::start().await;
    let counters = counters(&redis, LEASE);
    let limits = Limits {
        requests_per_minute: Some(3),
        requests_per_day: Some(4),
        tokens_per_minute: Some(600),
        tokens_per_day: Some(10_000_000_000),
        concurrent: Some(9),
    };
    let money = |nanodollars| Some(Money::from_nanodollars(nanodollars));
    // As large as an amount may be: everything is exact to the last one.
    let budget = Budget { day: money(9_000_000_000_000_000), month: None, total: money(9_000_000_000_000_000) };
    let accounts = account(limits, budget);
    let (mut hold, standing) = take(&counters, &accounts, amounts(500, 8_999_999_999_999_998)).await.unwrap();
    let left = [standing.requests.unwrap(), standing.tokens.unwrap()].map(|room| (room.limit, room.remaining));
    assert_eq!(left, [(3, 2), (600, 100)]);
    let refusal = take(&counters, &accounts, amounts(1, 3)).await.unwrap_err();
    assert_eq!((refusal.meter.word(), refusal.wait), ("money_in_all", None));
    let refusal = take(&counters, &accounts, amounts(200, 0)).await.unwrap_err();
    let wait = refusal.wait.unwrap();
    assert_eq!(refusal.meter.word(), "tokens_per_minute");
    assert!(wait > Duration::from_secs(5) && wait <= Duration::from_secs(10), "{wait:?}");
    // Settled lower, it makes room; settled twice, it does so once.
    counters.settle(&mut hold, amounts(10, 100), false);
    counters.settle(&mut hold, amounts(10, 100), true);
    counters.settle(&mut hold, amounts(0, 0), true);
    counters.all_written().await;
    let (_, standing) = take(&counters, &accounts, amounts(500, 8_999_999_999_999_900)).await.unwrap();
    assert!((90..=100).contains(&standing.tokens.unwrap().remaining));
    assert_eq!(take(&counters, &accounts, amounts(0, 0)).await.unwrap_err().meter.word(), "money_in_all");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_places_of_a_gateway_that_is_gone_are_free_after_its_lease() {
    let redis = Redis::start().await;
    let lease = Duration::from_millis(400);
    let (gone, stays) = (counters(&redis, lease), counters(&redis, lease));
    let accounts = account(Limits { concurrent: Some(2), ..Limits::default() }, Budget::default());
    let _lost = take(&gone, &accounts, amounts(1, 0)).await.unwrap();
    let _kept = take(&stays, &accounts, amounts(1, 0)).await.unwrap();
    assert!(take(&stays, &accounts, amounts(1, 0)).await.is_err());
    // No more is heard of it, as of one that was killed.
    drop(gone);
    let mut again = take(&stays, &accounts, amounts(1, 0)).await;
    while again.is_err() {
        again = take(&stays, &accounts, amounts(1, 0)).await;
    }
    // Its own it keeps, for as long as it is there.
    assert!(take(&stays, &accounts, amounts(1, 0)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_away_refuses_what_has_limits_unless_told_otherwise() {
    let mut redis = Redis::start().await;
    let provider = Provider::saying(Reply::json(used(1))).await;
    let limits = "tenants.default.limits.requests_per_day = 2\nstore.wait_ms = 300";
    let closed = gateway(&redis, &provider, limits).await;
    let open = gateway(&redis, &provider, &format!("{limits}\nstore.on_failure = 'open'")).await;
    redis.kill();
    let refused = closed.ask(at_most(9)).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "store_unavailable"));
    assert_eq!(provider.received().len(), 0);
    let passed = open.ask(at_most(9)).await;
    assert_eq!((passed.status, passed.header("x-ratelimit-limit-requests")), (200, None));
    redis.start_again().await;
    let mut answer = closed.ask(at_most(9)).await;
    while answer.status == 503 {
        answer = closed.ask(at_most(9)).await;
    }
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some("1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_settled_while_the_store_is_away_is_settled_when_it_is_back() {
    let redis = Redis::start().await;
    let counters = counters(&redis, LEASE);
    let accounts = account(Limits { tokens_per_day: Some(100), ..Limits::default() }, Budget::default());
    let (mut hold, _) = take(&counters, &accounts, amounts(90, 0)).await.unwrap();
    // Not away, but hearing nothing for a while.
    redis.ask("CLIENT PAUSE 300 ALL").await;
    counters.settle(&mut hold, amounts(10, 0), true);
    counters.all_written().await;
    let (_, standing) = take(&counters, &accounts, amounts(1, 0)).await.unwrap();
    assert_eq!(standing.tokens.unwrap().remaining, 89);
}
