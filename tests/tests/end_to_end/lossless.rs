//! What nobody edits arrives byte for byte, in both directions; what somebody edits differs there alone.

use sluicegate_tests::{EMAIL, Gateway, Installed, Provider, Reply, chat, completion, hostile, standard};

/// A request with everything that a careless gateway would write anew.
const REQUEST: &str = "{ \"temperature\":1.0e0,\t\"messages\" : [\r\n {\"content\":\"caf\\u00e9 \\/ \u{1f600}\\ud83d\\ude00\\n\",\
    \"role\":\"user\",\"new\":{\"b\":1,\"a\":[ ]}} ] ,\n\"seed\":12345678901234567890, \"top_p\":0.10, \"x\":-0,\
    \"stop\":[\"\\u003cend>\",\"\"],\"\\u0061\":null, \"model\" :\"m\",\"metadata\":{\"b\":\"1\",\"a\":\"2\",\"a\":\"3\"} }\n";

const ANSWER: &str = " {\"choices\" : [ {\"finish_reason\":\"stop\",\"message\":{\"content\":\"caf\\u00e9 \\/ \u{1f600}\",\
    \"role\":\"assistant\",\"new\":[1.50,1e2]},\"index\":0,\"logprobs\":{\"content\":[]}}],\n\"id\":\"x\",\
    \"usage\":{\"total_tokens\":3e0,\"total_tokens\":4} }\r\n";

const STREAM: &str = "data: {\"id\":\"c\", \"choices\" : [ {\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"index\":0} ],\"x\":1.0}\n\n\
    :\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"caf\\u00e9 \\/ \u{1f600}\"},\"logprobs\":{\"content\":[]}}]}\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\" and\\u0020more\",\"new\":\"n\"}}],\"obfuscation\":\"aB3\"}\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a \\ud83d alone\"}}]}\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\n\n\
    data:  {\"choices\":[],\"usage\":{\"total_tokens\":30e-1}} \n\n\
    data: [DONE]\n\n";

fn that_allow() -> Vec<Vec<Installed>> {
    vec![vec![], vec![standard("no-op")], vec![standard("pii"), standard("no-op"), hostile("calm")]]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_and_its_answer() {
    for plugins in that_allow() {
        let provider = Provider::saying(Reply::json(ANSWER)).await;
        let gateway = Gateway::with_plugins(plugins).upstream(&provider).start().await;
        let answer = gateway.ask(REQUEST).await;
        assert_eq!(provider.body(), REQUEST);
        assert_eq!((answer.status, answer.text()), (200, ANSWER));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_wherever_it_is_cut() {
    for plugins in that_allow() {
        let cuts = [1, 2, 3, 7, 50, 1000];
        let provider = Provider::saying_in_turn(cuts.map(|cut| Reply::events([STREAM]).cut(cut))).await;
        let gateway = Gateway::with_plugins(plugins).upstream(&provider).start().await;
        for cut in cuts {
            let answer = gateway.ask(REQUEST).await;
            assert_eq!((answer.status, answer.text(), answer.torn), (200, STREAM, false), "cut every {cut} bytes");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_name_of_the_model_is_the_targets() {
    let provider = Provider::saying(Reply::json(ANSWER)).await;
    let gateway = Gateway::without_plugins().upstream_as(&provider, "gpt-5-mini").start().await;
    gateway.ask(REQUEST).await;
    assert_eq!(provider.body(), REQUEST.replace("\"m\"", "\"gpt-5-mini\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_changes_nothing_beside_it() {
    let with_email = |text: &str| text.replace("caf\\u00e9", "caf\\u00e9 ada\\u002elovelace@example.com");
    let masked = |text: &str| text.replace("caf\\u00e9", "caf\\u00e9 [EMAIL]");
    let no_logprobs = |text: String| text.replace("\"logprobs\":{\"content\":[]}", "\"logprobs\":null");
    let replies = [Reply::json(with_email(ANSWER)), Reply::events([with_email(STREAM)]).cut(5)];
    let provider = Provider::saying_in_turn(replies).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let whole = gateway.ask(&*with_email(REQUEST)).await;
    assert_eq!(provider.body(), masked(REQUEST));
    assert_eq!(whole.text(), no_logprobs(masked(ANSWER)));
    assert_eq!(gateway.ask(REQUEST).await.text(), no_logprobs(masked(STREAM)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_megabyte() {
    let text = "the quiet river carries small boats, \u{1f600} \\ \" and so on. ".repeat(20_000);
    let provider = Provider::saying(Reply::json(completion(&text)).cut(1000)).await;
    let gateway = Gateway::with_plugins([standard("no-op")]).upstream(&provider).start().await;
    let request = chat(&text).to_string();
    let answer = gateway.ask(&*request).await;
    assert!(request == *provider.body(), "the request is another one");
    assert!(answer.text() == completion(&text), "the answer is another one");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_chooses_whether_it_streams() {
    let provider = Provider::saying_in_turn([Reply::json(ANSWER), Reply::events([STREAM])]).await;
    let gateway = Gateway::with_plugins([standard("pii")]).upstream(&provider).start().await;
    let mut asks_for_a_stream = chat(EMAIL);
    asks_for_a_stream["stream"] = true.into();
    assert_eq!(gateway.ask(asks_for_a_stream).await.text(), ANSWER);
    assert_eq!(gateway.ask(chat(EMAIL)).await.text(), STREAM);
}
