//! The tables in a PostgreSQL, for any number of gateways.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use deadpool_postgres::{Object, Pool};
use futures_util::future::{BoxFuture, try_join_all};
use futures_util::{FutureExt as _, StreamExt as _};
use rustls::pki_types::CertificateDer;
use tokio::time::timeout;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::{Database, Durable, Failure, Row, Statement, Value, migrations};
use crate::config::Secret;
use crate::store::postgres::{connect, why, without_connection};

/// Only one gateway at a time makes tables; the number is nobody else's.
const LOCK: &str = "SELECT pg_advisory_lock(7306086967253066081)";
const UNLOCK: &str = "SELECT pg_advisory_unlock(7306086967253066081)";
/// What each connection begins with: the tables are beside whatever else is in the database.
const FIRST: &str = "SET search_path TO sluicegate_ledger";
const SCHEMA: &str = "CREATE SCHEMA IF NOT EXISTS sluicegate_ledger";
/// The longest that tables may take to be made.
const MIGRATING: Duration = Duration::from_secs(60);

/// The tables in a database.
#[derive(Debug)]
pub struct Postgres {
    pool: Pool,
    wait: Duration,
    /// Its tables are as this version has them.
    is_ready: AtomicBool,
    name: String,
}

impl Postgres {
    /// The tables in the database at this address; none is made yet. `wait` bounds each statement.
    ///
    /// # Errors
    /// When it is no address.
    pub fn new(url: &Secret, authorities: &[CertificateDer<'static>], wait: Duration) -> Result<Self, String> {
        Self::with(url, authorities, wait, false)
    }

    /// The same, for whoever only looks: no tables are made.
    ///
    /// # Errors
    /// When the address is none.
    pub fn to_read(url: &Secret, authorities: &[CertificateDer<'static>], wait: Duration) -> Result<Self, String> {
        Self::with(url, authorities, wait, true)
    }

    fn with(
        url: &Secret,
        authorities: &[CertificateDer<'static>],
        wait: Duration,
        is_ready: bool,
    ) -> Result<Self, String> {
        let pool = connect(url, authorities, wait, FIRST)?;
        let name = crate::store::postgres::named(url).unwrap_or_else(|| "PostgreSQL".to_owned());
        Ok(Self { pool, wait, is_ready: AtomicBool::new(is_ready), name })
    }

    async fn connection(&self) -> Result<Object, Failure> {
        let got = self.pool.get().await;
        let mut connection = got.map_err(|error| match without_connection(error) {
            Ok(error) => failed(&error),
            Err(why) => Failure::Unavailable(why),
        })?;
        if !self.is_ready.load(Ordering::Acquire) {
            timeout(MIGRATING, migrate(&mut connection)).await.unwrap_or_else(|_| Err(too_slow()))?;
            self.is_ready.store(true, Ordering::Release);
        }
        Ok(connection)
    }

    /// Within the time for a statement. One that takes longer is broken off, with its connection.
    async fn in_time<T>(
        &self,
        work: impl AsyncFnOnce(&mut Object) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Failure> {
        let mut connection = self.connection().await?;
        match timeout(self.wait, work(&mut connection)).await {
            Ok(done) => done.map_err(|error| {
                // Somebody has taken the tables away: they are made anew.
                if error.code().is_some_and(|code| code.code() == "42P01") {
                    self.is_ready.store(false, Ordering::Release);
                }
                failed(&error)
            }),
            Err(_) => {
                drop(Object::take(connection));
                Err(too_slow())
            }
        }
    }
}

async fn migrate(connection: &mut Object) -> Result<(), Failure> {
    connection.batch_execute(LOCK).await.map_err(|error| failed(&error))?;
    connection.batch_execute(SCHEMA).await.map_err(|error| failed(&error))?;
    let migrated = migrations::migrations::runner().run_async(&mut ***connection).await;
    // It ends with the connection at the latest.
    let _ = connection.batch_execute(UNLOCK).await;
    migrated.map(drop).map_err(|error| Failure::Unavailable(format!("making the tables of the ledger: {error}")))
}

impl Database for Postgres {
    fn write(&self, statements: Vec<Statement>, durable: Durable) -> BoxFuture<'_, Result<Vec<u64>, Failure>> {
        let synchronous = match durable {
            Durable::Process => "SET LOCAL synchronous_commit TO off",
            Durable::Power => "SET LOCAL synchronous_commit TO on",
        };
        async move {
            let write = async |connection: &mut Object| {
                let within = connection.transaction().await?;
                within.batch_execute(synchronous).await?;
                let mut prepared = Vec::with_capacity(statements.len());
                for statement in &statements {
                    prepared.push(within.prepare_cached(&statement.sql).await?);
                }
                // Sent one behind the other, and none waits for what came of the one before.
                let running = prepared.iter().zip(&statements).map(|(prepared, statement)| {
                    let within = &within;
                    async move {
                        let values: Vec<Value<'_>> = statement.values.iter().collect();
                        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as _).collect();
                        within.execute(prepared, &values).await
                    }
                });
                let changed = try_join_all(running).await?;
                within.commit().await?;
                Ok(changed)
            };
            self.in_time(write).await
        }
        .boxed()
    }

    fn read(&self, statement: Statement) -> BoxFuture<'_, Result<Vec<Row>, Failure>> {
        async move {
            let read = async |connection: &mut Object| {
                let prepared = connection.prepare_cached(&statement.sql).await?;
                let rows = connection.query_raw(&prepared, statement.values.iter().collect::<Vec<_>>()).await?;
                let mut rows = std::pin::pin!(rows);
                let mut found = Vec::new();
                while let Some(row) = rows.next().await {
                    found.push(values(&row?)?);
                }
                Ok(found)
            };
            self.in_time(read).await
        }
        .boxed()
    }

    fn bytes(&self) -> BoxFuture<'_, Result<u64, Failure>> {
        const BYTES: &str = "SELECT CAST(coalesce(sum(pg_total_relation_size(oid)), 0) AS BIGINT) FROM pg_class \
                             WHERE relkind = 'r' AND relnamespace = 'sluicegate_ledger'::regnamespace";
        async {
            let rows = self.read(Statement::new(BYTES, Vec::new())).await?;
            Ok(rows.into_iter().next().and_then(|mut row| row.number()).unwrap_or_default())
        }
        .boxed()
    }

    fn name(&self) -> String {
        self.name.clone()
    }
}

fn values(row: &tokio_postgres::Row) -> Result<Row, tokio_postgres::Error> {
    let column = |(index, column): (usize, &tokio_postgres::Column)| {
        Ok(match *column.type_() {
            Type::INT8 => row.try_get::<_, Option<i64>>(index)?.into(),
            Type::INT4 => row.try_get::<_, Option<i32>>(index)?.map(i64::from).into(),
            _ => row.try_get::<_, Option<String>>(index)?.map_or(Value::Null, Value::from),
        })
    };
    Ok(Row::new(row.columns().iter().enumerate().map(column).collect::<Result<_, tokio_postgres::Error>>()?))
}

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
        }
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::TEXT | Type::VARCHAR)
    }

    to_sql_checked!();
}

/// Errors of the server about what it was given are errors the next time too (SQLSTATE classes 22 and 23); all others may
/// be over by then.
fn failed(error: &tokio_postgres::Error) -> Failure {
    let is_refused = error.code().is_some_and(|code| matches!(code.code().get(..2), Some("22" | "23")));
    if is_refused { Failure::Refused(why(error)) } else { Failure::Unavailable(why(error)) }
}

fn too_slow() -> Failure {
    Failure::Unavailable("asking the PostgreSQL: it did not answer in time".to_owned())
}
