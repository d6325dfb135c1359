//! What the sandbox model reads of a request, borrowed from its body.
//!
//! Contents, tools and formats stay raw until somebody asks for them: in a long history that is the last message alone.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::failure::Failure;

/// A chat-completions request. Fields that change nothing here are not read.
#[derive(Deserialize)]
pub(super) struct Request<'a> {
    #[serde(borrow)]
    pub(super) model: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) messages: Vec<Message<'a>>,
    pub(super) stream: Option<bool>,
    pub(super) stream_options: Option<StreamOptions>,
    pub(super) n: Option<u32>,
    max_tokens: Option<u64>,
    max_completion_tokens: Option<u64>,
    parallel_tool_calls: Option<bool>,
    #[serde(borrow)]
    stop: Option<&'a RawValue>,
    #[serde(borrow)]
    tools: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_choice: Option<&'a RawValue>,
    #[serde(borrow)]
    response_format: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct StreamOptions {
    pub(super) include_usage: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: Option<&'a RawValue>,
    #[serde(borrow)]
    tool_call_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    tool_calls: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    text: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Called<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(borrow)]
    function: Option<Function<'a>>,
}

/// A tool that may be called, or the name of one that was.
#[derive(Deserialize)]
pub(super) struct Function<'a> {
    #[serde(borrow)]
    pub(super) name: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) parameters: Option<&'a RawValue>,
}

/// Whether tools may, must or must not be called.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ToolChoice {
    Auto,
    None,
    Required,
    Named(String),
}

/// What form the answer shall have.
#[derive(Debug, PartialEq)]
pub(super) enum Format {
    Text,
    Object,
    Schema(serde_json::Value),
}

impl<'a> Request<'a> {
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Failure> {
        let request: Self = serde_json::from_slice(body).map_err(|error| Failure::bad_json(&error))?;
        if request.messages.is_empty() {
            return Err(Failure::bad_request(Some("messages"), "Invalid 'messages': empty array."));
        }
        for message in &request.messages {
            if !["user", "assistant", "tool", "system", "developer", "function"].contains(&&*message.role) {
                return Err(Failure::bad_request(Some("messages"), format!("Invalid role: '{}'.", message.role)));
            }
            if message.content.is_some_and(|content| !content.get().starts_with(['"', '['])) {
                return Err(Failure::bad_request(Some("messages"), "Invalid content: expected a string or an array."));
            }
        }
        Ok(request)
    }

    /// The text of the last user message, empty without one.
    pub(super) fn last_user_text(&self) -> Result<Cow<'a, str>, Failure> {
        match self.messages.iter().rev().find(|message| message.role == "user") {
            Some(message) => message.text(),
            None => Ok(Cow::Borrowed("")),
        }
    }

    /// The tool results that end the conversation, in order: the tool's name and what it said.
    pub(super) fn tool_results(&self) -> Result<Vec<(String, Cow<'a, str>)>, Failure> {
        let is_result = |message: &&Message<'_>| matches!(&*message.role, "tool" | "function");
        let mut results = Vec::new();
        for message in self.messages.iter().rev().take_while(is_result) {
            let id = message.tool_call_id.as_deref().unwrap_or_default();
            results.push((self.tool_called(id)?.unwrap_or_else(|| "tool".into()), message.text()?));
        }
        results.reverse();
        Ok(results)
    }

    fn tool_called(&self, id: &str) -> Result<Option<String>, Failure> {
        for calls in self.messages.iter().rev().filter_map(|message| message.tool_calls) {
            let calls: Vec<Called<'_>> = parse(calls)?;
            let called = calls.into_iter().find(|call| call.id.as_deref() == Some(id));
            if let Some(function) = called.and_then(|call| call.function) {
                return Ok(Some(function.name.into_owned()));
            }
        }
        Ok(None)
    }

    /// The functions that may be called. Tools of other types are passed over.
    pub(super) fn tools(&self) -> Result<Vec<Function<'a>>, Failure> {
        let Some(tools) = self.tools else { return Ok(Vec::new()) };
        let tools: Vec<Tool<'a>> = parse(tools)?;
        Ok(tools.into_iter().filter_map(|tool| tool.function).collect())
    }

    pub(super) fn tool_choice(&self) -> Result<ToolChoice, Failure> {
        let Some(choice) = self.tool_choice else { return Ok(ToolChoice::Auto) };
        let choice: serde_json::Value = parse(choice)?;
        // A word, or an object with a function's name, or one that allows some tools in a mode.
        let word = choice.as_str().or_else(|| choice.pointer("/allowed_tools/mode")?.as_str());
        Ok(match (choice.pointer("/function/name").and_then(|name| name.as_str()), word) {
            (Some(name), _) => ToolChoice::Named(name.to_owned()),
            (None, Some("auto")) => ToolChoice::Auto,
            (None, Some("none")) => ToolChoice::None,
            (None, Some("required")) => ToolChoice::Required,
            _ => return Err(Failure::bad_request(Some("tool_choice"), "Invalid value for 'tool_choice'.")),
        })
    }

    pub(super) fn parallel_calls(&self) -> bool {
        self.parallel_tool_calls.unwrap_or(true)
    }

    pub(super) fn format(&self) -> Result<Format, Failure> {
        let Some(format) = self.response_format else { return Ok(Format::Text) };
        let mut format: serde_json::Value = parse(format)?;
        Ok(match format.get("type").and_then(|kind| kind.as_str()) {
            Some("text") => Format::Text,
            Some("json_object") => Format::Object,
            Some("json_schema") => Format::Schema(
                format.pointer_mut("/json_schema/schema").map(|schema| schema.take()).unwrap_or_default(),
            ),
            _ => return Err(Failure::bad_request(Some("response_format"), "Invalid value for 'response_format'.")),
        })
    }

    /// How many words the answer may have.
    pub(super) fn words_max(&self) -> Option<usize> {
        let max = self.max_completion_tokens.or(self.max_tokens)?;
        Some(usize::try_from(max).unwrap_or(usize::MAX))
    }

    /// The texts before which the answer stops.
    pub(super) fn stops(&self) -> Result<Vec<String>, Failure> {
        match self.stop {
            None => Ok(Vec::new()),
            Some(stop) if stop.get().starts_with('"') => Ok(vec![parse(stop)?]),
            Some(stop) => parse(stop),
        }
    }
}

impl<'a> Message<'a> {
    /// The content as text: of an array, its text parts, one a line.
    pub(super) fn text(&self) -> Result<Cow<'a, str>, Failure> {
        match self.content {
            None => Ok(Cow::Borrowed("")),
            Some(content) if content.get().starts_with('[') => {
                let parts: Vec<Part<'a>> = parse(content)?;
                let mut texts = parts.into_iter().filter_map(|part| part.text);
                let mut text = texts.next().unwrap_or_default();
                for more in texts {
                    text.to_mut().push('\n');
                    text.to_mut().push_str(&more);
                }
                Ok(text)
            }
            Some(content) => Ok(parse::<Text<'a>>(content)?.0),
        }
    }
}

/// A string on its own borrows only behind a type that says so.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn parse<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Failure> {
    serde_json::from_str(raw.get()).map_err(|error| Failure::bad_json(&error))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::{Format, Request, ToolChoice};

    #[test]
    fn reads_the_last_user_text_of_strings_and_parts() {
        let body = br#"{"model":"m","messages":[{"role":"user","content":"old"},{"role":"user","content":[
            {"type":"text","text":"one"},{"type":"image_url","image_url":{"url":"data:"}},{"type":"text","text":"t\u00e9o"}]},
            {"role":"assistant","content":null}]}"#;
        assert_eq!(Request::read(body).unwrap().last_user_text().unwrap(), "one\ntéo");
    }

    #[test]
    fn names_the_tools_of_results() {
        let body =
            br#"{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"b","function":{"name":"beta"}},
            {"id":"a","function":{"name":"alpha"}}]},{"role":"tool","tool_call_id":"a","content":"1"},
            {"role":"tool","tool_call_id":"b","content":"2"},{"role":"tool","tool_call_id":"c","content":"3"}]}"#;
        let results = Request::read(body).unwrap().tool_results().unwrap();
        let results: Vec<_> = results.iter().map(|(name, text)| (name.as_str(), &**text)).collect();
        assert_eq!(results, [("alpha", "1"), ("beta", "2"), ("tool", "3")]);
    }

    #[test]
    fn refuses_what_is_not_a_request() {
        for body in [
            &b"{"[..],
            b"[]",
            br#"{"messages":[{"role":"user","content":"x"}]}"#,
            br#"{"model":"m","messages":[]}"#,
            br#"{"model":"m","messages":[{"role":"robot","content":"x"}]}"#,
            br#"{"model":"m","messages":[{"role":"user","content":7}]}"#,
            b"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}",
        ] {
            assert_eq!(Request::read(body).err().unwrap().status, 400);
        }
        let lone = br#"{"model":"m","messages":[{"role":"user","content":"\ud83d"}]}"#;
        assert!(Request::read(lone).and_then(|request| request.last_user_text().map(drop)).is_err());
    }

    #[test]
    fn reads_choices_formats_and_stops() {
        let read = |fields: &str| format!(r#"{{"model":"m","messages":[{{"role":"user","content":""}}],{fields}}}"#);
        for (fields, choice) in [
            (r#""tool_choice":"none""#, ToolChoice::None),
            (r#""tool_choice":null"#, ToolChoice::Auto),
            (r#""tool_choice":{"type":"function","function":{"name":"f"}}"#, ToolChoice::Named("f".into())),
            (r#""tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required"}}"#, ToolChoice::Required),
        ] {
            assert_eq!(Request::read(read(fields).as_bytes()).unwrap().tool_choice().unwrap(), choice);
        }
        let body = read(r#""response_format":{"type":"json_object"},"stop":"x","max_tokens":3"#);
        let request = Request::read(body.as_bytes()).unwrap();
        assert_eq!(request.format().unwrap(), Format::Object);
        assert_eq!(request.stops().unwrap(), ["x"]);
        assert_eq!(request.words_max(), Some(3));
    }
}
