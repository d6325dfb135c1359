//! Items of an input or an output, read: messages, calls of functions, their results, thoughts.

use super::leave_out;
use crate::dialect::conversation::{APART, Call, Loss, Media, Part, Source, Speaker, ToolResult};
use crate::dialect::document::Wrong;
use crate::dialect::given::{Given, Object};
use crate::dialect::media::read_url;

/// What an item is, and who says it.
pub(super) struct Item {
    pub(super) speaker: Speaker,
    pub(super) parts: Vec<Part>,
}

/// How the seal of thoughts is told: as it is, or with their name.
pub(super) type Seal = fn(id: &str, encrypted: &str) -> String;

/// Read an item; nothing for one of a kind that has no counterpart.
pub(super) fn read_item(item: &Object<'_>, seal: Seal, losses: &mut Vec<Loss>) -> Result<Option<Item>, Wrong> {
    let kind = item.find("type").map(Given::text).transpose()?;
    let assistant = |part| Some(Item { speaker: Speaker::Assistant, parts: vec![part] });
    Ok(match kind.as_deref() {
        None | Some("message") => Some(read_message(item, losses)?),
        Some("function_call") => assistant(Part::Call(read_call(item, losses)?)),
        Some("reasoning") => read_thoughts(item, seal, losses)?.and_then(assistant),
        Some("function_call_output") => {
            let id = item.needed("call_id")?.text()?;
            let parts = read_parts(item.needed("output")?, losses)?;
            rest(item, &["type", "call_id", "output"], losses);
            let result = ToolResult { id, name: None, parts, is_error: false };
            Some(Item { speaker: Speaker::User, parts: vec![Part::Result(result)] })
        }
        Some("item_reference") => {
            return Err(Wrong::new(
                item.path(),
                "refers to what is kept at a provider of Responses; send the item itself",
            ));
        }
        Some(_) => {
            losses.extend(item.find("type").map(Given::loss));
            None
        }
    })
}

fn rest(item: &Object<'_>, known: &[&str], losses: &mut Vec<Loss>) {
    item.beyond(known).for_each(|field| leave_out(field, losses));
}

fn read_message(item: &Object<'_>, losses: &mut Vec<Loss>) -> Result<Item, Wrong> {
    let role = item.needed("role")?;
    let speaker = match &*role.text()? {
        "system" | "developer" => Speaker::System,
        "user" => Speaker::User,
        "assistant" => Speaker::Assistant,
        _ => return Err(role.wrong("must be one of system, developer, user, assistant")),
    };
    let parts = read_parts(item.needed("content")?, losses)?;
    rest(item, &["type", "role", "content"], losses);
    Ok(Item { speaker, parts })
}

pub(super) fn read_call(item: &Object<'_>, losses: &mut Vec<Loss>) -> Result<Call, Wrong> {
    let text = |name: &str| item.needed(name)?.text();
    rest(item, &["type", "call_id", "name", "arguments"], losses);
    let arguments = item.text("arguments")?.unwrap_or_default();
    Ok(Call { id: text("call_id")?, name: text("name")?, arguments })
}

/// Thoughts with a summary are sealed as a whole; without one, they are nothing but the seal.
fn read_thoughts(item: &Object<'_>, seal: Seal, losses: &mut Vec<Loss>) -> Result<Option<Part>, Wrong> {
    rest(item, &["type", "summary", "content", "encrypted_content"], losses);
    let texts = |name: &str| -> Result<Vec<String>, Wrong> {
        let items = item.find(name).map(Given::items).transpose()?.unwrap_or_default();
        items.iter().map(|item| item.object()?.needed("text")?.text()).collect()
    };
    let mut thoughts = texts("content")?;
    if thoughts.is_empty() {
        thoughts = texts("summary")?;
    }
    let id = item.text("id")?.unwrap_or_default();
    let sealed = item.text("encrypted_content")?.filter(|sealed| !sealed.is_empty()).map(|sealed| seal(&id, &sealed));
    Ok(match (thoughts.is_empty(), sealed) {
        (false, signature) => Some(Part::Thinking { text: thoughts.join(APART), signature }),
        (true, Some(sealed)) => Some(Part::SealedThinking(sealed)),
        (true, None) => None,
    })
}

/// A content: a string, or a list of parts.
pub(super) fn read_parts(content: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Vec<Part>, Wrong> {
    content.parts(|part| read_part(part, losses))
}

fn read_part(part: &Object<'_>, losses: &mut Vec<Loss>) -> Result<Option<Part>, Wrong> {
    let kind = part.needed("type")?;
    let text = |name: &str| part.needed(name)?.text();
    let (known, read): (&[&str], Part) = match &*kind.text()? {
        "input_text" | "output_text" | "text" => (&["type", "text"], Part::Text(text("text")?)),
        "refusal" => (&["type", "refusal"], Part::Refusal(text("refusal")?)),
        "input_image" => {
            let source = source(part, &["image_url"], "file_id", None)?;
            (&["type", "image_url", "file_id"], Part::Image(Media { source, name: None }))
        }
        "input_file" => {
            let source = source(part, &["file_data", "file_url"], "file_id", Some(PDF))?;
            let known = &["type", "file_data", "file_url", "file_id", "filename"];
            (known, Part::File(Media { source, name: part.text("filename")? }))
        }
        _ => {
            losses.push(kind.loss());
            return Ok(None);
        }
    };
    rest(part, known, losses);
    Ok(Some(read))
}

/// What `%PDF` is in Base64, for data that comes without its media type.
const PDF: &str = "JVBER";

fn source(part: &Object<'_>, urls: &[&str], uploaded: &str, bare: Option<&str>) -> Result<Source, Wrong> {
    let mut found = Vec::new();
    for field in urls.iter().filter_map(|name| part.find(name)) {
        let source = read_url(field)?;
        found.push(match source {
            Source::Url(data) if field.name == "file_data" => match bare.filter(|start| data.starts_with(start)) {
                Some(_) => Source::Inline { media_type: "application/pdf".to_owned(), base64: data },
                None => return Err(field.wrong("must be a data URL, as data:application/pdf;base64,JVBERi0")),
            },
            source => source,
        });
    }
    found.extend(part.text(uploaded)?.map(Source::Uploaded));
    let first = urls.first().copied().unwrap_or(uploaded);
    match found.len() {
        0 => Err(part.missing(first)),
        1 => found.pop().ok_or_else(|| part.missing(first)),
        _ => Err(Wrong::new(part.path(), "must say once where the data is")),
    }
}
