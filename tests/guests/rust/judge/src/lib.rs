//! A request guardrail for the tests: it asks the target `judge` about what was said last, and refuses the request unless the
//! answer is `fine`.

use sluicegate_plugin::{Denial, Plugin, PluginError, Request, RequestGuardrail, export, model, request};

/// The guest.
#[derive(Debug)]
pub struct JudgeGuest;

impl Plugin for JudgeGuest {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = env!("CARGO_PKG_DESCRIPTION");
    type Config = ();

    fn configure((): ()) -> Result<Self, String> {
        Ok(Self)
    }
}

impl RequestGuardrail for JudgeGuest {
    fn check(&self, request: &Request) -> Result<request::Verdict, PluginError> {
        let said = request.segments.last().map(|segment| segment.text.as_str()).unwrap_or_default();
        let judged = model::Prompt::new("judge", said, 5).with_system("Say whether this is fine.").complete();
        let action = match judged.map_err(PluginError::Unavailable)?.as_str() {
            "fine" => request::Action::Allow,
            _ => request::Action::Deny(Denial::new("test.judged", "A model has judged this.")),
        };
        Ok(request::Verdict { action, findings: Vec::new() })
    }
}

export!(JudgeGuest: request_guardrail);
