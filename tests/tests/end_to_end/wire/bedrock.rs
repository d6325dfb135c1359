//! Amazon Bedrock's Converse. Nobody asks in its words: its requests are those of the other dialects, and its answers are
//! told in them. Its streams are binary frames; the fixtures have a line for each, with its event and what that says.

use std::collections::BTreeSet;

use super::*;

/// Who made a model stands in its name, and decides about what Converse has no word for.
const MODEL: &str = "targets.target-1.model = 'eu.anthropic.claude-sonnet-4-5-20250929-v1:0'";
/// What only requests have.
const REQUESTED: [&str; 7] = ["choices", "failed", "json", "none", "sampling", "settings", "single"];
/// The kinds of errors, which stand in a header.
const ERRORS: [(&str, &str); 2] = [("error", "ThrottlingException"), ("broken", "ModelErrorException")];

/// A line of a fixture as the frame that it stands for.
fn frame(line: &str) -> Vec<u8> {
    let (name, payload) = line.split_once(' ').unwrap_or_else(|| panic!("no event and what it says: {line}"));
    let (kind, named) = match name.ends_with("Exception") {
        true => ("exception", ":exception-type"),
        false => ("event", ":event-type"),
    };
    crate::bedrock::frame(kind, (named, name), &payload)
}

fn replies(folder: &Folder, feature: &str) -> [Reply; 2] {
    let whole = Reply::json(folder.file(feature, "answer.json")).status(folder.status(feature));
    let kind = ERRORS.iter().find(|(error, _)| *error == feature);
    let whole = kind.into_iter().fold(whole, |whole, (_, kind)| whole.header("x-amzn-errortype", kind));
    let frames: Vec<u8> = folder.file(feature, "events.txt").lines().flat_map(frame).collect();
    [whole, Reply::whole("application/vnd.amazon.eventstream", frames).cut(97)]
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_asked_and_answers_in_the_words_of_others() {
    let folder = Folder::of("bedrock");
    let (asked, answered) = (Asked::start("bedrock", MODEL).await, Answered::start("bedrock", MODEL).await);
    let answers: BTreeSet<String> = folder.features("answer.json").into_iter().collect();
    let features: BTreeSet<String> = answers.iter().cloned().chain(REQUESTED.map(str::to_owned)).collect();
    for feature in features {
        let mut said = String::new();
        for caller in CONVERSATIONS {
            let Some(request) = Folder::of(caller.word()).find(&feature, "request.json") else { continue };
            writeln!(said, "==== the request of a caller of {}", caller.word()).unwrap();
            said.push_str(&asked.by(|gateway| ask(gateway, caller, &request, false)).await);
            said.push('\n');
        }
        for caller in CONVERSATIONS {
            if answers.contains(&feature) {
                said.push_str(&answered.to(caller, replies(&folder, &feature)).await);
            }
        }
        snapshot("bedrock", &feature, &said);
    }
}
