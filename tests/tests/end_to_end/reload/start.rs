//! What a gateway does that finds something broken when it starts.

use sluicegate_tests::guests::guest;
use sluicegate_tests::{Gateway, Installed, Setup, streamed};

use super::{GUARDED, guard, in_service, telling, version, well};

fn damaged() -> [Installed; 3] {
    [
        Installed::new("garbage", b"garbage".to_vec()),
        Installed::new("refuses", guest("configure-error")),
        Installed::new("wrong", version(0)).set("ordre = 1"),
    ]
}

async fn setup(plugins: impl IntoIterator<Item = Installed>) -> (Setup, sluicegate_tests::Provider) {
    let provider = telling().await;
    (Gateway::with_plugins([guard()].into_iter().chain(plugins)).upstream(&provider), provider)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_plugin_is_a_reason_not_to_start() {
    for plugin in damaged() {
        let (setup, _provider) = setup([plugin.clone()]).await;
        let broken = setup.try_start().await.err().unwrap_or_else(|| panic!("it starts with {plugin:?}"));
        assert_eq!(broken.len(), 1, "{broken:?}");
        assert!(!broken[0].reason.is_empty() && !broken[0].older_in_service, "{broken:?}");
    }
    let (setup, _provider) = setup(damaged()).await;
    let names: Vec<String> = setup.try_start().await.unwrap_err().into_iter().map(|broken| broken.name).collect();
    assert_eq!(names, ["garbage", "refuses", "wrong"], "all at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_directory_is_one_too() {
    let (setup, _provider) = setup([]).await;
    let broken = setup.settings("plugins.directory = 'nowhere'").try_start().await.unwrap_err();
    assert!(broken.len() == 1 && broken[0].name.is_empty() && broken[0].reason.contains("nowhere"), "{broken:?}");
    let (setup, _provider) = self::setup([]).await;
    let broken = setup.settings("plugins.directory = 'sluicegate.toml'").try_start().await.unwrap_err();
    assert!(broken[0].reason.contains("sluicegate.toml"), "{broken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_may_choose_to_start_all_the_same() {
    let (setup, _provider) = setup(damaged()).await;
    let gateway = setup.settings("plugins.start_without_broken = true").start().await;
    let names: Vec<String> = gateway.host.broken().iter().map(|broken| broken.name.clone()).collect();
    assert_eq!(names, ["garbage", "refuses", "wrong"]);
    assert_eq!(gateway.ask(streamed("hello?")).await.content(), GUARDED);
    for plugin in damaged() {
        assert_eq!(gateway.host.generation().plugins.len(), 1, "{plugin:?}");
    }
    // They come into service when they are mended.
    gateway.install(&Installed::new("garbage", version(1)));
    in_service(&gateway, "garbage", &version(1)).await;
    gateway.install(&Installed::new("refuses", version(2)));
    gateway.install(&Installed::new("wrong", version(3)));
    well(&gateway).await;
    assert_eq!(gateway.host.generation().plugins.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_comes_later_is_seen() {
    let (setup, _provider) = setup([]).await;
    let settings = "plugins.directory = 'later'\nplugins.start_without_broken = true";
    let gateway = setup.settings(settings).start().await;
    assert!(gateway.host.broken()[0].reason.contains("later") && !gateway.host.broken()[0].older_in_service);
    std::fs::rename(gateway.directory(), gateway.files().join("later")).unwrap();
    well(&gateway).await;
    assert_eq!(gateway.ask(streamed("hello?")).await.content(), GUARDED);
}
