//! Questions by what they mean, in a PostgreSQL with the extension `pgvector`, for any number of gateways.
//!
//! Vectors of all lengths are in one table. For each length up to [`GRAPH_DIMENSIONS_MAX`] there is a graph
//! ([HNSW](https://arxiv.org/abs/1603.09320)) over all partitions: of what it finds near, only what is of the partition
//! counts. So a partition with few vectors would find none of its own there, and is looked through instead.

mod statements;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, ready};
use rustls::pki_types::CertificateDer;
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use tracing::warn;

use super::{Digest, Failure, Meaning, Meanings, Near, PURGE_TIME, Purge, Vector, integer, is_unit};
use crate::config::{self, Secret};
use crate::store::counters::Clock;
use crate::store::postgres::{connect, why, without_connection};

/// The most dimensions of a vector that `pgvector` can have in a graph; longer ones are looked through.
const GRAPH_DIMENSIONS_MAX: usize = 2_000;
/// Vectors of a partition that are looked through.
const LOOKED_THROUGH_MAX: i64 = 5_000;
/// What is under way, also for those who wait no longer.
const UNDER_WAY_MAX: usize = 64;
/// How long a step goes on when nobody waits for it any more: a connection may just have to be made.
const STEP_TIME: Duration = Duration::from_secs(5);
/// How long it may take to make a graph of all vectors that are there already.
const GRAPH_TIME: Duration = Duration::from_secs(1_800);
/// After so many meanings that were kept, what is gone is deleted, and the oldest of what is too much.
const SWEPT_EVERY: u64 = 500;

/// The meanings of any number of gateways.
#[derive(Debug)]
pub struct Postgres {
    server: Arc<Server>,
    wait: Duration,
    under_way: Arc<Semaphore>,
}

struct Server {
    pool: Pool,
    clock: Clock,
    bytes_max: u64,
    /// Whether the table is there.
    is_ready: Mutex<bool>,
    /// The lengths that have graphs, or for which one is being made.
    graphs: std::sync::Mutex<HashSet<usize>>,
    kept: AtomicU64,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

impl Postgres {
    /// Meanings at this address, within these bounds. Nobody is asked before the first.
    ///
    /// # Errors
    /// When it is no address.
    pub fn new(
        url: &Secret,
        authorities: &[CertificateDer<'static>],
        bounds: &config::Cache,
        clock: Clock,
    ) -> Result<Self, String> {
        let server = Server {
            pool: connect(url, authorities, STEP_TIME, statements::FIRST)?,
            clock,
            bytes_max: bounds.vectors_bytes_max,
            is_ready: Mutex::default(),
            graphs: std::sync::Mutex::default(),
            kept: AtomicU64::new(0),
        };
        let under_way = Arc::new(Semaphore::new(UNDER_WAY_MAX));
        Ok(Self { server: Arc::new(server), wait: bounds.wait, under_way })
    }

    /// Do a step in a task of its own, and wait for it. Who gives up does not end it: what it has begun with, as a
    /// connection, is there for the next.
    fn step<T: Send + 'static>(
        &self,
        wait: Duration,
        longest: Duration,
        step: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, Failure>> {
        let Ok(permit) = self.under_way.clone().try_acquire_owned() else { return ready(Err(Failure::Busy)).boxed() };
        async move {
            let task = tokio::spawn(async move {
                let _permit = permit;
                timeout(longest, step).await.unwrap_or(Err(Failure::Timeout))
            });
            let done = timeout(wait, task).await.map_err(|_| Failure::Timeout)?;
            done.unwrap_or_else(|error| Err(Failure::Unavailable(error.to_string())))
        }
        .boxed()
    }
}

impl Meanings for Postgres {
    fn nearest(
        &self,
        partition: Digest,
        vector: Vector,
        least: f32,
        most: usize,
    ) -> BoxFuture<'static, Result<Vec<Near>, Failure>> {
        if !is_unit(&vector) {
            return ready(Err(Failure::Garbage)).boxed();
        }
        let server = self.server.clone();
        self.step(self.wait, STEP_TIME, async move { server.nearest(partition, &vector, least, most).await })
    }

    fn put(&self, meaning: Arc<Meaning>) -> BoxFuture<'static, Result<(), Failure>> {
        if !is_unit(&meaning.vector) {
            return ready(Err(Failure::Garbage)).boxed();
        }
        if bytes(&meaning) > self.server.bytes_max {
            return ready(Err(Failure::Full)).boxed();
        }
        let server = self.server.clone();
        self.step(self.wait, STEP_TIME, async move { server.put(&meaning).await })
    }

    fn purge(&self, purge: Purge) -> BoxFuture<'static, Result<u64, Failure>> {
        let server = self.server.clone();
        self.step(PURGE_TIME, PURGE_TIME, async move { server.purge(&purge).await })
    }
}

/// Bytes that a meaning takes, with its place in the graph, where the vector is a second time.
fn bytes(meaning: &Meaning) -> u64 {
    let vector = u64::try_from(size_of_val(&*meaning.vector)).unwrap_or(u64::MAX);
    meaning.bytes().saturating_add(vector)
}

impl Server {
    /// A connection to where the table is.
    async fn connection(&self) -> Result<Object, Failure> {
        let mut is_ready = self.is_ready.lock().await;
        if !*is_ready {
            self.make_table().await?;
            *is_ready = true;
        }
        drop(is_ready);
        self.any_connection().await
    }

    async fn any_connection(&self) -> Result<Object, Failure> {
        self.pool.get().await.map_err(|error| match without_connection(error) {
            Ok(error) => failed(&error),
            Err(why) => Failure::Unavailable(why),
        })
    }

    async fn make_table(&self) -> Result<(), Failure> {
        let mut connection = self.any_connection().await?;
        let is_there = connection.query_one(statements::IS_THERE, &[&statements::TABLE]).await;
        if !is_there.and_then(|row| row.try_get(0)).map_err(|error| failed(&error))? {
            let within = connection.transaction().await.map_err(|error| failed(&error))?;
            within.batch_execute(&statements::make_table()).await.map_err(|error| unmade(&error))?;
            within.commit().await.map_err(|error| unmade(&error))?;
        }
        // What a connection begins with depends on the extension: this one has begun without.
        drop(Object::take(connection));
        Ok(())
    }

    /// Make the graph for vectors of this length, if there is to be one and none is there. Nobody waits for it: until it is
    /// there, all vectors are looked through.
    fn make_graph(self: &Arc<Self>, dimensions: usize) {
        if dimensions > GRAPH_DIMENSIONS_MAX || !self.graphs().insert(dimensions) {
            return;
        }
        let server = self.clone();
        tokio::spawn(async move {
            let made = timeout(GRAPH_TIME, server.make_graph_now(dimensions)).await.unwrap_or(Err(Failure::Timeout));
            if let Err(failure) = made {
                server.graphs().remove(&dimensions);
                warn!(why = failure.to_string(), "the index for vectors could not be made in the PostgreSQL");
            }
        });
    }

    async fn make_graph_now(&self, dimensions: usize) -> Result<(), Failure> {
        let connection = Object::take(self.any_connection().await?);
        let made = async {
            let is_there = connection.query_one(statements::IS_THERE, &[&statements::graph(dimensions)]).await?;
            if is_there.try_get::<_, bool>(0)? {
                return Ok(());
            }
            connection.batch_execute(&statements::for_as_long_as(GRAPH_TIME)).await?;
            connection.batch_execute(&statements::make_graph(dimensions)).await
        };
        made.await.map_err(|error: tokio_postgres::Error| failed(&error))
    }

    fn graphs(&self) -> std::sync::MutexGuard<'_, HashSet<usize>> {
        self.graphs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why a step has failed. A table that is gone is made again with the next one.
    async fn has_failed(&self, error: &tokio_postgres::Error) -> Failure {
        if error.code() == Some(&SqlState::UNDEFINED_TABLE) {
            *self.is_ready.lock().await = false;
            self.graphs().clear();
        }
        failed(error)
    }

    async fn nearest(&self, partition: Digest, vector: &[f32], least: f32, most: usize) -> Result<Vec<Near>, Failure> {
        let connection = self.connection().await?;
        let (partition, now) = (&partition[..], integer(self.clock.now().0));
        let length = i32::try_from(vector.len()).map_err(|_| Failure::Garbage)?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let found = async {
            let count = connection.prepare_cached(&statements::count(LOOKED_THROUGH_MAX)).await?;
            let count: i64 = connection.query_one(&count, &[&partition, &length]).await?.try_get(0)?;
            let is_graph = count > LOOKED_THROUGH_MAX && vector.len() <= GRAPH_DIMENSIONS_MAX;
            let find = if is_graph { statements::find_by_graph } else { statements::look_through };
            let find = connection.prepare_cached(&find(vector.len())).await?;
            connection.query(&find, &[&partition, &now, &vector, &most]).await
        };
        let rows = match found.await {
            Ok(rows) => rows,
            Err(error) => return Err(self.has_failed(&error).await),
        };
        let near: Option<Vec<Near>> = rows.iter().map(near).collect();
        let mut near = near.ok_or(Failure::Garbage)?;
        near.retain(|near| near.similarity >= least);
        // A graph's order is that of its own, rounded distances.
        near.sort_by(|one, other| other.similarity.total_cmp(&one.similarity));
        Ok(near)
    }

    async fn put(self: &Arc<Self>, meaning: &Meaning) -> Result<(), Failure> {
        let connection = self.connection().await?;
        let Meaning { key, about, vector } = meaning;
        let length = i32::try_from(vector.len()).map_err(|_| Failure::Garbage)?;
        let written = async {
            let put = connection.prepare_cached(&statements::put()).await?;
            let (created, kept_until) = (integer(about.created.0), integer(about.kept_until.0));
            let (key, partition, bytes) = (&key[..], &about.partition[..], integer(bytes(meaning)));
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 9] =
                [&key, &partition, &&*about.tenant, &&*about.model, &created, &kept_until, &bytes, &length, &&**vector];
            connection.execute(&put, &values).await
        };
        if let Err(error) = written.await {
            return Err(self.has_failed(&error).await);
        }
        self.make_graph(vector.len());
        if self.kept.fetch_add(1, Ordering::Relaxed).is_multiple_of(SWEPT_EVERY) {
            tokio::spawn(self.clone().sweep(connection));
        }
        Ok(())
    }

    /// Delete what is gone, and the oldest of what is too much.
    async fn sweep(self: Arc<Self>, mut connection: Object) {
        let swept = async {
            let within = connection.transaction().await?;
            within.batch_execute(&statements::within(PURGE_TIME)).await?;
            // One gateway at a time.
            let is_alone: bool = within.query_one(&statements::try_to_be_alone(), &[]).await?.try_get(0)?;
            if is_alone {
                within.execute(&statements::forget_expired(), &[&integer(self.clock.now().0)]).await?;
                within.execute(&statements::make_room(), &[&integer(self.bytes_max)]).await?;
            }
            within.commit().await
        };
        let swept = timeout(PURGE_TIME + STEP_TIME, swept).await;
        let failure = match swept {
            Ok(Ok(())) => return,
            Ok(Err(error)) => failed(&error),
            Err(_) => Failure::Timeout,
        };
        // Whatever it is in the middle of.
        drop(Object::take(connection));
        warn!(why = failure.to_string(), "what is gone of the cache could not be deleted from the PostgreSQL");
    }

    async fn purge(&self, purge: &Purge) -> Result<u64, Failure> {
        let mut connection = self.connection().await?;
        let Purge { key, tenant, model, before } = purge;
        let (key, before) = (key.as_ref().map(|key| &key[..]), before.map(|before| integer(before.0)));
        let purged = async {
            let within = connection.transaction().await?;
            within.batch_execute(&statements::within(PURGE_TIME)).await?;
            let purged =
                within.execute(&statements::purge(), &[&key, &tenant.as_deref(), &model.as_deref(), &before]).await?;
            within.commit().await?;
            Ok(purged)
        };
        match purged.await {
            Ok(purged) => Ok(purged),
            Err(error) => Err(self.has_failed(&error).await),
        }
    }
}

/// What a row says, if it says what it should.
fn near(row: &Row) -> Option<Near> {
    let key = row.try_get::<_, &[u8]>(0).ok()?.try_into().ok()?;
    let similarity = row.try_get::<_, f64>(1).ok().filter(|similarity| similarity.is_finite())?;
    #[allow(clippy::cast_possible_truncation, reason = "it is that of vectors of such numbers")]
    Some(Near { key, similarity: (similarity as f32).min(1.0) })
}

fn failed(error: &tokio_postgres::Error) -> Failure {
    match error.code() {
        Some(&SqlState::QUERY_CANCELED) => Failure::Timeout,
        Some(&(SqlState::DISK_FULL | SqlState::OUT_OF_MEMORY)) => Failure::Full,
        _ => Failure::Unavailable(why(error)),
    }
}

/// Why the table could not be made, and what to do about it.
fn unmade(error: &tokio_postgres::Error) -> Failure {
    const MEND: &str =
        "it needs the extension pgvector, and CREATE EXTENSION vector by a user who may make extensions, once";
    match error.code() {
        Some(&(SqlState::UNDEFINED_FILE | SqlState::FEATURE_NOT_SUPPORTED | SqlState::INSUFFICIENT_PRIVILEGE)) => {
            Failure::Unavailable(format!("{}; {MEND}", why(error)))
        }
        _ => failed(error),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests;
