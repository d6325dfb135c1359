//! Runs of agents: what their steps come to.

use std::time::Duration;

use super::{Entry, Ledger};
use crate::money::Money;
use crate::session::Taken;
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
    /// What they cost.
    pub cost: Money,
    /// The model that was asked for last.
    pub model: String,
}

const COLUMNS: &str = "tenant, session, began, last, steps, failures, input_tokens, output_tokens, cost, model";
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
        }
    }

    /// From the beginning of its first step to the end of its last.
    #[must_use]
    pub fn lasted(&self) -> Duration {
        Duration::from_millis(self.last_ms.saturating_sub(self.began_ms))
    }
}

impl Ledger {
    /// What a session has taken so far; nothing if nobody knows it.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn session(&self, tenant: &str, name: &str) -> Result<Option<Taken>, Failure> {
        let sql = format!("SELECT {COLUMNS} FROM sessions WHERE tenant = $1 AND session = $2");
        let rows = self.database.read(Statement::new(sql, vec![tenant.into(), name.into()])).await?;
        Ok(rows.into_iter().next().map(Session::read).map(|session| Taken {
            began: session.began_ms / 1_000,
            last: session.last_ms / 1_000,
            steps: session.steps,
            tokens: session.input_tokens.saturating_add(session.output_tokens),
            cost: session.cost,
        }))
    }

    /// Sessions with so many steps at least, those that were gone on with last first; of a tenant, if one is named; those that
    /// were gone on with before this, in milliseconds since 1970.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn sessions(
        &self,
        tenant: Option<&str>,
        steps_min: u64,
        before_ms: u64,
        most: usize,
    ) -> Result<Vec<Session>, Failure> {
        let mut values = vec![before_ms.into(), steps_min.into()];
        let of_tenant = tenant.map(|tenant| {
            values.push(tenant.into());
            " AND tenant = $3"
        });
        let sql = format!(
            "SELECT {COLUMNS} FROM sessions WHERE last < $1 AND steps >= $2{} ORDER BY last DESC LIMIT {most}",
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
