//! Does what the text says.

use sluicegate_plugin::{Plugin, TextGuardrail, export, text};

/// Does what the text says.
#[derive(Debug)]
pub struct Hostile;

impl Plugin for Hostile {
    const NAME: &'static str = "my-plugin";
    const VERSION: &'static str = "0.1.0";
    const SUMMARY: &'static str = "Does what the text says.";
    type Config = serde::de::IgnoredAny;

    fn configure(_: Self::Config) -> Result<Self, String> {
        Ok(Self)
    }
}

#[allow(unconditional_recursion)]
fn deep(text: &str) -> usize {
    std::hint::black_box(deep(text)) + text.len()
}

impl TextGuardrail for Hostile {
    fn inspect(&self, window: &text::Window) -> text::Verdict {
        let does = |word: &str| window.text.contains(word);
        if does("loop") {
            loop {
                std::hint::black_box(0);
            }
        }
        if does("memory") {
            let mut kept = Vec::new();
            loop {
                kept.push(vec![1_u8; 1 << 20]);
            }
        }
        if does("deep") {
            deep(&window.text);
        }
        if does("fail") {
            panic!("on purpose: {}", "x".repeat(100_000));
        }
        text::Verdict::allow()
    }
}

export!(Hostile: text_guardrail);
