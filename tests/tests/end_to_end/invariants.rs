//! The invariants of absence in ARCHITECTURE.md, by searching the text of the host.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;

/// A file of the host, with neither comments nor tests.
struct Source {
    /// Below `host/src`, with slashes.
    path: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                sources.push(Source { path: name, code: code(&text) });
            }
        }
    }
    let only_tests = Regex::new(r"#\[cfg\(test\)\]\s+(?:#\[allow\(.*\)\]\s+)?mod (\w+);").unwrap();
    let in_tests = |source: &Source| {
        let folder = source.path.trim_end_matches(".rs").to_owned();
        let names = only_tests.captures_iter(&source.code).map(|found| format!("{folder}/{}", &found[1]));
        names.collect::<Vec<_>>()
    };
    let tests: Vec<String> = sources.iter().flat_map(in_tests).collect();
    sources.retain(|source| !tests.iter().any(|test| source.path.starts_with(test.as_str())));
    assert!(sources.len() > 50, "there is more in {}", root.display());
    sources
}

/// The text without comments, and without the module of tests, which stands last.
fn code(text: &str) -> String {
    let tests = Regex::new(r"(?m)^#\[cfg\(test\)\]\n(#\[allow\(.*\)\]\n)?mod tests \{$").unwrap();
    let text = tests.split(text).next().unwrap_or_default();
    let comment = Regex::new(r"(?m)^\s*//.*$|\s//\s.*$").unwrap();
    comment.replace_all(text, "").into_owned()
}

fn is_below(path: &str, places: &[&str]) -> bool {
    places.iter().any(|place| match place.strip_suffix('*') {
        Some(folder) => path.starts_with(folder),
        None => path == *place,
    })
}

/// Each line that matches stands in one of these places.
#[track_caller]
fn only(places: &[&str], pattern: &str) {
    let pattern = Regex::new(pattern).unwrap();
    let sources = sources();
    let mut found = 0;
    let mut wrong = Vec::new();
    for Source { path, code } in &sources {
        for line in code.lines().filter(|line| pattern.is_match(line)) {
            found += 1;
            if !is_below(path, places) {
                wrong.push(format!("host/src/{path}: {}", line.trim()));
            }
        }
    }
    assert!(found > 0, "nothing matches {pattern}: the test is out of date");
    assert!(wrong.is_empty(), "only {places:?} may say {pattern}:\n{}", wrong.join("\n"));
}

/// No line in these places matches.
#[track_caller]
fn never(places: &[&str], pattern: &str) {
    let pattern = Regex::new(pattern).unwrap();
    let sources = sources();
    let meant: Vec<&Source> = sources.iter().filter(|source| is_below(&source.path, places)).collect();
    assert!(!meant.is_empty(), "{places:?} is not there: the test is out of date");
    let lines = meant.iter().flat_map(|source| source.code.lines().map(|line| (&source.path, line)));
    let wrong: Vec<String> = lines
        .filter(|(_, line)| pattern.is_match(line))
        .map(|(path, line)| format!("host/src/{path}: {}", line.trim()))
        .collect();
    assert!(wrong.is_empty(), "{places:?} must not say {pattern}:\n{}", wrong.join("\n"));
}

#[test]
fn only_the_plugin_side_knows_wasmtime() {
    only(&["plugin.rs", "plugin/*"], r"\bwasmtime(_\w+)?\b");
}

#[test]
fn only_the_edges_know_json() {
    let edges = [
        "dialect/*",
        "config/*",
        "sandbox.rs",
        "sandbox/*",
        "store/*",
        "admin.rs",
        "admin/*",
        "escalation/*",
        "feedback/*",
        "export/*",
        // What a webhook is told.
        "alerts/*",
        "embed/*",
        // An exchange is kept with its steps as JSON in one column.
        "ledger/*",
    ];
    // The demo is a caller of the gateway, and no part of it.
    only(&[&edges[..], &["cli/demo/*"]].concat(), r"\bserde_json\b");
}

#[test]
fn only_the_store_knows_sqlite() {
    only(&["store/*"], r"\b(rusqlite|rusqlite_migration)::");
    only(&["store.rs", "store/*"], r"\b(refinery|tokio_postgres|deadpool_postgres)::");
}

#[test]
fn only_the_server_the_sandbox_and_the_stand_ins_of_tests_accept_connections() {
    only(
        &["server.rs", "sandbox.rs", "sandbox/*", "kit/stand_ins.rs"],
        r"\btokio::net::.*\bTcpListener\b|\.accept\(\)",
    );
}

#[test]
fn the_steps_are_called_from_the_proxy_alone() {
    const PROXY: &[&str] = &["proxy.rs", "proxy/*"];
    only(PROXY, r"\.identify\(&generation|\bauth::may_ask\(");
    only(PROXY, r"\bguard::(read|admit|admit_texts|release|release_words|release_own|release_text|release_again)\(");
    only(PROXY, r"\broute::(decide|choose)\(");
    only(PROXY, r"\bescalation::(hand_over|find)\(");
    only(PROXY, r"\bfeedback::(turns|check|keep)\(");
    only(PROXY, r"\bcache::(plan|find|listen)\(");
    only(PROXY, r"\bmeter::reserve\(");
    only(PROXY, r"\bsessions\.goes_on\(");
    only(PROXY, r"\bupstream\s*\.(send|models)\(");
    only(PROXY, r"\breply::(whole|streamed|shared|unasked|own|error)\(");
    only(PROXY, r"\bStreamGuard::new\(");
    only(&["server/connection.rs"], r"\b(proxy|admin)::serve\(");
}

#[test]
fn the_steps_do_not_call_each_other() {
    let calls = |steps: &str| format!(r"\b({steps})::[a-z_]+\(");
    never(&["auth.rs", "auth/*"], &calls("guard|route|meter|reply|server|cache"));
    never(&["guard.rs", "guard/*"], &calls("route|meter|reply|server|upstream|cache"));
    never(&["route.rs"], &calls("guard|meter|reply|server|upstream|cache"));
    never(&["upstream.rs", "upstream/*"], &calls("guard|route|meter|reply|server|cache"));
    never(&["reply.rs"], &calls("guard|route|server|upstream|cache"));
    never(&["meter.rs", "meter/*"], &calls("guard|route|reply|server|upstream|cache"));
    never(&["cache.rs", "cache/*"], &calls("guard|route|meter|reply|server|upstream"));
    never(&["alerts.rs", "alerts/*"], &calls("guard|route|meter|reply|server|upstream|cache"));
    never(&["escalation.rs", "escalation/*"], &calls("guard|route|meter|reply|server|upstream|cache"));
}

#[test]
fn the_plugin_side_calls_nobody_above_it() {
    let above =
        r"\bcrate::(auth|cache|cli|dialect|exchange|gateway|guard|proxy|reply|route|sandbox|server|upstream|error)\b";
    never(&["plugin.rs", "plugin/*"], above);
    never(&["plugin.rs", "plugin/*"], r"\b(Admitted|Released)\b");
}

#[test]
fn our_own_words_know_neither_wire_nor_wasm() {
    never(&["chat.rs"], r"\b(serde|serde_json|hyper|http|wasmtime|bindings)\b");
    never(&["server.rs", "server/*"], r"(?i)\b(chat|prompt|segment|completion|token)s?\b.*\(");
}

#[test]
fn only_guard_admits_and_releases() {
    only(&["guard.rs"], r"\bAdmitted\s*\{");
    // Variants of the same name, as in `Next::Released(released)`, hold one that is built already.
    only(&["guard.rs", "guard/shared.rs", "guard/stream.rs"], r"(^|[^:\w])Released\s*\(");
    let guard = sources().into_iter().find(|source| source.path == "guard.rs").unwrap().code;
    assert!(guard.contains("pub struct Released(Bytes);"), "the field of `Released` is to be private");
    let admitted = guard.split("pub struct Admitted {").nth(1).unwrap().split('}').next().unwrap();
    assert!(!admitted.contains("pub"), "the fields of `Admitted` are to be private:\n{admitted}");
}

/// Every call of a log macro, to its closing parenthesis.
fn log_calls(code: &str) -> Vec<&str> {
    let start = Regex::new(r"\b(trace|debug|info|warn|error|event|span)!\(").unwrap();
    let mut calls = Vec::new();
    for found in start.find_iter(code) {
        let mut depth = 0_usize;
        let end = code[found.start()..].char_indices().find(|(_, character)| {
            match character {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            *character == ')' && depth == 0
        });
        calls.push(&code[found.start()..found.start() + end.unwrap().0]);
    }
    calls
}

#[test]
fn no_words_of_callers_and_models_are_logged() {
    let words = Regex::new(
        r"\b(text|texts|body|content|prompt|answer|segments?|message|messages|words|original|replacement|reveal|secret)\b",
    )
    .unwrap();
    // Words in quotation marks are the log's own.
    let quoted = Regex::new(r#""[^"]*""#).unwrap();
    let (mut count, mut wrong) = (0, BTreeSet::new());
    // What a plugin says through `log` is for the log: that no text of the exchange is in it is the plugin's promise.
    for Source { path, code } in sources().into_iter().filter(|source| source.path != "plugin/imports.rs") {
        for call in log_calls(&code) {
            count += 1;
            if words.is_match(&quoted.replace_all(call, "")) {
                wrong.insert(format!("host/src/{path}: {call})"));
            }
        }
    }
    assert!(count > 10, "the test does not find the log's macros");
    assert!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}

/// What a caller says is compared with a secret as a hash and in constant time: in `key/secret.rs` and `admin/door.rs`.
#[test]
fn no_secret_is_compared_as_it_is() {
    never(&["*"], r"reveal\(\)(\.as_bytes\(\))?\s*[!=]=|[!=]=\s*[\w.&*]*reveal\(\)");
    only(&["key/secret.rs", "admin/door.rs"], r"\bct_eq\b");
}

#[test]
fn nothing_is_printed_but_by_the_command_line() {
    only(&["main.rs", "cli.rs", "cli/*"], r"\b(e?println|e?print|dbg)!\(");
}

#[test]
fn nothing_is_unsafe_but_to_load_what_was_compiled_before() {
    for (file, word) in [("lib.rs", "#![deny(unsafe_code)]"), ("main.rs", "#![forbid(unsafe_code)]")] {
        let source = sources().into_iter().find(|source| source.path == file).unwrap();
        assert!(source.code.contains(word), "{file}");
    }
    only(&["plugin/compiled.rs"], r"\bunsafe\b[^_]|allow\(unsafe_code\)|\bdeserialize_file\b|Component::deserialize");
}

#[test]
fn nothing_can_be_unwrapped_in_passing() {
    never(&["*"], r"\.unwrap\(\)|\.expect\(|\bunreachable!|\btodo!|\bunimplemented!|\bpanic!");
}
