//! What operators look for in the ledger.

use std::fmt::Write as _;

use super::Ledger;
use super::entry::Entry;
use super::texts::Texts;
use crate::moment::now_ms;
use crate::store::ledger::{Failure, Statement, Value};

/// Exchanges that are looked through at a time for those that pass a filter: as many as are read within the blink of an eye.
const LOOKED_THROUGH: u64 = 15_000;

/// Which exchanges are asked for: those that satisfy each condition that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this tenant.
    pub tenant: Option<String>,
    /// For which this model was asked.
    pub model: Option<String>,
    /// That ended like this; `failed` for all that were not answered.
    pub outcome: Option<String>,
    /// Of which this was the gravest verdict.
    pub verdict: Option<String>,
    /// That stood like this with the cache.
    pub cache: Option<String>,
    /// That were steps of this session.
    pub session: Option<String>,
    /// That asked this target last.
    pub target: Option<String>,
    /// That came with this key.
    pub key: Option<String>,
    /// Of this user.
    pub user: Option<String>,
    /// That were taken for this.
    pub intent: Option<String>,
    /// In which this plugin has found something.
    pub plugin: Option<String>,
    /// In which something was found by this rule.
    pub rule: Option<String>,
    /// That were part of this exchange.
    pub within: Option<String>,
    /// That were handed over to people under this reference.
    pub escalation: Option<String>,
    /// That took so many milliseconds at least.
    pub took_ms_min: Option<u64>,
    /// That cost so many nanodollars at least.
    pub cost_min: Option<u64>,
    /// That began so many milliseconds after 1970, or later.
    pub since_ms: Option<u64>,
    /// That began before this.
    pub until_ms: Option<u64>,
    /// That are older than the one with this id.
    pub before: Option<String>,
    /// Whose id begins with this.
    pub begins_with: Option<String>,
}

/// Exchanges that pass a filter, the newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Without what they did.
    pub entries: Vec<Entry>,
    /// There may be more behind the one with this id: so far it was looked.
    pub looked_up_to: Option<String>,
}

/// A filter as SQL, with `#` for each value: what an index leads to, and what is looked at row by row.
#[derive(Debug, Default)]
struct Query {
    narrow: Conditions,
    others: Conditions,
}

#[derive(Debug, Default)]
struct Conditions(Vec<(String, Option<Value<'static>>)>);

impl Conditions {
    fn add(&mut self, condition: impl Into<String>, value: impl Into<Value<'static>>) {
        self.0.push((condition.into(), Some(value.into())));
    }

    fn joined(&self) -> String {
        let all: Vec<&str> = self.0.iter().map(|(condition, _)| condition.as_str()).collect();
        if all.is_empty() { "1 = 1".to_owned() } else { all.join(" AND ") }
    }

    fn values(&self) -> impl Iterator<Item = Value<'static>> {
        self.0.iter().filter_map(|(_, value)| value.clone())
    }
}

impl Query {
    fn new(filter: &Filter) -> Self {
        let mut query = Self::default();
        // Ids begin with the time.
        for (condition, id) in [
            ("id < #", filter.before.clone()),
            ("id >= #", filter.since_ms.map(first_id)),
            ("id < #", filter.until_ms.map(first_id)),
            ("id >= #", filter.begins_with.clone()),
            // Behind all hexadecimal digits.
            ("id < #", filter.begins_with.as_ref().map(|begin| format!("{begin}g"))),
        ] {
            if let Some(id) = id {
                query.narrow.add(condition, id);
            }
        }
        query.narrow_by_one_index(filter);
        let others = [
            ("target = #", filter.target.clone().map(Value::from)),
            ("api_key = #", filter.key.clone().map(Value::from)),
            ("person = #", filter.user.clone().map(Value::from)),
            ("intent = #", filter.intent.clone().map(Value::from)),
            ("took >= #", filter.took_ms_min.map(|ms| ms.saturating_mul(1_000).into())),
            ("cost + plugins_cost >= #", filter.cost_min.map(Value::from)),
        ];
        for (condition, value) in others {
            if let Some(value) = value {
                query.others.add(condition, value);
            }
        }
        query
    }

    /// The rarest that is asked for, of what there are indices for, leads to the rows. With several at once, the database would
    /// look through all rows of one of them for those of another.
    fn narrow_by_one_index(&mut self, filter: &Filter) {
        let mut is_narrow = false;
        if let Some(outcome) = &filter.outcome {
            if outcome != ANSWERED {
                self.narrow.0.push((format!("outcome <> '{ANSWERED}'"), None));
                is_narrow = true;
            }
            if outcome != UNANSWERED {
                self.others.add("outcome = #", outcome.clone());
            }
        }
        let found_by = |column: &str| {
            format!(
                "id IN (SELECT exchange FROM findings WHERE {column} = # ORDER BY exchange DESC LIMIT {LOOKED_THROUGH})"
            )
        };
        let indexed = [
            ("within = #".to_owned(), &filter.within),
            ("escalation = #".to_owned(), &filter.escalation),
            ("session = #".to_owned(), &filter.session),
            (found_by("rule"), &filter.rule),
            (found_by("plugin"), &filter.plugin),
            ("verdict = #".to_owned(), &filter.verdict),
            ("cache = #".to_owned(), &filter.cache),
            ("tenant = #".to_owned(), &filter.tenant),
            ("model = #".to_owned(), &filter.model),
        ];
        for (condition, value) in indexed {
            let Some(value) = value.clone() else { continue };
            match std::mem::replace(&mut is_narrow, true) {
                false => self.narrow.add(condition, value),
                true => self.others.add(condition, value),
            }
        }
    }

    /// The newest rows to which an index leads, as many as are looked through.
    fn newest(&self, columns: &str) -> String {
        let narrow = self.narrow.joined();
        format!("(SELECT {columns} FROM exchanges WHERE {narrow} ORDER BY id DESC LIMIT {LOOKED_THROUGH}) AS newest")
    }

    /// The newest that pass the filter.
    fn found(&self, most: usize) -> Statement {
        let (newest, others) = (self.newest(Entry::BRIEF), self.others.joined());
        let sql = format!("SELECT {} FROM {newest} WHERE {others} ORDER BY id DESC LIMIT {most}", Entry::BRIEF);
        Statement::new(numbered(&sql), self.narrow.values().chain(self.others.values()))
    }

    /// How many were looked through, and the oldest of them.
    fn looked_through(&self) -> Statement {
        let sql = format!("SELECT count(*), min(id) FROM {}", self.newest("id"));
        Statement::new(numbered(&sql), self.narrow.values())
    }
}

/// A statement with `$1` for its first `#`, and so on.
fn numbered(sql: &str) -> String {
    let mut parts = sql.split('#');
    let mut numbered = parts.next().unwrap_or_default().to_owned();
    for (number, part) in (1..).zip(parts) {
        let _ = write!(numbered, "${number}{part}");
    }
    numbered
}

/// The outcome of most exchanges.
const ANSWERED: &str = "answered";
/// Stands for all others.
const UNANSWERED: &str = "unanswered";

/// No exchange that began in this millisecond after 1970 has a lesser id: those are UUIDs of version 7 (RFC 9562, section 5.7).
fn first_id(ms: u64) -> String {
    format!("{:012x}", ms & 0xffff_ffff_ffff)
}

impl Ledger {
    /// The newest exchanges that pass the filter, without what they did. So many are looked through that a person does not
    /// notice, whatever the filter is.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list(&self, filter: &Filter, most: usize) -> Result<Found, Failure> {
        let query = Query::new(filter);
        let rows = self.database.read(query.found(most)).await?;
        let entries: Vec<Entry> = rows.into_iter().map(|mut row| Entry::read(&mut row)).collect();
        let looked_up_to = match entries.last() {
            Some(last) if entries.len() >= most => Some(last.id.to_string()),
            _ => {
                let rows = self.database.read(query.looked_through()).await?;
                let looked = rows.into_iter().next().map(|mut row| (row.number(), row.text()));
                looked.filter(|(count, _)| *count >= Some(LOOKED_THROUGH)).and_then(|(_, oldest)| oldest)
            }
        };
        Ok(Found { entries, looked_up_to })
    }

    /// The exchange with this id, with all that it did.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn find(&self, id: &str) -> Result<Option<Entry>, Failure> {
        let sql = format!("SELECT {} FROM exchanges WHERE id = $1", Entry::COLUMNS);
        let rows = self.database.read(Statement::new(sql, vec![id.into()])).await?;
        Ok(rows.into_iter().next().map(|mut row| Entry::read(&mut row)))
    }

    /// What was said in an exchange, if that is kept.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn texts(&self, id: &str) -> Result<Option<Texts>, Failure> {
        let sql = format!("SELECT {} FROM texts WHERE exchange = $1 AND expires > $2", Texts::COLUMNS);
        let now = now_ms();
        let rows = self.database.read(Statement::new(sql, vec![id.into(), now.into()])).await?;
        Ok(rows.into_iter().next().map(|mut row| Texts::read(&mut row)))
    }

    /// How the database is called.
    #[must_use]
    pub fn name(&self) -> String {
        self.database.name()
    }
}
