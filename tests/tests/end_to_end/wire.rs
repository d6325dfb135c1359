//! Golden conversations in the shapes that the providers document: `tests/fixtures/wire` holds for each format and feature
//! a request, the answer, and the same answer as a stream. To its own dialect each passes byte for byte; what becomes of it
//! in the others stands beside it, so that a change of a translation is seen.

mod azure;
mod bedrock;
mod completions;
mod conversations;
mod count_tokens;
mod embeddings;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sluicegate::endpoint::Dialect;
use sluicegate_tests::{Answer, Call, Gateway, Provider, Reply, standard};

/// The dialects of conversations, each of which is translated to each other.
const CONVERSATIONS: [Dialect; 4] = [Dialect::OpenAi, Dialect::Responses, Dialect::Anthropic, Dialect::Gemini];
/// What cannot be said is left out, and told.
const LENIENT: &str = "translation.leave_out = ['*']";

/// The fixtures of one format.
struct Folder {
    path: PathBuf,
    /// The statuses of features that are errors.
    errors: toml::Table,
}

/// One conversation.
struct Fixture {
    feature: String,
    request: String,
    answer: String,
    /// Nothing where the provider answers whole even if it is asked for a stream.
    events: Option<String>,
    status: u16,
}

impl Folder {
    /// The folder says what its conversations were written from, and when.
    fn of(name: &str) -> Self {
        let path = fixtures().join(name);
        let about: toml::Table = read(&path.join("sources.toml")).unwrap().parse().unwrap();
        assert!(about["looked_at"].is_str() && about["sources"].is_array(), "{}", path.display());
        Self { errors: about["errors"].as_table().unwrap().clone(), path }
    }

    /// Those that have a file of this kind, in order.
    fn features(&self, kind: &str) -> Vec<String> {
        let names =
            std::fs::read_dir(&self.path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut features: Vec<String> =
            names.filter_map(|name| Some(name.strip_suffix(kind)?.strip_suffix('.')?.to_owned())).collect();
        features.sort();
        features
    }

    fn find(&self, feature: &str, kind: &str) -> Option<String> {
        read(&self.path.join(format!("{feature}.{kind}")))
    }

    fn file(&self, feature: &str, kind: &str) -> String {
        self.find(feature, kind).unwrap_or_else(|| panic!("no {feature}.{kind} in {}", self.path.display()))
    }

    fn status(&self, feature: &str) -> u16 {
        self.errors.get(feature).map_or(200, |status| status.as_integer().unwrap().try_into().unwrap())
    }

    fn conversation(&self, feature: &str) -> Fixture {
        Fixture {
            request: self.file(feature, "request.json"),
            answer: self.file(feature, "answer.json"),
            events: self.find(feature, "events.txt"),
            status: self.status(feature),
            feature: feature.to_owned(),
        }
    }

    fn conversations(&self) -> Vec<Fixture> {
        self.features("request.json").iter().map(|feature| self.conversation(feature)).collect()
    }
}

impl Fixture {
    /// What the provider says to the request, and to the same for a stream.
    fn replies(&self) -> [Reply; 2] {
        let whole = Reply::json(self.answer.clone()).status(self.status);
        let stream = self.events.clone().map(|events| Reply::events([events]).cut(97));
        [whole.clone(), stream.unwrap_or(whole)]
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wire")
}

/// Nothing if there is no such file.
fn read(path: &Path) -> Option<String> {
    path.exists().then(|| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The request that says nothing special.
fn plain(dialect: Dialect) -> String {
    Folder::of(dialect.word()).file("plain", "request.json")
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

/// Send these conversations through a gateway with guardrails, whole and as streams: neither what goes out nor what comes
/// back differs by a byte. Gives the provider that was asked.
async fn pass_unchanged(
    dialect: Dialect,
    upstream: &'static str,
    settings: &str,
    conversations: &[Fixture],
) -> Provider {
    let provider = Provider::saying(Reply::nothing()).await;
    let setup = Gateway::with_plugins([standard("pii"), standard("no-op")]).upstream_in(upstream, &provider);
    let gateway = setup.settings(settings).start().await;
    for fixture in conversations {
        let about = format!("{}/{}", dialect.word(), fixture.feature);
        provider.now_says(fixture.replies());
        let whole = ask(&gateway, dialect, &fixture.request, false).await;
        assert_eq!(provider.received().last().unwrap().text(), fixture.request, "{about}");
        assert_eq!((whole.status, whole.text()), (fixture.status, &*fixture.answer), "{about}");
        let streamed = ask(&gateway, dialect, &fixture.request, true).await;
        assert_eq!(provider.received().last().unwrap().text(), for_a_stream(dialect, &fixture.request), "{about}");
        let expected = fixture.events.as_ref().map_or((fixture.status, &*fixture.answer), |events| (200, &**events));
        assert_eq!((streamed.status, streamed.text()), expected, "{about}, streamed");
    }
    provider
}

/// The same for questions whose answers come whole.
async fn pass_unchanged_whole(upstream: &'static str, folder: &Folder, ask: impl Fn(&Gateway, &str) -> Call) {
    let provider = Provider::saying(Reply::nothing()).await;
    let setup = Gateway::with_plugins([standard("pii"), standard("no-op")]).upstream_in(upstream, &provider);
    let gateway = setup.start().await;
    for feature in folder.features("request.json") {
        let (request, answer) = (folder.file(&feature, "request.json"), folder.file(&feature, "answer.json"));
        let status = folder.status(&feature);
        provider.now_says([Reply::json(answer.clone()).status(status)]);
        let got = ask(&gateway, &request).await;
        assert_eq!((got.status, got.text()), (status, &*answer), "{feature}");
        assert_eq!(provider.received().last().unwrap().text(), request, "{feature}");
    }
}

/// Shows what a provider is asked when callers of another dialect ask.
struct Asked {
    provider: Provider,
    strict: Gateway,
    lenient: Gateway,
}

impl Asked {
    async fn start(upstream: &'static str, settings: &str) -> Self {
        let provider = Provider::saying(Reply::json("{}").status(400)).await;
        let setup = || Gateway::without_plugins().upstream_in(upstream, &provider).settings(settings);
        let strict = setup().start().await;
        let lenient = setup().settings(LENIENT).start().await;
        Self { provider, strict, lenient }
    }

    /// Where something of it cannot be said: what is left out, and the rest.
    async fn by(&self, call: impl Fn(&Gateway) -> Call) -> String {
        let mut text = String::new();
        let before = self.provider.received().len();
        let refused = call(&self.strict).await;
        let mut received = self.provider.received();
        if received.len() == before {
            writeln!(text, "refused: {}", refused.text().trim_end()).unwrap();
            let lenient = call(&self.lenient).await;
            writeln!(text, "left out: {}", lenient.header("x-sluicegate-left-out").unwrap_or("-")).unwrap();
            received = self.provider.received();
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
        text
    }
}

/// Shows what a caller gets of a provider of another format.
struct Answered {
    provider: Provider,
    gateway: Gateway,
}

impl Answered {
    async fn start(upstream: &'static str, settings: &str) -> Self {
        let provider = Provider::saying(Reply::nothing()).await;
        let setup = Gateway::without_plugins().upstream_in(upstream, &provider).settings(settings);
        Self { gateway: setup.settings(LENIENT).start().await, provider }
    }

    /// What a caller of conversations gets, whole and as a stream.
    async fn to(&self, caller: Dialect, replies: [Reply; 2]) -> String {
        let (word, question) = (caller.word(), plain(caller));
        self.provider.now_says(replies);
        let whole = ask(&self.gateway, caller, &question, false).await;
        let whole = told(&whole, &pretty(whole.text()));
        let streamed = ask(&self.gateway, caller, &question, true).await;
        let streamed = told(&streamed, streamed.text().replace("\r\n", "\n").trim_end());
        format!(
            "==== the answer, for a caller of {word}\n{whole}\n\n==== the stream, for a caller of {word}\n{streamed}\n\n"
        )
    }
}

/// Keep it beside the fixture.
fn snapshot(folder: &str, feature: &str, said: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(fixtures().join(folder));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(feature, timeless(said)));
}

/// Nothing of it depends on when it is written: times are none, and ids that the gateway makes are counted.
fn timeless(text: &str) -> String {
    let created = regex::Regex::new(r#"("created(_at)?": ?)\d+"#).unwrap();
    let made = regex::Regex::new("[0-9a-f]{32}").unwrap();
    let mut ids: Vec<&str> = Vec::new();
    for found in made.find_iter(text) {
        if !ids.contains(&found.as_str()) {
            ids.push(found.as_str());
        }
    }
    let numbered = |all: String, (number, id): (usize, &&str)| all.replace(id, &format!("MADE_{}", number + 1));
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
