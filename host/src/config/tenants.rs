//! From what a person wrote about tenants to what they may take.

use toml::Spanned;

use super::resolve::ANY;
use super::{Account, Budget, Limits, Problems, Tenants, file};
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
        if name == ANY {
            tenants.any = Some((limits, budget));
            tenants.captures_others = captured.unwrap_or_default();
        } else {
            tenants.captured.extend(captured.map(|captured| (name.clone(), captured)));
            let account = Account { name: Tenants::name(name), limits, budget };
            tenants.named.insert(name.clone(), account);
        }
    }
    tenants
}

fn limits(given: &file::Limits, table: &str, problems: &mut Problems) -> Limits {
    let mut limit = |given: &Option<Spanned<u64>>, field: &str| {
        let given = given.as_ref()?;
        if !(1..=LIMIT_MAX).contains(given.get_ref()) {
            let message = format!("must be from 1 to {LIMIT_MAX}; without this line there is no limit");
            problems.add(Some(given.span()), format!("{table}.limits.{field}"), message);
        }
        Some(*given.get_ref())
    };
    Limits {
        requests_per_minute: limit(&given.requests_per_minute, "requests_per_minute"),
        requests_per_day: limit(&given.requests_per_day, "requests_per_day"),
        tokens_per_minute: limit(&given.tokens_per_minute, "tokens_per_minute"),
        tokens_per_day: limit(&given.tokens_per_day, "tokens_per_day"),
        concurrent: limit(&given.concurrent, "concurrent"),
    }
}

fn budget(given: &file::Budget, table: &str, problems: &mut Problems) -> Budget {
    let mut money = |given: &Option<Spanned<String>>, field: &str| {
        let given = given.as_ref()?;
        let field = format!("{table}.budget.{field}");
        let wrong = match given.get_ref().parse::<Money>() {
            Ok(money) if is_budget(money) => return Some(money),
            Ok(_) => {
                format!("must be more than 0 and at most {BUDGET_MAX} dollars; without this line there is no bound")
            }
            Err(not_money) => format!("{:?} {not_money}", given.get_ref()),
        };
        problems.add(Some(given.span()), field, wrong);
        None
    };
    Budget { day: money(&given.day, "day"), month: money(&given.month, "month"), total: money(&given.total, "total") }
}
