//! OpenAI's models on Azure: the same dialect, with what Azure's filter says of prompts and answers.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn to_callers_of_openai_they_pass_byte_for_byte_on_both_paths() {
    let conversations = Folder::of("azure").conversations();
    assert!(conversations.len() >= 7, "there are fewer than there were");
    for (settings, path) in [
        ("", "/openai/v1/chat/completions"),
        (
            "providers.target-1.api_version = '2024-10-21'",
            "/openai/deployments/harbour/chat/completions?api-version=2024-10-21",
        ),
    ] {
        let provider = pass_unchanged(Dialect::OpenAi, "azure", settings, &conversations).await;
        for received in provider.received() {
            assert!(received.head.starts_with(&format!("POST {path} ")), "{}", received.head);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_of_other_dialects_get_the_same() {
    let answered = Answered::start("azure", "").await;
    for fixture in Folder::of("azure").conversations() {
        let mut said = String::new();
        for caller in [Dialect::Responses, Dialect::Anthropic, Dialect::Gemini] {
            said.push_str(&answered.to(caller, fixture.replies()).await);
        }
        snapshot("azure", &fixture.feature, &said);
    }
}
