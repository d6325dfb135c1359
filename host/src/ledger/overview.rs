//! What all exchanges of a time come to: sums, and how what was measured is distributed.

use std::collections::BTreeMap;

use super::Ledger;
use super::sums::Measure;
use crate::money::Money;
use crate::store::ledger::{Failure, Row, Statement, Value};

/// Minutes since 1970, from one to before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minutes {
    /// The first.
    pub since: u64,
    /// The first that does not belong to it.
    pub until: u64,
}

/// What is looked at: all, or what belongs to a tenant, a model, or both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Of this tenant.
    pub tenant: Option<String>,
    /// For which this model was asked.
    pub model: Option<String>,
}

/// By what sums are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By tenant.
    Tenant,
    /// By the model that was asked for.
    Model,
}

/// What some exchanges come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// How many they are.
    pub exchanges: u64,
    /// Those that failed.
    pub failures: u64,
    /// Those that a guardrail has refused.
    pub refusals: u64,
    /// Those that were answered from memory.
    pub hits: u64,
    /// Tokens of requests.
    pub input_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// What they cost, as far as that is known.
    pub cost: Money,
    /// How many of them cost more than that, or nobody knows what.
    pub unknown: u64,
    /// What kept answers had cost.
    pub saved: Money,
}

/// How often a plugin has decided what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The plugin.
    pub plugin: String,
    /// Its decision, in a word.
    pub verdict: String,
    /// How the calls ended, in a word.
    pub outcome: String,
    /// How many.
    pub count: u64,
}

/// Parts of a scale, the lowest first, and how many are in each.
pub type Parts = Vec<(i64, u64)>;

const SUMS: &str = "CAST(coalesce(sum(exchanges), 0) AS BIGINT), CAST(coalesce(sum(failures), 0) AS BIGINT), \
    CAST(coalesce(sum(refusals), 0) AS BIGINT), CAST(coalesce(sum(hits), 0) AS BIGINT), \
    CAST(coalesce(sum(input_tokens), 0) AS BIGINT), CAST(coalesce(sum(output_tokens), 0) AS BIGINT), \
    CAST(coalesce(sum(cost), 0) AS BIGINT), CAST(coalesce(sum(saved), 0) AS BIGINT), \
    CAST(coalesce(sum(unknown), 0) AS BIGINT)";

impl Sum {
    fn read(row: &mut Row) -> Self {
        let mut number = || row.number().unwrap_or_default();
        Self {
            exchanges: number(),
            failures: number(),
            refusals: number(),
            hits: number(),
            input_tokens: number(),
            output_tokens: number(),
            cost: Money::from_nanodollars(number()),
            saved: Money::from_nanodollars(number()),
            unknown: number(),
        }
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            exchanges: self.exchanges + other.exchanges,
            failures: self.failures + other.failures,
            refusals: self.refusals + other.refusals,
            hits: self.hits + other.hits,
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            cost: self.cost + other.cost,
            unknown: self.unknown + other.unknown,
            saved: self.saved + other.saved,
        }
    }
}

impl Scope {
    /// As conditions on the columns of sums, behind those on the minute; values are added.
    fn conditions<'a>(&'a self, values: &mut Vec<Value<'a>>) -> String {
        let mut conditions = String::new();
        for (column, value) in [("tenant", &self.tenant), ("model", &self.model)] {
            if let Some(value) = value {
                values.push(value.as_str().into());
                conditions.push_str(&format!(" AND {column} = ${}", values.len()));
            }
        }
        conditions
    }
}

impl Ledger {
    /// The sums of each part of a time, which is so many minutes long; parts without exchanges are left out.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sums_over_time(
        &self,
        minutes: Minutes,
        part: u64,
        scope: &Scope,
    ) -> Result<BTreeMap<u64, Sum>, Failure> {
        let mut values = vec![part.max(1).into(), minutes.since.into(), minutes.until.into()];
        let scope = scope.conditions(&mut values);
        let sql = format!(
            "SELECT minute / $1 * $1 AS part, {SUMS} FROM minutes WHERE minute >= $2 AND minute < $3{scope} GROUP BY part"
        );
        let rows = self.database.read(Statement::new(sql, values)).await?;
        Ok(rows.into_iter().map(|mut row| (row.number().unwrap_or_default(), Sum::read(&mut row))).collect())
    }

    /// The sums of a time by tenant or by model, the largest first, so many of them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sums_by(
        &self,
        by: By,
        minutes: Minutes,
        scope: &Scope,
        most: usize,
    ) -> Result<Vec<(String, Sum)>, Failure> {
        let mut values = vec![minutes.since.into(), minutes.until.into()];
        let scope = scope.conditions(&mut values);
        let column = match by {
            By::Tenant => "tenant",
            By::Model => "model",
        };
        let sql = format!(
            "SELECT {column}, {SUMS} FROM minutes WHERE minute >= $1 AND minute < $2{scope} \
             GROUP BY {column} ORDER BY sum(exchanges) DESC, {column} LIMIT {most}"
        );
        let rows = self.database.read(Statement::new(sql, values)).await?;
        Ok(rows.into_iter().map(|mut row| (row.text().unwrap_or_default(), Sum::read(&mut row))).collect())
    }

    /// How what was measured in a time is distributed, for each model or plugin; of this one alone, if one is named.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn distributions(
        &self,
        measure: Measure,
        name: Option<&str>,
        minutes: Minutes,
    ) -> Result<BTreeMap<String, Parts>, Failure> {
        let mut values: Vec<Value<'_>> = vec![measure.word().into(), minutes.since.into(), minutes.until.into()];
        let named = name.map(|name| {
            values.push(name.into());
            " AND name = $4"
        });
        let sql = format!(
            "SELECT name, bucket, CAST(sum(count) AS BIGINT) FROM distributions \
             WHERE measure = $1 AND minute >= $2 AND minute < $3{} GROUP BY name, bucket ORDER BY name, bucket",
            named.unwrap_or_default()
        );
        let mut found = BTreeMap::<String, Parts>::new();
        for mut row in self.database.read(Statement::new(sql, values)).await? {
            let (name, bucket) = (row.text().unwrap_or_default(), row.int().unwrap_or_default());
            found.entry(name).or_default().push((bucket, row.number().unwrap_or_default()));
        }
        Ok(found)
    }

    /// The same over time, of all models or plugins together, or of one.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn distributions_over_time(
        &self,
        measure: Measure,
        name: Option<&str>,
        minutes: Minutes,
        part: u64,
    ) -> Result<BTreeMap<u64, Parts>, Failure> {
        let mut values: Vec<Value<'_>> =
            vec![part.max(1).into(), measure.word().into(), minutes.since.into(), minutes.until.into()];
        let named = name.map(|name| {
            values.push(name.into());
            " AND name = $5"
        });
        let sql = format!(
            "SELECT minute / $1 * $1 AS part, bucket, CAST(sum(count) AS BIGINT) FROM distributions \
             WHERE measure = $2 AND minute >= $3 AND minute < $4{} GROUP BY part, bucket ORDER BY part, bucket",
            named.unwrap_or_default()
        );
        let mut found = BTreeMap::<u64, Parts>::new();
        for mut row in self.database.read(Statement::new(sql, values)).await? {
            let (part, bucket) = (row.number().unwrap_or_default(), row.int().unwrap_or_default());
            found.entry(part).or_default().push((bucket, row.number().unwrap_or_default()));
        }
        Ok(found)
    }

    /// What plugins have said in a time.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn verdicts(&self, minutes: Minutes) -> Result<Vec<Said>, Failure> {
        const SQL: &str = "SELECT plugin, verdict, outcome, CAST(sum(count) AS BIGINT) FROM verdicts \
            WHERE minute >= $1 AND minute < $2 GROUP BY plugin, verdict, outcome ORDER BY plugin, verdict, outcome";
        let values = vec![minutes.since.into(), minutes.until.into()];
        let said = |mut row: Row| {
            let mut text = || row.text().unwrap_or_default();
            let (plugin, verdict, outcome) = (text(), text(), text());
            Said { plugin, verdict, outcome, count: row.number().unwrap_or_default() }
        };
        Ok(self.database.read(Statement::new(SQL, values)).await?.into_iter().map(said).collect())
    }
}

/// Distributions of several models or plugins as one.
#[must_use]
pub fn together<'a>(all: impl IntoIterator<Item = &'a Parts>) -> Parts {
    let mut sum = BTreeMap::<i64, u64>::new();
    for (bucket, count) in all.into_iter().flatten() {
        *sum.entry(*bucket).or_default() += count;
    }
    sum.into_iter().collect()
}
