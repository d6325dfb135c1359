//! Runs of agents: what their steps come to.

use std::time::Duration;

use super::{Entry, Ledger, Place};
use crate::endpoint::Does;
use crate::exchange::ANSWERED;
use crate::money::Money;
use crate::session::{IDLE, Taken, is_a_step};
use crate::store::ledger::{Failure, Row, Statement};

/// What the steps of a session come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// Whose it is.
    pub tenant: String,
    /// Its name.
    pub name: String,
    /// When it began, in milliseconds since 1970.
    pub began_ms: u64,
    /// When its last step ended, in milliseconds since 1970.
    pub last_ms: u64,
    /// Its steps.
    pub steps: u64,
    /// Those that failed.
    pub failures: u64,
    /// Tokens of requests.
    pub input_tokens: u64,
    /// Tokens of answers.
    pub output_tokens: u64,
    /// What they cost, as far as that is known.
    pub cost: Money,
    /// How many of them cost more than that, or nobody knows what.
    pub unknown: u64,
    /// The model that was asked for last.
    pub model: String,
}

const COLUMNS: &str =
    "tenant, session, began, last, steps, failures, input_tokens, output_tokens, cost, model, unknown";
/// Steps of one session that are read one by one. Where there are more, what it has taken in all counts, also if it has begun anew
/// since.
const TAKEN_MAX: usize = 5_000;
/// Steps of one session that are shown.
const STEPS_MAX: usize = 500;

impl Session {
    fn read(mut row: Row) -> Self {
        Self {
            tenant: row.text().unwrap_or_default(),
            name: row.text().unwrap_or_default(),
            began_ms: row.number().unwrap_or_default(),
            last_ms: row.number().unwrap_or_default(),
            steps: row.number().unwrap_or_default(),
            failures: row.number().unwrap_or_default(),
            input_tokens: row.number().unwrap_or_default(),
            output_tokens: row.number().unwrap_or_default(),
            cost: Money::from_nanodollars(row.number().unwrap_or_default()),
            model: row.text().unwrap_or_default(),
            unknown: row.number().unwrap_or_default(),
        }
    }

    /// Where it stands in a list.
    #[must_use]
    pub fn place(&self) -> Place {
        Place { at_ms: self.last_ms, tenant: self.tenant.clone(), name: self.name.clone() }
    }

    /// From the beginning of its first step to the end of its last.
    #[must_use]
    pub fn lasted(&self) -> Duration {
        Duration::from_millis(self.last_ms.saturating_sub(self.began_ms))
    }
}

impl Ledger {
    /// What a session has taken since it began, or began anew; nothing if nobody knows it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn session(&self, tenant: &str, name: &str) -> Result<Option<Taken>, Failure> {
        let sql = format!(
            "SELECT began, took, outcome, attempts, input_tokens, output_tokens, cost, plugins_cost FROM exchanges \
             WHERE session = $1 AND tenant = $2 AND task <> $3 \
             AND (outcome = '{ANSWERED}' OR attempts > 0 OR cost > 0 OR plugins_cost > 0) ORDER BY id DESC LIMIT {TAKEN_MAX}"
        );
        let values = vec![name.into(), tenant.into(), Does::CountTokens.word().into()];
        let rows = self.database.read(Statement::new(sql, values)).await?;
        if rows.len() >= TAKEN_MAX {
            return self.taken_in_all(tenant, name).await;
        }
        let mut all: Option<Taken> = None;
        for mut row in rows {
            let began_ms = row.number().unwrap_or_default();
            let ended_ms = began_ms.saturating_add(row.number().unwrap_or_default() / 1_000);
            let outcome = row.text().unwrap_or_default();
            let attempts = row.number().and_then(|attempts| usize::try_from(attempts).ok()).unwrap_or_default();
            let mut next = || row.number().unwrap_or_default();
            let tokens = next().saturating_add(next());
            let cost = Money::from_nanodollars(next()) + Money::from_nanodollars(next());
            let taken =
                all.get_or_insert(Taken { began: began_ms / 1_000, last: ended_ms / 1_000, ..Taken::default() });
            if taken.began.saturating_sub(ended_ms / 1_000) >= IDLE.as_secs() {
                break;
            }
            taken.began = taken.began.min(began_ms / 1_000);
            taken.last = taken.last.max(ended_ms / 1_000);
            taken.steps += u64::from(is_a_step(outcome == ANSWERED, attempts));
            taken.tokens = taken.tokens.saturating_add(tokens);
            taken.cost += cost;
        }
        Ok(all)
    }

    /// What all steps of a session come to.
    async fn taken_in_all(&self, tenant: &str, name: &str) -> Result<Option<Taken>, Failure> {
        let sql = format!("SELECT {COLUMNS} FROM sessions WHERE tenant = $1 AND session = $2");
        let rows = self.database.read(Statement::new(sql, vec![tenant.into(), name.into()])).await?;
        Ok(rows.into_iter().next().map(Session::read).map(|session| Taken {
            began: session.began_ms / 1_000,
            last: session.last_ms / 1_000,
            steps: session.steps.saturating_sub(session.failures),
            tokens: session.input_tokens.saturating_add(session.output_tokens),
            cost: session.cost,
        }))
    }

    /// Sessions with so many steps at least, those that were gone on with last first; of a tenant, if one is named; those behind
    /// this place.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sessions(
        &self,
        tenant: Option<&str>,
        steps_min: u64,
        behind: &Place,
        most: usize,
    ) -> Result<Vec<Session>, Failure> {
        let mut values = Vec::from(behind.values());
        values.push(steps_min.into());
        let of_tenant = tenant.map(|tenant| {
            values.push(tenant.into());
            " AND tenant = $5"
        });
        let sql = format!(
            "SELECT {COLUMNS} FROM sessions WHERE (last, tenant, session) < ($1, $2, $3) AND steps >= $4{} \
             ORDER BY last DESC, tenant DESC, session DESC LIMIT {most}",
            of_tenant.unwrap_or_default()
        );
        let rows = self.database.read(Statement::new(sql, values)).await?;
        Ok(rows.into_iter().map(Session::read).collect())
    }

    /// All sessions of this name: tenants may have the same.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sessions_named(&self, name: &str) -> Result<Vec<Session>, Failure> {
        let sql = format!("SELECT {COLUMNS} FROM sessions WHERE session = $1 ORDER BY tenant LIMIT 10");
        let rows = self.database.read(Statement::new(sql, vec![name.into()])).await?;
        Ok(rows.into_iter().map(Session::read).collect())
    }

    /// The steps of a session, in their order; the first of them, if they are very many.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn steps_of(&self, tenant: &str, name: &str) -> Result<Vec<Entry>, Failure> {
        let sql = format!(
            "SELECT {} FROM exchanges WHERE session = $1 AND tenant = $2 ORDER BY id LIMIT {STEPS_MAX}",
            Entry::COLUMNS
        );
        let rows = self.database.read(Statement::new(sql, vec![name.into(), tenant.into()])).await?;
        Ok(rows.into_iter().map(|mut row| Entry::read(&mut row)).collect())
    }
}
