//! A text guardrail that allows everything: the measure of what a call costs.

use sluicegate_plugin::{Plugin, TextGuardrail, export, text};

/// Allows everything.
#[derive(Debug)]
pub struct NoOp;

impl Plugin for NoOp {
    const NAME: &'static str = "no-op";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SUMMARY: &'static str = "Allows everything.";
    type Config = ();

    fn configure((): ()) -> Result<Self, String> {
        Ok(Self)
    }
}

impl TextGuardrail for NoOp {
    fn inspect(&self, _: &text::Window) -> text::Verdict {
        text::Verdict::allow()
    }
}

export!(NoOp: text_guardrail);
