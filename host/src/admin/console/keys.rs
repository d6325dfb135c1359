//! Keys and budgets: who may take how much, and how much of it is taken.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use maud::{Markup, html};

use super::words::{ago, count, in_path, money, share, time};
use super::{Refused, Shown, Visit};
use crate::key::Key;
use crate::limits::Account;
use crate::moment::Moment;
use crate::money::Money;
use crate::store::counters::{Level, Meter};

/// Keys whose counters are read for one page.
const KEYS_MAX: usize = 200;

pub(super) async fn show(visit: &Visit<'_>) -> Result<Shown, Refused> {
    let generation = visit.gateway.generation();
    let tenants = &generation.settings.tenants;
    let mut keys = visit.gateway.auth.keys().await?;
    let now = Moment::now();
    // Those that let somebody in first; of these the newest.
    keys.sort_by_key(|key| (!key.is_valid(now), std::cmp::Reverse(key.created)));
    let hidden = keys.len().saturating_sub(KEYS_MAX);
    keys.truncate(KEYS_MAX);
    let mut names: Vec<&str> = tenants.named.keys().map(String::as_str).collect();
    names.extend(keys.iter().map(|key| key.tenant.as_str()).filter(|name| tenants.account(name).is_some()));
    names.sort_unstable();
    names.dedup();
    let mut of_tenants = Vec::new();
    for name in names {
        let account = tenants.account(name).filter(Account::is_bounded);
        of_tenants.push((name, taken(visit, account).await));
    }
    let mut of_keys = Vec::new();
    for key in &keys {
        let name: Arc<str> = format!("key:{}", key.id).into();
        let account = Account { name, limits: key.limits, budget: key.budget };
        of_keys.push((key, taken(visit, Some(account).filter(Account::is_bounded)).await));
    }
    let body = html! {
        section.card {
            h2 { "Tenants" }
            @if of_tenants.is_empty() { p.none { "No tenant has limits or a budget: write " code { "[tenants.NAME]" } " for one." } } @else {
                div.scroll { table {
                    thead { tr { th { "tenant" } th.wide { "taken" } } }
                    tbody { @for (name, levels) in &of_tenants { tr {
                        td { a href=(format!("/console/exchanges?tenant={}", in_path(name))) { (name) } }
                        td.wide { (bounds(levels)) }
                    } } }
                } }
            }
        }
        section.card {
            h2 { "Keys" }
            @if of_keys.is_empty() { p.none { "There is no key yet: " code { "sluicegate keys create NAME" } " makes one." } } @else {
                div.scroll { table {
                    thead { tr { th { "key" } th { "state" } th { "tenant" } th.maybe { "models" } th.wide { "taken" } } }
                    tbody { @for (key, levels) in &of_keys { (row(key, levels, now)) } }
                } }
                @if hidden > 0 { p.none { (hidden) " older keys are not shown; " code { "sluicegate keys list" } " has them all." } }
            }
        }
    };
    Ok(Shown { title: "Keys and budgets".to_owned(), part: "/console/keys", is_live: true, body })
}

type Levels = Result<Vec<Level>, String>;

async fn taken(visit: &Visit<'_>, account: Option<Account>) -> Levels {
    let Some(account) = account else { return Ok(Vec::new()) };
    let accounts: Arc<[Account]> = Arc::new([account]);
    visit.gateway.counters.taken(&accounts).await.map_err(|why| why.0)
}

fn row(key: &Key, levels: &Levels, now: Moment) -> Markup {
    let models: Vec<&str> = key.models.names().collect();
    html! {
        tr {
            td { a href=(format!("/console/exchanges?key={}", in_path(&key.id))) { (key.name) } " " code.soft { (key.id) } }
            td { span class={ "badge " (if key.is_valid(now) { "good" } else { "bad" }) } { (key.state(now)) }
                " " span.soft { "made " (ago(key.created.seconds().saturating_mul(1_000), SystemTime::now())) } }
            td { (key.tenant) }
            td.maybe { (models.join(", ")) }
            td.wide { (bounds(levels)) }
        }
    }
}

/// How much of each bound is taken; what is counted without one is left out.
fn bounds(levels: &Levels) -> Markup {
    let levels = match levels {
        Ok(levels) => levels,
        Err(why) => return html! { span.badge.bad { "not known" } " " (why) },
    };
    let bounded = levels.iter().filter_map(|level| Some((level, level.limit?)));
    html! {
        @if levels.iter().all(|level| level.limit.is_none()) { span.none { "no bound" } }
        @for (level, limit) in bounded {
            @let nearly = limit - limit / 5;
            div {
                span.soft { (words(level.meter)) } " " (amount(level.meter, level.taken)) " of " (amount(level.meter, limit))
                " (" (share(level.taken, limit)) ")"
                @if let Some(renews) = level.renews { span.soft { ", anew in " (time(rounded(renews))) } }
                meter min="0" max=(limit) high=(nearly) optimum="0" value=(level.taken.min(limit)) {}
            }
        }
    }
}

fn rounded(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs())
}

fn words(meter: Meter) -> String {
    meter.word().replace('_', " ")
}

fn amount(meter: Meter, amount: u64) -> String {
    if meter.is_budget() { money(Money::from_nanodollars(amount)) } else { count(amount) }
}
