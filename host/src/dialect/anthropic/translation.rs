//! Messages to and from a conversation in no provider's words, for where caller and target speak different dialects.
//! What is read here has passed the stricter readers next door; what cannot be said is told as a [`Loss`]. Here is what
//! requests, answers and streams have in common: fields with their paths, and content blocks.
//!
//! Source: Anthropic's public reference of the Messages API, version 2023-06-01, as it stood in autumn 2026.

mod answer;
mod request;
mod stream;
mod written;

use serde::Serialize;
use serde_json::value::RawValue;

pub(crate) use answer::{parse_answer, parse_failure, write_answer, write_failure};
pub(crate) use request::{parse_count, parse_request};
pub(crate) use stream::{DeltaReader, DeltaWriter};
pub(crate) use written::write_request;

use crate::dialect::conversation::{Call, Loss, Media, Part, Source, ToolResult};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Given, Object};
use crate::dialect::media::inline;
use crate::dialect::raw::Kind;

/// Losses that begin with "" are warnings only.
const HINT: &str = "a hint to the provider, which changes nothing in the answer";
/// What an answer says beyond the caller's dialect is no reason to withhold it.
const BEYOND: &str = "has no counterpart in the other dialect";
const NOT_AN_OBJECT: &str = "the arguments of a tool call are not a JSON object";

/// A field that nobody here knows. It is no loss if it says what would be so without it.
fn leave_out(field: &Given<'_>, losses: &mut Vec<Loss>) {
    match (&*field.name, field.value.source()) {
        // Where the provider keeps what it has seen, and that it was the model itself who called a tool.
        ("cache_control" | "caller", _) => losses.push(field.harmless(HINT)),
        (_, "false" | "\"\"" | "[]" | "{}") => {}
        _ => losses.push(field.loss()),
    }
}

/// Losses of an answer.
fn dropped(losses: Vec<Loss>) -> impl Iterator<Item = Loss> {
    losses.into_iter().map(|loss| Loss::harmless(loss.field, BEYOND))
}

/// A content: a string, or a list of blocks.
fn read_content(content: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Vec<Part>, Wrong> {
    read_blocks(content, false, losses)
}

/// A result of a tool has no results in it, so that nobody can nest them until the stack is full.
fn read_blocks(content: &Given<'_>, in_result: bool, losses: &mut Vec<Loss>) -> Result<Vec<Part>, Wrong> {
    match content.value.kind() {
        Kind::String => Ok(vec![Part::Text(content.text()?)]),
        Kind::Array => {
            let mut parts = Vec::new();
            for block in content.items()? {
                parts.extend(read_block(&block.object()?, in_result, losses)?);
            }
            Ok(parts)
        }
        _ => Err(content.wrong("must be a string or a list of blocks")),
    }
}

fn read_block(block: &Object<'_>, in_result: bool, losses: &mut Vec<Loss>) -> Result<Option<Part>, Wrong> {
    let kind = block.needed("type")?;
    let known: &[&str] = match &*kind.text()? {
        "text" => &["text"],
        "thinking" => &["thinking", "signature"],
        "redacted_thinking" => &["data"],
        "image" => &["source"],
        "document" => &["source", "title"],
        "tool_use" => &["id", "name", "input"],
        "tool_result" if !in_result => &["tool_use_id", "content", "is_error"],
        _ => {
            losses.push(kind.loss());
            return Ok(None);
        }
    };
    for field in block.beyond(known).filter(|field| field.name != "type") {
        leave_out(field, losses);
    }
    let text = |name: &str| block.needed(name)?.text();
    Ok(match &*kind.text()? {
        "text" => Some(Part::Text(text("text")?)),
        "thinking" => {
            let signature = block.text("signature")?.filter(|signature| !signature.is_empty());
            Some(Part::Thinking { text: text("thinking")?, signature })
        }
        "redacted_thinking" => Some(Part::SealedThinking(text("data")?)),
        "tool_use" => {
            let arguments = block.needed("input")?.source()?;
            Some(Part::Call(Call { id: text("id")?, name: text("name")?, arguments }))
        }
        "tool_result" => {
            let parts = block.find("content").map(|content| read_blocks(content, true, losses)).transpose()?;
            let is_error = block.find("is_error").map(Given::flag).transpose()?.unwrap_or_default();
            let parts = parts.unwrap_or_default();
            Some(Part::Result(ToolResult { id: text("tool_use_id")?, name: None, parts, is_error }))
        }
        "image" => {
            let source = read_source(block.needed("source")?, losses)?;
            source.map(|source| Part::Image(Media { source, name: None }))
        }
        _ => read_document(block, losses)?,
    })
}

/// A document that is text is told as text, which every provider takes.
fn read_document(block: &Object<'_>, losses: &mut Vec<Loss>) -> Result<Option<Part>, Wrong> {
    let source = block.needed("source")?;
    let title = block.find("title");
    let inner = source.object()?;
    if inner.find("type").is_some_and(|kind| kind.value.text().as_deref() == Some("text")) {
        losses.extend(title.map(Given::loss));
        return Ok(Some(Part::Text(inner.needed("data")?.text()?)));
    }
    let name = title.map(Given::text).transpose()?;
    Ok(read_source(source, losses)?.map(|source| Part::File(Media { source, name })))
}

fn read_source(source: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Option<Source>, Wrong> {
    let source = source.object()?;
    let kind = source.needed("type")?;
    let text = |name: &str| source.needed(name)?.text();
    Ok(Some(match &*kind.text()? {
        "base64" => inline(source.needed("media_type")?, text("media_type")?, text("data")?)?,
        "url" => Source::Url(text("url")?),
        "file" => Source::Uploaded(text("file_id")?),
        _ => {
            losses.push(kind.loss());
            return Ok(None);
        }
    }))
}

/// A content block as it is written.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockJson<'a> {
    Text {
        text: &'a str,
    },
    Thinking {
        thinking: &'a str,
        signature: &'a str,
    },
    RedactedThinking {
        data: &'a str,
    },
    Image {
        source: SourceJson<'a>,
    },
    Document {
        source: SourceJson<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'a str>,
    },
    ToolUse {
        id: &'a str,
        name: &'a str,
        input: &'a RawValue,
    },
    ToolResult {
        tool_use_id: &'a str,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<BlockJson<'a>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum SourceJson<'a> {
    Base64 { media_type: &'a str, data: &'a str },
    Text { media_type: &'static str, data: String },
    Url { url: &'a str },
    File { file_id: &'a str },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::raw::Value;
    pub(super) use crate::dialect::spoilt::spoilt;

    fn read(content: &str) -> (Result<Vec<Part>, Wrong>, Vec<Loss>) {
        let mut losses = Vec::new();
        let content = Given::at("content", Value::read(content).unwrap());
        (read_content(&content, &mut losses), losses)
    }

    #[test]
    fn what_has_no_counterpart_is_named_and_hints_are_only_warned_of() {
        for (content, field, is_hint) in [
            (r#"[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]"#, "content[0].cache_control", true),
            (r#"[{"type":"tool_use","id":"a","name":"f","input":{},"caller":{}}]"#, "content[0].caller", true),
            (r#"[{"type":"text","text":"a","citations":[{"cited_text":"b"}]}]"#, "content[0].citations", false),
            (r#"[{"type":"server_tool_use","id":"a","name":"web_search","input":{}}]"#, "content[0].type", false),
            (r#"[{"type":"image","source":{"type":"attic"}}]"#, "content[0].source.type", false),
            (
                r#"[{"type":"document","title":"t","source":{"type":"text","media_type":"text/plain","data":"a"}}]"#,
                "content[0].title",
                false,
            ),
            (
                r#"[{"type":"tool_result","tool_use_id":"a","content":[{"type":"tool_result"}]}]"#,
                "content[0].content[0].type",
                false,
            ),
        ] {
            let (parts, losses) = read(content);
            assert!(parts.is_ok(), "{content}: {parts:?}");
            let told: Vec<_> = losses.iter().map(|loss| (loss.field.as_str(), loss.is_harmless)).collect();
            assert_eq!(told, [(field, is_hint)], "{content}");
        }
    }

    #[test]
    fn what_says_nothing_is_no_loss() {
        let (parts, losses) =
            read(r#"[{"type":"text","text":"a","citations":null},{"type":"text","text":"b","x":[]}]"#);
        assert_eq!(parts.unwrap(), [Part::Text("a".to_owned()), Part::Text("b".to_owned())]);
        assert_eq!(losses, []);
    }

    #[test]
    fn a_block_that_is_wrong_is_said_with_its_path() {
        for (content, field) in [
            ("3", "content"),
            ("[3]", "content[0]"),
            ("[{}]", "content[0].type"),
            (r#"[{"type":"text"}]"#, "content[0].text"),
            (r#"[{"type":"text","text":[]}]"#, "content[0].text"),
            (r#"[{"type":"text","text":"a","text":"b"}]"#, "content[0].text"),
            (r#"[{"type":"image"}]"#, "content[0].source"),
            (r#"[{"type":"image","source":{"type":"base64","data":""}}]"#, "content[0].source.media_type"),
            (r#"[{"type":"tool_use","id":"a","name":"f","input":"{}"}]"#, "content[0].input"),
            (r#"[{"type":"tool_result","content":""}]"#, "content[0].tool_use_id"),
            (r#"[{"type":"tool_result","tool_use_id":"a","is_error":1}]"#, "content[0].is_error"),
        ] {
            let wrong = read(content).0.unwrap_err();
            assert_eq!(wrong.field, field, "{content}: {}", wrong.message);
        }
    }

    #[test]
    fn results_in_results_are_not_followed_into_the_depth() {
        let mut content = "\"a\"".to_owned();
        for _ in 0..2_000 {
            content = format!(r#"[{{"type":"tool_result","tool_use_id":"a","content":{content}}}]"#);
        }
        let (parts, losses) = read(&content);
        assert_eq!(parts.unwrap().len(), 1);
        assert_eq!(losses.len(), 1);
    }
}
