//! How many tokens a conversation has, as Anthropic's `count_tokens` asks it, and the endpoints of others that tell the
//! same: Gemini's `countTokens` and, for Responses, OpenAI's `input_tokens` (public references, November 2026).

use bytes::Bytes;

use super::document::Wrong;
use super::gemini;
use super::raw::{Fields, Value};
use super::text::encode;
use super::{Dialect, Wire};

/// What OpenAI's endpoint takes of a request for a response.
const COUNTED: &[&str] =
    &["model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "reasoning", "text"];

/// What asks a target for the tokens of a conversation that is written in its dialect.
///
/// # Errors
/// When the target has no words for the question.
pub(super) fn write_request(target: Wire, model: &str, body: &[u8]) -> Result<Bytes, Wrong> {
    let fields = Value::or_null(body).fields();
    match target {
        Wire::Dialect(Dialect::Gemini) => {
            // Beside the contents alone there would be no place for instructions and tools.
            let model = encode(&format!("{}{}", gemini::MODELS, gemini::bare(model)));
            Ok(format!(r#"{{"generateContentRequest":{{"model":{model},{}}}}}"#, those(&fields, |_| true)).into())
        }
        Wire::Dialect(Dialect::Responses) => {
            Ok(format!("{{{}}}", those(&fields, |name| COUNTED.contains(&name))).into())
        }
        Wire::Dialect(Dialect::OpenAi | Dialect::Anthropic | Dialect::Completions) | Wire::Bedrock => {
            Err(Wrong::new("", "this provider does not count tokens"))
        }
    }
}

/// The source of the fields with these names.
fn those(fields: &Fields<'_>, wanted: impl Fn(&str) -> bool) -> String {
    let those = fields.0.iter().filter(|field| wanted(&field.name()));
    those.map(|field| format!("{}:{}", field.key.source(), field.value.source())).collect::<Vec<_>>().join(",")
}

/// What a target answers, in Anthropic's words.
///
/// # Errors
/// When it tells no number.
pub(super) fn translate_answer(target: Wire, body: &[u8]) -> Result<Bytes, Wrong> {
    let field = match target {
        Wire::Dialect(Dialect::Gemini) => "totalTokens",
        Wire::Dialect(Dialect::Responses | Dialect::OpenAi | Dialect::Anthropic | Dialect::Completions)
        | Wire::Bedrock => "input_tokens",
    };
    let tokens = Value::or_null(body).fields().last(field).and_then(Value::count);
    tokens.map(written).ok_or_else(|| Wrong::new(field, "is missing in the provider's answer"))
}

/// A number of tokens, as Anthropic's endpoint tells it.
pub(crate) fn written(tokens: u64) -> Bytes {
    format!(r#"{{"input_tokens":{tokens}}}"#).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GEMINI: Wire = Wire::Dialect(Dialect::Gemini);
    const RESPONSES: Wire = Wire::Dialect(Dialect::Responses);

    #[test]
    fn the_question_is_the_conversation_in_the_targets_place_for_it() {
        let body = r#"{"systemInstruction":{"parts":[{"text":"be kind"}]},"contents":[{"parts":[{"text":"\u0061"}]}]}"#;
        let asked = write_request(GEMINI, "models/gemini-3-pro", body.as_bytes()).unwrap();
        let inside = body.strip_prefix('{').unwrap();
        assert_eq!(asked, format!(r#"{{"generateContentRequest":{{"model":"models/gemini-3-pro",{inside}}}"#));
        let body = br#"{"model":"m","input":[{"role":"user"}],"max_output_tokens":5,"stream":false,"store":false}"#;
        let asked = write_request(RESPONSES, "m", body).unwrap();
        assert_eq!(asked, r#"{"model":"m","input":[{"role":"user"}]}"#);
        assert!(write_request(Wire::Dialect(Dialect::OpenAi), "m", body).is_err());
    }

    #[test]
    fn the_answer_is_the_number() {
        for (target, body, expected) in [
            (GEMINI, r#"{"totalTokens":31,"promptTokensDetails":[]}"#, Some(r#"{"input_tokens":31}"#)),
            (RESPONSES, r#" {"object":"response.input_tokens","input_tokens":7}"#, Some(r#"{"input_tokens":7}"#)),
            (GEMINI, r#"{"input_tokens":7}"#, None),
            (RESPONSES, r#"{"input_tokens":"7"}"#, None),
            (RESPONSES, "[]", None),
        ] {
            let said = translate_answer(target, body.as_bytes()).ok();
            assert_eq!(said.as_deref(), expected.map(str::as_bytes), "{body}");
        }
    }
}
