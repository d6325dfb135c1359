//! Contents to and from a conversation in no provider's words, for where caller and target speak different dialects.
//! What is read here has passed the stricter readers next door; what cannot be said is told as a [`Loss`]. Here is what
//! requests, answers and streams have in common: parts, and the seals on them.
//!
//! The provider's seal on its thoughts stands on the part that follows from them, often a call, and the provider wants it
//! back there. On the way through other dialects it is the seal of a thought before that part.
//!
//! Source: Google's public reference of the Gemini API, version v1beta, as it stood on 28 November 2026.

mod answer;
mod calls;
mod config;
mod request;
mod schema;
mod stream;
mod written;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde::Serialize;
use serde_json::value::RawValue;

pub(crate) use answer::{parse_answer, parse_failure, write_answer, write_failure};
pub(crate) use request::parse_request;
pub(crate) use stream::{DeltaReader, DeltaWriter};
pub(crate) use written::write_request;

use super::spelling::Spelt;
use crate::dialect::conversation::{Loss, Media, Part, Source};
use crate::dialect::document::Wrong;
use crate::dialect::given::Given;
use crate::dialect::media::inline;

/// What an answer says beyond the caller's dialect is no reason to withhold it.
const BEYOND: &str = "has no counterpart in the other dialect";
const NOT_AN_OBJECT: &str = "the arguments of a tool call are not a JSON object";
/// Where files are that were sent to the provider before.
const UPLOADED: &str = "https://generativelanguage.googleapis.com/";

/// A field that nobody here knows. It is no loss if it says what would be so without it.
fn leave_out(field: &Given<'_>, losses: &mut Vec<Loss>) {
    if !matches!(field.value.source(), "false" | "\"\"" | "[]" | "{}") {
        losses.push(field.loss());
    }
}

/// Losses of an answer.
fn dropped(losses: Vec<Loss>) -> impl Iterator<Item = Loss> {
    losses.into_iter().map(|loss| Loss::harmless(loss.field, BEYOND))
}

/// What one part says.
struct Said<'a> {
    what: Option<What<'a>>,
    /// The provider's seal.
    signature: Option<String>,
}

/// What a part holds.
enum What<'a> {
    Text(String),
    Thought(String),
    Media(Part),
    /// A call of a function, whose id may be missing.
    Call {
        id: Option<String>,
        name: String,
        arguments: String,
    },
    /// What a function answered.
    Response(Spelt<'a>),
}

/// Read a part.
///
/// # Errors
/// What is wrong with which field.
fn read_part<'a>(part: &Given<'a>, losses: &mut Vec<Loss>) -> Result<Said<'a>, Wrong> {
    let part = Spelt::of(part)?;
    let is_thought = part.find("thought").map(Given::flag).transpose()?.unwrap_or_default();
    let signature = part.text("thoughtSignature")?.filter(|signature| !signature.is_empty());
    let mut what = None;
    for (name, field) in part.fields() {
        let said = match &*name {
            "thought" | "thoughtSignature" => continue,
            "text" if is_thought => What::Thought(field.text()?),
            "text" => What::Text(field.text()?),
            "inlineData" | "fileData" => What::Media(read_media(field, losses)?),
            "functionCall" => read_call(field, losses)?,
            "functionResponse" => What::Response(Spelt::of(field)?),
            _ => {
                leave_out(field, losses);
                continue;
            }
        };
        if what.replace(said).is_some() {
            return Err(field.wrong("must be the only one of text, inlineData, fileData, functionCall and others"));
        }
    }
    Ok(Said { what, signature })
}

fn read_call<'a>(call: &Given<'_>, losses: &mut Vec<Loss>) -> Result<What<'a>, Wrong> {
    let call = Spelt::of(call)?;
    let name = call.needed("name")?.text()?;
    let id = call.text("id")?.filter(|id| !id.is_empty());
    let arguments = call.find("args").map(Given::source).transpose()?.unwrap_or_else(|| "{}".to_owned());
    for (name, field) in call.fields() {
        match &*name {
            "name" | "id" | "args" => {}
            // Pieces of arguments, which nobody gets who has not asked for them.
            "partialArgs" | "willContinue" if field.value.source() != "false" => {
                return Err(field.wrong("cannot be told in the other dialect"));
            }
            _ => leave_out(field, losses),
        }
    }
    Ok(What::Call { id, name, arguments })
}

fn read_media(data: &Given<'_>, losses: &mut Vec<Loss>) -> Result<Part, Wrong> {
    let data = Spelt::of(data)?;
    let media_type = data.text("mimeType")?.unwrap_or_default();
    let source = match data.find("fileUri") {
        Some(uri) => match uri.text()? {
            uri if uri.starts_with(UPLOADED) => Source::Uploaded(uri),
            uri => Source::Url(uri),
        },
        None => {
            let base64 = data.needed("data")?.text()?;
            inline(data.needed("mimeType")?, media_type.clone(), base64)?
        }
    };
    for (name, field) in data.fields() {
        if !matches!(&*name, "mimeType" | "fileUri" | "data" | "displayName") {
            leave_out(field, losses);
        }
    }
    let media = Media { source, name: data.text("displayName")? };
    Ok(match media_type.split('/').next().unwrap_or_default() {
        "image" => Part::Image(media),
        "audio" => Part::Audio(media),
        _ => Part::File(media),
    })
}

/// Put the seal of a part before it, on the thoughts there or on one of its own.
fn seal(parts: &mut Vec<Part>, seal: String) {
    match parts.last_mut() {
        Some(Part::Thinking { signature: signature @ None, .. }) => *signature = Some(seal),
        _ => parts.push(Part::Thinking { text: String::new(), signature: Some(seal) }),
    }
}

/// What stands before another provider's seal.
const FOREIGN: &str = "foreign:";

/// Another provider's seal, for a caller to send back. SDKs take a seal for Base64 of something, and write it in either of
/// its alphabets (RFC 4648, sections 4 and 5).
fn wrapped(seal: &str) -> String {
    STANDARD.encode([FOREIGN, seal].concat())
}

/// A seal that a caller sends back: what was wrapped, or the provider's own.
fn unwrapped(seal: String) -> String {
    let in_one_alphabet = seal.replace('-', "+").replace('_', "/");
    let decoded = STANDARD_NO_PAD.decode(in_one_alphabet.trim_end_matches('=')).ok();
    let decoded = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.and_then(|text| Some(text.strip_prefix(FOREIGN)?.to_owned())).unwrap_or(seal)
}

/// A content as it is written.
#[derive(Serialize)]
struct ContentJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    parts: Vec<PartJson<'a>>,
}

/// A part as it is written.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct PartJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    inline_data: Option<DataJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<FileJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<CallJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_response: Option<ResponseJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thought_signature: Option<Cow<'a, str>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DataJson<'a> {
    mime_type: &'a str,
    data: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileJson<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'static str>,
    file_uri: &'a str,
}

#[derive(Serialize)]
struct CallJson<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    id: &'a str,
    name: &'a str,
    args: &'a RawValue,
}

#[derive(Serialize)]
struct ResponseJson<'a> {
    id: &'a str,
    name: &'a str,
    response: OutputJson<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<PartJson<'a>>,
}

/// What a function says, or why it failed, as the reference calls them.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum OutputJson<'a> {
    Output(Cow<'a, str>),
    Error(Cow<'a, str>),
}

impl<'a> PartJson<'a> {
    fn text(text: &'a str) -> Self {
        Self { text: Some(Cow::Borrowed(text)), ..Self::default() }
    }

    fn thought(text: &'a str) -> Self {
        Self { thought: true, ..Self::text(text) }
    }

    /// A seal on what is over already.
    fn seal(signature: Cow<'a, str>) -> Self {
        Self { thought_signature: Some(signature), ..Self::text("") }
    }

    /// # Errors
    /// When the arguments are not a JSON object.
    fn call(id: &'a str, name: &'a str, arguments: &'a str) -> Result<Self, Wrong> {
        let args = crate::dialect::given::json_object(arguments).ok_or_else(|| Wrong::new("", NOT_AN_OBJECT))?;
        Ok(Self { function_call: Some(CallJson { id, name, args }), ..Self::default() })
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::URL_SAFE;

    use super::*;

    #[test]
    fn another_providers_seal_is_base64_on_its_way_and_comes_back_as_it_was() {
        for seal in ["rs_1:c2VhbA==", "ErUB??>>~~\u{fc}", ""] {
            let wrapped = wrapped(seal);
            let bytes = STANDARD.decode(&wrapped).unwrap();
            assert_eq!(unwrapped(wrapped), seal);
            // As Google's SDK for Python writes it.
            assert_eq!(unwrapped(URL_SAFE.encode(bytes)), seal);
        }
        for own in ["c2VhbA==", "no base64!", "", "_-8="] {
            assert_eq!(unwrapped(own.to_owned()), own);
        }
    }
}
