//! `sluicegate dev` with projects whose build is to copy a component that was built before.

use std::io::{BufRead as _, BufReader, PipeWriter, Write as _, pipe};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread::JoinHandle;

use sluicegate::cli::Dev;
use sluicegate_tests::PATIENCE;
use sluicegate_tests::guests::guest;
use tempfile::TempDir;

/// Copies the file that is named in `source`.
const MAKEFILE: &str = "all:\n\t@cp \"$$(cat source)\" NAME.wasm 2> /dev/null\n";

/// The names are configured, and a busy machine may take its time.
const INSTALLATION: &str = "[config]\nnames = ['Blue']\n[limits]\nwall_ms = 20_000\n";
const CASES: &str = "[[case]]\nname = 'a name is masked'\nconfig = { names = ['Blue'] }\ntext = 'We ship Blue.'\n\
                     [case.expect]\ntext = 'We ship [codename].'\n";

/// A component that the set-up of the tests has built.
fn built(name: &str) -> PathBuf {
    let folder = std::env::var_os("SLUICEGATE_GUESTS").expect("run the tests by `cargo xtask test`");
    Path::new(&folder).join(format!("{name}.wasm"))
}

/// A project, and the command at work on it.
struct Work {
    folder: TempDir,
    /// What is typed; nothing once the input has ended.
    input: Option<PipeWriter>,
    /// What is said, line by line.
    said: mpsc::Receiver<String>,
    command: JoinHandle<Result<(), String>>,
}

impl Work {
    /// On a plugin of this name with these files, which is built by copying the component.
    fn on(name: &str, component: &Path, files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join("tests")).unwrap();
        let write = |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
        write("Makefile", &MAKEFILE.replace("NAME", name));
        write("source", component.to_str().unwrap());
        files.iter().for_each(|(file, text)| write(file, text));
        let (typed, input) = pipe().unwrap();
        let (output, written) = pipe().unwrap();
        let (sender, said) = mpsc::channel();
        std::thread::spawn(move || {
            BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        // Outside of what is watched.
        let compiled = Some(folder.path().join(".compiled"));
        let dev = Dev { project: folder.path().to_owned(), port: 0, compiled };
        let command = std::thread::spawn(move || dev.talk(BufReader::new(typed), written));
        Self { folder, input: Some(input), said, command }
    }

    /// Type a line.
    fn types(&mut self, line: &str) {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Change which component is built.
    fn builds(&self, component: &Path) {
        std::fs::write(self.folder.path().join("source"), component.to_str().unwrap()).unwrap();
    }

    /// Wait until this is said, and give the line.
    #[track_caller]
    fn says(&self, words: &str) -> String {
        let mut before = Vec::new();
        loop {
            match self.said.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => before.push(line),
                Err(_) => panic!("{words:?} is not said, but:\n{}", before.join("\n")),
            }
        }
    }

    /// End the input, and wait until the command has ended.
    fn end(mut self) {
        self.input = None;
        self.command.join().unwrap().unwrap();
    }
}

#[test]
fn a_change_is_built_tested_and_put_into_service_and_what_fails_is_not() {
    let files = [("codename.toml", INSTALLATION), ("tests/cases.toml", CASES)];
    let mut work = Work::on("codename", &built("codename"), &files);
    work.says("curl -i http://127.0.0.1:");
    work.says("1 case: all as expected");
    assert!(work.says("in service now").contains("which is new"));
    work.types("We ship Blue.");
    assert!(work.says("model saw").ends_with("We ship [codename]."));
    assert!(work.says("caller got").ends_with("You said: We ship [codename]."));
    work.says("verdict  outcome  calls");
    let row = work.says("codename");
    assert!(row.contains("request") && row.contains("edit") && row.contains("said"), "{row}");

    work.builds(Path::new("/nowhere"));
    work.says("source: building");
    assert!(work.says("not built").contains("`make` has failed"));
    work.types("We ship Blue.");
    assert!(work.says("model saw").ends_with("[codename]."));

    let calm = work.folder.path().join(".calm");
    std::fs::write(&calm, guest("calm")).unwrap();
    work.builds(&calm);
    work.says("FAILED a name is masked");
    work.says("1 of 1 case not as expected");
    assert!(work.says("in service now").contains("in place of"));
    work.types("We ship Blue.");
    assert!(work.says("model saw").ends_with("(the same text, for the model \"small\")"));

    work.types("/test");
    work.says("cases.toml");
    work.says("FAILED a name is masked");
    work.types("/tset");
    work.says("there is no /tset");
    work.types("/help");
    work.says("/quit");
    work.types("/quit");
    work.command.join().unwrap().unwrap();
}

#[test]
fn a_version_that_cannot_be_in_service_leaves_the_one_before_it_there() {
    let mut work = Work::on("codename", &built("codename"), &[("codename.toml", INSTALLATION)]);
    work.says("not tested: there are no cases in");
    work.says("in service now");
    std::fs::write(work.folder.path().join("codename.toml"), "[config]\nnames = []\n").unwrap();
    work.says("codename.toml: building");
    assert!(work.says("not put into service: codename").contains("the version before it stays in service"));
    work.types("We ship Blue.");
    assert!(work.says("model saw").ends_with("We ship [codename]."));
    work.end();
}

#[test]
fn a_first_build_that_fails_is_said_and_a_change_is_waited_for() {
    let mut work = Work::on("codename", Path::new("/nowhere"), &[("codename.toml", INSTALLATION)]);
    assert!(work.says("not built").contains("nothing is in service yet"));
    work.types("We ship Blue.");
    work.says("no plugin is in service yet");
    work.types("/test");
    work.says("nothing is built yet");
    work.builds(&built("codename"));
    work.says("in service now");
    work.end();
}

#[test]
fn a_router_has_targets_to_choose_among() {
    let files = [("tiers.toml", "[config]\ntokens = 5\n[limits]\nwall_ms = 20_000\n")];
    let mut work = Work::on("tiers", &built("tiers"), &files);
    work.says("in service now");
    for (question, target) in
        [("When is high tide?", "small"), ("When is high tide, at which of the two ports?", "large")]
    {
        work.types(question);
        assert!(work.says("target ").ends_with(target), "{question}");
    }
    work.end();
}

#[test]
fn a_cache_policy_has_answers_kept() {
    let files = [("faq.toml", "[config]\nttl_s = 60\n[limits]\nwall_ms = 20_000\n")];
    let mut work = Work::on("faq", &built("faq"), &files);
    work.says("in service now");
    for state in ["miss", "hit, "] {
        work.types("When is high tide?");
        assert!(work.says("cache  ").contains(state), "{state}");
    }
    work.end();
}

#[test]
fn a_folder_that_is_no_project_is_refused() {
    let folder = TempDir::new().unwrap();
    let dev = Dev { project: folder.path().to_owned(), port: 0, compiled: None };
    assert!(dev.talk(std::io::empty(), std::io::sink()).unwrap_err().contains("is no plugin's project"));
}
