//! A project beside a gateway: it is built, tested and put into service there, and questions are asked.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tempfile::NamedTempFile;
use tokio::sync::mpsc;

use super::super::demo::changes::Standing;
use super::super::demo::page::{self, Column};
use super::super::demo::play;
use super::super::demo::script::Question;
use super::super::plugin::bench::Bench;
use super::super::plugin::test;
use super::super::serve::Running;
use super::screen::Screen;
use crate::kit::build::build;
use crate::kit::sources::Sources;

/// What is of interest of a plugin that may not work yet.
const COLUMNS: &[Column] = &[
    Column::Plugin,
    Column::Phase,
    Column::Verdict,
    Column::Outcome,
    Column::Calls,
    Column::Fuel,
    Column::Time,
    Column::Memory,
    Column::Found,
];
/// A question for those who do not know what to ask: the plugins of new projects have something to say of it.
const EXAMPLE: &str = "When will Nightjar be ready?";
const HELP: &str = "\
/test    play all cases again
/bench   measure what a call costs
/help    this list
/quit    end it, as Ctrl-D and Ctrl-C do
Anything else is asked as a user asks it, and the answer is streamed. The message \"help\" lists what the
built-in model does.";

/// A project beside a gateway.
pub(super) struct Workshop {
    project: PathBuf,
    /// The gateway's plugin directory.
    plugins: PathBuf,
    compiled: Option<PathBuf>,
    running: Running,
    /// What was built last.
    component: Option<PathBuf>,
}

/// Whether there is anything more to do.
enum Then {
    GoOn,
    End,
}

/// Which cases are shown.
#[derive(Clone, Copy)]
enum Cases {
    All,
    Failed,
}

impl Workshop {
    pub(super) fn new(project: PathBuf, plugins: PathBuf, compiled: Option<PathBuf>, running: Running) -> Self {
        Self { project, plugins, compiled, running, component: None }
    }

    /// Work until the lines end, or one of them says so.
    ///
    /// # Errors
    /// When nothing can be written.
    pub(super) async fn work(&mut self, lines: &mut mpsc::Receiver<String>, screen: &mut Screen) -> Result<(), String> {
        screen.say(page::places(self.running.address, self.running.admin_address(), EXAMPLE).trim_end())?;
        screen.say(&format!(
            "\nOr type a message here; /help lists what else.\n\n{}: building",
            self.project.display()
        ))?;
        // From before the build: what changes while it runs has changed.
        let mut sources = Sources::of(&self.project);
        self.renew(screen).await?;
        loop {
            screen.invite()?;
            tokio::select! {
                line = lines.recv() => {
                    let Some(line) = line else { return screen.leave_line() };
                    match self.obey(&line, screen).await? {
                        Then::GoOn => {}
                        Then::End => return Ok(()),
                    }
                }
                changed = sources.changed() => {
                    screen.leave_line()?;
                    screen.say(&format!("{}: building", shown(&changed)))?;
                    self.renew(screen).await?;
                }
            }
        }
    }

    /// Let the exchanges end, and stop.
    pub(super) async fn close(self) -> Result<(), String> {
        self.running.stop().await
    }

    async fn obey(&self, line: &str, screen: &mut Screen) -> Result<Then, String> {
        match line.trim() {
            "" => {}
            "/quit" => return Ok(Then::End),
            "/help" => screen.say(HELP)?,
            "/test" => match &self.component {
                Some(component) => self.test(component, Cases::All, screen).await?,
                None => screen.say(NOTHING_BUILT)?,
            },
            "/bench" => match &self.component {
                Some(component) => self.bench(component, screen).await?,
                None => screen.say(NOTHING_BUILT)?,
            },
            command if command.starts_with('/') => {
                screen.say(&format!("there is no {command}; /help lists what is"))?
            }
            _ => self.ask(line, screen).await?,
        }
        Ok(Then::GoOn)
    }

    /// Build the project, play its cases and put it into service. What does not work is said, and no error.
    async fn renew(&mut self, screen: &mut Screen) -> Result<(), String> {
        let started = Instant::now();
        let project = self.project.clone();
        let built = tokio::task::spawn_blocking(move || build(&project)).await;
        let component = match built.map_err(|error| error.to_string()).flatten() {
            Ok(component) => self.component.insert(component).clone(),
            Err(reason) => return screen.say(&format!("not built: {reason}; {}", self.stays())),
        };
        screen.say(&format!("built in {:.1} s", started.elapsed().as_secs_f64()))?;
        self.test(&component, Cases::Failed, screen).await?;
        self.put_into_service(&component, screen).await
    }

    async fn test(&self, component: &Path, cases: Cases, screen: &mut Screen) -> Result<(), String> {
        let files = test::beside(component);
        if files.is_empty() {
            let folder = self.project.join("tests");
            return screen.say(&format!("not tested: there are no cases in {}", folder.display()));
        }
        let results = match test::play(component, &files, self.compiled.as_deref(), false).await {
            Ok(results) => results,
            Err(reason) => return screen.say(&format!("not tested: {reason}")),
        };
        let lines = match cases {
            Cases::All => results.lines(),
            Cases::Failed => results.failed(),
        };
        lines.iter().try_for_each(|line| screen.say(line))?;
        let (Ok(sum) | Err(sum)) = results.sum();
        screen.say(&sum)
    }

    async fn bench(&self, component: &Path, screen: &mut Screen) -> Result<(), String> {
        let bench = Bench::of(component.to_owned());
        match bench.measure(self.compiled.as_deref(), screen.output()).await {
            Ok(()) => Ok(()),
            Err(reason) => screen.say(&reason),
        }
    }

    async fn put_into_service(&self, component: &Path, screen: &mut Screen) -> Result<(), String> {
        let gateway = &self.running.gateway;
        let before = Standing::of(gateway).in_service();
        if let Err(reason) = lay(component, &self.plugins) {
            return screen.say(&format!("not put into service: {reason}; {}", self.stays()));
        }
        gateway.reload_plugins(gateway.generation().settings.clone()).await;
        let news = Standing::of(gateway).news(&before);
        if news.is_empty() {
            return screen.say("in service as before: the component and its installation are the same");
        }
        news.iter().try_for_each(|line| screen.say(line))
    }

    /// What is in service after something has failed.
    fn stays(&self) -> &'static str {
        match self.running.gateway.generation().plugins.is_empty() {
            true => "nothing is in service yet, and the next change is waited for",
            false => "the version before it stays in service",
        }
    }

    async fn ask(&self, text: &str, screen: &mut Screen) -> Result<(), String> {
        let question = Question::of_user(text).streamed();
        match play::ask(&question, &self.running).await {
            Ok(shown) => {
                screen.say(&(page::texts(&question, &shown) + &page::receipts(&shown, COLUMNS)))?;
                if self.running.gateway.generation().plugins.is_empty() {
                    screen.say("no plugin is in service yet\n")?;
                }
                Ok(())
            }
            Err(reason) => screen.say(&reason),
        }
    }
}

const NOTHING_BUILT: &str = "nothing is built yet";

/// What has changed, in a few words.
fn shown(changed: &[PathBuf]) -> String {
    match changed {
        [] => String::new(),
        [one] => one.display().to_string(),
        [first, more @ ..] => format!("{} and {} more", first.display(), more.len()),
    }
}

/// Lay a component into a plugin directory, with its `NAME.toml` if there is one beside it, and take away what else is there.
/// The gateway sees whole files only.
fn lay(component: &Path, directory: &Path) -> Result<(), String> {
    let installation = Some(component.with_extension("toml")).filter(|path| path.is_file());
    let mut laid = Vec::new();
    for file in installation.iter().map(PathBuf::as_path).chain([component]) {
        let wrong = |error: std::io::Error| format!("copying {}: {error}", file.display());
        let name = file.file_name().unwrap_or_default();
        let aside = NamedTempFile::new_in(directory).map_err(wrong)?;
        fs::copy(file, aside.path()).map_err(wrong)?;
        aside.persist(directory.join(name)).map_err(|error| wrong(error.error))?;
        laid.push(name.to_owned());
    }
    let wrong = |error: std::io::Error| format!("clearing {}: {error}", directory.display());
    for entry in fs::read_dir(directory).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        if !laid.contains(&entry.file_name()) {
            fs::remove_file(entry.path()).map_err(wrong)?;
        }
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_laid_before_is_replaced() {
        let (project, plugins) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let laid = || {
            let mut laid: Vec<(String, String)> = fs::read_dir(plugins.path())
                .unwrap()
                .map(|entry| entry.unwrap())
                .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
                .collect();
            laid.sort();
            laid
        };
        let of = |files: &[(&str, &str)]| -> Vec<(String, String)> {
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
        };
        let put = |file: &str, text: &str| fs::write(project.path().join(file), text).unwrap();

        put("Cargo.toml", "not an installation");
        put("a.toml", "order = 1");
        put("a.wasm", "one");
        lay(&project.path().join("a.wasm"), plugins.path()).unwrap();
        assert_eq!(laid(), of(&[("a.toml", "order = 1"), ("a.wasm", "one")]));
        put("a.wasm", "two");
        fs::remove_file(project.path().join("a.toml")).unwrap();
        lay(&project.path().join("a.wasm"), plugins.path()).unwrap();
        assert_eq!(laid(), of(&[("a.wasm", "two")]));
        put("b.wasm", "three");
        lay(&project.path().join("b.wasm"), plugins.path()).unwrap();
        assert_eq!(laid(), of(&[("b.wasm", "three")]));
        assert!(lay(&project.path().join("gone.wasm"), plugins.path()).unwrap_err().starts_with("copying"));
        assert_eq!(laid(), of(&[("b.wasm", "three")]));
    }

    #[test]
    fn of_many_changes_one_is_named() {
        let of = |count: usize| shown(&vec![PathBuf::from("src/lib.rs"); count]);
        assert_eq!((of(1).as_str(), of(3).as_str()), ("src/lib.rs", "src/lib.rs and 2 more"));
    }
}
