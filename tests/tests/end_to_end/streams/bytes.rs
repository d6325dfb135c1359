//! What nobody edits is forwarded as it came; what is edited changes no more than it must.

use sluicegate_tests::{
    DONE, Gateway, Installed, Provider, Reply, chat, chunk, completion, finish, gentle, standard, streamed,
};

/// Events as no serializer writes them.
const ODD: [&str; 5] = [
    "data: {\"choices\" : [ {\"delta\":{\"content\":\"caf\\u00e9 \\/ \\ud83d\\ude00\",\"new\":[1.50,1e2]},\t\"index\":0} ] ,\"x\":-0, \"id\":\"c\"}\n\n",
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\" se\"}}],\"n\":12345678901234567890}\n\n",
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\u0063ret \\u0041\\/B \"},\"y\":{ }}]}\n\n",
    "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\u{1f600}\\t\\u00e9\"},\"finish_reason\":\"stop\"}]}\n\n",
    "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"total_tokens\":3e0,\"prompt_tokens\":1.0}}\n\n",
];

async fn gateway(plugins: impl IntoIterator<Item = Installed>, provider: &Provider) -> Gateway {
    // What the gateway takes out of a stream, because it asked for it itself, is another test's subject.
    let asked = "providers.target-1.stream_usage = false";
    Gateway::with_plugins(plugins).upstream(provider).settings(asked).start().await
}

#[tokio::test(flavor = "multi_thread")]
async fn events_without_an_edit_are_forwarded_as_they_came() {
    let stream = ODD.concat() + DONE;
    for bytes in [1, 7, 10_000] {
        let provider = Provider::saying(Reply::events([stream.clone()]).cut(bytes)).await;
        for plugins in [vec![], vec![standard("no-op")], vec![standard("pii"), gentle("deny-word"), gentle("finding")]]
        {
            let answer = gateway(plugins.clone(), &provider).await.ask(streamed("hello?")).await;
            assert_eq!(answer.text(), stream, "{plugins:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_edited_event_everything_else_stays() {
    let provider = Provider::saying(Reply::events(ODD).then([DONE])).await;
    let answer = gateway([gentle("mask-word")], &provider).await.ask(streamed("hello?")).await;
    let [first, second, third, fourth, fifth] = ODD;
    let (second, third) = (second.replace(" se", " [x]"), third.replace("\\u0063ret", ""));
    assert_eq!(answer.text(), [first, &second, &third, fourth, fifth, DONE].concat());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_answer_guardrail_writes_behind_the_end_is_not_lost() {
    for (said, with) in [("As you", "As you wish."), ("you wish.", "As you wish."), ("As wish.", "As you wish.")] {
        let pieces: Vec<String> = said.split_inclusive(' ').map(chunk).collect();
        let stream = Reply::events(pieces).then([finish(0, "stop"), DONE.to_owned()]);
        let provider = Provider::saying_in_turn([Reply::json(completion(said)), stream]).await;
        let edit = gentle("answer-edit").config(&format!("answer = {{ do = 'edit', with = '{with}' }}"));
        let gateway = gateway([edit], &provider).await;
        assert_eq!(gateway.ask(chat("hello?")).await.content(), with);
        assert_eq!(gateway.ask(streamed("hello?")).await.content(), with, "{said}");
    }
}
