//! The plugin as the host sees it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod found;
mod streams;

use sluicegate_plugin::text::{Action, Verdict, Window};
use sluicegate_plugin::{Channel, Plugin, TextGuardrail, read_config};

use crate::Secrets;

fn secrets(config: &str) -> Secrets {
    Secrets::configure(read_config(config).unwrap()).unwrap()
}

fn masked(text: &str) -> String {
    secrets("").inspect(&Window::answer(text)).applied_to(text)
}

/// Characters that look random. Whole keys are made when a test runs, so that scanners of this repository stay
/// quiet.
fn random(count: usize) -> String {
    const ALPHABET: &[u8] = b"Aq7Zw2Xs9Ed4Cr8Fv3Tg1By6Hn5UjMi0KoLpRtYuPaSdGhJkN";
    (0..count).map(|index| char::from(ALPHABET[(index * 5 + index / 49) % ALPHABET.len()])).collect()
}

fn aws_access_key() -> String {
    format!("AK{}", "IAQ7ZW2XS9ED4CR8FV")
}

fn jwt(payload: usize) -> String {
    format!("{}.eyJ{}.{}", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", random(payload), random(43))
}

/// A private key block with lines of 64 bytes.
fn block(label: &str, lines: usize, line_end: &str) -> String {
    let body = [random(64).as_str(), line_end].concat().repeat(lines);
    format!("-----BEGIN {label}-----{line_end}{body}{}=={line_end}-----END {label}-----", random(20))
}

#[test]
fn block_denies_without_repeating_the_text() {
    let verdict = secrets(r#"{"cloud_key":"block"}"#).inspect(&Window::request(aws_access_key()));
    let Action::Deny(denial) = verdict.action else { panic!() };
    assert_eq!(denial.code, "secrets.blocked");
    assert_eq!(denial.reason, "The text contains a key for a cloud.");
    assert_eq!(verdict.findings[0].rule, "aws-access-key");
}

#[test]
fn restore_is_for_requests() {
    let secrets = secrets(r#"{"cloud_key":"restore"}"#);
    let Action::Edit(edits) = secrets.inspect(&Window::request(aws_access_key())).action else { panic!() };
    assert_eq!((edits[0].replacement.as_str(), edits[0].restore), ("[AWS_ACCESS_KEY_{n}]", true));
    let Action::Edit(edits) = secrets.inspect(&Window::answer(aws_access_key())).action else { panic!() };
    assert_eq!((edits[0].replacement.as_str(), edits[0].restore), ("[AWS_ACCESS_KEY]", false));
}

#[test]
fn off_does_not_look() {
    let window = Window::request(aws_access_key());
    assert_eq!(secrets(r#"{"cloud_key":"off"}"#).inspect(&window), Verdict::allow());
}

#[test]
fn a_private_key_too_long_to_be_masked_is_refused_unless_off() {
    let window = Window::request(block("RSA PRIVATE KEY", 70, "\n"));
    let Action::Deny(denial) = secrets("").inspect(&window).action else { panic!() };
    assert_eq!(denial.reason, "The text contains a private key that is too long to be masked.");
    assert_eq!(secrets(r#"{"private_key":"off"}"#).inspect(&window), Verdict::allow());
}

#[test]
fn escapes_are_seen_through_in_tool_arguments() {
    let key = aws_access_key();
    let hidden = format!(r#"{{"k":"\u0041{}"}}"#, &key[1..]);
    let window = Window { channel: Channel::ToolArguments, ..Window::answer(hidden.as_str()) };
    assert_eq!(secrets("").inspect(&window).applied_to(&window.text), r#"{"k":"[AWS_ACCESS_KEY]"}"#);
    let file = serde_json::json!({ "content": block("PRIVATE KEY", 10, "\n") }).to_string();
    let window = Window { channel: Channel::ToolArguments, ..Window::answer(file) };
    assert_eq!(secrets("").inspect(&window).applied_to(&window.text), r#"{"content":"[PRIVATE_KEY]"}"#);
}
