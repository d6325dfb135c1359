//! Plugins replaced under load, as Kubernetes does it: the files in the directory are links through `..data`, and one
//! rename of that link replaces all of them. Each exchange must be answered, with plugins of one version only.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use sluicegate::plugin::digest;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Result;
use crate::child::Place;
use crate::client::{Connection, Reply};
use crate::figures::Series;
use crate::lab::{Lab, Wanted, built, write};
use crate::prose::Chat;
use crate::table::{Line, us};

const PLUGINS: [&str; 2] = ["first", "second"];
/// Connections that ask for whole answers, and those that ask for streams which outlive a reload.
const WHOLE: usize = 4;
const STREAMS: usize = 4;
/// The longest that a reload may take; past it, it is not going to happen.
const RELOAD_MAX: Duration = Duration::from_secs(15);

/// What the exchanges were answered with.
#[derive(Debug, Default)]
struct Observed {
    exchanges: usize,
    failed: usize,
    mixed: usize,
    /// Something for a person to look at.
    example: Option<String>,
}

/// What the connections share.
struct Watchers {
    /// Versions by digest.
    versions: HashMap<String, usize>,
    observed: Mutex<Observed>,
    latest: watch::Sender<usize>,
    stop: watch::Sender<bool>,
}

pub(super) async fn measure(lab: &Lab) -> Result<Vec<Line>> {
    let versions = Versions::make(lab, lab.scale.reloads)?;
    let wanted = Wanted {
        name: "reload",
        plugins: Some(versions.directory.clone()),
        configuration: "[plugins]\nsettle_ms = 1",
        place: Place::Anywhere,
        ..Wanted::default()
    };
    let gateway = lab.gateway(&wanted)?;
    let watchers = Arc::new(Watchers {
        versions: versions.by_digest.clone(),
        observed: Mutex::default(),
        latest: watch::Sender::new(0),
        stop: watch::Sender::new(false),
    });
    let mut load = JoinSet::new();
    for index in 0..WHOLE + STREAMS {
        load.spawn(connection(gateway.address, index >= WHOLE, watchers.clone()));
    }
    let mut took = Series::default();
    let mut outcome = Ok(());
    for version in 1..=lab.scale.reloads {
        let started = Instant::now();
        outcome = versions.publish(version).and(seen(&watchers, version).await);
        if outcome.is_err() {
            break;
        }
        took.0.push(started.elapsed().as_secs_f64() * 1e6);
    }
    watchers.stop.send_replace(true);
    while load.join_next().await.is_some() {}
    let observed = watchers.observed.lock().unwrap_or_else(PoisonError::into_inner);
    let Observed { exchanges, failed, mixed, example } = &*observed;
    outcome.map_err(|words| format!("{words}; of {exchanges} exchanges {failed} failed: {example:?}"))?;
    let mut lines = vec![
        Line::new(
            format!("{} reloads under load", took.0.len()),
            format!("{exchanges} exchanges, {failed} failed, {mixed} mixed"),
        )
        .budget("none failed, none mixed", *failed == 0 && *mixed == 0),
        Line::note(
            "from the change to the first exchange with it",
            format!("{}, at worst {}", us(took.median()), us(took.most())),
        ),
    ];
    lines.extend(example.as_ref().map(|example| Line::note("for example", example)));
    Ok(lines)
}

/// Waits until some exchange was answered with that version.
async fn seen(watchers: &Watchers, version: usize) -> Result<()> {
    let mut latest = watchers.latest.subscribe();
    let arrived = tokio::time::timeout(RELOAD_MAX, latest.wait_for(|latest| *latest >= version)).await;
    match arrived {
        Ok(Ok(_)) => Ok(()),
        _ => Err(format!("version {version} of the plugins was not in service after {} s", RELOAD_MAX.as_secs())),
    }
}

async fn connection(address: SocketAddr, streams: bool, watchers: Arc<Watchers>) {
    let stop = watchers.stop.subscribe();
    let mut kept = None;
    let mut version = 0;
    while !*stop.borrow() {
        let chat = Chat { receipts: true, ..Chat::of_body(512) };
        let chat = if streams { Chat { model: "sandbox-slow-10", streams: true, ..chat } } else { chat };
        let reply = ask(address, &mut kept, &chat.request()).await;
        // As much as a busy gateway has, and the loader still gets some of the CPU.
        tokio::time::sleep(Duration::from_millis(2)).await;
        version = watchers.note(reply, version);
    }
}

async fn ask(address: SocketAddr, kept: &mut Option<Connection>, request: &[u8]) -> Result<Reply> {
    let mut connection = match kept.take() {
        Some(connection) => connection,
        None => Connection::open(address).await?,
    };
    let reply = connection.ask(request).await?;
    *kept = Some(connection);
    Ok(reply)
}

impl Watchers {
    /// Judges an answer on a connection whose last exchange had version `before`. Gives the version of this one.
    fn note(&self, reply: Result<Reply>, before: usize) -> usize {
        let judged = self.judge(reply, before);
        let mut observed = self.observed.lock().unwrap_or_else(PoisonError::into_inner);
        observed.exchanges += 1;
        match judged {
            Ok(version) => {
                self.latest.send_if_modified(|latest| {
                    let newer = version > *latest;
                    *latest = version.max(*latest);
                    newer
                });
                version
            }
            Err(Wrong { mixed, words }) => {
                *(if mixed { &mut observed.mixed } else { &mut observed.failed }) += 1;
                observed.example.get_or_insert(words);
                before
            }
        }
    }

    fn judge(&self, reply: Result<Reply>, before: usize) -> Result<usize, Wrong> {
        let failed = |words| Wrong { mixed: false, words };
        let reply = reply.map_err(failed)?;
        if reply.status != 200 || (reply.first_text.is_some() && !reply.body.ends_with(b"\n\n")) {
            return Err(failed(format!("status {}", reply.status)));
        }
        let digests = reply.receipts("digest");
        let versions: Option<Vec<usize>> = digests.iter().map(|digest| self.versions.get(digest).copied()).collect();
        let versions = versions.unwrap_or_default();
        match versions.as_slice() {
            // Each plugin was called at least for the question and for the answer.
            [first, others @ ..] if others.len() + 1 >= 2 * PLUGINS.len() => {
                if others.iter().all(|other| other == first) && *first >= before {
                    return Ok(*first);
                }
                Err(Wrong { mixed: true, words: format!("versions {versions:?} after {before}") })
            }
            _ => Err(failed(format!("receipts of versions {versions:?} only"))),
        }
    }
}

/// What is wrong with an exchange.
struct Wrong {
    mixed: bool,
    words: String,
}

/// The same plugins again and again, with a mark that makes each version another file.
struct Versions {
    folder: PathBuf,
    directory: PathBuf,
    by_digest: HashMap<String, usize>,
}

impl Versions {
    fn make(lab: &Lab, count: usize) -> Result<Self> {
        let no_op = built("no-op")?;
        let (folder, directory) = (lab.folder("reload-versions")?, lab.folder("reload-plugins")?);
        let mut by_digest = HashMap::new();
        for version in 0..=count {
            let files = lab.folder(&format!("reload-versions/{version}"))?;
            for plugin in PLUGINS {
                let bytes = marked(&no_op, &format!("{plugin} {version}"));
                let digest = digest(&bytes);
                by_digest.insert(digest.get(..12).unwrap_or_default().to_owned(), version);
                write(&files.join(format!("{plugin}.wasm")), &bytes)?;
            }
        }
        let versions = Self { folder, directory, by_digest };
        versions.publish(0)?;
        for plugin in PLUGINS {
            let file = format!("{plugin}.wasm");
            link(Path::new("..data").join(&file).as_path(), &versions.directory.join(file))?;
        }
        Ok(versions)
    }

    /// Puts a version in the place of the one before, all at once.
    fn publish(&self, version: usize) -> Result<()> {
        let aside = self.folder.join("next");
        link(&self.folder.join(version.to_string()), &aside)?;
        let data = self.directory.join("..data");
        std::fs::rename(&aside, &data).map_err(|error| format!("renaming {}: {error}", aside.display()))
    }
}

fn link(to: &Path, at: &Path) -> Result<()> {
    symlink(to, at).map_err(|error| format!("linking {}: {error}", at.display()))
}

/// The same Wasm with a custom section of a few bytes behind it.
fn marked(wasm: &[u8], mark: &str) -> Vec<u8> {
    const NAME: &str = "bench";
    // Both lengths are below 128, so each is one byte.
    let name_length = u8::try_from(NAME.len()).unwrap_or_default();
    let length = u8::try_from(1 + NAME.len() + mark.len()).unwrap_or_default();
    [wasm, &[0, length, name_length], NAME.as_bytes(), mark.as_bytes()].concat()
}
