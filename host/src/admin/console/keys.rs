//! Keys and budgets: who may take how much, and how much of it is taken.

use std::collections::HashMap;
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
    let of_tenants: Vec<(&str, Option<Account>)> =
        names.into_iter().map(|name| (name, tenants.account(name).filter(Account::is_bounded))).collect();
    let of_keys: Vec<(&Key, Option<Account>)> = keys.iter().map(|key| (key, account(key))).collect();
    let accounts = of_tenants.iter().map(|(_, account)| account).chain(of_keys.iter().map(|(_, account)| account));
    let taken = taken(visit, &accounts.flatten().cloned().collect::<Vec<_>>()).await;
    let body = html! {
        section.card {
            h2 { "Tenants" }
            @if of_tenants.is_empty() { p.none { "No tenant has limits or a budget: write " code { "[tenants.NAME]" } " for one." } } @else {
                div.scroll { table {
                    thead { tr { th { "tenant" } th.wide { "taken" } } }
                    tbody { @for (name, account) in &of_tenants { tr {
                        td { a href=(format!("/console/exchanges?tenant={}", in_path(name))) { (name) } }
                        td.wide { (bounds(account.as_ref(), &taken)) }
                    } } }
                } }
            }
        }
        section.card {
            h2 { "Keys" }
            @if of_keys.is_empty() { p.none { "There is no key yet: " code { "sluicegate keys create NAME" } " makes one." } } @else {
                div.scroll { table {
                    thead { tr { th { "key" } th { "state" } th { "tenant" } th.maybe { "models" } th.wide { "taken" } } }
                    tbody { @for (key, account) in &of_keys { (row(key, &bounds(account.as_ref(), &taken), now)) } }
                } }
                @if hidden > 0 { p.none { (hidden) " older keys are not shown; " code { "sluicegate keys list" } " has them all." } }
            }
        }
    };
    Ok(Shown { title: "Keys and budgets".to_owned(), part: "/console/keys", is_live: true, body })
}

/// The account of a key, if that is bounded.
fn account(key: &Key) -> Option<Account> {
    let name: Arc<str> = format!("key:{}", key.id).into();
    Some(Account { name, limits: key.limits, budget: key.budget }).filter(Account::is_bounded)
}

/// What is taken of the bounds of accounts, by their names.
type Taken = Result<HashMap<Arc<str>, Vec<Level>>, String>;

/// Accounts that are asked for at once: a shared store does so many in one script, and serves nobody else meanwhile.
const ASKED_MAX: usize = 64;

async fn taken(visit: &Visit<'_>, accounts: &[Account]) -> Taken {
    let mut taken = HashMap::<Arc<str>, Vec<Level>>::new();
    for some in accounts.chunks(ASKED_MAX) {
        let levels = visit.gateway.counters.taken(&some.into()).await.map_err(|why| why.0)?;
        for level in levels {
            taken.entry(level.account.clone()).or_default().push(level);
        }
    }
    Ok(taken)
}

fn row(key: &Key, bounds: &Markup, now: Moment) -> Markup {
    let models: Vec<&str> = key.models.names().collect();
    html! {
        tr {
            td { a href=(format!("/console/exchanges?key={}", in_path(&key.id))) { (key.name) } " " code.soft { (key.id) } }
            td { span class={ "badge " (if key.is_valid(now) { "good" } else { "bad" }) } { (key.state(now)) }
                " " span.soft { "made " (ago(key.created.seconds().saturating_mul(1_000), SystemTime::now())) } }
            td { (key.tenant) }
            td.maybe { (models.join(", ")) }
            td.wide { (bounds) }
        }
    }
}

/// How much of each bound is taken; what is counted without one is left out.
fn bounds(account: Option<&Account>, taken: &Taken) -> Markup {
    let levels = match (account, taken) {
        (None, _) => &[][..],
        (Some(account), Ok(taken)) => taken.get(&account.name).map_or(&[][..], Vec::as_slice),
        (Some(_), Err(why)) => return html! { span.badge.bad { "not known" } " " (why) },
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
