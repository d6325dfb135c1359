//! OpenAI's models on Azure: where they are asked and how the gateway says who asks, and what Azure adds to answers.

use serde_json::json;
use sluicegate_tests::{EMAIL, Gateway, Provider, Reply, chat, standard};

/// As Azure writes them: an event without choices first, and what its filter thinks in all of them.
const EVENTS: [&str; 4] = [
    "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":[{\"prompt_index\":0,\"content_filter_results\":{\"hate\":{\"filtered\":false,\"severity\":\"safe\"}}}]}\n\n",
    "data: {\"choices\":[{\"content_filter_results\":{},\"delta\":{\"content\":\"\",\"role\":\"assistant\"},\"finish_reason\":null,\"index\":0}],\"id\":\"c\",\"object\":\"chat.completion.chunk\"}\n\n",
    "data: {\"choices\":[{\"content_filter_results\":{\"hate\":{\"filtered\":false,\"severity\":\"safe\"}},\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\",\"index\":0}],\"id\":\"c\",\"object\":\"chat.completion.chunk\"}\n\n",
    "data: [DONE]\n\n",
];

fn line(provider: &Provider) -> String {
    provider.only().head.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deployed_stands_in_the_path_where_there_is_a_version_and_the_key_in_its_header() {
    for (settings, model, path) in [
        ("", "m", "/openai/v1/chat/completions"),
        ("api_version = '2024-10-21'", "m", "/openai/deployments/m/chat/completions?api-version=2024-10-21"),
        (
            "api_version = '2024-10-21'",
            "a/../b?c=d",
            "/openai/deployments/a%2F..%2Fb%3Fc%3Dd/chat/completions?api-version=2024-10-21",
        ),
    ] {
        let provider = Provider::saying(Reply::json("{\"choices\":[]}")).await;
        let setup = Gateway::without_plugins().upstream_in("azure", &provider);
        let gateway = setup.settings(&format!("[providers.target-1]\n{settings}")).start().await;
        let ask = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
        let answer = gateway.ask(ask.clone()).header("authorization", "Bearer sk-of-openai").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(line(&provider), format!("POST {path} HTTP/1.1"));
        let received = provider.only();
        assert_eq!((received.header("api-key"), received.header("authorization")), (Some("AKIDOFTHETESTS"), None));
        assert_eq!(received.text(), ask.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_entra_id_is_a_bearers_and_responses_have_their_own_path() {
    for (version, path) in [("", "/openai/v1/responses"), ("v1", "/openai/responses?api-version=v1")] {
        let provider = Provider::saying(Reply::json("{\"output\":[]}")).await;
        let version = if version.is_empty() { String::new() } else { format!("api_version = '{version}'") };
        let settings = format!("[providers.target-1]\nentra_id = true\nresponses = true\n{version}");
        let gateway = Gateway::without_plugins().upstream_in("azure", &provider).settings(&settings).start().await;
        let answer = gateway.call("POST", "/v1/responses").body(json!({"model": "m", "input": "hi"})).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(line(&provider), format!("POST {path} HTTP/1.1"));
        let received = provider.only();
        assert_eq!(received.header("authorization"), Some("Bearer AKIDOFTHETESTS"));
        assert_eq!(received.header("api-key"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_leads_to_another_path_is_no_name() {
    let provider = Provider::saying(Reply::json("{\"choices\":[]}")).await;
    let setup = Gateway::without_plugins().upstream_in("azure", &provider);
    let gateway = setup.settings("[providers.target-1]\napi_version = '2024-10-21'").start().await;
    for model in [".", ".."] {
        let ask = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
        let answer = gateway.ask(ask).await;
        assert_eq!((answer.status, answer.error()["param"].as_str()), (400, Some("model")), "{}", answer.text());
    }
    assert!(provider.received().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_azures_filter_says_passes_as_it_came() {
    let whole = "{\"choices\":[{\"content_filter_results\":{\"hate\":{\"filtered\":false,\"severity\":\"safe\"}},\"finish_reason\":\"stop\",\
                 \"index\":0,\"message\":{\"content\":\"hi\",\"role\":\"assistant\"}}],\"id\":\"c\",\"object\":\"chat.completion\",\
                 \"prompt_filter_results\":[{\"prompt_index\":0}]}";
    let refused = "{\"error\":{\"message\":\"The response was filtered\",\"type\":null,\"param\":\"prompt\",\"code\":\
                   \"content_filter\",\"status\":400,\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"}}}";
    let replies = [Reply::events(EVENTS), Reply::json(whole), Reply::json(refused).status(400)];
    let provider = Provider::saying_in_turn(replies).await;
    let setup = Gateway::with_plugins([standard("pii"), standard("secrets")]).upstream_in("azure", &provider);
    let gateway = setup.settings("[providers.target-1]\nstream_usage = false").start().await;
    let mut streaming = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    streaming["stream"] = true.into();
    assert_eq!(gateway.ask(streaming).await.text(), EVENTS.concat());
    assert_eq!(gateway.ask(chat("hi")).await.text(), whole);
    let answer = gateway.ask(chat("hi")).await;
    assert_eq!((answer.status, answer.text()), (400, refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filtered_prompt_is_an_error_of_the_callers_dialect() {
    let refused = format!("{{\"error\":{{\"message\":\"filtered for {EMAIL}\",\"code\":\"content_filter\"}}}}");
    let provider = Provider::saying(Reply::json(refused).status(400)).await;
    let plugins = [standard("pii").config("email = 'mask'")];
    let gateway = Gateway::with_plugins(plugins).upstream_in("azure", &provider).start().await;
    let ask = json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]});
    let answer = gateway.call("POST", "/v1/messages").body(ask).await;
    let error = answer.json();
    assert_eq!((answer.status, &error["error"]["type"]), (400, &json!("invalid_request_error")));
    assert_eq!(error["error"]["message"], "filtered for [EMAIL]");
    assert_eq!(error["error"]["code"], "content_filter");
}
