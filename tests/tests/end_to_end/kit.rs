//! The author's kit: cases of plugins, played as `sluicegate plugin test` does.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use clap::Parser as _;
use sluicegate::cli::Cli;
use sluicegate::plugin::outline;
use tempfile::TempDir;

/// A component that the set-up of the tests has built.
fn built(name: &str) -> PathBuf {
    let folder = std::env::var_os("SLUICEGATE_GUESTS").expect("run the tests by `cargo xtask test`");
    Path::new(&folder).join(format!("{name}.wasm"))
}

/// What `sluicegate plugin test` says of a component and cases.
fn play(component: &Path, arguments: &[&str]) -> Result<(), String> {
    let compiled = TempDir::new().unwrap();
    let compiled = compiled.path().join("compiled");
    let all = ["sluicegate", "plugin", "test", component.to_str().unwrap(), "--compiled", compiled.to_str().unwrap()];
    Cli::parse_from(all.into_iter().chain(arguments.iter().copied())).run()
}

/// The cases that the example has in common in all languages.
fn common(example: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../sdk/examples/{example}.toml"))
}

/// A file with these cases.
fn cases(folder: &TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("cases.toml");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_examples_in_rust_say_what_examples_say_in_every_language() {
    for example in ["codename", "tiers", "faq"] {
        let cases = common(example);
        play(&built(example), &["--cases", cases.to_str().unwrap(), "--all-splits"]).unwrap();
    }
}

#[test]
fn the_standard_plugins_say_what_their_cases_say() {
    let plugins = std::env::var_os("SLUICEGATE_PLUGINS").expect("run the tests by `cargo xtask test`");
    for name in ["pii", "secrets", "prompt-injection", "intent-router", "cost-router", "answer-cache"] {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../plugins/{name}/cases.toml"));
        let component = Path::new(&plugins).join(format!("{name}.wasm"));
        play(&component, &["--cases", cases.to_str().unwrap(), "--all-splits"]).unwrap();
    }
}

#[test]
fn components_of_the_first_contract_say_what_they_said() {
    let folder = TempDir::new().unwrap();
    for example in ["codename", "tiers", "faq"] {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/contract-0.1.0/{example}.base64"));
        let text: String = std::fs::read_to_string(kept).unwrap().split_whitespace().collect();
        let component = BASE64.decode(text).unwrap();
        assert_eq!(outline(&component).unwrap().contract(), Some("0.1.0"));
        let file = folder.path().join(format!("{example}.wasm"));
        std::fs::write(&file, component).unwrap();
        play(&file, &["--cases", common(example).to_str().unwrap(), "--all-splits"]).unwrap();
    }
}

#[test]
fn a_hundred_cases_are_played_in_a_moment() {
    let folder = TempDir::new().unwrap();
    let case = |number: usize| {
        format!(
            "[[case]]\nname = 'number {number}'\ntext = '{number} Blue'\n[case.expect]\ntext = '{number} [codename]'\n"
        )
    };
    let text: String = (0..100).map(case).collect();
    let path = cases(&folder, &format!("config = {{ names = ['Blue'] }}\n{text}"));
    let began = Instant::now();
    play(&built("codename"), &["--cases", path.to_str().unwrap()]).unwrap();
    println!("a hundred cases took {:?}", began.elapsed());
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "some seconds at most, on a busy machine: {:?}",
        began.elapsed()
    );
}

#[test]
fn what_is_not_as_expected_fails_and_is_in_the_report() {
    let folder = TempDir::new().unwrap();
    let wrong = "config = { names = ['Blue'] }\n[[case]]\nname = 'it \"hides\" <nothing>'\ntext = 'a Blue b'\n\
                 [case.expect]\nverdict = 'allow'\ntext = 'a Blue b'\n\
                 [[case]]\nname = 'fuel'\ntext = 'Blue'\nfuel_max = 1\n[case.expect]\nverdict = 'edit'\n";
    let (path, report) = (cases(&folder, wrong), folder.path().join("report.xml"));
    let arguments = ["--cases", path.to_str().unwrap(), "--junit", report.to_str().unwrap()];
    assert_eq!(play(&built("codename"), &arguments), Err("2 of 2 cases not as expected".to_owned()));
    let report = std::fs::read_to_string(report).unwrap();
    for part in ["tests=\"2\" failures=\"2\"", "it &quot;hides&quot; &lt;nothing", "a [codename] b", "fuel_max"] {
        assert!(report.contains(part), "{part}: {report}");
    }
}

#[test]
fn a_case_that_could_not_fail_is_none() {
    let folder = TempDir::new().unwrap();
    for (text, said) in [
        ("", "there is no [[case]]"),
        ("[[case]]\nname = 'x'\ntext = 'y'\n[case.expect]\n", "it expects nothing"),
        ("[[case]]\nname = 'x'\ntext = 'y'\n[case.expect]\nverdicts = 'allow'\n", "nothing is said of `verdicts`"),
        ("[[case]]\nname = 'x'\nwords = 'y'\n[case.expect]\nverdict = 'allow'\n", "unknown field `words`"),
        ("[[case]]\nname = 'x'\ntext = 'y'\nrole = 'nobody'\n[case.expect]\nverdict = 'allow'\n", "there is no role"),
    ] {
        let path = cases(&folder, &format!("config = {{ names = ['Blue'] }}\n{text}"));
        let refused = play(&built("codename"), &["--cases", path.to_str().unwrap()]).unwrap_err();
        assert!(refused.contains(said), "{text}: {refused}");
    }
}

#[test]
fn what_would_not_count_is_refused_before_anything_is_compiled() {
    let folder = TempDir::new().unwrap();
    // It is read, and would be refused if it were loaded: nothing is granted.
    let asks = built("test-guest-asks");
    let wrong = "[[case]]\nname = 'a stream'\npieces = ['x']\n[case.expect]\nanswer = ''\n\
                 [[case]]\nname = 'two texts'\ntext = 'x'\nmessages = [{ text = 'y' }]\n[case.expect]\nanswer = ''\n";
    let path = cases(&folder, wrong);
    let refused = play(&asks, &["--cases", path.to_str().unwrap()]).unwrap_err();
    let said = [
        "case \"a stream\": `pieces` is for plugins of the kind text-guardrail, and this one is called as a router",
        "case \"two texts\": `text` and `messages` are both given, of which only one would count",
    ];
    assert_eq!(refused.lines().count(), said.len(), "{refused}");
    for said in said {
        assert!(refused.contains(said), "{refused}");
    }
    for (kind, given, said) in [
        ("text-guardrail", "text = 'x'\nanswer = 'y'", "`text` and `answer` are both given"),
        ("text-guardrail", "text = 'x'\ntargets = [{ name = 'y' }]", "`targets` is for plugins of the kind router"),
        ("router", "text = 'x'", "the plugin exports no \"router\", but text-guardrail"),
    ] {
        let path = cases(
            &folder,
            &format!("kind = '{kind}'\n[[case]]\nname = 'x'\n{given}\n[case.expect]\nverdict = 'allow'\n"),
        );
        let refused = play(&built("codename"), &["--cases", path.to_str().unwrap()]).unwrap_err();
        assert!(refused.contains(said), "{given}: {refused}");
    }
}

#[test]
fn a_plugin_is_granted_in_its_cases_what_its_installation_grants() {
    let folder = TempDir::new().unwrap();
    let component = folder.path().join("asks.wasm");
    std::fs::copy(built("test-guest-asks"), &component).unwrap();
    let case = "[[case]]\nname = 'it reads'\ntext = 'kv get colour'\nmocks.kv = { colour = 'blue' }\n[case.expect]\nanswer = 'blue'\n";
    let path = cases(&folder, case);
    let play = || play(&component, &["--cases", path.to_str().unwrap()]);
    let refused = play().unwrap_err();
    assert!(refused.contains("which is not granted: add the table [grants."), "{refused}");
    let grants = "grants = { clock = {}, kv = {}, http = {}, embedding = {}, model.targets = ['judge'] }\n";
    let installation = folder.path().join("asks.toml");
    // The clock of a busy machine decides nothing.
    std::fs::write(&installation, format!("{grants}limits.wall_ms = 1\n")).unwrap();
    play().unwrap();
    std::fs::write(&installation, format!("{grants}component = 'other.wasm'\n")).unwrap();
    assert!(play().unwrap_err().contains("which is not granted"), "it is for another file");
    std::fs::write(&installation, "grant = {}").unwrap();
    assert!(play().unwrap_err().contains("asks.toml:1"));
}

#[test]
fn a_plugin_that_is_configured_is_told_the_vectors_of_the_case() {
    let folder = TempDir::new().unwrap();
    let refusal = |vector: &str| {
        let text = format!(
            "grants = {{ clock = {{}}, kv = {{}}, http = {{}}, embedding = {{}}, model.targets = ['judge'] }}\nconfig.asks = 'embed one | other'\n\
             [[case]]\nname = 'it compares'\ntext = 'x'\nmocks.embedding = {{ one = [1.0, 0.0], other = {vector} }}\n[case.expect]\nanswer = ''\n"
        );
        let path = cases(&folder, &text);
        // The guest says what it was told as the reason why it cannot be configured.
        play(&built("test-guest-asks"), &["--cases", path.to_str().unwrap()]).unwrap_err()
    };
    assert!(refusal("[1.0, 0.0]").ends_with("1.000 1.000"), "{}", refusal("[1.0, 0.0]"));
    assert!(refusal("[0.0, 1.0]").ends_with("1.000 0.000"), "{}", refusal("[0.0, 1.0]"));
}

#[test]
fn what_a_plugin_wrote_stands_below_a_case_that_fails() {
    let folder = TempDir::new().unwrap();
    let text = "grants = { clock = {}, kv = {}, http = {}, embedding = {}, model.targets = ['judge'] }\nlimits.fuel = 1_000_000\n\
                [[case]]\nname = 'it writes'\ntext = 'log flood'\n[case.expect]\nanswer = ''\n";
    let (path, report) = (cases(&folder, text), folder.path().join("report.xml"));
    let arguments = ["--cases", path.to_str().unwrap(), "--junit", report.to_str().unwrap()];
    assert_eq!(play(&built("test-guest-asks"), &arguments), Err("1 of 1 case not as expected".to_owned()));
    let report = std::fs::read_to_string(report).unwrap();
    assert!(report.contains("out-of-fuel") && report.contains("<system-out>info: again\ninfo: again"), "{report}");
}

#[test]
fn fuel_may_not_grow() {
    let folder = TempDir::new().unwrap();
    let case = |text: &str| {
        format!(
            "config = {{ names = ['Blue'] }}\n[[case]]\nname = 'x'\ntext = '{text}'\n[case.expect]\nverdict = 'allow'\n"
        )
    };
    let baseline = folder.path().join("fuel.toml");
    let run = |text: &str| {
        let path = cases(&folder, &case(text));
        let arguments = ["--cases", path.to_str().unwrap(), "--fuel-baseline", baseline.to_str().unwrap()];
        play(&built("codename"), &arguments)
    };
    assert!(!baseline.exists());
    run("a word").unwrap();
    run("a word").unwrap();
    assert!(run(&"a word ".repeat(50)).is_err());
}
