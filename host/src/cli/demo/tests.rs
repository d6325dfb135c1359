//! The demo with the standard plugins, as they were built by `cargo xtask`, and the installations that they bring along.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

/// The built components and the installations of their crates, in a directory of its own.
fn standard_plugins() -> tempfile::TempDir {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let built = std::env::var_os("SLUICEGATE_PLUGINS").map_or_else(|| repository.join("target/plugins"), PathBuf::from);
    let directory = tempfile::tempdir().unwrap();
    for name in ["answer-cache", "cost-router", "intent-router", "no-op", "pii", "prompt-injection", "secrets"] {
        let component = format!("{name}.wasm");
        fs::copy(built.join(&component), directory.path().join(&component))
            .expect("the plugins are not built: run `cargo xtask plugins`");
        for installation in fs::read_dir(repository.join("plugins").join(name).join("installations")).unwrap() {
            let installation = installation.unwrap();
            // What is shown is tested here, and not how long it takes while everything else is tested as well.
            let text = fs::read_to_string(installation.path()).unwrap();
            assert!(!text.contains("[limits]"), "{installation:?}");
            let patient = format!("{text}\n[limits]\nwall_ms = 20_000\n");
            fs::write(directory.path().join(installation.file_name()), patient).unwrap();
        }
    }
    directory
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scene_shows_what_its_title_says() {
    let plugins = standard_plugins();
    let settings = settings(plugins.path(), SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
    let running = Running::start(settings, None, |_| {}).await.unwrap();
    let sandbox = running.sandbox.as_ref().unwrap();
    let mut pages = Vec::new();
    let mut all = Vec::new();
    for (index, scene) in script::scenes().into_iter().enumerate() {
        let shown = show(&scene, running.address, sandbox).await.unwrap();
        pages.push(page::scene(index + 1, &scene, &shown));
        all.push((scene, shown));
    }
    pages.push(page::plugins(plugins.path(), &running.gateway.generation()));
    pages.push(page::goodbye(running.address, Path::new("plugins")));
    for line in pages.iter().flat_map(|page| page.lines()) {
        assert!(line.chars().count() <= 100, "wider than 100 columns: {line}");
    }
    let saw = |at: usize| all[at].1.model_saw.as_deref().map(client::last_message);
    let got = |at: usize| &all[at].1.answer;

    let (innocent, shown) = &all[0];
    assert_eq!(shown.model_saw.as_deref(), Some(innocent.body().as_bytes()));
    assert_eq!(shown.answer.text, format!("You said: {}", innocent.asked));

    assert_eq!(saw(1).unwrap(), "Write to [EMAIL_1] that her parcel waits, or call [PHONE_1].");
    assert_eq!(got(1).text, format!("You said: {}", all[1].0.asked));

    let token = crate::sandbox::made_up("github").unwrap();
    assert!(all[2].0.asked.contains(&token) && !saw(2).unwrap().contains(&token), "{:?}", saw(2));

    assert!(all[3].1.model_said.as_ref().unwrap().contains("4111 1111 1111 1111"));
    assert!(got(3).text.starts_with("Of course") && !got(3).text.contains("4111"), "{:?}", got(3));
    assert_eq!((got(3).status, got(3).finish.as_deref()), (200, Some("content_filter")));
    assert_eq!(got(3).error.as_ref().unwrap().0, "pii.blocked");

    for at in [4, 5] {
        assert_eq!(saw(at), None, "{}", pages[at]);
        assert_eq!((got(at).status, got(at).error.as_ref().unwrap().0.as_str()), (400, "prompt-injection.detected"));
    }
    running.stop().await.unwrap();
}

#[test]
fn a_port_that_is_taken_is_replaced_by_a_free_one() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let asked = taken.local_addr().unwrap();
    assert_eq!(place(asked).unwrap(), (SocketAddr::new(asked.ip(), 0), true));
    drop(taken);
    assert_eq!(place(asked).unwrap(), (asked, false));
}
