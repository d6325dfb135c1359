//! Alerts: what operators are told of as it happens, by rules of the configuration.
//!
//! Exchanges that are over are counted (`tally.rs`); every few seconds a task looks at the counts and at the budgets, and takes a step
//! of each alert (`board.rs`, `hysteresis.rs`); what has changed is put aside for the webhook (`outbox.rs`). No exchange waits
//! for any of that. What stands is in memory alone: after a start, an alert that still holds fires anew.

mod board;
mod counted;
mod hysteresis;
mod message;
mod outbox;
mod subject;
mod tally;
mod window;

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::time::sleep;
use tracing::{info, warn};

pub(crate) use board::{Shown, Standing};
pub(crate) use message::Message;
pub(crate) use subject::Subject;

use board::{Board, Event, Seen};
use hysteresis::{At, Change, Why};
use outbox::Outbox;
use subject::{Budgeted, has_budget};
use tally::{TENANTS_MAX, Tally, Wanted};

use crate::config::{Alerts as Settings, When};
use crate::exchange::Over;
use crate::gateway::Gateway;
use crate::limits::Account;
use crate::moment::Moment;
use crate::webhook;

/// Accounts whose budgets are asked for at once: a shared store does so many in one script, and serves nobody else meanwhile.
const ACCOUNTS_MAX: usize = 64;

/// The alerts of a gateway.
#[derive(Debug, Default)]
pub struct Alerts {
    tally: Tally,
    outbox: Outbox,
    standing: ArcSwap<Vec<Standing>>,
}

impl Alerts {
    /// An exchange is over.
    pub(crate) fn is_over(&self, over: &Over) {
        self.tally.is_over(over);
    }

    /// How every rule stood at the last look.
    pub(crate) fn standing(&self) -> Arc<Vec<Standing>> {
        self.standing.load_full()
    }

    /// How many messages wait for the webhook.
    pub(crate) fn waiting(&self) -> usize {
        self.outbox.len()
    }

    /// What came of messages and of tries since the process began, by its word.
    pub(crate) fn told(&self) -> [(&'static str, u64); 4] {
        self.outbox.told()
    }

    fn tells(&self, settings: &Settings, event: &Event) {
        let (rule, alert, value) = (event.rule.as_str(), &*event.alert, event.value);
        let (subject, threshold) = (event.subject.to_string(), event.says.threshold);
        match event.change {
            Change::Fired => warn!(rule, subject, value, threshold, alert, "alert"),
            Change::Resolved(why) => {
                let reason = Why::word(why);
                info!(rule, subject, value, threshold, alert, reason, "alert is over");
            }
        }
        if settings.webhook.is_some() {
            self.outbox.put(Message::of(event));
        }
    }
}

/// Look at what is counted, and tell of it. Never ends.
pub(crate) async fn keep_up(gateway: &Gateway) {
    let alerts = &gateway.observers.alerts;
    let webhook = || gateway.generation().settings.alerts.webhook.clone();
    let send = |to: crate::config::Webhook, Message { id, body, .. }: Message| async move {
        let message = webhook::Message { id: &id, at: Moment::now(), body };
        webhook::deliver(&gateway.upstream, &to, message).await.map(drop)
    };
    tokio::join!(watch(gateway, alerts), alerts.outbox.deliver(webhook, send));
}

async fn watch(gateway: &Gateway, alerts: &Alerts) {
    let mut watch = Watch::default();
    loop {
        let generation = gateway.generation();
        let settings = &generation.settings.alerts;
        let counts = alerts.tally.take(Wanted::by(settings.rules.values().map(|rule| &rule.when)));
        watch.remembers(&counts.tenants);
        let seen = Seen {
            counts,
            plugins: generation.plugins.iter().map(|plugin| plugin.name.to_string()).collect(),
            targets: generation.settings.targets.keys().cloned().collect(),
            budgets: watch.budgets(gateway, settings).await,
        };
        for event in watch.board.look(&settings.rules, &seen, At::now()) {
            alerts.tells(settings, &event);
        }
        alerts.standing.store(Arc::new(watch.board.standing()));
        let look = settings.look;
        // Plugins that are replaced meanwhile are not kept for this.
        drop((generation, seen));
        sleep(look).await;
    }
}

/// What the task knows from one look to the next.
#[derive(Debug, Default)]
struct Watch {
    board: Board,
    /// Those that have asked for something since the process began.
    tenants: BTreeSet<String>,
    /// The log knows that budgets cannot be looked at.
    is_blind: bool,
}

impl Watch {
    fn remembers(&mut self, tenants: &BTreeSet<String>) {
        let room = TENANTS_MAX.saturating_sub(self.tenants.len());
        let new: Vec<String> = tenants.difference(&self.tenants).take(room).cloned().collect();
        self.tenants.extend(new);
    }

    /// How much is taken of all budgets, where a rule asks for it and the store can be asked.
    async fn budgets(&mut self, gateway: &Gateway, settings: &Settings) -> Option<Vec<Budgeted>> {
        if !settings.rules.values().any(|rule| matches!(rule.when, When::Budget { .. })) {
            return None;
        }
        let mut budgets = Vec::new();
        for some in self.accounts(gateway).chunks(ACCOUNTS_MAX) {
            let accounts: Arc<[Account]> = some.iter().map(|(account, _)| account.clone()).collect();
            let levels = match gateway.counters.taken(&accounts).await {
                Ok(levels) => levels,
                Err(crate::store::counters::Unavailable(why)) => {
                    if !std::mem::replace(&mut self.is_blind, true) {
                        warn!(why, "budgets are not looked at: the store cannot be asked");
                    }
                    return None;
                }
            };
            let owner = |name: &str| Some(some.iter().find(|(account, _)| &*account.name == name)?.1.clone());
            budgets.extend(levels.iter().filter_map(|level| Budgeted::of(level, owner(&level.account)?)));
        }
        self.is_blind = false;
        Some(budgets)
    }

    /// All that have a budget, and what they are called: the keys that let somebody in, and tenants that are named in the
    /// configuration, have a key, or have asked for something.
    fn accounts(&self, gateway: &Gateway) -> Vec<(Account, Subject)> {
        let generation = gateway.generation();
        let tenants = &generation.settings.tenants;
        let callers = gateway.auth.callers();
        let keys = callers.iter().filter_map(|caller| {
            let subject = Subject { key: Some(caller.key.as_deref()?.to_owned()), ..Subject::tenant(&caller.tenant) };
            Some((caller.account.clone()?, subject))
        });
        let mut names: BTreeSet<&str> = callers.iter().map(|caller| &*caller.tenant).collect();
        names.extend(self.tenants.iter().chain(tenants.named.keys()).map(String::as_str));
        let tenants = names.into_iter().filter_map(|name| Some((tenants.account(name)?, Subject::tenant(name))));
        keys.chain(tenants).filter(|(account, _)| has_budget(account)).collect()
    }
}
