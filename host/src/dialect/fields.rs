//! Fields that requests have in several dialects.

use super::document::Wrong;
use super::raw::{Fields, Kind, Value};
use crate::chat::ToolDefinition;

/// The value of a field, if it is there.
///
/// # Errors
/// When the field is there twice: two readers might not agree on which one counts.
pub(super) fn once<'a>(fields: &Fields<'a>, name: &'static str) -> Result<Option<Value<'a>>, Wrong> {
    fields.once(name).map_err(|name| Wrong::new(name, "is there twice; send it once"))
}

/// The model that is asked for: its literal, and its name.
///
/// # Errors
/// When it is missing, there twice, or not a string.
pub(super) fn model<'a>(fields: &Fields<'a>) -> Result<(Value<'a>, String), Wrong> {
    let model = once(fields, "model")?;
    let model = model.ok_or_else(|| Wrong::new("model", "is missing; name a model, see GET /v1/models"))?;
    let name = model.text().ok_or_else(|| Wrong::new("model", "must be a string"))?;
    Ok((model, name.into_owned()))
}

/// What `stream` says, if it is there.
///
/// # Errors
/// When it is neither a boolean nor null.
pub(super) fn streaming(stream: Option<Value<'_>>) -> Result<bool, Wrong> {
    match stream.map(Value::kind) {
        Some(Kind::Bool(streaming)) => Ok(streaming),
        None | Some(Kind::Null) => Ok(false),
        Some(_) => Err(Wrong::new("stream", "must be true or false")),
    }
}

/// What a request says of a tool, whose parameters are in this field; nothing if it has no name.
pub(super) fn definition(fields: &Fields<'_>, parameters: &str) -> Option<ToolDefinition> {
    let text = |field: &str| fields.last(field).and_then(Value::text).unwrap_or_default().into_owned();
    let name = text("name");
    let parameters = fields.last(parameters).map_or_else(|| "{}".to_owned(), |schema| schema.source().to_owned());
    (!name.is_empty()).then(|| ToolDefinition { name, description: text("description"), parameters })
}
