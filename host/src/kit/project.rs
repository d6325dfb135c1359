//! New projects: what `sluicegate plugin new` writes. Templates, SDKs and the contract are part of the program, so that a
//! project needs nothing of ours from anywhere.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use rust_embed::Embed;

/// A language that plugins are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// Rust.
    Rust,
    /// TypeScript.
    Ts,
    /// JavaScript.
    Js,
    /// Python.
    Python,
    /// Go.
    Go,
    /// C.
    C,
}

/// What a plugin does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Inspects texts, streamed or whole.
    TextGuardrail,
    /// Judges requests as a whole.
    RequestGuardrail,
    /// Judges answers beside their requests.
    AnswerGuardrail,
    /// Decides who answers.
    Router,
    /// Decides what may be answered from memory.
    Cache,
}

impl Kind {
    /// The interface that it exports.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::TextGuardrail => "text-guardrail",
            Self::RequestGuardrail => "request-guardrail",
            Self::AnswerGuardrail => "answer-guardrail",
            Self::Router => "router",
            Self::Cache => "cache",
        }
    }

    /// What the template of this kind does, in a sentence.
    fn summary(self) -> &'static str {
        match self {
            Self::TextGuardrail => "Masks a word.",
            Self::RequestGuardrail => "Refuses requests that are too long.",
            Self::AnswerGuardrail => "Has the model asked once more when it promises something.",
            Self::Router => "Sends questions with code to the models that are good at it.",
            Self::Cache => "Answers again what was asked before in the same words.",
        }
    }
}

#[derive(Embed)]
#[folder = "../sdk/rust"]
#[exclude = "examples/*"]
#[exclude = "target/*"]
struct Rust;

#[derive(Embed)]
#[folder = "../sdk/js"]
#[exclude = "examples/*"]
#[exclude = "test/*"]
#[exclude = "build/*"]
#[exclude = "node_modules/*"]
#[exclude = "package-lock.json"]
#[exclude = "src/contract.d.ts"]
struct JavaScript;

#[derive(Embed)]
#[folder = "../sdk/python"]
#[exclude = "examples/*"]
#[exclude = "tests/*"]
#[exclude = "*__pycache__*"]
#[exclude = "*.egg-info*"]
struct Python;

#[derive(Embed)]
#[folder = "../sdk/go"]
#[exclude = "examples/*"]
#[exclude = "*.wasm"]
struct Go;

#[derive(Embed)]
#[folder = "../sdk/c"]
#[exclude = "examples/*"]
#[exclude = "tests/*"]
#[exclude = "build/*"]
struct C;

/// The contract.
#[derive(Embed)]
#[folder = "../wit"]
struct Wit;

/// Cases that the templates of all languages have in common.
#[derive(Embed)]
#[folder = "../sdk/template"]
struct Cases;

/// The files of an SDK, with its templates.
struct Sdk {
    names: Vec<Cow<'static, str>>,
    file: fn(&str) -> Option<rust_embed::EmbeddedFile>,
}

impl Sdk {
    fn of<E: Embed>() -> Self {
        Self { names: E::iter().collect(), file: E::get }
    }

    fn read(&self, name: &str) -> Vec<u8> {
        (self.file)(name).map(|file| file.data.into_owned()).unwrap_or_default()
    }
}

impl Language {
    fn sdk(self) -> Sdk {
        match self {
            Self::Rust => Sdk::of::<Rust>(),
            Self::Ts | Self::Js => Sdk::of::<JavaScript>(),
            Self::Python => Sdk::of::<Python>(),
            Self::Go => Sdk::of::<Go>(),
            Self::C => Sdk::of::<C>(),
        }
    }

    /// Where the templates are in the SDK.
    fn template(self) -> &'static str {
        match self {
            Self::Ts => "template/ts/",
            Self::Js => "template/js/",
            Self::Rust | Self::Python | Self::Go | Self::C => "template/",
        }
    }
}

/// Where the SDK lies in a project.
const SDK: &str = "sluicegate-plugin";
/// Characters of a name.
const NAME_MAX: usize = 64;

/// Write a new project into a folder, which must not be there yet, or be empty.
///
/// # Errors
/// When the name is none, the folder holds something, or a file cannot be written.
pub fn write(folder: &Path, name: &str, language: Language, kind: Kind) -> Result<(), String> {
    named(name)?;
    let is_empty = fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if !is_empty {
        return Err(format!("{} is there already, and is not empty", folder.display()));
    }
    let words = Words { name, kind };
    let sdk = language.sdk();
    let template = language.template();
    for part in ["common/", &format!("{}/", kind.word())] {
        let prefix = format!("{template}{part}");
        for file in sdk.names.iter().filter(|file| file.starts_with(&prefix)) {
            let text = String::from_utf8_lossy(&sdk.read(file)).into_owned();
            let path = words.put_into(file.strip_prefix(&prefix).unwrap_or_default());
            put(&folder.join(path), words.put_into(&text).as_bytes())?;
        }
    }
    let cases = format!("{}.toml", kind.word());
    let file = Cases::get(&cases).map(|file| file.data.into_owned()).unwrap_or_default();
    put(&folder.join("tests").join(&cases), &file)?;
    let about_cases = Cases::get("CASES.md").map(|file| file.data.into_owned()).unwrap_or_default();
    put(&folder.join("tests/README.md"), &about_cases)?;
    for file in sdk.names.iter().filter(|file| !file.starts_with("template/")) {
        put(&folder.join(SDK).join(&**file), &sdk.read(file))?;
    }
    for file in Wit::iter() {
        let text = Wit::get(&file).map(|file| file.data.into_owned()).unwrap_or_default();
        put(&folder.join(SDK).join("wit").join(&*file), &text)?;
    }
    match language {
        Language::Rust => alone(&folder.join(SDK), &sdk),
        Language::Ts | Language::Js | Language::Python | Language::Go | Language::C => Ok(()),
    }
}

/// The SDK for Rust is a member of our workspace, and not of an author's.
fn alone(folder: &Path, sdk: &Sdk) -> Result<(), String> {
    put(&folder.join("Cargo.toml"), &sdk.read("template/sdk.toml"))?;
    let bindings = String::from_utf8_lossy(&sdk.read("src/bindings.rs")).replace("\"../../wit\"", "\"wit\"");
    put(&folder.join("src/bindings.rs"), bindings.as_bytes())
}

/// What stands in a template for what is only known of a project.
struct Words<'a> {
    name: &'a str,
    kind: Kind,
}

impl Words<'_> {
    fn put_into(&self, text: &str) -> String {
        let Self { name, kind } = self;
        let parts = || name.split('-').filter(|part| !part.is_empty());
        let mut of_type = String::new();
        for part in parts() {
            let (first, rest) = part.split_at(1);
            let _ = write!(of_type, "{}{rest}", first.to_ascii_uppercase());
        }
        text.replace("{{name}}", name)
            .replace("{{ident}}", &name.replace('-', "_"))
            .replace("{{type}}", &of_type)
            .replace("{{kind}}", kind.word())
            .replace("{{summary}}", kind.summary())
    }
}

/// A name that is one in every language, in a path and in a configuration.
fn named(name: &str) -> Result<(), String> {
    let is_name = name.len() <= NAME_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    match is_name {
        true => Ok(()),
        false => Err(format!(
            "{name:?} is no name for a plugin: it begins with a small letter, and has up to {NAME_MAX} small letters, \
             digits and single hyphens"
        )),
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let wrong = |error: std::io::Error| format!("writing {}: {error}", path.display());
    fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).map_err(wrong)?;
    fs::write(path, bytes).map_err(wrong)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    fn files(folder: &Path) -> Vec<std::path::PathBuf> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
        }
        found
    }

    #[test]
    fn each_language_has_a_project_of_each_kind_with_cases_and_nothing_left_to_fill_in() {
        for language in Language::value_variants() {
            for kind in Kind::value_variants() {
                let folder = tempfile::tempdir().unwrap();
                let project = folder.path().join("my-plugin");
                write(&project, "my-plugin", *language, *kind).unwrap();
                let all = files(&project);
                let is_there = |name: &str| all.iter().any(|path| *path == project.join(name));
                let what = format!("{language:?} {kind:?}");
                assert!(is_there(&format!("tests/{}.toml", kind.word())) && is_there("README.md"), "{what}");
                assert!(
                    is_there("tests/README.md")
                        && is_there("sluicegate-plugin/wit/types.wit")
                        && is_there("sluicegate-plugin/README.md"),
                    "{what}"
                );
                for path in all.iter().filter(|path| !path.starts_with(project.join(SDK))) {
                    assert!(!path.display().to_string().contains("{{"), "{what}: {}", path.display());
                    let text = fs::read_to_string(path).unwrap();
                    for word in ["{{name}}", "{{ident}}", "{{type}}", "{{kind}}", "{{summary}}"] {
                        assert!(!text.contains(word), "{what}: {}", path.display());
                    }
                }
                assert!(write(&project, "my-plugin", *language, *kind).unwrap_err().contains("not empty"));
            }
        }
    }

    #[test]
    fn a_name_is_one_in_every_language() {
        for name in ["a", "my-plugin", "p2"] {
            named(name).unwrap();
        }
        for name in ["", "-a", "a-", "a--b", "A", "a_b", "../a", "a b", "2a", "é", &"a".repeat(65)] {
            assert!(named(name).is_err(), "{name}");
        }
    }

    #[test]
    fn the_copy_of_the_sdk_for_rust_has_what_the_workspace_has() {
        let workspace: toml::Table = include_str!("../../../Cargo.toml").parse().unwrap();
        let copy: toml::Table =
            String::from_utf8(Sdk::of::<Rust>().read("template/sdk.toml")).unwrap().parse().unwrap();
        let of_workspace = &workspace["workspace"]["dependencies"];
        for (name, version) in copy["dependencies"].as_table().unwrap() {
            assert_eq!(of_workspace.get(name), Some(version), "{name}");
        }
    }
}
