//! What is put into service while a gateway serves, and what cannot be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::serve::Running;
use super::super::table::say;
use crate::gateway::Gateway;
use crate::generation::Generation;
use crate::plugin::Plugin;
use crate::plugin::directory::Broken;

/// How often to look whether other plugins are in service.
const LOOK: Duration = Duration::from_millis(250);

/// What is in service at a moment, and what cannot be.
pub(in crate::cli) struct Standing {
    generation: Arc<Generation>,
    broken: Arc<Vec<Broken>>,
}

impl Standing {
    /// How it stands now.
    pub(in crate::cli) fn of(gateway: &Gateway) -> Self {
        Self { generation: gateway.generation(), broken: gateway.broken() }
    }

    /// The same, with nothing said of what is broken: it is news if it still is.
    pub(in crate::cli) fn in_service(self) -> Self {
        Self { broken: Arc::default(), ..self }
    }

    /// What has changed since, in lines.
    pub(in crate::cli) fn news(&self, before: &Self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.generation.number != before.generation.number {
            lines.push(format!("in service now: {}", difference(&before.generation, &self.generation)));
        }
        for Broken { name, reason, older_in_service } in self.broken.iter().filter(|one| !before.broken.contains(one)) {
            let instead = if *older_in_service { "; the version before it stays in service" } else { "" };
            lines.push(format!("not put into service: {name}: {reason}{instead}"));
        }
        let is_broken = |name: &str| self.broken.iter().any(|one| one.name == name);
        let mended = before.broken.iter().filter(|one| one.older_in_service && !is_broken(&one.name));
        // One that was mended by another version is told of already.
        if self.generation.number == before.generation.number {
            lines.extend(mended.map(|one| format!("in service as before: {}, with which all is well again", one.name)));
        }
        lines
    }
}

/// Say what is put into service, and what cannot be, as it happens.
pub(super) async fn tell(running: &Running) -> Result<(), String> {
    let mut before = Standing::of(&running.gateway);
    loop {
        tokio::time::sleep(LOOK).await;
        let now = Standing::of(&running.gateway);
        now.news(&before).iter().try_for_each(|line| say(line))?;
        before = now;
    }
}

/// What changed from one generation to the next, in a few words for each plugin.
fn difference(before: &Generation, after: &Generation) -> String {
    let by_name = |generation: &Generation| -> BTreeMap<Arc<str>, Arc<Plugin>> {
        generation.plugins.iter().map(|plugin| (plugin.name.clone(), plugin.clone())).collect()
    };
    let (before, after_by_name) = (by_name(before), by_name(after));
    let mut words: Vec<String> = Vec::new();
    for (name, plugin) in &after_by_name {
        let digest = &plugin.short_digest;
        match before.get(name) {
            None => words.push(format!("{name} {digest}, which is new")),
            Some(older) if older.digest != plugin.digest => {
                words.push(format!("{name} {digest} in place of {}", older.short_digest));
            }
            Some(older) if older.installation != plugin.installation => words.push(format!("{name}, installed anew")),
            Some(_) => {}
        }
    }
    let gone = before.keys().filter(|name| !after_by_name.contains_key(*name));
    words.extend(gone.map(|name| format!("no {name} any more")));
    format!("{} (generation {})", words.join("; "), after.number)
}
