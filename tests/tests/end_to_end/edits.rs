//! Edits: masking, restoring, and several plugins on one text.

use serde_json::json;
use sluicegate_tests::{EMAIL, Gateway, Provider, Reply, chat, completion, standard};

const PHONE: &str = "+1 202-555-0143";

/// `pii` that looks for nothing but one kind.
fn only(kind: &str, setting: &str) -> sluicegate_tests::Installed {
    let kinds = ["email", "phone", "card", "iban", "ssn", "ip", "date_of_birth"];
    let config = kinds.map(|known| format!("{known} = '{}'\n", if known == kind { setting } else { "off" }));
    standard("pii").named(&format!("pii-{kind}-{setting}")).config(&config.concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn originals_come_back() {
    let sandbox = Gateway::sandbox().await;
    let plugins = [standard("pii").config("email = 'restore'\nphone = 'restore'")];
    let gateway = Gateway::with_plugins(plugins).upstream(&sandbox).start().await;
    let text = format!("I am {EMAIL}, call {PHONE} or {EMAIL}, not bob@example.com.");
    let answer = gateway.ask(chat(&text)).await;
    assert_eq!(answer.content(), format!("You said: {text}"));
    let seen = sandbox.seen();
    assert!(
        seen[0].text().contains("I am [EMAIL_1], call [PHONE_1] or [EMAIL_1], not [EMAIL_2]."),
        "{}",
        seen[0].text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn originals_come_back_into_arguments_as_json() {
    let sandbox = Gateway::sandbox().await;
    let gateway = Gateway::with_plugins([standard("pii").config("email = 'restore'")]).upstream(&sandbox).start().await;
    for stream in [false, true] {
        let answer = gateway
            .ask(json!({"model": "m", "stream": stream,
            "messages": [{"role": "user", "content": format!("chunks of 2\ncall mail {{\"to\":\"{EMAIL}\"}}")}],
            "tools": [{"type": "function", "function": {"name": "mail", "parameters": {"type": "object"}}}]}))
            .await;
        let bodies = if stream { answer.chunks() } else { vec![answer.json()] };
        let message = if stream { "delta" } else { "message" };
        let arguments: String = bodies
            .iter()
            .filter_map(|body| body["choices"][0][message]["tool_calls"][0]["function"]["arguments"].as_str())
            .collect();
        assert_eq!(arguments, format!("{{\"to\":\"{EMAIL}\"}}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_somebody_wrote_gives_nothing_away() {
    let sandbox = Gateway::sandbox().await;
    let gateway = Gateway::with_plugins([standard("pii").config("email = 'restore'")]).upstream(&sandbox).start().await;
    let text = format!("say [EMAIL_1], I am {EMAIL}");
    let answer = gateway.ask(chat(&text)).await;
    assert_eq!(answer.content(), format!("You said: {text}"));
    assert!(sandbox.seen()[0].text().contains("say [EMAIL_1], I am [EMAIL_2]"));
    let another = gateway.ask(chat("say [EMAIL_1] and [EMAIL_2]")).await;
    assert_eq!(another.content(), "You said: say [EMAIL_1] and [EMAIL_2]");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_component_installed_twice_and_both_edit() {
    let provider = Provider::saying(Reply::json(completion(&format!("{EMAIL} {PHONE} {EMAIL}")))).await;
    let plugins = [only("email", "mask"), only("phone", "mask")];
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).start().await;
    let answer = gateway.ask(chat(&format!("a {EMAIL} b {PHONE} c {EMAIL} d"))).receipts().await;
    assert_eq!(provider.body(), chat("a [EMAIL] b [PHONE] c [EMAIL] d").to_string());
    assert_eq!(answer.content(), "[EMAIL] [PHONE] [EMAIL]");
    let receipts: Vec<String> = answer.receipts().iter().map(|receipt| receipt.brief()).collect();
    assert_eq!(
        receipts,
        [
            "pii-email-mask request edit said",
            "pii-phone-mask request edit said",
            "pii-email-mask answer edit said",
            "pii-phone-mask answer edit said"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_in_order_sees_the_text_first() {
    for (mask, block, status) in [(1, 2, 200), (2, 1, 400), (-5, 0, 200)] {
        let provider = Provider::saying(Reply::json(completion("hello"))).await;
        let order = |order| format!("order = {order}");
        let plugins = [only("email", "mask").set(&order(mask)), only("email", "block").set(&order(block))];
        let gateway = Gateway::with_plugins(plugins).upstream(&provider).start().await;
        assert_eq!(gateway.ask(chat(EMAIL)).await.status, status, "mask {mask}, block {block}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_the_same_order_the_name_decides() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    // `pii-email-block` comes before `pii-email-mask`.
    let plugins = [only("email", "mask"), only("email", "block")];
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).start().await;
    assert_eq!(gateway.ask(chat(EMAIL)).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_customers_is_within_the_usual_limits() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let list = |line: &dyn Fn(usize) -> String| (0..1000).map(line).collect::<String>();
    let answer =
        gateway.ask(chat(&list(&|n| format!("{n};Ada Lovelace;ada{n}@example.com;London\n")))).receipts().await;
    assert_eq!(answer.status, 200, "{:?}", answer.receipts());
    assert_eq!(provider.body(), chat(&list(&|n| format!("{n};Ada Lovelace;[EMAIL];London\n"))).to_string());
}
