//! The events of a streaming answer, made one at a time as they are sent.

use bytes::Bytes;

use super::super::plan::{Cut, Escape, Said, Say};
use super::json::{Chunk, ChunkChoice, Delta, Function, ToolCall, UsageJson};
use super::pieces::{Piece, Pieces};
use super::{Asked, CREATED, FINGERPRINT, TIER, choice_text, finish_reason};

/// All events of an answer but the closing `[DONE]`. The choices take turns.
pub(in super::super) struct Events {
    asked: Asked,
    choices: Vec<Choice>,
    /// Whose turn it is.
    turn: usize,
    finish: String,
    /// Taken when it is sent, as the last.
    usage: Option<UsageJson>,
}

/// What one choice has still to say.
struct Choice {
    parts: Vec<Part>,
    at: usize,
}

enum Part {
    /// As OpenAI has it, the content is empty when one follows and `null` when calls do.
    Role {
        content: bool,
    },
    Reasoning(Pieces),
    Content(Pieces),
    Refusal(Pieces),
    Call {
        index: usize,
        id: String,
        name: String,
    },
    Arguments {
        index: usize,
        pieces: Pieces,
    },
    Finish,
}

impl Events {
    pub(in super::super) fn new(say: Say, asked: Asked, cut: Cut) -> Self {
        let choices = (0..asked.choices).map(|choice| Choice::new(&say, &asked, cut, choice)).collect();
        let usage = asked.usage.then(|| asked.usage(&say).into());
        Self { choices, turn: 0, finish: finish_reason(&say).to_owned(), usage, asked }
    }

    pub(in super::super) fn next(&mut self) -> Option<Bytes> {
        let usage = self.asked.usage.then_some(None);
        let count = self.choices.len();
        for _ in 0..count {
            let turn = self.turn;
            self.turn = turn.wrapping_add(1) % count;
            let (Some(choice), Ok(index)) = (self.choices.get_mut(turn), u32::try_from(turn)) else { continue };
            if let Some((delta, is_last)) = choice.next() {
                let finish_reason = is_last.then_some(&*self.finish);
                let choice = ChunkChoice { index, delta, logprobs: None, finish_reason };
                return Some(event(&self.asked, &[choice], usage));
            }
        }
        let usage = self.usage.take()?;
        Some(event(&self.asked, &[], Some(Some(usage))))
    }
}

impl Choice {
    fn new(say: &Say, asked: &Asked, cut: Cut, choice: u32) -> Self {
        let pieces = |text: &str, escape| Pieces::new(text.to_owned(), escape, cut);
        let mut parts = vec![
            Part::Role { content: !matches!(say.said, Said::Calls(_)) },
            Part::Reasoning(pieces(&say.reasoning, Escape::No)),
        ];
        match &say.said {
            Said::Text(text) => parts.push(Part::Content(pieces(&choice_text(text, say, choice), say.escape))),
            Said::Refusal(why) => parts.push(Part::Refusal(pieces(why, Escape::No))),
            Said::Calls(calls) => {
                for (index, call) in calls.iter().enumerate() {
                    let id = asked.call_id(choice, index);
                    parts.push(Part::Call { index, id, name: call.name.clone() });
                    parts.push(Part::Arguments { index, pieces: pieces(&call.arguments, Escape::No) });
                }
            }
        }
        parts.push(Part::Finish);
        Self { parts, at: 0 }
    }

    /// What is new, and whether it is the last of this choice.
    fn next(&mut self) -> Option<(Delta<'_>, bool)> {
        while self.parts.get(self.at)?.is_spent() {
            self.at = self.at.saturating_add(1);
        }
        let part = self.parts.get_mut(self.at)?;
        if !part.is_text() {
            self.at = self.at.saturating_add(1);
        }
        let delta = Delta::default();
        let delta = match part {
            Part::Role { content } => {
                let content = Some(content.then(|| Piece::Text("".into())));
                Delta { role: Some("assistant"), content, refusal: Some(None), ..delta }
            }
            Part::Reasoning(pieces) => Delta { reasoning_content: pieces.next(), ..delta },
            Part::Content(pieces) => Delta { content: pieces.next().map(Some), ..delta },
            Part::Refusal(pieces) => Delta { refusal: pieces.next().map(Some), ..delta },
            Part::Call { index, id, name } => {
                let function = Function { name: Some(name), arguments: Piece::Text("".into()) };
                let id = Some((&**id).into());
                let call = ToolCall { index: Some(*index), id, r#type: Some("function"), function };
                Delta { tool_calls: Some([call]), ..delta }
            }
            Part::Arguments { index, pieces } => {
                let function = Function { name: None, arguments: pieces.next()? };
                let call = ToolCall { index: Some(*index), id: None, r#type: None, function };
                Delta { tool_calls: Some([call]), ..delta }
            }
            Part::Finish => return Some((delta, true)),
        };
        Some((delta, false))
    }
}

impl Part {
    fn is_text(&self) -> bool {
        matches!(self, Self::Reasoning(_) | Self::Content(_) | Self::Refusal(_) | Self::Arguments { .. })
    }

    fn is_spent(&self) -> bool {
        match self {
            Self::Reasoning(pieces) | Self::Content(pieces) | Self::Refusal(pieces) => pieces.is_spent(),
            Self::Arguments { pieces, .. } => pieces.is_spent(),
            Self::Role { .. } | Self::Call { .. } | Self::Finish => false,
        }
    }
}

fn event(asked: &Asked, choices: &[ChunkChoice<'_>], usage: Option<Option<UsageJson>>) -> Bytes {
    let chunk = Chunk {
        id: &asked.id,
        object: "chat.completion.chunk",
        created: CREATED,
        model: &asked.model,
        service_tier: TIER,
        system_fingerprint: FINGERPRINT,
        choices,
        usage,
    };
    // The usual event is shorter than this, so it is allocated once.
    let mut event = Vec::with_capacity(384);
    event.extend_from_slice(b"data: ");
    // Writing strings and numbers to memory cannot fail.
    serde_json::to_writer(&mut event, &chunk).unwrap_or_default();
    event.extend_from_slice(b"\n\n");
    event.into()
}
