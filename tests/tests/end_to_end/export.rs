//! `sluicegate export`: from exchanges and feedback to lines for training.

use std::path::Path;

use serde_json::{Value, json};
use sluicegate::export::{Exported, Format, Plan, export};
use sluicegate::feedback::Score;
use sluicegate::ledger::Wanted;
use sluicegate_tests::{EMAIL, Gateway, Provider, Reply, chat, completion, key_of, standard};

use crate::ledger::{KEPT, databases, entry, ledger};

fn plan(format: Format, folder: &Path) -> Plan {
    Plan {
        format,
        wanted: Wanted::default(),
        score_min: None,
        score_max: None,
        rule: None,
        without_findings: false,
        noticed: false,
        lines_max: None,
        output: folder.join("lines.jsonl"),
    }
}

/// The lines of a plan, with what came of it and the manifest.
async fn exported(gateway: &Gateway, plan: &Plan) -> (Vec<Value>, Exported, Value) {
    let exported = export(ledger(gateway), plan).await.unwrap();
    let text = std::fs::read_to_string(&plan.output).unwrap();
    let manifest = serde_json::from_str(&std::fs::read_to_string(&exported.manifest).unwrap()).unwrap();
    (text.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), exported, manifest)
}

/// A gateway with captured exchanges: of OpenAI's dialect with a score and an e-mail address, of Anthropic's with a corrected
/// answer, two answers to the same, and one of a tenant without capture.
async fn busy(settings: &str) -> (sluicegate::sandbox::Sandbox, Gateway, Vec<String>) {
    let sandbox = Gateway::sandbox().await;
    let setup = Gateway::with_plugins([standard("pii").config("email = 'restore'")]).upstream(&sandbox);
    let setup = setup.settings(KEPT).settings("[tenants.blue]\ncapture = true").settings(settings);
    let gateway = setup.start().await;
    let (blue, red) = (gateway.new_key(key_of("blue")).await, gateway.new_key(key_of("red")).await);
    let ask = async |path: &str, body: Value, key: &str| {
        let answer = gateway.call("POST", path).body(body).header("x-api-key", key).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        entry(&gateway, answer.header("x-sluicegate-exchange")).await.id.to_string()
    };
    let anthropic = json!({"model": "a", "max_tokens": 99, "system": "Be brief.",
        "messages": [{"role": "user", "content": "when is the tide?"}]});
    let ids = vec![
        ask("/v1/chat/completions", chat(&format!("I am {EMAIL}")), &blue).await,
        ask("/v1/messages", anthropic, &blue).await,
        ask("/v1/chat/completions", chat("hello"), &blue).await,
        ask("/v1/chat/completions", json!({"model": "other", "messages": chat("hello")["messages"]}), &blue).await,
        ask("/v1/chat/completions", chat("not kept"), &red).await,
    ];
    for body in [
        json!({"exchange": ids[0], "score": 0.9, "comment": "good"}),
        json!({"exchange": ids[1], "thumbs": "down", "corrected": "At noon."}),
        json!({"exchange": ids[3], "preferred_over": ids[0]}),
    ] {
        let given = gateway.call("POST", "/v1/feedback").body(body).header("x-api-key", &blue).await;
        assert_eq!(given.status, 200, "{}", given.text());
    }
    (sandbox, gateway, ids)
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_are_exported_for_fine_tuning_as_the_guardrails_let_them_pass() {
    for (_postgres, settings) in databases().await {
        let (_sandbox, gateway, ids) = busy(&settings).await;
        let folder = tempfile::tempdir().unwrap();
        let (lines, exported, manifest) = exported(&gateway, &plan(Format::Chat, folder.path())).await;
        assert_eq!((exported.lines, exported.considered, exported.left_out.len()), (4, 4, 0), "{exported:?}");
        let first = json!([{"role": "user", "content": "I am [EMAIL_1]"},
            {"role": "assistant", "content": "You said: I am [EMAIL_1]"}]);
        assert_eq!(lines[0]["messages"], first);
        let mended = json!([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "when is the tide?"},
            {"role": "assistant", "content": "At noon."}]);
        assert_eq!(lines[1]["messages"], mended);
        assert!(!std::fs::read_to_string(folder.path().join("lines.jsonl")).unwrap().contains(EMAIL));
        assert_eq!((manifest["format"].as_str(), manifest["lines"].as_u64()), (Some("chat"), Some(4)));
        let bytes = std::fs::read(folder.path().join("lines.jsonl")).unwrap();
        let digest: String = ring::digest::digest(&ring::digest::SHA256, &bytes)
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(manifest["sha256"].as_str(), Some(&*digest));
        assert_eq!(ids.len(), 5);

        let of = async |change: &dyn Fn(&mut Plan)| {
            let mut plan = plan(Format::Chat, folder.path());
            change(&mut plan);
            let (lines, exported, _) = self::exported(&gateway, &plan).await;
            (lines.len(), exported.left_out)
        };
        assert_eq!(of(&|plan| plan.score_min = Score::new(0.5)).await.0, 1);
        assert_eq!(of(&|plan| plan.score_max = Some(Score::DOWN)).await.0, 1);
        let (count, left_out) = of(&|plan| plan.rule = Some("email".to_owned())).await;
        assert_eq!((count, left_out["its findings"]), (1, 3));
        assert_eq!(of(&|plan| plan.without_findings = true).await.0, 3);
        assert_eq!(of(&|plan| plan.wanted.model = Some("a".to_owned())).await.0, 1);
        assert_eq!(of(&|plan| plan.wanted.tenant = Some("red".to_owned())).await.0, 0);
        assert_eq!(of(&|plan| plan.wanted.until_ms = Some(1)).await.0, 0);
        assert_eq!(of(&|plan| plan.lines_max = Some(2)).await.0, 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_preferred_is_exported_with_what_it_was_preferred_to() {
    let (_sandbox, gateway, ids) = busy("").await;
    let folder = tempfile::tempdir().unwrap();
    let (lines, exported, _) = exported(&gateway, &plan(Format::Preference, folder.path())).await;
    let [mended] = &*lines else { panic!("{lines:?}") };
    assert_eq!(mended["prompt"][1]["content"], "when is the tide?");
    assert_eq!(mended["chosen"], json!([{"role": "assistant", "content": "At noon."}]));
    assert_eq!(mended["rejected"], json!([{"role": "assistant", "content": "You said: when is the tide?"}]));
    assert_eq!(exported.left_out["the other exchange asks something else"], 1, "{exported:?}");
    assert_eq!(ids.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn for_evaluation_all_is_exported_that_is_known() {
    let (_sandbox, gateway, ids) = busy("").await;
    let folder = tempfile::tempdir().unwrap();
    let (lines, _, _) = exported(&gateway, &plan(Format::Evaluation, folder.path())).await;
    let first = &lines[0];
    assert_eq!((first["id"].as_str(), first["score"].as_f64()), (Some(&*ids[0]), Some(0.9)));
    assert_eq!(first["input"]["messages"][0]["content"], "I am [EMAIL_1]");
    assert_eq!(first["answer"]["content"], "You said: I am [EMAIL_1]");
    assert_eq!(first["findings"][0]["rule"], "email");
    let feedback = &first["feedback"][0];
    assert_eq!((feedback["source"].as_str(), feedback["comment"].as_str()), (Some("caller"), Some("good")));
    assert_eq!(lines[1]["feedback"][0]["corrected"], "At noon.");
}

/// A gateway that keeps what this provider says, and what asking for it gives: the ids of as many exchanges as there are bodies.
async fn kept(provider: &Provider, bodies: &[(&str, Value)]) -> (Gateway, Vec<String>) {
    let setup = Gateway::without_plugins().upstream(provider).settings(KEPT);
    let gateway = setup.settings("[tenants.default]\ncapture = true").start().await;
    let mut ids = Vec::new();
    for (path, body) in bodies {
        let answer = gateway.call("POST", path).body(body.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        ids.push(entry(&gateway, answer.header("x-sluicegate-exchange")).await.id.to_string());
    }
    (gateway, ids)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_to_break_off_or_to_refuse_or_to_say_half_of_an_answer() {
    let of = |message: Value, finish: &str| {
        let body = json!({"id": "c-1", "object": "chat.completion", "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": finish}]});
        Reply::json(body.to_string())
    };
    let provider = Provider::saying_in_turn([
        of(json!({"role": "assistant", "content": "The tide is"}), "length"),
        of(json!({"role": "assistant", "content": null, "refusal": "No."}), "stop"),
        of(json!({"role": "assistant", "content": " at noon."}), "stop"),
    ])
    .await;
    let ask = || chat("when is the tide?");
    let begun = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "when is the tide?"}, {"role": "assistant", "content": "The tide is"}]});
    let chats = "/v1/chat/completions";
    let (gateway, ids) = kept(&provider, &[(chats, ask()), (chats, ask()), ("/v1/messages", begun)]).await;
    let folder = tempfile::tempdir().unwrap();
    let (lines, exported_as, _) = exported(&gateway, &plan(Format::Chat, folder.path())).await;
    let [whole] = &*lines else { panic!("{lines:?}") };
    let expected = json!([{"role": "user", "content": "when is the tide?"},
        {"role": "assistant", "content": "The tide is at noon."}]);
    assert_eq!(whole["messages"], expected);
    let left_out = (&exported_as.left_out["its answer was cut off"], &exported_as.left_out["its answer is a refusal"]);
    assert_eq!(left_out, (&1, &1), "{exported_as:?}");
    let (lines, _, _) = exported(&gateway, &plan(Format::Evaluation, folder.path())).await;
    assert_eq!((&lines[0]["finish"], &lines[2]["finish"]), (&json!("length"), &json!("stop")));
    assert_eq!(lines[1]["answer"], json!({"role": "assistant", "content": null, "refusal": "No."}));
    // What was cut off, or is a refusal, is what another one is better than.
    let better = json!({"exchange": ids[2], "preferred_over": ids[0]});
    assert_eq!(gateway.call("POST", "/v1/feedback").body(better).await.status, 200);
    let (lines, _, _) = exported(&gateway, &plan(Format::Preference, folder.path())).await;
    assert_eq!((lines.len(), &lines[0]["rejected"][0]["content"]), (1, &json!("The tide is")));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_answers_there_is_one_pair_and_the_last_word_counts() {
    let provider = Provider::saying_in_turn(["sea", "land"].map(|said| Reply::json(completion(said)))).await;
    let chats = "/v1/chat/completions";
    let ask = |model: &str| json!({"model": model, "messages": [{"role": "user", "content": "sea or land?"}]});
    let (gateway, ids) = kept(&provider, &[(chats, ask("a")), (chats, ask("b"))]).await;
    let give = async |body: Value| {
        let given = gateway.call("POST", "/v1/feedback").body(body).await;
        assert_eq!(given.status, 200, "{}", given.text());
    };
    let folder = tempfile::tempdir().unwrap();
    let chosen = async || {
        let (lines, _, _) = exported(&gateway, &plan(Format::Preference, folder.path())).await;
        lines.iter().map(|line| line["chosen"][0]["content"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // What an application tells counts, and is not only noticed.
    give(json!({"exchange": ids[1], "regenerated": ids[0]})).await;
    assert_eq!(chosen().await, ["sea"]);
    give(json!({"exchange": ids[1], "preferred_over": ids[0]})).await;
    assert_eq!(chosen().await, ["land"], "what is preferred counts for more");
    give(json!({"exchange": ids[0], "preferred_over": ids[1]})).await;
    assert_eq!(chosen().await, ["sea"], "and of that the last");
}
