//! What must hold when many callers are at the edge of what they may take, and when the gateway is killed there.

use std::future::IntoFuture;

use serde_json::{Value, json};
use sluicegate_tests::{Gateway, Model, Process, Provider, Reply, be_a_gateway, chat, completion};
use tempfile::TempDir;

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

/// What `at_most` reserves beyond the tokens of its answer.
async fn overhead() -> u64 {
    let provider = Provider::saying(Reply::json(used(0))).await;
    let limits = "tenants.default.limits.tokens_per_day = 1000000\nstore.path = 's.db'";
    let gateway = Gateway::without_plugins().upstream(&provider).settings(limits).start().await;
    let answer = gateway.ask(at_most(1)).await;
    999_999 - answer.header("x-ratelimit-remaining-tokens").unwrap().parse::<u64>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_the_edge_overspend_by_nothing() {
    let each = 100 + overhead().await;
    // Room for thirty of them and a half.
    let limit = each * 30 + each / 2;
    let provider = Provider::saying(Reply::json(used(u32::try_from(each).unwrap()))).await;
    let limits = format!("tenants.default.limits.tokens_per_day = {limit}\nstore.path = 's.db'");
    let gateway = Gateway::without_plugins().upstream(&provider).settings(&limits).start().await;
    let calls: Vec<_> = (0..200).map(|_| tokio::spawn(gateway.ask(at_most(100)).into_future())).collect();
    let mut statuses = Vec::new();
    for call in calls {
        statuses.push(call.await.unwrap().status);
    }
    let passed = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!(passed, 30, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 200 | 429)), "{statuses:?}");
    assert_eq!(provider.received().len(), 30);
}

/// More than the gateway that is killed spends, in dollars.
const BUDGET: &str = "1.25";
/// Ten dollars for a million tokens of an answer, and nothing for those of a question.
const PRICES: &str = "prices = { input = '0', output = '10' }";

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_at_the_edge_of_what_may_be_spent_overspend_by_nothing() {
    // A tenth of a cent each: room for thirty of them and a half.
    let provider = Provider::saying(Reply::json(used(100))).await;
    let settings = format!("tenants.default.budget.month = '0.0305'\nstore.path = 's.db'\ntargets.target-1.{PRICES}");
    let gateway = Gateway::without_plugins().upstream(&provider).settings(&settings).start().await;
    let calls: Vec<_> = (0..200).map(|_| tokio::spawn(gateway.ask(at_most(100)).into_future())).collect();
    let (mut passed, mut refused) = (0, 0);
    for call in calls {
        let answer = call.await.unwrap();
        match answer.status {
            200 => {
                assert_eq!(answer.header("x-sluicegate-cost-usd"), Some("0.001"));
                passed += 1;
            }
            429 => {
                assert_eq!(answer.json()["error"]["code"], "budget_exceeded", "{}", answer.text());
                refused += 1;
            }
            other => panic!("{other}: {}", answer.text()),
        }
    }
    assert_eq!((passed, refused, provider.received().len()), (30, 170, 30));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_exchange_has_cost_counts_and_not_what_was_thought() {
    // Reserved are a tenth of a cent; what is used is half of it, and then all that there is.
    let provider = Provider::saying(Reply::json(used(50))).await;
    let settings = format!("tenants.default.budget.total = '0.002'\nstore.path = 's.db'\ntargets.target-1.{PRICES}");
    let gateway = Gateway::without_plugins().upstream(&provider).settings(&settings).start().await;
    // 0.0005, 0.001 and 0.0015 are spent after each; then there is no room for 0.001 any more, but for 0.0005.
    for (tokens, status) in [(100, 200), (100, 200), (100, 200), (100, 429), (50, 200), (50, 429)] {
        assert_eq!(gateway.ask(at_most(tokens)).await.status, status, "{tokens}");
    }
}

/// The name of what follows.
pub(crate) const TO_BE_KILLED: &str = "budgets::a_gateway_to_be_killed";

/// Not a test: the gateway of those that kill one.
#[test]
#[ignore = "it is started by a test"]
fn a_gateway_to_be_killed() {
    be_a_gateway();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_killed_has_lost_nothing_that_was_spent() {
    let overhead = overhead().await;
    let provider = Provider::saying(Reply::json(used(70))).await;
    let folder = TempDir::new().unwrap();
    let config = folder.path().join("sluicegate.toml");
    let text = format!(
        "[server]\nlisten = '127.0.0.1:0'\n[providers.p]\ndialect = 'openai'\nbase_url = '{}'\n[targets.t]\nprovider = 'p'\n{PRICES}\n\
         [models.'*']\ntargets = ['t']\n[tenants.default.limits]\ntokens_per_day = 100000\nconcurrent = 1\n\
         [tenants.default.budget]\ntotal = '{BUDGET}'\n[store]\npath = 's.db'",
        provider.base_url()
    );
    std::fs::write(&config, &text).unwrap();
    let mut spent = 0;
    for round in 0..3 {
        let gateway = Process::start(TO_BE_KILLED, &config).await;
        // The answer's end is told, and at once there is nobody any more.
        for (reserved, used_up) in [(100, 70), (10, 70)] {
            let answer = gateway.ask(at_most(reserved)).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            let left: u64 = answer.header("x-ratelimit-remaining-tokens").unwrap().parse().unwrap();
            let taken = 100_000 - left - u64::from(reserved) - overhead;
            assert!(taken >= spent, "round {round}: {taken} are counted, and {spent} were spent");
            // What was reserved may count instead of what was used, and no more than that.
            assert!(taken <= spent + 30 + overhead, "round {round}: {taken} are counted, and {spent} were spent");
            spent = taken + used_up;
        }
        gateway.kill().await;
    }
    // Six answers of 70 tokens have cost 0.0042 dollars: with a budget of that, there is nothing left.
    std::fs::write(&config, text.replace(BUDGET, "0.0042")).unwrap();
    let gateway = Process::start(TO_BE_KILLED, &config).await;
    let answer = gateway.ask(at_most(1)).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (429, &json!("budget_exceeded")));
    gateway.kill().await;
}
