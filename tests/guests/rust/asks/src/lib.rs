//! A router for the tests: it asks the host for what the request says, a line each, and answers with what it was told.
//!
//! ```text
//! kv set colour blue
//! kv get colour
//! kv add count 2 60000
//! http GET crm /customers x-a=b
//! clock
//! embed one text | another
//! model judge 10 What is a tide?
//! model-json judge 10 Is it high?
//! ```

use std::time::Duration;

use sluicegate_plugin::router::{Routing, Target};
use sluicegate_plugin::{Plugin, PluginError, Request, Role, Router, clock, embedding, export, http, kv, log, model};

/// The guest.
#[derive(Debug)]
pub struct AsksGuest;

impl Plugin for AsksGuest {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = env!("CARGO_PKG_DESCRIPTION");
    type Config = Option<AtOnce>;

    fn configure(config: Option<AtOnce>) -> Result<Self, String> {
        match config {
            Some(AtOnce { asks }) => Err(told(&asks)),
            None => Ok(Self),
        }
    }
}

/// What to ask for while it is configured.
#[derive(Debug, serde::Deserialize)]
pub struct AtOnce {
    /// One line.
    pub asks: String,
}

impl Router for AsksGuest {
    fn route(&self, request: &Request, _: &[Target]) -> Result<Routing, PluginError> {
        let said = request.segments.iter().filter(|segment| segment.role == Role::User);
        let lines: Vec<String> = said.flat_map(|segment| segment.text.lines()).map(told).collect();
        Ok(Routing::answer(lines.join("\n")))
    }
}

fn told(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    match *words {
        ["clock"] => clock::now_ms().to_string(),
        ["kv", "get", key] => said(kv::get(key).map(|value| match value {
            Some(value) => String::from_utf8_lossy(&value).into_owned(),
            None => "nothing".to_owned(),
        })),
        ["kv", "set", key, value] => said(kv::set(key, value.as_bytes(), None).map(|()| "kept".to_owned())),
        ["kv", "fill", key, bytes] => {
            let value = vec![b'x'; bytes.parse().unwrap_or_default()];
            said(kv::set(key, &value, None).map(|()| "kept".to_owned()))
        }
        ["kv", "delete", key] => said(kv::delete(key).map(|()| "gone".to_owned())),
        ["kv", "add", key, by] => {
            said(kv::increment(key, by.parse().unwrap_or_default(), None).map(|sum| sum.to_string()))
        }
        ["kv", "add", key, by, ttl] => {
            let ttl = Some(Duration::from_millis(ttl.parse().unwrap_or_default()));
            said(kv::increment(key, by.parse().unwrap_or_default(), ttl).map(|sum| sum.to_string()))
        }
        ["http", method, destination, path, ref headers @ ..] => {
            let request = http::Request::new(method, destination, path, if method == "POST" { "a body" } else { "" });
            let pairs = headers.iter().filter_map(|header| header.split_once('='));
            fetched(&pairs.fold(request, |request, (name, value)| request.with_header(name, value)))
        }
        ["model", target, tokens, ref text @ ..] => asked(&prompt(target, tokens, text)),
        ["model-json", target, tokens, ref text @ ..] => {
            asked(&prompt(target, tokens, text).with_system("In JSON.").with_answer_schema(r#"{"type":"boolean"}"#))
        }
        ["embed", ..] => alike(&line["embed ".len()..]),
        ["log", "flood"] => loop {
            log(log::Level::Info, "again");
        },
        ["kv", "flood"] => {
            // More than any bound allows, and longer than any fuel lasts.
            loop {
                let _ = kv::get("x");
            }
        }
        _ => "what?".to_owned(),
    }
}

fn prompt(target: &str, tokens: &str, text: &[&str]) -> model::Prompt {
    model::Prompt::new(target, text.join(" "), tokens.parse().unwrap_or_default())
}

fn asked(prompt: &model::Prompt) -> String {
    prompt.complete().unwrap_or_else(|why| format!("no answer: {why}"))
}

/// How alike the texts between the bars are, each with the first.
fn alike(texts: &str) -> String {
    let texts: Vec<&str> = texts.split(" | ").collect();
    match embedding::embed(&texts) {
        Ok(vectors) => {
            let first = vectors.first().cloned().unwrap_or_default();
            let like = |other: &Vec<f32>| format!("{:.3}", embedding::similarity(&first, other));
            vectors.iter().map(like).collect::<Vec<_>>().join(" ")
        }
        Err(why) => format!("no vectors: {why}"),
    }
}

fn said(said: Result<String, kv::Error>) -> String {
    match said {
        Ok(said) => said,
        Err(kv::Error::TooLarge) => "too large".to_owned(),
        Err(kv::Error::QuotaExceeded) => "quota exceeded".to_owned(),
        Err(kv::Error::Unavailable(why)) => format!("unavailable: {why}"),
    }
}

fn fetched(request: &http::Request) -> String {
    match request.send() {
        Ok(http::Response { status, headers, body }) => {
            let location = headers.into_iter().find(|(name, _)| name == "location").map(|(_, value)| value);
            format!("{status} {} {}", String::from_utf8_lossy(&body), location.unwrap_or_default())
        }
        Err(http::Error::UnknownDestination) => "unknown destination".to_owned(),
        Err(http::Error::Timeout) => "timeout".to_owned(),
        Err(http::Error::TooLarge) => "too large".to_owned(),
        Err(http::Error::Unavailable(why)) => format!("unavailable: {why}"),
    }
}

export!(AsksGuest: router);
