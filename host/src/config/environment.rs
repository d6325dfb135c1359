//! Without a file: providers from the variables that their own SDKs read, else the sandbox model.

use std::path::Path;

use super::{Problems, Settings, parse};

/// A provider that can be configured by variables alone: its key, its address, or both. Without a key the caller's own
/// is passed on.
struct Usual {
    dialect: &'static str,
    name: &'static str,
    key: &'static str,
    base_url_variable: &'static str,
    base_url: &'static str,
    /// What the provider's own SDKs add to that address.
    below: &'static str,
    /// It is one only with both variables: it has no address of its own, and no keys of callers are for it.
    needs_both: bool,
}

/// In the order in which they are looked for; the first one counts.
const USUAL: &[Usual] = &[
    Usual {
        dialect: "openai",
        name: "openai",
        key: "OPENAI_API_KEY",
        base_url_variable: "OPENAI_BASE_URL",
        base_url: "https://api.openai.com/v1",
        below: "",
        needs_both: false,
    },
    Usual {
        dialect: "anthropic",
        name: "anthropic",
        key: "ANTHROPIC_API_KEY",
        base_url_variable: "ANTHROPIC_BASE_URL",
        base_url: "https://api.anthropic.com",
        below: "/v1",
        needs_both: false,
    },
    Usual {
        dialect: "gemini",
        name: "gemini",
        key: "GEMINI_API_KEY",
        base_url_variable: "GOOGLE_GEMINI_BASE_URL",
        base_url: "https://generativelanguage.googleapis.com",
        below: "/v1beta",
        needs_both: false,
    },
    Usual {
        dialect: "azure",
        name: "azure",
        key: "AZURE_OPENAI_API_KEY",
        base_url_variable: "AZURE_OPENAI_ENDPOINT",
        base_url: "",
        below: "",
        needs_both: true,
    },
];

/// The settings for when there is no file, and the text of the file that would give the same.
///
/// # Errors
/// What is wrong with a variable.
pub fn from_environment(variable: impl Fn(&str) -> Option<String>) -> Result<(Settings, String), Problems> {
    let mut text = String::new();
    let in_force = in_force(&variable);
    if let Some(usual) = in_force {
        let name = usual.name;
        let base_url = set(&variable, usual.base_url_variable).unwrap_or_else(|| usual.base_url.to_owned());
        let base_url = toml::Value::String(format!("{}{}", base_url.trim_end_matches('/'), usual.below));
        let dialect = usual.dialect;
        let api_key = match set(&variable, usual.key) {
            Some(_) => format!("api_key = {{ env = \"{}\" }}\n", usual.key),
            None => String::new(),
        };
        text.push_str(&format!(
            "[providers.{name}]\ndialect = \"{dialect}\"\nbase_url = {base_url}\n{api_key}\n\
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
    match parse("the environment", &text, Path::new("")) {
        Ok(settings) => Ok((settings, text)),
        Err(mut problems) => {
            if let Some(Usual { name, key, base_url_variable, .. }) = in_force {
                problems.call_field(&format!("providers.{name}.base_url"), base_url_variable);
                problems.call_field(&format!("providers.{name}.api_key"), key);
            }
            Err(problems)
        }
    }
}

/// The variables that count when there is no file; none if it is the sandbox that is asked.
#[must_use]
pub fn variables_in_force(variable: impl Fn(&str) -> Option<String>) -> Vec<&'static str> {
    let names = in_force(&variable).into_iter().flat_map(|usual| [usual.key, usual.base_url_variable]);
    names.filter(|name| set(&variable, name).is_some()).collect()
}

/// The provider that the variables name.
fn in_force(variable: &impl Fn(&str) -> Option<String>) -> Option<&'static Usual> {
    let is_set = |name: &str| set(variable, name).is_some();
    USUAL.iter().find(|usual| match (is_set(usual.key), is_set(usual.base_url_variable)) {
        (true, true) => true,
        (is_key_set, is_address_set) => !usual.needs_both && (is_key_set || is_address_set),
    })
}

/// A variable's value, if it has one.
fn set(variable: &impl Fn(&str) -> Option<String>, name: &str) -> Option<String> {
    let value = variable(name)?;
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A lookup of these variables.
    fn with(variables: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        let variables: Vec<(String, String)> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        move |name| variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }

    #[test]
    fn an_address_without_a_key_passes_on_what_the_caller_sends() {
        let variables = with(&[("OPENAI_BASE_URL", " http://localhost:11434/v1/ "), ("OPENAI_API_KEY", " ")]);
        let (settings, text) = from_environment(&variables).unwrap();
        let target = settings.any_model.targets().next().unwrap();
        assert_eq!((target.base_url.to_string().as_str(), &target.api_key), ("http://localhost:11434/v1", &None));
        assert!(!target.sandbox && !text.contains("api_key"), "{text}");
        assert_eq!(variables_in_force(&variables), ["OPENAI_BASE_URL"]);
    }

    #[test]
    fn the_variables_of_googles_sdk_count_too() {
        let variables = with(&[("GOOGLE_GEMINI_BASE_URL", "http://localhost:9000/")]);
        let (settings, text) = from_environment(&variables).unwrap();
        let target = settings.any_model.targets().next().unwrap();
        assert_eq!(target.base_url.to_string(), "http://localhost:9000/v1beta");
        assert!(text.contains("dialect = \"gemini\""), "{text}");
        assert_eq!(variables_in_force(&variables), ["GOOGLE_GEMINI_BASE_URL"]);
    }

    #[test]
    fn azure_is_asked_where_it_has_an_address_and_a_key() {
        let variables = with(&[("AZURE_OPENAI_ENDPOINT", "https://me.openai.azure.com/")]);
        assert!(variables_in_force(&variables).is_empty() && from_environment(&variables).unwrap().0.needs_sandbox());
        // Its value is read from the environment itself, where it is not.
        let variables =
            with(&[("AZURE_OPENAI_ENDPOINT", "https://me.openai.azure.com/"), ("AZURE_OPENAI_API_KEY", "k")]);
        assert_eq!(variables_in_force(&variables), ["AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"]);
        let said = from_environment(&variables).unwrap_err().to_string();
        assert_eq!(
            said,
            "the environment: AZURE_OPENAI_API_KEY: the environment variable AZURE_OPENAI_API_KEY is not set"
        );
    }

    #[test]
    fn without_variables_it_is_the_sandbox() {
        assert!(from_environment(with(&[])).unwrap().0.needs_sandbox());
        assert!(variables_in_force(with(&[])).is_empty());
    }

    #[test]
    fn a_mistake_is_that_of_a_variable() {
        for (address, wrong) in [
            ("api.openai.com/v1", "is not an address"),
            ("ftp://api.openai.com", "does not begin with http://"),
            ("http://a.example/v1\u{1b}[2J\"", "is not an address"),
        ] {
            let said = from_environment(with(&[("OPENAI_BASE_URL", address)])).unwrap_err().to_string();
            assert!(said.starts_with("the environment: OPENAI_BASE_URL: ") && said.contains(wrong), "{said}");
        }
    }
}
