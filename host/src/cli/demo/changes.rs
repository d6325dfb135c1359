//! What is put into service while the demo serves, and what cannot be.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::serve::Running;
use super::super::table::say;
use crate::generation::Generation;
use crate::plugin::Plugin;
use crate::plugin::directory::Broken;

/// How often to look whether other plugins are in service.
const LOOK: Duration = Duration::from_millis(250);

/// Say what is put into service, and what cannot be, as it happens.
pub(super) async fn tell(running: &Running) -> Result<(), String> {
    let mut generation = running.gateway.generation();
    let mut broken = running.gateway.broken();
    loop {
        tokio::time::sleep(LOOK).await;
        let newer = running.gateway.generation();
        if newer.number != generation.number {
            say(&format!("in service now: {}", difference(&generation, &newer)))?;
        }
        let newly = running.gateway.broken();
        for Broken { name, reason, older_in_service } in newly.iter().filter(|one| !broken.contains(one)) {
            let instead = if *older_in_service { "; the version before it stays in service" } else { "" };
            say(&format!("not put into service: {name}: {reason}{instead}"))?;
        }
        (generation, broken) = (newer, newly);
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
