//! Files change while the gateway serves: no exchange fails for it, none sees two generations, and what is broken does
//! not take the place of what works.

mod files;
mod generations;
mod settings;
mod start;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use sluicegate_tests::guests::guest;
use sluicegate_tests::{Answer, Call, DONE, Gateway, Installed, Provider, Reply, chunk, finish, hostile, streamed};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// A component that does nothing, in a version of its own.
fn version(number: u32) -> Vec<u8> {
    marked(guest("calm"), number)
}

fn marked(mut bytes: Vec<u8>, number: u32) -> Vec<u8> {
    // A section that means nothing: its length, its name, its content.
    bytes.extend([0, 6, 1, b'v']);
    bytes.extend(number.to_le_bytes());
    bytes
}

/// The digits of its digest that receipts show.
fn shown(bytes: &[u8]) -> String {
    sluicegate::plugin::digest(bytes)[..12].to_owned()
}

/// The file of the guard's component.
const COMPONENT: &str = "edit-into-context.wasm";

/// Masks what the provider says, so that an answer shows whether it was guarded. Small, so that loading it is quick.
fn guard() -> Installed {
    hostile("edit-into-context").named("guard").set("order = 1\nphases = ['answer']")
}

/// The guard in a version of its own.
fn guard_version(number: u32) -> Vec<u8> {
    marked(guest("edit-into-context"), number)
}

/// A provider with something to mask in each answer.
async fn telling() -> Provider {
    Provider::saying(Reply::events([chunk("an attack"), finish(0, "stop"), DONE.to_owned()])).await
}

/// What a guarded answer says.
const GUARDED: &str = "[x]";

/// A gateway with the guard and other plugins, before the provider that tells.
async fn gateway(plugins: impl IntoIterator<Item = Installed>, provider: &Provider) -> Gateway {
    Gateway::with_plugins([guard()].into_iter().chain(plugins)).upstream(provider).start().await
}

/// Write a file aside and rename it over the old one.
fn replace(directory: &Path, file: &str, bytes: impl AsRef<[u8]>) {
    let aside = directory.join(format!(".{file}.new"));
    std::fs::write(&aside, bytes).unwrap();
    std::fs::rename(aside, directory.join(file)).unwrap();
}

/// Wait until a plugin is in service with this component.
async fn in_service(gateway: &Gateway, name: &str, bytes: &[u8]) {
    let digest = shown(bytes);
    let is_it =
        |plugin: &std::sync::Arc<sluicegate::plugin::Plugin>| *plugin.name == *name && *plugin.short_digest == *digest;
    gateway.until(|host| host.generation().plugins.iter().any(is_it)).await;
}

/// Wait until nothing is broken.
async fn well(gateway: &Gateway) {
    gateway.until(|host| host.broken().is_empty()).await;
}

const CALLERS: u32 = 3;

/// Callers who ask again and again.
struct Load {
    stop: watch::Sender<bool>,
    callers: JoinSet<Vec<Answer>>,
}

impl Load {
    /// Three callers. They have had an answer each when this returns.
    async fn on(gateway: &Gateway) -> Self {
        Self::of(gateway.ask(streamed("hello?")).receipts()).await
    }

    async fn of(call: Call) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (began, mut begun) = watch::channel(0);
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let (call, stopped, began) = (call.clone(), stopped.clone(), began.clone());
            callers.spawn(async move {
                let mut answers = Vec::new();
                while !*stopped.borrow() {
                    answers.push(call.clone().await);
                    // Plugins are loaded with low priority: on few cores, callers without a pause leave none.
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    if answers.len() == 1 {
                        began.send_modify(|began| *began += 1);
                    }
                }
                answers
            });
        }
        begun.wait_for(|begun| *begun == CALLERS).await.unwrap();
        Self { stop, callers }
    }

    /// All answers.
    async fn answers(mut self) -> Vec<Answer> {
        self.stop.send_replace(true);
        let mut all = Vec::new();
        while let Some(answers) = self.callers.join_next().await {
            all.extend(answers.unwrap());
        }
        all
    }

    /// All answers, each of them as if nothing had happened.
    async fn all_guarded(self) -> Vec<Answer> {
        let answers = self.answers().await;
        for answer in &answers {
            assert_eq!(
                (answer.status, answer.content().as_str(), answer.is_done()),
                (200, GUARDED, true),
                "{}",
                answer.text()
            );
        }
        answers
    }
}

/// The digests that an exchange saw of some plugins, as its receipts show them.
fn digests(answer: &Answer, names: &[&str]) -> BTreeSet<(String, String)> {
    let receipts = answer.receipts().into_iter().filter(|receipt| names.contains(&&*receipt.plugin));
    receipts.map(|receipt| (receipt.plugin.clone(), receipt.get("digest").unwrap().to_owned())).collect()
}
