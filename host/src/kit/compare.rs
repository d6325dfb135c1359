//! What was said, against what was expected.

use toml::Value;

/// A difference of two numbers that is none.
const NEARLY: f64 = 1e-6;

/// What a plugin has said in a case, by the words in which cases expect it.
pub type Said = toml::Table;

/// All that differs from what is expected, a line each; what nothing is expected of may be as it is.
#[must_use]
pub fn differences(expected: &toml::Table, said: &Said) -> Vec<String> {
    let mut differences = Vec::new();
    for (key, expected) in expected {
        let said = said.get(key);
        let is_expected = said.map_or_else(|| is_nothing(expected), |said| is_as(expected, said));
        if !is_expected {
            let shown = said.map_or_else(|| "nothing".to_owned(), ToString::to_string);
            differences.push(format!("- {key} = {expected}\n+ {key} = {shown}"));
        }
    }
    differences
}

/// An empty text or list stands for what is not there.
fn is_nothing(expected: &Value) -> bool {
    match expected {
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// A table is as expected if it has all that is expected; a word stands for a table with this `rule`.
fn is_as(expected: &Value, said: &Value) -> bool {
    match (expected, said) {
        (Value::Array(expected), Value::Array(said)) => {
            expected.len() == said.len() && expected.iter().zip(said).all(|(expected, said)| is_as(expected, said))
        }
        (Value::Table(expected), Value::Table(said)) => {
            expected.iter().all(|(key, expected)| said.get(key).is_some_and(|said| is_as(expected, said)))
        }
        (Value::String(rule), Value::Table(said)) => said.get("rule").and_then(Value::as_str) == Some(rule),
        (Value::Float(_) | Value::Integer(_), Value::Float(_) | Value::Integer(_)) => {
            let number = |value: &Value| value.as_float().or_else(|| value.as_integer().map(|it| it as f64));
            number(expected).zip(number(said)).is_some_and(|(expected, said)| (expected - said).abs() <= NEARLY)
        }
        (expected, said) => expected == said,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn compare(expected: &str, said: &str) -> Vec<String> {
        differences(&expected.parse().unwrap(), &said.parse().unwrap())
    }

    #[test]
    fn what_is_not_expected_may_be_as_it_is() {
        assert_eq!(compare("verdict = 'allow'", "verdict = 'allow'\ncode = 'x'"), Vec::<String>::new());
        assert_eq!(compare("verdict = 'deny'", "verdict = 'allow'"), ["- verdict = \"deny\"\n+ verdict = \"allow\""]);
        assert_eq!(compare("code = 'x'", ""), ["- code = \"x\"\n+ code = nothing"]);
    }

    #[test]
    fn findings_are_expected_by_their_rules_or_by_more_of_them() {
        let said = "findings = [{ rule = 'email', text = 'a@b.c', span = [1, 6] }]";
        for right in ["['email']", "[{ text = 'a@b.c' }]", "[{ rule = 'email', span = [1, 6] }]"] {
            assert_eq!(compare(&format!("findings = {right}"), said), Vec::<String>::new(), "{right}");
        }
        for wrong in ["[]", "['card']", "['email', 'email']", "[{ rule = 'email', span = [1, 5] }]"] {
            assert_eq!(compare(&format!("findings = {wrong}"), said).len(), 1, "{wrong}");
        }
        assert_eq!(compare("findings = []", ""), Vec::<String>::new());
    }

    #[test]
    fn numbers_are_near_enough() {
        assert_eq!(compare("threshold = 0.92", "threshold = 0.9200000166893005"), Vec::<String>::new());
        assert_eq!(compare("threshold = 1", "threshold = 1.0"), Vec::<String>::new());
        assert_eq!(compare("threshold = 0.92", "threshold = 0.93").len(), 1);
    }
}
