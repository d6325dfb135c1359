//! What serde says about a wrong type or a wrong name, in words for people. No value is repeated: it may be a secret
//! that stands where its place should be named.

use super::problem::suggestion;

/// A message of serde's, in words for people.
pub(super) fn plain(message: &str) -> String {
    if let Some((given, expected)) = wrong_kind(message) {
        let expected = expected_words(expected);
        return match given.split(' ').next() {
            Some("string") => format!("must be {expected}, not a text"),
            Some("integer") if expected == WHOLE_NUMBER => format!("must be {expected} that is not negative"),
            Some("integer") => format!("must be {expected}, not a number"),
            Some("floating") if expected != WHOLE_NUMBER => format!("must be {expected}, not a number"),
            Some("floating") => format!("must be {expected}, without a fraction"),
            Some("boolean") => format!("must be {expected}, not true or false"),
            Some("sequence") => format!("must be {expected}, not a list"),
            Some("map") => format!("must be {expected}, not a table"),
            _ => format!("must be {expected}"),
        };
    }
    if let Some(field) = message.strip_prefix("missing field ") {
        return format!("{field} is missing");
    }
    if let Some((unknown, known)) =
        message.strip_prefix("unknown field ").and_then(|rest| rest.split_once(", expected "))
    {
        let close = suggestion(unknown.trim_matches('`'), known.split('`').skip(1).step_by(2));
        return format!("there is no field {unknown}; expected {known}{close}");
    }
    message.to_owned()
}

const WHOLE_NUMBER: &str = "a whole number";

/// What was found and what was wanted.
fn wrong_kind(message: &str) -> Option<(&str, &str)> {
    let rest = message.strip_prefix("invalid type: ").or(message.strip_prefix("invalid value: "))?;
    // The value may hold anything; what was expected stands last.
    rest.rsplit_once(", expected ")
}

fn expected_words(expected: &str) -> &str {
    match expected {
        "u64" | "i64" => WHOLE_NUMBER,
        "a string" | "path string" => "a text in quotation marks",
        "a sequence" => "a list, as [\"...\"]",
        "a boolean" => "true or false",
        "struct SecretSource" => "{ env = \"NAME\" } or { file = \"PATH\" }",
        other if other.starts_with("struct ") || other == "a map" => "a table",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_not_repeated() {
        let said = plain("invalid type: string \"sk-1, expected u64\", expected struct SecretSource");
        assert_eq!(said, "must be { env = \"NAME\" } or { file = \"PATH\" }, not a text");
    }

    #[test]
    fn what_is_not_known_is_passed_on() {
        assert_eq!(plain("it rains"), "it rains");
    }
}
