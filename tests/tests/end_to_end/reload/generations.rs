//! An exchange sees one generation, whatever changes meanwhile.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sluicegate_tests::{DONE, Gateway, Installed, Provider, Reply, chunk, finish, gentle, streamed};

use super::{GUARDED, Load, digests, gateway, in_service, replace, shown, telling, version};

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_reloads_under_load() {
    let provider = telling().await;
    let pair = [Installed::new("pair", version(0)).named("a"), Installed::new("pair", version(0)).named("b")];
    let gateway = gateway(pair, &provider).await;
    let load = Load::on(&gateway).await;
    for number in 1..=100 {
        replace(&gateway.directory(), "pair.wasm", version(number));
        in_service(&gateway, "a", &version(number)).await;
    }
    let answers = load.all_guarded().await;
    let mut seen = BTreeSet::new();
    for answer in &answers {
        let both: BTreeSet<String> = digests(answer, &["a", "b"]).into_iter().map(|(_, digest)| digest).collect();
        assert_eq!(both.len(), 1, "a mixed generation: {}", answer.text());
        seen.extend(both);
    }
    let versions: BTreeSet<String> = (0..=100).map(|number| shown(&version(number))).collect();
    assert!(seen.is_subset(&versions) && seen.len() > 3, "{seen:?}");
    assert!(gateway.host.broken().is_empty());
}

/// Files as Kubernetes mounts a volume: links into `..data`, which is a link to a directory that never changes.
fn mount(directory: &Path, number: u32) {
    let data = format!("..2026_{number}");
    let version = version(number);
    std::fs::create_dir(directory.join(&data)).unwrap();
    for name in ["one", "two"] {
        std::fs::write(directory.join(&data).join(format!("{name}.wasm")), &version).unwrap();
        std::fs::write(directory.join(&data).join(format!("{name}.toml")), "limits.wall_ms = 20_000").unwrap();
        for file in [format!("{name}.wasm"), format!("{name}.toml")] {
            if !directory.join(&file).exists() {
                symlink(format!("..data/{file}"), directory.join(&file)).unwrap();
            }
        }
    }
    swap(directory, number);
}

/// Turn `..data` to another directory, at once.
fn swap(directory: &Path, number: u32) {
    symlink(format!("..2026_{number}"), directory.join("..data_tmp")).unwrap();
    std::fs::rename(directory.join("..data_tmp"), directory.join("..data")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_of_kubernetes_changes_all_at_once() {
    let provider = telling().await;
    let gateway = gateway([], &provider).await;
    mount(&gateway.directory(), 0);
    in_service(&gateway, "two", &version(0)).await;
    let load = Load::on(&gateway).await;
    for number in 1..=20 {
        mount(&gateway.directory(), number);
        std::fs::remove_dir_all(gateway.directory().join(format!("..2026_{}", number - 1))).unwrap();
        in_service(&gateway, "two", &version(number)).await;
    }
    let answers = load.all_guarded().await;
    for answer in &answers {
        let digests = digests(answer, &["one", "two"]);
        assert_eq!(digests.len(), 2, "{}", answer.text());
        let both: BTreeSet<String> = digests.into_iter().map(|(_, digest)| digest).collect();
        assert_eq!(both.len(), 1, "a mixed generation: {}", answer.text());
    }
    assert!(gateway.host.broken().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_in_the_middle_of_a_look_makes_no_mixed_generation() {
    let provider = telling().await;
    let mut gateway = gateway([], &provider).await;
    gateway.stop_watching().await;
    let directory = gateway.directory();
    mount(&directory, 1);
    mount(&directory, 2);
    let settings = gateway.host.generation().settings.clone();
    let digests = || -> BTreeSet<String> {
        let generation = gateway.host.generation();
        let others = generation.plugins.iter().filter(|plugin| *plugin.name != *"guard");
        others.map(|plugin| plugin.digest.clone()).collect()
    };
    let stop = Arc::new(AtomicBool::new(false));
    let swapping = std::thread::spawn({
        let (directory, stop) = (directory.clone(), stop.clone());
        move || {
            for number in (1..=2).cycle().take_while(|_| !stop.load(Ordering::Relaxed)) {
                swap(&directory, number);
                // Now shorter than a look, now longer.
                (0..number * 200).for_each(|_| std::thread::yield_now());
            }
        }
    });
    for round in 0..60 {
        gateway.host.reload_plugins(settings.clone()).await;
        assert!(digests().len() <= 1, "a mixed generation in round {round}: {:?}", gateway.host.generation().plugins);
    }
    stop.store(true, Ordering::Relaxed);
    swapping.join().unwrap();
    gateway.host.reload_plugins(settings).await;
    assert_eq!((digests().len(), gateway.host.broken().len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_keeps_the_generation_that_it_began_with() {
    let begun = [chunk("begun "), chunk("sec")].concat();
    let reply = Reply::events([begun]).pauses().then([chunk("ret"), finish(0, "stop"), DONE.to_owned()]);
    let provider = Provider::saying(reply).await;
    let plugin = || gentle("mask-word").set("phases = ['answer']");
    for (change, later) in
        [("another mask", "begun [y]"), ("off", "begun secret"), ("gone", "begun secret"), ("denies", "")]
    {
        let gateway = Gateway::with_plugins([plugin()]).upstream(&provider).start().await;
        let mut open = gateway.ask(streamed("hello?")).open().await;
        open.until("begun").await;
        let before = gateway.generation();
        match change {
            "another mask" => gateway.install(&plugin().config("do = 'mask'\nword = 'secret'\nwith = '[y]'")),
            "denies" => gateway.install(&plugin().config("do = 'deny'\nword = 'secret'")),
            "off" => gateway.install(&plugin().set("mode = 'off'")),
            _ => {
                for file in ["mask-word.toml", "test-guest-text.wasm"] {
                    std::fs::remove_file(gateway.directory().join(file)).unwrap();
                }
            }
        }
        // Files that go one by one make two generations.
        let is_done = |host: &sluicegate::gateway::Gateway| match change {
            "gone" => host.generation().plugins.is_empty() && host.broken().is_empty(),
            _ => host.generation().number > before,
        };
        gateway.until(is_done).await;
        provider.proceed();
        let answer = open.rest().await;
        assert_eq!((answer.content().as_str(), answer.is_done()), ("begun [x]", true), "{change}");
        provider.proceed();
        let answer = gateway.ask(streamed("hello?")).await;
        match change {
            "denies" => assert_eq!(answer.code(), "test.denied"),
            _ => assert_eq!(answer.content(), later, "{change}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_the_same_makes_no_generation() {
    let provider = telling().await;
    let gateway = gateway([Installed::new("calm", version(0))], &provider).await;
    gateway.until(|host| host.generation().number >= 2).await;
    let before = gateway.host.generation();
    // The same bytes, files of others, and what editors leave behind.
    replace(&gateway.directory(), "calm.wasm", version(0));
    for file in [".calm.wasm.swp", "calm.wasm~", "README.md", "4913", "..stray"] {
        std::fs::write(gateway.directory().join(file), "?").unwrap();
    }
    gateway.host.reload_plugins(before.settings.clone()).await;
    assert_eq!(gateway.generation(), before.number);
    replace(&gateway.directory(), "calm.wasm", version(1));
    in_service(&gateway, "calm", &version(1)).await;
    let after = gateway.host.generation();
    let of =
        |plugins: &[Arc<sluicegate::plugin::Plugin>]| plugins.iter().find(|plugin| *plugin.name == *"guard").cloned();
    assert!(Arc::ptr_eq(&of(&before.plugins).unwrap(), &of(&after.plugins).unwrap()), "what did not change is kept");
    assert_eq!(gateway.ask(streamed("hello?")).await.content(), GUARDED);
}
