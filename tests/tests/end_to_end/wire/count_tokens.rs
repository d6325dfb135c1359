//! How many tokens a conversation has, asked as Anthropic does it.

use super::*;

fn count(gateway: &Gateway, request: &str) -> Call {
    gateway.call("POST", "/v1/messages/count_tokens").body(request.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn to_anthropic_it_passes_byte_for_byte() {
    pass_unchanged_whole("anthropic", &Folder::of("count_tokens/anthropic"), count).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn others_are_asked_where_they_tell_it() {
    let folder = Folder::of("count_tokens/anthropic");
    for other in ["gemini", "responses"] {
        let theirs = Folder::of(&format!("count_tokens/{other}"));
        let (asked, answered) = (Asked::start(other, "").await, Answered::start(other, "").await);
        for feature in folder.features("request.json") {
            let request = folder.file(&feature, "request.json");
            let mut said = format!("==== the request, for a provider of {other}\n");
            said.push_str(&asked.by(|gateway| count(gateway, &request)).await);
            let reply = Reply::json(theirs.file(&feature, "answer.json")).status(theirs.status(&feature));
            answered.provider.now_says([reply]);
            let answer = count(&answered.gateway, &request).await;
            said.push_str("\n==== the answer, for a caller of anthropic\n");
            said.push_str(&told(&answer, &pretty(answer.text())));
            snapshot(&format!("count_tokens/{other}"), &feature, &said);
        }
    }
}
