//! From what a person wrote about embedders to what the program needs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::problem::suggestion;
use super::resolve::number;
use super::{Embedder, Problems, Target, file};
use crate::chat::Task;
use crate::dialect::Dialect;

pub(super) fn embedders(
    file: &file::File,
    targets: &BTreeMap<String, Option<Arc<Target>>>,
    base: &Path,
    problems: &mut Problems,
) -> BTreeMap<String, Embedder> {
    let entries = file.embedders.iter();
    entries
        .filter_map(|(name, entry)| Some((name.clone(), embedder(name, entry, file, targets, base, problems)?)))
        .collect()
}

fn embedder(
    name: &str,
    entry: &file::Entry<file::Embedder>,
    file: &file::File,
    targets: &BTreeMap<String, Option<Arc<Target>>>,
    base: &Path,
    problems: &mut Problems,
) -> Option<Embedder> {
    let field = |of: &str| format!("embedders.{name}.{of}");
    let written = &entry.value;
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u64);
    match (&written.directory, &written.target) {
        (Some(directory), None) => {
            if let Some(dimensions) = &written.dimensions {
                let message = "is up to the model in the directory; it counts only with `target`";
                problems.add(Some(dimensions.span()), field("dimensions"), message);
            }
            let usual = (processors / 2).max(1);
            let threads = number(written.threads.as_ref(), usual, 1..=1_024, &field("threads"), problems);
            let threads = usize::try_from(threads).unwrap_or(usize::MAX);
            Some(Embedder::Local { directory: base.join(directory.get_ref()), threads })
        }
        (None, Some(wanted)) => {
            if let Some(threads) = &written.threads {
                let message = "counts only with `directory`";
                problems.add(Some(threads.span()), field("threads"), message);
            }
            let dimensions = written.dimensions.as_ref();
            let dimensions = dimensions.map(|_| number(dimensions, 1, 1..=8_192, &field("dimensions"), problems));
            let dimensions = dimensions.and_then(|count| u32::try_from(count).ok());
            let Some(target) = targets.get(wanted.get_ref()) else {
                if !file.is_unreadable("targets", wanted.get_ref()) {
                    let close = suggestion(wanted.get_ref(), targets.keys().map(String::as_str));
                    let message = format!("there is no target {:?}{close}", wanted.get_ref());
                    problems.add(Some(wanted.span()), field("target"), message);
                }
                return None;
            };
            let target = target.clone()?;
            let has_vectors = target.dialect_for(Dialect::OpenAi, Task::Embed).has(Task::Embed) && !target.sandbox;
            if !has_vectors {
                problems.add(Some(wanted.span()), field("target"), "is at a provider that turns no texts into vectors");
            }
            if target.model.is_none() {
                problems.add(Some(wanted.span()), field("target"), "must name its model: there is no caller who does");
            }
            Some(Embedder::Target { target, dimensions })
        }
        _ => {
            let message = "needs either `directory`, of a sentence transformer, or `target`, a name under [targets]";
            problems.add(Some(entry.span.clone()), format!("embedders.{name}"), message);
            None
        }
    }
}
