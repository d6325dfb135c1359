//! OpenAI's older completions: callers ask for them, and every provider of conversations may answer.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn they_pass_byte_for_byte_where_the_provider_has_them() {
    let conversations = Folder::of("completions").conversations();
    assert!(conversations.len() >= 8, "there are fewer than there were");
    let settings = "providers.target-1.completions = true";
    let provider = pass_unchanged(Dialect::Completions, "openai", settings, &conversations).await;
    for received in provider.received() {
        assert!(received.head.starts_with("POST /v1/completions "), "{}", received.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_of_conversations_goes_on_with_the_text() {
    let mut others = Vec::new();
    for other in CONVERSATIONS {
        let word = other.word();
        others.push((word, Asked::start(word, "").await, Answered::start(word, "").await, Folder::of(word)));
    }
    for Fixture { feature, request, .. } in Folder::of("completions").conversations() {
        let mut said = String::new();
        for (word, asked, answered, folder) in &others {
            writeln!(said, "==== the request, for a provider of {word}").unwrap();
            said.push_str(&asked.by(|gateway| ask(gateway, Dialect::Completions, &request, false)).await);
            // Whatever the provider has of the same kind.
            if folder.find(&feature, "answer.json").is_some() {
                writeln!(said, "\n==== what a provider of {word} answers").unwrap();
                said.push_str(&answered.to(Dialect::Completions, folder.conversation(&feature).replies()).await);
            } else {
                said.push('\n');
            }
        }
        snapshot("completions", &feature, &said);
    }
}
