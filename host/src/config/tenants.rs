//! From what a person wrote about tenants to what they may take.

use std::time::Duration;

use toml::Spanned;

use super::resolve::ANY;
use super::{Account, Budget, Limits, Problems, SessionLimits, Tenants, file};
use crate::limits::{BUDGET_MAX, LIMIT_MAX, is_budget};
use crate::money::Money;

pub(super) fn tenants(file: &file::File, problems: &mut Problems) -> Tenants {
    let mut tenants = Tenants::default();
    for (name, entry) in &file.tenants {
        let table = format!("tenants.{name}");
        if name != ANY && name.contains(ANY) {
            let message = "a `*` stands for other tenants only where it is the whole name, as [tenants.\"*\"]; write each \
                           name out";
            problems.add(Some(entry.span.clone()), &table, message);
        }
        let limits = entry.value.limits.as_ref().map(|given| limits(given, &table, problems)).unwrap_or_default();
        let budget = entry.value.budget.as_ref().map(|given| budget(given, &table, problems)).unwrap_or_default();
        let captured = entry.value.capture;
        let session = entry.value.session.as_ref().map(|given| session(given, &table, problems)).unwrap_or_default();
        if name == ANY {
            tenants.sessions_of_others = session;
            tenants.any = Some((limits, budget));
            tenants.captures_others = captured.unwrap_or_default();
        } else {
            tenants.sessions.insert(name.clone(), session);
            tenants.captured.extend(captured.map(|captured| (name.clone(), captured)));
            let account = Account { name: Tenants::name(name), limits, budget };
            tenants.named.insert(name.clone(), account);
        }
    }
    tenants
}

fn session(given: &file::Session, table: &str, problems: &mut Problems) -> SessionLimits {
    let mut limit = |given: &Option<Spanned<u64>>, field: &str| {
        self::limit(given.as_ref(), &format!("{table}.session.{field}"), problems)
    };
    let (steps_max, tokens_max) = (limit(&given.steps_max, "steps_max"), limit(&given.tokens_max, "tokens_max"));
    let time_max = limit(&given.seconds_max, "seconds_max").map(Duration::from_secs);
    let repeats_max = limit(&given.repeats_max, "repeats_max");
    let money_max = money(given.usd_max.as_ref(), &format!("{table}.session.usd_max"), problems);
    SessionLimits { steps_max, tokens_max, money_max, time_max, repeats_max }
}

fn limits(given: &file::Limits, table: &str, problems: &mut Problems) -> Limits {
    let mut limit = |given: &Option<Spanned<u64>>, field: &str| {
        self::limit(given.as_ref(), &format!("{table}.limits.{field}"), problems)
    };
    Limits {
        requests_per_minute: limit(&given.requests_per_minute, "requests_per_minute"),
        requests_per_day: limit(&given.requests_per_day, "requests_per_day"),
        tokens_per_minute: limit(&given.tokens_per_minute, "tokens_per_minute"),
        tokens_per_day: limit(&given.tokens_per_day, "tokens_per_day"),
        concurrent: limit(&given.concurrent, "concurrent"),
    }
}

fn limit(given: Option<&Spanned<u64>>, field: &str, problems: &mut Problems) -> Option<u64> {
    let given = given?;
    if !(1..=LIMIT_MAX).contains(given.get_ref()) {
        let message = format!("must be from 1 to {LIMIT_MAX}; without this line there is no limit");
        problems.add(Some(given.span()), field, message);
    }
    Some(*given.get_ref())
}

fn budget(given: &file::Budget, table: &str, problems: &mut Problems) -> Budget {
    let mut money = |given: &Option<Spanned<String>>, field: &str| {
        self::money(given.as_ref(), &format!("{table}.budget.{field}"), problems)
    };
    Budget { day: money(&given.day, "day"), month: money(&given.month, "month"), total: money(&given.total, "total") }
}

fn money(given: Option<&Spanned<String>>, field: &str, problems: &mut Problems) -> Option<Money> {
    let given = given?;
    let wrong = match given.get_ref().parse::<Money>() {
        Ok(money) if is_budget(money) => return Some(money),
        Ok(_) => format!("must be more than 0 and at most {BUDGET_MAX} dollars; without this line there is no bound"),
        Err(not_money) => format!("{:?} {not_money}", given.get_ref()),
    };
    problems.add(Some(given.span()), field, wrong);
    None
}
