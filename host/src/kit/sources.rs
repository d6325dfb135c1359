//! The sources of a project, and when they change: all in its folder but what its build writes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::plugin::directory::{Stamp, stamp};

/// How often to look. The system's watch is not used: it would take one for each folder, and tell of builds, too.
const LOOK: Duration = Duration::from_millis(200);
/// Sources that have not changed for this long are as their author wants them: an editor has written all of its files.
const SETTLE: Duration = Duration::from_millis(100);
/// Somebody may write without a pause; after this long, what is there is taken.
const SETTLE_MAX: Duration = Duration::from_secs(5);
/// Files that are looked at: those of an SDK are a hundred.
const FILES_MAX: usize = 10_000;
/// Folders that builds write, and installations of what a language needs.
const WRITTEN_FOLDERS: &[&str] = &["target", "node_modules", "build", "dist", "__pycache__"];
/// Files that tools write beside the sources.
const WRITTEN_FILES: &[&str] = &["Cargo.lock", "package-lock.json", "go.sum", "contract.d.ts"];

type Stamps = BTreeMap<PathBuf, Option<Stamp>>;

/// The sources of a project.
#[derive(Debug)]
pub struct Sources {
    project: PathBuf,
    seen: Stamps,
}

impl Sources {
    /// As they are now.
    #[must_use]
    pub fn of(project: &Path) -> Self {
        Self { project: project.to_owned(), seen: look(project) }
    }

    /// Wait until they are not as they were seen last, and nothing more changes; says what has changed. May be dropped
    /// at any time, and is told of the same change when it is called again.
    pub async fn changed(&mut self) -> Vec<PathBuf> {
        loop {
            sleep(LOOK).await;
            if look(&self.project) == self.seen {
                continue;
            }
            let now = self.settled().await;
            let changed = differing(&self.seen, &now);
            self.seen = now;
            if !changed.is_empty() {
                return changed;
            }
        }
    }

    async fn settled(&self) -> Stamps {
        let latest = Instant::now() + SETTLE_MAX;
        let mut seen = look(&self.project);
        loop {
            sleep(SETTLE).await;
            let now = look(&self.project);
            if now == seen || Instant::now() >= latest {
                return now;
            }
            seen = now;
        }
    }
}

/// A source of a project that was written after its component; what only tests or explains it is none.
#[must_use]
pub fn newer_than(project: &Path, component: &Path) -> Option<PathBuf> {
    let written = |path: &Path| std::fs::metadata(path).and_then(|about| about.modified()).ok();
    let built = written(component)?;
    let installation = component.with_extension("toml");
    let mut sources = look(project).into_keys().map(|source| (project.join(&source), source));
    let (_, newer) = sources.find(|(path, source)| {
        *path != installation && is_built_from(source) && written(path).is_some_and(|at| at > built)
    })?;
    Some(newer)
}

fn is_built_from(source: &Path) -> bool {
    let is_of_tests = |part: std::path::Component<'_>| matches!(part.as_os_str().to_str(), Some("test" | "tests"));
    let name = source.file_name().unwrap_or_default().to_string_lossy();
    !source.components().any(is_of_tests)
        && !name.ends_with(".md")
        && !name.contains("_test.")
        && !name.contains(".test.")
}

/// The stamps of all sources, by their paths in the project.
fn look(project: &Path) -> Stamps {
    let mut stamps = Stamps::new();
    let mut folders = vec![project.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if stamps.len() >= FILES_MAX {
                return stamps;
            }
            let (name, path) = (entry.file_name(), entry.path());
            // The type of a link is not that of what it leads to: links do not lead in circles.
            match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                true if is_folder_of_sources(&name.to_string_lossy()) => folders.push(path),
                false if is_source(&name.to_string_lossy()) => {
                    let stamp = stamp(&path);
                    stamps.insert(path.strip_prefix(project).map(Path::to_owned).unwrap_or(path), stamp);
                }
                true | false => {}
            }
        }
    }
    stamps
}

fn is_folder_of_sources(name: &str) -> bool {
    !name.starts_with('.') && !name.ends_with(".egg-info") && !WRITTEN_FOLDERS.contains(&name)
}

/// Hidden files, and those that end in `~`, are editors'.
fn is_source(name: &str) -> bool {
    !name.starts_with('.') && !name.ends_with('~') && !name.ends_with(".wasm") && !WRITTEN_FILES.contains(&name)
}

/// What is in one of them alone, or not the same in both.
fn differing(before: &Stamps, after: &Stamps) -> Vec<PathBuf> {
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    let other = after.iter().filter(|(path, stamp)| before.get(*path) != Some(*stamp)).map(|(path, _)| path);
    gone.chain(other).cloned().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn put(folder: &Path, file: &str, text: &str) {
        let path = folder.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    #[test]
    fn what_builds_and_editors_write_is_no_source() {
        let folder = tempfile::tempdir().unwrap();
        let sources = ["Makefile", "NAME.toml", "sluicegate-plugin/src/a.c", "src/lib.rs", "tests/router.toml"];
        let others = [
            "a.wasm",
            "src/lib.rs~",
            ".git/index",
            ".venv/bin/python",
            "src/.lib.rs.swp",
            "target/x",
            "node_modules/x/y.js",
            "build/x",
            "dist/x",
            "src/__pycache__/x",
            "a.egg-info/x",
            "Cargo.lock",
            "package-lock.json",
            "go.sum",
            "sluicegate-plugin/src/contract.d.ts",
        ];
        sources.iter().chain(&others).for_each(|file| put(folder.path(), file, "x"));
        let seen: Vec<PathBuf> = look(folder.path()).into_keys().collect();
        assert_eq!(seen, sources.map(PathBuf::from));
    }

    #[test]
    fn what_is_new_other_or_gone_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        ["a", "b", "c"].iter().for_each(|file| put(folder.path(), file, "x"));
        let before = look(folder.path());
        assert_eq!(differing(&before, &before), Vec::<PathBuf>::new());
        std::fs::remove_file(folder.path().join("a")).unwrap();
        put(folder.path(), "b", "longer");
        put(folder.path(), "src/d", "x");
        assert_eq!(differing(&before, &look(folder.path())), ["a", "b", "src/d"].map(PathBuf::from));
    }

    #[test]
    fn a_source_is_newer_than_what_was_built_before_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let all = ["src/lib.rs", "tests/cases.toml", "README.md", "main_test.go", "x.toml", "x.wasm"];
        all.iter().for_each(|file| put(folder.path(), file, "x"));
        let component = folder.path().join("x.wasm");
        let newer = |written: &str| {
            let (now, file) = (std::time::SystemTime::now(), folder.path().join(written));
            let at = |file: &Path, time| {
                std::fs::File::options().write(true).open(file).unwrap().set_modified(time).unwrap()
            };
            all.iter().for_each(|file| at(&folder.path().join(file), now));
            at(&file, now + Duration::from_secs(1));
            newer_than(folder.path(), &component)
        };
        assert_eq!(newer("src/lib.rs"), Some(PathBuf::from("src/lib.rs")));
        for other in &all[1..] {
            assert_eq!(newer(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn a_change_is_told_once() {
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "a", "x");
        let mut sources = Sources::of(folder.path());
        put(folder.path(), "a", "longer");
        put(folder.path(), "b", "x");
        assert_eq!(sources.changed().await, ["a", "b"].map(PathBuf::from));
        assert_eq!(sources.seen, look(folder.path()), "there is nothing more to tell");
    }
}
