//! `sluicegate keys`

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::Source;
use super::table::{say, table};
use crate::caller::DEFAULT_TENANT;
use crate::config::{self, Secret};
use crate::key::{Draft, Key, Models};
use crate::limits::{Budget, Limits};
use crate::moment::Moment;
use crate::money::Money;
use crate::store::Keys as _;
use crate::store::issue;
use crate::store::sqlite::Sqlite;

/// Keys with which callers say who they are.
#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Make a key, and show it for the only time. Standard output has the key and nothing else.
    Create(Box<Create>),
    /// List all keys, also those that are revoked or expired.
    List(List),
    /// Give a key another secret; the one that it has works for a while longer.
    Rotate(Rotate),
    /// Take a key back, for good.
    Revoke(Revoke),
}

impl Keys {
    pub(super) fn run(self) -> Result<(), String> {
        match self {
            Self::Create(create) => create.run(),
            Self::List(list) => list.run(),
            Self::Rotate(rotate) => rotate.run(),
            Self::Revoke(revoke) => revoke.run(),
        }
    }
}

/// Where the keys are.
#[derive(Args, Debug)]
struct Place {
    /// The configuration file, whose [store] has the keys; by default `sluicegate.toml` if there is one here.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The file with the keys, instead of the configured one; no configuration is read then.
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    store: Option<PathBuf>,
}

impl Place {
    fn path(&self) -> Result<PathBuf, String> {
        if let Some(path) = &self.store {
            return Ok(path.clone());
        }
        let source = Source { config: self.config.clone(), ..Source::default() };
        let path = match source.files()? {
            Some(files) => config::store_path(&files).map_err(|wrong| wrong.to_string()),
            None => source.settings().map(|(_, settings)| settings.store.path),
        };
        path.map_err(|wrong| format!("{wrong}\nOr name the store itself: --store FILE"))
    }

    fn open(&self) -> Result<Sqlite, String> {
        Sqlite::open(&self.path()?).map_err(|error| error.to_string())
    }

    /// The store, if there is one. To look for keys is no reason to make it.
    fn existing(&self) -> Result<Sqlite, String> {
        let path = self.path()?;
        let opened = Sqlite::open_existing(&path).map_err(|error| error.to_string())?;
        opened.ok_or_else(|| format!("there is no store at {}: no key has been made yet", path.display()))
    }
}

#[derive(Args, Debug)]
pub(super) struct Create {
    /// What it is called: whose it is, or what it is for.
    name: String,
    #[command(flatten)]
    place: Place,
    /// Whose caches and budgets count.
    #[arg(long, default_value = DEFAULT_TENANT)]
    tenant: String,
    /// A model that may be asked for; may be given several times. Without it, all.
    #[arg(long = "model", value_name = "MODEL")]
    models: Vec<String>,
    /// When it ceases to be valid: a time, as 2027-01-31T00:00:00Z, or how long from now, as 90d.
    #[arg(long, value_name = "WHEN")]
    expires: Option<Moment>,
    /// A word about it; may be given several times.
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    #[command(flatten)]
    most: Most,
}

/// How much may be asked for and spent.
#[derive(Args, Debug)]
struct Most {
    /// Requests in a minute.
    #[arg(long, value_name = "NUMBER")]
    requests_per_minute: Option<u64>,
    /// Requests in a day.
    #[arg(long, value_name = "NUMBER")]
    requests_per_day: Option<u64>,
    /// Tokens in a minute, of requests and answers together.
    #[arg(long, value_name = "NUMBER")]
    tokens_per_minute: Option<u64>,
    /// Tokens in a day, of requests and answers together.
    #[arg(long, value_name = "NUMBER")]
    tokens_per_day: Option<u64>,
    /// Exchanges at the same time.
    #[arg(long, value_name = "NUMBER")]
    concurrent: Option<u64>,
    /// US dollars in a day.
    #[arg(long, value_name = "DOLLARS")]
    budget_day: Option<Money>,
    /// US dollars in a month.
    #[arg(long, value_name = "DOLLARS")]
    budget_month: Option<Money>,
    /// US dollars in all.
    #[arg(long, value_name = "DOLLARS")]
    budget_total: Option<Money>,
}

impl Create {
    fn run(self) -> Result<(), String> {
        let store = self.place.open()?;
        let most = self.most;
        let draft = Draft {
            name: self.name,
            tenant: self.tenant,
            models: if self.models.is_empty() { Models::Any } else { Models::from_names(self.models) },
            tags: self.tags,
            limits: Limits {
                requests_per_minute: most.requests_per_minute,
                requests_per_day: most.requests_per_day,
                tokens_per_minute: most.tokens_per_minute,
                tokens_per_day: most.tokens_per_day,
                concurrent: most.concurrent,
            },
            budget: Budget { day: most.budget_day, month: most.budget_month, total: most.budget_total },
            expires: self.expires,
        };
        let (key, secret) = issue::create(&store, draft).map_err(|error| error.to_string())?;
        eprintln!("key {} for {:?}, tenant {:?}; it is shown this once:", key.id, key.name, key.tenant);
        show(&secret)
    }
}

/// To standard output, where a script takes it from.
fn show(secret: &Secret) -> Result<(), String> {
    say(secret.reveal())
}

#[derive(Args, Debug)]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
}

impl List {
    fn run(self) -> Result<(), String> {
        let keys = self.place.existing()?.all().map_err(|error| error.to_string())?;
        say(listed(&keys, Moment::now()).trim_end())
    }
}

fn listed(keys: &[Key], now: Moment) -> String {
    let rows: Vec<Vec<String>> = keys.iter().map(|key| row(key, now)).collect();
    table(&["id", "name", "tenant", "state", "models", "limits", "budget", "tags", "expires"], &rows)
}

fn row(key: &Key, now: Moment) -> Vec<String> {
    let list = |items: Vec<String>, none: &str| if items.is_empty() { none.to_owned() } else { items.join(" ") };
    let Limits { requests_per_minute, requests_per_day, tokens_per_minute, tokens_per_day, concurrent } = key.limits;
    let limits = [
        (requests_per_minute, " requests/min"),
        (requests_per_day, " requests/day"),
        (tokens_per_minute, " tokens/min"),
        (tokens_per_day, " tokens/day"),
        (concurrent, " at once"),
    ];
    let limits = limits.into_iter().filter_map(|(most, unit)| Some(format!("{}{unit}", most?))).collect::<Vec<_>>();
    let Budget { day, month, total } = key.budget;
    let budget = [(day, "/day"), (month, "/month"), (total, " in all")];
    let budget = budget.into_iter().filter_map(|(most, unit)| Some(format!("${}{unit}", most?))).collect::<Vec<_>>();
    let older = key.older.filter(|older| now < older.until && key.is_valid(now));
    let state = match older {
        Some(older) => format!("{}, older secret until {}", key.state(now), older.until),
        None => key.state(now).to_owned(),
    };
    vec![
        key.id.clone(),
        key.name.clone(),
        key.tenant.clone(),
        state,
        key.models.names().collect::<Vec<_>>().join(" "),
        if limits.is_empty() { "none".to_owned() } else { limits.join(", ") },
        if budget.is_empty() { "none".to_owned() } else { budget.join(", ") },
        list(key.tags.clone(), "none"),
        key.expires.map_or_else(|| "never".to_owned(), |expires| expires.to_string()),
    ]
}

#[derive(Args, Debug)]
pub(super) struct Rotate {
    /// The key's id, as in `keys list`.
    id: String,
    #[command(flatten)]
    place: Place,
    /// How long the secret that it has still works: 24h, 0s to end it at once.
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration, default_value = "24h")]
    grace: Duration,
}

impl Rotate {
    fn run(self) -> Result<(), String> {
        let (key, secret) =
            issue::rotate(&self.place.existing()?, &self.id, self.grace).map_err(|error| error.to_string())?;
        match key.older {
            Some(older) => {
                eprintln!("the older secret of {} works until {}; this is the new one:", key.id, older.until)
            }
            None => eprintln!("the older secret of {} works no longer; this is the new one:", key.id),
        }
        show(&secret)
    }
}

#[derive(Args, Debug)]
pub(super) struct Revoke {
    /// The key's id, as in `keys list`.
    id: String,
    #[command(flatten)]
    place: Place,
}

impl Revoke {
    fn run(self) -> Result<(), String> {
        let key = issue::revoke(&self.place.existing()?, &self.id).map_err(|error| error.to_string())?;
        say(&format!("key {} ({:?}) is revoked", key.id, key.name))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_list_says_all_but_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let store = Sqlite::open(&folder.path().join("s.db")).unwrap();
        let draft = Draft {
            name: "search".to_owned(),
            tenant: "blue".to_owned(),
            models: Models::from_names(["small".to_owned(), "large".to_owned()]),
            tags: vec!["a".to_owned(), "b".to_owned()],
            limits: Limits { requests_per_minute: Some(60), concurrent: Some(4), ..Limits::default() },
            budget: Budget { month: Some("12.5".parse().unwrap()), ..Budget::default() },
            expires: Some("9999-01-01T00:00:00Z".parse().unwrap()),
        };
        let (key, _) = issue::create(&store, draft.clone()).unwrap();
        assert_eq!(
            row(&key, Moment::now())[1..],
            [
                "search",
                "blue",
                "valid",
                "large small",
                "60 requests/min, 4 at once",
                "$12.5/month",
                "a b",
                "9999-01-01T00:00:00Z"
            ]
        );
        let (key, _) = issue::rotate(&store, &key.id, issue::GRACE).unwrap();
        assert!(row(&key, Moment::now())[3].starts_with("valid, older secret until 2"));
        let (models, limits, budget) = (Models::Any, Limits::default(), Budget::default());
        let (key, _) =
            issue::create(&store, Draft { models, limits, budget, tags: Vec::new(), expires: None, ..draft }).unwrap();
        assert_eq!(row(&key, Moment::now())[4..], ["*", "none", "none", "none", "never"]);
    }
}
