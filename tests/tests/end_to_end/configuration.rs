//! Mistakes in configurations: `tests/config/file` holds one file a mistake, and beside it the exact words about it.
//! `tests/config/installation` does the same for `NAME.toml`.

use std::path::{Path, PathBuf};

use sluicegate::config::{self, Installation};
use sluicegate_tests::{Gateway, Installed, Provider, Reply, chat, completion, hostile, standard};

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(kind)
}

/// Compare what is said about each file of a folder with the words beside it.
fn each(kind: &str, what_is_said: impl Fn(&str, &str) -> String) {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder(kind)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    assert!(!files.is_empty(), "there are no files in {}", folder(kind).display());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder(kind));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let _in_force = settings.bind_to_scope();
    for path in files {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        insta::assert_snapshot!(name.clone(), what_is_said(&name, &text));
    }
}

#[test]
fn mistakes_in_the_configuration() {
    each("file", |name, text| match config::parse("sluicegate.toml", text, Path::new("")) {
        Ok(settings) => panic!("{name} is no mistake: {settings:#?}"),
        Err(problems) => problems.to_string(),
    });
}

#[test]
fn mistakes_in_an_installation() {
    each("installation", |name, text| match Installation::parse(name, &format!("{name}.toml"), text, Path::new("")) {
        Ok(installation) => panic!("{name} is no mistake: {installation:#?}"),
        Err(problems) => problems.to_string(),
    });
}

#[test]
fn a_configuration_that_says_everything() {
    let text = include_str!("../config/everything.toml");
    insta::assert_debug_snapshot!(config::parse("sluicegate.toml", text, Path::new("/etc/sluicegate")).unwrap());
}

#[test]
fn a_configuration_that_says_next_to_nothing() {
    let text = "providers.sandbox.dialect = 'sandbox'\ntargets.t.provider = 'sandbox'\nmodels.'*'.targets = ['t']";
    insta::assert_debug_snapshot!(config::parse("sluicegate.toml", text, Path::new("")).unwrap());
}

#[test]
fn a_file_that_is_not_there() {
    let problems = config::load(&PathBuf::from("/nowhere/sluicegate.toml").into()).unwrap_err();
    insta::assert_snapshot!(problems, @"/nowhere/sluicegate.toml: cannot be read: No such file or directory (os error 2)");
}

#[test]
fn without_a_file_the_usual_variables_count() {
    let with = |variables: &'static [(&'static str, &'static str)]| {
        let value =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        config::from_environment(value).map(|(_, text)| text).unwrap_or_else(|problems| problems.to_string())
    };
    let told = [with(&[]), with(&[("OPENAI_API_KEY", " ")])].join("\n----\n");
    insta::assert_snapshot!(told);
}

/// Why a gateway with these plugins refuses to start.
async fn refusal(plugins: impl IntoIterator<Item = Installed>) -> String {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let broken = Gateway::with_plugins(plugins).upstream(&provider).try_start().await.unwrap_err();
    broken.iter().map(|broken| format!("{}: {}", broken.name, broken.reason)).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_is_broken_and_why() {
    let mut said = String::new();
    for (what, plugin) in [
        ("a setting that the plugin does not know", standard("pii").config("emial = 'mask'")),
        ("a value that the plugin does not know", standard("pii").config("email = 'hide'")),
        ("a component that is not there", standard("pii").set("component = 'other.wasm'")),
        ("a component that is none", Installed::new("words", b"hello".to_vec())),
        ("half a component", hostile("contract-truncated")),
        ("limits in which it cannot work", standard("pii").set("limits.fuel = 10_000")),
        ("a name that is none", standard("pii").named("p i i")),
        ("a grant", standard("pii").set("grants.kv = true")),
    ] {
        said.push_str(&format!("{what}\n    {}\n", refusal([plugin]).await.replace('\n', "\n    ")));
    }
    let number = regex::Regex::new(r"\d{3,}").unwrap();
    insta::assert_snapshot!(number.replace_all(&said, "[number]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_broken_plugin_is_named() {
    let said = refusal([hostile("trap-configure"), standard("no-op"), hostile("contract-empty")]).await;
    assert_eq!(said.lines().filter(|line| line.starts_with("trap-configure: ")).count(), 1, "{said}");
    assert_eq!(said.lines().filter(|line| line.starts_with("contract-empty: ")).count(), 1, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn it_can_be_told_to_start_without_them() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let plugins = [hostile("trap-configure"), standard("no-op")];
    let settings = "plugins.start_without_broken = true";
    let gateway = Gateway::with_plugins(plugins).upstream(&provider).settings(settings).start().await;
    assert_eq!(gateway.host.broken().len(), 1);
    assert_eq!(gateway.ask(chat("hello?")).receipts().await.receipts()[0].plugin, "no-op");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_plugin_directory_it_refuses_to_start() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let elsewhere =
        || Gateway::without_plugins().upstream(&provider).settings("plugins.directory = '/nowhere/plugins'");
    let broken = elsewhere().try_start().await.unwrap_err();
    assert_eq!((broken.len(), broken[0].name.as_str()), (1, ""));
    insta::assert_snapshot!(broken[0].reason, @"reading /nowhere/plugins: No such file or directory (os error 2)");
    elsewhere().settings("plugins.start_without_broken = true").start().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_configuration_counts_from_the_next_request_and_a_wrong_one_never() {
    let provider = Provider::saying(Reply::json(completion("hello"))).await;
    let mut gateway = Gateway::with_plugins([standard("no-op")]).upstream(&provider).start().await;
    assert_eq!(gateway.ask(chat("hello?")).await.status, 200);
    let before = gateway.generation();
    gateway.reconfigure("models.small.targets = ['target-1']\nupstream.answer_bytes_max = 2000");
    gateway.until(|host| host.generation().number > before).await;
    assert_eq!(gateway.ask(chat("hello?")).await.code(), "model_not_found");
    assert!(gateway.call("GET", "/v1/models").await.text().contains("\"small\""));

    // Two changes, one of them wrong: neither counts. The plugin that comes with them shows that they were looked at.
    let before = gateway.generation();
    gateway.reconfigure("models.large.targets = ['target-7']");
    gateway.install(&standard("no-op").named("another"));
    gateway.until(|host| host.generation().number > before).await;
    assert!(!gateway.call("GET", "/v1/models").await.text().contains("\"large\""));
}
