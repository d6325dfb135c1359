//! The plugin as the host sees it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod found;
mod streams;

use sluicegate_plugin::text::{Action, Verdict, Window};
use sluicegate_plugin::{Channel, Phase, Plugin, TextGuardrail, read_config};

use crate::Pii;

fn pii(config: &str) -> Pii {
    Pii::configure(read_config(config).unwrap()).unwrap()
}

fn masked(text: &str) -> String {
    pii("").inspect(&Window::answer(text)).applied_to(text)
}

#[test]
fn restore_is_for_requests_and_a_mask_in_answers() {
    let pii = pii(r#"{"email":"restore"}"#);
    let Action::Edit(edits) = pii.inspect(&Window::request("to a@example.com")).action else { panic!() };
    assert_eq!((edits[0].replacement.as_str(), edits[0].restore), ("[EMAIL_{n}]", true));
    let Action::Edit(edits) = pii.inspect(&Window::answer("to a@example.com")).action else { panic!() };
    assert_eq!((edits[0].replacement.as_str(), edits[0].restore), ("[EMAIL]", false));
}

#[test]
fn block_denies_without_repeating_the_text() {
    let verdict = pii(r#"{"card":"block"}"#).inspect(&Window::request("a@example.com 4111 1111 1111 1111"));
    let Action::Deny(denial) = verdict.action else { panic!() };
    assert_eq!(denial.code, "pii.blocked");
    assert_eq!(denial.reason, "The text contains a payment card number.");
    assert_eq!(verdict.findings.len(), 2);
}

#[test]
fn off_does_not_look() {
    let off = r#"{"email":"off","phone":"off","card":"off","iban":"off","ssn":"off","ip":"off","date_of_birth":"off"}"#;
    assert_eq!(pii(off).inspect(&Window::request("a@example.com")), Verdict::allow());
    let window = Window::request("a@example.com 8.8.8.8");
    assert_eq!(pii(r#"{"email":"off"}"#).inspect(&window).applied_to(&window.text), "a@example.com [IP]");
}

#[test]
fn a_finding_has_rule_span_and_score() {
    let verdict = pii("").inspect(&Window::request("mail a@example.com"));
    let finding = &verdict.findings[0];
    assert_eq!((finding.rule.as_str(), finding.span.unwrap().start, finding.span.unwrap().end), ("email", 5, 18));
    assert!(finding.score > 0.9);
}

#[test]
fn escapes_are_seen_through_in_tool_arguments_alone() {
    let text = r#"{"to":"john\u0040example.com","tel":"\n+49 30 123456"}"#;
    let arguments = Window { channel: Channel::ToolArguments, phase: Phase::Answer, ..Window::answer(text) };
    let out = pii("").inspect(&arguments).applied_to(&arguments.text);
    assert_eq!(out, r#"{"to":"[EMAIL]","tel":"\n[PHONE]"}"#);
    assert!(masked(text).contains("john"));
}

#[test]
fn more_findings_than_the_host_takes_are_left_out_but_not_their_edits() {
    let verdict = pii("").inspect(&Window::request("a@example.com ".repeat(1200)));
    assert_eq!(verdict.findings.len(), 1000);
    let Action::Edit(edits) = verdict.action else { panic!() };
    assert_eq!(edits.len(), 1200);
}
