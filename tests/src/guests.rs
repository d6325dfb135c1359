//! The guests of the tests: small plugins in the text format, each of which does one hostile thing, and the table of
//! what the gateway must say to it.
//!
//! A file in `guests/` holds the fields of a module; [`guest`] puts `prelude.wat` behind them, which makes the rest of
//! a well-behaved plugin. The first lines say what the attack is. Some lines are orders to this file:
//!
//! - `;; exports: NAME NAME`: the interfaces that the guest exports beside `lifecycle`, in place of `text-guardrail`.
//! - `;; repeat NUMBER: TEXT`: that text, that many times.
//! - `;; with patterns`: `prelude-patterns.wat` stands in front; the guest has a set of expressions.
//! - `;; component`: the file holds the fields of a component; what is put behind them is `prelude-component.wat`.
//! - `;; without metadata`: the component type is not embedded.
//! - `;; bytes: NUMBER`, `;; bytes: text`: not the plugin, but so many bytes of its beginning, or this text itself.
//!
//! A file that begins its code with `(module` or `(component` is complete and gets no prelude.

use std::error::Error;
use std::fmt::Write as _;
use std::path::PathBuf;

use wit_component::StringEncoding;
use wit_parser::Resolve;

/// A text that fires every attack: it holds the word that they wait for, and ends with a character of two bytes. The
/// attacks on `cabi_realloc` know its length, 44 bytes, for they cannot read the text that memory is asked for; so it
/// must be a segment of its own.
pub const TRIGGER: &str = "the sluices are under attack, said the café";

/// When a guest shows what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// The gateway must not take it into service.
    AtLoad,
    /// It loads, passes the probe and behaves, until it meets [`TRIGGER`].
    InService,
}

/// Where [`TRIGGER`] must stand to fire it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum On {
    /// Nowhere: it fires when it is loaded.
    Load,
    /// In any segment of a request or an answer.
    Text,
    /// In a window that is not final: a streamed answer in which more text follows.
    Stream,
    /// In a segment of a request; the guest is a request guardrail.
    Request,
    /// In a segment of an answer; the guest is an answer guardrail.
    Answer,
}

/// A hostile guest, and what must become of it.
#[derive(Clone, Copy, Debug)]
pub struct Hostile {
    /// The file's name, without `.wat`.
    pub name: &'static str,
    /// At load or in service.
    pub when: When,
    /// What fires it.
    pub on: On,
    /// How the hostile call ends, in the words of the host's `Outcome`; at load, where the loader gives its reason as a
    /// sentence, `refused` means that it came to no call, or that the plugin itself objected to its configuration.
    pub outcome: &'static str,
    /// May the exchange go on? If not, the installation's `on_failure` decides.
    pub passes: bool,
}

impl Hostile {
    /// The attack, in the words that its file begins with.
    #[must_use]
    pub fn about(&self) -> String {
        let own = read(self.name);
        let words = own.lines().map_while(|line| line.strip_prefix(";; ")).take_while(|l| !l.starts_with("Expected: "));
        words.collect::<Vec<_>>().join(" ")
    }
}

const fn at_load(name: &'static str, outcome: &'static str) -> Hostile {
    Hostile { name, when: When::AtLoad, on: On::Load, outcome, passes: false }
}

const fn in_service(name: &'static str, on: On, outcome: &'static str) -> Hostile {
    Hostile { name, when: When::InService, on, outcome, passes: false }
}

/// It tries something, but the gateway can do as the contract says, and the exchange goes on.
const fn harmless(name: &'static str, on: On) -> Hostile {
    Hostile { name, when: When::InService, on, outcome: "said", passes: true }
}

/// The bytes of a guest as a toolchain would leave them in its target directory.
///
/// # Panics
/// When there is no such guest or it is no WebAssembly.
#[must_use]
pub fn guest(name: &str) -> Vec<u8> {
    written(name, &read(name))
}

/// A guest that a test writes for itself, in the language of the files.
///
/// # Panics
/// When it is no WebAssembly.
#[must_use]
pub fn written(name: &str, own: &str) -> Vec<u8> {
    let bytes_max = order(own, ";; bytes: ");
    if bytes_max == Some("text") {
        return own.as_bytes().to_vec();
    }
    let source = source(name, own);
    let mut bytes = wat::parse_str(&source).unwrap_or_else(|error| panic!("{name}.wat: {error}"));
    let component = order(own, ";; component").is_some() || order(own, "(component").is_some();
    if !component && order(own, ";; without metadata").is_none() {
        embed_world(&mut bytes, &source).unwrap_or_else(|error| panic!("{name}.wat: {error:#}"));
    }
    if let Some(bytes_max) = bytes_max {
        bytes.truncate(bytes_max.parse().unwrap());
    }
    bytes
}

/// The names of all files with guests, sorted.
///
/// # Panics
/// When the folder cannot be read.
#[must_use]
pub fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = files
        .filter_map(|file| file.strip_suffix(".wat").map(str::to_owned))
        .filter(|name| !name.starts_with("prelude"))
        .collect();
    names.sort();
    names
}

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/guests"))
}

fn read(name: &str) -> String {
    let path = folder().join(format!("{name}.wat"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What a line says behind its beginning.
fn order<'a>(own: &'a str, begins: &str) -> Option<&'a str> {
    own.lines().find_map(|line| line.strip_prefix(begins)).map(str::trim)
}

/// The whole text: the preludes around the guest's own, what is repeated written out.
fn source(name: &str, own: &str) -> String {
    let mut text = String::from(own);
    if order(own, ";; component").is_some() {
        text.push_str(&parts(&read("prelude-component"), own, ""));
        let module = parts(&read("prelude"), &text, "text-guardrail");
        text = format!("(component\n{}\n)", text.replace(";; prelude.wat", &module));
    } else if order(own, "(module").is_none() && order(own, "(component").is_none() {
        if order(own, ";; with patterns").is_some() {
            text = parts(&read("prelude-patterns"), own, "") + own;
        }
        let exports = order(own, ";; exports:").unwrap_or("text-guardrail");
        text = text.clone() + &parts(&read("prelude"), &text, exports);
    }
    let text = text.replace("{name}", name).replace("{name.len}", &name.len().to_string());
    text.lines().fold(String::new(), |mut whole, line| {
        match line.trim_start().strip_prefix(";; repeat ").and_then(|rest| rest.split_once(": ")) {
            Some((times, repeated)) => (0..times.parse().unwrap()).for_each(|_| writeln!(whole, "{repeated}").unwrap()),
            None => writeln!(whole, "{line}").unwrap(),
        }
        whole
    })
}

/// A prelude without the parts that the guest wrote itself. What stands before the first part stays.
fn parts(prelude: &str, own: &str, exports: &str) -> String {
    let mut parts = prelude.split("\n;; unless ");
    let mut kept = String::from(parts.next().unwrap_or_default());
    for part in parts {
        let (unless, rest) = part.split_once('\n').unwrap();
        let wanted = rest.strip_prefix(";; exports ").and_then(|rest| rest.lines().next());
        let exported = wanted.is_none_or(|names| names.split(' ').any(|name| exports.split(' ').any(|e| e == name)));
        if exported && !own.contains(unless) {
            writeln!(kept, "\n{rest}").unwrap();
        }
    }
    kept
}

/// Embed the component type as `wit-bindgen` does: a world with just the interfaces that the module names.
fn embed_world(module: &mut Vec<u8>, source: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut world = String::from("package sluicegate-tests:guest;\nworld guest {\n");
    for (kind, names) in [("import", interfaces(source, "(import \"")), ("export", interfaces(source, "(export \""))] {
        for name in names {
            writeln!(world, "    {kind} {name};")?;
        }
    }
    world.push('}');

    let mut resolve = Resolve::default();
    resolve.push_dir(folder().join("../../wit"))?;
    resolve.push_source("strangers.wit", STRANGERS)?;
    resolve.push_source("wasi.wit", WASI)?;
    let package = resolve.push_source("guest.wit", &world)?;
    let world = resolve.select_world(&[package], None)?;
    wit_component::embed_component_metadata(module, &resolve, world, StringEncoding::UTF8, false)?;
    Ok(())
}

/// Interfaces that no host of this version offers.
const STRANGERS: &str = "
    package strangers:deposit@1.0.0;
    interface vault { open: func(); }
    package sluicegate:plugin@0.9.0 { interface patterns { find: func(); } }
";

/// What guests of the tests use of WASI 0.2, in the words of its own definition.
const WASI: &str = "
    package sluicegate-tests:wasi;
    package wasi:io@0.2.0 {
        interface error { resource error; }
        interface poll { resource pollable { block: func(); } }
        interface streams {
            use error.{error};
            variant stream-error { last-operation-failed(error), closed }
            resource input-stream {
                blocking-read: func(len: u64) -> result<list<u8>, stream-error>;
            }
            resource output-stream {
                blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>;
            }
        }
    }
    package wasi:cli@0.2.0 {
        interface environment {
            get-environment: func() -> list<tuple<string, string>>;
            get-arguments: func() -> list<string>;
        }
        interface exit { exit: func(status: result); }
        interface stdin { use wasi:io/streams@0.2.0.{input-stream}; get-stdin: func() -> input-stream; }
        interface stdout { use wasi:io/streams@0.2.0.{output-stream}; get-stdout: func() -> output-stream; }
    }
    package wasi:clocks@0.2.0 {
        interface monotonic-clock {
            use wasi:io/poll@0.2.0.{pollable};
            type instant = u64;
            type duration = u64;
            now: func() -> instant;
            subscribe-duration: func(when: duration) -> pollable;
        }
        interface wall-clock {
            record datetime { seconds: u64, nanoseconds: u32 }
            now: func() -> datetime;
        }
    }
    package wasi:random@0.2.0 {
        interface random {
            get-random-bytes: func(len: u64) -> list<u8>;
            get-random-u64: func() -> u64;
        }
    }
    package wasi:filesystem@0.2.0 {
        interface types { resource descriptor; }
        interface preopens {
            use types.{descriptor};
            get-directories: func() -> list<tuple<descriptor, string>>;
        }
    }
    package wasi:sockets@0.2.0 {
        interface network {
            enum error-code {
                unknown, access-denied, not-supported, invalid-argument, out-of-memory, timeout, concurrency-conflict,
                not-in-progress, would-block, invalid-state, new-socket-limit, address-not-bindable, address-in-use,
                remote-unreachable, connection-refused, connection-reset, connection-aborted, datagram-too-large,
                name-unresolvable, temporary-resolver-failure, permanent-resolver-failure
            }
            enum ip-address-family { ipv4, ipv6 }
        }
        interface tcp { resource tcp-socket; }
        interface tcp-create-socket {
            use network.{error-code, ip-address-family};
            use tcp.{tcp-socket};
            create-tcp-socket: func(address-family: ip-address-family) -> result<tcp-socket, error-code>;
        }
        interface udp { resource udp-socket; }
        interface udp-create-socket {
            use network.{error-code, ip-address-family};
            use udp.{udp-socket};
            create-udp-socket: func(address-family: ip-address-family) -> result<udp-socket, error-code>;
        }
    }
";

/// The interfaces in the names of imports or exports: `a:b/c@1.0.0` in `a:b/c@1.0.0#f`.
fn interfaces(source: &str, keyword: &str) -> Vec<String> {
    let names = source.split(keyword).skip(1).filter_map(|rest| rest.split('"').next());
    let mut interfaces: Vec<String> = names
        .map(|name| name.strip_prefix("cabi_post_").unwrap_or(name).split('#').next().unwrap_or(name).to_owned())
        .filter(|name| name.contains('/'))
        .collect();
    interfaces.sort();
    interfaces.dedup();
    interfaces
}
/// A well-behaved guest: one of the components of `guests/rust/`, and the configuration that makes it this one.
#[derive(Clone, Copy, Debug)]
pub struct Gentle {
    /// What it is.
    pub name: &'static str,
    /// Its package, which `cargo xtask test` builds to `target/test-guests/`.
    pub package: &'static str,
    /// What stands under `[config]` in its installation.
    pub config: &'static str,
}

/// The well-behaved guest of that name.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn gentle(name: &str) -> Gentle {
    *GENTLE.iter().find(|gentle| gentle.name == name).unwrap_or_else(|| panic!("no gentle guest is called {name}"))
}

const fn text(name: &'static str, config: &'static str) -> Gentle {
    Gentle { name, package: "test-guest-text", config }
}

const fn whole(name: &'static str, config: &'static str) -> Gentle {
    Gentle { name, package: "test-guest-whole", config }
}

const fn router(name: &'static str, config: &'static str) -> Gentle {
    Gentle { name, package: "test-guest-router", config }
}

const fn cache(name: &'static str, config: &'static str) -> Gentle {
    Gentle { name, package: "test-guest-cache", config }
}

/// The well-behaved guests.
pub const GENTLE: &[Gentle] = &[
    text("allow", "do = 'allow'"),
    text("mask-word", "do = 'mask'\nword = 'secret'"),
    text("upper", "do = 'mask'\nword = 'a'\nwith = 'A'"),
    text("grow", "do = 'mask'\nword = 'x'\nwith = 'xxxxx'"),
    text("empty", "do = 'mask'\nword = 'drop'\nwith = ''"),
    text("restore-name", "do = 'mask'\nword = 'Alice'\nwith = '[NAME_{n}]'\nrestore = true\nonly_requests = true"),
    text("deny-word", "do = 'deny'\nword = 'forbidden'"),
    // Past `hold_bytes_max` it is the guest that never lets go.
    text("hold-all", "do = 'hold'"),
    text("slow", "do = 'burn'\nrounds = 100_000"),
    text("finding", "do = 'find'"),
    whole("request-deny-longer", "request = { do = 'deny-longer', segments_max = 3 }"),
    whole("request-edit", "request = { do = 'edit', with = 'Be brief.' }"),
    whole("request-fail", "request = { do = 'fail', word = 'attack' }"),
    whole("answer-require", "answer = { do = 'require', word = 'please', say = 'say please' }"),
    whole("answer-deny", "answer = { do = 'deny' }"),
    whole("answer-edit", "answer = { do = 'edit', with = 'As you wish.' }"),
    whole("answer-fail", "answer = { do = 'fail', word = 'attack' }"),
    cache("cache", ""),
    cache("cache-fails", "fails = 'plan'"),
    router("route-nothing", ""),
    router("route-second", "do = 'targets'\nindices = [1]\nwhen = 'please'"),
    router("route-both", "do = 'targets'\nindices = [1, 0]\nwhen = 'please'"),
    router("route-rejected", "do = 'targets'\nindices = [0]\non_rejection = [1]\nwhen = 'please'"),
    router("route-strong", "do = 'tagged'\ntag = 'strong'\nwhen = 'code'"),
    router("route-answer", "do = 'answer'\ntext = 'Hello to you.'\nwhen = 'hello'"),
    router("route-secret", "do = 'answer'\ntext = 'The secret is out.'\nwhen = 'hello'"),
    router("route-person", "do = 'escalate'\nqueue = 'billing'\ntext = 'A person sees to it.'\nwhen = 'refund'"),
    router(
        "route-named",
        "do = 'escalate'\nqueue = 'billing'\ntext = 'Ask for {reference}, the secret one.'\nwhen = 'refund'",
    ),
    router("route-tell", "do = 'tell'\nwhen = 'tell'"),
    router("route-deny", "do = 'deny'\nwhen = 'attack'"),
    router("route-fail", "do = 'fail'\nwhen = 'attack'"),
    router("route-none", "do = 'targets'\nindices = []\nwhen = 'attack'"),
    router("route-beyond", "do = 'targets'\nindices = [7]\nwhen = 'attack'"),
    Gentle { name: "asks", package: "test-guest-asks", config: "" },
    Gentle { name: "judge", package: "test-guest-judge", config: "" },
    router("route-twice", "do = 'targets'\nindices = [0, 0]\nwhen = 'attack'"),
];

/// Every hostile guest, in the order of the files.
pub const HOSTILE: &[Hostile] = &[
    at_load("configure-error", "refused"),
    at_load("configure-error-forged", "refused"),
    at_load("configure-error-large", "malformed"),
    at_load("configure-error-utf8", "malformed"),
    at_load("contract-context", "refused"),
    at_load("contract-empty", "refused"),
    at_load("contract-env", "refused"),
    at_load("contract-exceptions", "refused"),
    at_load("contract-false-metadata", "refused"),
    at_load("contract-gc", "refused"),
    at_load("contract-http", "refused"),
    at_load("contract-kv", "refused"),
    at_load("contract-lifecycle-alone", "refused"),
    at_load("contract-memory64", "refused"),
    at_load("contract-newer", "refused"),
    at_load("contract-no-lifecycle", "refused"),
    at_load("contract-no-memory", "refused"),
    at_load("contract-no-metadata", "refused"),
    at_load("contract-no-realloc", "refused"),
    at_load("contract-signature", "refused"),
    at_load("contract-signature-component", "refused"),
    at_load("contract-stranger", "refused"),
    at_load("contract-text", "refused"),
    at_load("contract-threads", "refused"),
    at_load("contract-truncated", "refused"),
    at_load("contract-truncated-metadata", "refused"),
    at_load("describe-name", "malformed"),
    at_load("describe-schema-file", "refused"),
    at_load("describe-schema-invalid", "refused"),
    at_load("describe-schema-nested", "refused"),
    harmless("describe-schema-recursive", On::Text),
    at_load("describe-schema-remote", "refused"),
    at_load("describe-utf8", "malformed"),
    at_load("describe-version", "refused"),
    harmless("edit-into-context", On::Stream),
    in_service("error-other", On::Text, "refused"),
    in_service("error-unavailable", On::Text, "refused"),
    in_service("error-unsupported", On::Text, "refused"),
    harmless("finding-in-context", On::Stream),
    in_service("log-flood", On::Text, "out-of-fuel"),
    in_service("log-flood-large", On::Text, "out-of-fuel"),
    harmless("log-forged", On::Text),
    in_service("log-invalid-utf8", On::Text, "malformed"),
    in_service("log-level", On::Text, "malformed"),
    harmless("log-long-line", On::Text),
    in_service("log-out-of-bounds", On::Text, "malformed"),
    in_service("loop-answer", On::Answer, "out-of-fuel"),
    at_load("loop-configure", "out-of-fuel"),
    at_load("loop-describe", "out-of-fuel"),
    in_service("loop-inspect", On::Text, "out-of-fuel"),
    at_load("loop-inspect-always", "out-of-fuel"),
    in_service("loop-memory-copy", On::Text, "out-of-fuel"),
    in_service("loop-memory-fill", On::Text, "out-of-fuel"),
    in_service("loop-post-return", On::Text, "out-of-fuel"),
    at_load("loop-post-return-configure", "out-of-fuel"),
    in_service("loop-realloc", On::Text, "out-of-fuel"),
    at_load("loop-realloc-always", "out-of-fuel"),
    in_service("loop-request", On::Request, "out-of-fuel"),
    at_load("loop-start", "out-of-fuel"),
    in_service("loop-table-fill", On::Text, "out-of-fuel"),
    in_service("malformed-action", On::Text, "malformed"),
    in_service("malformed-answer-action", On::Answer, "malformed"),
    in_service("malformed-answer-edit", On::Answer, "malformed"),
    in_service("malformed-answer-segment", On::Answer, "malformed"),
    in_service("malformed-code", On::Text, "malformed"),
    in_service("malformed-code-empty", On::Text, "malformed"),
    in_service("malformed-edit-beyond", On::Text, "malformed"),
    in_service("malformed-edit-far-beyond", On::Text, "malformed"),
    in_service("malformed-edit-inside-character", On::Text, "malformed"),
    in_service("malformed-edit-reversed", On::Text, "malformed"),
    in_service("malformed-edits-overlap", On::Text, "malformed"),
    in_service("malformed-error", On::Text, "malformed"),
    in_service("malformed-finding-beyond", On::Text, "malformed"),
    in_service("malformed-finding-inside-character", On::Text, "malformed"),
    in_service("malformed-finding-reversed", On::Text, "malformed"),
    in_service("malformed-hold-beyond", On::Stream, "malformed"),
    in_service("malformed-hold-inside-character", On::Stream, "malformed"),
    in_service("malformed-list-overflow", On::Text, "malformed"),
    in_service("malformed-list-pointer", On::Text, "malformed"),
    in_service("malformed-misaligned", On::Text, "malformed"),
    in_service("malformed-option", On::Text, "malformed"),
    in_service("malformed-pointer", On::Text, "malformed"),
    in_service("malformed-realloc", On::Text, "malformed"),
    at_load("malformed-realloc-misaligned", "malformed"),
    in_service("malformed-request-action", On::Request, "malformed"),
    in_service("malformed-request-edit", On::Request, "malformed"),
    in_service("malformed-request-segment", On::Request, "malformed"),
    in_service("malformed-result", On::Text, "malformed"),
    in_service("malformed-rule", On::Text, "malformed"),
    in_service("malformed-score-infinite", On::Text, "malformed"),
    in_service("malformed-score-nan", On::Text, "malformed"),
    in_service("malformed-score-negative", On::Text, "malformed"),
    in_service("malformed-score-seven", On::Text, "malformed"),
    in_service("malformed-string-overflow", On::Text, "malformed"),
    in_service("malformed-utf8-code", On::Text, "malformed"),
    in_service("malformed-utf8-detail", On::Text, "malformed"),
    in_service("malformed-utf8-reason", On::Text, "malformed"),
    in_service("malformed-utf8-replacement", On::Text, "malformed"),
    in_service("malformed-utf8-rule", On::Text, "malformed"),
    in_service("malformed-utf8-surrogate", On::Text, "malformed"),
    in_service("malformed-verdicts-fewer", On::Text, "malformed"),
    in_service("malformed-verdicts-more", On::Text, "malformed"),
    at_load("malformed-verdicts-none", "malformed"),
    in_service("memory-grow", On::Text, "out-of-memory"),
    in_service("memory-grow-at-once", On::Text, "out-of-memory"),
    at_load("memory-grow-configure", "out-of-memory"),
    in_service("memory-handles", On::Text, "malformed"),
    at_load("memory-initial", "refused"),
    at_load("memory-initial-table", "refused"),
    at_load("memory-many", "refused"),
    at_load("memory-many-laughs", "refused"),
    at_load("memory-many-modules", "refused"),
    at_load("memory-many-tables", "refused"),
    in_service("memory-recursion", On::Text, "trapped"),
    in_service("memory-table-grow", On::Text, "out-of-memory"),
    at_load("patterns-compile-bomb", "refused"),
    at_load("patterns-compile-describe", "trapped"),
    at_load("patterns-compile-flood", "out-of-fuel"),
    at_load("patterns-compile-invalid", "refused"),
    in_service("patterns-compile-late", On::Text, "trapped"),
    at_load("patterns-compile-many", "malformed"),
    at_load("patterns-compile-nested", "refused"),
    at_load("patterns-find-describe", "malformed"),
    in_service("patterns-find-flood", On::Text, "out-of-fuel"),
    in_service("patterns-find-invalid-utf8", On::Text, "malformed"),
    in_service("patterns-find-many", On::Text, "out-of-fuel"),
    in_service("patterns-find-out-of-bounds", On::Text, "malformed"),
    in_service("patterns-find-result-out-of-bounds", On::Text, "malformed"),
    in_service("patterns-find-unknown", On::Text, "malformed"),
    in_service("patterns-prefilter-late", On::Text, "trapped"),
    at_load("patterns-prefilter-tail", "refused"),
    at_load("patterns-prefilter-twice", "refused"),
    at_load("patterns-prefilter-unknown", "refused"),
    in_service("result-amplified", On::Text, "malformed"),
    in_service("result-claimed", On::Text, "malformed"),
    in_service("result-many-edits", On::Text, "malformed"),
    in_service("result-many-findings", On::Text, "malformed"),
    in_service("result-reason", On::Text, "malformed"),
    in_service("result-replacement", On::Text, "malformed"),
    harmless("state-configured", On::Text),
    harmless("state-counter", On::Text),
    harmless("state-grown", On::Text),
    harmless("state-segment", On::Text),
    harmless("state-table", On::Text),
    harmless("state-text", On::Text),
    in_service("trap-answer", On::Answer, "trapped"),
    at_load("trap-configure", "trapped"),
    in_service("trap-convert", On::Text, "trapped"),
    at_load("trap-describe", "trapped"),
    in_service("trap-divide", On::Text, "trapped"),
    in_service("trap-inspect", On::Text, "trapped"),
    at_load("trap-inspect-always", "trapped"),
    in_service("trap-load", On::Text, "trapped"),
    in_service("trap-null", On::Text, "trapped"),
    in_service("trap-post-return", On::Text, "trapped"),
    in_service("trap-post-return-calls-out", On::Text, "trapped"),
    in_service("trap-realloc", On::Text, "trapped"),
    in_service("trap-realloc-calls-out", On::Text, "trapped"),
    in_service("trap-request", On::Request, "trapped"),
    at_load("trap-route", "trapped"),
    in_service("trap-signature", On::Text, "trapped"),
    at_load("trap-start", "trapped"),
    in_service("trap-table", On::Text, "trapped"),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Guests of the folder that are not hostile: the prelude alone, as a module and as a component.
    const CALM: &[&str] = &["calm", "calm-component"];

    #[test]
    fn every_file_is_in_the_table_and_says_the_same() {
        let table: Vec<&str> = HOSTILE.iter().map(|hostile| hostile.name).collect();
        let mut all: Vec<&str> = [&table, CALM].concat();
        all.sort_unstable();
        assert_eq!(names(), all, "a hostile guest without a test, or the other way round");
        for hostile in HOSTILE {
            let passes = if hostile.passes { "; the exchange goes on" } else { "" };
            let expected = format!("{}{passes}.", hostile.outcome);
            assert_eq!(order(&read(hostile.name), ";; Expected: "), Some(&*expected), "{}", hostile.name);
            assert!(!hostile.about().is_empty(), "{} does not say what it does", hostile.name);
        }
    }

    #[test]
    fn every_guest_that_gets_into_service_can_be_wrapped() {
        let in_service = HOSTILE.iter().filter(|hostile| hostile.when == When::InService).map(|hostile| hostile.name);
        for name in in_service.chain(["calm"]) {
            let bytes = guest(name);
            // The fifth byte of a core module is 1, that of a component 13.
            if bytes.get(4) == Some(&1) {
                let mut encoder = wit_component::ComponentEncoder::default();
                let wrapped = encoder.validate(true).module(&bytes).and_then(|encoder| encoder.encode());
                wrapped.unwrap_or_else(|error| panic!("{name}: {error:#}"));
            }
        }
    }

    #[test]
    fn every_guest_can_be_made() {
        for name in names() {
            assert_eq!(guest(&name).is_empty(), name == "contract-empty");
        }
    }

    #[test]
    fn the_trigger_is_what_the_guests_take_it_for() {
        assert!(TRIGGER.contains("attack") && TRIGGER.len() == 44);
        assert!(!TRIGGER.is_char_boundary(TRIGGER.len() - 1));
    }
}
