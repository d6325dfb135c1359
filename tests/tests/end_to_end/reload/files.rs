//! What becomes of plugins when their files are replaced, broken, truncated, renamed, removed.

use std::path::Path;

use sluicegate::plugin::directory::Broken;
use sluicegate_tests::guests::guest;
use sluicegate_tests::{Gateway, Installed, gentle, streamed};

use super::{COMPONENT, GUARDED, Load, gateway, guard, guard_version, in_service, replace, telling, version, well};

/// What is broken of this name, as soon as it is.
async fn broken(gateway: &Gateway, name: &str) -> Broken {
    gateway.until(|host| host.broken().iter().any(|broken| broken.name == name)).await;
    gateway.host.broken().iter().find(|broken| broken.name == name).unwrap().clone()
}

fn names(gateway: &Gateway) -> Vec<String> {
    gateway.host.generation().plugins.iter().map(|plugin| plugin.name.to_string()).collect()
}

/// Look once more, for good measure.
async fn look(gateway: &Gateway) {
    gateway.host.reload_plugins(gateway.host.generation().settings.clone()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_component_does_not_take_the_place_of_a_good_one() {
    let provider = telling().await;
    let gateway = gateway([], &provider).await;
    let good = guest("edit-into-context");
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle..middle + 64].iter_mut().for_each(|byte| *byte = !*byte);
    let load = Load::on(&gateway).await;
    let breaks: [(&str, Vec<u8>); 7] = [
        ("nothing", Vec::new()),
        ("garbage", b"garbage".to_vec()),
        ("the first half", good[..good.len() / 2].to_vec()),
        ("all but the last byte", good[..good.len() - 1].to_vec()),
        ("damaged in the middle", flipped),
        ("one that refuses to be configured", guest("configure-error")),
        ("one that traps when it is probed", guest("trap-inspect-always")),
    ];
    for (number, (how, bytes)) in breaks.iter().enumerate() {
        replace(&gateway.directory(), COMPONENT, bytes);
        let broken = broken(&gateway, "guard").await;
        assert!(broken.older_in_service && !broken.reason.is_empty(), "{how}: {broken:?}");
        assert_eq!(gateway.ask(streamed("hello?")).await.content(), GUARDED, "{how}");
        // Back in service when it is mended, the same or another.
        let mended = if number % 2 == 0 { good.clone() } else { guard_version(1) };
        replace(&gateway.directory(), COMPONENT, &mended);
        well(&gateway).await;
        in_service(&gateway, "guard", &mended).await;
    }
    load.all_guarded().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_that_is_written_in_place_step_by_step() {
    let provider = telling().await;
    let gateway = gateway([], &provider).await;
    let (good, path) = (guest("edit-into-context"), gateway.directory().join(COMPONENT));
    let new = guard_version(1);
    let load = Load::on(&gateway).await;
    // Truncated, then longer and longer, slower than the pause after which the gateway takes a file for finished.
    for length in [0, 8, new.len() / 3, new.len() / 2, good.len() - 1] {
        std::fs::write(&path, &new[..length]).unwrap();
        gateway.until(|host| host.broken().iter().any(|broken| broken.older_in_service)).await;
        look(&gateway).await;
    }
    std::fs::write(&path, &new).unwrap();
    well(&gateway).await;
    in_service(&gateway, "guard", &new).await;
    load.all_guarded().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_installation_does_not_take_the_place_of_a_good_one() {
    let provider = telling().await;
    let guard = gentle("mask-word").config("do = 'mask'\nword = 'an attack'").set("phases = ['answer']");
    let gateway = Gateway::with_plugins([guard]).upstream(&provider).start().await;
    let good = std::fs::read_to_string(gateway.directory().join("mask-word.toml")).unwrap();
    let load = Load::on(&gateway).await;
    let breaks = [
        ("not TOML", "order = = 1".to_owned()),
        ("not UTF-8", String::new()),
        ("an unknown field", format!("ordre = 1\n{good}")),
        ("a component that is not there", good.replace("test-guest-text.wasm", "nowhere.wasm")),
        ("a component in another directory", good.replace("test-guest-text.wasm", "../test-guest-text.wasm")),
        ("a configuration that the plugin refuses", good.replace("an attack", "")),
        ("an unknown grant", format!("{good}\n[grants]\nhttp = true")),
        ("nothing, where the plugin needs a configuration", "component = 'test-guest-text.wasm'".to_owned()),
    ];
    for (how, text) in breaks {
        let bytes = if how == "not UTF-8" { vec![0xff, 0xfe] } else { text.into_bytes() };
        replace(&gateway.directory(), "mask-word.toml", bytes);
        let broken = broken(&gateway, "mask-word").await;
        assert!(broken.older_in_service && !broken.reason.is_empty(), "{how}: {broken:?}");
        look(&gateway).await;
        assert_eq!(names(&gateway), ["mask-word"], "{how}: nothing else comes into service");
        assert_eq!(gateway.host.broken().len(), 1, "{how}: {:?}", gateway.host.broken());
        replace(&gateway.directory(), "mask-word.toml", &good);
        well(&gateway).await;
    }
    load.all_guarded().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_component_of_two_installations_is_broken_for_both() {
    let provider = telling().await;
    let pair = [Installed::new("pair", version(0)).named("a"), Installed::new("pair", version(0)).named("b")];
    let gateway = gateway(pair, &provider).await;
    let load = Load::on(&gateway).await;
    replace(&gateway.directory(), "pair.wasm", "garbage");
    for name in ["a", "b"] {
        assert!(broken(&gateway, name).await.older_in_service);
    }
    // A broken installation of one is no reason to keep the other back; and the component is not installed by itself.
    replace(&gateway.directory(), "a.toml", "= 1");
    replace(&gateway.directory(), "pair.wasm", version(1));
    in_service(&gateway, "b", &version(1)).await;
    in_service(&gateway, "a", &version(0)).await;
    assert!(broken(&gateway, "a").await.older_in_service);
    assert_eq!(names(&gateway), ["guard", "a", "b"]);
    replace(&gateway.directory(), "b.toml", "= 1");
    broken(&gateway, "b").await;
    look(&gateway).await;
    assert_eq!(names(&gateway), ["guard", "a", "b"], "the component is not installed by itself");
    load.all_guarded().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_missing_does_not_take_its_plugin_out() {
    let provider = telling().await;
    let gateway = gateway([], &provider).await;
    let good = guest("edit-into-context");
    let load = Load::on(&gateway).await;
    let path = gateway.directory().join(COMPONENT);
    std::fs::remove_file(&path).unwrap();
    let broken = broken(&gateway, "guard").await;
    assert!(broken.older_in_service && broken.reason.contains(COMPONENT), "{broken:?}");
    // A directory of that name is none either.
    std::fs::create_dir(&path).unwrap();
    look(&gateway).await;
    assert!(gateway.host.broken().iter().any(|broken| broken.older_in_service));
    std::fs::remove_dir(&path).unwrap();
    std::os::unix::fs::symlink("nowhere", &path).unwrap();
    look(&gateway).await;
    assert!(gateway.host.broken().iter().any(|broken| broken.older_in_service));
    replace(&gateway.directory(), COMPONENT, &good);
    well(&gateway).await;
    load.all_guarded().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_that_is_renamed_stays_in_force() {
    let provider = telling().await;
    let gateway = gateway([], &provider).await;
    let load = Load::on(&gateway).await;
    let mut name = "guard".to_owned();
    for number in 0..5 {
        let new = format!("renamed-{number}");
        let file = |name: &str| gateway.directory().join(format!("{name}.toml"));
        std::fs::rename(file(&name), file(&new)).unwrap();
        in_service(&gateway, &new, &guest("edit-into-context")).await;
        assert_eq!(gateway.host.generation().plugins.len(), 1);
        name = new;
    }
    well(&gateway).await;
    load.all_guarded().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_removes_is_out_of_service_and_what_comes_back_is_in_it() {
    let provider = telling().await;
    let gateway = gateway([Installed::new("calm", version(0))], &provider).await;
    let load = Load::on(&gateway).await;
    let remove = |file: &str| std::fs::remove_file(gateway.directory().join(file)).unwrap();
    for number in 1..4 {
        // The installation first: the component would be installed by itself without one.
        std::fs::rename(gateway.directory().join("calm.wasm"), gateway.directory().join(".calm.wasm")).unwrap();
        remove("calm.toml");
        gateway.until(|host| host.generation().plugins.iter().all(|plugin| *plugin.name != *"calm")).await;
        well(&gateway).await;
        gateway.install(&Installed::new("calm", version(number)));
        in_service(&gateway, "calm", &version(number)).await;
    }
    load.all_guarded().await;
    // The last guard goes too, if the operator wants it.
    remove("guard.toml");
    remove(COMPONENT);
    gateway.until(|host| host.generation().plugins.len() == 1 && host.broken().is_empty()).await;
    assert_eq!(gateway.ask(streamed("hello?")).await.content(), "an attack");
    gateway.install(&guard());
    gateway.until(|host| host.generation().plugins.len() == 2).await;
    assert_eq!(gateway.ask(streamed("hello?")).await.content(), GUARDED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_gone_takes_nothing_out_and_is_seen_when_it_is_back() {
    let provider = telling().await;
    let gateway = gateway([Installed::new("calm", version(0))], &provider).await;
    let (directory, aside) = (gateway.directory(), gateway.files().join("aside"));
    let load = Load::on(&gateway).await;
    for number in 1..4 {
        std::fs::rename(&directory, &aside).unwrap();
        let gone = broken(&gateway, "").await;
        assert!(gone.older_in_service && gone.reason.contains("plugins"), "{gone:?}");
        assert_eq!(gateway.host.generation().plugins.len(), 2);
        // It comes back file by file, and what is written behind its coming is seen as well.
        copy(&aside, &directory, "guard.toml", COMPONENT);
        well(&gateway).await;
        gateway.install(&Installed::new("calm", version(number)));
        in_service(&gateway, "calm", &version(number)).await;
        replace(&directory, "calm.wasm", version(number + 10));
        in_service(&gateway, "calm", &version(number + 10)).await;
        std::fs::remove_dir_all(&aside).unwrap();
    }
    load.all_guarded().await;
}

/// A directory with two files of another, there as a whole.
fn copy(from: &Path, to: &Path, one: &str, other: &str) {
    let new = to.with_file_name("new");
    std::fs::create_dir(&new).unwrap();
    for file in [one, other] {
        std::fs::copy(from.join(file), new.join(file)).unwrap();
    }
    std::fs::rename(new, to).unwrap();
}
