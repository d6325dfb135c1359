//! The labelled set: texts written by the authors of the plugin, in three parts.
//!
//! `tuned` was looked at while signals and weights were chosen. `split-off` was taken off before the first
//! run and never looked at; but its texts were written before the signals, by the same hand, so that its figures are
//! too good. `held-out` was written after signals and weights were fixed: its figures are what to expect
//! of phrases that nobody thought of. The floors only keep all three from getting worse.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use crate::{Config, PromptInjection};
use serde::Deserialize;
use sluicegate_plugin::{
    Channel, Plugin, Role, TextGuardrail,
    text::{Action, Verdict, Window},
};
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    class: String,
    #[serde(default = "user")]
    role: String,
    #[serde(default = "content")]
    channel: String,
    text: String,
}

fn user() -> String {
    "user".into()
}

fn content() -> String {
    "content".into()
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

impl Case {
    fn window(&self) -> Window {
        let role = match self.role.as_str() {
            "system" => Role::System,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "tool" => Role::Tool,
            other => panic!("role {other}"),
        };
        let channel = match self.channel.as_str() {
            "content" => Channel::Content,
            "tool-result" => Channel::ToolResult,
            "passage" => Channel::Passage,
            "tool-definition" => Channel::ToolDefinition,
            other => panic!("channel {other}"),
        };
        Window { role, channel, ..Window::request(self.text.clone()) }
    }
}

fn denied(verdict: &Verdict) -> bool {
    matches!(verdict.action, Action::Deny(_))
}

fn cases(half: &str, kind: &str) -> Vec<Case> {
    let path = format!("{}/tests/cases/{half}/{kind}.toml", env!("CARGO_MANIFEST_DIR"));
    toml::from_str::<Cases>(&std::fs::read_to_string(path).unwrap()).unwrap().case
}

/// Refused and all, by class.
fn refused(half: &str, kind: &str, show: impl Fn(bool) -> bool) -> BTreeMap<String, (usize, usize)> {
    let plugin = PromptInjection::configure(Config::default()).unwrap();
    let mut classes: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for case in cases(half, kind) {
        let verdict = plugin.inspect(&case.window());
        let class = classes.entry(case.class.clone()).or_default();
        class.0 += usize::from(denied(&verdict));
        class.1 += 1;
        if show(denied(&verdict)) && (half == "tuned" || std::env::var_os("SHOW_HELD_OUT").is_some()) {
            let found: Vec<_> = verdict.findings.iter().map(|f| (f.rule.as_str(), f.score)).collect();
            println!("  wrong: {} {:?} {:?}", case.class, found, case.text.chars().take(120).collect::<String>());
        }
    }
    classes
}

fn figures(half: &str, recall_min: f64, false_alarms_max: f64) {
    let attacks = refused(half, "attacks", |denied| !denied);
    let benign = refused(half, "benign", |denied| denied);
    let sum = |classes: &BTreeMap<String, (usize, usize)>| {
        classes.values().fold((0, 0), |sum, class| (sum.0 + class.0, sum.1 + class.1))
    };
    let ((caught, attacked), (alarmed, harmless)) = (sum(&attacks), sum(&benign));
    let share = |part: usize, whole: usize| part as f64 / whole as f64;
    println!("{half}: {attacked} attacks, {harmless} benign texts");
    for (class, (caught, all)) in &attacks {
        let precision = share(*caught, caught + alarmed);
        println!("  {class:20} recall {caught:3}/{all:3} = {:.2}   precision {precision:.2}", share(*caught, *all));
    }
    for (class, (alarmed, all)) in &benign {
        println!("  {class:20} false alarms {alarmed}/{all}");
    }
    let (recall, false_alarms) = (share(caught, attacked), share(alarmed, harmless));
    let precision = share(caught, caught + alarmed);
    println!("  all: recall {recall:.3}, precision {precision:.3}, false alarms {false_alarms:.3}");
    assert!(recall >= recall_min, "recall {recall}");
    assert!(false_alarms <= false_alarms_max, "false alarms {false_alarms}");
}

#[test]
fn what_was_tuned_on() {
    figures("tuned", 0.97, 0.0);
}

#[test]
fn what_was_split_off() {
    figures("split-off", 0.97, 0.03);
}

#[test]
fn what_was_written_after_the_signals_were_fixed() {
    figures("held-out", 0.38, 0.0);
}
