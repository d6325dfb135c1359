//! The four dialects that providers and callers have in common.

use std::collections::BTreeMap;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn to_their_own_dialect_they_pass_byte_for_byte() {
    for dialect in CONVERSATIONS {
        let conversations = Folder::of(dialect.word()).conversations();
        assert!(conversations.len() >= 16, "{dialect:?} has fewer conversations than it had");
        pass_unchanged(dialect, dialect.word(), "", &conversations).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_other_dialects_they_say_the_same() {
    let mut all: BTreeMap<(&str, String), String> = BTreeMap::new();
    for own in CONVERSATIONS {
        let answered = Answered::start(own.word(), "").await;
        let conversations = Folder::of(own.word()).conversations();
        for other in CONVERSATIONS.into_iter().filter(|other| *other != own) {
            let asked = Asked::start(other.word(), "").await;
            for fixture in &conversations {
                let said = all.entry((own.word(), fixture.feature.clone())).or_default();
                writeln!(said, "==== the request, for a provider of {}", other.word()).unwrap();
                said.push_str(&asked.by(|gateway| ask(gateway, own, &fixture.request, false)).await);
                said.push('\n');
                said.push_str(&answered.to(other, fixture.replies()).await);
            }
        }
    }
    for ((dialect, feature), said) in all {
        snapshot(dialect, &feature, &said);
    }
}
