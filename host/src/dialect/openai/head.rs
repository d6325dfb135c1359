//! What events of a stream have in common, for those that the gateway adds.

use super::super::raw::Value;
use super::super::text::encode;

/// The fields that all events of a stream share, as the first one had them.
#[derive(Debug, Default)]
pub(in super::super) struct Head(Vec<(&'static str, String)>);

const HEAD: &[&str] = &["id", "object", "created", "created_at", "model", "system_fingerprint"];
/// Bytes of one of them.
const HEAD_BYTES_MAX: usize = 256;

impl Head {
    /// Note a field, if it is one of them; says whether it is, and was not told before.
    pub(in super::super) fn note(&mut self, name: &str, value: Value<'_>) -> bool {
        let Some(name) = HEAD.iter().find(|known| **known == name) else { return false };
        let is_new = self.0.iter().all(|(known, _)| known != name);
        let is_noted = is_new && value.source().len() <= HEAD_BYTES_MAX && !value.source().starts_with(['{', '[']);
        if is_noted {
            // Written anew, so that nothing but a plain word or number passes.
            let word = value.text().map_or_else(|| value.source().to_owned(), |text| encode(&plain(&text)));
            self.0.push((name, word));
        }
        is_noted
    }

    pub(in super::super) fn source(&self) -> String {
        self.0.iter().map(|(name, value)| format!("\"{name}\":{value},")).collect()
    }
}

fn plain(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/')).take(64).collect()
}
