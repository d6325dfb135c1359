//! Vectors for plugins: of a sentence transformer in the gateway, and of a provider.

use sluicegate_tests::{Gateway, Installed, Provider, Reply, chat, gentle, installed};

use crate::capabilities::refusal;

/// The guest that asks for what it is told to.
fn asks(grants: &str) -> Installed {
    let plugin = gentle("asks")
        .set("grants = { clock = {}, kv = {}, http = {}, embedding = { wait_ms = 60_000 }, model.targets = ['none'] }")
        .set(grants);
    plugin.set("limits = { wall_ms = 60_000, fuel = 2_000_000_000 }")
}

async fn gateway(plugin: Installed, settings: &str) -> Gateway {
    let provider = Provider::absent().await;
    Gateway::with_plugins([plugin]).upstream(&provider).settings(settings).start().await
}

/// Settings for the model that `cargo xtask test` has fetched; nothing where it has said that there is none.
fn minilm() -> Option<String> {
    Some(format!("embedders.minilm.directory = '{}'", installed("SLUICEGATE_EMBEDDER")?))
}

/// Sentence Transformers' documentation (sbert.net, "Quickstart") gives these similarities for all-MiniLM-L6-v2.
#[tokio::test(flavor = "multi_thread")]
async fn a_sentence_transformer_says_what_its_library_says() {
    let Some(settings) = minilm() else { return };
    let gateway = gateway(asks(""), &settings).await;
    let sentences = "The weather is lovely today. | It's so sunny outside! | He drove to the stadium.";
    let answer = gateway.ask(chat(&format!("embed {sentences}"))).receipts().await;
    assert_eq!(answer.content(), "1.000 0.666 0.105");
    let receipts = answer.receipts();
    let bytes = sentences.len() - 2 * " | ".len() + 3 * 384 * 4;
    assert_eq!(receipts[0].get("embedding.bytes"), Some(&*bytes.to_string()), "{receipts:?}");
    assert_eq!((receipts[0].get("embedding.calls"), receipts[0].get("embedding.usd")), (Some("1"), None));
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_any_length_and_language_have_vectors_and_those_together_the_same_as_alone() {
    let Some(settings) = minilm() else { return };
    let gateway = gateway(asks("grants.embedding.bytes_max = 1_000_000"), &settings).await;
    let long = "many words and more ".repeat(5_000);
    let texts = [long.trim_end(), "", "\u{1f600}", "Grüße aus Köln", "many words and more", "日本語のテキスト"];
    let alike = gateway.ask(chat(&format!("embed {}", texts.join(" | ")))).await.content();
    let together: Vec<f32> = alike.split(' ').map(|value| value.parse().unwrap()).collect();
    assert_eq!(together.len(), texts.len(), "{alike}");
    for (text, together) in texts.iter().zip(together) {
        let asking = gateway.ask(chat(&format!("embed {} | {text}", texts[0]))).await.content();
        let alone: f32 = asking.split(' ').next_back().unwrap().parse().unwrap();
        assert!((alone - together).abs() < 0.002, "{text:.20}: {alone} {together}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_embeds_its_examples_while_it_is_configured() {
    let Some(settings) = minilm() else { return };
    // This guest refuses its configuration with what it was told.
    let said = refusal(asks("").config("asks = 'embed Hello there! | Hello there!'"), &settings).await;
    assert_eq!(said, "the plugin refuses its configuration: 1.000 1.000");
    let said = refusal(asks("").config("asks = 'kv get a'"), &settings).await;
    assert!(said.contains("there is no exchange that this could be for"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_embedder_that_is_not_there_is_said() {
    let gateway = gateway(asks("grants.embedding = { bytes_max = 10 }"), "").await;
    let said = gateway.ask(chat("embed a | b")).await.content();
    assert_eq!(said, "no vectors: there is no embedder; add [embedders.NAME] to the configuration");
}

/// An embedder at this provider.
fn far(provider: &Provider, dialect: &str) -> (tempfile::NamedTempFile, String) {
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&key, "the-key").unwrap();
    let settings = format!(
        "providers.far = {{ dialect = '{dialect}', base_url = 'http://{}', api_key = {{ file = '{}' }} }}\n\
         targets.far = {{ provider = 'far', model = 'embed-1', prices = {{ input = '2', output = '0' }} }}\n\
         embedders.far = {{ target = 'far', dimensions = 2 }}",
        provider.address,
        key.path().display()
    );
    (key, settings)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_providers_endpoint_is_asked_in_its_own_words_and_what_it_costs_is_on_the_receipt() {
    let openai = r#"{"object":"list","data":[{"object":"embedding","index":1,"embedding":[0,2]},
        {"object":"embedding","index":0,"embedding":[3,4]}],"model":"embed-1","usage":{"prompt_tokens":5,"total_tokens":5}}"#;
    let gemini = r#"{"embeddings":[{"values":[3,4]},{"values":[0,2]}],"usageMetadata":{"promptTokenCount":5}}"#;
    for (dialect, says, path, credential) in [
        ("openai", openai, "/embeddings", ("authorization", "Bearer the-key")),
        ("gemini", gemini, "/models/embed-1:batchEmbedContents", ("x-goog-api-key", "the-key")),
    ] {
        let provider = Provider::saying(Reply::json(says)).await;
        let (_key, settings) = far(&provider, dialect);
        let gateway = gateway(asks(""), &settings).await;
        provider.now_says([Reply::json(says)]);
        let answer = gateway.ask(chat("embed a b | c")).receipts().await;
        assert_eq!(answer.content(), "1.000 0.800", "{dialect}");
        let asked = provider.received().pop().unwrap();
        assert!(asked.head.starts_with(&format!("POST {path} HTTP/1.1")), "{}", asked.head);
        assert_eq!(asked.header(credential.0), Some(credential.1));
        let body: serde_json::Value = serde_json::from_str(asked.text()).unwrap();
        match dialect {
            "openai" => assert_eq!(
                body,
                serde_json::json!({"model": "embed-1", "input": ["a b", "c"], "encoding_format": "float", "dimensions": 2})
            ),
            _ => assert_eq!(body["requests"][1]["content"]["parts"][0]["text"], "c"),
        }
        assert_eq!(answer.receipts()[0].get("embedding.usd"), Some("0.00001"), "{dialect}");

        // What was asked is remembered, and what is new is not known here.
        let again = gateway.ask(chat("embed c | a b")).receipts().await;
        assert_eq!((again.content(), again.receipts()[0].get("embedding.usd")), ("1.000 0.800".to_owned(), None));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_embeds_examples_while_a_plugin_is_configured() {
    let vectors =
        r#"{"data":[{"index":0,"embedding":[1,0]},{"index":1,"embedding":[0,1]}],"usage":{"prompt_tokens":1}}"#;
    let provider = Provider::saying(Reply::json(vectors)).await;
    let (_key, settings) = far(&provider, "openai");
    let said = refusal(asks("").config("asks = 'embed a | b'"), &settings).await;
    assert_eq!(said, "the plugin refuses its configuration: 1.000 0.000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_gives_something_else_gives_no_vectors_and_no_exchange_fails_for_it() {
    let vector = r#"{"data":[{"index":0,"embedding":[1,0]}],"usage":{"prompt_tokens":1}}"#;
    let provider = Provider::saying(Reply::json(vector)).await;
    let (_key, settings) = far(&provider, "openai");
    let gateway = gateway(asks(""), &settings).await;
    for wrong in [
        Reply::json(vector),
        Reply::json("{}"),
        Reply::json(r#"{"data":[{"index":0,"embedding":[0,0]},{"index":1,"embedding":[1,0]}]}"#),
        Reply::json(r#"{"data":[{"index":0,"embedding":[1]},{"index":1,"embedding":[1,0]}]}"#),
        Reply::json("the-key").status(401),
        Reply::json(vector).status(500),
        Reply::hangs_up(),
        Reply::whole("text/html", "<p>"),
    ] {
        provider.now_says([wrong]);
        let said = gateway.ask(chat("embed a b | c")).await.content();
        assert_eq!(said, "no vectors: the embedder cannot be asked");
    }
}
