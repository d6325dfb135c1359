//! Golden conversations in the shapes that the providers document: `tests/fixtures/wire` holds for each dialect and feature
//! a request, the answer, and the same answer as a stream. To its own dialect each passes byte for byte; what becomes of it
//! in the others stands beside it, so that a change of a translation is seen.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sluicegate::endpoint::Dialect;
use sluicegate_tests::{Answer, Call, Gateway, Provider, Reply, standard};

const DIALECTS: [Dialect; 4] = [Dialect::OpenAi, Dialect::Responses, Dialect::Anthropic, Dialect::Gemini];

/// One conversation.
struct Fixture {
    feature: String,
    request: String,
    answer: String,
    events: String,
    status: u16,
}

fn folder(dialect: Dialect) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wire").join(dialect.word())
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All of a dialect's, in order. Each has its three files, and the folder says what they were written from, and when.
fn fixtures(dialect: Dialect) -> Vec<Fixture> {
    let folder = folder(dialect);
    let about: toml::Table = read(&folder.join("sources.toml")).parse().unwrap();
    assert!(about["looked_at"].is_str() && about["sources"].is_array(), "{}", folder.display());
    let error_status = u16::try_from(about["error_status"].as_integer().unwrap()).unwrap();
    let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut features: Vec<String> =
        names.filter_map(|name| Some(name.strip_suffix(".request.json")?.to_owned())).collect();
    features.sort();
    let file = |feature: &str, kind: &str| read(&folder.join(format!("{feature}.{kind}")));
    let fixture = |feature: String| Fixture {
        request: file(&feature, "request.json"),
        answer: file(&feature, "answer.json"),
        events: file(&feature, "events.txt"),
        status: if feature == "error" { error_status } else { 200 },
        feature,
    };
    features.into_iter().map(fixture).collect()
}

/// The one that says nothing special.
fn plain(dialect: Dialect) -> String {
    read(&folder(dialect).join("plain.request.json"))
}

/// The same request, for an answer that streams.
fn for_a_stream(dialect: Dialect, request: &str) -> String {
    match dialect {
        Dialect::OpenAi | Dialect::Completions => {
            request.replacen('{', "{\"stream\":true,\"stream_options\":{\"include_usage\":true},", 1)
        }
        Dialect::Anthropic | Dialect::Responses => request.replacen('{', "{\"stream\":true,", 1),
        Dialect::Gemini => request.to_owned(),
    }
}

fn ask(gateway: &Gateway, dialect: Dialect, request: &str, stream: bool) -> Call {
    let path = match dialect {
        Dialect::OpenAi => "/v1/chat/completions",
        Dialect::Completions => "/v1/completions",
        Dialect::Anthropic => "/v1/messages",
        Dialect::Responses => "/v1/responses",
        Dialect::Gemini if stream => "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        Dialect::Gemini => "/v1beta/models/gemini-2.5-flash:generateContent",
    };
    let request = if stream { for_a_stream(dialect, request) } else { request.to_owned() };
    gateway.call("POST", path).body(request)
}

#[tokio::test(flavor = "multi_thread")]
async fn to_their_own_dialect_they_pass_byte_for_byte() {
    for dialect in DIALECTS {
        let provider = Provider::saying(Reply::nothing()).await;
        let plugins = [standard("pii"), standard("no-op")];
        let gateway = Gateway::with_plugins(plugins).upstream_in(dialect.word(), &provider).start().await;
        let fixtures = fixtures(dialect);
        assert!(fixtures.len() >= 9, "{dialect:?} has no conversations any more");
        for Fixture { feature, request, answer, events, status } in fixtures {
            let about = format!("{}/{feature}", dialect.word());
            provider.now_says([Reply::json(answer.clone()).status(status), Reply::events([events.clone()]).cut(97)]);
            let whole = ask(&gateway, dialect, &request, false).await;
            assert_eq!(provider.received().last().unwrap().text(), request, "{about}");
            assert_eq!((whole.status, whole.text()), (status, &*answer), "{about}");
            let streamed = ask(&gateway, dialect, &request, true).await;
            assert_eq!(provider.received().last().unwrap().text(), for_a_stream(dialect, &request), "{about}");
            assert_eq!((streamed.status, streamed.text()), (200, &*events), "{about}, streamed");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn in_the_other_dialects_they_say_the_same() {
    let mut all: BTreeMap<(&str, String), String> = BTreeMap::new();
    for own in DIALECTS {
        for other in DIALECTS.into_iter().filter(|other| *other != own) {
            let mut there = Translated::start(own, other).await;
            for fixture in fixtures(own) {
                let said = all.entry((own.word(), fixture.feature.clone())).or_default();
                said.push_str(&there.and_back(&fixture).await);
            }
        }
    }
    for ((dialect, feature), said) in all {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wire").join(dialect));
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(feature, timeless(&said)));
    }
}

/// What there is between a dialect and another: requests go to the other, answers come for callers of the other.
struct Translated {
    own: Dialect,
    other: Dialect,
    provider_of_other: Provider,
    strict: Gateway,
    lenient: Gateway,
    provider_of_own: Provider,
    back: Gateway,
}

impl Translated {
    async fn start(own: Dialect, other: Dialect) -> Self {
        let nothing = || Provider::saying(Reply::json("{}").status(400));
        let (provider_of_other, provider_of_own) = (nothing().await, nothing().await);
        let to_other = || Gateway::without_plugins().upstream_in(other.word(), &provider_of_other);
        let strict = to_other().start().await;
        let lenient = to_other().settings("translation.leave_out = ['*']").start().await;
        let back = Gateway::without_plugins().upstream_in(own.word(), &provider_of_own);
        let back = back.settings("translation.leave_out = ['*']").start().await;
        Self { own, other, provider_of_other, strict, lenient, provider_of_own, back }
    }

    /// What the other's provider gets, and what the other's callers get.
    async fn and_back(&mut self, fixture: &Fixture) -> String {
        let (other, mut text) = (self.other.word(), String::new());
        writeln!(text, "==== the request, for a provider of {other}").unwrap();
        let before = self.provider_of_other.received().len();
        let refused = ask(&self.strict, self.own, &fixture.request, false).await;
        let mut received = self.provider_of_other.received();
        if received.len() == before {
            writeln!(text, "refused: {}", refused.text().trim_end()).unwrap();
            let lenient = ask(&self.lenient, self.own, &fixture.request, false).await;
            writeln!(text, "left out: {}", lenient.header("x-sluicegate-left-out").unwrap_or("-")).unwrap();
            received = self.provider_of_other.received();
        }
        match received.get(before) {
            Some(received) => {
                writeln!(text, "{}\n{}", received.head.lines().next().unwrap(), pretty(received.text())).unwrap();
            }
            None => text.push_str("there is no way to say it\n"),
        }
        if let Some(left_out) = refused.header("x-sluicegate-left-out") {
            writeln!(text, "left out without asking: {left_out}").unwrap();
        }

        let question = plain(self.other);
        self.provider_of_own.now_says([
            Reply::json(fixture.answer.clone()).status(fixture.status),
            Reply::events([fixture.events.clone()]),
        ]);
        let whole = ask(&self.back, self.other, &question, false).await;
        writeln!(text, "\n==== the answer, for a caller of {other}").unwrap();
        writeln!(text, "{}", told(&whole, &pretty(whole.text()))).unwrap();
        let streamed = ask(&self.back, self.other, &question, true).await;
        writeln!(text, "\n==== the stream, for a caller of {other}").unwrap();
        writeln!(text, "{}\n", told(&streamed, streamed.text().replace("\r\n", "\n").trim_end())).unwrap();
        text
    }
}

/// Nothing of it depends on when it is written: times are none, and ids that the gateway makes are counted.
fn timeless(text: &str) -> String {
    let created = regex::Regex::new(r#"("created(_at)?": ?)\d+"#).unwrap();
    let made = regex::Regex::new("call_[0-9a-f]{32}").unwrap();
    let mut ids: Vec<&str> = Vec::new();
    for found in made.find_iter(text) {
        if !ids.contains(&found.as_str()) {
            ids.push(found.as_str());
        }
    }
    let numbered = |all: String, (number, id): (usize, &&str)| all.replace(id, &format!("call_MADE_{}", number + 1));
    ids.iter().enumerate().fold(created.replace_all(text, "${1}0").into_owned(), numbered)
}

fn told(answer: &Answer, body: &str) -> String {
    let left_out = answer.header("x-sluicegate-left-out").map(|what| format!("left out: {what}\n"));
    format!("{}\n{}{body}", answer.status, left_out.unwrap_or_default())
}

fn pretty(json: &str) -> String {
    match serde_json::from_str::<Value>(json) {
        Ok(value) => serde_json::to_string_pretty(&value).unwrap(),
        Err(_) => json.to_owned(),
    }
}
