//! Cases of a plugin's tests, as its author writes them: what is given, and what is expected.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// A file of cases.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Which of its exports is called, as `"router"`: the only one.
    pub kind: Option<String>,
    /// The plugin's configuration in all cases that have none of their own.
    pub config: Option<toml::Table>,
    /// What it is granted, as in a `NAME.toml`.
    pub grants: Option<toml::Table>,
    /// The bounds of its calls, as in a `NAME.toml`.
    pub limits: Option<toml::Table>,
    /// The cases.
    #[serde(default)]
    pub case: Vec<Case>,
}

/// One case.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What it shows, in words.
    pub name: String,
    /// The plugin's configuration, in place of the file's.
    pub config: Option<toml::Table>,
    /// A text for a text guardrail.
    pub text: Option<String>,
    /// The same as a stream: one text of an answer, in the pieces in which it comes.
    pub pieces: Option<Vec<String>>,
    /// `"request"` or `"answer"`: `"request"`, and `"answer"` for `pieces`.
    pub phase: Option<String>,
    /// Who says it: `"user"`, and in an answer `"assistant"`.
    pub role: Option<String>,
    /// What kind of text it is: `"content"`.
    pub channel: Option<String>,
    /// A whole request, as its dialect has it.
    pub request: Option<String>,
    /// The dialect of `request` and `answer`, as `"anthropic"`: `"openai"`.
    pub dialect: Option<String>,
    /// A request, by its texts.
    pub messages: Option<Vec<Message>>,
    /// The tools of a request that is given by its texts.
    #[serde(default)]
    pub tools: Vec<Tool>,
    /// The model that is asked for: `"model"`.
    pub model: Option<String>,
    /// A whole answer, as its dialect has it; or the text of one.
    pub answer: Option<String>,
    /// Why the answer ended, if it is given by its text: `"stop"`.
    pub finish: Option<String>,
    /// The rules that guardrails have found in it, for a cache policy.
    #[serde(default)]
    pub findings: Vec<String>,
    /// The targets that a router may choose.
    #[serde(default)]
    pub targets: Vec<Target>,
    /// A kept answer that was found by meaning, for a cache policy.
    pub candidate: Option<Candidate>,
    /// What the capabilities say that it is granted.
    #[serde(default)]
    pub mocks: Mocks,
    /// What it must say.
    pub expect: toml::Table,
    /// The most fuel that all of it may take.
    pub fuel_max: Option<u64>,
}

/// A text of a request.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Who says it: `"user"`.
    pub role: Option<String>,
    /// What kind of text it is: `"content"`.
    pub channel: Option<String>,
    /// The speaker's or the tool's name.
    pub name: Option<String>,
    /// The text.
    pub text: String,
}

/// A tool that the model may call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(default)]
    pub description: String,
    /// JSON Schema of its arguments.
    #[serde(default = "any_object")]
    pub parameters: String,
}

fn any_object() -> String {
    r#"{"type": "object"}"#.to_owned()
}

/// A target that a router may choose.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Its provider: `"provider"`.
    pub provider: Option<String>,
    /// What the provider calls the model: its name.
    pub model: Option<String>,
    /// The operator's words about it.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Whether it can be asked: `true`.
    pub healthy: Option<bool>,
    /// Exchanges that it is answering: `0`.
    #[serde(default)]
    pub in_flight: u64,
    /// Median of the last times to the first token, in milliseconds.
    pub first_token_ms: Option<u64>,
    /// Dollars for a million tokens of the request.
    pub input_dollars: Option<f64>,
    /// Dollars for a million tokens of the answer.
    pub output_dollars: Option<f64>,
    /// Tokens that it can read at once.
    pub context_tokens: Option<u32>,
}

/// A kept answer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// What was asked then.
    pub question: String,
    /// What was answered: nothing.
    #[serde(default)]
    pub answer: String,
    /// How near the questions are: `1`.
    pub similarity: Option<f32>,
    /// How long ago that was, in milliseconds: `0`.
    #[serde(default)]
    pub age_ms: u64,
}

/// What the capabilities of a case say.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mocks {
    /// What is in the small store.
    #[serde(default)]
    pub kv: BTreeMap<String, String>,
    /// Milliseconds since 1970: those of the machine's clock.
    pub clock_ms: Option<u64>,
    /// What services answer, one after the other.
    #[serde(default)]
    pub http: Vec<Response>,
    /// What models answer, one after the other.
    #[serde(default)]
    pub model: Vec<String>,
    /// Vectors for texts; others get one that is made of their letters.
    #[serde(default)]
    pub embedding: BTreeMap<String, Vec<f32>>,
}

/// What a service answers.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Response {
    /// `200`.
    pub status: Option<u16>,
    /// Its headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Its body.
    #[serde(default)]
    pub body: String,
}

impl File {
    /// Read a file.
    ///
    /// # Errors
    /// What is wrong with it and where.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read_to_string(path).map_err(|error| format!("reading {}: {error}", path.display()))?;
        let file: Self = toml::from_str(&text).map_err(|error| format!("{}: {error}", path.display()))?;
        match file.case.is_empty() {
            true => Err(format!("{}: there is no [[case]] in it", path.display())),
            false => Ok(file),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::play;
    use super::*;

    const DOCUMENTATION: &str = include_str!("../../../sdk/template/CASES.md");

    /// The fields in the table below a heading.
    fn documented(heading: &str) -> BTreeSet<&'static str> {
        let (_, section) = DOCUMENTATION.split_once(&format!("\n## {heading}\n")).unwrap();
        let section = section.split("\n## ").next().unwrap();
        section.lines().filter_map(|line| Some(line.strip_prefix("| `")?.split_once('`')?.0)).collect()
    }

    /// Those that serde names when it meets one that it does not know.
    fn known<T: for<'a> Deserialize<'a> + std::fmt::Debug>(text: &str) -> BTreeSet<String> {
        let error = toml::from_str::<T>(text).unwrap_err().to_string();
        let (_, expected) = error.split_once("expected one of").unwrap_or_else(|| panic!("no fields in {error:?}"));
        expected.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn every_field_of_a_case_is_documented_and_nothing_else_is() {
        let own = |fields: BTreeSet<&str>| fields.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
        assert_eq!(own(documented("At the top of a file")), known::<File>("nonsense = 1"));
        assert_eq!(own(documented("What is given")), known::<Case>("nonsense = 1"));
        let expected: BTreeSet<&str> = play::WORDS.iter().flat_map(|words| words.iter().copied()).collect();
        assert_eq!(documented("What is expected"), expected);
        let parts = [
            known::<Message>("nonsense = 1"),
            known::<Tool>("nonsense = 1"),
            known::<Target>("nonsense = 1"),
            known::<Candidate>("nonsense = 1"),
            known::<Mocks>("nonsense = 1"),
            known::<Response>("nonsense = 1"),
        ];
        for field in parts.iter().flatten() {
            let is_told =
                DOCUMENTATION.contains(&format!("`{field}`")) || DOCUMENTATION.contains(&format!("{field} = "));
            assert!(is_told, "{field}");
        }
    }

    #[test]
    fn the_case_in_the_documentation_is_one() {
        let (_, case) = DOCUMENTATION.split_once("```toml\n").unwrap();
        let file: File = toml::from_str(case.split_once("```").unwrap().0).unwrap();
        assert_eq!(play::check("text-guardrail", &file.case[0]), Ok(()));
    }
}
