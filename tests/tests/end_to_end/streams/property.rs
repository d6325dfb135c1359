//! Windowed equals whole: however a stream is cut, what is released is what the same guardrails release of the same
//! answer when it comes whole. Each case asks one gateway twice, over sockets.
//!
//! A failure is shrunk, and printed as a [`Case`]. `PROPTEST_CASES` and `PROPTEST_RNG_SEED` look further than the fixed
//! seed does.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use serde_json::{Value, json};
use sluicegate::plugin::Plugin;
use sluicegate_tests::{Answer, Gateway, Installed, Provider, Reply, chat, gentle, standard, streamed};

/// What the caller writes, for guardrails that restore.
const REQUEST: &str = "Alice (ada@example.com) and \"Bob\" <bob@example.org> wait for a call at +49 30 1234567.";

#[test]
fn windowed_equals_whole() {
    Bench::new().check(3_600, &cases(&[0, 1]));
}

/// Kinds of guardrails; of two that are in a chain, either may be the first.
const KINDS: &[&str] =
    &["mask-word", "grow", "empty", "upper", "hold-all", "deny-word", "watch", "note", "pii", "secrets"];
/// These are for requests; what they took out of one is restored in the answer.
const RESTORING: &[&str] = &["restore-pii", "restore-name", "restore-quoted"];
/// Streams are withheld until it has said that they may go.
const WITHHOLDING: &str = "answer-allow";

fn chain() -> impl Strategy<Value = Vec<String>> {
    let of = |kinds: &'static [&'static str], longest: usize| {
        let one = (prop::sample::select(kinds), 0..PLACES).prop_map(|(kind, place)| in_place(kind, place));
        prop::collection::vec(one, 0..=longest)
    };
    let restoring = prop::sample::subsequence(RESTORING, 1..=3);
    let named = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<Vec<_>>();
    prop_oneof![
        4 => of(KINDS, 4),
        3 => of(&["pii", "secrets", "upper"], 3),
        3 => (restoring, of(KINDS, 2)).prop_map(move |(restoring, chain)| [named(restoring), chain].concat()),
        1 => of(KINDS, 3).prop_map(|chain| [chain, vec![WITHHOLDING.to_owned(), "restore-name".to_owned()]].concat()),
    ]
}

/// The name of a kind's installation, the one that is early or the one that is late.
fn in_place(kind: &str, place: usize) -> String {
    format!("{place}-{kind}")
}

/// Every guardrail that some chain may have.
fn everything() -> Vec<Installed> {
    let restoring = [
        standard("pii").named("restore-pii").config("email = 'restore'\nphone = 'restore'"),
        gentle("restore-name"),
        gentle("restore-name").named("restore-quoted").config("word = '\"Bob\"'\nwith = '<{n}>'"),
    ];
    let mut all: Vec<Installed> = restoring.map(|plugin| plugin.set("order = 1\nphases = ['request']")).into();
    all.push(gentle("answer-deny").named(WITHHOLDING).config("answer = { do = 'allow' }"));
    for (number, kind) in KINDS.iter().enumerate() {
        // All late ones run behind all early ones, in the reverse order.
        for (place, order) in [10 + number, 99 - number].into_iter().enumerate() {
            all.push(
                installed(kind).named(&in_place(kind, place)).set(&format!("order = {order}\nphases = ['answer']")),
            );
        }
    }
    all
}

fn installed(kind: &str) -> Installed {
    match kind {
        // Texts of nothing but beginnings cost it more than the usual fuel; what that does is another test's matter.
        "pii" | "secrets" => standard(kind).set("limits.fuel = 2_000_000_000"),
        "watch" => gentle("mask-word").set("mode = 'observe'"),
        "note" => gentle("finding"),
        gentle_one => gentle(gentle_one),
    }
}

/// An answer, and how it is cut.
#[derive(Clone, Debug)]
struct Case {
    chain: Vec<String>,
    stream: Windows,
    lanes: Vec<Text>,
    /// Which lane comes next.
    order: Vec<At>,
    /// Whether a piece stands in the same event as the one before.
    together: Vec<bool>,
    spelling: Vec<Spelling>,
    /// Bytes of each write.
    writes: Vec<usize>,
    end: End,
    comments: bool,
    returns: bool,
}

/// A place in something, in parts of 65,536.
#[derive(Clone, Copy, Debug)]
struct At(u16);

fn at() -> impl Strategy<Value = At> {
    any::<u16>().prop_map(At)
}

impl At {
    fn index(self, length: usize) -> usize {
        (usize::from(self.0) * length) >> 16
    }
}

#[derive(Clone, Copy, Debug)]
struct Windows {
    bytes: usize,
    milliseconds: u64,
    context: usize,
}

#[derive(Clone, Debug)]
struct Text {
    choice: u32,
    channel: Channel,
    text: String,
    /// Where it is cut, counted in UTF-16: so a cut may be in the middle of a pair.
    cuts: Vec<At>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Channel {
    Content,
    Reasoning,
    Refusal,
    Call(u32),
}

/// How a character is written in JSON.
#[derive(Clone, Copy, Debug)]
enum Spelling {
    Plain,
    Ascii,
    Escaped,
}

/// How the stream ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Done,
    /// With `finish_reason` in the same event as the last text of the choice, as soon as it is all there.
    FinishAtOnce,
    WithoutDone,
    WithoutEmptyLine,
}

fn cases(choices: &'static [u32]) -> impl Strategy<Value = Case> {
    let windows =
        (1_usize..400, prop_oneof![Just(1_u64), 2..40_u64, Just(60_000)], prop_oneof![Just(256_usize), 257..600_usize])
            .prop_map(|(bytes, milliseconds, context)| Windows { bytes, milliseconds, context });
    let spelling = prop::sample::select(vec![Spelling::Plain, Spelling::Plain, Spelling::Ascii, Spelling::Escaped]);
    let writes = prop_oneof![1 => 1..10_usize, 4 => 10..400_usize, 3 => Just(1_000_000)];
    let end =
        prop::sample::select(vec![End::Done, End::Done, End::FinishAtOnce, End::WithoutDone, End::WithoutEmptyLine]);
    (
        (chain(), windows, prop::collection::vec(text(choices), 1..5)),
        prop::collection::vec(at(), 1..12),
        prop::collection::vec(prop::bool::weighted(0.2), 1..8),
        prop::collection::vec(spelling, 1..5),
        prop::collection::vec(writes, 1..8),
        end,
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.1),
    )
        .prop_map(|((chain, stream, mut lanes), order, together, spelling, writes, end, comments, returns)| {
            lanes.sort_by_key(|lane| (lane.choice, lane.channel));
            lanes.dedup_by_key(|lane| (lane.choice, lane.channel));
            Case { chain, stream, lanes, order, together, spelling, writes, end, comments, returns }
        })
}

fn text(choices: &'static [u32]) -> impl Strategy<Value = Text> {
    let channel = prop_oneof![
        4 => Just(Channel::Content),
        2 => Just(Channel::Reasoning),
        1 => Just(Channel::Refusal),
        2 => (0..2_u32).prop_map(Channel::Call),
    ];
    let cuts = prop_oneof![
        4 => prop::collection::vec(at(), 0..8),
        1 => prop::collection::vec(at(), 8..40),
    ];
    let text = prop::collection::vec(fragment(), 0..8).prop_map(|fragments| fragments.concat());
    (prop::sample::select(choices), channel, text, cuts).prop_map(|(choice, channel, text, cuts)| Text {
        choice,
        channel,
        text,
        cuts,
    })
}

fn fragment() -> impl Strategy<Value = String> {
    let telling = prop::sample::select(TELLING).prop_map(str::to_owned);
    let beginning = (prop::sample::select(TELLING), at()).prop_map(|(whole, at)| {
        let ends: Vec<usize> = whole.char_indices().map(|(at, _)| at).collect();
        whole[..ends[at.index(ends.len())]].to_owned()
    });
    let run = (
        prop::sample::select(vec!["secre", "1", "a.", "x", "ab@", "[NAME_", "\u{301}", "-", "\u{1f600}", " "]),
        1..60_usize,
    )
        .prop_map(|(of, times)| of.repeat(times));
    let long = (prop::sample::select(vec!["word ", "4111 1111 ", "é", "b", "a@b.", "sk-", "\n"]), 100..900_usize)
        .prop_map(|(of, times)| of.repeat(times));
    prop_oneof![
        12 => telling,
        4 => beginning,
        4 => prop::sample::select(vec![" ", ", ", ".", "\n", "\"", "\\", "/", ":", "", "\u{0}", "\u{7f}"]).prop_map(str::to_owned),
        3 => "\\PC{0,6}",
        1 => any::<String>(),
        1 => run,
        1 => prop::option::weighted(0.3, long).prop_map(Option::unwrap_or_default),
    ]
}

/// What one of the guardrails looks for, or stumbles upon.
const TELLING: &[&str] = &[
    "secret",
    "sesecret",
    "drop",
    "drodropp",
    "forbid",
    "forbidden",
    "xx",
    "aa",
    "[x]",
    "Alice",
    "ada.lovelace@example.com",
    "jürgen@exämple.de",
    "a@b.co",
    "john\\u0040example.com",
    "<ada@example.com>",
    "4111 1111 1111 1111",
    "4111111111111111",
    "5500-0000-0000-0004",
    "378282246310005",
    "4111 1111 1111 1112",
    "+49 30 1234567",
    "(555) 234-5678",
    "0049 30 123456",
    "030 1234567",
    "+1-555-234-5678",
    "DE89 3704 0044 0532 0130 00",
    "GB29NWBK60161331926819",
    "FR14 2004 1010 0505 0001 3M02 606",
    "123-45-6789",
    "192.168.17.4",
    "2001:db8::8a2e:370:7334",
    "10.0.0.1:8080",
    "127.0.0.1",
    "born 1980-03-14",
    "date of birth: March 14, 1980",
    "14.3.1980 geboren",
    "1980-03-14",
    "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKL",
    "AKIAIOSFODNN7EXAMPLE",
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
    "glpat-abcdefghij0123456789",
    "xoxb-123456789012-123456789012-abcdefghijklmnopqrstuvwx",
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "-----BEGIN PRIVATE KEY-----\nMIIBVQIBADANBgkqhkiG9w0BAQEFAASCAT8wggE7AgEAAkEA\n-----END PRIVATE KEY-----",
    "postgres://user:pa55w0rd@db.example.com:5432/app",
    "password = \"correct horse\"",
    "https://user:hunter2@example.com/",
    "[EMAIL_1]",
    "[EMAIL_2]",
    "[PHONE_1]",
    "[NAME_1]",
    "<1>",
    "[EMAIL_",
    "[NAME_1",
    "[EMAIL_10]",
    "\u{1f600}",
    "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467}",
    "e\u{301}",
    "é",
    "\u{fffd}",
    "\u{200b}",
    "日本語",
    "\u{10ffff}",
    "\u{1f1e9}\u{1f1ea}",
    "\\n",
    "\\u0041",
    "\\ud83d",
    "\\\"",
    "{\"key\": \"value\"}",
    "\t\r\n",
    "\u{1}\u{1f}",
    "data: ",
    "\n\n",
    "The quick brown fox jumps over the lazy dog. ",
    "and so on, ",
    "1234567890",
    "2024-12-24 18:00:00",
];

/// A gateway with all guardrails of some kinds, and a provider behind it.
struct Bench {
    runtime: tokio::runtime::Runtime,
    gateway: Gateway,
    provider: Provider,
    plugins: Vec<Arc<Plugin>>,
}

/// A kind is early or late in a chain.
const PLACES: usize = 2;

impl Bench {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (gateway, provider) = runtime.block_on(async {
            let provider = Provider::saying(Reply::nothing()).await;
            let mut gateway = Gateway::with_plugins(everything()).upstream(&provider).start().await;
            gateway.stop_watching().await;
            (gateway, provider)
        });
        let plugins = gateway.host.generation().plugins.clone();
        Self { runtime, gateway, provider, plugins }
    }

    fn check(&self, count: u32, cases: &impl Strategy<Value = Case>) {
        let mut config = Config { failure_persistence: None, max_shrink_iters: 3_000, ..Config::default() };
        if std::env::var_os("PROPTEST_CASES").is_none() {
            config.cases = count;
        }
        if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
            config.rng_seed = RngSeed::Fixed(20_261_123);
        }
        let checked = TestRunner::new(config).run(cases, |case| self.runtime.block_on(self.hold(&case)));
        checked.unwrap_or_else(|failure| panic!("{failure}"));
    }

    /// Ask twice, and compare.
    async fn hold(&self, case: &Case) -> Result<(), TestCaseError> {
        self.publish(case).await;
        let sent = case.events();
        self.provider.now_says([Reply::json(case.whole()), Reply::events(case.writes(&sent))]);
        let whole = self.gateway.ask(chat(REQUEST)).await;
        let windowed = self.gateway.ask(streamed(REQUEST)).await;
        if whole.status != 200 {
            prop_assert_eq!(whole.code(), "test.denied", "{}", whole.text());
            prop_assert_eq!(windowed.code(), "test.denied", "{}", windowed.text());
            if windowed.status == 200 {
                prop_assert!(windowed.finishes().contains(&"content_filter".to_owned()), "{}", windowed.text());
                let said = said(&windowed, "delta");
                let ends =
                    said.iter().filter(|((_, channel), _)| channel == "finish").map(|(_, reason)| reason.as_str());
                let mut ends = ends.map(|reason| matches!(reason, "stop" | "content_filter"));
                prop_assert!(ends.all(|once| once), "{}", windowed.text());
            }
            return Ok(());
        }
        prop_assert_eq!(windowed.status, 200, "{}", windowed.text());
        let (said, expected) = (said(&windowed, "delta"), said(&whole, "message"));
        prop_assert_eq!(said, expected, "{}", windowed.text());
        compare_events(&sent, &windowed)
    }

    async fn publish(&self, case: &Case) {
        let is_wanted = |plugin: &&Arc<Plugin>| case.chain.iter().any(|name| **name == *plugin.name);
        let plugins = self.plugins.iter().filter(is_wanted).cloned().collect();
        let mut settings = (*self.gateway.host.generation().settings).clone();
        settings.stream.window_bytes = case.stream.bytes;
        settings.stream.window = Duration::from_millis(case.stream.milliseconds);
        settings.stream.context_bytes = case.stream.context;
        settings.stream.hold_bytes_max = 1 << 20;
        self.gateway.host.publish(Arc::new(settings), plugins).await;
    }
}

/// One event for each that was sent, with the same bytes where no text of it changed; the last is the last.
fn compare_events(sent: &[String], windowed: &Answer) -> Result<(), TestCaseError> {
    let events = windowed.events();
    prop_assert_eq!(events.len(), sent.len(), "{}", windowed.text());
    prop_assert_eq!(
        events.last().map(|event| event.contains("[DONE]")),
        sent.last().map(|event| event.contains("[DONE]"))
    );
    let by_number: BTreeMap<&str, &str> = events.into_iter().map(|event| (number_of(event), event)).collect();
    for sent in sent.iter().map(|sent| sent.trim_end()) {
        // Half a character is no JSON to every parser, so events with one are written anew.
        let json = sent.strip_prefix("data: ").and_then(|data| serde_json::from_str::<Value>(data).ok());
        let Some(before) = json.filter(|_| !sent.contains('\r')) else { continue };
        let Some(event) = by_number.get(number_of(sent)) else {
            return Err(TestCaseError::fail(format!("lost {sent}")));
        };
        let after: Value = serde_json::from_str(&event["data: ".len()..]).unwrap();
        prop_assert!(*event == sent || before != after, "written anew without a change: {} {}", sent, event);
    }
    Ok(())
}

/// The number of an event, as [`Case::events`] writes it.
fn number_of(event: &str) -> &str {
    event.split("\"created\":").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or_default()
}

/// What every choice says in every channel.
fn said(answer: &Answer, message: &str) -> BTreeMap<(u64, String), String> {
    let bodies = if message == "delta" { answer.chunks() } else { vec![answer.json()] };
    let mut all: BTreeMap<(u64, String), String> = BTreeMap::new();
    for choice in bodies.iter().filter_map(|body| body["choices"].as_array()).flatten() {
        let index = choice["index"].as_u64().unwrap();
        let mut say = |channel: String, text: &Value| {
            if let Some(text) = text.as_str() {
                all.entry((index, channel)).or_default().push_str(text);
            }
        };
        for channel in ["content", "reasoning_content", "refusal"] {
            say(channel.to_owned(), &choice[message][channel]);
        }
        for (position, call) in choice[message]["tool_calls"].as_array().into_iter().flatten().enumerate() {
            let call_index = call["index"].as_u64().or(call["id"].as_str().map(|id| id[5..].parse().unwrap()));
            let call_index = call_index.unwrap_or(position as u64);
            say(format!("name {call_index}"), &call["function"]["name"]);
            say(format!("arguments {call_index}"), &call["function"]["arguments"]);
        }
        say("finish".to_owned(), &choice["finish_reason"]);
    }
    all.retain(|_, text| !text.is_empty());
    all
}

impl Case {
    /// The answer at once.
    fn whole(&self) -> String {
        let mut choices: BTreeMap<u32, Value> = BTreeMap::new();
        for Text { choice, channel, text, .. } in &self.lanes {
            let message = choices.entry(*choice).or_insert_with(|| json!({"role": "assistant"}));
            match channel {
                Channel::Content => message["content"] = json!(text),
                Channel::Reasoning => message["reasoning_content"] = json!(text),
                Channel::Refusal => message["refusal"] = json!(text),
                Channel::Call(index) => {
                    let call = json!({"id": format!("call_{index}"), "type": "function",
                        "function": {"name": "look_up", "arguments": text}});
                    match message["tool_calls"].as_array_mut() {
                        Some(calls) => calls.push(call),
                        None => message["tool_calls"] = json!([call]),
                    }
                }
            }
        }
        let choices: Vec<Value> = choices
            .into_iter()
            .map(|(index, message)| json!({"index": index, "message": message, "finish_reason": "stop"}))
            .collect();
        json!({"id": "c-1", "object": "chat.completion", "created": 1, "model": "m", "choices": choices}).to_string()
    }

    /// The same in events.
    fn events(&self) -> Vec<String> {
        let mut pieces: Vec<std::vec::IntoIter<Vec<u16>>> =
            self.lanes.iter().map(|lane| lane.pieces().into_iter()).collect();
        let mut started: Vec<(u32, u32)> = Vec::new();
        let mut bodies: Vec<Vec<String>> = Vec::new();
        let mut number = 0;
        loop {
            let left: Vec<usize> = (0..pieces.len()).filter(|lane| pieces[*lane].len() > 0).collect();
            if left.is_empty() {
                break;
            }
            let lane = left[self.order[number % self.order.len()].index(left.len())];
            let units = pieces[lane].next().unwrap();
            let Text { choice, channel, .. } = &self.lanes[lane];
            let literal = literal(&units, self.spelling[number % self.spelling.len()]);
            let delta = match channel {
                Channel::Content => format!("\"content\":{literal}"),
                Channel::Reasoning => format!("\"reasoning_content\":{literal}"),
                Channel::Refusal => format!("\"refusal\":{literal}"),
                Channel::Call(index) if started.contains(&(*choice, *index)) => {
                    format!("\"tool_calls\":[{{\"index\":{index},\"function\":{{\"arguments\":{literal}}}}}]")
                }
                Channel::Call(index) => {
                    started.push((*choice, *index));
                    format!(
                        "\"tool_calls\":[{{\"index\":{index},\"id\":\"call_{index}\",\"type\":\"function\",\
                        \"function\":{{\"name\":\"look_up\",\"arguments\":{literal}}}}}]"
                    )
                }
            };
            let choice_goes_on =
                (0..pieces.len()).any(|lane| self.lanes[lane].choice == *choice && pieces[lane].len() > 0);
            let finish = match self.end {
                End::FinishAtOnce if !choice_goes_on => "\"stop\"",
                _ => "null",
            };
            let body = format!("{{\"index\":{choice},\"delta\":{{{delta}}},\"finish_reason\":{finish}}}");
            match bodies.last_mut() {
                Some(last) if self.together[number % self.together.len()] => last.push(body),
                _ => bodies.push(vec![body]),
            }
            number += 1;
        }
        if !matches!(self.end, End::FinishAtOnce) {
            let mut choices: Vec<u32> = self.lanes.iter().map(|lane| lane.choice).collect();
            choices.dedup();
            let finish = |choice| vec![format!("{{\"index\":{choice},\"delta\":{{}},\"finish_reason\":\"stop\"}}")];
            bodies.extend(choices.into_iter().map(finish));
        }
        let mut events = Vec::new();
        for (number, choices) in bodies.iter().enumerate() {
            let choices = choices.join(",");
            events.push(format!(
                "data: {{\"id\":\"c-1\",\"created\":{number},\"model\":\"m\",\"choices\":[{choices}]}}\n\n"
            ));
            if self.comments && number % 3 == 1 {
                events.push(": still there\n\n".to_owned());
            }
        }
        match self.end {
            End::WithoutDone => {}
            End::WithoutEmptyLine => events.push("data: [DONE]".to_owned()),
            End::Done | End::FinishAtOnce => events.push("data: [DONE]\n\n".to_owned()),
        }
        if self.returns {
            events.iter_mut().for_each(|event| *event = event.replace('\n', "\r\n"));
        }
        events
    }

    /// The events' bytes, however they are cut.
    fn writes(&self, events: &[String]) -> Vec<Vec<u8>> {
        let all = events.concat().into_bytes();
        // A write costs the test a call of the system.
        let least = all.len() / 500 + 1;
        let mut writes = Vec::new();
        let mut rest = &*all;
        while !rest.is_empty() {
            let size = self.writes[writes.len() % self.writes.len()].max(least).min(rest.len());
            let (write, behind) = rest.split_at(size);
            writes.push(write.to_vec());
            rest = behind;
        }
        writes
    }
}

impl Text {
    fn pieces(&self) -> Vec<Vec<u16>> {
        let units: Vec<u16> = self.text.encode_utf16().collect();
        let mut cuts: Vec<usize> = self.cuts.iter().map(|cut| cut.index(units.len() + 1)).collect();
        cuts.push(units.len());
        cuts.sort_unstable();
        let mut from = 0;
        let mut piece = |to: usize| units[std::mem::replace(&mut from, to)..to].to_vec();
        cuts.into_iter().map(&mut piece).collect()
    }
}

fn literal(units: &[u16], spelling: Spelling) -> String {
    let mut literal = String::from("\"");
    for character in char::decode_utf16(units.iter().copied()) {
        let escape = |literal: &mut String, units: &[u16]| {
            units.iter().for_each(|unit| write!(literal, "\\u{unit:04x}").unwrap());
        };
        match (character, spelling) {
            (Err(half), _) => escape(&mut literal, &[half.unpaired_surrogate()]),
            (Ok(character), Spelling::Escaped) => escape(&mut literal, character.encode_utf16(&mut [0; 2])),
            (Ok(character), Spelling::Ascii) if !character.is_ascii() => {
                escape(&mut literal, character.encode_utf16(&mut [0; 2]));
            }
            (Ok('/'), Spelling::Ascii) => literal.push_str("\\/"),
            (Ok(character), _) => {
                let quoted = json!(character).to_string();
                literal.push_str(&quoted[1..quoted.len() - 1]);
            }
        }
    }
    literal.push('"');
    literal
}
