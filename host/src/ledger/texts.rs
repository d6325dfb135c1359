//! Prompts and answers, where they are kept.

use serde::{Deserialize, Serialize};

use crate::chat::Segment;
use crate::config;
use crate::exchange::{Captured, Over};
use crate::moment::milliseconds_since_1970;
use crate::store::ledger::{Row, Statement};

/// What was said in an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    /// What the request is written in, in a word.
    pub dialect: String,
    /// The request with the guardrails' edits; nothing if it is too long, or there was none.
    pub request: Option<String>,
    /// The texts of the answer, as far as it came.
    pub answer: Vec<Said>,
    /// Something was too long, and is not all here.
    pub is_cut: bool,
}

/// A text of an answer.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Said {
    /// What kind of text it is.
    pub channel: String,
    /// Which of several answers.
    #[serde(default)]
    pub choice: u32,
    /// The tool that is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The text.
    pub text: String,
}

impl From<&Segment> for Said {
    fn from(segment: &Segment) -> Self {
        let Segment { channel, choice, name, text, .. } = segment;
        Self { channel: channel.word().to_owned(), choice: *choice, name: name.clone(), text: text.clone() }
    }
}

const INSERT: &str = "\
INSERT INTO texts (exchange, dialect, request, answer, is_cut, expires) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT DO NOTHING";

/// What keeps the texts of an exchange, if there are any.
pub(super) fn statement(over: &Over, captured: &Captured, bounds: &config::Ledger) -> Option<Statement> {
    if captured.request.is_none() && captured.answer.is_empty() && !captured.is_cut {
        return None;
    }
    let request = captured.request.as_ref().map(|request| String::from_utf8_lossy(request));
    let answer: Vec<Said> = captured.answer.iter().map(Said::from).collect();
    let answer = (!answer.is_empty()).then(|| serde_json::to_string(&answer).unwrap_or_default());
    let expires = milliseconds_since_1970(over.at + bounds.keep_texts);
    let id = &*over.id;
    let values =
        [id.into(), over.dialect.word().into(), request.into(), answer.into(), captured.is_cut.into(), expires.into()];
    Some(Statement::new(INSERT, values))
}

impl Texts {
    /// The columns, in the order of [`read`](Self::read).
    pub(super) const COLUMNS: &str = "dialect, request, answer, is_cut";

    pub(super) fn read(row: &mut Row) -> Self {
        Self {
            dialect: row.text().unwrap_or_default(),
            request: row.text(),
            answer: row.text().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default(),
            is_cut: row.number() == Some(1),
        }
    }
}
