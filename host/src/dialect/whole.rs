//! A complete answer, whatever dialect it is in.

use bytes::Bytes;

use super::document::{Document, Of, Texts, Wrong, checked, note_name};
use super::raw::{Fields, Kind};
use super::sse::blames_request;
use crate::chat::{Answer, Channel, Opaque, Role};

/// Read an answer: `read` is given its fields, and what a text is of that no dialect has a name for. Where the answer is no
/// object there are no fields, and all of it is such a text.
///
/// # Errors
/// Why nothing of it can be passed on.
pub(super) fn read(
    body: Bytes,
    read: impl for<'a> FnOnce(&mut Texts<'a>, &mut Answer, &Fields<'a>, &Of) -> Result<(), Wrong>,
) -> Result<(Answer, Document, Vec<Opaque>), Wrong> {
    let (text, value) = checked(&body)?;
    let mut texts = Texts::new(text);
    let mut answer = Answer::default();
    let other = Of::new(Role::Assistant, Channel::Other);
    if value.kind() != Kind::Object {
        texts.anything(value, &other)?;
    }
    let fields = value.fields();
    fields.0.iter().for_each(|field| note_name(&mut answer.names, &field.name(), field.value));
    let error = fields.last("error").filter(|error| error.kind() == Kind::Object);
    answer.blames_request = error.map(blames_request);
    read(&mut texts, &mut answer, &fields, &other)?;
    let opaque = std::mem::take(&mut texts.opaque);
    answer.call = texts.call.take();
    let (segments, document) = texts.into_document(body.clone());
    Ok((Answer { segments, ..answer }, document, opaque))
}
