//! Texts turned into vectors, asked for as OpenAI does it.

use super::*;

fn embed(gateway: &Gateway, request: &str) -> Call {
    gateway.call("POST", "/v1/embeddings").body(request.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn to_openai_they_pass_byte_for_byte() {
    pass_unchanged_whole("openai", &Folder::of("embeddings/openai"), embed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gemini_is_asked_for_a_batch() {
    let (folder, gemini) = (Folder::of("embeddings/openai"), Folder::of("embeddings/gemini"));
    let (asked, answered) = (Asked::start("gemini", "").await, Answered::start("gemini", "").await);
    for feature in folder.features("request.json") {
        let request = folder.file(&feature, "request.json");
        let mut said = "==== the request, for a provider of gemini\n".to_owned();
        said.push_str(&asked.by(|gateway| embed(gateway, &request)).await);
        let reply = Reply::json(gemini.file(&feature, "answer.json")).status(gemini.status(&feature));
        answered.provider.now_says([reply]);
        let answer = embed(&answered.gateway, &request).await;
        said.push_str("\n==== the answer, for a caller of openai\n");
        // Not pretty: numbers stay as they were written.
        said.push_str(&told(&answer, answer.text()));
        snapshot("embeddings/gemini", &feature, &said);
    }
}
