//! `sluicegate alerts`

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::table::say;
use super::{Source, block_on};
use crate::alerts::Message;
use crate::config::{Rule, Settings, Webhook};
use crate::moment::Moment;
use crate::upstream::Upstream;
use crate::webhook;

/// What is told of alerts, and to whom.
#[derive(Debug, Subcommand)]
pub(super) enum Alerts {
    /// Send a sample of each rule's message to the webhook, marked as a test, and say what it answers.
    Test(Test),
}

impl Alerts {
    pub(super) fn run(self) -> Result<(), String> {
        match self {
            Self::Test(test) => test.run(),
        }
    }
}

#[derive(Args, Debug)]
pub(super) struct Test {
    /// The rule; without one, all of them.
    rule: Option<String>,
    /// The configuration file; by default `sluicegate.toml` if there is one here.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A profile: `sluicegate.NAME.toml` beside the configuration file is laid over it.
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
}

impl Test {
    fn run(self) -> Result<(), String> {
        let source = Source { config: self.config, profile: self.profile, ..Source::default() };
        let (_, settings) = source.settings()?;
        let webhook = settings.alerts.webhook.as_ref().ok_or(
            "alerts.webhook is not configured: write webhook = { url = \"https://...\", secret = { env = \"NAME\" } } \
             under [alerts]",
        )?;
        let rules = chosen(&settings, self.rule.as_deref())?;
        block_on(async {
            let upstream = Upstream::new(&settings)?;
            let mut failed = 0;
            for (name, rule) in &rules {
                match send(&upstream, webhook, name, rule).await {
                    Ok(status) => say(&format!("{name}: taken, with {status}"))?,
                    Err(why) => {
                        failed += 1;
                        say(&format!("{name}: not taken: {why}"))?;
                    }
                }
            }
            match failed {
                0 => Ok(()),
                _ => Err(format!("{failed} of {} were not taken by {}", rules.len(), webhook.url)),
            }
        })
    }
}

/// The rules that are meant.
fn chosen<'a>(settings: &'a Settings, name: Option<&'a str>) -> Result<Vec<(&'a str, &'a Rule)>, String> {
    let rules = &settings.alerts.rules;
    let Some(name) = name else {
        let all: Vec<(&str, &Rule)> = rules.iter().map(|(name, rule)| (name.as_str(), rule)).collect();
        return if all.is_empty() { Err("there are no rules for alerts".to_owned()) } else { Ok(all) };
    };
    match rules.get(name) {
        Some(rule) => Ok(vec![(name, rule)]),
        None => {
            let names: Vec<&str> = rules.keys().map(String::as_str).collect();
            Err(format!("there is no rule {name:?} for alerts; there are: {}", names.join(", ")))
        }
    }
}

async fn send(upstream: &Upstream, to: &Webhook, name: &str, rule: &Rule) -> Result<u16, String> {
    let now = Moment::now();
    let Message { id, body, .. } = Message::sample(name, rule, now);
    let sent = webhook::deliver(upstream, to, webhook::Message { id: &id, at: now, body }).await?;
    Ok(sent.as_u16())
}
