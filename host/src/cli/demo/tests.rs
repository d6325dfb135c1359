//! The demo with the standard plugins, as they were built by `cargo xtask`, and the installations that it has in a clone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::feedback::Source;
use crate::ledger::{Opinions, Place};
use play::{Played, Shown};

/// A free port.
const ANY: ([u8; 4], u16) = ([127, 0, 0, 1], 0);

/// What `cargo xtask` built, and where the repository is.
fn built() -> (PathBuf, &'static Path) {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let built = std::env::var_os("SLUICEGATE_PLUGINS").map_or_else(|| repository.join("target/plugins"), PathBuf::from);
    (built, repository)
}

/// The sentence transformer, where there is one.
fn embedder() -> Option<PathBuf> {
    std::env::var_os("SLUICEGATE_EMBEDDER").filter(|directory| !directory.is_empty()).map(PathBuf::from)
}

/// Some built components and the installations of their crates, in a directory of its own; those of the demo in these of its
/// folders instead of theirs.
fn plugins(names: &[&str], demos: &[&str]) -> tempfile::TempDir {
    let (built, repository) = built();
    let directory = tempfile::tempdir().unwrap();
    let lay = |folder: PathBuf| {
        for installation in fs::read_dir(folder).unwrap() {
            let installation = installation.unwrap();
            // What is shown is tested here, and not how long it takes while everything else is tested as well.
            let text = fs::read_to_string(installation.path()).unwrap();
            assert!(!text.contains("[limits]"), "{installation:?}");
            let patient = format!("{text}\n[limits]\nwall_ms = 20_000\n");
            fs::write(directory.path().join(installation.file_name()), patient).unwrap();
        }
    };
    for name in names {
        let component = format!("{name}.wasm");
        fs::copy(built.join(&component), directory.path().join(&component))
            .expect("the plugins are not built: run `cargo xtask plugins`");
        lay(repository.join("plugins").join(name).join("installations"));
    }
    demos.iter().for_each(|folder| lay(repository.join("demo").join(folder)));
    directory
}

/// A gateway with its folder.
async fn start(plugins: &tempfile::TempDir, embedder: Option<&Path>) -> (tempfile::TempDir, Running) {
    let folder = folder().unwrap();
    let settings = settings(folder.path(), plugins.path(), embedder, ANY.into()).unwrap();
    (folder, Running::start(settings, None, |_| {}).await.unwrap())
}

/// Scenes and what came of them.
struct Stage {
    pages: Vec<String>,
    played: Vec<(Scene, Played)>,
}

impl Stage {
    async fn of(scenes: impl Iterator<Item = (usize, Scene)>, running: &Running) -> Self {
        let (mut pages, mut played) = (Vec::new(), Vec::new());
        for (number, scene) in scenes {
            let came = play::play(&scene, running).await.unwrap();
            pages.push(page::scene(number, &scene, &came));
            played.push((scene, came));
        }
        Self { pages, played }
    }

    /// What came of a question of a scene.
    fn shown(&self, at: usize, question: usize) -> &Shown {
        &self.played[at].1.shown[question]
    }

    fn asked(&self, at: usize) -> &str {
        &self.played[at].0.questions[0].text
    }

    fn saw(&self, at: usize) -> Option<String> {
        self.shown(at, 0).model_saw.as_deref().map(client::last_message)
    }

    fn got(&self, at: usize) -> &client::Answer {
        &self.shown(at, 0).answer
    }

    fn says(&self, at: usize, lines: &[&str]) {
        let page = &self.pages[at];
        lines.iter().for_each(|line| assert!(page.contains(line), "{line:?} is not in\n{page}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scene_shows_what_its_title_says() {
    let embedder = embedder();
    let names = ["answer-cache", "cost-router", "intent-router", "no-op", "pii", "prompt-injection", "secrets"];
    let by_meaning = embedder.iter().map(|_| "by-meaning");
    let plugins = plugins(&names, &["plugins"].into_iter().chain(by_meaning).collect::<Vec<_>>());
    let (folder, running) = start(&plugins, embedder.as_deref()).await;
    let generation = running.gateway.generation();
    let scenes = (1..).zip(script::scenes()).filter(|(_, scene)| scene.needs.is_met(&generation));
    let stage = Stage::of(scenes, &running).await;

    guardrails_decide(&stage);
    a_router_decides(&stage);
    what_was_asked_before_is_not_asked_again(&stage);
    match embedder {
        Some(_) => what_means_the_same_is_not_asked_again(&stage),
        None => assert_eq!(stage.played.len(), 13),
    }
    a_person_answers(&stage);
    another_target_answers(&stage);
    an_agent_takes_its_steps(&stage);
    what_is_thought_of_an_answer_is_kept(&stage, &running).await;

    let more = [
        page::plugins(plugins.path(), &generation),
        page::goodbye(running.address, running.admin_address(), Path::new("target/demo/plugins")),
        page::left_out(&(1..).zip(&script::scenes()).collect::<Vec<_>>()),
    ];
    for line in stage.pages.iter().chain(&more).flat_map(|page| page.lines()) {
        assert!(line.chars().count() <= 100, "wider than 100 columns: {line}");
    }
    assert!(folder.path().join("sluicegate.db").is_file(), "what is kept is in the demo's folder");
    running.stop().await.unwrap();
    let path = folder.path().to_owned();
    drop(folder);
    assert!(!path.exists());
}

fn guardrails_decide(stage: &Stage) {
    let innocent = &stage.played[0].0.questions[0];
    assert_eq!(stage.shown(0, 0).model_saw.as_deref(), Some(innocent.body().as_bytes()));
    assert_eq!(stage.got(0).text, format!("You said: {}", innocent.text));
    stage.says(0, &["model saw   (the same, byte for byte)", "target      ordinary"]);

    assert_eq!(stage.saw(1).unwrap(), "Write to [EMAIL_1] that her parcel waits, or call [PHONE_1].");
    assert_eq!(stage.got(1).text, format!("You said: {}", stage.asked(1)));

    let token = crate::sandbox::made_up("github").unwrap();
    let saw = stage.saw(2).unwrap();
    assert!(stage.asked(2).contains(&token) && !saw.contains(&token), "{saw}");

    let leak = stage.shown(3, 0);
    assert!(leak.model_said.as_ref().unwrap().contains("4111 1111 1111 1111"));
    assert!(leak.answer.text.starts_with("Of course") && !leak.answer.text.contains("4111"), "{:?}", leak.answer);
    assert_eq!((leak.answer.status, leak.answer.finish.as_deref()), (200, Some("content_filter")));
    assert_eq!(leak.answer.error.as_ref().unwrap().0, "pii.blocked");

    for at in [4, 5] {
        assert_eq!(stage.saw(at), None, "{}", stage.pages[at]);
        let got = stage.got(at);
        assert_eq!((got.status, got.error.as_ref().unwrap().0.as_str()), (400, "prompt-injection.detected"));
    }
}

fn a_router_decides(stage: &Stage) {
    assert_eq!((stage.saw(6), stage.got(6).target.as_deref()), (None, None));
    assert_eq!(stage.got(6).text, "Hello! What can I do for you?");
    stage.says(6, &["intent      small-talk", "intent-router     request  answer"]);

    assert_eq!(stage.got(7).target.as_deref(), Some("strong"));
    assert_eq!(client::model_of(stage.shown(7, 0).model_saw.as_deref().unwrap()), "strong");
    let saw = r#"model saw   (the same text, for the model "strong")"#;
    stage.says(7, &["intent      code", "target      strong", saw, "intent-router     request  targets"]);
}

fn what_was_asked_before_is_not_asked_again(stage: &Stage) {
    let (first, again) = (stage.shown(8, 0), stage.shown(8, 1));
    assert_eq!(stage.saw(8).as_deref(), Some(stage.asked(8)));
    assert_eq!((first.answer.cache.as_deref(), first.answer.age.as_deref()), (Some("miss"), None));
    assert_eq!((&again.model_saw, again.answer.target.as_deref()), (&None, None));
    assert_eq!((again.answer.cache.as_deref(), &again.answer.text), (Some("hit"), &first.answer.text));
    assert!(again.answer.age.as_ref().is_some_and(|age| age.parse::<u64>().is_ok()), "{again:?}", again = again.answer);
    stage.says(8, &["cache       miss\n", "cache       hit, ", "model saw   (nothing: the request did not reach it)"]);
}

fn what_means_the_same_is_not_asked_again(stage: &Stage) {
    assert_ne!(stage.asked(9), stage.asked(8));
    assert_eq!((stage.saw(9), stage.got(9).cache.as_deref()), (None, Some("hit")));
    assert_eq!(stage.got(9).text, format!("You said: {}", stage.asked(8)));
    stage.says(9, &["answer-cache      request  accept"]);

    assert_eq!(stage.got(10).cache.as_deref(), Some("miss"));
    assert_eq!(stage.saw(10).as_deref(), Some(stage.asked(10)));
    assert_eq!(stage.got(10).text, format!("You said: {}", stage.asked(10)));
    stage.says(10, &["answer-cache      request  reject"]);
}

fn a_person_answers(stage: &Stage) {
    let at = stage.played.len() - 4;
    let (scene, played) = &stage.played[at];
    let settled = played.settled.as_ref().unwrap();
    assert_eq!((stage.saw(at), stage.got(at).status), (None, 200));
    assert_eq!(stage.got(at).reference.as_ref(), Some(&settled.reference));
    assert!(stage.got(at).text.contains(&settled.reference), "{:?}", stage.got(at));
    assert_eq!(settled.person_saw, stage.asked(at));
    assert_eq!(Some(settled.person_said.as_str()), scene.person_says);
    assert_eq!((settled.state.as_str(), Some(settled.answer.as_str())), ("answered", scene.person_says));
    let fetched = format!("then asked  GET /v1/escalations/{}\n", settled.reference);
    stage.says(at, &["intent      refund", "intent-router     request  escalate", &fetched, "caller got  answered: "]);
}

fn another_target_answers(stage: &Stage) {
    let at = stage.played.len() - 3;
    let (sturdy, fragile) = (&stage.shown(at, 0).answer, &stage.shown(at, 1).answer);
    assert_eq!((sturdy.status, sturdy.target.as_deref()), (200, Some("ordinary")));
    assert_eq!((fragile.status, fragile.target.as_deref()), (503, Some("ailing")), "{fragile:?}");
    stage.says(at, &["targets     ailing;error=503;ms=", ", ordinary", "caller got  HTTP 503: "]);
}

fn an_agent_takes_its_steps(stage: &Stage) {
    let at = stage.played.len() - 2;
    let steps: Vec<&client::Answer> = (0..4).map(|step| &stage.shown(at, step).answer).collect();
    assert_eq!((&*steps[0].tools, &*steps[2].tools), (&["tide_table".to_owned()][..], &["move_gate".to_owned()][..]));
    assert_eq!(steps[1].text, "tide_table answered: high water at 14:20");
    let error = steps[3].error.as_ref().unwrap();
    assert_eq!((steps[3].status, error.0.as_str()), (429, "session_limit_exceeded"));
    stage.says(at, &["caller got  (a call of tide_table)", "tool result high water at 14:20"]);
}

async fn what_is_thought_of_an_answer_is_kept(stage: &Stage, running: &Running) {
    let at = stage.played.len() - 1;
    let exchange = &stage.shown(at, 0).answer.exchange;
    stage.says(at, &["then said   POST /v1/feedback {", "kept as     fb_"]);
    let ledger = running.gateway.observers.ledger.as_ref().unwrap();
    let began = std::time::Instant::now();
    let kept = loop {
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "it is noticed that the same was asked again");
        assert!(ledger.all_written(std::time::Duration::from_secs(20)).await);
        let kept = ledger.feedback_of(exchange).await.unwrap();
        if kept.len() > 1 {
            break kept;
        }
    };
    assert!(kept.iter().any(|one| one.opinion.comment.as_deref() == Some("that is no answer")), "{kept:?}");
    assert!(kept.iter().any(|one| one.opinion.is_regenerated), "it was asked again: {kept:?}");
    let (all, _) = ledger.feedback(&Opinions::default(), &Place::newest(), 100).await.unwrap();
    let noticed = all.iter().filter(|one| one.source == Source::Traffic);
    let (changed, again): (Vec<_>, Vec<_>) = noticed.partition(|one| one.opinion.is_corrected);
    assert_eq!((changed.len(), again.len()), (0, 1), "of the scene alone that shows it: {all:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_in_service_is_not_shown_and_named() {
    let plugins = plugins(&["answer-cache"], &[]);
    fs::copy(built().1.join("demo/plugins/answer-cache.toml"), plugins.path().join("answer-cache.toml")).unwrap();
    let (_folder, running) = start(&plugins, None).await;
    let generation = running.gateway.generation();
    let scenes = script::scenes();
    let left_out: Vec<_> = (1..).zip(&scenes).filter(|(_, scene)| !scene.needs.is_met(&generation)).collect();
    let words = page::left_out(&left_out).replace('\n', " ");
    assert_eq!(
        words,
        "Left out for lack of a router: 7, 8, 12; for lack of a cache policy with an embedder (see --embedder): 10, 11. "
    );
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_that_is_broken_and_mended_is_told_of() {
    let plugins = plugins(&["secrets"], &[]);
    let (_folder, running) = start(&plugins, None).await;
    let file = plugins.path().join("secrets.toml");
    let right = fs::read_to_string(&file).unwrap();
    let mut before = changes::Standing::of(&running.gateway);
    let mut news_of = async |text: &str| {
        fs::write(&file, text).unwrap();
        running.gateway.reload_plugins(running.gateway.generation().settings.clone()).await;
        let now = changes::Standing::of(&running.gateway);
        let news = now.news(&before);
        before = now;
        news
    };
    let broken = news_of("ordre = 1").await;
    assert!(
        broken[0].starts_with("not put into service: secrets: ") && broken[0].ends_with("stays in service"),
        "{broken:?}"
    );
    assert_eq!(news_of(&right).await, ["in service as before: secrets, with which all is well again"]);
    assert_eq!(news_of(&right).await, Vec::<String>::new());
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
