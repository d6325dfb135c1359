//! Without a file: providers from the variables that their own SDKs read, else the sandbox model.

use super::{Problems, Settings, parse};
use std::path::Path;

/// A provider that can be configured by a variable alone.
struct Usual {
    name: &'static str,
    key: &'static str,
    base_url_variable: &'static str,
    base_url: &'static str,
}

/// Those that speak the OpenAI dialect.
const USUAL: &[Usual] = &[Usual {
    name: "openai",
    key: "OPENAI_API_KEY",
    base_url_variable: "OPENAI_BASE_URL",
    base_url: "https://api.openai.com/v1",
}];

/// The settings for when there is no file, and the text of the file that would give the same.
///
/// # Errors
/// What is wrong with a variable.
pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<(Settings, String), Problems> {
    let set = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
    let mut text = String::new();
    if let Some(usual) = USUAL.iter().find(|usual| set(usual.key).is_some()) {
        let base_url = set(usual.base_url_variable).unwrap_or_else(|| usual.base_url.to_owned());
        let (name, key) = (usual.name, usual.key);
        text.push_str(&format!(
            "[providers.{name}]\ndialect = \"openai\"\nbase_url = {base_url:?}\napi_key = {{ env = \"{key}\" }}\n\n\
             [targets.{name}]\nprovider = \"{name}\"\n\n[models.\"*\"]\ntargets = [\"{name}\"]\n"
        ));
    } else {
        text.push_str(
            "[providers.sandbox]\ndialect = \"sandbox\"\n\n[targets.sandbox]\nprovider = \"sandbox\"\n\n\
             [models.\"*\"]\ntargets = [\"sandbox\"]\n",
        );
    }
    if Path::new("plugins").is_dir() {
        text.push_str("\n[plugins]\ndirectory = \"plugins\"\n");
    }
    let settings = parse("the environment", &text, Path::new(""))?;
    Ok((settings, text))
}
