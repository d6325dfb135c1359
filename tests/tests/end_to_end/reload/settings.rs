//! The configuration file changes.

use sluicegate_tests::{Gateway, Installed, Provider, Reply, chat, completion};

use super::{Load, gateway, in_service, telling, version};

/// The providers and the plugin directory stay in it; only `[models]` and more is written anew.
fn models(targets: &str) -> String {
    format!("[models.'*']\ntargets = [{targets}]")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_configuration_takes_effect_and_a_wrong_one_does_not() {
    let first = Provider::saying(Reply::json(completion("first"))).await;
    let second = Provider::saying(Reply::json(completion("second"))).await;
    let mut gateway = Gateway::with_plugins([super::guard(), Installed::new("mark", version(0))])
        .upstream(&first)
        .upstream(&second)
        .start()
        .await;
    let load = Load::of(gateway.ask(chat("hello?")).receipts()).await;
    let (path, mut number) = (gateway.files().join("sluicegate.toml"), 0);
    for _ in 0..2 {
        for (target, expected) in [("'target-2', 'target-1'", "second"), ("'target-1', 'target-2'", "first")] {
            let before = gateway.generation();
            gateway.reconfigure(&models(target));
            gateway.until(|host| host.generation().number > before).await;
            assert_eq!(gateway.ask(chat("hello?")).await.content(), expected);

            let good = std::fs::read(&path).unwrap();
            for wrong in ["", "= 1", "[models.'*']\ntargets = ['nobody']", "[unknown]", "server.listen = 'nowhere'"] {
                super::replace(gateway.files(), "sluicegate.toml", wrong);
                // It has been read when a change of the plugins behind it is in service.
                number += 1;
                super::replace(&gateway.directory(), "mark.wasm", version(number));
                in_service(&gateway, "mark", &version(number)).await;
                assert_eq!(gateway.ask(chat("hello?")).await.content(), expected, "{wrong}");
            }
            super::replace(gateway.files(), "sluicegate.toml", good);
        }
    }
    for answer in load.answers().await {
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert!(["first", "second"].contains(&answer.content().as_str()), "{}", answer.text());
        assert!(answer.receipts().iter().any(|receipt| receipt.plugin == "guard"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_directory_takes_effect_with_the_settings() {
    let provider = telling().await;
    let mut gateway = gateway([Installed::new("calm", version(0))], &provider).await;
    let load = Load::on(&gateway).await;
    for number in 1..4 {
        let other = gateway.files().join(format!("other-{number}"));
        std::fs::create_dir(&other).unwrap();
        super::guard().put_into(&other);
        Installed::new("calm", version(number)).put_into(&other);
        gateway.reconfigure(&format!("plugins.directory = 'other-{number}'"));
        in_service(&gateway, "calm", &version(number)).await;
        // It is watched from then on.
        super::replace(&other, "calm.wasm", version(number + 10));
        in_service(&gateway, "calm", &version(number + 10)).await;
    }
    // A directory that is not there takes nothing out.
    gateway.reconfigure("plugins.directory = 'nowhere'");
    gateway.until(|host| host.broken().iter().any(|broken| broken.older_in_service)).await;
    assert_eq!(gateway.host.generation().plugins.len(), 2);
    load.all_guarded().await;
}
